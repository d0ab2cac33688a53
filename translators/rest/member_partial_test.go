package rest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// club is an application with one group, g, whose members come and go by any call.
type club struct {
	*httptest.Server
	mu      sync.Mutex
	members []string
	made    []string
	refused map[string]int // status by the id of who is added or removed
}

func startClub(t *testing.T, members ...string) *club {
	t.Helper()
	c := &club{members: members, refused: make(map[string]int)}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *club) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if r.Method != http.MethodGet {
		c.made = append(c.made, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+string(body)))
	}
	w.Header().Set("Content-Type", "application/json")
	place := strings.Split(r.URL.Path, "/")
	id := place[len(place)-1]
	switch status := c.refused[id]; {
	case r.Method != http.MethodGet && status != 0:
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":"closed to this one"}`)
	case strings.HasPrefix(r.URL.Path, "/users/"):
		_, _ = fmt.Fprintf(w, `{"id":%q,"login":"user-%s","groups":[]}`, id, id)
	case r.Method == http.MethodGet:
		_, _ = fmt.Fprintf(w, `{"id":"g","name":"Club","members":["%s"]}`, strings.Join(c.members, `","`))
	case r.Method == http.MethodPut && len(place) == 4, r.Method == http.MethodPost && len(place) == 4:
		c.members = append(c.members, id)
	case r.Method == http.MethodDelete && len(place) == 4:
		c.members = slices.DeleteFunc(c.members, func(m string) bool { return m == id })
	}
}

func (c *club) gatewayOf(t *testing.T, calls string) *Translator {
	t.Helper()
	return provision(t, "rest "+c.URL+` {
	retries off
	breaker off
	users {
		map userName login
		read GET /users/{id}
		delete refuse
	}
	groups {
		map displayName name
		map members members
		read GET /groups/{id}
		`+calls+`
	}
}`)
}

// become plans and makes the members those that are given.
func (c *club) become(t *testing.T, tr *Translator, change scim.MemberChange) (translators.Report, error) {
	t.Helper()
	plan, err := tr.Plan(t.Context(), translators.Intent{Action: scim.ActionUpdate, Type: tr.groups.served.ResourceType, ID: "g", Members: &change})
	if err != nil {
		return translators.Report{}, err
	}
	report := translators.Execute(t.Context(), plan)
	return report, report.Err
}

func (c *club) isMade(t *testing.T, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.made, want) {
		t.Errorf("made were %q, want %q", c.made, want)
	}
}

const singles = "add_member PUT /groups/{id}/{member.id}\nremove_member DELETE /groups/{id}/{member.id}\n"

// TestRefusedMember: who is refused holds nobody else back, who goes goes first, and who
// was not added is named.
func TestRefusedMember(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		kind   translators.ErrorKind
	}{"forbidden": {403, translators.Refused}, "invalid": {422, translators.Invalid}, "conflict": {409, translators.Conflict}} {
		t.Run(name, func(t *testing.T) {
			app := startClub(t, "1", "2")
			app.refused["4"] = test.status
			report, err := app.become(t, app.gatewayOf(t, singles), scim.MemberChange{ReplaceAll: true, Add: []string{"2", "3", "4", "5"}})
			app.isMade(t, "DELETE /groups/g/1", "PUT /groups/g/3", "PUT /groups/g/4", "PUT /groups/g/5")
			if translators.KindOf(err) != test.kind || !report.Partial || len(report.Kept) != 3 || !report.IsKnown() {
				t.Errorf("the report is %+v", report)
			}
			if text := fmt.Sprint(err); !strings.Contains(text, `members: "4" was not added.`) || strings.Contains(text, `"5" was`) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	t.Run("two, and one who stays", func(t *testing.T) {
		app := startClub(t, "1", "2")
		app.refused["1"], app.refused["4"] = 403, 422
		report, err := app.become(t, app.gatewayOf(t, singles), scim.MemberChange{ReplaceAll: true, Add: []string{"4"}})
		app.isMade(t, "DELETE /groups/g/1", "DELETE /groups/g/2", "PUT /groups/g/4")
		if text := fmt.Sprint(err); !report.Partial || !strings.Contains(text, `"1" was not removed.`) || !strings.Contains(text, `"4" was not added.`) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("nothing else", func(t *testing.T) {
		app := startClub(t, "1")
		app.refused["4"] = 403
		report, err := app.become(t, app.gatewayOf(t, singles), scim.MemberChange{Add: []string{"4"}})
		if report.Outcome != translators.NotApplied || report.Partial || translators.KindOf(err) != translators.Refused {
			t.Errorf("the report is %+v", report)
		}
	})
	t.Run("an application that is away ends it", func(t *testing.T) {
		app := startClub(t, "1")
		app.refused["3"] = 503
		if _, err := app.become(t, app.gatewayOf(t, singles), scim.MemberChange{Add: []string{"3", "4"}}); err == nil {
			t.Error("no error")
		}
		app.isMade(t, "PUT /groups/g/3")
	})
	t.Run("in two calls", func(t *testing.T) {
		app := startClub(t, "1")
		app.refused["3"] = 422
		_, err := app.become(t, app.gatewayOf(t, "add_member POST /invite/{id}/{member.id}\n"+singles), scim.MemberChange{Add: []string{"3", "4"}})
		app.isMade(t, "POST /invite/g/3", "POST /invite/g/4", "PUT /groups/g/4")
		if translators.KindOf(err) != translators.Invalid {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("of a new group", func(t *testing.T) {
		app := startClub(t)
		app.refused["3"] = 403
		tr := app.gatewayOf(t, singles+"create POST /groups {\nbody json `{\"name\": {displayName}}`\n}\ndelete DELETE /groups/{id}")
		r := scim.NewResource(tr.groups.served.ResourceType)
		r.Set(tr.groups.name, scim.String("Club"))
		plan, err := tr.Plan(t.Context(), translators.Intent{Action: scim.ActionCreate, Type: r.Type, After: r, Members: &scim.MemberChange{Add: []string{"3", "4"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range plan.Calls {
			if m, is := c.(*memberCall); is && m.isAlone {
				t.Error("the members of a new group stand alone")
			}
		}
	})
}

// TestMemberCallsThatAreNotMade: a condition that is false is a refusal, and never a change
// of members that was not made.
func TestMemberCallsThatAreNotMade(t *testing.T) {
	for name, test := range map[string]struct {
		calls  string
		change scim.MemberChange
		made   []string
	}{
		"add":    {"add_member PUT /groups/{id}/{member.id} {\nwhen `member.userName == \"user-9\"`\n}\nremove_member DELETE /groups/{id}/{member.id}", scim.MemberChange{Add: []string{"3"}}, nil},
		"remove": {"add_member PUT /groups/{id}/{member.id}\nremove_member DELETE /groups/{id}/{member.id} {\nwhen `record.name == \"Other\"`\n}", scim.MemberChange{Remove: []string{"1"}}, nil},
		"two calls": {"add_member PUT /groups/{id}/{member.id}\nremove_member DELETE /groups/{id}/{member.id} {\nwhen `record.name == \"Other\"`\n}\nremove_member POST /left/{member.id} {\nwhen `answers[0] != null`\n}",
			scim.MemberChange{Remove: []string{"1"}}, nil},
		"set":  {"set_members PUT /groups/{id} {\nwhen `record.name == \"Other\"`\nbody json `{members}`\n}", scim.MemberChange{ReplaceAll: true, Add: []string{"3"}}, nil},
		"some": {"add_member PUT /groups/{id}/{member.id} {\nwhen `member.userName != \"user-3\"`\n}\nremove_member DELETE /groups/{id}/{member.id}", scim.MemberChange{ReplaceAll: true, Add: []string{"3", "4"}}, []string{"DELETE /groups/g/1", "PUT /groups/g/4"}},
	} {
		t.Run(name, func(t *testing.T) {
			app := startClub(t, "1")
			report, err := app.become(t, app.gatewayOf(t, test.calls), test.change)
			if translators.KindOf(err) != translators.Refused || !strings.Contains(fmt.Sprint(err), "its condition is not true") {
				t.Errorf("the report is %+v, the error %v", report, err)
			}
			app.isMade(t, test.made...)
		})
	}
	many := make([]string, mostSingles+5)
	for i := range many {
		many[i] = fmt.Sprint(100 + i)
	}
	t.Run("set, and there are single calls", func(t *testing.T) {
		app := startClub(t, "1")
		_, err := app.become(t, app.gatewayOf(t, singles+"set_members PUT /groups/{id} {\nwhen `size(members) < 3`\nbody json `{members}`\n}"), scim.MemberChange{ReplaceAll: true, Add: many})
		if err != nil || len(app.made) != len(many)+1 || app.made[0] != "DELETE /groups/g/1" {
			t.Errorf("made were %q: %v", app.made, err)
		}
	})
	t.Run("set, as it is due", func(t *testing.T) {
		app := startClub(t, "1")
		_, err := app.become(t, app.gatewayOf(t, singles+"set_members PUT /groups/{id} {\nwhen `size(members) > 3`\nbody json `{members}`\n}"), scim.MemberChange{ReplaceAll: true, Add: many})
		if err != nil || len(app.made) != 1 {
			t.Errorf("made were %q: %v", app.made, err)
		}
	})
}

// TestEmptiedGroup: no members are an empty list in an expression.
func TestEmptiedGroup(t *testing.T) {
	app := startClub(t, "1", "2")
	tr := app.gatewayOf(t, "value LIST `members.map(m, {\"id\": m})`\nset_members PUT /groups/{id} {\nbody json `{\"of\": {LIST}}`\n}")
	if _, err := app.become(t, tr, scim.MemberChange{ReplaceAll: true}); err != nil {
		t.Fatal(err)
	}
	app.isMade(t, `PUT /groups/g {"of":[]}`)
}
