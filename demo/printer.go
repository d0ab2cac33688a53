package demo

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scimgate/scimgate/internal/dialogue"
	"github.com/scimgate/scimgate/internal/replay"
	"github.com/scimgate/scimgate/internal/terminal"
)

// printer shows a play: for each step a line that says what it is and how it
// ended, and indented below it the request, the directory's calls and what
// follows from them.
type printer struct{ terminal.Writer }

func (p *printer) opening(d *Demo) {
	fmt.Fprintln(p.Out)
	p.Say(0, "", "Requests as Microsoft Entra ID and Okta send them, to "+d.TenantURL+";")
	p.Say(0, "", "the LDIF that the gateway makes of each, and behind the arrows what came of it.")
}

func (p *printer) heading(d *dialogue.Dialogue) {
	fmt.Fprintln(p.Out)
	name := d.Name
	if d.Version != "" {
		name += " (SCIM " + d.Version + ")"
	}
	p.Heading(name)
	for _, text := range terminal.Wrap(plain(strings.Join(d.About, " ")), p.Page()) {
		p.Line(0, "", text)
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
	verdict, style := "✓", terminal.Green
	if len(s.wrong) > 0 {
		verdict, style = "✗", terminal.Red
	}
	status := fmt.Sprintf("→ %d %s", s.answer.Status, http.StatusText(s.answer.Status))
	fmt.Fprintf(p.Out, "\n%s %s\n", p.Mark(style, verdict), p.Mark(terminal.Bold, s.Title))
	for _, text := range terminal.Wrap(remark(s.Sources), p.Page()-4) {
		p.Line(4, terminal.Faint, text)
	}
	fmt.Fprintf(p.Out, "    %s %s\n", p.Mark(terminal.Cyan, terminal.Cut(s.Request.Method+" "+s.shorten(terminal.Readable(s.Request.Target)), p.Room(5+utf8.RuneCountInString(status)))), p.Mark(style, status))
	for _, text := range terminal.Lines(s.shorten(terminal.Compact(s.Request.Body)), p.Room(4), 2) {
		p.Line(4, terminal.Cyan, text)
	}
	if s.answer.Status < 400 || len(s.Becomes) > 1 && strings.HasPrefix(s.Becomes[len(s.Becomes)-1], "error ") {
		p.Plan(s.plan, s.shorten)
	}
	p.Found(s.answer.Status, s.answer.Body)
	p.effects(s.Directory)
	for _, err := range s.wrong {
		p.Line(4, terminal.Red, "not as it should be: "+err.Error())
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

// effects shows what was looked up in the directory: who can sign in, and what
// is gone.
func (p *printer) effects(entries []dialogue.Entry) {
	for _, e := range entries {
		name, _, _ := strings.Cut(e.DN, ",")
		if e.IsGone {
			p.Line(4, terminal.Yellow, "→ "+name+" is gone from the directory")
		}
		for _, b := range e.Bind {
			if b.Refused {
				p.Line(4, terminal.Yellow, fmt.Sprintf("→ %s can't sign in with %s", name, b.Password))
			} else {
				p.Line(4, terminal.Yellow, fmt.Sprintf("→ %s can sign in with %s", name, b.Password))
			}
		}
	}
}

func (p *printer) summary(steps, differing int, took time.Duration) {
	fmt.Fprintln(p.Out)
	if differing > 0 {
		p.Line(0, terminal.Red, fmt.Sprintf("✗ %d of %d steps were not as they should be.", differing, steps))
		return
	}
	p.Say(0, terminal.Green, fmt.Sprintf("✓ %d requests in %s: each was answered as it should be, and did in the directory what it should do.",
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
