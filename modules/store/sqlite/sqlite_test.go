package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
)

// A store is made in a file, is there when it is opened again, and is migrated once.
func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a directory", "what? a #file.db")
	for range 2 {
		s := store.New(&sqlite.Engine{Path: path}, zap.NewNop())
		if err := s.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := s.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "INSERT INTO scim_state (name, value) VALUES ($2, $1) ON CONFLICT (name) DO NOTHING", "value", "name")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var value string
		err = s.Read(t.Context(), func(tx *store.Tx) error {
			return tx.Row(t.Context(), "SELECT value FROM scim_state WHERE name = $1", "name").Scan(&value)
		})
		if errors.Is(err, sql.ErrNoRows) || value != "value" {
			t.Errorf("read %q, %v", value, err)
		}
		if err := s.Destruct(); err != nil {
			t.Error(err)
		}
	}
}
