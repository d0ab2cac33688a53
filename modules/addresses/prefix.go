package addresses

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParsePrefix parses an address or a CIDR range, which must be written exactly: no
// bits behind its prefix. An IPv4-mapped IPv6 range is its IPv4 range.
func ParsePrefix(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && !strings.Contains(address.Zone(), "/") {
		address = Plain(address)
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no IP address and no CIDR range such as 192.0.2.0/24", brief(text))
	}
	if prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%q covers more than the IPv4 addresses: write it as an IPv4 range", text)
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	if masked := prefix.Masked(); masked != prefix {
		return netip.Prefix{}, fmt.Errorf("%q has address bits behind its prefix: did you mean %s?", text, masked)
	}
	return prefix, nil
}

// Plain returns the address as it is looked for: without a zone, and an IPv4 address
// in IPv6 form as the IPv4 address.
func Plain(address netip.Addr) netip.Addr { return address.WithZone("").Unmap() }

// brief shortens a text of a file for a message.
func brief(text string) string {
	const most = 64
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
