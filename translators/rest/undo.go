package rest

import (
	"context"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators"
)

// Undo implements [translators.Call]. What was created is deleted, by the call's own
// undo or by the calls of delete; what was changed is taken back where the
// configuration says how. What disables is never taken back.
func (c *call) Undo() translators.Call {
	if c.step.undo == nil && !c.creates() && c.step.onlyReads() {
		return nothingToUndo{c}
	}
	if c.goal.sort == goalDisabled {
		return nil
	}
	steps := []*step{c.step.undo}
	if c.step.undo == nil {
		if c.back != nil {
			return c.back
		}
		if !c.creates() || !c.k.has(OpDelete) {
			return nil
		}
		steps = c.k.steps[OpDelete]
	}
	return &undoCall{of: c, steps: steps}
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
}

// String implements [translators.Call].
func (c *undoCall) String() string {
	texts := make([]string, len(c.steps))
	for i, s := range c.steps {
		with := c.of.with
		texts[i] = s.print(c.of.t, &with)
	}
	return strings.Join(texts, "\n")
}

// Purpose implements [translators.Call].
func (c *undoCall) Purpose() string { return "take back: " + c.of.Purpose() }

// Do implements [translators.Call].
func (c *undoCall) Do(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	with := c.of.scope(prior)
	with.prior = append(with.prior, c.answerIn(prior))
	if !with.record.Exists() {
		with.record = gjson.Parse("{}")
	}
	for _, s := range c.steps {
		_, err := c.of.t.run(ctx, s, with)
		if err != nil && c.isGone(err) {
			err = c.again(ctx, s, with)
		}
		if err != nil {
			return result(fmt.Errorf("%s: %w", c.Purpose(), err))
		}
	}
	if c.of.creates() {
		c.of.t.noteWrite(c.of.k, with.id, written{isGone: true})
	}
	return translators.CallResult{Outcome: translators.Applied}
}

// answerIn returns the answer to the call that is taken back.
func (c *undoCall) answerIn(prior []translators.CallResult) *answer {
	for _, r := range prior {
		if d, ok := r.Data.(*told); ok && d.by == c.of {
			return d.answer
		}
	}
	return nil
}

// again makes a call that found nobody for the one who has the name: the id may have been
// none. Where there is nobody of that name, what was created is gone.
func (c *undoCall) again(ctx context.Context, s *step, with *scope) error {
	if c.of.k.name == nil {
		return nil
	}
	there, err := c.of.named(ctx, with.resource)
	if err != nil || there == nil || there.id == with.id {
		return err
	}
	with.id = there.id
	_, err = c.of.t.run(ctx, s, with)
	return err
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
	return c.of.settleGone(ctx, c.of.scope(prior).id)
}

// Undo implements [translators.Call].
func (c *undoCall) Undo() translators.Call { return nil }
