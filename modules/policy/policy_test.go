package policy

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

func user(t *testing.T, values map[string]string) *scim.Resource {
	t.Helper()
	r := scim.NewResource(userType)
	for path, value := range values {
		p := pathOf(t, path)
		with, err := scim.Apply(r, []scim.Change{{Op: scim.Add, Path: p, Value: scim.String(value)}})
		if err != nil {
			t.Fatal(err)
		}
		r = with
	}
	return r
}

var userType, groupType = scim.UserType(), scim.GroupType()

func pathOf(t *testing.T, text string) scim.Path {
	t.Helper()
	p, err := scim.ParsePath(userType, text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProtects(t *testing.T) {
	p := &Policy{Protect: []string{`userName eq "root" or userName sw "svc-"`, `displayName eq "Domain Admins" and externalId pr`}}
	if err := p.Provision([]*scim.ResourceType{userType, groupType}); err != nil {
		t.Fatal(err)
	}
	err := p.Protects(user(t, map[string]string{"userName": "SVC-backup"}))
	e := scim.AsError(err)
	if e == nil || e.Status != http.StatusForbidden || !strings.Contains(e.Detail, `protect userName eq "root"`) {
		t.Errorf("a protected account: %v", err)
	}
	if err := p.Protects(user(t, map[string]string{"userName": "ada"})); err != nil {
		t.Errorf("an ordinary account: %v", err)
	}
	if needs := p.Needs(userType); len(needs) == 0 || needs[0].Name != "userName" {
		t.Errorf("needs %v", needs)
	}
}

// A directory finds an account also by what RFC 4518 makes of its name. Whoever
// can choose a name at the provider must not come by a protected one so.
func TestProtectsWhatADirectoryTakesForTheSame(t *testing.T) {
	p := &Policy{Protect: []string{`userName sw "svc-"`, `displayName eq "Domain Admins"`, `emails.value ew "@admin.example.com"`}}
	if err := p.Provision([]*scim.ResourceType{userType, groupType}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		" svc-backup", "\tsvc-backup", "\u00a0svc-backup", "\u3000svc-backup",
		"\uff53\uff56\uff43\uff0dbackup", "S\uff36C-backup", "\u00adsvc-backup", "s\u200bvc-backup", "\ufeffsvc-backup", "sv\u2060c-", "svc\ufe0f-x",
	} {
		if p.Protects(user(t, map[string]string{"userName": name})) == nil {
			t.Errorf("the userName %q is not protected", name)
		}
	}
	for path, value := range map[string]string{
		"displayName": " Domain\u00a0 Admins ", `emails[type eq "work"].value`: "ada@\uff41dmin.example.com ",
	} {
		if p.Protects(user(t, map[string]string{path: value})) == nil {
			t.Errorf("%s %q is not protected", path, value)
		}
	}
	for _, name := range []string{"svc", "svcbackup", "my svc-backup", "\u0455vc-backup", "Ren\u00e9e"} {
		if err := p.Protects(user(t, map[string]string{"userName": name})); err != nil {
			t.Errorf("the userName %q: %v", name, err)
		}
	}
}

func TestProvisionRefuses(t *testing.T) {
	for filter, want := range map[string]string{
		`noSuchThing eq "x"`: "noSuchThing",
		`userName eq`:        "position",
		`members pr`:         "members can't be asked for",
		`displayName eq "Admins" or members.value eq "7"`: "members can't be asked for",
	} {
		err := (&Policy{Protect: []string{filter}}).Provision([]*scim.ResourceType{userType, groupType})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "protect") {
			t.Errorf("%s: error %v, want it to hold %q", filter, err, want)
		}
	}
	if err := (&Policy{Brake: &Brake{Disable: 0, Per: caddy.Duration(time.Minute)}}).Provision(nil); err == nil {
		t.Error("a brake for 0 accounts was accepted")
	}
}

func TestBrake(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := &Policy{Brake: &Brake{Disable: 2, Per: caddy.Duration(10 * time.Minute), now: func() time.Time { return now }}}
	if err := p.Provision(nil); err != nil {
		t.Fatal(err)
	}
	take := func() (func(), error) {
		giveBack, err := p.Brakes()
		return giveBack, err
	}
	if _, err := take(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	giveBack, err := take()
	if err != nil {
		t.Fatal(err)
	}
	_, err = take()
	if e := scim.AsError(err); e == nil || e.Status != http.StatusServiceUnavailable || e.RetryAfter != 9*time.Minute {
		t.Fatalf("beyond the brake: %v", err)
	}
	giveBack()
	if _, err := take(); err != nil {
		t.Errorf("what was given back can't be taken: %v", err)
	}
	now = now.Add(9 * time.Minute)
	if _, err := take(); err != nil {
		t.Errorf("the brake does not open by itself: %v", err)
	}
}

func TestRules(t *testing.T) {
	rules := []translators.Rule{
		{Path: pathOf(t, "userType"), Default: "Employee", OneOf: []string{"Employee", "Contractor"}},
		{Path: pathOf(t, "name.familyName"), From: []scim.Path{pathOf(t, "name.formatted"), pathOf(t, "userName")}},
		{Path: pathOf(t, "displayName"), CreateOnly: true},
		{Path: pathOf(t, `emails[type eq "work"].value`), Required: true},
	}
	created, err := Defaults(rules, user(t, map[string]string{"userName": "ada", `emails[type eq "work"].value`: "ada@example.com"}))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"userType": "Employee", "name.familyName": "ada"} {
		if got := pathOf(t, path).Value(created).Text(); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if err := Demand(rules, created, Everything); err != nil {
		t.Error(err)
	}
	change := func(r *scim.Resource, op scim.ChangeOp, path, value string) *scim.Resource {
		v := scim.String(value)
		if op == scim.Remove {
			v = scim.Value{}
		}
		after, err := scim.Apply(r, []scim.Change{{Op: op, Path: pathOf(t, path), Value: v}})
		if err != nil {
			t.Fatal(err)
		}
		return after
	}
	demand := func(name string, after *scim.Resource, want string) {
		t.Helper()
		err := Demand(rules, after, Changed(scim.Diff(created, after)))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	demand("not in the list", change(created, scim.Replace, "userType", "employee"), "must be one of Employee, Contractor")
	if err := Demand(rules, user(t, map[string]string{"userName": "ada"}), Changed(nil)); err != nil {
		t.Errorf("nothing was changed, and policy complains: %v", err)
	}
	demand("in the list", change(created, scim.Replace, "userType", "Contractor"), "")
	demand("required taken away", change(created, scim.Remove, `emails[type eq "work"].value`, ""), "is required")

	named := change(created, scim.Add, "displayName", "Ada")
	settled, dropped, err := Settle(rules, named, change(named, scim.Replace, "displayName", "Countess"))
	if err != nil || pathOf(t, "displayName").Value(settled).Text() != "Ada" || len(dropped) != 1 {
		t.Errorf("create_only: %v, dropped %v", err, dropped)
	}
	// Of the name by which providers find somebody another value is refused: whoever is
	// told that the rename is done looks for the new name, finds nobody, and creates a
	// second account.
	ofName := []translators.Rule{{Path: pathOf(t, "userName"), CreateOnly: true}}
	_, _, err = Settle(ofName, created, change(created, scim.Replace, "userName", "countess"))
	if e := scim.AsError(err); e == nil || e.Type != scim.MutabilityErr || !strings.Contains(e.Detail, "userName") {
		t.Errorf("another name than the one that was set on create: %v", err)
	}
	settled, dropped, err = Settle(ofName, created, change(created, scim.Replace, "userName", "ADA"))
	if err != nil || pathOf(t, "userName").Value(settled).Text() != "ada" || len(dropped) != 1 {
		t.Errorf("the same name in other letters: %v, dropped %v", err, dropped)
	}
	settled, _, err = Settle(rules, created, change(created, scim.Remove, "userType", ""))
	if err != nil || pathOf(t, "userType").Value(settled).Text() != "Employee" {
		t.Errorf("a default that was taken away: %v", err)
	}
	if len(created.Fields()) == 0 || pathOf(t, "userType").Value(created).Text() != "Employee" {
		t.Error("the resource that was given was changed")
	}
}
