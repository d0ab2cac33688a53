package rest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// confirm reads what was created by the id that the answer has told. The line that says
// where that is may be wrong: then the record is known by its name, and one that is not
// found by either is no absence, for it was created.
func (c *call) confirm(ctx context.Context, with *scope, r translators.CallResult) translators.CallResult {
	h, fault := c.t.recordAwaited(ctx, c.k, r.ID, c.sees())
	if h != nil && c.isNamed(h, with.resource) || c.k.name == nil && fault != nil {
		return c.bring(ctx, h, r)
	}
	there, err := c.named(ctx, with.resource, time.Duration(c.t.ConsistentWithin))
	switch {
	case err == nil && there != nil && there.id != r.ID:
		c.t.logger.Warn("what create has told is not the id of what was created, which was found by its name: correct the line that says where the id is",
			zap.String("call", c.step.String()), zap.String("line", c.step.idLine()), zap.String("resource_id", there.id))
		c.t.backend.writes.forget(c.k, r.ID)
		r.ID = there.id
		c.t.noteWrite(c.k, r.ID, written{fields: readable(c.k, c.goal.fields), wanted: with.resource})
		return c.readBack(ctx, r.ID, r)
	case h != nil, fault != nil, err == nil && there != nil:
		return c.bring(ctx, h, r) // a name that the application writes otherwise; what can't be read the host reads again
	}
	c.t.backend.writes.forget(c.k, r.ID)
	return translators.CallResult{Outcome: translators.Unknown, IsSettled: true, Data: r.Data, Err: fmt.Errorf("%s: %w", c.Purpose(), c.unreadable(err))}
}

// unreadable is the error for what was created and can't be read by its id.
func (c *call) unreadable(cause error) error {
	e := &translators.Error{Kind: translators.Indefinite, Err: cause, Detail: fmt.Sprintf(
		"The application has accepted the new %s, and does not have it by the id that its answer told, or by its name. Correct where the id is in the answer: %s of create.",
		c.k.noun(), c.step.createdBy().idLine())}
	return e
}

// sees is what the call sees of the record. In a plan that creates it is there, although it
// counts as absent: what it is to count by, a later call may write.
func (c *call) sees() look {
	l := c.k.everything()
	l.takesAbsent = c.with.id == ""
	return l
}

// errStillAbsent is the cause where what was created counts as absent behind the last call.
var errStillAbsent = errors.New("what was created counts as absent")

// stillAbsent is the result of the last call where the record counts as absent all the same.
// The calls before it are then taken back: nobody would find the record, and the next
// request would create another.
func (c *call) stillAbsent(h *handle, r translators.CallResult) translators.CallResult {
	return translators.CallResult{Outcome: translators.Unknown, IsSettled: true, ID: r.ID, Data: r.Data, Err: fmt.Errorf("%s: %w", c.Purpose(), &translators.Error{
		Kind: translators.Indefinite, Err: errStillAbsent,
		Detail: fmt.Sprintf("The application has created the %s %q, and its record counts as absent behind the last call, by the line absent (%s). Correct that line: it is to be true of those alone who have left.",
			c.k.noun(), h.id, c.k.config.Absent)})}
}

// unlessStillAbsent takes the last call back itself where the record counts as absent
// behind it, and the configuration says how.
func (c *call) unlessStillAbsent(ctx context.Context, r translators.CallResult, prior []translators.CallResult) translators.CallResult {
	if len(c.step.undo) == 0 || !errors.Is(r.Err, errStillAbsent) {
		return r
	}
	undo := c.Undo()
	if undo == nil {
		return r
	}
	undone := undo.Do(context.WithoutCancel(ctx), append(slices.Clone(prior), r))
	if undone.Outcome == translators.Applied {
		r.Outcome = translators.NotApplied
		return r
	}
	r.Err = fmt.Errorf("%w; not taken back: %w", r.Err, undone.Err)
	return r
}

// idLine is the line that says where the id of what is created is.
func (s *step) idLine() string {
	line := "id"
	switch {
	case s.config.IDHeader != "":
		line = "id_header " + s.config.IDHeader
	case s.config.ID != "":
		line = "id " + s.config.ID
	}
	if s.config.IDPattern != "" {
		line += " " + s.config.IDPattern
	}
	return line
}

// createdBy is the call that tells the id.
func (s *step) createdBy() *step {
	if steps := s.kind.steps[OpCreate]; len(steps) > 0 {
		return steps[0]
	}
	return s
}

// failed is the result of a call that was not carried out. Behind a creation of the same
// plan nobody says that there is no such record.
func (c *call) failed(err error) translators.CallResult {
	if c.with.id == "" && !c.creates() && translators.KindOf(err) == translators.NotFound {
		return translators.CallResult{Outcome: translators.NotApplied, Err: fmt.Errorf("%s: %w", c.Purpose(), &translators.Error{
			Kind: translators.Unavailable, Err: err,
			Detail: fmt.Sprintf("The application has accepted the new %s, and this call does not find it. Correct the call, or where the id is in the answer: %s of create.", c.k.noun(), c.step.createdBy().idLine())})}
	}
	return result(fmt.Errorf("%s: %w", c.Purpose(), err))
}

// isNamed reports whether a record has the name that was wanted, or tells none.
func (c *call) isNamed(h *handle, wanted *scim.Resource) bool {
	if c.k.name == nil || wanted == nil {
		return true
	}
	there := c.t.resourceOf(c.k, h, translators.Selection{Attributes: []*scim.Attribute{c.k.name}})
	return there.Get(c.k.name).IsAbsent() || scim.Match(c.ofName(wanted), there)
}

// ofName is the filter for the name of a resource.
func (c *call) ofName(wanted *scim.Resource) scim.Filter {
	return scim.Compare{Target: scim.Target{Attribute: c.k.name}, Operator: scim.Equal, Value: wanted.Get(c.k.name)}
}

// named finds the record by the name of what was wanted, for as long as the application may
// take; nil is nobody.
func (c *call) named(ctx context.Context, wanted *scim.Resource, within time.Duration) (*handle, error) {
	if c.k.isNamedByKey && c.k.has(OpRead) {
		return c.awaitRecord(ctx, wanted.Get(c.k.name).Text(), look{isOfAnyID: true}, within, func(h *handle) bool { return h != nil })
	}
	return c.lookUp(ctx, wanted, within)
}

// bring adds a record that was read to the result of the last call.
func (c *call) bring(ctx context.Context, h *handle, r translators.CallResult) translators.CallResult {
	switch {
	case !c.brings || h == nil:
		return r
	case h.isAbsent:
		return c.stillAbsent(h, r)
	}
	c.t.warnOfOthers(c.k, h, c.sent)
	if entry, err := c.t.entryOf(ctx, c.k, h, translators.Selection{All: true, Members: c.k.members != nil}); err == nil {
		r.Entry = entry
	}
	return r
}
