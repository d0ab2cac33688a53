package journal

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

func count(t *testing.T, s *store.Store, from string) int {
	t.Helper()
	var n int
	err := s.Read(t.Context(), func(tx *store.Tx) error {
		return tx.Row(t.Context(), "SELECT COUNT(*) FROM "+from).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func execute(t *testing.T, s *store.Store, statements ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute) // a big fixture on a slow machine
	defer cancel()
	err := s.Write(ctx, func(tx *store.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What is too old goes in small transactions, between which others write; open
// entries and young ones stay.
func testPrune(t *testing.T, s *store.Store) {
	from := time.UnixMicro(1795262400000000)
	open := count(t, s, "scim_journal WHERE result IS NULL")
	r := NewRetention(s, 30*24*time.Hour, zap.NewNop())
	steps, written := 0, 0
	r.step = func(ctx context.Context, before time.Time) (int, bool, error) {
		rows, isAll, err := r.prune(ctx, before)
		if steps++; rows > prunedEntries+prunedSubjects {
			t.Errorf("a transaction has deleted %d rows", rows)
		}
		return rows, isAll, err
	}
	r.pause = func(ctx context.Context, _ time.Duration) {
		if steps%4 == 0 { // somebody writes, and is not held up
			execute(t, s, fmt.Sprint("INSERT INTO scim_state (name, value) VALUES ('written ", written, "', '')"))
			written++
		}
	}
	// Twenty thousand are older than thirty days then.
	now := from.Add(30*24*time.Hour + 20_001*time.Second)
	subjects := count(t, s, "scim_journal_subjects")
	rows, err := r.Prune(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	if want := 20_000 - open/2 + subjects/2; rows != want {
		t.Errorf("%d rows were deleted, want %d", rows, want)
	}
	if old := count(t, s, "scim_journal WHERE seq <= 20000"); old != open/2 || open == 0 {
		t.Errorf("%d old entries are left, of which %d were open", old, open/2)
	}
	if young := count(t, s, "scim_journal WHERE seq > 20000"); young != 20_000 {
		t.Errorf("%d young entries are left", young)
	}
	if lost := count(t, s, "scim_journal_subjects WHERE seq NOT IN (SELECT seq FROM scim_journal)"); lost != 0 {
		t.Errorf("%d rows are about entries that are gone", lost)
	}
	if steps < 20 || written < 5 {
		t.Errorf("it took %d transactions, with %d others between them", steps, written)
	}
	// Another process on the same store has nothing to do within the hour.
	steps = 0
	other := NewRetention(s, time.Hour, zap.NewNop())
	if rows, err := other.Prune(t.Context(), now.Add(59*time.Minute)); err != nil || rows != 0 {
		t.Errorf("a second one deletes %d rows, %v", rows, err)
	}
	if _, err := r.Prune(t.Context(), now.Add(time.Hour)); err != nil || steps == 0 {
		t.Errorf("an hour later it takes %d steps, %v", steps, err)
	}
}

// An entry about more people than a transaction deletes goes in several.
func TestPruneManyMembers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		execute(t, s, `INSERT INTO scim_journal (seq, id, instance, time, gateway, caller, token, address, request, operation, type, resource, name, folded, changes, members, calls, result)
			VALUES (1, 'a', '', 1, '', '', '', '', '', 'update', 'Group', 'g', '', '', '', '', '', 'applied')`,
			`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4500) INSERT INTO scim_journal_subjects (resource, time, seq) SELECT 'm' || CAST(i AS TEXT), 1, 1 FROM n`)
		r := NewRetention(s, time.Hour, zap.NewNop())
		var steps []int
		r.pause = func(context.Context, time.Duration) {}
		r.step = func(ctx context.Context, before time.Time) (int, bool, error) {
			rows, isAll, err := r.prune(ctx, before)
			steps = append(steps, rows)
			return rows, isAll, err
		}
		if _, err := r.Prune(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		if want := "[1000 1000 1000 1000 501]"; fmt.Sprint(steps) != want {
			t.Errorf("the transactions delete %v rows, want %s", steps, want)
		}
	})
}

// It ends with its context, also while the store is away.
func TestRetentionEnds(t *testing.T) {
	s := store.New(storetest.SQLite(t)(), zap.NewNop())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		NewRetention(s, time.Hour, zap.NewNop()).Run(ctx)
	}()
	cancel()
	<-ended
}
