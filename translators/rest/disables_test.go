package rest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// scripted is an application of one user, which answers as a test says.
type scripted struct {
	URL string

	mu       sync.Mutex
	isLocked bool
	made     []string // the requests but for reads of the user, with their bodies
	// instead answers a request, or leaves it to the application.
	instead func(w http.ResponseWriter, r *http.Request) bool
}

func script(t *testing.T, instead func(w http.ResponseWriter, r *http.Request) bool) *scripted {
	t.Helper()
	a := &scripted{instead: instead}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.URL = server.URL
	return a
}

func (a *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if a.instead != nil && a.instead(w, r) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Method != http.MethodGet {
		a.made = append(a.made, r.Method+" "+r.URL.Path+" "+string(body))
		switch text := string(body); {
		case strings.HasSuffix(r.URL.Path, "/lock"), strings.Contains(text, "locked"), strings.Contains(text, "state=false"):
			a.isLocked = true
		case strings.HasSuffix(r.URL.Path, "/unlock"), strings.Contains(text, "active"):
			a.isLocked = false
		}
	}
	state := map[bool]string{true: "locked", false: "active"}[a.isLocked]
	_, _ = fmt.Fprintf(w, `{"id":7,"login":"ada","first":"Ada","title":"Countess","state":%q,"theme":"dark"}`, state)
}

func (a *scripted) locked() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.isLocked
}

func (a *scripted) writes() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.made...)
}

// gatewayOf is a translator for the application, whose users have these calls too.
func (a *scripted) gatewayOf(t *testing.T, options, calls string) *Translator {
	t.Helper()
	return provision(t, "rest "+a.URL+" {\n"+options+`
		retries off
		users {
			map userName login
			map name.givenName first
			map title title
			map active state {
				true active
				false locked
			}
			delete refuse
			`+calls+`
		}
	}`)
}

// disabling is what the host makes of active=false: it reads no more than is needed.
func disabling(t *testing.T, ctx context.Context, tr *Translator, ids ...string) translators.Intent {
	t.Helper()
	rt, id := tr.users.served.ResourceType, append(ids, "7")[0]
	active := rt.Attribute("active")
	entries, err := tr.Read(ctx, rt, []string{id}, translators.Selection{Attributes: []*scim.Attribute{active, rt.Attribute("userName")}})
	if err != nil || len(entries) != 1 {
		t.Fatalf("reading: %d entries, %v", len(entries), err)
	}
	after := entries[0].Resource.Clone()
	after.Set(active, scim.Bool(false))
	return translators.Intent{Action: scim.ActionUpdate, Type: rt, ID: id, Before: entries[0], After: after, SetsActive: true,
		Changes: scim.Diff(entries[0].Resource, after)}
}

// TestDisableSendsWhatTheRecordHas: a template that names attributes of which the
// request says nothing gets those of the record. None is emptied by a disable.
func TestDisableSendsWhatTheRecordHas(t *testing.T) {
	app := script(t, nil)
	tr := app.gatewayOf(t, "", "read GET /users/{id}\nupdate POST /users/{id} {\nbody form `first={name.givenName}&title={title}&login={userName}&state={active}`\n}\n")
	plan, report := carry(t, tr, disabling(t, t.Context(), tr))
	if report.Outcome != translators.Applied {
		t.Fatalf("disabling: %v", report.Err)
	}
	if made := app.writes(); len(made) != 1 || !strings.Contains(made[0], "first=Ada&title=Countess&login=ada&state=false") {
		t.Errorf("sent %q, planned %s", made, plan.Calls[0])
	}
}

// TestWhatDisablesIsNotTakenBack: the second call of disable fails, and the lock stays.
func TestWhatDisablesIsNotTakenBack(t *testing.T) {
	app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	})
	for name, calls := range map[string]string{
		"calls of its own": "disable POST /users/{id}/lock\ndisable DELETE /users/{id}/sessions\nenable POST /users/{id}/unlock",
		"a field": "update PATCH /users/{id} {\nundo POST /users/{id}/unlock\n}\n" +
			"update DELETE /users/{id}/sessions {\nwhen `\"state\" in fields`\n}",
	} {
		t.Run(name, func(t *testing.T) {
			app.mu.Lock()
			app.isLocked = false
			app.mu.Unlock()
			tr := app.gatewayOf(t, "", "read GET /users/{id}\n"+calls)
			plan, report := carry(t, tr, disabling(t, t.Context(), tr))
			if report.Outcome == translators.Applied || !report.Partial {
				t.Errorf("the report is %+v", report)
			}
			if !app.locked() || strings.Contains(plan.Calls[0].String(), "taken back") {
				t.Errorf("the account is unlocked again: %q, planned\n%s", app.writes(), plan.Calls[0])
			}
		})
	}
}

// TestDisableNeedsNoOtherRead: what is read besides, and can't be, holds no disable and
// no proof back.
func TestDisableNeedsNoOtherRead(t *testing.T) {
	app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/badge") {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	})
	for name, calls := range map[string]string{
		"calls of its own": "disable POST /users/{id}/lock\nenable POST /users/{id}/unlock\n",
		"a field":          "update PATCH /users/{id}\n",
	} {
		t.Run(name, func(t *testing.T) {
			tr := app.gatewayOf(t, "", "map nickName badge.name\nread GET /users/{id}\nread GET /users/{id}/badge {\ninto badge\n}\n"+calls)
			app.mu.Lock()
			app.isLocked = false
			app.mu.Unlock()
			plan, report := carry(t, tr, disabling(t, t.Context(), tr))
			if report.Outcome != translators.Applied || !app.locked() {
				t.Fatalf("disabling: %v, locked: %v", report.Err, app.locked())
			}
			if proof := tr.Prove(t.Context(), plan, report); proof.Status != translators.Proven {
				t.Errorf("the proof is %+v", proof)
			}
		})
	}
}

// TestDisableIsNobodysConflict: an application that answers 409 to who writes beside
// another is asked again, with the record as it is then.
func TestDisableIsNobodysConflict(t *testing.T) {
	conflicts := 1
	app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && conflicts > 0 {
			conflicts--
			w.WriteHeader(http.StatusConflict)
			return true
		}
		return false
	})
	tr := app.gatewayOf(t, "", "read GET /users/{id}\nupdate PUT /users/{id}\n")
	if _, report := carry(t, tr, disabling(t, t.Context(), tr)); report.Outcome != translators.Applied || !app.locked() {
		t.Errorf("disabling: %v, locked: %v", report.Err, app.locked())
	}
	app.mu.Lock()
	app.isLocked = false
	app.mu.Unlock()
	conflicts = 9
	if _, report := carry(t, tr, disabling(t, t.Context(), tr)); translators.KindOf(report.Err) != translators.Unavailable {
		t.Errorf("disabling again: %v", report.Err)
	}
}

// TestNothingHoldsADisableBack: the circuit breaker, the rate and the connections are for
// others.
func TestNothingHoldsADisableBack(t *testing.T) {
	calls := "read GET /users/{id}\nsearch GET /users?login={userName}\nupdate PATCH /users/{id}\n"
	urgent := translators.Urgent(t.Context())
	isOff := func(t *testing.T, app *scripted, tr *Translator) {
		t.Helper()
		ctx, cancel := context.WithTimeout(urgent, 20*time.Second)
		defer cancel()
		plan, err := tr.Plan(ctx, disabling(t, ctx, tr))
		if err != nil {
			t.Fatal(err)
		}
		report := translators.Execute(ctx, plan)
		if proof := tr.Prove(ctx, plan, report); report.Outcome != translators.Applied || proof.Status != translators.Proven || !app.locked() {
			t.Errorf("disabling: %v, proof %+v", report.Err, proof)
		}
	}
	t.Run("an open breaker", func(t *testing.T) {
		app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/users" {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return r.URL.Path == "/users"
		})
		tr := app.gatewayOf(t, "breaker 2 1h", calls)
		for range 3 {
			if _, err := lookUp(t.Context(), tr, "ada"); err == nil {
				t.Fatal("the search has not failed")
			}
		}
		if _, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{"7"}, translators.Selection{}); err == nil {
			t.Fatal("the breaker is not open")
		}
		isOff(t, app, tr)
	})
	t.Run("the rate", func(t *testing.T) {
		app := script(t, nil)
		tr := app.gatewayOf(t, "rate 1 per 1h\ntimeout 1s", calls)
		rt := tr.users.served.ResourceType
		if _, err := tr.Read(t.Context(), rt, []string{"7"}, translators.Selection{}); err != nil {
			t.Fatal(err)
		}
		if _, err := tr.Read(t.Context(), rt, []string{"7"}, translators.Selection{}); err == nil {
			t.Fatal("there is no rate")
		}
		isOff(t, app, tr)
	})
	t.Run("no free connection", func(t *testing.T) {
		waiting, done := make(chan struct{}), make(chan struct{})
		app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/users" {
				close(waiting)
				<-done
			}
			return r.URL.Path == "/users"
		})
		tr := app.gatewayOf(t, "connections 1\ntimeout 1m", calls)
		var other sync.WaitGroup
		other.Go(func() { _, _ = lookUp(t.Context(), tr, "ada") })
		defer other.Wait()
		defer close(done)
		<-waiting
		isOff(t, app, tr)
	})
}

// TestUndoOfCreateSparesWhoWasThere: a create in several calls, the first of which gets no
// answer, finds somebody who is just as was asked for. When a later call fails, whoever
// was there before is not deleted.
func TestUndoOfCreateSparesWhoWasThere(t *testing.T) {
	app := legacy.Start(t, legacy.Options{InSteps: true})
	tr := provisionShape(t, "steps", app, "error error", "retries off\n\t\t\terror error")
	if _, err := app.Add(map[string]any{"login": "ada", "title": "Engineer", "role": "agent"}, "x"); err != nil {
		t.Fatal(err)
	}
	app.Fail(legacy.Fault{Kind: legacy.CutBefore, Op: "users.create", Times: 1})
	app.Fail(legacy.Fault{Kind: legacy.Denied, Op: "staff.add"})
	ada := person(tr, "ada", true)
	ada.Set(ada.Type.Attribute("userType"), scim.String("agent"))
	_, report := carry(t, tr, creation(ada))
	if report.Outcome == translators.Applied {
		t.Errorf("the report is %+v", report)
	}
	if app.User("ada") == nil {
		t.Error("the account that was there before is deleted")
	}
}

// TestNobodyIsOverwrittenInAnotherCase: the application keeps its users by their names,
// without regard to case, and creates by PUT.
func TestNobodyIsOverwrittenInAnotherCase(t *testing.T) {
	var written []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.ToLower(strings.TrimPrefix(r.URL.Path, "/users/"))
		if r.Method == http.MethodPut {
			written = append(written, name)
		}
		w.Header().Set("Content-Type", "application/json")
		if name != "ada" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, `{"login":"ada","title":"Countess"}`)
	}))
	defer server.Close()
	tr := provision(t, "rest "+server.URL+` {
		users {
			id login
			map userName login
			map title title
			read GET /users/{id}
			create PUT /users/{userName}
			update PUT /users/{id}
			delete refuse
		}
	}`)
	_, report := carry(t, tr, creation(person(tr, "Ada")))
	if translators.KindOf(report.Err) != translators.Conflict || len(written) > 0 {
		t.Errorf("got %v, and %q were written", report.Err, written)
	}
}

// TestWhatIsRedirectedIsNotAbsent: a page that is not there, to which a read is led, says
// nothing of the account.
func TestWhatIsRedirectedIsNotAbsent(t *testing.T) {
	app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/users/7":
			http.Redirect(w, r, "/maintenance", http.StatusFound)
		case "/maintenance":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
		case "/users/8":
			w.WriteHeader(http.StatusConflict)
		default:
			return false
		}
		return true
	})
	tr := app.gatewayOf(t, "", "read GET /users/{id}\n")
	for _, id := range []string{"7", "8"} {
		entries, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{id}, translators.Selection{All: true})
		if translators.KindOf(err) != translators.Unavailable {
			t.Errorf("%s: got %d entries, %v", id, len(entries), err)
		}
	}
}
