package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// TestRate: within any period there are no more requests than allowed, and nearly as
// many.
func TestRate(t *testing.T) {
	for _, test := range []struct {
		rate int
		per  time.Duration
	}{{1, time.Second}, {2, time.Second}, {10, time.Second}, {100, time.Minute}, {600, time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimits(Config{Connections: 1, Rate: test.rate, Per: caddy.Duration(test.per)})
			time.Sleep(time.Hour) // so that all that can be saved up is
			var sent []time.Time
			for range 5 * test.rate {
				leave, failure := l.enter(t.Context(), false)
				if failure != nil {
					t.Fatal(failure)
				}
				sent = append(sent, time.Now())
				leave()
			}
			for i := test.rate; i < len(sent); i++ {
				// A nanosecond is lost in the limiter's floating point.
				if within := sent[i].Sub(sent[i-test.rate]); within < test.per-time.Microsecond {
					t.Fatalf("%d per %s: %d requests within %s", test.rate, test.per, test.rate+1, within)
				}
			}
			if took, least := sent[len(sent)-1].Sub(sent[0]), 5*test.per; took > least*5/4 {
				t.Errorf("%d per %s: %d requests took %s, want about %s", test.rate, test.per, len(sent), took, least)
			}
		})
	}
}

// TestRateIsForThoseWhoCanWait: who would wait beyond its deadline is told at once, and
// takes no place.
func TestRateIsForThoseWhoCanWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(Config{Connections: 2, Rate: 1, Per: caddy.Duration(time.Minute)})
		enter := func(ctx context.Context) *Error {
			leave, failure := l.enter(ctx, false)
			if failure == nil {
				leave()
			}
			return failure
		}
		if failure := enter(t.Context()); failure != nil {
			t.Fatal(failure)
		}
		short, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		for range 5 {
			if e := enter(short); e == nil || e.Reason != "busy" || e.MaybeSent || e.RetryAfter != time.Minute || time.Since(began) != 0 {
				t.Fatalf("got %+v after %s", e, time.Since(began))
			}
		}
		gone, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		if e := enter(gone); e == nil || e.Reason != "canceled" || !errors.Is(e, context.Canceled) {
			t.Errorf("who goes meanwhile: got %+v", e)
		}
		if failure := enter(t.Context()); failure != nil || time.Since(began) != time.Minute {
			t.Errorf("who can wait: got %v after %s, want it after a minute", failure, time.Since(began))
		}
	})
}

// TestConnections: no more requests are under way than allowed; who waits for too long
// was not sent.
func TestConnections(t *testing.T) {
	var under, most atomic.Int32
	full, release := make(chan struct{}, 3), make(chan struct{})
	base := serve(t, func(http.ResponseWriter, *http.Request) {
		if n := under.Add(1); n > most.Load() {
			most.Store(n)
		}
		full <- struct{}{}
		<-release
		under.Add(-1)
	})
	c, seen := client(t, base, Config{Connections: 3})
	done := make(chan error, 9)
	ask := func() {
		_, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/"})
		done <- err
	}
	for range 3 {
		go ask()
	}
	for range 3 {
		<-full
	}
	response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/", Timeout: time.Millisecond})
	if e := failure(t, response, err); e.Reason != "busy" || e.MaybeSent || e.RetryAfter == 0 || !strings.Contains(e.Error(), "3 requests are under way") {
		t.Errorf("got %+v", e)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	response, err = c.Do(gone, &Request{Method: "POST", URL: "/"})
	if e := failure(t, response, err); e.Reason != "canceled" || e.MaybeSent {
		t.Errorf("who has gone: got %+v", e)
	}
	for range 6 {
		go ask()
	}
	go func() {
		for range 6 {
			<-full
		}
	}()
	close(release)
	for range 9 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if most.Load() != 3 {
		t.Errorf("%d requests were under way at a time, want 3", most.Load())
	}
	if got := seen.all()[0]; got != "POST busy" {
		t.Errorf("observed %s first", got)
	}
}
