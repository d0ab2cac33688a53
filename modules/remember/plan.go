package remember

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// planned is the Plan.Data of a plan about a kind.
type planned struct {
	t     *Translator
	k     *kind
	inner *translators.Plan
	// before is how many calls of ours stand before those to the backend.
	before int
	// created is what will be remembered of the resource that the plan creates; nil
	// where it creates none.
	created *values
	// isAway is set when the store could not be asked: it is not waited for again.
	isAway atomic.Bool
}

// Plan implements [translators.Translator]. What is remembered of a new resource is
// written when it is there, so that a create that fails leaves nothing behind; what
// changes of one that is there is written first, because it can always be taken back;
// and a deleted one is forgotten last. A disable comes alone and writes nothing here.
func (t *Translator) Plan(ctx context.Context, in translators.Intent) (*translators.Plan, error) {
	k := t.kindOf(in.Type)
	if k == nil {
		return t.Translator.Plan(ctx, k.unwrapped(in))
	}
	changes, err := k.changes(in)
	if err != nil {
		return nil, err
	}
	inner := k.unwrapped(in)
	own := call{t: t, k: k, id: in.ID, changes: changes, version: in.Version}
	if in.Version != "" {
		var ok bool
		if inner.Version, own.expected, ok = cutVersion(in.Version); !ok || isOutdated(in.Before, own.expected) {
			return nil, changedSince(in.ID)
		}
	}
	p := &planned{t: t, k: k}
	if in.Action == scim.ActionUpdate && len(changes) > 0 && len(inner.Changes) == 0 && inner.Members.IsEmpty() && !inner.SetsActive {
		p.inner = new(translators.Plan) // nothing is the backend's business
	} else if p.inner, err = t.Translator.Plan(ctx, inner); err != nil {
		return nil, err
	}
	plan := *p.inner
	plan.Data, plan.Calls = p, make([]translators.Call, 0, len(p.inner.Calls)+1)
	if in.Action == scim.ActionUpdate && len(changes) > 0 || in.Version != "" && len(p.inner.Calls) > 0 {
		own.backendVersion, own.isAlone = inner.Version, len(p.inner.Calls) == 0
		plan.Calls = append(plan.Calls, &own)
		p.before = 1
	}
	for _, c := range p.inner.Calls {
		plan.Calls = append(plan.Calls, &backendCall{c, p})
	}
	switch in.Action {
	case scim.ActionCreate:
		p.created = &values{of: make(map[string]string, len(changes))}
		for _, c := range changes {
			p.created.of[c.attribute.String()] = c.after
		}
		if len(changes) > 0 {
			plan.Calls = append(plan.Calls, &own)
		}
	case scim.ActionDelete:
		if len(plan.Calls) > 0 {
			plan.Calls = append(plan.Calls, &forgetCall{own})
		}
	}
	return &plan, nil
}

// changes returns what an intent changes of what is remembered.
func (k *kind) changes(in translators.Intent) ([]change, error) {
	if in.Action == scim.ActionDelete {
		return nil, nil
	}
	var changes []change
	for _, d := range in.Changes {
		a := k.remembered(d.Attribute)
		if a == nil {
			continue
		}
		c := change{attribute: a, before: d.Before.Text(), after: d.After.Text()}
		if c.before == c.after {
			continue
		}
		if why := unfit(c.after); why != "" {
			return nil, &translators.Error{Kind: translators.Invalid, Path: a.String(), Detail: a.String() + ": " + why}
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// unfit says why a value can't be remembered, or "".
func unfit(value string) string {
	switch {
	case len(value) > longestValue:
		return fmt.Sprintf("it is longer than %d bytes, and nothing longer is remembered", longestValue)
	case !utf8.ValidString(value):
		return "it is not UTF-8"
	case slices.Contains([]byte(value), 0):
		return "it holds the character NUL"
	}
	return ""
}

// unwrapped returns the intent as the backend has to see it: without what it has no
// place for, and with its own entries. k is nil for a type of which nothing is
// remembered.
func (k *kind) unwrapped(in translators.Intent) translators.Intent {
	in.Before = unwrap(in.Before)
	if len(in.References) > 0 {
		references := make(map[string]*translators.Entry, len(in.References))
		for id, e := range in.References {
			references[id] = unwrap(e)
		}
		in.References = references
	}
	if k == nil {
		return in
	}
	if in.After != nil {
		in.After = in.After.Clone()
		for _, a := range k.Remembered {
			in.After.Set(a, scim.Value{})
		}
	}
	in.Changes = slices.DeleteFunc(slices.Clone(in.Changes), func(d scim.Difference) bool { return k.remembered(d.Attribute) != nil })
	return in
}

// versionOf returns the version of a resource of which the backend knows a part and the
// store the rest; "" where the backend keeps none.
func versionOf(backend string, v *values) string {
	if backend == "" {
		return ""
	}
	return backend + "-" + v.digest()
}

// cutVersion takes apart what versionOf has made.
func cutVersion(version string) (backend, digest string, ok bool) {
	i := strings.LastIndexByte(version, '-')
	if i <= 0 || len(version)-i-1 != len(nothing) {
		return "", "", false
	}
	return version[:i], version[i+1:], true
}

// isOutdated reports whether something else was remembered when the resource was read.
func isOutdated(before *translators.Entry, expected string) bool {
	if before == nil {
		return false
	}
	h, ok := before.Handle.(*handle)
	return ok && h.isKnown && h.values.digest() != expected
}

func changedSince(id string) error {
	return &translators.Error{Kind: translators.Changed, IDs: []string{id}, Err: errChanged,
		Detail: "The resource was changed since it was read."}
}

// Prove implements [translators.Translator].
func (t *Translator) Prove(ctx context.Context, plan *translators.Plan, done translators.Report) translators.Proof {
	p, ok := plan.Data.(*planned)
	if !ok {
		return t.Translator.Prove(ctx, plan, done)
	}
	done.Results = p.results(done.Results)
	proof := t.Translator.Prove(ctx, p.inner, done)
	proof.Entry = p.told(ctx, proof.Entry)
	return proof
}

// results returns the results of the calls to the backend, with its own entries.
func (p *planned) results(all []translators.CallResult) []translators.CallResult {
	all = all[min(p.before, len(all)):]
	results := slices.Clone(all[:min(len(p.inner.Calls), len(all))])
	for i := range results {
		results[i].Entry = unwrap(results[i].Entry)
	}
	return results
}

// tellTimeout is how long is waited for the store to complete what a write left behind.
// The write is done: its answer must not wait for long, a disable's least of all.
const tellTimeout = 3 * time.Second

// told completes an entry that the backend told after a call. It is nil where the store
// can't be asked: then nobody may take what is missing for absent.
func (p *planned) told(ctx context.Context, e *translators.Entry) *translators.Entry {
	if e == nil {
		return nil
	}
	whole := translators.Selection{All: true}
	if p.created != nil {
		return p.k.entry(e, whole, p.created, true)
	}
	if p.isAway.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	entries, err := p.t.complete(ctx, p.k, []*translators.Entry{e}, whole, nil)
	if err != nil {
		p.isAway.Store(true)
		return nil
	}
	return entries[0]
}
