package conformance

import (
	"slices"
	"strings"
	"sync"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

func withVersions(h *host) bool { return len(h.versioned()) > 0 }

// versioned returns the types whose resources can be compared and set.
func (h *host) versioned() []*translators.Type {
	var types []*translators.Type
	for _, t := range h.types() {
		if t.HasVersions && !h.NoCompareAndSet {
			types = append(types, t)
		}
	}
	return types
}

// versionedWrite is a sort of write that may be for one version alone.
type versionedWrite struct {
	name string
	// intent is what the host makes of it for the resource as it is now.
	intent func(id string) (translators.Intent, error)
	// deletes is set when the resource is gone afterwards.
	deletes bool
}

// versionedWrites are the sorts of writes to the type. people are users to be
// members, of whom the first is one already.
func (h *host) versionedWrites(t *translators.Type, people []string) []versionedWrite {
	update := func(changes func() []scim.Change) func(string) (translators.Intent, error) {
		return func(id string) (translators.Intent, error) { return h.updateIntent(t, id, changes(), nil) }
	}
	members := func(change scim.MemberChange) func(string) (translators.Intent, error) {
		return func(id string) (translators.Intent, error) { return h.updateIntent(t, id, nil, &change) }
	}
	var writes []versionedWrite
	if path := h.plainPath(t); path != "" {
		writes = append(writes, versionedWrite{name: "a change", intent: update(func() []scim.Change {
			return []scim.Change{h.change(t, scim.Replace, path, h.value(t, h.path(t, path), 1))}
		})})
	}
	if t != h.users || !h.RefusesRename {
		writes = append(writes, versionedWrite{name: "a rename", intent: update(func() []scim.Change {
			return []scim.Change{h.change(t, scim.Replace, nameAttribute(t).Name, scim.String(uniqueName()))}
		})})
	}
	if t == h.users && withActive(h) {
		writes = append(writes, versionedWrite{name: "a disable", intent: update(func() []scim.Change {
			return []scim.Change{h.change(t, scim.Replace, "active", scim.Bool(false))}
		})})
	}
	if t == h.groups && withMembers(h) {
		writes = append(writes,
			versionedWrite{name: "a new member", intent: members(scim.MemberChange{Add: people[1:2]})},
			versionedWrite{name: "a member less", intent: members(scim.MemberChange{Remove: people[:1]})},
			versionedWrite{name: "other members", intent: members(scim.MemberChange{ReplaceAll: true, Add: people[1:2]})})
	}
	if t.Delete == translators.DeleteRemove {
		writes = append(writes, versionedWrite{name: "a delete", deletes: true, intent: func(id string) (translators.Intent, error) {
			return translators.Intent{Action: scim.ActionDelete, Type: t.ResourceType, ID: id}, nil
		}})
	}
	return writes
}

// plainPath returns a path of the type whose value is a text that can be changed
// and means nothing to the backend; "" if there is none.
func (h *host) plainPath(t *translators.Type) string {
	for _, text := range h.paths(t) {
		isBound := slices.ContainsFunc(t.Rules, func(r translators.Rule) bool { return r.Path.String() == text && len(r.OneOf) > 0 })
		if p := h.path(t, text); !isBound && p.Attribute != nameAttribute(t) && p.Selector == nil && p.Leaf().Type == scim.TypeString && !isReference(p.Leaf()) {
			return text
		}
	}
	return ""
}

// touch changes the resource as somebody else would, and returns its state.
func (h *host) touch(t *translators.Type, id string) *state {
	h.Helper()
	before := h.read(t, id)
	path, v := nameAttribute(t).Name, scim.String(uniqueName())
	if plain := h.plainPath(t); plain != "" {
		path, v = plain, h.value(t, h.path(t, plain), 0)
		if v.Equal(h.path(t, plain).Value(before.Resource)) {
			v = h.value(t, h.path(t, plain), 2)
		}
	}
	if _, err := h.tryUpdate(t, id, []scim.Change{h.change(t, scim.Replace, path, v)}, nil); err != nil {
		h.Fatalf("changing %s of %s: %v", path, id, err)
	}
	after := h.read(t, id)
	if after.Meta.Version == before.Meta.Version {
		h.Errorf("changing %s left the version of %s as it was", path, id)
	}
	return after
}

// testVersions: what is for one version of a resource is done to that one, and
// leaves every other as it is.
func testVersions(h *host) {
	for _, t := range h.versioned() {
		var people []string
		var members []string
		if t == h.groups && withMembers(h) {
			people = h.usersOf(3)
			members = []string{people[0], people[2]}
		}
		for _, w := range h.versionedWrites(t, people) {
			what := w.name + " of a " + t.Name
			id := h.create(h.minimal(t), members...)
			h.refusesOld(what, t, id, w)
			h.acceptsCurrent(what, t, id, w)
			if t.Delete == translators.DeleteRemove {
				h.tellsAbsence(what, t, h.create(h.minimal(t), members...), w)
			}
		}
	}
}

// demand makes an intent one for that version.
func (h *host) demand(what, id, version string, w versionedWrite) translators.Intent {
	h.Helper()
	in, err := w.intent(id)
	if err != nil {
		h.Fatalf("%s: %v", what, err)
	}
	in.Version = version
	return in
}

// refusesOld: the write was planned for a version, and somebody else was quicker.
func (h *host) refusesOld(what string, t *translators.Type, id string, w versionedWrite) {
	h.Helper()
	version := h.read(t, id).Meta.Version
	if version == "" {
		h.Fatalf("a %s has no version", t.Name)
	}
	in := h.demand(what, id, version, w)
	plan, err := h.Translator.Plan(h.ctx(), in)
	if err != nil || len(plan.Calls) == 0 {
		h.Fatalf("planning %s for the version that it has: %d calls, %v", what, len(plan.Calls), err)
	}
	h.inspectPlan(plan)
	if !strings.Contains(plan.Calls[0].String(), version) {
		h.Errorf("the plan of %s does not say that it is for the version %q:\n%s", what, version, plan.Calls[0])
	}
	in.Offline = true
	if offline, err := h.Translator.Plan(h.ctx(), in); err != nil || len(offline.Calls) == 0 || !strings.Contains(offline.Calls[0].String(), version) {
		h.Errorf("the plan of %s, made offline, does not say which version it is for: %v", what, err)
	}
	now := h.touch(t, id)
	report := translators.Execute(h.ctx(), plan)
	if report.Outcome != translators.NotApplied || report.Partial {
		h.Errorf("%s for a version that it had when it was planned: the outcome is %q", what, report.Outcome)
	}
	h.wantKind(what+" for a version that it had when it was planned", report.Err, translators.Changed)
	h.sameVersion("after "+what+" for an old version", now, t, id)

	_, err = h.carry(h.demand(what, id, version, w))
	h.wantKind(what+" for an old version", err, translators.Changed)
	h.sameVersion("after "+what+" for an old version was refused", now, t, id)
}

// sameVersion fails unless the resource is as it was.
func (h *host) sameVersion(when string, before *state, t *translators.Type, id string) {
	h.Helper()
	after := h.find(t, id)
	if after == nil {
		h.Fatalf("%s: it is gone", when)
	}
	h.sameState(when, before, after)
	if after.Meta.Version != before.Meta.Version {
		h.Errorf("%s: the version was %q and is %q", when, before.Meta.Version, after.Meta.Version)
	}
}

// acceptsCurrent: for the version that it has the write is done.
func (h *host) acceptsCurrent(what string, t *translators.Type, id string, w versionedWrite) {
	h.Helper()
	before := h.read(t, id)
	if _, err := h.carry(h.demand(what, id, before.Meta.Version, w)); err != nil {
		h.Errorf("%s for the version that it has: %v", what, err)
		return
	}
	after := h.find(t, id)
	switch {
	case w.deletes != (after == nil):
		h.Errorf("%s for the version that it has: it is there: %t", what, after != nil)
	case after != nil && after.Meta.Version == before.Meta.Version:
		h.Errorf("%s for the version that it has left the version as it was", what)
	}
}

// tellsAbsence: what is gone has no other version, it is gone.
func (h *host) tellsAbsence(what string, t *translators.Type, id string, w versionedWrite) {
	h.Helper()
	in := h.demand(what, id, h.read(t, id).Meta.Version, w)
	plan, err := h.Translator.Plan(h.ctx(), in)
	if err != nil {
		h.Fatalf("planning %s: %v", what, err)
	}
	h.delete(t, id)
	report := translators.Execute(h.ctx(), plan)
	// Deleting the deleted may be said to be done.
	if !w.deletes || report.Err != nil {
		h.wantKind(what+", which is gone", report.Err, translators.NotFound)
	}
}

// testRacingVersions: of two who change the same version one does.
func testRacingVersions(h *host) {
	for _, t := range h.versioned() {
		var people, members []string
		if t == h.groups && withMembers(h) {
			people = h.usersOf(3)
			members = []string{people[0], people[2]}
		}
		for _, w := range h.versionedWrites(t, people) {
			if w.deletes {
				continue
			}
			for range 3 {
				h.race(w.name+" of a "+t.Name, t, h.create(h.minimal(t), members...), w)
			}
		}
	}
}

// race makes the same sort of write twice at the same time.
func (h *host) race(what string, t *translators.Type, id string, w versionedWrite) {
	h.Helper()
	version := h.read(t, id).Meta.Version
	var plans [2]*translators.Plan
	for i := range plans {
		var err error
		if plans[i], err = h.Translator.Plan(h.ctx(), h.demand(what, id, version, w)); err != nil {
			h.Fatalf("planning %s: %v", what, err)
		}
	}
	var reports [2]translators.Report
	ctx := h.ctx()
	var wg sync.WaitGroup
	for i, plan := range plans {
		wg.Go(func() { reports[i] = translators.Execute(ctx, plan) })
	}
	wg.Wait()
	won := 0
	for _, r := range reports {
		if r.Outcome == translators.Applied {
			won++
			continue
		}
		h.wantKind(what+", by the slower of two", r.Err, translators.Changed)
	}
	if won != 1 {
		h.Errorf("%s, twice at the same time for the same version: %d were applied", what, won)
	}
}
