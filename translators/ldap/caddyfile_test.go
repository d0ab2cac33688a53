package ldap

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/translators/trust"
)

func TestCaddyfile(t *testing.T) {
	const text = `ldap ldaps://dir1.example.com ldaps://dir2.example.com {
		directory openldap
		bind cn=scim,ou=services,dc=example,dc=com {file./run/secrets/ldap}
		starttls
		tls_ca /etc/ssl/a.pem /etc/ssl/b.pem
		tls_server_name dir.example.com
		tls_insecure_skip_verify
		connections {
			shared 3
			in_flight 32
			exclusive 5
			dial_timeout 1s
			request_timeout 2s
			max_age 1d
		}
		password_policy cn=default,ou=policies,dc=example,dc=com
		candidates 50
		page_size -1
		users {
			base ou=people,dc=example,dc=com
			scope sub
			filter (objectClass=person)
			create_in ou=active,ou=people,dc=example,dc=com
			object_class inetOrgPerson posixAccount
			rdn uid
			constant loginShell /bin/bash
			constant description one two
			disable password_policy
			disable attribute employeeType gone here
			disable attribute shadowExpire 1
			disable move ou=disabled,ou=people,dc=example,dc=com
			delete disable
			map userName uid
			map ` + "`emails[type eq \"work\"].value`" + ` mail
			map groups memberOf
		}
		groups {
			base ou=groups,dc=example,dc=com
			object_class groupOfNames
			rdn cn
			placeholder cn=nobody,dc=example,dc=com
			nested flatten
			delete refuse
			map displayName cn {
				required
			}
			map members member
		}
	}`
	const want = `{
	"servers": ["ldaps://dir1.example.com", "ldaps://dir2.example.com"],
	"directory": "openldap",
	"bind_dn": "cn=scim,ou=services,dc=example,dc=com",
	"bind_password": "{file./run/secrets/ldap}",
	"tls": {"starttls": true, "ca_files": ["/etc/ssl/a.pem", "/etc/ssl/b.pem"], "server_name": "dir.example.com", "insecure_skip_verify": true},
	"connections": {"shared": 3, "in_flight": 32, "exclusive": 5, "dial_timeout": 1000000000, "request_timeout": 2000000000, "max_age": 86400000000000},
	"password_policy": "cn=default,ou=policies,dc=example,dc=com",
	"candidates": 50,
	"page_size": -1,
	"users": {
		"base": "ou=people,dc=example,dc=com", "scope": "sub", "filter": "(objectClass=person)", "create_in": "ou=active,ou=people,dc=example,dc=com",
		"object_classes": ["inetOrgPerson", "posixAccount"], "rdn": "uid",
		"maps": [{"path": "userName", "fields": ["uid"]}, {"path": "emails[type eq \"work\"].value", "fields": ["mail"]}, {"path": "groups", "fields": ["memberOf"]}],
		"constants": [{"attribute": "loginShell", "values": ["/bin/bash"]}, {"attribute": "description", "values": ["one", "two"]}],
		"delete": "disable",
		"disable": [{"method": "password_policy"}, {"method": "attribute", "attribute": "employeeType", "disabled": "gone", "enabled": "here"},
			{"method": "attribute", "attribute": "shadowExpire", "disabled": "1"}, {"method": "move", "container": "ou=disabled,ou=people,dc=example,dc=com"}]
	},
	"groups": {
		"base": "ou=groups,dc=example,dc=com", "object_classes": ["groupOfNames"], "rdn": "cn",
		"maps": [{"path": "displayName", "fields": ["cn"], "required": true}, {"path": "members", "fields": ["member"]}],
		"delete": "refuse", "placeholder": "cn=nobody,dc=example,dc=com", "nested": "flatten"
	}
}`
	tr := new(Translator)
	if err := tr.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
		t.Fatalf("reading: %v", err)
	}
	var wanted, got any
	encoded, err := json.Marshal(tr)
	if err != nil {
		t.Fatal(err)
	}
	for text, target := range map[string]*any{want: &wanted, string(encoded): &got} {
		if err := json.Unmarshal([]byte(text), target); err != nil {
			t.Fatalf("reading %s: %v", text, err)
		}
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCaddyfileMistakes(t *testing.T) {
	const whole = `ldap ldap://localhost {
	bind cn=a,dc=b secret
	users {
		base ou=people,dc=example,dc=com
		object_class inetOrgPerson
		rdn uid
		disable password_policy
		delete disable
		map userName uid
	}
	groups {
		base ou=groups,dc=example,dc=com
		object_class groupOfNames
		map displayName cn
		map members member
	}
}`
	if err := new(Translator).UnmarshalCaddyfile(caddyfile.NewTestDispenser(whole)); err != nil {
		t.Fatalf("without a mistake: %v", err)
	}
	for _, c := range []struct {
		name, old, replacement string
		want                   []string // parts of the error: the line and the remedy
	}{
		{"no address", "ldap ldap://localhost", "ldap", []string{":1", "needs the address"}},
		{"no LDAP address", "ldap ldap://localhost", "ldap ldap://localhost http://x", []string{":1", "the scheme must be ldap"}},
		{"a field twice", "map userName uid", "map userName uid\nmap title title\nmap nickName UID", []string{":11", "users: map nickName: the field UID is written by userName already"}},
		{"two mistakes in two lines", "map userName uid", "map userName uid\nmap title title\nmap nickName UID\nmap displayName Title", []string{"by userName already: make one of the two read_only, at Testfile:11\n", "by title already: make one of the two read_only, at Testfile:12"}},
		{"an attribute that is none", "map userName uid", "map userName uid\nmap title a)b", []string{":10", "not the name of an LDAP attribute"}},
		{"a reference to what is not served", whole[strings.Index(whole, "\t\tmap userName"):], "map userName uid\nmap urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department ou {\nreference Gadget\n}\n}\n}", []string{":10", "Gadget"}},
		{"members that are two attributes", "map members member", "map members member uniqueMember", []string{":15", "name the one LDAP attribute"}},
		{"a block for an unknown directory", "bind cn=a,dc=b secret", "directory ad {\nid x\n}", []string{":2", `"ad" is not known; use one of generic, openldap`}},
		{"an unknown word", "bind cn=a,dc=b secret", "bnid cn=a,dc=b secret", []string{":2", "there is no bnid here", "bind, starttls"}},
		{"a word twice", "bind cn=a,dc=b secret", "starttls\nstarttls", []string{":3", "starttls is given twice"}},
		{"a password missing", "bind cn=a,dc=b secret", "bind cn=a,dc=b", []string{":2", "bind <dn> <password>"}},
		{"external with a password", "bind cn=a,dc=b secret", "bind external cn=a,dc=b secret", []string{":2", "bind external [<dn>]"}},
		{"a certificate without its key", "bind cn=a,dc=b secret", "tls_certificate a.crt", []string{":2", "tls_certificate <certificate file> <key file>"}},
		{"an argument too many", "bind cn=a,dc=b secret", "starttls yes", []string{":2", "stands alone"}},
		{"an unknown directory", "bind cn=a,dc=b secret", "directory exchange", []string{":2", `"exchange" is not known; use one of generic, openldap`}},
		{"no number", "bind cn=a,dc=b secret", "candidates many", []string{":2", "candidates <number>"}},
		{"a number that can't be", "bind cn=a,dc=b secret", "page_size -2", []string{":2", "page_size <number>"}},
		{"no block", "bind cn=a,dc=b secret", "connections 5", []string{":2", "connections { shared 2 }"}},
		{"an unknown setting", "bind cn=a,dc=b secret", "connections {\nsize 5\n}", []string{":3", "there is no size here"}},
		{"no duration", "bind cn=a,dc=b secret", "connections {\ndial_timeout 5\n}", []string{":3", "dial_timeout 5 has no unit: write dial_timeout 5s for seconds"}},
		{"no base", "base ou=people,dc=example,dc=com\n", "\n", []string{":3", "users: base is missing", "such as base ou=people"}},
		{"no object class", "object_class inetOrgPerson\n", "\n", []string{":3", "object_class is missing"}},
		{"no rdn", "rdn uid\n", "\n", []string{":3", "rdn is missing"}},
		{"no delete", "delete disable\n", "\n", []string{":3", "delete is missing", "remove, disable or refuse"}},
		{"an unknown delete", "delete disable", "delete hide", []string{":8", "delete refuse"}},
		{"delete twice", "delete disable", "delete disable\ndelete remove", []string{":9", "delete is given twice"}},
		{"no userName", "map userName uid", "map title title", []string{":3", "userName is not mapped", "add map userName"}},
		{"no displayName", "map displayName cn\n", "\n", []string{":11", "displayName is not mapped"}},
		{"an unknown path", "map userName uid", "map userNme uid", []string{":9", "do you mean userName?"}},
		{"a path without backticks", "map userName uid", "map userName uid\nmap emails[type eq \"work\"].value mail", []string{":10", "backticks"}},
		{"an unknown method", "disable password_policy", "disable account", []string{":7", "disable password_policy, disable lock, disable attribute"}},
		{"a method twice", "disable password_policy", "disable password_policy\ndisable password_policy", []string{":8", "given twice"}},
		{"a method without its value", "disable password_policy", "disable attribute x", []string{":7", "<disabled>"}},
		{"an unknown scope", "rdn uid", "rdn uid\nscope base", []string{":7", "sub or one"}},
		{"disabling groups", "map members member", "disable password_policy", []string{":15", "there is no disable here"}},
		{"a placeholder for users", "rdn uid", "rdn uid\nplaceholder cn=x", []string{":7", "there is no placeholder here"}},
		{"nested users", "rdn uid", "rdn uid\nnested flatten", []string{":7", "there is no nested here"}},
		{"nested in an unknown way", "map members member", "map members member\nnested deep", []string{":16", "it is show or flatten"}},
		{"nested twice", "map members member", "nested show\nnested flatten", []string{":16", "nested"}},
		{"delete disable for groups", "map members member", "delete disable", []string{":11", "delete disable is for users"}},
		{"users twice", "groups {", "users {", []string{":11", "users is given twice"}},
		{"nothing served", whole[strings.Index(whole, "\tusers"):], "}", []string{"nothing is served"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(whole, c.old) {
				t.Fatalf("%q does not stand in the configuration", c.old)
			}
			err := new(Translator).UnmarshalCaddyfile(caddyfile.NewTestDispenser(strings.Replace(whole, c.old, c.replacement, 1)))
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

// What the grammar lets through, and JSON anyway, is found when it is provisioned.
func TestProvisionMistakes(t *testing.T) {
	whole := func() *Translator {
		tr := new(Translator)
		text := "ldap ldap://127.0.0.1:1 {\nbind cn=a,dc=b hunter2\n" + usersBlock + groupsBlock + "\n}"
		if err := tr.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
			t.Fatalf("reading: %v", err)
		}
		return tr
	}
	if err := provision(t, whole()); err != nil {
		t.Fatalf("without a mistake: %v", err)
	}
	for _, c := range []struct {
		name   string
		change func(*Translator)
		want   string
	}{
		{"no server", func(tr *Translator) { tr.Servers = nil }, "no server is named"},
		{"no LDAP address", func(tr *Translator) { tr.Servers = []string{"http://x"} }, "ldap"},
		{"an unknown directory", func(tr *Translator) { tr.Directory = "x" }, "use one of generic, openldap"},
		{"no DN", func(tr *Translator) { tr.BindDN = "scim" }, `bind "scim" is not a DN`},
		{"no password", func(tr *Translator) { tr.BindPassword = "" }, "the password is missing"},
		{"no DN for the password", func(tr *Translator) { tr.BindDN = "" }, "DN that the password belongs to"},
		{"a secret that is not there", func(tr *Translator) { tr.BindPassword = "{env.SCIMGATE_TEST_UNSET}" }, "SCIMGATE_TEST_UNSET"},
		{"no certificate", func(tr *Translator) { tr.TLS = &TLSConfig{Config: trust.Config{CAFiles: []string{"/nonexistent"}}} }, "tls_ca"},
		{"nothing served", func(tr *Translator) { tr.Users, tr.Groups = nil, nil }, "nothing is served"},
		{"negative candidates", func(tr *Translator) { tr.Candidates = -1 }, "candidates is -1"},
		{"a page size", func(tr *Translator) { tr.PageSize = -2 }, "page_size is -2"},
		{"a password policy", func(tr *Translator) { tr.PasswordPolicy = "x" }, "password_policy"},
		{"no base", func(tr *Translator) { tr.Users.Base = "" }, "users: base is missing"},
		{"a base", func(tr *Translator) { tr.Users.Base = "people" }, "is not a DN"},
		{"a scope", func(tr *Translator) { tr.Users.Scope = "base" }, "sub or one"},
		{"a filter", func(tr *Translator) { tr.Users.Filter = "person" }, "is not an LDAP filter"},
		{"an object class", func(tr *Translator) { tr.Users.ObjectClasses = []string{"a)(b"} }, "not the name of an object class"},
		{"new entries out of sight", func(tr *Translator) { tr.Users.CreateIn = "ou=x,dc=example,dc=com" }, "would not be found"},
		{"deeper than the scope", func(tr *Translator) { tr.Users.Scope, tr.Users.CreateIn = "one", "ou=x,"+tr.Users.Base }, "would not be found"},
		{"an rdn that is not mapped", func(tr *Translator) { tr.Users.RDN = "ou" }, "map userName ou"},
		{"an attribute's name", func(tr *Translator) { tr.Users.Maps[0].Fields = []string{"uid)(x=*"} }, "not the name of an LDAP attribute"},
		{"no way to disable", func(tr *Translator) { tr.Users.Disable = nil }, "delete disable needs to know how"},
		{"an unknown way", func(tr *Translator) { tr.Users.Disable[0].Method = "x" }, "unknown method"},
		{"disabled accounts out of sight", func(tr *Translator) {
			tr.Users.Disable[0] = DisableConfig{Method: DisableByMove, Container: "ou=gone,dc=example,dc=com"}
		}, "would not be found"},
		{"active mapped", func(tr *Translator) { tr.Users.Disable, tr.Users.Maps[1].Path = nil, "active" }, "disable attribute"},
		{"groups of users without groups", func(tr *Translator) { tr.Groups = nil }, "configure groups too"},
		{"two attributes for members", func(tr *Translator) { tr.Groups.Maps[2].Fields = []string{"member", "uniqueMember"} }, "name the one LDAP attribute"},
		{"members with options", func(tr *Translator) { tr.Groups.Maps[2].Required = true }, "takes no options"},
		{"a placeholder", func(tr *Translator) { tr.Groups.Placeholder = "nobody" }, "placeholder"},
		{"nested users", func(tr *Translator) { tr.Users.Nested = "flatten" }, "nested is for groups"},
		{"nested in an unknown way", func(tr *Translator) { tr.Groups.Nested = "deep" }, "nested deep is not known: it is show or flatten"},
		{"nested login names", func(tr *Translator) {
			tr.Groups.Nested, tr.Groups.Maps[2].Fields, tr.Groups.ObjectClasses = "flatten", []string{"memberUid"}, []string{"posixGroup"}
		}, "map members to member or uniqueMember"},
		{"delete of groups", func(tr *Translator) { tr.Groups.Delete = "disable" }, "delete disable is for users"},
		{"login names of nobody", func(tr *Translator) {
			tr.Users, tr.Groups.Maps[2].Fields, tr.Groups.ObjectClasses = nil, []string{"memberUid"}, []string{"posixGroup"}
		}, "users are not served"},
		{"members where the class has none", func(tr *Translator) { tr.Groups.Maps[2].Fields = []string{"memberUid"} },
			"map members memberUid: entries of the class groupOfNames hold their members in member: map members member, or choose object_class posixGroup"},
		{"members of another class", func(tr *Translator) {
			tr.Groups.Maps[2].Fields, tr.Groups.ObjectClasses = []string{"UniqueMember"}, []string{"top", "GroupOfNames"}
		}, "or choose object_class groupOfUniqueNames"},
		{"names where the class has logins", func(tr *Translator) { tr.Groups.ObjectClasses = []string{"posixGroup"} }, "map members memberUid"},
		{"login names where the class has names", func(tr *Translator) {
			tr.Groups.Maps[2].Fields, tr.Groups.ObjectClasses = []string{"memberUid"}, []string{"groupOfUniqueNames", "scimGroup"}
		}, "map members uniqueMember"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := whole()
			c.change(tr)
			err := provision(t, tr)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want it to say %q", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q tells the password", err)
			}
		})
	}
}

// A class that is not known may allow any attribute, and one of several is enough.
func TestMemberAttributesOfClasses(t *testing.T) {
	for _, c := range []struct {
		field       string
		classes     string
		needsMember bool
	}{
		{"member", "groupOfNames", true},
		{"MEMBER", "top GROUPOFNAMES", true},
		{"uniqueMember", "groupOfUniqueNames scimGroup", true},
		{"memberUid", "posixGroup", false},
		{"member", "groupOfNames posixGroup", true},
		{"memberUid", "groupOfNames posixGroup", false},
		{"memberUid", "groupOfNames ourGroup", false},
		{"roleOccupant", "organizationalRole", false},
	} {
		groups := strings.NewReplacer("groupOfNames", c.classes, "map members member", "map members "+c.field).Replace(groupsBlock)
		tr := configure(t, "", "", usersBlock, groups)
		if tr.groups.needsMember != c.needsMember {
			t.Errorf("%s in %s: a member is demanded: %t", c.field, c.classes, tr.groups.needsMember)
		}
	}
}
