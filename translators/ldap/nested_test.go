package ldap

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/directory"
	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/conformance"
)

var flatBlock = strings.Replace(groupsBlock, "delete remove", "delete remove\n\t\tnested flatten", 1)

// groupEntry is LDIF for a group; members are the logins of people, or DNs.
func groupEntry(name string, members ...string) string {
	dn := name
	if !strings.Contains(dn, "=") {
		dn = groupDN(name)
	}
	text := "dn: " + dn + "\nobjectClass: groupOfNames\ncn: " + strings.TrimPrefix(strings.SplitN(dn, ",", 2)[0], "cn=") + "\n"
	for _, m := range members {
		if !strings.Contains(m, "=") {
			m = dnOf(m)
		}
		text += "member: " + m + "\n"
	}
	return text + "\n"
}

func groupDN(name string) string { return "cn=" + name + "," + slapd.Groups }

// nest is a directory of people p00000 and so on, in groups in groups: three
// levels that go in a circle, one group in two, one outside the base, and one with
// 5,000 people.
func nest() string {
	people, logins := manyPeople(5000)
	p := logins
	return people +
		groupEntry("top", groupDN("inner"), p[0], p[1]) + groupEntry("inner", groupDN("innermost"), p[1], p[2]) + groupEntry("innermost", groupDN("top"), p[3]) +
		groupEntry("both", groupDN("left"), groupDN("right")) + groupEntry("left", groupDN("shared")) + groupEntry("right", groupDN("shared"), p[5]) + groupEntry("shared", p[4]) +
		groupEntry("cn=far,"+slapd.Services, p[6]) + groupEntry("out", "cn=far,"+slapd.Services, p[7]) +
		groupEntry("large", groupDN("huge"), p[0]) + groupEntry("huge", logins...)
}

// onBoth runs a test before slapd and before the embedded directory, with the
// groups block given.
func onBoth(t *testing.T, ldif, groups string, run func(*testing.T, *Translator)) {
	t.Helper()
	t.Run("slapd", func(t *testing.T) {
		t.Parallel()
		server := slapd.Start(t, slapd.Options{NoSync: true, LDIF: ldif})
		run(t, configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword, usersBlock, groups))
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		server, err := directory.New(directory.Options{
			Suffix: slapd.Base, Root: directory.Account{DN: slapd.AdminDN, Password: slapd.AdminPassword}, SizeLimit: 500, MaxPageSize: 200,
			Accounts: []directory.Account{{DN: slapd.ServiceDN, Password: slapd.ServicePassword,
				Read: []string{slapd.Policies}, Write: []string{slapd.People, slapd.Groups}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		services := "dn: " + slapd.Services + "\nobjectClass: organizationalUnit\nou: services\n\n"
		if err := server.Load(strings.NewReader(containers + "\n" + services + ldif)); err != nil {
			t.Fatal(err)
		}
		address, err := server.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		run(t, configure(t, "ldap://"+address.String(), "bind "+slapd.ServiceDN+" "+slapd.ServicePassword, usersBlock, groups))
	})
}

// whoIs returns names by ids, of people and groups.
func whoIs(t testing.TB, tr *Translator) (names map[string]string, ids map[string]string) {
	t.Helper()
	names, ids = make(map[string]string), make(map[string]string)
	for login, id := range idsOf(t, tr) {
		names[id], ids[login] = login, id
	}
	err := tr.walk(t.Context(), tr.groups, everything, []string{"cn", "entryUUID"}, 0, func(e *goldap.Entry) error {
		names[e.GetAttributeValue("entryUUID")], ids[e.GetAttributeValue("cn")] = e.GetAttributeValue("cn"), e.GetAttributeValue("entryUUID")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, ids
}

// membersShown returns how the members of a group are shown: "Group inner".
func membersShown(t testing.TB, tr *Translator, id string, names map[string]string) ([]string, error) {
	t.Helper()
	entries, err := tr.Read(t.Context(), tr.groups.served.ResourceType, []string{id}, translators.Selection{Members: true})
	if err != nil || len(entries) != 1 {
		t.Fatalf("reading a group: %d, %v", len(entries), err)
	}
	var shown []string
	for m, err := range entries[0].Members {
		if err != nil {
			return shown, err
		}
		shown = append(shown, m.Type+" "+names[m.ID])
	}
	slices.Sort(shown)
	return shown, nil
}

func shownPeople(numbers ...int) []string {
	var shown []string
	for _, n := range numbers {
		shown = append(shown, fmt.Sprintf("User p%05d", n))
	}
	return shown
}

// TestNestedGroupsAreShown: unless configured otherwise a group is a member like
// a person.
func TestNestedGroupsAreShown(t *testing.T) {
	onBoth(t, nest(), groupsBlock, func(t *testing.T, tr *Translator) {
		names, ids := whoIs(t, tr)
		for group, want := range map[string][]string{
			"top":  {"Group inner", "User p00000", "User p00001"},
			"both": {"Group left", "Group right"},
			"out":  {"User p00007"},
		} {
			got, err := membersShown(t, tr, ids[group], names)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", group, err, diff)
			}
		}
		if tr.users.served.Attribute("groups").Sub("type") != nil {
			t.Error("the groups of a user have a type")
		}
		if got := groupsShown(t, tr, ids["p00003"], names); !slices.Equal(got, []string{" huge", " innermost"}) {
			t.Errorf("the groups of somebody in a group in a group are %q", got)
		}
	})
}

// groupsShown returns how the groups of a user are shown: "indirect top".
func groupsShown(t testing.TB, tr *Translator, id string, names map[string]string) []string {
	t.Helper()
	var shown []string
	for _, item := range read(t, tr, tr.users, id).Resource.Get(tr.users.groups).Items() {
		if got, want := item.SubNamed("display").Text(), names[item.SubNamed("value").Text()]; got != want {
			t.Errorf("the group %s is called %q", want, got)
		}
		shown = append(shown, item.SubNamed("type").Text()+" "+names[item.SubNamed("value").Text()])
	}
	slices.Sort(shown)
	return shown
}

// TestNestedGroupsAreFlattened: the people in groups in a group are its members,
// each once, and know that they are in it.
func TestNestedGroupsAreFlattened(t *testing.T) {
	onBoth(t, nest(), flatBlock, func(t *testing.T, tr *Translator) {
		names, ids := whoIs(t, tr)
		for group, want := range map[string][]string{
			"top":       shownPeople(0, 1, 2, 3),
			"inner":     shownPeople(0, 1, 2, 3),
			"innermost": shownPeople(0, 1, 2, 3),
			"both":      shownPeople(4, 5),
			"left":      shownPeople(4),
			"out":       shownPeople(7),
		} {
			got, err := membersShown(t, tr, ids[group], names)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", group, err, diff)
			}
		}
		if v := read(t, tr, tr.groups, ids["top"]).Resource.Meta.Version; v != "" || tr.groups.served.HasVersions {
			t.Errorf("a group has the version %q, which does not tell of the groups in it", v)
		}
		if got, err := membersShown(t, tr, ids["large"], names); err != nil || len(got) != 5000 || len(slices.Compact(got)) != 5000 {
			t.Errorf("the large group has %d members: %v", len(got), err)
		}
		for login, want := range map[string][]string{
			"p00003": {"direct huge", "direct innermost", "indirect inner", "indirect large", "indirect top"},
			"p00001": {"direct huge", "direct inner", "direct top", "indirect innermost", "indirect large"},
			"p00004": {"direct huge", "direct shared", "indirect both", "indirect large", "indirect left", "indirect right"},
			"p00006": {"direct huge", "indirect large"},
		} {
			if diff := cmp.Diff(want, groupsShown(t, tr, ids[login], names)); diff != "" {
				t.Errorf("the groups of %s:\n%s", login, diff)
			}
		}
		// Filters are about direct members.
		for filter, want := range map[string][]string{
			`members eq "` + ids["p00004"] + `"`: {"huge", "shared"},
		} {
			if diff := cmp.Diff(want, slices.Sorted(slices.Values(namesOfGroups(tr, find(t, tr, tr.groups, filter))))); diff != "" {
				t.Errorf("%s:\n%s", filter, diff)
			}
		}
		if got := len(find(t, tr, tr.users, `groups.value eq "`+ids["both"]+`"`).Entries); got != 0 {
			t.Errorf("a filter for the people directly in a group finds %d", got)
		}
	})
}

func namesOfGroups(tr *Translator, r translators.Result) []string {
	return names(tr.groups, r.Entries)
}

// TestChangingFlattenedMembers: what is done to a group is done to that one, and
// what would have to be done to another is refused.
func TestChangingFlattenedMembers(t *testing.T) {
	const top, inner = "top", "inner"
	list := func(numbers ...int) []string {
		var logins []string
		for _, n := range numbers {
			logins = append(logins, fmt.Sprintf("p%05d", n))
		}
		return logins
	}
	tests := []struct {
		name        string
		group       string
		add, remove []string
		all         bool
		want        translators.ErrorKind
		members     []string // what the group names in the end
	}{
		{"remove a direct member", top, nil, list(0), false, "", []string{groupDN(inner), dnOf("p00001")}},
		{"remove an indirect member", top, nil, list(2), false, translators.Refused, nil},
		{"remove one who is both", top, nil, list(1), false, translators.Refused, nil},
		{"remove one from three levels below", top, nil, list(3), false, translators.Refused, nil},
		{"remove several, one of them indirect", top, nil, list(0, 3), false, translators.Refused, nil},
		{"remove one who is none", top, nil, list(9), false, "", []string{groupDN(inner), dnOf("p00000"), dnOf("p00001")}},
		{"remove a group", top, nil, []string{inner}, false, "", []string{dnOf("p00000"), dnOf("p00001")}},
		{"add an indirect member", top, list(2), nil, false, "", []string{groupDN(inner), dnOf("p00000"), dnOf("p00001"), dnOf("p00002")}},
		{"add a group", top, []string{"out"}, nil, false, translators.Invalid, nil},
		{"the list as it is shown", top, list(0, 1, 2, 3), nil, true, "", []string{groupDN(inner), dnOf("p00000"), dnOf("p00001")}},
		{"a list with one more", top, list(0, 1, 2, 3, 8), nil, true, "", []string{groupDN(inner), dnOf("p00000"), dnOf("p00001"), dnOf("p00008")}},
		{"a list with one less", top, list(1, 2, 3), nil, true, "", []string{groupDN(inner), dnOf("p00001")}},
		{"a list without an indirect member", top, list(0, 1, 2), nil, true, translators.Refused, nil},
		{"an empty list", top, nil, nil, true, translators.Refused, nil},
		{"one of two ways", "both", nil, list(4), false, translators.Refused, nil},
	}
	onBoth(t, nest(), flatBlock, func(t *testing.T, tr *Translator) {
		_, ids := whoIs(t, tr)
		idsFor := func(names []string) []string {
			var list []string
			for _, n := range names {
				list = append(list, ids[n])
			}
			return list
		}
		named := func(group string) []string {
			values, err := tr.readMembers(t.Context(), tr.groups, ids[group])
			if err != nil {
				t.Fatal(err)
			}
			return slices.Sorted(slices.Values(values))
		}
		for _, test := range tests {
			before := named(test.group)
			_, err := changeMembers(t, tr, ids[test.group], &scim.MemberChange{ReplaceAll: test.all, Add: idsFor(test.add), Remove: idsFor(test.remove)})
			if got := translators.KindOf(err); got != test.want || (err == nil) != (test.want == "") {
				t.Errorf("%s: %v, want %q", test.name, err, test.want)
			}
			want := before
			if test.want == "" {
				want = slices.Sorted(slices.Values(test.members))
			} else if e, is := errors.AsType[*translators.Error](err); is && strings.Contains(e.Detail, "dc=") {
				t.Errorf("%s: the detail tells a name: %s", test.name, e.Detail)
			}
			if diff := cmp.Diff(want, named(test.group)); diff != "" {
				t.Errorf("%s:\n%s", test.name, diff)
			}
			// As it was.
			restore := goldap.NewModifyRequest(groupDN(test.group), nil)
			restore.Replace("member", before)
			if _, err := tr.pool.Modify(t.Context(), restore); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestTooManyNestedGroups: a list that can't be finished is an error, not a
// shorter list.
func TestTooManyNestedGroups(t *testing.T) {
	people, logins := manyPeople(1)
	var groups strings.Builder
	var chain []string
	for i := range groupsWithin + 2 {
		name := fmt.Sprintf("g%04d", i)
		chain = append(chain, groupDN(name))
		groups.WriteString(groupEntry(name, logins[0]))
	}
	onBoth(t, people+groups.String()+groupEntry("wide", chain...)+groupEntry("just", chain[:groupsWithin]...), flatBlock, func(t *testing.T, tr *Translator) {
		names, ids := whoIs(t, tr)
		if got, err := membersShown(t, tr, ids["wide"], names); translators.KindOf(err) != translators.TooMany {
			t.Errorf("more than %d groups: %q, %v", groupsWithin, got, err)
		}
		if got, err := membersShown(t, tr, ids["just"], names); err != nil || len(got) != 1 {
			t.Errorf("%d groups: %q, %v", groupsWithin, got, err)
		}
		if _, err := changeMembers(t, tr, ids["wide"], &scim.MemberChange{ReplaceAll: true, Add: []string{ids[logins[0]]}}); translators.KindOf(err) != translators.TooMany {
			t.Errorf("replacing the members: %v", err)
		}
	})
}

// TestWhatNestingCosts counts searches: none more where nothing is configured, and
// one for each level and each group where it is.
func TestWhatNestingCosts(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true, LDIF: nest()})
	proxy := slapd.NewProxy(t, server.Addr())
	var requests atomic.Int64
	proxy.OnRequest(func(int) slapd.Action { requests.Add(1); return slapd.Forward })
	tests := []struct {
		name, block string
		costs       map[string]int64
	}{
		{"shown", groupsBlock, map[string]int64{
			"read p00003": 1, "read top": 3, "remove p00000 top": 2, "list": 1}},
		// p00003: its groups, those above, and once more above those.
		// top: itself, and for each of three groups its people and groups, of
		// whom there are two bases.
		{"flattened", flatBlock, map[string]int64{
			"read p00003": 5, "read top": 9, "remove p00000 top": 4, "list": 5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword, usersBlock, test.block)
			names, ids := whoIs(t, tr)
			do := map[string]func(){
				"read p00003": func() { groupsShown(t, tr, ids["p00003"], names) },
				"read top": func() {
					if _, err := membersShown(t, tr, ids["top"], names); err != nil {
						t.Error(err)
					}
				},
				"remove p00000 top": func() {
					if _, err := changeMembers(t, tr, ids["top"], &scim.MemberChange{Remove: []string{ids["p00000"]}}); err != nil {
						t.Error(err)
					}
				},
				"list": func() {
					if _, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{ids["p00003"], ids["p00004"], ids["p00005"]}, whole); err != nil {
						t.Error(err)
					}
				},
			}
			for _, what := range slices.Sorted(maps.Keys(do)) {
				do[what]() // once, so that names are known
				requests.Store(0)
				do[what]()
				if got := requests.Load(); got > test.costs[what] {
					t.Errorf("%s took %d requests, want %d at most", what, got, test.costs[what])
				}
			}
		})
	}
}

// TestAFaultWhileFlatteningIsNoEnd is rule 1 of DESIGN §4: whatever gets lost on
// the way, nobody is left out silently.
func TestAFaultWhileFlatteningIsNoEnd(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true, LDIF: nest()})
	proxy := slapd.NewProxy(t, server.Addr())
	bind := "bind " + server.ServiceDN + " " + server.ServicePassword + "\nconnections {\nrequest_timeout 300ms\n}"
	tr := configure(t, proxy.URL(), bind, usersBlock, flatBlock)
	names, ids := whoIs(t, tr)
	isCut := true
	for lost := int64(1); isCut; lost++ {
		var seen atomic.Int64
		proxy.OnResponse(func(operation int) slapd.Action {
			if operation == goldap.ApplicationSearchResultDone && seen.Add(1) >= lost {
				return slapd.Drop
			}
			return slapd.Forward
		})
		entries, err := tr.Read(t.Context(), tr.groups.served.ResourceType, []string{ids["top"]}, translators.Selection{Members: true})
		var shown []string
		if err == nil {
			for m, fault := range entries[0].Members {
				if err = fault; err != nil {
					break
				}
				shown = append(shown, names[m.ID])
			}
		}
		isCut = seen.Load() >= lost
		switch {
		case isCut && translators.KindOf(err) != translators.Unavailable:
			t.Errorf("without answer %d: %q, %v", lost, shown, err)
		case !isCut && (err != nil || len(shown) != 4):
			t.Errorf("with all answers: %q, %v", shown, err)
		}
		proxy.OnResponse(nil)
	}
}

// TestConformanceFlattened runs the suite with groups that are flattened.
func TestConformanceFlattened(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true})
	tr := unprovisioned(t, server.URL()+" {\nbind "+server.ServiceDN+" "+server.ServicePassword+"\npassword_policy "+slapd.DefaultPolicy+"\npage_size 100\n",
		conformingUsers, strings.Replace(conformingGroups, "delete remove", "delete remove\n\t\tnested flatten", 1))
	d := &conformingDirectory{tr: tr, dialAdmin: server.DialAdmin, stop: server.Kill, start: server.Restart}
	d.run(t, func(b *conformance.Backend) { b.NestedGroups = false })
}
