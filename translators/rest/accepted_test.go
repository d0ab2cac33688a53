package rest

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// later is an application that accepts what it is asked for, and does it when it has been
// read a few times.
type later struct {
	URL string

	mu     sync.Mutex
	people map[string]map[string]string // by id
	jobs   []func()
	after  int // how many reads come before a job is done; less than 0: none is
	reads  int
	fails  bool // what reads people
}

func startLater(t *testing.T, after int) *later {
	t.Helper()
	a := &later{after: after, people: map[string]map[string]string{"1": {"id": "1", "login": "ada", "state": "on", "title": "Countess"}}}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.URL = server.URL
	return a
}

func (a *later) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	id := strings.TrimPrefix(r.URL.Path, "/people/")
	if r.Method == http.MethodGet {
		if a.fails && len(a.jobs) > 0 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		if len(a.jobs) > 0 {
			a.reads++
		}
		if a.after >= 0 && a.reads > a.after {
			for _, job := range a.jobs {
				job()
			}
			a.jobs = nil
		}
	}
	state := map[string]string{"id": id, "login": r.FormValue("login"), "state": "on", "title": r.FormValue("title")}
	switch {
	case strings.HasPrefix(r.URL.Path, "/jobs/"):
		_, _ = fmt.Fprintf(w, `{"id":"j1","pending":%d}`, len(a.jobs))
		return
	case r.Method == http.MethodGet && r.URL.Path == "/people":
		var rows []string
		for _, one := range a.people {
			if one["login"] == r.FormValue("login") {
				rows = append(rows, show(one))
			}
		}
		_, _ = fmt.Fprintf(w, `[%s]`, strings.Join(rows, ","))
		return
	case r.Method == http.MethodGet && a.people[id] == nil:
		w.WriteHeader(http.StatusNotFound)
		return
	case r.Method == http.MethodGet:
		_, _ = fmt.Fprint(w, show(a.people[id]))
		return
	case r.Method == http.MethodPost && id == "/people":
		state["id"] = "2"
		a.jobs = append(a.jobs, func() { a.people["2"] = state })
	case r.Method == http.MethodDelete:
		a.jobs = append(a.jobs, func() { delete(a.people, id) })
	case strings.HasSuffix(id, "/lock"):
		a.jobs = append(a.jobs, func() { a.people["1"]["state"] = "off" })
	case a.people[id] != nil:
		a.jobs = append(a.jobs, func() { a.people[id]["title"] = state["title"] })
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = fmt.Fprint(w, `{"id":"j1","status":"pending"}`)
}

func show(one map[string]string) string {
	var members []string
	for _, name := range slices.Sorted(maps.Keys(one)) {
		members = append(members, fmt.Sprintf("%q:%q", name, one[name]))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// gateway is a translator for it, with lines for all calls and one more call of delete.
func (a *later) gateway(t *testing.T, lines, deletes string) *Translator {
	t.Helper()
	return provision(t, "rest "+a.URL+` {
		body form
		`+lines+`
		users {
			map userName login
			map title title
			map active state {
				true on
				false off
				read_only
			}
			search GET /people?login={userName}
			read GET /people/{id}
			create POST /people
			update POST /people/{id}
			disable POST /people/{id}/lock
			enable POST /people/{id}/unlock
			delete DELETE /people/{id}
			`+deletes+`
		}
	}`)
}

// TestAcceptedMayComeLate: what the application has accepted and could make an account
// active is told to the host, whatever is seen of it: it may be done behind a disable.
func TestAcceptedMayComeLate(t *testing.T) {
	for name, test := range map[string]struct {
		state string
		path  string
		value scim.Value
		want  string
	}{
		"enable": {"off", "active", scim.Bool(true), "1"},
		"change": {"on", "title", scim.String("Programmer"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			app := startLater(t, 0)
			app.people["1"]["state"] = test.state
			tr := app.gateway(t, "consistent_within 50ms", "")
			noted := ""
			ctx := translators.WithLate(t.Context(), func(_ *scim.ResourceType, id string) { noted = id })
			plan, err := tr.Plan(ctx, setting(t, tr, "1", test.path, test.value))
			if err != nil {
				t.Fatal(err)
			}
			translators.Execute(ctx, plan)
			if noted != test.want {
				t.Errorf("told of %q, want %q", noted, test.want)
			}
		})
	}
}

// TestAcceptedIsNotDone: what the application has accepted (202, RFC 9110 §15.3.3) is done
// when reading shows it, and not before.
func TestAcceptedIsNotDone(t *testing.T) {
	title := func(t *testing.T, tr *Translator) translators.Intent {
		return setting(t, tr, "1", "title", scim.String("Programmer"))
	}
	intents := map[string]func(*testing.T, *Translator) translators.Intent{
		"delete":  func(_ *testing.T, tr *Translator) translators.Intent { return deletion(tr, "1") },
		"create":  func(_ *testing.T, tr *Translator) translators.Intent { return creation(person(tr, "grace")) },
		"update":  title,
		"disable": func(t *testing.T, tr *Translator) translators.Intent { return disabling(t, t.Context(), tr, "1") },
	}
	for name, intent := range intents {
		t.Run(name, func(t *testing.T) {
			app := startLater(t, 2)
			tr := app.gateway(t, "", "")
			_, report := carry(t, tr, intent(t, tr))
			if report.Outcome != translators.Applied || app.reads <= app.after {
				t.Errorf("the outcome is %q after %d reads: %v", report.Outcome, app.reads, report.Err)
			}
			if id := report.ID(); name == "create" && id != "2" {
				t.Errorf("the id is %q", id)
			}
		})
		t.Run(name+", never", func(t *testing.T) {
			app := startLater(t, -1)
			tr := app.gateway(t, "consistent_within 30ms", "")
			_, report := carry(t, tr, intent(t, tr))
			if report.Outcome != translators.Unknown || translators.KindOf(report.Err) != translators.Indefinite {
				t.Fatalf("the outcome is %q: %v", report.Outcome, report.Err)
			}
			if !strings.Contains(report.Err.Error(), "accepted the change for later (202)") {
				t.Errorf("it says %v", report.Err)
			}
		})
		t.Run(name+", unreadable", func(t *testing.T) {
			app := startLater(t, -1)
			tr := app.gateway(t, "retries off", "")
			in := intent(t, tr)
			app.fails = true
			_, report := carry(t, tr, in)
			if report.Outcome != translators.Unknown || translators.KindOf(report.Err) != translators.Indefinite {
				t.Fatalf("the outcome is %q: %v", report.Outcome, report.Err)
			}
		})
	}
	t.Run("done, the configuration says", func(t *testing.T) {
		app := startLater(t, -1)
		tr := app.gateway(t, "success 202", "")
		_, report := carry(t, tr, deletion(tr, "1"))
		if report.Outcome != translators.Applied || app.reads > 0 {
			t.Errorf("the outcome is %q after %d reads: %v", report.Outcome, app.reads, report.Err)
		}
	})
	t.Run("another answer", func(t *testing.T) {
		app := startLater(t, -1)
		tr := app.gateway(t, "consistent_within 30ms\naccepted when `has(body.pending) && body.pending > 0`", "")
		app.jobs = []func(){func() {}}
		if _, report := carry(t, tr, deletion(tr, "1")); report.Outcome != translators.Unknown {
			t.Errorf("the outcome is %q: %v", report.Outcome, report.Err)
		}
	})
	t.Run("a job that is asked for", func(t *testing.T) {
		for name, lines := range map[string]string{"and said": "{\nsuccess when `body.pending == 0`\nbusy when `body.pending > 0`\n}", "and not": ""} {
			app := startLater(t, 1)
			tr := app.gateway(t, "", "delete GET /jobs/{1.id} "+lines)
			if _, report := carry(t, tr, deletion(tr, "1")); report.Outcome != translators.Applied || len(app.people) != 0 {
				t.Errorf("%s: the outcome is %q, there are %v: %v", name, report.Outcome, app.people, report.Err)
			}
		}
	})
}

// TestAcceptedUndo: a creation is taken back when the record is gone.
func TestAcceptedUndo(t *testing.T) {
	app := startLater(t, 2)
	tr := app.gateway(t, "", "create POST /people/2/role {\nfailed 202\n}")
	_, report := carry(t, tr, creation(person(tr, "grace")))
	if report.Outcome == translators.Applied || app.people["2"] != nil {
		t.Errorf("the outcome is %q, there are %v: %v", report.Outcome, app.people, report.Err)
	}
}
