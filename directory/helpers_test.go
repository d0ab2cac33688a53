package directory_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/scimgate/scimgate/directory"
	"go.uber.org/goleak"
)

// The names are those of internal/slapd, so that both servers can run the same script.
const (
	base            = "dc=example,dc=com"
	people          = "ou=people," + base
	groups          = "ou=groups," + base
	services        = "ou=services," + base
	policies        = "ou=policies," + base
	adminDN         = "cn=admin," + base
	adminPassword   = "admin-secret"
	serviceDN       = "cn=scimgate," + services
	servicePassword = "service-secret"
)

const seed = `
# What every test starts from.
version: 1

dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups

dn: ou=services,dc=example,dc=com
objectClass: organizationalUnit
ou: services

dn: ou=policies,dc=example,dc=com
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,dc=example,dc=com
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMinLength: 8
pwdCheckQuality: 1
pwdLockoutDuration: 300

dn: uid=ada,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ada
cn:: QWRhIMOJ
sn: Love
 lace
mail: ada@example.com
userPassword: ada-secret
`

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func options() directory.Options {
	return directory.Options{
		Suffix: base,
		Root:   directory.Account{DN: adminDN, Password: adminPassword},
		Accounts: []directory.Account{{
			DN: serviceDN, Password: servicePassword,
			Write: []string{people, groups}, Read: []string{policies},
		}},
		Unique:        []directory.Unique{{Base: people, Attribute: "uid"}, {Base: people, Attribute: "mail"}},
		DefaultPolicy: "cn=default," + policies,
		SizeLimit:     500,
		MaxSizeLimit:  1000,
		MaxPageSize:   200,
	}
}

// start runs a server with the entries in it and returns it with its address.
func start(t testing.TB, o directory.Options, ldif string) (*directory.Server, string) {
	t.Helper()
	s, err := directory.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Load(strings.NewReader(ldif)); err != nil {
		t.Fatal(err)
	}
	addr, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return s, addr.String()
}

// dial connects and binds; an empty DN stays anonymous.
func dial(t testing.TB, addr, dn, password string) *ldap.Conn {
	t.Helper()
	c, err := ldap.DialURL("ldap://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetTimeout(20 * time.Second)
	if dn != "" {
		if err := c.Bind(dn, password); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func admin(t testing.TB, addr string) *ldap.Conn { return dial(t, addr, adminDN, adminPassword) }

// code returns the result code of an error, and 0 for none.
func code(t testing.TB, err error) uint16 {
	t.Helper()
	if err == nil {
		return 0
	}
	e, ok := err.(*ldap.Error)
	if !ok || e.ResultCode >= ldap.ErrorNetwork {
		t.Fatalf("no answer from the server: %v", err)
	}
	return e.ResultCode
}

func search(t testing.TB, c *ldap.Conn, under, filter string, attributes ...string) []*ldap.Entry {
	t.Helper()
	result, err := c.Search(ldap.NewSearchRequest(under, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil))
	if err != nil {
		t.Fatalf("searching %s for %s: %v", under, filter, err)
	}
	return result.Entries
}

// attributesOf sorts "attr: value" lines, one separate entry's worth.
func attributesOf(entry *ldap.Entry) []string {
	var lines []string
	for _, a := range entry.Attributes {
		if len(a.Values) == 0 {
			lines = append(lines, a.Name+":")
		}
		for _, v := range a.Values {
			lines = append(lines, a.Name+": "+v)
		}
	}
	slices.Sort(lines)
	return lines
}

// modifyRequest builds changes from "add: attr: value…"-like triples.
func modifyRequest(dn string, controls []ldap.Control, changes ...ldap.Change) *ldap.ModifyRequest {
	return &ldap.ModifyRequest{DN: dn, Controls: controls, Changes: changes}
}

func put(attribute string, values ...string) ldap.Change {
	return change(ldap.ReplaceAttribute, attribute, values...)
}

func more(attribute string, values ...string) ldap.Change {
	return change(ldap.AddAttribute, attribute, values...)
}

func less(attribute string, values ...string) ldap.Change {
	return change(ldap.DeleteAttribute, attribute, values...)
}

func change(op uint, attribute string, values ...string) ldap.Change {
	return ldap.Change{Operation: op, Modification: ldap.PartialAttribute{Type: attribute, Vals: values}}
}

func assertion(t testing.TB, filter string) ldap.Control {
	t.Helper()
	p, err := ldap.CompileFilter(filter)
	if err != nil {
		t.Fatal(err)
	}
	return ldap.NewControlString("1.3.6.1.1.12", true, string(p.Bytes()))
}

// readControl is a pre-read (…13.1) or post-read (…13.2) request.
func readControl(oid string, attributes ...string) ldap.Control {
	list := ber.NewSequence("")
	for _, name := range attributes {
		list.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, name, ""))
	}
	return ldap.NewControlString(oid, true, string(list.Bytes()))
}

// readEntry decodes the entry in a pre- or post-read response.
func readEntry(t testing.TB, controls []ldap.Control, oid string) *ldap.Entry {
	t.Helper()
	found, ok := ldap.FindControl(controls, oid).(*ldap.ControlString)
	if !ok {
		t.Fatalf("no control %s in the answer", oid)
	}
	p, err := ber.DecodePacketErr([]byte(found.ControlValue))
	if err != nil || len(p.Children) != 2 {
		t.Fatalf("control %s holds no entry: %v", oid, err)
	}
	entry := &ldap.Entry{DN: p.Children[0].Data.String()}
	for _, a := range p.Children[1].Children {
		attribute := &ldap.EntryAttribute{Name: a.Children[0].Data.String()}
		for _, v := range a.Children[1].Children {
			attribute.Values = append(attribute.Values, v.Data.String())
		}
		entry.Attributes = append(entry.Attributes, attribute)
	}
	return entry
}
