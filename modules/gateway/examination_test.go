package gateway

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// examined is a store that can be wrong about what it has.
type examined struct {
	*store
	types    []translators.Type
	findings []translators.Finding
	found    []string // what a search finds; with nobody also who is not there
	nobody   bool
	unfound  error // of searches
	unread   error // of reads
	hidden   bool  // what is listed can't be read
}

// tripped is one that can tell what does not come back.
type tripped struct {
	*examined
	problems []translators.Problem
	err      error
}

func (s tripped) RoundTrip(_ context.Context, e *translators.Entry) ([]translators.Problem, error) {
	if e.Resource.Type == groups {
		return nil, errors.ErrUnsupported
	}
	return s.problems, s.err
}

// What is mapped and would be written otherwise than it was read is told, and is no
// reason not to begin.
func TestExamineTellsWhatDoesNotComeBack(t *testing.T) {
	for name, test := range map[string]struct {
		tripped
		want  string
		isBad bool
	}{
		"all does": {tripped{}, "ok user: what was read of ada would be written as it is", false},
		"one does not": {tripped{problems: []translators.Problem{{Path: "title", Field: "job", Why: "it has two values"}}},
			"warning user: ada does not come back as it is: title (job): it has two values", false},
		"it can't be told": {tripped{err: errors.New("it was not read here")}, "error user: it was not read here", true},
	} {
		t.Run(name, func(t *testing.T) {
			test.examined = &examined{store: holds()}
			h, _ := newHandler(t, test.tripped, nil)
			e := h.Examine(t.Context(), "", func(string) {})
			var got []string
			for _, one := range e.Steps {
				got = append(got, fmt.Sprintf("%s %s: %s", one.Level, one.Step, one.Detail))
			}
			if !slices.Contains(got, test.want) || e.IsUsable() == test.isBad {
				t.Errorf("got %q", got)
			}
		})
	}
}

// finder is one that knows of somebody who is disabled.
type finder struct {
	*examined
	id, remedy string
	err        error
}

func (s finder) FindDisabled(context.Context) (translators.DisabledAccount, error) {
	account := translators.DisabledAccount{Remedy: s.remedy}
	if one := s.entries[s.id]; one != nil {
		account.Entry = &translators.Entry{Resource: one.resource}
	}
	return account, s.err
}

// A search that hides the disabled is the worst trap: a provider that does not find a
// person creates another one.
func TestExamineLooksUpTheDisabled(t *testing.T) {
	fault := &translators.Error{Kind: translators.Unavailable, Detail: "It can't be reached.", Err: errors.New("connection refused")}
	withoutActive := []translators.Type{{ResourceType: users.Narrow(func(a *scim.Attribute) bool { return a.Name != "active" }, nil), Delete: translators.DeleteRefuse}}
	for name, test := range map[string]struct {
		id      string
		err     error
		unfound error
		found   []string
		types   []translators.Type
		want    string // "": the step is not made
		isBad   bool
	}{
		"found":  {id: "2", want: "ok disabled: found grace, who is disabled, by userName"},
		"nobody": {want: "ok disabled: whether a search finds those who are disabled could not be tried: ask for all"},
		"hidden": {id: "2", found: []string{}, isBad: true, want: "error disabled: the search hides those who are disabled: a search for the userName grace does not find 2, " +
			"who is disabled, and a provider would create a second account; ask for all"},
		"another is found": {id: "2", found: []string{userID}, isBad: true, want: "error disabled: the search hides those who are disabled: a search for the userName grace does not find 2, " +
			"who is disabled, and a provider would create a second account; ask for all"},
		"two are found":         {id: "2", found: []string{userID, "2"}, isBad: true, want: "ok disabled: found grace, who is disabled, by userName"},
		"it can't be looked":    {err: fault, isBad: true, want: "error disabled: It can't be reached. (connection refused)"},
		"searches fail":         {id: "2", unfound: fault, isBad: true, want: "error disabled: It can't be reached. (connection refused)"},
		"active is not mapped":  {id: "2", types: withoutActive, isBad: true}, // the one whom the test names is of another type
		"somebody without name": {id: "3"},
	} {
		t.Run(name, func(t *testing.T) {
			s := finder{&examined{store: holds(), found: test.found, unfound: test.unfound, types: test.types}, test.id, "ask for all", test.err}
			s.with("2", "grace", false)
			s.with("3", "", false)
			s.entries["3"].resource.Set(users.Attribute("userName"), scim.Value{})
			h, _ := newHandler(t, s, nil)
			e := h.Examine(t.Context(), userID, func(string) {})
			got := ""
			for _, one := range e.Steps {
				if one.Step == "disabled" {
					got += fmt.Sprintf("%s %s: %s", one.Level, one.Step, one.Detail)
				}
			}
			if got != test.want || e.IsUsable() == test.isBad {
				t.Errorf("got %q of %+v", got, e.Steps)
			}
		})
	}
}

func (s *examined) Types() []translators.Type {
	if s.types != nil {
		return s.types
	}
	return s.store.Types()
}

func (s *examined) Check(context.Context) []translators.Finding { return s.findings }

func (s *examined) Scan(_ context.Context, t *scim.ResourceType, _ scim.Filter) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, id := range slices.Sorted(maps.Keys(s.entries)) {
			if s.entries[id].resource.Type == t && !yield(id, nil) {
				return
			}
		}
	}
}

func (s *examined) Search(ctx context.Context, q translators.Query) (translators.Result, error) {
	isNobody := strings.HasPrefix(q.Filter.(scim.Compare).Value.Text(), "scimgate-check-")
	if s.unfound != nil {
		return translators.Result{}, s.unfound
	}
	if s.found == nil || isNobody && !s.nobody {
		return s.store.Search(ctx, q)
	}
	var result translators.Result
	for _, id := range s.found {
		r := scim.NewResource(users)
		r.ID = id
		result.Entries = append(result.Entries, &translators.Entry{Resource: r})
	}
	return result, nil
}

func (s *examined) Read(ctx context.Context, t *scim.ResourceType, ids []string, selection translators.Selection) ([]*translators.Entry, error) {
	if s.hidden {
		return nil, nil
	}
	if s.unread != nil {
		return nil, s.unread
	}
	return s.store.Read(ctx, t, ids, selection)
}

// withGroup puts a group of so many members into the store.
func (s *store) withGroup(id, name string, members int) {
	r := scim.NewResource(groups)
	r.ID = id
	r.Set(groups.Attribute("displayName"), scim.String(name))
	s.entries[id] = &stored{resource: r, version: 1}
	for i := range members {
		s.entries[id].members = append(s.entries[id].members, fmt.Sprint(i))
	}
}

func TestExamine(t *testing.T) {
	fault := &translators.Error{Kind: translators.Unavailable, Detail: "It can't be reached.", Err: errors.New("connection refused")}
	but := func(t *scim.ResourceType, without string) *scim.ResourceType {
		return t.Narrow(func(a *scim.Attribute) bool { return a.Name != without }, nil)
	}
	const (
		signedIn = "ok backend: signed in"
		absent   = "ok absent user: nobody is found by a userName that nobody has"
		read     = "ok user: read ada (" + userID + "); mapped attributes with a value: 2"
		found    = "ok user: found ada by userName"
		members  = "ok group: read the group engineers (g); members: 3"
		password = "ok operations: password is not mapped: one that a provider sends is dropped"
	)
	for name, test := range map[string]struct {
		change func(*examined)
		user   string
		want   []string
		isBad  bool
	}{
		"all is well": {nil, "", []string{signedIn, absent, read, found, members, password}, false},
		"by userName": {func(s *examined) { s.with("2", "grace", false) }, "grace", []string{signedIn, absent,
			"ok user: read grace (2), who is disabled; mapped attributes with a value: 2", "ok user: found grace by userName", members, password}, false},
		"unknown": {nil, "nobody", []string{signedIn, absent, "error user: nobody is called nobody", members, password}, true},
		"two of the name": {func(s *examined) { s.with("2", "ada", true) }, "ada", []string{signedIn, absent,
			"error user: 2 accounts are called ada: name one by its id", members, password}, true},
		"two, one read": {func(s *examined) { s.found = []string{userID, "2"} }, "", []string{signedIn, absent, read,
			"error user: a search for the userName ada finds " + userID + " and 2: which of them is meant can't be told, and every request about them is refused", members, password}, true},
		"the backend is away": {func(s *examined) {
			s.findings = []translators.Finding{{Level: translators.LevelError, Detail: "it can't be reached"}}
			s.unread, s.unfound = fault, fault
		}, "", []string{"error backend: it can't be reached", password}, true},
		"a warning": {func(s *examined) {
			s.findings = append(s.findings, translators.Finding{Level: translators.LevelWarning, Detail: "there is no create call"})
		}, "", []string{signedIn, "warning backend: there is no create call", absent, read, found, members, password}, false},
		"searches fail": {func(s *examined) { s.unfound = fault }, "", []string{signedIn,
			"error absent user: It can't be reached. (connection refused)", read, "error user: It can't be reached. (connection refused)", members, password}, true},
		"reads fail": {func(s *examined) { s.unread = fault }, "", []string{signedIn, absent,
			"error user: It can't be reached. (connection refused)", "error group: It can't be reached. (connection refused)", password}, true},
		"everybody is found": {func(s *examined) { s.found, s.nobody = []string{userID}, true }, "", []string{signedIn,
			"error absent user: a search for a userName that nobody has finds " + userID + ": each person would be taken for somebody else", read, found, members, password}, true},
		"nobody is found": {func(s *examined) { s.found = []string{} }, "", []string{signedIn, absent, read,
			"error user: a search for the userName ada finds nobody, and it is that of " + userID + ": a provider would create a second account", members, password}, true},
		"another is found": {func(s *examined) { s.found = []string{"2"} }, "", []string{signedIn, absent, read,
			"error user: a search for the userName ada finds 2, and it is that of " + userID, members, password}, true},
		"listed and not there": {func(s *examined) { s.hidden = true }, "", []string{signedIn, absent,
			"error user: the User " + userID + " is listed, and can't be read: the backend says that it is not there",
			"error group: the Group g is listed, and can't be read: the backend says that it is not there", password}, true},
		"without a name": {func(s *examined) { s.entries[userID].resource.Set(users.Attribute("userName"), scim.Value{}) }, "", []string{signedIn, absent,
			"ok user: read  (" + userID + "); mapped attributes with a value: 1",
			"error user: " + userID + " has no userName: no provider can find this account", members, password}, true},
		"empty": {func(s *examined) { clear(s.entries) }, "", []string{signedIn, absent,
			"warning user: there is no user yet: nobody could be read. Create one in the backend and check again; if it has some, what lists them is configured wrongly",
			"warning group: there is no group yet: none could be read; if the backend has some, what lists them is configured wrongly", password}, false},
		"a crowd": {func(s *examined) { s.withGroup("g", "engineers", mostCounted+1) }, "", []string{signedIn, absent, read, found,
			"ok group: read the group engineers (g); members: 10000 or more", password}, false},
		"no groups": {func(s *examined) {
			s.types = []translators.Type{{ResourceType: users, Delete: translators.DeleteDisable, ChangesPassword: true}}
		}, "", []string{signedIn, absent, read, found, "ok operations: no groups are configured: a provider that asks for them finds none"}, false},
		"no users": {func(s *examined) {
			s.types = []translators.Type{{ResourceType: groups, Delete: translators.DeleteRemove}}
		}, "", []string{signedIn, members,
			"warning operations: no users are configured: every request for them but a search is refused"}, false},
		"nothing missing": {func(s *examined) {
			s.types = []translators.Type{{ResourceType: users, Delete: translators.DeleteRemove, ChangesPassword: true}, {ResourceType: groups, Delete: translators.DeleteRemove}}
		}, "", []string{signedIn, absent, read, found, members, "ok operations: nothing is missing that providers do"}, false},
		"narrow": {func(s *examined) {
			s.types = []translators.Type{{ResourceType: but(users, "active"), Delete: translators.DeleteRefuse, ChangesPassword: true},
				{ResourceType: but(groups, "members"), Delete: translators.DeleteRemove}}
			clear(s.entries)
		}, "", []string{signedIn, absent, "warning user: there is no user yet: nobody could be read. Create one in the backend and check again; if it has some, what lists them is configured wrongly",
			"warning group: there is no group yet: none could be read; if the backend has some, what lists them is configured wrongly", "warning operations: active is not mapped: nobody can be disabled or enabled",
			"ok operations: DELETE of a User is refused, as it is configured", "warning operations: members is not mapped: nobody can be added to a group"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &examined{store: holds(), findings: []translators.Finding{{Level: translators.LevelOK, Detail: "signed in"}}}
			s.withGroup("g", "engineers", 3)
			if test.change != nil {
				test.change(s)
			}
			h, _ := newHandler(t, s, nil)
			var begun, got []string
			e := h.Examine(t.Context(), test.user, func(step string) { begun = append(begun, step) })
			for _, one := range e.Steps {
				detail := one.Detail
				if at := strings.Index(detail, "scimgate-check-"); at >= 0 {
					detail = strings.Replace(detail, "the userName "+detail[at:at+27]+", which nobody has,", "a userName that nobody has", 1)
				}
				got = append(got, fmt.Sprintf("%s %s: %s", one.Level, one.Step, detail))
				if !slices.Contains(begun, one.Step) {
					t.Errorf("%s was seen and not begun", one.Step)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if e.IsUsable() == test.isBad {
				t.Errorf("usable: %t", e.IsUsable())
			}
			if len(s.writes) > 0 {
				t.Errorf("it wrote %q", s.writes)
			}
		})
	}
}
