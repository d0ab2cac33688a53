package rest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// call is one request of a plan that writes.
type call struct {
	t    *Translator
	k    *kind
	step *step
	// before are the places in the plan of the earlier calls of the same operation,
	// notMade for those that are not in it.
	before  []int
	purpose string
	with    scope // without what the calls before it will tell
	goal    goal
	// brings is set where the result has to bring the resource, and sent is what all calls
	// of the plan have written then.
	brings bool
	sent   []fieldValue
	// isBehind is set where a call of another operation has changed the record before: this
	// one reads it anew.
	isBehind bool
	// goesOn is set where further calls of the same operation come behind it.
	goesOn bool
	// isFollowed is set where calls come behind it that may fail.
	isFollowed bool
	// mayBeUndone is set of a call that creates, where a later one may fail: what is then
	// deleted must not have been there before.
	mayBeUndone bool
	// version is the one that the caller wants the resource to have, "" for any.
	version string
	offline bool
	// back takes the call back, where neither the configuration nor the operation says
	// how; nil: nothing does.
	back *call
}

// told is the CallResult.Data of this translator: what a call was answered, nil where it
// was not made.
type told struct {
	by     *call
	answer *answer
	// record and etag are what it was made upon.
	record gjson.Result
	etag   string
}

// goal is what is to be true behind a call.
type goal struct {
	sort   goalSort
	fields []fieldValue
	name   scim.Value // by which the resource is to be known, where that changes
}

type goalSort int

// The sorts of goals.
const (
	goalCreated goalSort = iota
	goalChanged
	goalDisabled
	goalEnabled
	goalSecret
	goalGone
)

// String implements [translators.Call].
func (c *call) String() string {
	with := c.with
	text := c.step.print(c.t, &with) + c.printedUndo()
	if c.version != "" {
		return onlyWhere(c.version) + text
	}
	return text
}

// onlyWhere says in a printed plan which version a call is for.
func onlyWhere(version string) string {
	return fmt.Sprintf("# only where the version is %s\n", version)
}

// Purpose implements [translators.Call].
func (c *call) Purpose() string {
	if c.step.number > 1 {
		return fmt.Sprintf("%s, call %d", c.purpose, c.step.number)
	}
	return c.purpose
}

// creates reports whether the call makes a resource that was not there before.
func (c *call) creates() bool { return c.goal.sort == goalCreated && c.step.number == 1 }

// scope is with what the calls before have told.
func (c *call) scope(prior []translators.CallResult) *scope {
	with := c.with
	for _, r := range prior {
		if with.id == "" {
			with.id = r.ID
		}
	}
	for _, place := range c.before {
		var a *answer
		if place != notMade && place < len(prior) {
			if d, ok := prior[place].Data.(*told); ok {
				a = d.answer
			}
		}
		with.prior = append(with.prior, a)
	}
	return &with
}

// Do implements [translators.Call].
func (c *call) Do(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	if c.offline {
		return result(fmt.Errorf("%s: %w", c.Purpose(), errOffline))
	}
	with := c.scope(prior)
	if done, err := c.prepare(ctx, with); err != nil || done != nil {
		if err != nil {
			return c.failed(err)
		}
		return *done
	}
	a, _, err := c.t.runFresh(ctx, c.step, with, c.isHindered, func() (bool, error) { return false, c.refresh(ctx, with) })
	if err != nil {
		r := c.failed(c.taken(ctx, with, err))
		r.Data = &told{by: c, answer: a}
		return r
	}
	r := translators.CallResult{Outcome: translators.Applied, Data: &told{c, a, with.record, with.etag}}
	if a != nil {
		r.IsUnchanged = a.isUnchanged()
	} else {
		r.IsUnchanged = !c.creates()
	}
	if (c.creates() || !c.goesOn) && isAccepted(with.prior, a) {
		return c.awaitDone(ctx, with, r, a)
	}
	if c.creates() {
		r = c.created(ctx, with, r, a)
		if a != nil && r.ID != "" {
			a.id = r.ID // which the calls behind it name, wherever it was found
		}
		return r
	}
	c.note(with.id)
	return c.unlessStillAbsent(ctx, c.readBack(ctx, with.id, r), prior)
}

// isHindered reports whether somebody else has changed the record since it was read. Who
// sets active alone takes no value from another: their conflict is none but that.
func (c *call) isHindered(err error) bool {
	switch translators.KindOf(err) {
	case translators.Changed:
		return c.version == "" && !c.creates()
	case translators.Conflict:
		return c.setsActiveAlone()
	}
	return false
}

func (c *call) setsActiveAlone() bool {
	return c.goal.sort == goalDisabled || c.goal.sort == goalEnabled
}

// prepare looks at what has to be known right before the call. A result is there when
// nothing is left to do.
func (c *call) prepare(ctx context.Context, with *scope) (*translators.CallResult, error) {
	switch {
	case c.creates():
		return nil, c.guard(ctx, with.resource, "")
	case c.goal.sort == goalCreated:
		return nil, nil
	}
	if c.with.id == "" && (c.goal.sort == goalDisabled || c.goal.sort == goalSecret) {
		// Of one who was created a moment ago.
		h, err := c.t.recordAwaited(ctx, c.k, with.id, c.sees())
		if err != nil || h == nil {
			return nil, c.unlessAbsent(err, with.id)
		}
		with.record, with.etag = h.record, h.etag
		if active, isKnown := c.t.isActive(c.k, h); c.goal.sort == goalDisabled && isKnown && !active {
			r := c.readBack(ctx, with.id, translators.CallResult{Outcome: translators.Applied})
			return &r, nil
		}
		return nil, nil
	}
	if c.version != "" || c.isBehind {
		if err := c.refresh(ctx, with); err != nil {
			return nil, err
		}
	}
	if !c.goal.name.IsAbsent() {
		return nil, c.guard(ctx, with.resource, with.id)
	}
	return nil, nil
}

// refresh reads the record anew.
func (c *call) refresh(ctx context.Context, with *scope) error {
	h, err := c.t.recordAwaited(ctx, c.k, with.id, c.sees())
	if err != nil || h == nil {
		return c.unlessAbsent(err, with.id)
	}
	if c.version != "" && c.k.versionOf(h) != c.version {
		return outdated(c.k, with.id)
	}
	with.record, with.etag = h.record, h.etag
	return nil
}

func (c *call) unlessAbsent(err error, id string) error {
	if err == nil {
		err = notFound(c.k, id)
	}
	return err
}

// guard refuses a name that another record has, where the application would not: it
// says nothing of conflicts, or the name is in the URL and a write to it overwrites.
func (c *call) guard(ctx context.Context, wanted *scim.Resource, own string) error {
	k := c.k
	if k.name == nil || wanted == nil || k.tellsConflicts(c.step) && !c.mayBeUndone {
		return nil
	}
	// Who counts as absent is no namesake, unless the call would overwrite that record.
	overwrites := c.creates() && c.step.config.Method == http.MethodPut
	others, err := c.t.namesakes(ctx, k, wanted.Get(k.name), own, overwrites)
	if err != nil {
		return fmt.Errorf("looking whether the name is taken: %w", err)
	}
	if len(others) > 0 {
		return c.inTheWay(ctx, conflict(k, others))
	}
	return nil
}

// inTheWay says of the one account that has the name that it is disabled: it may be what an
// undo has left behind.
func (c *call) inTheWay(ctx context.Context, e *translators.Error) error {
	if !c.creates() || !c.k.readsActive || len(e.IDs) != 1 {
		return e
	}
	h, err := c.t.record(ctx, c.k, e.IDs[0], c.k.everything())
	if err == nil && h != nil {
		c.sayDisabled(e, h)
	}
	return e
}

// sayDisabled adds to the error that the account that has the name is disabled, if it is.
func (c *call) sayDisabled(e *translators.Error, h *handle) {
	if active, isKnown := c.t.isActive(c.k, h); isKnown && !active {
		e.IDs = []string{h.id}
		e.Detail += " That one is disabled; it may be left of an earlier attempt."
	}
}

// tellsConflicts reports whether the application says that a name is taken: the
// configuration tells how. Of a PUT, which overwrites, it must be said at the call.
func (k *kind) tellsConflicts(s *step) bool {
	has := func(all []Judgement) bool {
		for _, j := range all {
			if j.Verdict == VerdictConflict {
				return true
			}
		}
		return false
	}
	if s.op == OpCreate && s.config.Method == "PUT" {
		return has(s.config.Judgements)
	}
	return has(s.config.Judgements) || has(k.judgements)
}

func conflict(k *kind, others []*handle) *translators.Error {
	e := &translators.Error{Kind: translators.Conflict, Path: k.name.Name, Detail: fmt.Sprintf("%s: the value is taken by another %s.", k.name, k.noun())}
	for _, h := range others {
		e.IDs = append(e.IDs, h.id)
		if h.isAbsent {
			e.Detail = fmt.Sprintf("%s: the value is taken by another %s, which counts as absent here and would be overwritten. Rename it in the application.", k.name, k.noun())
		}
	}
	return e
}

// namesakes returns the records that have the name, but for one. Where the
// application can't be asked, there are none that are known.
func (t *Translator) namesakes(ctx context.Context, k *kind, name scim.Value, own string, withAbsent bool) (others []*handle, err error) {
	filter := scim.Compare{Target: scim.Target{Attribute: k.name}, Operator: scim.Equal, Value: name}
	if k.isNamedByKey && k.has(OpRead) {
		h, err := t.record(ctx, k, name.Text(), look{isOfAnyID: true, takesAbsent: withAbsent})
		if err != nil {
			return nil, err
		}
		if h != nil && h.id != own {
			return []*handle{h}, nil
		}
	}
	if _, ok := k.questions(filter); !ok && !(k.has(OpList) && k.config.FilterList) {
		return nil, nil
	}
	found, _, err := t.gatherOf(ctx, k, filter, translators.Selection{}, 2, withAbsent)
	return slices.DeleteFunc(found, func(h *handle) bool { return h.id == own }), err
}

// created completes the result of the call that creates: the id is in its answer, or
// is looked up by the name.
func (c *call) created(ctx context.Context, with *scope, r translators.CallResult, a *answer) translators.CallResult {
	if a != nil {
		r.ID = a.id
	}
	if r.ID == "" && c.k.isNamedByKey {
		r.ID = with.resource.Get(c.k.name).Text()
	}
	if r.ID == "" {
		h, err := c.lookUp(ctx, with.resource, time.Duration(c.t.ConsistentWithin))
		if err == nil && h == nil {
			err = &translators.Error{Kind: translators.Indefinite,
				Detail: "The application has accepted the new " + c.k.noun() + " and tells no id of it; a search does not find it. Say where the id is in the answer: id <path>, or id_header."}
		}
		if err != nil {
			return translators.CallResult{Outcome: translators.Unknown, Data: &told{by: c, answer: a}, Err: fmt.Errorf("%s: %w", c.purpose, err)}
		}
		r.ID = h.id
	}
	c.t.noteWrite(c.k, r.ID, written{fields: readable(c.k, c.goal.fields), wanted: with.resource})
	if a != nil && a.id != "" && (c.brings || !a.isIDOfRecord) {
		return c.confirm(ctx, with, r)
	}
	return c.readBack(ctx, r.ID, r)
}

// lookUp finds the record that was created by its name, waiting as long as the
// application may take.
func (c *call) lookUp(ctx context.Context, wanted *scim.Resource, within time.Duration) (found *handle, err error) {
	filter := c.ofName(wanted)
	err = c.t.await(ctx, time.Now().Add(within), func() (bool, error) {
		all, _, err := c.t.gather(ctx, c.k, filter, translators.Selection{All: true}, 2)
		switch {
		case err != nil:
			return false, err
		case len(all) > 1:
			return false, &translators.Error{Kind: translators.Conflict, IDs: []string{all[0].id, all[1].id},
				Detail: "The application holds several records with this one value, so that the one that is meant can't be told."}
		case len(all) == 1:
			found = all[0]
		}
		return found != nil, nil
	})
	return found, err
}

// note remembers what the call has written.
func (c *call) note(id string) {
	switch {
	case c.goal.sort == goalGone:
		c.t.noteWrite(c.k, id, written{isGone: true})
	case len(c.goal.fields) > 0:
		what := written{fields: readable(c.k, c.goal.fields), wanted: c.with.resource}
		c.t.noteWrite(c.k, id, what)
	}
}

// readable are the fields that can be read again.
func readable(k *kind, fields []fieldValue) (open []fieldValue) {
	for _, f := range fields {
		if f.mask == "" || !k.isWrittenOnly(f.path.String()) {
			open = append(open, f)
		}
	}
	return open
}

// isWrittenOnly reports whether no readable leaf has the field.
func (k *kind) isWrittenOnly(field string) bool {
	for _, l := range k.mapping.Leaves {
		for _, f := range l.Fields {
			if f == field && l.IsReadable() {
				return false
			}
		}
	}
	return true
}

// readBack adds the resource to the result of the last call. That it can't be read does
// not make the call another: the host reads again. What was created and is not there has
// another id than was told.
func (c *call) readBack(ctx context.Context, id string, r translators.CallResult) translators.CallResult {
	if !c.brings {
		return r
	}
	h, err := c.t.recordAwaited(ctx, c.k, id, c.sees())
	switch {
	case err != nil:
		return r
	case h == nil && c.goal.sort == goalCreated:
		return translators.CallResult{Outcome: translators.Unknown, IsSettled: true, Data: r.Data, Err: fmt.Errorf("%s: %w", c.Purpose(), c.unreadable(nil))}
	}
	return c.bring(ctx, h, r)
}

// result is what a write came to.
func result(err error) translators.CallResult {
	if translators.KindOf(err) == translators.Indefinite {
		return translators.CallResult{Outcome: translators.Unknown, Err: err}
	}
	return translators.CallResult{Outcome: translators.NotApplied, Err: err}
}

// isActive returns what a record says of the account, and whether it says it.
func (t *Translator) isActive(k *kind, h *handle) (active, isKnown bool) {
	if k.active == nil || !k.readsActive {
		return false, false
	}
	return t.resourceOf(k, h, translators.Selection{Attributes: []*scim.Attribute{k.active}}).IsActive()
}

// Interface guards
var (
	_ translators.Call = (*call)(nil)
	_ translators.Call = (*undoCall)(nil)
	_ translators.Call = nothingToUndo{}
)
