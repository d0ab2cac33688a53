package e2e

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

// A create in several calls whose third fails leaves nothing behind, or says what it left;
// what was not known at the answer gets its outcome from the next look at the journal,
// for which all of this waits once.
func TestRestRule09AWriteHasAnIntent(t *testing.T) {
	app := legacy.Start(t, legacy.Options{InSteps: true})
	g := startRest(t, app, "steps", restQuick...)
	id := g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
	g.want(t, 200, "PATCH", "/Users/"+id, disable)
	// The third of three calls fails, and the others are taken back.
	app.Fail(legacy.Fault{Kind: legacy.ErrorBefore, Op: "staff.add"})
	if a := g.do(t, "POST", "/Users", restUser("eve")); a.Status < 500 {
		t.Errorf("answered %s", a)
	}
	app.Mend()
	if app.User("eve") != nil {
		t.Errorf("what was begun is left: %v", app.User("eve"))
	}
	g.want(t, 204, "DELETE", "/Users/"+id, "")
	// Where the undoing fails too, it is said what is left.
	app.Fail(legacy.Fault{Kind: legacy.Denied, Op: "staff.add"})
	app.Fail(legacy.Fault{Kind: legacy.Denied, Op: "users.delete"})
	a := g.do(t, "POST", "/Users", restUser("joan"))
	if a.Status < 400 || app.User("joan") == nil {
		t.Fatalf("answered %s, with %v", a, app.User("joan"))
	}
	isSCIMError(t, a)
	if !strings.Contains(g.log(t), "not taken back: take back: create the account") {
		t.Errorf("the log does not tell what was not taken back: %s", g.log(t))
	}
	if signIn(t, app, "joan", passwordOf("joan")) {
		t.Error("she can sign in")
	}
	app.Mend()

	waitFor(t, "the outcomes", func() bool { return len(g.openIntents(t)) == 0 })
	var intents []string
	outcomes := make(map[string]journalLine)
	for _, line := range g.journal(t) {
		if line.Kind == "intent" {
			intents = append(intents, line.Operation)
			if len(line.Calls) == 0 {
				t.Errorf("the intent %+v has no calls", line)
			}
		} else {
			outcomes[line.ID] = line
		}
	}
	if len(outcomes) != 5 || len(intents) != 5 {
		t.Errorf("the journal has the intents %q and the outcomes %+v", intents, outcomes)
	}
	applied := 0
	for _, o := range outcomes {
		if o.Result == "applied" {
			applied++
		}
	}
	if applied != 3 {
		t.Errorf("the outcomes are %+v", outcomes)
	}
	// Every write that the application saw is in a plan.
	for _, w := range app.Writes() {
		if w.Fault == "" && !strings.Contains("users.create users.role staff.add users.update users.delete staff.remove", w.Op) {
			t.Errorf("nobody intended %+v", w)
		}
	}
}
