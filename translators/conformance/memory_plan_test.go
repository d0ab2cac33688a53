package conformance_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// change is a call to the table: what a record is to become.
type change struct {
	table   *memory
	kind    *kind
	id      string // "" creates
	deletes bool

	values  []translators.FieldValues
	active  *bool
	add     []string
	remove  []string
	purpose string
	version string // that the record must have; "" for any
}

func (c *change) Purpose() string        { return c.purpose }
func (c *change) Undo() translators.Call { return nil }
func (c *change) refused(err error) translators.CallResult {
	return translators.CallResult{Outcome: translators.NotApplied, Err: err}
}

// String prints what is sent.
func (c *change) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %q\n", c.purpose, c.kind.Name, c.id)
	if c.version != "" && !c.table.is("does not say which version") {
		fmt.Fprintf(&b, "only version %s\n", c.version)
	}
	for _, v := range c.values {
		values := v.Values
		if v.Secret && !c.table.is("prints passwords") {
			values = []string{"***"}
		}
		if v.Private && !c.table.is("prints private values") {
			values = []string{"{private}"}
		}
		fmt.Fprintf(&b, "%s: %q\n", v.Field, values)
	}
	if c.active != nil {
		fmt.Fprintf(&b, "active: %t\n", *c.active)
	}
	fmt.Fprintf(&b, "add: %q\nremove: %q\n", c.add, c.remove)
	return b.String()
}

// Settle knows that what was asked in silence was not done.
func (c *change) Settle(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	m := c.table
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.is("takes an unknown outcome for success"):
		return translators.CallResult{Outcome: translators.Applied, ID: c.id}
	case m.fault(ctx) != nil:
		return translators.CallResult{Outcome: translators.Unknown}
	}
	return translators.CallResult{Outcome: translators.NotApplied}
}

func (c *change) Do(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	m := c.table
	m.mu.Lock()
	defer m.mu.Unlock()
	wasSilent := m.silence != nil
	if err := m.fault(ctx); err != nil {
		if wasSilent {
			return translators.CallResult{Outcome: translators.Unknown, Err: err}
		}
		return c.refused(err)
	}
	if err := m.conflict(c); err != nil {
		return c.refused(err)
	}
	if c.id == "" {
		r := &record{kind: c.kind, fields: make(map[string][]string), isActive: true}
		m.add(r)
		c.apply(r)
		if login := r.fields["login"]; len(login) > 0 && m.is("leaves references to the deleted") {
			m.refer("row called "+login[0], "row "+r.id)
		}
		r.version = 1
		return translators.CallResult{Outcome: translators.Applied, ID: r.id, Entry: m.entry(r, translators.Selection{All: true})}
	}
	r := m.find(c.kind, c.id)
	if r == nil {
		if c.deletes {
			return translators.CallResult{Outcome: translators.Applied}
		}
		if c.version != "" && m.is("takes absence for another version") {
			return c.refused(changed())
		}
		return c.refused(notFound())
	}
	if err := c.compare(r); err != nil {
		return c.refused(err)
	}
	if c.deletes {
		c.delete(r)
		return translators.CallResult{Outcome: translators.Applied}
	}
	if c.apply(r) && !m.is("never counts a change") || m.is("counts every write as a change") {
		r.version++
	}
	return translators.CallResult{Outcome: translators.Applied, Entry: m.entry(r, translators.Selection{All: true})}
}

// compare reports whether the record has another version than the call is for.
func (c *change) compare(r *record) error {
	m := c.table
	switch {
	case c.version == "", m.is("passes over versions"), m.is("compares versions while planning"):
		return nil
	case c.deletes && m.is("deletes any version"), len(c.add)+len(c.remove) > 0 && m.is("passes over versions of members"):
		return nil
	case c.version != fmt.Sprint(r.version) && m.is("takes another version for absence"):
		return notFound()
	case c.version != fmt.Sprint(r.version):
		if m.is("writes and then compares") {
			c.apply(r)
		}
		return changed()
	case m.is("compares and then sets"):
		m.mu.Unlock()
		select {
		case m.meeting <- struct{}{}:
		case <-m.meeting:
		case <-time.After(200 * time.Millisecond): // nobody else comes
		}
		m.mu.Lock()
	}
	return nil
}

func changed() error {
	return &translators.Error{Kind: translators.Changed, Detail: "It has another version."}
}

// apply changes the record and reports whether that made a difference.
func (c *change) apply(r *record) (changed bool) {
	m := c.table
	for _, v := range c.values {
		values := slices.Clone(v.Values)
		if m.is("trims values") {
			for i := range values {
				values[i] = strings.TrimSpace(values[i])
			}
		}
		if len(values) == 0 && m.is("ignores what is cleared") || slices.Equal(r.fields[v.Field], values) {
			continue
		}
		r.fields[v.Field] = values
		changed = true
		if v.Secret && m.is("enables with a new password") {
			r.isActive = true
		}
		if v.Field == "login" && r.version > 0 && m.is("loses references to the renamed") {
			m.refer("row "+r.id, "row of nobody")
		}
		if v.Field == "login" && r.version > 0 && m.is("gives the renamed another id") && r.id == c.id {
			r.id = m.newID()
		}
	}
	if c.active != nil && r.isActive != *c.active {
		r.isActive, changed = *c.active, true
	}
	for _, id := range c.add {
		if !slices.Contains(r.members, id) || m.is("adds members twice") {
			r.members, changed = append(r.members, id), true
		}
	}
	for _, id := range c.remove {
		if i := slices.Index(r.members, id); i >= 0 && (len(r.members) > 1 || !m.is("keeps the last member")) {
			r.members, changed = slices.Delete(r.members, i, i+1), true
		}
	}
	return changed
}

func (c *change) delete(gone *record) {
	m := c.table
	m.records = slices.DeleteFunc(m.records, func(r *record) bool { return r == gone })
	if login := gone.fields["login"]; len(login) > 0 {
		m.refer("row "+gone.id, "row called "+login[0])
	}
	if m.is("leaves the deleted in groups") {
		return
	}
	for _, r := range m.records {
		if slices.Contains(r.members, gone.id) {
			r.members = slices.DeleteFunc(r.members, func(id string) bool { return id == gone.id })
			r.version++
		}
	}
}

// refer makes references to one name references to another.
func (m *memory) refer(from, to string) {
	for _, r := range m.records {
		if slices.Equal(r.fields["manager"], []string{from}) {
			r.fields["manager"] = []string{to}
		}
	}
}

// conflict reports whether the name that is to be written is another's.
func (m *memory) conflict(c *change) error {
	if m.is("lets two have one name") {
		return nil
	}
	field := c.kind.mapping.LeafFor(scim.Target{Attribute: c.kind.name}, nil).Fields[0]
	for _, v := range c.values {
		if v.Field != field || len(v.Values) == 0 {
			continue
		}
		for _, r := range m.records {
			if r.kind == c.kind && r.id != c.id && len(r.fields[field]) > 0 && strings.EqualFold(r.fields[field][0], v.Values[0]) {
				return &translators.Error{Kind: translators.Conflict, Detail: "The name is taken.", Path: c.kind.name.Name}
			}
		}
	}
	return nil
}

func notFound() error {
	return &translators.Error{Kind: translators.NotFound, Detail: "There is no such resource."}
}

func (m *memory) Plan(ctx context.Context, in translators.Intent) (*translators.Plan, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.kindOf(in.Type)
	c := &change{table: m, kind: k, id: in.ID, purpose: string(in.Action), version: in.Version}
	if r := m.find(k, in.ID); in.Version != "" && r != nil && fmt.Sprint(r.version) != in.Version && m.is("compares versions while planning") {
		return nil, changed()
	}
	plan := &translators.Plan{Data: in.ID}
	if in.Action == scim.ActionDelete {
		c.deletes = true
		plan.Calls = []translators.Call{c}
		return plan, m.exists(ctx, in, k)
	}
	if err := m.exists(ctx, in, k); err != nil {
		return nil, err
	}
	if err := m.planValues(in, c, plan); err != nil {
		return nil, err
	}
	if err := m.planMembers(in, c); err != nil {
		return nil, err
	}
	if in.Action == scim.ActionCreate || len(c.values) > 0 || c.active != nil || len(c.add) > 0 || len(c.remove) > 0 {
		plan.Calls = []translators.Call{c}
	}
	if m.is("writes while planning") && in.ID != "" && !in.Offline {
		if r := m.find(k, in.ID); r != nil {
			c.apply(r)
		}
	}
	if m.is("fails to disable the disabled") && in.Before != nil && len(in.Changes) == 0 && plan.Proves == translators.ProofDisabled {
		return nil, &translators.Error{Kind: translators.Invalid, Detail: "It is disabled already."}
	}
	return plan, nil
}

// exists looks for the target of a write that was not read before.
func (m *memory) exists(ctx context.Context, in translators.Intent, k *kind) error {
	if in.Offline || in.Action == scim.ActionCreate || in.Before != nil {
		return nil
	}
	if err := m.fault(ctx); err != nil {
		return err
	}
	if m.find(k, in.ID) == nil && !m.is("writes to nobody") {
		return notFound()
	}
	return nil
}

// planValues compares the attributes that differ, field by field.
func (m *memory) planValues(in translators.Intent, c *change, plan *translators.Plan) error {
	if in.After == nil {
		return nil
	}
	wanted := make(map[*scim.Attribute]bool)
	for _, d := range in.Changes {
		wanted[d.Attribute] = true
	}
	want := func(a *scim.Attribute) bool { return wanted[a] }
	var refs translators.References = m
	if in.Offline {
		refs = anyone{}
	}
	values, dropped, err := c.kind.mapping.Encode(in.After, want, refs)
	if err != nil {
		return err
	}
	plan.Dropped = dropped
	before := make(map[string][]string)
	if in.Before != nil {
		former, _, err := c.kind.mapping.Encode(in.Before.Resource, want, anyone{})
		if err != nil {
			return err
		}
		for _, v := range former {
			before[v.Field] = v.Values
		}
	}
	for _, v := range values {
		if v.Secret || !slices.Equal(v.Values, before[v.Field]) {
			c.values = append(c.values, v)
		}
	}
	active, known := in.After.IsActive()
	if !known {
		return nil
	}
	was := true
	if in.Before != nil {
		was, _ = in.Before.Resource.IsActive()
	}
	if active != was {
		c.active = &active
	}
	switch {
	case !active:
		plan.Proves = translators.ProofDisabled
	case !was:
		plan.Proves = translators.ProofEnabled
	}
	return nil
}

// anyone is a References for looking only.
type anyone struct{}

func (anyone) Name(_ *translators.Leaf, id string) (string, bool) { return "row " + id, true }
func (anyone) ID(_ *translators.Leaf, name string) (string, bool) {
	return strings.TrimPrefix(name, "row "), true
}

func (m *memory) planMembers(in translators.Intent, c *change) error {
	if in.Members.IsEmpty() {
		return nil
	}
	present := make(map[string]bool)
	if r := m.find(c.kind, in.ID); r != nil {
		for _, id := range r.members {
			present[id] = true
		}
	}
	for _, id := range in.Members.Add {
		if _, ok := m.Name(nil, id); !ok && !in.Offline {
			if m.is("passes over unknown members") {
				continue
			}
			return &translators.Error{Kind: translators.Invalid, Path: "members", Detail: fmt.Sprintf("There is no member %q.", id)}
		}
		if !present[id] || m.is("replaces all members one by one") || m.is("adds members twice") {
			c.add = append(c.add, id)
		}
		delete(present, id)
	}
	c.remove = slices.Clone(in.Members.Remove)
	if in.Members.ReplaceAll {
		c.remove = slices.Sorted(maps.Keys(present))
	}
	return nil
}
