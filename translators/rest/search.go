package rest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Search implements [translators.Translator]. Whatever the application understands by
// a search, the filter is evaluated here on each row that came, over all pages; of what
// a row does not tell the record is read.
func (t *Translator) Search(ctx context.Context, q translators.Query) (translators.Result, error) {
	k := t.kindOf(q.Type)
	found, more, err := t.gather(ctx, k, q.Filter, q.Selection, q.Limit)
	if err != nil {
		return translators.Result{}, fmt.Errorf("searching %s: %w", k.served.Name, err)
	}
	entries, err := t.entriesOf(ctx, k, found, q.Selection)
	if err != nil {
		return translators.Result{}, err
	}
	return translators.Result{Entries: entries, More: more}, nil
}

// errEnough ends a walk that has seen what it wanted to see.
var errEnough = errors.New("enough rows were seen")

// gather returns at most limit records that satisfy the filter, and whether there are
// more. What is selected can be read in each.
func (t *Translator) gather(ctx context.Context, k *kind, f scim.Filter, s translators.Selection, limit int) (found []*handle, more bool, err error) {
	return t.gatherOf(ctx, k, f, s, limit, false)
}

// gatherOf is gather, which may take the records that count as absent, too.
func (t *Translator) gatherOf(ctx context.Context, k *kind, f scim.Filter, s translators.Selection, limit int, withAbsent bool) (found []*handle, more bool, err error) {
	asked, err := t.inquire(k, f)
	if err != nil {
		return nil, false, err
	}
	m := &matcher{t: t, k: k, filter: f, wanted: withTargets(s, f), limit: limit}
	m.look = k.lookFor(m.wanted)
	m.look.takesAbsent, asked.withAbsent = withAbsent, withAbsent
	most := t.Candidates
	if f == nil {
		most = 0 // they all satisfy it, and the walk ends with the limit
	}
	err = t.eachRow(ctx, k, asked, most, func(h *handle) error { return m.add(ctx, h) })
	if err != nil && !errors.Is(err, errEnough) {
		return nil, false, err
	}
	if err == nil {
		if err := m.finish(ctx); err != nil && !errors.Is(err, errEnough) {
			return nil, false, err
		}
	}
	if len(m.found) > limit {
		return m.found[:limit], true, nil
	}
	return m.found, false, nil
}

// eachRow calls each for the rows of an inquiry, each record once. More than most rows
// (0: any number) are an error, never a shorter answer.
func (t *Translator) eachRow(ctx context.Context, k *kind, asked inquiry, most int, each func(*handle) error) error {
	seen, rows := make(map[string]bool), 0
	once := func(h *handle) error {
		if rows++; most > 0 && rows > most {
			return t.tooWide(k)
		}
		if seen[h.id] || h.isAbsent && !asked.withAbsent {
			return nil
		}
		seen[h.id] = true
		return each(h)
	}
	walk := func(s *step, with *scope) error {
		for row, err := range t.rows(ctx, s, with) {
			if err != nil {
				return err
			}
			h, err := t.rowOf(k, s, row)
			if err != nil {
				return (&lookup{t: t, s: s, with: with}).clean(err)
			}
			if err := once(h); err != nil {
				return err
			}
		}
		return nil
	}
	if asked.list {
		if err := t.eachFixed(k, once); err != nil {
			return err
		}
		for _, s := range k.steps[OpList] {
			if err := walk(s, &scope{kind: k}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, q := range asked.questions {
		ids, err := []string{q.id}, error(nil)
		if q.member != "" {
			if ids, err = t.groupsOfMember(ctx, q.member); err != nil {
				return err
			}
		}
		if q.id != "" || q.member != "" {
			for _, id := range ids {
				h, err := t.recordAwaited(ctx, k, id, k.everything())
				if err == nil && h != nil {
					err = once(h)
				}
				if err != nil {
					return err
				}
			}
			continue
		}
		for _, s := range q.steps {
			with := &scope{kind: k}
			if attributes := s.attributes(); len(attributes) == 1 {
				with.attribute, with.value = attributes[0], q.value
			}
			if err := walk(s, with); err != nil {
				return err
			}
		}
	}
	return nil
}

// rowOf makes a handle of a row. One that has its id elsewhere than records has is no
// record: it tells what the configuration says of rows, or nothing but its id.
func (s *step) rowOf(k *kind, row gjson.Result) (*handle, error) {
	if s.id == nil {
		id, err := k.idOf(row)
		return &handle{id: id, record: row}, err
	}
	id := idText(s.id.Value(row))
	if id == "" {
		return nil, fmt.Errorf("a row has no id at %s, which id of the call says: %s", s.id, shape(row))
	}
	if len(k.config.Rows) == 0 {
		row = gjson.Parse("{}")
	}
	return &handle{id: id, record: row}, nil
}

// tooWide is the refusal of what can't be answered within the bound.
func (t *Translator) tooWide(k *kind) error {
	return &translators.Error{Kind: translators.TooMany, Detail: fmt.Sprintf(
		"More than %d rows of the application would have to be looked at to find the %s that is meant. Narrow the filter, have the application search more exactly, or raise candidates.", t.Candidates, k.served.Name)}
}

// matcher collects the records that satisfy a filter.
type matcher struct {
	t      *Translator
	k      *kind
	filter scim.Filter
	wanted translators.Selection
	look   look
	limit  int

	found   []*handle
	seen    map[string]bool
	pending []*handle // rows that do not tell all that is to be known
}

// add looks at a row.
func (m *matcher) add(ctx context.Context, h *handle) error {
	if m.seen == nil {
		m.seen = make(map[string]bool)
	}
	m.seen[h.id] = true
	isStale := m.t.backend.writes.expects(m.k, h.id)
	switch {
	case !isStale && !h.isUnsure && (h.isWhole || m.k.sees(h.record, m.look)):
		return m.judge(ctx, h)
	case !isStale && !m.mayMatch(h):
		return nil
	}
	m.pending = append(m.pending, h)
	if m.filter == nil && len(m.found)+len(m.pending) > m.limit {
		return m.read(ctx)
	}
	return nil
}

// finish looks at what the rows did not tell, and at what was written a moment ago and
// may not be found yet.
func (m *matcher) finish(ctx context.Context) error {
	if err := m.read(ctx); err != nil {
		return err
	}
	for _, id := range m.t.backend.writes.unseen(m.k, m.filter, m.seen) {
		m.pending = append(m.pending, &handle{id: id})
	}
	return m.read(ctx)
}

// read reads the pending records.
func (m *matcher) read(ctx context.Context) error {
	for part := range slices.Chunk(m.pending, 4*atOnce) {
		ids := make([]string, len(part))
		for i, h := range part {
			ids[i] = h.id
		}
		records, err := m.t.records(ctx, m.k, ids, m.look)
		if err != nil {
			return err
		}
		for _, h := range records {
			if err := m.judge(ctx, h); err != nil {
				return err
			}
		}
	}
	m.pending = nil
	return nil
}

// judge takes a record that satisfies the filter.
func (m *matcher) judge(ctx context.Context, h *handle) error {
	isMatch, err := m.t.matches(ctx, m.k, m.filter, h, m.wanted)
	if err != nil || !isMatch {
		return err
	}
	if m.found = append(m.found, h); len(m.found) > m.limit {
		return errEnough
	}
	return nil
}

// matches holds a record against the filter.
func (t *Translator) matches(ctx context.Context, k *kind, f scim.Filter, h *handle, s translators.Selection) (bool, error) {
	if f == nil {
		return true, nil
	}
	r, err := t.resourceRead(k, h, s)
	if err != nil { // of what the filter looks at?
		_, err = t.resourceRead(k, h, translators.Selection{}.WithTargets(f))
	}
	if err != nil {
		return false, err
	}
	if err := t.complete(ctx, k, r, f, h); err != nil {
		return false, err
	}
	return scim.Match(f, r), nil
}

// mayMatch reports whether a row that does not tell everything may still satisfy the
// filter: one that surely does not need not be read.
func (m *matcher) mayMatch(h *handle) bool {
	if m.filter == nil {
		return true
	}
	known := make(map[*scim.Attribute]bool)
	var s translators.Selection
	for _, target := range scim.Targets(m.filter) {
		a := target.Attribute
		only := translators.Selection{Attributes: []*scim.Attribute{a}}
		fields := m.k.mapping.paths(only)
		known[a] = a == scim.AttributeID || len(fields) > 0 && a != m.k.active && a != m.k.groups &&
			!slices.ContainsFunc(fields, func(f string) bool { return !m.k.rowHas(h.record, f) })
		if known[a] && a.Schema() != "" {
			s.Attributes = append(s.Attributes, a)
		}
	}
	r, fault := m.t.resourceRead(m.k, h, s)
	return fault != nil || verdictOf(m.filter, r, known) != surelyNot
}

// certainty is what is known of a filter when not all is known of a resource.
type certainty int

// The certainties.
const (
	maybe certainty = iota
	surely
	surelyNot
)

// verdictOf evaluates a filter as far as its attributes are known.
func verdictOf(f scim.Filter, r *scim.Resource, known map[*scim.Attribute]bool) certainty {
	switch f := f.(type) {
	case scim.And:
		return combine(f.Terms, r, known, surelyNot, surely)
	case scim.Or:
		return combine(f.Terms, r, known, surely, surelyNot)
	case scim.Not:
		switch verdictOf(f.Term, r, known) {
		case surely:
			return surelyNot
		case surelyNot:
			return surely
		}
		return maybe
	}
	if slices.ContainsFunc(scim.Targets(f), func(t scim.Target) bool { return !known[t.Attribute] }) {
		return maybe
	}
	if scim.Match(f, r) {
		return surely
	}
	return surelyNot
}

// combine returns one where a term is it, other where all terms are, else maybe.
func combine(terms []scim.Filter, r *scim.Resource, known map[*scim.Attribute]bool, one, other certainty) certainty {
	all := other
	for _, term := range terms {
		switch verdictOf(term, r, known) {
		case one:
			return one
		case maybe:
			all = maybe
		}
	}
	return all
}
