package remember_test

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	goldap "github.com/go-ldap/ldap/v3"
	"go.uber.org/zap/zaptest"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/modules/remember"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/conformance"
	_ "github.com/scimgate/scimgate/translators/ldap"
)

// blocks are a mapping that remembers something of each type, beside what the
// directory has a place for.
const blocks = `
	password_policy ` + slapd.DefaultPolicy + `
	page_size 100
	users {
		base ou=people,dc=example,dc=com
		object_class inetOrgPerson
		rdn uid
		disable password_policy
		delete remove
		map userName uid
		remember externalId nickName
		remember urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter
		map name.familyName sn {
			required
			default_from userName
		}
		map name.formatted cn {
			required
			default_from displayName userName
		}
		map displayName displayName
		map title title
		map password userPassword
		map ` + "`emails[type eq \"work\"].value`" + ` mail
		map urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value manager {
			reference
		}
		map groups memberOf
	}
	groups {
		base ou=groups,dc=example,dc=com
		object_class groupOfNames
		delete remove
		map displayName cn
		remember externalId
		map members member
	}`

// devices is a type that the operator defines, with something remembered of its own
// schema beside externalId.
const devices = `
	schema urn:example:params:scim:schemas:core:2.0:Device {
		attribute displayName {
			required
			uniqueness server
		}
		attribute serial
		attribute shelf {
			case_exact
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
		map serial serialNumber
		remember externalId shelf
	}`

const deviceContainer = `dn: ou=devices,ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: devices

`

// translatorOf returns the translator of a directory.
func translatorOf(t *testing.T, server *slapd.Server, text string) translators.Translator {
	t.Helper()
	d := caddyfile.NewTestDispenser("ldap " + server.URL() + " {\nbind " + server.ServiceDN + " " + server.ServicePassword + "\n" + text + "\n}")
	d.Next()
	module, err := caddyfile.UnmarshalModule(d, "scim.translators.ldap")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	loaded, err := ctx.LoadModuleByID("scim.translators.ldap", caddyconfig.JSON(module, nil))
	if err != nil {
		t.Fatal(err)
	}
	return loaded.(translators.Translator)
}

// TestConformance runs the suite that every translator passes against a real
// directory and both databases.
func TestConformance(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		server := slapd.Start(t, slapd.Options{NoSync: true, LDIF: deviceContainer})
		d := &people{server}
		hold(t, s)
		conformance.Run(t, conformance.Backend{
			Translator: remember.Wrap(translatorOf(t, server, blocks+devices), "directory", s, zaptest.NewLogger(t)),
			Reset:      d.reset, CanSignIn: d.canSignIn, NestedGroups: true,
		})
	})
}

// hold keeps a store open until the test ends, as a configuration does.
func hold(t *testing.T, s *store.Store) {
	t.Helper()
	s.Hold()
	t.Cleanup(func() {
		if err := s.Release(); err != nil {
			t.Error(err)
		}
	})
}

// people is what a test does to the directory behind the translator's back.
type people struct{ server *slapd.Server }

func (d *people) admin(t *testing.T) *goldap.Conn {
	t.Helper()
	conn, err := d.server.DialAdmin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (d *people) reset(t *testing.T) {
	t.Helper()
	admin := d.admin(t)
	for _, base := range []string{slapd.Groups, slapd.People} {
		result, err := admin.SearchWithPaging(goldap.NewSearchRequest(base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases,
			0, 0, false, "(!(objectClass=organizationalUnit))", []string{"1.1"}, nil), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range result.Entries {
			if err := admin.Del(goldap.NewDelRequest(e.DN, nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (d *people) canSignIn(t *testing.T, userName, password string) bool {
	t.Helper()
	conn := d.admin(t)
	found, err := conn.Search(goldap.NewSearchRequest(slapd.People, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases,
		0, 0, false, "(uid="+goldap.EscapeFilter(userName)+")", []string{"1.1"}, nil))
	if err != nil || len(found.Entries) != 1 {
		t.Fatalf("looking for %q: %d entries, %v", userName, len(found.Entries), err)
	}
	err = conn.Bind(found.Entries[0].DN, password)
	if err != nil && !goldap.IsErrorWithCode(err, goldap.LDAPResultInvalidCredentials) {
		t.Fatal(err)
	}
	return err == nil
}
