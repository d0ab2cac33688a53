//go:build linux

package journal_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// closed returns a store that was not opened.
func closed(t *testing.T) *store.Store {
	t.Helper()
	s := store.New(&sqlite.Engine{Path: filepath.Join(t.TempDir(), "never.db")}, zap.NewNop())
	t.Cleanup(func() { must(t, s.Destruct()) })
	return s
}

// startAway is start for a store that nobody will open.
func startAway(t *testing.T, s *store.Store, spool string) *journal.Journal {
	t.Helper()
	j := journal.New(s, spool)
	j.SetWait(time.Millisecond)
	j.Start(zap.NewNop())
	t.Cleanup(func() { end(t, j) })
	return j
}

// spooled writes disables into a local file as a process without a store does, and
// ends as one that is killed: what it has in memory is lost.
func spooled(t *testing.T, path string, ids ...string) *store.Store {
	t.Helper()
	s := closed(t)
	j := startAway(t, s, path)
	for _, id := range ids {
		id, isOpen := strings.CutSuffix(id, " open")
		must(t, j.Begin(t.Context(), entryOf(id, "disable")))
		if !isOpen {
			must(t, j.End(journal.Outcome{ID: id, Result: journal.Applied, Proof: "proven", Ended: time.Now()}))
		}
	}
	end(t, j)
	return s
}

// imported waits until the local file is empty, and returns what stands in the store.
func imported(t *testing.T, s *store.Store, path string) map[string]journal.Entry {
	t.Helper()
	j := start(t, s, path)
	eventually(t, "the local file to be imported", func() bool { h := j.Health(); return h.Away == nil && h.Spooled == 0 && h.Size > 0 })
	end(t, j)
	return all(t, s)
}

// What a process has left in the local file comes into the store once, and that of one
// that was killed half way stays open, in the name of that process.
func TestSpoolSurvives(t *testing.T) {
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		path := filepath.Join(t.TempDir(), "deep", "disables.spool")
		former := spooled(t, path, "1", "2 open", "3")
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != journal.SpoolSize {
			t.Errorf("the file is %v, %v", info, err)
		}
		text, err := os.ReadFile(path)
		must(t, err)
		s := storetest.Open(t, engine())
		for range 2 { // the second time as after a crash between import and emptying
			entries := imported(t, s, path)
			if len(entries) != 3 || entries["1"].Proof != "proven" || entries["2"].Result != journal.Unresolved || entries["3"].Result != journal.Applied {
				t.Errorf("the journal has %+v", entries)
			}
			if e := entries["2"]; e.Instance != former.Instance() || e.Name != "Name of 2" || len(e.Calls) != 1 {
				t.Errorf("the open entry is %+v", e)
			}
			if left, err := os.ReadFile(path); err != nil || strings.Trim(string(left), "\x00") != "" || len(left) != journal.SpoolSize {
				t.Errorf("the file is not empty: %v", err)
			}
			must(t, os.WriteFile(path, text, 0o600))
		}
	})
}

// A record that was torn is known, in whatever way it was torn, and what stands
// before it is not lost.
func TestSpoolTorn(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	spooled(t, whole, "1 open", "2 open")
	text, err := os.ReadFile(whole)
	must(t, err)
	first := 16 + int(binary.BigEndian.Uint32(text))
	second := 16 + int(binary.BigEndian.Uint32(text[first:]))
	for name, tear := range map[string]func([]byte){
		"cut":                   func(b []byte) { clear(b[first+second/2:]) },
		"only the length":       func(b []byte) { clear(b[first+4:]) },
		"a length beyond":       func(b []byte) { binary.BigEndian.PutUint32(b[first:], 1<<30) },
		"a bit":                 func(b []byte) { b[first+40] ^= 1 },
		"another run":           func(b []byte) { b[first+8] ^= 1 },
		"the end came first":    func(b []byte) { clear(b[first : first+second/2]) },
		"a block in the middle": func(b []byte) { clear(b[first+100 : first+200]) },
	} {
		t.Run(name, func(t *testing.T) {
			torn := append([]byte(nil), text...)
			tear(torn)
			path := filepath.Join(t.TempDir(), "torn")
			must(t, os.WriteFile(path, torn, 0o600))
			// It goes on behind what is whole.
			spooled(t, path, "3 open")
			s := storetest.Open(t, storetest.SQLite(t)())
			entries := imported(t, s, path)
			if _, is := entries["1"]; !is || len(entries) != 2 || entries["3"].ID != "3" {
				t.Errorf("the journal has %+v", entries)
			}
		})
	}
}

// What stood in the file before it was emptied does not come back, also where a new
// record ends as an old one did.
func TestSpoolStale(t *testing.T) {
	path := spoolIn(t.TempDir())
	spooled(t, path, "1 open", "2 open")
	old, err := os.ReadFile(path)
	must(t, err)
	s := storetest.Open(t, storetest.SQLite(t)())
	imported(t, s, path)
	spooled(t, path, "3 open")
	text, err := os.ReadFile(path)
	must(t, err)
	end := 16 + int(binary.BigEndian.Uint32(text))
	if end != 16+int(binary.BigEndian.Uint32(old)) {
		t.Fatal("the records are not of one length")
	}
	copy(text[end:], old[end:]) // as if the zeros had not come to the disk
	must(t, os.WriteFile(path, text, 0o600))
	fresh := storetest.Open(t, storetest.SQLite(t)())
	if entries := imported(t, fresh, path); len(entries) != 1 || entries["3"].ID != "3" {
		t.Errorf("the journal has %+v", entries)
	}
}

// A full file takes no more intents, and the outcomes of all that it has taken; a
// disable that it does not take is refused, and said to be.
func TestSpoolFull(t *testing.T) {
	core, logs := observer.New(zapcore.ErrorLevel)
	s := closed(t)
	path := spoolIn(t.TempDir())
	j := journal.New(s, path)
	j.SetWait(time.Millisecond)
	j.Start(zap.New(core))
	t.Cleanup(func() { end(t, j) })
	var taken []string
	var err error
	for n := 0; ; n++ {
		e := entryOf(fmt.Sprint(n), "disable")
		e.Calls[0].Text = strings.Repeat("a call that is too long ", 1000)
		if err = j.Begin(t.Context(), e); err != nil {
			break
		}
		taken = append(taken, e.ID)
	}
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "full") || len(logs.FilterMessageSnippet("a disable is refused").All()) != 1 {
		t.Errorf("it was refused with %v, and the log has %v", err, logs.All())
	}
	if len(taken) < 250 {
		t.Errorf("the file takes %d disables", len(taken))
	}
	for _, id := range taken {
		must(t, j.End(journal.Outcome{ID: id, Result: journal.Applied, Proof: "proven", Ended: time.Now()}))
	}
	end(t, j)
	entries := imported(t, storetest.Open(t, storetest.SQLite(t)()), path)
	for _, id := range taken {
		if e := entries[id]; e.Proof != "proven" || len(e.Calls[0].Text) > 2200 || !strings.Contains(e.Calls[0].Text, "more bytes") {
			t.Fatalf("the entry %s is %.300v", id, e)
		}
	}
	if len(entries) != len(taken) {
		t.Errorf("the journal has %d entries, want %d", len(entries), len(taken))
	}
}

// A file that can't be used keeps nothing else from working. A disable is refused
// while the store is away, and the file is used as soon as it can be.
func TestSpoolUnusable(t *testing.T) {
	dir := t.TempDir()
	inUse := filepath.Join(dir, "in use")
	other, err := os.Create(inUse)
	must(t, err)
	defer other.Close()
	must(t, syscall.Flock(int(other.Fd()), syscall.LOCK_EX))
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	for name, path := range map[string]string{
		"another process has it": inUse, "no directory": filepath.Join(dir, "file", "spool"), "a directory": dir, "a device": "/dev/null", "none": "",
	} {
		t.Run(name, func(t *testing.T) {
			away := startAway(t, closed(t), path)
			err := away.Begin(t.Context(), entryOf("1", "disable"))
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("a disable was answered %v", err)
			}
			if h := away.Health(); h.Size != 0 {
				t.Errorf("the health is %+v", h)
			}
			end(t, away)
			s := storetest.Open(t, storetest.SQLite(t)())
			there := start(t, s, path)
			must(t, there.Begin(t.Context(), entryOf("2", "disable")))
			end(t, there)
		})
	}
	must(t, syscall.Flock(int(other.Fd()), syscall.LOCK_UN))
	j := startAway(t, closed(t), inUse)
	eventually(t, "the file to be used", func() bool { return j.Begin(t.Context(), entryOf("3", "disable")) == nil })
}

// A disk that is full when the file is made leaves no half of it, and no disable is
// taken for recorded.
func TestSpoolIsNotMadeOnAFullDisk(t *testing.T) {
	path := spoolIn(t.TempDir())
	limitFilesTo(t, 1000)
	j := startAway(t, closed(t), path)
	err := j.Begin(t.Context(), entryOf("1", "disable"))
	limitFilesTo(t, 0)
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a disable was answered %v", err)
	}
	if info, err := os.Stat(path); err == nil && info.Size() != 0 {
		t.Errorf("a file of %d bytes is left", info.Size())
	}
	eventually(t, "the file to be made", func() bool { return j.Begin(t.Context(), entryOf("2", "disable")) == nil })
}

// Two journals of one process, as while Caddy reloads to another store, share the
// file.
func TestSpoolIsShared(t *testing.T) {
	path := spoolIn(t.TempDir())
	first, second := startAway(t, closed(t), path), startAway(t, closed(t), path)
	must(t, first.Begin(t.Context(), entryOf("1", "disable")))
	must(t, second.Begin(t.Context(), entryOf("2", "disable")))
	end(t, first)
	must(t, second.Begin(t.Context(), entryOf("3", "disable")))
	end(t, second)
	if entries := imported(t, storetest.Open(t, storetest.SQLite(t)()), path); len(entries) != 3 {
		t.Errorf("the journal has %+v", entries)
	}
}

// A gateway that was tried as root leaves no local file that the service can't use.
func TestSpoolBelongsToTheService(t *testing.T) {
	dir := t.TempDir()
	want := uint32(os.Geteuid())
	if want == 0 {
		want = 65534
		must(t, os.Chown(dir, int(want), int(want)))
	}
	path := filepath.Join(dir, "scimgate", "disables.spool")
	j := startAway(t, closed(t), path)
	if j.Health().Size != journal.SpoolSize {
		t.Fatalf("the file can't be used: %+v", j.Health())
	}
	for _, path := range []string{path, filepath.Dir(path)} {
		info, err := os.Stat(path)
		must(t, err)
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
			t.Errorf("%s belongs to %d, want %d", path, got, want)
		}
	}
}
