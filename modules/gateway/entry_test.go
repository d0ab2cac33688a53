package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/journal"
	database "github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// An entry tells who did what to whom, what changed from what to what, and what was
// sent; of secrets that they changed.
func TestEntryTellsWhatChanged(t *testing.T) {
	s := holds()
	r := newRecorder(t)
	h, _ := newHandler(t, s, func(h *Handler) { r.records(t, h) })
	for _, request := range [][3]string{
		{"PATCH", "/Users/" + userID, `{"Operations":[{"op":"replace","path":"userName","value":"Ada \"Countess\" Lovelace"},
			{"op":"add","path":"emails","value":[{"type":"work","value":"ada@example.com","primary":true}]},{"op":"add","path":"password","value":"correct horse"}]}`},
		{"PATCH", "/Users/" + userID, `{"Operations":[{"op":"remove","path":"emails"},{"op":"replace","path":"active","value":false}]}`},
		{"POST", "/Groups", `{"displayName":"Poets","members":[{"value":"` + userID + `"}]}`},
		{"DELETE", "/Users/" + userID, ""},
	} {
		if answer := ask(h, request[0], "/scim/v2"+request[1], request[2]); answer.Code >= 400 {
			t.Fatalf("%s: %d %s", request, answer.Code, answer.Body)
		}
	}
	change := func(attribute, from, to string) journal.Change {
		c := journal.Change{Attribute: attribute}
		if from != "" {
			c.From = []byte(from)
		}
		if to != "" {
			c.To = []byte(to)
		}
		return c
	}
	const countess, email = `"Ada \"Countess\" Lovelace"`, `[{"type":"work","value":"ada@example.com","primary":true}]`
	user := func(operation, name, call string, changes ...journal.Change) journal.Entry {
		return journal.Entry{Gateway: h.Name, Caller: "test", Address: "192.0.2.1", Operation: operation, Type: "User", Resource: userID, Name: name,
			Changes: changes, Calls: []journal.Call{{Purpose: "store", Text: call}}, Result: journal.Applied}
	}
	first := user("update", "ada", "update User "+userID+" userName emails password", change("userName", `"ada"`, countess), change("emails", "", email), journal.Change{Attribute: "password", Secret: true})
	off := user("disable", `Ada "Countess" Lovelace`, "update User "+userID+" active", change("active", "true", "false"))
	off.Proof = "proven"
	bare := user("update", `Ada "Countess" Lovelace`, "update User "+userID+" emails", change("emails", email, ""))
	group := journal.Entry{Gateway: h.Name, Caller: "test", Address: "192.0.2.1", Operation: "create", Type: "Group", Resource: "id-1", Name: "Poets",
		Changes: []journal.Change{change("displayName", "", `"Poets"`)}, Members: &journal.Members{Added: []string{userID}},
		Calls: []journal.Call{{Purpose: "store", Text: "create Group  displayName add [\"" + userID + "\"] remove []"}}, Result: journal.Applied}
	gone := user("delete", `Ada "Countess" Lovelace`, "delete User "+userID)
	got := r.entries(t)
	sorted := cmpopts.SortSlices(func(a, b journal.Change) bool { return a.Attribute < b.Attribute })
	ignored := cmpopts.IgnoreFields(journal.Entry{}, "Sequence", "ID", "Time", "Instance", "Request", "Ended", "Duration", "Proof")
	texts := cmp.Comparer(func(a, b journal.Call) bool {
		return a.Purpose == b.Purpose && strings.Join(strings.Fields(a.Text), " ") == strings.Join(strings.Fields(b.Text), " ")
	})
	for i := range got {
		for k, call := range got[i].Calls { // the order of the attributes is the schema's
			if i == 0 && k == 0 && strings.Contains(call.Text, "password") {
				got[i].Calls[k].Text = first.Calls[0].Text
			}
		}
	}
	if diff := cmp.Diff([]journal.Entry{first, off, bare, group, gone}, got, sorted, ignored, texts, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the journal (-want +got):\n%s", diff)
	}
	for _, e := range got {
		if e.Instance != r.store.Instance() || e.Request == "" || !strings.HasPrefix(e.ID, e.Request+"-") || e.Ended.IsZero() || e.Time.IsZero() {
			t.Errorf("the entry is %+v", e)
		}
	}
	if got[1].Proof != "proven" {
		t.Errorf("the proof is %q", got[1].Proof)
	}
}

// An entry is bounded, whatever a request brings.
func TestEntryIsBounded(t *testing.T) {
	s := holds()
	s.mute = true
	r := newRecorder(t)
	h, _ := newHandler(t, s, func(h *Handler) { r.records(t, h) })
	x := h.newExchange(nil, request("PATCH", "/", ""), "")
	long := make([]string, mostMembers+5)
	for i := range long {
		long[i] = fmt.Sprintf("member-%d", i)
	}
	values := make([]scim.Value, 100)
	for i := range values {
		values[i] = scim.Complex(scim.Field{Attribute: users.Attribute("emails").Sub("value"), Value: scim.String(strings.Repeat("x", 1000))})
	}
	plan := new(translators.Plan)
	for range 8 {
		plan.Calls = append(plan.Calls, longCall{})
	}
	e, err := x.entry(t.Context(), translators.Intent{
		Action: scim.ActionUpdate, Type: groups, ID: "g", Members: &scim.MemberChange{Add: long[:6000], Remove: long[6000:]},
		Changes: []scim.Difference{{Attribute: users.Attribute("emails"), After: scim.List(values...)}},
	}, plan)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Members.Added) != 6000 || len(e.Members.Removed) != 4000 || e.Members.Omitted != 5 {
		t.Errorf("%d added, %d removed, %d omitted", len(e.Members.Added), len(e.Members.Removed), e.Members.Omitted)
	}
	if c := e.Changes[0]; c.To != nil || c.Omitted < 100_000 {
		t.Errorf("the change is %.200v", c)
	}
	total := 0
	for i, call := range e.Calls {
		total += len(call.Text)
		if len(call.Text) > longestCall+40 || !strings.Contains(call.Text, "more bytes)") || call.Purpose != "be long" {
			t.Errorf("call %d is %.100q of %d bytes", i, call.Text, len(call.Text))
		}
	}
	if total > longestCalls+8*40 {
		t.Errorf("the calls have %d bytes", total)
	}
	if err := h.journal.Begin(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got := r.entries(t); len(got) != 1 || len(got[0].Members.Added) != 6000 {
		t.Errorf("the journal has %d entries", len(got))
	}
}

// longCall is a call with more text than is kept.
type longCall struct{ scripted }

func (longCall) Purpose() string { return "be long" }
func (longCall) String() string  { return strings.Repeat("0123456789", 10_000) }

// Without the store a write is refused before the backend is touched, and reads go on.
// A disable goes on, in whatever request it comes, and nothing else does.
func TestStoreIsAway(t *testing.T) {
	s := holds()
	db, err := database.Take(&sqlite.Engine{Path: t.TempDir() + "/nowhere/store.db"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Take(db, t.TempDir()+"/disables.spool")
	if err != nil {
		t.Fatal(err)
	}
	j.Start(zap.NewNop())
	r := &recorder{db, j}
	t.Cleanup(func() {
		if err := j.Release(); err != nil {
			t.Error(err)
		}
		if err := db.Release(); err != nil {
			t.Error(err)
		}
	})
	h, _ := newHandler(t, s, func(h *Handler) { r.records(t, h) })
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"PATCH", "/Users/" + userID, `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`, 503},
		{"POST", "/Users", `{"userName":"grace"}`, 503},
		{"DELETE", "/Users/" + userID, "", 503},
		{"GET", "/Users/" + userID, "", 200},
		{"PATCH", "/Users/" + userID, `{"Operations":[{"op":"Replace","path":"active","value":"False"},{"op":"replace","path":"title","value":"x"}]}`, 503},
		{"PATCH", "/Users/" + userID, strings.Replace(disableAda, "False", "True", 1), 503},
		{"GET", "/Users/" + userID, "", 200},
	} {
		writes := len(s.writes)
		answer := ask(h, test.method, "/scim/v2"+test.path, test.body)
		if answer.Code != test.status || test.status == 503 && answer.Header().Get("Retry-After") == "" {
			t.Errorf("%s %s: %d %v %s", test.method, test.body, answer.Code, answer.Header(), answer.Body)
		}
		isDisable := strings.Contains(test.body, "alse") && test.method == "PATCH"
		if got := len(s.writes) - writes; got > 0 && !isDisable || got == 0 && isDisable || got > 1 {
			t.Errorf("%s %s: the backend saw %q", test.method, test.body, s.writes[writes:])
		}
	}
	if s.isActive(t, "ada") {
		t.Error("ada is active")
	}
	if health := j.Health(); health.Spooled != 1 || health.Away == nil {
		t.Errorf("the health is %+v", health)
	}
	// The store comes to be.
	if err := db.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(time.Minute); j.Health().Away != nil || j.Health().Spooled > 0; <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute: %+v", j.Health())
		}
	}
	got := r.entries(t)
	if len(got) != 1 || got[0].Operation != journal.OperationDisable || got[0].Name != "ada" || got[0].Proof != "proven" || got[0].Result != journal.Applied {
		t.Errorf("the journal has %+v", got)
	}
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, strings.Replace(disableAda, "False", "True", 1)); answer.Code != http.StatusOK {
		t.Errorf("afterwards: %d %s", answer.Code, answer.Body)
	}
}
