package ldap

import (
	"context"
	"errors"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/translators"
)

// modifyCall is a Modify request (RFC 4511 §4.6).
type modifyCall struct {
	entryCall
	changes []goldap.Change
	// whole are the same changes as replacements, for when values turn out to be
	// there already or gone.
	whole []goldap.Change
	// members is what becomes of a group's members; nil when nothing does.
	members *memberDelta
	// keeps is the lock that must stay as it is although a password is set; nil
	// when no password is, or the changes say what becomes of the lock.
	keeps *directoryLock
	// isLocked is the state of keeps when the plan was made.
	isLocked bool
	// classes are those of new entries that this one lacks. They are added when
	// its own do not allow the changes.
	classes []string
	secrets []string
	undo    []goldap.Change // nil when the call can't be taken back
}

// String implements [translators.Call].
func (c *modifyCall) String() string {
	r := newRecord(c.dn, c.identity(c.more(aim{})), "modify", c.t.veilOf(c.k))
	if len(c.classes) > 0 {
		r.comment("with objectClass " + strings.Join(c.classes, ", ") + " added, if the classes of the entry do not allow this")
	}
	r.changes(c.with(c.changes, aim{}))
	if c.members != nil {
		r.changes(c.members.changes(c.k.memberField))
	}
	return r.String()
}

// more is what must hold for an attempt besides the id.
func (c *modifyCall) more(a aim) string {
	f := c.versioned(a, c.version)
	if c.keeps != nil {
		f += c.keeps.filter(c.locked(a))
	}
	return f
}

// locked is the state of the lock that has to be kept.
func (c *modifyCall) locked(a aim) bool {
	if a.seen != nil && c.keeps != nil {
		return c.keeps.isLocked(a.seen)
	}
	return c.isLocked
}

// with adds to changes what keeps the lock.
func (c *modifyCall) with(changes []goldap.Change, a aim) []goldap.Change {
	if c.keeps == nil || !c.locked(a) {
		return changes
	}
	return append(slices.Clip(changes), c.keeps.kept()...)
}

// also adds changes that belong to the call in whatever form it goes out.
func (c *modifyCall) also(changes []goldap.Change) {
	c.changes = append(c.changes, changes...)
	if c.whole != nil {
		c.whole = append(c.whole, changes...)
	}
}

// Do implements [translators.Call].
func (c *modifyCall) Do(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	c = c.after(prior)
	work := &modifyWork{modifyCall: c, changes: c.changes, members: c.members.clone()}
	err := c.reach(ctx, c.t.targetAttributes(c.k), func(a aim) error { return work.send(ctx, a) })
	r := result(c.t.explain(ctx, c.k, c.id, c.changes, err))
	return c.readBack(ctx, r, work.entry)
}

// after is the call when those before it were made.
func (c *modifyCall) after(prior []translators.CallResult) *modifyCall {
	copied := *c
	copied.version = c.versionAfter(prior)
	return &copied
}

// modifyWork is a modifyCall being made.
type modifyWork struct {
	*modifyCall
	changes []goldap.Change
	members *memberDelta
	widened []goldap.Change // the classes that turned out to be needed
	entry   *goldap.Entry   // as the directory returned it
}

// send makes the request, and again without what the directory says is done
// already.
func (w *modifyWork) send(ctx context.Context, a aim) error {
	for n := 1; ; n++ {
		err := w.sendOnce(ctx, a)
		code := resultCode(err)
		if err == nil || n == attempts {
			return err
		}
		changed, lookErr := w.reconsider(ctx, a, code)
		if lookErr != nil {
			return w.t.fault("looking which values are there", lookErr)
		}
		if !changed {
			return err
		}
	}
}

func (w *modifyWork) sendOnce(ctx context.Context, a aim) error {
	if a.stubborn > 0 {
		switch {
		case w.keeps != nil && a.stubborn > 1:
			return errHiddenLock(w.keeps)
		case w.keeps == nil && !w.insists() && (!w.enables || w.version == "" || a.stubborn > 1):
			a.unguarded = true
		}
	}
	request := goldap.NewModifyRequest(a.dn, nil)
	request.Changes = slices.Concat(w.widened, w.with(w.changes, a))
	if w.members != nil {
		request.Changes = append(request.Changes, w.members.changes(w.k.memberField)...)
	}
	if len(request.Changes) == 0 {
		return nil // all is as it should be
	}
	controls, err := w.controls(a, w.more(a))
	if err != nil {
		return err
	}
	if oid := w.t.control(ctx, w.t.profile.postReadControl); w.brings && oid != "" {
		controls = append(controls, postRead(oid, w.t.wholeAttributes(w.k)))
	}
	request.Controls = controls
	answer, err := w.t.pool.Modify(ctx, request)
	if err != nil {
		return err
	}
	// An entry that can't be decoded is read again.
	w.entry, _ = postReadEntry(w.t.profile.postReadControl, answer)
	return w.checkEntry()
}

// errAnother means that a write without an assertion has met another entry.
var errAnother = errors.New("another entry has taken the name since it was looked for, and was changed")

// checkEntry looks whether the directory has changed the entry that is meant. Where
// it has not, the write goes out again, to where that is now: what was done to the
// other one can't be taken back, and must not pass for this one.
func (w *modifyWork) checkEntry() error {
	if w.entry == nil {
		return nil
	}
	id, ok := w.t.profile.readID(w.entry)
	if !ok || id == w.id {
		return nil
	}
	w.t.logger.Error("a change has met another entry, which has taken the name of the one that it is for: look at it",
		zap.String("purpose", w.purpose), zap.String("changed", w.t.veilOf(w.k).name(w.entry.DN)), zap.String("changed_id", id), zap.String("id", w.id))
	w.entry = nil
	return goldap.NewError(goldap.LDAPResultAssertionFailed, errAnother)
}

// reconsider changes what is sent after the directory has refused it because of
// the values that are there. It reports false when there is nothing to change.
func (w *modifyWork) reconsider(ctx context.Context, a aim, code uint16) (bool, error) {
	switch code {
	case goldap.LDAPResultAttributeOrValueExists, goldap.LDAPResultNoSuchAttribute:
		if w.whole != nil {
			w.changes, w.modifyCall = w.whole, w.withoutWhole()
			return true, nil
		}
		if w.members == nil {
			return false, nil
		}
		return w.members.reduce(code, func(names []string) (map[string]bool, error) {
			return w.t.present(ctx, &w.entryCall, a.dn, names)
		})
	case goldap.LDAPResultObjectClassViolation:
		if w.members != nil && w.k.needsMember && w.members.hold(w.k.config.Placeholder) {
			return true, nil
		}
		return w.widen(), nil
	}
	return false, nil
}

// withoutWhole is the call without its replacements, so that they are tried once.
func (c *modifyCall) withoutWhole() *modifyCall {
	copied := *c
	copied.whole = nil
	return &copied
}

// Settle implements [translators.Call].
func (c *modifyCall) Settle(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	c = c.after(prior)
	needs := []string{c.t.profile.id, modifiersName}
	if c.t.profile.version != "" {
		needs = append(needs, c.t.profile.version)
	}
	for _, change := range c.with(c.changes, aim{}) {
		needs = append(needs, change.Modification.Type)
	}
	e, err := c.t.readByID(ctx, c.k, c.id, needs)
	if err != nil {
		return stillUnknown(err)
	}
	if e == nil {
		return c.gone()
	}
	if c.version != "" && e.GetEqualFoldAttributeValue(c.t.profile.version) == c.version {
		return c.unmade(e) // the directory changes it with each write
	}
	isSecret := false
	for _, change := range inTheEnd(c.with(c.changes, aim{})) {
		if slices.ContainsFunc(c.secrets, func(s string) bool { return strings.EqualFold(s, change.Modification.Type) }) {
			isSecret = true
		} else if !c.holds(e, change) {
			return c.unmade(e)
		}
	}
	if c.members != nil {
		holds, err := c.members.holds(func(names []string) (map[string]bool, error) {
			return c.t.present(ctx, &c.entryCall, e.DN, names)
		})
		if err != nil {
			return stillUnknown(err)
		}
		if !holds {
			return c.unmade(e)
		}
	}
	if isSecret && (c.version == "" || !c.t.isOwnName(e.GetEqualFoldAttributeValue(modifiersName))) {
		// A password can't be read. That the entry was changed, by us, tells.
		return stillUnknown(nil)
	}
	return c.readBack(ctx, translators.CallResult{Outcome: translators.Applied}, nil)
}

// inTheEnd are changes without deletions of what is added again after them.
func inTheEnd(changes []goldap.Change) []goldap.Change {
	final := slices.Clone(changes)
	for i, c := range final {
		if c.Operation != goldap.DeleteAttribute {
			continue
		}
		for _, later := range final[i+1:] {
			if later.Operation == goldap.AddAttribute && strings.EqualFold(later.Modification.Type, c.Modification.Type) {
				final[i].Modification.Vals = missing(c.Modification.Vals, later.Modification.Vals)
			}
		}
	}
	return final
}

// modifiersName tells who has changed an entry last (RFC 4512 §3.4.4).
const modifiersName = "modifiersName"

// holds reports whether the entry is as the change makes it.
func (c *modifyCall) holds(e *goldap.Entry, change goldap.Change) bool {
	values := e.GetEqualFoldAttributeValues(change.Modification.Type)
	isName := false
	if l := c.k.mapping.LeafOf(change.Modification.Type); l != nil {
		isName = l.IsReference()
	}
	has := func(v string) bool {
		return slices.ContainsFunc(values, func(o string) bool { return o == v || isName && nameKey(o) == nameKey(v) })
	}
	switch change.Operation {
	case goldap.AddAttribute:
		return !slices.ContainsFunc(change.Modification.Vals, func(v string) bool { return !has(v) })
	case goldap.DeleteAttribute:
		return !slices.ContainsFunc(change.Modification.Vals, has)
	}
	return len(values) == len(change.Modification.Vals) &&
		!slices.ContainsFunc(change.Modification.Vals, func(v string) bool { return !has(v) })
}

// Undo implements [translators.Call].
func (c *modifyCall) Undo() translators.Call {
	if len(c.undo) == 0 {
		return nil
	}
	back := &modifyCall{entryCall: c.entryCall, changes: c.undo, secrets: c.secrets}
	back.purpose, back.brings, back.enables, back.version, back.demanded = "take back: "+c.purpose, false, false, "", ""
	return back
}

// Interface guard
var _ translators.Call = (*modifyCall)(nil)
