package gateway

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/scimgate/scimgate/modules/access"
	memory "github.com/scimgate/scimgate/modules/store"
)

// What Decide tells is what a request is answered with.
func TestDecide(t *testing.T) {
	door := func(h *Handler) {
		h.Access = access.Access{Allow: []string{"192.0.2.0/24"}, Credentials: []*access.Credential{
			{Name: "entra", Secret: secret}, {Name: "old", Secret: secret + "old", Expires: "2020-01-01"},
			{Name: "local", Secret: secret + "local", Allow: []string{"192.0.2.7"}},
			{Name: "okta", Scheme: access.SchemeBasic, Secret: "a-password-of-okta"},
		}}
	}
	for name, test := range map[string]struct {
		kind                memory.SwitchKind
		from, authorization string
		status              int
		last                string // the last step
	}{
		"let in":               {"", "192.0.2.1", "Bearer " + secret, 0, "the credential has no allow-list"},
		"Basic":                {"", "192.0.2.1", "Basic b2t0YTphLXBhc3N3b3JkLW9mLW9rdGE=", 0, "the credential has no allow-list"},
		"outside":              {"", "198.51.100.1", "Bearer " + secret, 403, "on no allow-list of the gateway: 192.0.2.0/24 of the configuration"},
		"wrong":                {"", "192.0.2.1", "Bearer wrong-wrong-wrong", 401, "the bearer credential is not known"},
		"expired":              {"", "192.0.2.1", "Bearer " + secret + "old", 401, "the credential expired on 2020-01-01"},
		"its own list":         {"", "192.0.2.7", "Bearer " + secret + "local", 0, "on the allow-list of the credential: 192.0.2.7/32"},
		"not on its own list":  {"", "192.0.2.1", "Bearer " + secret + "local", 403, "on no allow-list of the credential: 192.0.2.7 of the configuration"},
		"mapped":               {"", "::ffff:192.0.2.1", "Bearer " + secret, 0, "the credential has no allow-list"},
		"disabled":             {memory.Disabled, "192.0.2.1", "Bearer " + secret, 403, "disabled by grace@host since 1970-01-01T00:00:00Z (maintenance of the directory)"},
		"disabled, wrong":      {memory.Disabled, "192.0.2.1", "Bearer wrong-wrong-wrong", 401, "the bearer credential is not known"},
		"frozen":               {memory.Frozen, "192.0.2.1", "Bearer " + secret, 0, "frozen by grace@host since 1970-01-01T00:00:00Z (maintenance of the directory): it can be read"},
		"another one disabled": {"x", "192.0.2.1", "Bearer " + secret, 0, "the credential has no allow-list"},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := newHandler(t, works(), func(h *Handler) {
				door(h)
				pulled(test.kind)(h)
			})
			d := h.Decide(t.Context(), netip.MustParseAddr(test.from), test.authorization)
			if d.Status != test.status || d.IsLetIn() != (test.status == 0) {
				t.Errorf("decided %+v, want %d", d, test.status)
			}
			if last := d.Steps[len(d.Steps)-1]; !strings.Contains(last.Detail, test.last) || last.Passed != (test.status == 0) {
				t.Errorf("the last step is %+v, want %q", last, test.last)
			}
			r := request("GET", "/scim/v2/Users/"+userID, "")
			r.Header.Set("Authorization", test.authorization)
			w := httptest.NewRecorder()
			vars := context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: test.from})
			if err := h.ServeHTTP(w, r.WithContext(vars), nil); err != nil {
				t.Fatal(err)
			}
			answer := w.Code
			want := test.status
			if want == 0 {
				want = 200
			}
			if answer != want {
				t.Errorf("a request is answered with %d, and decided is %d", answer, d.Status)
			}
		})
	}
	h, _ := newHandler(t, works(), door)
	if d := h.Decide(t.Context(), netip.MustParseAddr("192.0.2.1"), ""); !d.IsLetIn() || !d.IsUnfinished || len(d.Steps) != 2 {
		t.Errorf("without a token: %+v", d)
	}
	for range 100 { // nothing comes of it
		if d := h.Decide(t.Context(), netip.MustParseAddr("192.0.2.1"), "Bearer wrong-wrong-wrong"); d.Status != 401 {
			t.Fatalf("decided %+v", d)
		}
	}
}
