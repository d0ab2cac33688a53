package addresses

import (
	"cmp"
	"net/netip"
	"slices"
)

// Table is a set of ranges that never changes. The zero value is empty.
type Table struct {
	prefixes []netip.Prefix // sorted, none within another
	origins  []int32        // where each comes from
}

// Entry is a range and where it comes from: the number of a line, say.
type Entry struct {
	Prefix netip.Prefix
	Origin int32
}

// NewTable makes a table of the entries, in any order. Of ranges that lie within
// another one only that one is kept.
func NewTable(entries []Entry) *Table {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
	kept := 0
	for i, e := range entries {
		// Ranges overlap only in that one contains the other, and it sorts before.
		if i > 0 && entries[kept-1].Prefix.Contains(e.Prefix.Addr()) {
			continue
		}
		entries[kept] = e
		kept++
	}
	t := &Table{make([]netip.Prefix, kept), make([]int32, kept)}
	for i, e := range entries[:kept] {
		t.prefixes[i], t.origins[i] = e.Prefix, e.Origin
	}
	return t
}

// Find returns the entry that has the address, which is [Plain].
func (t *Table) Find(address netip.Addr) (Entry, bool) {
	low, high := 0, len(t.prefixes) // the last range that does not begin behind the address is before high
	for low < high {
		middle := int(uint(low+high) >> 1)
		if t.prefixes[middle].Addr().Compare(address) <= 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == 0 || !t.prefixes[low-1].Contains(address) {
		return Entry{}, false
	}
	return Entry{t.prefixes[low-1], t.origins[low-1]}, true
}

// Prefixes returns the ranges, which nobody may change.
func (t *Table) Prefixes() []netip.Prefix { return t.prefixes }
