package rest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators"
)

// Undo implements [translators.Call]. What was created is deleted, by the call's own
// undo lines or by the calls of delete; what was changed is taken back where the
// configuration says how. What disables is never taken back.
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
	if !c.creates() || !c.k.has(OpDelete) {
		return nil
	}
	return &undoCall{of: c, steps: c.k.steps[OpDelete], isDelete: true}
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
	// isDelete is set where these are the calls of delete.
	isDelete bool
}

// String implements [translators.Call].
func (c *undoCall) String() string {
	texts := make([]string, len(c.steps))
	for i, s := range c.steps {
		with := c.of.with
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
	if with.prior = append(with.prior, made.answer); c.isDelete {
		with.prior = nil // the calls of delete name their own answers
	}
	unread := c.readCreated(ctx, with)
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
		if c.isDelete {
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
	switch {
	case failed != nil && isOpen:
		// That the record is gone tells nothing of what else was to be taken back.
		return translators.CallResult{Outcome: translators.Unknown, IsSettled: len(c.steps) > 1 && !c.isDelete, Err: failed}
	case failed != nil:
		return translators.CallResult{Outcome: translators.NotApplied, Err: failed}
	}
	if c.of.creates() && isAccepted(answers, nil) {
		return c.settleGone(ctx, with.id, c.of.t.acceptedWithin(ctx))
	}
	if c.of.creates() {
		c.of.t.noteWrite(c.of.k, with.id, written{isGone: true})
	}
	return translators.CallResult{Outcome: translators.Applied}
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
	return c.settleGone(ctx, c.of.scope(prior).id, time.Duration(c.of.t.ConsistentWithin))
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
