package rest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// TestTheIDOfANewGroupIsOne: what create answers where a record has its id is that of a job.
// The group is found by its name, and if it is not, nobody says that it was done.
func TestTheIDOfANewGroupIsOne(t *testing.T) {
	for name, test := range map[string]struct {
		found string
		want  translators.Outcome
		id    string
	}{
		"found by its name": {`{"id":"5","name":"Crew","users":[]}`, translators.Applied, "5"},
		"not found":         {"", translators.Unknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", "application/json")
				switch {
				case r.Method == http.MethodPost:
					_, _ = io.WriteString(w, `{"id":"99","name":"Crew"}`)
				case r.URL.Path == "/groups":
					_, _ = io.WriteString(w, `{"groups":[`+test.found+`]}`)
				case strings.HasSuffix(r.URL.Path, "/5") && test.found != "":
					_, _ = io.WriteString(w, test.found)
				default:
					w.WriteHeader(http.StatusNotFound)
				}
				return true
			})
			tr := provision(t, "rest "+app.URL+` {
				retries off
				conflict 409
				users {
					map userName login
					delete refuse
					read GET /users/{id}
				}
				groups {
					map displayName name
					map members users.#.id
					delete refuse
					search GET /groups?name={displayName} {
						items groups
						page none
					}
					read GET /groups/{id}
					create POST /groups
					add_member POST /groups/{id}/users/{member.id}
					remove_member DELETE /groups/{id}/users/{member.id}
				}
			}`)
			crew := scim.NewResource(tr.groups.served.ResourceType)
			crew.Set(crew.Type.Attribute("displayName"), scim.String("Crew"))
			_, report := carry(t, tr, creation(crew))
			if report.Outcome != test.want || report.ID() != test.id {
				t.Errorf("it is %q with the id %q: %v", report.Outcome, report.ID(), report.Err)
			}
			if e := report.Last(); test.id != "" && (e == nil || e.Resource.ID != test.id || e.Members == nil) {
				t.Errorf("it brings %+v", e)
			}
		})
	}
}
