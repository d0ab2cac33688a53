package rest

import (
	"net/http"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// contended answers the next writes as one that somebody else came before.
type contended struct {
	left   int
	status int
	body   string
}

func (c *contended) instead(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || c.left == 0 {
		return false
	}
	c.left--
	w.WriteHeader(c.status)
	_, _ = w.Write([]byte(c.body))
	return true
}

// TestChangedByOthersIsRepeated: a version that the provider has not demanded is none of
// its business. A disable above all gets through.
func TestChangedByOthersIsRepeated(t *testing.T) {
	for name, tt := range map[string]struct {
		others contended
		calls  string
	}{
		"412":       {contended{status: 412}, "update PUT /users/{id} {\nif_match\n}\n"},
		"a verdict": {contended{status: 200, body: `{"error":"stale rowver"}`}, "update POST /users/{id} {\nbody form `rowver={record.theme}&state={active}&title={title}`\nchanged 200 \"stale rowver\"\n}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			others := tt.others
			app := script(t, others.instead)
			tr := app.gatewayOf(t, "", "read GET /users/{id}\n"+tt.calls)
			others.left = 5
			if _, report := carry(t, tr, disabling(t, t.Context(), tr)); report.Outcome != translators.Applied || !app.locked() {
				t.Errorf("disabling: %v, locked: %v", report.Err, app.locked())
			}
			others.left = 4
			if _, report := carry(t, tr, setting(t, tr, "7", "title", scim.String("Admiral"))); report.Outcome != translators.Applied {
				t.Errorf("a title: %v", report.Err)
			}
			others.left = 99
			for what, in := range map[string]translators.Intent{"active": setting(t, tr, "7", "active", scim.Bool(true)), "title": setting(t, tr, "7", "title", scim.String("Admiral"))} {
				_, report := carry(t, tr, in)
				e := translators.KindOf(report.Err)
				if report.Outcome != translators.NotApplied || e != translators.Unavailable {
					t.Errorf("%s, for ever: the outcome is %q, %v", what, report.Outcome, report.Err)
				}
			}
			if spent := 99 - others.left; spent != 12 {
				t.Errorf("two writes are sent %d times", spent)
			}
		})
	}
}

// TestDemandedVersionIsNotRepeated: a version that the caller has demanded is the caller's.
func TestDemandedVersionIsNotRepeated(t *testing.T) {
	others := contended{status: 412}
	app := script(t, others.instead)
	tr := app.gatewayOf(t, "", "version theme\nread GET /users/{id}\nupdate PUT /users/{id} {\nif_match\n}\n")
	in := disabling(t, t.Context(), tr)
	in.Version, others.left = "dark", 9
	if _, report := carry(t, tr, in); translators.KindOf(report.Err) != translators.Changed || others.left != 8 {
		t.Errorf("sent %d times: %v", 9-others.left, report.Err)
	}
}

// TestDemandedVersionIsLookedAtAgain right before the call: what was changed since the
// plan was made is not written over.
func TestDemandedVersionIsLookedAtAgain(t *testing.T) {
	isChanged := false
	app := script(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !isChanged || r.Method != http.MethodGet || r.URL.Path != "/users/7" {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"7","login":"ada","state":"active","theme":"light"}`))
		return true
	})
	tr := app.gatewayOf(t, "", "version theme\nread GET /users/{id}\nupdate PUT /users/{id}\n")
	in := disabling(t, t.Context(), tr)
	in.Version = "dark"
	plan, err := tr.Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	isChanged = true
	if report := translators.Execute(t.Context(), plan); translators.KindOf(report.Err) != translators.Changed || len(app.writes()) > 0 {
		t.Errorf("sent was %q: %v", app.writes(), report.Err)
	}
}
