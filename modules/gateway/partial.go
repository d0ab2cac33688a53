package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// failure says in an error what has been done, where calls were made and a later one
// failed, and what stays behind of what was taken back. Its kind is that of what failed:
// where the cause is known, repeating the request may not help. That there is no such
// resource, or another version, is never said of one that was written to.
func failure(intent translators.Intent, plan *translators.Plan, report translators.Report, err error) error {
	remains := report.Remains()
	if err == nil || !report.Partial && remains == "" {
		return err
	}
	told := &translators.Error{Kind: translators.Indefinite}
	if cause, is := errors.AsType[*translators.Error](err); is {
		*told = *cause
		told.Err = err
		if told.Kind == translators.NotFound || told.Kind == translators.Changed {
			told.Kind = translators.Unavailable
		}
	} else if !report.Partial {
		return err // its own words say nothing to a provider
	}
	told.Err = err
	if report.Partial && !report.IsKnown() {
		told.Kind = translators.Indefinite
	}
	words := []string{told.Detail}
	switch {
	case !report.Partial:
	case stoodAlone(report):
		words = append(words, "The rest of the change was carried out.")
	default:
		words = slices.Insert(words, 0, inPart(plan, report, told.Kind))
	}
	if remains == "" && report.Partial && intent.Action == scim.ActionCreate && report.ID() != "" {
		remains = fmt.Sprintf("Created was %q, and it stays as it is.", report.ID())
	}
	words = append(words, remains)
	if told.Kind == translators.Indefinite {
		words = append(words, "Send the request again; the gateway's journal tells the part that was done.")
	}
	told.Detail = strings.Join(slices.DeleteFunc(words, func(text string) bool { return text == "" }), " ")
	return told
}

// stoodAlone reports whether the plan was carried out to its end, but for calls on which
// nothing depends.
func stoodAlone(report translators.Report) bool {
	return !slices.ContainsFunc(report.Results, func(r translators.CallResult) bool {
		return r.Outcome != translators.Applied && !r.IsAlone
	})
}

// inPart says which calls were made, and which was not.
func inPart(plan *translators.Plan, report translators.Report, kind translators.ErrorKind) string {
	text := "The change was carried out in part."
	if kind == translators.Indefinite {
		text = "The change was carried out in part and could not be taken back."
	}
	var done, failed, open []string
	for i, result := range report.Results {
		purpose := plan.Calls[i].Purpose()
		switch {
		case slices.Contains(report.Kept, i):
			done = append(done, purpose)
		case result.Outcome == translators.NotApplied:
			failed = append(failed, purpose)
		case result.Outcome != translators.Applied:
			open = append(open, purpose)
		}
	}
	for _, part := range []struct {
		what     string
		purposes []string
	}{{"Done", done}, {"Not done", failed}, {"Not known", open}} {
		if all := slices.Compact(part.purposes); len(all) > 0 {
			text += fmt.Sprintf(" %s: %s.", part.what, strings.Join(all, "; "))
		}
	}
	return text
}
