package ldap

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/slapd"
)

// A person who is older than the gateway lacks the classes of new entries. The
// class is added with the first attribute that needs it, and not before.
func TestClassesAreAddedWhenNeeded(t *testing.T) {
	users := strings.Replace(usersBlock, "object_class inetOrgPerson", "object_class inetOrgPerson domainRelatedObject", 1)
	users = strings.Replace(users, "map title title", "map title title\n\t\tmap nickName associatedDomain", 1)
	tr, _ := serve(t, slapd.Options{NoSync: true,
		LDIF: "dn: uid=old,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: old\ncn: Old\nsn: Old\n"}, users, groupsBlock)
	id := idOf(t, tr, tr.users, `userName eq "old"`)
	classes := func() []string {
		t.Helper()
		found, err := tr.readByID(t.Context(), tr.users, id, []string{tr.profile.id, objectClass})
		if err != nil || found == nil {
			t.Fatalf("reading the classes: %v", err)
		}
		names := slices.Clone(attributeValues(found, objectClass))
		slices.Sort(names)
		return names
	}
	change := func(v values) string {
		t.Helper()
		in := updating(t, tr.users, read(t, tr, tr.users, id), v)
		plan := planOf(t, tr, in)
		mustCarryOut(t, tr, in)
		return plan.Calls[0].String()
	}
	const said = "# with objectClass domainRelatedObject added, if the classes of the entry do not allow this\n"

	if text := change(values{"title": "Elder"}); !strings.Contains(text, said) {
		t.Errorf("the plan does not say what may be added:\n%s", text)
	}
	if diff := cmp.Diff([]string{"inetOrgPerson"}, classes()); diff != "" {
		t.Errorf("after a change that the entry's own class allows: (-want +got)\n%s", diff)
	}
	if text := change(values{"title": "Senior"}); strings.Contains(text, said) {
		t.Errorf("the plan speaks of classes for an attribute that is there already:\n%s", text)
	}
	change(values{"nickName": "old.example.com", "title": "Eldest"})
	if diff := cmp.Diff([]string{"domainRelatedObject", "inetOrgPerson"}, classes()); diff != "" {
		t.Errorf("after a change that needs the class: (-want +got)\n%s", diff)
	}
	r := read(t, tr, tr.users, id).Resource
	for name, want := range map[string]string{"nickName": "old.example.com", "title": "Eldest"} {
		if got := r.Get(tr.users.served.Attribute(name)).Text(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if text := change(values{"displayName": "O"}); strings.Contains(text, said) {
		t.Errorf("the plan speaks of classes that the entry has:\n%s", text)
	}
}
