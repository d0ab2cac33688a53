// Package scimgate plugs all of scimgate's modules into Caddy. It is the one
// import path for those who build Caddy themselves:
//
//	xcaddy build --with github.com/scimgate/scimgate
package scimgate

import (
	// The modules register themselves.
	_ "github.com/scimgate/scimgate/modules/admin"
	_ "github.com/scimgate/scimgate/modules/gateway"
	_ "github.com/scimgate/scimgate/translators/ldap"
	_ "github.com/scimgate/scimgate/translators/rest"
)
