package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
)

// signer signs in with one key after the other.
type signer struct {
	keys []string
	err  error

	mu      sync.Mutex
	refused int
	signed  []string
}

func (s *signer) Sign(_ context.Context, r *http.Request, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signed = append(s.signed, r.Method+" "+r.URL.Path+" "+string(body))
	if s.err != nil {
		return s.err
	}
	r.Header.Set("X-Key", s.keys[min(s.refused, len(s.keys)-1)])
	return nil
}

func (s *signer) Refused(context.Context, *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused++
	return s.refused < len(s.keys)
}

func TestSigner(t *testing.T) {
	var mu sync.Mutex
	var got []string
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		got = append(got, r.URL.Path+" "+r.Header.Get("X-Key")+" "+string(body))
		isFirst := len(got) == 1
		mu.Unlock()
		switch {
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
		case r.URL.Path == "/busy" && isFirst:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.Header.Get("X-Key") == "old", r.Header.Get("X-Key") == "":
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	for _, test := range []struct {
		name   string
		keys   []string
		r      Request
		status int
		got    []string
	}{
		{"taken", []string{"new"}, Request{URL: "/"}, 200, []string{"/ new {}"}},
		{"refused once", []string{"old", "new"}, Request{URL: "/"}, 200, []string{"/ old {}", "/ new {}"}},
		{"refused twice", []string{"old", "old", "new"}, Request{URL: "/"}, 401, []string{"/ old {}", "/ old {}"}},
		{"refused for good", []string{"old"}, Request{URL: "/"}, 401, []string{"/ old {}"}},
		{"unsigned", []string{"new"}, Request{URL: "/", Unsigned: true}, 401, []string{"/  {}"}},
		{"each sending", []string{"new"}, Request{URL: "/busy"}, 200, []string{"/busy new {}", "/busy new {}"}},
		{"after a redirect", []string{"old", "new"}, Request{URL: "/moved"}, 200, []string{"/moved old {}", "/here old {}", "/here new {}"}},
		{"refused otherwise", []string{"old", "new"}, Request{URL: "/", IsRefused: func(r *Response) bool { return r.Status == 200 }}, 401, []string{"/ old {}"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			mu.Lock()
			got = nil
			mu.Unlock()
			c, _ := client(t, base, Config{})
			s := &signer{keys: test.keys}
			c.UseSigner(s)
			test.r.Method, test.r.Body = "POST", []byte("{}")
			response, err := c.Do(t.Context(), &test.r)
			if err != nil || response.Status != test.status {
				t.Errorf("got %+v, %v; want %d", response, err, test.status)
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(test.got, got); diff != "" {
				t.Error(diff)
			}
			for _, one := range s.signed {
				if !strings.HasSuffix(one, "{}") {
					t.Errorf("signed without its body: %s", one)
				}
			}
		})
	}
}

// TestSignInFails: nothing is sent, and how long that lasts is passed on.
func TestSignInFails(t *testing.T) {
	base := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	c, seen := client(t, base, Config{})
	c.UseSigner(&signer{err: &Error{MaybeSent: true, Reason: "busy", RetryAfter: 7, Err: errors.New("no token")}})
	response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/"})
	e := failure(t, response, err)
	if e.Reason != "sign_in" || e.MaybeSent || e.RetryAfter != 7 || e.Error() != "signing in: no token" {
		t.Errorf("got %+v", e)
	}
	if diff := cmp.Diff([]string{"POST sign_in"}, seen.all()); diff != "" {
		t.Error(diff)
	}
}

// loginSigner logs in by a request through the client.
type loginSigner struct{ client *Client }

func (s loginSigner) Sign(ctx context.Context, r *http.Request, _ []byte) error {
	response, err := s.client.Do(ctx, &Request{Method: "POST", URL: "/login", Unsigned: true})
	if err != nil {
		return err
	}
	r.Header.Set("X-Key", string(response.Body))
	return nil
}

func (loginSigner) Refused(context.Context, *http.Request) bool { return false }

// TestLoginWithinTheLimits: requests that all wait for a login do not keep it from
// being made.
func TestLoginWithinTheLimits(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			_, _ = io.WriteString(w, "token")
		} else if r.Header.Get("X-Key") != "token" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	c, _ := client(t, base, Config{Connections: 1, Rate: 1000, Per: caddy.Duration(1e9)})
	c.UseSigner(loginSigner{c})
	done := make(chan error)
	for range 4 {
		go func() {
			response, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/"})
			if err == nil && response.Status != 200 {
				err = errors.New(http.StatusText(response.Status))
			}
			done <- err
		}()
	}
	var all []error
	for range 4 {
		all = append(all, <-done)
	}
	if slices.ContainsFunc(all, func(err error) bool { return err != nil }) {
		t.Errorf("got %v", all)
	}
}

// TestLoginIsTheTrial: after a break the login is the request that is let through,
// and the one that waits for it goes on.
func TestLoginIsTheTrial(t *testing.T) {
	var isBroken atomic.Bool
	isBroken.Store(true)
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if isBroken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	c, _ := client(t, base, Config{BreakAfter: 1, BreakFor: caddy.Duration(1e6)})
	if response, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/"}); err != nil || response.Status != 500 {
		t.Fatalf("got %+v, %v", response, err)
	}
	isBroken.Store(false)
	c.UseSigner(loginSigner{c})
	for c.breaker.check(t.Context()) != nil {
		if wait(t.Context(), 1e6) != nil {
			t.Fatal("the break does not end")
		}
	}
	if response, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/"}); err != nil || response.Status != 200 {
		t.Errorf("got %+v, %v", response, err)
	}
}
