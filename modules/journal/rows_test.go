package journal_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
)

// onEachEngine runs a test on an empty store of each engine.
func onEachEngine(t *testing.T, test func(*testing.T, *store.Store)) {
	t.Helper()
	engines := map[string]func(*testing.T) store.Engine{
		"sqlite": func(t *testing.T) store.Engine { return &sqlite.Engine{Path: filepath.Join(t.TempDir(), "store.db")} },
	}
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) { test(t, opened(t, engine(t))) })
	}
}

func opened(t *testing.T, engine store.Engine) *store.Store {
	t.Helper()
	s := store.New(engine, zap.NewNop())
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Destruct(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// noon is when the entries of the tests begin.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// insert adds entries as they are, with those whom they are about.
func insert(t *testing.T, s *store.Store, entries ...journal.Entry) {
	t.Helper()
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return insertIn(t.Context(), tx, entries...) }); err != nil {
		t.Fatal(err)
	}
}

func insertIn(ctx context.Context, tx *store.Tx, entries ...journal.Entry) error {
	for _, e := range entries {
		var result any
		if e.Result != journal.Unresolved {
			result = string(e.Result)
		}
		_, err := tx.Exec(ctx, `INSERT INTO scim_journal (seq, id, instance, time, gateway, caller, token, address, request,
			operation, type, resource, name, folded, changes, members, calls, result, proof, error, note, ended, duration)
			VALUES `+store.Values(1, 23), e.Sequence, e.ID, e.Instance, store.Micros(e.Time), e.Gateway, e.Caller, e.Token, e.Address, e.Request,
			e.Operation, e.Type, e.Resource, e.Name, journal.Fold(e.Name), text(e.Changes), text(e.Members), text(e.Calls), result,
			e.Proof, e.Error, e.Note, store.Micros(e.Ended), int64(e.Duration))
		if err != nil {
			return err
		}
		if e.Members == nil {
			continue
		}
		for _, ids := range [][]string{e.Members.Added, e.Members.Removed} {
			for _, id := range ids {
				if _, err := tx.Exec(ctx, "INSERT INTO scim_journal_subjects (resource, time, seq) VALUES ($1, $2, $3)", id, store.Micros(e.Time), e.Sequence); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func text(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
