package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// update answers PUT and PATCH (RFC 7644 §3.5). What disables is done alone and
// first: nothing else in the request, and no error in it, holds it back.
func (x *exchange) update(ctx context.Context, invalid error) {
	disable, rest := x.op.SplitDisable()
	unlock := func() {}
	defer func() { unlock() }()
	var err error
	if !isMemberDelta(x.op) || !x.op.Condition.IsNone() || x.h.typeOf(x.op.Type).LocksMembers {
		locking := ctx
		if disable != nil {
			locking = translators.Urgent(ctx)
		}
		held, err := x.lock(locking, x.op.Type.Name, x.op.ID)
		if err != nil {
			x.fail(err)
			return
		}
		unlock = held
	}
	var entry *translators.Entry
	if disable != nil {
		if entry, err = x.disable(ctx, disable, &unlock); err != nil {
			x.fail(err)
			return
		}
		if rest != nil {
			rest.Condition = x.behindDisable(rest.Condition, entry)
		}
	}
	hasRest := invalid != nil || rest != nil
	switch {
	case invalid != nil:
		err = invalid
	case x.changed != nil:
		err = x.changed
	case rest != nil:
		if entry, err = x.updateOne(ctx, rest); err == nil && enables(rest) {
			x.isEnabledNow(rest.Type, rest.ID)
		}
	}
	if err != nil {
		if disable != nil {
			err = x.afterDisable(err, hasRest)
		}
		x.fail(err)
		return
	}
	x.updated(ctx, entry)
}

// isMemberDelta reports whether an update adds and removes members and does
// nothing else. It goes out without having read the group, so that there is
// nothing that a lock would keep as it was read; and a large group is filled by
// many such requests at a time. Where a backend takes all members together only
// ([translators.Type.LocksMembers]) the lock is held all the same.
func isMemberDelta(op *scim.Operation) bool {
	return len(op.Changes) == 0 && !op.Members.IsEmpty() && !op.Members.ReplaceAll
}

// afterDisable says in an error that the account has been disabled all the same,
// and whether that was all that was asked.
func (x *exchange) afterDisable(err error, hasRest bool) error {
	done := "The account was disabled all the same. "
	if hasRest {
		done = "The account was disabled. The rest of the request was not carried out: "
	}
	return x.behind(done, err)
}

// behind says in an error what has been done all the same.
func (x *exchange) behind(done string, err error) error {
	answer := *x.errorAnswer(err)
	answer.Detail = done + answer.Detail
	answer.Err = err
	return &answer
}

// updated answers a successful update: PUT and users with the resource, a PATCH
// of a group with 204 unless attributes are asked for (RFC 7644 §3.5.2): a
// group's members may be many, and no provider wants them back.
func (x *exchange) updated(ctx context.Context, entry *translators.Entry) {
	if x.isListed {
		if x.left != nil {
			x.head.etag = x.left.Meta.ETag()
		}
		x.answer(http.StatusOK, nil)
		return
	}
	if !x.op.IsPut && x.op.Type.Name == "Group" && x.op.Projection.Include == nil {
		if x.left != nil {
			x.head.etag = x.left.Meta.ETag()
		}
		x.answer(http.StatusNoContent, nil)
		return
	}
	if entry == nil || entry.Members == nil && wantsMembers(x.op.Type, x.op.Projection) {
		var err error
		entry, err = x.readOne(ctx, x.op.Type, x.op.ID, selectionFor(x.op.Type, x.op.Projection))
		if isForgetful(err) {
			// The write is done, and what can't be asked for must not look absent.
			x.answer(http.StatusNoContent, nil)
			return
		}
		if err != nil {
			x.fail(err)
			return
		}
	}
	x.resourceAnswer(http.StatusOK, entry)
}

// updateOne takes one update through read, policy, plan, journal, execute and
// prove. The entry it returns is the whole resource afterwards, or nil when it
// would have to be read.
func (x *exchange) updateOne(ctx context.Context, op *scim.Operation) (*translators.Entry, error) {
	intent, err := x.updateIntent(ctx, op)
	if err != nil {
		return nil, err
	}
	if len(intent.Changes) == 0 && intent.Members.IsEmpty() && !intent.SetsActive && intent.Before != nil && !x.h.DryRun {
		x.left = intent.Before.Resource
		return nil, nil // nothing to do
	}
	if x.enablesFirst(intent) {
		return x.enableFirst(ctx, op, intent)
	}
	if name := newName(intent); name != "" {
		unlock, err := x.lock(ctx, op.Type.Name, "new", name) // as who creates one of that name
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	done, err := x.carryOut(ctx, intent)
	if err != nil {
		return nil, err
	}
	if disables(op) && done.proof.Status == translators.NotNeeded {
		return nil, errors.New("disabling who is disabled: the plan proves nothing")
	}
	entry := done.entry()
	if x.left = nil; entry != nil {
		x.left = entry.Resource
	}
	return entry, nil
}

// newName returns the name that an update gives, or "".
func newName(intent translators.Intent) string {
	names := namesOf(intent.Type)
	if len(names) == 0 || !slices.ContainsFunc(intent.Changes, func(d scim.Difference) bool { return d.Attribute == names[0] }) {
		return ""
	}
	return nameOf(intent.After)
}

func disables(op *scim.Operation) bool {
	active, isSet := op.Active()
	return isSet && !active
}

func enables(op *scim.Operation) bool {
	active, isSet := op.Active()
	return isSet && active
}

// updateIntent reads the resource once, if anything needs it, asks policy, and
// finds out what differs. A change of members alone reads nothing.
func (x *exchange) updateIntent(ctx context.Context, op *scim.Operation) (translators.Intent, error) {
	intent := translators.Intent{Action: scim.ActionUpdate, Type: op.Type, ID: op.ID, Offline: x.offline, Lock: x.lockOther}
	before := scim.NewResource(op.Type)
	before.ID = op.ID
	if !x.offline && (len(op.Changes) > 0 || op.Members.IsEmpty() || x.h.Policy.Guards(op.Type) || !op.Condition.IsNone()) {
		entry, err := x.readBefore(ctx, op)
		if x.disablesUnread(op, err) {
			return x.unreadIntent(intent, op, before, err)
		}
		if err != nil {
			return intent, err
		}
		if err := x.h.Policy.Protects(entry.Resource); err != nil {
			return intent, err
		}
		if x.changed != nil {
			// It is not known, see readBefore.
		} else if err := x.unmet(op.Condition, entry.Resource); err != nil {
			if !disables(op) {
				return intent, err
			}
			x.changed = err // which nothing stops a disable for
		} else if !disables(op) {
			intent.Version = x.expected(op.Condition, entry.Resource)
		}
		intent.Before, before = entry, entry.Resource
	}
	after, err := x.wanted(op, before)
	if err != nil {
		return intent, err
	}
	if len(op.Changes) > 0 {
		intent.After, intent.Changes = after, append(scim.Diff(before, after), unseen(op, after)...)
		_, intent.SetsActive = op.Active()
	}
	intent.Members, intent.References, err = x.membership(ctx, op)
	return intent, err
}

// disablesUnread reports whether a disable is carried out although the account can't be
// read, which the error says: nothing stops it but protection, and whether it is protected
// must be known where anybody is.
func (x *exchange) disablesUnread(op *scim.Operation, err error) bool {
	return err != nil && disables(op) && !isAbsence(err) && x.h.typeOf(op.Type).DisablesUnread && !x.h.Policy.Guards(op.Type)
}

// unreadIntent is the intent of a disable of an account that can't be read. Whether a
// condition holds is not known, which is told behind it.
func (x *exchange) unreadIntent(intent translators.Intent, op *scim.Operation, before *scim.Resource, fault error) (translators.Intent, error) {
	x.h.log.Warn("an account can't be read, and is disabled all the same", zap.String("request_id", x.id), zap.Error(fault))
	if !op.Condition.IsNone() && x.changed == nil {
		x.changed = fault
	}
	after, err := x.wanted(op, before)
	intent.IsUnread, intent.After, intent.SetsActive = true, after, true
	intent.Changes = scim.Diff(before, after)
	return intent, err
}

// readBefore reads the present state as far as anything needs it. A disable doesn't
// wait for a store that the version takes: whether the condition holds is then not
// known, which is told behind it.
func (x *exchange) readBefore(ctx context.Context, op *scim.Operation) (*translators.Entry, error) {
	needed := x.needed(op)
	entry, err := x.readOne(ctx, op.Type, op.ID, needed)
	if !isForgetful(err) || !needed.Version || !disables(op) {
		return entry, err
	}
	x.changed = err
	needed.Version = false
	return x.readOne(ctx, op.Type, op.ID, needed)
}

// unseen returns what an update removes without its being known whether it was there:
// what is never shown, such as the password, is not in the state before.
func unseen(op *scim.Operation, after *scim.Resource) []scim.Difference {
	var removed []scim.Difference
	for _, c := range op.Changes {
		a := c.Path.Attribute
		isNoted := slices.ContainsFunc(removed, func(d scim.Difference) bool { return d.Attribute == a })
		if c.Op == scim.Remove && a.Mutability == scim.WriteOnly && after.Get(a).IsAbsent() && !isNoted {
			removed = append(removed, scim.Difference{Attribute: a})
		}
	}
	return removed
}

// wanted returns the resource as the changes and the rules make it. A disable,
// which comes alone, is asked by no rule.
func (x *exchange) wanted(op *scim.Operation, before *scim.Resource) (*scim.Resource, error) {
	after, err := scim.Apply(before, op.Changes)
	if err != nil || disables(op) {
		return after, err
	}
	rules := x.h.typeOf(op.Type).Rules
	after, dropped, err := policy.Settle(rules, before, after)
	if err != nil {
		return nil, err
	}
	x.noteIgnored(dropped)
	if err := policy.Demand(rules, after, policy.Changed(scim.Diff(before, after))); err != nil {
		return nil, err
	}
	return after, x.h.Policy.Protects(after)
}

// needed is the union of what an update, its rules, policy and the journal need
// of the present state.
func (x *exchange) needed(op *scim.Operation) translators.Selection {
	rules := x.h.typeOf(op.Type).Rules
	var s translators.Selection
	need := func(a *scim.Attribute) {
		if a != nil && !a.IsReferenceSet() && !slices.Contains(s.Attributes, a) {
			s.Attributes = append(s.Attributes, a)
		}
	}
	for _, c := range op.Changes {
		need(c.Path.Attribute)
	}
	for _, rule := range rules {
		if len(rule.From) > 0 && slices.Contains(s.Attributes, rule.Path.Attribute) {
			for _, from := range rule.From {
				need(from.Attribute)
			}
		}
	}
	for _, a := range x.h.Policy.Needs(op.Type) {
		need(a)
	}
	for _, a := range x.h.known(op.Type, namesOf(op.Type)) {
		need(a)
	}
	s.Version = !op.Condition.IsNone()
	if a := op.Type.Attribute("active"); a != nil && a.Schema() == op.Type.Schema.ID {
		need(a)
	}
	return s
}

// membership checks that no protected person or group is added to or taken from
// the group, and returns what is to become of the members and what was read for
// it. Without protection nothing is read.
func (x *exchange) membership(ctx context.Context, op *scim.Operation) (*scim.MemberChange, map[string]*translators.Entry, error) {
	change := op.Members
	if change.IsEmpty() || x.offline || !x.guardsMembers() {
		return change, nil, nil
	}
	if change.ReplaceAll {
		group, err := x.readOne(ctx, op.Type, op.ID, translators.Selection{Members: true})
		if err != nil {
			return nil, nil, err
		}
		if change, err = difference(group, change.Add); err != nil {
			return nil, nil, err
		}
	}
	references, err := x.references(ctx, change)
	return change, references, err
}

// difference turns "the members become exactly these" into additions and
// removals.
func difference(group *translators.Entry, wanted []string) (*scim.MemberChange, error) {
	present := make(map[string]bool)
	if group.Members != nil {
		for member, err := range group.Members {
			if err != nil {
				return nil, err
			}
			present[member.ID] = true
		}
	}
	change := new(scim.MemberChange)
	for _, id := range wanted {
		if present[id] {
			delete(present, id)
		} else {
			change.Add = append(change.Add, id)
		}
	}
	for id := range present {
		change.Remove = append(change.Remove, id)
	}
	slices.Sort(change.Remove)
	return change, nil
}

func (x *exchange) guardsMembers() bool {
	return slices.ContainsFunc(x.h.resource, x.h.Policy.Guards)
}

// references reads the members that a change names, where policy protects
// anybody, and refuses the change when one of them is.
func (x *exchange) references(ctx context.Context, change *scim.MemberChange) (map[string]*translators.Entry, error) {
	if change.IsEmpty() || x.offline || !x.guardsMembers() {
		return nil, nil
	}
	ids := append(slices.Clone(change.Add), change.Remove...)
	found := make(map[string]*translators.Entry)
	for _, t := range x.h.resource {
		var missing []string
		for _, id := range ids {
			if found[id] == nil {
				missing = append(missing, id)
			}
		}
		if len(missing) == 0 {
			break
		}
		entries, err := x.h.translator.Read(ctx, t, missing, translators.Selection{Attributes: x.h.Policy.Needs(t)})
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if err := x.h.Policy.Protects(entry.Resource); err != nil {
				answer := *scim.AsError(err)
				answer.Detail = fmt.Sprintf("The member %s: %s", entry.Resource.ID, answer.Detail)
				return nil, &answer
			}
			found[entry.Resource.ID] = entry
		}
	}
	return found, nil
}

// noteIgnored adds paths to those that the log line will name.
func (x *exchange) noteIgnored(paths []string) {
	for _, path := range paths {
		if !slices.ContainsFunc(x.op.Ignored, func(p string) bool { return strings.EqualFold(p, path) }) {
			x.op.Ignored = append(x.op.Ignored, path)
		}
	}
}
