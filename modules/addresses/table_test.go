package addresses

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
)

func tableOf(t testing.TB, texts ...string) *Table {
	t.Helper()
	var entries []Entry
	for i, text := range texts {
		prefix, err := ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Entry{prefix, int32(i + 1)})
	}
	return NewTable(entries)
}

func TestFind(t *testing.T) {
	table := tableOf(t, "198.51.100.0/24", "192.0.2.0/25", "192.0.2.7", "2001:db8::/32", "2001:db8:1::/48", "203.0.113.255", "::ffff:203.0.113.0/121")
	for address, want := range map[string]string{
		"192.0.2.0": "192.0.2.0/25", "192.0.2.7": "192.0.2.0/25", "192.0.2.127": "192.0.2.0/25", "192.0.2.128": "", "192.0.1.255": "",
		"198.51.100.255": "198.51.100.0/24", "198.51.101.0": "", "203.0.113.255": "203.0.113.255/32", "203.0.113.254": "",
		"203.0.113.127": "203.0.113.0/25", "0.0.0.0": "", "255.255.255.255": "", "::": "", "::ffff:192.0.2.7": "192.0.2.0/25",
		"2001:db8:1::5": "2001:db8::/32", "2001:db9::": "", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff": "", "2001:db8::1%eth0": "2001:db8::/32",
	} {
		entry, found := table.Find(Plain(netip.MustParseAddr(address)))
		if got := entry.Prefix.String(); found != (want != "") || found && got != want {
			t.Errorf("%s is found in %q (%v), want %q", address, got, found, want)
		}
	}
	if _, found := new(Table).Find(netip.MustParseAddr("192.0.2.1")); found {
		t.Error("an empty table has an address")
	}
	if all, found := tableOf(t, "0.0.0.0/0").Find(netip.MustParseAddr("2001:db8::1")); found {
		t.Errorf("all of IPv4 has an IPv6 address: %v", all)
	}
}

// The table finds what a search one by one finds, whatever overlaps.
func TestFindLikeOneByOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	address := func() netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(random.IntN(4)), byte(random.IntN(256)), byte(random.IntN(256))})
	}
	for range 50 {
		var entries []Entry
		for n := range 200 {
			prefix, err := address().Prefix(14 + random.IntN(19))
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, Entry{prefix, int32(n)})
		}
		all := append([]Entry(nil), entries...)
		table := NewTable(entries)
		for range 500 {
			a, want := address(), false
			for _, e := range all {
				want = want || e.Prefix.Contains(a)
			}
			entry, got := table.Find(a)
			if got != want || got && (!entry.Prefix.Contains(a) || all[entry.Origin].Prefix != entry.Prefix) {
				t.Fatalf("%s: %v in %v, want %v", a, got, entry, want)
			}
		}
	}
}

func TestParsePrefixRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7/24":      `"192.0.2.7/24" has address bits behind its prefix: did you mean 192.0.2.0/24?`,
		"example.com":       `"example.com" is no IP address and no CIDR range such as 192.0.2.0/24`,
		"192.0.2.0/33":      `"192.0.2.0/33" is no IP address and no CIDR range such as 192.0.2.0/24`,
		"":                  `"" is no IP address and no CIDR range such as 192.0.2.0/24`,
		"::ffff:0:0/95":     `"::ffff:0:0/95" covers more than the IPv4 addresses: write it as an IPv4 range`,
		"192.0.2.1 ":        `"192.0.2.1 " is no IP address and no CIDR range such as 192.0.2.0/24`,
		"010.0.0.0/8":       `"010.0.0.0/8" is no IP address and no CIDR range such as 192.0.2.0/24`,
		"192.0.2.1\x00":     `"192.0.2.1\x00" is no IP address and no CIDR range such as 192.0.2.0/24`,
		"fe80::1%eth0/64":   `"fe80::1%eth0/64" is no IP address and no CIDR range such as 192.0.2.0/24`,
		"１９２.0.2.1":         `"１９２.0.2.1" is no IP address and no CIDR range such as 192.0.2.0/24`,
		"192.0.2.0/24/24":   `"192.0.2.0/24/24" is no IP address and no CIDR range such as 192.0.2.0/24`,
		"192.0.2.0-192.0.3": `"192.0.2.0-192.0.3" is no IP address and no CIDR range such as 192.0.2.0/24`,
	} {
		if _, err := ParsePrefix(text); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	var texts []string
	for n := range 10_000 {
		texts = append(texts, fmt.Sprintf("10.%d.%d.%d/30", n/16384, n/64%256, n%64*4))
	}
	table, address := tableOf(b, texts...), netip.MustParseAddr("10.0.77.130")
	b.ReportAllocs()
	for b.Loop() {
		if _, found := table.Find(address); !found {
			b.Fatal("it is not found")
		}
	}
}

// Finding an address among many costs no memory.
func TestFindAllocatesNothing(t *testing.T) {
	table, address := tableOf(t, "192.0.2.0/24", "2001:db8::/32"), netip.MustParseAddr("192.0.2.9")
	if n := testing.AllocsPerRun(100, func() { table.Find(address) }); n != 0 {
		t.Errorf("finding costs %v allocations", n)
	}
}
