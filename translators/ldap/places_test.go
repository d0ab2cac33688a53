package ldap

import (
	"slices"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// TestRememberedGroup holds that the name of a group from an earlier request is
// never more than a write target under guard: whatever has come to stand under
// it meanwhile is left alone.
func TestRememberedGroup(t *testing.T) {
	tr, server := serve(t, slapd.Options{NoSync: true}, usersBlock, groupsBlock)
	ada, bob := add(t, tr, tr.users, person("ada")), add(t, tr, tr.users, person("bob"))
	id := add(t, tr, tr.groups, values{"displayName": "g"})
	admin := server.Admin(t)
	include := func(member string) (translators.Report, error) {
		return changeMembers(t, tr, id, &scim.MemberChange{Add: []string{member}})
	}
	if _, err := include(ada); err != nil {
		t.Fatal(err)
	}

	plan := planOf(t, tr, translators.Intent{Action: scim.ActionUpdate, Type: tr.groups.served.ResourceType, ID: id, Members: &scim.MemberChange{Add: []string{bob}}})
	if c, ok := plan.Calls[0].(*modifyCall); !ok || !c.remembered {
		t.Fatalf("the second request looks the group up again: %+v", plan.Calls[0])
	}

	rename := func(from, to string) {
		t.Helper()
		if err := admin.ModifyDN(goldap.NewModifyDNRequest("cn="+from+","+slapd.Groups, "cn="+to, true, "")); err != nil {
			t.Fatal(err)
		}
	}
	rename("g", "moved")
	server.Add(t, "dn: cn=g,"+slapd.Groups+"\nobjectClass: groupOfNames\ncn: g\nmember:\n")
	if _, err := include(bob); err != nil {
		t.Fatal(err)
	}
	if got := membersIn(t, server, "moved"); !slices.Contains(got, dnOf("bob")) {
		t.Errorf("the group that was renamed has the members %q", got)
	}
	if got := membersIn(t, server, "g"); slices.Contains(got, dnOf("bob")) {
		t.Errorf("the group that took the name has the members %q", got)
	}

	// Something that is no group of ours takes the name.
	rename("moved", "moved-again")
	server.Add(t, "dn: cn=moved,"+slapd.Groups+"\nobjectClass: groupOfUniqueNames\nobjectClass: extensibleObject\ncn: moved\nuniqueMember:\n")
	carl := add(t, tr, tr.users, person("carl"))
	if _, err := include(carl); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, server, "(cn=moved)", "member").GetAttributeValues("member"); len(got) > 0 {
		t.Errorf("what is no group was given the members %q", got)
	}
	if got := membersIn(t, server, "moved-again"); !slices.Contains(got, dnOf("carl")) {
		t.Errorf("the group has the members %q", got)
	}

	if err := admin.Del(goldap.NewDelRequest("cn=moved-again,"+slapd.Groups, nil)); err != nil {
		t.Fatal(err)
	}
	if report, err := include(ada); translators.KindOf(err) != translators.NotFound && translators.KindOf(report.Err) != translators.NotFound {
		t.Errorf("the group is gone, and the report is %+v, %v", report, err)
	}
}
