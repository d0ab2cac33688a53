package journal_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
)

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
