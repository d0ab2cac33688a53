package gateway

import (
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/remember"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// placeless is a store without a place for nickName.
type placeless struct{ *store }

func (p placeless) Types() []translators.Type {
	types := p.store.Types()
	for i := range types {
		if types[i].ResourceType == users {
			types[i].Remembered = []*scim.Attribute{users.Attribute("nickName")}
		}
	}
	return types
}

// A process that dies between its write to the backend and that to the store has
// left somebody without what the gateway remembers of him: who closes its entry
// completes it, and only then.
func TestRememberedIsCompleted(t *testing.T) {
	remembered := []journal.Call{{Purpose: "create", Text: "dn: uid=ada"}, {Purpose: "remember nickName", Text: "remember: User {1.id}\nnickName: \"Countess\""}}
	userName, nick := changed("userName", "", `"ada"`), changed("nickName", "", `"Countess"`)
	password := journal.Change{Attribute: "password", Secret: true}
	long := changed("nickName", "", `"hmac:0123456789abcdef (2000 bytes)"`)
	hidden := journal.Change{Attribute: "nickName", To: nick.To, Private: true}
	create := func(changes ...journal.Change) journal.Entry {
		return journal.Entry{Operation: "create", Resource: "-", Name: "ada", Changes: changes, Calls: remembered}
	}
	update := func(changes ...journal.Change) journal.Entry {
		return journal.Entry{Operation: "update", Changes: changes, Calls: remembered}
	}
	for name, tt := range map[string]struct {
		entry journal.Entry
		title string // of ada, in the backend
		has   string // nickName before
		later *journal.Entry
		want  journal.Result
		nick  string // afterwards
	}{
		"a create":                          {entry: create(userName, nick), want: journal.Applied, nick: "Countess"},
		"a create with a password":          {entry: create(userName, nick, password), want: journal.Applied, nick: "Countess"},
		"a create that was whole":           {entry: create(userName, nick, password), has: "Countess", want: journal.Applied, nick: "Countess"},
		"a create that the backend has not": {entry: create(userName, changed("title", "", `"Dr"`), nick), want: journal.Unknown},
		"a value that is only a hash":       {entry: create(userName, long), want: journal.Unknown},
		"a private value":                   {entry: create(userName, hidden), want: journal.Unknown},
		"something else is remembered":      {entry: create(userName, nick), has: "Lady", want: journal.Unknown, nick: "Lady"},
		"changed since": {entry: create(userName, nick), has: "Lady", want: journal.Applied, nick: "Lady",
			later: &journal.Entry{Operation: "update", Changes: []journal.Change{changed("nickName", `"Countess"`, `"Lady"`)}}},
		"an update": {entry: update(changed("title", "", `"Dr"`), nick), title: "Dr", want: journal.Applied, nick: "Countess"},
		"an update that forgets": {entry: update(changed("title", "", `"Dr"`), changed("nickName", `"Countess"`, "")), title: "Dr",
			has: "Countess", want: journal.Applied},
		"an update that was not made":           {entry: update(changed("title", `"Mr"`, `"Dr"`), nick), title: "Mr", want: journal.NotApplied},
		"an update of what is remembered alone": {entry: update(nick), want: journal.NotApplied},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t)
			backend := holds()
			if tt.title != "" {
				backend.entries[userID].resource.Set(users.Attribute("title"), scim.String(tt.title))
			}
			h, _ := newHandler(t, remember.Wrap(placeless{backend}, "g", r.store, zap.NewNop()), nil)
			r.records(t, h)
			keeper := h.translator.(completer)
			read := func() *translators.Entry {
				t.Helper()
				found, err := h.translator.Read(t.Context(), users, []string{userID}, translators.Selection{All: true})
				if err != nil || len(found) != 1 {
					t.Fatalf("%v, %v", found, err)
				}
				return found[0]
			}
			if tt.has != "" {
				if err := keeper.Complete(t.Context(), users, read(), map[*scim.Attribute]string{users.Attribute("nickName"): tt.has}); err != nil {
					t.Fatal(err)
				}
			}
			e := tt.entry
			e.ID = "request-1"
			if e.Resource = userID; e.Operation == "create" {
				e.Resource = ""
			}
			r.left(t, h, e)
			if tt.later != nil {
				next := *tt.later
				next.ID, next.Resource, next.Result = "request-2", userID, journal.Applied
				r.left(t, h, next)
			}
			if left, err := h.resolve(t.Context()); left != 0 || err != nil {
				t.Fatalf("%d are left, %v", left, err)
			}
			got := r.entries(t)[0]
			if got.Result != tt.want {
				t.Errorf("closed as %q, want %q: %s", got.Result, tt.want, got.Note)
			}
			if is := read().Resource.Get(users.Attribute("nickName")).Text(); is != tt.nick {
				t.Errorf("remembered is %q, want %q", is, tt.nick)
			}
			if isTold, was := strings.Contains(got.Note, "completed from this entry: nickName"), tt.has != tt.nick; isTold != was {
				t.Errorf("that it was completed is told: %t, want %t: %s", isTold, was, got.Note)
			}
			if len(backend.writes) > 0 {
				t.Errorf("the backend was written to: %q", backend.writes)
			}
		})
	}
}
