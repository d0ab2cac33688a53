package rest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scimgate/scimgate/translators"
)

// acceptedWithin is how long is looked for what the application has only accepted, where
// Config.ConsistentWithin does not say. It leaves time for an answer within the 30 s that
// the host and most providers wait.
const acceptedWithin = 10 * time.Second

// isAccepted reports whether, behind the last call of an operation, the application has only
// said that it will be done (202, RFC 9110 §15.3.3). Where a later call has asked, and a line
// of the configuration calls its answer a success, it is done.
func isAccepted(before []*answer, last *answer) bool {
	is := false
	for _, a := range append(slices.Clone(before), last) {
		if a != nil && (a.verdict == VerdictAccepted || a.isSaid) {
			is = a.verdict == VerdictAccepted
		}
	}
	return is
}

// acceptedWithin is how long is waited for what was accepted, within the time of the request.
func (t *Translator) acceptedWithin(ctx context.Context) time.Duration {
	within := cmp.Or(time.Duration(t.ConsistentWithin), acceptedWithin)
	if deadline, has := ctx.Deadline(); has {
		within = min(within, time.Until(deadline)-time.Second)
	}
	return max(within, 0)
}

// awaitDone reads until what the application has accepted is to be seen. That it is not in
// time is an unknown outcome. What can't be seen by reading is taken for done.
func (c *call) awaitDone(ctx context.Context, with *scope, r translators.CallResult, a *answer) translators.CallResult {
	within := c.t.acceptedWithin(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within+translators.SettleTimeout)
	defer cancel()
	var settled translators.CallResult
	switch {
	case c.creates():
		settled = c.awaitCreated(ctx, with, a, within)
	case c.goal.sort == goalGone:
		settled = c.settleGone(ctx, with.id, within)
	case c.canBeSeen():
		settled = c.settleChanged(ctx, with.id, within)
	default:
		settled = translators.CallResult{Outcome: translators.Applied}
	}
	settled.Data, settled.IsSettled = r.Data, true
	if c.creates() && a != nil {
		a.id = settled.ID // {1.id} of the calls behind it
	}
	switch settled.Outcome {
	case translators.Applied:
		c.note(with.id)
		if settled.Entry == nil && !c.creates() {
			return c.readBack(ctx, with.id, settled)
		}
	case translators.NotApplied:
		if translators.KindOf(settled.Err) == translators.Unavailable {
			settled.Outcome, settled.Err = translators.Unknown, notDone(c.Purpose(), within, settled.Err)
		}
	case translators.Unknown:
		settled.Err = notSeen(c.Purpose(), settled.Err)
	}
	return settled
}

// notSeen is the error for what was accepted, where reading fails.
func notSeen(purpose string, cause error) error {
	return fmt.Errorf("%s: %w", purpose, &translators.Error{Kind: translators.Indefinite, Err: cause,
		Detail: "The application has accepted the change for later (202), and whether it is done could not be read. Send the request again."})
}

// notDone is the error for what was accepted and is not to be seen.
func notDone(purpose string, within time.Duration, cause error) error {
	return fmt.Errorf("%s: %w", purpose, &translators.Error{Kind: translators.Indefinite, Err: cause, Detail: fmt.Sprintf(
		"The application has accepted the change for later (202), and it was not done within %s. Send the request again. If it takes longer, raise consistent_within; if what it accepts is done, say so: success 202.", within.Round(time.Second))})
}

// awaitCreated looks for what is to be created. An id in such an answer is often that of
// the job: the record is known by its name, or by the id where a line says where that is.
func (c *call) awaitCreated(ctx context.Context, with *scope, a *answer, within time.Duration) translators.CallResult {
	if c.k.name != nil && c.canBeNamed(with) {
		return c.settleCreated(ctx, with, within)
	}
	if a == nil || a.id == "" {
		return c.notApplied()
	}
	h, err := c.awaitRecord(ctx, a.id, c.sees(), within, func(h *handle) bool { return h != nil })
	switch {
	case err != nil:
		return stillUnknown(fmt.Errorf("%s: reading back: %w", c.Purpose(), err))
	case h == nil:
		return c.notApplied()
	}
	return c.bring(ctx, h, translators.CallResult{Outcome: translators.Applied, ID: h.id})
}

// canBeNamed reports whether the application can be asked for the name of a resource.
func (c *call) canBeNamed(with *scope) bool {
	_, ok := c.k.questions(c.ofName(with.resource))
	return ok || c.k.isNamedByKey && c.k.has(OpRead) || c.k.has(OpList) && c.k.config.FilterList
}

// canBeSeen reports whether the record tells that the goal was reached.
func (c *call) canBeSeen() bool {
	switch c.goal.sort {
	case goalChanged:
		return len(readable(c.k, c.goal.fields)) > 0
	case goalDisabled, goalEnabled:
		return c.k.readsActive
	}
	return false
}

// awaitDone looks until the members are as they are to be.
func (c *memberCall) awaitDone(ctx context.Context, with *scope, prior []translators.CallResult, a *answer) translators.CallResult {
	within, isSo := c.t.acceptedWithin(ctx), false
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within+translators.SettleTimeout)
	defer cancel()
	err := c.t.await(ctx, time.Now().Add(within), func() (is bool, err error) {
		isSo, err = c.look(ctx, with, groupBehind(c, prior))
		return isSo, err
	})
	r := translators.CallResult{Outcome: translators.Applied, Data: a}
	switch {
	case err != nil:
		r = translators.CallResult{Outcome: translators.Unknown, IsSettled: true, Data: a, Err: notSeen(c.Purpose(), err)}
	case !isSo:
		r = translators.CallResult{Outcome: translators.Unknown, IsSettled: true, Data: a, Err: notDone(c.Purpose(), within, errors.New("read back, the members are as they were"))}
	}
	return r
}
