package ldap

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

const people = `
dn: uid=ada,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
sn: Lovelace
givenName: Ada
displayName: Ada  Lovelace
title: Countess
mail: ada@example.com
mail: lovelace@example.com
employeeNumber: E-1
employeeType: Employee
street: 12 St James's Square
l: London

dn: uid=Bob,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: Bob
uid: robert
cn: Bob (R*D)
sn: Builder
mail: bob@example.com
employeeType: Contractor
manager: uid=ada,ou=people,dc=example,dc=com

dn: uid=eve,ou=disabled,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: eve
cn: Eve
sn: Dropper
pwdAccountLockedTime: 000001010000Z
manager: cn=nobody,dc=example,dc=com

dn: uid=mal,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: mal
cn: Mallory
sn: Mallory
title: countess
pwdAccountLockedTime: 20260102030405Z

dn: cn=engineers,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: engineers
description: G-1
member: uid=ada,ou=people,dc=example,dc=com
member: UID=bob , OU=People,dc=example,dc=com
member: cn=scimgate,ou=services,dc=example,dc=com
member: uid=gone,ou=people,dc=example,dc=com
member:

dn: cn=all,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: all
member: cn=engineers,ou=groups,dc=example,dc=com
member: uid=eve,ou=disabled,ou=people,dc=example,dc=com

dn: cn=none,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: none
member:
`

// servePeople adds the people through the server: an empty member can't be loaded
// in any other way.
func servePeople(t testing.TB, blocks ...string) (*Translator, *slapd.Server) {
	t.Helper()
	tr, server := serve(t, slapd.Options{}, blocks...)
	server.Add(t, people)
	return tr, server
}

func TestSearch(t *testing.T) {
	tr, _ := servePeople(t)
	ada, engineers := idOf(t, tr, tr.users, `userName eq "ada"`), idOf(t, tr, tr.groups, `displayName eq "engineers"`)
	bob := idOf(t, tr, tr.users, `userName eq "bob"`)
	cases := []struct {
		name, filter string
		want         []string // users, or groups when they are prefixed with @
	}{
		{"everybody", ``, []string{"Bob", "ada", "eve", "mal"}},
		{"in another case", `userName eq "ADA"`, []string{"ada"}},
		{"nobody", `userName eq "nobody"`, nil},
		{"a wildcard is data", `userName eq "a*"`, nil},
		{"parentheses are data", `name.formatted eq "Bob (R*D)"`, []string{"Bob"}},
		{"a part", `name.formatted co "(r*"`, []string{"Bob"}},
		{"the value in the name, not another one", `userName eq "robert"`, nil},
		{"a value as it is written", `displayName eq "Ada  Lovelace"`, []string{"ada"}},
		{"a value with other spaces is another", `displayName eq "Ada Lovelace"`, nil},
		{"and so it is not that", `displayName ne "Ada Lovelace"`, []string{"Bob", "ada", "eve", "mal"}},
		{"a second value", `emails[type eq "work"].value eq "LOVELACE@example.com"`, []string{"ada"}},
		{"of any type", `emails.value ew "@example.com"`, []string{"Bob", "ada"}},
		{"of no type", `emails[type eq "home"].value pr`, nil},
		{"not a value", `not (title eq "Countess")`, []string{"Bob", "eve"}},
		{"without a value", `not (title pr)`, []string{"Bob", "eve"}},
		{"null", `title eq null`, []string{"Bob", "eve"}},
		{"active: a lockout after wrong passwords is no disable", `active eq true`, []string{"Bob", "ada", "mal"}},
		{"disabled", `active eq false`, []string{"eve"}},
		{"active ne", `active ne true`, []string{"eve"}},
		{"an id", `id eq "` + ada + `"`, []string{"ada"}},
		{"all other ids", `id ne "` + ada + `"`, []string{"Bob", "eve", "mal"}},
		{"an id in capitals", `id eq "` + strings.ToUpper(ada) + `"`, nil},
		{"not an id that can't be", `not (id eq "junk")`, []string{"Bob", "ada", "eve", "mal"}},
		{"the manager", `id eq "` + bob + `" and manager eq "` + ada + `"`, []string{"Bob"}},
		{"another manager", `id eq "` + ada + `" and manager eq "` + ada + `"`, nil},
		{"no manager that is served", `not (manager pr)`, []string{"ada", "eve", "mal"}},
		{"a group", `groups.value eq "` + engineers + `"`, []string{"Bob", "ada"}},
		{"not in a group", `not (groups[value eq "` + engineers + `"]) and active eq true`, []string{"mal"}},
		{"a group by name", `groups.display eq "ALL"`, []string{"eve"}},
		{"or", `userName eq "mal" or userType eq "contractor"`, []string{"Bob", "mal"}},
		{"or with what is finished here", `userName gt "b" or id sw "` + ada[:13] + `"`, []string{"Bob", "ada", "eve", "mal"}},
		{"a part of a place", `addresses[type eq "work" and locality eq "London"]`, []string{"ada"}},
		{"since ever", `meta.created ge "2026-01-01T00:00:00Z" and meta.resourceType eq "User"`, []string{"Bob", "ada", "eve", "mal"}},
		{"in the future", `meta.lastModified gt "2999-01-01T00:00:00Z"`, nil},
		{"groups of a person", `members eq "` + ada + `"`, []string{"@engineers"}},
		{"groups of a group", `members.value eq "` + engineers + `"`, []string{"@all"}},
		{"groups of nobody", `members eq "` + strings.Replace(ada, ada[:8], "00000000", 1) + `"`, nil},
		{"not a member", `not (members eq "` + ada + `") and displayName pr`, []string{"@all", "@none"}},
		{"a member, or what is finished here", `members eq "` + ada + `" or externalId lt "A" or displayName gt "m"`, []string{"@engineers", "@none"}},
		{"a group, as Entra asks", `id eq "` + engineers + `" and members eq "` + ada + `"`, []string{"@engineers"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := tr.users
			want := []string{}
			for _, name := range c.want {
				want = append(want, strings.TrimPrefix(name, "@"))
			}
			if strings.Contains(c.filter, "members") {
				k = tr.groups
			}
			got := find(t, tr, k, c.filter)
			if diff := cmp.Diff(want, names(k, got.Entries)); diff != "" || got.More {
				t.Errorf("%s (-want +got), more %t:\n%s", c.filter, got.More, diff)
			}
			var scanned []string
			for id, err := range tr.Scan(t.Context(), k.served.ResourceType, parse(t, k, c.filter)) {
				if err != nil {
					t.Fatalf("scanning %s: %v", c.filter, err)
				}
				scanned = append(scanned, id)
			}
			read, err := tr.Read(t.Context(), k.served.ResourceType, scanned, translators.Selection{All: true})
			if err != nil {
				t.Fatalf("reading: %v", err)
			}
			if diff := cmp.Diff(want, names(k, read)); diff != "" {
				t.Errorf("scanning %s (-want +got):\n%s", c.filter, diff)
			}
		})
	}
}

// What is read of a person and of a group.
func TestRead(t *testing.T) {
	tr, server := servePeople(t)
	ada, engineers := idOf(t, tr, tr.users, `userName eq "ada"`), idOf(t, tr, tr.groups, `displayName eq "engineers"`)
	bob, eve := idOf(t, tr, tr.users, `userName eq "bob"`), idOf(t, tr, tr.users, `userName eq "eve"`)
	text := func(k *kind, id string, s translators.Selection) string {
		t.Helper()
		entries, err := tr.Read(t.Context(), k.served.ResourceType, []string{id, id, "junk", strings.ToUpper(id)}, s)
		if err != nil || len(entries) != 1 {
			t.Fatalf("reading %s: %d entries, %v", id, len(entries), err)
		}
		r := entries[0].Resource
		if r.Meta.Created.IsZero() || r.Meta.LastModified.IsZero() || r.Meta.Version == "" || r.ID != id {
			t.Errorf("meta of %s: %+v", r.ID, r.Meta)
		}
		var lines []string
		for _, f := range r.Fields() {
			lines = append(lines, f.Attribute.String()+" "+show(f.Value))
		}
		return strings.Join(lines, "\n")
	}
	all := translators.Selection{All: true}
	for _, c := range []struct {
		name string
		got  string
		want string
	}{
		{"a person", text(tr.users, bob, all), `userName Bob
name {familyName Builder, formatted Bob (R*D)}
userType Contractor
emails [{value bob@example.com, primary true, type work}]
urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager {value ` + ada + `}
active true
groups [{value ` + engineers + `, display engineers}]`},
		{"a disabled person whose manager is nobody", text(tr.users, eve, all), `userName eve
name {familyName Dropper, formatted Eve}
active false
groups [{value ` + idOf(t, tr, tr.groups, `displayName eq "all"`) + `, display all}]`},
		{"one attribute", text(tr.users, ada, translators.Selection{Attributes: []*scim.Attribute{tr.users.served.Attribute("emails")}}),
			`emails [{value ada@example.com, primary true, type work}, {value lovelace@example.com, primary true, type work}]`},
		{"nothing", text(tr.users, ada, translators.Selection{}), ""},
		{"a group", text(tr.groups, engineers, all), "externalId G-1\ndisplayName engineers"},
	} {
		// The order of attributes is that of the type; it is not what is tested.
		if diff := cmp.Diff(sorted(c.want), sorted(c.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	// A rename keeps the id.
	if err := server.Admin(t).ModifyDN(goldap.NewModifyDNRequest("uid=ada,"+slapd.People, "uid=countess", true, slapd.Disabled)); err != nil {
		t.Fatalf("renaming: %v", err)
	}
	if got := text(tr.users, ada, translators.Selection{Attributes: []*scim.Attribute{tr.users.served.Attribute("userName")}}); got != "userName countess" {
		t.Errorf("after a rename: %s", got)
	}
}

func TestReadMembers(t *testing.T) {
	tr, _ := servePeople(t)
	members := func(name string) []string {
		t.Helper()
		id := idOf(t, tr, tr.groups, `displayName eq "`+name+`"`)
		entries, err := tr.Read(t.Context(), tr.groups.served.ResourceType, []string{id}, translators.Selection{Members: true})
		if err != nil || len(entries) != 1 {
			t.Fatalf("reading %s: %d entries, %v", name, len(entries), err)
		}
		got := []string{}
		for m, err := range entries[0].Members {
			if err != nil {
				t.Fatalf("reading the members of %s: %v", name, err)
			}
			got = append(got, m.Type+" "+m.ID)
		}
		return got
	}
	ada, bob, eve := idOf(t, tr, tr.users, `userName eq "ada"`), idOf(t, tr, tr.users, `userName eq "bob"`), idOf(t, tr, tr.users, `userName eq "eve"`)
	// Not the service account, not who is gone, not the placeholder.
	if diff := cmp.Diff([]string{"User " + ada, "User " + bob}, members("engineers")); diff != "" {
		t.Errorf("engineers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Group " + idOf(t, tr, tr.groups, `displayName eq "engineers"`), "User " + eve}, members("all")); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{}, members("none")); diff != "" {
		t.Errorf("none (-want +got):\n%s", diff)
	}
}

// The limits of the directory and of the configuration end in an error or in
// More, never in a shorter list.
func TestSearchLimits(t *testing.T) {
	var ldif strings.Builder
	for i := range 450 {
		fmt.Fprintf(&ldif, "dn: uid=u%03d,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: u%03d\ncn: u\nsn: s\ntitle: t%d\n\n", i, i, i%2)
	}
	tr, _ := serve(t, slapd.Options{LDIF: ldif.String(), SizeLimit: 250, PageLimit: 100})
	tr.Candidates = 300
	search := func(filter string, limit int) (translators.Result, error) {
		return tr.Search(t.Context(), translators.Query{Type: tr.users.served.ResourceType, Filter: parse(t, tr.users, filter), Limit: limit})
	}
	for _, c := range []struct {
		filter  string
		limit   int
		entries int
		more    bool
	}{
		{``, 10, 10, true},
		{``, 449, 449, true},
		{``, 450, 450, false},
		{`title pr`, 150, 150, true},
		{`title pr`, 1000, 450, false},
		{`title eq "T1"`, 100, 100, true},
		{`title eq "T1"`, 225, 225, false},
		{`userName sw "u00"`, 1, 1, true},
		{`userName sw "u00"`, 10, 10, false},
	} {
		result, err := search(c.filter, c.limit)
		if err != nil || len(result.Entries) != c.entries || result.More != c.more {
			t.Errorf("%q with limit %d: %d entries, more %t, %v; want %d, %t", c.filter, c.limit, len(result.Entries), result.More, err, c.entries, c.more)
		}
	}
	for _, filter := range []string{`id sw "0"`, `userName gt "a"`, `title ne "t1"`} {
		if _, err := search(filter, 1000); translators.KindOf(err) != translators.TooMany {
			t.Errorf("%s: got %v, want too many", filter, err)
		}
		for _, err := range tr.Scan(t.Context(), tr.users.served.ResourceType, parse(t, tr.users, filter)) {
			if translators.KindOf(err) != translators.TooMany {
				t.Errorf("scanning %s: got %v, want too many", filter, err)
			}
		}
	}
	seen := make(map[string]bool)
	for id, err := range tr.Scan(t.Context(), tr.users.served.ResourceType, nil) {
		if err != nil || seen[id] {
			t.Fatalf("scanning: id %s, %v", id, err)
		}
		seen[id] = true
	}
	if len(seen) != 450 {
		t.Errorf("scanned %d ids, want 450", len(seen))
	}
	// Without paging the limit of the server shows.
	tr.PageSize = -1
	for _, limit := range []int{200, 300} {
		if _, err := search(``, limit); translators.KindOf(err) != translators.TooMany {
			t.Errorf("without paging: got %v, want too many", err)
		}
	}
	// A walk can be given up.
	tr.PageSize = 100
	for range tr.Scan(t.Context(), tr.users.served.ResourceType, nil) {
		break
	}
}

// A page larger than the server allows is asked for again in smaller ones, once for
// all; and where even the smallest is refused that is an error, not a short list.
func TestPageLimit(t *testing.T) {
	var ldif strings.Builder
	for i := range 450 {
		fmt.Fprintf(&ldif, "dn: uid=u%03d,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: u%03d\ncn: u\nsn: s\n\n", i, i)
	}
	for _, c := range []struct {
		limit, page int
		used        int // 0 when none can be
		searches    int // of the first walk, and
		again       int // of the second
	}{
		{200, 500, 125, 2 + 4, 4},
		{100, 101, 100, 1 + 5, 5},
		{99, 100, 50, 1 + 9, 9},
		{60, 500, 50, 4 + 9, 9},
		{49, 500, 0, 5, 5},
		{200, 150, 150, 3, 3},
	} {
		t.Run(fmt.Sprint(c.limit, " ", c.page), func(t *testing.T) {
			t.Parallel()
			server := slapd.Start(t, slapd.Options{LDIF: ldif.String(), PageLimit: c.limit, NoSync: true})
			proxy := slapd.NewProxy(t, server.Addr())
			var searches atomic.Int64
			tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword, usersBlock, groupsBlock)
			tr.PageSize = c.page
			proxy.OnRequest(func(operation int) slapd.Action {
				if operation == goldap.ApplicationSearchRequest {
					searches.Add(1)
				}
				return slapd.Forward
			})
			for _, want := range []int{c.searches, c.again} {
				searches.Store(0)
				seen := make(map[string]bool)
				var fault error
				for id, err := range tr.Scan(t.Context(), tr.users.served.ResourceType, nil) {
					if err != nil {
						fault = err
						break
					}
					seen[id] = true
				}
				if c.used == 0 && (translators.KindOf(fault) != translators.Unavailable || len(seen) > 0) {
					t.Errorf("got %d entries and %v, want a fault", len(seen), fault)
				}
				if c.used > 0 && (fault != nil || len(seen) != 450) {
					t.Errorf("got %d entries and %v, want 450", len(seen), fault)
				}
				if got := int(searches.Load()); got != want {
					t.Errorf("the walk took %d searches, want %d", got, want)
				}
			}
			var found []string
			for _, f := range tr.Check(t.Context()) {
				if strings.Contains(f.Detail, "in pages of") || strings.Contains(f.Detail, "page_size") {
					found = append(found, string(f.Level)+": "+f.Detail)
				}
			}
			switch {
			case c.used == c.page && len(found) > 0:
				t.Errorf("found %q", found)
			case c.used == 0 && (len(found) == 0 || !strings.HasPrefix(found[0], "error: ")):
				t.Errorf("found %q, want an error", found)
			case c.used > 0 && c.used < c.page && (len(found) == 0 || !strings.Contains(found[0], fmt.Sprintf("Set page_size %d", c.used))):
				t.Errorf("found %q, want that pages of %d are used", found, c.used)
			}
		})
	}
}

// A value that the attribute can't hold, and a comparison for which it has no
// rule, are finished here; an attribute that can't be searched is no answer.
func TestSearchUndefined(t *testing.T) {
	const ldif = `
dn: uid=ada,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: posixAccount
uid: ada
cn: Ada
sn: Lovelace
uidNumber: 1042
gidNumber: 100
homeDirectory: /home/ada
`
	users := strings.Replace(usersBlock, "map title title", "map title uidNumber", 1)
	tr, _ := serve(t, slapd.Options{LDIF: ldif}, strings.Replace(users, "map groups memberOf", "map nickName noSuchAttribute", 1), groupsBlock)
	for filter, want := range map[string]int{
		`title eq "1042"`:               1,
		`title eq "junk"`:               0,
		`not (title eq "junk")`:         1,
		`title sw "10"`:                 1, // uidNumber has no rule for parts
		`not (title sw "10")`:           0,
		`title co "4" and title ew "2"`: 1,
	} {
		if got := find(t, tr, tr.users, filter); len(got.Entries) != want {
			t.Errorf("%s: found %d, want %d", filter, len(got.Entries), want)
		}
	}
	for _, filter := range []string{`nickName eq "x"`, `not (nickName pr)`, `userName eq "ada" and nickName co "x"`} {
		_, err := tr.Search(t.Context(), translators.Query{Type: tr.users.served.ResourceType, Filter: parse(t, tr.users, filter), Limit: 1})
		if translators.KindOf(err) != translators.Unavailable {
			t.Errorf("%s: got %v, want unavailable", filter, err)
		}
	}
}

// No fault looks like absence (DESIGN §4 rule 1).
func TestFaultIsNotAbsence(t *testing.T) {
	each := func(t *testing.T, tr *Translator, want translators.ErrorKind) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		rt := tr.users.served.ResourceType
		check := func(doing string, err error) {
			t.Helper()
			if translators.KindOf(err) != want {
				t.Errorf("%s: got %v, want %s", doing, err, want)
			}
		}
		_, err := tr.Search(ctx, translators.Query{Type: rt, Filter: parse(t, tr.users, `userName eq "ada"`), Limit: 1})
		check("searching", err)
		_, err = tr.Read(ctx, rt, []string{adaID}, translators.Selection{All: true})
		check("reading", err)
		n := 0
		for _, err := range tr.Scan(ctx, rt, nil) {
			check("scanning", err)
			n++
		}
		if n != 1 {
			t.Errorf("scanning yielded %d times, want an error", n)
		}
	}
	t.Run("the directory is down", func(t *testing.T) {
		tr, server := servePeople(t)
		find(t, tr, tr.users, `userName eq "ada"`)
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		each(t, tr, translators.Unavailable)
	})
	t.Run("the directory is frozen", func(t *testing.T) {
		tr, server := servePeople(t)
		find(t, tr, tr.users, `userName eq "ada"`)
		if err := server.Freeze(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = server.Thaw() }()
		each(t, tr, translators.Unavailable)
	})
	t.Run("the base does not exist", func(t *testing.T) {
		tr, _ := servePeople(t, strings.Replace(usersBlock, "ou=people", "ou=persons", 1), groupsBlock)
		each(t, tr, translators.Unavailable)
	})
	t.Run("the password is wrong", func(t *testing.T) {
		server := slapd.Start(t, slapd.Options{})
		each(t, configure(t, server.URL(), "bind "+server.ServiceDN+" wrong", usersBlock, groupsBlock), translators.Unavailable)
	})
	t.Run("the members of a group", func(t *testing.T) {
		tr, server := servePeople(t)
		id := idOf(t, tr, tr.groups, `displayName eq "engineers"`)
		entries, err := tr.Read(t.Context(), tr.groups.served.ResourceType, []string{id}, translators.Selection{Members: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range entries[0].Members {
			if n++; translators.KindOf(err) != translators.Unavailable {
				t.Errorf("got %v, want unavailable", err)
			}
		}
		if n != 1 {
			t.Errorf("yielded %d times, want an error", n)
		}
	})
}

// Work is proportional to what is asked (DESIGN §4 rule 5).
func TestRoundTrips(t *testing.T) {
	tr, _ := servePeople(t)
	var searches atomic.Int32
	tr.Observe(func(o translators.Observation) {
		if o.Operation == "search" {
			searches.Add(1)
		}
	})
	find(t, tr, tr.users, `userName eq "mal" and emails.value eq "x" and id eq "`+adaID+`"`) // what is defined is found out once
	ada, bob := idOf(t, tr, tr.users, `userName eq "ada"`), idOf(t, tr, tr.users, `userName eq "bob"`)
	find(t, tr, tr.groups, `members eq "`+ada+`"`)
	for _, c := range []struct {
		name string
		do   func()
		want int32
	}{
		{"find a person who is in no group", func() { find(t, tr, tr.users, `userName eq "mal"`) }, 1},
		{"find nobody", func() { find(t, tr, tr.users, `userName eq "nobody"`) }, 1},
		{"find by e-mail", func() { find(t, tr, tr.users, `emails[type eq "work"].value eq "bob@example.com"`) }, 1},
		{"an id that can't be", func() { find(t, tr, tr.users, `id eq "junk"`) }, 0},
		{"read one whose groups and manager were seen before", func() { find(t, tr, tr.users, `id eq "`+bob+`"`) }, 1},
		{"groups of a person", func() { find(t, tr, tr.groups, `members eq "`+ada+`"`) }, 2},
		{"read 300 ids", func() {
			ids := []string{ada, bob}
			for i := range 298 {
				ids = append(ids, fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
			}
			entries, err := tr.Read(t.Context(), tr.users.served.ResourceType, ids, translators.Selection{})
			if err != nil || len(entries) != 2 {
				t.Fatalf("%d entries, %v", len(entries), err)
			}
		}, 2},
	} {
		before := searches.Load()
		c.do()
		if got := searches.Load() - before; got != c.want {
			t.Errorf("%s: %d searches, want %d", c.name, got, c.want)
		}
	}
}
