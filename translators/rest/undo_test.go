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

// ledger is an application that answers as it is told and notes what is written.
type ledger struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]int // status by "METHOD /path"
	made    []string
	record  string // of user 7
}

func startLedger(t *testing.T, answers map[string]int) *ledger {
	t.Helper()
	l := &ledger{answers: answers, record: `{"id":7,"login":"ada","title":"Countess","kind":"staff","badge":12,"state":"on"}`}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	request := r.Method + " " + r.URL.Path
	if r.Method != http.MethodGet {
		l.made = append(l.made, strings.TrimSpace(request+" "+string(body)))
	}
	w.Header().Set("Content-Type", "application/json")
	status, isSaid := l.answers[request]
	switch {
	case isSaid:
		w.WriteHeader(status)
		if status < 300 {
			_, _ = fmt.Fprintf(w, `{"id":%d}`, 40+len(l.made))
		}
	case request == "GET /users/7":
		_, _ = io.WriteString(w, l.record)
	case request == "GET /users":
		_, _ = io.WriteString(w, `[]`)
	case request == "POST /users":
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, l.record)
	case r.Method == http.MethodPost:
		_, _ = fmt.Fprintf(w, `{"id":%d}`, 40+len(l.made))
	}
}

func (l *ledger) writes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.made)
}

func (l *ledger) gatewayOf(t *testing.T, calls string) *Translator {
	t.Helper()
	return provision(t, ledgerBlock(l.URL, calls))
}

func ledgerBlock(url, calls string) string {
	return "rest " + url + ` {
	retries off
	breaker off
	users {
		map userName login
		map title title
		search GET /users?login={userName}
		read GET /users/{id}
		` + calls + `
	}
}`
}

func isMade(t *testing.T, l *ledger, want ...string) {
	t.Helper()
	if got := l.writes(); !slices.Equal(got, want) {
		t.Errorf("made were\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

const ledgerCreate = `create POST /users {
			body json ` + "`{\"login\": {userName}}`" + `
			%s
		}
		create POST /badges {
			body json ` + "`{\"user\": {1.id}}`" + `
			%s
		}
		create POST /doors {
			body json ` + "`{\"user\": {1.id}}`" + `
		}
		%s`

// TestSeveralUndos: what a call has done is taken back by several calls, in the order in
// which they stand there; the calls themselves are taken back last first.
func TestSeveralUndos(t *testing.T) {
	app := startLedger(t, map[string]int{"POST /doors": 400})
	tr := app.gatewayOf(t, fmt.Sprintf(ledgerCreate,
		"undo DELETE /mailboxes/{1.id}\n\t\t\tundo DELETE /users/{1.id}",
		"undo POST /badges/{2.id}/void {\n\t\t\t\tbody json `{\"user\": {1.id}}`\n\t\t\t}\n\t\t\tundo DELETE /badges/{2.id}", "delete refuse"))
	_, report := carry(t, tr, creation(person(tr, "ada")))
	if report.Outcome != translators.NotApplied || report.Partial || translators.KindOf(report.Err) != translators.Invalid {
		t.Errorf("the outcome is %q (in part: %v): %v", report.Outcome, report.Partial, report.Err)
	}
	isMade(t, app, `POST /users {"login":"ada"}`, `POST /badges {"user":7}`, `POST /doors {"user":7}`,
		`POST /badges/42/void {"user":7}`, `DELETE /badges/42`, `DELETE /mailboxes/7`, `DELETE /users/7`)
}

// TestUndoThatFails keeps none of the others from being made, and the report says which
// were not done.
func TestUndoThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		answers map[string]int
		want    []string
	}{
		"a refusal":        {map[string]int{"POST /doors": 400, "DELETE /mailboxes/7": 403}, []string{"DELETE /mailboxes"}},
		"two refusals":     {map[string]int{"POST /doors": 400, "DELETE /mailboxes/7": 403, "POST /badges/42/void": 422}, []string{"DELETE /mailboxes", "POST /badges/{2.id}/void"}},
		"one that is open": {map[string]int{"POST /doors": 400, "DELETE /mailboxes/7": 500}, []string{"DELETE /mailboxes"}},
		"an open answer":   {map[string]int{"POST /doors": 400, "DELETE /mailboxes/7": 403, "DELETE /users/7": 500}, []string{"DELETE /mailboxes", "DELETE /users"}},
	} {
		t.Run(name, func(t *testing.T) {
			app := startLedger(t, test.answers)
			tr := app.gatewayOf(t, fmt.Sprintf(ledgerCreate,
				"undo DELETE /mailboxes/{1.id}\n\t\t\tundo DELETE /users/{1.id}", "undo POST /badges/{2.id}/void\n\t\t\tundo DELETE /badges/{2.id}", "delete refuse"))
			_, report := carry(t, tr, creation(person(tr, "ada")))
			if report.Outcome != translators.Unknown || !report.Partial || translators.KindOf(report.Err) != translators.Invalid {
				t.Errorf("the outcome is %q (in part: %v): %v", report.Outcome, report.Partial, report.Err)
			}
			isMade(t, app, `POST /users {"login":"ada"}`, `POST /badges {"user":7}`, `POST /doors {"user":7}`,
				`POST /badges/42/void`, `DELETE /badges/42`, `DELETE /mailboxes/7`, `DELETE /users/7`)
			for _, want := range test.want {
				if !strings.Contains(fmt.Sprint(report.Err), want) {
					t.Errorf("the report does not tell %s: %v", want, report.Err)
				}
			}
			if strings.Contains(fmt.Sprint(report.Err), "DELETE /badges") {
				t.Errorf("the report tells what was done as not done: %v", report.Err)
			}
		})
	}
}

// TestUndoByDelete: the calls of delete take a creation back, each of them, with the record
// as it is then, and with their own answers.
func TestUndoByDelete(t *testing.T) {
	app := startLedger(t, map[string]int{"POST /doors": 400, "DELETE /staff/7": 403, "POST /tickets": 200})
	tr := app.gatewayOf(t, fmt.Sprintf(ledgerCreate, "", "", `delete POST /tickets {
			body json `+"`{\"user\": {id}}`"+`
		}
		delete DELETE /staff/{id} {
			when `+"`record.kind == \"staff\"`"+`
		}
		delete DELETE /guests/{id} {
			when `+"`record.kind == \"guest\"`"+`
		}
		delete POST /badges/{record.badge}/void {
			body json `+"`{\"ticket\": {1.id}}`"+`
		}
		delete DELETE /users/{id}`))
	_, report := carry(t, tr, creation(person(tr, "ada")))
	if !report.Partial || !strings.Contains(fmt.Sprint(report.Err), "DELETE /staff/{id}") {
		t.Errorf("in part: %v, %v", report.Partial, report.Err)
	}
	isMade(t, app, `POST /users {"login":"ada"}`, `POST /badges {"user":7}`, `POST /doors {"user":7}`,
		`POST /tickets {"user":"7"}`, `DELETE /staff/7`, `POST /badges/12/void {"ticket":44}`, `DELETE /users/7`)
}

// TestUndoOfUpdate sees the record as it was before the call, and the answer to it.
func TestUndoOfUpdate(t *testing.T) {
	calls := `update PATCH /users/{id} {
			undo PATCH /users/{id} {
				body json ` + "`{\"title\": {record.title}}`" + `
			}
			undo POST /notes {
				when ` + "`record.kind == \"staff\" && answers[0].status == 200`" + `
				body json ` + "`{\"was\": {record.badge}}`" + `
			}
			undo POST /guests {
				when ` + "`record.kind == \"guest\"`" + `
			}
		}
		update POST /doors/{id}
		delete refuse`
	app := startLedger(t, map[string]int{"POST /doors/7": 400})
	tr := app.gatewayOf(t, calls)
	plan, report := carry(t, tr, setting(t, tr, "7", "title", scim.String("Engineer")))
	if report.Outcome != translators.NotApplied {
		t.Errorf("the outcome is %q: %v", report.Outcome, report.Err)
	}
	isMade(t, app, `PATCH /users/7 {"title":"Engineer"}`, `POST /doors/7`, `PATCH /users/7 {"title":"Countess"}`, `POST /notes {"was":12}`)
	// The way back is to be seen before.
	want := "# when a later call fails, this one is taken back by\n#   PATCH " + app.URL + "/users/7\n"
	if text := plan.Calls[0].String(); !strings.Contains(text, want) || !strings.Contains(text, "#   # when record.kind == \"guest\"\n#   POST "+app.URL+"/guests") {
		t.Errorf("printed is\n%s", text)
	}
	if text := plan.Calls[1].String(); strings.Contains(text, "taken back") {
		t.Errorf("printed is\n%s", text)
	}
}

// TestUndoMistakes are told while the Caddyfile is read.
func TestUndoMistakes(t *testing.T) {
	for calls, want := range map[string]string{
		"create POST /users {\nundo DELETE /users/{1.id} {\nundo POST /users\n}\n}":                        "undo: undo stands in the block of an undo",
		"create POST /users {\nundo DELETE /users/{1.id}\nundo DELETE /badges/{2.id}\n}":                   "undo 2: the URL: {2.id}",
		"create POST /users {\nundo DELETE /users/{1.id}\nundo DELETE /badges/{1.id} {\nwhen `oops`\n}\n}": "undo 2: when",
		"create POST /users {\nundo\n}":            "undo <method> <url>",
		"list GET /users {\nundo DELETE /users\n}": "list changes nothing",
		"disable POST /users/{id}/lock {\nundo POST /users/{id}/unlock\n}\nenable POST /users/{id}/unlock": "what disables is never taken back",
		"read GET /users/{id}/more {\nundo DELETE /users\n}":                                               "read changes nothing",
		"create POST /users {\nundo DELETE /users/{1.id}\nundo DELETE /b/{1.id}\n}":                        "",
	} {
		err := provisionFails(t, ledgerBlock("https://app.example.com", calls+"\ndelete refuse"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s\nthe error is %v, want %q", calls, err, want)
		}
	}
	err := provisionFails(t, `rest https://app.example.com {
	users {
		map userName login
		read GET /users/{id}
	}
	groups {
		map displayName name
		map members users.#.id
		read GET /groups/{id}
		add_member POST /groups/{id}/users/{member.id} {
			undo DELETE /groups/{id}/users/{member.id}
		}
		remove_member DELETE /groups/{id}/users/{member.id}
	}
}`)
	if err == nil || !strings.Contains(err.Error(), "what add_member has done stays") {
		t.Errorf("the error is %v", err)
	}
}
