package remember

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// The bounds of what is looked at to answer a filter that neither the backend nor the
// store can answer alone.
const (
	most       = 1000   // resources
	mostValues = 10_000 // resources of which what is remembered is held against it
)

// mentions reports whether a filter looks at something that is remembered.
func (k *kind) mentions(f scim.Filter) bool {
	return slices.ContainsFunc(scim.Targets(f), func(t scim.Target) bool { return k.remembered(t.Attribute) != nil })
}

// source is where all resources are that may satisfy a filter: they are in one of the
// lookups in the store, or satisfy one of the filters that the backend can evaluate.
type source struct {
	lookups []scim.Filter // a comparison, or pr, of something remembered
	backend []scim.Filter // nil is everything
}

var anywhere = source{backend: []scim.Filter{nil}}

// sources returns where to look for what satisfies a filter. Each of them is enough:
// the first is likely to be the smallest.
func (k *kind) sources(f scim.Filter) []source {
	if !k.mentions(f) {
		return []source{{backend: []scim.Filter{f}}}
	}
	switch f := f.(type) {
	case scim.Compare:
		if f.Operator == scim.NotEqual && !f.Value.IsAbsent() || f.Operator == scim.Equal && f.Value.IsAbsent() {
			return []source{anywhere} // who has no value satisfies it
		}
		return []source{{lookups: []scim.Filter{f}}}
	case scim.Present:
		return []source{{lookups: []scim.Filter{f}}}
	case scim.And:
		return k.narrowest(f)
	case scim.Or:
		var all source
		for _, term := range f.Terms {
			first := k.sources(term)[0]
			all.lookups = append(all.lookups, first.lookups...)
			all.backend = append(all.backend, first.backend...)
		}
		return []source{all}
	}
	return []source{anywhere}
}

// narrowest returns the sources of a conjunction: what satisfies all terms is where
// one of them is. An equal value is had by few.
func (k *kind) narrowest(f scim.And) []source {
	var equal, others []source
	var backend []scim.Filter
	for _, term := range f.Terms {
		if !k.mentions(term) {
			backend = append(backend, term)
			continue
		}
		for _, s := range k.sources(term) {
			switch {
			case s.isEverything():
			case len(s.backend) == 0 && !slices.ContainsFunc(s.lookups, isWide):
				equal = append(equal, s)
			default:
				others = append(others, s)
			}
		}
	}
	all := append(equal, others...)
	if len(backend) > 0 {
		all = slices.Insert(all, len(equal), source{backend: []scim.Filter{joined(backend)}})
	}
	return append(all, anywhere)
}

func (s source) isEverything() bool {
	return slices.ContainsFunc(s.backend, func(f scim.Filter) bool { return f == nil })
}

// isWide reports whether many may satisfy a lookup.
func isWide(lookup scim.Filter) bool {
	c, is := lookup.(scim.Compare)
	return !is || c.Operator != scim.Equal
}

func joined(terms []scim.Filter) scim.Filter {
	if len(terms) == 1 {
		return terms[0]
	}
	return scim.And{Terms: terms}
}

// find searches for what satisfies a filter that looks at something remembered.
func (t *Translator) find(ctx context.Context, k *kind, q translators.Query) (translators.Result, error) {
	for _, target := range scim.Targets(q.Filter) {
		if target.Attribute.IsReferenceSet() {
			return translators.Result{}, scim.Invalid(scim.InvalidFilter,
				"%s is remembered by the gateway, and can't be searched together with %s; search for one of them", k.names, target.Attribute)
		}
	}
	var found translators.Result
	err := tooMany(q.Filter)
	for _, s := range k.sources(q.Filter) {
		if found, err = t.findIn(ctx, k, q, s); translators.KindOf(err) != translators.TooMany {
			break
		}
	}
	return found, err
}

func tooMany(f scim.Filter) error {
	return &translators.Error{Kind: translators.TooMany, Detail: fmt.Sprintf(
		"The gateway remembers a part of what %s asks for itself, and more than %d resources would have to be looked at. Narrow the filter, for example by userName eq.", f, most)}
}

// findIn searches in one source.
func (t *Translator) findIn(ctx context.Context, k *kind, q translators.Query, s source) (translators.Result, error) {
	known := make(map[string]*values)
	for _, lookup := range s.lookups {
		rows, err := t.lookUp(ctx, k, lookup)
		if err != nil {
			return translators.Result{}, err
		}
		for id, v := range rows {
			known[id] = v
		}
		if len(known) > most {
			return translators.Result{}, tooMany(q.Filter)
		}
	}
	if len(k.Remembered) > 1 && len(known) > 0 { // the lookups know one value of each
		var err error
		if known, err = t.memory.rows(ctx, k, slices.Collect(maps.Keys(known))); err != nil {
			return translators.Result{}, err
		}
	}
	needed := k.without(q.Selection.WithTargets(q.Filter))
	entries, err := t.candidates(ctx, k, q, s, known, needed)
	if err != nil {
		return translators.Result{}, err
	}
	all := q.Selection.WithTargets(q.Filter)
	if entries, err = t.complete(ctx, k, entries, all, known); err != nil {
		return translators.Result{}, err
	}
	entries = slices.DeleteFunc(entries, func(e *translators.Entry) bool { return !scim.Match(q.Filter, e.Resource) })
	for _, e := range entries {
		q.Selection.Trim(e.Resource)
	}
	if len(entries) > q.Limit {
		return translators.Result{Entries: entries[:q.Limit], More: true}, nil
	}
	return translators.Result{Entries: entries}, nil
}

// lookUp returns what is remembered of those who satisfy a lookup.
func (t *Translator) lookUp(ctx context.Context, k *kind, f scim.Filter) (map[string]*values, error) {
	a := k.remembered(scim.Targets(f)[0].Attribute)
	var key *string
	if !isWide(f) {
		text := keyOf(f.(scim.Compare).Value.Text())
		key = &text
	}
	rows, err := t.memory.lookUp(ctx, k, a, key, mostValues)
	if err != nil {
		return nil, err
	}
	if len(rows) > mostValues {
		return nil, tooMany(f)
	}
	for id, v := range rows {
		r := scim.NewResource(k.ResourceType)
		r.Set(a, scim.String(v.text(a)))
		if !scim.Match(f, r) {
			delete(rows, id)
		}
	}
	return rows, nil
}

// candidates reads what is in a source, each resource once.
func (t *Translator) candidates(ctx context.Context, k *kind, q translators.Query, s source, known map[string]*values, needed translators.Selection) ([]*translators.Entry, error) {
	var entries []*translators.Entry
	if len(s.lookups) > 0 && len(known) > 0 {
		ids := slices.Sorted(maps.Keys(known))
		read, err := t.Translator.Read(ctx, q.Type, ids, needed)
		if err != nil {
			return nil, err
		}
		entries = read
		there := idsOf(entries)
		t.tend(ctx, k, known, func(id string) bool { return there[id] })
	}
	if len(s.backend) == 0 {
		return entries, nil
	}
	var filter scim.Filter
	if !s.isEverything() {
		if filter = s.backend[0]; len(s.backend) > 1 {
			filter = scim.Or{Terms: s.backend}
		}
	}
	result, err := t.Translator.Search(ctx, translators.Query{Type: q.Type, Filter: filter, Selection: needed, Limit: most})
	if err != nil {
		return nil, err
	}
	if result.More {
		return nil, tooMany(q.Filter)
	}
	there := idsOf(entries)
	for _, e := range result.Entries {
		if !there[e.Resource.ID] {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

func idsOf(entries []*translators.Entry) map[string]bool {
	ids := make(map[string]bool, len(entries))
	for _, e := range entries {
		ids[e.Resource.ID] = true
	}
	return ids
}
