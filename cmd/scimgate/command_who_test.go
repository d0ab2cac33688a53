package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/modules/journal"
)

func at(e journal.Entry, gateway, id, name string, sequence int64) journal.Entry {
	e.Gateway, e.Resource, e.Name, e.Sequence = gateway, id, name, sequence
	return e
}

func TestWho(t *testing.T) {
	_, config := journalOf(t,
		ofAda(0, "create", journal.Applied), ofAda(20, "disable", journal.Applied),
		at(ofAda(1, "create", journal.Applied), "tickets", "17", "ada.lovelace", 100),
		at(ofAda(2, "create", journal.Applied), "payroll", "17", "eve", 101),
		at(ofAda(3, "create", journal.Applied), "directory", "id-bob1", "bob", 102),
		at(ofAda(4, "create", journal.Applied), "directory", "id-bob2", "Bob", 103),
		at(ofAda(5, "create", journal.NotApplied), "directory", "", "carol", 104),
	)
	const by = "SCIM system user (token entra, from 20.1.2.3)"
	tests := []struct {
		name   string
		person string
		c      whoCommand
		want   []string
		err    []string
	}{
		{name: "over all gateways", person: "ADA.LOVELACE", want: []string{
			"2026-11-21 12:00:00 UTC: " + by + " created Ada.Lovelace through directory.",
			"2026-11-21 12:01:00 UTC: " + by + " created ada.lovelace through tickets.",
			"2026-11-21 12:20:00 UTC: " + by + " disabled Ada.Lovelace through directory.",
			"",
			"Ada.Lovelace (id id-ada) at directory is disabled since 2026-11-21 12:20:00 UTC, by " + by + ".",
			"ada.lovelace (id 17) at tickets is enabled since 2026-11-21 12:01:00 UTC, by " + by + ".",
		}},
		{name: "since: how things stand counts what was before", person: "id-ada", c: whoCommand{since: "2026-11-21T13:00:00Z"}, want: []string{
			"", "Nothing has happened since 2026-11-21 13:00:00 UTC.",
			"Ada.Lovelace (id id-ada) at directory is disabled since 2026-11-21 12:20:00 UTC, by " + by + ".",
		}},
		{name: "nobody came of it", person: "carol", want: []string{
			"2026-11-21 12:05:00 UTC: " + by + " tried to create carol through directory, and nothing was changed.",
			"", "No account came of it.",
		}},
		{name: "two of one name", person: "bob", err: []string{"bob has been several people", "\n  id-bob1 at directory, called bob", "\n  id-bob2 at directory, called Bob, from 2026-11-21"}},
		{name: "one of them", person: "id-bob2", want: []string{
			"2026-11-21 12:04:00 UTC: " + by + " created Bob through directory.", "",
			"Bob (id id-bob2) at directory is enabled since 2026-11-21 12:04:00 UTC, by " + by + ".",
		}},
		{name: "one number, two people", person: "17", err: []string{"several people", "--gateway", "17 at tickets", "17 at payroll"}},
		{name: "the number of one gateway", person: "17", c: whoCommand{gateway: "payroll"}, want: []string{
			"2026-11-21 12:02:00 UTC: " + by + " created eve through payroll.", "",
			"eve (id 17) at payroll is enabled since 2026-11-21 12:02:00 UTC, by " + by + ".",
		}},
		{name: "nobody", person: "dave\x1b", err: []string{`nobody is or was called "dave` + "\uFFFD", "all gateways among 7", "store.db", "2026-11-21T12:00:00Z"}},
		{name: "no name", person: "", err: []string{"name a person"}},
		{name: "no format", person: "eve", c: whoCommand{format: "csv"}, err: []string{"text, json"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.c.configuration, test.c.zone, test.c.now = config, time.UTC, time.Now
			if test.c.format == "" {
				test.c.format = "text"
			}
			var out bytes.Buffer
			err := test.c.run(t.Context(), test.person, &out)
			if (err != nil) != (test.err != nil) {
				t.Fatalf("the error is %v", err)
			}
			for _, part := range test.err {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not say %q: %v", part, err)
				}
			}
			if diff := cmp.Diff(test.want, lines(out.String())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func TestWhoJSON(t *testing.T) {
	_, config := journalOf(t, ofAda(0, "disable", ""))
	var out bytes.Buffer
	c := whoCommand{configuration: config, format: "json", zone: time.UTC, now: time.Now}
	if err := c.run(t.Context(), "ada.lovelace", &out); err != nil {
		t.Fatal(err)
	}
	got := lines(out.String())
	if len(got) != 2 || !strings.Contains(got[0], `"entry":{"sequence":1`) || !strings.Contains(got[0], `"text":"2026-11-21 12:00:00 UTC: `) ||
		!strings.Contains(got[1], `"accounts":[{"gateway":"directory","id":"id-ada","name":"Ada.Lovelace"`) || !strings.Contains(got[1], `"doubt":"disable"`) || !strings.Contains(got[1], `"open":1`) {
		t.Errorf("the lines are\n%s", out.String())
	}
}

func TestWhoInAnEmptyJournal(t *testing.T) {
	_, config := journalOf(t)
	c := whoCommand{configuration: config, format: "text", now: time.Now}
	if err := c.run(t.Context(), "ada", &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "has no entry") {
		t.Errorf("the error is %v", err)
	}
}
