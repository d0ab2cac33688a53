package directory

import (
	"cmp"
	"slices"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// sortKey is one key of a sorted search (RFC 2891 section 1.1).
type sortKey struct {
	typ     *AttributeType
	reverse bool
}

// orderings are the matching rules that order values, by name in lower case and by OID. Values are kept in
// a form whose bytes are in order; of integers alone the order is another.
var orderings = func() map[string]bool {
	rules := map[string]bool{}
	for _, name := range []string{
		"caseIgnoreOrderingMatch", "2.5.13.3", "caseExactOrderingMatch", "2.5.13.6", "numericStringOrderingMatch", "2.5.13.9",
		"integerOrderingMatch", "2.5.13.15", "octetStringOrderingMatch", "2.5.13.18", "generalizedTimeOrderingMatch", "2.5.13.28",
		"UUIDOrderingMatch", "1.3.6.1.1.16.3", "CSNOrderingMatch", "1.3.6.1.4.1.4203.666.11.2.3",
	} {
		rules[strings.ToLower(name)] = true
	}
	return rules
}()

// maxSortKeys is how many keys a search may be sorted by, as in slapd.
const maxSortKeys = 5

// decodeSort reads the control that asks for sorting. What can't be sorted by is refused whether the
// control is critical or not, as slapd does.
func (s *schema) decodeSort(p *ber.Packet) ([]sortKey, error) {
	var keys []sortKey
	for _, part := range p.Children {
		in := fieldsOf(part)
		name := in.octets()
		rule := in.optional(ber.ClassContext, 0)
		reverse := in.optional(ber.ClassContext, 1)
		if in.failed || len(in.rest) > 0 {
			return nil, protocolError("serverSort control: decoding error")
		}
		key := sortKey{typ: s.attribute[strings.ToLower(name)], reverse: reverse != nil && slices.ContainsFunc(reverse.Data.Bytes(), func(b byte) bool { return b != 0 })}
		switch {
		case len(keys) == maxSortKeys:
			return nil, fail(ldap.LDAPResultUnwillingToPerform, "serverSort control: Too many sort keys")
		case key.typ == nil:
			return nil, fail(ldap.LDAPResultNoSuchAttribute, "serverSort control: Unrecognized attribute type in sort key")
		case rule == nil && !key.typ.is(Ordered), rule != nil && !orderings[strings.ToLower(rule.Data.String())]:
			return nil, fail(ldap.LDAPResultInappropriateMatching, "serverSort control: No ordering rule")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, protocolError("serverSort control: decoding error")
	}
	return keys, nil
}

// sortable is an entry with its value for each key; what is there stands behind a null byte.
type sortable struct {
	entry  *entry
	values []string
}

// sortMatches returns those entries of the list that match, sorted. Like a search it gives up the lock now
// and then.
func (s *Server) sortMatches(rq *request, query *searchRequest, top *entry, list []*entry) []*entry {
	keys, hidden := rq.controls.sort, s.hides(rq.who)
	var found []sortable
	for batch := range slices.Chunk(list, searchBatch) {
		s.mu.RLock()
		for _, e := range batch {
			if e.gone || !e.isBelow(top) || !rq.who.sees(e) || s.tree.match(query.filter, e, hidden) != isTrue {
				continue
			}
			item := sortable{e, make([]string, len(keys))}
			for i, key := range keys {
				if a := s.tree.values(e, key.typ); a != nil && !hidden(key.typ) {
					item.values[i] = "\x00" + slices.MinFunc(a.norm, func(a, b string) int { return compareOrdered(key.typ, a, b) })
				}
			}
			found = append(found, item)
		}
		s.mu.RUnlock()
	}
	slices.SortFunc(found, func(a, b sortable) int {
		for i, key := range keys {
			if n := compareSorted(key, a.values[i], b.values[i]); n != 0 {
				return n
			}
		}
		return cmp.Compare(a.entry.id, b.entry.id)
	})
	sorted := make([]*entry, len(found))
	for i, item := range found {
		sorted[i] = item.entry
	}
	return sorted
}

// compareSorted compares two values; what has none is larger than all that have one (RFC 2891 section 2.2).
func compareSorted(key sortKey, a, b string) int {
	n := 0
	switch {
	case a == b:
	case a == "":
		n = 1
	case b == "":
		n = -1
	default:
		n = compareOrdered(key.typ, a[1:], b[1:])
	}
	if key.reverse {
		return -n
	}
	return n
}

// encodeSorted answers that the search was sorted (RFC 2891 section 1.2).
func encodeSorted() *ber.Packet {
	return encodeControl(controlSortResult, sequence(ber.ClassUniversal, ber.TagSequence,
		ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, 0, "")))
}
