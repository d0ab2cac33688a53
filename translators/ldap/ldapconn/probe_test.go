package ldapconn_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

// refuse makes a bind test that must be refused.
func refuse(t testing.TB, pool *ldapconn.Pool) {
	t.Helper()
	got, err := pool.TestBind(t.Context(), adaDN, "difference")
	if err != nil || got.Accepted || got.ResultCode != ldap.LDAPResultInvalidCredentials {
		t.Errorf("a wrong password: %+v, %v", got, err)
	}
}

// noLockout keeps ada from being locked out by what the tests try.
var noLockout = slapd.Options{NoLockout: true}

func TestBindTestsReuseAConnection(t *testing.T) {
	t.Parallel()
	proxy := slapd.NewProxy(t, startServer(t, noLockout).Addr())
	pool := newPool(t, nil, proxy.URL())
	for range 20 {
		refuse(t, pool)
	}
	if n := proxy.Accepted(); n != 1 {
		t.Errorf("20 bind tests took %d connections, want 1", n)
	}
	// An accepted one leaves the connection signed in: it is not used again.
	for want := range 3 {
		if got, err := pool.TestBind(t.Context(), adaDN, "analytical"); err != nil || !got.Accepted {
			t.Errorf("the right password: %+v, %v", got, err)
		}
		if n := proxy.Accepted(); n != want+1 {
			t.Errorf("%d connections were made, want %d", n, want+1)
		}
	}
	waitFor(t, "the connections to be closed", func() bool { return proxy.Connections() == 0 })
}

func TestBindTestsAreBounded(t *testing.T) {
	t.Parallel()
	proxy := slapd.NewProxy(t, startServer(t, noLockout).Addr())
	pool := newPool(t, func(c *ldapconn.Config) { c.Exclusive = 3 }, proxy.URL())
	var running, most atomic.Int64
	proxy.OnRequest(func(operation int) slapd.Action {
		if operation == ldap.ApplicationBindRequest {
			n := running.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
		}
		return slapd.Forward
	})
	proxy.OnResponse(func(operation int) slapd.Action {
		if operation == ldap.ApplicationBindResponse {
			running.Add(-1)
		}
		return slapd.Forward
	})
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			for range 10 {
				refuse(t, pool)
			}
		})
	}
	clients.Wait()
	if n := proxy.Accepted(); n > 3 || most.Load() > 3 {
		t.Errorf("%d connections were made, with %d bind tests at a time, want 3 at most", n, most.Load())
	}
}

func TestBindTestConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*ldapconn.Config)
		end    func(*testing.T, *slapd.Proxy)
	}{
		"cut while it is kept": {nil, func(_ *testing.T, proxy *slapd.Proxy) { proxy.CutAll() }},
		"cut with the request": {nil, func(_ *testing.T, proxy *slapd.Proxy) {
			var done atomic.Bool
			proxy.OnRequest(func(operation int) slapd.Action {
				if operation == ldap.ApplicationBindRequest && done.CompareAndSwap(false, true) {
					return slapd.Cut
				}
				return slapd.Forward
			})
		}},
		"too old": {func(c *ldapconn.Config) { c.MaxAge = time.Nanosecond }, func(*testing.T, *slapd.Proxy) {}},
		"idle for too long": {func(c *ldapconn.Config) { c.IdleTimeout = 20 * time.Millisecond }, func(t *testing.T, proxy *slapd.Proxy) {
			waitFor(t, "the connection to be closed", func() bool { return proxy.Connections() == 0 })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := slapd.NewProxy(t, startServer(t, noLockout).Addr())
			pool := newPool(t, test.change, proxy.URL())
			refuse(t, pool)
			test.end(t, proxy)
			refuse(t, pool)
			if n := proxy.Accepted(); n != 2 {
				t.Errorf("%d connections were made, want 2", n)
			}
		})
	}
}

// A connection that is new and yields no answer is not tried a second time: each
// attempt may count towards a lockout.
func TestBindTestWithoutAnswerIsNotRepeated(t *testing.T) {
	t.Parallel()
	proxy := slapd.NewProxy(t, startServer(t, noLockout).Addr())
	var attempts atomic.Int64
	proxy.OnRequest(func(operation int) slapd.Action {
		if operation == ldap.ApplicationBindRequest {
			attempts.Add(1)
			return slapd.Cut
		}
		return slapd.Forward
	})
	pool := newPool(t, nil, proxy.URL())
	_, err := pool.TestBind(t.Context(), adaDN, "difference")
	failure(t, err, ldapconn.Unknown)
	if attempts.Load() != 1 {
		t.Errorf("%d attempts were made, want 1", attempts.Load())
	}
}
