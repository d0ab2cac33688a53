package gateway

import (
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What is explained offline asks the backend nothing, also by no check from time
// to time.
func TestExplainOfflineEndsTheChecks(t *testing.T) {
	b := works()
	var checks atomic.Int32
	b.check = func() { checks.Add(1) }
	h, _ := newHandler(t, b, nil)
	h.checker.start(h)
	r := httptest.NewRequest("PATCH", "/scim/v2/Users/"+userID, strings.NewReader(disableAda))
	text, err := h.Explain(t.Context(), r, true)
	if err != nil || !strings.Contains(text, "change something") {
		t.Errorf("explained %q, %v", text, err)
	}
	if h.checker.timer.Reset(time.Hour) {
		t.Error("a check is still to come")
	}
	h.checker.timer.Stop()
	if n := checks.Load(); n != 0 {
		t.Errorf("the backend was checked %d times", n)
	}
}
