package scim

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Sort is an order of resources (RFC 7644 §3.4.2.3): by the value of By, which
// of a multi-valued attribute is the primary or else the first one; texts are
// compared as the attribute's caseExact says. What has no value comes last, or
// first when Descending.
type Sort struct {
	By         Target
	Descending bool
}

// String writes the order as in sortBy, with descending behind it.
func (s Sort) String() string {
	if s.Descending {
		return s.By.String() + " descending"
	}
	return s.By.String()
}

// Compare returns a negative number when a comes before b, a positive one when it
// comes behind, and 0 when their values are the same: then what tells them apart,
// such as the id, is up to the caller. Numbers are compared by what they are
// worth, dateTimes by the instant; false comes before true.
//
// a and b may be of different types: of another type than the one that By was
// read for, the attribute of that name counts.
func (s Sort) Compare(a, b *Resource) int {
	switch s.By.Sub {
	case metaCreated:
		return s.compareTimes(a.Meta.Created, b.Meta.Created)
	case metaLastModified:
		return s.compareTimes(a.Meta.LastModified, b.Meta.LastModified)
	}
	v, w := s.value(a), s.value(b)
	n := 0
	switch {
	case v.IsAbsent() && w.IsAbsent():
		return 0
	case v.IsAbsent():
		n = 1
	case w.IsAbsent():
		n = -1
	case v.kind == KindBool && w.kind == KindBool:
		n = compareBools(v.flag, w.flag)
	default:
		n = order(s.By.Leaf(), v, w)
	}
	return s.directed(n)
}

func (s Sort) directed(n int) int {
	if s.Descending {
		return -n
	}
	return n
}

// compareTimes is Compare for what meta holds as such, which need not be written
// and read for it.
func (s Sort) compareTimes(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return s.directed(1)
	case b.IsZero():
		return s.directed(-1)
	}
	return s.directed(a.Compare(b))
}

// value returns what a resource is sorted by; an empty string is no value.
func (s Sort) value(r *Resource) Value {
	t := s.By
	if t.Sub == metaLocation {
		return String(Location("", r))
	}
	v := r.Get(t.Attribute)
	if v.IsAbsent() && t.Attribute.schema != "" {
		v = r.named(t.Attribute)
	}
	v = preferred(v)
	if t.Sub != nil {
		v = v.Sub(t.Sub)
		if v.kind == KindList {
			v = v.items[0]
		}
	}
	if v.kind == KindString && v.text == "" {
		return Value{}
	}
	return v
}

// named returns the value of the attribute that is called like a, in another
// narrowing of its type or in another type.
func (r *Resource) named(a *Attribute) Value {
	same := Value{}
	for _, f := range r.fields {
		switch {
		case f.Attribute.Name != a.Name:
		case f.Attribute.schema == a.schema:
			return f.Value
		case r.Type.Attribute(a.Name) == f.Attribute:
			same = f.Value
		}
	}
	return same
}

// preferred returns the primary value of a list, else the first one.
func preferred(v Value) Value {
	if v.kind != KindList {
		return v
	}
	for _, item := range v.items {
		if item.SubNamed("primary").IsTrue() {
			return item
		}
	}
	return v.items[0]
}

func compareBools(v, w bool) int {
	switch {
	case v == w:
		return 0
	case w:
		return -1
	}
	return 1
}

// compareFolded compares texts as [folded] would have them, without making these.
func compareFolded(s, t string) int {
	for s != "" && t != "" {
		r, n := utf8.DecodeRuneInString(s)
		q, m := utf8.DecodeRuneInString(t)
		if r, q = foldRune(r), foldRune(q); r != q {
			// UTF-8 is ordered like the runes that it stands for.
			return int(r) - int(q)
		}
		s, t = s[n:], t[m:]
	}
	return len(s) - len(t)
}

// sortBy reads sortBy and sortOrder (RFC 7644 §3.4.2.3).
func (x *decoding) sortBy(given *parameters) (by string, isDescending, isGiven bool) {
	switch order := strings.TrimSpace(given[paramSortOrder].text); {
	case order == "", strings.EqualFold(order, "ascending"):
	case strings.EqualFold(order, "descending"):
		isDescending = true
	default:
		x.fail(Invalid(InvalidValue, "sortOrder is %s; expected ascending or descending", shorten(order)))
	}
	by = strings.TrimSpace(given[paramSortBy].text)
	return by, isDescending, by != ""
}

// sortTarget reads the attribute in sortBy. One that t does not have is an
// [UnknownAttributeError].
func sortTarget(t *ResourceType, name string) (Target, *Error) {
	target, found := ParseTarget(t, name)
	if !found {
		err := Invalid(InvalidValue, "sortBy: the attribute %s is not mapped by this gateway; sort by one that /Schemas shows, by id or by meta.lastModified", shorten(name))
		err.Err = &UnknownAttributeError{Name: name, Position: 1}
		return Target{}, err
	}
	refuse := func(format string, args ...any) (Target, *Error) {
		return Target{}, Invalid(InvalidValue, "sortBy: "+format, args...)
	}
	a := target.Attribute
	switch leaf := target.Leaf(); {
	case a == AttributeSchemas:
		return refuse("schemas have no order; sort by meta.resourceType or by an attribute")
	case leaf.Mutability == WriteOnly || leaf.Returned == ReturnedNever || a.Mutability == WriteOnly || a.Returned == ReturnedNever:
		return refuse("%s is never shown, and an order would show it; sort by another attribute", target)
	case a.MultiValued && a.Sub("$ref") != nil:
		return refuse("%s are references to others, which have no order; sort by another attribute", a)
	case leaf.Name == "$ref":
		return refuse("%s is made from the value beside it; sort by %s.value", target, a)
	case target.Sub == nil && a.IsComplex():
		if target.Sub = a.Sub("value"); target.Sub == nil {
			return refuse("%s is complex; sort by one of its sub-attributes%s", a, listSubs(a))
		}
	}
	return target, nil
}
