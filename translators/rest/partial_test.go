package rest

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// TestAlreadyIsNotTakenBack: what was so before the call was made is not undone behind a
// later one that fails: it would lock out who was active.
func TestAlreadyIsNotTakenBack(t *testing.T) {
	app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/unlock"):
			w.WriteHeader(http.StatusConflict)
		case strings.HasSuffix(r.URL.Path, "/password"):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"too weak"}`)
		default:
			return false
		}
		return true
	})
	tr := app.gatewayOf(t, "", `read GET /users/{id}
		map password password
		update POST /users/{id}/unlock {
			already 409
			undo POST /users/{id}/lock
		}
		update PATCH /users/{id} {
			body json `+"`{\"title\": {title}}`"+`
			undo PATCH /users/{id} {
				body json `+"`{\"title\": {record.title}}`"+`
			}
		}
		password POST /users/{id}/password`)
	in := setting(t, tr, "7", "title", scim.String("Engineer"))
	password := in.Type.Attribute("password")
	in.After.Set(password, scim.String("weak"))
	in.Changes = append(in.Changes, scim.Difference{Attribute: password, After: scim.String("weak")})
	_, report := carry(t, tr, in)
	if translators.KindOf(report.Err) != translators.Invalid || report.Outcome != translators.NotApplied || report.Partial {
		t.Errorf("the outcome is %q (in part: %v): %v", report.Outcome, report.Partial, report.Err)
	}
	want := []string{`PATCH /users/7 {"title":"Engineer"}`, `PATCH /users/7 {"title":"Countess"}`}
	if got := app.writes(); app.locked() || !slices.Equal(got, want) {
		t.Errorf("locked: %v; written was %q", app.locked(), got)
	}
}

// keeper is an application that deletes nobody; refusals are answered to calls that disable.
func keeper(t *testing.T, refusals *int) *scripted {
	return script(t, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.Method == http.MethodGet && r.URL.Path == "/users":
			_, _ = io.WriteString(w, `[]`)
		case strings.HasSuffix(r.URL.Path, "/lock") && *refusals > 0:
			*refusals--
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/badges":
			w.WriteHeader(http.StatusBadRequest)
		default:
			return false
		}
		return true
	})
}

// TestCreationIsDisabledWhereNothingDeletes: a create is taken back by the calls of disable
// where none deletes, and it is told what stays behind.
func TestCreationIsDisabledWhereNothingDeletes(t *testing.T) {
	const locks = "disable POST /users/{id}/lock\nenable POST /users/{id}/unlock"
	const disabled = `A disabled account stays behind: its id is "7".`
	const live = `The account was created and is not disabled: its id is "7". Disable it in the application.`
	for name, test := range map[string]struct {
		calls    string
		active   bool
		refusals int
		outcome  translators.Outcome
		remains  string
		isLocked bool
	}{
		"a later call fails":               {"create POST /badges\n" + locks, true, 0, translators.NotApplied, disabled, true},
		"the disable fails once":           {locks, false, 1, translators.NotApplied, disabled, true},
		"the disable fails again":          {locks, false, 2, translators.Unknown, live, false},
		"by update":                        {"create POST /badges\nupdate PATCH /users/{id}", true, 0, translators.NotApplied, disabled, true},
		"by a template of update":          {"create POST /badges\nupdate POST /users/{id} {\nbody form `login={userName}&state={active}`\n}", true, 0, translators.NotApplied, disabled, true},
		"a later call fails, and the lock": {"create POST /badges\n" + locks, true, 1, translators.Unknown, live, false},
	} {
		t.Run(name, func(t *testing.T) {
			refusals := test.refusals
			app := keeper(t, &refusals)
			tr := app.gatewayOf(t, "", "search GET /users?login={userName}\nread GET /users/{id}\ncreate POST /users {\nbody json `{\"login\": {userName}}`\n}\n"+test.calls)
			_, report := carry(t, tr, creation(person(tr, "ada", test.active)))
			if report.Outcome != test.outcome || report.Partial != (test.outcome == translators.Unknown) || app.locked() != test.isLocked {
				t.Errorf("the outcome is %q (in part: %v), locked: %v: %v\n%q", report.Outcome, report.Partial, app.locked(), report.Err, app.writes())
			}
			if got := report.Remains(); got != test.remains {
				t.Errorf("it is told %q, want %q", got, test.remains)
			}
		})
	}
}

// TestUndoThatKeeps: an undo of the configuration that disables leaves somebody behind.
func TestUndoThatKeeps(t *testing.T) {
	refusals := 0
	app := keeper(t, &refusals)
	tr := app.gatewayOf(t, "", "search GET /users?login={userName}\nread GET /users/{id}\ncreate POST /users {\nundo POST /users/{1.id}/lock\n}\ncreate POST /badges")
	_, report := carry(t, tr, creation(person(tr, "ada")))
	if report.Outcome != translators.NotApplied || report.Remains() != `A disabled account stays behind: its id is "7".` {
		t.Errorf("the outcome is %q, it is told %q: %v", report.Outcome, report.Remains(), report.Err)
	}
}

// TestRepeatedCreationNamesWhoStayed: who was kept by an undo is in the way of the next
// create, however the application says so.
func TestRepeatedCreationNamesWhoStayed(t *testing.T) {
	for name, answer := range map[string]struct {
		status int
		lines  string
	}{
		"conflict": {http.StatusConflict, "conflict 409"},
		"failed":   {http.StatusOK, "conflict 418\nfailed when `has(body.error)`"},
		"asked":    {http.StatusCreated, "conflict 418\n}\ncreate POST /badges {"},
	} {
		t.Run(name, func(t *testing.T) {
			app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", "application/json")
				switch {
				case r.Method == http.MethodGet && r.URL.Path == "/users":
					_, _ = io.WriteString(w, `[{"id":7,"login":"ada","state":"locked"}]`)
				case r.Method == http.MethodPost:
					w.WriteHeader(answer.status)
					_, _ = io.WriteString(w, `{"error":"Somebody is called so"}`)
				default:
					return false
				}
				return true
			})
			app.isLocked = true
			tr := app.gatewayOf(t, "", "search GET /users?login={userName}\nread GET /users/{id}\ncreate POST /users {\n"+answer.lines+"\n}")
			_, report := carry(t, tr, creation(person(tr, "ada")))
			e, is := report.Err.(interface{ Unwrap() error })
			if !is {
				t.Fatalf("the error is %v", report.Err)
			}
			known, is := e.(*translators.Error)
			if !is {
				known, is = e.Unwrap().(*translators.Error)
			}
			if !is || known.Kind != translators.Conflict || !slices.Equal(known.IDs, []string{"7"}) || !strings.Contains(known.Detail, "disabled") {
				t.Errorf("the error is %v", report.Err)
			}
		})
	}
}

// TestCreationThatNothingTakesBack is told when the configuration is read.
func TestCreationThatNothingTakesBack(t *testing.T) {
	const gap = "nothing takes a create back"
	for calls, want := range map[string]bool{
		"create POST /users\ncreate POST /badges":                                                                true,
		"create POST /users\nmap password password\npassword POST /users/{id}/password":                          true,
		"create POST /users\ncreate POST /badges\ndisable POST /users/{id}/lock\nenable POST /users/{id}/unlock": false,
		"create POST /users {\nundo POST /users/{1.id}/lock\n}\ncreate POST /badges":                             false,
		"create POST /users\ncreate POST /badges\nupdate PATCH /users/{id}":                                      false,
		"create POST /users":                                                 false,
		"create POST /users\ncreate GET /users/{1.id}":                       true,
		"create POST /users\ncreate POST /badges\ndelete DELETE /users/{id}": false,
	} {
		if !strings.Contains(calls, "delete") {
			calls += "\ndelete refuse"
		}
		tr := provision(t, "rest https://app.example.com {\nusers {\nmap userName login\nmap active state {\ntrue active\nfalse locked\n}\nread GET /users/{id}\n"+calls+"\n}\n}")
		if got := strings.Contains(strings.Join(tr.users.gaps(), "\n"), gap); got != want {
			t.Errorf("%s\nit is told: %v", calls, got)
		}
	}
}
