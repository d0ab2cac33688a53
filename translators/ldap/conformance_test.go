package ldap

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/directory"
	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators/conformance"
)

// The mapping of the suite: everything that inetOrgPerson has a place for.
const (
	conformingUsers = `
	users {
		base ou=people,dc=example,dc=com
		object_class inetOrgPerson
		rdn uid
		disable password_policy
		delete remove
		map userName uid
		map externalId employeeNumber
		map name.familyName sn {
			required
			default_from userName
		}
		map name.formatted cn {
			required
			default_from displayName userName
		}
		map name.givenName givenName
		map displayName displayName
		map title title
		map userType employeeType {
			one_of Employee Contractor Intern
		}
		map preferredLanguage preferredLanguage
		map ` + "`emails[type eq \"work\"].value`" + ` mail
		map ` + "`emails[type eq \"work\"].primary`" + ` {
			constant true
		}
		map ` + "`phoneNumbers[type eq \"work\"].value`" + ` telephoneNumber
		map ` + "`phoneNumbers[type eq \"mobile\"].value`" + ` mobile {
			private
		}
		map ` + "`addresses[type eq \"work\"].streetAddress`" + ` street {
			private
		}
		map ` + "`addresses[type eq \"work\"].locality`" + ` l
		map ` + "`addresses[type eq \"work\"].postalCode`" + ` postalCode
		map ` + "`addresses[type eq \"work\"].formatted`" + ` postalAddress {
			postal_address
		}
		map password userPassword
		map urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department departmentNumber
		map urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value manager {
			reference
		}
		map groups memberOf
	}`
	conformingGroups = `
	groups {
		base ou=groups,dc=example,dc=com
		object_class groupOfNames
		delete remove
		map displayName cn
		map externalId description
		map members member
	}`
	// An extension with something of everything, on attributes that compare as SCIM
	// does and on some that do not, and a type of its own.
	conformingOwn = `
	schema urn:example:params:scim:schemas:extension:hr:2.0:User {
		extends User
		attribute badge {
			case_exact
			uniqueness server
		}
		attribute page
		attribute sites {
			multi_valued
		}
		attribute since dateTime
		attribute level integer
		attribute share decimal
		attribute remote boolean
		attribute clearance complex {
			multi_valued
			attribute value {
				required
			}
			attribute level integer
			attribute tags {
				multi_valued
			}
		}
	}
	schema urn:example:params:scim:schemas:core:2.0:Device {
		attribute displayName {
			required
			uniqueness server
		}
		attribute serial {
			case_exact
		}
		attribute sites {
			multi_valued
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
		base ou=devices,ou=groups,dc=example,dc=com
		object_class device
		rdn cn
		delete remove
		map displayName cn
		map externalId description
		map serial serialNumber
		map sites l
		map owner.value owner {
			reference
		}
	}`
)

// conformingExtension are the maps of the extension.
var conformingExtension = strings.ReplaceAll(`
		map HRbadge roomNumber
		map HRpage labeledURI
		map HRsites carLicense
		map HRsince o {
			timestamp
		}
		map HRlevel initials
		map HRshare pager
		map HRremote homePostalAddress
		map HRclearance description {
			json
		}
	}`, "HR", "urn:example:params:scim:schemas:extension:hr:2.0:User:")

// TestConformance runs the suite that every translator passes against a real
// OpenLDAP, over TLS and with an account of limited rights.
func TestConformance(t *testing.T) {
	// As if nothing were known of the server, and it could nothing.
	const unknown = "directory generic {\n%s\nlock pwdAccountLockedTime 000001010000Z\n%s\n}\n"
	const bare = "assertion off\npost_read off\npaging off\nserver_sort off"
	byLock := strings.Replace(conformingUsers, "disable password_policy", "disable lock", 1)
	for _, c := range []struct {
		name          string
		options       slapd.Options
		head          string
		users, groups string
		adapt         func(*conformance.Backend)
		manner        func(operation int, message []byte) []byte // how it answers; nil for slapd's
	}{
		{name: "generic, a locked account is told otherwise", manner: inactivating,
			head: fmt.Sprintf(unknown, "id entryUUID uuid\nversion entryCSN", "lock_tells 53 \"account inactivated\""), users: byLock, groups: conformingGroups},
		{name: "generic, controls detected", head: fmt.Sprintf(unknown, "id entryUUID uuid\nversion entryCSN", ""), users: byLock, groups: conformingGroups},
		{name: "generic, without controls", head: fmt.Sprintf(unknown, "id entryUUID uuid\nversion entryCSN", bare), users: byLock, groups: conformingGroups,
			adapt: func(b *conformance.Backend) { b.ComparesFirst = true }},
		{name: "generic, without controls, versions and times", head: fmt.Sprintf(unknown, "id entryUUID\ncreated off\nmodified off", bare), users: byLock, groups: conformingGroups},
		{name: "generic, the locks are not told", options: slapd.Options{NoUseLockout: true},
			head: fmt.Sprintf(unknown, "id entryUUID uuid\nversion entryCSN", bare), users: byLock, groups: conformingGroups,
			adapt: func(b *conformance.Backend) { b.Unprovable, b.ComparesFirst, b.Defeat = true, true, nil }},
		{name: "password policy, groupOfNames", options: slapd.Options{Sorting: true}, users: conformingUsers, groups: conformingGroups,
			adapt: func(b *conformance.Backend) { b.Sorts = sortable }},
		{
			name: "password policy, groupOfNames, schemas of one's own", options: slapd.Options{LDIF: deviceContainer},
			users:  strings.TrimSuffix(conformingUsers, "\n\t}") + conformingExtension,
			groups: conformingGroups + conformingOwn,
		},
		{
			name:   "attribute and container, groupOfUniqueNames",
			users:  strings.Replace(conformingUsers, "disable password_policy", "disable attribute businessCategory gone\n\t\tdisable move "+slapd.Disabled, 1),
			groups: strings.NewReplacer("groupOfNames", "groupOfUniqueNames", "map members member", "map members uniqueMember").Replace(conformingGroups),
			adapt: func(b *conformance.Backend) {
				b.Unprovable, b.CanSignIn, b.Defeat = true, nil, nil // the directory enforces nothing
			},
		},
		{
			name: "password policy, references that the directory does not keep", options: slapd.Options{LDIF: deviceContainer, NoRefint: true, NoMemberOf: true},
			users:  strings.Replace(conformingUsers, "map groups memberOf", "", 1),
			groups: conformingGroups + conformingOwn[:strings.Index(conformingOwn, "schema urn")] + conformingOwn[strings.LastIndex(conformingOwn, "schema urn:example:params:scim:schemas:core:2.0:Device {"):],
		},
		{
			name: "password policy, posixGroup", options: slapd.Options{NoMemberOf: true},
			users: strings.Replace(conformingUsers, "map groups memberOf", "", 1),
			groups: strings.NewReplacer("groupOfNames", "posixGroup", "map members member", "map members memberUid",
				"map externalId description", "map externalId gidNumber {\n\t\t\tdefault 4711\n\t\t\trequired\n\t\t}").Replace(conformingGroups),
			adapt: func(b *conformance.Backend) { b.NestedGroups = false },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.options.NoSync = true
			server := slapd.Start(t, c.options)
			url := server.TLSURL()
			if c.manner != nil {
				proxy := slapd.NewProxy(t, server.Addr())
				proxy.RewriteResponses(c.manner)
				url = proxy.URL()
			}
			tr := unprovisioned(t, url+" {\nbind "+server.ServiceDN+" "+server.ServicePassword+
				"\ntls_ca "+server.CAFile()+"\n"+cmp.Or(c.head, "password_policy "+slapd.DefaultPolicy+"\n")+"page_size 100\n", c.users, c.groups)
			d := &conformingDirectory{tr: tr, dialAdmin: server.DialAdmin, stop: server.Kill, start: server.Restart}
			d.run(t, c.adapt)
		})
	}
}

// TestConformanceEmbedded runs it against the directory of the demo, which can
// be neither killed nor restarted, but closed and made anew with what it held.
func TestConformanceEmbedded(t *testing.T) {
	const policy = "password_policy " + slapd.DefaultPolicy + "\n"
	t.Run("as it is", func(t *testing.T) {
		conformEmbedded(t, policy, conformingUsers, conformingGroups, func(b *conformance.Backend) { b.Sorts = sortable })
	})
	t.Run("schemas of one's own", func(t *testing.T) {
		conformEmbedded(t, policy, strings.TrimSuffix(conformingUsers, "\n\t}")+conformingExtension, conformingGroups+conformingOwn, nil)
	})
	t.Run("generic, without controls", func(t *testing.T) {
		const head = "directory generic {\nid entryUUID uuid\nversion entryCSN\nlock pwdAccountLockedTime 000001010000Z\n" +
			"assertion off\npost_read off\npaging off\nserver_sort off\n}\n"
		conformEmbedded(t, head, strings.Replace(conformingUsers, "disable password_policy", "disable lock", 1), conformingGroups,
			func(b *conformance.Backend) { b.ComparesFirst = true })
	})
}

func conformEmbedded(t *testing.T, head, users, groups string, adapt func(*conformance.Backend)) {
	t.Helper()
	admin := directory.Account{DN: slapd.AdminDN, Password: slapd.AdminPassword}
	open := func() *directory.Server {
		t.Helper()
		server, err := directory.New(directory.Options{
			Suffix: slapd.Base, Root: admin, DefaultPolicy: slapd.DefaultPolicy, SizeLimit: 500, MaxPageSize: 100,
			Accounts: []directory.Account{{DN: slapd.ServiceDN, Password: slapd.ServicePassword,
				Read: []string{slapd.Policies}, Write: []string{slapd.People, slapd.Groups}}},
		})
		if err != nil {
			t.Fatalf("opening the directory: %v", err)
		}
		return server
	}
	server := open()
	if err := server.Load(strings.NewReader(containers + "\n" + deviceContainer)); err != nil {
		t.Fatalf("filling the directory: %v", err)
	}
	address, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	t.Cleanup(func() { _ = server.Close() })
	url := "ldap://" + address.String()
	tr := unprovisioned(t, url+" {\nbind "+slapd.ServiceDN+" "+slapd.ServicePassword+
		"\n"+head+"page_size 100\n", users, groups)
	var held strings.Builder
	d := &conformingDirectory{
		tr: tr,
		dialAdmin: func() (*goldap.Conn, error) {
			conn, err := goldap.DialURL(url)
			if err == nil {
				err = conn.Bind(admin.DN, admin.Password)
			}
			return conn, err
		},
		stop: func() error {
			held.Reset()
			return errors.Join(server.Dump(&held), server.Close())
		},
		start: func() error {
			server = open()
			_, err := server.Listen(address.String())
			return errors.Join(server.Load(strings.NewReader(held.String())), err)
		},
	}
	d.run(t, adapt)
}

// sortable is what a directory that sorts has to sort the people of the suite by.
var sortable = []string{"id", "meta.created", "meta.lastModified", "userName", "displayName", "title", "name.familyName", "name.givenName", "emails.value"}

const deviceContainer = `dn: ou=devices,ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: devices

`

const containers = `dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=disabled,ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: disabled

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups

dn: ou=policies,dc=example,dc=com
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,dc=example,dc=com
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
`

// conformingDirectory is what the suite does to a directory behind the
// translator's back.
type conformingDirectory struct {
	tr          *Translator
	dialAdmin   func() (*goldap.Conn, error)
	stop, start func() error
	given       int // how many values were given
}

func (d *conformingDirectory) run(t *testing.T, adapt func(*conformance.Backend)) {
	t.Helper()
	if err := provision(t, d.tr); err != nil {
		t.Fatalf("provisioning: %v", err)
	}
	b := conformance.Backend{
		Translator: d.tr, Reset: d.reset, NestedGroups: true, Value: d.value,
		CanSignIn: d.canSignIn, Duplicate: d.duplicate, Interrupt: d.interrupt, Defeat: d.defeat,
	}
	if adapt != nil {
		adapt(&b)
	}
	conformance.Run(t, b)
}

// admin returns a connection that may do everything.
func (d *conformingDirectory) admin(t *testing.T) *goldap.Conn {
	t.Helper()
	conn, err := d.dialAdmin()
	if err != nil {
		t.Fatalf("connecting to the directory: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// value returns values where not any text will do: a gidNumber is a number.
func (d *conformingDirectory) value(path string, n int) scim.Value {
	if strings.HasSuffix(path, ":clearance.tags") {
		return scim.List(scim.String(fmt.Sprintf("tag %d", n)), scim.String("tag"))
	}
	if path != "externalId" || d.tr.groups.memberIsDN {
		return scim.Value{}
	}
	d.given++
	return scim.String(fmt.Sprint(10_000 + d.given))
}

// reset removes all people and groups.
func (d *conformingDirectory) reset(t *testing.T) {
	t.Helper()
	admin := d.admin(t)
	for _, base := range []string{slapd.Groups, slapd.People} {
		result, err := admin.SearchWithPaging(goldap.NewSearchRequest(base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases,
			0, 0, false, "(!(objectClass=organizationalUnit))", []string{"1.1"}, nil), 100)
		if err != nil {
			t.Fatalf("looking for what is left: %v", err)
		}
		for _, e := range result.Entries {
			if err := admin.Del(goldap.NewDelRequest(e.DN, nil)); err != nil {
				t.Fatalf("removing %s: %v", e.DN, err)
			}
		}
	}
}

// canSignIn binds with a connection of its own.
func (d *conformingDirectory) canSignIn(t *testing.T, userName, password string) bool {
	t.Helper()
	conn := d.admin(t)
	found, err := conn.Search(goldap.NewSearchRequest(slapd.People, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases,
		0, 0, false, "(uid="+goldap.EscapeFilter(userName)+")", []string{"1.1"}, nil))
	if err != nil || len(found.Entries) != 1 {
		t.Fatalf("looking for %q: %d entries, %v", userName, len(found.Entries), err)
	}
	err = conn.Bind(found.Entries[0].DN, password)
	if err != nil && !goldap.IsErrorWithCode(err, goldap.LDAPResultInvalidCredentials) {
		t.Fatalf("binding: %v", err)
	}
	return err == nil
}

// duplicate adds a second person of the same uid, with the control that lets it
// past slapd's overlay that forbids it (draft-zeilenga-ldap-relax).
func (d *conformingDirectory) duplicate(t *testing.T, userName string) {
	t.Helper()
	request := goldap.NewAddRequest("uid="+goldap.EscapeDN(userName)+","+slapd.Disabled, nil)
	request.Attribute("objectClass", []string{"inetOrgPerson"})
	request.Attribute("uid", []string{userName})
	request.Attribute("cn", []string{"second"})
	request.Attribute("sn", []string{"second"})
	request.Controls = []goldap.Control{goldap.NewControlString("1.3.6.1.4.1.4203.666.5.12", false, "")}
	if err := d.admin(t).Add(request); err != nil {
		t.Fatalf("adding a second %s: %v", userName, err)
	}
}

// interrupt ends the server.
func (d *conformingDirectory) interrupt(t *testing.T) (restore func()) {
	t.Helper()
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := d.start(); err != nil {
			t.Fatal(err)
		}
		// The pool tries again after a pause.
		for d.tr.pool.Probe(t.Context()) != nil && t.Context().Err() == nil {
			runtime.Gosched()
		}
	}
}

// defeat takes the teeth out of the password policy.
func (d *conformingDirectory) defeat(t *testing.T) (restore func()) {
	t.Helper()
	set := func(value string) {
		t.Helper()
		request := goldap.NewModifyRequest(slapd.DefaultPolicy, nil)
		request.Replace("pwdLockout", []string{value})
		if err := d.admin(t).Modify(request); err != nil {
			t.Fatalf("setting pwdLockout: %v", err)
		}
	}
	set("FALSE")
	return func() { set("TRUE") }
}
