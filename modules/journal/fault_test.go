//go:build linux

package journal_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	servers "github.com/scimgate/scimgate/internal/postgres"
	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// fault is a store that goes away, for real, and comes back.
type fault struct {
	store *store.Store
	begin func()
	end   func()
}

// faults are those that a store can have, each with a store of its own.
func faults(t *testing.T, test func(*testing.T, fault)) {
	t.Run("SQLite locked by another process", func(t *testing.T) {
		engine := storetest.SQLite(t)()
		s := storetest.Open(t, engine)
		path := engine.(*sqlite.Engine).Path
		var other *sql.DB
		test(t, fault{s, func() {
			var err error
			if other, err = sql.Open("sqlite", "file:"+path+"?_txlock=immediate"); err != nil {
				t.Fatal(err)
			}
			other.SetMaxOpenConns(1)
			if _, err := other.Exec("PRAGMA busy_timeout = 20000"); err != nil {
				t.Fatal(err)
			}
			if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
				t.Fatal(err)
			}
		}, func() {
			if err := other.Close(); err != nil {
				t.Fatal(err)
			}
		}})
	})
	t.Run("SQLite may not write any more", func(t *testing.T) {
		engine := storetest.SQLite(t)()
		s := storetest.Open(t, engine)
		test(t, fault{s, func() { limitFiles(t, fileSize(t, engine.(*sqlite.Engine).Path+"-wal")) }, func() { limitFiles(t, 0) }})
	})
	t.Run("PostgreSQL is stopped", func(t *testing.T) {
		server := servers.Start(t)
		s := storetest.Open(t, storetest.At(t, server.Database(t)))
		test(t, fault{s, func() { must(t, server.Stop()) }, func() { must(t, server.Restart()) }})
	})
	t.Run("PostgreSQL is killed", func(t *testing.T) {
		server := servers.Start(t)
		s := storetest.Open(t, storetest.At(t, server.Database(t)))
		test(t, fault{s, func() { must(t, server.Kill()) }, func() { must(t, server.Restart()) }})
	})
	t.Run("PostgreSQL is frozen", func(t *testing.T) {
		server := servers.Start(t)
		s := storetest.Open(t, storetest.At(t, server.Database(t)))
		test(t, fault{s, func() { must(t, server.Freeze()) }, func() { must(t, server.Thaw()) }})
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fileSize(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return uint64(info.Size())
}

// limitFiles lets no file of this process grow beyond a size, or beyond that of the
// local file for disables; 0 is no limit.
func limitFiles(t *testing.T, size uint64) {
	t.Helper()
	if size > 0 {
		size = max(size, journal.SpoolSize)
	}
	limitFilesTo(t, size)
}

// limitFilesTo lets no file of this process grow beyond a size; 0 is no limit. The
// operating system refuses to write as it does when the disk is full, and lets what
// is there be overwritten.
func limitFilesTo(t *testing.T, size uint64) {
	t.Helper()
	var limit syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	signal.Ignore(syscall.SIGXFSZ)
	limit.Cur = limit.Max
	if size > 0 {
		limit.Cur = size
	}
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
}

// While the store is away a write is refused, soon and then at once; a disable goes
// on, and stands in the store once when that is back. Nothing that was refused stays
// open, and no outcome is lost.
func TestStoreGoesAway(t *testing.T) {
	faults(t, func(t *testing.T, f fault) {
		j := start(t, f.store, spoolIn(t.TempDir()))
		// So much that there is no room for more where files are limited.
		filler := entryOf("filler", "update")
		filler.Calls[0].Text = strings.Repeat("x", 60<<10)
		for n := range 20 {
			filler.ID = fmt.Sprint("filler-", n)
			must(t, j.Begin(t.Context(), filler))
			must(t, j.End(journal.Outcome{ID: filler.ID, Result: journal.Applied}))
		}
		must(t, j.Begin(t.Context(), entryOf("before", "update")))
		must(t, j.Flush(t.Context()))

		f.begin()
		began := time.Now()
		refused := filler
		for n := 0; ; n++ { // the first ones may yet find room
			refused.ID = fmt.Sprint("refused-", n)
			err := j.Begin(t.Context(), refused)
			if errors.Is(err, store.ErrUnavailable) {
				break
			}
			if err != nil {
				t.Fatalf("Begin answered %v", err)
			}
			must(t, j.End(journal.Outcome{ID: refused.ID, Result: journal.Applied}))
			began = time.Now()
			if n > 1000 {
				t.Fatal("the store takes everything")
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it was refused after %v", took)
		}
		must(t, j.End(journal.Outcome{ID: "before", Result: journal.Applied, Proof: "proven"}))
		for _, operation := range []string{"create", "update", "delete", "enable"} {
			began = time.Now()
			if err := j.Begin(t.Context(), entryOf("also-"+operation, operation)); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s was answered %v", operation, err)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s was refused after %v, and it was known that the store is away", operation, took)
			}
		}
		began = time.Now()
		must(t, j.Begin(t.Context(), entryOf("disabled", "disable")))
		must(t, j.End(journal.Outcome{ID: "disabled", Result: journal.Applied, Proof: "proven"}))
		must(t, j.Begin(t.Context(), entryOf("being-disabled", "disable")))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("disables took %v", took)
		}
		if h := j.Health(); h.Away == nil || h.Spooled != 2 || h.Used == 0 || h.Size != journal.SpoolSize {
			t.Errorf("the health is %+v", h)
		}

		f.end()
		eventually(t, "the store to be back", func() bool { h := j.Health(); return h.Away == nil && h.Spooled == 0 })
		must(t, j.End(journal.Outcome{ID: "being-disabled", Result: journal.Applied, Proof: "proven"}))
		must(t, j.Begin(t.Context(), entryOf("afterwards", "update")))
		must(t, j.End(journal.Outcome{ID: "afterwards", Result: journal.Applied}))
		must(t, j.Flush(t.Context()))
		entries := all(t, f.store)
		for id, e := range entries {
			want := journal.Applied
			if e.Note != "" {
				want = journal.NotApplied
			}
			if e.Result != want {
				t.Errorf("the entry %s is %q, want %q", id, e.Result, want)
			}
		}
		for _, id := range []string{"before", "disabled", "being-disabled"} {
			if e := entries[id]; e.Proof != "proven" || e.Instance != f.store.Instance() {
				t.Errorf("the entry %s is %+v", id, e)
			}
		}
		if _, is := entries["afterwards"]; !is {
			t.Error("the latest entry is missing")
		}
	})
}

// The store goes away and comes back again and again under load. What was begun has
// an entry, and its outcome; what was refused is not open; everything is there once.
func TestStoreComesAndGoes(t *testing.T) {
	server := servers.Start(t)
	s := storetest.Open(t, storetest.At(t, server.Database(t)))
	j := start(t, s, spoolIn(t.TempDir()))
	stop := make(chan struct{})
	var mu sync.Mutex
	begun, refused := make(map[string]bool), make(map[string]bool)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				operation := "update"
				if w%2 == 0 {
					operation = "disable"
				}
				id := fmt.Sprintf("%d-%d", w, n)
				err := j.Begin(t.Context(), entryOf(id, operation))
				mu.Lock()
				if err == nil {
					begun[id] = true
				} else {
					refused[id] = true
				}
				mu.Unlock()
				if err == nil {
					if err := j.End(journal.Outcome{ID: id, Result: journal.Applied}); err != nil {
						t.Error(err)
					}
					continue
				}
				select { // as a provider would
				case <-stop:
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
	counts := func() (int, int) {
		mu.Lock()
		defer mu.Unlock()
		return len(begun), len(refused)
	}
	for range 3 {
		before, _ := counts()
		eventually(t, "writes", func() bool { now, _ := counts(); return now >= before+200 && j.Health().Away == nil })
		_, no := counts()
		must(t, server.Kill())
		eventually(t, "refusals", func() bool { _, now := counts(); return now > no })
		must(t, server.Restart())
	}
	eventually(t, "the store to be back", func() bool { h := j.Health(); return h.Away == nil && h.Spooled == 0 })
	close(stop)
	writers.Wait()
	eventually(t, "what has been kept", func() bool { return j.Health().Spooled == 0 && j.Flush(t.Context()) == nil })
	entries := all(t, s)
	for id := range begun {
		if e, is := entries[id]; !is || e.Result != journal.Applied {
			t.Errorf("%s was begun, and its entry is %+v", id, e)
		}
	}
	for id := range refused {
		if e, is := entries[id]; is && (e.Result != journal.NotApplied || e.Note == "") {
			t.Errorf("%s was refused, and its entry is %+v", id, e)
		}
	}
	t.Logf("%d begun, %d refused", len(begun), len(refused))
}
