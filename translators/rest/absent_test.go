package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

const retiredLine = "absent when `record.state == \"RETIRED\"`"

// all returns the ids that a walk through the users finds.
func all(t *testing.T, tr *Translator) (ids []string) {
	t.Helper()
	for id, err := range tr.Scan(t.Context(), tr.users.served.ResourceType, nil) {
		if err != nil {
			t.Fatalf("walking: %v", err)
		}
		ids = append(ids, id)
	}
	return ids
}

func readOf(t *testing.T, tr *Translator, id string) []*translators.Entry {
	t.Helper()
	entries, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{id}, translators.Selection{All: true})
	if err != nil {
		t.Fatalf("reading %s: %v", id, err)
	}
	return entries
}

func deletion(tr *Translator, id string) translators.Intent {
	return translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: id}
}

// TestRetiredIsAbsent takes somebody through the life that ends with being retired: by a
// call that reads one, by rows that tell all, by rows that tell less, and where there are
// rows alone.
func TestRetiredIsAbsent(t *testing.T) {
	for name, shape := range map[string]struct {
		options legacy.Options
		edits   []string
	}{
		"rows that tell":       {},
		"rows that do not":     {options: legacy.Options{BriefRows: true}},
		"a presence":           {edits: []string{retiredLine, "absent when `has(record.state) && record.state in [\"RETIRED\", \"LEFT\"]`"}},
		"the whole record":     {edits: []string{retiredLine, "absent when `record.exists(name, name == \"state\" && record[name] == \"RETIRED\")`"}},
		"a list alone":         {edits: []string{"read GET /users/{id}", "filter_list", "search GET /users?login={userName}", "", "search GET `/users?mail={emails[type eq \"work\"].value}`", ""}},
		"it takes its time":    {options: legacy.Options{LagReads: 2}, edits: []string{"error error", "consistent_within 5s\n\t\t\terror error"}},
		"names that are known": {edits: []string{retiredLine, retiredLine + "\n\t\t\t\tconflict 409"}},
	} {
		t.Run(name, func(t *testing.T) {
			shape.options.Retires = true
			app := legacy.Start(t, shape.options)
			tr := provisionShape(t, "retires", app, shape.edits...)
			ada, grace := mustCreate(t, tr, "ada"), mustCreate(t, tr, "grace")
			if got := all(t, tr); !slices.Equal(got, []string{ada, grace}) {
				t.Fatalf("there are %q", got)
			}
			if _, report := carry(t, tr, deletion(tr, ada)); report.Outcome != translators.Applied {
				t.Fatalf("deleting: %v", report.Err)
			}
			if entries := readOf(t, tr, ada); len(entries) > 0 {
				t.Errorf("who is retired is read as %v", entries[0].Resource)
			}
			if entries := find(t, tr, "ada"); len(entries) > 0 {
				t.Errorf("who is retired is found as %s", entries[0].Resource.ID)
			}
			if got := all(t, tr); !slices.Equal(got, []string{grace}) {
				t.Errorf("the list has %q, want %q", got, grace)
			}
			result, err := tr.Search(t.Context(), translators.Query{Type: tr.users.served.ResourceType, Limit: 1, Selection: translators.Selection{All: true}})
			if err != nil || len(result.Entries) != 1 || result.Entries[0].Resource.ID != grace || result.More {
				t.Errorf("the first page has %d entries, more: %v, %v", len(result.Entries), result.More, err)
			}
			both, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{ada, grace}, translators.Selection{All: true})
			if err != nil || len(both) != 1 || both[0].Resource.ID != grace {
				t.Errorf("read are %d entries, %v", len(both), err)
			}
			app.Forget()
			// Twice is once, and nobody is disabled who is not there.
			gone := disablingOf(tr, ada)
			for _, in := range []translators.Intent{deletion(tr, ada), gone} {
				if _, err := tr.Plan(t.Context(), in); translators.KindOf(err) != translators.NotFound {
					t.Errorf("%s of who is retired: %v", in.Action, err)
				}
			}
			if writes := app.Writes(); len(writes) > 0 {
				t.Errorf("written was %v", writes)
			}
			// The name is free.
			again := mustCreate(t, tr, "ada")
			if entries := find(t, tr, "ada"); len(entries) != 1 || entries[0].Resource.ID != again || again == ada {
				t.Errorf("found are %d, the new id is %s and the old one %s", len(entries), again, ada)
			}
		})
	}
}

func disablingOf(tr *Translator, id string) translators.Intent {
	rt := tr.users.served.ResourceType
	before, after := scim.NewResource(rt), scim.NewResource(rt)
	before.ID, after.ID = id, id
	before.Set(rt.Attribute("active"), scim.Bool(true))
	after.Set(rt.Attribute("active"), scim.Bool(false))
	return translators.Intent{Action: scim.ActionUpdate, Type: rt, ID: id, After: after, SetsActive: true, Changes: scim.Diff(before, after)}
}

// TestRetiringThatIsNotAnswered is found to be done.
func TestRetiringThatIsNotAnswered(t *testing.T) {
	for _, kind := range []legacy.FaultKind{legacy.ErrorAfter, legacy.CutAfter} {
		app := legacy.Start(t, legacy.Options{Retires: true})
		tr := provisionShape(t, "retires", app, "error error", "retries off\n\t\t\terror error")
		id := mustCreate(t, tr, "ada")
		app.Fail(legacy.Fault{Kind: kind, Op: "users.delete"})
		if _, report := carry(t, tr, deletion(tr, id)); report.Outcome != translators.Applied {
			t.Errorf("%s: the outcome is %q: %v", kind, report.Outcome, report.Err)
		}
	}
}

// TestUntoldIsNoAbsence: an expression that fails is a fault, of the records that matter
// alone, and holds no disable back.
func TestUntoldIsNoAbsence(t *testing.T) {
	for name, line := range map[string]string{
		"a member that is missing":  "absent when `record.left == true`",
		"a value of the wrong type": "absent when `record.title.startsWith(\"RETIRED\")`",
		"no boolean":                "absent when `record.title`",
	} {
		for _, reads := range []string{"read GET /users/{id}", "filter_list"} {
			t.Run(name+", "+reads, func(t *testing.T) {
				app := legacy.Start(t, legacy.Options{Retires: true})
				tr := provisionShape(t, "retires", app, retiredLine, line, "error error", "retries off\n\t\t\terror error", "read GET /users/{id}", reads)
				id, err := app.Add(map[string]any{"login": "ada"}, "ada-password") // without a title
				if err != nil {
					t.Fatal(err)
				}
				rt := tr.users.served.ResourceType
				isFault := func(what string, err error, found int) {
					t.Helper()
					if translators.KindOf(err) != translators.Unavailable || found > 0 || !strings.Contains(fmt.Sprint(err), "can't be told") {
						t.Errorf("%s: %d found, %v", what, found, err)
					}
				}
				entries, err := tr.Read(t.Context(), rt, []string{id}, translators.Selection{All: true})
				isFault("reading", err, len(entries))
				entries, err = lookUp(t.Context(), tr, "ada")
				isFault("looking up", err, len(entries))
				_, err = tr.Plan(t.Context(), deletion(tr, id))
				isFault("deleting", err, 0)
				for id, err := range tr.Scan(t.Context(), rt, nil) {
					isFault("walking", err, len(id))
				}
				if entries, err := lookUp(t.Context(), tr, "grace"); err != nil || len(entries) > 0 {
					t.Errorf("looking for another: %d found, %v", len(entries), err)
				}
				logs := observed(tr)
				urgent := translators.Urgent(t.Context())
				plan, err := tr.Plan(urgent, disabling(t, urgent, tr, id))
				if err != nil {
					t.Fatalf("disabling: %v", err)
				}
				report := translators.Execute(urgent, plan)
				if proof := tr.Prove(urgent, plan, report); report.Outcome != translators.Applied || proof.Status != translators.Proven || app.User("ada")["status"] != "locked" {
					t.Errorf("disabling: %v, proof %+v, %v", report.Err, proof, app.User("ada"))
				}
				if !strings.Contains(fmt.Sprint(logs.All()), "can't be told") {
					t.Errorf("the log has %v", logs.All())
				}
			})
		}
	}
}

// TestAbsentAndActive: that nobody is found who is to be disabled, and whose record says
// that the account is active, must not go unseen.
func TestAbsentAndActive(t *testing.T) {
	app := legacy.Start(t, legacy.Options{Retires: true})
	tr := provisionShape(t, "retires", app)
	id := mustCreate(t, tr, "ada")
	if _, report := carry(t, tr, deletion(tr, id)); report.Err != nil {
		t.Fatal(report.Err)
	}
	logs := observed(tr)
	rt := tr.users.served.ResourceType
	if entries, err := tr.Read(translators.Urgent(t.Context()), rt, []string{id}, translators.Selection{}); err != nil || len(entries) > 0 {
		t.Errorf("read are %d, %v", len(entries), err)
	}
	if told := logs.FilterMessageSnippet("counts as absent"); told.Len() != 1 || fmt.Sprint(told.All()[0].ContextMap()["resource_id"]) != id {
		t.Errorf("the log has %v", logs.All())
	}
	readOf(t, tr, id) // looking is no disable
	if logs.Len() != 1 {
		t.Errorf("the log has %v", logs.All())
	}
	warned := false
	for _, f := range tr.Check(t.Context()) {
		warned = warned || f.Level == translators.LevelWarning && strings.Contains(f.Detail, id) && strings.Contains(f.Detail, "counts as absent")
		if f.Level == translators.LevelError {
			t.Errorf("the check says %s", f.Detail)
		}
	}
	if !warned {
		t.Errorf("the check says %v", tr.Check(t.Context()))
	}
}

// TestCheckOfAbsence: the check takes those who are retired for no mistake, and tells an
// expression that fails.
func TestCheckOfAbsence(t *testing.T) {
	for name, test := range map[string]struct {
		options legacy.Options
		line    string
		want    string
		level   translators.Level
	}{
		"all is well":       {line: retiredLine, level: translators.LevelOK, want: "as it is configured"},
		"rows tell less":    {options: legacy.Options{BriefRows: true}, line: retiredLine, level: translators.LevelOK, want: "as it is configured"},
		"what fails":        {line: "absent when `record.left == true`", level: translators.LevelError, want: "there is no left"},
		"what to do for it": {line: "absent when `record.left == true`", level: translators.LevelError, want: "record.?state"},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Retires = true
			app := legacy.Start(t, test.options)
			// Who has left is locked, and the first in the list.
			if _, err := app.Add(map[string]any{"login": "left", "status": "locked"}, "left-password"); err != nil {
				t.Fatal(err)
			}
			tr := provisionShape(t, "retires", app)
			if _, report := carry(t, tr, deletion(tr, "11")); report.Err != nil {
				t.Fatal(report.Err)
			}
			mustCreate(t, tr, "ada")
			tr = provisionShape(t, "retires", app, retiredLine, test.line)
			findings := tr.Check(t.Context())
			if !slices.ContainsFunc(findings, func(f translators.Finding) bool {
				return f.Level == test.level && strings.Contains(f.Detail, test.want)
			}) {
				t.Errorf("the check says %v", findings)
			}
		})
	}
}

// TestAbsentIsNotOverwritten: a create that writes to the name would write into the record
// of somebody who has left.
func TestAbsentIsNotOverwritten(t *testing.T) {
	app := legacy.Start(t, legacy.Options{PutByName: true, Retires: true})
	tr := provisionShape(t, "put-by-name", app, "delete DELETE /users/{id}", "delete DELETE /users/{id}\n\t\t\t\t"+retiredLine)
	id := mustCreate(t, tr, "ada")
	if _, report := carry(t, tr, deletion(tr, id)); report.Err != nil {
		t.Fatal(report.Err)
	}
	if entries := find(t, tr, "ada"); len(entries) > 0 {
		t.Error("who is retired is found")
	}
	app.Forget()
	_, report := carry(t, tr, creation(person(tr, "ada")))
	if translators.KindOf(report.Err) != translators.Conflict || !strings.Contains(toldOf(report.Err), "counts as absent") || len(app.Writes()) > 0 {
		t.Errorf("creating: %v, written was %v", report.Err, app.Writes())
	}
}

// TestAbsentIsNoMember: nobody is added to a group who counts as absent, who has left can
// be taken out, and a filter does not find the group by them.
func TestAbsentIsNoMember(t *testing.T) {
	c := newCrowd(t, "retires", "", legacy.Options{Retires: true})
	ids := c.users("ada", "grace")
	group := c.make("Group", "Staff", ids[0])
	if report, err := c.carry(deletion(c.tr, ids[0])); err != nil {
		t.Fatalf("%+v, %v", report, err)
	}
	rt := c.tr.groups.served.ResourceType
	change := func(m scim.MemberChange) error {
		_, err := c.carry(translators.Intent{Action: scim.ActionUpdate, Type: rt, ID: group, Members: &m})
		return err
	}
	if err := change(scim.MemberChange{Add: []string{ids[1], ids[0]}}); translators.KindOf(err) != translators.Invalid || !strings.Contains(fmt.Sprint(err), ids[0]) {
		t.Errorf("adding who is retired: %v", err)
	}
	members := rt.Attribute("members")
	isMember := scim.And{Terms: []scim.Filter{
		scim.Compare{Target: scim.Target{Attribute: scim.AttributeID}, Operator: scim.Equal, Value: scim.String(group)},
		scim.Compare{Target: scim.Target{Attribute: members}, Operator: scim.Equal, Value: scim.String(ids[0])},
	}}
	if found, err := c.tr.Search(t.Context(), translators.Query{Type: rt, Filter: isMember, Limit: 2}); err != nil || len(found.Entries) > 0 {
		t.Errorf("asked whether who is retired is a member: %d groups, %v", len(found.Entries), err)
	}
	if err := change(scim.MemberChange{Remove: []string{ids[0]}}); err != nil {
		t.Errorf("removing who is retired: %v", err)
	}
	if logins, _ := c.app.Members("Staff"); len(logins) > 0 {
		t.Errorf("the members are %q", logins)
	}
}

const groupsOnUsers = `
	id id number
	items groups
	map displayName name
	of_users groups displayName
	search GET /groups?name={displayName}
	list GET /groups
	read GET /groups/{id}
	create POST /groups
	delete DELETE /groups/{id}
`

// TestAbsentAmongThoseWhoHaveTheGroup: where users have their groups, who has left is no
// member any more.
func TestAbsentAmongThoseWhoHaveTheGroup(t *testing.T) {
	for _, brief := range []bool{false, true} {
		c := newCrowd(t, "retires", groupsOnUsers, legacy.Options{Retires: true, Groups: legacy.OnUsers, BriefRows: brief})
		ids := c.users("ada", "grace")
		group := c.make("Group", "Staff", ids...)
		if report, err := c.carry(deletion(c.tr, ids[0])); err != nil {
			t.Fatalf("%+v, %v", report, err)
		}
		entries, err := c.tr.Read(t.Context(), c.tr.groups.served.ResourceType, []string{group}, translators.Selection{Members: true})
		if err != nil || len(entries) != 1 {
			t.Fatalf("%d groups, %v", len(entries), err)
		}
		var got []string
		for m, err := range entries[0].Members {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, m.ID)
		}
		if !slices.Equal(got, ids[1:]) {
			t.Errorf("the members are %q, want %q", got, ids[1:])
		}
	}
}

// TestAbsenceMistakes are told while the Caddyfile is read, with their line.
func TestAbsenceMistakes(t *testing.T) {
	block := func(line string) string {
		return `rest https://app.example.com {
	users {
		map userName login
		map active state {
			true ACTIVE
			false LOCKED SUSPENDED
		}
		read GET /users/{id}
		update PATCH /users/{id}
		delete refuse
		` + line + `
	}
}`
	}
	for line, want := range map[string]string{
		"absent":                                                       "absent when",
		"absent `record.state == \"RETIRED\"`":                         "absent when",
		"absent when a b":                                              "absent when",
		"absent when `record.state = 1`":                               "column",
		"absent when `user.state == 1`":                                "the variables here are record",
		"absent when `record.state + \"x\" + string(1)`":               "never true or false",
		"absent when `1 == 2`":                                         "looks at nothing",
		"absent when `record.state != \"ACTIVE\"`":                     "an account that is disabled would count as absent",
		"absent when `record.state in [\"ACTIVE\"]`":                   "an account that is active would count as absent",
		"absent when `record.a == 1`\n\t\tabsent when `record.b == 1`": "given twice",
		"enable first now":                                             "there is no method first",
		"enable last":                                                  "enable first",
		"enable first\n\t\tenable first":                               "given twice",
		"enable first # and nothing enables":                           "",
		"absent when `record.gone == true`":                            "",
		"absent when `record.state == \"X\"`":                          "",
	} {
		err := provisionFails(t, block(line))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", line, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: the error is %v, want %q", line, err, want)
		case want != "" && !strings.Contains(err.Error(), ":11") && !strings.Contains(err.Error(), ":12"):
			t.Errorf("%s: the error names another line: %v", line, err)
		}
	}
}

// TestAbsenceOfWhoIsUnreadable: validate says what nobody will see.
func TestAbsenceOfWhoIsUnreadable(t *testing.T) {
	tr := provision(t, `rest https://app.example.com {
	users {
		map userName login
		read GET /users/{id}
		disable POST /users/{id}/lock
		enable POST /users/{id}/unlock
		delete refuse
		absent when `+"`record.gone`"+`
	}
}`)
	if gaps := strings.Join(tr.users.gaps(), "\n"); !strings.Contains(gaps, "absent: ") {
		t.Errorf("the gaps are %s", gaps)
	}
}

// TestRetiredByLegacy: what the stand-in does.
func TestRetiredByLegacy(t *testing.T) {
	app := legacy.Start(t, legacy.Options{Retires: true})
	tr := provisionShape(t, "retires", app, retiredLine, "")
	id := mustCreate(t, tr, "ada")
	if _, report := carry(t, tr, deletion(tr, id)); report.Outcome != translators.Applied {
		t.Errorf("deleting: %v", report.Err)
	}
	if entries := readOf(t, tr, id); len(entries) != 1 {
		t.Error("who is retired can't be read")
	}
	if entries := find(t, tr, "ada"); len(entries) != 1 {
		t.Error("who is retired is not found")
	}
	if _, report := carry(t, tr, deletion(tr, id)); translators.KindOf(report.Err) != translators.Invalid {
		t.Errorf("deleting again: %v", report.Err)
	}
	if writes := app.Writes(); len(writes) != 3 || writes[2].Status != http.StatusUnprocessableEntity {
		t.Errorf("written was %v", writes)
	}
}

// TestMembersOfOneState: where a group tells more of its members, those who have left can
// be passed over.
func TestMembersOfOneState(t *testing.T) {
	r, err := newReferences("users.#(state==ACTIVE)#.id", "", true)
	if err != nil {
		t.Fatal(err)
	}
	got := r.in(gjson.Parse(`{"users":[{"id":7,"state":"RETIRED"},{"id":8,"state":"ACTIVE"},{"id":9,"state":"ACTIVE"}]}`))
	if !slices.Equal(got, []string{"8", "9"}) {
		t.Errorf("the members are %q", got)
	}
}

// TestAbsentByItsOwnWord: a record that says itself that it counts as absent takes no call
// that confirms it; one that is not there does.
func TestAbsentByItsOwnWord(t *testing.T) {
	app := startLedger(t, nil)
	app.record = `{"id":7,"login":"ada","state":"RETIRED"}`
	tr := app.gatewayOf(t, "confirm_absence POST /confirm {\nrepeatable\n}\n"+retiredLine+"\ndelete refuse")
	for id, want := range map[string]int{"7": 0, "8": 1} {
		app.answers = map[string]int{"GET /users/8": http.StatusNotFound}
		if entries := readOf(t, tr, id); len(entries) > 0 {
			t.Errorf("%s is read", id)
		}
		if got := app.writes(); len(got) != want {
			t.Errorf("%s took %q", id, got)
		}
		app.made = nil
	}
}
