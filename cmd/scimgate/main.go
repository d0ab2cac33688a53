// Command scimgate is Caddy with the scimgate modules: a SCIM 2.0 gateway
// for applications that know nothing of SCIM.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "time/tzdata"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func main() {
	caddycmd.Main()
}
