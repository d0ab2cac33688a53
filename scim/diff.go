package scim

import (
	"slices"
	"strconv"
	"strings"
)

// Diff returns the attributes in which after differs from before, in the order
// of the resource type. The values of a multi-valued attribute have no order
// (RFC 7643 §2.4): the same values in another order are no difference.
// Everything else is compared to the letter, case included, because a value has
// to read back as it was sent.
//
// A nil before is a resource that does not exist yet, a nil after one that
// exists no more. Both must be of one [ResourceType]; id and meta are not
// compared, and neither are the members of a group (see [MemberChange]).
func Diff(before, after *Resource) []Difference {
	if before == nil && after == nil {
		return nil
	}
	some := after
	if some == nil {
		some = before
	}
	var differences []Difference
	compare := func(s *Schema) {
		for _, a := range s.Attributes {
			d := Difference{Attribute: a}
			if before != nil {
				d.Before = before.Get(a)
			}
			if after != nil {
				d.After = after.Get(a)
			}
			if !sameValue(d.Before, d.After) {
				differences = append(differences, d)
			}
		}
	}
	compare(some.Type.Schema)
	for _, e := range some.Type.Extensions {
		compare(e)
	}
	return differences
}

// sameValue reports whether v and w are equal when the order within lists does
// not count.
func sameValue(v, w Value) bool {
	if v.Equal(w) {
		return true
	}
	if v.kind != w.kind || v.kind != KindList && v.kind != KindComplex {
		return false
	}
	return string(appendKey(nil, v)) == string(appendKey(nil, w))
}

// appendKey appends a text that two values share if and only if they are equal
// but for the order of fields and of lists. Each part is written with its
// length before it, so that no value can imitate another.
func appendKey(dst []byte, v Value) []byte {
	switch v.kind {
	case KindBool:
		return strconv.AppendBool(append(dst, 'b'), v.flag)
	case KindString:
		return appendPart(append(dst, 's'), v.text)
	case KindNumber:
		return appendPart(append(dst, 'n'), v.text)
	case KindComplex:
		parts := make([]string, len(v.fields))
		for i, f := range v.fields {
			name := appendPart(nil, strings.ToLower(f.Attribute.Name))
			parts[i] = string(appendKey(name, f.Value))
		}
		return appendParts(append(dst, 'c'), parts)
	case KindList:
		parts := make([]string, len(v.items))
		for i, item := range v.items {
			parts[i] = string(appendKey(nil, item))
		}
		return appendParts(append(dst, 'l'), parts)
	}
	return append(dst, 'a')
}

func appendParts(dst []byte, parts []string) []byte {
	slices.Sort(parts)
	dst = append(strconv.AppendInt(dst, int64(len(parts)), 10), ':')
	for _, p := range parts {
		dst = appendPart(dst, p)
	}
	return dst
}

func appendPart(dst []byte, s string) []byte {
	dst = append(strconv.AppendInt(dst, int64(len(s)), 10), ':')
	return append(dst, s...)
}
