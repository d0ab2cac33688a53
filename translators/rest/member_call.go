package rest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// memberCall is a call that makes members come or go. It has no way back where it is not
// known whether one who was added had been there before.
type memberCall struct {
	t         *Translator
	m         *membership
	step      *step
	operation int // the place in the plan of the first call of the operation
	purpose   string
	with      scope
	offline   bool
	goesOn    bool // with further calls of the same operation

	add, remove []member
	// isTogether is set where all members are written at once.
	isTogether bool
	// groupID and groupName are those of the group where users have their groups: then
	// the call is an update of a user. "" where an earlier call creates the group.
	groupID, groupName string
	// oldName is what the group was called, where it gets another name and users refer to
	// it by that. Who has the old one gets the new one; who has neither is no member.
	oldName string
	// isAlone is set where a refusal of this one member holds no other back.
	isAlone bool
	// isNew is set where the plan creates the group.
	isNew bool
	// version is the one that the caller wants the group to have, "" for any.
	version string
	lock    func(context.Context, *scim.ResourceType, string) (func(), error)
	// sequence are the calls about one member that are to be alone with it; nil: they need
	// not be.
	sequence *sequence
}

// Purpose implements [translators.Call].
func (c *memberCall) Purpose() string {
	if c.step.number > 1 {
		return fmt.Sprintf("%s, call %d", c.purpose, c.step.number)
	}
	return c.purpose
}

// String implements [translators.Call].
func (c *memberCall) String() string {
	with := c.with
	if err := c.fill(&with, c.groupName, nil); err != nil {
		with = c.with
	}
	if c.version != "" {
		return onlyWhere(c.version) + c.step.print(c.t, &with)
	}
	return c.step.print(c.t, &with)
}

// Undo implements [translators.Call]: there is a way back where nobody had been a member
// before, and from a new name.
func (c *memberCall) Undo() translators.Call {
	switch {
	case c.step.onlyReads():
		return nothingToUndo{c}
	case c.step.number > 1 || c.m.inUser == nil && !c.isNew || c.oldName == "" && !c.isNew:
		return nil
	case c.m.inUser == nil:
		return &leftCall{c}
	}
	back := *c
	back.purpose, back.isNew = "take back: "+c.purpose, false
	if c.oldName != "" {
		back.groupName, back.oldName = c.oldName, c.groupName
		return &back
	}
	back.add, back.remove = nil, c.add
	return &back
}

// leftCall takes back what becomes of the members of a group that is deleted, because it
// was new: that is all that is to be done.
type leftCall struct{ of *memberCall }

// Purpose implements [translators.Call].
func (c *leftCall) Purpose() string { return "take back: " + c.of.Purpose() }

// String implements [translators.Call].
func (c *leftCall) String() string { return "# nothing is sent: the new group is deleted" }

// Do implements [translators.Call].
func (c *leftCall) Do(context.Context, []translators.CallResult) translators.CallResult {
	return translators.CallResult{Outcome: translators.Applied}
}

// Settle implements [translators.Call].
func (c *leftCall) Settle(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	return c.Do(ctx, prior)
}

// Undo implements [translators.Call].
func (c *leftCall) Undo() translators.Call { return nil }

// fill puts what is to be sent into the scope: the members as they will be, or the
// field that holds them. present are the references to those who are members now, where
// they are not in the record.
func (c *memberCall) fill(with *scope, groupName string, present []string) (err error) {
	var field fieldValue
	switch {
	case c.m.inUser != nil:
		add, remove := []string{groupName}, []string(nil)
		switch {
		case c.oldName != "":
			remove = []string{c.oldName}
		case len(c.add) == 0:
			add, remove = nil, add
		}
		field, _, err = c.m.inUser.with(with.record, add, remove)
	case c.isTogether && c.step.op == OpUpdate:
		field, _, err = c.m.inGroup.with(with.record, names(c.add), names(c.remove))
	case c.isTogether:
		if present == nil && !c.m.groups.has(OpMembers) {
			present = c.m.inGroup.in(with.record)
		}
		gone := setOf(names(c.remove))
		with.members = []string{} // and not null, also where nobody is left
		for _, name := range present {
			if !gone[name] {
				with.members = append(with.members, name)
			}
		}
		there := setOf(with.members)
		for _, name := range names(c.add) {
			if !there[name] {
				there[name] = true
				with.members = append(with.members, name)
			}
		}
		return nil
	default:
		return nil
	}
	with.fields = nil
	if field.path != nil {
		with.fields = []fieldValue{field}
	}
	return err
}

func names(members []member) []string {
	all := make([]string, len(members))
	for i, m := range members {
		all[i] = m.name
	}
	return all
}

// Do implements [translators.Call].
func (c *memberCall) Do(ctx context.Context, prior []translators.CallResult) (r translators.CallResult) {
	if c.offline {
		return result(fmt.Errorf("%s: %w", c.Purpose(), errOffline))
	}
	if c.isRefusedBefore(prior) {
		return translators.CallResult{Outcome: translators.NotApplied, IsAlone: true}
	}
	with := c.scopeBehind(prior)
	if c.sequence != nil {
		member, err := c.sequence.begin(ctx, c)
		if err != nil {
			return c.failed(err)
		}
		with.member = member
		defer func() { c.sequence.step(c.step, r.Outcome == translators.NotApplied) }()
	}
	unlock, err := c.hold(ctx, with)
	if err != nil {
		return result(fmt.Errorf("%s: %w", c.Purpose(), err))
	}
	defer unlock()
	isDone, err := c.prepare(ctx, with, groupBehind(c, prior))
	if err != nil {
		return c.failed(err)
	}
	if isDone {
		return translators.CallResult{Outcome: translators.Applied, IsUnchanged: true}
	}
	a, isDone, err := c.t.runFresh(ctx, c.step, with, c.isHindered, func() (bool, error) { return c.prepare(ctx, with, groupBehind(c, prior)) })
	if isDone {
		return translators.CallResult{Outcome: translators.Applied, IsUnchanged: true}
	}
	if err == nil && !c.isDue(a, with, prior) {
		return c.failed(notFor(c.purpose, c.step))
	}
	if err == nil {
		if !c.goesOn && isAccepted(with.prior, a) {
			return c.awaitDone(ctx, with, prior, a)
		}
		c.await(ctx, with, prior)
		return translators.CallResult{Outcome: translators.Applied, Data: a, IsUnchanged: a == nil || a.isUnchanged() || c.step.onlyReads()}
	}
	if translators.KindOf(err) == translators.NotFound {
		if c.m.inUser != nil {
			return c.absentUser(err)
		}
		return c.absent(ctx, with, err)
	}
	r = c.failed(err)
	r.Data = a
	return r
}

// failed is the result of a call that was not carried out. Where the application refuses
// this one member, and others are to come or go too, it is told who it is.
func (c *memberCall) failed(err error) translators.CallResult {
	r := result(fmt.Errorf("%s: %w", c.Purpose(), err))
	e, is := errors.AsType[*translators.Error](err)
	if !is || !c.isAlone || r.Outcome != translators.NotApplied {
		return r
	}
	switch e.Kind {
	case translators.Invalid, translators.Refused, translators.Conflict:
		told := *e
		told.Path, told.Err = "members", err
		told.Detail = fmt.Sprintf("members: %s. %s", c.notDone(), e.Detail)
		r.Err, r.IsAlone = fmt.Errorf("%s: %w", c.Purpose(), &told), true
	}
	return r
}

// notDone says who did not come or go.
func (c *memberCall) notDone() string {
	of, what := c.add, "added"
	if len(of) == 0 {
		of, what = c.remove, "removed"
	}
	return fmt.Sprintf("%q was not %s", of[0].entry.Resource.ID, what)
}

// isRefusedBefore reports whether an earlier call about the same member was refused.
func (c *memberCall) isRefusedBefore(prior []translators.CallResult) bool {
	return slices.ContainsFunc(prior[min(c.operation, len(prior)):], func(r translators.CallResult) bool { return r.Outcome != translators.Applied }) && c.step.number > 1
}

// isDue reports whether the calls of the operation do something. The last of them knows:
// where none was made that writes, because no condition is true, the members are as they
// were. A result without Data is of a call that found nothing left to do, or that was
// settled.
func (c *memberCall) isDue(a *answer, with *scope, prior []translators.CallResult) bool {
	steps := c.step.kind.steps[c.step.op]
	if c.step.number < len(steps) || a != nil && !c.step.onlyReads() {
		return true
	}
	for i, s := range steps[:c.step.number-1] {
		if prior[c.operation+i].Data == nil || with.prior[i] != nil && !s.onlyReads() {
			return true
		}
	}
	return false
}

// isHindered reports whether somebody else has written the record since it was read.
func (c *memberCall) isHindered(err error) bool {
	return translators.KindOf(err) == translators.Changed && (c.version == "" || c.m.inUser != nil)
}

// scopeBehind is the scope of the call, with what the calls before it have told.
func (c *memberCall) scopeBehind(prior []translators.CallResult) *scope {
	with := c.with
	for i, r := range prior {
		if with.id == "" {
			with.id = r.ID
		}
		if i >= c.operation && i < c.operation+c.step.number-1 {
			a, _ := r.Data.(*answer)
			with.prior = append(with.prior, a)
		}
	}
	return &with
}

// groupBehind returns the id of the group.
func groupBehind(c *memberCall, prior []translators.CallResult) string {
	if c.m.inUser == nil {
		return c.scopeBehind(prior).id
	}
	id := c.groupID
	for _, r := range prior {
		if id == "" {
			id = r.ID
		}
	}
	return id
}

// hold keeps others from the user who is read and written: a disable that came between
// would be undone by a record that was read before it.
func (c *memberCall) hold(ctx context.Context, with *scope) (func(), error) {
	if c.m.inUser == nil || c.lock == nil {
		return func() {}, nil
	}
	return c.lock(ctx, c.m.users.served.ResourceType, with.id)
}

// prepare reads what the call is to write upon, and puts what it is to send into the
// scope. isDone is set when everything is so already.
func (c *memberCall) prepare(ctx context.Context, with *scope, groupID string) (isDone bool, err error) {
	k := c.m.groups
	var h *handle
	if c.version != "" || c.isTogether {
		if h, err = c.t.recordAwaited(ctx, k, groupID, k.everything()); err != nil || h == nil {
			return false, orNotFound(err, k, groupID)
		}
		if c.version != "" && k.versionOf(h) != c.version {
			return false, outdated(k, groupID)
		}
	}
	if c.m.inUser != nil {
		return c.prepareUser(ctx, with, groupID)
	}
	if h != nil {
		with.record, with.etag = h.record, h.etag
	}
	if !c.isTogether {
		return false, nil
	}
	var present []string
	if err := c.t.memberNames(ctx, c.m, h, func(name string) error { present = append(present, name); return nil }); err != nil {
		return false, err
	}
	if c.step.number == 1 && c.isSo(present) {
		return true, nil
	}
	return false, c.fill(with, "", append([]string{}, present...))
}

// prepareUser is prepare where users have their groups.
func (c *memberCall) prepareUser(ctx context.Context, with *scope, groupID string) (isDone bool, err error) {
	k := c.m.users
	h, err := c.t.recordAwaited(ctx, k, with.id, k.everything())
	switch {
	case err != nil:
		return false, err
	case h == nil && (len(c.add) == 0 || c.oldName != ""):
		return true, nil // whose groups are gone too
	case h == nil:
		return false, &translators.Error{Kind: translators.Invalid, Path: "members", Detail: fmt.Sprintf("members: there is no user with the id %q.", with.id)}
	}
	with.record, with.etag = h.record, h.etag
	with.resource = c.t.resourceOf(k, h, translators.Selection{All: true})
	name := c.groupName
	if name == "" {
		name = groupID
	}
	if c.step.number == 1 && c.isOnUser(h, name) {
		return true, nil
	}
	return false, c.fill(with, name, nil)
}

// isOnUser reports whether a user's record is as the call makes it.
func (c *memberCall) isOnUser(h *handle, name string) bool {
	there := c.m.inUser.in(h.record)
	if c.oldName != "" {
		return !slices.Contains(there, c.oldName)
	}
	return slices.Contains(there, name) == (len(c.add) > 0)
}

// isSo reports whether the members are as they are to be.
func (c *memberCall) isSo(present []string) bool {
	there := setOf(present)
	for _, name := range names(c.add) {
		if !there[name] {
			return false
		}
	}
	return !slices.ContainsFunc(names(c.remove), func(name string) bool { return there[name] })
}

func orNotFound(err error, k *kind, id string) error {
	if err != nil {
		return err
	}
	return notFound(k, id)
}

// absent finds out what an application means that finds something not: the group, or
// the member.
func (c *memberCall) absent(ctx context.Context, with *scope, cause error) translators.CallResult {
	h, err := c.t.recordAwaited(ctx, c.m.groups, with.id, c.m.groups.everything())
	switch {
	case err != nil:
		return result(fmt.Errorf("%s: %w", c.Purpose(), err))
	case h == nil:
		return result(fmt.Errorf("%s: %w", c.Purpose(), notFound(c.m.groups, with.id)))
	case len(c.add) == 0:
		return translators.CallResult{Outcome: translators.Applied, IsUnchanged: true} // who is not there is no member
	}
	return c.failed(&translators.Error{Kind: translators.Invalid, Path: "members", Err: cause,
		Detail: "members: the application has the group, and does not find the user who is to be added."})
}

// absentUser is the result where the user has gone since it was read.
func (c *memberCall) absentUser(cause error) translators.CallResult {
	if len(c.add) == 0 || c.oldName != "" {
		return translators.CallResult{Outcome: translators.Applied, IsUnchanged: true}
	}
	return c.failed(&translators.Error{Kind: translators.Invalid, Path: "members", Err: cause,
		Detail: fmt.Sprintf("members: there is no user with the id %q.", c.with.id)})
}

// look reports whether the members are as the call makes them.
func (c *memberCall) look(ctx context.Context, with *scope, groupID string) (bool, error) {
	if c.m.inUser != nil {
		h, err := c.t.record(ctx, c.m.users, with.id, look{fields: []string{c.m.inUser.text}})
		if err != nil || h == nil {
			return h == nil && (len(c.add) == 0 || c.oldName != ""), err
		}
		name := c.groupName
		if name == "" {
			name = groupID
		}
		return c.isOnUser(h, name), nil
	}
	h, err := c.t.record(ctx, c.m.groups, groupID, c.m.groups.everything())
	if err != nil || h == nil {
		return false, orNotFound(err, c.m.groups, groupID)
	}
	if len(c.add)+len(c.remove) == 1 {
		name := append(names(c.add), names(c.remove)...)[0]
		is, err := c.t.isMember(ctx, c.m, h, name)
		return is == (len(c.add) > 0), err
	}
	var present []string
	err = c.t.memberNames(ctx, c.m, h, func(name string) error { present = append(present, name); return nil })
	return err == nil && c.isSo(present), err
}

// await waits until an application that takes its time shows the change.
func (c *memberCall) await(ctx context.Context, with *scope, prior []translators.CallResult) {
	if c.t.ConsistentWithin <= 0 {
		return
	}
	until := time.Now().Add(time.Duration(c.t.ConsistentWithin))
	// What is not seen in time was accepted all the same.
	_ = c.t.await(ctx, until, func() (bool, error) { return c.look(ctx, with, groupBehind(c, prior)) })
}

// Settle implements [translators.Call]: who is a member can be seen. An application that
// refuses who is a member already is in the wanted state.
func (c *memberCall) Settle(ctx context.Context, prior []translators.CallResult) (r translators.CallResult) {
	if c.sequence != nil {
		defer func() { c.sequence.step(c.step, r.Outcome != translators.Applied) }()
	}
	with := c.scopeBehind(prior)
	isSo := false
	until := time.Now().Add(time.Duration(c.t.ConsistentWithin))
	err := c.t.await(ctx, until, func() (is bool, err error) {
		isSo, err = c.look(ctx, with, groupBehind(c, prior))
		return isSo, err
	})
	switch {
	case translators.KindOf(err) == translators.NotFound:
		return translators.CallResult{Outcome: translators.NotApplied, Err: err}
	case err != nil:
		return stillUnknown(fmt.Errorf("%s: reading back: %w", c.Purpose(), err))
	case isSo:
		return translators.CallResult{Outcome: translators.Applied}
	}
	detail := "The application has not made the change of members, and does not say why. Try again."
	if c.isAlone {
		detail = fmt.Sprintf("members: %s.", c.notDone())
	}
	return translators.CallResult{Outcome: translators.NotApplied, IsAlone: c.isAlone, Err: &translators.Error{Kind: translators.Unavailable,
		Detail: detail,
		Err:    fmt.Errorf("%s: read back, the members are as they were", c.Purpose())}}
}

// Interface guards
var (
	_ translators.Call = (*memberCall)(nil)
	_ translators.Call = (*leftCall)(nil)
)
