package rest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Undo implements [translators.Call]. What was created is deleted, by the call's own
// undo lines or by the calls of delete, and disabled where there are none; what was changed
// is taken back where the configuration says how. What disables is never taken back.
func (c *call) Undo() translators.Call {
	if len(c.step.undo) == 0 && !c.creates() && c.step.onlyReads() {
		return nothingToUndo{c}
	}
	if c.goal.sort == goalDisabled {
		return nil
	}
	if len(c.step.undo) > 0 {
		return &undoCall{of: c, steps: c.step.undo}
	}
	if c.back != nil {
		return c.back
	}
	switch op := c.k.takesBack(); {
	case !c.creates() || op == "":
		return nil
	default:
		return &undoCall{of: c, steps: c.k.steps[op], op: op}
	}
}

// takesBack is the operation whose calls take a create back that has no undo, "" for none.
func (k *kind) takesBack() Operation {
	switch {
	case k.has(OpDelete):
		return OpDelete
	case k.active != nil && k.has(OpDisable):
		return OpDisable
	case k.active != nil && k.updatesActive():
		return OpUpdate
	}
	return ""
}

// nothingToUndo takes a call back that has only read.
type nothingToUndo struct{ of translators.Call }

// String implements [translators.Call].
func (c nothingToUndo) String() string { return "# nothing: the call has only read" }

// Purpose implements [translators.Call].
func (c nothingToUndo) Purpose() string { return "take back: " + c.of.Purpose() }

// Do implements [translators.Call].
func (c nothingToUndo) Do(context.Context, []translators.CallResult) translators.CallResult {
	return translators.CallResult{Outcome: translators.Applied}
}

// Settle implements [translators.Call].
func (c nothingToUndo) Settle(context.Context, []translators.CallResult) translators.CallResult {
	return translators.CallResult{Outcome: translators.Applied}
}

// Undo implements [translators.Call].
func (c nothingToUndo) Undo() translators.Call { return nil }

// undoCall takes a call back.
type undoCall struct {
	of    *call
	steps []*step
	op    Operation // whose calls these are, "" for undo lines
}

// String implements [translators.Call].
func (c *undoCall) String() string {
	texts := make([]string, len(c.steps))
	for i, s := range c.steps {
		with := c.of.with
		_ = c.disabling(&with) // of a new record nothing is known yet
		texts[i] = s.print(c.of.t, &with)
		if s.config.When != "" {
			texts[i] = "# when " + s.config.When + "\n" + texts[i]
		}
	}
	return strings.Join(texts, "\n")
}

// printedUndo is the way back as it stands behind the call in a printed plan.
func (c *call) printedUndo() string {
	back, is := c.Undo().(*undoCall)
	if !is || !c.isFollowed {
		return ""
	}
	return "\n# when a later call fails, this one is taken back by\n#   " + strings.ReplaceAll(back.String(), "\n", "\n#   ")
}

// Purpose implements [translators.Call].
func (c *undoCall) Purpose() string { return "take back: " + c.of.Purpose() }

// Do implements [translators.Call]. Each of the calls is made, whatever becomes of the
// others.
func (c *undoCall) Do(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	with := c.of.scope(prior)
	made := c.toldIn(prior)
	if made.record.Exists() {
		with.record, with.etag = made.record, made.etag // which it had just before
	}
	if with.prior = append(with.prior, made.answer); c.op != "" {
		with.prior = nil // the calls of an operation name their own answers
	}
	unread := c.readCreated(ctx, with)
	if err := c.disabling(with); err != nil {
		return translators.CallResult{Outcome: translators.NotApplied, Err: fmt.Errorf("%s: %w", c.Purpose(), err), Remains: c.remains(ctx, with.id, 0).text}
	}
	var failed error
	var answers []*answer
	isOpen := true // nothing is known not to be taken back
	for i, s := range c.steps {
		a, err := (*answer)(nil), unread
		if err == nil || !s.needsRecord() {
			if a, err = c.of.t.run(ctx, s, with); err != nil && c.isGone(err) {
				a, err = c.again(ctx, s, with)
			}
		}
		if c.op != "" {
			with.prior = append(with.prior, a)
		}
		answers = append(answers, a)
		if err == nil {
			continue
		}
		isOpen = isOpen && translators.KindOf(err) == translators.Indefinite
		if err = fmt.Errorf("%s: %w", c.nameOf(i), err); failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
	}
	var left remainder
	accepted := c.of.creates() && failed == nil && isAccepted(answers, nil)
	switch {
	case accepted:
		left = c.remains(ctx, with.id, c.of.t.acceptedWithin(ctx))
	case c.of.creates() && (failed != nil || c.op != OpDelete):
		left = c.remains(ctx, with.id, time.Duration(c.of.t.ConsistentWithin))
	}
	switch {
	case failed != nil && isOpen:
		// That the record is gone tells nothing of what else was to be taken back.
		return translators.CallResult{Outcome: translators.Unknown, IsSettled: len(c.steps) > 1 && c.op != OpDelete, Err: failed, Remains: left.text}
	case failed != nil:
		return translators.CallResult{Outcome: translators.NotApplied, Err: failed, Remains: left.text}
	case left.isLive && !accepted:
		return translators.CallResult{Outcome: translators.NotApplied, Remains: left.text,
			Err: fmt.Errorf("%s: the application has accepted it, and the account is there and active", c.Purpose())}
	}
	if accepted && !left.isOff {
		r := c.settleGone(ctx, with.id, 0)
		r.Remains = left.text
		return r
	}
	if c.of.creates() && left.text == "" {
		c.of.t.noteWrite(c.of.k, with.id, written{isGone: true})
	}
	return translators.CallResult{Outcome: translators.Applied, Remains: left.text}
}

// disabling makes the scope one for calls that disable, where these are such.
func (c *undoCall) disabling(with *scope) error {
	if c.op != OpDisable && c.op != OpUpdate {
		return nil
	}
	k := c.of.k
	with.isDisable, with.fields = true, nil
	if with.resource != nil {
		with.resource = with.resource.Clone()
		with.resource.Set(k.active, scim.Bool(false))
	}
	if c.op == OpDisable {
		return nil
	}
	wanted := scim.NewResource(k.served.ResourceType)
	wanted.Set(k.active, scim.Bool(false))
	var err error
	with.fields, _, err = k.mapping.encode(wanted, func(a *scim.Attribute) bool { return a == k.active }, with.record, nil)
	return err
}

// remainder is what is left of what was created when it was taken back.
type remainder struct {
	text   string // for the provider; "": nothing
	isLive bool   // it is known to be active
	isOff  bool   // it is known to be disabled
}

// remains looks what is left of what was created, as long as the application may take.
func (c *undoCall) remains(ctx context.Context, id string, within time.Duration) remainder {
	k := c.of.k
	if id == "" {
		return remainder{}
	}
	var active, isKnown bool
	h, err := c.of.awaitRecord(ctx, id, k.everything(), within, func(h *handle) bool {
		active, isKnown = false, false
		if h != nil {
			active, isKnown = c.of.t.isActive(k, h)
		}
		return h == nil || c.op != OpDelete && isKnown && !active
	})
	switch {
	case err != nil:
		return remainder{text: fmt.Sprintf("The %s was created, and whether it is still there can't be read: its id is %q.", k.noun(), id)}
	case h == nil:
		return remainder{}
	case isKnown && !active:
		return remainder{text: fmt.Sprintf("A disabled %s stays behind: its id is %q.", k.noun(), id), isOff: true}
	case isKnown:
		return remainder{text: fmt.Sprintf("The %s was created and is not disabled: its id is %q. Disable it in the application.", k.noun(), id), isLive: true}
	}
	return remainder{text: fmt.Sprintf("The %s was created and stays behind: its id is %q.", k.noun(), id)}
}

// nameOf names one of the calls.
func (c *undoCall) nameOf(i int) string {
	if len(c.steps) == 1 {
		return c.Purpose()
	}
	return fmt.Sprintf("%s, undo %d", c.Purpose(), i+1)
}

// toldIn returns what was known of the call that is taken back when it was made.
func (c *undoCall) toldIn(prior []translators.CallResult) told {
	for _, r := range prior {
		if d, ok := r.Data.(*told); ok && d.by == c.of {
			return *d
		}
	}
	return told{}
}

// readCreated reads the record of what was created, where calls name it: there was none
// before.
func (c *undoCall) readCreated(ctx context.Context, with *scope) error {
	if with.record.Exists() {
		return nil
	}
	with.record = gjson.Parse("{}")
	if with.id == "" || !slices.ContainsFunc(c.steps, (*step).needsRecord) {
		return nil
	}
	see := c.of.k.everything()
	see.takesAbsent = true
	h, err := c.of.t.recordAwaited(ctx, c.of.k, with.id, see)
	if h != nil {
		with.record, with.etag = h.record, h.etag
	}
	return err
}

// again makes a call that found nobody for the one who has the name: the id may have been
// none. Where there is nobody of that name, what was created is gone.
func (c *undoCall) again(ctx context.Context, s *step, with *scope) (*answer, error) {
	if c.of.k.name == nil {
		return nil, nil
	}
	there, err := c.of.named(ctx, with.resource, time.Duration(c.of.t.ConsistentWithin))
	if err != nil || there == nil || there.id == with.id {
		return nil, err
	}
	with.id = there.id
	return c.of.t.run(ctx, s, with)
}

// isGone reports whether what was created is not there any more.
func (c *undoCall) isGone(err error) bool {
	return c.of.creates() && translators.KindOf(err) == translators.NotFound
}

// Settle implements [translators.Call].
func (c *undoCall) Settle(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	if !c.of.creates() {
		return stillUnknown(fmt.Errorf("%s: whether it was done can't be seen", c.Purpose()))
	}
	id, within := c.of.scope(prior).id, time.Duration(c.of.t.ConsistentWithin)
	if c.op != OpDisable && c.op != OpUpdate {
		return c.settleGone(ctx, id, within)
	}
	return c.of.settleDisabled(ctx, id, within)
}

// settleGone looks whether the record is gone. That it counts as absent tells nothing: it
// may have done so before it was to be taken back.
func (c *undoCall) settleGone(ctx context.Context, id string, within time.Duration) translators.CallResult {
	if c.of.k.absence == nil {
		return c.of.settleGone(ctx, id, within)
	}
	isOver := func(h *handle) bool { return h == nil || h.isAbsent }
	h, err := c.of.awaitRecord(ctx, id, look{takesAbsent: true}, within, isOver)
	switch {
	case err != nil:
		return stillUnknown(fmt.Errorf("%s: reading back: %w", c.Purpose(), err))
	case h == nil:
		return translators.CallResult{Outcome: translators.Applied}
	case h.isAbsent:
		return stillUnknown(fmt.Errorf("%s: the record %q counts as absent, as it may have done before", c.Purpose(), id))
	}
	return c.of.notApplied()
}

// Undo implements [translators.Call].
func (c *undoCall) Undo() translators.Call { return nil }
