// Package terminal is how requests and answers are shown to somebody who watches:
// colours, and texts that are cut and broken to fit a line.
package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Style is how a text is marked, as an escape sequence has it; "" not at all.
type Style string

// What is marked.
const (
	Bold   Style = "1"
	Faint  Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Cyan   Style = "36"
)

// Writer writes lines.
type Writer struct {
	Out    io.Writer
	Colour bool // mark by escape sequences
	Width  int  // of the terminal, in columns; 0 where there is none: see [Columns]
}

// Mark marks a text, if there are colours.
func (w Writer) Mark(style Style, text string) string {
	if !w.Colour || style == "" || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// Line writes one line.
func (w Writer) Line(indent int, style Style, text string) {
	fmt.Fprintf(w.Out, "%s%s\n", strings.Repeat(" ", indent), w.Mark(style, text))
}

// Heading writes a title across the page.
func (w Writer) Heading(title string) {
	title = Cut(title, w.Page()-4)
	w.Line(0, Bold, fmt.Sprintf("── %s %s", title, strings.Repeat("─", max(0, w.Page()-4-utf8.RuneCountInString(title)))))
}

// Say writes a sentence, broken to fit a terminal; what follows the first line
// is indented.
func (w Writer) Say(indent int, style Style, text string) {
	for i, line := range Wrap(text, w.Room(indent+2)) {
		if i == 1 {
			indent += 2
		}
		w.Line(indent, style, line)
	}
}

// Is reports whether colours can be seen there and are wanted (no-color.org).
func Is(out io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(out)
}

// Readable decodes a request target, where that leaves it on one line.
func Readable(target string) string {
	path, query, hasQuery := strings.Cut(target, "?")
	decoded, err := url.QueryUnescape(query)
	if !hasQuery || err != nil || strings.ContainsFunc(decoded, unicode.IsControl) {
		return target
	}
	return path + "?" + decoded
}

// Compact writes a body on one line, without the list of schemas.
func Compact(body string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(body)) != nil {
		return strings.Join(strings.Fields(body), " ")
	}
	return schemas.ReplaceAllString(b.String(), "")
}

var schemas = regexp.MustCompile(`"schemas":\[[^\]]*\],?`)

// Cut shortens a line that is too long.
func Cut(line string, room int) string {
	if utf8.RuneCountInString(line) <= room {
		return line
	}
	return string([]rune(line)[:room-1]) + "…"
}

// Lines breaks JSON on one line into so many lines at most, behind commas.
func Lines(text string, room, most int) []string {
	var all []string
	for rest := []rune(text); len(rest) > 0; {
		if len(all) == most-1 {
			return append(all, Cut(string(rest), room))
		}
		n := min(room, len(rest))
		if comma := strings.LastIndex(string(rest[:n]), `,"`); n < len(rest) && comma > n/2 {
			n = utf8.RuneCountInString(string(rest[:n])[:comma+1])
		}
		all, rest = append(all, string(rest[:n])), rest[n:]
	}
	return all
}

// Wrap breaks a text into lines.
func Wrap(text string, room int) []string {
	var all []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > room {
			all, line = append(all, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	if line != "" {
		all = append(all, line)
	}
	return all
}

// Plain replaces what a terminal would take for a command, in a text that
// somebody else has sent. Line feeds and tabs stay.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

// OneLine is [Plain] for a text that stands within a line: what would begin another one
// becomes a space.
func OneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '\n', '\t', '\u2028', '\u2029':
			return ' '
		}
		return r
	}, Plain(text))
}
