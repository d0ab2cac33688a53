package gateway

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/translators"
)

// A disable is answered with success when it was proven, or when the backend
// accepted it and can't prove it, and in no other case, whatever a translator
// leaves out (DESIGN §4 rule 2).
func TestDisableIsNeverSuccessByDefault(t *testing.T) {
	result := func(o translators.Outcome, err error) translators.CallResult {
		return translators.CallResult{Outcome: o, Err: err}
	}
	cause := errors.New("the backend's own words")
	for name, test := range map[string]struct {
		change func(*backend)
		want   int
	}{
		"proven":                    {func(*backend) {}, 200},
		"unprovable":                {func(b *backend) { b.proof.Status = translators.Unprovable }, 200},
		"refuted":                   {func(b *backend) { b.proof.Status = translators.Refuted }, 502},
		"proof without a status":    {func(b *backend) { b.proof.Status = "" }, 502},
		"proof that is not needed":  {func(b *backend) { b.proof.Status = translators.NotNeeded }, 502},
		"proof failed":              {func(b *backend) { b.proof.Err = cause }, 504},
		"not applied":               {func(b *backend) { b.call = result(translators.NotApplied, cause) }, 500},
		"not applied for no reason": {func(b *backend) { b.call = result(translators.NotApplied, nil) }, 504},
		"unknown":                   {func(b *backend) { b.call = result(translators.Unknown, cause) }, 500},
		"unknown for no reason":     {func(b *backend) { b.call = result(translators.Unknown, nil) }, 504},
		"no outcome":                {func(b *backend) { b.call = result("", nil) }, 504},
		"a plan that proves nothing": {func(b *backend) {
			b.plan = func(translators.Intent) *translators.Plan {
				return &translators.Plan{Calls: []translators.Call{scripted{result(translators.Applied, nil)}}}
			}
		}, 500},
		"a plan without calls, and no proof": {func(b *backend) {
			b.plan = func(translators.Intent) *translators.Plan {
				return &translators.Plan{Proves: translators.ProofDisabled}
			}
			b.proof.Status = ""
		}, 502},
	} {
		t.Run(name, func(t *testing.T) {
			b := works()
			test.change(b)
			h, _ := newHandler(t, b, nil)
			answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda)
			if answer.Code != test.want {
				t.Errorf("answered %d %s, want %d", answer.Code, answer.Body, test.want)
			}
			if strings.Contains(answer.Body.String(), cause.Error()) {
				t.Errorf("the answer quotes the backend: %s", answer.Body)
			}
		})
	}
}

// The brake counts accounts that are taken away. A password that is set for one
// who is off already must neither use it up nor be held by it.
func TestBrakeCountsOnlyWhatTakesAccess(t *testing.T) {
	b := works()
	b.plan = func(translators.Intent) *translators.Plan {
		return &translators.Plan{Proves: translators.ProofDisabled, Calls: []translators.Call{scripted{b.call}}}
	}
	h, _ := newHandler(t, b, func(h *Handler) {
		h.Policy.Brake = &policy.Brake{Disable: 1, Per: caddy.Duration(time.Hour)}
	})
	const setPassword = `{"Operations":[{"op":"replace","path":"password","value":"correct horse"}]}`
	b.active = false
	for range 3 {
		if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, setPassword); answer.Code != http.StatusOK {
			t.Fatalf("a password of a disabled account: %d %s", answer.Code, answer.Body)
		}
	}
	b.active = true
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda); answer.Code != http.StatusOK {
		t.Errorf("the first disable: %d %s", answer.Code, answer.Body)
	}
	answer := ask(h, "DELETE", "/scim/v2/Users/"+userID, "")
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("a deletion behind the brake: %d %v", answer.Code, answer.Header())
	}
	b.active = false
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, setPassword); answer.Code != http.StatusOK {
		t.Errorf("a password while the brake holds: %d %s", answer.Code, answer.Body)
	}
}

// A dry run answers no write with success, not even one that has nothing to do
// (DESIGN §4 rule 15).
func TestDryRunAnswersNoWriteWithSuccess(t *testing.T) {
	b := works()
	h, _ := newHandler(t, b, func(h *Handler) { h.DryRun = true })
	for _, request := range [][3]string{
		{"PATCH", "/Users/" + userID, disableAda},
		{"PATCH", "/Users/" + userID, `{"Operations":[{"op":"replace","path":"userName","value":"ada"}]}`},
		{"PATCH", "/Users/" + userID, `{"Operations":[{"op":"replace","path":"noSuchThing","value":"ada"}]}`},
		{"PUT", "/Users/" + userID, `{"userName":"ada","active":true}`},
		{"PUT", "/Users/" + userID, `{}`},
		{"POST", "/Users", `{"userName":"grace"}`},
		{"DELETE", "/Users/" + userID, ""},
	} {
		answer := ask(h, request[0], "/scim/v2"+request[1], request[2])
		if answer.Code != http.StatusServiceUnavailable {
			t.Errorf("%v: %d %s", request, answer.Code, answer.Body)
		}
	}
}
