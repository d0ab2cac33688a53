package main

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
)

// A command that means another store than the service makes none.
func TestCommandsCreateNoStore(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	ctx, cancel := bare(t.Context())
	defer cancel()
	var c configuration
	if _, err := c.open(ctx); err == nil || !strings.Contains(err.Error(), "as the user of the service") {
		t.Errorf("opening a store that is not there: %v", err)
	}
	if left, err := os.ReadDir(data); err != nil || len(left) > 0 {
		t.Errorf("it left %v (%v)", left, err)
	}
}

func TestCommandsOpenTheStoreThatIsThere(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	service := new(sqlite.Engine)
	ctx, cancel := bare(t.Context())
	defer cancel()
	if err := service.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	serving := store.New(service, zap.NewNop())
	if err := serving.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = serving.Destruct() }()
	var c configuration
	a, err := c.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Cleanup()
	var count int
	if err := a.Store().Read(t.Context(), func(tx *store.Tx) error {
		return tx.Row(t.Context(), "SELECT COUNT(*) FROM scim_switches").Scan(&count)
	}); err != nil {
		t.Error(err)
	}
}
