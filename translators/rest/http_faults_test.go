package rest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// account is what the application of these tests keeps.
type account struct {
	ID     int    `json:"id"`
	Login  string `json:"login"`
	Status string `json:"status"`
}

// faulty is an application with a connection to it that fails.
type faulty struct {
	mu     sync.Mutex
	users  []*account
	spoil  func(f *faulty, w http.ResponseWriter, r *http.Request)
	writes bool // only writes fail
	times  int  // so many; 0: all
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	isSpoiled := f.spoil != nil && (!f.writes || r.Method != http.MethodGet)
	if isSpoiled && f.times > 0 {
		if f.times--; f.times == 0 {
			defer func(f *faulty) { f.fail(nil, false, 0) }(f)
		}
	}
	spoil := f.spoil
	f.mu.Unlock()
	if isSpoiled {
		spoil(f, w, r)
		return
	}
	f.answer(w, r)
}

// fail makes requests fail from now on.
func (f *faulty) fail(spoil func(*faulty, http.ResponseWriter, *http.Request), writes bool, times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spoil, f.writes, f.times = spoil, writes, times
}

// answer does what is asked for.
func (f *faulty) answer(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	say := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	var sent account
	_ = json.NewDecoder(r.Body).Decode(&sent)
	var named *account
	for _, one := range f.users {
		if r.URL.Path == fmt.Sprintf("/users/%d", one.ID) {
			named = one
		}
	}
	switch {
	case r.URL.Path == "/users" && r.Method == http.MethodGet:
		found := []*account{}
		for _, one := range f.users {
			if login := r.URL.Query().Get("login"); login == "" || login == one.Login {
				found = append(found, one)
			}
		}
		say(200, map[string]any{"users": found, "total": len(found)})
	case r.URL.Path == "/users":
		for _, one := range f.users {
			if one.Login == sent.Login {
				say(409, map[string]any{"error": "taken"})
				return
			}
		}
		sent.ID = 7 + len(f.users)
		f.users = append(f.users, &sent)
		say(201, sent)
	case named == nil:
		say(404, map[string]any{"error": "no such user"})
	case r.Method == http.MethodPatch:
		if sent.Status != "" {
			named.Status = sent.Status
		}
		say(200, named)
	default:
		say(200, named)
	}
}

func (f *faulty) state() (users int, status string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.users), f.users[0].Status
}

// do carries a request out, and keeps the answer back.
func (f *faulty) do(r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	f.answer(answer, r)
	return answer
}

// cut ends the connection after some of an answer.
func cut(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	if answer != nil {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(answer.Body.Len()+9))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
		_ = http.NewResponseController(w).Flush()
	}
	panic(http.ErrAbortHandler)
}

func bomb() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(`{"users":[`))
	_, _ = z.Write(bytes.Repeat([]byte(" "), 50<<20))
	_, _ = z.Write([]byte(`]}`))
	_ = z.Close()
	return b.Bytes()
}

// TestNoFaultIsAbsence: whatever goes wrong between here and the application, nobody
// is said not to be there, a write is done or not done as it is said to be, and a
// disable that did not take is not proven.
func TestNoFaultIsAbsence(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("another host got %s %s", r.Method, r.URL)
	}))
	defer elsewhere.Close()
	zipped := bomb()
	type spoil = func(*faulty, http.ResponseWriter, *http.Request)
	says := func(status int, media, body string, header ...string) spoil {
		return func(_ *faulty, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media)
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	after := func(then spoil) spoil {
		return func(f *faulty, w http.ResponseWriter, r *http.Request) { f.do(r); then(f, w, r) }
	}
	hang := func(_ *faulty, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server sees the client go
		<-r.Context().Done()
	}
	const page = "<!DOCTYPE html><html><body>sign in</body></html>"
	tests := []struct {
		name  string
		spoil spoil
		// lies says that writes are answered as if they were done.
		lies bool
	}{
		{"cut", func(_ *faulty, w http.ResponseWriter, _ *http.Request) { cut(w, nil) }, false},
		{"cut after it was done", func(f *faulty, w http.ResponseWriter, r *http.Request) { f.do(r); cut(w, nil) }, false},
		{"half an answer", func(f *faulty, w http.ResponseWriter, r *http.Request) { cut(w, f.do(r)) }, false},
		{"silence", hang, false},
		{"silence after it was done", after(hang), false},
		{"500", says(500, "text/html", page), false},
		{"500 after it was done", after(says(500, "application/json", `{"error":"boom"}`)), false},
		{"502", says(502, "text/html", page), false},
		{"504 after it was done", after(says(504, "text/html", page)), false},
		{"429", says(429, "text/html", page), false},
		{"503 for long", says(503, "text/html", page, "Retry-After", "86400"), false},
		{"401", says(401, "application/json", `{"error":"no"}`), false},
		{"403", says(403, "application/json", `{"error":"no"}`), false},
		{"404 as HTML", says(404, "text/html", page), false},
		{"404 as HTML that says JSON", says(404, "application/json", page), false},
		{"a login page", says(200, "text/html", page), false},
		{"a login page that says JSON", says(200, "application/json", page), false},
		{"a redirect to the login", says(302, "text/html", page, "Location", "/login"), false},
		{"a redirect to another host", says(302, "text/html", page, "Location", elsewhere.URL+"/users"), false},
		{"a lasting redirect there", says(308, "text/html", page, "Location", elsewhere.URL+"/users"), false},
		{"a circle", func(_ *faulty, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), 307) }, false},
		{"nothing", says(200, "application/json", ``), true},
		{"an empty object", says(200, "application/json", `{}`), true},
		{"null", says(200, "application/json", `null`), true},
		{"a list", says(200, "application/json", `[]`), true},
		{"a text", says(200, "application/json", `"ok"`), true},
		{"another list", says(200, "application/json", `{"groups":[],"total":0}`), true},
		{"no list", says(200, "application/json", `{"users":null,"total":1}`), true},
		{"a total that is not reached", says(200, "application/json", `{"users":[],"total":1}`), true},
		{"half of a document", says(200, "application/json", `{"users":[`), false},
		{"two documents", says(200, "application/json", `{"users":[],"total":0}{}`), false},
		{"another compression", says(200, "application/json", `{}`, "Content-Encoding", "br"), false},
		{"no gzip", says(200, "application/json", `{}`, "Content-Encoding", "gzip"), false},
		{"a bomb", says(200, "application/json", string(zipped), "Content-Encoding", "gzip"), false},
		{"50 MB", says(200, "application/json", `{"users":[`+strings.Repeat(" ", 50<<20)+`]}`), false},
		{"204", says(204, "application/json", ``), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			app := &faulty{users: []*account{{7, "ada", "active"}}}
			server := httptest.NewServer(app)
			defer server.Close()
			defer server.CloseClientConnections()
			tr := provision(t, "rest "+server.URL+` {
				timeout 150ms
				retries 1
				breaker off
				page offset offset limit 100 total
				users {
					items users
					map userName login
					map active status {
						true active
						false locked
					}
					search GET /users?login={userName}
					list GET /users
					read GET /users/{id}
					create POST /users
					update PATCH /users/{id}
					delete refuse
				}
			}`)
			users := tr.Types()[0].ResourceType
			selection := translators.Selection{All: true}
			isFault := func(what string, err error) {
				t.Helper()
				switch translators.KindOf(err) {
				case translators.Unavailable, translators.Refused, translators.TooMany:
				default:
					t.Errorf("%s: got the kind %q: %v", what, translators.KindOf(err), err)
				}
			}
			// Reads.
			app.fail(test.spoil, false, 0)
			for _, text := range []string{`userName eq "ada"`, `userName eq "nobody"`} {
				filter, err := scim.ParseFilter(users, text, scim.FilterLimits{})
				if err != nil {
					t.Fatal(err)
				}
				result, err := tr.Search(t.Context(), translators.Query{Type: users, Filter: filter, Selection: selection, Limit: 10})
				isFault("searching "+text, err)
				if len(result.Entries) > 0 {
					t.Errorf("searching %s: there are entries beside the error", text)
				}
			}
			entries, err := tr.Read(t.Context(), users, []string{"7"}, selection)
			isFault("reading", err)
			if len(entries) > 0 {
				t.Error("reading: there are entries beside the error")
			}
			var last error
			for _, err := range tr.Scan(t.Context(), users, nil) {
				last = err
			}
			isFault("scanning", last)

			// A disable: the write fails once or always, or everything does.
			for _, scope := range []struct {
				writes bool
				times  int
			}{{true, 1}, {true, 0}, {false, 0}} {
				app.fail(nil, false, 0)
				app.mu.Lock()
				app.users = []*account{{7, "ada", "active"}}
				app.mu.Unlock()
				entries, err := tr.Read(t.Context(), users, []string{"7"}, selection)
				if err != nil || len(entries) != 1 {
					t.Fatalf("reading before: got %d entries, %v", len(entries), err)
				}
				active, err := scim.ParsePath(users, "active")
				if err != nil {
					t.Fatal(err)
				}
				wanted, err := scim.Apply(entries[0].Resource, []scim.Change{{Op: scim.Replace, Path: active, Value: scim.Bool(false)}})
				if err != nil {
					t.Fatal(err)
				}
				plan, err := tr.Plan(t.Context(), translators.Intent{Action: scim.ActionUpdate, Type: users, ID: "7", Before: entries[0], After: wanted,
					Changes: scim.Diff(entries[0].Resource, wanted), SetsActive: true})
				if err != nil {
					t.Fatal(err)
				}
				app.fail(test.spoil, scope.writes, scope.times)
				report := translators.Execute(t.Context(), plan)
				_, status := app.state()
				switch {
				case report.Outcome == translators.Applied && status != "locked" && !test.lies,
					report.Outcome == translators.NotApplied && status == "locked":
					t.Errorf("disabling (%+v): it is said to be %s and the account is %s: %v", scope, report.Outcome, status, report.Err)
				}
				if report.Outcome == translators.Applied {
					if proof := tr.Prove(t.Context(), plan, report); (proof.Status == translators.Proven) != (status == "locked") && proof.Err == nil {
						t.Errorf("disabling (%+v): the proof is %q and the account is %s", scope, proof.Status, status)
					}
				}

				// A create.
				app.fail(nil, false, 0)
				created := scim.NewResource(users)
				created.Set(users.Attribute("userName"), valueOf(t, users.Attribute("userName"), gjson.Parse(`"grace"`)))
				created.Set(users.Attribute("active"), scim.Bool(true))
				if plan, err = tr.Plan(t.Context(), translators.Intent{Action: scim.ActionCreate, Type: users, After: created, Changes: scim.Diff(nil, created)}); err != nil {
					t.Fatal(err)
				}
				app.fail(test.spoil, scope.writes, scope.times)
				began := time.Now()
				report = translators.Execute(t.Context(), plan)
				count, _ := app.state()
				switch {
				case count > 2,
					report.Outcome == translators.Applied && count != 2 && !test.lies,
					report.Outcome == translators.NotApplied && count == 2:
					t.Errorf("creating (%+v): it is said to be %s and there are %d accounts: %v", scope, report.Outcome, count, report.Err)
				case report.Outcome == translators.Applied && report.ID() == "" || report.Outcome != translators.Applied && report.Err == nil:
					t.Errorf("creating (%+v): %s with the id %q and the error %v", scope, report.Outcome, report.ID(), report.Err)
				case report.Outcome == translators.Applied && count != 2:
					t.Errorf("creating (%+v): it is said to be applied as %q, and nobody was created", scope, report.ID())
				}
				if took := time.Since(began); took > 30*time.Second {
					t.Errorf("creating took %s", took)
				}
			}
		})
	}
}
