package web

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// TestBreaker: after some failures in a row nothing is sent for a while; then one
// request is, and what becomes of it decides.
func TestBreaker(t *testing.T) {
	var got atomic.Int32
	var status atomic.Int32
	hold := make(chan struct{})
	began := make(chan struct{}, 1)
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got.Add(1)
		if r.URL.Path == "/hold" {
			began <- struct{}{}
			<-hold
		}
		w.WriteHeader(int(status.Load()))
	})
	core, logs := observer.New(zapcore.InfoLevel)
	c, err := New(Config{BreakAfter: 3, BreakFor: caddy.Duration(20 * time.Millisecond), Retries: -1}, base, zap.New(core), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Destruct()
	ask := func(url string) (*Response, error) { return c.Do(t.Context(), &Request{Method: "POST", URL: url}) }
	answered := func(code int32) {
		t.Helper()
		status.Store(code)
		if response, err := ask("/"); err != nil || response.Status != int(code) {
			t.Fatalf("got %+v, %v; want %d", response, err, code)
		}
	}
	broken := func() {
		t.Helper()
		before := got.Load()
		response, err := ask("/")
		e := failure(t, response, err)
		if e.Reason != "breaker" || e.MaybeSent || e.RetryAfter < time.Second || got.Load() != before {
			t.Fatalf("got %+v, sent %t", e, got.Load() != before)
		}
	}
	passed := func() {
		t.Helper()
		for c.breaker.check(t.Context()) != nil {
			if wait(t.Context(), time.Millisecond) != nil {
				t.Fatal("the break does not end")
			}
		}
	}
	// What is not in a row, and what is the request's own fault, breaks nothing.
	for _, code := range []int32{500, 502, 404, 500, 500, 200, 500, 500, 422, 429, 401, 400, 409, 403} {
		answered(code)
	}
	answered(500)
	answered(503)
	answered(500)
	broken()
	// The trial fails: broken again.
	passed()
	answered(500)
	broken()
	// While one is let through, others are not.
	passed()
	status.Store(200)
	done := make(chan error)
	go func() {
		_, err := ask("/hold")
		done <- err
	}()
	<-began
	broken()
	close(hold)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	answered(200)
	if n := logs.FilterMessageSnippet("no request is sent to it").Len(); n != 2 {
		t.Errorf("%d messages that it is broken, want 2", n)
	}
	if n := logs.FilterMessageSnippet("answers again").Len(); n != 1 {
		t.Errorf("%d messages that it answers again, want 1", n)
	}
}

// TestWhatBreaks: connections that fail and silence do, a caller who goes does not.
func TestWhatBreaks(t *testing.T) {
	const always = 50
	mute := listen(t, func(_ int, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	cutting := listen(t, func(_ int, c net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(c)) })
	large := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "123") })
	for _, test := range []struct {
		name, base string
		within     time.Duration // of the client
		patience   time.Duration // of the caller
		goes       bool
		breaks     bool
	}{
		{"refused", closedPort(t), 0, 0, false, true},
		{"cut", cutting, 0, 0, false, true},
		{"silent", mute, 2 * time.Millisecond, 0, false, true},
		{"too little time left", mute, time.Minute, time.Millisecond, false, false},
		{"gone", mute, 0, 0, true, false},
		{"too large", large, 0, 0, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, _ := client(t, test.base, Config{BreakAfter: 3, Retries: -1, Timeout: caddy.Duration(test.within), MaxAnswer: 1})
			for n := 1; n <= always; n++ {
				ctx, cancel := context.WithCancel(t.Context())
				if test.patience > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.patience)
				}
				if test.goes {
					time.AfterFunc(time.Millisecond, cancel)
				}
				response, err := c.Do(ctx, &Request{Method: "GET", URL: "/"})
				cancel()
				e := failure(t, response, err)
				if (e.Reason == "breaker") != (test.breaks && n > 3) {
					t.Fatalf("request %d: got %s: %v", n, e.Reason, e)
				}
				if n == 5 && test.breaks {
					break
				}
			}
		})
	}
}

// TestBreakWhileRepeating: what broke says more than that it is broken, and when to
// come again.
func TestBreakWhileRepeating(t *testing.T) {
	c, seen := client(t, closedPort(t), Config{BreakAfter: 2})
	response, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/"})
	if e := failure(t, response, err); e.Reason != "connect" || e.RetryAfter == 0 || !strings.Contains(e.Error(), "refused") {
		t.Errorf("got %+v", e)
	}
	if got := len(seen.all()); got != 2 {
		t.Errorf("%d requests, want 2", got)
	}
}

// TestNoBreaker: where it is off each request is tried.
func TestNoBreaker(t *testing.T) {
	c, _ := client(t, closedPort(t), Config{BreakAfter: -1, Retries: -1})
	for range 30 {
		response, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/"})
		if e := failure(t, response, err); e.Reason != "connect" {
			t.Fatalf("got %+v", e)
		}
	}
}
