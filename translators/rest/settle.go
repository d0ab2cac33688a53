package rest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Settle implements [translators.Call].
func (c *call) Settle(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	with, within := c.scope(prior), time.Duration(c.t.ConsistentWithin)
	switch {
	case c.creates():
		return c.settleCreated(ctx, with, within)
	case c.goal.sort == goalGone:
		return c.settleGone(ctx, with.id, within)
	case c.goal.sort == goalSecret, c.goal.sort == goalCreated:
		return stillUnknown(&translators.Error{Kind: translators.Indefinite,
			Detail: "The application did not answer, and whether it has done it can't be seen by reading. Send the request again.",
			Err:    fmt.Errorf("%s: no answer came", c.Purpose())})
	}
	return c.settleChanged(ctx, with.id, within)
}

// settleCreated looks for the record by its name. One that is there is ours only if it
// is as it was sent: an account that was there before must not be taken for a new one.
func (c *call) settleCreated(ctx context.Context, with *scope, within time.Duration) translators.CallResult {
	found, err := c.named(ctx, with.resource, within)
	switch {
	case err != nil:
		return stillUnknown(fmt.Errorf("%s: looking for it: %w", c.Purpose(), err))
	case found == nil:
		return c.notSeen(ctx, with)
	}
	whole, err := c.t.recordAwaited(ctx, c.k, found.id, c.sees())
	switch {
	case err != nil:
		return stillUnknown(fmt.Errorf("%s: reading it: %w", c.Purpose(), err))
	case whole == nil:
		return c.notApplied()
	case c.wasBefore(whole) || !c.t.shows(c.k, whole, c.sentAlone()):
		taken := &translators.Error{Kind: translators.Conflict, Path: c.k.name.Name,
			Detail: fmt.Sprintf("%s: the value is taken by another %s.", c.k.name, c.k.noun()),
			Err:    fmt.Errorf("%s: the application did not answer; read back, there is another record of that name, or the application has changed what was sent", c.Purpose())}
		c.sayDisabled(taken, whole)
		return translators.CallResult{Outcome: translators.NotApplied, Err: taken}
	}
	// The calls behind it name the id, though no answer has told it.
	r := translators.CallResult{Outcome: translators.Applied, ID: whole.id, Data: &told{by: c, answer: &answer{id: whole.id}}}
	c.t.noteWrite(c.k, r.ID, written{fields: readable(c.k, c.goal.fields), wanted: with.resource})
	return c.readBack(ctx, r.ID, r)
}

// notSeen is the result where nobody has the name that was to be created. Where calls are
// to follow, one that counts as absent may be what was created, and may be somebody who
// has left.
func (c *call) notSeen(ctx context.Context, with *scope) translators.CallResult {
	if c.k.absence == nil || !c.isFollowed {
		return c.notApplied()
	}
	others, err := c.t.namesakes(ctx, c.k, with.resource.Get(c.k.name), "", true)
	switch {
	case err != nil:
		return stillUnknown(fmt.Errorf("%s: looking for it: %w", c.Purpose(), err))
	case len(others) == 0:
		return c.notApplied()
	}
	return stillUnknown(fmt.Errorf("%s: %w", c.Purpose(), &translators.Error{Kind: translators.Indefinite,
		Detail: fmt.Sprintf("The application did not answer, or has told no id, and the record %q of that name counts as absent after call %d of %d, by the line absent: whether it is the new one can't be told. Look at it in the application.",
			others[0].id, c.step.number, len(c.k.steps[OpCreate]))}))
}

// surelyBefore is how much older than now a record must be to be one that was there before:
// some applications tell the day alone, or the time of their own zone.
const surelyBefore = 48 * time.Hour

// wasBefore reports whether a record says that it is older than the call can be.
func (c *call) wasBefore(h *handle) bool {
	created := timeAt(c.k.created, h.record)
	return !created.IsZero() && time.Since(created) > surelyBefore
}

// sentAlone are the fields that this one call sends and that can be read again: a later
// one may send others, and lock the account.
func (c *call) sentAlone() (sent []fieldValue) {
	if c.step.names["fields"] == nil {
		return nil // it is known by its name
	}
	for _, f := range readable(c.k, c.goal.fields) {
		path := f.path.String()
		isOfOther := c.k.has(OpDisable) && path == c.k.activeField()
		if !isOfOther && !slices.Contains(c.step.config.Without, path) {
			sent = append(sent, f)
		}
	}
	return sent
}

// settleGone looks whether the record is gone.
func (c *call) settleGone(ctx context.Context, id string, within time.Duration) translators.CallResult {
	h, err := c.awaitRecord(ctx, id, look{}, within, func(h *handle) bool { return h == nil })
	switch {
	case err != nil:
		return stillUnknown(fmt.Errorf("%s: reading back: %w", c.Purpose(), err))
	case h != nil:
		return c.notApplied()
	}
	return translators.CallResult{Outcome: translators.Applied}
}

// settleDisabled looks whether the record is off, or gone.
func (c *call) settleDisabled(ctx context.Context, id string, within time.Duration) translators.CallResult {
	isOff := func(h *handle) bool {
		if h == nil {
			return true
		}
		active, isKnown := c.t.isActive(c.k, h)
		return isKnown && !active
	}
	h, err := c.awaitRecord(ctx, id, c.k.everything(), within, isOff)
	switch {
	case err != nil, !isOff(h) && !c.k.readsActive:
		return stillUnknown(fmt.Errorf("%s: whether it was disabled can't be read: %w", c.Purpose(), err))
	case !isOff(h):
		return c.notApplied()
	}
	return translators.CallResult{Outcome: translators.Applied}
}

// settleChanged compares the record with what it is to be.
func (c *call) settleChanged(ctx context.Context, id string, within time.Duration) translators.CallResult {
	open := readable(c.k, c.goal.fields)
	isMet := func(h *handle) bool {
		switch {
		case h == nil:
			return false
		case c.goal.sort == goalChanged:
			return c.t.shows(c.k, h, open)
		}
		active, isKnown := c.t.isActive(c.k, h)
		return isKnown && active == (c.goal.sort == goalEnabled)
	}
	if !c.canBeSeen() {
		return stillUnknown(&translators.Error{Kind: translators.Indefinite,
			Detail: "The application did not answer, and whether it has made the change can't be seen by reading. Send the request again.",
			Err:    fmt.Errorf("%s: no answer came", c.Purpose())})
	}
	h, err := c.awaitRecord(ctx, id, c.k.everything(), within, isMet)
	switch {
	case err != nil:
		return stillUnknown(fmt.Errorf("%s: reading back: %w", c.Purpose(), err))
	case h == nil:
		return translators.CallResult{Outcome: translators.NotApplied, Err: notFound(c.k, id)}
	case !isMet(h):
		return c.notApplied()
	}
	c.note(id)
	return c.bring(ctx, h, translators.CallResult{Outcome: translators.Applied})
}

// awaitRecord reads a record until it is as it is to be, for as long as the application
// may take.
func (c *call) awaitRecord(ctx context.Context, id string, l look, within time.Duration, isMet func(*handle) bool) (h *handle, err error) {
	err = c.t.await(ctx, time.Now().Add(within), func() (bool, error) {
		h, err = c.t.record(ctx, c.k, id, l)
		return err == nil && isMet(h), err
	})
	return h, err
}

// notApplied is the result of settling a call that the application has not carried out.
func (c *call) notApplied() translators.CallResult {
	return translators.CallResult{Outcome: translators.NotApplied, Err: &translators.Error{Kind: translators.Unavailable,
		Detail: "The application did not answer, and has not made the change. Try again.",
		Err:    fmt.Errorf("%s: no answer came; read back, the change is not there", c.Purpose())}}
}

// stillUnknown is the result of settling that could not find out.
func stillUnknown(err error) translators.CallResult {
	return translators.CallResult{Outcome: translators.Unknown, Err: err}
}

// Prove implements [translators.Translator]. What is proven is what the application's
// own record says, read behind the calls: it enforces its own flag.
func (t *Translator) Prove(ctx context.Context, p *translators.Plan, done translators.Report) translators.Proof {
	s, ok := p.Data.(subject)
	if !ok || p.Proves == translators.ProofNone {
		return translators.Proof{Status: translators.NotNeeded}
	}
	k := s.kind
	if s.id == "" {
		s.id = done.ID()
	}
	if !k.readsActive {
		return translators.Proof{Status: translators.Unprovable, Detail: "The application accepted the change and its record does not say whether the account is active. " +
			"Say where that can be read: map active <path>, and a call of status where read does not bring it."}
	}
	h, err := t.proofRecord(ctx, k, s.id, p.Proves, done)
	if err == nil && h == nil {
		err = notFound(k, s.id)
		if k.absence != nil {
			err = fmt.Errorf("it is gone, or counts as absent: %w", err)
		}
	}
	if err != nil {
		return translators.Proof{Status: translators.Unprovable, Detail: "The account could not be read back. Try again.",
			Err: fmt.Errorf("proving that the account is %s: %w", p.Proves, err)}
	}
	proof := translators.Proof{Status: translators.Proven}
	active, isKnown := t.isActive(k, h)
	switch {
	case !isKnown:
		proof.Status = translators.Unprovable
		proof.Detail = fmt.Sprintf("The record of the account tells nothing that is known at %s, where active is mapped to. Correct the map of active, or add a call of status that brings it.", k.activeField())
	case active && p.Proves == translators.ProofDisabled:
		proof.Status = translators.Refuted
		proof.Detail = fmt.Sprintf("The application accepted the change, and its record says that the account is active (%s).", k.activeField())
	case !active && p.Proves == translators.ProofEnabled:
		proof.Status = translators.Refuted
		proof.Detail = fmt.Sprintf("The application accepted the change, and its record says that the account is not active (%s).", k.activeField())
	}
	if last := done.Last(); last != nil && last.Handle == any(h) {
		proof.Entry = last
	} else if !h.isWhole {
		return proof // the host reads it
	} else if entry, err := t.entryOf(ctx, k, h, translators.Selection{All: true}); err == nil {
		proof.Entry = entry
	}
	return proof
}

// proofRecord returns the account as it was read behind the last call, or as it is read
// now, for as long as the application may take.
func (t *Translator) proofRecord(ctx context.Context, k *kind, id string, proves translators.ProofKind, done translators.Report) (h *handle, err error) {
	if last := done.Last(); last != nil && len(done.Results) > 0 && done.Results[len(done.Results)-1].Entry == last {
		if h, ok := last.Handle.(*handle); ok {
			return h, nil
		}
	}
	until := time.Now()
	if len(done.Results) > 0 {
		until = until.Add(time.Duration(t.ConsistentWithin))
	}
	err = t.await(ctx, until, func() (bool, error) {
		if h, err = t.recordAwaited(ctx, k, id, k.everything()); err != nil && k.active != nil {
			// What else is to be read, and can't be, says nothing of active.
			alone := k.lookFor(translators.Selection{Attributes: []*scim.Attribute{k.active}})
			if there, fault := t.record(ctx, k, id, alone); fault == nil && there != nil {
				h, err = there, nil
			}
		}
		if err != nil || h == nil {
			return false, err
		}
		active, isKnown := t.isActive(k, h)
		return isKnown && active == (proves == translators.ProofEnabled), nil
	})
	return h, err
}

// activeField is what active is mapped to, for people.
func (k *kind) activeField() string {
	if l := k.mapping.LeafFor(scim.Target{Attribute: k.active}, nil); l != nil && len(l.Fields) > 0 {
		return l.Fields[0]
	}
	return "its field"
}
