package demo

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scimgate/scimgate/internal/dialogue"
	"github.com/scimgate/scimgate/internal/replay"
)

// printer shows a play: for each step a line that says what it is and how it
// ended, and indented below it the request, the directory's calls and what
// follows from them.
type printer struct {
	out    io.Writer
	colour bool
}

// What is marked.
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (p *printer) mark(style, text string) string {
	if !p.colour || style == "" || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

func (p *printer) line(indent int, style, text string) {
	fmt.Fprintf(p.out, "%s%s\n", strings.Repeat(" ", indent), p.mark(style, text))
}

// width is how long a line may be; what is longer is cut.
const width = 110

func (p *printer) opening(d *Demo) {
	fmt.Fprintln(p.out)
	p.line(0, "", "Requests as Microsoft Entra ID and Okta send them, to "+d.TenantURL+";")
	p.line(0, "", "the LDIF that the gateway makes of each, and behind the arrows what came of it.")
}

func (p *printer) heading(d *dialogue.Dialogue) {
	fmt.Fprintln(p.out)
	name := d.Name
	if d.Version != "" {
		name += " (SCIM " + d.Version + ")"
	}
	p.line(0, bold, fmt.Sprintf("── %s %s", name, strings.Repeat("─", max(0, width-4-len(name)))))
	for _, text := range wrap(plain(strings.Join(d.About, " ")), width) {
		p.line(0, "", text)
	}
}

// shown is a step that was played.
type shown struct {
	dialogue.Step
	plan   string // what Explain told before it was sent
	answer replay.Answer
	wrong  []error
	ids    []string // that are known, and are shortened
}

func (p *printer) step(s shown) {
	verdict, style := "✓", green
	if len(s.wrong) > 0 {
		verdict, style = "✗", red
	}
	status := fmt.Sprintf("→ %d %s", s.answer.Status, http.StatusText(s.answer.Status))
	fmt.Fprintf(p.out, "\n%s %s\n", p.mark(style, verdict), p.mark(bold, s.Title))
	for _, text := range wrap(remark(s.Sources), width-4) {
		p.line(4, faint, text)
	}
	fmt.Fprintf(p.out, "    %s %s\n", p.mark(cyan, cut(s.Request.Method+" "+s.shorten(readable(s.Request.Target)), width-30)), p.mark(style, status))
	for _, text := range lines(s.shorten(compact(s.Request.Body)), width-4, 2) {
		p.line(4, cyan, text)
	}
	if s.answer.Status < 400 || len(s.Becomes) > 1 && strings.HasPrefix(s.Becomes[len(s.Becomes)-1], "error ") {
		p.calls(s)
	}
	p.found(s)
	p.effects(s.Directory)
	for _, err := range s.wrong {
		p.line(4, red, "not as it should be: "+err.Error())
	}
}

// shorten cuts the ids that are known to what one can tell apart.
func (s shown) shorten(text string) string {
	const enough = 8
	for _, id := range s.ids {
		if len(id) > 2*enough {
			text = strings.ReplaceAll(text, id, id[:enough]+"…")
		}
	}
	return text
}

// longest is how many lines of the calls are shown; of many more the last are
// left out.
const longest = 14

// calls shows the directory's calls of an explanation. What the request means is
// above them already.
func (p *printer) calls(s shown) {
	_, text, isPlan := strings.Cut(s.plan, "\n\n")
	if !isPlan {
		return
	}
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	left := 0
	if len(all) > longest+2 {
		left = len(all) - longest
		all = all[:longest]
	}
	for _, line := range all {
		style := ""
		if strings.HasPrefix(line, "#") {
			line, style = s.shorten(line), faint
		}
		p.line(6, style, cut(line, width-6))
	}
	if left > 0 {
		p.line(6, faint, fmt.Sprintf("… and %d more lines", left))
	}
}

// found shows what a search found, and what an error says.
func (p *printer) found(s shown) {
	var body struct {
		Detail       string
		TotalResults *int
		Resources    []struct{ UserName, DisplayName string }
	}
	_ = json.Unmarshal(s.answer.Body, &body) // what can't be read was checked already
	switch {
	case s.answer.Status >= 400:
		for _, text := range wrap("→ "+body.Detail, width-4) {
			p.line(4, yellow, text)
		}
	case body.TotalResults != nil && *body.TotalResults == 0:
		p.line(4, yellow, "→ found none")
	case body.TotalResults != nil:
		var names []string
		for _, r := range body.Resources {
			if name := cmp.Or(r.UserName, r.DisplayName); name != "" {
				names = append(names, name)
			}
		}
		p.line(4, yellow, cut(strings.TrimSuffix(fmt.Sprintf("→ found %d: %s", *body.TotalResults, strings.Join(names, ", ")), ": "), width-4))
	}
}

// effects shows what was looked up in the directory: who can sign in, and what
// is gone.
func (p *printer) effects(entries []dialogue.Entry) {
	for _, e := range entries {
		name, _, _ := strings.Cut(e.DN, ",")
		if e.IsGone {
			p.line(4, yellow, "→ "+name+" is gone from the directory")
		}
		for _, b := range e.Bind {
			if b.Refused {
				p.line(4, yellow, fmt.Sprintf("→ %s can't sign in with %s", name, b.Password))
			} else {
				p.line(4, yellow, fmt.Sprintf("→ %s can sign in with %s", name, b.Password))
			}
		}
	}
}

func (p *printer) summary(steps, differing int, took time.Duration) {
	fmt.Fprintln(p.out)
	if differing > 0 {
		p.line(0, red, fmt.Sprintf("✗ %d of %d steps were not as they should be.", differing, steps))
		return
	}
	p.line(0, green, fmt.Sprintf("✓ %d requests in %s: each was answered as it should be, and did in the directory what it should do.",
		steps, took.Round(10*time.Millisecond)))
}

// source is how a comment begins that says where a step comes from; references
// are what stands in brackets for the same reason.
var (
	source     = regexp.MustCompile(`^(?:[a-z-]+\.md|DESIGN)(?:\.md|[^:.\[(]|\[[^\]]*\]|\([^)]*\))*[:.]\s*`)
	references = regexp.MustCompile(` *(?:\((?:DESIGN|LAB|§|[a-z-]+\.md|[a-z-]+#)[^)]*\)|\[[a-z]+[^\]]*\])`)
)

// remark is what a step's comment says besides its source.
func remark(sources []string) string {
	text := plain(source.ReplaceAllString(strings.Join(sources, " "), ""))
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

func plain(text string) string { return references.ReplaceAllString(text, "") }

// readable decodes a request target, where that leaves it on one line.
func readable(target string) string {
	path, query, hasQuery := strings.Cut(target, "?")
	decoded, err := url.QueryUnescape(query)
	if !hasQuery || err != nil || strings.ContainsFunc(decoded, func(r rune) bool { return r < ' ' }) {
		return target
	}
	return path + "?" + decoded
}

// compact writes a body on one line, without the list of schemas.
func compact(body string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(body)) != nil {
		return strings.Join(strings.Fields(body), " ")
	}
	return schemas.ReplaceAllString(b.String(), "")
}

var schemas = regexp.MustCompile(`"schemas":\[[^\]]*\],?`)

// cut shortens a line that is too long.
func cut(line string, room int) string {
	if utf8.RuneCountInString(line) <= room {
		return line
	}
	return string([]rune(line)[:room-1]) + "…"
}

// lines breaks JSON on one line into so many lines at most, behind commas.
func lines(text string, room, most int) []string {
	var all []string
	for rest := []rune(text); len(rest) > 0; {
		if len(all) == most-1 {
			return append(all, cut(string(rest), room))
		}
		n := min(room, len(rest))
		if comma := strings.LastIndex(string(rest[:n]), `,"`); n < len(rest) && comma > n/2 {
			n = utf8.RuneCountInString(string(rest[:n])[:comma+1])
		}
		all, rest = append(all, string(rest[:n])), rest[n:]
	}
	return all
}

// wrap breaks a text into lines.
func wrap(text string, room int) []string {
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
