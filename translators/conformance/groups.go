package conformance

import (
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

func (h *host) group(members ...string) string {
	h.Helper()
	return h.create(h.minimal(h.groups), members...)
}

// hasMembers fails unless the group has exactly these.
func (h *host) hasMembers(when, group string, want ...string) {
	h.Helper()
	s := h.read(h.groups, group)
	h.sameIDs(when, s.memberIDs(), want)
	for _, m := range s.members {
		if m.Type != "" && m.Type != "User" && !h.NestedGroups {
			h.Errorf("%s: the type of the member %s is %q", when, m.ID, m.Type)
		}
	}
}

// testMembers: members come and go, and it does not matter how often it is said.
func testMembers(h *host) {
	u := h.usersOf(5)
	group, other := h.group(), h.group(u[4])
	h.hasMembers("a group that was created empty", group)
	h.hasMembers("a group that was created with a member", other, u[4])
	h.setMembers(group, scim.MemberChange{Add: u[:1]})
	h.hasMembers("after the first was added", group, u[0])
	h.setMembers(group, scim.MemberChange{Add: u[:3]})
	h.hasMembers("after adding one who is there and two who are not", group, u[:3]...)
	h.setMembers(group, scim.MemberChange{Remove: u[2:4]})
	h.hasMembers("after removing one who is there and one who is not", group, u[:2]...)
	h.setMembers(group, scim.MemberChange{Remove: []string{u[4]}})
	h.hasMembers("after removing one who is not there", group, u[:2]...)
	h.setMembers(group, scim.MemberChange{Add: []string{u[3], u[1]}, Remove: []string{u[0], u[2]}})
	h.hasMembers("after both at once", group, u[1], u[3])

	name := nameAttribute(h.groups)
	renamed := uniqueName()
	h.update(h.groups, group, []scim.Change{h.change(h.groups, scim.Replace, name.Name, scim.String(renamed))}, &scim.MemberChange{Add: u[:1]})
	h.hasMembers("after a new name and a new member", group, u[0], u[1], u[3])
	if got := h.read(h.groups, group).Get(name).Text(); got != renamed {
		h.Errorf("the group is called %q, want %q", got, renamed)
	}
	h.hasMembers("the other group", other, u[4])

	found, _ := h.search(h.groups, "members eq "+quoted(u[1]), 5)
	h.sameIDs("searching by a member", found, []string{group})
	found, _ = h.search(h.groups, "id eq "+quoted(group)+" and members.value eq "+quoted(u[4]), 5)
	h.sameIDs("searching by who is no member", found, nil)
	for _, id := range []string{"nobody", "*"} {
		found, _ = h.search(h.groups, "members eq "+quoted(id), 5)
		h.sameIDs("searching by nobody", found, nil)
	}
}

// testLastMember: a group may become empty and be filled again.
func testLastMember(h *host) {
	u := h.usersOf(2)
	group := h.group()
	for range 2 {
		h.setMembers(group, scim.MemberChange{Add: u})
		h.hasMembers("filled", group, u...)
		h.setMembers(group, scim.MemberChange{Remove: u[:1]})
		h.setMembers(group, scim.MemberChange{Remove: u[1:]})
		h.hasMembers("after the last one left", group)
	}
	h.setMembers(group, scim.MemberChange{Add: u})
	h.setMembers(group, scim.MemberChange{Remove: u})
	h.hasMembers("after all left at once", group)
	h.setMembers(group, scim.MemberChange{Add: u})
	h.setMembers(group, scim.MemberChange{ReplaceAll: true})
	h.hasMembers("after all were replaced by nobody", group)
	h.setMembers(group, scim.MemberChange{Add: u[:1]})
	h.setMembers(group, scim.MemberChange{Add: u[1:], Remove: u[:1]})
	h.hasMembers("after the last one was replaced", group, u[1])
}

// testReplaceMembers: a full list becomes the members, by sending what differs.
func testReplaceMembers(h *host) {
	u := h.usersOf(h.Many)
	group := h.group()
	all := h.setMembers(group, scim.MemberChange{ReplaceAll: true, Add: u[1:]})
	h.hasMembers("after a first list", group, u[1:]...)
	next := append(slices.Clone(u[:1]), u[2:]...)
	one := h.setMembers(group, scim.MemberChange{ReplaceAll: true, Add: next})
	h.hasMembers("after a list with one other", group, next...)
	h.isMuchLess("replacing one of many", one, all)
	o, err := h.tryUpdate(h.groups, group, nil, &scim.MemberChange{ReplaceAll: true, Add: next})
	if err != nil {
		h.Fatal(err)
	}
	h.isMuchLess("replacing all by the same", o, all)
	h.setMembers(group, scim.MemberChange{ReplaceAll: true, Add: u[:2]})
	h.hasMembers("after a list of two", group, u[:2]...)
}

// isMuchLess fails when what a change sends grows with the group (DESIGN §4
// rule 5). What is little in any case, because a hundred ids fit into a line, tells
// nothing.
func (h *host) isMuchLess(what string, small, large outcome) {
	h.Helper()
	if s, l := planLength(small.plan), planLength(large.plan); s*4 > l && max(s, l) > 1000 {
		h.Errorf("%s sends %d bytes, sending all takes %d", what, s, l)
	}
}

func planLength(p *translators.Plan) int {
	n := 0
	for _, c := range p.Calls {
		n += len(c.String())
	}
	return n
}

// testManyMembers: thousands in one request, one more among thousands.
func testManyMembers(h *host) {
	u := h.usersOf(h.Members + 1)
	group := h.group()
	all, err := h.tryUpdate(h.groups, group, nil, &scim.MemberChange{Add: u[1:]})
	if err != nil {
		h.Fatal(err)
	}
	h.hasMembers("after adding many", group, u[1:]...)
	one := h.setMembers(group, scim.MemberChange{Add: u[:1]})
	h.isMuchLess("adding one to many", one, all)
	h.hasMembers("after adding one more", group, u...)
	one = h.setMembers(group, scim.MemberChange{Remove: u[:1]})
	h.isMuchLess("removing one of many", one, all)
	half := len(u) / 2
	if _, err := h.tryUpdate(h.groups, group, nil, &scim.MemberChange{Remove: u[half:]}); err != nil {
		h.Fatal(err)
	}
	h.hasMembers("after removing half of them", group, u[1:half]...)
	found, _ := h.search(h.groups, "members eq "+quoted(u[1]), 5)
	h.sameIDs("searching a large group by a member", found, []string{group})
}

// testUnknownMembers: nobody can't be added, and can be removed: the one who was
// meant may have been deleted.
func testUnknownMembers(h *host) {
	u := h.usersOf(2)
	group := h.group(u[0])
	for _, nobody := range []string{"nobody", "00000000-0000-4000-8000-000000000000", "*", group + "x"} {
		_, err := h.tryUpdate(h.groups, group, nil, &scim.MemberChange{Add: []string{u[1], nobody}})
		h.wantKind("adding nobody", err, translators.Invalid)
		h.hasMembers("after adding nobody", group, u[0])
		_, err = h.tryCreate(h.minimal(h.groups), u[1], nobody)
		h.wantKind("creating a group with nobody", err, translators.Invalid)
		h.setMembers(group, scim.MemberChange{Remove: []string{nobody}})
		h.hasMembers("after removing nobody", group, u[0])
	}
}

// testDeletedMember: one who is deleted is no member any more, not even the last
// one.
func testDeletedMember(h *host) {
	u := h.usersOf(3)
	several, sole := h.group(u...), h.group(u[0])
	h.delete(h.users, u[0])
	h.hasMembers("after one of them was deleted", several, u[1], u[2])
	h.hasMembers("after the only one was deleted", sole)
	// Their groups go on as before.
	h.setMembers(sole, scim.MemberChange{Add: u[1:2]})
	h.setMembers(several, scim.MemberChange{Remove: []string{u[0], u[1]}})
	h.hasMembers("a group that was empty", sole, u[1])
	h.hasMembers("a group that lost one", several, u[2])
	// And one who takes the name does not inherit the membership.
	r := h.minimal(h.users)
	id := h.create(r)
	h.setMembers(several, scim.MemberChange{Add: []string{id}})
	h.delete(h.users, id)
	h.create(r)
	h.hasMembers("after another took the name", several, u[2])
}

// testRenamedMember: one who is called otherwise stays a member.
func testRenamedMember(h *host) {
	u := h.usersOf(2)
	group, sole := h.group(u...), h.group(u[0])
	h.set(h.users, u[0], "userName", scim.String(uniqueName()))
	h.hasMembers("after one was renamed", group, u...)
	h.hasMembers("after the only one was renamed", sole, u[0])
	h.setMembers(group, scim.MemberChange{Remove: u[:1]})
	h.setMembers(sole, scim.MemberChange{Add: u})
	h.hasMembers("after the renamed one left", group, u[1])
	h.hasMembers("after the renamed one was added again", sole, u...)
}

// testNestedGroups: groups are members like users.
func testNestedGroups(h *host) {
	user, inner := h.user(), h.group()
	outer := h.group(inner, user)
	s := h.read(h.groups, outer)
	h.sameIDs("a group in a group", s.memberIDs(), []string{inner, user})
	for _, m := range s.members {
		want := "User"
		if m.ID == inner {
			want = "Group"
		}
		if m.Type != "" && m.Type != want {
			h.Errorf("the type of the member %s is %q, want %s", m.ID, m.Type, want)
		}
	}
	h.setMembers(outer, scim.MemberChange{Remove: []string{inner}})
	h.hasMembers("after the inner group left", outer, user)
}

// testUserGroups: a user's groups are those that he is a member of.
func testUserGroups(h *host) {
	user := h.user()
	attribute := h.users.Attribute("groups")
	groupsOf := func() []string {
		var ids []string
		for _, item := range h.read(h.users, user).Get(attribute).Items() {
			ids = append(ids, item.SubNamed("value").Text())
		}
		return ids
	}
	h.sameIDs("the groups of a new user", groupsOf(), nil)
	one, two := h.group(user), h.group(h.user())
	h.sameIDs("after the first", groupsOf(), []string{one})
	h.setMembers(two, scim.MemberChange{Add: []string{user}})
	h.sameIDs("after the second", groupsOf(), []string{one, two})
	renamed := strings.ToUpper(uniqueName())
	h.set(h.groups, two, nameAttribute(h.groups).Name, scim.String(renamed))
	h.sameIDs("after the second was renamed", groupsOf(), []string{one, two})
	for _, item := range h.read(h.users, user).Get(attribute).Items() {
		display := item.SubNamed("display")
		if item.SubNamed("value").Text() == two && !display.IsAbsent() && display.Text() != renamed {
			h.Errorf("the group is shown as %s, and is called %q", show(display), renamed)
		}
	}
	h.setMembers(one, scim.MemberChange{Remove: []string{user}})
	h.sameIDs("after leaving the first", groupsOf(), []string{two})
	if h.groups.Delete == translators.DeleteRemove {
		h.delete(h.groups, two)
		h.sameIDs("after the second was deleted", groupsOf(), nil)
	}
}
