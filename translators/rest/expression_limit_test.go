package rest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// TestWhatIsTooMuchIsNoAbsence: a record that is too much for an expression is a fault of a
// search, and not nobody; and it ends soon.
func TestWhatIsTooMuchIsNoAbsence(t *testing.T) {
	long, many := strings.Repeat("a", 2<<20), strings.Repeat(`"a",`, 20_000)
	for name, test := range map[string]struct{ maps, record string }{
		"a text":               {"map userName login {\nread `value.lower()`\nwrite value\n}\n", `"login":"` + long + `"`},
		"a list":               {"map userName names {\nread `value.filter(x, x == \"b\")[0]`\nwrite `[value]`\n}\n", `"names":[` + strings.Repeat(many, 6) + `"b"]`},
		"each with the record": {"map userName login\nmap displayName title\nmap emails.value mails {\nas list\nread `record.login == value ? value : value`\nread_only\n}\n", `"login":"b","mails":[` + many + `"b"],"pad":"` + long + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, `{"users":[{"id":"7",`+test.record+`}]}`)
				return true
			})
			tr := provision(t, "rest "+app.URL+` {
				users {
					items users
					rows .
					`+test.maps+`
					delete refuse
					filter_list
					list GET /users {
						page none
					}
					read GET /users/{id}
				}
			}`)
			rt := tr.users.served.ResourceType
			attribute := "userName"
			if strings.Contains(name, "each") {
				attribute = "emails.value"
				if found, err := lookUp(t.Context(), tr, "b"); err != nil || len(found) != 1 {
					t.Errorf("what is not looked at: %d, %v", len(found), err)
				}
			}
			filter, err := scim.ParseFilter(rt, attribute+` eq "b"`, scim.FilterLimits{})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			found, err := tr.Search(t.Context(), translators.Query{Type: rt, Filter: filter, Limit: 2})
			if translators.KindOf(err) != translators.Unavailable {
				t.Errorf("found %d, %v", len(found.Entries), err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it takes %s", took)
			}
		})
	}
}
