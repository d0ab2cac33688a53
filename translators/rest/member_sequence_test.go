package rest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// TestMembersAreWrittenAlone: calls of add_member that read a user and write it back hold
// that user from the first to the last of them. A disable that came before is seen.
func TestMembersAreWrittenAlone(t *testing.T) {
	for name, test := range map[string]struct {
		calls  string
		fails  string // the path that is refused
		writes string
		locks  int
	}{
		"a call that reads": {calls: "add_member GET /users/{member.id}\nadd_member PUT /users/{member.id} {\nbody json `{\"was\": {1.state}}`\n}\n",
			writes: `PUT /users/7 {"was":"locked"}`, locks: 1},
		"a template that shows the member": {calls: "add_member PUT /users/{member.id} {\nbody json `{\"is\": {member.active}}`\n}\n",
			writes: `PUT /users/7 {"is":false}`, locks: 1},
		"a call that fails": {calls: "add_member GET /users/{member.id}\nadd_member PUT /users/{member.id} {\nbody json `{\"was\": {1.state}}`\n}\nadd_member POST /users/{member.id}/done\n",
			fails: "/users/7/done", writes: `PUT /users/7 {"was":"locked"}`, locks: 1},
		"the first fails": {calls: "add_member POST /users/{member.id}/done\nadd_member PUT /users/{member.id} {\nbody json `{\"is\": {member.active}}`\n}\n",
			fails: "/users/7/done", locks: 1},
		"nothing that was read": {calls: "add_member POST /groups/{id}/users/{member.id} {\nbody none\n}\n",
			writes: "POST /groups/crew/users/7 ", locks: 0},
	} {
		t.Run(name, func(t *testing.T) {
			held := 0
			app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
				switch {
				case r.URL.Path == test.fails:
					w.WriteHeader(http.StatusForbidden)
				case strings.HasPrefix(r.URL.Path, "/groups/crew") && r.Method == http.MethodGet:
					w.Header().Set("Content-Type", "application/json")
					_, _ = fmt.Fprint(w, `{"id":"crew","name":"Crew","users":[]}`)
				default:
					return false
				}
				return true
			})
			tr := provision(t, "rest "+app.URL+` {
				retries off
				users {
					map userName login
					map title title
					map active state {
						true active
						false locked
					}
					delete refuse
					read GET /users/{id}
				}
				groups {
					map displayName name
					map members users.#.id
					delete refuse
					read GET /groups/{id}
					`+test.calls+`
					remove_member DELETE /users/{member.id}/groups/{id}
				}
			}`)
			locks := 0
			intent := translators.Intent{Action: scim.ActionUpdate, Type: tr.groups.served.ResourceType, ID: "crew", Members: &scim.MemberChange{Add: []string{"7"}},
				Lock: func(context.Context, *scim.ResourceType, string) (func(), error) {
					app.mu.Lock()
					app.isLocked = true // while it was waited for
					app.mu.Unlock()
					locks, held = locks+1, held+1
					return func() { held-- }, nil
				}}
			if is := tr.groups.served.LocksMembers; is != (test.locks > 0 && !strings.Contains(test.calls, "groups/")) {
				t.Errorf("the group is locked: %t", is)
			}
			_, report := carry(t, tr, intent)
			if is := report.Outcome == translators.Applied; is != (test.fails == "") {
				t.Errorf("the outcome is %q: %v", report.Outcome, report.Err)
			}
			if made := strings.Join(app.writes(), "\n"); made != test.writes {
				t.Errorf("written %q, want %q", made, test.writes)
			}
			if locks != test.locks || held != 0 {
				t.Errorf("locked %d times, %d are held still", locks, held)
			}
		})
	}
}
