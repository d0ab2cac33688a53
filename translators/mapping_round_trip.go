package translators

import (
	"errors"
	"fmt"
	"slices"

	"github.com/scimgate/scimgate/scim"
)

// RoundTrip reports what of the backend's values would not be the same if a resource
// was written as it was read: what can't be read, what is refused on writing, and
// fields that would get other values. It is for a check by hand of whether a mapping
// suits the data; the arguments are those of Decode. A reference is written with the
// name by which it was read.
func (m *Mapping) RoundTrip(get func(field string) []string, refs References) []Problem {
	r := scim.NewResource(m.Type)
	refs = &sameNames{refs, make(map[string]string)}
	problems := m.Decode(r, Selection{All: true}, get, refs)
	for i := range m.attributes {
		// One by one, so that one that can't be written hides no other.
		a := m.attributes[i].attribute
		values, dropped, err := m.Encode(r, func(b *scim.Attribute) bool { return a == b }, refs)
		if err != nil {
			path := a.String()
			if e, is := errors.AsType[*Error](err); is && e.Path != "" {
				path = e.Path
			}
			problems = append(problems, Problem{Path: path, Why: "it can't be written as it was read"})
			continue
		}
		for _, path := range dropped {
			problems = append(problems, Problem{Path: path, Why: "what was read has no place to be written to"})
		}
		for _, v := range values {
			if why := differs(withoutEmpty(get(v.Field)), v.Values); why != "" {
				problems = append(problems, Problem{Path: m.LeafOf(v.Field).Path.String(), Field: v.Field, Why: why})
			}
		}
	}
	return problems
}

// sameNames gives ids the names that they were read from.
type sameNames struct {
	References
	names map[string]string
}

// ID implements [References].
func (s *sameNames) ID(l *Leaf, name string) (string, bool) {
	if s.References == nil {
		return "", false
	}
	id, ok := s.References.ID(l, name)
	if ok {
		s.names[id] = name
	}
	return id, ok
}

// Name implements [References].
func (s *sameNames) Name(_ *Leaf, id string) (string, bool) {
	name, ok := s.names[id]
	return name, ok
}

func withoutEmpty(raws []string) []string {
	return slices.DeleteFunc(slices.Clone(raws), func(raw string) bool { return raw == "" })
}

// differs says how what would be written differs from what is there, or "". Values are
// a set.
func differs(there, written []string) string {
	gone, added := 0, 0
	for _, v := range there {
		if !slices.Contains(written, v) {
			gone++
		}
	}
	for _, v := range written {
		if !slices.Contains(there, v) {
			added++
		}
	}
	switch {
	case gone == 0 && added == 0:
		return ""
	case added == 0:
		return fmt.Sprintf("writing what was read would remove %d of its %d values", gone, len(there))
	case gone == 0:
		return fmt.Sprintf("writing what was read would add %d to its %d values", added, len(there))
	}
	return "writing what was read would write it in another form"
}
