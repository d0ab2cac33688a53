package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// host does with a translator what a gateway does with it.
type host struct {
	*testing.T
	Backend
	users, groups *translators.Type // nil when not served

	secrets []string // what no plan may show
	people  []string // ids of users to refer to
}

func newHost(t *testing.T, b Backend) *host {
	if b.Many == 0 {
		b.Many = defaultMany
	}
	if b.Members == 0 {
		b.Members = defaultMembers
	}
	if b.Awkward == nil {
		b.Awkward = AwkwardTexts
	}
	h := &host{T: t, Backend: b}
	types := b.Translator.Types()
	for i := range types {
		switch types[i].Name {
		case "User":
			h.users = &types[i]
		case "Group":
			h.groups = &types[i]
		}
	}
	return h
}

// types returns what is served.
func (h *host) types() []*translators.Type {
	return slices.DeleteFunc([]*translators.Type{h.users, h.groups}, func(t *translators.Type) bool { return t == nil })
}

// members returns the attribute members of groups, nil when it is not served.
func (h *host) members() *scim.Attribute {
	if h.groups == nil {
		return nil
	}
	return h.groups.Attribute("members")
}

// requestTimeout bounds each step, so that a translator that hangs fails.
const requestTimeout = time.Minute

func (h *host) ctx() context.Context {
	ctx, cancel := context.WithTimeout(h.Context(), requestTimeout)
	h.Cleanup(cancel)
	return ctx
}

// everything is what the host asks for when nothing was asked for in particular.
var everything = translators.Selection{All: true}

// state is a resource as it was read, with its members.
type state struct {
	*scim.Resource
	members []scim.Member // by id
}

func (s *state) memberIDs() []string {
	ids := make([]string, len(s.members))
	for i, m := range s.members {
		ids[i] = m.ID
	}
	return ids
}

// find reads a resource; nil is absence.
func (h *host) find(t *translators.Type, id string) *state {
	h.Helper()
	selection := everything
	selection.Members = t == h.groups && h.members() != nil
	entries, err := h.Translator.Read(h.ctx(), t.ResourceType, []string{id}, selection)
	if err != nil {
		h.Fatalf("reading the %s %s: %v", t.Name, id, err)
	}
	if len(entries) == 0 {
		return nil
	}
	if len(entries) > 1 || entries[0].Resource.ID != id {
		h.Fatalf("reading the %s %s: got %s", t.Name, id, idsOf(entries))
	}
	return h.see(t, entries[0], selection)
}

// read is find of what must be there.
func (h *host) read(t *translators.Type, id string) *state {
	h.Helper()
	s := h.find(t, id)
	if s == nil {
		h.Fatalf("there is no %s %s", t.Name, id)
	}
	return s
}

// see checks that an entry holds what was asked for and nothing else, and reads
// its members.
func (h *host) see(t *translators.Type, e *translators.Entry, selection translators.Selection) *state {
	h.Helper()
	r := e.Resource
	if r.Type != t.ResourceType {
		h.Errorf("%s: its type is not the one that was asked for", r.ID)
	}
	if r.ID == "" {
		h.Errorf("a %s has no id", t.Name)
	}
	for _, f := range r.Fields() {
		a := f.Attribute
		switch {
		case !slices.Contains(t.Attributes(), a):
			h.Errorf("%s: %s is not of the type", r.ID, a)
		case !selection.Wants(a):
			h.Errorf("%s: %s was not asked for", r.ID, a)
		case a.Returned == scim.ReturnedNever:
			h.Errorf("%s: %s must never be returned", r.ID, a)
		}
		for _, item := range f.Value.Items() {
			for _, sub := range item.Fields() {
				if !slices.Contains(a.SubAttributes, sub.Attribute) {
					h.Errorf("%s: %s is not of the type", r.ID, sub.Attribute)
				}
			}
		}
	}
	s := &state{Resource: r}
	if e.Members == nil {
		if selection.Members {
			h.Errorf("%s: the members were asked for and are missing", r.ID)
		}
		return s
	}
	if !selection.Members {
		h.Errorf("%s: the members were not asked for", r.ID)
	}
	for m, err := range e.Members {
		if err != nil {
			h.Fatalf("reading the members of %s: %v", r.ID, err)
		}
		s.members = append(s.members, m)
	}
	slices.SortFunc(s.members, func(a, b scim.Member) int { return strings.Compare(a.ID, b.ID) })
	if ids := s.memberIDs(); len(slices.Compact(slices.Clone(ids))) < len(ids) || slices.Contains(ids, "") {
		h.Errorf("%s: members stand twice or have no id: %q", r.ID, ids)
	}
	return s
}

// outcome is what came of an intent.
type outcome struct {
	plan   *translators.Plan
	report translators.Report
	proof  translators.Proof
}

// carry plans, executes and proves an intent. What is not applied, and what is
// refuted, is an error.
func (h *host) carry(in translators.Intent) (outcome, error) {
	h.Helper()
	plan, err := h.Translator.Plan(h.ctx(), in)
	if err != nil {
		h.inspectError(err)
		return outcome{}, err
	}
	h.inspectPlan(plan)
	o := outcome{plan: plan, report: translators.Report{Outcome: translators.Applied}, proof: translators.Proof{Status: translators.NotNeeded}}
	if len(plan.Calls) > 0 {
		o.report = translators.Execute(h.ctx(), plan)
	}
	if o.report.Outcome != translators.Applied {
		if o.report.Err == nil {
			h.Errorf("the outcome is %q and there is no error", o.report.Outcome)
			return o, errors.New("no error")
		}
		h.inspectError(o.report.Err)
		return o, o.report.Err
	}
	if plan.Proves == translators.ProofNone {
		return o, nil
	}
	o.proof = h.Translator.Prove(h.ctx(), plan, o.report)
	switch {
	case o.proof.Err != nil:
		return o, fmt.Errorf("proving that it is %s: %w", plan.Proves, o.proof.Err)
	case o.proof.Status == translators.Refuted:
		return o, fmt.Errorf("it is not %s: %s", plan.Proves, o.proof.Detail)
	case o.proof.Status == translators.Unprovable && h.Unprovable:
	case o.proof.Status == translators.Proven && (!h.Unprovable || plan.Proves == translators.ProofEnabled):
	default:
		h.Errorf("the proof that it is %s says %q", plan.Proves, o.proof.Status)
	}
	return o, nil
}

// inspectPlan looks for secrets in what is printed.
func (h *host) inspectPlan(plan *translators.Plan) {
	h.Helper()
	for _, c := range plan.Calls {
		text := c.Purpose() + "\n" + c.String()
		if c.Purpose() == "" || strings.TrimSpace(c.String()) == "" {
			h.Errorf("a call does not say what it is: %q", text)
		}
		for _, secret := range h.secrets {
			if strings.Contains(text, secret) {
				h.Errorf("the plan shows a secret:\n%s", text)
			}
		}
	}
}

// inspectError looks for secrets in an error, and for a detail.
func (h *host) inspectError(err error) {
	h.Helper()
	for _, secret := range h.secrets {
		if strings.Contains(err.Error(), secret) {
			h.Errorf("the error shows a secret: %v", err)
		}
	}
	if e, is := errors.AsType[*translators.Error](err); is && e.Detail == "" {
		h.Errorf("the error says nothing to the provider: %v", err)
	}
}

// kindOf returns the kind of an error, also of a SCIM error.
func kindOf(err error) translators.ErrorKind {
	if kind := translators.KindOf(err); kind != "" {
		return kind
	}
	if e := scim.AsError(err); e != nil {
		switch e.Status {
		case http.StatusBadRequest:
			return translators.Invalid
		case http.StatusNotFound:
			return translators.NotFound
		case http.StatusConflict:
			return translators.Conflict
		}
	}
	return ""
}

// wantKind fails unless err is of one of the kinds.
func (h *host) wantKind(what string, err error, kinds ...translators.ErrorKind) {
	h.Helper()
	if err == nil || !slices.Contains(kinds, kindOf(err)) {
		h.Errorf("%s: got %v, want an error of the kind %q", what, err, kinds)
	}
}

// create makes a resource and returns its id.
func (h *host) create(r *scim.Resource, members ...string) string {
	h.Helper()
	id, err := h.tryCreate(r, members...)
	if err != nil {
		h.Fatalf("creating a %s: %v", r.Type.Name, err)
	}
	return id
}

func (h *host) tryCreate(r *scim.Resource, members ...string) (string, error) {
	h.Helper()
	t := h.typeOf(r)
	r, err := withDefaults(t, r)
	if err != nil {
		return "", fmt.Errorf("filling in defaults: %w", err)
	}
	in := translators.Intent{Action: scim.ActionCreate, Type: r.Type, After: r, Changes: scim.Diff(nil, r)}
	if len(members) > 0 {
		in.Members = &scim.MemberChange{Add: members}
	}
	o, err := h.carry(in)
	if err != nil {
		return "", err
	}
	id := o.report.ID()
	if id == "" {
		return "", errors.New("the report has no id")
	}
	if len(o.plan.Dropped) > 0 {
		h.Errorf("creating a %s: %q have no place, though the schema has them", t.Name, o.plan.Dropped)
	}
	h.checkReported(t, id, o)
	return id, nil
}

func (h *host) typeOf(r *scim.Resource) *translators.Type {
	if h.users != nil && r.Type == h.users.ResourceType {
		return h.users
	}
	return h.groups
}

// checkReported compares what a write told of the resource, unasked, with what
// is there: the host answers with it.
func (h *host) checkReported(t *translators.Type, id string, o outcome) {
	h.Helper()
	told := o.proof.Entry
	if told == nil {
		told = o.report.Last()
	}
	if told == nil {
		return
	}
	selection := everything
	selection.Members = told.Members != nil
	if d := scim.Diff(told.Resource, h.read(t, id).Resource); len(d) > 0 {
		h.Errorf("the write told of %s: %s, and it is %s", d[0].Attribute, show(d[0].Before), show(d[0].After))
	}
	h.see(t, told, selection)
}

// updateIntent is what the host makes of an update: it reads what the changes
// are about, and nothing for a change of members alone.
func (h *host) updateIntent(t *translators.Type, id string, changes []scim.Change, members *scim.MemberChange) (translators.Intent, error) {
	in := translators.Intent{Action: scim.ActionUpdate, Type: t.ResourceType, ID: id, Members: members}
	if len(changes) == 0 {
		return in, nil
	}
	var selection translators.Selection
	need := func(a *scim.Attribute) {
		if a != nil && !slices.Contains(selection.Attributes, a) {
			selection.Attributes = append(selection.Attributes, a)
		}
	}
	for _, c := range changes {
		need(c.Path.Attribute)
	}
	for _, name := range []string{"userName", "displayName", "active"} {
		need(t.Attribute(name))
	}
	entries, err := h.Translator.Read(h.ctx(), t.ResourceType, []string{id}, selection)
	if err != nil {
		return in, err
	}
	if len(entries) == 0 {
		return in, &translators.Error{Kind: translators.NotFound, Detail: "There is no such resource."}
	}
	in.Before = entries[0]
	if in.After, err = scim.Apply(in.Before.Resource, changes); err != nil {
		return in, err
	}
	in.Changes = scim.Diff(in.Before.Resource, in.After)
	return in, nil
}

// tryUpdate makes changes once.
func (h *host) tryUpdate(t *translators.Type, id string, changes []scim.Change, members *scim.MemberChange) (outcome, error) {
	h.Helper()
	in, err := h.updateIntent(t, id, changes, members)
	if err != nil {
		return outcome{}, err
	}
	o, err := h.carry(in)
	if err != nil {
		return o, err
	}
	isDisable := slices.ContainsFunc(changes, func(c scim.Change) bool { return c.Path.Attribute.Name == "active" && !c.Value.IsTrue() })
	if len(in.Changes) == 0 && members.IsEmpty() && !isDisable && len(o.plan.Calls) > 0 {
		h.Errorf("nothing is to be changed of %s, and the plan is:\n%s", id, o.plan.Calls[0])
	}
	h.checkReported(t, id, o)
	return o, nil
}

// update makes changes, and makes them again: the second time changes nothing
// and is no error (DESIGN §4 rule 4).
func (h *host) update(t *translators.Type, id string, changes []scim.Change, members *scim.MemberChange) outcome {
	h.Helper()
	first, err := h.tryUpdate(t, id, changes, members)
	if err != nil {
		h.Fatalf("updating the %s %s: %v", t.Name, id, err)
	}
	once := h.read(t, id)
	if _, err := h.tryUpdate(t, id, changes, members); err != nil {
		h.Fatalf("updating the %s %s a second time: %v", t.Name, id, err)
	}
	twice := h.read(t, id)
	h.sameState("a second time", once, twice)
	hasSecret := slices.ContainsFunc(changes, func(c scim.Change) bool { return c.Path.Attribute.Returned == scim.ReturnedNever })
	if once.Meta.Version != twice.Meta.Version && !hasSecret {
		h.Errorf("the same update a second time changed the version from %q to %q", once.Meta.Version, twice.Meta.Version)
	}
	return first
}

// set updates one path.
func (h *host) set(t *translators.Type, id, path string, v scim.Value) outcome {
	h.Helper()
	return h.update(t, id, []scim.Change{h.change(t, scim.Replace, path, v)}, nil)
}

// setMembers changes members alone.
func (h *host) setMembers(id string, change scim.MemberChange) outcome {
	h.Helper()
	return h.update(h.groups, id, nil, &change)
}

func (h *host) change(t *translators.Type, op scim.ChangeOp, path string, v scim.Value) scim.Change {
	h.Helper()
	return scim.Change{Op: op, Path: h.path(t, path), Value: v}
}

func (h *host) path(t *translators.Type, text string) scim.Path {
	h.Helper()
	path, err := scim.ParsePath(t.ResourceType, text)
	if err != nil {
		h.Fatalf("the path %s: %v", text, err)
	}
	return path
}

// search returns the ids that a search finds, sorted, and whether there are
// more. The filter is nil for "".
func (h *host) search(t *translators.Type, filter string, limit int) (ids []string, more bool) {
	h.Helper()
	result, err := h.Translator.Search(h.ctx(), translators.Query{
		Type: t.ResourceType, Filter: h.filter(t, filter), Selection: everything, Limit: limit})
	if err != nil {
		h.Fatalf("searching %s: %v", filter, err)
	}
	if len(result.Entries) > limit {
		h.Errorf("searching %s: %d resources, asked for at most %d", filter, len(result.Entries), limit)
	}
	for _, e := range result.Entries {
		h.see(t, e, everything)
	}
	return idsOf(result.Entries), result.More
}

func (h *host) filter(t *translators.Type, text string) scim.Filter {
	h.Helper()
	if text == "" {
		return nil
	}
	f, err := scim.ParseFilter(t.ResourceType, text, scim.FilterLimits{})
	if err != nil {
		h.Fatalf("the filter %s: %v", text, err)
	}
	return f
}

// scan returns the ids of everything that satisfies the filter, sorted.
func (h *host) scan(t *translators.Type, filter string) []string {
	h.Helper()
	var ids []string
	for id, err := range h.Translator.Scan(h.ctx(), t.ResourceType, h.filter(t, filter)) {
		if err != nil {
			h.Fatalf("scanning %s: %v", filter, err)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) < len(ids) {
		h.Errorf("scanning %s: an id came twice", filter)
	}
	return ids
}

func idsOf(entries []*translators.Entry) []string {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.Resource.ID
	}
	slices.Sort(ids)
	return ids
}

// sameIDs compares two sets of ids.
func (h *host) sameIDs(what string, got, want []string) {
	h.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		if len(got)+len(want) > 20 {
			h.Errorf("%s: %d ids, want %d", what, len(got), len(want))
			return
		}
		h.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// sameState fails unless both are the same to the letter.
func (h *host) sameState(when string, before, after *state) {
	h.Helper()
	for _, d := range scim.Diff(before.Resource, after.Resource) {
		h.Errorf("%s: %s was %s and is %s", when, d.Attribute, show(d.Before), show(d.After))
	}
	h.sameIDs(when+": members", after.memberIDs(), before.memberIDs())
}
