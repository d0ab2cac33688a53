package store_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"

	servers "github.com/scimgate/scimgate/internal/postgres"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/postgres"
	"github.com/scimgate/scimgate/modules/store/sqlite"
	"github.com/scimgate/scimgate/modules/store/storetest"

	"github.com/caddyserver/caddy/v2"
)

// Many processes that find an empty store at the same time make one of it.
func TestManyMigrate(t *testing.T) {
	for name, variable := range map[string]string{
		"sqlite":   fileVariable + "=" + filepath.Join(t.TempDir(), "new", "scimgate.db"),
		"postgres": dsnVariable + "=" + servers.Database(t),
	} {
		t.Run(name, func(t *testing.T) {
			var all []*process
			for range 6 {
				all = append(all, start(t, "open", variable))
			}
			for _, p := range all {
				p.hears("ready")
			}
			for _, p := range all {
				p.say()
			}
			for _, p := range all {
				p.hears("opened")
			}
		})
	}
	// And many connections.
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		var opening sync.WaitGroup
		for range 12 {
			opening.Go(func() {
				s := store.New(engine(), zap.NewNop())
				if err := s.Open(t.Context()); err != nil {
					t.Error(err)
				}
				if err := s.Destruct(); err != nil {
					t.Error(err)
				}
			})
		}
		opening.Wait()
	})
}

// A store that a later scimgate has made is left alone.
func TestLaterSchema(t *testing.T) {
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		must(t, storetest.Open(t, engine()), "INSERT INTO scim_schema (version) VALUES (4711)")
		s := store.New(engine(), zap.NewNop())
		if err := s.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "a later scimgate has made it") || !strings.Contains(err.Error(), "4711") {
			t.Errorf("opening it: %v", err)
		}
		if err := s.Destruct(); err != nil {
			t.Error(err)
		}
	})
}

// A command neither makes a store nor changes one that an older scimgate uses.
func TestCommandsDoNotMigrate(t *testing.T) {
	path, dsn := filepath.Join(t.TempDir(), "scimgate.db"), servers.Database(t)
	for name, engine := range map[string]func(existing bool) interface {
		store.Engine
		caddy.Provisioner
	}{
		"sqlite": func(existing bool) interface {
			store.Engine
			caddy.Provisioner
		} {
			return &sqlite.Engine{Path: path, MustExist: existing}
		},
		"postgres": func(existing bool) interface {
			store.Engine
			caddy.Provisioner
		} {
			return &postgres.Engine{DSN: dsn, MustExist: existing}
		},
	} {
		t.Run(name, func(t *testing.T) {
			open := func(existing bool) (*store.Store, error) {
				e := engine(existing)
				if err := e.Provision(caddy.Context{}); err != nil {
					t.Fatal(err)
				}
				s := store.New(e, zap.NewNop())
				t.Cleanup(func() { _ = s.Destruct() })
				return s, s.Open(t.Context())
			}
			if _, err := open(true); err == nil {
				t.Error("a command opened what is not there")
			}
			s, err := open(false)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := open(true); err != nil {
				t.Errorf("a command can't open what is there: %v", err)
			}
			must(t, s, "DELETE FROM scim_schema")
			must(t, s, "INSERT INTO scim_schema (version) VALUES (0)")
			if _, err := open(true); err == nil || !strings.Contains(err.Error(), "start") {
				t.Errorf("opening one of an older version: %v", err)
			}
		})
	}
}
