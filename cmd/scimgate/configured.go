package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/gateway"
)

// configuredGateway is what the configuration says of a gateway, as far as commands
// need it. Nothing is provisioned.
type configuredGateway struct {
	Name        string `json:"name"`
	Base        string `json:"base"`
	BaseV1      string `json:"base_v1"`
	ExternalURL string `json:"external_url"`
	Access      struct {
		Credentials []access.Credential `json:"credentials"`
	} `json:"access"`
	Translator struct {
		Type string `json:"type"`
	} `json:"translator"`

	raw json.RawMessage // of the handler
}

// gateways returns the gateways of the configuration, wherever in it they stand, by
// name.
func (c *configuration) gateways() []*configuredGateway {
	var all []*configuredGateway
	var collect func(node any)
	collect = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			if node["handler"] == "scim_gateway" {
				all = append(all, configured(node))
				return
			}
			for _, child := range node {
				collect(child)
			}
		case []any:
			for _, child := range node {
				collect(child)
			}
		}
	}
	collect(c.tree)
	slices.SortFunc(all, func(a, b *configuredGateway) int { return strings.Compare(a.Name, b.Name) })
	// Caddy repeats a site that has several ports.
	return slices.CompactFunc(all, func(a, b *configuredGateway) bool { return a.Name == b.Name })
}

// configured reads the configuration of a gateway. What is wrong in it is found when it
// is provisioned.
func configured(handler map[string]any) *configuredGateway {
	g := new(configuredGateway)
	options := make(map[string]any, len(handler))
	for name, value := range handler {
		if name != "handler" {
			options[name] = value
		}
	}
	raw, err := json.Marshal(options)
	if err == nil {
		_ = json.Unmarshal(raw, g)
	}
	g.Name, _ = handler["name"].(string)
	g.raw = raw
	return g
}

// names returns the names of the gateways, sorted.
func (c *configuration) names() []string {
	var names []string
	for _, g := range c.gateways() {
		names = append(names, g.Name)
	}
	return names
}

// find returns the gateway of that name; "" is the only one.
func (c *configuration) find(name string) (*configuredGateway, error) {
	all := c.gateways()
	for _, g := range all {
		if g.Name == name || name == "" && len(all) == 1 {
			return g, nil
		}
	}
	switch there := strings.Join(c.names(), ", "); {
	case len(all) == 0:
		return nil, errors.New("the configuration has no scim_gateway")
	case name == "":
		return nil, fmt.Errorf("choose a gateway with --gateway: %s", there)
	default:
		return nil, fmt.Errorf("there is no gateway %q; there is %s", name, there)
	}
}

// chosen returns the gateways of those names, or all of them where none is named.
func (c *configuration) chosen(names []string) ([]*configuredGateway, error) {
	if len(names) == 0 {
		if all := c.gateways(); len(all) > 0 {
			return all, nil
		}
		_, err := c.find("")
		return nil, err
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	var chosen []*configuredGateway
	for _, name := range names {
		g, err := c.find(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, g)
	}
	return chosen, nil
}

// withoutDoor provisions the gateway without its door: to a command on the machine itself
// it is no matter who may call, and the secrets of callers, which only the service may be
// able to read, are not needed.
func (g *configuredGateway) withoutDoor(ctx caddy.Context) (*gateway.Handler, error) {
	var options map[string]json.RawMessage
	if err := json.Unmarshal(g.raw, &options); err != nil {
		return nil, err
	}
	delete(options, "access")
	raw, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	return provisioned(ctx, raw)
}

// credential returns the credential of the configuration that has the name, or nil.
func (g *configuredGateway) credential(name string) *access.Credential {
	for i := range g.Access.Credentials {
		if c := &g.Access.Credentials[i]; c.Name == name {
			return c
		}
	}
	return nil
}

// tenantURL is what to paste at the provider besides the token.
func (g *configuredGateway) tenantURL() string {
	if g.ExternalURL != "" {
		return g.ExternalURL
	}
	return "https://<the name of this server>" + g.Base
}

// addressesInWords names addresses as they are written in a configuration.
func addressesInWords(prefixes []netip.Prefix) string {
	if len(prefixes) == 0 {
		return "wherever the gateway allows"
	}
	var words []string
	for _, p := range prefixes {
		if p.IsSingleIP() {
			words = append(words, p.Addr().String())
		} else {
			words = append(words, p.String())
		}
	}
	return strings.Join(words, ", ")
}
