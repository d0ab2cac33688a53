package ldapconn_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

// isClosed reports whether a pool gives no more leases.
func isClosed(pool *ldapconn.Pool) bool {
	lease, err := pool.Acquire()
	if err == nil {
		lease.Release()
	}
	return errors.Is(err, ldapconn.ErrClosed)
}

func TestDestructLosesNoRequest(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, func(c *ldapconn.Config) { c.Grace = 20 * time.Millisecond }, proxy.URL())
	const clients, requests = 8, 200
	var ready, done sync.WaitGroup
	ready.Add(clients)
	for range clients {
		done.Go(func() {
			lease, err := pool.Acquire()
			if err != nil {
				t.Error(err)
			}
			defer lease.Release()
			ready.Done()
			for range requests {
				if err := find(context.Background(), pool); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	ready.Wait()
	started := time.Now()
	if err := pool.Destruct(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took > time.Second {
		t.Errorf("Destruct took %s", took)
	}
	done.Wait()
	waitFor(t, "the connections to close", func() bool { return proxy.Connections() == 0 })
	if !isClosed(pool) {
		t.Error("the pool still gives leases")
	}
}

func TestLeaseKeepsDestructedPoolOpen(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	pool := newPool(t, func(c *ldapconn.Config) { c.Grace = time.Millisecond }, s.URL())
	first, err := pool.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Destruct(); err != nil {
		t.Fatal(err)
	}
	// A request on a server that is being shut down may come this late.
	second, err := pool.Acquire()
	if err != nil {
		t.Fatalf("leasing while another holds one: %v", err)
	}
	first.Release()
	first.Release()
	for range 20 {
		mustFind(t, pool)
	}
	second.Release()
	// A look takes no lease here: it would begin the grace time anew.
	waitFor(t, "the pool to close", func() bool { return errors.Is(find(t.Context(), pool), ldapconn.ErrClosed) })
	if !isClosed(pool) {
		t.Error("a closed pool gives a lease")
	}
}

func TestGraceLetsLateRequestsIn(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	pool := newPool(t, func(c *ldapconn.Config) { c.Grace = time.Hour }, s.URL())
	if err := pool.Destruct(); err != nil {
		t.Fatal(err)
	}
	if isClosed(pool) {
		t.Error("no lease within the grace time")
	}
	mustFind(t, pool)
}

func TestCloseWaitsForRequests(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, nil, proxy.URL())
	mustFind(t, pool)
	held, release := make(chan struct{}), make(chan struct{})
	proxy.OnRequest(func(operation int) slapd.Action {
		if operation == ldap.ApplicationModifyRequest {
			close(held)
			<-release
		}
		return slapd.Forward
	})
	written, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := pool.Modify(context.Background(), describe("last words"))
		written <- err
	}()
	<-held
	go func() { closed <- pool.Close() }()
	waitFor(t, "the pool to be closing", func() bool { return isClosed(pool) })
	select {
	case err := <-closed:
		t.Errorf("Close returned with a request in flight: %v", err)
	default:
	}
	close(release)
	if err := <-written; err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
