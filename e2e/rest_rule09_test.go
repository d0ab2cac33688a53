package e2e

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

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
	if len(outcomes) != 4 || len(intents) != 4 {
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

// A create in several calls whose third fails leaves nothing behind; where the undoing
// fails too, it says so.
func TestRestRule09WhatIsLeftIsTold(t *testing.T) {
	app := legacy.Start(t, legacy.Options{InSteps: true})
	g := startRest(t, app, "steps", restQuick...)
	app.Fail(legacy.Fault{Kind: legacy.Denied, Op: "staff.add"})
	app.Fail(legacy.Fault{Kind: legacy.Denied, Op: "users.delete"})
	a := g.do(t, "POST", "/Users", restUser("eve"))
	if a.Status < 400 || app.User("eve") == nil {
		t.Fatalf("answered %s, with %v", a, app.User("eve"))
	}
	isSCIMError(t, a)
	if signIn(t, app, "eve", passwordOf("eve")) {
		t.Error("she can sign in")
	}
	app.Mend()
	waitFor(t, "the outcome", func() bool { return len(g.openIntents(t)) == 0 })
	lines := g.journal(t)
	if last := lines[len(lines)-1]; last.Kind != "outcome" || last.Result == "applied" {
		t.Errorf("the journal ends with %+v", last)
	}
}
