package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	memory "github.com/scimgate/scimgate/modules/store"
)

// pulled has a switch pulled for a gateway, from the beginning.
func pulled(kind memory.SwitchKind) func(*Handler) {
	return func(h *Handler) {
		h.control = func() *memory.Control {
			return &memory.Control{Switches: []memory.Switch{
				{Gateway: "another", Kind: memory.Disabled},
				{Gateway: h.Name, Kind: kind, Since: time.Unix(0, 0), Who: "grace@host", Why: "maintenance of the directory"},
			}}
		}
	}
}

const disableTwo = `{"Operations":[
	{"method":"PATCH","path":"/Users/` + userID + `","data":` + disableAda + `},
	{"method":"PATCH","path":"/Users/` + userID + `","data":{"Operations":[{"op":"replace","path":"title","value":"x"}]}},
	{"method":"DELETE","path":"/Users/` + userID + `"}]}`

func TestSwitches(t *testing.T) {
	const create, title = `{"userName":"new"}`, `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`
	user, group := "/scim/v2/Users/"+userID, "/scim/v2/Groups/g"
	for name, test := range map[string]struct {
		kind               memory.SwitchKind
		method, path, body string
		want               int
		heldBack           float64
	}{
		"frozen, read":              {memory.Frozen, "GET", user, "", 200, 0},
		"frozen, search":            {memory.Frozen, "GET", `/scim/v2/Users?filter=userName+eq+%22ada%22`, "", 200, 0},
		"frozen, search by POST":    {memory.Frozen, "POST", `/scim/v2/Users/.search`, `{"filter":"userName eq \"ada\""}`, 200, 0},
		"frozen, discovery":         {memory.Frozen, "GET", "/scim/v2/ServiceProviderConfig", "", 200, 0},
		"frozen, create":            {memory.Frozen, "POST", "/scim/v2/Users", create, 503, 0},
		"frozen, change":            {memory.Frozen, "PATCH", user, title, 503, 0},
		"frozen, disable":           {memory.Frozen, "PATCH", user, disableAda, 503, 1},
		"frozen, disable and more":  {memory.Frozen, "PUT", user, `{"userName":"ada","title":"x","active":false}`, 503, 1},
		"frozen, delete":            {memory.Frozen, "DELETE", user, "", 503, 1},
		"frozen, a group":           {memory.Frozen, "PATCH", group, `{"Operations":[{"op":"add","path":"members","value":[{"value":"x"}]}]}`, 503, 0},
		"frozen, Bulk":              {memory.Frozen, "POST", "/scim/v2/Bulk", disableTwo, 200, 2},
		"frozen, what is wrong":     {memory.Frozen, "PATCH", user, "{", 400, 0},
		"disabled, read":            {memory.Disabled, "GET", user, "", 403, 0},
		"disabled, discovery":       {memory.Disabled, "GET", "/scim/v2/ServiceProviderConfig", "", 403, 0},
		"disabled, disable":         {memory.Disabled, "PATCH", user, disableAda, 403, 1},
		"disabled, delete":          {memory.Disabled, "DELETE", user, "", 403, 1},
		"disabled, Bulk":            {memory.Disabled, "POST", "/scim/v2/Bulk", disableTwo, 403, 2},
		"disabled, what is wrong":   {memory.Disabled, "PATCH", user, "{", 403, 0},
		"another's switch, disable": {"", "PATCH", user, disableAda, 200, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := holds()
			s.deletes = "disable"
			h, logs := newHandler(t, s, pulled(test.kind))
			answer := ask(h, test.method, test.path, test.body)
			if answer.Code != test.want {
				t.Errorf("answered %d %s, want %d", answer.Code, answer.Body, test.want)
			}
			switch answer.Code {
			case 503:
				if answer.Header().Get("Retry-After") != "300" || !strings.Contains(answer.Body.String(), "frozen by its operator") {
					t.Errorf("answered %v %s", answer.Header(), answer.Body)
				}
			case 403:
				if !strings.Contains(answer.Body.String(), "switched off by its operator") {
					t.Errorf("answered %s", answer.Body)
				}
			}
			if strings.Contains(answer.Body.String(), "maintenance") || strings.Contains(answer.Body.String(), "grace") {
				t.Errorf("the provider is told who and why: %s", answer.Body)
			}
			if writes := len(s.writes); (writes > 0) != (test.kind == "") {
				t.Errorf("%d writes", writes)
			}
			if n := counted(t, h, "caddy_scim_disables_total"); n["held_back"] != test.heldBack {
				t.Errorf("counted %v, want %v held back", n, test.heldBack)
			}
			loud := logs.FilterMessageSnippet("a disable is held back").All()
			if (len(loud) > 0) != (test.heldBack > 0) {
				t.Errorf("the log says %v", loud)
			}
			if len(loud) > 0 {
				if line := loud[0].ContextMap(); line["by"] != "grace@host" || line["why"] != "maintenance of the directory" {
					t.Errorf("the log says %v", line)
				}
			}
		})
	}
}

// In a Bulk each operation is held back for itself, and the whole says how long to
// wait.
func TestFrozenBulk(t *testing.T) {
	h, _ := newHandler(t, holds(), pulled(memory.Frozen))
	answer := ask(h, "POST", "/scim/v2/Bulk", disableTwo)
	if n := strings.Count(answer.Body.String(), `"status":"503"`); n < 3 || answer.Header().Get("Retry-After") != "300" {
		t.Errorf("answered %v %s", answer.Header(), answer.Body)
	}
}

// Nobody learns of a switch who is not let in.
func TestSwitchIsNotToldToStrangers(t *testing.T) {
	h, _ := newHandler(t, holds(), pulled(memory.Disabled))
	answer := ask(h, "GET", "/scim/v2/Users", "", "Authorization: Bearer somebody-elses")
	if answer.Code != http.StatusUnauthorized || strings.Contains(answer.Body.String(), "switched") {
		t.Errorf("answered %d %s", answer.Code, answer.Body)
	}
}

// Who acts on the machine itself passes both switches.
func TestOperatorPassesSwitches(t *testing.T) {
	for _, kind := range []memory.SwitchKind{memory.Frozen, memory.Disabled} {
		s := holds()
		h, _ := newHandler(t, s, pulled(kind))
		if done := h.Disable(t.Context(), userID, grace); done.Err != nil || s.isActive(t, "ada") {
			t.Errorf("%s: it ended as %+v", kind, done)
		}
	}
}

func TestSwitchMetrics(t *testing.T) {
	h, _ := newHandler(t, holds(), pulled(memory.Frozen))
	again, _ := newHandler(t, holds(), pulled(memory.Frozen))
	again.Name = h.Name // behind a reload
	table := &switchTable{gateways: make(map[*Handler]bool)}
	table.enter(h)
	table.enter(again)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(table)
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, family := range gathered {
		for _, m := range family.GetMetric() {
			got[family.GetName()+" "+m.GetLabel()[0].GetValue()] += m.GetGauge().GetValue()
		}
	}
	want := map[string]float64{"caddy_scim_gateway_disabled " + h.Name: 0, "caddy_scim_gateway_frozen " + h.Name: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	table.leave(h)
	table.leave(again)
	if left, err := registry.Gather(); err != nil || len(left) > 0 {
		t.Errorf("of gateways that are gone there is %v, %v", left, err)
	}
}
