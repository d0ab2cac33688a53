package rehearse_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/rehearse"
)

// A server that does everything passes everything.
func TestNothingIsMissing(t *testing.T) {
	r := newRecord()
	o := options(gateway.TenantURL+"/", rehearse.Providers...)
	o.Match, o.Report = "ADA.lovelace", r
	if err := rehearse.Run(t.Context(), o); err != nil {
		t.Errorf("it ended with %v", err)
	}
	for _, one := range r.steps {
		if one.Verdict != rehearse.Passed || len(one.Findings) > 0 {
			t.Errorf("%s %s is %s: %v %v", one.Provider, one.ID, one.Verdict, one.Findings, one.Notes)
		}
	}
	if len(r.steps) != r.opening.Checks || r.summary.Passed != r.opening.Checks {
		t.Errorf("of %d checks %d were made, and %d passed", r.opening.Checks, len(r.steps), r.summary.Passed)
	}
	nothingIsLeft(t)
}

// What is kept is told, is no failure, and is there.
func TestKeep(t *testing.T) {
	r := newRecord()
	o := options(gateway.TenantURL, rehearse.Okta)
	o.Keep, o.NoGroups, o.Report, o.Prefix = true, true, r, "scimgate-rehearsal-kept"
	if err := rehearse.Run(t.Context(), o); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if len(r.summary.Left) != 2 || !r.summary.Left[0].OnPurpose {
		t.Errorf("left is %+v", r.summary.Left)
	}
	for _, one := range r.summary.Left {
		if status, v := ask(t, "GET", "/Users/"+one.ID, ""); status != 200 || v["userName"] != one.Name {
			t.Errorf("%s is not there: %d %v", one.Name, status, v)
		}
		if status, _ := ask(t, "DELETE", "/Users/"+one.ID, ""); status != 204 {
			t.Errorf("removing %s: %d", one.Name, status)
		}
	}
	if got := r.step(t, "create-group"); got.Verdict != rehearse.Skipped || !strings.Contains(got.Notes[0], "--no-groups") {
		t.Errorf("create-group: %+v", got)
	}
	nothingIsLeft(t)
}

// Interrupted before any check, or while any request is under way, nothing is
// left behind.
func TestInterruption(t *testing.T) {
	for _, p := range rehearse.Providers {
		for i, c := range rehearse.Checks(p) {
			if i%3 != 0 && !strings.HasPrefix(c.ID, "create") {
				continue // each is as good as its neighbours
			}
			t.Run(fmt.Sprintf("%s/%s", p, c.ID), func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := newRecord()
				isThere := false
				url := broken(t, defect{before: func(_ *http.Request, body string) (*answer, string) {
					if isThere {
						cancel() // and the request goes on behind
					}
					return nil, body
				}})
				r.starting = func(title string) { isThere = title == c.Title }
				o := options(url, p)
				o.Report = r
				err := rehearse.Run(ctx, o)
				if sends := c.ID != "transport" && c.ID != "match-existing" && c.ID != "answers-in-time"; sends && !errors.Is(err, rehearse.ErrInterrupted) {
					t.Errorf("it ended with %v", err)
				}
				if len(r.summary.Left) > 0 {
					t.Errorf("left is %+v", r.summary.Left)
				}
				nothingIsLeft(t)
			})
		}
	}
}

// A creation that was cut off, of a name that exists, is still under way while the
// clean-up deletes who has the name: then it succeeds.
func TestLateCreation(t *testing.T) {
	behind, err := url.Parse(strings.TrimSuffix(gateway.TenantURL, "/scim/v2"))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	deleted, created := make(chan struct{}), make(chan struct{})
	var isDuplicate atomic.Bool
	var first sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if isDuplicate.Load() && r.Method == "POST" {
			cancel()
			<-deleted
			defer close(created)
		}
		recorder := httptest.NewRecorder() // which, unlike w, does not tell the proxy that nobody waits any more
		proxy.ServeHTTP(recorder, r.WithContext(context.WithoutCancel(r.Context())))
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes())
		if r.Method == "DELETE" {
			first.Do(func() { close(deleted) })
		}
	}))
	defer server.Close()
	r := newRecord()
	r.starting = func(title string) { isDuplicate.Store(title == "Create the same user again") }
	o := options(server.URL+"/scim/v2", rehearse.Entra)
	o.Report = r
	if err := rehearse.Run(ctx, o); !errors.Is(err, rehearse.ErrInterrupted) {
		t.Errorf("it ended with %v", err)
	}
	<-created
	if len(r.summary.Left) > 0 || r.summary.Removed != 2 {
		t.Errorf("the summary is %+v", r.summary)
	}
	nothingIsLeft(t)
}

// A panic cleans up, and is not swallowed.
func TestPanic(t *testing.T) {
	r := newRecord()
	r.starting = func(title string) {
		if strings.HasPrefix(title, "Disable the disabled") {
			panic("a bug")
		}
	}
	o := options(gateway.TenantURL, rehearse.Entra)
	o.Report = r
	func() {
		defer func() {
			if got := recover(); got != "a bug" {
				t.Errorf("the panic is %v", got)
			}
		}()
		_ = rehearse.Run(t.Context(), o)
	}()
	nothingIsLeft(t)
}

// Aborted, the clean-up ends and says what it has left.
func TestAbort(t *testing.T) {
	abort := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	url := broken(t, defect{before: func(r *http.Request, body string) (*answer, string) {
		if r.Method == "DELETE" {
			close(abort)
			<-r.Context().Done()
			cut()
		}
		return nil, body
	}})
	r := newRecord()
	r.starting = func(title string) {
		if title == "Set a manager" {
			cancel()
		}
	}
	o := options(url, rehearse.Entra)
	o.Report, o.Abort = r, abort
	if err := rehearse.Run(ctx, o); !errors.Is(err, rehearse.ErrInterrupted) {
		t.Errorf("it ended with %v", err)
	}
	if len(r.summary.Left) != 2 || r.summary.Left[0].ID == "" || !strings.Contains(r.summary.Left[0].Name, "entra-2@") {
		t.Errorf("left is %+v", r.summary.Left)
	}
	if left := leftovers(t); len(left) != 2 {
		t.Errorf("there is %s", left)
	}
	if err := gateway.Reset(); err != nil {
		t.Fatal(err)
	}
}

// A server that answers a creation with the id of somebody else does not get
// that person changed.
func TestForeignIDsAreNotWritten(t *testing.T) {
	_, found := ask(t, "GET", `/Users?filter=userName+eq+%22ada.lovelace%22`, "")
	before := found["Resources"].([]any)[0].(map[string]any)
	ada := before["id"].(string)
	written := 0
	url := broken(t, defect{
		before: func(r *http.Request, body string) (*answer, string) {
			if r.Method != "GET" && strings.Contains(r.URL.Path, ada) {
				written++
			}
			return nil, body
		},
		after: func(r *http.Request, _ string, a *answer) {
			if r.Method == "POST" && isUsers(r) {
				v := a.object()
				v["id"] = ada
				a.set(a.status, v)
			}
		},
	})
	r := newRecord()
	o := options(url, rehearse.Entra, rehearse.Okta)
	o.Report, o.Match = r, "ada.lovelace"
	if err := rehearse.Run(t.Context(), o); !errors.Is(err, rehearse.ErrMissing) {
		t.Errorf("it ended with %v", err)
	}
	if written > 0 {
		t.Errorf("%d writes went to somebody else", written)
	}
	if got := fmt.Sprint(r.step(t, "create-user").Findings); !strings.Contains(got, "it was not created by this rehearsal") {
		t.Errorf("the finding is %s", got)
	}
	_, after := ask(t, "GET", "/Users/"+ada, "")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("she was changed (-before +after):\n%s", diff)
	}
	nothingIsLeft(t)
}

func TestUnreachable(t *testing.T) {
	closed := broken(t, defect{})
	o := options(strings.Replace(closed, "/scim/v2", "", 1), rehearse.Entra)
	o.Credential.Secret = "not-the-right-one"
	if err := rehearse.Run(t.Context(), options("http://127.0.0.1:1/scim", rehearse.Entra)); !errors.Is(err, rehearse.ErrUnreachable) || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("nobody there: %v", err)
	}
	o.URL = broken(t, defect{})
	for _, p := range rehearse.Providers {
		o.Providers = []rehearse.Provider{p}
		err := rehearse.Run(t.Context(), o)
		if !errors.Is(err, rehearse.ErrUnreachable) || !strings.Contains(err.Error(), "lets nobody in with this token: 401") || strings.Contains(err.Error(), o.Credential.Secret) {
			t.Errorf("%s, a wrong token: %v", p, err)
		}
	}
	o.Load = &rehearse.Load{Users: 1}
	if err := rehearse.Run(t.Context(), o); !errors.Is(err, rehearse.ErrUnreachable) {
		t.Errorf("a load run with a wrong token: %v", err)
	}
}

// Where others have shown wrong tokens, too, the server may have had enough of them:
// then that is how it refuses, and it is not waited for.
func TestWrongTokensAreLimited(t *testing.T) {
	url := broken(t, defect{})
	for range 25 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/Users?count=0", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer not-the-right-one")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	r := newRecord()
	o := options(url, rehearse.Entra)
	o.Report = r
	if err := rehearse.Run(t.Context(), o); err != nil {
		t.Errorf("it ended with %v", err)
	}
	got := r.step(t, "bad-token")
	if got.Verdict != rehearse.Passed || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "it was answered 429") {
		t.Errorf("bad-token: %+v", got)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, change := range map[string]func(*rehearse.Options){
		"write https://scim.example.com/scim":       func(o *rehearse.Options) { o.URL = "scim.example.com/scim" },
		"the tenant URL is missing":                 func(o *rehearse.Options) { o.URL = " " },
		"SCIM is spoken over https":                 func(o *rehearse.Options) { o.URL = "ldap://x" },
		"names no host":                             func(o *rehearse.Options) { o.URL = "https:///scim" },
		"has a user or password in it":              func(o *rehearse.Options) { o.URL = "https://a:b@x/scim" },
		"the provider appends itself":               func(o *rehearse.Options) { o.URL = "https://x/scim/Users/" },
		"has a # in it":                             func(o *rehearse.Options) { o.URL = "https://x/scim#a" },
		"can't be read":                             func(o *rehearse.Options) { o.URL = "https://x:port/" },
		"the token is missing":                      func(o *rehearse.Options) { o.Credential.Secret = " " },
		"a token is one line":                       func(o *rehearse.Options) { o.Credential.Secret = "a\nb" },
		"--basic needs a user":                      func(o *rehearse.Options) { o.Credential = rehearse.Credential{Scheme: rehearse.Basic, Secret: "x"} },
		`there is no provider "ping"`:               func(o *rehearse.Options) { o.Providers = []rehearse.Provider{"ping"} },
		"the prefix \"a b\" is none":                func(o *rehearse.Options) { o.Prefix = "a b" },
		"the domain \"a@b\" is none":                func(o *rehearse.Options) { o.Domain = "a@b" },
		"a time below zero":                         func(o *rehearse.Options) { o.Pace = -1 },
		"--users 0":                                 func(o *rehearse.Options) { o.Load = &rehearse.Load{} },
		"--clients 1001":                            func(o *rehearse.Options) { o.Load = &rehearse.Load{Users: 2000, Clients: 1001} },
		"reading the certificates to trust":         func(o *rehearse.Options) { o.CAFile = "/nonexistent" },
		"holds none as PEM":                         func(o *rehearse.Options) { o.CAFile = "harness_test.go" },
		"scim.example.com is not this machine":      func(o *rehearse.Options) { o.URL, o.Load = "https://scim.example.com", &rehearse.Load{Users: 1} },
		"192.0.2.1 is not this machine: a load run": func(o *rehearse.Options) { o.URL, o.Load = "https://192.0.2.1/", &rehearse.Load{Users: 1} },
	} {
		o := options("https://scim.example.com/scim/v2")
		change(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		} else if err := rehearse.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("running: %v, want %s", err, want)
		}
	}
	for _, good := range []string{"https://scim.example.com/scim/v2/", "https://scim.example.com?aadOptscim062020", "HTTP://[::1]:8080"} {
		if err := options(good).Check(); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	o := options("https://scim.example.com")
	o.Load, o.Owned = &rehearse.Load{Users: 1}, true
	if err := o.Check(); err != nil {
		t.Errorf("a load run on a server of one's own: %v", err)
	}
}

// The feature flag of the tenant URL goes with every request, and the other ways
// of showing a token are tried against the server.
func TestHowItIsAsked(t *testing.T) {
	unflagged := 0
	seen := make(map[string]bool)
	url := broken(t, defect{before: func(r *http.Request, body string) (*answer, string) {
		if !strings.HasPrefix(r.URL.RawQuery, "aadOptscim062020") {
			unflagged++
		}
		seen[r.Header.Get("Authorization")] = true
		r.Header.Set("Authorization", "Bearer "+gateway.Token)
		return nil, body
	}})
	o := options(url+"/?aadOptscim062020", rehearse.Okta)
	for want, credential := range map[string]rehearse.Credential{
		gateway.Token:                {Scheme: rehearse.Header, Secret: gateway.Token},
		"Basic b2t0YTpzZWNyZXQtdG9r": {Scheme: rehearse.Basic, User: "okta", Secret: "secret-tok"},
	} {
		var out bytes.Buffer
		o.Credential, o.Report = credential, rehearse.NewText(rehearse.TextOptions{Out: &out, Verbose: true})
		// Whatever is shown gets in, so that this one check fails.
		if err := rehearse.Run(t.Context(), o); !errors.Is(err, rehearse.ErrMissing) {
			t.Errorf("it ended with %v", err)
		}
		if !strings.Contains(out.String(), "✗ okta bad-token") || strings.Count(out.String(), "\n✗") != 3 {
			t.Errorf("it says\n%s", out.String())
		}
		if !seen[want] {
			t.Errorf("it showed %v, want %s", seen, want)
		}
	}
	if unflagged > 0 {
		t.Errorf("%d requests went without the flag", unflagged)
	}
	nothingIsLeft(t)
}

// No output has the token in it, not even when the server repeats it, nor a
// password.
func TestSecretsAreNotShown(t *testing.T) {
	url := broken(t, defect{after: func(r *http.Request, body string, a *answer) {
		if isSearch(r) {
			a.refuse(400, "invalidFilter", "you sent "+r.Header.Get("Authorization"))
		}
	}})
	for _, verbose := range []bool{false, true} {
		var text, lines bytes.Buffer
		o := options(url, rehearse.Providers...)
		for _, report := range []rehearse.Reporter{rehearse.NewText(rehearse.TextOptions{Out: &text, Verbose: verbose}), rehearse.NewJSON(&lines)} {
			o.Report = report
			if err := rehearse.Run(t.Context(), o); !errors.Is(err, rehearse.ErrMissing) {
				t.Errorf("it ended with %v", err)
			}
		}
		for _, shown := range []string{text.String(), lines.String()} {
			if strings.Contains(shown, gateway.Token) || !strings.Contains(shown, "you sent Bearer [token]") {
				t.Errorf("the token is shown, or nothing in its place:\n%.3000s", shown)
			}
			if strings.Contains(shown, `"Pw-`) || !strings.Contains(shown, `[password]`) && verbose {
				t.Error("a password is shown, or nothing in its place")
			}
		}
	}
	nothingIsLeft(t)
}

// Whatever a server answers, it is judged.
func TestNonsense(t *testing.T) {
	for name, a := range map[string]answer{
		"nothing":      {200, nil, ""},
		"null":         {200, nil, "null"},
		"a list":       {201, nil, "[]"},
		"a page":       {200, http.Header{"Content-Type": {"text/html"}}, "<html>Welcome</html>"},
		"half of it":   {200, nil, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":`},
		"wrong types":  {200, nil, `{"schemas":"x","totalResults":{},"Resources":{"a":1},"id":7,"userName":[],"active":"yes","emails":[1,null,[]]}`},
		"a wild list":  {200, nil, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":3.5,"Resources":[null,7]}`},
		"deep":         {200, nil, strings.Repeat("[", 20000) + strings.Repeat("]", 20000)},
		"two":          {200, nil, `{} {}`},
		"a redirect":   {302, http.Header{"Location": {"http://127.0.0.1:1/"}}, ""},
		"a fault":      {500, nil, `{"detail":"\u001b[31mout of order\u0007"}`},
		"much":         {200, nil, strings.Repeat(" ", 9<<20)},
		"escape codes": {200, nil, `{"id":"\u001b]0;x","userName":"\u202e"}`},
	} {
		t.Run(name, func(t *testing.T) {
			url := broken(t, defect{before: func(*http.Request, string) (*answer, string) {
				copied := a
				copied.header = a.header.Clone()
				return &copied, ""
			}})
			var out bytes.Buffer
			o := options(url, rehearse.Providers...)
			o.Report = rehearse.NewText(rehearse.TextOptions{Out: &out, Verbose: name != "much"})
			want := rehearse.ErrUnreachable
			if name == "wrong types" || name == "a wild list" || name == "a fault" || name == "much" || name == "escape codes" {
				want = rehearse.ErrMissing // it may be SCIM
			}
			if err := rehearse.Run(t.Context(), o); !errors.Is(err, want) {
				t.Errorf("it ended with %v, want %v", err, want)
			}
			if strings.ContainsAny(out.String(), "\x1b\x07\u202e") {
				t.Errorf("the terminal is commanded:\n%q", out.String())
			}
		})
	}
}

// A server that asks to wait is obeyed, and that is told; one that asks for too
// long is not waited for.
func TestRetryAfter(t *testing.T) {
	asked := 0
	url := broken(t, defect{before: func(r *http.Request, body string) (*answer, string) {
		if r.Method != "PATCH" || asked >= 2 {
			return nil, body
		}
		asked++
		a := &answer{}
		a.refuse(429, "", "slowly")
		a.header = http.Header{"Retry-After": {"1"}, "Content-Type": {"application/scim+json"}}
		return a, body
	}})
	r := newRecord()
	o := options(url, rehearse.Entra)
	o.Report = r
	if err := rehearse.Run(t.Context(), o); err != nil {
		t.Errorf("it ended with %v", err)
	}
	step := r.step(t, "update-legacy")
	if step.Verdict != rehearse.Warning || step.Milliseconds < 2000 || !strings.Contains(fmt.Sprint(step.Findings), "asked to wait 2s") {
		t.Errorf("it was %s in %v ms: %v", step.Verdict, step.Milliseconds, step.Findings)
	}
	nothingIsLeft(t)

	url = broken(t, defect{after: func(r *http.Request, _ string, a *answer) {
		if r.Method == "PATCH" {
			a.refuse(503, "", "the brake holds")
			a.header = http.Header{"Retry-After": {"600"}, "Content-Type": {"application/scim+json"}}
		}
	}})
	o = options(url, rehearse.Entra)
	r = newRecord()
	o.Report = r
	started := time.Now()
	if err := rehearse.Run(t.Context(), o); !errors.Is(err, rehearse.ErrHeld) || errors.Is(err, rehearse.ErrMissing) {
		t.Errorf("it ended with %v", err)
	}
	last := r.steps[len(r.steps)-1]
	if last.ID != "update-legacy" || last.Verdict != rehearse.Held || len(last.Findings) != 1 || !strings.Contains(last.Findings[0].Text, "with 10m0s to wait: the brake holds") {
		t.Errorf("the last step is %+v", last)
	}
	if took := time.Since(started); took > 5*time.Minute {
		t.Errorf("it took %s", took)
	}
	nothingIsLeft(t)
}
