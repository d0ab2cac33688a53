package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// A token that was issued a moment ago, elsewhere, is known to who asks for it at once.
func TestCatchUp(t *testing.T) {
	elsewhere(t)
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		serving, _ := observed(t, engine())
		serving.Start()
		waitCurrent(t, serving)
		command := storetest.Open(t, engine())
		for _, id := range []string{"aaaaaaaa", "bbbbbbbb", "cccccccc"} {
			token := entra(id)
			token.Name = id
			if err := command.AddToken(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			if err := serving.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			if serving.Control().Token(id) == nil {
				t.Errorf("the token %s is not known", id)
			}
		}
		if err := command.CatchUp(t.Context()); err != nil {
			t.Errorf("in a process that does not serve: %v", err)
		}
	})
}

func waitCurrent(t *testing.T, s *store.Store) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); !s.IsCurrent(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatal("the store is not open")
		}
	}
}

// Whoever invents tokens, and many at once, has the store asked a few times a second.
func TestCatchUpIsShared(t *testing.T) {
	elsewhere(t)
	s, _ := observed(t, storetest.SQLite(t)())
	s.Start()
	waitCurrent(t, s)
	var calls atomic.Int64
	var all sync.WaitGroup
	before, begin := store.ReadTransactions(), time.Now()
	for range 100 {
		all.Go(func() {
			for time.Since(begin) < 2*time.Second {
				if err := s.CatchUp(t.Context()); err != nil {
					t.Error(err)
				}
				calls.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(begin).Seconds()
	// Four a second, and what the store does by itself.
	if reads := store.ReadTransactions() - before; float64(reads) > 6*took+6 || calls.Load() < 100 {
		t.Errorf("%d calls had the store read %d times in %.1f s", calls.Load(), reads, took)
	}
	if err := s.Destruct(); err != nil {
		t.Fatal(err)
	}
	if err := s.CatchUp(t.Context()); err == nil {
		t.Error("a store that is closed is read")
	}
}
