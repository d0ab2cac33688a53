package directory_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/scimgate/scimgate/directory"
	"github.com/scimgate/scimgate/internal/slapd"
)

// player is one of the two servers, with a connection for each identity that the script uses.
type player struct {
	t     *testing.T
	addr  string
	conns map[string]*ldap.Conn
}

// as returns the connection of an identity: "admin", "service", "" for anonymous, or "DN password".
func (p *player) as(who string) *ldap.Conn {
	if p.conns[who] == nil {
		dn, password, _ := strings.Cut(who, " ")
		switch who {
		case "admin":
			dn, password = adminDN, adminPassword
		case "service":
			dn, password = serviceDN, servicePassword
		}
		p.conns[who] = dial(p.t, p.addr, dn, password)
	}
	return p.conns[who]
}

// outcome tells what a client sees of a result, leaving out the diagnostic text.
func outcome(t testing.TB, err error) string {
	text := fmt.Sprintf("code %d", code(t, err))
	if e, ok := err.(*ldap.Error); ok && e.MatchedDN != "" {
		text += " matched " + e.MatchedDN
	}
	return text
}

// operational are what is compared of every entry besides its user attributes. Values that differ
// between servers by nature are compared by their form.
var operational = []string{"*", "memberOf", "structuralObjectClass", "hasSubordinates", "entryDN", "subschemaSubentry",
	"pwdAccountLockedTime", "pwdChangedTime", "pwdPolicySubentry", "entryUUID", "entryCSN", "createTimestamp", "modifyTimestamp", "creatorsName"}

var forms = []struct {
	attribute string
	form      *regexp.Regexp
}{
	{"userPassword", regexp.MustCompile(`^\{SSHA\}.+`)},
	{"entryUUID", regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)},
	{"entryCSN", regexp.MustCompile(`^\d{14}\.\d{6}Z#000000#000#000000$`)},
	{"createTimestamp", regexp.MustCompile(`^\d{14}Z$`)},
	{"modifyTimestamp", regexp.MustCompile(`^\d{14}Z$`)},
	{"pwdChangedTime", regexp.MustCompile(`^\d{14}Z$`)},
}

func describe(entries []*ldap.Entry) []string {
	var lines []string
	for _, e := range entries {
		for _, a := range e.Attributes {
			for _, f := range forms {
				for i, value := range a.Values {
					if a.Name == f.attribute && f.form.MatchString(value) {
						a.Values[i] = f.form.String()
					}
				}
			}
		}
		lines = append(lines, e.DN+"\n\t"+strings.Join(attributesOf(e), "\n\t"))
	}
	slices.Sort(lines)
	return lines
}

// versions returns the id and CSN of each entry, to see which entries a write made a new version of.
func (p *player) versions() map[string]string {
	versions := map[string]string{}
	for _, e := range search(p.t, p.as("admin"), base, "(objectClass=*)", "entryUUID", "entryCSN") {
		versions[e.DN] = e.GetAttributeValue("entryUUID") + " " + e.GetAttributeValue("entryCSN")
	}
	return versions
}

func changed(before, after map[string]string) []string {
	var names []string
	for name, version := range after {
		if before[name] != version {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (p *player) snapshot() []string {
	return describe(search(p.t, p.as("admin"), base, "(objectClass=*)", operational...))
}

// TestSameAsOpenLDAP runs one script against this server and a real slapd, and compares every answer
// and, after each write, the whole tree.
func TestSameAsOpenLDAP(t *testing.T) {
	for _, setting := range []struct{ name, placeholder, policy string }{
		{"dangling", "", "cn=default," + policies},
		{"placeholder", "cn=nobody," + base, "cn=default," + policies},
		{"no policy", "", ""},
	} {
		t.Run(setting.name, func(t *testing.T) {
			t.Parallel()
			o := options()
			o.Placeholder, o.DefaultPolicy = setting.placeholder, setting.policy
			compareServers(t, o, script(), false)
		})
	}
	t.Run("sorting", func(t *testing.T) {
		t.Parallel()
		o := options()
		o.DefaultPolicy = "cn=default," + policies
		compareServers(t, o, sortSteps(), true)
	})
}

func compareServers(t *testing.T, o directory.Options, steps []step, sorting bool) {
	real := slapd.Start(t, slapd.Options{
		Sorting: sorting, RefintNothing: o.Placeholder, NoDefaultPolicy: o.DefaultPolicy == "", NoSync: true, Database: "ppolicy_hash_cleartext",
	})
	ours := &player{t: t, conns: map[string]*ldap.Conn{}}
	theirs := &player{t: t, addr: real.Addr(), conns: map[string]*ldap.Conn{}}
	// Both start from what the real one was seeded with.
	_, ours.addr = start(t, o, contents(t, theirs))

	for _, s := range steps {
		oursBefore, theirsBefore := ours.versions(), theirs.versions()
		got, want := s.run(ours), s.run(theirs)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-slapd +directory)\n%s", s.name, diff)
		}
		if !s.writes {
			continue
		}
		// slapd's refint overlay works in the background.
		var diff string
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
			if diff = cmp.Diff(theirs.snapshot(), ours.snapshot()); diff == "" {
				break
			}
		}
		if diff != "" {
			t.Fatalf("%s: the entries differ afterwards (-slapd +directory)\n%s", s.name, diff)
		}
		if diff := cmp.Diff(changed(theirsBefore, theirs.versions()), changed(oursBefore, ours.versions())); diff != "" {
			t.Errorf("%s: not the same entries have a new version (-slapd +directory)\n%s", s.name, diff)
		}
	}
}

// contents reads a server's user attributes as LDIF.
func contents(t *testing.T, p *player) string {
	var text strings.Builder
	for _, e := range search(t, p.as("admin"), base, "(objectClass=*)", "*") {
		fmt.Fprintf(&text, "dn: %s\n%s\n\n", e.DN, strings.Join(attributesOf(e), "\n"))
	}
	return text.String()
}
