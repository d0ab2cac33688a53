package gateway

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/translators"
)

// taking is a call that a test names, with a way back.
type taking struct {
	scripted
	purpose string
	back    *translators.CallResult // nil: there is no way back
}

func (c taking) Purpose() string { return c.purpose }

func (c taking) Undo() translators.Call {
	if c.back == nil {
		return nil
	}
	return scripted{*c.back}
}

// TestAnswerOfWhatWasDoneInPart: what was done is told, and what refuses the rest; 504 is
// for what is unknown alone.
func TestAnswerOfWhatWasDoneInPart(t *testing.T) {
	fault := func(kind translators.ErrorKind, detail string) translators.CallResult {
		outcome := translators.NotApplied
		if kind == translators.Indefinite {
			outcome = translators.Unknown
		}
		return translators.CallResult{Outcome: outcome, Err: &translators.Error{Kind: kind, Detail: detail, Err: errors.New("uid=ada,dc=example")}}
	}
	done := translators.CallResult{Outcome: translators.Applied, ID: userID}
	alone := fault(translators.Refused, `members: "8" was not added.`)
	alone.IsAlone = true
	disabled := &translators.CallResult{Outcome: translators.Applied, Remains: "A disabled account stays behind: its id is \"7\"."}
	live := fault(translators.Refused, "no")
	live.Remains = "The account was created and is not disabled: its id is \"7\"."
	open := fault(translators.Indefinite, "nobody knows")
	call := func(purpose string, r translators.CallResult, back *translators.CallResult) translators.Call {
		return taking{scripted{r}, purpose, back}
	}
	for name, test := range map[string]struct {
		calls  []translators.Call
		method string
		status int
		detail []string
	}{
		"refused": {[]translators.Call{call("disable the account", done, nil), call("remove the account", fault(translators.Refused, `The application refuses this: "owner"`), nil)}, "DELETE", 403,
			[]string{`The change was carried out in part. Done: disable the account. Not done: remove the account. The application refuses this: "owner"`}},
		"invalid":   {[]translators.Call{call("change", done, nil), call("set", fault(translators.Invalid, "too weak"), nil)}, "DELETE", 400, []string{"Done: change. Not done: set. too weak"}},
		"conflict":  {[]translators.Call{call("change", done, nil), call("set", fault(translators.Conflict, "taken"), nil)}, "DELETE", 409, []string{"taken"}},
		"away":      {[]translators.Call{call("change", done, nil), call("set", fault(translators.Unavailable, "busy"), nil)}, "DELETE", 503, []string{"Done: change. Not done: set. busy"}},
		"no such":   {[]translators.Call{call("change", done, nil), call("set", fault(translators.NotFound, "none"), nil)}, "DELETE", 503, []string{"Done: change. Not done: set. none"}},
		"changed":   {[]translators.Call{call("change", done, nil), call("set", fault(translators.Changed, "other"), nil)}, "DELETE", 503, []string{"other"}},
		"unknown":   {[]translators.Call{call("change", done, nil), call("set", open, nil)}, "DELETE", 504, []string{"could not be taken back", "Done: change. Not known: set. nobody knows"}},
		"undo open": {[]translators.Call{call("change", done, &open), call("set", fault(translators.Invalid, "too weak"), nil)}, "DELETE", 504, []string{"too weak"}},
		"taken back and left": {[]translators.Call{call("create", done, disabled), call("set", fault(translators.Invalid, "too weak"), nil)}, "POST", 400,
			[]string{`too weak A disabled account stays behind: its id is "7".`}},
		"left live": {[]translators.Call{call("create", done, &live), call("disable", fault(translators.Refused, "forbidden"), nil)}, "POST", 403,
			[]string{`Done: create. Not done: disable. forbidden The account was created and is not disabled: its id is "7".`}},
		"nothing takes it back": {[]translators.Call{call("create", done, nil), call("disable", open, nil)}, "POST", 504, []string{`Created was "` + userID + `"`}},
		"alone": {[]translators.Call{call("remove a member", done, nil), call("add a member", alone, nil), call("add a member", alone, nil)}, "DELETE", 403,
			[]string{`members: "8" was not added. members: "8" was not added. The rest of the change was carried out.`}},
		"alone, and no rest": {[]translators.Call{call("add a member", alone, nil)}, "DELETE", 403, []string{`"detail":"members: \"8\" was not added."`}},
	} {
		t.Run(name, func(t *testing.T) {
			b := works()
			b.plan = func(translators.Intent) *translators.Plan { return &translators.Plan{Calls: test.calls} }
			h, _ := newHandler(t, b, nil)
			path, body := "/scim/v2/Users/"+userID, ""
			if test.method == http.MethodPost {
				path, body = "/scim/v2/Users", `{"userName":"ada"}`
			}
			answer := ask(h, test.method, path, body)
			if answer.Code != test.status {
				t.Errorf("answered %d %s", answer.Code, answer.Body)
			}
			text := answer.Body.String()
			for _, want := range test.detail {
				if !strings.Contains(text, want) && !strings.Contains(strings.ReplaceAll(text, `\"`, `"`), want) {
					t.Errorf("the answer is %s, want %s", text, want)
				}
			}
			if strings.Contains(text, "dc=") {
				t.Errorf("the answer quotes the backend: %s", text)
			}
		})
	}
}
