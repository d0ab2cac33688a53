package signin_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/translators/rest/signin"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// desk is an application whose POST /session signs in; tokens are s1, s2, …
type desk struct {
	*httptest.Server
	mu      sync.Mutex
	logins  []login
	left    []string
	current string
	answer  func(w http.ResponseWriter, token string)            // of a login
	isIn    func(r *http.Request, token string) bool             // default: X-Session
	refuse  func(w http.ResponseWriter, r *http.Request, b bool) // default: 401
}

// login is what a login call sent.
type login struct {
	body   string
	header http.Header
	query  string
}

func newDesk(t *testing.T, answer func(w http.ResponseWriter, token string)) *desk {
	d := &desk{answer: answer}
	d.isIn = func(r *http.Request, token string) bool { return r.Header.Get("X-Session") == token }
	d.Server = serve(t, d.ServeHTTP)
	return d
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case r.URL.Path == "/session" && r.Method == "POST":
		d.logins = append(d.logins, login{string(body), r.Header, r.URL.RawQuery})
		d.current = fmt.Sprint("s", len(d.logins))
		d.answer(w, d.current)
	case d.current == "" || !d.isIn(r, d.current):
		w.WriteHeader(401)
	case r.Method == "DELETE" || r.URL.Path == "/logout":
		d.left = append(d.left, r.Method+" "+r.URL.RequestURI())
		d.current = ""
	default:
		_, _ = w.Write(body)
	}
}

// end ends the session.
func (d *desk) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.current = ""
}

func (d *desk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.logins)
}

func inJSON(w http.ResponseWriter, token string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"result": {"token": %q}}`, token)
}

const jsonLogin = "auth login POST /session {\n" +
	"user jürgen\npassword {env.SIGNIN_PASSWORD}\n" +
	"body json `{\"user\": \"{user}\", \"password\": \"{password}\"}`\n" +
	"token result.token\nsend header X-Session {token}\n"

func TestLogin(t *testing.T) {
	t.Setenv("SIGNIN_PASSWORD", `p"&<ä`)
	d := newDesk(t, inJSON)
	client, s := clientOf(t, d.URL, jsonLogin+"}")
	if d.count() != 0 {
		t.Error("signed in before the first request")
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if status, err := get(t, client); status != 200 {
				t.Errorf("%d, %v", status, err)
			}
		})
	}
	all.Wait()
	for round := range 3 {
		d.end()
		for range 50 {
			all.Go(func() {
				if status, err := get(t, client); status != 200 {
					t.Errorf("%d, %v", status, err)
				}
			})
		}
		all.Wait()
		if n := d.count(); n != round+2 {
			t.Errorf("signed in %d times, want %d", n, round+2)
		}
	}
	if want := `{"user":"jürgen","password":"p\"&<ä"}`; d.logins[0].body != want || d.logins[0].header.Get("Content-Type") != "application/json" {
		t.Errorf("the login call sent %s as %s", d.logins[0].body, d.logins[0].header.Get("Content-Type"))
	}
	if diff := cmp.Diff([]signin.Masked{{In: "header", Name: "X-Session", Value: "***"}}, s.Masked()); diff != "" {
		t.Error(diff)
	}
}

// One connection is enough for requests and the login that they wait for.
func TestLoginWithOneConnection(t *testing.T) {
	t.Setenv("SIGNIN_PASSWORD", "pw")
	d := newDesk(t, inJSON)
	c, err := parse(jsonLogin + "}")
	if err != nil {
		t.Fatal(err)
	}
	client, err := web.New(web.Config{Connections: 1}, d.URL, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := signin.New(c, nil, client)
	if err != nil {
		t.Fatal(err)
	}
	client.UseSigner(s)
	defer client.Destruct()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { mustGet(t, client) })
	}
	all.Wait()
}

func TestLoginForms(t *testing.T) {
	t.Setenv("SIGNIN_PASSWORD", `p"&<ä`)
	tests := []struct {
		name, lines  string
		answer       func(http.ResponseWriter, string)
		isIn         func(*http.Request, string) bool
		body, header string
		masked       []signin.Masked
	}{
		{"a form", "body form user={user}&password={password}\ntoken_header X-Token",
			func(w http.ResponseWriter, token string) { w.Header().Set("X-Token", token) },
			func(r *http.Request, token string) bool { return r.Header.Get("Authorization") == "Bearer "+token },
			"user=j%C3%BCrgen&password=p%22%26%3C%C3%A4", "application/x-www-form-urlencoded",
			[]signin.Masked{{In: "header", Name: "Authorization", Value: "Bearer ***"}}},
		{"XML", "body xml `<login><user>{user}</user><password>{password}</password></login>`\ntoken session.id\nsend query sid {token}",
			func(w http.ResponseWriter, token string) {
				w.Header().Set("Content-Type", "text/xml")
				fmt.Fprintf(w, "<session><id>%s</id></session>", token)
			},
			func(r *http.Request, token string) bool { return r.URL.Query().Get("sid") == token },
			`<login><user>jürgen</user><password>p"&amp;&lt;ä</password></login>`, "text/xml; charset=utf-8",
			[]signin.Masked{{In: "query", Name: "sid", Value: "***"}}},
		{"text", "header Accept text/plain\nbody text \"{user}:{password}\"\ntoken .\nsend header X-Session {token}",
			func(w http.ResponseWriter, token string) {
				w.Header().Set("Content-Type", "text/plain")
				_, _ = io.WriteString(w, token)
			},
			func(r *http.Request, token string) bool { return r.Header.Get("X-Session") == token },
			`jürgen:p"&<ä`, "text/plain; charset=utf-8",
			[]signin.Masked{{In: "header", Name: "X-Session", Value: "***"}}},
		{"a cookie", "cookie sid",
			func(w http.ResponseWriter, token string) {
				http.SetCookie(w, &http.Cookie{Name: "sid", Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 3600})
				http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
			},
			func(r *http.Request, token string) bool {
				c, err := r.Cookie("sid")
				return err == nil && c.Value == token
			}, "", "", []signin.Masked{{In: "header", Name: "Cookie", Value: "sid=***"}}},
		{"a cookie and what goes with it", "send header X-CSRF-Token {login.cookie.csrf}\nsend header X-Key {login.answer.key}\nsend header X-Node {login.header.Node}",
			func(w http.ResponseWriter, token string) {
				http.SetCookie(w, &http.Cookie{Name: "sid", Value: token})
				http.SetCookie(w, &http.Cookie{Name: "csrf", Value: "c" + token})
				w.Header().Set("Node", "n"+token)
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(w, `{"key": "k%s"}`, token)
			},
			func(r *http.Request, token string) bool {
				return r.Header.Get("X-CSRF-Token") == "c"+token && r.Header.Get("X-Key") == "k"+token && r.Header.Get("X-Node") == "n"+token &&
					strings.Contains(r.Header.Get("Cookie"), "sid="+token)
			}, "", "", []signin.Masked{{In: "header", Name: "X-CSRF-Token", Value: "***"}, {In: "header", Name: "X-Key", Value: "***"},
				{In: "header", Name: "X-Node", Value: "***"}, {In: "header", Name: "Cookie", Value: "session=***"}}},
		{"a cookie of a redirect", "cookie sid\nfailed 302 /login",
			func(w http.ResponseWriter, token string) {
				http.SetCookie(w, &http.Cookie{Name: "sid", Value: token, Path: "/"})
				w.Header().Set("Location", "/home")
				w.WriteHeader(302)
			},
			func(r *http.Request, token string) bool {
				return strings.Contains(r.Header.Get("Cookie"), "sid="+token)
			},
			"", "", []signin.Masked{{In: "header", Name: "Cookie", Value: "sid=***"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, test.answer)
			d.isIn = test.isIn
			client, s := clientOf(t, d.URL, "auth login POST /session {\nuser jürgen\npassword {env.SIGNIN_PASSWORD}\n"+test.lines+"\n}")
			mustGet(t, client)
			d.end()
			mustGet(t, client)
			if d.logins[0].body != test.body || d.logins[0].header.Get("Content-Type") != test.header {
				t.Errorf("sent %q as %s, want %q as %s", d.logins[0].body, d.logins[0].header.Get("Content-Type"), test.body, test.header)
			}
			if diff := cmp.Diff(test.masked, s.Masked()); diff != "" {
				t.Errorf("masked (-want +got):\n%s", diff)
			}
		})
	}
}

// An answer that does not let us in is an error that says why, without a secret, and is
// not tried again at once.
func TestLoginRefused(t *testing.T) {
	t.Setenv("SIGNIN_PASSWORD", "verySecret")
	cookie := func(c http.Cookie) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, _ string) { http.SetCookie(w, &c) }
	}
	answer := func(status int, contentType, body string) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, _ string) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	tests := []struct {
		name, lines string
		answer      func(http.ResponseWriter, string)
		want        string
		isFault     bool
	}{
		{"401", "token token", answer(401, "application/json", `{"error": "verySecret"}`), "the status 401: see whether user and password are right", false},
		{"403 with a text", "token token\nerror message", answer(403, "application/json", `{"message": "account\n\u001b[31mlocked, verySecret"}`), "403: account ?[31mlocked, ***", false},
		{"500", "token token", answer(500, "text/html", `verySecret`), "the status 500", true},
		{"429", "token token", answer(429, "text/html", `verySecret`), "the status 429", true},
		{"an error in a 200", "token result\nerror error.message", answer(200, "application/json", `{"result": "half", "error": {"message": "wrong password"}}`), "200: wrong password", false},
		{"an error with null", "token result\nerror error", answer(200, "application/json", `{"result": null, "error": null}`), "no token at result", false},
		{"a token that is null", "token result", answer(200, "application/json", `{"result": null, "error": {"code": -32001}}`), "no token at result", false},
		{"a token that is an object", "token result", answer(200, "application/json", `{"result": {"a": 1}}`), "no token at result", false},
		{"a token with a line break", "token result", answer(200, "application/json", `{"result": "a\r\nX-Admin: 1"}`), "line break", false},
		{"a page", "token result", answer(200, "text/html", `<!doctype html><p>verySecret`), "HTML page", false},
		{"broken JSON", "token result", answer(200, "application/json", `{"result": "verySecret`), "can't be read", false},
		{"nothing", "token result", answer(200, "application/json", ``), "no token at result", false},
		{"no header", "token_header X-Token", answer(204, "", ``), "no header X-Token", false},
		{"failed by text", "cookie sid\nfailed 200 \"Wrong Password\"", answer(200, "text/html", `<p>wrong password</p>`), "one of those that mean failed", false},
		{"not success", "token token\nsuccess 201", answer(200, "application/json", `{"token": "x"}`), "the application refuses, with the status 200", false},
		{"failed by an expression", "cookie sid\nfailed 200 when `body.ok == false`", answer(200, "application/json", `{"ok" : false, "msg": "verySecret"}`), "one of those that mean failed", false},
		{"failed by an expression that fails", "token token\nfailed when `body.ok == false`", answer(200, "application/json", `{"token": "x"}`), "one of those that mean failed", false},
		{"failed by a header", "token token\nfailed when `\"x-login\" in header && header[\"x-login\"] == \"no\"`", func(w http.ResponseWriter, _ string) {
			w.Header().Set("X-Login", "no")
			answer(200, "application/json", `{"token": "x"}`)(w, "")
		}, "one of those that mean failed", false},
		{"no success by an expression", "token token\nsuccess when `body.ok`", answer(200, "application/json", `{"token": "x"}`), "the application refuses, with the status 200", false},
		{"a redirect", "token token", func(w http.ResponseWriter, _ string) {
			w.Header().Set("Location", "/login?error")
			w.WriteHeader(302)
		}, "a redirect, with the status 302", false},
		{"back to the login page", "cookie sid\nfailed 3xx /login", func(w http.ResponseWriter, _ string) {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "anonymous"})
			w.Header().Set("Location", "/login?error")
			w.WriteHeader(302)
		}, "one of those that mean failed", false},
		{"no cookie", "cookie", answer(200, "text/html", ``), "sets no cookie", false},
		{"another cookie", "cookie sid", cookie(http.Cookie{Name: "theme", Value: "dark"}), "sets no cookie sid", false},
		{"a cookie of another domain", "cookie sid", cookie(http.Cookie{Name: "sid", Value: "1", Domain: "evil.example.com"}), "is for the domain evil.example.com", false},
		{"a cookie that is over", "cookie sid", cookie(http.Cookie{Name: "sid", Value: "1", Expires: time.Unix(1000000, 0)}), "over as soon as", false},
		{"a cookie that is taken away", "cookie sid", cookie(http.Cookie{Name: "sid", Value: "1", MaxAge: -1}), "over as soon as", false},
		{"an empty cookie", "cookie sid", cookie(http.Cookie{Name: "sid"}), "set to nothing", false},
		{"nothing for a name", "cookie sid\nsend header X-CSRF {login.cookie.csrf}", cookie(http.Cookie{Name: "sid", Value: "1"}), "nothing for {login.cookie.csrf}", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, test.answer)
			client, _ := clientOf(t, d.URL, "auth login POST /session?key={secret.key} {\nuser ada\npassword {env.SIGNIN_PASSWORD}\n"+test.lines+"\n}", "key", "verySecretToo")
			_, err := get(t, client)
			fault, is := errors.AsType[*web.Error](err)
			if !is || fault.Reason != "sign_in" || fault.MaybeSent || fault.RetryAfter <= 0 {
				t.Fatalf("%#v", err)
			}
			if text := err.Error(); !strings.Contains(text, test.want) || !strings.Contains(text, "the login call POST /session") {
				t.Errorf("%v, want %q", err, test.want)
			}
			if text := err.Error(); strings.Contains(text, "verySecret") || strings.ContainsAny(text, "\n\x1b") {
				t.Errorf("%q holds a secret or a line break", text)
			}
			if isFault := fault.RetryAfter < 30*time.Second; isFault != test.isFault {
				t.Errorf("the next attempt is in %s", fault.RetryAfter)
			}
			asked := d.count()
			if _, err = get(t, client); err == nil || d.count() != asked {
				t.Errorf("%v: signed in again at once", err)
			}
		})
	}
}

// An answer is success, or failed, by an expression, and the session is in use.
func TestLoginJudgedByExpression(t *testing.T) {
	d := newDesk(t, func(w http.ResponseWriter, token string) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"ok": true, "code": 0, "token": %q}`, token)
	})
	for _, line := range []string{"failed when `body.ok == false`", "failed 2xx when `body.code != 0`", "success when `body.ok && status == 200`",
		"success 200 \"ok\" when `header[\"content-type\"].startsWith(\"application/json\")`"} {
		client, _ := clientOf(t, d.URL, "auth login POST /session {\ntoken token\nsend header X-Session {token}\n"+line+"\n}")
		if status, err := get(t, client); status != 200 {
			t.Errorf("%s: %d, %v", line, status, err)
		}
	}
}

// The cookie goes where its path says, and nowhere else.
func TestCookiePath(t *testing.T) {
	d := newDesk(t, func(w http.ResponseWriter, token string) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: token, Path: "/api"})
	})
	d.isIn = func(r *http.Request, token string) bool {
		hasCookie := strings.Contains(r.Header.Get("Cookie"), "sid="+token)
		return hasCookie == strings.HasPrefix(r.URL.Path, "/api")
	}
	client, _ := clientOf(t, d.URL, "auth login POST /session {\ncookie sid\n}")
	for _, path := range []string{"/api/users", "/users"} {
		answer, err := client.Do(t.Context(), &web.Request{Method: "GET", URL: path})
		if err != nil || answer.Status != 200 {
			t.Errorf("%s: %v, %v", path, answer, err)
		}
	}
}

// A login call that wants a cookie, and a value, of a call before has both.
func TestCallBefore(t *testing.T) {
	t.Setenv("SIGNIN_PASSWORD", "pw")
	var seen []string
	d := newDesk(t, func(w http.ResponseWriter, token string) {})
	app := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/login" && r.Method == "GET":
			http.SetCookie(w, &http.Cookie{Name: "csrf", Value: "c1", Path: "/"})
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "s1", Path: "/"})
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"challenge": "42"}`)
			return
		case r.URL.Path == "/session":
			body, _ := io.ReadAll(r.Body)
			seen = append(seen, r.Header.Get("Cookie"), r.Header.Get("X-CSRF"), string(body))
			d.current = "s1" // the session of before is signed in
			return
		}
		d.ServeHTTP(w, r)
	})
	d.isIn = func(r *http.Request, token string) bool {
		return strings.Contains(r.Header.Get("Cookie"), "sid="+token)
	}
	client, _ := clientOf(t, app.URL, "auth login POST /session {\nbefore GET /login\nheader X-CSRF {before.cookie.csrf}\n"+
		"body form c={before.answer.challenge}\ncookie sid\n}")
	mustGet(t, client)
	if diff := cmp.Diff([]string{"csrf=c1; sid=s1", "c1", "c=42"}, seen); diff != "" {
		t.Error(diff)
	}
	client, _ = clientOf(t, app.URL, "auth login POST /session {\nbefore GET /login\nbody form c={before.answer.nonce}\ncookie sid\n}")
	if _, err := get(t, client); err == nil || !strings.Contains(err.Error(), "has nothing for {before.answer.nonce}") {
		t.Errorf("%v", err)
	}
	client, _ = clientOf(t, d.URL, "auth login POST /session {\nbefore GET /nowhere\ncookie sid\n}")
	if _, err := get(t, client); err == nil || !strings.Contains(err.Error(), "before the login call: it is answered with the status 401") {
		t.Errorf("%v", err)
	}
}

// An application may change its cookies with any answer.
func TestCookiesThatChange(t *testing.T) {
	d := newDesk(t, func(w http.ResponseWriter, token string) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: token, Path: "/"})
		http.SetCookie(w, &http.Cookie{Name: "csrf", Value: "0", Path: "/"})
	})
	n := 0
	app := serve(t, func(w http.ResponseWriter, r *http.Request) {
		want := fmt.Sprint(n)
		if r.URL.Path == "/users" && (r.Header.Get("X-CSRF") != want || !strings.Contains(r.Header.Get("Cookie"), "csrf="+want)) {
			w.WriteHeader(401)
			return
		}
		if r.URL.Path == "/users" {
			n++
			http.SetCookie(w, &http.Cookie{Name: "csrf", Value: fmt.Sprint(n), Path: "/"})
		}
		d.ServeHTTP(w, r)
	})
	d.isIn = func(r *http.Request, token string) bool {
		return strings.Contains(r.Header.Get("Cookie"), "sid="+token)
	}
	client, _ := clientOf(t, app.URL, "auth login POST /session {\ncookie sid\nsend header X-CSRF {login.cookie.csrf}\n}")
	for range 5 {
		mustGet(t, client)
	}
	if d.count() != 1 {
		t.Errorf("signed in %d times", d.count())
	}
}

// What needs no session signs the login call, and a signature signs the session too.
func TestLoginBesideAKey(t *testing.T) {
	t.Setenv("SIGNIN_PASSWORD", "pw")
	d := newDesk(t, inJSON)
	keyed := d.isIn
	d.isIn = func(r *http.Request, token string) bool {
		return keyed(r, token) && r.Header.Get("X-Gateway") == "front" && r.Header.Get("X-Signature") != ""
	}
	client, _ := clientOf(t, d.URL, "auth hmac sha256 k {\nmessage {request.header.X-Session}{request.body}\nsend header X-Signature {signature}\n}\n"+
		strings.Replace(jsonLogin, "/session", "/session?x=1", 1)+"}\nauth header X-Gateway front")
	// {request.header.X-Session} is not there in the login call.
	_, err := get(t, client)
	if err == nil || !strings.Contains(err.Error(), "X-Session") {
		t.Errorf("%v: a signature of a header that is missing", err)
	}
	client, _ = clientOf(t, d.URL, "auth hmac sha256 k {\nmessage {request.header.X-Session?}{request.body}\nsend header X-Signature {signature}\n}\n"+
		strings.Replace(jsonLogin, "/session", "/session?x=1", 1)+"}\nauth header X-Gateway front")
	mustGet(t, client)
	if h := d.logins[0].header; h.Get("X-Gateway") != "front" || h.Get("X-Signature") == "" {
		t.Errorf("the login call is not signed: %v", h)
	}
}

// The password that was put right on disk is used at once.
func TestPasswordRotated(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	d := newDesk(t, nil)
	good := "old"
	d.answer = func(w http.ResponseWriter, token string) {
		if !strings.Contains(d.logins[len(d.logins)-1].body, good) {
			d.current = ""
			w.WriteHeader(401)
			return
		}
		inJSON(w, token)
	}
	client, _ := clientOf(t, d.URL, strings.Replace(jsonLogin, "{env.SIGNIN_PASSWORD}", "{file."+file+"}", 1)+"}")
	mustGet(t, client)
	d.mu.Lock()
	good, d.current = "new", ""
	d.mu.Unlock()
	for range 5 {
		if _, err := get(t, client); err == nil {
			t.Fatal("signed in with the old password")
		}
	}
	if n := d.count(); n != 2 {
		t.Errorf("signed in %d times, want 2: the wrong password is to be sent once", n)
	}
	write("new")
	mustGet(t, client)
}

// The session is ended when the last one has let go of the client.
func TestLogout(t *testing.T) {
	t.Setenv("SIGNIN_PASSWORD", "pw")
	for _, line := range []string{"logout DELETE /session", "logout POST /logout?sid={token}"} {
		d := newDesk(t, inJSON)
		client, _ := clientOf(t, d.URL, jsonLogin+line+"\n}")
		release := client.Lease()
		mustGet(t, client)
		if err := client.Destruct(); err != nil {
			t.Fatal(err)
		}
		mustGet(t, client) // what is under way is served
		release()
		for deadline := time.Now().Add(10 * time.Second); ; {
			d.mu.Lock()
			left := d.left
			d.mu.Unlock()
			want := strings.Replace(strings.TrimPrefix(line, "logout "), "{token}", "s1", 1)
			if len(left) == 1 && left[0] == want {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%v, want %s", left, want)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// The token goes where a call names it, encoded for the place, and is another one after
// a new login.
func TestSessionInTheCall(t *testing.T) {
	t.Setenv("SIGNIN_PASSWORD", "pw")
	const token = `a"&<b/c d`
	d := newDesk(t, nil)
	d.answer = func(w http.ResponseWriter, _ string) {
		d.current = token
		inJSON(w, token)
	}
	var got struct {
		url, header, body string
		length            int64
	}
	d.isIn = func(r *http.Request, _ string) bool {
		got.url, got.header = r.RequestURI, r.Header.Get("X-Sid")
		return true
	}
	client, s := clientOf(t, d.URL, strings.Replace(jsonLogin, "send header X-Session {token}", "send none", 1)+"}")
	if len(s.Masked()) > 0 {
		t.Errorf("%v is sent", s.Masked())
	}
	value, ok := s.Session()
	if !ok {
		t.Fatal("there is no session")
	}
	mark := strings.Trim(value.JSON, `"`)
	for contentType, want := range map[string]string{
		"application/json; charset=utf-8":   `{"auth":"a\"&<b/c d"}`,
		"application/x-www-form-urlencoded": `{"auth":"a%22%26%3Cb%2Fc+d"}`,
		"text/xml":                          `{"auth":"a&#34;&amp;&lt;b/c d"}`,
		"text/plain":                        `{"auth":"a"&<b/c d"}`,
	} {
		answer, err := client.Do(t.Context(), &web.Request{Method: "POST", URL: "/users/" + mark + "?sid=" + mark, Body: []byte(`{"auth":"` + mark + `"}`),
			Header: http.Header{"Content-Type": {contentType}, "X-Sid": {"sid " + mark}}})
		if err != nil {
			t.Fatal(err)
		}
		body := string(answer.Body)
		if contentType == "application/json; charset=utf-8" {
			body = strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\/`, "/").Replace(body)
		}
		if body != want || got.url != "/users/a%22&%3Cb%2Fc%20d?sid=a%22%26%3Cb%2Fc+d" || got.header != "sid "+token {
			t.Errorf("%s: %s, %s, %s", contentType, answer.Body, got.url, got.header)
		}
	}
	if text := signin.Hide("the session "+token+" with pw is not known", s.Hidden()...); text != "the session *** with pw is not known" {
		t.Error(text)
	}
}

func TestLoginMistakes(t *testing.T) {
	t.Setenv("SIGNIN_PASSWORD", "pw")
	tests := []struct{ name, auth, want string }{
		{"no method", "auth login /session", "write auth login <method> <url>"},
		{"small letters", "auth login post /session {\ncookie\n}", "no method of HTTP"},
		{"unknown line", "auth login POST /session {\nusername ada\n}", "there is no username here"},
		{"twice", "auth login POST /session {\nuser a\nuser b\n}", "user is given twice"},
		{"unknown name", "auth login POST /session {\nbody json `{\"u\": \"{login}\"}`\n}", "{login} is not known here: there are {user}"},
		{"no user", "auth login POST /session {\nbody json `{\"u\": \"{user}\"}`\n}", "where there is a line user"},
		{"unknown body", "auth login POST /session {\nbody yaml x\n}", "body yaml is not known"},
		{"no such secret", "auth login POST /session {\nbody json `{\"u\": \"{secret.x}\"}`\n}", "add a line secret x"},
		{"before without a call", "auth login POST /session {\nbefore /login\ncookie\n}", "write before <method> <url>"},
		{"before that is not made", "auth login POST /session {\nheader X {before.cookie.a}\ncookie\n}", "{before.cookie.a} is not known here"},
		{"two tokens", "auth login POST /session {\ntoken a\ntoken_header b\n}", "exclude each other"},
		{"no token to send", "auth login POST /session {\nsend header X {token}\n}", "{token} is not known here"},
		{"a bad header", "auth login POST /session {\ntoken a\nsend header `X Y` {token}\n}", "no name of a header"},
		{"send to nowhere", "auth login POST /session {\ntoken a\nsend cookie x {token}\n}", "write send header"},
		{"spaces", "auth login POST /session {\ntoken a\nsend header X Bearer {token}\n}", "into quotes"},
		{"a bad status", "auth login POST /session {\nfailed 99 x y\n}", "failed is not understood"},
		{"an expression that is none", "auth login POST /session {\nfailed when `bod.ok`\n}", "there is no bod: the variables here are status, body, header"},
		{"an expression that is never true", "auth login POST /session {\nsuccess 200 when `\"ok\"`\n}", "never true or false"},
		{"when without an expression", "auth login POST /session {\nfailed 200 when\n}", "failed is not understood"},
		{"failed without anything", "auth login POST /session {\nfailed\n}", "failed is not understood"},
		{"a duration", "auth login POST /session {\nvalid soon\n}", "valid soon is not a duration"},
		{"an answer", "auth login POST /session {\nanswer yaml\n}", "answer yaml is not known"},
		{"two sessions", "auth login POST /session {\ncookie\n}\nauth oauth2 https://x/ {\nclient a b\n}", "one session"},
		{"one header twice", "auth basic a b\nauth oauth2 https://x/ {\nclient a b\n}", "auth basic and auth oauth2 both send the header Authorization"},
		{"one header twice in a scheme", "auth hmac sha256 k {\nmessage x\nsend header X {signature}\nsend header x {signature}\n}", "both send the header X"},
		{"oauth2 without client", "auth oauth2 https://login.example.com/token", "write client <id> <secret>"},
		{"oauth2 with a bad URL", "auth oauth2 login.example.com/token {\nclient a b\n}", "not a URL"},
		{"oauth2 with a user", "auth oauth2 https://a:verySecret@login.example.com/token {\nclient a b\n}", "not a URL"},
		{"client_auth", "auth oauth2 https://x/ {\nclient a b\nclient_auth basic\n}", "it is header or body"},
		{"client_auth without secret", "auth oauth2 https://x/ {\nclient a\nclient_auth header\n}", "needs the client's secret"},
		{"reserved", "auth oauth2 https://x/ {\nclient a b\nparameter scope x\n}", "has a line of its own"},
		{"twice the parameter", "auth oauth2 https://x/ {\nclient a b\nparameter y x\nparameter y z\n}", "given twice"},
		{"two grants", "auth oauth2 https://x/ {\nclient a b\nparameter grant_type password\nrefresh_token x\n}", "exclude each other"},
		{"hmac unknown", "auth hmac sha3 k {\nmessage x\nsend header X {signature}\n}", "sha3 is not known"},
		{"hmac without message", "auth hmac sha256 k {\nsend header X {signature}\n}", "what is signed is missing"},
		{"hmac without send", "auth hmac sha256 k {\nmessage x\n}", "where the signature goes is missing"},
		{"hmac without signature", "auth hmac sha256 k {\nmessage x\nsend header X {request.timestamp}\n}", "no send has {signature}"},
		{"hmac that signs itself", "auth hmac sha256 k {\nmessage {signature}\nsend header X {signature}\n}", "{signature} is not known here"},
		{"hmac unknown name", "auth hmac sha256 k {\nmessage {request.url}\nsend header X {signature}\n}", "{request.url} is not known here: there are {request.method}"},
		{"hmac unknown digest", "auth hmac sha256 k {\nmessage {request.body_sha3}\nsend header X {signature}\n}", "not known here"},
		{"hmac key", "auth hmac sha256 verySecret {\nkey hex\nmessage x\nsend header X {signature}\n}", "the secret is not hex"},
		{"hmac key form", "auth hmac sha256 k {\nkey binary\nmessage x\nsend header X {signature}\n}", "it is raw, base64 or hex"},
		{"hmac encode", "auth hmac sha256 k {\nencode base32\nmessage x\nsend header X {signature}\n}", "encode base32 is not known"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := parse(test.auth)
			if err == nil {
				_, err = signin.New(c, nil, nil)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), "verySecret") {
				t.Errorf("a secret is told: %v", err)
			}
		})
	}
}
