package gateway

import (
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/scimgate/scimgate/modules/journal"
	database "github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
)

// recorder is a journal in a store of its own, and what stands in it.
type recorder struct {
	store   *database.Store
	journal *journal.Journal
}

// newRecorder returns the journal of a store that is open. Both end with the test.
func newRecorder(t *testing.T) *recorder {
	t.Helper()
	dir := t.TempDir()
	log := zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel))
	s, err := database.Take(&sqlite.Engine{Path: dir + "/store.db"}, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Take(s, dir+"/disables.spool")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Release(); err != nil {
			t.Error(err)
		}
		if err := s.Release(); err != nil {
			t.Error(err)
		}
	})
	return &recorder{s, j}
}

// records lets a gateway write to the journal.
func (r *recorder) records(t *testing.T, h *Handler) {
	h.Journal.Off, h.journal = false, holdJournal(r.journal)
	t.Cleanup(h.journal.giveBack) // its grace is not waited for
}

// entries returns what stands in the journal, in the order of time.
func (r *recorder) entries(t *testing.T) []journal.Entry {
	t.Helper()
	if err := r.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all []journal.Entry
	for e, err := range journal.Read(t.Context(), r.store, journal.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}
