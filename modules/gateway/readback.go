package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/remember"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// readBack is what reading the backend tells of an open entry of the journal.
type readBack struct {
	result   journal.Result
	reason   string // for the note: what was found
	resource string // id of what was created
	proof    translators.ProofStatus
}

// reader reads the backend for one open entry. To the backend it writes nothing.
type reader struct {
	h     *Handler
	entry journal.Entry
	kind  *scim.ResourceType
	key   []byte
	// later asks for the entries about a resource that were begun after this one, and
	// for those in which it was created.
	later func(ctx context.Context, resource string) ([]journal.Entry, error)
	// completed are the attributes that complete has seen to.
	completed map[*scim.Attribute]bool
}

// read finds out what became of the entry. A fault of the backend is an error, and
// tells nothing.
func (r *reader) read(ctx context.Context) (readBack, error) {
	i := slices.IndexFunc(r.h.resource, func(t *scim.ResourceType) bool { return t.Name == r.entry.Type })
	if i < 0 {
		return unknown("the gateway does not serve the resource type any more"), nil
	}
	r.kind = r.h.resource[i]
	switch r.entry.Operation {
	case string(scim.ActionCreate):
		return r.created(ctx)
	case string(scim.ActionDelete):
		return r.deleted(ctx)
	}
	return r.updated(ctx)
}

func unknown(reason string) readBack { return readBack{result: journal.Unknown, reason: reason} }

// deleted reads who was to be deleted.
func (r *reader) deleted(ctx context.Context) (readBack, error) {
	found, err := r.h.translator.Read(ctx, r.kind, []string{r.entry.Resource}, translators.Selection{})
	switch {
	case err != nil:
		return readBack{}, err
	case len(found) > 0:
		return readBack{result: journal.NotApplied, reason: "it is there"}, nil
	}
	return readBack{result: journal.Applied, reason: "it is gone"}, nil
}

// sinceBefore is how much older than the entry, by the clock of the backend, a resource
// must be to count as one that was there before.
const sinceBefore = time.Minute

// created looks for what was to be created by the name that it was to have.
func (r *reader) created(ctx context.Context) (readBack, error) {
	names := namesOf(r.kind)
	if len(names) == 0 || r.entry.Name == "" {
		return unknown("it has no name by which it could be found"), nil
	}
	found, err := r.h.translator.Search(ctx, translators.Query{
		Type: r.kind, Limit: 2, Selection: translators.Selection{All: true, Members: r.entry.Members != nil},
		Filter: scim.Compare{Target: scim.Target{Attribute: names[0]}, Operator: scim.Equal, Value: scim.String(r.entry.Name)},
	})
	switch {
	case err != nil:
		return readBack{}, err
	case len(found.Entries) == 0:
		return readBack{result: journal.NotApplied, reason: "there is none of that name"}, nil
	case len(found.Entries) > 1 || found.More:
		return unknown("several have that name"), nil
	}
	there := found.Entries[0]
	later, err := r.later(ctx, there.Resource.ID)
	if err != nil {
		return readBack{}, err
	}
	if slices.ContainsFunc(later, func(e journal.Entry) bool {
		return e.Operation == string(scim.ActionCreate) && e.Result == journal.Applied
	}) {
		return readBack{result: journal.NotApplied, reason: "who has that name was created by another request"}, nil
	}
	if created := there.Resource.Meta.Created; !created.IsZero() && created.Before(r.entry.Time.Add(-sinceBefore)) {
		return unknown("who has that name is older, by the clock of the backend"), nil
	}
	completed, err := r.complete(ctx, there, later)
	if err != nil {
		return readBack{}, err
	}
	t, err := r.compare(there, later)
	if err != nil {
		return readBack{}, err
	}
	if !t.isAllWanted(r.entry) {
		return unknown("there is one of that name, and not as it was to be created"), nil
	}
	b := readBack{result: journal.Applied, reason: "it is there as it was to be created" + completed, resource: there.Resource.ID}
	if isActive, isSet := there.Resource.IsActive(); isSet && !isActive {
		b.proof, err = r.prove(ctx, there)
	}
	return b, err
}

// updated reads who was to be changed.
func (r *reader) updated(ctx context.Context) (readBack, error) {
	active := activeOf(r.kind)
	selection := translators.Selection{Attributes: namesOf(r.kind), Members: r.entry.Members != nil}
	for _, c := range r.entry.Changes {
		if a := r.attribute(c.Attribute); a != nil && !slices.Contains(selection.Attributes, a) {
			selection.Attributes = append(selection.Attributes, a)
		}
	}
	if active != nil && !slices.Contains(selection.Attributes, active) {
		selection.Attributes = append(selection.Attributes, active)
	}
	found, err := r.h.translator.Read(ctx, r.kind, []string{r.entry.Resource}, selection)
	if err != nil {
		return readBack{}, err
	}
	if len(found) == 0 {
		return unknown("it is gone"), nil
	}
	later, err := r.later(ctx, r.entry.Resource)
	if err != nil {
		return readBack{}, err
	}
	if r.entry.Operation == journal.OperationDisable {
		return r.disabled(ctx, active, found[0], later)
	}
	completed, err := r.complete(ctx, found[0], later)
	if err != nil {
		return readBack{}, err
	}
	t, err := r.compare(found[0], later)
	switch {
	case err != nil:
		return readBack{}, err
	case t.isAllWanted(r.entry):
		return readBack{result: journal.Applied, reason: "it is as it was to be" + completed}, nil
	case t.isAllBefore(r.entry):
		return readBack{result: journal.NotApplied, reason: "it is as it was before"}, nil
	case t.compared == 0:
		return unknown("what was changed can't be compared"), nil
	}
	return unknown("it is neither as it was to be nor as it was before"), nil
}

// disabled looks whether an account is off. Only that it is counts as applied.
func (r *reader) disabled(ctx context.Context, active *scim.Attribute, there *translators.Entry, later []journal.Entry) (readBack, error) {
	if active == nil {
		return unknown("the gateway does not serve active any more"), nil
	}
	value, isComparable, isNow := r.after(active, there, later)
	switch {
	case !isComparable:
		return unknown("whether the account was disabled can't be told"), nil
	case string(value) == "true" && len(r.entry.Calls) > 1:
		return unknown("the account is active; it may be locked in part"), nil
	case string(value) == "true":
		return readBack{result: journal.NotApplied, reason: "the account is active"}, nil
	case string(value) != "false":
		return unknown("whether the account is active can't be told"), nil
	}
	b := readBack{result: journal.Applied, reason: "the account is disabled"}
	if !isNow {
		b.reason = "the account was disabled when it was changed next"
		return b, nil
	}
	var err error
	b.proof, err = r.prove(ctx, there)
	return b, err
}

// prove proves anew that an account is disabled, as when it is disabled once more.
func (r *reader) prove(ctx context.Context, there *translators.Entry) (translators.ProofStatus, error) {
	plan, err := r.h.translator.Plan(ctx, translators.Intent{
		Action: scim.ActionUpdate, Type: r.kind, ID: there.Resource.ID, Before: there, After: there.Resource, SetsActive: true,
	})
	if err != nil {
		return "", err
	}
	if plan.Proves != translators.ProofDisabled || len(plan.Calls) > 0 {
		return proofFailed, nil // it is not as it seems, and nothing is written here
	}
	proof := r.h.translator.Prove(ctx, plan, translators.Report{Outcome: translators.Applied})
	if proof.Err != nil {
		return "", proof.Err
	}
	return proof.Status, nil
}

// tally is how many of the changes of an entry are as they were to be and as they were
// before. A change may be both.
type tally struct {
	compared, wanted, before int
	isPartial                bool // something can't be compared
}

// isAllWanted reports whether all is as it was to be. What can't be compared is too
// where one call to the backend has made all of it.
func (t tally) isAllWanted(e journal.Entry) bool {
	return t.compared > 0 && t.wanted == t.compared && (!t.isPartial || isOneCall(e))
}

func (t tally) isAllBefore(e journal.Entry) bool {
	return t.compared > 0 && t.before == t.compared && (!t.isPartial || isOneCall(e))
}

// isOneCall reports whether an entry has one call, beside those to the store.
func isOneCall(e journal.Entry) bool {
	calls := 0
	for _, c := range e.Calls {
		if !strings.HasPrefix(c.Text, remember.CallPrefix) {
			calls++
		}
	}
	return calls == 1 || len(e.Calls) == 1
}

func (t *tally) add(isWanted, isBefore bool) {
	t.compared++
	if isWanted {
		t.wanted++
	}
	if isBefore {
		t.before++
	}
}

// compare holds what is there against what was to be.
func (r *reader) compare(there *translators.Entry, later []journal.Entry) (t tally, err error) {
	for _, c := range r.entry.Changes {
		a := r.attribute(c.Attribute)
		if a != nil && r.completed[a] {
			continue
		}
		if a == nil || !isKept(c) {
			t.isPartial = true
			continue
		}
		value, isComparable, _ := r.after(a, there, later)
		if !isComparable {
			t.isPartial = true
			continue
		}
		t.add(journal.SameValue(value, c.To), journal.SameValue(value, c.From))
	}
	return t, r.compareMembers(&t, there, later)
}

// after returns the value of an attribute after the entry, as the journal writes it:
// what the next entry that changes it has found, or else what is there now.
func (r *reader) after(a *scim.Attribute, there *translators.Entry, later []journal.Entry) (value json.RawMessage, isComparable, isNow bool) {
	for _, e := range later {
		if e.Operation == string(scim.ActionCreate) {
			continue // what it found is nobody
		}
		for _, c := range e.Changes {
			if c.Attribute == a.String() {
				return c.From, isKept(c), false
			}
		}
	}
	return journal.ValueText(a, there.Resource.Get(a), r.key), true, true
}

// isKept reports whether the values of a change are in the journal.
func isKept(c journal.Change) bool {
	return !c.Secret && c.Omitted == 0 && (!c.Private || len(c.From)+len(c.To) > 0)
}

// compareMembers looks, in one pass through a group, for the members that were to come
// and to go. Those that later entries are about tell nothing.
func (r *reader) compareMembers(t *tally, there *translators.Entry, later []journal.Entry) error {
	m := r.entry.Members
	if m == nil {
		return nil
	}
	if there.Members == nil {
		t.isPartial = true
		return nil
	}
	isThere := make(map[string]bool, len(m.Added)+len(m.Removed))
	for _, ids := range [][]string{m.Added, m.Removed} {
		for _, id := range ids {
			isThere[id] = false
		}
	}
	others := 0
	for member, err := range there.Members {
		if err != nil {
			return err
		}
		if _, is := isThere[member.ID]; is {
			isThere[member.ID] = true
		} else {
			others++
		}
	}
	for _, e := range later {
		if e.Members == nil || e.Operation == string(scim.ActionCreate) {
			continue // who came with the group was there before
		}
		t.isPartial = t.isPartial || e.Members.ReplaceAll || e.Members.Omitted > 0
		for _, id := range slices.Concat(e.Members.Added, e.Members.Removed) {
			if _, is := isThere[id]; is {
				delete(isThere, id)
				t.isPartial = true
			}
		}
	}
	t.isPartial = t.isPartial || m.Omitted > 0
	for _, id := range m.Added {
		if has, is := isThere[id]; is {
			t.add(has, !has)
		}
	}
	for _, id := range m.Removed {
		if has, is := isThere[id]; is {
			t.add(!has, has)
		}
	}
	if m.ReplaceAll {
		t.add(others == 0, others > 0)
	}
	return nil
}

// attribute returns the attribute of that name, or nil.
func (r *reader) attribute(name string) *scim.Attribute {
	for _, a := range r.kind.Attributes() {
		if a.String() == name {
			return a
		}
	}
	return nil
}

// note says how an entry was closed.
func (b readBack) note(isOwn bool) string {
	how := "closed at the next start: read back from the backend"
	if isOwn {
		how = "closed later: read back from the backend"
	}
	return how + ", " + b.reason
}
