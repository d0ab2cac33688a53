// Package addresses has lists of IP addresses that live in files: Caddy guests in
// the namespace http.ip_sources, for a gateway's allow lines and wherever else Caddy
// takes a source of addresses, trusted_proxies above all. A list is read again when
// its file changes, without a reload; a file that can't be used leaves the last good
// list in force.
package addresses

import (
	"bufio"
	"io"
	"net/http"
	"net/netip"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Source is a source of addresses that can tell more than Caddy asks of one.
type Source interface {
	caddyhttp.IPRangeSource
	// Find returns what has the address, which is [Plain], for a request, which it
	// must not change.
	Find(*http.Request, netip.Addr) (Match, bool)
	// About describes the list: where it is, and its state.
	About() string
}

// Match is the entry of a list that has an address.
type Match struct {
	Prefix netip.Prefix
	List   Source
	Origin int32 // as the list numbers where its entries come from
}

// explained is a source that tells where an entry comes from.
type explained interface{ origin(int32) string }

// String says which entry it is: 192.0.2.0/24, line 7 of /etc/scimgate/office.
func (m Match) String() string {
	if e, is := m.List.(explained); is {
		return m.Prefix.String() + ", " + e.origin(m.Origin)
	}
	return m.Prefix.String()
}

// From returns a guest of http.ip_sources as a Source.
func From(name string, guest caddyhttp.IPRangeSource) Source {
	if s, is := guest.(Source); is {
		return s
	}
	return &other{guest, name}
}

// other is a source that somebody else has made.
type other struct {
	caddyhttp.IPRangeSource
	name string
}

func (o *other) Find(r *http.Request, address netip.Addr) (Match, bool) {
	for _, prefix := range o.GetIPRanges(r) {
		if prefix.Contains(address) || prefix.Addr().Is4In6() && prefix.Bits() >= 96 &&
			netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96).Contains(address) {
			return Match{Prefix: prefix, List: o}, true
		}
	}
	return Match{}, false
}

func (o *other) About() string { return "source " + o.name }

// skipMark skips a byte order mark, with which some editors begin a file.
func skipMark(from io.Reader) io.Reader {
	buffered := bufio.NewReader(from)
	if start, _ := buffered.Peek(3); string(start) == "\ufeff" {
		_, _ = buffered.Discard(3)
	}
	return buffered
}

func init() {
	caddy.RegisterModule(new(File))
	caddy.RegisterModule(new(ServiceTags))
}
