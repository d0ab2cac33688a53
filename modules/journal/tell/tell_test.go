package tell_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/journal/tell"
)

var (
	noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	zone = time.FixedZone("CET", 3600)
)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func quoted(text string) json.RawMessage {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return encoded
}

var (
	disabled = journal.Entry{Sequence: 7, Time: noon, Gateway: "directory", Caller: "entra", Token: "tok00001", Address: "20.1.2.3",
		Request: "3bfada7181470ca0", Operation: "disable", Type: "User", Resource: "id-ada", Name: "Ada.Lovelace",
		Changes: []journal.Change{{Attribute: "active", From: json.RawMessage("true"), To: json.RawMessage("false")}},
		Calls:   []journal.Call{{Purpose: "lock the account", Text: "dn: uid=ada,dc=example\nchangetype: modify\n"}},
		Result:  journal.Applied, Proof: "proven", Ended: noon.Add(time.Second), Duration: 43 * time.Millisecond}
	moved = journal.Entry{Sequence: 8, Time: at(1), Gateway: "directory", Caller: "grace@dir1", Why: "asked by phone",
		Request: "c0", Operation: "update", Type: "Group", Resource: "id-e", Name: "Engineers",
		Members: &journal.Members{Added: []string{"id-ada"}, Removed: []string{"id-bob", "id-carol"}, Omitted: 3}, Error: "unavailable", Note: "nothing was done"}
	evil = journal.Entry{Sequence: 9, Time: at(2), Gateway: "g\x1b[31m", Caller: "e\x9b2J", Token: "t\r", Address: "a\x07", Request: "r\x00", Operation: "update\x1b", Type: "User\x1b",
		Resource: "\u202eid", Name: "=cmd|' /C calc'!A0\x1b]0;x\x07\n\u009b31m", Why: "\x1b", Proof: "\x1b", Error: "\x1b[2J", Note: "\u2066\x1b", Result: "applied\x1b",
		Changes: []journal.Change{{Attribute: "title\x1b", From: json.RawMessage("\"\u009b1m\\u001b\""), To: quoted("\x1b[31m\u202e\n")}, {Attribute: "photo", To: quoted(strings.Repeat("x", 5000))}},
		Members: &journal.Members{Added: []string{"\x1b[0m"}},
		Calls:   []journal.Call{{Purpose: "p\x1b", Text: "dn: \x1b[31m\r\n\u009bx\n"}}}
)

func written(t *testing.T, form string, o tell.Options, entries ...journal.Entry) string {
	t.Helper()
	var b strings.Builder
	o.Zone = zone
	w, err := tell.NewWriter(form, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	want := `2026-11-21 13:00:00 CET  directory     disable  applied, proven   User Ada.Lovelace
    by entra (tok00001) from 20.1.2.3, request 3bfada7181470ca0, sequence 7, took 43 ms
    id id-ada
    active: true → false
    call: lock the account
      dn: uid=ada,dc=example
      changetype: modify
2026-11-21 13:01:00 CET  directory     update   OPEN              Group Engineers
    by grace@dir1, request c0, sequence 8
    id id-e
    why: asked by phone
    members added: id-ada
    members removed: id-bob id-carol
    members: 3 more that are not listed
    error: unavailable
    closed: nothing was done
`
	if diff := cmp.Diff(want, written(t, "text", tell.Options{Calls: true}, disabled, moved)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := written(t, "text", tell.Options{}, disabled); strings.Contains(got, "uid=ada") {
		t.Errorf("the calls are shown unasked:\n%s", got)
	}
}

// An entry with all that a terminal takes for a command is shown without, in every
// form, and what JSON has is still the entry.
func TestNoCommandsForTerminals(t *testing.T) {
	outputs := map[string]string{
		"text": written(t, "text", tell.Options{Calls: true}, evil),
		"json": written(t, "json", tell.Options{}, evil),
		"csv":  strings.ReplaceAll(written(t, "csv", tell.Options{}, evil), "\r\n", "\n"),
	}
	for _, isJSON := range []bool{false, true} {
		var b strings.Builder
		story := tell.NewStory(&b, []journal.Person{{Gateway: evil.Gateway, ID: evil.Resource, Name: evil.Name}}, isJSON, zone, time.Time{})
		for _, result := range []journal.Result{evil.Result, journal.Applied, journal.NotApplied, journal.Unknown, journal.Unresolved} {
			e := evil
			e.Result = result
			for _, e.Operation = range []string{"disable", "enable", "create", "delete", "update\x1b"} {
				for _, e.Type = range []string{"User", "Group\x1b"} {
					if err := story.Tell(e); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if err := story.End(); err != nil {
			t.Fatal(err)
		}
		outputs["who "+map[bool]string{true: "json", false: "text"}[isJSON]] = b.String()
	}
	for form, output := range outputs {
		for _, r := range output {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
				t.Errorf("%s: %U reaches the terminal:\n%q", form, r, output)
				break
			}
		}
	}
	var got journal.Entry
	if err := json.Unmarshal([]byte(outputs["json"]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != evil.Name || got.Resource != evil.Resource {
		t.Errorf("JSON has %q %q", got.Name, got.Resource)
	}
	if len(outputs["text"]) > 2000 {
		t.Errorf("a long value is shown as a whole: %d bytes", len(outputs["text"]))
	}
}

func TestCSV(t *testing.T) {
	formula := disabled
	formula.Name, formula.Caller, formula.Why, formula.Gateway, formula.Request = "=1+1", "+x", "-2\"; DROP, \"x", "@SUM(A1)", "＝1"
	text := written(t, "csv", tell.Options{}, formula, moved)
	if !strings.HasPrefix(text, "sequence,time,gateway,") || strings.Count(text, "\r\n") != 3 || strings.Count(text, "\n") != 3 {
		t.Fatalf("no CSV of three lines:\n%q", text)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	row := make(map[string]string)
	for i, name := range rows[0] {
		row[name] = rows[1][i]
	}
	want := map[string]string{
		"sequence": "7", "time": "2026-11-21T12:00:00Z", "gateway": "'@SUM(A1)", "operation": "disable", "type": "User", "id": "id-ada", "name": "'=1+1",
		"result": "applied", "proof": "proven", "error": "", "caller": "'+x", "token": "tok00001", "address": "20.1.2.3", "request": "'＝1",
		"why": "'-2\"; DROP, \"x", "changes": "active: true → false", "members": "", "calls": "lock the account", "note": "",
		"ended": "2026-11-21T12:00:01Z", "duration_ms": "43.000",
	}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := written(t, "csv", tell.Options{}); !strings.HasPrefix(got, "sequence,") || strings.Count(got, "\n") != 1 {
		t.Errorf("of nothing: %q", got)
	}
}

func TestNoSuchForm(t *testing.T) {
	if _, err := tell.NewWriter("xml", nil, tell.Options{}); err == nil || !strings.Contains(err.Error(), "text, json, csv") {
		t.Errorf("the error is %v", err)
	}
}

// with returns the disable of Ada with something else about it.
func with(change func(*journal.Entry)) journal.Entry {
	e := disabled
	change(&e)
	return e
}

func TestSentences(t *testing.T) {
	tests := []struct {
		entry journal.Entry
		want  string
	}{
		{disabled, "SCIM system user (token entra tok00001, from 20.1.2.3) disabled Ada.Lovelace through directory; proven. It took 43 ms."},
		{with(func(e *journal.Entry) { e.Caller, e.Token, e.Address, e.Why = "grace@dir1", "", "", "left today" }),
			`grace@dir1 (by command, because "left today") disabled Ada.Lovelace through directory; proven. It took 43 ms.`},
		{with(func(e *journal.Entry) { e.Proof = "refuted" }),
			"SCIM system user (token entra tok00001, from 20.1.2.3) disabled Ada.Lovelace through directory; it is NOT IN FORCE: reading it back refuted it. It took 43 ms."},
		{with(func(e *journal.Entry) { e.Proof, e.Error, e.Duration = "failed", "unavailable", 0 }),
			"SCIM system user (token entra tok00001, from 20.1.2.3) disabled Ada.Lovelace through directory; NOT PROVEN: reading it back failed (unavailable)."},
		{with(func(e *journal.Entry) { e.Result, e.Proof, e.Duration = journal.Unresolved, "", 0 }),
			"SCIM system user (token entra tok00001, from 20.1.2.3) began to disable Ada.Lovelace through directory. WHAT CAME OF IT IS NOT KNOWN: the entry is open."},
		{with(func(e *journal.Entry) {
			e.Result, e.Proof, e.Duration, e.Note = journal.Unknown, "", 0, "read at the start of a gateway"
		}),
			"SCIM system user (token entra tok00001, from 20.1.2.3) tried to disable Ada.Lovelace through directory. WHAT CAME OF IT IS NOT KNOWN: look in the backend. Closed: read at the start of a gateway."},
		{with(func(e *journal.Entry) { e.Result, e.Proof, e.Error, e.Duration = journal.NotApplied, "", "conflict", 0 }),
			"SCIM system user (token entra tok00001, from 20.1.2.3) tried to disable Ada.Lovelace through directory, and nothing was changed (conflict)."},
		{with(func(e *journal.Entry) {
			e.Operation, e.Proof, e.Duration = "update", "not needed", 0
			e.Changes = []journal.Change{{Attribute: "title", From: quoted("Engineer"), To: quoted("Director")}, {Attribute: "nickName", From: quoted("A")},
				{Attribute: "password", Secret: true}, {Attribute: "locale", To: quoted("en")}, {Attribute: "phoneNumbers", Private: true, To: quoted("h")}, {Attribute: "photos", Omitted: 70_000}}
		}),
			`SCIM system user (token entra tok00001, from 20.1.2.3) changed Ada.Lovelace through directory. The changes: title from "Engineer" to "Director"; nickName removed, which was "A"; password (a secret, which is not kept); locale "en"; phoneNumbers (private); photos (70000 bytes, too long to be kept).`},
		{with(func(e *journal.Entry) {
			e.Operation, e.Type, e.Name, e.Resource, e.Proof, e.Changes, e.Duration = "update", "Group", "Engineers", "id-e", "", nil, 0
			e.Members = &journal.Members{Added: []string{"id-bob", "id-ada"}}
		}), "SCIM system user (token entra tok00001, from 20.1.2.3) added ada to group Engineers through directory."},
		{with(func(e *journal.Entry) {
			e.Operation, e.Type, e.Name, e.Resource, e.Proof, e.Changes, e.Duration = "update", "Group", "Engineers", "id-e", "", nil, 0
			e.Members = &journal.Members{Removed: []string{"id-ada"}}
		}), "SCIM system user (token entra tok00001, from 20.1.2.3) removed ada from group Engineers through directory."},
		{with(func(e *journal.Entry) {
			e.Operation, e.Type, e.Name, e.Resource, e.Proof, e.Changes, e.Duration = "update", "Group", "", "id-e", "", nil, 0
			e.Members, e.Result = &journal.Members{ReplaceAll: true, Added: []string{"id-ada"}}, journal.NotApplied
		}), "SCIM system user (token entra tok00001, from 20.1.2.3) tried to make ada one of all members of group id-e through directory, and nothing was changed."},
		{with(func(e *journal.Entry) {
			e.Operation, e.Type, e.Name, e.Proof, e.Changes, e.Duration = "create", "Group", "Engineers", "", nil, 0
			e.Members = &journal.Members{Added: []string{"id-bob"}, Omitted: 100_000}
		}), "SCIM system user (token entra tok00001, from 20.1.2.3) changed the members of group Engineers, ada among them, through directory."},
	}
	for _, test := range tests {
		want := "2026-11-21 13:00:00 CET: " + test.want
		if diff := cmp.Diff(want, tell.Sentence(test.entry, zone, []string{"id-ada"}, "ada")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// How things stand in the end.
func TestStory(t *testing.T) {
	entry := func(minutes int, operation string, result journal.Result, change ...func(*journal.Entry)) journal.Entry {
		return with(func(e *journal.Entry) {
			e.Time, e.Operation, e.Result, e.Proof, e.Changes = at(minutes), operation, result, "", nil
			for _, c := range change {
				c(e)
			}
		})
	}
	inactive := func(e *journal.Entry) {
		e.Changes = []journal.Change{{Attribute: "active", To: json.RawMessage("false")}}
	}
	refuted := func(e *journal.Entry) { e.Proof = "refuted" }
	const by = ", by SCIM system user (token entra tok00001, from 20.1.2.3)."
	const ada = "Ada.Lovelace (id id-ada) at directory"
	tests := []struct {
		name    string
		entries []journal.Entry
		want    string
	}{
		{"created", []journal.Entry{entry(0, "create", journal.Applied)}, ada + " is enabled since 2026-11-21 13:00:00 CET" + by},
		{"created disabled", []journal.Entry{entry(0, "create", journal.Applied, inactive)}, ada + " is disabled since 2026-11-21 13:00:00 CET" + by},
		{"disabled", []journal.Entry{entry(0, "create", journal.Applied), entry(1, "disable", journal.Applied)}, ada + " is disabled since 2026-11-21 13:01:00 CET" + by},
		{"disabled twice", []journal.Entry{entry(1, "disable", journal.Applied), entry(2, "disable", journal.Applied)}, ada + " is disabled since 2026-11-21 13:01:00 CET" + by},
		{"disabled in vain", []journal.Entry{entry(0, "create", journal.Applied), entry(1, "disable", journal.NotApplied)}, "ATTENTION: " + ada + " is enabled since 2026-11-21 13:00:00 CET" + by + " The disable behind that was NOT CARRIED OUT."},
		{"disabled in vain, and nothing else is known", []journal.Entry{entry(1, "disable", journal.NotApplied)}, "ATTENTION: " + ada + ": the last disable was NOT CARRIED OUT."},
		{"disabled in vain, and then not", []journal.Entry{entry(1, "disable", journal.NotApplied), entry(2, "disable", journal.Applied)}, ada + " is disabled since 2026-11-21 13:02:00 CET" + by},
		{"disabled, and again in vain", []journal.Entry{entry(1, "disable", journal.Applied), entry(2, "disable", journal.NotApplied)}, ada + " is disabled since 2026-11-21 13:01:00 CET" + by},
		{"not proven", []journal.Entry{entry(1, "disable", journal.Applied, refuted)}, "ATTENTION: " + ada + " is disabled since 2026-11-21 13:01:00 CET" + by + " That it is in force is NOT PROVEN."},
		{"proven later", []journal.Entry{entry(1, "disable", journal.Applied, refuted), entry(2, "disable", journal.Applied)}, ada + " is disabled since 2026-11-21 13:02:00 CET" + by},
		{"enabled again", []journal.Entry{entry(1, "disable", journal.Applied), entry(2, "enable", journal.Applied)}, ada + " is enabled since 2026-11-21 13:02:00 CET" + by},
		{"disabled instead of deleted", []journal.Entry{entry(1, "delete", journal.Applied, inactive)}, ada + " is disabled since 2026-11-21 13:01:00 CET" + by},
		{"deleted", []journal.Entry{entry(1, "delete", journal.Applied)}, ada + " is deleted since 2026-11-21 13:01:00 CET" + by},
		{"changed", []journal.Entry{entry(1, "update", journal.Applied)}, ada + ": the journal does not tell whether the account is enabled."},
		{"open", []journal.Entry{entry(1, "disable", journal.Unresolved)}, "ATTENTION: " + ada + ": what came of the last disable is not known.\n" +
			"ATTENTION: entries that are open: 1. What came of them is not known. A gateway that is started closes those of one that has ended."},
		{"unknown", []journal.Entry{entry(0, "create", journal.Applied), entry(1, "disable", journal.Unknown)}, "ATTENTION: " + ada + " was enabled since 2026-11-21 13:00:00 CET" + by + " What came of the disable behind that is not known.\n" +
			"ATTENTION: entries closed as unknown: 1. Look in the backend what is there."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			story := tell.NewStory(&b, []journal.Person{{Gateway: "directory", ID: "id-ada", Name: "Ada.Lovelace"}}, false, zone, time.Time{})
			for _, e := range test.entries {
				if err := story.Tell(e); err != nil {
					t.Fatal(err)
				}
			}
			if err := story.End(); err != nil {
				t.Fatal(err)
			}
			sentences, end, _ := strings.Cut(b.String(), "\n\n")
			if diff := cmp.Diff(test.want+"\n", end); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if n := strings.Count(sentences, "\n") + 1; n != len(test.entries) {
				t.Errorf("%d sentences:\n%s", n, sentences)
			}
		})
	}
}
