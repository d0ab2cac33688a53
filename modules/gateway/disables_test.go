package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// counted returns the values of a metric of the gateway by the label proof.
func counted(t *testing.T, h *Handler, name string) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := metrics.register(registry); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := make(map[string]string)
			for _, pair := range m.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			if labels["gateway"] == h.Name {
				values[labels["proof"]] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return values
}

// Whatever becomes of a disable, it is counted once. Alerts look at these.
func TestDisablesAreCountedOnce(t *testing.T) {
	result := func(o translators.Outcome, err error) translators.CallResult {
		return translators.CallResult{Outcome: o, Err: err}
	}
	refusal := &translators.Error{Kind: translators.Refused, Detail: "The account of scimgate lacks the right to do this."}
	const path = "/scim/v2/Users/" + userID
	const disableAndMore = `{"Operations":[{"op":"replace","path":"active","value":false},{"op":"replace","path":"%s","value":"x"}]}`
	for name, test := range map[string]struct {
		change             func(*backend)
		configure          func(*Handler)
		method, path, body string // default: a PATCH that disables
		status             int
		want               string // how it is counted; "" for not at all
	}{
		"proven":                    {status: 200, want: "proven"},
		"disabled before":           {change: func(b *backend) { b.active = false }, status: 200, want: "proven"},
		"by PUT":                    {method: "PUT", body: `{"userName":"ada","active":"False"}`, status: 200, want: "proven"},
		"with something else":       {body: fmt.Sprintf(disableAndMore, "title"), status: 200, want: "proven"},
		"with something wrong":      {body: fmt.Sprintf(disableAndMore, "x509Certificates"), status: 400, want: "proven"},
		"unprovable":                {change: func(b *backend) { b.proof.Status = translators.Unprovable }, status: 200, want: "unprovable"},
		"refuted":                   {change: func(b *backend) { b.proof.Status = translators.Refuted }, status: 502, want: "refuted"},
		"proof without a status":    {change: func(b *backend) { b.proof.Status = "" }, status: 502, want: "refuted"},
		"proof failed":              {change: func(b *backend) { b.proof.Err = errors.New("x") }, status: 504, want: "failed"},
		"refused by the directory":  {change: func(b *backend) { b.call = result(translators.NotApplied, refusal) }, status: 403, want: "failed"},
		"unknown":                   {change: func(b *backend) { b.call = result(translators.Unknown, nil) }, status: 504, want: "failed"},
		"a plan that panics":        {change: func(b *backend) { b.plan = func(translators.Intent) *translators.Plan { panic("x") } }, status: 500, want: "failed"},
		"nobody":                    {path: "/scim/v2/Users/nobody", status: 404, want: "failed"},
		"no journal":                {configure: func(h *Handler) { h.Journal.Off = false }, status: 503, want: "failed"},
		"a new account that is off": {method: "POST", path: "/scim/v2/Users", body: `{"userName":"new","active":false}`, change: func(b *backend) { b.call = result(translators.NotApplied, refusal) }, status: 403, want: "failed"},
		"protected":                 {configure: func(h *Handler) { h.Policy.Protect = []string{`userName eq "ada"`} }, status: 403, want: "held_back"},
		"dry run":                   {configure: func(h *Handler) { h.DryRun = true }, status: 503, want: "held_back"},
		"DELETE that disables":      {method: "DELETE", configure: deletesDisable, status: 204, want: "proven"},
		"DELETE that is not read": {method: "DELETE", body: "too long", status: 413, want: "failed", configure: func(h *Handler) {
			deletesDisable(h)
			h.Limits.Body = 1
		}},
		"no proof is planned": {change: func(b *backend) {
			b.active = false
			b.plan = func(translators.Intent) *translators.Plan { return new(translators.Plan) }
		}, status: 500, want: "failed"},
		"DELETE that removes":       {method: "DELETE", status: 204},
		"something else":            {body: `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`, status: 200},
		"something else that fails": {body: `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`, change: func(b *backend) { b.call = result(translators.NotApplied, refusal) }, status: 403},
		"enabling":                  {body: strings.Replace(disableAda, "False", "True", 1), change: func(b *backend) { b.active = false }, status: 200},
		"a password of a disabled account, which unlocks it": {
			body: `{"Operations":[{"op":"replace","path":"password","value":"x"}]}`, status: 502, want: "refuted",
			change: func(b *backend) {
				b.active, b.proof.Status = false, translators.Refuted
				b.plan = func(translators.Intent) *translators.Plan {
					return &translators.Plan{Proves: translators.ProofDisabled, Calls: []translators.Call{scripted{result(translators.Applied, nil)}}}
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := works()
			if test.change != nil {
				test.change(b)
			}
			h, _ := newHandler(t, b, test.configure)
			metrics.begin(h.Name, h.backend)
			method, target, body := test.method, test.path, test.body
			if method == "" {
				method = "PATCH"
			}
			if target == "" {
				target = path
			}
			if body == "" && method == "PATCH" {
				body = disableAda
			}
			if answer := ask(h, method, target, body); answer.Code != test.status {
				t.Fatalf("answered %d %s, want %d", answer.Code, answer.Body, test.status)
			}
			want := map[string]float64{"proven": 0, "unprovable": 0, "refuted": 0, "failed": 0, "held_back": 0}
			if test.want != "" {
				want[test.want] = 1
			}
			if diff := cmp.Diff(want, counted(t, h, "caddy_scim_disables_total")); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
		})
	}
}

func deletesDisable(h *Handler) {
	h.types = []translators.Type{{ResourceType: users, Delete: translators.DeleteDisable}}
}

// What the brake holds back is counted as such, and says how it is released.
func TestBrakeIsCounted(t *testing.T) {
	h, logs := newHandler(t, works(), func(h *Handler) {
		h.Policy.Brake = &policy.Brake{Disable: 1, Per: caddy.Duration(time.Hour)}
	})
	metrics.begin(h.Name, h.backend)
	if n := counted(t, h, "caddy_scim_brakes_total"); !cmp.Equal(n, map[string]float64{"": 0}) {
		t.Errorf("before the first: %v", n)
	}
	ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda)
	answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda)
	for _, part := range []string{"more than 1 account was to be disabled", "scimgate reload --force"} {
		if !strings.Contains(answer.Body.String(), part) {
			t.Errorf("the answer does not say %q: %s", part, answer.Body)
		}
	}
	if n := counted(t, h, "caddy_scim_brakes_total"); n[""] != 1 {
		t.Errorf("behind it: %v", n)
	}
	if n := counted(t, h, "caddy_scim_disables_total"); n["held_back"] != 1 || n["proven"] != 1 {
		t.Errorf("disables: %v", n)
	}
	lines := logs.FilterMessage("scim request").All()
	last := lines[len(lines)-1].ContextMap()
	if why, _ := last["error"].(string); last["wanted"] != "disabled" || !strings.HasPrefix(why, "The gateway's brake holds") || strings.Contains(why, "held back") {
		t.Errorf("the log line is %v", last)
	}
}

// journaled returns a gateway with a journal.
func journaled(t *testing.T, b *backend) (*Handler, *recorder) {
	t.Helper()
	r := newRecorder(t)
	h, _ := newHandler(t, b, func(h *Handler) { r.records(t, h) })
	return h, r
}

// A disable for which nothing is written, and which is not in force, is in the
// journal too; one that is, is not.
func TestUnwrittenDisableIsRecorded(t *testing.T) {
	for name, test := range map[string]struct {
		proof translators.Proof
		want  []string
	}{
		"proven":  {translators.Proof{Status: translators.Proven}, nil},
		"refuted": {translators.Proof{Status: translators.Refuted, Detail: "x"}, []string{"disable refuted"}},
		"failed":  {translators.Proof{Err: errors.New("x")}, []string{"disable failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := works()
			b.active, b.proof = false, test.proof
			b.plan = func(translators.Intent) *translators.Plan {
				return &translators.Plan{Proves: translators.ProofDisabled}
			}
			h, r := journaled(t, b)
			ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda)
			var got []string
			for _, e := range r.entries(t) {
				got = append(got, e.Operation+" "+e.Proof)
				if e.Name != "ada" || e.Resource != userID || len(e.Calls) != 0 {
					t.Errorf("the entry is %+v", e)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the journal (-want +got):\n%s", diff)
			}
		})
	}
}

// Who was enabled again is found by that word, and who is known only afterwards
// has a name in the outcome.
func TestJournalNames(t *testing.T) {
	b := works()
	b.active = false
	h, r := journaled(t, b)
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, strings.Replace(disableAda, "False", "True", 1)); answer.Code != http.StatusOK {
		t.Fatalf("enabling: %d %s", answer.Code, answer.Body)
	}
	// An intent without a name, as a change of members alone has.
	x := h.newExchange(nil, httptest.NewRequest("PATCH", "/", nil), "")
	grace := scim.NewResource(users)
	grace.Set(users.Attribute("userName"), scim.String("grace"))
	end, err := x.begin(t.Context(), translators.Intent{Action: scim.ActionUpdate, Type: users}, new(translators.Plan))
	if err != nil {
		t.Fatal(err)
	}
	end(carried{report: translators.Report{Outcome: translators.Applied, Results: []translators.CallResult{{Entry: &translators.Entry{Resource: grace}}}}}, nil)
	entries := r.entries(t)
	if len(entries) != 2 {
		t.Fatalf("the journal has %+v", entries)
	}
	if entries[0].Operation != "enable" || entries[0].Name != "ada" {
		t.Errorf("enabling: %+v", entries[0])
	}
	if entries[1].Name != "grace" {
		t.Errorf("an intent without a name: %+v", entries[1])
	}
}

// A request that can't be read is logged by what method and path tell.
func TestUnreadableRequestIsLogged(t *testing.T) {
	for _, test := range []struct{ method, path, body, operation, kind, id string }{
		{"PATCH", "/Users/" + userID, "{", "update", "User", userID},
		{"PUT", "/users/" + userID + "/", "{", "update", "User", userID},
		{"POST", "/Users", "{", "create", "User", ""},
		{"GET", "/Users?filter=x", "", "search", "User", ""},
		{"PATCH", "/Nowhere/" + userID, "{", "none", "", ""},
		{"FROB", "/Users/" + userID, "", "none", "", ""},
	} {
		h, logs := newHandler(t, works(), nil)
		if answer := ask(h, test.method, "/scim/v2"+test.path, test.body); answer.Code < 400 {
			t.Errorf("%s %s: %d", test.method, test.path, answer.Code)
		}
		line := logs.FilterMessage("scim request").All()[0].ContextMap()
		if line["operation"] != test.operation || line["resource_type"] != test.kind || line["resource_id"] != test.id {
			t.Errorf("%s %s: %v", test.method, test.path, line)
		}
	}
}
