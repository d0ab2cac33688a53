package rest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// person is somebody as a provider sends them.
func person(tr *Translator, login string, active ...bool) *scim.Resource {
	r := scim.NewResource(tr.users.served.ResourceType)
	r.Set(r.Type.Attribute("userName"), scim.String(login))
	r.Set(r.Type.Attribute("title"), scim.String("Engineer"))
	for _, a := range active {
		r.Set(r.Type.Attribute("active"), scim.Bool(a))
	}
	return r
}

// creation is what the host makes of POST.
func creation(r *scim.Resource) translators.Intent {
	return translators.Intent{Action: scim.ActionCreate, Type: r.Type, After: r, Changes: scim.Diff(nil, r)}
}

// carry plans and executes.
func carry(t *testing.T, tr *Translator, in translators.Intent) (*translators.Plan, translators.Report) {
	t.Helper()
	plan, err := tr.Plan(t.Context(), in)
	if err != nil {
		t.Fatalf("planning: %v", err)
	}
	return plan, translators.Execute(t.Context(), plan)
}

// find looks somebody up.
func find(t *testing.T, tr *Translator, login string) []*translators.Entry {
	t.Helper()
	entries, err := lookUp(t.Context(), tr, login)
	if err != nil {
		t.Fatalf("looking %s up: %v", login, err)
	}
	return entries
}

func lookUp(ctx context.Context, tr *Translator, login string) ([]*translators.Entry, error) {
	rt := tr.users.served.ResourceType
	filter := scim.Compare{Target: scim.Target{Attribute: rt.Attribute("userName")}, Operator: scim.Equal, Value: scim.String(login)}
	result, err := tr.Search(ctx, translators.Query{Type: rt, Filter: filter, Selection: translators.Selection{All: true}, Limit: 2})
	return result.Entries, err
}

// setting is what the host makes of a change of one attribute.
func setting(t *testing.T, tr *Translator, id, attribute string, v scim.Value) translators.Intent {
	t.Helper()
	rt := tr.users.served.ResourceType
	entries, err := tr.Read(t.Context(), rt, []string{id}, translators.Selection{All: true})
	if err != nil || len(entries) != 1 {
		t.Fatalf("reading %s: %d entries, %v", id, len(entries), err)
	}
	after := entries[0].Resource.Clone()
	after.Set(rt.Attribute(attribute), v)
	return translators.Intent{Action: scim.ActionUpdate, Type: rt, ID: id, Before: entries[0], After: after,
		Changes: scim.Diff(entries[0].Resource, after)}
}

// mustCreate creates somebody and returns the id.
func mustCreate(t *testing.T, tr *Translator, login string) string {
	t.Helper()
	_, report := carry(t, tr, creation(person(tr, login)))
	if report.Outcome != translators.Applied {
		t.Fatalf("creating %s: %v", login, report.Err)
	}
	return report.ID()
}

// TestFaultIsNeverAbsence: whatever goes wrong, nobody is said not to be there (DESIGN
// §4 rule 1).
func TestFaultIsNeverAbsence(t *testing.T) {
	faults := []legacy.Fault{
		{Kind: legacy.ErrorBefore}, {Kind: legacy.CutBefore}, {Kind: legacy.Half}, {Kind: legacy.Broken}, {Kind: legacy.HTML, Status: 404},
		{Kind: legacy.HTML, Status: 200}, {Kind: legacy.LoginPage}, {Kind: legacy.Huge}, {Kind: legacy.Redirect, Location: "/elsewhere"},
		{Kind: legacy.Denied}, {Kind: legacy.NoAnswer}, {Kind: legacy.TooMany, For: time.Hour},
	}
	for _, fault := range faults {
		t.Run(string(fault.Kind), func(t *testing.T) {
			app := legacy.Start(t, legacy.Options{})
			tr := provisionShape(t, "plain", app, "error error", "error error\n\t\t\tretries off")
			id := mustCreate(t, tr, "ada")
			app.Fail(fault)
			entries, err := lookUp(t.Context(), tr, "ada")
			if err == nil || len(entries) > 0 || translators.KindOf(err) == translators.NotFound {
				t.Errorf("looking up: %d entries, %v", len(entries), err)
			}
			read, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{id}, translators.Selection{})
			if err == nil || translators.KindOf(err) == translators.NotFound {
				t.Errorf("reading: %d entries, %v", len(read), err)
			}
			for id, err := range tr.Scan(t.Context(), tr.users.served.ResourceType, nil) {
				if err == nil {
					t.Errorf("scanning yields %q", id)
				}
			}
		})
	}
}

// TestUnknownOutcomeIsResolved: a write without an answer is read back (DESIGN §4 rule
// 12).
func TestUnknownOutcomeIsResolved(t *testing.T) {
	tests := []struct {
		name  string
		fault legacy.FaultKind
		want  translators.Outcome
	}{
		{"done, then 500", legacy.ErrorAfter, translators.Applied},
		{"done, then cut", legacy.CutAfter, translators.Applied},
		{"done, answered with half", legacy.Half, translators.Applied},
		{"done, answered with garbage", legacy.Broken, translators.Applied},
		{"not done, 500", legacy.ErrorBefore, translators.NotApplied},
		{"not done, cut", legacy.CutBefore, translators.NotApplied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := legacy.Start(t, legacy.Options{})
			tr := provisionShape(t, "plain", app)
			writes := map[string]translators.Intent{"create": creation(person(tr, "ada"))}
			id := mustCreate(t, tr, "grace")
			writes["update"] = setting(t, tr, id, "title", scim.String("Admiral"))
			writes["disable"] = setting(t, tr, id, "active", scim.Bool(false))
			gone := mustCreate(t, tr, "gone")
			writes["delete"] = translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: gone, Before: setting(t, tr, gone, "title", scim.String("x")).Before}
			for what, in := range writes {
				op := map[string]string{"disable": "update"}[what]
				if op == "" {
					op = what
				}
				plan, err := tr.Plan(t.Context(), in)
				if err != nil {
					t.Fatalf("planning to %s: %v", what, err)
				}
				app.Fail(legacy.Fault{Kind: tt.fault, Op: "users." + op, Times: 1})
				report := translators.Execute(t.Context(), plan)
				app.Mend()
				want := tt.want
				if what == "delete" && tt.fault == legacy.CutBefore { // which is safe to send again
					want = translators.Applied
				}
				if report.Outcome != want {
					t.Errorf("%s: the outcome is %q (%v), want %q", what, report.Outcome, report.Err, want)
				}
				if what == "create" {
					found := find(t, tr, "ada")
					if isThere := len(found) == 1; isThere != (want == translators.Applied) || isThere && found[0].Resource.ID != report.ID() {
						t.Errorf("create: the outcome is %q with the id %q, and a search finds %d", report.Outcome, report.ID(), len(found))
					}
				}
			}
		})
	}
}

// TestStepsAreTakenBack: when a later call of a create fails, the account is removed.
func TestStepsAreTakenBack(t *testing.T) {
	app := legacy.Start(t, legacy.Options{InSteps: true})
	tr := provisionShape(t, "steps", app)
	r := person(tr, "ada")
	r.Set(r.Type.Attribute("userType"), scim.String("no such role"))
	_, report := carry(t, tr, creation(r))
	if report.Outcome != translators.NotApplied || report.Partial || translators.KindOf(report.Err) != translators.Invalid {
		t.Errorf("the outcome is %q, partial: %t, %v", report.Outcome, report.Partial, report.Err)
	}
	if app.User("ada") != nil {
		t.Error("the account is still there")
	}
}

// TestPutByNameOverwritesNobody: where a create would overwrite, it is looked first.
func TestPutByNameOverwritesNobody(t *testing.T) {
	app := legacy.Start(t, legacy.Options{PutByName: true})
	tr := provisionShape(t, "put-by-name", app)
	mustCreate(t, tr, "ada")
	before := app.User("ada")
	r := person(tr, "ada")
	r.Set(r.Type.Attribute("title"), scim.String("Impostor"))
	_, report := carry(t, tr, creation(r))
	if report.Outcome != translators.NotApplied || translators.KindOf(report.Err) != translators.Conflict {
		t.Errorf("the outcome is %q, %v", report.Outcome, report.Err)
	}
	if after := app.User("ada"); after["title"] != before["title"] {
		t.Errorf("the account was overwritten: %v", after)
	}
}

// TestWhatWasWrittenIsSeen: an application that shows it later is waited for.
func TestWhatWasWrittenIsSeen(t *testing.T) {
	app := legacy.Start(t, legacy.Options{LagReads: 3})
	tr := provisionShape(t, "lag", app)
	id := mustCreate(t, tr, "ada")
	if found := find(t, tr, "ada"); len(found) != 1 || found[0].Resource.ID != id {
		t.Fatalf("who was created is not found: %d", len(found))
	}
	plan, report := carry(t, tr, setting(t, tr, id, "active", scim.Bool(false)))
	if report.Outcome != translators.Applied {
		t.Fatal(report.Err)
	}
	if proof := tr.Prove(t.Context(), plan, report); proof.Status != translators.Proven {
		t.Errorf("the proof is %q: %s, %v", proof.Status, proof.Detail, proof.Err)
	}
	_, report = carry(t, tr, setting(t, tr, id, "title", scim.String("Countess")))
	if report.Outcome != translators.Applied {
		t.Fatal(report.Err)
	}
	if found := find(t, tr, "ada"); len(found) != 1 || found[0].Resource.Get(found[0].Resource.Type.Attribute("title")).Text() != "Countess" {
		t.Error("the new title is not seen")
	}
}

// TestDisableIsProven: what the application's record says is what counts (DESIGN §4
// rule 2).
func TestDisableIsProven(t *testing.T) {
	const mapped = "map active status {\n\t\t\t\t\ttrue active\n\t\t\t\t\tfalse locked\n\t\t\t\t}\n"
	tests := []struct {
		name    string
		options legacy.Options
		edits   []string
		want    translators.ProofStatus
		detail  string
	}{
		{"a field", legacy.Options{}, nil, translators.Proven, ""},
		{"a field that only looks like it", legacy.Options{}, []string{"map active status {\n\t\t\t\t\ttrue active\n\t\t\t\t\tfalse locked", "map active notices {\n\t\t\t\t\ttrue true\n\t\t\t\t\tfalse false"}, translators.Proven, ""},
		{"a call, and no field", legacy.Options{Status: legacy.ByCall},
			[]string{mapped, "disable POST /users/{id}/lock\n\t\t\t\tenable POST /users/{id}/unlock\n"}, translators.Unprovable, "map active"},
		{"a call that does something else", legacy.Options{Status: legacy.ByCall},
			[]string{mapped, mapped + "\t\t\t\tdisable POST /users/{id}/unlock\n\t\t\t\tenable POST /users/{id}/unlock\n"}, translators.Refuted, "status"},
		{"a field that is missing", legacy.Options{Status: legacy.ByCall},
			[]string{"map active status", "map active no_such_field", "update PATCH /users/{id}\n\t\t\t\tdelete", "update PATCH /users/{id}\n\t\t\t\tdisable POST /users/{id}/lock\n\t\t\t\tenable POST /users/{id}/unlock\n\t\t\t\tdelete"},
			translators.Unprovable, "no_such_field"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := legacy.Start(t, tt.options)
			tr := provisionShape(t, "plain", app, tt.edits...)
			id, err := app.Add(map[string]any{"login": "ada"}, "secret-Ab1")
			if err != nil {
				t.Fatal(err)
			}
			plan, report := carry(t, tr, setting(t, tr, id, "active", scim.Bool(false)))
			if report.Outcome != translators.Applied {
				t.Fatalf("the outcome is %q: %v", report.Outcome, report.Err)
			}
			proof := tr.Prove(t.Context(), plan, report)
			if proof.Status != tt.want || !strings.Contains(proof.Detail, tt.detail) || proof.Err != nil {
				t.Errorf("the proof is %q: %s, %v", proof.Status, proof.Detail, proof.Err)
			}
		})
	}
}

// TestUnmappedFieldsStay: a PUT of a whole record loses nothing that is not mapped.
func TestUnmappedFieldsStay(t *testing.T) {
	app := legacy.Start(t, legacy.Options{Update: legacy.PutETag})
	tr := provisionShape(t, "put-etag", app)
	id := mustCreate(t, tr, "ada")
	if err := app.Set("ada", map[string]any{"theme": "dark", "notices": false}); err != nil {
		t.Fatal(err)
	}
	in := setting(t, tr, id, "title", scim.String("Countess"))
	// Somebody changes the record between the read and the write.
	if err := app.Set("ada", map[string]any{"theme": "light"}); err != nil {
		t.Fatal(err)
	}
	_, report := carry(t, tr, in)
	if report.Outcome != translators.Applied {
		t.Fatal(report.Err)
	}
	if u := app.User("ada"); u["theme"] != "light" || u["notices"] != false || u["title"] != "Countess" {
		t.Errorf("the record is %v", u)
	}
}

// TestSearchReadsNoMoreThanItMust counts requests.
func TestSearchReadsNoMoreThanItMust(t *testing.T) {
	app := legacy.Start(t, legacy.Options{Search: legacy.Substring, BriefRows: true})
	tr := provisionShape(t, "substring", app)
	for _, login := range []string{"ada", "adam", "adamant", "lada"} {
		mustCreate(t, tr, login)
	}
	app.Forget()
	if found := find(t, tr, "ada"); len(found) != 1 {
		t.Fatalf("%d are found", len(found))
	}
	if n := len(app.Requests()); n != 2 {
		t.Errorf("it takes %d requests: one search, and one read of the one who matches", n)
	}
}

// TestTooManyCandidates: a bound that is reached is an error, never a shorter answer.
func TestTooManyCandidates(t *testing.T) {
	app := legacy.Start(t, legacy.Options{Search: legacy.Substring, BriefRows: true, Seed: 30})
	tr := provisionShape(t, "substring", app, "error error", "error error\n\t\t\tcandidates 20")
	if _, err := lookUp(t.Context(), tr, "user"); translators.KindOf(err) != translators.TooMany {
		t.Errorf("the error is %v", err)
	}
}

// TestPlanPrintsRequests: what is written is seen before, secrets masked.
func TestPlanPrintsRequests(t *testing.T) {
	app := legacy.Start(t, legacy.Options{})
	tr := provisionShape(t, "plain", app)
	id := mustCreate(t, tr, "ada")
	r := person(tr, "grace", false)
	r.Set(r.Type.Attribute("password"), scim.String("Hopper-Secret-1"))
	offline := translators.Intent{Action: scim.ActionDelete, Type: r.Type, ID: id, Offline: true}
	for _, tt := range []struct {
		in   translators.Intent
		want []string
	}{
		{creation(r), []string{"POST " + app.URL + "/users", `"login":"grace"`, `"status":"locked"`, "***"}},
		{setting(t, tr, id, "title", scim.String("Countess")), []string{"PATCH " + app.URL + "/users/" + id, `{"title":"Countess"}`}},
		{offline, []string{"DELETE " + app.URL + "/users/" + id}},
	} {
		plan, err := tr.Plan(t.Context(), tt.in)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, c := range plan.Calls {
			text += c.Purpose() + "\n" + c.String() + "\n"
		}
		for _, want := range tt.want {
			if !strings.Contains(text, want) {
				t.Errorf("the plan lacks %s:\n%s", want, text)
			}
		}
		if strings.Contains(text, "Hopper-Secret-1") || strings.Contains(text, legacy.Key) {
			t.Errorf("the plan shows a secret:\n%s", text)
		}
	}
}

// TestCheckFindsMistakes: what is configured wrongly is found before a person meets it.
func TestCheckFindsMistakes(t *testing.T) {
	tests := []struct {
		name, from, to string
		level          translators.Level
		want           string
	}{
		{"nothing is wrong", "", "", translators.LevelOK, "as it is configured"},
		{"no items", "items users", "items people", translators.LevelError, "looking up"},
		{"another id", "id id number", "id login", translators.LevelError, "can't be read by its id"},
		{"active elsewhere", "map active status", "map active state", translators.LevelError, "state"},
		{"a search of something else", "/users?login={userName}", "/users?mail={userName}", translators.LevelError, "is not found"},
		{"the login elsewhere", "map userName login", "map userName logon", translators.LevelError, "no value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := legacy.Start(t, legacy.Options{})
			if _, err := app.Add(map[string]any{"login": "ada"}, "secret-Ab1"); err != nil {
				t.Fatal(err)
			}
			var edits []string
			if tt.from != "" {
				edits = []string{tt.from, tt.to}
			}
			tr := provisionShape(t, "plain", app, edits...)
			app.Forget()
			findings := tr.Check(t.Context())
			if !slices.ContainsFunc(findings, func(f translators.Finding) bool {
				return f.Level == tt.level && strings.Contains(f.Detail, tt.want)
			}) {
				t.Errorf("the findings are %v", findings)
			}
			if writes := app.Writes(); len(writes) > 0 {
				t.Errorf("checking writes: %v", writes)
			}
		})
	}
}
