package rest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
	"golang.org/x/sync/errgroup"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// atOnce bounds the records that one request reads at the same time.
const atOnce = 8

// record reads one record by its id, as it is now; nil is absence, which is only what
// the first call of read says, or the record itself. Where there is a call that confirms
// it, that is made then, and the record is read once more: what signs requests in may have
// been renewed for it.
func (t *Translator) record(ctx context.Context, k *kind, id string, l look) (*handle, error) {
	h, err := t.recordOnce(ctx, k, id, l)
	if h != nil || err != nil || !k.has(OpConfirmAbsence) || !k.mayBeID(id) {
		return t.unlessAbsent(ctx, k, h, l), err
	}
	var prior []*answer
	for _, s := range k.steps[OpConfirmAbsence] {
		a, err := t.run(ctx, s, &scope{kind: k, prior: prior})
		if err != nil {
			if kind := translators.KindOf(err); kind == translators.NotFound || kind == translators.Invalid {
				err = &translators.Error{Kind: translators.Unavailable, Err: err,
					Detail: "The application does not find the " + k.served.Name + ", and the call that is to confirm it, confirm_absence, fails."}
			}
			return nil, fmt.Errorf("confirming that the %s is absent: %w", k.served.Name, err)
		}
		prior = append(prior, a)
	}
	h, err = t.recordOnce(ctx, k, id, l)
	return t.unlessAbsent(ctx, k, h, l), err
}

// recordOnce reads a record, one that counts as absent too: that it does, it says itself,
// and no other call has to confirm it.
func (t *Translator) recordOnce(ctx context.Context, k *kind, id string, l look) (*handle, error) {
	if !k.mayBeID(id) {
		return nil, nil
	}
	if h := k.fixed(id); h != nil || k.isFixed() && !k.has(OpRead) && !k.has(OpList) {
		return h, nil
	}
	if !k.has(OpRead) {
		return t.recordAmongRows(ctx, k, id)
	}
	l = k.seeing(l)
	h := &handle{id: id, isWhole: true}
	var prior []*answer
	for i, s := range k.steps[OpRead] {
		if i > 0 && !l.needsInto(s.config.Into) {
			h.isWhole = false
			prior = append(prior, nil)
			continue
		}
		a, err := t.run(ctx, s, &scope{kind: k, id: id, record: h.record, prior: prior})
		switch {
		case err != nil && i == 0 && translators.KindOf(err) == translators.NotFound:
			return nil, nil
		case err != nil:
			return nil, partlyRead(k, i, err)
		}
		prior = append(prior, a)
		if a == nil {
			continue // its condition is not true
		}
		if i > 0 {
			if h.record, err = merged(h.record, a.item, s.config.Into); err != nil {
				return nil, fault(k, fmt.Errorf("reading %s: call %d: %w", k.served.Name, i+1, err))
			}
			continue
		}
		h.record, h.etag = a.item, a.header.Get("ETag")
		there, err := k.idOf(h.record)
		switch {
		case err != nil:
			return nil, (&lookup{t: t, s: s, with: &scope{kind: k, id: id}}).clean(fault(k, fmt.Errorf("%s: %w", s, err)))
		case there != id && l.isOfAnyID:
			h.id, id = there, there
		case there != id:
			// Another's record: many applications read 5 in "5x", and "me" has a meaning.
			return nil, nil
		}
	}
	is, err := t.countsAsAbsent(ctx, k, h)
	switch h.isAbsent = is; {
	case err != nil:
		return nil, err
	case is:
		return h, nil
	}
	if l.status {
		return h, t.addStatus(ctx, k, h)
	}
	h.isWhole = h.isWhole && !k.has(OpStatus)
	return h, nil
}

// partlyRead is the error of a call of read. That a later one finds nothing is no
// absence: the first has found the record.
func partlyRead(k *kind, i int, err error) error {
	if translators.KindOf(err) != translators.NotFound {
		return fmt.Errorf("reading %s: %w", k.served.Name, err)
	}
	return &translators.Error{Kind: translators.Unavailable, Err: err,
		Detail: fmt.Sprintf("The application has the %s, and call %d of read does not find it. If that means that there is nothing to add, say so in that call: success 404.", k.served.Name, i+1)}
}

// addStatus makes the calls that tell whether the account is active.
func (t *Translator) addStatus(ctx context.Context, k *kind, h *handle) error {
	var prior []*answer
	for i, s := range k.steps[OpStatus] {
		a, err := t.run(ctx, s, &scope{kind: k, id: h.id, record: h.record, prior: prior})
		if err != nil {
			if translators.KindOf(err) == translators.NotFound {
				err = &translators.Error{Kind: translators.Unavailable, Err: err,
					Detail: "The application has the account, and the call of status does not find it. If that has a meaning, say so in that call: success 404."}
			}
			return fmt.Errorf("reading whether the %s is active: %w", k.served.Name, err)
		}
		if prior = append(prior, a); a == nil {
			continue
		}
		if h.record, err = merged(h.record, a.item, s.config.Into); err != nil {
			return fault(k, fmt.Errorf("reading whether the %s is active: call %d: %w", k.served.Name, i+1, err))
		}
	}
	return nil
}

// merged returns the record with what another call brought: under a name, or else with
// its members, which replace those of the same name.
func merged(record, item gjson.Result, into string) (gjson.Result, error) {
	if !item.Exists() {
		return record, nil
	}
	doc := []byte(record.Raw)
	if into != "" {
		path, err := document.ParsePath(into)
		if err != nil {
			return gjson.Result{}, err
		}
		if doc, err = path.Set(doc, item.Raw); err != nil {
			return gjson.Result{}, err
		}
		return gjson.ParseBytes(doc), nil
	}
	if !item.IsObject() {
		return gjson.Result{}, errors.New("its answer is no record whose fields could be added: say where to put it, with into <name>")
	}
	var b strings.Builder
	b.WriteByte('{')
	add := func(key, value gjson.Result) bool {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(key.Raw + ":" + value.Raw)
		return true
	}
	record.ForEach(func(key, value gjson.Result) bool {
		return memberOf(item, key.String()).Exists() || add(key, value)
	})
	item.ForEach(add)
	b.WriteByte('}')
	return gjson.Parse(b.String()), nil
}

// idOf returns the id in a record or a row.
func (k *kind) idOf(record gjson.Result) (string, error) {
	values := k.id.Get(record)
	if len(values) == 1 {
		if id := idText(values[0]); id != "" {
			return id, nil
		}
	}
	return "", fmt.Errorf("a record of the application has no id at %s: %s; say which of them is the id, with id <path> in %s, and where the record is in the answer, with item or items",
		k.id, shape(record), k.block)
}

// mayBeID reports whether a record can have that id at all.
func (k *kind) mayBeID(id string) bool {
	if id == "" || strings.ContainsFunc(id, unicode.IsControl) {
		return false
	}
	for part := range strings.FieldsFuncSeq(id, func(c rune) bool { return c == '/' || c == '\\' }) {
		if part == "." || part == ".." { // it would lead to another path, see package template
			return false
		}
	}
	return !k.config.IDIsNumber || !strings.ContainsFunc(id, func(c rune) bool { return c < '0' || c > '9' })
}

// recordAmongRows finds a record by its id where there is no call for that: by what
// its id is mapped to, or in the list.
func (t *Translator) recordAmongRows(ctx context.Context, k *kind, id string) (*handle, error) {
	asked := inquiry{list: true, withAbsent: true}
	if k.isNamedByKey {
		target := scim.Target{Attribute: k.name}
		if steps := k.searchFor(target); len(steps) > 0 {
			asked = inquiry{questions: []question{{steps: steps, target: target, value: scim.String(id)}}, withAbsent: true}
		}
	}
	var found *handle
	err := t.eachRow(ctx, k, asked, t.Candidates, func(h *handle) error {
		if h.id == id {
			found = h
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	if found != nil {
		if err := t.judged(ctx, k, found); err != nil {
			return nil, err
		}
		if found.isAbsent {
			return found, nil
		}
		found.isWhole = true
		if k.has(OpStatus) {
			return found, t.addStatus(ctx, k, found)
		}
	}
	return found, nil
}

// records reads many records, some at a time, in the order of the ids; those that are
// absent are left out.
func (t *Translator) records(ctx context.Context, k *kind, ids []string, l look) ([]*handle, error) {
	all := make([]*handle, len(ids))
	if len(ids) == 1 {
		var err error
		all[0], err = t.recordAwaited(ctx, k, ids[0], l)
		return present(all), err
	}
	if !k.has(OpRead) && len(ids) > 0 && !k.isNamedByKey {
		return t.recordsInList(ctx, k, ids, l)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, id := range ids {
		group.Go(func() (err error) {
			all[i], err = t.recordAwaited(ctx, k, id, l)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return present(all), nil
}

// recordsInList finds many records in one walk through the list.
func (t *Translator) recordsInList(ctx context.Context, k *kind, ids []string, l look) ([]*handle, error) {
	places := make(map[string]int, len(ids))
	for i, id := range ids {
		places[id] = i
	}
	all := make([]*handle, len(ids))
	err := t.eachRow(ctx, k, inquiry{list: true, withAbsent: l.takesAbsent}, t.Candidates, func(h *handle) error {
		i, ok := places[h.id]
		if !ok {
			return nil
		}
		if err := t.judged(ctx, k, h); err != nil {
			return err
		}
		if h.isWhole = true; !h.isAbsent || l.takesAbsent {
			all[i] = h
		}
		return nil
	})
	return present(all), err
}

func present(all []*handle) []*handle {
	there := all[:0:0]
	for _, h := range all {
		if h != nil {
			there = append(there, h)
		}
	}
	return there
}

// fault is an answer that can't be understood.
func fault(k *kind, err error) error {
	return &translators.Error{Kind: translators.Unavailable, Err: err,
		Detail: fmt.Sprintf("The answer of the application about a %s is not as it was configured. The log of scimgate says what is missing; the check of this gateway looks for the same.", k.served.Name)}
}
