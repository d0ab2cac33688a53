package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// moody is a store that does not answer at times.
type moody struct {
	*store
	isAway atomic.Bool
}

var errAway = errors.New("the backend is away")

func (m *moody) Read(ctx context.Context, t *scim.ResourceType, ids []string, s translators.Selection) ([]*translators.Entry, error) {
	if m.isAway.Load() {
		return nil, &translators.Error{Kind: translators.Unavailable, Detail: "away", Err: errAway}
	}
	return m.store.Read(ctx, t, ids, s)
}

// left puts an open entry into the journal that nobody works on.
func (r *recorder) left(t *testing.T, h *Handler, e journal.Entry) {
	t.Helper()
	e.Gateway = h.Name
	if e.Time.IsZero() {
		e.Time = time.Now().Add(-time.Minute)
	}
	if e.Calls == nil {
		e.Calls = []journal.Call{{Purpose: "store"}}
	}
	if e.Type == "" {
		e.Type = "User"
	}
	if err := r.journal.Begin(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if e.Result != journal.Unresolved {
		if err := r.journal.End(journal.Outcome{ID: e.ID, Result: e.Result, Resource: e.Resource, Ended: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
}

// changed is a change from one text to another; "" is nothing.
func changed(attribute, from, to string) journal.Change {
	text := func(s string) json.RawMessage {
		if s == "" {
			return nil
		}
		return json.RawMessage(s)
	}
	return journal.Change{Attribute: attribute, From: text(from), To: text(to)}
}

func TestOpenEntriesAreClosedAsTheBackendIs(t *testing.T) {
	secret := journal.Change{Attribute: "password", Secret: true}
	title := changed("title", `"Dr"`, `"Prof"`)
	nick := changed("nickName", "", `"Countess"`)
	twoCalls := []journal.Call{{Purpose: "one"}, {Purpose: "two"}}
	for _, tt := range []struct {
		name     string
		state    map[string]string // of ada, by attribute
		entry    journal.Entry
		later    *journal.Entry
		want     journal.Result
		resource string
		proof    string
	}{
		{name: "updated", state: map[string]string{"title": "Prof"}, entry: journal.Entry{Operation: "update", Changes: []journal.Change{title}}, want: journal.Applied},
		{name: "not updated", state: map[string]string{"title": "Dr"}, entry: journal.Entry{Operation: "update", Changes: []journal.Change{title, nick}}, want: journal.NotApplied},
		{name: "updated by somebody else", state: map[string]string{"title": "Mr"}, entry: journal.Entry{Operation: "update", Changes: []journal.Change{title}}, want: journal.Unknown},
		{name: "updated in part", state: map[string]string{"title": "Prof"}, entry: journal.Entry{Operation: "update", Changes: []journal.Change{title, nick}}, want: journal.Unknown},
		{name: "a password", state: nil, entry: journal.Entry{Operation: "update", Changes: []journal.Change{secret}}, want: journal.Unknown},
		{name: "a password with something else", state: map[string]string{"title": "Prof"}, entry: journal.Entry{Operation: "update", Changes: []journal.Change{title, secret}}, want: journal.Applied},
		{name: "a password in a call of its own", state: map[string]string{"title": "Prof"}, entry: journal.Entry{Operation: "update", Changes: []journal.Change{title, secret}, Calls: twoCalls}, want: journal.Unknown},
		{name: "what was too long", state: nil, entry: journal.Entry{Operation: "update", Changes: []journal.Change{{Attribute: "title", Omitted: 20000}}}, want: journal.Unknown},
		{name: "what is not served", state: nil, entry: journal.Entry{Operation: "update", Changes: []journal.Change{changed("shoeSize", "1", "2")}}, want: journal.Unknown},
		{name: "a type that is not served", state: nil, entry: journal.Entry{Operation: "update", Type: "Device", Changes: []journal.Change{title}}, want: journal.Unknown},
		{name: "gone", entry: journal.Entry{Operation: "update", Resource: "nobody", Changes: []journal.Change{title}}, want: journal.Unknown},
		{name: "changed again, and it was done", state: map[string]string{"title": "Mr"}, entry: journal.Entry{Operation: "update", Changes: []journal.Change{title}},
			later: &journal.Entry{Operation: "update", Changes: []journal.Change{changed("title", `"Prof"`, `"Mr"`)}}, want: journal.Applied},
		{name: "done by the next", state: map[string]string{"title": "Prof"}, entry: journal.Entry{Operation: "update", Changes: []journal.Change{title}},
			later: &journal.Entry{Operation: "update", Changes: []journal.Change{title}}, want: journal.NotApplied},
		{name: "disabled", state: map[string]string{"active": "false"}, entry: journal.Entry{Operation: "disable", Changes: []journal.Change{changed("active", "true", "false")}}, want: journal.Applied, proof: "proven"},
		{name: "not disabled", state: nil, entry: journal.Entry{Operation: "disable", Changes: []journal.Change{changed("active", "true", "false")}}, want: journal.NotApplied},
		{name: "perhaps disabled in part", state: nil, entry: journal.Entry{Operation: "disable", Calls: twoCalls, Changes: []journal.Change{changed("active", "true", "false")}}, want: journal.Unknown},
		{name: "disabled by the next", state: map[string]string{"active": "false"}, entry: journal.Entry{Operation: "disable", Changes: []journal.Change{changed("active", "true", "false")}},
			later: &journal.Entry{Operation: "disable", Changes: []journal.Change{changed("active", "true", "false")}}, want: journal.NotApplied},
		{name: "disabled, and gone", entry: journal.Entry{Operation: "disable", Resource: "nobody", Changes: []journal.Change{changed("active", "true", "false")}}, want: journal.Unknown},
		{name: "deleted", entry: journal.Entry{Operation: "delete", Resource: "nobody"}, want: journal.Applied},
		{name: "not deleted", entry: journal.Entry{Operation: "delete"}, want: journal.NotApplied},
		{name: "created", entry: journal.Entry{Operation: "create", Resource: "-", Name: "ADA", Changes: []journal.Change{changed("userName", "", `"ada"`), changed("active", "", "true"), secret}}, want: journal.Applied, resource: userID},
		{name: "not created", entry: journal.Entry{Operation: "create", Resource: "-", Name: "bob", Changes: []journal.Change{changed("userName", "", `"bob"`)}}, want: journal.NotApplied},
		{name: "created otherwise", entry: journal.Entry{Operation: "create", Resource: "-", Name: "ada", Changes: []journal.Change{changed("userName", "", `"ada"`), title}}, want: journal.Unknown},
		{name: "created by another", entry: journal.Entry{Operation: "create", Resource: "-", Name: "ada", Changes: []journal.Change{changed("userName", "", `"ada"`)}},
			later: &journal.Entry{Operation: "create", Changes: []journal.Change{changed("userName", "", `"ada"`)}}, want: journal.NotApplied},
		{name: "created without a name", entry: journal.Entry{Operation: "create", Resource: "-"}, want: journal.Unknown},
		{name: "members came and went", entry: journal.Entry{Operation: "update", Type: "Group", Resource: "crew", Members: &journal.Members{Added: []string{userID}, Removed: []string{"x"}}}, want: journal.Applied},
		{name: "members did not", entry: journal.Entry{Operation: "update", Type: "Group", Resource: "crew", Members: &journal.Members{Added: []string{"x"}, Removed: []string{userID}}}, want: journal.NotApplied},
		{name: "members in part", entry: journal.Entry{Operation: "update", Type: "Group", Resource: "crew", Members: &journal.Members{Added: []string{userID, "x"}}}, want: journal.Unknown},
		{name: "all members", entry: journal.Entry{Operation: "update", Type: "Group", Resource: "crew", Members: &journal.Members{ReplaceAll: true, Added: []string{userID}}}, want: journal.Applied},
		{name: "more than all members", entry: journal.Entry{Operation: "update", Type: "Group", Resource: "crew", Members: &journal.Members{ReplaceAll: true}}, want: journal.NotApplied},
		{name: "members that are not listed", entry: journal.Entry{Operation: "update", Type: "Group", Resource: "crew", Calls: twoCalls, Members: &journal.Members{Added: []string{userID}, Omitted: 5}}, want: journal.Unknown},
		{name: "members who were taken out again", entry: journal.Entry{Operation: "update", Type: "Group", Resource: "crew", Members: &journal.Members{Added: []string{"x"}}},
			later: &journal.Entry{Operation: "update", Type: "Group", Resource: "crew", Members: &journal.Members{Removed: []string{"x"}}}, want: journal.Unknown},
		{name: "a member from the first left", entry: journal.Entry{Operation: "update", Type: "Group", Resource: "crew", Members: &journal.Members{Removed: []string{"x"}}},
			later: &journal.Entry{Operation: "create", Type: "Group", Resource: "crew", Members: &journal.Members{Added: []string{"x"}}}, want: journal.Applied},
		{name: "a member from the first stayed", entry: journal.Entry{Operation: "update", Type: "Group", Resource: "crew", Members: &journal.Members{Removed: []string{userID}}},
			later: &journal.Entry{Operation: "create", Type: "Group", Resource: "crew", Members: &journal.Members{Added: []string{userID}}}, want: journal.NotApplied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			backend := holds()
			ada := backend.entries[userID].resource
			for attribute, value := range tt.state {
				if value == "false" {
					ada.Set(users.Attribute(attribute), scim.Bool(false))
				} else {
					ada.Set(users.Attribute(attribute), scim.String(value))
				}
			}
			crew := scim.NewResource(groups)
			crew.ID = "crew"
			backend.entries["crew"] = &stored{resource: crew, members: []string{userID}}
			h, logs := newHandler(t, backend, nil)
			r := newRecorder(t)
			r.records(t, h)

			e := tt.entry
			e.ID = "request-1"
			switch e.Resource {
			case "":
				e.Resource = userID
			case "-":
				e.Resource = ""
			}
			r.left(t, h, e)
			if tt.later != nil {
				next := *tt.later
				next.ID, next.Result, next.Time = "request-2", journal.Applied, time.Now().Add(-time.Second)
				if next.Resource == "" {
					next.Resource = userID
				}
				r.left(t, h, next)
			}
			if left, err := h.resolve(t.Context()); left != 0 || err != nil {
				t.Fatalf("%d are left, %v", left, err)
			}
			got := r.entries(t)[0]
			if got.Result != tt.want || got.Proof != tt.proof || got.Ended.IsZero() || !strings.HasPrefix(got.Note, "closed later: read back from the backend, ") {
				t.Errorf("closed as %q, want %q; proof %q, ended %v: %s", got.Result, tt.want, got.Proof, got.Ended, got.Note)
			}
			if tt.resource != "" && got.Resource != tt.resource {
				t.Errorf("the resource is %q", got.Resource)
			}
			if len(backend.writes) > 0 {
				t.Errorf("it has written: %q", backend.writes)
			}
			isLoud := logs.FilterMessageSnippet("disable it again").Len() == 1
			if wants := e.Operation == "disable" && tt.want != journal.Applied; isLoud != wants {
				t.Errorf("the log warns: %t, want %t", isLoud, wants)
			}
		})
	}
}

func TestOpenEntriesStayOpenWhileTheBackendIsAway(t *testing.T) {
	backend := &moody{store: holds()}
	h, _ := newHandler(t, backend, nil)
	r := newRecorder(t)
	r.records(t, h)
	for n := range 5 {
		r.left(t, h, journal.Entry{ID: fmt.Sprintf("request-%d", n), Operation: "delete", Resource: userID})
	}
	backend.isAway.Store(true)
	if left, err := h.resolve(t.Context()); left != 5 || !errors.Is(err, errAway) {
		t.Errorf("%d are left, %v", left, err)
	}
	for _, e := range r.entries(t) {
		if e.Result != journal.Unresolved {
			t.Errorf("%s was closed as %q while the backend was away", e.ID, e.Result)
		}
	}
	backend.isAway.Store(false)
	if left, err := h.resolve(t.Context()); left != 0 || err != nil {
		t.Errorf("%d are left, %v", left, err)
	}
}

// What is worked on is nobody else's, and of what was left the outcome may come late.
func TestEntriesThatAreWorkedOnStayOpen(t *testing.T) {
	h, _ := newHandler(t, holds(), nil)
	r := newRecorder(t)
	r.records(t, h)
	r.left(t, h, journal.Entry{ID: "slow-1", Operation: "delete", Resource: userID})
	working.begin("slow-1")
	defer working.end("slow-1")
	isOpen := func(when string, want bool) {
		t.Helper()
		if left, err := h.resolve(t.Context()); left != 0 || err != nil {
			t.Fatalf("%d are left, %v", left, err)
		}
		if is := r.entries(t)[0].Result == journal.Unresolved; is != want {
			t.Errorf("%s the entry is open: %t", when, is)
		}
	}
	isOpen("worked on", true)
	working.leaveAll("slow", time.Now().Add(time.Hour))
	isOpen("just left", true)
	working.leave("slow-1", time.Now().Add(-time.Second))
	isOpen("left long ago", false)
}
