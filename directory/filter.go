package directory

import (
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// truth is the outcome of a filter (RFC 4511 section 4.5.1.7). Undefined is neither true nor false, and
// stays so under "not".
type truth uint8

const (
	isFalse truth = iota
	isUndefined
	isTrue
)

func truthOf(b bool) truth {
	if b {
		return isTrue
	}
	return isFalse
}

// filter is a search filter with names resolved and values normalised.
type filter struct {
	kind     ber.Tag        // one of go-ldap's Filter constants
	typ      *AttributeType // nil: an unknown attribute or unusable value, so the item is Undefined
	norm     string
	class    *class // what an objectClass equality asks for
	parts    substrings
	children []*filter
}

// substrings are the pieces of a substring filter, "" where there is none.
type substrings struct {
	initial, final string
	any            []string
}

// maxFilterItems bounds the work that one filter can ask for.
const maxFilterItems = 10000

// compileFilter reads a filter off the wire. Errors mean a malformed message.
func (s *schema) compileFilter(p *ber.Packet) (*filter, error) {
	budget := maxFilterItems
	return s.compileItem(p, &budget)
}

func (s *schema) compileItem(p *ber.Packet, budget *int) (*filter, error) {
	if *budget--; *budget < 0 || p.ClassType != ber.ClassContext {
		return nil, protocolError("filter not understood")
	}
	f := &filter{kind: p.Tag}
	switch p.Tag {
	case ldap.FilterAnd, ldap.FilterOr, ldap.FilterNot:
		if p.TagType != ber.TypeConstructed || p.Tag == ldap.FilterNot && len(p.Children) != 1 {
			return nil, protocolError("filter set not understood")
		}
		for _, child := range p.Children {
			compiled, err := s.compileItem(child, budget)
			if err != nil {
				return nil, err
			}
			f.children = append(f.children, compiled)
		}
	case ldap.FilterPresent:
		f.typ = s.attribute[strings.ToLower(p.Data.String())]
	case ldap.FilterEqualityMatch, ldap.FilterGreaterOrEqual, ldap.FilterLessOrEqual, ldap.FilterApproxMatch:
		in := fieldsOf(p)
		name, value := in.octets(), in.octets()
		if in.failed {
			return nil, protocolError("attribute value assertion not understood")
		}
		if p.Tag == ldap.FilterApproxMatch {
			f.kind = ldap.FilterEqualityMatch
		}
		s.compileAssertion(f, name, value)
	case ldap.FilterSubstrings:
		return f, s.compileSubstrings(f, p)
	case ldap.FilterExtensibleMatch:
		return f, s.compileExtensible(f, p)
	default:
		return nil, protocolError("filter choice not understood")
	}
	return f, nil
}

// compileAssertion resolves an attribute and its value; what it cannot resolve stays Undefined.
func (s *schema) compileAssertion(f *filter, name, value string) {
	t := s.attribute[strings.ToLower(name)]
	if t == nil || t.Rule == Opaque || f.kind != ldap.FilterEqualityMatch && !t.is(Ordered) {
		return
	}
	if t == s.known.objectClass {
		if f.class = s.class[strings.ToLower(value)]; f.class == nil {
			return
		}
	}
	if _, norm, ok := s.normalise(t, value); ok {
		f.typ, f.norm = t, norm
	}
}

func (s *schema) compileSubstrings(f *filter, p *ber.Packet) error {
	in := fieldsOf(p)
	t := s.attribute[strings.ToLower(in.octets())]
	pieces := in.take(ber.ClassUniversal, ber.TagSequence)
	if in.failed || len(pieces.Children) == 0 {
		return protocolError("substring filter not understood")
	}
	for i, piece := range pieces.Children {
		value := piece.Data.String()
		if piece.ClassType != ber.ClassContext || piece.TagType != ber.TypePrimitive || value == "" {
			return protocolError("substring filter not understood")
		}
		if t != nil {
			value = normalisePart(t, value)
		}
		switch {
		case piece.Tag == ldap.FilterSubstringsInitial && i == 0:
			f.parts.initial = strings.TrimLeft(value, " ")
		case piece.Tag == ldap.FilterSubstringsAny:
			f.parts.any = append(f.parts.any, value)
		case piece.Tag == ldap.FilterSubstringsFinal && i == len(pieces.Children)-1:
			f.parts.final = strings.TrimRight(value, " ")
		default:
			return protocolError("substring filter not understood")
		}
	}
	if t != nil && t.is(Substrings) {
		f.typ = t
	}
	return nil
}

// compileExtensible understands an attribute with no rule, or with its own equality rule by name.
func (s *schema) compileExtensible(f *filter, p *ber.Packet) error {
	var rule, name, value string
	for _, part := range p.Children {
		switch {
		case part.ClassType != ber.ClassContext || part.TagType != ber.TypePrimitive:
			return protocolError("extensible filter not understood")
		case part.Tag == ldap.MatchingRuleAssertionMatchingRule:
			rule = part.Data.String()
		case part.Tag == ldap.MatchingRuleAssertionType:
			name = part.Data.String()
		case part.Tag == ldap.MatchingRuleAssertionMatchValue:
			value = part.Data.String()
		}
	}
	f.kind = ldap.FilterEqualityMatch
	if t := s.attribute[strings.ToLower(name)]; t != nil && (rule == "" || strings.EqualFold(rule, rules[t.Rule].equality)) {
		s.compileAssertion(f, name, value)
	}
	return nil
}

// match evaluates the filter on an entry. Attributes that hidden names are Undefined, as for a client
// without the right to search by them.
func (t *tree) match(f *filter, e *entry, hidden func(*AttributeType) bool) truth {
	switch f.kind {
	case ldap.FilterAnd, ldap.FilterOr:
		// The smallest outcome decides an "and", the largest an "or".
		outcome, decided := isTrue, isFalse
		if f.kind == ldap.FilterOr {
			outcome, decided = isFalse, isTrue
		}
		for _, child := range f.children {
			switch v := t.match(child, e, hidden); {
			case v == decided:
				return decided
			case v == isUndefined:
				outcome = isUndefined
			}
		}
		return outcome
	case ldap.FilterNot:
		return isTrue - t.match(f.children[0], e, hidden)
	}
	if f.typ == nil || hidden(f.typ) {
		return isUndefined
	}
	if f.class != nil {
		return truthOf(t.hasClass(e, f.class))
	}
	a := t.values(e, f.typ)
	switch {
	case a == nil:
		return isFalse
	case f.kind == ldap.FilterPresent:
		return isTrue
	case f.kind == ldap.FilterEqualityMatch:
		return truthOf(a.find(f.norm) >= 0)
	}
	for _, norm := range a.norm {
		switch f.kind {
		case ldap.FilterSubstrings:
			if f.parts.match(norm) {
				return isTrue
			}
		case ldap.FilterGreaterOrEqual:
			if compareOrdered(f.typ, norm, f.norm) >= 0 {
				return isTrue
			}
		case ldap.FilterLessOrEqual:
			if compareOrdered(f.typ, norm, f.norm) <= 0 {
				return isTrue
			}
		}
	}
	return isFalse
}

func (p *substrings) match(value string) bool {
	value, ok := strings.CutPrefix(value, p.initial)
	if !ok {
		return false
	}
	for _, part := range p.any {
		if _, value, ok = strings.Cut(value, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(value, p.final)
}

// hasClass reports whether the entry is of the class or of one that extends it.
func (t *tree) hasClass(e *entry, wanted *class) bool {
	if a := e.get(t.schema.known.objectClass); a != nil {
		for _, name := range a.norm {
			if t.schema.class[name].descendsFrom(wanted) {
				return true
			}
		}
	}
	return false
}

// candidates returns entries among which all matches are, from the indexes; ok is false when only a
// walk through the scope will do.
func (t *tree) candidates(f *filter) (found []*entry, ok bool) {
	switch f.kind {
	case ldap.FilterEqualityMatch:
		if f.typ != nil && f.class == nil {
			return t.lookup(f.typ, f.norm)
		}
		return nil, f.typ == nil
	case ldap.FilterAnd:
		for _, child := range f.children {
			if list, indexed := t.candidates(child); indexed && (!ok || len(list) < len(found)) {
				found, ok = list, true
			}
		}
	case ldap.FilterOr:
		seen := map[*entry]bool{}
		for _, child := range f.children {
			list, indexed := t.candidates(child)
			if !indexed {
				return nil, false
			}
			for _, e := range list {
				if !seen[e] {
					seen[e] = true
					found = append(found, e)
				}
			}
		}
		ok = true
	}
	return found, ok
}
