// Package storetest gives tests a store on each database that a store can stand on.
package storetest

import (
	"path/filepath"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	servers "github.com/scimgate/scimgate/internal/postgres"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/postgres"
	"github.com/scimgate/scimgate/modules/store/sqlite"
)

// Each runs a test once on SQLite and once on PostgreSQL, each time with an empty
// store that is open and is closed when the test ends.
func Each(t *testing.T, test func(*testing.T, *store.Store)) {
	t.Helper()
	Engines(t, func(t *testing.T, engine func() store.Engine) { test(t, Open(t, engine())) })
}

// Engines runs a test once on SQLite and once on PostgreSQL. Each time engine
// returns another engine for one and the same database, which is new and empty: for
// tests of several stores, and of what is there when one is opened again.
func Engines(t *testing.T, test func(t *testing.T, engine func() store.Engine)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, PostgreSQL(t)) })
}

// SQLite returns what returns engines for one new file.
func SQLite(t testing.TB) func() store.Engine {
	path := filepath.Join(t.TempDir(), "store", "scimgate.db")
	return func() store.Engine {
		engine := &sqlite.Engine{Path: path}
		provision(t, engine)
		return engine
	}
}

// PostgreSQL returns what returns engines for one new database on a real server.
func PostgreSQL(t testing.TB) func() store.Engine {
	t.Helper()
	dsn := servers.Database(t)
	return func() store.Engine { return At(t, dsn) }
}

// At returns an engine for the PostgreSQL database that is connected to by dsn.
func At(t testing.TB, dsn string) store.Engine {
	t.Helper()
	engine := &postgres.Engine{DSN: dsn}
	provision(t, engine)
	return engine
}

func provision(t testing.TB, engine caddy.Provisioner) {
	t.Helper()
	if err := engine.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
}

// Open returns a store that is open, and is closed when the test ends.
func Open(t testing.TB, engine store.Engine) *store.Store {
	t.Helper()
	s := store.New(engine, zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)))
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Destruct(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return s
}
