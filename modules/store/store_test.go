package store_test

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// set and get keep a value in the store.
func set(t *testing.T, s *store.Store, name, value string) error {
	return s.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO scim_state (name, value) VALUES ($1, $2)", name, value)
		return err
	})
}

func get(t *testing.T, s *store.Store, name string) (value string, err error) {
	err = s.Read(t.Context(), func(tx *store.Tx) error {
		return tx.Row(t.Context(), "SELECT value FROM scim_state WHERE name = $1", name).Scan(&value)
	})
	return value, err
}

// What is written is there when the store is opened again; what was not committed is
// not.
func TestTransactions(t *testing.T) {
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		first := storetest.Open(t, engine())
		if err := set(t, first, "a", "1"); err != nil {
			t.Fatal(err)
		}
		changedMind := errors.New("changed my mind")
		err := first.Write(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Exec(t.Context(), "DELETE FROM scim_state"); err != nil {
				return err
			}
			return changedMind
		})
		if !errors.Is(err, changedMind) {
			t.Errorf("the error of a transaction became %v", err)
		}
		second := storetest.Open(t, engine())
		if value, err := get(t, second, "a"); value != "1" {
			t.Errorf("found %q, %v", value, err)
		}
		if _, err := get(t, second, "b"); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("what is not there: %v", err)
		}
	})
}
