package store_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// All who ask at the same time get the same identity and the same keys, and keys of
// different names differ.
func TestIdentity(t *testing.T) {
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		const askers = 8
		ids, keys := make([]string, askers), make([][]byte, askers)
		var asking sync.WaitGroup
		for i := range askers {
			s := storetest.Open(t, engine())
			asking.Go(func() {
				var err error
				if ids[i], err = s.ID(t.Context()); err != nil {
					t.Error(err)
				}
				if keys[i], err = s.Key(t.Context(), "one"); err != nil {
					t.Error(err)
				}
			})
		}
		asking.Wait()
		for i := range askers {
			if ids[i] != ids[0] || ids[i] == "" || !bytes.Equal(keys[i], keys[0]) || len(keys[i]) != 32 {
				t.Errorf("%d: %q and %x, the first had %q and %x", i, ids[i], keys[i], ids[0], keys[0])
			}
		}
		other, err := storetest.Open(t, engine()).Key(t.Context(), "other")
		if err != nil || bytes.Equal(other, keys[0]) {
			t.Errorf("another key is %x, %v", other, err)
		}
	})
}

// What is there and is no key is not taken for one.
func TestBrokenKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		must(t, s, "INSERT INTO scim_state (name, value) VALUES ('key:broken', 'abc')")
		if key, err := s.Key(t.Context(), "broken"); err == nil {
			t.Errorf("got %x", key)
		}
	})
}
