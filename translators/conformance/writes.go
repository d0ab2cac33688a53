package conformance

import (
	"fmt"
	"slices"
	"strings"
	"sync"

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
		h.updateOne(t, h.create(h.minimal(t)), changes...)
	}
}

// updateOne makes changes and compares the resource with what the SCIM language
// makes of them.
func (h *host) updateOne(t *translators.Type, id string, changes ...scim.Change) {
	h.Helper()
	want, err := scim.Apply(h.read(t, id).Resource, changes)
	if err != nil {
		h.Fatalf("applying a change of %s: %v", changes[0].Path, err)
	}
	o := h.update(t, id, changes, nil)
	if len(o.plan.Dropped) > 0 {
		h.Errorf("changing %s: %q have no place, though the schema has them", changes[0].Path, o.plan.Dropped)
	}
	h.sameAsSent("changing "+changes[0].Path.String(), want, h.read(t, id).Resource)
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
	for _, text := range h.paths(h.users) {
		path := h.path(h.users, text)
		if !isReference(path.Leaf()) {
			continue
		}
		one, two, id := h.user(), h.user(), h.user()
		h.set(h.users, id, text, scim.String(one))
		h.set(h.users, id, text, scim.String(two))
		found, _ := h.search(h.users, text+" eq "+quoted(two), 2)
		h.sameIDs("searching by a reference", found, []string{id})
		before := h.read(h.users, id)
		for _, nobody := range []string{"nobody", "00000000-0000-4000-8000-000000000000", "*", "cn=x"} {
			_, err := h.tryUpdate(h.users, id, []scim.Change{h.change(h.users, scim.Replace, text, scim.String(nobody))}, nil)
			h.wantKind(text+" of nobody", err, translators.Invalid)
		}
		h.sameState("after a reference to nobody", before, h.read(h.users, id))
		if !h.RefusesRename {
			h.set(h.users, two, "userName", scim.String(uniqueName()))
			h.sameState("after the other was renamed", before, h.read(h.users, id))
		}
		h.update(h.users, id, []scim.Change{h.change(h.users, scim.Remove, text, scim.Value{})}, nil)
		if v := path.Value(h.read(h.users, id).Resource); !v.IsAbsent() {
			h.Errorf("%s was taken away and is %s", text, show(v))
		}
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

// testDelete: what is deleted is gone, and its name is free for another.
func testDelete(h *host) {
	for _, t := range h.types() {
		if t.Delete != translators.DeleteRemove {
			continue
		}
		r, stays := h.full(t, 0), h.create(h.minimal(t))
		id := h.create(r)
		before := h.read(t, stays)
		deletion := h.deletion(t, id)
		if _, err := h.carry(deletion); err != nil {
			h.Fatalf("deleting the %s %s: %v", t.Name, id, err)
		}
		h.isGone(t, id, r)
		// Twice, as one finds it who has read before or not at all.
		if _, err := h.carry(deletion); err != nil {
			h.wantKind("deleting what has just been deleted", err, translators.NotFound)
		}
		_, err := h.carry(translators.Intent{Action: scim.ActionDelete, Type: t.ResourceType, ID: id})
		h.wantKind("deleting what is not there", err, translators.NotFound)
		h.sameState("after another was deleted", before, h.read(t, stays))
		if again := h.create(r); again == id {
			h.Errorf("another %s has the id of one that was deleted", t.Name)
		}
		if h.find(t, id) != nil {
			h.Errorf("the deleted %s is back", t.Name)
		}
	}
}

// deletion is what the host makes of DELETE.
func (h *host) deletion(t *translators.Type, id string) translators.Intent {
	h.Helper()
	entries, err := h.Translator.Read(h.ctx(), t.ResourceType, []string{id}, translators.Selection{Attributes: []*scim.Attribute{nameAttribute(t)}})
	if err != nil || len(entries) != 1 {
		h.Fatalf("reading the %s %s: %d entries, %v", t.Name, id, len(entries), err)
	}
	return translators.Intent{Action: scim.ActionDelete, Type: t.ResourceType, ID: id, Before: entries[0]}
}

func (h *host) delete(t *translators.Type, id string) {
	h.Helper()
	if _, err := h.carry(h.deletion(t, id)); err != nil {
		h.Fatalf("deleting the %s %s: %v", t.Name, id, err)
	}
}

func (h *host) isGone(t *translators.Type, id string, r *scim.Resource) {
	h.Helper()
	name := nameAttribute(t)
	if h.find(t, id) != nil {
		h.Errorf("the deleted %s %s is still there", t.Name, id)
	}
	found, _ := h.search(t, name.Name+" eq "+quoted(r.Get(name).Text()), 2)
	h.sameIDs("looking up what is deleted", found, nil)
	if slices.Contains(h.scan(t, ""), id) {
		h.Errorf("a scan has the deleted %s", id)
	}
}

// testAbsence: a write to nobody is told to be one.
func testAbsence(h *host) {
	for _, t := range h.types() {
		gone := []string{"nobody", "00000000-0000-4000-8000-000000000000", "*"}
		if t.Delete == translators.DeleteRemove {
			id := h.create(h.minimal(t))
			h.delete(t, id)
			gone = append(gone, id)
		}
		for _, id := range gone {
			if h.find(t, id) != nil {
				h.Errorf("there is a %s %q", t.Name, id)
			}
			if t.Delete == translators.DeleteRemove {
				_, err := h.carry(translators.Intent{Action: scim.ActionDelete, Type: t.ResourceType, ID: id})
				h.wantKind("deleting "+id, err, translators.NotFound)
			}
			if t == h.groups && h.members() != nil && h.users != nil {
				_, err := h.tryUpdate(t, id, nil, &scim.MemberChange{Add: []string{h.user()}})
				h.wantKind("adding a member to "+id, err, translators.NotFound)
			}
		}
	}
}

// testConcurrency: requests at the same time do not meet.
func testConcurrency(h *host) {
	const workers, rounds = 6, 5
	var path string
	for _, text := range h.paths(h.users) {
		if p := h.path(h.users, text); p.Attribute != nameAttribute(h.users) && p.Selector == nil && p.Leaf().Type == scim.TypeString && !isReference(p.Leaf()) {
			path = text
			break
		}
	}
	ids := h.usersOf(workers)
	all := h.filter(h.users, "id pr")
	changes := make([][]scim.Change, workers)
	if path != "" {
		for i := range changes {
			for n := range rounds {
				changes[i] = append(changes[i], h.change(h.users, scim.Replace, path, h.value(h.users, h.path(h.users, path), n%2)))
			}
		}
	}
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			if err := h.work(id, changes[i], all); err != nil {
				h.Errorf("working on %s beside others: %v", id, err)
			}
		})
	}
	wg.Wait()
	if path == "" {
		return
	}
	for i, id := range ids {
		want := changes[i][rounds-1].Value
		if got := h.path(h.users, path).Value(h.read(h.users, id).Resource); !got.Equal(want) {
			h.Errorf("%s of %s is %s, want %s", path, id, show(got), show(want))
		}
	}
}

// work makes changes one after the other, reading and searching between them.
// It is run beside the test's own goroutine.
func (h *host) work(id string, changes []scim.Change, all scim.Filter) error {
	for _, c := range changes {
		in, err := h.updateIntent(h.users, id, []scim.Change{c}, nil)
		if err != nil {
			return err
		}
		plan, err := h.Translator.Plan(h.ctx(), in)
		if err != nil {
			return err
		}
		if report := translators.Execute(h.ctx(), plan); report.Outcome != translators.Applied {
			return fmt.Errorf("the outcome is %q: %w", report.Outcome, report.Err)
		}
	}
	_, err := h.Translator.Search(h.ctx(), translators.Query{Type: h.users.ResourceType, Filter: all, Selection: everything, Limit: 1000})
	return err
}
