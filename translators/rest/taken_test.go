package rest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"

	"github.com/scimgate/scimgate/translators"
)

// TestTaken: who is told that a value is taken hears which, and what the application says;
// and that no search finds who has it, which is the trap of an application that hides those
// who are disabled.
func TestTaken(t *testing.T) {
	tests := map[string]struct {
		words, found       string
		path, detail, hint string
		isWarned           bool
	}{
		"the name, found":     {"it is taken", `[{"id":7,"login":"ada"}]`, "userName", `userName: the application has this value already, and each may have it once: "it is taken"`, "", false},
		"the name, hidden":    {"login is taken", `[]`, "userName", `userName: the application has this value already, and each may have it once: "login is taken"`, "No search of the configuration finds who has this userName: does the search leave out who is disabled?", true},
		"which is not known":  {"it is taken", `[]`, "", `The application has this value already, and each may have it once: "it is taken"`, "If it is the userName that is taken: no search of the configuration finds who has it.", true},
		"another":             {"title is taken", `[]`, "title", `title: the application has this value already, and each may have it once: "title is taken"`, "", false},
		"words on many lines": {`it\nis`, `[{"id":7,"login":"ada"}]`, "userName", `userName: the application has this value already, and each may have it once: "it is"`, "", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			isPosted := false
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch {
				case r.Method == http.MethodPost:
					isPosted = true
					w.WriteHeader(http.StatusConflict)
					_, _ = w.Write([]byte(`{"error":"` + test.words + `"}`))
				case isPosted:
					_, _ = w.Write([]byte(test.found))
				default:
					_, _ = w.Write([]byte(`[]`))
				}
			}))
			t.Cleanup(server.Close)
			tr := provision(t, "rest "+server.URL+` {
				users {
					map userName login
					map title title
					search GET /users?login={userName}
					read GET /users/{id}
					create POST /users
				}
			}`)
			logs := observed(tr)
			_, report := carry(t, tr, creation(person(tr, "ada")))
			e, is := errors.AsType[*translators.Error](report.Err)
			if !is || e.Kind != translators.Conflict || report.Outcome != translators.NotApplied {
				t.Fatalf("the outcome is %q: %v", report.Outcome, report.Err)
			}
			if e.Path != test.path || !strings.HasPrefix(e.Detail, test.detail) || !strings.Contains(e.Detail, test.hint) || test.hint == "" && e.Detail != test.detail {
				t.Errorf("it is about %q and says %s", e.Path, e.Detail)
			}
			if is := logs.FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("no search of the configuration").Len() == 1; is != test.isWarned {
				t.Errorf("warned: %v", is)
			}
		})
	}
}
