package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// journalOf makes a store with entries and a configuration that names it.
func journalOf(t *testing.T, entries ...journal.Entry) (*store.Store, configuration) {
	t.Helper()
	dir := t.TempDir()
	s := store.New(&sqlite.Engine{Path: filepath.Join(dir, "store.db")}, zap.NewNop())
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Destruct(); err != nil {
			t.Error(err)
		}
	})
	add(t, s, entries...)
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte("{\n\tscim {\n\t\tstore sqlite "+filepath.Join(dir, "store.db")+"\n\t}\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, configuration{file: file}
}

func add(t *testing.T, s *store.Store, entries ...journal.Entry) {
	t.Helper()
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		for _, e := range entries {
			var result any
			if e.Result != "" {
				result = string(e.Result)
			}
			changes, err := json.Marshal(e.Changes)
			if err != nil {
				return err
			}
			_, err = tx.Exec(t.Context(), `INSERT INTO scim_journal (seq, id, instance, time, gateway, caller, token, address, request,
				operation, type, resource, name, folded, changes, members, calls, result, proof, duration) VALUES `+store.Values(1, 20),
				e.Sequence, fmt.Sprint("r", e.Sequence, "-1"), "x", store.Micros(e.Time), e.Gateway, e.Caller, e.Token, e.Address, fmt.Sprint("r", e.Sequence),
				e.Operation, e.Type, e.Resource, e.Name, journal.Fold(e.Name), string(changes), "", "", result, e.Proof, int64(e.Duration))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ofAda is an entry about Ada, so many minutes after noon.
func ofAda(minutes int, operation string, result journal.Result) journal.Entry {
	return journal.Entry{Sequence: int64(minutes) + 1, Time: noon.Add(time.Duration(minutes) * time.Minute), Gateway: "directory", Caller: "entra", Address: "20.1.2.3",
		Operation: operation, Type: "User", Resource: "id-ada", Name: "Ada.Lovelace", Result: result}
}

func run(t *testing.T, c journalCommand) string {
	t.Helper()
	var out bytes.Buffer
	if c.now == nil {
		c.now = func() time.Time { return noon.Add(time.Hour) }
	}
	if c.format == "" {
		c.format = "json"
	}
	if err := c.run(t.Context(), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// sequences returns those of JSON lines.
func sequences(t *testing.T, output string) string {
	t.Helper()
	var all []string
	for line := range strings.Lines(output) {
		var e journal.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, fmt.Sprint(e.Sequence))
	}
	return strings.Join(all, " ")
}

func TestJournalCommand(t *testing.T) {
	_, config := journalOf(t, ofAda(0, "create", journal.Applied), ofAda(10, "update", journal.Applied), ofAda(20, "disable", ""))
	tests := []struct {
		name string
		c    journalCommand
		want string
	}{
		{"all", journalCommand{}, "1 11 21"},
		{"the latest two, in order", journalCommand{query: journal.Query{Limit: 2}, hasLimit: true}, "11 21"},
		{"the latest two, reversed", journalCommand{query: journal.Query{Limit: 2, Descending: true}, hasLimit: true}, "21 11"},
		{"how long ago", journalCommand{since: "45m"}, "21"},
		{"until", journalCommand{until: "2026-11-21T12:10:00Z"}, "1"},
		{"a person's open entries", journalCommand{query: journal.Query{Person: "ADA.lovelace", Outcome: "open"}}, "21"},
		{"nobody", journalCommand{query: journal.Query{Person: "bob"}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.c.configuration = config
			if got := sequences(t, run(t, test.c)); got != test.want {
				t.Errorf("shown are %q, want %q", got, test.want)
			}
		})
	}
	text := run(t, journalCommand{configuration: config, format: "text"})
	if strings.Count(text, "Ada.Lovelace") != 3 || !strings.Contains(text, "OPEN") {
		t.Errorf("the text is\n%s", text)
	}
	if text := run(t, journalCommand{configuration: config, format: "csv", query: journal.Query{Person: "bob"}}); !strings.HasPrefix(text, "sequence,time,") {
		t.Errorf("the table of nothing is %q", text)
	}
	var out, notes bytes.Buffer
	nobody := journalCommand{configuration: config, format: "json", query: journal.Query{Person: "bob"}, now: func() time.Time { return noon }}
	if err := nobody.run(t.Context(), &out, &notes); err != nil || out.Len() > 0 || !strings.Contains(notes.String(), "There is no such entry among 3 in the store") {
		t.Errorf("of nobody it says %q and %q: %v", &out, &notes, err)
	}
}

func TestJournalCommandRefuses(t *testing.T) {
	_, config := journalOf(t)
	tests := []struct {
		c    journalCommand
		want string
	}{
		{journalCommand{since: "yesterday"}, `--since: "yesterday" is no time: write 2026-11-01`},
		{journalCommand{until: "-2h"}, "--until"},
		{journalCommand{since: "1h", until: "2h"}, "since must be earlier"},
		{journalCommand{format: "xml"}, "there is text, json, csv"},
		{journalCommand{query: journal.Query{Operation: "DROP"}}, "there is create"},
		{journalCommand{query: journal.Query{Limit: -1}}, "less than nothing"},
		{journalCommand{follow: true, until: "1h"}, "does not go with"},
		{journalCommand{configuration: configuration{file: filepath.Join(t.TempDir(), "none")}}, "no such file"},
	}
	for _, test := range tests {
		if test.c.configuration.file == "" {
			test.c.configuration = config
		}
		if test.c.format == "" {
			test.c.format = "text"
		}
		test.c.now = func() time.Time { return noon }
		var out bytes.Buffer
		if err := test.c.run(t.Context(), &out, io.Discard); err == nil || !strings.Contains(err.Error(), test.want) || out.Len() > 0 {
			t.Errorf("%v, want %s (and %q is printed)", err, test.want, out.String())
		}
	}
}

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	now := noon.In(zone)
	for text, want := range map[string]time.Time{
		"":                     {},
		"2026-11-01":           time.Date(2026, 11, 1, 0, 0, 0, 0, zone),
		"2026-11-01 14:00":     time.Date(2026, 11, 1, 14, 0, 0, 0, zone),
		"2026-11-01T14:00:00Z": time.Date(2026, 11, 1, 14, 0, 0, 0, time.UTC),
		"2h":                   noon.Add(-2 * time.Hour),
		"30d":                  noon.AddDate(0, 0, -30),
	} {
		if got, err := parseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"0s", "2026-13-01", "2h ago", "\x1b"} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// lineWriter hands over lines as they are written.
type lineWriter struct{ lines chan string }

func (w lineWriter) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		w.lines <- strings.TrimSpace(line)
	}
	return len(b), nil
}

// What comes in is printed, and what comes of it, until it is interrupted.
func TestJournalFollow(t *testing.T) {
	s, config := journalOf(t, ofAda(0, "create", journal.Applied))
	ctx, interrupt := context.WithCancel(t.Context())
	out := lineWriter{make(chan string, 100)}
	var ended sync.WaitGroup
	ended.Go(func() {
		c := journalCommand{configuration: config, format: "json", follow: true, poll: time.Millisecond, now: time.Now}
		if err := c.run(ctx, out, io.Discard); err != nil {
			t.Error(err)
		}
	})
	expect := func(want string) {
		t.Helper()
		if got := sequences(t, <-out.lines+"\n"); got != want {
			t.Errorf("%s is printed, want %s", got, want)
		}
	}
	expect("1")
	add(t, s, ofAda(5, "disable", ""))
	expect("6")
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE scim_journal SET result = 'applied', proof = 'proven' WHERE seq = 6")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	line := <-out.lines
	if !strings.Contains(line, `"result":"applied"`) || !strings.Contains(line, `"sequence":6`) {
		t.Errorf("what came of it is told as %s", line)
	}
	interrupt()
	ended.Wait()
}

// When nobody reads any more it ends, also when nothing comes in.
func TestJournalFollowDeserted(t *testing.T) {
	ignoreBrokenPipes()
	_, config := journalOf(t, ofAda(0, "create", journal.Applied))
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	var ended sync.WaitGroup
	ended.Go(func() {
		c := journalCommand{configuration: config, format: "json", follow: true, poll: time.Millisecond, now: time.Now}
		if err := c.run(t.Context(), writer, io.Discard); err != nil {
			t.Error(err)
		}
	})
	if n, err := reader.Read(make([]byte, 10)); err != nil {
		t.Errorf("read %d bytes: %v", n, err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	ended.Wait()
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestJournalNobodyReads(t *testing.T) {
	_, config := journalOf(t, ofAda(0, "create", journal.Applied))
	c := journalCommand{configuration: config, format: "text", now: time.Now}
	if err := c.run(t.Context(), failing{}, io.Discard); err != nil {
		t.Error(err)
	}
	w := whoCommand{configuration: config, format: "text", now: time.Now}
	if err := w.run(t.Context(), "ada.lovelace", failing{}); err != nil {
		t.Error(err)
	}
}
