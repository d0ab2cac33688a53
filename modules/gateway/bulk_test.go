package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/translators"
)

// bulkAnswer is the answer to a Bulk.
type bulkAnswer struct {
	Operations []struct {
		Method, BulkID, Version, Location, Status string
		Response                                  struct{ Status, ScimType, Detail string }
	}
}

// sendBulk sends operations, each as a JSON object or as "METHOD path data".
func sendBulk(t *testing.T, h *Handler, failOnErrors int, operations ...string) bulkAnswer {
	t.Helper()
	answer := ask(h, "POST", "/scim/v2/Bulk", bulkBody(failOnErrors, operations...))
	if answer.Code != http.StatusOK {
		t.Fatalf("a Bulk: %d %s", answer.Code, answer.Body)
	}
	var got bulkAnswer
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, answer.Body)
	}
	return got
}

func bulkBody(failOnErrors int, operations ...string) string {
	for i, o := range operations {
		if strings.HasPrefix(o, "{") {
			continue
		}
		words := strings.SplitN(o, " ", 3)
		bulkID := ""
		if method, id, is := strings.Cut(words[0], ":"); is {
			words[0], bulkID = method, fmt.Sprintf(`"bulkId":%q,`, id)
		}
		operations[i] = fmt.Sprintf(`{"method":%q,%s"path":%q}`, words[0], bulkID, words[1])
		if len(words) == 3 {
			operations[i] = fmt.Sprintf(`{"method":%q,%s"path":%q,"data":%s}`, words[0], bulkID, words[1], words[2])
		}
	}
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":%d,"Operations":[%s]}`,
		failOnErrors, strings.Join(operations, ","))
}

// statuses are the answers as "METHOD status".
func (a bulkAnswer) statuses() []string {
	var all []string
	for _, o := range a.Operations {
		all = append(all, o.Method+" "+o.Status)
	}
	return all
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// What refers to others is carried out behind them and answered in its place.
func TestBulkResolvesReferences(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, nil)
	got := sendBulk(t, h, 0,
		`POST:g /Groups {"displayName":"Poets","members":[{"value":"bulkId:b"},{"value":"bulkId:a"}]}`,
		`PATCH /Users/bulkId:b {"Operations":[{"op":"replace","path":"title","value":"Dr."}]}`,
		`POST:a /Users {"userName":"alan"}`,
		`POST:b /Users {"userName":"byron"}`,
		`DELETE /Users/`+userID,
	)
	same(t, "answered", got.statuses(), []string{"POST 201", "PATCH 200", "POST 201", "POST 201", "DELETE 204"})
	same(t, "written", s.writes, []string{
		"create User userName", "create User userName",
		`create Group displayName add ["id-2" "id-1"] remove []`,
		"update User id-2 title", "delete User " + userID,
	})
	first := got.Operations[0]
	if first.BulkID != "g" || first.Location != "http://example.com/scim/v2/Groups/id-3" || first.Version != `W/"1"` {
		t.Errorf("the group: %+v", first)
	}
	if o := got.Operations[1]; o.Location != "http://example.com/scim/v2/Users/id-2" || o.Version != `W/"2"` {
		t.Errorf("the change: %+v", o)
	}
	if o := got.Operations[4]; o.Location != "http://example.com/scim/v2/Users/"+userID {
		t.Errorf("the deletion: %+v", o)
	}
}

// A path that is the whole one, as it would be requested alone, is understood.
func TestBulkOfPathsWithTheBase(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, nil)
	got := sendBulk(t, h, 0,
		`PATCH /scim/v2/Users/`+userID+` {"Operations":[{"op":"replace","path":"active","value":false}]}`,
		`DELETE /SCIM/v2//Users/`+userID,
		`DELETE /scim/v22/Users/`+userID,
	)
	same(t, "answered", got.statuses(), []string{"PATCH 200", "DELETE 204", "DELETE 404"})
}

// Resources that need each other are created first and then completed.
func TestBulkResolvesCycles(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, nil)
	got := sendBulk(t, h, 0,
		`POST:a /Groups {"displayName":"A","members":[{"value":"bulkId:b"},{"value":"bulkId:a"}]}`,
		`POST:b /Groups {"displayName":"B","members":[{"value":"bulkId:c"}]}`,
		`POST:c /Groups {"displayName":"C","members":[{"value":"bulkId:a"}]}`,
		`PATCH /Groups/bulkId:a {"Operations":[{"op":"replace","path":"displayName","value":"A2"}]}`,
	)
	same(t, "answered", got.statuses(), []string{"POST 201", "POST 201", "POST 201", "PATCH 200"})
	a, b, c := s.named("A2"), s.named("B"), s.named("C")
	same(t, "the members of A", a.members, []string{b.resource.ID, a.resource.ID})
	same(t, "the members of B", b.members, []string{c.resource.ID})
	same(t, "the members of C", c.members, []string{a.resource.ID})
	if last := s.writes[len(s.writes)-1]; !strings.Contains(last, "displayName") {
		t.Errorf("the change came before its resource was complete: %q", s.writes)
	}
	if got.Operations[0].Version != `W/"2"` {
		t.Errorf("the version is that before the references: %+v", got.Operations[0])
	}
}

// Where what refers to others is the name itself, nothing can be put off.
func TestBulkOfACycleThatCannotBeResolved(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, nil)
	got := sendBulk(t, h, 0,
		`POST:a /Users {"userName":"bulkId:b"}`,
		`POST:b /Users {"userName":"bulkId:a"}`,
		`POST:c /Users {"userName":"carol"}`,
	)
	same(t, "answered", got.statuses(), []string{"POST 409", "POST 409", "POST 201"})
	if detail := got.Operations[0].Response.Detail; !strings.Contains(detail, "refers by bulkId to one that refers to it") {
		t.Errorf("answered %q", detail)
	}
}

// What refers to something that is not there says which, and why.
func TestBulkWithReferencesToNothing(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, nil)
	got := sendBulk(t, h, 0,
		`POST:a /Users {"userName":"ada"}`,
		`POST:g /Groups {"displayName":"Poets","members":[{"value":"bulkId:a"}]}`,
		`PATCH /Groups/bulkId:g {"Operations":[{"op":"replace","path":"displayName","value":"x"}]}`,
		`POST:h /Groups {"displayName":"Painters","members":[{"value":"bulkId:nobody"}]}`,
		`DELETE /Users/bulkId:a`,
		`PATCH /Users/`+userID+` {"Operations":[{"op":"replace","path":"active","value":false},{"op":"add","path":"roles","value":[{"value":"bulkId:nobody"}]}]}`,
	)
	same(t, "answered", got.statuses(), []string{"POST 409", "POST 409", "PATCH 409", "POST 400", "DELETE 409", "PATCH 400"})
	for i, want := range []string{
		"The name is taken.",
		"bulkId:a, which does not exist: the POST that was to create it failed with the status 409",
		"bulkId:g, which does not exist: the POST that was to create it failed with the status 409",
		"bulkId:nobody, and no POST of this Bulk has this bulkId",
		"bulkId:a, which does not exist",
		"The account was disabled. The rest of the request was not carried out: The operation refers to bulkId:nobody",
	} {
		if detail := got.Operations[i].Response.Detail; !strings.Contains(detail, want) {
			t.Errorf("operation %d says %q, want %q", i+1, detail, want)
		}
	}
	if s.isActive(t, "ada") || len(s.entries) != 1 {
		t.Errorf("ada is active: %t; there are %d", s.isActive(t, "ada"), len(s.entries))
	}
}

// Behind as many failures as the caller allows nothing is begun but what disables
// (DESIGN §4 rule 3).
func TestBulkFailsOnErrors(t *testing.T) {
	const offAndMore = ` {"Operations":[{"op":"replace","path":"active","value":"False"},{"op":"replace","path":"title","value":"x"}]}`
	for _, deletes := range []translators.DeleteMode{translators.DeleteRemove, translators.DeleteDisable} {
		s := holds()
		s.deletes = deletes
		h, _ := newHandler(t, s, nil)
		got := sendBulk(t, h, 0, `POST:1 /Users {"userName":"bob","active":true}`, `POST:2 /Users {"userName":"carol","active":true}`, `POST:3 /Users {"userName":"dan","active":true}`)
		same(t, "answered", got.statuses(), []string{"POST 201", "POST 201", "POST 201"})
		got = sendBulk(t, h, 2,
			`POST:0 /Users {"userName":"eve"}`,
			`PATCH /Users/nobody {"Operations":[{"op":"replace","path":"title","value":"x"}]}`,
			`PATCH /Users/nobody {"Operations":[{"op":"replace","path":"title","value":"y"}]}`,
			`POST:4 /Users {"userName":"fay","active":false}`,
			`PATCH /Users/`+userID+` `+disableAda,
			`PATCH /Users/id-1`+offAndMore,
			`PATCH /Users/id-3 {"Operations":[{"op":"replace","path":"title","value":"x"}]}`,
			`PATCH /Users/bulkId:4 `+disableAda,
			`PUT /Users/bulkId:0 {"userName":"eve","active":false}`,
			`DELETE /Users/id-2`,
		)
		want := []string{"POST 201", "PATCH 404", "PATCH 404", "PATCH 200", "PATCH 409", "PUT 409"}
		if deletes == translators.DeleteDisable {
			want = append(want, "DELETE 204")
		}
		same(t, "answered", got.statuses(), want)
		if detail := got.Operations[4].Response.Detail; !strings.HasPrefix(detail, "The account was disabled. The rest of the request was not carried out: ") || !strings.Contains(detail, "failOnErrors") {
			t.Errorf("the disable with a rest says %q", detail)
		}
		for name, active := range map[string]bool{"ada": false, "bob": false, "carol": deletes == translators.DeleteRemove, "dan": true} {
			if s.isActive(t, name) != active {
				t.Errorf("delete %s: %s is active: %t", deletes, name, !active)
			}
		}
		if s.named("fay") != nil {
			t.Error("an operation behind the last failure was begun")
		}
	}
}

// What has no turn within the time for a Bulk is answered, each by itself.
func TestBulkRunsOutOfTime(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, func(h *Handler) { h.BulkTimeout = caddy.Duration(300 * time.Millisecond) })
	begun := time.Now()
	s.before = func(translators.Intent) {
		for time.Since(begun) < 2*time.Duration(h.BulkTimeout) {
			time.Sleep(time.Millisecond) // until the time is up
		}
	}
	answer := ask(h, "POST", "/scim/v2/Bulk", bulkBody(1,
		`POST:a /Users {"userName":"alan"}`,
		`POST:b /Users {"userName":"byron"}`,
		`PATCH /Users/`+userID+` `+disableAda,
	))
	var got bulkAnswer
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	same(t, "answered", got.statuses(), []string{"POST 201", "POST 503", "PATCH 503"})
	if after := answer.Header().Get("Retry-After"); after != "30" {
		t.Errorf("to be sent again after %q", after)
	}
	if diff := cmp.Diff(map[string]float64{"failed": 1}, counted(t, h, "caddy_scim_disables_total")); diff != "" {
		t.Errorf("disables (-want +got):\n%s", diff)
	}
	if len(s.writes) != 1 || !strings.Contains(got.Operations[1].Response.Detail, "bulk_timeout") {
		t.Errorf("written %q, answered %+v", s.writes, got.Operations[1])
	}
}

// A caller who goes away stops nothing.
func TestBulkOfImpatientCaller(t *testing.T) {
	s := holds()
	h, logs := newHandler(t, s, nil)
	r := request("POST", "/scim/v2/Bulk", bulkBody(0, `POST:a /Users {"userName":"alan"}`, `POST:b /Users {"userName":"byron"}`))
	ctx, cancel := context.WithCancel(r.Context())
	s.before = func(translators.Intent) { cancel() }
	server{h}.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
	if s.named("byron") == nil {
		t.Errorf("written: %q", s.writes)
	}
	if n := logs.FilterMessage("scim request").Len(); n != 3 {
		t.Errorf("%d log lines, want one for each operation and one for the Bulk", n)
	}
}

// Only writes of one resource are carried out.
func TestBulkRefusesWhatIsNoWrite(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, nil)
	got := sendBulk(t, h, 0,
		`POST /Bulk {"Operations":[]}`,
		`POST /Users/.search {}`,
		`DELETE /ServiceProviderConfig`,
		`POST:x /Users {"displayName":"x"}`,
		`DELETE /Widgets/1`,
		`POST:y /Users {"userName":"alan"}`,
	)
	for i, o := range got.Operations {
		if isLast := i == len(got.Operations)-1; isLast != (o.Status == "201") || !isLast && (o.Response.Status != o.Status || o.Response.Detail == "") {
			t.Errorf("operation %d: %+v", i+1, o)
		}
	}
	if len(s.writes) != 1 {
		t.Errorf("written %q", s.writes)
	}
}

// A Bulk that is too large is refused with both of its limits (RFC 7644 §3.7.4).
func TestBulkTooLarge(t *testing.T) {
	h, _ := newHandler(t, holds(), func(h *Handler) { h.Limits.Body, h.Limits.BulkOperations = 400, 2 })
	remove := "DELETE /Users/" + userID
	for name, body := range map[string]string{
		"too many operations": bulkBody(0, remove, remove, remove),
		"too many bytes":      bulkBody(0, remove) + strings.Repeat(" ", 400),
	} {
		answer := ask(h, "POST", "/scim/v2/Bulk", body)
		if answer.Code != http.StatusRequestEntityTooLarge || !strings.Contains(answer.Body.String(), "2 operations (maxOperations) and 400 bytes (maxPayloadSize)") {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
}

// Protection, the brake, a dry run and faults meet each operation as they would
// meet it alone.
func TestBulkGoesThroughAllStages(t *testing.T) {
	s := holds()
	r := newRecorder(t)
	h, logs := newHandler(t, s, func(h *Handler) {
		h.Policy.Protect = []string{`userName sw "svc-"`}
		h.Policy.Brake = &policy.Brake{Disable: 1, Per: caddy.Duration(time.Hour)}
		r.records(t, h)
	})
	s.before = func(in translators.Intent) {
		if in.After != nil && nameOf(in.After) == "boom" {
			panic("out of order")
		}
	}
	requests := counted(t, h, "caddy_scim_disables_total")
	got := sendBulk(t, h, 0,
		`POST:a /Users {"userName":"svc-backup"}`,
		`POST:b /Users {"userName":"alan","active":true}`,
		`POST:c /Users {"userName":"boom"}`,
		`PATCH /Users/`+userID+` `+disableAda,
		`PATCH /Users/`+userID+` `+disableAda,
		`DELETE /Users/bulkId:b`,
		`{"method":"PATCH","path":"/Users/`+userID+`","version":"W/\"1\"","data":{"Operations":[{"op":"replace","path":"title","value":"x"}]}}`,
		`{"method":"PATCH","path":"/Users/`+userID+`","version":"W/\"2\"","data":{"Operations":[{"op":"replace","path":"title","value":"x"}]}}`,
	)
	same(t, "answered", got.statuses(), []string{
		"POST 403", "POST 201", "POST 500", "PATCH 200", "PATCH 200", "DELETE 503", "PATCH 412", "PATCH 200",
	})
	var ids []string
	for _, line := range logs.FilterMessage("scim request").All() {
		_, number, _ := strings.Cut(line.ContextMap()["request_id"].(string), ".")
		ids = append(ids, number)
	}
	same(t, "the log's request ids", ids, []string{"1", "2", "3", "4", "5", "6", "7", "8", ""})
	whole := logs.FilterMessage("scim request").All()[8].ContextMap()
	if whole["operation"] != "bulk" || whole["operations"] != int64(8) || whole["failed"] != int64(4) {
		t.Errorf("the line of the Bulk: %v", whole)
	}
	if diff := cmp.Diff(map[string]float64{"proven": 2}, counted(t, h, "caddy_scim_disables_total")); diff != "" {
		t.Errorf("disables before %v (-want +got):\n%s", requests, diff)
	}
	var intents []string
	for _, e := range r.entries(t) {
		_, number, _ := strings.Cut(e.ID, ".")
		intents = append(intents, number+" "+e.Operation)
	}
	same(t, "the journal", intents, []string{"2-1 create", "3-1 create", "4-1 disable", "8-1 update"})
}

// A rehearsal never lies, in no part of a Bulk (DESIGN §4 rule 15).
func TestBulkDryRun(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, func(h *Handler) { h.DryRun = true })
	got := sendBulk(t, h, 0, `POST:a /Users {"userName":"alan"}`, `PATCH /Users/`+userID+` `+disableAda, `DELETE /Users/`+userID)
	same(t, "answered", got.statuses(), []string{"POST 503", "PATCH 503", "DELETE 503"})
	if len(s.writes) > 0 {
		t.Errorf("written %q", s.writes)
	}
}

// What is only created in answer to a Bulk is not read again.
func TestBulkReadsNoMoreThanItNeeds(t *testing.T) {
	s := holds()
	s.mute = true
	h, _ := newHandler(t, s, nil)
	got := sendBulk(t, h, 0, `POST:a /Users {"userName":"alan"}`, `POST:g /Groups {"displayName":"Poets","members":[{"value":"bulkId:a"}]}`)
	same(t, "answered", got.statuses(), []string{"POST 201", "POST 201"})
	if s.reads > 0 {
		t.Errorf("%d reads", s.reads)
	}
	if o := got.Operations[1]; o.Location == "" || o.Version != "" {
		t.Errorf("the group: %+v", o)
	}
}

// However many references there are to nothing, the answer does not wait for them.
func TestBulkWithVeryManyReferences(t *testing.T) {
	var members strings.Builder
	const n = 100_000
	for i := range n {
		fmt.Fprintf(&members, `{"value":"bulkId:%d"},`, i)
	}
	h, _ := newHandler(t, holds(), nil)
	begun := time.Now()
	got := sendBulk(t, h, 0,
		`POST:g /Groups {"displayName":"Poets","members":[`+members.String()+`{"value":"bulkId:h"}]}`,
		`POST:h /Groups {"displayName":"Painters","members":[{"value":"bulkId:g"}]}`)
	same(t, "answered", got.statuses(), []string{"POST 400", "POST 409"})
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}

// An id that nobody has may be as long as a Bulk: it neither goes to the backend nor
// fills the log.
func TestBulkOfLongIDs(t *testing.T) {
	h, logs := newHandler(t, holds(), nil)
	long := strings.Repeat("x", 1<<20)
	got := sendBulk(t, h, 0, `PATCH /Users/`+long+` `+disableAda, `DELETE /Users/`+long, `PATCH /Users/`+userID+` `+disableAda)
	same(t, "answered", got.statuses(), []string{"PATCH 404", "DELETE 404", "PATCH 200"})
	for _, line := range logs.All() {
		if id, _ := line.ContextMap()["resource_id"].(string); len(id) > 1024 {
			t.Errorf("%s: the id is logged with %d bytes", line.Message, len(id))
		}
	}
}
