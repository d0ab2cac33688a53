package ldap

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators"
)

// crowd is the LDIF of n people and of one group of all of them.
func crowd(n int, class, field, prefix, suffix string) string {
	var ldif strings.Builder
	for i := range n {
		fmt.Fprintf(&ldif, "dn: uid=u%06d,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: u%06d\ncn: u\nsn: s\n\n", i, i)
	}
	fmt.Fprintf(&ldif, "dn: cn=crowd,ou=groups,dc=example,dc=com\nobjectClass: %s\ncn: crowd\n", class)
	if class == "posixGroup" {
		ldif.WriteString("gidNumber: 100\n")
	}
	for i := range n {
		fmt.Fprintf(&ldif, "%s: %su%06d%s\n", field, prefix, i, suffix)
	}
	return ldif.String()
}

// eachMember reads a group and calls each for its members.
func eachMember(t testing.TB, ctx context.Context, tr *Translator, group string, each func(id string) bool) {
	t.Helper()
	entries, err := tr.Read(ctx, tr.groups.served.ResourceType, []string{group}, translators.Selection{Members: true})
	if err != nil || len(entries) != 1 {
		t.Fatalf("reading the group: %d entries, %v", len(entries), err)
	}
	for m, err := range entries[0].Members {
		if err != nil {
			t.Fatalf("reading the members: %v", err)
		}
		if !each(m.ID) {
			return
		}
	}
}

func TestMembersOfOtherClasses(t *testing.T) {
	for _, c := range []struct{ class, field, prefix, suffix string }{
		{"groupOfUniqueNames", "uniqueMember", "uid=", ",ou=people,dc=example,dc=com"},
		{"groupOfUniqueNames", "uniqueMember", "uid=", ",ou=people,dc=example,dc=com#'0101'B"},
		{"posixGroup", "memberUid", "", ""},
	} {
		t.Run(c.field+c.suffix, func(t *testing.T) {
			groups := strings.NewReplacer("groupOfNames", c.class, "map members member", "map members "+c.field).Replace(groupsBlock)
			ldif := crowd(450, c.class, c.field, c.prefix, c.suffix)
			ldif += c.field + ": " + c.prefix + "nobody" + c.suffix + "\n"
			if c.class == "posixGroup" {
				ldif += "memberUid: U000001\n" // the case of a login name counts
			}
			tr, _ := serve(t, slapd.Options{LDIF: ldif, NoSync: true}, usersBlock, groups)
			seen := make(map[string]bool)
			group := idOf(t, tr, tr.groups, `displayName eq "crowd"`)
			eachMember(t, t.Context(), tr, group, func(id string) bool { seen[id] = true; return true })
			if len(seen) != 450 {
				t.Errorf("read %d members, want 450", len(seen))
			}
			one := idOf(t, tr, tr.users, `userName eq "u000001"`)
			if c.suffix != "" && strings.HasSuffix(c.suffix, "B") {
				return // a name with a UID is not found by the name alone (RFC 4517 §4.2.31)
			}
			if got := idOf(t, tr, tr.groups, `members eq "`+one+`"`); got != group {
				t.Errorf("found %s by a member, want %s", got, group)
			}
		})
	}
}

// A reader that stops early leaves nothing behind, and names that share their
// first part do not pass for each other.
func TestMembersEndEarly(t *testing.T) {
	tr, _ := serve(t, slapd.Options{LDIF: crowd(1200, "groupOfNames", "member", "uid=", ",ou=people,dc=example,dc=com"), NoSync: true})
	n := 0
	eachMember(t, t.Context(), tr, idOf(t, tr, tr.groups, `displayName eq "crowd"`), func(string) bool { n++; return n < 5 })
	if n != 5 {
		t.Errorf("read %d members, want 5", n)
	}
}

// Who is renamed, or moved, while a group is read is not left out of it in silence:
// the group names him as he was called before. A stranger is no reason to fail.
func TestMembersRenamedMeanwhile(t *testing.T) {
	for _, c := range []struct{ class, field string }{{"groupOfNames", "member"}, {"groupOfUniqueNames", "uniqueMember"}, {"posixGroup", "memberUid"}} {
		t.Run(c.field, func(t *testing.T) {
			prefix, suffix := "uid=", ",ou=people,dc=example,dc=com"
			if c.field == "memberUid" {
				prefix, suffix = "", ""
			}
			groups := strings.NewReplacer("groupOfNames", c.class, "map members member", "map members "+c.field).Replace(groupsBlock)
			ldif := crowd(450, c.class, c.field, prefix, suffix) + c.field + ": " + prefix + "nobody" + suffix + "\n"
			tr, _ := serve(t, slapd.Options{LDIF: ldif, NoSync: true}, usersBlock, groups)
			group := idOf(t, tr, tr.groups, `displayName eq "crowd"`)
			one := idOf(t, tr, tr.users, `userName eq "u000400"`)
			for _, isRenamed := range []bool{false, true} {
				entries, err := tr.Read(t.Context(), tr.groups.served.ResourceType, []string{group}, translators.Selection{Members: true})
				if err != nil {
					t.Fatal(err)
				}
				if isRenamed {
					change(t, tr, tr.users, one, values{"userName": "another"})
				}
				n, fault := 0, error(nil)
				for _, err := range entries[0].Members {
					if n++; err != nil {
						n, fault = n-1, err
					}
				}
				switch {
				case !isRenamed && (fault != nil || n != 450):
					t.Errorf("read %d members, %v; want 450", n, fault)
				case isRenamed && translators.KindOf(fault) != translators.Unavailable:
					t.Errorf("read %d members of 450, and %v", n, fault)
				}
			}
		})
	}
}

func TestMembersWithOneFirstPart(t *testing.T) {
	var ldif strings.Builder
	for i := range 300 {
		fmt.Fprintf(&ldif, "dn: ou=o%d,ou=people,dc=example,dc=com\nobjectClass: organizationalUnit\nou: o%d\n\n", i, i)
		fmt.Fprintf(&ldif, "dn: cn=John,ou=o%d,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: j%d\ncn: John\nsn: s\n\n", i, i)
	}
	ldif.WriteString("dn: cn=crowd,ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: crowd\n")
	for i := 0; i < 300; i += 3 {
		fmt.Fprintf(&ldif, "member: CN=john,ou=O%d,ou=people,dc=example,dc=com\n", i)
	}
	for _, limit := range []int{0, 250} { // with the limit the directory does not return all of the name
		tr, _ := serve(t, slapd.Options{LDIF: ldif.String(), SizeLimit: limit, NoSync: true})
		seen := make(map[string]bool)
		eachMember(t, t.Context(), tr, idOf(t, tr, tr.groups, `displayName eq "crowd"`), func(id string) bool { seen[id] = true; return true })
		if len(seen) != 100 || !seen[idOf(t, tr, tr.users, `userName eq "j3"`)] || seen[idOf(t, tr, tr.users, `userName eq "j1"`)] {
			t.Errorf("with a size limit of %d: read %d members, want 100", limit, len(seen))
		}
	}
}

// A group of 100,000 is read within the memory that DESIGN §7 allows. What counts
// is what is held, and how much is allocated in all: what of it lies about as
// garbage at a time is a matter of how busy the machine is.
func TestMembersOfLargeGroup(t *testing.T) {
	const n = 100_000
	tr, _ := serve(t, slapd.Options{LDIF: crowd(n, "groupOfNames", "member", "uid=", ",ou=people,dc=example,dc=com"),
		NoSync: true, NoMemberOf: true}, strings.Replace(usersBlock, "map groups memberOf", "", 1), groupsBlock)
	group := idOf(t, tr, tr.groups, `displayName eq "crowd"`)
	measure := func() (held, allocated uint64) {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, m.TotalAlloc
	}
	before, allocatedBefore := measure()
	var highest uint64
	read := 0
	eachMember(t, t.Context(), tr, group, func(string) bool {
		if read++; read%10_000 == 1 {
			held, _ := measure()
			highest = max(highest, held)
		}
		return true
	})
	if read != n {
		t.Errorf("read %d members, want %d", read, n)
	}
	grown := highest - min(highest, before)
	if grown > 64<<20 {
		t.Errorf("reading a group of %d holds %d MiB", n, grown>>20)
	}
	_, allocated := measure()
	each := (allocated - allocatedBefore) / n
	if each > 12<<10 {
		t.Errorf("reading a group of %d allocates %d bytes for each member", n, each)
	}
	t.Logf("held: %d KiB more than before; allocated: %d bytes for each member", grown>>10, each)
}
