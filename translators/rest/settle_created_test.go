package rest

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/scimgate/scimgate/translators"
)

// TestWhoWasThereBeforeIsNotCreated: a create that gets no answer finds somebody who is just
// as was asked for. By when that one was created it is told whether it is the new one.
func TestWhoWasThereBeforeIsNotCreated(t *testing.T) {
	for name, test := range map[string]struct {
		created time.Time
		want    translators.ErrorKind
	}{
		"long ago":                  {time.Now().Add(-72 * time.Hour), translators.Conflict},
		"now":                       {time.Now(), ""},
		"by a clock that is behind": {time.Now().Add(-24 * time.Hour), ""},
	} {
		t.Run(name, func(t *testing.T) {
			app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
				record := fmt.Sprintf(`{"id":"7","login":"ada","title":"Engineer","state":"active","created":%q}`, test.created.Format(time.RFC3339))
				w.Header().Set("Content-Type", "application/json")
				switch {
				case r.Method == http.MethodPost:
					panic(http.ErrAbortHandler)
				case r.URL.Path == "/users":
					record = `{"users":[` + record + `]}`
				}
				_, _ = io.WriteString(w, record)
				return true
			})
			tr := app.gatewayOf(t, "conflict 409", `created created
				search GET /users?login={userName} {
					items users
					page none
				}
				read GET /users/{id}
				create POST /users`)
			_, report := carry(t, tr, creation(person(tr, "ada")))
			if kind := translators.KindOf(report.Err); kind != test.want || (report.Outcome == translators.Applied) != (test.want == "") {
				t.Errorf("it is %q: %v", report.Outcome, report.Err)
			}
		})
	}
}
