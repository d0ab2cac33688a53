package terminal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
)

// longest is how many lines of a plan are shown; of many more the last are left
// out.
const longest = 14

// Plan shows the calls of an explanation. What the request means, which stands
// before them, is seen already. Comments are shortened.
func (w Writer) Plan(plan string, shorten func(string) string) {
	_, text, isPlan := strings.Cut(plan, "\n\n")
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
		style := Style("")
		if strings.HasPrefix(line, "#") {
			line, style = shorten(line), Faint
		}
		w.Line(6, style, Cut(line, w.Room(6)))
	}
	if left > 0 {
		w.Line(6, Faint, fmt.Sprintf("… and %d more lines", left))
	}
}

// Found shows what a search found, and what an error says.
func (w Writer) Found(status int, answer []byte) {
	var body struct {
		Detail       string
		Errors       []struct{ Description string } // of SCIM 1.1
		TotalResults *int
		Resources    []struct{ UserName, DisplayName string }
	}
	_ = json.Unmarshal(answer, &body) // what can't be read is said elsewhere
	switch {
	case status >= 400:
		detail := body.Detail
		if len(body.Errors) > 0 {
			detail = body.Errors[0].Description
		}
		if detail == "" {
			return
		}
		for _, text := range Wrap("→ "+Plain(detail), w.Room(4)) {
			w.Line(4, Yellow, text)
		}
	case body.TotalResults != nil && *body.TotalResults == 0:
		w.Line(4, Yellow, "→ found none")
	case body.TotalResults != nil:
		var names []string
		for _, r := range body.Resources {
			if name := cmp.Or(r.UserName, r.DisplayName); name != "" {
				names = append(names, Plain(name))
			}
		}
		w.Line(4, Yellow, Cut(strings.TrimSuffix(fmt.Sprintf("→ found %d: %s", *body.TotalResults, strings.Join(names, ", ")), ": "), w.Room(4)))
	}
}
