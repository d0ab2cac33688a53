package scim

import (
	"fmt"
	"slices"
)

// Targets returns what a filter looks at, each once, in the order of the text.
// A target within [Elements] is listed like one outside.
func Targets(f Filter) []Target {
	var targets []Target
	var walk func(Filter)
	walk = func(f Filter) {
		switch f := f.(type) {
		case nil:
		case And:
			for _, t := range f.Terms {
				walk(t)
			}
		case Or:
			for _, t := range f.Terms {
				walk(t)
			}
		case Not:
			walk(f.Term)
		case Elements:
			walk(f.Filter)
		case Compare:
			targets = append(targets, f.Target)
		case Present:
			targets = append(targets, f.Target)
		default:
			panic(fmt.Sprintf("scim: no such filter: %T", f))
		}
	}
	walk(f)
	seen := make(map[Target]bool, len(targets))
	return slices.DeleteFunc(targets, func(t Target) bool {
		if seen[t] {
			return true
		}
		seen[t] = true
		return false
	})
}

// comparisons returns how many comparisons a filter makes, pr included.
func comparisons(f Filter) int {
	n := 0
	switch f := f.(type) {
	case And:
		for _, t := range f.Terms {
			n += comparisons(t)
		}
	case Or:
		for _, t := range f.Terms {
			n += comparisons(t)
		}
	case Not:
		n = comparisons(f.Term)
	case Elements:
		n = comparisons(f.Filter)
	case Compare, Present:
		n = 1
	}
	return n
}

// EqualTerms returns what a selector demands, sub-attribute by sub-attribute,
// when it is one eq comparison or several joined by and, and ok. The fields make
// the element that satisfies it: a PATCH of emails[type eq "work"].value where
// there is no such element adds one of the type work (Entra relies on that).
// Any other selector, one that asks for null, and one that asks for two
// different values of the same sub-attribute are not ok.
func EqualTerms(selector Filter) (fields []Field, ok bool) {
	terms := []Filter{selector}
	if and, is := selector.(And); is {
		terms = and.Terms
	}
	for _, t := range terms {
		c, is := t.(Compare)
		if !is || c.Operator != Equal || c.Value.IsAbsent() || c.Target.Sub == nil {
			return nil, false
		}
		if v, found := fieldOf(fields, c.Target.Sub); !found {
			fields = append(fields, Field{c.Target.Sub, c.Value})
		} else if !relate(c.Target.Sub, v, Equal, c.Value) {
			return nil, false
		}
	}
	return fields, true
}

func fieldOf(fields []Field, a *Attribute) (v Value, found bool) {
	for _, f := range fields {
		if f.Attribute == a {
			return f.Value, true
		}
	}
	return Value{}, false
}
