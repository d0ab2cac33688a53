package remember

import (
	"context"
	"iter"
	"math"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// handle is the Entry.Handle of an entry of a kind: the backend's own entry, and what
// is remembered of it.
type handle struct {
	inner   *translators.Entry
	values  *values // nil: nothing
	isKnown bool    // whether values are: they were asked for
}

// Read implements [translators.Translator]. What is remembered takes one query, and
// none where the selection does not ask for it.
func (t *Translator) Read(ctx context.Context, rt *scim.ResourceType, ids []string, s translators.Selection) ([]*translators.Entry, error) {
	k := t.kindOf(rt)
	if k == nil {
		return t.Translator.Read(ctx, rt, ids, s)
	}
	entries, err := t.Translator.Read(ctx, rt, ids, k.without(s))
	if err != nil {
		return nil, err
	}
	return t.complete(ctx, k, entries, s, nil)
}

// without returns the selection as the backend is asked.
func (k *kind) without(s translators.Selection) translators.Selection {
	isRemembered := func(a *scim.Attribute) bool { return k.remembered(a) != nil }
	if slices.ContainsFunc(s.Attributes, isRemembered) {
		s.Attributes = slices.DeleteFunc(slices.Clone(s.Attributes), isRemembered)
	}
	return s
}

// asks reports whether a selection can't be met without the store.
func (k *kind) asks(s translators.Selection) bool {
	return s.All || s.Version && k.HasVersions || slices.ContainsFunc(k.Remembered, s.Wants)
}

// complete returns the backend's entries with what is remembered of them, as far as
// the selection wants it. known is what has been read already.
func (t *Translator) complete(ctx context.Context, k *kind, entries []*translators.Entry, s translators.Selection, known map[string]*values) ([]*translators.Entry, error) {
	isAsked := k.asks(s) || known != nil
	if isAsked {
		var unknown []string
		for _, e := range entries {
			if known[e.Resource.ID] == nil {
				unknown = append(unknown, e.Resource.ID)
			}
		}
		if len(unknown) > 0 {
			rows, err := t.memory.rows(ctx, k, unknown)
			if err != nil {
				return nil, err
			}
			t.tend(ctx, k, rows, func(string) bool { return true })
			for id, v := range known {
				rows[id] = v
			}
			known = rows
		}
	}
	complete := make([]*translators.Entry, len(entries))
	for i, e := range entries {
		complete[i] = k.entry(e, s, known[e.Resource.ID], isAsked)
	}
	return complete, nil
}

// entry returns a backend's entry with what is remembered of it. Without knowing that
// it has no version: the backend's alone would say that nothing has changed.
func (k *kind) entry(inner *translators.Entry, s translators.Selection, v *values, isKnown bool) *translators.Entry {
	outer := *inner
	outer.Resource = inner.Resource.Clone()
	outer.Handle = &handle{inner, v, isKnown}
	if !isKnown {
		outer.Resource.Meta.Version = ""
		return &outer
	}
	outer.Resource.Meta.Version = versionOf(outer.Resource.Meta.Version, v)
	for _, a := range k.Remembered {
		if text := v.text(a); text != "" && s.Wants(a) {
			outer.Resource.Set(a, scim.String(text))
		}
	}
	return &outer
}

// text returns what is remembered of an attribute; "" is nothing.
func (v *values) text(a *scim.Attribute) string {
	if v == nil {
		return ""
	}
	return v.of[a.String()]
}

// unwrap returns the backend's own entry.
func unwrap(e *translators.Entry) *translators.Entry {
	if e == nil {
		return nil
	}
	if h, ok := e.Handle.(*handle); ok {
		return h.inner
	}
	return e
}

// tend sees to what is remembered of ids that the backend has or has not. That it
// fails concerns nobody's request.
func (t *Translator) tend(ctx context.Context, k *kind, known map[string]*values, isThere func(id string) bool) {
	if err := t.memory.tend(ctx, k, known, isThere, time.Now()); err != nil {
		t.log.Debug("it could not be written down which resources the backend has no longer", zap.Error(err))
	}
}

// Search implements [translators.Translator].
func (t *Translator) Search(ctx context.Context, q translators.Query) (translators.Result, error) {
	k := t.kindOf(q.Type)
	if k == nil {
		return t.Translator.Search(ctx, q)
	}
	if k.mentions(q.Filter) {
		return t.find(ctx, k, q)
	}
	inner := q
	inner.Selection = k.without(q.Selection)
	result, err := t.Translator.Search(ctx, inner)
	if err != nil {
		return translators.Result{}, err
	}
	result.Entries, err = t.complete(ctx, k, result.Entries, q.Selection, nil)
	return result, err
}

// Scan implements [translators.Translator].
func (t *Translator) Scan(ctx context.Context, rt *scim.ResourceType, filter scim.Filter) iter.Seq2[string, error] {
	k := t.kindOf(rt)
	if k == nil || !k.mentions(filter) {
		return t.Translator.Scan(ctx, rt, filter)
	}
	return func(yield func(string, error) bool) {
		result, err := t.find(ctx, k, translators.Query{Type: rt, Filter: filter, Limit: math.MaxInt})
		if err != nil {
			yield("", err)
			return
		}
		for _, e := range result.Entries {
			if !yield(e.Resource.ID, nil) {
				return
			}
		}
	}
}

// ScanSorted implements [translators.Translator]. No backend sorts by what it has not.
func (t *Translator) ScanSorted(ctx context.Context, rt *scim.ResourceType, filter scim.Filter, by scim.Sort) (iter.Seq2[string, error], bool) {
	if k := t.kindOf(rt); k != nil && (k.mentions(filter) || k.remembered(by.By.Attribute) != nil) {
		return nil, false
	}
	return t.Translator.ScanSorted(ctx, rt, filter, by)
}
