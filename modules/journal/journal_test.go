package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	j.file = full
	if err := j.Begin(Intent{ID: "lost"}); err == nil {
		t.Error("Begin succeeded on a full disk")
	}
	if _, err := good.WriteString(`{"kind":"inte`); err != nil {
		t.Fatal(err)
	}
	j.file = good
	if err := j.Begin(Intent{ID: "kept"}); err != nil {
		t.Fatal(err)
	}
	full.Close()
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
