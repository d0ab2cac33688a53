package rest

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// returning is what the host makes of a request that enables and gives another title.
func returning(t *testing.T, tr *Translator, id string, active bool) translators.Intent {
	t.Helper()
	in := setting(t, tr, id, "active", scim.Bool(active))
	in.After.Set(in.Type.Attribute("title"), scim.String("Duchess"))
	in.After.Set(in.Type.Attribute("password"), scim.String("another-Password-9"))
	in.Changes = scim.Diff(in.Before.Resource, in.After)
	return in
}

// TestEnableFirst: an application that changes nothing of a locked account is asked to
// unlock it before the rest, and sees nothing of the rest in that. Otherwise it is asked
// last.
func TestEnableFirst(t *testing.T) {
	for name, shape := range map[string]struct {
		options legacy.Options
		edits   []string
	}{
		"a field":       {},
		"whole records": {options: legacy.Options{Update: legacy.PutETag}, edits: []string{"update PATCH /users/{id}", "update PUT /users/{id} {\n\t\t\t\t\tif_match\n\t\t\t\t}"}},
		"a version":     {options: legacy.Options{Update: legacy.PutVersion}, edits: []string{"update PATCH /users/{id}", "update PUT /users/{id} {\n\t\t\t\t\tchanged 409 \"changed by someone\"\n\t\t\t\t}"}},
		"calls":         {options: legacy.Options{Status: legacy.ByCall}, edits: []string{"enable first", "enable first\n\t\t\t\tdisable POST /users/{id}/lock\n\t\t\t\tenable POST /users/{id}/unlock"}},
		"a condition":   {edits: []string{"update PATCH /users/{id}", "update PATCH /users/{id} {\n\t\t\t\t\twhen `\"status\" in fields || record.status == \"active\"`\n\t\t\t\t}"}},
		"named one by one": {edits: []string{"update PATCH /users/{id}", "update PATCH /users/{id} {\n\t\t\t\t\twhen `\"status\" in fields`\n\t\t\t\t\tbody json `{\"status\": {field.status}}`\n\t\t\t\t}\n" +
			"\t\t\t\tupdate PATCH /users/{id} {\n\t\t\t\t\twhen `record.status == \"active\" && !(\"status\" in fields)`\n\t\t\t\t\twithout status\n\t\t\t\t\tbody json `{fields}`\n\t\t\t\t}"}},
	} {
		t.Run(name, func(t *testing.T) {
			shape.options.LockedStay = true
			app := legacy.Start(t, shape.options)
			tr := provisionShape(t, "enable-first", app, append(shape.edits, "error error", "retries off\n\t\t\terror error")...)
			id := mustCreate(t, tr, "ada")
			if _, report := carry(t, tr, setting(t, tr, id, "active", scim.Bool(false))); report.Err != nil || app.User("ada")["status"] != "locked" {
				t.Fatalf("disabling: %v, %v", report.Err, app.User("ada"))
			}
			app.Forget()
			plan, report := carry(t, tr, returning(t, tr, id, true))
			if report.Outcome != translators.Applied || app.User("ada")["title"] != "Duchess" || app.User("ada")["status"] != "active" {
				t.Fatalf("enabling: %v, %v, planned\n%s", report.Err, app.User("ada"), plan.Calls)
			}
			if proof := tr.Prove(t.Context(), plan, report); plan.Proves != translators.ProofEnabled || proof.Status != translators.Proven {
				t.Errorf("the proof is %+v of %s", proof, plan.Proves)
			}
			if len(plan.Calls) != 2 || plan.Calls[0].Purpose() != "enable the account" || strings.Contains(plan.Calls[0].String(), "Duchess") ||
				strings.Contains(plan.Calls[1].String(), `"status":"locked"`) {
				t.Errorf("planned is\n%s\n%s", plan.Calls[0], plan.Calls[1])
			}
			writes := app.Writes()
			if len(writes) != 2 || strings.Contains(writes[0].Body, "Duchess") || !strings.Contains(writes[1].Body, "Duchess") {
				t.Errorf("written was %v", writes)
			}
		})
	}
}

// TestNobodyIsEnabledForAChange: a change of somebody who is and stays disabled is sent as
// it is, and the application's refusal is the answer.
func TestNobodyIsEnabledForAChange(t *testing.T) {
	app := legacy.Start(t, legacy.Options{LockedStay: true})
	tr := provisionShape(t, "enable-first", app, "error error", "retries off\n\t\t\terror error")
	id := mustCreate(t, tr, "ada")
	if _, report := carry(t, tr, setting(t, tr, id, "active", scim.Bool(false))); report.Err != nil {
		t.Fatal(report.Err)
	}
	app.Forget()
	_, report := carry(t, tr, setting(t, tr, id, "title", scim.String("Duchess")))
	if report.Outcome != translators.NotApplied || translators.KindOf(report.Err) != translators.Invalid || !strings.Contains(toldOf(report.Err), "the account is locked") {
		t.Errorf("the outcome is %q: %v", report.Outcome, report.Err)
	}
	if writes := app.Writes(); len(writes) != 1 || strings.Contains(writes[0].Body, "active") {
		t.Errorf("written was %v", writes)
	}
}

// TestEnableIsLast where nothing else is said.
func TestEnableIsLast(t *testing.T) {
	app := legacy.Start(t, legacy.Options{})
	tr := provisionShape(t, "plain", app)
	id := mustCreate(t, tr, "ada")
	if _, report := carry(t, tr, setting(t, tr, id, "active", scim.Bool(false))); report.Err != nil {
		t.Fatal(report.Err)
	}
	plan, err := tr.Plan(t.Context(), returning(t, tr, id, true))
	if err != nil || len(plan.Calls) != 2 || plan.Calls[1].Purpose() != "enable the account" {
		t.Errorf("planned is %v, %v", plan, err)
	}
}

// TestEnableFirstMistakes are told while the Caddyfile is read.
func TestEnableFirstMistakes(t *testing.T) {
	block := func(block, lines string) string {
		return "rest https://app.example.com {\n\tusers {\n\t\tmap userName login\n\t\tread GET /users/{id}\n\t\tdelete refuse\n" + block + "\n\t}\n" + lines + "\n}"
	}
	for text, want := range map[string]string{
		block("\t\tenable first", ""):                                                  "enable first needs to know how",
		block("\t\tmap active on\n\t\tenable first", ""):                               "enable first needs to know how",
		block("", "groups {\nmap displayName name\nenable first\n}"):                   "there is no enable here",
		block("\t\tmap active on\n\t\tupdate PATCH /users/{id}\n\t\tenable first", ""): "",
	} {
		err := provisionFails(t, text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s\nthe error is %v, want %q", text, err, want)
		}
	}
}
