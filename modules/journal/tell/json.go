package tell

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/scimgate/scimgate/modules/journal"
)

// lines writes an entry as a line of JSON.
type lines struct{ out io.Writer }

func (l lines) Write(e journal.Entry) error { return writeLine(l.out, e) }

func (lines) End() error { return nil }

// writeLine writes a value as a line of JSON.
func writeLine(out io.Writer, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, escaped(string(text))+"\n")
	return err
}

// escaped writes what a terminal would take for a command, and JSON lets stand, as
// JSON's escapes. It only occurs in strings.
func escaped(text string) string {
	if !strings.ContainsFunc(text, isCommand) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isCommand(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isCommand reports whether a terminal may take a character for a command. All of
// them are in the first plane of Unicode.
func isCommand(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
