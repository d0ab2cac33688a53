package rest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// crowd is an application with groups, and its translator.
type crowd struct {
	*testing.T
	app *legacy.App
	tr  *Translator
}

// newCrowd starts the application of a shape.
func newCrowd(t *testing.T, shape, groups string, o legacy.Options, edits ...string) *crowd {
	t.Helper()
	app := legacy.Start(t, o)
	edits = append(edits, "\t\t\tusers {\n", "\t\t\tbreaker off\n\t\t\tretries off\n\t\t\tusers {\n")
	c := &crowd{t, app, provisionGroups(t, shape, groups, app, edits...)}
	release, err := c.tr.Lease()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return c
}

func (c *crowd) kind(name string) *kind {
	if name == "Group" {
		return c.tr.groups
	}
	return c.tr.users
}

// make creates a resource by its name.
func (c *crowd) make(kind, name string, members ...string) string {
	c.Helper()
	k := c.kind(kind)
	r := scim.NewResource(k.served.ResourceType)
	r.Set(k.name, scim.String(name))
	in := translators.Intent{Action: scim.ActionCreate, Type: k.served.ResourceType, After: r}
	if len(members) > 0 {
		in.Members = &scim.MemberChange{Add: members}
	}
	report, err := c.carry(in)
	if err != nil {
		c.Fatalf("creating %s: %v", name, err)
	}
	return report.ID()
}

// users creates users, and returns their ids.
func (c *crowd) users(names ...string) (ids []string) {
	c.Helper()
	for _, name := range names {
		ids = append(ids, c.make("User", name))
	}
	return ids
}

// carry plans and executes.
func (c *crowd) carry(in translators.Intent) (translators.Report, error) {
	plan, err := c.tr.Plan(c.Context(), in)
	if err != nil {
		return translators.Report{}, err
	}
	report := translators.Execute(c.Context(), plan)
	return report, report.Err
}

func (c *crowd) changing(group string, change scim.MemberChange) translators.Intent {
	return translators.Intent{Action: scim.ActionUpdate, Type: c.tr.groups.served.ResourceType, ID: group, Members: &change}
}

// change changes the members of a group.
func (c *crowd) change(group string, change scim.MemberChange) error {
	_, err := c.carry(c.changing(group, change))
	return err
}

// rename gives a group another name, and carries on with a change of members.
func (c *crowd) rename(group, name string) (translators.Report, error) {
	c.Helper()
	k := c.tr.groups
	found, err := c.tr.Read(c.Context(), k.served.ResourceType, []string{group}, translators.Selection{All: true})
	if err != nil || len(found) != 1 {
		c.Fatalf("reading the group: %d, %v", len(found), err)
	}
	after := found[0].Resource.Clone()
	after.Set(k.name, scim.String(name))
	return c.carry(translators.Intent{Action: scim.ActionUpdate, Type: k.served.ResourceType, ID: group, Before: found[0], After: after,
		Changes: scim.Diff(found[0].Resource, after)})
}

// requests are the calls that the application got from now on, until the function that
// is returned is called, counted.
func (c *crowd) requests() func() map[string]int {
	c.app.Forget()
	return func() map[string]int {
		all := make(map[string]int)
		for _, r := range c.app.Requests() {
			all[r.Op]++
		}
		return all
	}
}

func (c *crowd) wantMembers(when, group string, want ...string) {
	c.Helper()
	got, ok := c.app.Members(group)
	if slices.Sort(want); !ok || !slices.Equal(got, want) {
		c.Errorf("%s: the members of %s are %q, want %q", when, group, got, want)
	}
}

func wantKind(t *testing.T, what string, err error, kind translators.ErrorKind) {
	t.Helper()
	if translators.KindOf(err) != kind {
		t.Errorf("%s: got %v, want an error of the kind %q", what, err, kind)
	}
}

// TestMemberRequests: what a change of members costs the application, by the shape of
// its groups. It does not grow with the group.
func TestMemberRequests(t *testing.T) {
	tests := []struct {
		name, shape, groups string
		options             legacy.Options
		add, again, remove  map[string]int
	}{
		{name: "by calls", shape: "plain", add: map[string]int{"users.read": 1, "groups.add": 1}, again: map[string]int{"users.read": 1, "groups.add": 1}, remove: map[string]int{"groups.remove": 1}},
		{name: "set together", shape: "plain", groups: groupLines + patchGroup + membersByID + setMembers,
			add: map[string]int{"users.read": 1, "groups.read": 2, "groups.set": 1}, again: map[string]int{"users.read": 1, "groups.read": 2}, remove: map[string]int{"groups.read": 2, "groups.set": 1}},
		{name: "by userName", shape: "plain", groups: groupLines + patchGroup + loginsByCall, options: legacy.Options{Members: legacy.MemberLogins},
			add: map[string]int{"users.read": 1, "groups.add": 1}, again: map[string]int{"users.read": 1, "groups.add": 1}, remove: map[string]int{"users.read": 1, "groups.remove": 1}},
		{name: "by userName, the key", shape: "put-by-name", groups: groupLines + patchGroup + loginsByCall, options: legacy.Options{Members: legacy.MemberLogins, PutByName: true},
			add: map[string]int{"users.read": 1, "groups.add": 1}, again: map[string]int{"users.read": 1, "groups.add": 1}, remove: map[string]int{"groups.remove": 1}},
		{name: "on users", shape: "groups-on-users", options: legacy.Options{Groups: legacy.OnUsers},
			add: map[string]int{"groups.read": 1, "users.read": 2, "users.update": 1}, again: map[string]int{"groups.read": 1, "users.read": 2}, remove: map[string]int{"groups.read": 1, "users.read": 2, "users.update": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCrowd(t, tt.shape, tt.groups, tt.options)
			u := c.users("ada", "bob", "cyn", "dan")
			group := c.make("Group", "Staff", u[1:]...)
			for _, step := range []struct {
				what   string
				change scim.MemberChange
				want   map[string]int
			}{
				{"one more", scim.MemberChange{Add: u[:1]}, tt.add},
				{"the same again", scim.MemberChange{Add: u[:1]}, tt.again},
				{"one less", scim.MemberChange{Remove: u[:1]}, tt.remove},
			} {
				made := c.requests()
				if err := c.change(group, step.change); err != nil {
					t.Fatalf("%s: %v", step.what, err)
				}
				if diff := cmp.Diff(step.want, made()); diff != "" {
					t.Errorf("%s takes other requests (-want +got):\n%s", step.what, diff)
				}
			}
			c.wantMembers("in the end", "Staff", "bob", "cyn", "dan")
		})
	}
}

// TestMembersAsked: whether somebody is a member of a group is asked of that one alone,
// however many users there are, and no members are read where none are asked for.
func TestMembersAsked(t *testing.T) {
	tests := []struct {
		name, shape, groups string
		options             legacy.Options
		want                map[string]int
	}{
		{name: "by calls", shape: "plain", want: map[string]int{"groups.read": 1}},
		{name: "in pages", shape: "plain", groups: groupLines + patchGroup + membersCall + addAndRemove, options: legacy.Options{Members: legacy.MemberPages}, want: map[string]int{"groups.read": 1, "groups.members": 1}},
		{name: "by userName", shape: "plain", groups: groupLines + patchGroup + loginsByCall, options: legacy.Options{Members: legacy.MemberLogins}, want: map[string]int{"groups.read": 1, "users.read": 1}},
		{name: "on users", shape: "groups-on-users", options: legacy.Options{Groups: legacy.OnUsers}, want: map[string]int{"groups.read": 1, "users.read": 1}},
		{name: "on users by id", shape: "groups-on-users", groups: groupLines + patchGroup + "\t\t\t\tof_users group_ids\n", options: legacy.Options{Groups: legacy.OnUsersByID}, want: map[string]int{"groups.read": 1, "users.read": 1}},
		{name: "as roles", shape: "roles", options: legacy.Options{Groups: legacy.Roles}, want: map[string]int{"users.read": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCrowd(t, tt.shape, tt.groups, tt.options, "map groups groups\n", "", "\t\t\tusers {\n", "\t\t\tcandidates 5\n\t\t\tusers {\n")
			u := c.users("ada", "bob", "cyn", "dan", "eve", "fay", "gus")
			group := "agent"
			if tt.shape == "roles" {
				if err := c.change(group, scim.MemberChange{Add: u[:3]}); err != nil {
					t.Fatal(err)
				}
			} else {
				group = c.make("Group", "Staff", u[:3]...)
			}
			for _, ask := range []struct {
				filter string
				want   bool
			}{
				{fmt.Sprintf("id eq %q and members eq %q", group, u[0]), true},
				{fmt.Sprintf("id eq %q and members.value eq %q", group, u[5]), false},
				{fmt.Sprintf("id eq %q and not (members eq %q)", group, u[5]), true},
				{fmt.Sprintf("id eq %q and members[value eq %q]", group, u[0]), true},
			} {
				f, err := scim.ParseFilter(c.tr.groups.served.ResourceType, ask.filter, scim.FilterLimits{})
				if err != nil {
					t.Fatal(err)
				}
				made := c.requests()
				result, err := c.tr.Search(t.Context(), translators.Query{Type: c.tr.groups.served.ResourceType, Filter: f, Limit: 2, Selection: translators.Selection{All: true}})
				if err != nil {
					t.Errorf("%s: %v", ask.filter, err)
					continue
				}
				if got := len(result.Entries) == 1; got != ask.want {
					t.Errorf("%s finds %d groups", ask.filter, len(result.Entries))
				}
				if diff := cmp.Diff(tt.want, made()); diff != "" {
					t.Errorf("%s takes other requests (-want +got):\n%s", ask.filter, diff)
				}
			}
			made := c.requests()
			if _, err := c.tr.Read(t.Context(), c.tr.groups.served.ResourceType, []string{group}, translators.Selection{All: true}); err != nil {
				t.Fatal(err)
			}
			if got := made(); got["users.read"]+got["users.list"]+got["groups.members"] > 0 {
				t.Errorf("reading a group without members reads members: %v", got)
			}
		})
	}
}

// TestNameOfGroupStands: where users refer to a group by its name, and the application does
// not look after that, who is in it stays in it when it is renamed, and nobody is left
// with the name of a group that was deleted: whoever got it next would have them.
func TestNameOfGroupStands(t *testing.T) {
	for _, stays := range []bool{true, false} {
		t.Run(fmt.Sprintf("names stay: %v", stays), func(t *testing.T) {
			c := newCrowd(t, "groups-on-users", "", legacy.Options{Groups: legacy.OnUsers, NamesStay: stays})
			u := c.users("ada", "bob", "cyn")
			group := c.make("Group", "Staff", u[:2]...)
			if _, err := c.rename(group, "People"); err != nil {
				t.Fatal(err)
			}
			c.wantMembers("renamed", "People", "ada", "bob")
			c.make("Group", "Staff")
			c.wantMembers("another one of the old name", "Staff")

			c.app.Fail(legacy.Fault{Kind: legacy.ErrorBefore, Op: "groups.delete", Times: 1})
			gone := translators.Intent{Action: scim.ActionDelete, Type: c.tr.groups.served.ResourceType, ID: group}
			if _, err := c.carry(gone); err == nil {
				t.Error("a delete that failed succeeds")
			}
			if _, err := c.carry(gone); err != nil {
				t.Fatalf("a delete that is repeated: %v", err)
			}
			c.make("Group", "People")
			c.wantMembers("another one of the name of the deleted", "People")
		})
	}
}

// TestRenameGoesBack: a new name that not all members get is taken back.
func TestRenameGoesBack(t *testing.T) {
	c := newCrowd(t, "groups-on-users", "", legacy.Options{Groups: legacy.OnUsers, NamesStay: true})
	u := c.users("ada", "bob", "cyn")
	group := c.make("Group", "Staff", u...)
	c.app.Fail(legacy.Fault{Kind: legacy.Denied, Op: "users.update", Skip: 1, Times: 1})
	report, err := c.rename(group, "People")
	if err == nil || report.Partial || report.Outcome != translators.NotApplied {
		t.Errorf("the outcome is %q (partial: %v), %v", report.Outcome, report.Partial, err)
	}
	c.app.Mend()
	c.wantMembers("taken back", "Staff", "ada", "bob", "cyn")
	if _, err := c.rename(group, "People"); err != nil {
		t.Fatal(err)
	}
	c.wantMembers("tried again", "People", "ada", "bob", "cyn")
}

// TestNewGroupGoesBack: a group that does not get all of its members is not there, and
// nobody refers to it.
func TestNewGroupGoesBack(t *testing.T) {
	for _, tt := range []struct {
		shape, fails string
		options      legacy.Options
	}{
		{"plain", "groups.add", legacy.Options{}},
		{"groups-on-users", "users.update", legacy.Options{Groups: legacy.OnUsers, NamesStay: true}},
	} {
		t.Run(tt.shape, func(t *testing.T) {
			c := newCrowd(t, tt.shape, "", tt.options)
			u := c.users("ada", "bob")
			c.app.Fail(legacy.Fault{Kind: legacy.Denied, Op: tt.fails, Skip: 1, Times: 1})
			k := c.tr.groups
			r := scim.NewResource(k.served.ResourceType)
			r.Set(k.name, scim.String("Staff"))
			report, err := c.carry(translators.Intent{Action: scim.ActionCreate, Type: k.served.ResourceType, After: r, Members: &scim.MemberChange{Add: u}})
			if err == nil || report.Partial || report.Outcome != translators.NotApplied {
				t.Errorf("the outcome is %q (partial: %v), %v", report.Outcome, report.Partial, err)
			}
			c.app.Mend()
			if _, ok := c.app.Members("Staff"); ok {
				t.Error("the group is there")
			}
			c.make("Group", "Staff")
			c.wantMembers("made again", "Staff")
		})
	}
}

// TestMemberFaults: after every fault the answer says what is so.
func TestMemberFaults(t *testing.T) {
	shapes := []struct {
		name, shape, groups, op string
		options                 legacy.Options
	}{
		{"by calls", "plain", "", "groups.add", legacy.Options{}},
		{"vague", "vague-members", "", "groups.add", legacy.Options{VagueMembers: true}},
		{"set together", "plain", groupLines + patchGroup + membersByID + setMembers, "groups.set", legacy.Options{}},
		{"in the record", "plain", groupLines + patchGroup + "\t\t\t\tmap members user_ids\n", "groups.update", legacy.Options{Members: legacy.MemberIDs}},
		{"by userName", "plain", groupLines + patchGroup + loginsByCall, "groups.add", legacy.Options{Members: legacy.MemberLogins}},
		{"on users", "groups-on-users", "", "users.update", legacy.Options{Groups: legacy.OnUsers}},
	}
	for _, s := range shapes {
		for _, f := range []struct {
			kind   legacy.FaultKind
			isDone bool
		}{{legacy.ErrorBefore, false}, {legacy.ErrorAfter, true}, {legacy.CutBefore, false}, {legacy.CutAfter, true}, {legacy.Half, true}, {legacy.TooMany, false}} {
			t.Run(s.name+"/"+string(f.kind), func(t *testing.T) {
				c := newCrowd(t, s.shape, s.groups, s.options)
				u := c.users("ada", "bob")
				group := c.make("Group", "Staff", u[:1]...)
				c.app.Fail(legacy.Fault{Kind: f.kind, Op: s.op, Times: 1})
				report, err := c.carry(c.changing(group, scim.MemberChange{Add: u[1:]}))
				if f.isDone && (err != nil || report.Outcome != translators.Applied) {
					t.Errorf("it was done, and the outcome is %q, %v", report.Outcome, err)
				}
				if !f.isDone && (report.Outcome != translators.NotApplied || translators.KindOf(err) != translators.Unavailable) {
					t.Errorf("it was not done, and the outcome is %q, %v", report.Outcome, err)
				}
				if err := c.change(group, scim.MemberChange{Add: u[1:]}); err != nil {
					t.Errorf("again: %v", err)
				}
				c.wantMembers("in the end", "Staff", "ada", "bob")
			})
		}
	}
}

// TestMembersNeverShort: a fault while members are read is an error, not a shorter list.
func TestMembersNeverShort(t *testing.T) {
	for _, tt := range []struct {
		name, shape, groups, op string
		options                 legacy.Options
	}{
		{"in pages", "plain", groupLines + patchGroup + membersCall + addAndRemove, "groups.members", legacy.Options{Members: legacy.MemberPages, MaxPage: 2}},
		{"by userName", "plain", groupLines + patchGroup + loginsByCall, "users.list", legacy.Options{Members: legacy.MemberLogins}},
		{"on users", "groups-on-users", "", "users.list", legacy.Options{Groups: legacy.OnUsers, MaxPage: 2}},
	} {
		for _, kind := range []legacy.FaultKind{legacy.ErrorBefore, legacy.CutAfter, legacy.Half, legacy.HTML, legacy.Broken, legacy.NoAnswer} {
			t.Run(tt.name+"/"+string(kind), func(t *testing.T) {
				c := newCrowd(t, tt.shape, tt.groups, tt.options)
				u := c.users("ada", "bob", "cyn", "dan", "eve")
				group := c.make("Group", "Staff", u...)
				c.app.Fail(legacy.Fault{Kind: kind, Op: tt.op, Skip: 1, Status: 404})
				found, err := c.tr.Read(t.Context(), c.tr.groups.served.ResourceType, []string{group}, translators.Selection{All: true, Members: true})
				if err != nil || len(found) != 1 {
					t.Fatalf("%d groups, %v", len(found), err)
				}
				n := 0
				for _, err = range found[0].Members {
					if err != nil {
						break
					}
					n++
				}
				wantKind(t, fmt.Sprintf("reading members, of whom %d came", n), err, translators.Unavailable)
			})
		}
	}
}

// TestAbsentOfBoth: an application that finds something not means the group or the user.
func TestAbsentOfBoth(t *testing.T) {
	c := newCrowd(t, "plain", "", legacy.Options{})
	u := c.users("ada", "bob")
	group := c.make("Group", "Staff", u[0])
	wantKind(t, "adding to no group", c.change("999999", scim.MemberChange{Add: u[:1]}), translators.NotFound)
	wantKind(t, "removing from no group", c.change("999999", scim.MemberChange{Remove: u[:1]}), translators.NotFound)
	wantKind(t, "replacing the members of no group", c.change("999999", scim.MemberChange{ReplaceAll: true}), translators.NotFound)
	wantKind(t, "adding nobody", c.change(group, scim.MemberChange{Add: []string{u[1], "999999"}}), translators.Invalid)
	c.wantMembers("after nobody", "Staff", "ada")
	if err := c.change(group, scim.MemberChange{Remove: []string{"999999", u[0]}}); err != nil {
		t.Errorf("removing nobody: %v", err)
	}
	c.wantMembers("after removing", "Staff")
}

// TestUnknownGroupOnUser: a name in a user's record that is no group's is left out.
func TestUnknownGroupOnUser(t *testing.T) {
	c := newCrowd(t, "groups-on-users", "", legacy.Options{Groups: legacy.OnUsers, NamesStay: true})
	u := c.users("ada")
	gone, stays := c.make("Group", "Gone", u...), c.make("Group", "Stays", u...)
	id, err := c.app.AddGroup("Third")
	if err != nil || id == gone {
		t.Fatal(err)
	}
	// Somebody deletes it at the application.
	c.app.RemoveGroup("Gone")
	found, err := c.tr.Read(t.Context(), c.tr.users.served.ResourceType, u, translators.Selection{All: true})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d users, %v", len(found), err)
	}
	groups := found[0].Resource.Get(c.tr.users.groups).Items()
	if len(groups) != 1 || groups[0].SubNamed("value").Text() != stays {
		t.Errorf("the groups are %v", groups)
	}
	// The name stays in the record when others come and go.
	if err := c.change(id, scim.MemberChange{Add: u}); err != nil {
		t.Fatal(err)
	}
	c.make("Group", "Gone")
	c.wantMembers("the name that nobody touched", "Gone", "ada")
}

// TestRoles: who gets one role leaves the other, and only from the one that is held one
// can be taken.
func TestRoles(t *testing.T) {
	c := newCrowd(t, "roles", "", legacy.Options{Groups: legacy.Roles})
	u := c.users("ada", "bob")
	for _, step := range []struct {
		group          string
		change         scim.MemberChange
		agents, admins []string
	}{
		{"agent", scim.MemberChange{Add: u}, []string{"ada", "bob"}, nil},
		{"agent", scim.MemberChange{Add: u}, []string{"ada", "bob"}, nil},
		{"admin", scim.MemberChange{Add: u[:1]}, []string{"bob"}, []string{"ada"}},
		{"agent", scim.MemberChange{Remove: u[:1]}, []string{"bob"}, []string{"ada"}},
		{"agent", scim.MemberChange{ReplaceAll: true, Add: u[:1]}, []string{"ada"}, nil},
		{"agent", scim.MemberChange{ReplaceAll: true}, nil, nil},
	} {
		if err := c.change(step.group, step.change); err != nil {
			t.Fatal(err)
		}
		c.wantMembers(fmt.Sprintf("%s %+v", step.group, step.change), "agent", step.agents...)
		c.wantMembers(fmt.Sprintf("%s %+v", step.group, step.change), "admin", step.admins...)
	}
	wantKind(t, "adding to no role", c.change("none", scim.MemberChange{Add: u}), translators.NotFound)
	_, err := c.carry(translators.Intent{Action: scim.ActionDelete, Type: c.tr.groups.served.ResourceType, ID: "agent"})
	wantKind(t, "deleting a role", err, translators.Refused)
}

// TestMembersInUsersAreLocked: the user is written while the host's lock is held, one at a
// time; one that can't be had leaves all as it is.
func TestMembersInUsersAreLocked(t *testing.T) {
	c := newCrowd(t, "groups-on-users", "", legacy.Options{Groups: legacy.OnUsers})
	u := c.users("ada", "bob")
	group := c.make("Group", "Staff")
	var mu sync.Mutex
	held, most := 0, 0
	var of []string
	in := c.changing(group, scim.MemberChange{Add: u})
	in.Lock = func(_ context.Context, rt *scim.ResourceType, id string) (func(), error) {
		mu.Lock()
		defer mu.Unlock()
		of = append(of, rt.Name+" "+id)
		held++
		most = max(most, held)
		return func() { mu.Lock(); held--; mu.Unlock() }, nil
	}
	if _, err := c.carry(in); err != nil {
		t.Fatal(err)
	}
	if want := []string{"User " + u[0], "User " + u[1]}; !slices.Equal(of, want) || most != 1 || held != 0 {
		t.Errorf("locks of %q, %d at a time, %d not given back; want %q", of, most, held, want)
	}
	in = c.changing(group, scim.MemberChange{Remove: u})
	busy := errors.New("busy")
	in.Lock = func(context.Context, *scim.ResourceType, string) (func(), error) { return nil, busy }
	if report, err := c.carry(in); !errors.Is(err, busy) || report.Outcome != translators.NotApplied {
		t.Errorf("without the lock: %q, %v", report.Outcome, err)
	}
	c.wantMembers("without the lock", "Staff", "ada", "bob")
}

// TestMembersRefused: what can't work is a mistake of the configuration.
func TestMembersRefused(t *testing.T) {
	tests := []struct{ name, shape, groups, edit, with, want string }{
		{"an update that does not send them", "plain", groupLines + "\t\t\t\tupdate PATCH /groups/{id} {\n\t\t\t\t\tbody json `{\"name\": {field.name}}`\n\t\t\t\t}\n\t\t\t\tmap members user_ids\n", "", "", "does not send them"},
		{"an update of users that does not send them", "groups-on-users", "", "update PATCH /users/{id}\n", "update PATCH /users/{id} {\n\t\t\t\t\tbody json `{\"login\": {field.login}, \"status\": {field.status?}}`\n\t\t\t\t}\n", "does not send them"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := provisionError(t, tt.shape, tt.groups, tt.edit, tt.with)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error about %q", err, tt.want)
			}
		})
	}
	// Each in its own place.
	if err := provisionError(t, "plain", groupLines+"\t\t\t\tupdate PATCH /groups/{id} {\n\t\t\t\t\tbody json `{\"name\": {field.name?}, \"users\": {field.users}}`\n\t\t\t\t}\n\t\t\t\tmap members users.#.id\n", "", ""); err != nil {
		t.Errorf("an update that names the list: %v", err)
	}
}
