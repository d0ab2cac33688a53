package conformance

import (
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// testConflicts: a name that is taken, in whatever case, is a conflict, and
// nothing has changed afterwards.
func testConflicts(h *host) {
	for _, t := range h.types() {
		name := nameAttribute(t)
		taken, other := h.full(t, 0), h.minimal(t)
		id, otherID := h.create(taken), h.create(other)
		text := taken.Get(name).Text()
		second := h.full(t, 1) // with all that it refers to
		before := h.snapshot()
		for _, again := range []string{text, strings.ToUpper(text)} {
			r := second.Clone()
			r.Set(name, scim.String(again))
			_, err := h.tryCreate(r)
			h.wantKind("creating a second "+again, err, translators.Conflict)
			if t == h.users && h.RefusesRename {
				continue
			}
			_, err = h.tryUpdate(t, otherID, []scim.Change{h.change(t, scim.Replace, name.Name, scim.String(again))}, nil)
			h.wantKind("renaming to "+again, err, translators.Conflict)
		}
		h.sameSnapshot("after a conflict", before)
		found, _ := h.search(t, name.Name+" eq "+quoted(text), 2)
		h.sameIDs("looking up what is taken", found, []string{id})
	}
}

// testUpdateEach: every mapped value can be changed by itself.
func testUpdateEach(h *host) {
	for _, t := range h.types() {
		id := h.create(h.full(t, 0))
		for _, text := range h.paths(t) {
			path := h.path(t, text)
			if path.Attribute == nameAttribute(t) {
				continue
			}
			h.updateOne(t, id, h.change(t, scim.Replace, text, h.value(t, path, 1)))
		}
		// From nothing, too, and all at once.
		id = h.create(h.minimal(t))
		var changes []scim.Change
		for _, text := range h.paths(t) {
			path := h.path(t, text)
			if path.Attribute == nameAttribute(t) {
				continue
			}
			h.updateOne(t, id, h.change(t, scim.Add, text, h.value(t, path, 0)))
			changes = append(changes, h.change(t, scim.Add, text, h.value(t, path, 1)))
		}
		if len(changes) > 0 { // a group may have no more than its name
			h.updateOne(t, h.create(h.minimal(t)), changes...)
		}
	}
}

// updateOne makes changes and compares the resource with what the SCIM language
// makes of them.
func (h *host) updateOne(t *translators.Type, id string, changes ...scim.Change) {
	h.Helper()
	before := h.read(t, id)
	want, err := scim.Apply(before.Resource, changes)
	if err != nil {
		h.Fatalf("applying a change of %s: %v", changes[0].Path, err)
	}
	o := h.update(t, id, changes, nil)
	if len(o.plan.Dropped) > 0 {
		h.Errorf("changing %s: %q have no place, though the schema has them", changes[0].Path, o.plan.Dropped)
	}
	after := h.read(t, id)
	h.sameAsSent("changing "+changes[0].Path.String(), want, after.Resource)
	if v := before.Meta.Version; v != "" && v == after.Meta.Version && len(scim.Diff(before.Resource, after.Resource)) > 0 {
		h.Errorf("changing %s left the version as it was", changes[0].Path)
	}
}

// testClearEach: every value that is not demanded can be taken away.
func testClearEach(h *host) {
	for _, t := range h.types() {
		id := h.create(h.full(t, 0))
		for _, text := range h.paths(t) {
			path := h.path(t, text)
			demanded := path.Leaf().Required || slices.ContainsFunc(t.Rules, func(r translators.Rule) bool {
				return r.Path.String() == path.String() && (r.Required || r.Default != "" || len(r.From) > 0)
			})
			if !demanded {
				h.updateOne(t, id, h.change(t, scim.Remove, text, scim.Value{}))
			}
		}
	}
}

// testRename: one who is called otherwise is the same.
func testRename(h *host) {
	for _, t := range h.types() {
		name := nameAttribute(t)
		r := h.full(t, 0)
		id, old, renamed := h.create(r), r.Get(name).Text(), uniqueName()
		change := h.change(t, scim.Replace, name.Name, scim.String(renamed))
		if t == h.users && h.RefusesRename {
			_, err := h.tryUpdate(t, id, []scim.Change{change}, nil)
			h.wantKind("renaming", err, translators.Refused)
			h.sameAsCreated("after a refused renaming", r, h.read(t, id).Resource)
			continue
		}
		h.updateOne(t, id, change)
		found, _ := h.search(t, name.Name+" eq "+quoted(renamed), 2)
		h.sameIDs("looking up the new name", found, []string{id})
		found, _ = h.search(t, name.Name+" eq "+quoted(old), 2)
		h.sameIDs("looking up the old name", found, nil)
		// The old name is free, and case alone is a change as well.
		h.updateOne(t, id, h.change(t, scim.Replace, name.Name, scim.String(strings.ToUpper(renamed))))
		again := h.minimal(t)
		again.Set(name, scim.String(old))
		if other := h.create(again); other == id {
			h.Errorf("two have the id %s", id)
		}
		// A new name together with other changes is one update.
		var changes []scim.Change
		for _, text := range h.paths(t) {
			if path := h.path(t, text); path.Attribute != name {
				changes = append(changes, h.change(t, scim.Replace, text, h.value(t, path, 1)))
			}
		}
		h.updateOne(t, id, append(changes, h.change(t, scim.Replace, name.Name, scim.String(uniqueName())))...)
	}
}

// testReferences: the id of another resource is kept as one; nobody's is
// refused.
func testReferences(h *host) {
	h.eachReference(h.testReference)
}

// eachReference calls do for each path at which a type refers to resources of
// another, or of its own.
func (h *host) eachReference(do func(t *translators.Type, path scim.Path, to *translators.Type)) {
	h.Helper()
	for _, t := range h.types() {
		for _, text := range h.paths(t) {
			path := h.path(t, text)
			if to := h.target(path.Leaf()); to != nil {
				do(t, path, to)
			}
		}
	}
}

// testInheritance: who takes the name of somebody deleted does not inherit what
// referred to the other.
func testInheritance(h *host) {
	h.eachReference(func(t *translators.Type, path scim.Path, to *translators.Type) {
		if to.Delete != translators.DeleteRemove {
			return
		}
		text, r := path.String(), h.minimal(to)
		one, stays := h.create(r), h.create(h.minimal(to))
		id, another, other := h.create(h.minimal(t)), h.create(h.minimal(t)), h.create(h.minimal(t))
		h.set(t, id, text, scim.String(one))
		h.set(t, another, text, scim.String(one))
		h.set(t, other, text, scim.String(stays))
		before := h.read(t, other)
		h.delete(to, one)
		again := h.create(r)
		for _, id := range []string{id, another} {
			if v := path.Value(h.read(t, id).Resource); !v.IsAbsent() {
				h.Errorf("%s is %s after the other was deleted and another took its name", text, show(v))
			}
		}
		for _, gone := range []string{one, again} {
			if found, _ := h.search(t, text+" eq "+quoted(gone), 2); len(found) > 0 {
				h.Errorf("searching by a reference to who was deleted, or has the name since, finds %q", found)
			}
		}
		h.sameState("after somebody else was deleted", before, h.read(t, other))
		h.set(t, id, text, scim.String(again))
	})
}

// testReference tests a reference to resources of a type.
func (h *host) testReference(t *translators.Type, path scim.Path, to *translators.Type) {
	h.Helper()
	text := path.String()
	one, two, id := h.create(h.minimal(to)), h.create(h.minimal(to)), h.create(h.minimal(t))
	h.set(t, id, text, scim.String(one))
	h.set(t, id, text, scim.String(two))
	found, _ := h.search(t, text+" eq "+quoted(two), 2)
	h.sameIDs("searching by a reference", found, []string{id})
	before := h.read(t, id)
	strangers := []string{"nobody", "00000000-0000-4000-8000-000000000000", "*", "cn=x"}
	for _, other := range h.types() {
		if !slices.ContainsFunc(path.Attribute.Sub("$ref").ReferenceTypes, func(name string) bool { return strings.EqualFold(name, other.Name) }) {
			strangers = append(strangers, h.create(h.minimal(other)))
		}
	}
	for _, nobody := range strangers {
		_, err := h.tryUpdate(t, id, []scim.Change{h.change(t, scim.Replace, text, scim.String(nobody))}, nil)
		h.wantKind(text+" of nobody", err, translators.Invalid)
		if found, _ := h.search(t, text+" eq "+quoted(nobody), 2); len(found) > 0 {
			h.Errorf("searching by a reference to nobody finds %q", found)
		}
	}
	h.sameState("after a reference to nobody", before, h.read(t, id))
	if to != h.users || !h.RefusesRename {
		h.set(to, two, nameAttribute(to).Name, scim.String(uniqueName()))
		h.sameState("after the other was renamed", before, h.read(t, id))
	}
	h.update(t, id, []scim.Change{h.change(t, scim.Remove, text, scim.Value{})}, nil)
	if v := path.Value(h.read(t, id).Resource); !v.IsAbsent() {
		h.Errorf("%s was taken away and is %s", text, show(v))
	}
}

// testPlansWriteNothing: a plan is made and nothing has changed, with reading
// and without.
func testPlansWriteNothing(h *host) {
	for _, t := range h.types() {
		id := h.create(h.full(t, 0))
		var members *scim.MemberChange
		if t == h.groups && h.members() != nil && h.users != nil {
			members = &scim.MemberChange{Add: h.usersOf(2)}
		}
		created, err := withDefaults(t, h.full(t, 1))
		if err != nil {
			h.Fatal(err)
		}
		changes := []scim.Change{}
		for _, text := range h.paths(t) {
			if path := h.path(t, text); path.Attribute != nameAttribute(t) || !h.RefusesRename {
				changes = append(changes, h.change(t, scim.Replace, text, h.value(t, path, 1)))
			}
		}
		update, err := h.updateIntent(t, id, changes, members)
		if err != nil {
			h.Fatal(err)
		}
		intents := []translators.Intent{
			{Action: scim.ActionCreate, Type: t.ResourceType, After: created, Changes: scim.Diff(nil, created), Members: members},
			update,
		}
		if members != nil {
			intents = append(intents, translators.Intent{Action: scim.ActionUpdate, Type: t.ResourceType, ID: id, Members: members})
		}
		if t.Delete == translators.DeleteRemove {
			intents = append(intents, translators.Intent{Action: scim.ActionDelete, Type: t.ResourceType, ID: id, Before: update.Before})
		}
		before := h.snapshot()
		for _, in := range intents {
			h.planOnly(in)
			in.Offline = true
			h.planOnly(in)
		}
		h.sameSnapshot("after plans that were not carried out", before)
	}
}

func (h *host) planOnly(in translators.Intent) {
	h.Helper()
	plan, err := h.Translator.Plan(h.ctx(), in)
	if err != nil {
		h.Errorf("planning to %s a %s (offline: %t): %v", in.Action, in.Type.Name, in.Offline, err)
		return
	}
	if len(plan.Calls) == 0 {
		h.Errorf("planning to %s a %s (offline: %t): there are no calls", in.Action, in.Type.Name, in.Offline)
	}
	h.inspectPlan(plan)
}
