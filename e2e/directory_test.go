package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/demo"
	embedded "github.com/scimgate/scimgate/directory"
	"github.com/scimgate/scimgate/internal/slapd"
)

const (
	people = "ou=people,dc=example,dc=com"
	groups = "ou=groups,dc=example,dc=com"
)

// directory is a running directory with the people and groups of the demo.
type directory struct {
	URL             string // for the gateway: over TLS where the directory has it
	Plain           string // ldap://, for proxies
	CAFile          string // of the authority for TLS
	ServiceDN       string
	ServicePassword string

	Slapd    *slapd.Server    // or
	Embedded *embedded.Server // that

	admin func() (*ldap.Conn, error)
}

// seedEntries returns the people and groups of the demo as LDIF.
func seedEntries(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../demo/seed.ldif")
	if err != nil {
		t.Fatalf("reading the demo's people: %v", err)
	}
	var kept []string
	for record := range strings.SplitSeq(string(text), "\n\n") {
		dn, _, _ := strings.Cut(strings.TrimSpace(record), "\n")
		if strings.HasSuffix(dn, ","+people) || strings.HasSuffix(dn, ","+groups) {
			kept = append(kept, strings.TrimSpace(record))
		}
	}
	if len(kept) < 6 {
		t.Fatalf("the demo has %d people and groups", len(kept))
	}
	return strings.Join(kept, "\n\n") + "\n\n"
}

// startSlapd starts a slapd with the demo's schema, people and groups, and what
// the options add.
func startSlapd(t *testing.T, options slapd.Options) *directory {
	t.Helper()
	schema := filepath.Join(t.TempDir(), "scimgate.schema")
	if err := os.WriteFile(schema, []byte(demo.OpenLDAPSchema()), 0o600); err != nil {
		t.Fatal(err)
	}
	options.NoSync = true
	if options.PageLimit == 0 {
		options.PageLimit = 500 // as a stock slapd has it
	}
	options.Schemas = append(options.Schemas, schema)
	options.Database = "index scimExternalId eq\n" + options.Database
	options.LDIF = seedEntries(t) + options.LDIF
	server := slapd.Start(t, options)
	return &directory{
		URL: server.TLSURL(), Plain: server.URL(), CAFile: server.CAFile(),
		ServiceDN: server.ServiceDN, ServicePassword: server.ServicePassword,
		Slapd: server, admin: server.DialAdmin,
	}
}

// startEmbedded starts the demo's own directory.
func startEmbedded(t *testing.T) *directory {
	t.Helper()
	const password = "embedded-secret-4Tg"
	server, err := demo.NewDirectory(password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	address, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := "ldap://" + address.String()
	return &directory{
		URL: plain, Plain: plain, ServiceDN: demo.BindDN, ServicePassword: password, Embedded: server,
		admin: func() (*ldap.Conn, error) {
			conn, err := ldap.DialURL(plain)
			if err != nil {
				return nil, err
			}
			conn.SetTimeout(10 * time.Second)
			return conn, conn.Bind(demo.BindDN, password)
		},
	}
}

// eachDirectory runs a test before a real slapd and before the embedded
// directory.
func eachDirectory(t *testing.T, test func(t *testing.T, d *directory)) {
	t.Helper()
	t.Run("slapd", func(t *testing.T) { test(t, startSlapd(t, slapd.Options{})) })
	t.Run("embedded", func(t *testing.T) { test(t, startEmbedded(t)) })
}

// with runs f with a connection that sees people and groups and may change them.
func (d *directory) with(t *testing.T, f func(conn *ldap.Conn) error) {
	t.Helper()
	conn, err := d.admin()
	if err != nil {
		t.Fatalf("connecting to the directory: %v", err)
	}
	defer func() { _ = conn.Close() }()
	if err := f(conn); err != nil {
		t.Fatalf("asking the directory: %v", err)
	}
}

// canBind reports whether a password is accepted.
func (d *directory) canBind(t *testing.T, dn, password string) bool {
	t.Helper()
	conn, err := ldap.DialURL(d.Plain)
	if err != nil {
		t.Fatalf("dialling the directory: %v", err)
	}
	defer func() { _ = conn.Close() }()
	conn.SetTimeout(10 * time.Second)
	err = conn.Bind(dn, password)
	if err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		t.Fatalf("binding as %s: %v", dn, err)
	}
	return err == nil
}

// entry returns what an entry holds, operational attributes included, by names
// in lower case; nil when there is none.
func (d *directory) entry(t *testing.T, dn string) map[string][]string {
	t.Helper()
	var found map[string][]string
	d.with(t, func(conn *ldap.Conn) error {
		result, err := conn.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases,
			0, 0, false, "(objectClass=*)", []string{"*", "+"}, nil))
		if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
			return nil
		}
		if err != nil {
			return err
		}
		found = make(map[string][]string)
		for _, e := range result.Entries {
			for _, a := range e.Attributes {
				found[strings.ToLower(a.Name)] = a.Values
			}
		}
		return nil
	})
	return found
}

// values returns the values of one attribute of an entry.
func (d *directory) values(t *testing.T, dn, attribute string) []string {
	t.Helper()
	return d.entry(t, dn)[strings.ToLower(attribute)]
}

// matching returns the DNs of the entries that satisfy a filter.
func (d *directory) matching(t *testing.T, filter string) []string {
	t.Helper()
	var dns []string
	d.with(t, func(conn *ldap.Conn) error {
		result, err := conn.SearchWithPaging(ldap.NewSearchRequest("dc=example,dc=com", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
			0, 0, false, filter, []string{"1.1"}, nil), 500)
		if err != nil {
			return err
		}
		for _, e := range result.Entries {
			dns = append(dns, e.DN)
		}
		return nil
	})
	slices.Sort(dns)
	return dns
}

// dump returns all people and groups with all their attributes as sorted text,
// but for what a failed sign-in changes.
func (d *directory) dump(t *testing.T) string {
	t.Helper()
	var records []string
	d.with(t, func(conn *ldap.Conn) error {
		for _, base := range []string{people, groups} {
			result, err := conn.SearchWithPaging(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
				0, 0, false, "(objectClass=*)", []string{"*", "+"}, nil), 500)
			if err != nil {
				return err
			}
			for _, e := range result.Entries {
				var lines []string
				for _, a := range e.Attributes {
					if strings.EqualFold(a.Name, "pwdFailureTime") || strings.EqualFold(a.Name, "contextCSN") {
						continue
					}
					for _, value := range a.Values {
						lines = append(lines, fmt.Sprintf("%s: %q", strings.ToLower(a.Name), value))
					}
				}
				slices.Sort(lines)
				records = append(records, "dn: "+e.DN+"\n"+strings.Join(lines, "\n"))
			}
		}
		return nil
	})
	slices.Sort(records)
	return strings.Join(records, "\n\n")
}

// modify changes an entry behind the gateway's back.
func (d *directory) modify(t *testing.T, dn, attribute string, values ...string) {
	t.Helper()
	d.with(t, func(conn *ldap.Conn) error {
		request := ldap.NewModifyRequest(dn, nil)
		request.Replace(attribute, values)
		return conn.Modify(request)
	})
}

// userDN is the DN of a user whose name needs no escaping.
func userDN(userName string) string { return "uid=" + userName + "," + people }

// groupDN is the DN of a group whose name needs no escaping.
func groupDN(name string) string { return "cn=" + name + "," + groups }

// DNs and passwords of the demo's people.
var (
	ada   = userDN("Ada.Lovelace")
	grace = userDN("Grace.Hopper")
	alan  = userDN("Alan.Turing")
)
