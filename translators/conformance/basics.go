package conformance

import (
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// testTypes: what is served is well formed and always the same.
func testTypes(h *host) {
	first, second := h.Translator.Types(), h.Translator.Types()
	if len(first) == 0 {
		h.Fatal("nothing is served")
	}
	for i, t := range first {
		if second[i].ResourceType != t.ResourceType {
			h.Errorf("%s: the resource type is another each time", t.Name)
		}
		if t.Name == "User" && i > 0 || t.Name == "Group" && i > 0 && first[i-1].Name != "User" {
			h.Error("users come before groups, and groups before all others")
		}
		if !slices.Contains([]translators.DeleteMode{translators.DeleteRemove, translators.DeleteDisable, translators.DeleteRefuse}, t.Delete) {
			h.Errorf("%s: what DELETE means is %q", t.Name, t.Delete)
		}
		if t.Delete == translators.DeleteDisable && t.Attribute("active") == nil {
			h.Errorf("%s: DELETE disables, and active is not served", t.Name)
		}
		for _, rule := range t.Rules {
			if !slices.Contains(t.Attributes(), rule.Path.Attribute) {
				h.Errorf("%s: the rule on %s is about another type", t.Name, rule.Path)
			}
		}
		hasPassword := t.Attribute("password") != nil
		if t.ChangesPassword != hasPassword {
			h.Errorf("%s: ChangesPassword is %t, and password is mapped: %t", t.Name, t.ChangesPassword, hasPassword)
		}
		if a := t.Attribute("password"); a != nil && (a.Returned != scim.ReturnedNever || a.Mutability != scim.WriteOnly) {
			h.Errorf("%s: a password must be write-only and never returned", t.Name)
		}
	}
}

// testLeases: a lease can be taken while others are, and given back.
func testLeases(h *host) {
	one, err := h.Translator.Lease()
	if err != nil {
		h.Fatal(err)
	}
	two, err := h.Translator.Lease()
	if err != nil {
		h.Fatal(err)
	}
	one()
	for _, t := range h.types() {
		h.search(t, "", 1)
	}
	two()
}

// testCheck: a backend that is as it should be is found to be so.
func testCheck(h *host) {
	before := h.snapshot()
	for _, f := range h.Translator.Check(h.ctx()) {
		if f.Level != translators.LevelOK && (f.Level != translators.LevelWarning || !h.Unprovable) {
			h.Errorf("%s: %s", f.Level, f.Detail)
		}
		if f.Detail == "" {
			h.Errorf("a finding of the level %s says nothing", f.Level)
		}
	}
	h.sameSnapshot("checking", before)
}

// testRoundTrip: every mapped value reads back to the letter.
func testRoundTrip(h *host) {
	for _, t := range h.types() {
		for n := range 2 {
			sent := h.full(t, n)
			id := h.create(sent)
			h.sameAsCreated("a full "+t.Name, sent, h.read(t, id).Resource)
		}
		sent := h.minimal(t)
		id := h.create(sent)
		there := h.read(t, id)
		if v := there.Get(nameAttribute(t)); !v.Equal(sent.Get(nameAttribute(t))) {
			h.Errorf("the name of a minimal %s is %s", t.Name, show(v))
		}
		if ids := there.memberIDs(); len(ids) > 0 {
			h.Errorf("a new group has the members %q", ids)
		}
	}
}

// testAwkward: whatever a text holds, it is stored and found as it is.
func testAwkward(h *host) {
	for _, t := range h.types() {
		name := nameAttribute(t)
		display := t.Attribute("displayName")
		texts, ids := make([]string, len(h.Awkward)), make([]string, len(h.Awkward))
		for i, text := range h.Awkward {
			texts[i] = unique(text)
			r := h.minimal(t)
			r.Set(name, scim.String(texts[i]))
			if display != nil && isOpen(display) && display != name {
				r.Set(display, scim.String(texts[i]))
			}
			id, err := h.tryCreate(r)
			if err != nil {
				h.Errorf("creating a %s called %q: %v", t.Name, texts[i], err)
				continue
			}
			ids[i] = id
			if strings.Contains(texts[i], "*") { // one whom the wildcard would find
				bait := h.minimal(t)
				bait.Set(name, scim.String(strings.ReplaceAll(texts[i], "*", "bait")))
				h.create(bait)
			}
			h.sameAsCreated("a "+t.Name+" with an awkward name", r, h.read(t, id).Resource)
		}
		for i, text := range texts {
			if ids[i] == "" {
				continue
			}
			found, _ := h.search(t, name.Name+" eq "+quoted(text), len(texts))
			h.sameIDs("looking up "+text, found, ids[i:i+1])
			found, _ = h.search(t, name.Name+" co "+quoted(text), len(texts))
			h.sameIDs("looking for what contains "+text, found, h.oracle(t, name.Name+" co "+quoted(text)))
		}
		for i := range texts {
			if ids[i] == "" || h.RefusesRename && t == h.users {
				continue
			}
			text := unique(h.Awkward[i])
			h.set(t, ids[i], name.Name, scim.String(text))
			if v := h.read(t, ids[i]).Get(name); v.Text() != text {
				h.Errorf("renamed to %q it is called %s", text, show(v))
			}
		}
	}
}

// testNUL: no backend has a place for the character NUL, and none may stumble
// over it.
func testNUL(h *host) {
	for _, t := range h.types() {
		r := h.minimal(t)
		text := uniqueName() + "\x00x"
		r.Set(nameAttribute(t), scim.String(text))
		_, err := h.tryCreate(r)
		h.wantKind("a name with NUL", err, translators.Invalid)
		filter := scim.Compare{Target: scim.Target{Attribute: nameAttribute(t)}, Operator: scim.Equal, Value: scim.String(text)}
		result, err := h.Translator.Search(h.ctx(), translators.Query{Type: t.ResourceType, Filter: filter, Limit: 10})
		if err != nil {
			h.wantKind("a search for NUL", err, translators.Invalid)
		} else if len(result.Entries) > 0 {
			h.Errorf("a search for NUL finds %q", idsOf(result.Entries))
		}
	}
}

// testSelections: a read brings what was asked for and no more; see checks it.
func testSelections(h *host) {
	for _, t := range h.types() {
		full := h.full(t, 0)
		id := h.create(full)
		check := func(selection translators.Selection) {
			entries, err := h.Translator.Read(h.ctx(), t.ResourceType, []string{id}, selection)
			if err != nil || len(entries) != 1 {
				h.Fatalf("reading %v of a %s: %d entries, %v", selection, t.Name, len(entries), err)
			}
			s := h.see(t, entries[0], selection)
			for _, a := range t.Attributes() {
				if selection.Wants(a) && isOpen(a) && !full.Get(a).IsAbsent() && s.Get(a).IsAbsent() {
					h.Errorf("%s was asked for and did not come", a)
				}
			}
			result, err := h.Translator.Search(h.ctx(), translators.Query{Type: t.ResourceType, Filter: h.filter(t, "id eq "+quoted(id)), Selection: selection, Limit: 1})
			if err != nil || len(result.Entries) != 1 {
				h.Fatalf("searching with the selection %v: %d entries, %v", selection, len(result.Entries), err)
			}
			h.see(t, result.Entries[0], selection)
		}
		check(translators.Selection{})
		check(everything)
		if t == h.groups && h.members() != nil {
			check(translators.Selection{Members: true})
		}
		for _, a := range t.Attributes() {
			if !a.IsReferenceSet() {
				check(translators.Selection{Attributes: []*scim.Attribute{a}})
			}
		}
	}
}

// testIDs: an id is the same wherever it is met and whatever becomes of the
// resource; one that nobody has is missing and no fault.
func testIDs(h *host) {
	for _, t := range h.types() {
		r := h.minimal(t)
		id := h.create(r)
		name := nameAttribute(t)
		found, _ := h.search(t, name.Name+" eq "+quoted(r.Get(name).Text()), 2)
		h.sameIDs("looking up a new "+t.Name, found, []string{id})
		if !slices.Contains(h.scan(t, ""), id) {
			h.Errorf("a scan has no %s", id)
		}
		strange := []string{"", "*", ")(objectClass=*", "nobody", "../" + id, id + "x", "00000000-0000-4000-8000-000000000000", "0", "-1", "é", "a\x00b"}
		entries, err := h.Translator.Read(h.ctx(), t.ResourceType, append(strange, id), everything)
		if err != nil {
			h.Errorf("reading ids that nobody has: %v", err)
		}
		h.sameIDs("reading one of many ids", idsOf(entries), []string{id})
		if entries, err = h.Translator.Read(h.ctx(), t.ResourceType, nil, everything); err != nil || len(entries) > 0 {
			h.Errorf("reading no ids: got %q, %v", idsOf(entries), err)
		}
		for _, s := range []string{"nobody", "*", id + "x"} {
			found, _ := h.search(t, "id eq "+quoted(s), 2)
			h.sameIDs("searching the id "+s, found, nil)
		}
	}
	if h.users == nil || h.groups == nil {
		return
	}
	// The id of a group is no user's.
	user, group := h.user(), h.create(h.minimal(h.groups))
	if h.find(h.users, group) != nil || h.find(h.groups, user) != nil {
		h.Error("a group was read as a user, or the reverse")
	}
}

// snapshot is everything that is served, by id.
func (h *host) snapshot() map[*translators.Type]map[string]*state {
	h.Helper()
	all := make(map[*translators.Type]map[string]*state)
	for _, t := range h.types() {
		all[t] = make(map[string]*state)
		for _, id := range h.scan(t, "") {
			all[t][id] = h.read(t, id)
		}
	}
	return all
}

func (h *host) sameSnapshot(when string, before map[*translators.Type]map[string]*state) {
	h.Helper()
	after := h.snapshot()
	for _, t := range h.types() {
		for id, was := range before[t] {
			is := after[t][id]
			if is == nil {
				h.Errorf("%s: the %s %s is gone", when, t.Name, id)
				continue
			}
			h.sameState(when, was, is)
			if was.Meta.Version != is.Meta.Version {
				h.Errorf("%s: the version of the %s %s changed", when, t.Name, id)
			}
		}
		for id := range after[t] {
			if before[t][id] == nil {
				h.Errorf("%s: there is a %s %s", when, t.Name, id)
			}
		}
	}
}
