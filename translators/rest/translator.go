package rest

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/tidwall/gjson"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// Translator translates users and groups into the calls of an application's API.
type Translator struct {
	Config

	logger *zap.Logger
	kinds  []*kind // users before groups, others behind
	users  *kind   // nil when users are not served
	groups *kind   // nil when groups are not served

	backend *backend // kept after Cleanup, for the requests that are under way
}

// backend is the connection to an application, shared by all configurations that
// describe it alike, so that it survives a reload.
type backend struct {
	client *web.Client
}

// CaddyModule returns the module's information.
func (Translator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "scim.translators.rest",
		New: func() caddy.Module { return new(Translator) },
	}
}

// kind is a resource type as it was provisioned.
type kind struct {
	config  *ResourceConfig
	mapping *mapping
	served  translators.Type
	steps   map[Operation][]*step

	active *scim.Attribute // users: nil when active is not served
	groups *scim.Attribute // users: nil when groups are not served
}

// handle is the Entry.Handle of this translator: the record as it was read.
type handle struct {
	id      string
	record  gjson.Result
	isWhole bool   // not only what a row has
	etag    string // "" when there was none
}
