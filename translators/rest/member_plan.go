package rest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// planMembers plans what becomes of the members of a group, behind all else.
//
// One who comes or goes is one call where the application has such calls, and then
// nothing of the group is read. Who goes goes first, and who is refused holds nobody back. Who is to be added is looked for first: nobody can't be
// a member, and of many none is then added. Who is to be removed may be gone.
func (t *Translator) planMembers(ctx context.Context, k *kind, in translators.Intent, plan *translators.Plan) error {
	if in.Members.IsEmpty() {
		return nil
	}
	m := k.membership
	if m == nil || !m.canChange() {
		return &translators.Error{Kind: translators.Refused,
			Detail: fmt.Sprintf("The application has no call that changes the members of a %s. Configure add_member and remove_member, or set_members.", k.served.Name)}
	}
	p := &memberPlanner{t: t, m: m, in: in, plan: plan, isAlone: in.Action == scim.ActionUpdate}
	return p.run(ctx)
}

// memberPlanner plans one change of members.
type memberPlanner struct {
	t    *Translator
	m    *membership
	in   translators.Intent
	plan *translators.Plan
	// isAlone is set where each member comes or goes whatever becomes of the others: nothing
	// stands behind that in the plan.
	isAlone bool
	group   *handle // as it is; nil of one that is created, offline, and where nothing needs it
}

func (p *memberPlanner) run(ctx context.Context) error {
	change := *p.in.Members
	add, err := p.known(ctx, change.Add)
	if err != nil {
		return err
	}
	gone, wanted := change.Remove, add
	isSet := change.ReplaceAll && p.in.Action == scim.ActionUpdate
	if p.in.Action == scim.ActionUpdate && !p.in.Offline && (isSet || p.needsGroup()) {
		if p.group, err = p.t.recordAwaited(ctx, p.m.groups, p.in.ID, p.m.groups.everything()); err != nil {
			return err
		}
		if p.group == nil {
			return notFound(p.m.groups, p.in.ID)
		}
		if len(p.plan.Calls) == 0 && p.in.Version != "" && p.m.groups.versionOf(p.group) != p.in.Version {
			return outdated(p.m.groups, p.in.ID)
		}
	}
	if isSet && !p.in.Offline {
		if add, gone, err = p.difference(ctx, add); err != nil {
			return err
		}
	}
	remove, err := p.removed(ctx, gone)
	if err != nil {
		return err
	}
	if len(add)+len(remove) == 0 && !(p.in.Offline && isSet) {
		return nil
	}
	switch m := p.m; {
	case m.inUser != nil:
		p.inUsers(add, remove)
	case m.hasSingles() && !(isSet && len(add)+len(remove) > mostSingles && p.canSet(names(wanted))):
		p.singles(OpRemoveMember, remove)
		p.singles(OpAddMember, add)
	default:
		p.together(add, remove)
	}
	return nil
}

// mostSingles is how many members come or go by calls of their own when a full list was
// given; more of them are sent as a list, where there is a call for it.
const mostSingles = 20

// canSet reports whether a call writes these as all members, as far as that is known.
func (p *memberPlanner) canSet(wanted []string) bool {
	return slices.ContainsFunc(p.m.groups.steps[OpSetMembers], func(s *step) bool {
		c := p.call("", s)
		c.with.members = append([]string{}, wanted...)
		isDue, err := p.t.due(s, &c.with)
		return err == nil && isDue && !s.onlyReads()
	})
}

// needsGroup reports whether the calls can't be planned without the group.
func (p *memberPlanner) needsGroup() bool {
	m := p.m
	if m.isTogether() || m.inUser != nil || p.in.Version != "" {
		return true
	}
	for _, op := range []Operation{OpAddMember, OpRemoveMember} {
		if slices.ContainsFunc(m.groups.steps[op], (*step).needsRecord) {
			return true
		}
	}
	return false
}

// known returns the users with these ids, all of whom have to be there.
func (p *memberPlanner) known(ctx context.Context, ids []string) ([]member, error) {
	found, err := p.read(ctx, ids)
	if err != nil {
		return nil, err
	}
	members := make([]member, 0, len(ids))
	for _, id := range ids {
		e := found[id]
		if e == nil {
			return nil, &translators.Error{Kind: translators.Invalid, Path: "members",
				Detail: fmt.Sprintf("members: there is no user with the id %q.", id)}
		}
		of, err := p.m.memberOf(e)
		if err != nil {
			return nil, err
		}
		members = append(members, of)
	}
	return members, nil
}

// removed returns who is to go, without those who are nowhere: of these the application
// knows no more than their ids.
func (p *memberPlanner) removed(ctx context.Context, ids []string) ([]member, error) {
	isKnownByID := (!p.m.byName || p.m.users.isNamedByKey) && p.m.inUser == nil && !slices.ContainsFunc(p.m.groups.steps[OpRemoveMember], p.m.namesMore)
	var found map[string]*translators.Entry
	if !isKnownByID {
		var err error
		if found, err = p.read(ctx, ids); err != nil {
			return nil, err
		}
	}
	var members []member
	for _, id := range ids {
		e := found[id]
		if e == nil {
			if !p.m.users.mayBeID(id) || !isKnownByID {
				continue
			}
			e = p.symbolic(id)
		}
		of, err := p.m.memberOf(e)
		if err != nil {
			return nil, err
		}
		members = append(members, of)
	}
	return members, nil
}

// symbolic is a user of whom the id alone is known.
func (p *memberPlanner) symbolic(id string) *translators.Entry {
	r := scim.NewResource(p.m.users.served.ResourceType)
	r.ID = id
	if p.m.users.isNamedByKey {
		r.Set(p.m.users.name, scim.String(id))
	}
	return &translators.Entry{Resource: r}
}

// namesMore reports whether a call names more of a member than what the id tells.
func (m *membership) namesMore(s *step) bool {
	if len(m.groups.config.Values) > 0 || s.when != nil && slices.Contains(s.when.used, "member") {
		return true
	}
	for name := range s.names {
		path, is := strings.CutPrefix(name, "member.")
		if is && path != "id" && !(m.users.isNamedByKey && path == byUserName) {
			return true
		}
	}
	return false
}

// read returns the users with these ids, as whole as the calls may name them. What the
// host has read is not read again.
func (p *memberPlanner) read(ctx context.Context, ids []string) (map[string]*translators.Entry, error) {
	found := make(map[string]*translators.Entry, len(ids))
	if p.in.Offline {
		for _, id := range ids {
			found[id] = p.symbolic(id)
		}
		return found, nil
	}
	all := translators.Selection{All: true}
	var missing []string
	for _, id := range ids {
		if e := p.in.References[id]; e != nil {
			if h, ok := e.Handle.(*handle); ok && h.isWhole && e.Resource.Type == p.m.users.served.ResourceType {
				found[id] = &translators.Entry{Resource: p.t.resourceOf(p.m.users, h, all), Handle: h}
				continue
			}
		}
		missing = append(missing, id)
	}
	read, err := p.t.records(ctx, p.m.users, missing, p.m.users.everything())
	for _, h := range read {
		found[h.id] = &translators.Entry{Resource: p.t.resourceOf(p.m.users, h, all), Handle: h}
	}
	return found, err
}

// difference turns "the members become these" into who comes and who goes.
func (p *memberPlanner) difference(ctx context.Context, wanted []member) (add []member, gone []string, err error) {
	present := make(map[string]bool)
	for ids, err := range p.t.memberIDs(ctx, p.m, p.group) {
		if err != nil {
			return nil, nil, err
		}
		for _, id := range ids {
			present[id] = true
		}
	}
	for _, of := range wanted {
		id := of.entry.Resource.ID
		if !present[id] {
			add = append(add, of)
		}
		delete(present, id)
	}
	for id := range present {
		gone = append(gone, id)
	}
	slices.Sort(gone)
	return add, gone, nil
}

// call returns a call about members that is not made yet.
func (p *memberPlanner) call(purpose string, s *step) *memberCall {
	c := &memberCall{t: p.t, m: p.m, purpose: purpose, step: s, operation: len(p.plan.Calls), offline: p.in.Offline, lock: p.in.Lock, isNew: p.in.Action == scim.ActionCreate, isAlone: p.isAlone,
		with: scope{kind: p.m.groups, id: p.in.ID, resource: p.in.After, membersAreNumbers: p.m.users.config.IDIsNumber && !p.m.byName}}
	if p.group != nil {
		c.with.record, c.with.etag = p.group.record, p.group.etag
	}
	return c
}

// singles plans a call for each.
func (p *memberPlanner) singles(op Operation, members []member) {
	purpose := "add a member"
	if op == OpRemoveMember {
		purpose = "remove a member"
	}
	steps := p.m.groups.steps[op]
	for _, of := range members {
		operation := len(p.plan.Calls)
		var alone *sequence
		if p.m.writesWhatItReads(op) && p.in.Lock != nil {
			alone = &sequence{id: of.entry.Resource.ID, last: len(steps)}
		}
		for _, s := range steps {
			c := p.call(purpose, s)
			c.operation, c.with.member, c.sequence = operation, of.entry, alone
			c.add, c.remove = []member{of}, nil
			if op == OpRemoveMember {
				c.add, c.remove = nil, []member{of}
			}
			p.plan.Calls = append(p.plan.Calls, c)
		}
	}
}

// together plans one write of all members.
func (p *memberPlanner) together(add, remove []member) {
	op := OpSetMembers
	if !p.m.groups.has(op) {
		op = OpUpdate
	}
	operation := len(p.plan.Calls)
	for _, s := range p.m.groups.steps[op] {
		c := p.call("change the members", s)
		c.operation, c.add, c.remove = operation, add, remove
		c.isTogether, c.isAlone = true, false
		p.plan.Calls = append(p.plan.Calls, c)
	}
}

// inUsers plans an update of each user.
func (p *memberPlanner) inUsers(add, remove []member) {
	p.eachUser(remove, "remove the group from the user", func(c *memberCall, of member) { c.remove = []member{of} })
	p.eachUser(add, "add the group to the user", func(c *memberCall, of member) { c.add = []member{of} })
}

// eachUser plans an update of each user; become says what for.
func (p *memberPlanner) eachUser(members []member, purpose string, become func(*memberCall, member)) {
	for _, of := range members {
		operation := len(p.plan.Calls)
		for _, s := range p.m.users.steps[OpUpdate] {
			c := p.call(purpose, s)
			c.operation, c.with.kind, c.with.id = operation, p.m.users, of.entry.Resource.ID
			c.with.resource, c.with.record, c.groupID = of.entry.Resource, gjson.Result{}, p.in.ID
			if h, ok := of.entry.Handle.(*handle); ok {
				c.with.record, c.with.etag = h.record, h.etag
			}
			c.groupName = p.groupName()
			become(c, of)
			p.plan.Calls = append(p.plan.Calls, c)
		}
	}
}

// membersByName are the members of a group to whom its name stands in their own records,
// and its name. Nothing else keeps them together with it: of an application that does not
// look after that itself they would be lost with the name, and whoever gets that name
// next would have them.
func (p *planner) membersByName(ctx context.Context) (mp *memberPlanner, all []member, name string, err error) {
	m := p.k.membership
	if m == nil || m.inUser == nil || !m.byDisplayName || p.in.Offline || !m.users.has(OpUpdate) {
		return nil, nil, "", nil
	}
	group := &handle{id: p.in.ID, record: p.record}
	mp = &memberPlanner{t: p.t, m: m, in: p.in, plan: p.plan, group: group}
	name = m.nameOf(p.t.resourceOf(m.groups, group, translators.Selection{Attributes: []*scim.Attribute{m.groups.name}}))
	for ids, err := range p.t.memberIDs(ctx, m, group) {
		if err != nil {
			return nil, nil, "", fmt.Errorf("looking who has the group by its name: %w", err)
		}
		for _, id := range ids {
			all = append(all, member{entry: mp.symbolic(id), name: id})
		}
	}
	return mp, all, name, nil
}

// moveMembers plans that those who have a group by its old name get the new one. An
// application that does so by itself is asked, and nothing is written.
func (p *planner) moveMembers(mp *memberPlanner, all []member, old string) {
	if mp == nil {
		return
	}
	name := p.in.After.Get(p.k.name).Text()
	mp.eachUser(all, "give the user the new name of the group", func(c *memberCall, of member) {
		c.add, c.groupName, c.oldName = []member{of}, name, old
	})
}

// groupName is how users refer to the group, "" where only an earlier call will tell.
func (p *memberPlanner) groupName() string {
	switch m := p.m; {
	case p.in.After != nil && m.byDisplayName && p.in.Action != scim.ActionDelete:
		return m.nameOf(p.in.After)
	case p.group != nil:
		return m.nameOf(p.t.resourceOf(m.groups, p.group, translators.Selection{Attributes: []*scim.Attribute{m.groups.name}}))
	}
	return p.in.ID
}
