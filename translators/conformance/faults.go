package conformance

import (
	"context"
	"iter"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// testFaults: a backend that can't be reached is told to be so. What a fault is
// taken for absence leads to: the provider creates people a second time.
func testFaults(h *host) {
	t := h.types()[0]
	r := h.full(t, 0)
	id := h.create(r)
	name := nameAttribute(t)
	before := h.read(t, id)
	changes := []scim.Change{h.change(t, scim.Replace, name.Name, scim.String(uniqueName()))}
	if t == h.users && t.Attribute("active") != nil {
		changes = []scim.Change{h.change(t, scim.Replace, "active", scim.Bool(false))}
	}
	update, err := h.updateIntent(t, id, changes, nil)
	if err != nil {
		h.Fatal(err)
	}
	planned, err := h.Translator.Plan(h.ctx(), update)
	if err != nil {
		h.Fatal(err)
	}
	created, err := withDefaults(t, h.full(t, 1))
	if err != nil {
		h.Fatal(err)
	}
	var group string
	if h.members() != nil && h.users != nil {
		group = h.group()
	}
	creation := translators.Intent{Action: scim.ActionCreate, Type: t.ResourceType, After: created, Changes: scim.Diff(nil, created)}

	restore := h.Interrupt(h.T)
	fault := []translators.ErrorKind{translators.Unavailable}
	maybe := []translators.ErrorKind{translators.Unavailable, translators.Indefinite}
	for _, filter := range []string{"", name.Name + " eq " + quoted(r.Get(name).Text()), name.Name + ` eq "nobody"`, "id eq " + quoted(id)} {
		result, err := h.Translator.Search(h.ctx(), translators.Query{Type: t.ResourceType, Filter: h.filter(t, filter), Selection: everything, Limit: 10})
		h.wantKind("searching "+filter, err, fault...)
		if len(result.Entries) > 0 {
			h.Errorf("searching %s: there are entries beside the error", filter)
		}
		h.wantKind("scanning "+filter, h.scanError(h.ctx(), t, filter), fault...)
		ids, ok := h.Translator.ScanSorted(h.ctx(), t.ResourceType, h.filter(t, filter), scim.Sort{By: scim.Target{Attribute: name}})
		if ok {
			h.wantKind("sorting "+filter, firstError(ids), fault...)
		}
	}
	for _, asked := range [][]string{{id}, {id, "00000000-0000-4000-8000-000000000000"}} {
		_, err = h.Translator.Read(h.ctx(), t.ResourceType, asked, everything)
		h.wantKind("reading", err, fault...)
	}
	_, err = h.carry(creation)
	h.wantKind("creating", err, maybe...)
	report := translators.Execute(h.ctx(), planned)
	h.wantKind("carrying out a plan", report.Err, maybe...)
	if report.Outcome == translators.Applied {
		h.Error("a plan is told to be carried out while the backend is away")
	}
	if planned.Proves != translators.ProofNone {
		proof := h.Translator.Prove(h.ctx(), planned, translators.Report{Outcome: translators.Applied})
		if proof.Err == nil || proof.Status == translators.Proven {
			h.Errorf("a proof is made while the backend is away: %q, %v", proof.Status, proof.Err)
		}
	}
	if t.Delete == translators.DeleteRemove {
		_, err = h.carry(translators.Intent{Action: scim.ActionDelete, Type: t.ResourceType, ID: id})
		h.wantKind("deleting", err, maybe...)
	}
	if group != "" {
		_, err = h.tryUpdate(h.groups, group, nil, &scim.MemberChange{Add: []string{id}})
		h.wantKind("adding a member", err, maybe...)
	}
	hasError := false
	for _, f := range h.Translator.Check(h.ctx()) {
		hasError = hasError || f.Level == translators.LevelError
	}
	if !hasError {
		h.Error("checking finds nothing wrong with a backend that is away")
	}
	creation.Offline, update.Offline = true, true
	h.planOnly(creation)
	h.planOnly(update)

	restore()
	h.sameState("afterwards", before, h.read(t, id))
	found, _ := h.search(t, name.Name+" eq "+quoted(created.Get(name).Text()), 2)
	h.sameIDs("looking up who could not be created", found, nil)
	if again := h.create(created); h.find(t, again) == nil {
		h.Error("who was created afterwards is not there")
	}
}

func (h *host) scanError(ctx context.Context, t *translators.Type, filter string) error {
	h.Helper()
	return firstError(h.Translator.Scan(ctx, t.ResourceType, h.filter(t, filter)))
}

func firstError(ids iter.Seq2[string, error]) error {
	for _, err := range ids {
		if err != nil {
			return err
		}
	}
	return nil
}

// patience is how long the suite waits for a backend that is silent.
const patience = 300 * time.Millisecond

// testSilence: a backend that does not answer in time is told to be away, and
// what became of a write is found out before anything is said of it.
func testSilence(h *host) {
	t := h.types()[0]
	r := h.full(t, 0)
	id, name := h.create(r), nameAttribute(t)
	lookup := h.filter(t, name.Name+" eq "+quoted(r.Get(name).Text()))
	var updates []translators.Intent
	for _, text := range h.paths(t) {
		path := h.path(t, text)
		if path.Attribute == name || isReference(path.Leaf()) {
			continue
		}
		in, err := h.updateIntent(t, id, []scim.Change{h.change(t, scim.Replace, text, h.value(t, path, 1))}, nil)
		if err != nil {
			h.Fatal(err)
		}
		updates = append(updates, in)
		break
	}
	created, err := withDefaults(t, h.minimal(t))
	if err != nil {
		h.Fatal(err)
	}
	writes := append(updates, translators.Intent{Action: scim.ActionCreate, Type: t.ResourceType, After: created, Changes: scim.Diff(nil, created)})

	restore := h.Freeze(h.T)
	ctx, cancel := context.WithTimeout(h.Context(), patience)
	defer cancel()
	_, err = h.Translator.Search(ctx, translators.Query{Type: t.ResourceType, Filter: lookup, Limit: 2})
	h.wantKind("searching in silence", err, translators.Unavailable)
	_, err = h.Translator.Read(ctx, t.ResourceType, []string{id}, everything)
	h.wantKind("reading in silence", err, translators.Unavailable)
	h.wantKind("scanning in silence", h.scanError(ctx, t, ""), translators.Unavailable)
	restore()

	for _, in := range writes {
		h.silentWrite(in)
	}
	h.create(h.minimal(t)) // and all is as before
}

// silentWrite carries out a write whose answer does not come in time, and lets
// the backend speak again while its outcome is being found out.
func (h *host) silentWrite(in translators.Intent) {
	h.Helper()
	plan, err := h.Translator.Plan(h.ctx(), in)
	if err != nil {
		h.Fatalf("planning to %s: %v", in.Action, err)
	}
	restore := h.Freeze(h.T)
	ctx, cancel := context.WithTimeout(h.Context(), patience)
	defer cancel()
	done := make(chan translators.Report, 1)
	go func() { done <- translators.Execute(ctx, plan) }()
	<-ctx.Done()
	restore()
	report := <-done
	t := h.typeOf(in.After)
	name := nameAttribute(t)
	var isThere bool
	if in.Action == scim.ActionCreate {
		found, _ := h.search(t, name.Name+" eq "+quoted(in.After.Get(name).Text()), 2)
		isThere = len(found) == 1
		if report.Outcome == translators.Applied && (!isThere || report.ID() != found[0]) {
			h.Errorf("who was created in silence has the id %q, and a search finds %q", report.ID(), found)
		}
	} else {
		there := h.read(t, in.ID)
		isThere = true
		for _, c := range in.Changes {
			isThere = isThere && there.Get(c.Attribute).Equal(c.After)
		}
	}
	switch {
	case report.Outcome == translators.Unknown:
		h.Errorf("the backend speaks again, and what became of the write to %s was not found out: %v", in.Action, report.Err)
	case isThere != (report.Outcome == translators.Applied):
		h.Errorf("the write to %s is %q, and it took effect: %t", in.Action, report.Outcome, isThere)
	case report.Outcome == translators.NotApplied:
		h.wantKind("a write in silence", report.Err, translators.Unavailable, translators.Indefinite)
	}
}

// testCancelled: one who has no time left gets an error, or the whole answer.
func testCancelled(h *host) {
	ctx, cancel := context.WithCancel(h.ctx())
	cancel()
	for _, t := range h.types() {
		r := h.minimal(t)
		id, name := h.create(r), nameAttribute(t)
		filter := name.Name + " eq " + quoted(r.Get(name).Text())
		result, err := h.Translator.Search(ctx, translators.Query{Type: t.ResourceType, Filter: h.filter(t, filter), Limit: 2})
		if err == nil {
			h.sameIDs("a cancelled search", idsOf(result.Entries), []string{id})
		} else if kindOf(err) == translators.NotFound {
			h.Errorf("a cancelled search says that there is nobody: %v", err)
		}
		entries, err := h.Translator.Read(ctx, t.ResourceType, []string{id}, everything)
		if err == nil {
			h.sameIDs("a cancelled read", idsOf(entries), []string{id})
		} else if kindOf(err) == translators.NotFound {
			h.Errorf("a cancelled read says that there is nobody: %v", err)
		}
		var scanned []string
		for got, scanErr := range h.Translator.Scan(ctx, t.ResourceType, h.filter(t, filter)) {
			if err = scanErr; err != nil {
				break
			}
			scanned = append(scanned, got)
		}
		if err == nil {
			h.sameIDs("a cancelled scan", scanned, []string{id})
		}
		h.cancelledWrite(ctx, t)
	}
}

// cancelledWrite creates with no time left: either all of it happens or nothing.
func (h *host) cancelledWrite(ctx context.Context, t *translators.Type) {
	h.Helper()
	r, err := withDefaults(t, h.minimal(t))
	if err != nil {
		h.Fatal(err)
	}
	filter := nameAttribute(t).Name + " eq " + quoted(r.Get(nameAttribute(t)).Text())
	plan, err := h.Translator.Plan(ctx, translators.Intent{Action: scim.ActionCreate, Type: t.ResourceType, After: r, Changes: scim.Diff(nil, r)})
	wasCreated := false
	if err == nil {
		report := translators.Execute(ctx, plan)
		if wasCreated = report.Outcome == translators.Applied; !wasCreated && report.Err == nil {
			h.Errorf("a cancelled write is %q, without an error", report.Outcome)
		}
		if report.Outcome == translators.Unknown {
			return
		}
	}
	found, _ := h.search(t, filter, 2)
	if (len(found) == 1) != wasCreated {
		h.Errorf("a cancelled write is told to be made: %t, and a search finds %q", wasCreated, found)
	}
}
