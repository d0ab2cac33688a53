package ldap

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// groupsOfClass returns a groups block of another class.
func groupsOfClass(class, member string) string {
	block := strings.ReplaceAll(groupsBlock, "groupOfNames", class)
	return strings.Replace(block, "map members member", "map members "+member, 1)
}

// manyPeople is LDIF for many people, and the uids.
func manyPeople(n int) (string, []string) {
	var text strings.Builder
	logins := make([]string, n)
	for i := range n {
		logins[i] = fmt.Sprintf("p%05d", i)
		fmt.Fprintf(&text, "dn: %s\nobjectClass: inetOrgPerson\nuid: %s\ncn: %s\nsn: %s\n\n", dnOf(logins[i]), logins[i], logins[i], logins[i])
	}
	return text.String(), logins
}

// idsOf returns the ids of people by their logins.
func idsOf(t testing.TB, tr *Translator) map[string]string {
	t.Helper()
	ids := map[string]string{}
	err := tr.walk(t.Context(), tr.users, everything, []string{"uid", "entryUUID"}, 0, func(e *goldap.Entry) error {
		ids[e.GetAttributeValue("uid")] = e.GetAttributeValue("entryUUID")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// TestRule04Members adds and removes members in every kind of group, twice each (rule
// 4), down to the empty group and back.
func TestRule04Members(t *testing.T) {
	tests := []struct {
		name, block string
		value       func(login string) string
		placeholder []string
	}{
		{"groupOfNames", groupsBlock, dnOf, []string{""}},
		{"groupOfNames with a placeholder", groupsBlock[:strings.LastIndex(groupsBlock, "}")] + "placeholder cn=nobody,dc=example,dc=com\n}", dnOf, []string{"cn=nobody,dc=example,dc=com"}},
		{"groupOfUniqueNames", groupsOfClass("groupOfUniqueNames", "uniqueMember"), dnOf, []string{""}},
		{"posixGroup", posixBlock, func(login string) string { return login }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tr, server := serve(t, slapd.Options{NoSync: true}, usersBlock, test.block)
			ids := map[string]string{}
			for _, login := range []string{"ada", "bob", "carl"} {
				ids[login] = add(t, tr, tr.users, person(login))
			}
			group := values{"displayName": "g"}
			if strings.Contains(test.block, "gidNumber") {
				group["externalId"] = "7"
			}
			id := add(t, tr, tr.groups, group)
			all := func(logins ...string) []string {
				values := slices.Clone(test.placeholder)
				for _, login := range logins {
					values = append(values, test.value(login))
				}
				return slices.Sorted(slices.Values(values))
			}
			check := func(what string, want []string) {
				t.Helper()
				if got := membersIn(t, server, "g"); !slices.Equal(got, want) {
					t.Errorf("%s: the members are %q, want %q", what, got, want)
				}
			}
			check("created", all())
			steps := []struct {
				what   string
				change scim.MemberChange
				want   []string
			}{
				{"add two", scim.MemberChange{Add: []string{ids["ada"], ids["bob"]}}, all("ada", "bob")},
				{"add one that is there and one that is not", scim.MemberChange{Add: []string{ids["bob"], ids["carl"]}}, all("ada", "bob", "carl")},
				{"remove one and an unknown one", scim.MemberChange{Remove: []string{ids["carl"], adaUUID}}, all("ada", "bob")},
				{"remove one that is there and one that is not", scim.MemberChange{Remove: []string{ids["bob"], ids["carl"]}}, all("ada")},
				{"both at once", scim.MemberChange{Add: []string{ids["carl"]}, Remove: []string{ids["ada"]}}, all("carl")},
				{"replace all", scim.MemberChange{ReplaceAll: true, Add: []string{ids["ada"], ids["carl"]}}, all("ada", "carl")},
				{"the last leave", scim.MemberChange{Remove: []string{ids["ada"], ids["bob"], ids["carl"]}}, all()},
				{"the first come", scim.MemberChange{Add: []string{ids["bob"]}}, all("bob")},
				{"replace by none", scim.MemberChange{ReplaceAll: true}, all()},
			}
			for _, step := range steps {
				for range 2 {
					report, err := changeMembers(t, tr, id, &step.change)
					if err != nil {
						t.Fatalf("%s: %v", step.what, err)
					}
					check(step.what, step.want)
					if last := report.Last(); last != nil {
						t.Errorf("%s: the group was asked back, which grows with its size and nobody needs", step.what)
					}
				}
			}
		})
	}
}

// TestTheLastMemberLeaves removes the only member of a group that somebody else
// has made, without a placeholder, and brings it back.
func TestTheLastMemberLeaves(t *testing.T) {
	for _, class := range [][2]string{{"groupOfNames", "member"}, {"groupOfUniqueNames", "uniqueMember"}} {
		tr, server := serve(t, slapd.Options{NoSync: true}, usersBlock, groupsOfClass(class[0], class[1]))
		ada := add(t, tr, tr.users, person("ada"))
		server.Add(t, "dn: cn=g,"+slapd.Groups+"\nobjectClass: "+class[0]+"\ncn: g\n"+class[1]+": "+dnOf("ada")+"\n")
		id := idOf(t, tr, tr.groups, `displayName eq "g"`)
		for _, step := range []struct {
			change scim.MemberChange
			want   []string
		}{
			{scim.MemberChange{Remove: []string{ada}}, []string{""}},
			{scim.MemberChange{Add: []string{ada}}, []string{"", dnOf("ada")}},
			{scim.MemberChange{Remove: []string{ada}}, []string{""}},
		} {
			if _, err := changeMembers(t, tr, id, &step.change); err != nil {
				t.Fatal(err)
			}
			if got := membersIn(t, server, "g"); !slices.Equal(got, step.want) {
				t.Errorf("%s: the members are %q, want %q", class[0], got, step.want)
			}
		}
	}
}

// TestWhoCanBeAMember checks the errors of members that can't be.
func TestWhoCanBeAMember(t *testing.T) {
	tr, server := serve(t, slapd.Options{NoSync: true})
	ada := add(t, tr, tr.users, person("ada"))
	inner := add(t, tr, tr.groups, values{"displayName": "inner"})
	outer := add(t, tr, tr.groups, values{"displayName": "outer"}, inner, ada)
	if got := membersIn(t, server, "outer"); !slices.Equal(got, []string{"cn=inner," + slapd.Groups, dnOf("ada")}) {
		t.Errorf("the members are %q", got)
	}
	for _, id := range []string{adaUUID, "", "no UUID", "*", ")(uid=*"} {
		_, err := changeMembers(t, tr, outer, &scim.MemberChange{Add: []string{ada, id}})
		if translators.KindOf(err) != translators.Invalid || !strings.Contains(err.Error(), fmt.Sprintf("%q", id)) {
			t.Errorf("adding %q: %v", id, err)
		}
	}
	if _, err := changeMembers(t, tr, adaUUID, &scim.MemberChange{Add: []string{ada}}); translators.KindOf(err) != translators.NotFound {
		t.Errorf("adding to a group that does not exist: %v", err)
	}
	in := updating(t, tr.users, read(t, tr, tr.users, ada), values{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value": adaUUID})
	if _, err := tr.Plan(t.Context(), in); translators.KindOf(err) != translators.Invalid || !strings.Contains(err.Error(), adaUUID) {
		t.Errorf("a manager who does not exist: %v", err)
	}
}

// TestReplacingAllLeavesStrangers checks that members whom the provider never
// sees survive a PUT of the full list.
func TestReplacingAllLeavesStrangers(t *testing.T) {
	tr, server := serve(t, slapd.Options{NoSync: true})
	ada, bob := add(t, tr, tr.users, person("ada")), add(t, tr, tr.users, person("bob"))
	stranger := "cn=backup," + slapd.Services
	server.Add(t, "dn: cn=g,"+slapd.Groups+"\nobjectClass: groupOfNames\ncn: g\nmember: "+server.ServiceDN+"\nmember: "+stranger+
		"\nmember: UID=Bob, "+slapd.People+"\nmember: uid=gone,"+slapd.People+"\n")
	id := idOf(t, tr, tr.groups, `displayName eq "g"`)
	if _, err := changeMembers(t, tr, id, &scim.MemberChange{ReplaceAll: true, Add: []string{ada, bob}}); err != nil {
		t.Fatal(err)
	}
	got := membersIn(t, server, "g")
	for i, name := range got {
		got[i] = nameKey(name)
	}
	want := []string{nameKey(stranger), nameKey(server.ServiceDN), nameKey(dnOf("ada")), nameKey(dnOf("bob"))}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("the members are %q, want %q", got, want)
	}
}

// TestRule05MembersOfALargeGroup is rule 5 for the translator: what a change costs the
// wire is proportional to the change.
func TestRule05MembersOfALargeGroup(t *testing.T) {
	const size = 5000
	text, logins := manyPeople(size + 1500)
	var group strings.Builder
	group.WriteString("dn: cn=large," + slapd.Groups + "\nobjectClass: groupOfNames\ncn: large\n")
	for _, login := range logins[:size] {
		group.WriteString("member: " + dnOf(login) + "\n")
	}
	server := slapd.Start(t, slapd.Options{NoSync: true, LDIF: text + group.String() + "\n", SizeLimit: 2000})
	proxy := slapd.NewProxy(t, server.Addr())
	tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword, usersBlock, groupsBlock)
	ids := idsOf(t, tr)
	id := idOf(t, tr, tr.groups, `displayName eq "large"`)
	idsFor := func(logins []string) []string {
		list := make([]string, len(logins))
		for i, login := range logins {
			list[i] = ids[login]
		}
		return list
	}
	count := func() int { return len(membersIn(t, server, "large")) }
	var requests atomic.Int64
	proxy.OnRequest(func(int) slapd.Action { requests.Add(1); return slapd.Forward })
	tests := []struct {
		name     string
		change   scim.MemberChange
		want     int
		requests int64 // at most
	}{
		{"one more", scim.MemberChange{Add: idsFor(logins[size : size+1])}, size + 1, 3},
		{"one who is there", scim.MemberChange{Add: idsFor(logins[:1])}, size + 1, 4},
		{"one less", scim.MemberChange{Remove: idsFor(logins[size : size+1])}, size, 3},
		{"one who is not there", scim.MemberChange{Remove: idsFor(logins[size : size+1])}, size, 4},
		{"two of whom one is there", scim.MemberChange{Add: idsFor(logins[size-1 : size+1])}, size + 1, 9},
		{"1500 more, one of them there", scim.MemberChange{Add: idsFor(logins[size:])}, size + 1500, 60},
		{"the same again", scim.MemberChange{Add: idsFor(logins[size:])}, size + 1500, 40},
		{"1500 less", scim.MemberChange{Remove: idsFor(logins[size:])}, size, 20},
	}
	for _, test := range tests {
		requests.Store(0)
		if _, err := changeMembers(t, tr, id, &test.change); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got := requests.Load(); got > test.requests {
			t.Errorf("%s took %d requests, want %d at most", test.name, got, test.requests)
		}
		if got := count(); got != test.want {
			t.Errorf("%s: there are %d members, want %d", test.name, got, test.want)
		}
	}
	requests.Store(0)
	if _, err := changeMembers(t, tr, id, &scim.MemberChange{ReplaceAll: true, Add: idsFor(logins[1 : size+1])}); err != nil {
		t.Fatal(err)
	}
	got := membersIn(t, server, "large")
	if len(got) != size || got[0] != dnOf(logins[1]) || got[size-1] != dnOf(logins[size]) {
		t.Errorf("a full list with one less and one more leaves %d members", len(got))
	}
}

// TestMembersAmongStrangers asks about values of which any may be there.
func TestMembersAmongStrangers(t *testing.T) {
	const size = 600
	text, logins := manyPeople(size)
	var group strings.Builder
	group.WriteString("dn: cn=g," + slapd.Groups + "\nobjectClass: groupOfNames\ncn: g\n")
	for i, login := range logins {
		if i%2 == 0 {
			group.WriteString("member: " + dnOf(login) + "\n")
		}
	}
	tr, server := serve(t, slapd.Options{NoSync: true, LDIF: text + group.String() + "\n", SizeLimit: 2000})
	ids := idsOf(t, tr)
	list := make([]string, size)
	for i, login := range logins {
		list[i] = ids[login]
	}
	if _, err := changeMembers(t, tr, idOf(t, tr, tr.groups, `displayName eq "g"`), &scim.MemberChange{Add: list}); err != nil {
		t.Fatal(err)
	}
	if got := len(membersIn(t, server, "g")); got != size {
		t.Errorf("there are %d members, want %d", got, size)
	}
}

// TestTwoGatewaysChangeMembers lets several add and remove overlapping members at
// the same time.
func TestTwoGatewaysChangeMembers(t *testing.T) {
	tr, server := serve(t, slapd.Options{NoSync: true})
	var ids []string
	for i := range 12 {
		ids = append(ids, add(t, tr, tr.users, person(fmt.Sprintf("p%d", i))))
	}
	id := add(t, tr, tr.groups, values{"displayName": "g"}, ids[6:]...)
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for i := range 6 {
				if _, err := changeMembers(t, tr, id, &scim.MemberChange{Add: ids[i:6], Remove: ids[6:]}); err != nil {
					t.Errorf("changing members: %v", err)
				}
			}
		})
	}
	running.Wait()
	if got := len(membersIn(t, server, "g")); got != 6 {
		t.Errorf("there are %d members, want 6", got)
	}
}

// TestADeletedMemberLeavesNothing deletes people who are members, alone and among
// others, in directories that clean up, that do it half, and that do not.
func TestADeletedMemberLeavesNothing(t *testing.T) {
	tests := []struct {
		name    string
		options slapd.Options
		block   string
		value   func(string) string
		empty   []string
	}{
		{"refint", slapd.Options{}, groupsBlock, dnOf, []string{""}},
		{"refint with a placeholder of its own", slapd.Options{RefintNothing: "cn=nothing"}, groupsBlock, dnOf, []string{"cn=nothing"}},
		{"nothing", slapd.Options{NoRefint: true, NoMemberOf: true}, groupsBlock, dnOf, []string{""}},
		{"uniqueMember", slapd.Options{NoRefint: true, NoMemberOf: true}, groupsOfClass("groupOfUniqueNames", "uniqueMember"), dnOf, []string{""}},
		{"memberUid", slapd.Options{}, posixBlock, func(login string) string { return login }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.NoSync = true
			tr, server := serve(t, test.options, strings.Replace(usersBlock, "map groups memberOf", "", 1), test.block)
			class := strings.TrimSpace(strings.SplitN(strings.SplitN(test.block, "object_class", 2)[1], "\n", 2)[0])
			add(t, tr, tr.users, person("bob"))
			id := add(t, tr, tr.users, person("ada"))
			for name, members := range map[string][]string{"alone": {"ada"}, "together": {"ada", "bob"}, "other": {"bob"}} {
				ldif := "dn: cn=" + name + "," + slapd.Groups + "\nobjectClass: " + class + "\ncn: " + name + "\n"
				if class == "posixGroup" {
					ldif += "gidNumber: 7\n"
				}
				for _, member := range members {
					ldif += tr.groups.memberField + ": " + test.value(member) + "\n"
				}
				server.Add(t, ldif)
			}
			report, _ := mustCarryOut(t, tr, translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: id})
			if len(report.Results) == 0 || exists(t, server, "(uid=ada)") {
				t.Error("the person was not deleted")
			}
			// slapd's refint may still be at it.
			wait(t, "the groups to be without the person", func() bool {
				return !exists(t, server, "("+tr.groups.memberField+"="+goldap.EscapeFilter(test.value("ada"))+")")
			})
			for name, want := range map[string][]string{"alone": test.empty, "together": {test.value("bob")}, "other": {test.value("bob")}} {
				if got := membersIn(t, server, name); !slices.Equal(got, want) {
					t.Errorf("%s: the members are %q, want %q", name, got, want)
				}
			}
			report, _ = carryOut(t, tr, translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: bobUUID,
				Before: asRead(t, tr, tr.users, entryAt(dnOf("ada"), bobUUID, nil))})
			if translators.KindOf(report.Err) != translators.NotFound {
				t.Errorf("deleting what is gone: %s: %v", report.Outcome, report.Err)
			}
		})
	}
}
