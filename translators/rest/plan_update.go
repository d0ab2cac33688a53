package rest

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// update plans what changes a record.
func (p *planner) update(ctx context.Context) error {
	k, in := p.k, p.in
	disables, enables := p.judgeActive()
	var others []*scim.Attribute
	setsSecret := false
	for _, d := range in.Changes {
		switch {
		case d.Attribute == k.active, d.Attribute == k.groups:
		case d.Attribute == k.secret && k.has(OpSecret):
			setsSecret = !d.After.IsAbsent()
		default:
			others = append(others, d.Attribute)
		}
	}
	if disables || enables || setsSecret || len(others) > 0 {
		if err := p.find(ctx); err != nil {
			return err
		}
	}
	if disables {
		if err := p.disable(); err != nil {
			return err
		}
	}
	if enables && k.config.EnableFirst {
		if err := p.enableAlone(); err != nil {
			return err
		}
	}
	if len(others) > 0 {
		if err := p.change(ctx, others); err != nil {
			return err
		}
	}
	if setsSecret {
		if err := p.setSecret(); err != nil {
			return err
		}
	}
	if (setsSecret || slices.Contains(others, k.secret)) && k.secret != nil && p.isOff() {
		p.plan.Proves = translators.ProofDisabled // it must not have enabled the account
	}
	if enables && !k.config.EnableFirst {
		if err := p.enable(); err != nil {
			return err
		}
	}
	if err := p.t.planMembers(ctx, k, in, p.plan); err != nil {
		return err
	}
	p.finish()
	return nil
}

// judgeActive finds out what becomes of active, and what is to be proven. An account
// that is to stay disabled is proven to be when nothing else changes: a repeated
// disable is answered like the first.
func (p *planner) judgeActive() (disables, enables bool) {
	if p.k.active == nil {
		return false, false
	}
	for _, d := range p.in.Changes {
		if d.Attribute == p.k.active && d.After.Kind() == scim.KindBool {
			enables, disables = d.After.IsTrue(), !d.After.IsTrue()
		}
	}
	switch {
	case disables, len(p.in.Changes) == 0 && p.isOff():
		p.plan.Proves = translators.ProofDisabled
	case enables:
		p.plan.Proves = translators.ProofEnabled
	}
	return disables, enables
}

// isOff reports whether the account is to be disabled in the end.
func (p *planner) isOff() bool {
	if p.in.After == nil {
		return false
	}
	active, isKnown := p.in.After.IsActive()
	return isKnown && !active
}

// disable plans the calls that disable, alone.
func (p *planner) disable() error {
	return p.setActive(OpDisable, "disable the account", goalDisabled)
}

// enable plans the calls that enable.
func (p *planner) enable() error {
	return p.setActive(OpEnable, "enable the account", goalEnabled)
}

// enableAlone plans the calls that enable before all others: they see nothing yet of what
// the others change.
func (p *planner) enableAlone() error {
	all := p.resource
	if all != nil {
		p.resource = all.Clone()
		for _, d := range p.in.Changes {
			if d.Attribute != p.k.active {
				p.resource.Set(d.Attribute, d.Before)
			}
		}
	}
	err := p.enable()
	p.resource = all
	return err
}

// disablesUnread reports whether an account can be disabled of which nothing is known but
// its id.
func (k *kind) disablesUnread() bool {
	op := OpDisable
	if !k.has(op) {
		op = OpUpdate
	}
	if k.active == nil || op == OpUpdate && !k.updatesActive() {
		return false
	}
	return k.has(op) && !slices.ContainsFunc(k.steps[op], func(s *step) bool { return s.needsRecord() || s.when != nil || s.showsResource() })
}

func (p *planner) setActive(op Operation, purpose string, sort goalSort) error {
	k := p.k
	isActive := func(a *scim.Attribute) bool { return a == k.active }
	wanted := scim.NewResource(p.in.Type)
	wanted.Set(k.active, scim.Bool(sort == goalEnabled))
	if k.has(op) {
		if err := p.add(op, purpose, nil, goal{sort: sort}); err != nil || !k.readsActive {
			return err
		}
		// What the record then says, as far as that is known before.
		fields, _, err := k.mapping.encode(wanted, isActive, p.record, nil)
		if err != nil {
			return nil //nolint:nilerr // the call does it, and no field
		}
		return p.become(fields)
	}
	if !k.updatesActive() {
		if p.in.Action == scim.ActionCreate {
			return nil // what create has made of it is proven
		}
		return p.lacks(string(op), op, fmt.Sprintf("Configure one: %s PUT …, or map active to a field that update can write.", op))
	}
	fields, _, err := k.mapping.encode(wanted, isActive, p.record, nil)
	if err != nil {
		return err
	}
	if err := p.add(OpUpdate, purpose, fields, goal{sort: sort, fields: fields}); err != nil {
		return err
	}
	return p.become(fields)
}

// change plans the update of fields.
func (p *planner) change(ctx context.Context, attributes []*scim.Attribute) error {
	k := p.k
	if k.isNamedByKey && slices.Contains(attributes, k.name) {
		return &translators.Error{Kind: translators.Refused, Path: k.name.Name, Detail: fmt.Sprintf(
			"%s is the key of the application, by which the %s is known: it can't be changed. Create the new one and delete the old one.", k.name, k.noun())}
	}
	want := func(a *scim.Attribute) bool { return slices.Contains(attributes, a) }
	refs, err := p.references(ctx, want)
	if err != nil {
		return err
	}
	fields, dropped, err := k.mapping.encode(p.in.After, want, p.record, refs)
	if err != nil {
		return err
	}
	p.plan.Dropped = dropped
	if p.record.Exists() {
		fields = changed(fields, p.record)
	}
	if len(fields) == 0 {
		return nil
	}
	if !k.has(OpUpdate) {
		return p.lacks("change", OpUpdate, "Configure one: update PUT …")
	}
	g := goal{sort: goalChanged, fields: fields}
	var users *memberPlanner
	var members []member
	var oldName string
	if slices.Contains(attributes, k.name) {
		g.name = p.in.After.Get(k.name)
		if users, members, oldName, err = p.membersByName(ctx); err != nil {
			return err
		}
	}
	operation := len(p.plan.Calls)
	if err := p.add(OpUpdate, "change the "+k.noun(), fields, g); err != nil {
		return err
	}
	if len(members) > 0 {
		p.goesBack(operation, fields)
	}
	p.moveMembers(users, members, oldName)
	return p.become(fields)
}

// goesBack lets an update be taken back, because what comes behind it can fail and
// the two belong together.
func (p *planner) goesBack(operation int, fields []fieldValue) {
	var old []fieldValue
	for _, f := range fields {
		raw := "null"
		if v := f.path.Get(p.record); len(v) == 1 {
			raw = v[0].Raw
		}
		f.raw = raw
		old = append(old, f)
	}
	for _, c := range p.plan.Calls[operation:] {
		c := c.(*call)
		back := *c
		back.purpose, back.with.fields, back.isBehind = "take back: "+c.purpose, old, true
		back.goal = goal{sort: goalChanged, fields: old}
		c.back = &back
	}
}

// become makes the record what it is behind a call.
func (p *planner) become(fields []fieldValue) error {
	if !p.record.Exists() {
		return nil
	}
	doc, err := apply([]byte(p.record.Raw), fields)
	if err != nil {
		return fault(p.k, fmt.Errorf("writing into the record: %w", err))
	}
	p.record = gjson.ParseBytes(doc)
	return nil
}

// references looks whether what the wanted attributes refer to is there.
func (p *planner) references(ctx context.Context, want func(*scim.Attribute) bool) (translators.References, error) {
	ids := p.k.mapping.IDs(p.in.After, want)
	if len(ids) == 0 || p.in.Offline {
		return nil, nil
	}
	there := make(known)
	for _, l := range p.k.mapping.Leaves {
		if !l.IsReference() {
			continue
		}
		for _, other := range p.t.kinds {
			if !other.isTargetOf(l) {
				continue
			}
			found, err := p.t.records(ctx, other, ids, look{})
			if err != nil {
				return nil, err
			}
			for _, h := range found {
				there[knownID{l, h.id}] = true
			}
		}
	}
	return there, nil
}

// known are the ids that a leaf may refer to. The application refers to its records by
// their ids as well.
type known map[knownID]bool

type knownID struct {
	leaf *translators.Leaf
	id   string
}

// Name implements [translators.References].
func (k known) Name(l *translators.Leaf, id string) (string, bool) { return id, k[knownID{l, id}] }

// ID implements [translators.References].
func (k known) ID(_ *translators.Leaf, name string) (string, bool) { return name, true }
