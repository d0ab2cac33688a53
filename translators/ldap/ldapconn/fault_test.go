package ldapconn_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

func TestFailoverAndReturn(t *testing.T) {
	t.Parallel()
	first, second := startServer(t, slapd.Options{}), startServer(t, slapd.Options{})
	pool := newPool(t, nil, first.URL(), second.URL())
	mustFind(t, pool)
	if got := pool.Server(); got != first.URL() {
		t.Fatalf("asks %s, want the preferred %s", got, first.URL())
	}
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	mustFind(t, pool)
	if got := pool.Server(); got != second.URL() {
		t.Fatalf("asks %s, want %s", got, second.URL())
	}
	if _, err := pool.Modify(t.Context(), describe("on the second")); err != nil {
		t.Fatalf("writing after the failover: %v", err)
	}
	if got := description(t, second); got != "on the second" {
		t.Errorf("description on the second is %q", got)
	}
	if err := first.Restart(); err != nil {
		t.Fatal(err)
	}
	// The way back must not cost a single request.
	waitFor(t, "the preferred server to be used again", func() bool {
		mustFind(t, pool)
		return pool.Server() == first.URL()
	})
	mustFind(t, pool)
}

func TestReturnKeepsRequestsInFlight(t *testing.T) {
	t.Parallel()
	first, second := startServer(t, slapd.Options{}), startServer(t, slapd.Options{})
	proxy := slapd.NewProxy(t, second.Addr())
	pool := newPool(t, nil, first.URL(), proxy.URL())
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	mustFind(t, pool)
	held, release := make(chan struct{}), make(chan struct{})
	proxy.OnRequest(func(operation int) slapd.Action {
		if operation == ldap.ApplicationModifyRequest {
			close(held)
			<-release
		}
		return slapd.Forward
	})
	written := make(chan error, 1)
	go func() {
		_, err := pool.Modify(context.Background(), describe("held"))
		written <- err
	}()
	<-held
	if err := first.Restart(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the preferred server to be used again", func() bool { return pool.Server() == first.URL() })
	mustFind(t, pool)
	close(release)
	if err := <-written; err != nil {
		t.Errorf("the write in flight: %v", err)
	}
	if got := description(t, second); got != "held" {
		t.Errorf("description is %q", got)
	}
	waitFor(t, "the former server's connections to close", func() bool { return proxy.Connections() == 0 })
}

func TestFrozenServer(t *testing.T) {
	t.Parallel()
	first, second := startServer(t, slapd.Options{}), startServer(t, slapd.Options{})
	for name, test := range map[string]struct {
		servers []string
		read    bool
		serves  bool
	}{
		"read moves on to the next":    {[]string{first.URL(), second.URL()}, true, true},
		"read without another":         {[]string{first.URL()}, true, false},
		"write is unknown":             {[]string{first.URL(), second.URL()}, false, false},
		"write without another, again": {[]string{first.URL()}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			pool := newPool(t, quick, test.servers...)
			mustFind(t, pool)
			if err := first.Freeze(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := first.Thaw(); err != nil {
					t.Error(err)
				}
			})
			started := time.Now()
			var err error
			if test.read {
				err = find(t.Context(), pool)
			} else {
				_, err = pool.Modify(t.Context(), describe("frozen"))
			}
			// One request timeout, one dial, one more request at most; the
			// rest is for a slow machine.
			if took := time.Since(started); took > 3*time.Second {
				t.Errorf("it took %s", took)
			}
			switch {
			case test.serves:
				if err != nil {
					t.Fatal(err)
				}
			case test.read:
				if got := failure(t, err, ldapconn.NotSent); !got.Timeout() || got.RetryAfter <= 0 {
					t.Errorf("timeout %t, retry after %s; want both (%v)", got.Timeout(), got.RetryAfter, err)
				}
			default:
				if got := failure(t, err, ldapconn.Unknown); !got.Timeout() {
					t.Errorf("%v is not a timeout", err)
				}
				// The next request does not wait for the same server again.
				if len(test.servers) > 1 {
					mustFind(t, pool)
				}
			}
		})
	}
}

func TestDeadlineTellsFrozenServer(t *testing.T) {
	t.Parallel()
	first, second := startServer(t, slapd.Options{}), startServer(t, slapd.Options{})
	pool := newPool(t, func(c *ldapconn.Config) {
		c.DialTimeout = 300 * time.Millisecond
		c.RequestTimeout = time.Minute
	}, first.URL(), second.URL())
	mustFind(t, pool)
	if err := first.Freeze(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 1100*time.Millisecond)
	defer cancel()
	if got := failure(t, find(ctx, pool), ldapconn.Unknown); !got.Timeout() {
		t.Errorf("%v is not a timeout", got)
	}
	mustFind(t, pool)
	if pool.Server() != second.URL() {
		t.Errorf("asks %s", pool.Server())
	}
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
}

func TestCancelReturnsAtOnce(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	pool := newPool(t, func(c *ldapconn.Config) { c.RequestTimeout = time.Minute; c.InFlight = 1; c.Connections = 1 }, s.URL())
	mustFind(t, pool)
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		call func(context.Context) error
		want ldapconn.Outcome
	}{
		// The first takes the only place and keeps it.
		{"in flight", func(ctx context.Context) error { _, err := pool.Modify(ctx, describe("later")); return err }, ldapconn.Unknown},
		{"waiting", func(ctx context.Context) error { return find(ctx, pool) }, ldapconn.NotSent},
		{"connecting", func(ctx context.Context) error {
			return pool.SearchPaged(ctx, findAda, 10, func(*ldap.Entry) error { return nil })
		}, ldapconn.NotSent},
		{"testing a bind", func(ctx context.Context) error { _, err := pool.TestBind(ctx, adaDN, "x"); return err }, ldapconn.Unknown},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		timer := time.AfterFunc(50*time.Millisecond, cancel)
		started := time.Now()
		err := test.call(ctx)
		// The timeouts are two seconds and more.
		if took := time.Since(started); took > time.Second {
			t.Errorf("%s: it took %s to return", test.name, took)
		}
		timer.Stop()
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want that it was cancelled", test.name, err)
		}
		if got := (*ldapconn.Error)(nil); !errors.As(err, &got) || got.Outcome != test.want {
			t.Errorf("%s: got %v, want the outcome %s", test.name, err, test.want)
		}
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	// The place comes back when the server has answered after all.
	mustFind(t, pool)
	if got := description(t, s); got != "later" {
		t.Errorf("description is %q: the write given up was applied all the same", got)
	}
}

func TestRestartUnderLoad(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	pool := newPool(t, nil, s.URL())
	ctx, cancel := context.WithCancel(t.Context())
	var found, failed atomic.Int64
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for ctx.Err() == nil {
				err := find(ctx, pool)
				if err == nil {
					found.Add(1)
					continue
				}
				if ctx.Err() != nil {
					return
				}
				failed.Add(1)
				var failure *ldapconn.Error
				if !errors.As(err, &failure) || failure.Outcome == ldapconn.Answered {
					t.Errorf("a fault came as %v", err)
					return
				}
				select {
				case <-time.After(failure.RetryAfter):
				case <-ctx.Done():
				}
			}
		})
	}
	for range 3 {
		before := found.Load()
		waitFor(t, "reads before the restart", func() bool { return found.Load() > before+100 })
		if err := s.Restart(); err != nil {
			t.Fatal(err)
		}
		before = found.Load()
		waitFor(t, "reads after the restart", func() bool { return found.Load() > before+100 })
	}
	cancel()
	readers.Wait()
	t.Logf("%d reads, %d failed", found.Load(), failed.Load())
}

func TestCutDuringWrite(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	for name, test := range map[string]struct {
		misbehave func(*slapd.Proxy, func(int) slapd.Action)
		cutAt     int
		want      string
	}{
		"on the way there": {(*slapd.Proxy).OnRequest, ldap.ApplicationModifyRequest, "before"},
		"on the way back":  {(*slapd.Proxy).OnResponse, ldap.ApplicationModifyResponse, "on the way back"},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := slapd.NewProxy(t, s.Addr())
			pool := newPool(t, nil, proxy.URL())
			if _, err := pool.Modify(t.Context(), describe("before")); err != nil {
				t.Fatal(err)
			}
			var cuts atomic.Int64
			test.misbehave(proxy, func(operation int) slapd.Action {
				if operation != test.cutAt {
					return slapd.Forward
				}
				cuts.Add(1)
				return slapd.Cut
			})
			_, err := pool.Modify(t.Context(), describe(name))
			failure(t, err, ldapconn.Unknown)
			if n := cuts.Load(); n != 1 {
				t.Errorf("a write of unknown outcome was sent %d times", n)
			}
			if got := description(t, s); got != test.want {
				t.Errorf("description is %q, want %q", got, test.want)
			}
		})
	}
}

func TestWriteThatWasNotSent(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	proxy := slapd.NewProxy(t, s.Addr())
	proxy.Refuse(true)
	pool := newPool(t, nil, proxy.URL())
	_, err := pool.Modify(t.Context(), describe("never"))
	failure(t, err, ldapconn.NotSent)
	proxy.Refuse(false)
	waitFor(t, "the write to succeed after the pause", func() bool {
		_, err := pool.Modify(t.Context(), describe("at last"))
		return err == nil
	})
	if got := description(t, s); got != "at last" {
		t.Errorf("description is %q", got)
	}
}

func TestIdleConnectionCut(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, nil, proxy.URL())
	for i := range 20 {
		proxy.CutAll()
		waitFor(t, "the cut", func() bool { return proxy.Connections() == 0 })
		if err := find(t.Context(), pool); err != nil {
			t.Fatalf("read %d on a connection that was cut while idle: %v", i, err)
		}
	}
}

func TestReadCutMidway(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{LDIF: people(100)})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, nil, proxy.URL())
	mustFind(t, pool)
	all := ldap.NewSearchRequest(slapd.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
		0, 0, false, "(uid=*)", []string{"uid"}, nil)
	proxy.CutAfter(2000)
	result, err := pool.Search(t.Context(), all)
	if err != nil || len(result.Entries) != 101 {
		t.Errorf("a read that was cut once: %v", err)
	}
	// Twice is once too often, and half an answer is none.
	proxy.OnResponse(func(operation int) slapd.Action {
		if operation == ldap.ApplicationSearchResultDone {
			return slapd.Cut
		}
		return slapd.Forward
	})
	result, err = pool.Search(t.Context(), all)
	failure(t, err, ldapconn.Unknown)
	if result != nil {
		t.Errorf("%d entries with an error", len(result.Entries))
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	url := s.URL()
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, func(c *ldapconn.Config) { c.BackoffMin, c.BackoffMax = time.Hour, time.Hour }, url)
	for range 3 {
		got := failure(t, find(t.Context(), pool), ldapconn.NotSent)
		if got.RetryAfter < 29*time.Minute || got.RetryAfter > time.Hour {
			t.Errorf("retry after %s", got.RetryAfter)
		}
	}
	started := time.Now()
	for range 1000 {
		if find(t.Context(), pool) == nil {
			t.Fatal("a dead server answers")
		}
	}
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("1000 refusals took %s: it does not fail fast", took)
	}
}

func TestSecondTimeoutClosesAtOnce(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, func(c *ldapconn.Config) { quick(c); c.Connections = 1 }, proxy.URL())
	mustFind(t, pool)
	proxy.DropResponses(2)
	var writes sync.WaitGroup
	for range 2 {
		writes.Go(func() {
			_, err := pool.Modify(context.Background(), describe("unheard"))
			if got := (*ldapconn.Error)(nil); !errors.As(err, &got) || got.Outcome != ldapconn.Unknown {
				t.Errorf("got %v, want an unknown outcome", err)
			}
		})
	}
	writes.Wait()
	mustFind(t, pool)
	waitFor(t, "the silent connection to be replaced", func() bool { return proxy.Accepted() == 2 && proxy.Connections() == 1 })
}

func TestInFlightCap(t *testing.T) {
	t.Parallel()
	const limit, requests = 8, 300
	s := startServer(t, slapd.Options{})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, func(c *ldapconn.Config) { c.InFlight = limit; c.Connections = 1 }, proxy.URL())
	mustFind(t, pool)
	var open, most atomic.Int64
	proxy.OnRequest(func(operation int) slapd.Action {
		if operation == ldap.ApplicationSearchRequest {
			for n, seen := open.Add(1), most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
			}
		}
		return slapd.Forward
	})
	proxy.OnResponse(func(operation int) slapd.Action {
		if operation == ldap.ApplicationSearchResultDone {
			open.Add(-1)
		}
		return slapd.Forward
	})
	proxy.Delay(time.Millisecond)
	var clients sync.WaitGroup
	for range requests {
		clients.Go(func() {
			if err := find(t.Context(), pool); err != nil {
				t.Error(err)
			}
		})
	}
	clients.Wait()
	if got := most.Load(); got > limit || got < 2 {
		t.Errorf("%d requests were open at a time, want 2 to %d", got, limit)
	}
	if n := proxy.Accepted(); n != 1 {
		t.Errorf("%d connections were made, want 1", n)
	}
}
