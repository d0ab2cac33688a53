package conformance

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

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
	h.inspectPrivate(plan, in)
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

// inspectPrivate looks for the private values of an intent in what is printed.
func (h *host) inspectPrivate(plan *translators.Plan, in translators.Intent) {
	h.Helper()
	for _, text := range privateTexts(in) {
		for _, c := range plan.Calls {
			if strings.Contains(c.String(), text) || strings.Contains(c.Purpose(), text) {
				h.Errorf("the plan shows the private value %q:\n%s", text, c)
			}
		}
	}
}

// privateTexts are the private values that an intent gives and takes, but for those
// that are too short to be told from anything else.
func privateTexts(in translators.Intent) (texts []string) {
	var collect func(a *scim.Attribute, v scim.Value)
	collect = func(a *scim.Attribute, v scim.Value) {
		for _, item := range v.Items() {
			for _, f := range item.Fields() {
				collect(f.Attribute, f.Value)
			}
			if text := item.Text(); a.Private && len(text) > 4 {
				texts = append(texts, text)
			}
		}
	}
	for _, d := range in.Changes {
		collect(d.Attribute, d.Before)
		collect(d.Attribute, d.After)
	}
	return texts
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
	return h.typeNamed(r.Type.Name)
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
