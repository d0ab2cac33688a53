package ldap

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators"
)

// deviceBlock is a type of its own; DEVICES is where its entries are.
const deviceBlock = `
	schema urn:example:params:scim:schemas:core:2.0:Device {
		attribute displayName {
			required
		}
		attribute owner complex {
			attribute value
			attribute $ref reference {
				reference_types User
			}
		}
	}
	resource Device {
		endpoint /Devices
		schema urn:example:params:scim:schemas:core:2.0:Device
		DEVICES
		rdn cn
		delete remove
		map displayName cn
		map owner.value owner {
			reference
		}
	}`

// TestTypesAreApart checks that the check tells of entries that are resources of
// two types: a rule about one of the types would be passed by through the other.
func TestTypesAreApart(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true})
	server.Add(t, "dn: "+dnOf("ada")+"\nobjectClass: inetOrgPerson\nuid: ada\ncn: ada\nsn: ada\n\n"+
		"dn: ou=research,"+slapd.People+"\nobjectClass: organizationalUnit\nou: research\n\n"+
		"dn: uid=bob,ou=research,"+slapd.People+"\nobjectClass: inetOrgPerson\nuid: bob\ncn: bob\nsn: bob\nobjectClass: uidObject\n")
	oneLevel := strings.Replace(usersBlock, "base ou=people", "scope one\nbase ou=people", 1)
	for _, test := range []struct{ users, devices, want string }{
		{usersBlock, "base ou=people,dc=example,dc=com\nobject_class device", ""},
		{usersBlock, "base ou=people,dc=example,dc=com\nobject_class person", "is both a User and a Device"},
		{usersBlock, "base dc=example,dc=com\nobject_class person", "is both a User and a Device"},
		{usersBlock, "base dc=example,dc=com\nscope one\nobject_class person", ""},
		{usersBlock, "base ou=research,ou=people,dc=example,dc=com\nobject_class uidObject", "uid=bob,ou=research"},
		{usersBlock, "base ou=people,dc=example,dc=com\nscope one\nobject_class uidObject", ""},
		{oneLevel, "base ou=people,dc=example,dc=com\nobject_class uidObject", ""},
		{oneLevel, "base ou=people,dc=example,dc=com\nobject_class person", "uid=ada,ou=people"},
		{oneLevel, "base ou=research,ou=people,dc=example,dc=com\nobject_class uidObject", ""},
	} {
		tr := configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword,
			test.users, groupsBlock, strings.Replace(deviceBlock, "DEVICES", test.devices, 1))
		found := ""
		for _, f := range tr.Check(t.Context()) {
			if strings.Contains(f.Detail, "is both a") {
				found = f.Detail
				if f.Level != translators.LevelWarning {
					t.Errorf("%s is a %s", f.Detail, f.Level)
				}
			}
		}
		if (found != "") != (test.want != "") || !strings.Contains(found, test.want) {
			t.Errorf("%s: found %q, want %q", test.devices, found, test.want)
		}
	}
}

// TestAnIDIsOfOneEntry checks that where an attribute was taken for the id that two
// entries share, neither of them is read or changed.
func TestAnIDIsOfOneEntry(t *testing.T) {
	head := "directory generic {\nid employeeNumber\n}\n"
	block := strings.Replace(users(t, byAttribute), "map externalId employeeNumber", "", 1)
	server := slapd.Start(t, slapd.Options{NoSync: true})
	for _, login := range []string{"ada", "bob"} {
		server.Add(t, "dn: "+dnOf(login)+"\nobjectClass: inetOrgPerson\nuid: "+login+"\ncn: x\nsn: x\nemployeeNumber: 7\n")
	}
	tr := configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\n"+head, block, groupsBlock)
	if got, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{"7"}, whole); translators.KindOf(err) != translators.Unavailable {
		t.Errorf("reading: %d entries, %v", len(got), err)
	}
	for _, e := range find(t, tr, tr.users, "").Entries {
		in := updating(t, tr.users, e, values{"active": "false"})
		if plan, err := tr.Plan(t.Context(), in); err == nil {
			report := translators.Execute(t.Context(), plan)
			if proof := tr.Prove(t.Context(), plan, report); proof.Status == translators.Proven {
				t.Errorf("disabling was proven")
			}
			if report.Outcome == translators.Applied && stored(t, server, "(uid="+e.Resource.Get(e.Resource.Type.Attribute("userName")).Text()+")").GetAttributeValue("employeeType") != "gone" {
				t.Error("another than the one who is meant was changed")
			}
		}
	}
	// In one list they can be told by their names alone.
	if got := names(tr.users, find(t, tr, tr.users, "").Entries); len(got) != 2 {
		t.Errorf("there are %q", got)
	}
}

// TestAReferenceToSomebodyWhoGoes checks what an entry shows, and keeps, of an
// owner who is renamed and removed.
func TestAReferenceToSomebodyWhoGoes(t *testing.T) {
	for name, options := range map[string]slapd.Options{"refint": {}, "no refint": {NoRefint: true}} {
		t.Run(name, func(t *testing.T) {
			options.NoSync = true
			server := slapd.Start(t, options)
			remove := strings.Replace(usersBlock, "delete disable", "delete remove", 1)
			tr := configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword, remove, groupsBlock,
				strings.Replace(deviceBlock, "DEVICES", "base ou=groups,dc=example,dc=com\nobject_class device", 1))
			devices := tr.kinds[len(tr.kinds)-1]
			ada, bob := add(t, tr, tr.users, person("ada")), add(t, tr, tr.users, person("bob"))
			id := add(t, tr, devices, values{"displayName": "printer", "owner.value": ada})
			owner := func() string {
				e := read(t, tr, devices, id)
				return show(e.Resource.Get(e.Resource.Type.Attribute("owner")))
			}
			if got := owner(); !strings.Contains(got, ada) {
				t.Fatalf("the owner is %s", got)
			}
			change(t, tr, tr.users, ada, values{"userName": "countess"})
			wait(t, "the owner who was renamed", func() bool { return strings.Contains(owner(), ada) })
			mustCarryOut(t, tr, translators.Intent{Action: "delete", Type: tr.users.served.ResourceType, ID: ada, Before: read(t, tr, tr.users, ada)})
			if got := owner(); got != "" {
				t.Errorf("the owner who was removed is %q", got)
			}
			if got := find(t, tr, devices, `owner.value eq "`+ada+`"`).Entries; len(got) != 0 {
				t.Errorf("owner eq finds %d", len(got))
			}
			change(t, tr, devices, id, values{"displayName": "plotter"})
			change(t, tr, devices, id, values{"owner.value": bob})
			if got := owner(); !strings.Contains(got, bob) {
				t.Errorf("the owner is %s", got)
			}
			// Somebody else of the same name is no owner.
			add(t, tr, tr.users, person("ada"))
			if got := owner(); !strings.Contains(got, bob) {
				t.Errorf("the owner is %s", got)
			}
		})
	}
}
