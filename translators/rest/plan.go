package rest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Plan implements [translators.Translator].
//
// What disables comes first and is never taken back; what enables comes last, or first
// where the configuration says so. Each call of the configuration is one of the plan.
func (t *Translator) Plan(ctx context.Context, in translators.Intent) (*translators.Plan, error) {
	k := t.kindOf(in.Type)
	if k == nil {
		return nil, &translators.Error{Kind: translators.Invalid, Detail: "This resource type is not served by the application."}
	}
	p := &planner{t: t, k: k, in: in, plan: &translators.Plan{Data: subject{k, in.ID}}, resource: in.After}
	var err error
	switch in.Action {
	case scim.ActionCreate:
		err = p.create(ctx)
	case scim.ActionUpdate:
		err = p.update(ctx)
	case scim.ActionDelete:
		err = p.delete(ctx)
	default:
		err = fmt.Errorf("there is no plan for the action %q", in.Action)
	}
	if err != nil {
		return nil, fmt.Errorf("planning to %s a %s: %w", in.Action, k.served.Name, err)
	}
	return p.plan, nil
}

// subject is what [Translator.Prove] has to know of a plan.
type subject struct {
	kind *kind
	id   string // "" when the plan creates the resource
}

// planner makes one plan.
type planner struct {
	t    *Translator
	k    *kind
	in   translators.Intent
	plan *translators.Plan
	// record and etag are those of the resource as it is when the next call's turn has
	// come; none on create and offline.
	record gjson.Result
	etag   string
	// resource is what the templates of calls see: as it is to be, and with what the
	// record says where the host has not read it.
	resource *scim.Resource
}

// add plans the calls of an operation that are to be made, as far as that is known.
// goal says what is to be true behind them.
func (p *planner) add(op Operation, purpose string, fields []fieldValue, goal goal) error {
	var before []int
	operation := len(p.plan.Calls)
	for _, s := range p.k.steps[op] {
		c := &call{
			t: p.t, k: p.k, step: s, before: slices.Clone(before), purpose: purpose, goal: goal, offline: p.in.Offline,
			// Behind another operation the record is not the one that was read.
			isBehind: operation > 0 && operation == len(p.plan.Calls) && p.in.Action == scim.ActionUpdate,
			with: scope{kind: p.k, id: p.in.ID, resource: p.resource, fields: fields, record: p.record, etag: p.etag,
				isDisable: goal.sort == goalDisabled},
		}
		isDue, err := p.t.due(s, &c.with)
		switch {
		case err != nil:
			return err
		case !isDue:
			before = append(before, notMade)
			continue
		}
		if err := (&lookup{t: p.t, s: s, with: &c.with}).checkCharset(); err != nil {
			return err
		}
		if !p.in.Offline {
			if err := (&lookup{t: p.t, s: s, with: &c.with}).checkValues(); err != nil {
				return err
			}
		}
		before = append(before, len(p.plan.Calls))
		p.plan.Calls = append(p.plan.Calls, c)
	}
	if err := p.checkSent(op, fields, p.plan.Calls[operation:]); err != nil || len(p.plan.Calls) > operation {
		return err
	}
	return notFor(purpose, p.k.steps[op][0])
}

// notFor is the refusal of what the calls of an operation are not made for.
func notFor(purpose string, s *step) error {
	return &translators.Error{Kind: translators.Refused, Detail: fmt.Sprintf(
		"The calls that scimgate has to %s are not for this: %s of %s sends nothing of it, or its condition is not true.", purpose, s.op, s.kind.served.Name)}
}

// notMade stands for the place of a call that is not in the plan.
const notMade = -1

// finish makes the first call one for the version that the caller demands, and the last
// one bring the resource.
func (p *planner) finish() {
	if len(p.plan.Calls) == 0 {
		return
	}
	if p.in.Action != scim.ActionCreate {
		switch first := p.plan.Calls[0].(type) {
		case *call:
			first.version = p.in.Version
		case *memberCall:
			first.version = p.in.Version
		}
	}
	if first, is := p.plan.Calls[0].(*call); is && first.creates() {
		first.mayBeUndone = len(p.plan.Calls) > 1
	}
	for i, c := range p.plan.Calls[:len(p.plan.Calls)-1] {
		switch c := c.(type) {
		case *call:
			next, is := p.plan.Calls[i+1].(*call)
			c.isFollowed, c.goesOn = true, is && next.step.op == c.step.op && next.step.number > c.step.number
		case *memberCall:
			next, is := p.plan.Calls[i+1].(*memberCall)
			c.goesOn = is && next.operation == c.operation
		}
	}
	if last, is := p.plan.Calls[len(p.plan.Calls)-1].(*call); is && p.in.Action != scim.ActionDelete && (p.k.members == nil || p.in.Action == scim.ActionCreate) {
		last.brings, last.sent = true, p.sent()
	}
}

// lacks is the refusal of what the application has no call for.
func (p *planner) lacks(what string, op Operation, remedy string) error {
	return &translators.Error{Kind: translators.Refused, Detail: fmt.Sprintf(
		"scimgate has no call of the application that could %s a %s. %s", what, p.k.served.Name, remedy)}
}

// find reads the record of an update or a delete, unless the host has it or nothing is
// to be read.
func (p *planner) find(ctx context.Context) error {
	if p.in.Before != nil {
		if h, ok := p.in.Before.Handle.(*handle); ok && h.isWhole {
			p.take(h)
			return nil
		}
	}
	if p.in.Offline || p.in.IsUnread {
		return nil
	}
	h, err := p.t.recordAwaited(ctx, p.k, p.in.ID, p.k.everything())
	switch {
	case err != nil && p.disablesAlone():
		// What else is to be read, and can't be, does not hold it back.
		if in := p.in.Before; in != nil {
			if h, ok := in.Handle.(*handle); ok {
				p.record, p.etag = h.record, h.etag
			}
		}
		return nil
	case err != nil:
		return err
	case h == nil:
		return notFound(p.k, p.in.ID)
	case p.in.Version != "" && p.k.versionOf(h) != p.in.Version:
		return outdated(p.k, p.in.ID)
	}
	p.take(h)
	return nil
}

// take makes a record the one that is planned for.
func (p *planner) take(h *handle) {
	p.record, p.etag = h.record, h.etag
	p.resource = p.t.resourceOf(p.k, h, translators.Selection{All: true})
	for _, d := range p.in.Changes {
		p.resource.Set(d.Attribute, d.After)
	}
}

// disablesAlone reports whether the plan does nothing but disable, by calls that can be
// built without all that may be read of a record.
func (p *planner) disablesAlone() bool {
	disables, _ := p.judgeActive()
	if !disables || len(p.in.Changes) != 1 {
		return false
	}
	op := OpDisable
	if !p.k.has(op) {
		op = OpUpdate
	}
	return !slices.ContainsFunc(p.k.steps[op], (*step).needsRecord)
}

// create plans a new record.
func (p *planner) create(ctx context.Context) error {
	k, in := p.k, p.in
	if !k.has(OpCreate) {
		return p.lacks("create", OpCreate, "Configure one: create POST …")
	}
	if k.updatesActive() && in.After.Get(k.active).IsAbsent() {
		// Who is not said to be disabled is not, whatever the application makes of it.
		after := in.After.Clone()
		after.Set(k.active, scim.Bool(true))
		p.in.After, in.After, p.resource = after, after, after
	}
	refs, err := p.references(ctx, nil)
	if err != nil {
		return err
	}
	fields, dropped, err := k.mapping.encode(in.After, nil, gjson.Result{}, refs)
	if err != nil {
		return err
	}
	p.plan.Dropped = dropped
	name := in.After.Get(k.name)
	if k.name != nil && name.Text() == "" {
		return &translators.Error{Kind: translators.Invalid, Path: k.name.Name, Detail: k.name.Name + ": there is no value, and the application is to find the account by it."}
	}
	if err := p.add(OpCreate, "create the "+k.noun(), fields, goal{sort: goalCreated, fields: fields}); err != nil {
		return err
	}
	if k.has(OpSecret) && k.mapping.LeafFor(scim.Target{Attribute: k.secret}, nil) == nil && !in.After.Get(k.secret).IsAbsent() {
		if err := p.setSecret(); err != nil {
			return err
		}
	}
	active, isKnown := in.After.IsActive()
	if isKnown && !active && k.active != nil {
		p.plan.Proves = translators.ProofDisabled
		if err := p.disable(); err != nil {
			return err
		}
	}
	if err := p.t.planMembers(ctx, k, in, p.plan); err != nil {
		return err
	}
	p.finish()
	return nil
}

// setSecret plans the calls that set the password.
func (p *planner) setSecret() error {
	isSecret := func(a *scim.Attribute) bool { return a == p.k.secret }
	fields, _, err := p.k.mapping.encode(p.in.After, isSecret, p.record, nil)
	if err != nil {
		return err
	}
	return p.add(OpSecret, "set the password", fields, goal{sort: goalSecret})
}

// noun is what the kind is called in the purposes of calls.
func (k *kind) noun() string {
	switch k.block {
	case blockUsers:
		return "account"
	case blockGroups:
		return "group"
	}
	return k.served.Name
}

// delete plans the removal of a record.
func (p *planner) delete(ctx context.Context) error {
	if !p.k.has(OpDelete) {
		return p.lacks("delete", OpDelete, "Configure one (delete DELETE …), or say delete disable.")
	}
	if err := p.find(ctx); err != nil {
		return err
	}
	users, members, _, err := p.membersByName(ctx)
	if err != nil {
		return err
	}
	if users != nil { // first, so that a repeated request goes on with the rest
		users.inUsers(nil, members)
	}
	if p.in.After == nil && p.record.Exists() {
		// The calls may name attributes, as when they take a creation back.
		p.in.After = p.t.resourceOf(p.k, &handle{id: p.in.ID, record: p.record, etag: p.etag}, translators.Selection{All: true})
	}
	if err := p.add(OpDelete, "remove the "+p.k.noun(), nil, goal{sort: goalGone}); err != nil {
		return err
	}
	p.finish()
	return nil
}

func notFound(k *kind, id string) error {
	return &translators.Error{Kind: translators.NotFound, Detail: fmt.Sprintf("There is no %s with the id %q.", k.served.Name, id)}
}

func outdated(k *kind, id string) error {
	return &translators.Error{Kind: translators.Changed, Detail: fmt.Sprintf(
		"The %s %q was changed since the version that the request is for. Read it again and repeat the request with its new version.", k.served.Name, id)}
}

var errOffline = errors.New("the plan was made offline, for looking at only")
