package journal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// start returns a running journal in the store, which ends with the test at the
// latest.
func start(t *testing.T, s *store.Store, spool string) *journal.Journal {
	t.Helper()
	j := journal.New(s, spool)
	j.Start(zaptest.NewLogger(t, zaptest.Level(zap.DPanicLevel)))
	t.Cleanup(func() { end(t, j) })
	return j
}

func end(t *testing.T, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Errorf("closing the journal: %v", err)
	}
}

func spoolIn(dir string) string { return filepath.Join(dir, "disables.spool") }

// entryOf returns an intent.
func entryOf(id, operation string) journal.Entry {
	now := time.UnixMicro(time.Now().UnixMicro()/10*10 + 7).UTC() // its text has one length: no zeros end it
	return journal.Entry{
		ID: id, Time: now, Gateway: "directory", Caller: "entra", Token: "tok00001",
		Address: "192.0.2.10", Request: id, Operation: operation, Type: "User", Resource: "id-" + id, Name: "Name of " + id,
		Calls: []journal.Call{{Purpose: "do it", Text: "dn: uid=x"}},
	}
}

// all returns the entries in the store by their ids. An id that is there twice fails
// the test.
func all(t *testing.T, s *store.Store) map[string]journal.Entry {
	t.Helper()
	found := make(map[string]journal.Entry)
	for e, err := range journal.Read(t.Context(), s, journal.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := found[e.ID]; twice {
			t.Errorf("the entry %s is there twice", e.ID)
		}
		found[e.ID] = e
	}
	return found
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(60 * time.Second); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// What stands in the store when Begin returns, and behind the outcome.
func TestEntryIsDurable(t *testing.T) {
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		s, other := storetest.Open(t, engine()), storetest.Open(t, engine())
		j := start(t, s, spoolIn(t.TempDir()))
		want := journal.Entry{
			ID: "r1-1", Time: noon, Gateway: "directory", Caller: "entra", Token: "tok00001", Address: "2001:db8::1", Request: "r1",
			Operation: "update", Type: "Group", Name: "Ingenieure 🛠", Why: "because",
			Changes: []journal.Change{
				{Attribute: "displayName", From: json.RawMessage(`"a \"quoted\" one"`), To: json.RawMessage(`{"a":[1,2.50,true,null]}`)},
				{Attribute: "password", Secret: true}, {Attribute: "photo", Omitted: 20000},
			},
			Members: &journal.Members{ReplaceAll: true, Added: []string{"id-1", "it's; DROP TABLE scim_journal"}, Removed: []string{"id-3"}, Omitted: 7},
			Calls:   []journal.Call{{Purpose: "change", Text: "dn: cn=a\nchangetype: modify\n"}, {Purpose: "again"}},
		}
		if err := j.Begin(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		want.Instance = s.Instance()
		compare := func(when string) {
			t.Helper()
			got := all(t, other)["r1-1"]
			want.Sequence = got.Sequence
			if diff := cmp.Diff(want, got); diff != "" || got.Sequence == 0 {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		compare("when Begin has returned")
		for _, id := range []string{"id-1", "it's; DROP TABLE scim_journal", "id-3"} {
			if found := read(t, other, journal.Query{Person: id}); len(found) != 1 {
				t.Errorf("%s is found in %v", id, found)
			}
		}
		if err := j.End(journal.Outcome{ID: "r1-1", Result: journal.Applied, Resource: "id-new", Name: "not asked for", Proof: "proven", Ended: noon.Add(time.Second), Duration: 1234567}); err != nil {
			t.Fatal(err)
		}
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		want.Result, want.Resource, want.Name = journal.Applied, "id-new", "not asked for"
		want.Proof, want.Ended, want.Duration = "proven", noon.Add(time.Second), 1234567
		compare("when the outcome was flushed")
	})
}

// What no database takes, or none indexes, is kept all the same.
func TestOddText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		j := start(t, s, spoolIn(t.TempDir()))
		e := entryOf("odd", "update")
		long := strings.Repeat("ä", 20_000)
		e.Name, e.Resource, e.Caller, e.Why = long, "nul\x00 and \xff", "a\x00b", long
		e.Members = &journal.Members{Added: []string{long, "\x00", ""}}
		e.Calls[0].Text = "\x00\xff"
		if err := j.Begin(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if err := j.End(journal.Outcome{ID: "odd", Result: journal.Applied, Error: "x", Name: "\x00", Resource: long}); err != nil {
			t.Fatal(err)
		}
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := all(t, s)["odd"]
		if got.Result != journal.Applied || got.Name != "\ufffd" || got.Caller != "a\ufffdb" || len(got.Resource) == 0 || len(got.Resource) > 1000 || !strings.HasPrefix(long, got.Resource) {
			t.Errorf("the entry is %.200v", got)
		}
		if h := j.Health(); h.Away != nil {
			t.Errorf("the store is taken for away: %v", h.Away)
		}
	})
}

// Many writers lose nothing, and those who come together share transactions.
func TestWritersShareTransactions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		registry := prometheus.NewRegistry()
		if err := store.Register(registry); err != nil {
			t.Fatal(err)
		}
		j := start(t, s, spoolIn(t.TempDir()))
		const writers, each = 32, 20
		before := transactions(t, registry)
		var all32 sync.WaitGroup
		for w := range writers {
			all32.Go(func() {
				for n := range each {
					e := entryOf(fmt.Sprintf("%d-%d", w, n), "update")
					e.Members = &journal.Members{Added: []string{"member-" + e.ID}}
					if err := j.Begin(t.Context(), e); err != nil {
						t.Error(err)
					}
					if err := j.End(journal.Outcome{ID: e.ID, Result: journal.Applied, Ended: time.Now()}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all32.Wait()
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		used := transactions(t, registry) - before
		t.Logf("%d entries and as many outcomes took %d transactions", writers*each, used)
		if used > writers*each/2 {
			t.Errorf("%d entries took %d transactions", writers*each, used)
		}
		entries := all(t, s)
		if len(entries) != writers*each {
			t.Errorf("there are %d entries, want %d", len(entries), writers*each)
		}
		for id, e := range entries {
			if e.Result != journal.Applied {
				t.Errorf("the outcome of %s is %q", id, e.Result)
			}
		}
		if found := read(t, s, journal.Query{Person: "member-7-7"}); len(found) != 1 {
			t.Errorf("a member is found in %v", found)
		}
	})
}

// transactions returns how many transactions have written in this process.
func transactions(t *testing.T, registry *prometheus.Registry) int {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "caddy_scim_store_transaction_duration_seconds" && metric.GetLabel()[0].GetValue() == "write" {
				return int(metric.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

// Nobody has to flush: an outcome is recorded a little later by itself.
func TestOutcomeGoesByItself(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		j := start(t, s, spoolIn(t.TempDir()))
		if err := j.Begin(t.Context(), entryOf("1", "update")); err != nil {
			t.Fatal(err)
		}
		if err := j.End(journal.Outcome{ID: "1", Result: journal.NotApplied, Error: "conflict"}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the outcome", func() bool { return all(t, s)["1"].Error == "conflict" })
	})
}

// What was handed over is recorded when the journal is closed; it takes nothing more.
func TestClose(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t)())
	j := start(t, s, spoolIn(t.TempDir()))
	if err := j.Begin(t.Context(), entryOf("1", "disable")); err != nil {
		t.Fatal(err)
	}
	if err := j.End(journal.Outcome{ID: "1", Result: journal.Applied}); err != nil {
		t.Fatal(err)
	}
	end(t, j)
	if got := all(t, s)["1"]; got.Result != journal.Applied {
		t.Errorf("the entry is %+v", got)
	}
	for _, operation := range []string{"update", "disable"} {
		if err := j.Begin(t.Context(), entryOf("2", operation)); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("Begin of %s answered %v", operation, err)
		}
	}
	if err := j.End(journal.Outcome{ID: "1"}); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("End answered %v", err)
	}
}

// Configurations that follow one another share a journal, and the last one closes it
// and the store.
func TestTakeAndRelease(t *testing.T) {
	engine := storetest.SQLite(t)
	s, err := store.Take(engine(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	spool := spoolIn(t.TempDir())
	first, err := journal.Take(s, spool)
	if err != nil {
		t.Fatal(err)
	}
	second, err := journal.Take(s, spool)
	if err != nil || second != first {
		t.Fatalf("the second is another one: %v", err)
	}
	first.Hold()
	if err := errors.Join(s.Release(), first.Release(), second.Release()); err != nil {
		t.Fatal(err)
	}
	if err := first.Begin(t.Context(), entryOf("1", "update")); err != nil {
		t.Errorf("it is still held: %v", err)
	}
	if err := first.Release(); err != nil {
		t.Error(err)
	}
	if err := first.Begin(t.Context(), entryOf("2", "update")); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("it is held by nobody: %v", err)
	}
	if s.Available() {
		t.Error("the store is still open")
	}
}

// A caller who goes waits no longer; nothing is done, and the entry says so.
func TestCallerGoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		j := start(t, s, spoolIn(t.TempDir()))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for n := range 50 {
			id := fmt.Sprint("gone-", n)
			if err := j.Begin(gone, entryOf(id, "delete")); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", id, err)
			} else if err == nil {
				_ = j.End(journal.Outcome{ID: id, Result: journal.Applied})
			}
		}
		if err := j.Begin(t.Context(), entryOf("stays", "delete")); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the entries to be closed", func() bool {
			for id, e := range all(t, s) {
				if id != "stays" && e.Result == journal.Unresolved {
					return false
				}
			}
			return true
		})
	})
}
