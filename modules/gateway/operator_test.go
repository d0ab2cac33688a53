package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

var grace = Operator{Name: "grace@host", Why: "left today"}

// with puts another user into the store.
func (s *store) with(id, userName string, active bool) *store {
	r := scim.NewResource(users)
	r.ID = id
	r.Set(users.Attribute("userName"), scim.String(userName))
	r.Set(users.Attribute("active"), scim.Bool(active))
	s.entries[id] = &stored{resource: r, version: 1}
	return s
}

func TestOperatorFinds(t *testing.T) {
	s := holds().with("2", "grace", false).with("3", "Twin", true).with("4", "twin", true).with("grace", "other", true)
	h, _ := newHandler(t, s, nil)
	ada := Account{userID, "ada", true}
	for name, test := range map[string]struct {
		person Person
		want   []Account
		err    string
	}{
		"userName":                 {Person{Name: "ada"}, []Account{ada}, ""},
		"in another case":          {Person{Name: "ADA"}, []Account{ada}, ""},
		"id":                       {Person{Name: userID}, []Account{ada}, ""},
		"filter":                   {Person{Filter: `userName sw "a"`}, []Account{ada}, ""},
		"off":                      {Person{Filter: `userName eq "grace"`}, []Account{{"2", "grace", false}}, ""},
		"nobody":                   {Person{Name: "nobody"}, []Account{}, ""},
		"no filter, but a name":    {Person{Name: `" or userName pr or userName eq "`}, []Account{}, ""},
		"one's name, another's id": {Person{Name: "grace"}, []Account{{"2", "grace", false}, {"grace", "other", true}}, ""},
		"bad filter":               {Person{Filter: `shoeSize eq 1`}, nil, "the filter: "},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := h.Find(t.Context(), test.person)
			if test.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.err) {
					t.Errorf("the error is %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
	if twins, err := h.Find(t.Context(), Person{Name: "twin"}); err != nil || len(twins) != 2 {
		t.Errorf("twins: %v %v", twins, err)
	}
}

// Neither the brake nor dry_run nor a journal that can't be written holds up who
// acts on the machine itself; the latter is told.
func TestOperatorDisables(t *testing.T) {
	for name, change := range map[string]func(*Handler){
		"plainly": nil,
		"the brake holds": func(h *Handler) {
			h.Policy.Brake = &policy.Brake{Disable: 1, Per: caddy.Duration(time.Hour)}
		},
		"dry_run":    func(h *Handler) { h.DryRun = true },
		"no journal": func(h *Handler) { h.Journal.Off = false },
		"no journal, as is known": func(h *Handler) {
			h.Journal.Off = false
			h.Unjournaled(errors.New("the store is away"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := holds()
			h, _ := newHandler(t, s, change)
			if h.Policy.Brake != nil {
				if _, err := h.Policy.Brakes(); err != nil {
					t.Fatal(err)
				}
			}
			done := h.Disable(t.Context(), userID, grace)
			if done.Err != nil || done.Proof != translators.Proven || !done.Written || s.isActive(t, "ada") {
				t.Errorf("it ended as %+v, and ada is active: %v", done, s.isActive(t, "ada"))
			}
			if (done.Unrecorded != nil) != strings.HasPrefix(name, "no journal") {
				t.Errorf("unrecorded: %v", done.Unrecorded)
			}
			if again := h.Disable(t.Context(), userID, grace); again.Err != nil || again.Proof != translators.Proven || again.Written {
				t.Errorf("the second time it ended as %+v", again)
			}
			if n := counted(t, h, "caddy_scim_disables_total"); n["proven"] != 2 {
				t.Errorf("counted %v", n)
			}
		})
	}
}

func TestOperatorIsHeldByProtection(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, func(h *Handler) { h.Policy.Protect = []string{`userName eq "ada"`} })
	done := h.Disable(t.Context(), userID, grace)
	if !done.Held || done.Err == nil || !strings.Contains(done.Err.Error(), "protect userName eq") || !s.isActive(t, "ada") {
		t.Errorf("it ended as %+v", done)
	}
	if plan, err := h.PlanDisable(t.Context(), userID); err == nil || plan != "" {
		t.Errorf("the plan is %q, %v", plan, err)
	}
}

// What is not proven is told, with the backend's words, and is no success.
func TestOperatorIsToldOfDoubt(t *testing.T) {
	for name, test := range map[string]struct {
		proof translators.Proof
		call  translators.CallResult
		want  Disabling
		says  string
	}{
		"refuted": {translators.Proof{Status: translators.Refuted, Detail: "no policy"}, translators.CallResult{Outcome: translators.Applied},
			Disabling{Proof: translators.Refuted, Reason: "no policy", Written: true}, "no policy"},
		"unprovable": {translators.Proof{Status: translators.Unprovable, Detail: "can't tell"}, translators.CallResult{Outcome: translators.Applied},
			Disabling{Proof: translators.Unprovable, Reason: "can't tell", Written: true}, ""},
		"refused": {translators.Proof{}, translators.CallResult{Outcome: translators.NotApplied,
			Err: &translators.Error{Kind: translators.Refused, Detail: "No right.", Err: errors.New("LDAP 50")}},
			Disabling{Written: true}, "No right. (LDAP 50)"},
	} {
		t.Run(name, func(t *testing.T) {
			b := works()
			b.proof, b.call = test.proof, test.call
			h, _ := newHandler(t, b, nil)
			got := h.Disable(t.Context(), userID, grace)
			if (got.Err != nil) != (test.says != "") || got.Err != nil && !strings.Contains(got.Err.Error(), test.says) {
				t.Errorf("the error is %v, want %q", got.Err, test.says)
			}
			got.Err = nil
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("it ended as (-want +got):\n%s", diff)
			}
		})
	}
}

// An off-boarding that was begun is finished.
func TestOperatorsDisableIsFinished(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if done := h.Disable(ctx, userID, grace); done.Err != nil || s.isActive(t, "ada") {
		t.Errorf("it ended as %+v", done)
	}
}

func TestOperatorSeesThePlan(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, nil)
	plan, err := h.PlanDisable(t.Context(), userID)
	if err != nil || !strings.Contains(plan, "update User "+userID) || !s.isActive(t, "ada") {
		t.Errorf("the plan is %q, %v", plan, err)
	}
	if _, err := h.PlanDisable(t.Context(), "nobody"); err == nil {
		t.Error("there is a plan for nobody")
	}
}
