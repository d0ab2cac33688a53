package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// Of several gateways one has the lock at a time; what is named otherwise is not
// waited for.
func TestLock(t *testing.T) {
	elsewhere(t)
	engine := storetest.PostgreSQL(t)
	const gateways, rounds = 4, 25
	var stores []*store.Store
	for range gateways {
		stores = append(stores, storetest.Open(t, engine()))
	}
	var inside atomic.Int32
	var working sync.WaitGroup
	for _, s := range stores {
		working.Go(func() {
			for range rounds {
				unlock, err := s.Lock(t.Context(), "ada")
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two have the lock")
				}
				other, err := s.Lock(t.Context(), "bob "+s.Instance())
				if err != nil {
					t.Error(err)
				} else {
					other()
				}
				inside.Add(-1)
				unlock()
			}
		})
	}
	working.Wait()
	unlock, err := stores[0].Lock(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := stores[1].Lock(ctx, "ada"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("waiting for another gateway: %v", err)
	}
	// A gateway that ends, in whatever way, gives back what it has.
	if err := stores[0].Destruct(); err != nil {
		t.Error(err)
	}
	if unlock, err := stores[1].Lock(t.Context(), "ada"); err != nil {
		t.Error(err)
	} else {
		unlock()
	}
	unlock()
}

// In a file that one process has for itself nobody else is to be kept out.
func TestLockAlone(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t)())
	for range 2 {
		if _, err := s.Lock(t.Context(), "ada"); err != nil {
			t.Error(err)
		}
	}
}

// A server that is silent holds nobody up for long, however many ask, and its locks
// can be had again when it speaks.
func TestLockFaults(t *testing.T) {
	s, server, _ := faulty(t)
	lost, err := s.Lock(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			if _, err := s.Lock(t.Context(), "bob"); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("a frozen server: %v", err)
			}
		})
	}
	asking.Wait()
	if taken := time.Since(begin); taken > 10*time.Second {
		t.Errorf("20 locks were refused in %s", taken)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	lost()
	for range 2 {
		unlock, err := s.Lock(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		unlock()
		// A connection that was cut is not noticed.
		if err := server.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'scimgate'"); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkLock(b *testing.B) {
	s := storetest.Open(b, storetest.PostgreSQL(b)())
	for b.Loop() {
		unlock, err := s.Lock(b.Context(), "ada")
		if err != nil {
			b.Fatal(err)
		}
		unlock()
	}
}

// Who asks for a lock in the moment after the start waits until the store is open,
// rather than to go on without: the one who writes next waits for it too.
func TestLockBehindTheStart(t *testing.T) {
	elsewhere(t)
	engine := storetest.PostgreSQL(t)
	holder := storetest.Open(t, engine())
	unlock, err := holder.Lock(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(engine(), zap.NewNop())
	s.Start()
	defer func() {
		if err := s.Destruct(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got := make(chan error, 1)
	go func() {
		unlock, err := s.Lock(ctx, "ada")
		if err == nil {
			unlock()
		}
		got <- err
	}()
	if err := s.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-got:
		t.Errorf("it did not wait for the one who has the lock: %v", err)
	default:
	}
	unlock()
	if err := <-got; err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
