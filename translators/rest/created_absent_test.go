package rest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scimgate/scimgate/translators"
)

// doors is an application that has people, and the credentials by which they are known.
type doors struct {
	*httptest.Server
	mu      sync.Mutex
	people  map[string]string // credential, "" for none, by id
	made    []string
	refuses string // the request that is refused
	dies    string // the request that is carried out and answered by 500
	ignores bool   // credentials are not put into records
}

func startDoors(t *testing.T) *doors {
	t.Helper()
	d := &doors{people: make(map[string]string)}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

func (d *doors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	request := r.Method + " " + r.URL.Path
	if r.Method != http.MethodGet {
		d.made = append(d.made, request)
	}
	id := strings.TrimPrefix(r.URL.Path, "/people/")
	_, isThere := d.people[id]
	switch {
	case request == d.refuses:
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	case request == "POST /people":
		id = fmt.Sprint(len(d.made) + 16)
		d.people[id] = ""
		w.Header().Set("X-Object", id)
		w.WriteHeader(http.StatusCreated)
	case request == "POST /credentials":
		var body struct{ Person, Login string }
		raw, _ := io.ReadAll(r.Body)
		if json.Unmarshal(raw, &body) == nil && !d.ignores {
			d.people[body.Person] = body.Login
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"c1"}`)
	case r.URL.Path == "/people":
		var rows []string
		for id, login := range d.people {
			if login == r.URL.Query().Get("login") {
				rows = append(rows, fmt.Sprintf(`{"id":%q,"login":%q}`, id, login))
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "["+strings.Join(rows, ",")+"]")
	case strings.HasPrefix(request, "DELETE /credentials"):
		w.WriteHeader(http.StatusNoContent)
	case !isThere:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodDelete && request == d.dies:
		w.WriteHeader(http.StatusInternalServerError)
	case r.Method == http.MethodDelete:
		delete(d.people, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		login := ""
		if d.people[id] != "" {
			login = fmt.Sprintf(`,"login":%q`, d.people[id])
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id":%q%s,"hasCredential":%t}`, id, login, login != "")
	}
}

func (d *doors) writes() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.made)
}

func (d *doors) gateway(t *testing.T, edits ...string) *Translator {
	t.Helper()
	return provision(t, strings.NewReplacer(edits...).Replace("rest "+d.URL+` {
	retries off
	breaker off
	users {
		absent when `+"`!record.hasCredential`"+`
		map userName login
		map title title
		search GET /people?login={userName}
		read GET /people/{id}
		create POST /people {
			id_header X-Object
		}
		create POST /credentials {
			body json `+"`{\"person\": {1.id}, \"login\": {userName}}`"+`
			undo DELETE /credentials/{2.id}
		}
		delete DELETE /people/{id}
	}
}`))
}

// TestAbsentBetweenCalls: who counts as absent until the last call of a create has been
// made is there for the calls before it, and for taking them back.
func TestAbsentBetweenCalls(t *testing.T) {
	made := []string{"POST /people", "POST /credentials"}
	for name, test := range map[string]struct {
		app     func(*doors)
		edits   []string
		outcome translators.Outcome
		partial bool
		writes  []string
		tells   []string
	}{
		"all is well": {outcome: translators.Applied, writes: made},
		"the last call is refused": {app: func(d *doors) { d.refuses = "POST /credentials" }, outcome: translators.NotApplied,
			writes: append(made[:2:2], "DELETE /people/17")},
		"nobody knows whether it was taken back": {app: func(d *doors) { d.refuses, d.dies = "POST /credentials", "DELETE /people/17" }, outcome: translators.Unknown, partial: true,
			writes: append(made[:2:2], "DELETE /people/17")},
		"it stays absent": {app: func(d *doors) { d.ignores = true }, outcome: translators.NotApplied,
			writes: append(made[:2:2], "DELETE /credentials/c1", "DELETE /people/17"), tells: []string{`"17"`, "the line absent (!record.hasCredential)"}},
		"it stays absent, and nothing takes the last call back": {app: func(d *doors) { d.ignores = true }, edits: []string{"undo DELETE /credentials/{2.id}", ""}, outcome: translators.Unknown,
			writes: append(made[:2:2], "DELETE /people/17"), tells: []string{`"17"`, "the line absent"}},
	} {
		t.Run(name, func(t *testing.T) {
			app := startDoors(t)
			if test.app != nil {
				test.app(app)
			}
			tr := app.gateway(t, test.edits...)
			_, report := carry(t, tr, creation(person(tr, "ada")))
			if report.Outcome != test.outcome || report.Partial != test.partial {
				t.Errorf("the outcome is %q (in part: %v): %v", report.Outcome, report.Partial, report.Err)
			}
			if got := app.writes(); !slices.Equal(got, test.writes) {
				t.Errorf("made were %q, want %q", got, test.writes)
			}
			for _, want := range test.tells {
				if !strings.Contains(toldOf(report.Err), want) {
					t.Errorf("told is %q, without %s", toldOf(report.Err), want)
				}
			}
		})
	}
}

// TestNotFoundIsNotAbsent: that what was created is not found by its id is told as that.
func TestNotFoundIsNotAbsent(t *testing.T) {
	app := startDoors(t)
	tr := app.gateway(t, "read GET /people/{id}", "read GET /persons/{id}")
	_, report := carry(t, tr, creation(person(tr, "ada")))
	if told := toldOf(report.Err); !strings.Contains(told, "does not have it by the id") || strings.Contains(told, "absent") {
		t.Errorf("told is %q", told)
	}
}
