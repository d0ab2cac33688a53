package scim

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
)

// Match reports whether r satisfies f (RFC 7644 §3.4.2.2); everything satisfies
// a nil filter.
//
// A comparison of a multi-valued attribute holds when it holds for one of its
// values, as the RFC has it, and so does ne: emails.type ne "work" asks for an
// e-mail address that is not the work one, not for people who have no work one;
// they are not (emails.type eq "work").
//
// The RFC is silent about missing values. Here they differ from every value, so
// that ne holds: a rule for everybody whose userType ne "Contractor" must not
// overlook those who have none. All other comparisons fail; but primary eq false
// holds for an element that does not say (RFC 7643 §2.4). eq null holds when
// there is no value at all, ne null when there is one. pr is ne null, except
// that an empty string is not present, and a complex value only if a part of it
// is.
//
// Strings and references are compared without case, by Unicode's simple folding,
// unless the attribute is caseExact; dateTimes by the instant, binary values by
// their bytes, numbers by what they are worth; co, sw and ew always by the text.
//
// The members of a group are not in a [Resource], nor is meta.location: a filter
// that looks at them (see [Targets]) is for whoever has them.
func Match(f Filter, r *Resource) bool { return f == nil || holds(f, resourceScope{r}) }

// MatchValue reports whether element, one value of a multi-valued complex
// attribute, satisfies the filter of [Elements] or the selector of a [Path].
// Every element satisfies a nil selector.
func MatchValue(selector Filter, element Value) bool {
	if c, is := selector.(Compare); is && c.Target.Sub != nil { // most are; this way nothing is allocated
		if v := element.Sub(c.Target.Sub); v.kind != KindList {
			return compareHolds(c, []Value{v})
		}
	}
	return selector == nil || holds(selector, elementScope{element})
}

// scope is what a filter is held against.
type scope interface {
	// elements returns the values of an attribute.
	elements(a *Attribute) []Value
	// leaves returns the value of the target in each element, absent where an
	// element lacks the sub-attribute.
	leaves(t Target) []Value
}

type resourceScope struct{ *Resource }

// elements finds the attribute by its name as well, so that a filter parsed for
// another narrowing of the type looks at the same values.
func (s resourceScope) elements(a *Attribute) []Value {
	if v := s.Get(a); !v.IsAbsent() {
		return v.Items()
	}
	for _, f := range s.fields {
		if f.Attribute.Name == a.Name && f.Attribute.schema == a.schema {
			return f.Value.Items()
		}
	}
	return nil
}

func (s resourceScope) leaves(t Target) []Value {
	values := s.elements(t.Attribute)
	if t.Sub == nil {
		return values
	}
	leaves := make([]Value, 0, len(values))
	for _, v := range values {
		leaves = appendLeaves(leaves, v.Sub(t.Sub))
	}
	return leaves
}

// appendLeaves appends the value of a sub-attribute, or each of its values.
func appendLeaves(leaves []Value, v Value) []Value {
	if v.kind == KindList {
		return append(leaves, v.items...)
	}
	return append(leaves, v)
}

type elementScope struct{ Value }

func (s elementScope) elements(*Attribute) []Value { return []Value{s.Value} }

func (s elementScope) leaves(t Target) []Value {
	if t.Sub == nil {
		return []Value{s.Value}
	}
	return appendLeaves(nil, s.Sub(t.Sub))
}

func holds(f Filter, s scope) bool {
	switch f := f.(type) {
	case And:
		for _, t := range f.Terms {
			if !holds(t, s) {
				return false
			}
		}
		return true
	case Or:
		for _, t := range f.Terms {
			if holds(t, s) {
				return true
			}
		}
		return false
	case Not:
		return !holds(f.Term, s)
	case Elements:
		for _, e := range s.elements(f.Attribute) {
			if holds(f.Filter, elementScope{e}) {
				return true
			}
		}
		return false
	case Present:
		for _, v := range s.leaves(f.Target) {
			if isPresent(v) {
				return true
			}
		}
		return false
	case Compare:
		return compareHolds(f, s.leaves(f.Target))
	}
	panic(fmt.Sprintf("scim: no such filter: %T", f))
}

func isPresent(v Value) bool {
	switch v.kind {
	case Absent:
		return false
	case KindString:
		return v.text != ""
	case KindComplex:
		for _, f := range v.fields {
			if isPresent(f.Value) {
				return true
			}
		}
		return false
	}
	return true
}

func compareHolds(c Compare, values []Value) bool {
	if c.Value.IsAbsent() {
		isThere := false
		for _, v := range values {
			isThere = isThere || !v.IsAbsent()
		}
		return isThere == (c.Operator == NotEqual)
	}
	leaf := c.Target.Leaf()
	for _, v := range values {
		if v.IsAbsent() && isPrimary(leaf) {
			v = Bool(false)
		}
		if relate(leaf, v, c.Operator, c.Value) {
			return true
		}
	}
	return len(values) == 0 && relate(leaf, Value{}, c.Operator, c.Value)
}

func isPrimary(a *Attribute) bool {
	return a.Type == TypeBoolean && a.parent != nil && a.parent.MultiValued && strings.EqualFold(a.Name, "primary")
}

// relate reports whether v stands in that relation to w, which is not absent.
func relate(a *Attribute, v Value, op Operator, w Value) bool {
	if v.IsAbsent() {
		return op == NotEqual
	}
	switch op {
	case Equal:
		return equal(a, v, w)
	case NotEqual:
		return !equal(a, v, w)
	case Contains:
		return strings.Contains(folded(a, v.text), folded(a, w.text))
	case StartsWith:
		return strings.HasPrefix(folded(a, v.text), folded(a, w.text))
	case EndsWith:
		return strings.HasSuffix(folded(a, v.text), folded(a, w.text))
	case GreaterThan:
		return order(a, v, w) > 0
	case GreaterOrEqual:
		return order(a, v, w) >= 0
	case LessThan:
		return order(a, v, w) < 0
	case LessOrEqual:
		return order(a, v, w) <= 0
	}
	panic("scim: no such operator: " + string(op))
}

func equal(a *Attribute, v, w Value) bool {
	if v.kind != w.kind || v.kind == KindComplex || v.kind == KindList {
		return v.Equal(w)
	}
	switch {
	case v.kind == KindBool:
		return v.flag == w.flag
	case v.kind == KindNumber, a.Type == TypeDateTime:
		return order(a, v, w) == 0
	case a.Type == TypeBinary:
		x, errX := DecodeBinary(v.text)
		y, errY := DecodeBinary(w.text)
		if errX == nil && errY == nil {
			return bytes.Equal(x, y)
		}
	}
	if a.CaseExact {
		return v.text == w.text
	}
	return strings.EqualFold(v.text, w.text)
}

// order compares chronologically, by number or as text, as the type of a asks. A
// value from the backend that is no dateTime is compared as text.
func order(a *Attribute, v, w Value) int {
	if v.kind == KindNumber && w.kind == KindNumber {
		return compareNumbers(v.text, w.text)
	}
	if a.Type == TypeDateTime {
		x, okX := parseDateTime(strings.TrimSpace(v.text))
		y, okY := parseDateTime(strings.TrimSpace(w.text))
		if okX && okY {
			return x.Compare(y)
		}
	}
	if a.CaseExact {
		return strings.Compare(v.text, w.text)
	}
	return compareFolded(v.text, w.text)
}

// folded returns s in the form in which a's values are compared: two strings
// have the same one exactly when strings.EqualFold has them equal.
func folded(a *Attribute, s string) string {
	if a.CaseExact {
		return s
	}
	return Fold(s)
}

// Fold returns s in the form in which texts are compared that are not caseExact: two
// texts have the same one exactly when strings.EqualFold has them equal.
func Fold(s string) string { return strings.Map(foldRune, s) }

// foldRune returns the same one of the runes that differ in case alone: the lower
// case of the smallest. It is lower case because directories compare that (RFC
// 4518 §2.2, appendix B): an underscore, for one, stands before all letters then.
func foldRune(r rune) rune {
	if r < 0x80 {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	smallest := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		smallest = min(smallest, next)
	}
	if unicode.SimpleFold(smallest) == smallest {
		return smallest // it has no case: of İ the lower case would be an i
	}
	return unicode.ToLower(smallest)
}
