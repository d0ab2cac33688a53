package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

type line struct {
	Kind, ID, Result, Caller string
	Calls                    []string
}

func lines(t *testing.T, path string) []line {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []line
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		var l line
		if len(scanner.Bytes()) == 0 {
			continue // the end of a line that may have been torn
		}
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			t.Fatalf("line %q: %v", scanner.Text(), err)
		}
		all = append(all, l)
	}
	return all
}

func TestIntentIsOnDiskWhenBeginReturns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "journal.jsonl")
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Destruct()
	if err := j.Begin(Intent{ID: "1", Caller: "entra", Calls: []string{"lock the account"}, Time: time.Now()}); err != nil {
		t.Fatal(err)
	}
	got := lines(t, path)
	if len(got) != 1 || got[0].Kind != "intent" || got[0].ID != "1" || got[0].Caller != "entra" || got[0].Calls[0] != "lock the account" {
		t.Errorf("the file holds %+v", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v: others must not read it", info.Mode(), err)
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for w := range 16 {
		writers.Go(func() {
			for n := range 50 {
				id := fmt.Sprintf("%d-%d", w, n)
				if err := j.Begin(Intent{ID: id}); err != nil {
					t.Error(err)
				}
				if err := j.End(Outcome{ID: id, Result: "applied"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if err := j.Destruct(); err != nil {
		t.Fatal(err)
	}
	begun := make(map[string]bool)
	ended := 0
	for _, l := range lines(t, path) {
		switch l.Kind {
		case "intent":
			begun[l.ID] = true
		case "outcome":
			if !begun[l.ID] {
				t.Errorf("the outcome of %s stands before its intent", l.ID)
			}
			ended++
		}
	}
	if len(begun) != 800 || ended != 800 {
		t.Errorf("%d intents and %d outcomes, want 800 each", len(begun), ended)
	}
}

func TestClosedJournalRefuses(t *testing.T) {
	j, err := Open(filepath.Join(t.TempDir(), "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Destruct(), j.Destruct()); err != nil {
		t.Fatal(err)
	}
	if err := j.Begin(Intent{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Begin answered %v", err)
	}
}

// A disk that takes no more must keep a write from happening, and a line that
// was torn by it must not swallow the next one.
func TestFailedFlushIsToldAndLeavesNoTornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	good := j.file
	mend := fillDisk(t, j)
	if err := j.Begin(Intent{ID: "lost"}); err == nil {
		t.Error("Begin succeeded on a full disk")
	}
	if _, err := good.WriteString(`{"kind":"inte`); err != nil {
		t.Fatal(err)
	}
	mend()
	if err := j.Begin(Intent{ID: "kept"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Destruct(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var last line
	start := len(content) - 1
	for start > 0 && content[start-1] != '\n' {
		start--
	}
	if err := json.Unmarshal(content[start:], &last); err != nil || last.ID != "kept" {
		t.Errorf("the last line is %q: %v", content[start:], err)
	}
}

// The disk was full for a while when a write had been made: its outcome is not
// lost, nor is that of a write that was going on.
func TestOutcomesWaitForTheDisk(t *testing.T) {
	for name, last := range map[string]func(*testing.T, *Journal){
		"until the next write": func(t *testing.T, j *Journal) {
			if err := j.Begin(Intent{ID: "next"}); err != nil {
				t.Fatal(err)
			}
		},
		"until it is closed": func(*testing.T, *Journal) {},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.jsonl")
			j, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Begin(Intent{ID: "1"}); err != nil {
				t.Fatal(err)
			}
			mend := fillDisk(t, j)
			if err := j.End(Outcome{ID: "1", Result: "applied"}); err != nil {
				t.Fatal(err)
			}
			if err := j.Begin(Intent{ID: "refused"}); err == nil {
				t.Fatal("Begin succeeded on a full disk")
			}
			mend()
			last(t, j)
			if err := j.Destruct(); err != nil {
				t.Fatal(err)
			}
			outcomes := 0
			for _, l := range lines(t, path) {
				switch {
				case l.ID == "refused":
					t.Error("an intent that was refused is in the journal")
				case l.Kind == "outcome" && l.ID == "1" && l.Result == "applied":
					outcomes++
				}
			}
			if outcomes != 1 {
				t.Errorf("the outcome stands %d times in the journal, want once", outcomes)
			}
		})
	}
}

// fillDisk makes every write fail until mend is called. The file that is written
// to keeps its name, so that it is not taken for one that was moved.
func fillDisk(t *testing.T, j *Journal) (mend func()) {
	t.Helper()
	path, good := j.path, j.file
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	j.path, j.file = "/dev/full", full
	return func() {
		j.path, j.file = path, good
		if err := full.Close(); err != nil {
			t.Error(err)
		}
	}
}

// An operator's logrotate, or rm, takes the file away: what follows is written to
// a file of the name that is configured. A file that can't be put aside is no
// reason to refuse a disable.
func TestFileThatGoesAway(t *testing.T) {
	begin := func(t *testing.T, j *Journal, id string) {
		t.Helper()
		if err := j.Begin(Intent{ID: id}); err != nil {
			t.Fatalf("recording %s: %v", id, err)
		}
	}
	for name, test := range map[string]struct {
		away func(path string) error
		want string // what the file holds afterwards
		kept string // what stands in <path>.1
	}{
		"renamed":                    {func(path string) error { return os.Rename(path, path+".1") }, "2", "1"},
		"removed":                    {os.Remove, "2", ""},
		"removed with its directory": {func(path string) error { return os.RemoveAll(filepath.Dir(path)) }, "2", ""},
		"too large":                  {func(path string) error { return os.Truncate(path, MaxSize) }, "2", "1"},
		"too large and in the way": {func(path string) error {
			return errors.Join(os.Truncate(path, MaxSize), os.MkdirAll(filepath.Join(path+".1", "a directory"), 0o700))
		}, "1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "of the gateway", "journal.jsonl")
			j, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			begin(t, j, "1")
			if err := test.away(path); err != nil {
				t.Fatal(err)
			}
			begin(t, j, "2")
			begin(t, j, "3")
			if err := j.Destruct(); err != nil {
				t.Fatal(err)
			}
			if got := firstID(t, path); got != test.want {
				t.Errorf("the file begins with entry %q, want %q", got, test.want)
			}
			if test.kept != "" {
				if got := firstID(t, path+".1"); got != test.kept {
					t.Errorf("the file that was put aside begins with entry %q, want %q", got, test.kept)
				}
			}
		})
	}
}

// Two who write to one file would put each other's entries aside.
func TestFileOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(when string) {
		t.Helper()
		_, err := Open(path)
		if !errors.Is(err, errInUse) || !strings.Contains(err.Error(), path) {
			t.Fatalf("%s: opening it again: the error is %v", when, err)
		}
	}
	refused("open")
	if err := os.Truncate(path, MaxSize); err != nil {
		t.Fatal(err)
	}
	if err := j.Begin(Intent{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	refused("put aside and begun anew")
	if err := j.Destruct(); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(path); err != nil {
		t.Fatalf("closed: %v", err)
	}
	if err := j.Destruct(); err != nil {
		t.Fatal(err)
	}
}

// firstID returns the id in the first line of a file.
func firstID(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var first line
	if err := json.NewDecoder(file).Decode(&first); err != nil {
		t.Fatal(err)
	}
	return first.ID
}

// Where there is no file that an intent could be found in, nothing is done.
func TestFileThatCannotBeBegun(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "of the gateway")
	j, err := Open(filepath.Join(directory, "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null/nowhere", directory); err != nil {
		t.Fatal(err)
	}
	begin := func() error { return j.Begin(Intent{ID: "1"}) }
	if err := begin(); err == nil {
		t.Error("an intent was recorded nowhere")
	}
	if err := os.Remove(directory); err != nil {
		t.Fatal(err)
	}
	if err := begin(); err != nil {
		t.Error(err)
	}
	if err := j.Destruct(); err != nil {
		t.Error(err)
	}
}

// An outcome waits a while for an intent to go along with. Who flushes does not
// wait for that, as at the end of the process.
func TestFlushWritesOutcomesNow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Destruct()
	if err := j.Begin(Intent{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		if err := j.End(Outcome{ID: fmt.Sprint(n), Result: "applied"}); err != nil {
			t.Fatal(err)
		}
		if err := j.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := lines(t, path); len(got) != n+2 || got[n+1].ID != fmt.Sprint(n) {
			t.Fatalf("after %d flushes the file holds %+v", n+1, got)
		}
	}
}

// Nobody has to flush: an outcome is on disk a little later by itself.
func TestOutcomeGoesOutByItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Destruct()
	if err := j.End(Outcome{ID: "1", Result: "applied"}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); len(lines(t, path)) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the outcome is not written")
		}
	}
}
