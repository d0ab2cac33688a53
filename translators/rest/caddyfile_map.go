package rest

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/scim"
)

// parseMap reads a line map and its block; the dispenser stands at the word map.
func parseMap(d *caddyfile.Dispenser, full *scim.ResourceType, handled ...string) (MapConfig, error) {
	return MapConfig{}, d.Errf("maps are not read")
}
