// Package tell shows entries of the journal: as text for people, as JSON, as CSV for
// a spreadsheet, and as sentences about one person.
//
// What an entry holds was sent by others. None of its control characters reaches a
// terminal, in any form.
package tell

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scimgate/scimgate/internal/terminal"
	"github.com/scimgate/scimgate/modules/journal"
)

// Writer writes entries in some form.
type Writer interface {
	// Write writes an entry. The error is that of the output.
	Write(journal.Entry) error
	// End writes what is still to be written when there are no more entries.
	End() error
}

// Forms are the forms that [NewWriter] knows.
var Forms = []string{"text", "json", "csv"}

// Options are how entries are written.
type Options struct {
	Calls bool           // text: the calls as they were planned, too
	Zone  *time.Location // text: of its times; nil: the machine's
}

// NewWriter returns a writer of a form.
func NewWriter(form string, out io.Writer, o Options) (Writer, error) {
	if o.Zone == nil {
		o.Zone = time.Local
	}
	switch form {
	case "text":
		return text{out, o}, nil
	case "json":
		return lines{out}, nil
	case "csv":
		return newTable(out), nil
	}
	return nil, fmt.Errorf("there is no format %q; there is %s", form, strings.Join(Forms, ", "))
}

// text writes a line for an entry, aligned with the others, and what changed on the
// lines behind it.
type text struct {
	out io.Writer
	o   Options
}

// longest is how much of a value a line shows, in characters.
const longest = 200

func (t text) Write(e journal.Entry) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %-12s  %-7s  %-16s  %s\n", moment(e.Time, t.o.Zone), plain(e.Gateway), plain(e.Operation), outcome(e), subject(e))
	by := "by " + plain(e.Caller)
	if e.Token != "" {
		by += " (" + plain(e.Token) + ")"
	}
	if e.Address != "" {
		by += " from " + plain(e.Address)
	}
	by += ", request " + plain(e.Request) + ", sequence " + fmt.Sprint(e.Sequence)
	if e.Duration > 0 {
		by += ", took " + duration(e.Duration)
	}
	detail := func(text string) { fmt.Fprintf(&b, "    %s\n", text) }
	detail(by)
	if e.Resource != "" && e.Name != "" {
		detail("id " + plain(e.Resource))
	}
	if e.Why != "" {
		detail("why: " + plain(e.Why))
	}
	for _, c := range e.Changes {
		detail(change(c))
	}
	for _, line := range memberLines(e.Members) {
		detail(line)
	}
	if e.Error != "" {
		detail("error: " + plain(e.Error))
	}
	if e.Note != "" {
		detail("closed: " + plain(e.Note))
	}
	if t.o.Calls {
		for _, call := range e.Calls {
			detail("call: " + plain(call.Purpose))
			for line := range strings.Lines(terminal.Plain(call.Text)) {
				fmt.Fprintf(&b, "      %s\n", strings.TrimRight(line, "\n"))
			}
		}
	}
	_, err := io.WriteString(t.out, b.String())
	return err
}

func (text) End() error { return nil }

// moment writes a time in words of a zone.
func moment(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2006-01-02 15:04:05 MST")
}

// duration writes a duration as one says it.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return d.Round(time.Second).String()
}

// outcome says in a few words what came of an entry.
func outcome(e journal.Entry) string {
	switch {
	case e.Result == journal.Unresolved:
		return "OPEN"
	case e.Result == journal.Unknown:
		return "UNKNOWN"
	case e.Result == journal.Applied && e.Proof == "proven":
		return "applied, proven"
	case isUnproven(e):
		return "NOT PROVEN"
	}
	return plain(string(e.Result))
}

// isUnproven reports whether the proof is missing that what was done is in force.
func isUnproven(e journal.Entry) bool {
	return e.Result == journal.Applied && (e.Proof == "refuted" || e.Proof == "failed" || e.Proof == "unprovable")
}

// subject says what an entry is about.
func subject(e journal.Entry) string {
	name := e.Name
	if name == "" {
		name = e.Resource
	}
	return strings.TrimSpace(plain(e.Type) + " " + plain(name))
}

// change says in a line what became of an attribute.
func change(c journal.Change) string {
	attribute := plain(c.Attribute) + ": "
	switch {
	case c.Secret:
		return attribute + "a secret, which is not kept"
	case c.Private:
		return attribute + "private: " + side(c.From) + " → " + side(c.To)
	case c.Omitted > 0:
		return attribute + fmt.Sprintf("%d bytes, too long to be kept", c.Omitted)
	}
	return attribute + side(c.From) + " → " + side(c.To)
}

// side is a value before or behind a change, on one line.
func side(value json.RawMessage) string {
	if len(value) == 0 {
		return "(nothing)"
	}
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return plain(string(value))
	}
	return cut(plain(compact.String()))
}

// cut shortens what is too long for a line, and says so.
func cut(text string) string {
	if n := utf8.RuneCountInString(text); n > longest {
		return terminal.Cut(text, longest) + fmt.Sprintf(" (%d characters)", n)
	}
	return text
}

// mostMembers is how many members a line names.
const mostMembers = 20

func memberLines(m *journal.Members) []string {
	if m == nil {
		return nil
	}
	var all []string
	add := func(what string, ids []string) {
		if len(ids) == 0 {
			return
		}
		line := what
		for _, id := range ids[:min(len(ids), mostMembers)] {
			line += " " + plain(id)
		}
		if more := len(ids) - mostMembers; more > 0 {
			line += fmt.Sprintf(" and %d more", more)
		}
		all = append(all, line)
	}
	if m.ReplaceAll {
		add("members, all that there will be:", m.Added)
		if len(m.Added) == 0 && m.Omitted == 0 {
			all = append(all, "members: all removed")
		}
	} else {
		add("members added:", m.Added)
	}
	add("members removed:", m.Removed)
	if m.Omitted > 0 {
		all = append(all, fmt.Sprintf("members: %d more that are not listed", m.Omitted))
	}
	return all
}

// plain makes one line of what others have sent, without what a terminal takes for a
// command.
func plain(text string) string {
	return strings.NewReplacer("\n", "\uFFFD", "\t", " ", "\u2028", "\uFFFD", "\u2029", "\uFFFD").Replace(terminal.Plain(text))
}
