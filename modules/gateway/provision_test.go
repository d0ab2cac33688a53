package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zapcore"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/translators"
)

func init() { caddy.RegisterModule(testTranslator{}) }

// testTranslator is the backend as a module.
type testTranslator struct{ *backend }

func (testTranslator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "scim.translators.test", New: func() caddy.Module { return testTranslator{works()} }}
}

// load provisions a gateway as a part of a configuration.
func load(t *testing.T, configuration caddy.Context, name, base string) (*Handler, error) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"name": name, "base": base, "journal": map[string]bool{"off": true}, "translator": map[string]string{"type": "test"},
		"access": access.Access{Credentials: []*access.Credential{{Name: "test", Secret: secret}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	module, err := configuration.LoadModuleByID("http.handlers.scim_gateway", raw)
	if err != nil {
		return nil, err
	}
	return module.(*Handler), nil
}

// From the load on, the counters that alerts look at are there: the first event
// would go unseen otherwise. What the checks will find is not.
func TestCountersExistFromTheLoadOn(t *testing.T) {
	configuration, unload := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer unload()
	if _, err := load(t, configuration, t.Name(), "/scim/v2"); err != nil {
		t.Fatal(err)
	}
	families, err := configuration.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := ""
			for _, pair := range m.GetLabel() {
				labels += " " + pair.GetValue()
			}
			if strings.Contains(labels, t.Name()) && m.Counter != nil && m.Counter.GetValue() == 0 || family.GetName() == "caddy_scim_backend_usable" && strings.Contains(labels, t.Name()) {
				found = append(found, strings.Replace(family.GetName()+labels, t.Name(), "gateway", 1))
			}
		}
	}
	slices.Sort(found)
	if diff := cmp.Diff([]string{
		"caddy_scim_brakes_total gateway", "caddy_scim_disables_total test gateway failed", "caddy_scim_disables_total test gateway held_back",
		"caddy_scim_disables_total test gateway proven", "caddy_scim_disables_total test gateway refuted", "caddy_scim_disables_total test gateway unprovable",
		"caddy_scim_disables_undone_total gateway",
		"caddy_scim_outside_total gateway ", "caddy_scim_refusals_total gateway early_data", "caddy_scim_refusals_total gateway expired",
		"caddy_scim_refusals_total gateway issuer_away", "caddy_scim_refusals_total gateway malformed", "caddy_scim_refusals_total gateway no_address", "caddy_scim_refusals_total gateway no_credential",
		"caddy_scim_refusals_total gateway other_gateway", "caddy_scim_refusals_total gateway outside", "caddy_scim_refusals_total gateway outside_credential",
		"caddy_scim_refusals_total gateway revoked", "caddy_scim_refusals_total gateway scope", "caddy_scim_refusals_total gateway store_away",
		"caddy_scim_refusals_total gateway unknown",
		"caddy_scim_resolved_total gateway disable applied", "caddy_scim_resolved_total gateway disable not applied", "caddy_scim_resolved_total gateway disable unknown",
	}, found); diff != "" {
		t.Errorf("the metrics at 0 (-want +got):\n%s", diff)
	}
}

// A name is given once in a configuration. The one that is loaded in its place
// has the same.
func TestNamesAreTakenOnce(t *testing.T) {
	old, unloadOld := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer unloadOld()
	if _, err := load(t, old, t.Name(), "/scim/v2"); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t, old, t.Name(), "/other/v2"); err == nil || !strings.Contains(err.Error(), "is given to two gateways") {
		t.Errorf("another gateway with the name: %v", err)
	}
	if _, err := load(t, old, t.Name(), "/scim/v2"); err != nil {
		t.Errorf("the same one again, for another port: %v", err)
	}
	next, unloadNext := caddy.NewContext(caddy.Context{Context: context.Background()})
	if _, err := load(t, next, t.Name(), "/other/v2"); err != nil {
		t.Errorf("a reload: %v", err)
	}
	unloadNext()
	running.mu.Lock()
	defer running.mu.Unlock()
	for h := range running.held {
		if h.Base == "/other/v2" {
			t.Error("what was unloaded, or refused, still has its name")
		}
	}
}

// An operator is told of what works against them while there is time.
func TestWarningsAtTheLoad(t *testing.T) {
	day := func(days int) string { return time.Now().AddDate(0, 0, days).UTC().Format(time.DateOnly) }
	h, logs := newHandler(t, works(), func(h *Handler) {
		h.DryRun = true
		h.Access.Credentials = append(h.Access.Credentials,
			&access.Credential{Name: "gone", Secret: secret + "1", Expires: day(-1)},
			&access.Credential{Name: "soon", Secret: secret + "2", Expires: day(29)},
			&access.Credential{Name: "later", Secret: secret + "3", Expires: day(32)},
		)
	})
	h.warn()
	var got []string
	for _, entry := range logs.FilterLevelExact(zapcore.WarnLevel).All() {
		credential, _ := entry.ContextMap()["credential"].(string)
		got = append(got, strings.SplitN(entry.Message, ":", 2)[0]+" "+credential)
	}
	if diff := cmp.Diff([]string{"dry_run is on ", "the credential has expired gone", "the credential expires soon soon"}, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// What a check finds can be scraped until the gateway is gone.
func TestUsableBackend(t *testing.T) {
	b := works()
	h, _ := newHandler(t, b, nil)
	h.checker.start(h)
	h.checker.stop()
	const name = "caddy_scim_backend_usable"
	expect := func(when string, want map[string]float64) {
		t.Helper()
		if diff := cmp.Diff(want, counted(t, h, name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	expect("before the first check", map[string]float64{})
	for _, check := range []struct {
		when  string
		level translators.Level
		want  float64
	}{{"usable", translators.LevelOK, 1}, {"a warning", translators.LevelWarning, 1}, {"not usable", translators.LevelError, 0}, {"mended", translators.LevelOK, 1}} {
		b.findings = []translators.Finding{{Level: translators.LevelOK, Detail: "x"}, {Level: check.level, Detail: "y"}}
		h.checker.run(t.Context(), h)
		h.checker.stop()
		expect(check.when, map[string]float64{"": check.want})
	}
	b.check = func() { panic("out of order") }
	h.checker.run(t.Context(), h)
	h.checker.stop()
	expect("a check that panics", map[string]float64{"": 0})
	if err := h.Cleanup(); err != nil {
		t.Fatal(err)
	}
	expect("taken down", map[string]float64{})
}
