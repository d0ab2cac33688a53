package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/translators"
)

// Caddy's matcher of paths is without case and merges slashes: what comes here
// under a base that is mistyped must not go on to a handler, or to Caddy itself,
// that answers a disable with an empty 200.
func TestBelow(t *testing.T) {
	h := &Handler{Base: "/scim/v2"}
	for path, want := range map[string]string{
		"/scim/v2":              "",
		"/scim/v2/":             "/",
		"/scim/v2/Users":        "/Users",
		"/scim/v2//Users":       "/Users",
		"/scim/v2/Users/../x":   "/Users/../x",
		"/SCIM/v2/Users":        "/Users",
		"/Scim/V2":              "",
		"//scim/v2/Users":       "/Users",
		"/scim//v2/Users/1":     "/Users/1",
		"/scim/./v2/Users":      "/Users",
		"/x/../scim/v2/Users/1": "/Users/1",
	} {
		if got, _, ok := h.below(path); !ok || got != want {
			t.Errorf("%s: %q %t, want %q", path, got, ok, want)
		}
	}
	for _, path := range []string{"", "/", "/scim", "/scim/v", "/scim/v2x", "/scim/v2x/Users", "/x/scim/v2", "/scim/v2;a/Users"} {
		if rest, _, ok := h.below(path); ok {
			t.Errorf("%s is for the gateway, as %q", path, rest)
		}
	}
	b := works()
	served, _ := newHandler(t, b, nil)
	for _, path := range []string{"/SCIM/v2/Users/" + userID, "//scim/v2/Users/" + userID} {
		r := httptest.NewRequest("PATCH", "/", strings.NewReader(disableAda))
		r.URL.Path = path
		w := httptest.NewRecorder()
		server{served}.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d %s", path, w.Code, w.Body)
		}
	}
}

// What a request said is not in the log at the level that is on in production,
// also when an error stands beside a disable.
func TestLogQuotesNoValues(t *testing.T) {
	b := works()
	h, logs := newHandler(t, b, func(h *Handler) { h.Policy = policy.Policy{Protect: []string{`displayName co "Confidential"`}} })
	const value = "Confidential-4711"
	for _, rest := range []string{
		`{"op":"replace","path":"emails[type eq \"work\"].primary","value":"%s"}`,
		`{"op":"%s","path":"title"}`,
		`{"op":"replace","path":"displayName","value":"%s"}`,
		`{"op":"replace","path":"x509Certificates","value":[{"value":"%s!"}]}`,
	} {
		body := `{"Operations":[{"op":"replace","path":"active","value":false},` + fmt.Sprintf(rest, value) + `]}`
		answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, body)
		if answer.Code < 400 || !strings.Contains(answer.Body.String(), "The account was disabled.") {
			t.Errorf("%s: %d %s", body, answer.Code, answer.Body)
		}
	}
	if logs.Len() == 0 {
		t.Error("nothing was logged")
	}
	for _, entry := range logs.All() {
		if text := fmt.Sprint(entry.Message, entry.ContextMap()); strings.Contains(text, value) {
			t.Errorf("the log has: %s", text)
		}
	}
}

// A body that is compressed is refused by that name, and changes nothing.
func TestCompressedBody(t *testing.T) {
	b := works()
	h, _ := newHandler(t, b, nil)
	answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda, "Content-Encoding: gzip")
	if answer.Code != http.StatusUnsupportedMediaType || !strings.Contains(answer.Body.String(), "Content-Encoding") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if len(b.plans) > 0 {
		t.Errorf("it was planned: %v", b.plans)
	}
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda, "Content-Encoding: identity"); answer.Code != http.StatusOK {
		t.Errorf("identity: %d %s", answer.Code, answer.Body)
	}
}

// A caller that announces a body and does not send it is answered all the same,
// and holds nothing for ever.
func TestBodyThatDoesNotCome(t *testing.T) {
	drainTimeout = 200 * time.Millisecond
	t.Cleanup(func() { drainTimeout = 5 * time.Second })
	h, _ := newHandler(t, works(), func(h *Handler) { h.Timeout = caddy.Duration(300 * time.Millisecond) })
	site := httptest.NewServer(server{h})
	t.Cleanup(site.Close)
	for name, test := range map[string]struct {
		token, length string
		want          int
	}{
		"no token":          {"none", "Content-Length: 1000", 401},
		"no token, chunked": {"none", "Transfer-Encoding: chunked", 401},
		"no token, large":   {"none", "Content-Length: 99000000", 401},
		"too large":         {secret, "Content-Length: 99000000", 413},
		"slow":              {secret, "Content-Length: 1000", 408},
		"slow, chunked":     {secret, "Transfer-Encoding: chunked", 408},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", site.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "PATCH /scim/v2/Users/%s HTTP/1.1\r\nHost: scim\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n", userID, test.token, test.length)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			defer response.Body.Close()
			if response.StatusCode != test.want {
				t.Errorf("answered %d, want %d", response.StatusCode, test.want)
			}
		})
	}
}

// A connection goes on to serve after a body that was read in time, however long
// ago that was, and a refused request leaves nothing on it that could be taken
// for another request.
func TestConnectionAfterABody(t *testing.T) {
	b := works()
	h, _ := newHandler(t, b, func(h *Handler) { h.Timeout = caddy.Duration(150 * time.Millisecond) })
	site := httptest.NewServer(server{h})
	t.Cleanup(site.Close)
	conn, err := net.Dial("tcp", site.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	request := func(token, body string) int {
		t.Helper()
		fmt.Fprintf(conn, "PATCH /scim/v2/Users/%s HTTP/1.1\r\nHost: scim\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", userID, token, len(body), body)
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("no answer: %v", err)
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode
	}
	if got := request(secret, disableAda); got != 200 {
		t.Errorf("answered %d", got)
	}
	// Longer than the request's own time: a deadline that was left behind would
	// have ended the connection.
	pause := time.NewTimer(400 * time.Millisecond)
	<-pause.C
	smuggled := "DELETE /scim/v2/Users/" + userID + " HTTP/1.1\r\nHost: scim\r\nAuthorization: Bearer " + secret + "\r\n\r\n"
	if got := request("wrong", smuggled); got != 401 {
		t.Errorf("a wrong token: answered %d", got)
	}
	if got := request(secret, disableAda); got != 200 {
		t.Errorf("after a refusal: answered %d", got)
	}
	for _, intent := range b.plans {
		if intent.Action == "delete" {
			t.Error("the body of a refused request was taken for a request")
		}
	}
}

// A panic on the way of a request is an answer with its id, and the lock is free
// again.
func TestPanicIsAnswered(t *testing.T) {
	b := works()
	h, logs := newHandler(t, b, nil)
	b.plan = func(translators.Intent) *translators.Plan { panic("out of order") }
	answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda)
	if answer.Code != http.StatusInternalServerError || strings.Contains(answer.Body.String(), "out of order") {
		t.Errorf("answered %d %s", answer.Code, answer.Body)
	}
	if logs.FilterMessage("scim request panicked").Len() != 1 {
		t.Error("the panic is not in the log")
	}
	b.plan = nil
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda); answer.Code != http.StatusOK {
		t.Errorf("afterwards: %d %s", answer.Code, answer.Body)
	}
}

// Requests that are under way while a configuration is taken down note their
// credential without a data race.
func TestRequestsWhileTakenDown(t *testing.T) {
	h, _ := newHandler(t, works(), nil)
	var asking sync.WaitGroup
	begun := make(chan struct{})
	var once sync.Once
	for range 4 {
		asking.Go(func() {
			for range 50 {
				if answer := ask(h, "GET", "/scim/v2/Users/"+userID, ""); answer.Code != http.StatusOK {
					t.Errorf("answered %d %s", answer.Code, answer.Body)
				}
				once.Do(func() { close(begun) })
			}
		})
	}
	<-begun
	if err := h.Cleanup(); err != nil {
		t.Error(err)
	}
	asking.Wait()
	if err := h.Cleanup(); err != nil {
		t.Error(err)
	}
	activities.mu.Lock()
	defer activities.mu.Unlock()
	if _, is := activities.gateways[h.Name]; is {
		t.Error("the gateway's credentials are still reported")
	}
}

// Everybody who waited for a lock and gave up leaves nothing behind, and nobody
// holds it together with another.
func TestLocks(t *testing.T) {
	table := lockTable{held: make(map[string]*heldLock)}
	holders := 0
	var using sync.WaitGroup
	for n := range 200 {
		using.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n%20)*time.Millisecond)
			defer cancel()
			unlock, err := table.lock(ctx, "gateway", []string{"User", "USER"}[n%2], fmt.Sprint(n%4))
			if err != nil {
				return
			}
			if n%4 == 0 {
				holders++ // the race detector looks
			}
			unlock()
		})
	}
	using.Wait()
	if len(table.held) != 0 {
		t.Errorf("%d locks are left behind", len(table.held))
	}
	if holders == 0 {
		t.Error("nobody got the lock")
	}
}
