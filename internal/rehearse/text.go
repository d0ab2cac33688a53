package rehearse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scimgate/scimgate/internal/terminal"
)

// TextOptions say how a rehearsal is shown to somebody who reads it.
type TextOptions struct {
	Out     io.Writer
	Colour  bool // and lines that are written over, for how far it is
	Width   int  // of the terminal; see [terminal.Columns]
	Verbose bool // bodies in full, of what was read back, too
	Quiet   bool // only what is not as it should be, and the end
}

// NewText returns a reporter that writes text.
func NewText(o TextOptions) Reporter {
	return &textReport{Writer: terminal.Writer{Out: o.Out, Colour: o.Colour, Width: o.Width}, TextOptions: o}
}

type textReport struct {
	terminal.Writer
	TextOptions
	opening  Opening
	lacking  []Result // what failed, or has warnings
	progress bool     // whether a line is there that is to be written over
	tenths   int      // of a load run that were told
	cleaned  bool
}

// over writes a line that the next one replaces, where that can be seen.
func (p *textReport) over(text string) {
	if p.TextOptions.Colour {
		fmt.Fprintf(p.Writer.Out, "\r\x1b[K%s", terminal.Cut(text, p.Page()-1))
		p.progress = true
	}
}

// clear removes such a line.
func (p *textReport) clear() {
	if p.progress {
		fmt.Fprint(p.Writer.Out, "\r\x1b[K")
		p.progress = false
	}
}

func (p *textReport) Begin(o Opening) {
	p.opening = o
	fmt.Fprintln(p.Writer.Out)
	if o.Remove {
		p.Say(0, "", "What an earlier run has left at "+o.URL+" is removed:")
		p.Say(0, "", "users and groups whose names begin with "+o.Prefix+", and nothing else.")
		return
	}
	if o.Load != nil {
		p.Say(0, "", fmt.Sprintf("%s, %d at a time, against %s;", counted(o.Load.Users, "throw-away user"), o.Load.Clients, o.URL))
	} else {
		var names []string
		for _, one := range o.Providers {
			names = append(names, one.Name())
		}
		p.Say(0, "", fmt.Sprintf("%d checks of what is needed by %s, against %s;", o.Checks, strings.Join(names, " and "), o.URL))
	}
	fate := "removed in the end"
	if o.Keep {
		fate = "kept"
	}
	p.Say(0, "", "only users and groups are written whose names begin with "+o.Prefix+", and they are "+fate+".")
	if o.Disables+o.Deletions > 0 {
		p.Say(0, "", fmt.Sprintf("A brake of the server counts %d disables and %d deletions.", o.Disables, o.Deletions))
	}
	if o.Match != "" {
		p.Say(0, "", o.Match+" is looked for, and not written.")
	}
}

func (p *textReport) Provider(provider Provider, checks int) {
	p.clear()
	fmt.Fprintln(p.Writer.Out)
	p.Heading(fmt.Sprintf("%s: %d checks", provider.Name(), checks))
}

func (p *textReport) Starting(number, total int, title string) {
	p.over(fmt.Sprintf("%s %d of %d: %s", bar(number-1, total), number, total, title))
}

// bar draws how far it is.
func bar(done, total int) string {
	const room = 20
	full := room * done / max(1, total)
	return fmt.Sprintf("%s%s %3d %%", strings.Repeat("█", full), strings.Repeat("░", room-full), 100*done/max(1, total))
}

func (p *textReport) Waiting(d time.Duration) {
	text := fmt.Sprintf("the server asks to wait %s", d)
	if p.TextOptions.Colour {
		p.over(text)
	} else {
		p.Line(4, terminal.Faint, text)
	}
}

// signs are what verdicts look like.
var signs = map[Verdict]struct {
	sign  string
	style terminal.Style
}{
	Passed:      {"✓", terminal.Green},
	Failed:      {"✗", terminal.Red},
	Warning:     {"!", terminal.Yellow},
	Unsupported: {"–", terminal.Yellow},
	Skipped:     {"·", terminal.Faint},
	Held:        {"‖", terminal.Yellow},
}

func (p *textReport) Step(r Result) {
	p.clear()
	if r.Verdict == Failed || r.Verdict == Warning {
		p.lacking = append(p.lacking, r)
	}
	if p.Quiet && (r.Verdict == Passed || r.Verdict == Skipped) {
		return
	}
	sign := signs[r.Verdict]
	width := len(fmt.Sprint(r.Steps))
	number := p.Mark(terminal.Faint, fmt.Sprintf("%*d/%d", width, r.Step, r.Steps))
	p.title(sign.style, sign.sign, number, r)
	for _, x := range r.Requests {
		if !x.ReadBack || p.Verbose || x.Error != "" {
			p.exchange(x)
		}
	}
	p.texts(terminal.Yellow, "→ ", strings.Join(r.Changes, " · "), 6)
	for _, note := range r.Notes {
		p.texts(terminal.Faint, "→ ", note, 3)
	}
	p.findings(r)
}

// title shows which check it was, on more lines where it has no room on one.
func (p *textReport) title(style terminal.Style, sign, number string, r Result) {
	id, bold := "("+r.ID+")", terminal.Bold
	if r.Verdict == Skipped {
		id, bold = "", terminal.Faint
	}
	taken := 4 + 2*len(fmt.Sprint(r.Steps)) // by sign and number
	titles := terminal.Wrap(r.Title, p.Room(taken))
	if last := len(titles) - 1; id != "" && utf8.RuneCountInString(titles[last]+" "+id) > p.Room(taken) {
		titles = append(titles, "")
	}
	fmt.Fprintf(p.Writer.Out, "\n%s %s ", p.Mark(style, sign), number)
	for i, text := range titles {
		if i > 0 {
			fmt.Fprint(p.Writer.Out, "\n    ")
		}
		fmt.Fprint(p.Writer.Out, p.Mark(bold, text))
		if i == len(titles)-1 && id != "" {
			if text != "" {
				fmt.Fprint(p.Writer.Out, " ")
			}
			fmt.Fprint(p.Writer.Out, p.Mark(terminal.Faint, id))
		}
	}
	fmt.Fprintln(p.Writer.Out)
}

// findings shows what is not as it should be, what that means and what to do.
func (p *textReport) findings(r Result) {
	for i, f := range r.Findings {
		style := terminal.Red
		if f.Severity != Required {
			style = terminal.Yellow
		}
		p.texts(style, string(f.Severity)+": ", f.Text, 8)
		if i+1 < len(r.Findings) && r.Findings[i+1].Otherwise == f.Otherwise && r.Findings[i+1].Remedy == f.Remedy {
			continue // it is said once for all of them
		}
		p.texts("", "otherwise: ", f.Otherwise, 8)
		p.texts("", "to change: ", f.Remedy, 8)
	}
}

// texts shows a text on so many lines at most, behind a word for what it is.
func (p *textReport) texts(style terminal.Style, first, text string, most int) {
	if text == "" {
		return
	}
	text = p.short(shortIDs(terminal.Plain(text)))
	all := terminal.Wrap(first+text, p.Room(8)) // 6, and " …"
	if len(all) > most && !p.Verbose {
		all = append(all[:most-1], all[most-1]+" …")
	}
	for i, line := range all {
		indent := 4
		if i > 0 {
			indent = 6
		}
		p.Line(indent, style, line)
	}
}

var uuid = regexp.MustCompile(`\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)

// shortIDs cuts ids to what one can tell apart.
func shortIDs(text string) string { return uuid.ReplaceAllString(text, "$1…") }

// short leaves out how the names of everything that is written begin, which was
// said in the beginning.
func (p *textReport) short(text string) string {
	if p.Verbose || p.opening.Prefix == "" {
		return text
	}
	return strings.NewReplacer(p.opening.Prefix, "…", strings.ToUpper(p.opening.Prefix), "…").Replace(text)
}

func (p *textReport) exchange(x Exchange) {
	status, style := fmt.Sprintf("→ %d %s", x.Status, http.StatusText(x.Status)), terminal.Faint
	if x.Status == 0 {
		status = "→ no answer"
	}
	target := terminal.Plain(terminal.Readable(x.Target))
	if !p.Verbose {
		target = p.short(shortIDs(target))
	}
	took := fmt.Sprintf("%.0f ms", x.Milliseconds)
	request := terminal.Cut(x.Method+" "+target, p.Room(6+utf8.RuneCountInString(status+took)))
	fmt.Fprintf(p.Writer.Out, "    %s %s %s\n", p.Mark(terminal.Cyan, request), status, p.Mark(style, took))
	if raw, ok := x.Body.(json.RawMessage); ok {
		p.json(terminal.Cyan, raw)
	}
	if x.Became != "" && x.Status < http.StatusBadRequest {
		p.Plan(p.short(x.Became), shortIDs)
	}
	if raw, ok := x.Answer.(json.RawMessage); ok && !p.Verbose {
		p.Found(x.Status, []byte(p.short(string(raw))))
	} else if ok {
		p.json("", raw)
	} else if text, ok := x.Answer.(string); ok {
		p.texts(terminal.Yellow, "→ ", terminal.Cut(text, 300), 3)
	}
}

// json shows a body: on two lines, or in full.
func (p *textReport) json(style terminal.Style, raw json.RawMessage) {
	if !p.Verbose {
		for _, line := range terminal.Lines(p.short(shortIDs(terminal.Plain(terminal.Compact(string(raw))))), p.Room(4), 2) {
			p.Line(4, style, line)
		}
		return
	}
	var b bytes.Buffer
	_ = json.Indent(&b, raw, "", "  ") // it is JSON
	for line := range strings.Lines(terminal.Plain(b.String())) {
		p.Line(4, style, strings.TrimRight(line, "\n"))
	}
}

// counted is a number with what is counted.
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func (p *textReport) Loading(g Progress) {
	rate := float64(g.Requests) / max(g.Elapsed.Seconds(), 0.001)
	text := fmt.Sprintf("%s %d of %s, %s, %.0f/s, %s", bar(g.Done, g.Users), g.Done, counted(g.Users, "user"), counted(g.Requests, "request"), rate, counted(g.Errors, "error"))
	if p.TextOptions.Colour {
		p.over(text)
	} else if tenths := 10 * g.Done / max(1, g.Users); tenths > p.tenths {
		p.tenths = tenths
		p.Line(0, "", text)
	}
}

func (p *textReport) Cleaning(left int) {
	if !p.cleaned && !p.TextOptions.Colour {
		fmt.Fprintln(p.Writer.Out)
		p.Line(0, "", fmt.Sprintf("Removing what was created: %d", left))
	}
	p.cleaned = true
	if left > 0 {
		p.over(fmt.Sprintf("Removing what was created: %d left", left))
	} else {
		p.clear()
	}
}

func (p *textReport) End(s Summary) {
	p.clear()
	out := p.Writer.Out
	fmt.Fprintln(out)
	p.Heading("Summary")
	if s.Load != nil {
		p.load(*s.Load)
	}
	p.latencies(s.Latency)
	if s.Removed > 0 {
		p.Line(0, "", fmt.Sprintf("removed in the end: %d", s.Removed))
	}
	for _, one := range s.Left {
		style := terminal.Red
		if one.OnPurpose {
			style = terminal.Yellow
		}
		p.Say(0, style, one.String())
	}
	p.howToRemove(s.Left)
	for _, r := range p.lacking {
		p.Say(0, signs[r.Verdict].style, fmt.Sprintf("%s %s %s: %s", signs[r.Verdict].sign, r.Provider, r.ID, r.Title))
		for _, f := range r.Findings {
			if f.Severity == Required || r.Verdict == Warning {
				p.texts("", "", f.Text, 3)
			}
		}
	}
	p.verdict(s)
}

// howToRemove tells how to be rid of what is left.
func (p *textReport) howToRemove(left []Left) {
	if command := RemoveCommand(p.opening, left); command != "" {
		p.Line(0, "", "to remove it later, with the same token:")
		p.Line(2, "", command) // whole, to be pasted
	}
}

func (p *textReport) verdict(s Summary) {
	took := (time.Duration(s.Milliseconds) * time.Millisecond).Round(10 * time.Millisecond)
	counts := fmt.Sprintf("%d passed, %d failed, %d with warnings, %d not supported, %d skipped", s.Passed, s.Failed, s.Warnings, s.Unsupported, s.Skipped)
	switch {
	case s.Error != "":
		p.Say(0, terminal.Red, "✗ "+terminal.Plain(s.Error))
		if p.opening.Load == nil && !p.opening.Remove {
			p.Say(2, "", counts+" until then.")
		}
	case p.opening.Remove && slices.ContainsFunc(s.Left, func(l Left) bool { return !l.OnPurpose }):
		p.Say(0, terminal.Red, "✗ not everything could be removed.")
	case p.opening.Remove && s.Removed == 0 && len(s.Left) == 0:
		p.Say(0, terminal.Green, "✓ nothing is there whose name begins with "+p.opening.Prefix+".")
	case p.opening.Remove:
		p.Say(0, terminal.Green, "✓ everything that could be found is removed.")
	case s.Load != nil && len(s.Load.Errors) > 0:
		p.Say(0, terminal.Red, fmt.Sprintf("✗ %d of %s went through everything.", s.Load.Users, counted(p.opening.Load.Users, "user")))
	case s.Load != nil && slices.ContainsFunc(s.Left, func(l Left) bool { return !l.OnPurpose }):
		p.Say(0, terminal.Red, fmt.Sprintf("✗ all %d users went through everything, and not all could be removed.", s.Load.Users))
	case s.Load != nil:
		p.Say(0, terminal.Green, fmt.Sprintf("✓ all %s went through everything.", counted(s.Load.Users, "user")))
	case s.Failed > 0:
		p.Say(0, terminal.Red, fmt.Sprintf("✗ something that the provider needs is missing: %s, in %s.", counts, took))
	case slices.ContainsFunc(s.Left, func(l Left) bool { return !l.OnPurpose }):
		p.Say(0, terminal.Red, fmt.Sprintf("✗ everything that the provider needs is there, and not everything could be removed: %s, in %s.", counts, took))
	default:
		p.Say(0, terminal.Green, fmt.Sprintf("✓ everything that the provider needs is there: %s, in %s.", counts, took))
	}
}

func (p *textReport) load(l LoadResult) {
	p.Say(0, "", fmt.Sprintf("%s in %.1f s: %.1f a second", counted(l.Requests, "request"), l.Milliseconds/1000, l.PerSecond))
	if l.Waited > 0 {
		p.Say(0, terminal.Yellow, counted(l.Waited, "request")+" waited because the server asked for it")
	}
	if l.Note != "" {
		p.Say(0, terminal.Yellow, terminal.Plain(l.Note))
	}
	for _, e := range l.Errors {
		p.texts(terminal.Red, "", fmt.Sprintf("%d × %s: %s %s", e.Count, e.Operation, e.Error, e.Detail), 3)
	}
}

func (p *textReport) latencies(all []Latency) {
	if len(all) == 0 {
		return
	}
	p.Line(0, terminal.Faint, fmt.Sprintf("%-18s %8s %10s %10s %10s", "", "answers", "median", "95 %", "slowest"))
	for _, l := range all {
		text := fmt.Sprintf("%-18s %8d %7.1f ms %7.1f ms %7.1f ms", l.Operation, l.Count, l.Median, l.P95, l.Max)
		if l.Failed > 0 {
			text += fmt.Sprintf("  %d unanswered", l.Failed)
		}
		p.Line(0, "", text)
	}
}
