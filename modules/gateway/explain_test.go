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

// A Bulk is explained operation by operation, in the order in which they would be
// carried out.
func TestExplainBulk(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, nil)
	body := bulkBody(0,
		`POST:g /Groups {"displayName":"Poets","members":[{"value":"bulkId:a"},{"value":"bulkId:h"}]}`,
		`POST:h /Groups {"displayName":"Painters","members":[{"value":"bulkId:g"}]}`,
		`POST:a /Users {"userName":"alan"}`,
		`PATCH /Users/`+userID+` `+setTitle,
		`PATCH /Users/nobody `+setTitle,
		`GET /Users`,
		`PATCH /Users/`+userID+`?x `+disableAda,
		`PUT /Users/`+userID+` {"userName":"ada","active":false,"title":"bulkId:nobody"}`,
	)
	text, err := h.Explain(t.Context(), httptest.NewRequest("POST", "/scim/v2/Bulk", strings.NewReader(body)), false)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, want := range []string{
		"# Operation 3, bulkId:a:\n# create User\n", "create User userName\n",
		"# Operation 4:\n", "update User " + userID + " title\n",
		"# Operation 5:\n", "# refused: 404",
		"# Operation 6:\n", "# refused: 400",
		"# Operation 7:\n# update User " + userID + "\n#   replace active false\n", // nothing holds it back
		"update User " + userID + " active\n",
		"# Operation 8:\n", "#   replace active false\n", "update User " + userID + " active\n", "# refused: 400", "bulkId:nobody",
		"# Operation 1, as far as it refers to nothing that comes later, bulkId:g:\n", "create Group displayName add [\"bulkId:a\"] remove []\n",
		"# Operation 2, bulkId:h:\n", "create Group displayName add [\"bulkId:g\"] remove []\n",
		"# Operation 1, the rest of it:\n", "update Group bulkId:g add [\"bulkId:h\"] remove []\n",
	} {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Fatalf("no %q behind byte %d of:\n%s", want, at, text)
		}
		at += i
	}
	if len(s.writes) > 0 {
		t.Errorf("written %q", s.writes)
	}
}
