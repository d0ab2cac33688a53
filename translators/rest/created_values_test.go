package rest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/translators"
)

// TestLackingValueOfLaterCall: what a later call of a create will lack is told before the
// first is sent.
func TestLackingValueOfLaterCall(t *testing.T) {
	app := startDoors(t)
	tr := app.gateway(t, `"login": {userName}}`, `"login": {userName}, "pin": {nickName}}`, "map title title", "map nickName nick")
	_, err := tr.Plan(t.Context(), creation(person(tr, "ada")))
	if translators.KindOf(err) != translators.Invalid || !strings.Contains(toldOf(err), "{nickName} has no value (create, call 2)") {
		t.Errorf("%v: %s", err, toldOf(err))
	}
	isUnsent := app.writes()
	if len(isUnsent) > 0 {
		t.Errorf("made were %q", isUnsent)
	}
	app = startDoors(t)
	tr = app.gateway(t, `"login": {userName}}`, `"login": {userName}, "pin": {nickName?}}`, "map title title", "map nickName nick")
	if _, report := carry(t, tr, creation(person(tr, "ada"))); report.Outcome != translators.Applied {
		t.Errorf("without a value that may be missing: %v", report.Err)
	}
}

// TestBrokenValue: an expression that can't work is the configuration's fault, not the
// provider's.
func TestBrokenValue(t *testing.T) {
	app := startDoors(t)
	tr := app.gateway(t, "map title title", "map title title\n\t\tvalue pin `resource.userName + 1`", `{userName}}`, `{pin}}`)
	_, report := carry(t, tr, creation(person(tr, "ada")))
	if translators.KindOf(report.Err) != translators.Unavailable || !strings.Contains(toldOf(report.Err), "line value pin") {
		t.Errorf("%v: %s", report.Err, toldOf(report.Err))
	}
	if log := fmt.Sprint(report.Err); !strings.Contains(log, "does not take values of these types") {
		t.Errorf("the log has %s", log)
	}
}

// TestUndoOfCreateHasRecord: the templates of an undo see what was created as it is then.
func TestUndoOfCreateHasRecord(t *testing.T) {
	app := startLedger(t, map[string]int{"POST /doors": 400})
	tr := app.gatewayOf(t, fmt.Sprintf(ledgerCreate, "undo DELETE /users/{1.id}?badge={record.badge}&state={record.state}", "undo DELETE /badges/{2.id}/{record.badge}", "delete refuse"))
	_, report := carry(t, tr, creation(person(tr, "ada")))
	if report.Outcome != translators.NotApplied || report.Partial {
		t.Errorf("%s: %v", report.Outcome, report.Err)
	}
	isMade(t, app, `POST /users {"login":"ada"}`, `POST /badges {"user":7}`, `POST /doors {"user":7}`, `DELETE /badges/42/12`, `DELETE /users/7`)
}
