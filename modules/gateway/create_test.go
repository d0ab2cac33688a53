package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// TestCreatedAndUnreadableIsNoAbsence: what was created a moment ago is never said not to
// be there, whatever id the backend told.
func TestCreatedAndUnreadableIsNoAbsence(t *testing.T) {
	b := works()
	b.call.ID = "no such id"
	h, _ := newHandler(t, b, nil)
	w := ask(h, http.MethodPost, "/scim/v2/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"grace"}`)
	if w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "was created") {
		t.Errorf("the answer is %d %s", w.Code, w.Body)
	}
}
