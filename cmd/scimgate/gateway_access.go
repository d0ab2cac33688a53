package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/scimgate/scimgate/modules/access"
)

// gatewayAccess is what commands need to know of a gateway to tell who may call it. It
// is read from the configuration: nothing is provisioned.
type gatewayAccess struct {
	Name        string `json:"name"`
	Base        string `json:"base"`
	ExternalURL string `json:"external_url"`
	Access      struct {
		Credentials []access.Credential `json:"credentials"`
	} `json:"access"`
}

// credential returns the credential of the configuration that has the name, or nil.
func (g *gatewayAccess) credential(name string) *access.Credential {
	for i := range g.Access.Credentials {
		if c := &g.Access.Credentials[i]; c.Name == name {
			return c
		}
	}
	return nil
}

// tenantURL is what to paste at the provider besides the token.
func (g *gatewayAccess) tenantURL() string {
	if g.ExternalURL != "" {
		return g.ExternalURL
	}
	return "https://<the name of this server>" + g.Base
}

// access returns the gateways of the configuration.
func (c *configuration) access() []*gatewayAccess {
	var all []*gatewayAccess
	seen := make(map[string]bool)
	gateways(c.tree, func(handler map[string]any) {
		g := new(gatewayAccess)
		text, err := json.Marshal(handler)
		if err != nil || json.Unmarshal(text, g) != nil || seen[g.Name] {
			return
		}
		seen[g.Name] = true
		all = append(all, g)
	})
	return all
}

// accessOf returns the gateway of that name; "" is the only one.
func (c *configuration) accessOf(name string) (*gatewayAccess, error) {
	all := c.access()
	var names []string
	for _, g := range all {
		if g.Name == name || name == "" && len(all) == 1 {
			return g, nil
		}
		names = append(names, g.Name)
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("the configuration has no scim_gateway")
	case name == "":
		return nil, fmt.Errorf("choose a gateway with --gateway: %s", strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("there is no gateway %q; there is %s", name, strings.Join(names, ", "))
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
