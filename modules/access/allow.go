package access

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/scimgate/scimgate/modules/addresses"
)

// sources is the namespace of the modules that allow names.
const sources = "http.ip_sources"

// allowList is what allow lines add up to. None at all are no list: callers come from
// anywhere. A list that has become empty is one: nobody is on it.
type allowList []addresses.Source

// provision makes the list of addresses and of the guests that host, which has them in
// its field AllowSources, was given.
func (l *allowList) provision(ctx caddy.Context, host any, texts []string, raw []json.RawMessage) error {
	*l = nil
	prefixes, err := parsePrefixes(texts)
	if err != nil {
		return err
	}
	if len(prefixes) > 0 {
		*l = append(*l, &configured{addresses.NewTable(entriesOf(prefixes)), texts})
	}
	if len(raw) == 0 {
		return nil
	}
	var names []string
	for _, guest := range raw {
		var named struct {
			Source string `json:"source"`
		}
		if err := json.Unmarshal(guest, &named); err != nil {
			return fmt.Errorf("allow: %w", err)
		}
		names = append(names, named.Source)
	}
	loaded, err := ctx.LoadModule(host, "AllowSources")
	if err != nil {
		return fmt.Errorf("allow: %w", err)
	}
	for i, guest := range loaded.([]any) {
		source, is := guest.(caddyhttp.IPRangeSource)
		if !is {
			return fmt.Errorf("allow: module %s.%s is no source of addresses", sources, names[i])
		}
		*l = append(*l, addresses.From(names[i], source))
	}
	return nil
}

// find returns the entry that lets an address in.
func (l allowList) find(r *http.Request, address netip.Addr) (addresses.Match, bool) {
	for _, source := range l {
		if match, found := source.Find(r, address); found {
			return match, true
		}
	}
	return addresses.Match{}, false
}

// configured are the addresses that stand in the configuration itself.
type configured struct {
	*addresses.Table
	texts []string
}

func entriesOf(prefixes []netip.Prefix) []addresses.Entry {
	entries := make([]addresses.Entry, len(prefixes))
	for i, prefix := range prefixes {
		entries[i] = addresses.Entry{Prefix: prefix, Origin: int32(i)}
	}
	return entries
}

// GetIPRanges implements caddyhttp.IPRangeSource.
func (c *configured) GetIPRanges(*http.Request) []netip.Prefix { return c.Prefixes() }

// Find implements addresses.Source.
func (c *configured) Find(_ *http.Request, address netip.Addr) (addresses.Match, bool) {
	entry, found := c.Table.Find(address)
	return addresses.Match{Prefix: entry.Prefix, List: c, Origin: entry.Origin}, found
}

// About implements addresses.Source.
func (c *configured) About() string {
	if len(c.texts) == 1 {
		return c.texts[0] + " of the configuration"
	}
	return fmt.Sprintf("%d addresses and ranges of the configuration", len(c.texts))
}

// parsePrefixes parses addresses and CIDR ranges; an IPv4-mapped IPv6 range is
// its IPv4 range.
func parsePrefixes(texts []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range texts {
		prefix, err := parsePrefix(text)
		if err != nil {
			return nil, err
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

func parsePrefix(text string) (netip.Prefix, error) { return addresses.ParsePrefix(text) }
