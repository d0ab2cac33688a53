package gateway

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/modules/access"
	memory "github.com/scimgate/scimgate/modules/store"
)

// A Bulk that is under way when the gateway is switched off, or frozen, does nothing
// more.
func TestSwitchesEndABulk(t *testing.T) {
	for kind, want := range map[memory.SwitchKind]string{memory.Disabled: `"status":"403"`, memory.Frozen: `"status":"503"`} {
		s := holds()
		s.deletes = "disable"
		h, _ := newHandler(t, s, func(h *Handler) {
			h.control = func() *memory.Control {
				c := &memory.Control{}
				if len(s.writes) > 0 {
					c.Switches = []memory.Switch{{Gateway: h.Name, Kind: kind, Since: time.Unix(0, 0), Who: "grace@host"}}
				}
				return c
			}
		})
		answer := ask(h, "POST", "/scim/v2/Bulk", disableTwo)
		if n := strings.Count(answer.Body.String(), want); answer.Code != 200 || n < 2 || len(s.writes) != 1 {
			t.Errorf("%s: %d writes, answered %d %s", kind, len(s.writes), answer.Code, answer.Body)
		}
	}
}

// A gateway that is switched off gives no access tokens, and who has the wrong secret
// does not learn that it is.
func TestTokenEndpointDisabled(t *testing.T) {
	h, _ := newHandler(t, holds(), func(h *Handler) {
		h.Access.TokenEndpoint = new(access.TokenEndpoint)
		pulled(memory.Disabled)(h)
	})
	for shown, want := range map[string]int{secret: 403, "wrong": 401} {
		r := request("POST", "/scim/v2/oauth2/token", "grant_type=client_credentials")
		r.SetBasicAuth("test", shown)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		server{h}.ServeHTTP(answer, r)
		isTold := strings.Contains(answer.Body.String(), "switched off by its operator")
		if answer.Code != want || isTold != (want == 403) || strings.Contains(answer.Body.String(), "grace") {
			t.Errorf("%s is answered %d %s", shown, answer.Code, answer.Body)
		}
	}
}
