package scim

import (
	"strings"
	"time"
)

// SortKey is what a [Sort] looks at in one resource, in the form in which it is
// compared: many resources can be ordered while their keys alone are held. It
// refers to nothing of the resource. The zero SortKey is that of a resource which
// has no value.
type SortKey struct {
	class keyClass
	text  string
}

// keyClass orders keys that can't be compared with each other.
type keyClass uint8

const (
	keyAbsent keyClass = iota // behind all others, see CompareKeys
	keyText                   // compared byte by byte: a folded text, an instant, false and true
	keyNumber
	keyOdd // a text where a dateTime should be
)

// Key returns what r is ordered by. CompareKeys orders keys as Compare orders the
// resources.
func (s Sort) Key(r *Resource) SortKey {
	switch s.By.Sub {
	case metaCreated:
		return keyOfTime(r.Meta.Created)
	case metaLastModified:
		return keyOfTime(r.Meta.LastModified)
	}
	return keyOf(s.By.Leaf(), s.value(r))
}

func keyOfTime(t time.Time) SortKey {
	if t.IsZero() {
		return SortKey{}
	}
	const comparable = "2006-01-02T15:04:05.000000000"
	return SortKey{keyText, t.UTC().Format(comparable)}
}

// keyOf returns the key of one value of a.
func keyOf(a *Attribute, v Value) SortKey {
	switch v.Kind() {
	case KindBool:
		if v.IsTrue() {
			return SortKey{keyText, "1"}
		}
		return SortKey{keyText, "0"}
	case KindNumber:
		return SortKey{keyNumber, strings.Clone(v.Text())}
	case KindString:
		if a.Type != TypeDateTime {
			return SortKey{keyText, strings.Clone(folded(a, v.Text()))}
		}
		if t, ok := parseDateTime(strings.TrimSpace(v.Text())); ok {
			return keyOfTime(t)
		}
		return SortKey{keyOdd, strings.Clone(folded(a, v.Text()))}
	}
	return SortKey{}
}

// CompareKeys orders two keys that s made, as [slices.SortFunc] wants it. Keys of
// equal values are equal, and it is for the caller to order their resources.
func (s Sort) CompareKeys(a, b SortKey) int {
	order := compareKeys(a, b)
	if s.Descending {
		return -order
	}
	return order
}

func compareKeys(a, b SortKey) int {
	switch {
	case a.class == b.class && a.class == keyNumber:
		return compareNumbers(a.text, b.text)
	case a.class == b.class:
		return strings.Compare(a.text, b.text)
	case a.class == keyAbsent:
		return 1
	case b.class == keyAbsent:
		return -1
	}
	return int(a.class) - int(b.class)
}

// Append appends the key to dst in a form that is the same for equal texts, to
// make a digest of.
func (k SortKey) Append(dst []byte) []byte { return append(append(dst, byte(k.class)), k.text...) }
