package signin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/translators/rest/signin"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// application answers what was sent to it, where mayCall lets the request in.
func application(t *testing.T, mayCall func(*http.Request) bool) *httptest.Server {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !mayCall(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// clientOf is a client of the application at base that is signed in as a block says.
func clientOf(t *testing.T, base, auth string, secrets ...string) (*web.Client, *signin.SignIn) {
	t.Helper()
	c, err := parse(auth)
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]string)
	for i := 0; i < len(secrets); i += 2 {
		named[secrets[i]] = secrets[i+1]
	}
	values, err := signin.NewSecrets(named)
	if err != nil {
		t.Fatal(err)
	}
	client, err := web.New(web.Config{Retries: -1, BreakAfter: -1}, base, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := signin.New(c, values, client)
	if err != nil {
		t.Fatal(err)
	}
	client.UseSigner(s)
	t.Cleanup(func() { _ = client.Destruct() })
	return client, s
}

// get makes a request and returns its status, or why it has none.
func get(t *testing.T, c *web.Client) (int, error) {
	answer, err := c.Do(t.Context(), &web.Request{Method: "GET", URL: "/users"})
	if err != nil {
		return 0, err
	}
	return answer.Status, nil
}

// mustGet makes a request that has to be answered with 200.
func mustGet(t *testing.T, c *web.Client) {
	t.Helper()
	if status, err := get(t, c); status != 200 {
		t.Fatalf("status %d, %v", status, err)
	}
}

// issuer is a token endpoint whose tokens are t1, t2, …
type issuer struct {
	*httptest.Server
	mu     sync.Mutex
	issued int
	valid  string // the token that is good
	asked  []url.Values
	header []http.Header
	answer func(w http.ResponseWriter, form url.Values, token string) // nil: as the RFC says
}

func newIssuer(t *testing.T) *issuer {
	i := new(issuer)
	i.Server = serve(t, i.ServeHTTP)
	return i
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	i.mu.Lock()
	i.issued++
	i.valid = fmt.Sprint("t", i.issued)
	token := i.valid
	i.asked = append(i.asked, r.PostForm)
	i.header = append(i.header, r.Header)
	answer := i.answer
	i.mu.Unlock()
	if answer != nil {
		answer(w, r.PostForm, token)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token": %q, "token_type": "bearer", "expires_in": 3600}`, token)
}

// isValid is for application.
func (i *issuer) isValid(r *http.Request) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.valid != "" && r.Header.Get("Authorization") == "Bearer "+i.valid
}

// revoke makes all tokens void.
func (i *issuer) revoke() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.valid = ""
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.issued
}

func TestClientCredentials(t *testing.T) {
	t.Setenv("SIGNIN_SECRET", "s&cret=1")
	tests := []struct {
		name, lines string
		asked       url.Values
		authorized  string // the header Authorization
	}{
		{"the least", "client app {env.SIGNIN_SECRET}", url.Values{"grant_type": {"client_credentials"}}, "app:s%26cret%3D1"},
		{"in the body", "client app {env.SIGNIN_SECRET}\nclient_auth body",
			url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {"s&cret=1"}}, ""},
		{"by a certificate", "client app", url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}}, ""},
		{"all", "client app {env.SIGNIN_SECRET}\nscope users:read users:write\naudience https://app.example.com/\nparameter tenant {env.SIGNIN_SECRET}\nparameter x y",
			url.Values{"grant_type": {"client_credentials"}, "scope": {"users:read users:write"}, "audience": {"https://app.example.com/"}, "tenant": {"s&cret=1"}, "x": {"y"}}, "app:s%26cret%3D1"},
		{"another grant", "client app {env.SIGNIN_SECRET}\nparameter grant_type password\nparameter username ada\nparameter password {env.SIGNIN_SECRET}",
			url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"s&cret=1"}}, "app:s%26cret%3D1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			issuer := newIssuer(t)
			app := application(t, issuer.isValid)
			client, s := clientOf(t, app.URL, "auth oauth2 "+issuer.URL+"/oauth/token {\n"+test.lines+"\n}")
			mustGet(t, client)
			mustGet(t, client)
			if n := issuer.count(); n != 1 {
				t.Fatalf("%d tokens were asked for", n)
			}
			if diff := cmp.Diff(test.asked, issuer.asked[0]); diff != "" {
				t.Errorf("asked with (-want +got):\n%s", diff)
			}
			r := &http.Request{Header: issuer.header[0]}
			user, password, _ := r.BasicAuth()
			if got := strings.Trim(user+":"+password, ":"); got != test.authorized {
				t.Errorf("authorized as %q, want %q", got, test.authorized)
			}
			if diff := cmp.Diff([]signin.Masked{{In: "header", Name: "Authorization", Value: "Bearer ***"}}, s.Masked()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A token endpoint of the application itself is named by its path.
func TestTokenEndpointOfTheApplication(t *testing.T) {
	issuer := newIssuer(t)
	app := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/oauth/token":
			issuer.ServeHTTP(w, r)
		case !issuer.isValid(r):
			w.WriteHeader(401)
		}
	})
	client, _ := clientOf(t, app.URL+"/api", "auth oauth2 /oauth/token {\nclient app pw\n}")
	mustGet(t, client)
}

// A token that has ended before its time is replaced, once for all requests.
func TestTokenRevoked(t *testing.T) {
	issuer := newIssuer(t)
	app := application(t, issuer.isValid)
	client, _ := clientOf(t, app.URL, "auth oauth2 "+issuer.URL+" {\nclient app pw\n}")
	mustGet(t, client)
	for round := range 3 {
		issuer.revoke()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if status, err := get(t, client); status != 200 {
					t.Errorf("%d, %v", status, err)
				}
			})
		}
		all.Wait()
		if n := issuer.count(); n != round+2 {
			t.Errorf("%d tokens were asked for, want %d", n, round+2)
		}
	}
}

// Tokens are asked for before they end, and one that is over already is used as long
// as it is taken.
func TestTokenLife(t *testing.T) {
	tests := []struct {
		name, answer, lines string
		want                int // tokens for three requests with half a second between the first two
	}{
		{"a number", `{"access_token": "T", "expires_in": 3600}`, "", 1},
		{"a text", `{"access_token": "T", "expires_in": "3600"}`, "", 1},
		{"none", `{"access_token": "T"}`, "", 1},
		{"over", `{"access_token": "T", "expires_in": -1}`, "", 1},
		{"short", `{"access_token": "T", "expires_in": 1}`, "early 1h", 1},
		{"form", `access_token=T&expires_in=3600`, "", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			issuer := newIssuer(t)
			issuer.answer = func(w http.ResponseWriter, _ url.Values, token string) {
				w.Header().Set("Content-Type", "application/json")
				if test.name == "form" {
					w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
				}
				_, _ = io.WriteString(w, strings.Replace(test.answer, "T", token, 1))
			}
			app := application(t, issuer.isValid)
			client, _ := clientOf(t, app.URL, "auth oauth2 "+issuer.URL+" {\nclient app pw\n"+test.lines+"\n}")
			mustGet(t, client)
			if test.name != "short" { // a slow machine may need a second token
				mustGet(t, client)
			}
			if n := issuer.count(); n != test.want {
				t.Errorf("%d tokens, want %d", n, test.want)
			}
		})
	}
}

func TestTokenEndpointFails(t *testing.T) {
	t.Setenv("SIGNIN_SECRET", "verySecretValue")
	answers := func(status int, contentType, body string) func(http.ResponseWriter, url.Values, string) {
		return func(w http.ResponseWriter, _ url.Values, _ string) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	tests := []struct {
		name      string
		answer    func(http.ResponseWriter, url.Values, string)
		want      string
		isRefusal bool
	}{
		{"wrong secret", answers(401, "application/json", `{"error": "invalid_client", "error_description": "no client\nwith verySecretValue"}`), "invalid_client, which means that the client's id or secret is wrong", true},
		{"unknown scope", answers(400, "application/json", `{"error": "invalid_scope"}`), "does not know the scope", true},
		{"an error of its own", answers(400, "application/json", `{"error": "tenant_\u001b[31mgone"}`), "tenant_?[31mgone", true},
		{"busy", answers(503, "application/json", `{"error": "temporarily_unavailable"}`), "temporarily_unavailable", false},
		{"broken", answers(500, "text/html", `<html>verySecretValue</html>`), "the status 500", false},
		{"not there", answers(404, "text/html", `<html></html>`), "not the address of a token endpoint", true},
		{"a page", answers(200, "text/html", `<!doctype html><p>verySecretValue`), "HTML page", true},
		{"a redirect", func(w http.ResponseWriter, _ url.Values, _ string) {
			w.Header().Set("Location", "http://evil.example.com/")
			w.WriteHeader(302)
		}, "not the address of a token endpoint", true},
		{"no token", answers(200, "application/json", `{"token": "verySecretValue"}`), "no access_token", true},
		{"an error in a 200", answers(200, "application/json", `{"error": "invalid_client"}`), "invalid_client", true},
		{"no JSON", answers(200, "application/json", `{"access_token": "verySecretValue`), "no access_token", true},
		{"a token with a line break", answers(200, "application/json", `{"access_token": "a\r\nX-Admin: verySecretValue"}`), "line break", false},
		{"an empty answer", answers(200, "application/json", ``), "no access_token", true},
		{"cut", func(w http.ResponseWriter, _ url.Values, _ string) {
			w.Header().Set("Content-Length", "500")
			_, _ = io.WriteString(w, `{"access_token": "verySecretValue"`)
			panic(http.ErrAbortHandler)
		}, "no whole answer", false},
		{"huge", func(w http.ResponseWriter, _ url.Values, _ string) {
			_, _ = io.WriteString(w, strings.Repeat("verySecretValue", 1<<20))
		}, "larger", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			issuer := newIssuer(t)
			issuer.answer = test.answer
			app := application(t, issuer.isValid)
			client, _ := clientOf(t, app.URL, "auth oauth2 "+issuer.URL+"/token?key=verySecretValue {\nclient app {env.SIGNIN_SECRET}\n}")
			_, err := get(t, client)
			fault, is := errors.AsType[*web.Error](err)
			if !is || fault.Reason != "sign_in" || fault.MaybeSent || fault.RetryAfter <= 0 {
				t.Fatalf("%#v", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if text := err.Error(); strings.Contains(text, "verySecretValue") || strings.ContainsAny(text, "\n\x1b") {
				t.Errorf("%q holds a secret or a line break", text)
			}
			if isRefusal := fault.RetryAfter > 30*time.Second; isRefusal != test.isRefusal {
				t.Errorf("the next attempt is in %s", fault.RetryAfter)
			}
			asked := issuer.count()
			if _, err = get(t, client); err == nil || issuer.count() != asked {
				t.Errorf("%v: asked again at once", err)
			}
		})
	}
}

// A token endpoint that says when to come again is not asked before.
func TestTokenEndpointBusy(t *testing.T) {
	issuer := newIssuer(t)
	issuer.answer = func(w http.ResponseWriter, _ url.Values, _ string) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(429)
	}
	app := application(t, issuer.isValid)
	client, signed := clientOf(t, app.URL, "auth oauth2 "+issuer.URL+" {\nclient app pw\n}")
	_, err := get(t, client)
	if fault, is := errors.AsType[*web.Error](err); !is || fault.RetryAfter < 110*time.Second || fault.RetryAfter > 120*time.Second || fault.MaybeSent {
		t.Errorf("%#v", err)
	} else if who := "the token endpoint " + strings.Split(issuer.URL, "/")[2]; fault.Unavailable != who ||
		signin.Hide(err.Error(), signed.Hidden()...) != err.Error() {
		t.Errorf("it does not name the token endpoint, or hides it: %q, %v", fault.Unavailable, signin.Hide(err.Error(), signed.Hidden()...))
	}
}

// A slow token endpoint holds up requests, and no longer than they may take.
func TestTokenEndpointSlow(t *testing.T) {
	release := make(chan struct{})
	issuer := newIssuer(t)
	issuer.answer = func(w http.ResponseWriter, _ url.Values, token string) {
		<-release
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": %q}`, token)
	}
	app := application(t, issuer.isValid)
	client, _ := clientOf(t, app.URL, "auth oauth2 "+issuer.URL+" {\nclient app pw\n}")
	_, err := client.Do(t.Context(), &web.Request{Method: "GET", URL: "/users", Timeout: 50 * time.Millisecond})
	if fault, is := errors.AsType[*web.Error](err); !is || fault.MaybeSent || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	close(release)
	mustGet(t, client)
	if n := issuer.count(); n != 1 {
		t.Errorf("%d tokens were asked for", n)
	}
}

// A secret that was put right is used at once, although the wrong one was refused.
func TestClientSecretRotated(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong")
	issuer := newIssuer(t)
	issuer.answer = func(w http.ResponseWriter, form url.Values, token string) {
		w.Header().Set("Content-Type", "application/json")
		if form.Get("client_secret") != "right" {
			w.WriteHeader(401)
			_, _ = io.WriteString(w, `{"error": "invalid_client"}`)
			return
		}
		fmt.Fprintf(w, `{"access_token": %q}`, token)
	}
	app := application(t, issuer.isValid)
	client, _ := clientOf(t, app.URL, "auth oauth2 "+issuer.URL+" {\nclient app {file."+file+"}\nclient_auth body\n}")
	for range 5 {
		if _, err := get(t, client); err == nil {
			t.Fatal("signed in with a wrong secret")
		}
	}
	if n := issuer.count(); n != 1 {
		t.Errorf("a wrong secret was sent %d times", n)
	}
	write("right")
	mustGet(t, client)
}

func TestRefreshToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "refresh")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("r0")
	var good atomic.Value // the refresh token that is good
	good.Store("r0")
	issuer := newIssuer(t)
	issuer.answer = func(w http.ResponseWriter, form url.Values, token string) {
		w.Header().Set("Content-Type", "application/json")
		if form.Get("grant_type") != "refresh_token" || form.Get("refresh_token") != good.Load() || form.Get("scope") != "a b" {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"error": "invalid_grant"}`)
			return
		}
		good.Store("r" + token)
		fmt.Fprintf(w, `{"access_token": %q, "refresh_token": %q}`, token, good.Load())
	}
	app := application(t, issuer.isValid)
	client, _ := clientOf(t, app.URL, "auth oauth2 "+issuer.URL+" {\nclient app pw\nrefresh_token {file."+file+"}\nscope a b\n}")
	for range 3 { // each time with the token that the answer before brought
		mustGet(t, client)
		issuer.revoke()
	}
	good.Store("revoked by an administrator")
	_, err := get(t, client)
	if err == nil || !strings.Contains(err.Error(), "get a new one") {
		t.Errorf("%v", err)
	}
	write("r100")
	good.Store("r100")
	mustGet(t, client)
}

// A refresh token whose answer has no new one stays in use.
func TestRefreshTokenThatStays(t *testing.T) {
	issuer := newIssuer(t)
	app := application(t, issuer.isValid)
	client, _ := clientOf(t, app.URL, "auth oauth2 "+issuer.URL+" {\nclient app pw\nrefresh_token r0\n}")
	for range 3 {
		mustGet(t, client)
		issuer.revoke()
	}
	for _, asked := range issuer.asked {
		if asked.Get("refresh_token") != "r0" {
			t.Errorf("asked with %v", asked)
		}
	}
}

func TestTokenElsewhere(t *testing.T) {
	issuer := newIssuer(t)
	app := application(t, func(r *http.Request) bool {
		return r.Header.Get("X-Token") == "t1" && r.URL.Query().Get("access_token") == "t1" && r.Header.Get("Authorization") == ""
	})
	client, s := clientOf(t, app.URL, "auth oauth2 "+issuer.URL+" {\nclient app pw\nsend header X-Token {token}\nsend query access_token {token}\n}")
	mustGet(t, client)
	want := []signin.Masked{{In: "header", Name: "X-Token", Value: "***"}, {In: "query", Name: "access_token", Value: "***"}}
	if diff := cmp.Diff(want, s.Masked()); diff != "" {
		t.Error(diff)
	}
}
