package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

// many is how many people the large directory of rule 5 has, all of them in one
// group.
const many = 5000

// crowd is the LDIF of many people and their group, which mapped attributes are
// given to be searched by.
func crowd() string {
	var b strings.Builder
	password := slapd.HashPassword("crowd-password")
	for i := range many {
		fmt.Fprintf(&b, "dn: uid=u%04d,%s\nobjectClass: inetOrgPerson\nobjectClass: scimUser\nuid: u%04d\ncn: User %d\nsn: User\nmail: u%04d@example.com\nscimExternalId: ext-%04d\nuserPassword: %s\n\n",
			i, people, i, i, i, i, password)
	}
	fmt.Fprintf(&b, "dn: cn=Everybody,%s\nobjectClass: groupOfNames\nobjectClass: scimGroup\ncn: Everybody\nscimExternalId: everybody\n", groups)
	for i := range many {
		fmt.Fprintf(&b, "member: uid=u%04d,%s\n", i, people)
	}
	b.WriteString("\n")
	return b.String()
}

// costs counts what the gateway asks of a directory.
type costs struct {
	proxy *slapd.Proxy
	mu    sync.Mutex
	count map[string]int
}

var operationNames = map[int]string{
	ldap.ApplicationBindRequest: "bind", ldap.ApplicationSearchRequest: "search", ldap.ApplicationModifyRequest: "modify",
	ldap.ApplicationAddRequest: "add", ldap.ApplicationDelRequest: "delete", ldap.ApplicationModifyDNRequest: "modify_dn",
	ldap.ApplicationExtendedRequest: "extended", ldap.ApplicationUnbindRequest: "unbind", ldap.ApplicationAbandonRequest: "abandon",
}

func countCosts(proxy *slapd.Proxy) *costs {
	c := &costs{proxy: proxy, count: make(map[string]int)}
	proxy.OnRequest(func(operation int) slapd.Action {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.count[operationNames[operation]]++
		return slapd.Forward
	})
	return c
}

// of returns the operations and the bytes, both ways, that f costs.
func (c *costs) of(f func()) (operations map[string]int, bytes int) {
	c.mu.Lock()
	c.count = make(map[string]int)
	c.mu.Unlock()
	before := c.proxy.Asked() + c.proxy.Answered()
	f()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.count, "unbind") // of connections that are no longer used
	delete(c.count, "abandon")
	return maps.Clone(c.count), c.proxy.Asked() + c.proxy.Answered() - before
}

func TestRule05WorkIsProportional(t *testing.T) {
	t.Run("operations and bytes", operationsAndBytes)
	t.Run("all is indexed", allIsIndexed)
}

func operationsAndBytes(t *testing.T) {
	d := startSlapd(t, slapd.Options{LDIF: crowd()})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL()})
	c := countCosts(proxy)
	g.isChecked(t)

	user, group := g.id(t, "u0042"), g.groupIDWithoutMembers(t, "Everybody")
	stranger, other := g.create(t, "stranger"), g.create(t, "other")
	off := g.id(t, "u0043")
	g.want(t, 200, "PATCH", "/Users/"+off, disable) // the connection for trying to sign in is kept
	g.want(t, 200, "GET", "/Users?count=5", "")
	page := func(n int) request {
		return request{"GET", fmt.Sprintf("/Users?startIndex=%d&count=5", 5*(n-1)+1), ""}
	}
	const sorted = "/Users?sortBy=emails.value&sortOrder=descending&count=5"
	turned := func(list string) request { // the second page by cursor
		return request{"GET", list + "&cursor=" + g.want(t, 200, "GET", list+"&cursor", "").get("nextCursor"), ""}
	}
	for _, work := range []struct {
		name string
		request
		status   int
		searches int // at most
		writes   map[string]int
		bytes    int // at most
	}{
		{"find by userName", request{"GET", filterPath("/Users", `userName eq "U0042"`), ""}, 200, 2, nil, 4000},
		{"find nobody", request{"GET", filterPath("/Users", `userName eq "nobody"`), ""}, 200, 1, nil, 2500},
		{"find by externalId", request{"GET", filterPath("/Users", `externalId eq "ext-0042"`), ""}, 200, 2, nil, 4000},
		{"find by mail", request{"GET", filterPath("/Users", `emails[type eq "work"].value eq "u0042@example.com"`), ""}, 200, 2, nil, 4000},
		{"find a group without members", request{"GET", filterPath("/Groups", `displayName eq "Everybody"`) + "&excludedAttributes=members", ""}, 200, 1, nil, 2500},
		{"find nobody among groups", request{"GET", filterPath("/Groups", `externalId eq "nothing"`) + "&excludedAttributes=members", ""}, 200, 1, nil, 2500},
		{"is a member", request{"GET", filterPath("/Groups", fmt.Sprintf(`id eq %q and members eq %q`, group, user)) + "&excludedAttributes=members", ""}, 200, 2, nil, 4000},
		{"read", request{"GET", "/Users/" + user, ""}, 200, 2, nil, 4000},
		{"read nobody", request{"GET", "/Users/00000000-0000-4000-8000-000000000000", ""}, 404, 1, nil, 2500},
		{"read a group without members", request{"GET", "/Groups/" + group + "?excludedAttributes=members", ""}, 200, 1, nil, 2500},
		{"change", request{"PATCH", "/Users/" + user, patchOf(operation("Replace", "title", "x"))}, 200, 3, map[string]int{"modify": 1}, 8000},
		{"change nothing", request{"PATCH", "/Users/" + user, patchOf(operation("Replace", "title", "x"))}, 200, 3, nil, 8000},
		{"disable", request{"PATCH", "/Users/" + user, disable}, 200, 3, map[string]int{"modify": 1, "bind": 1}, 8000},
		{"create", request{"POST", "/Users", userBody("another")}, 201, 3, map[string]int{"add": 1}, 8000},
		{"one member more", request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(stranger)))}, 204, 3, map[string]int{"modify": 1}, 4000},
		{"one member more, who is there", request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(stranger)))}, 204, 4, map[string]int{"modify": 1}, 5000},
		{"one member more and one less", request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(other)), operation("Remove", "members", members(stranger)))}, 204, 4, map[string]int{"modify": 1}, 5000},
		{"one member less", request{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(other)))}, 204, 3, map[string]int{"modify": 1}, 4000},
		{"a group renamed", request{"PATCH", "/Groups/" + group, patchOf(operation("Replace", "externalId", "all"))}, 204, 2, map[string]int{"modify": 1}, 5000},
		{"page 2", page(2), 200, 2, nil, 12000},
		{"page 1,000", page(1000), 200, 2, nil, 12000},
		{"page 2 by cursor", turned("/Users?count=5"), 200, 2, nil, 12000},
		{"sorted page 2 by cursor", turned(sorted), 200, 2, nil, 12000},
		{"sorted page 2", request{"GET", sorted + "&startIndex=6", ""}, 200, 2, nil, 12000},
		{"sorted page 1,000", request{"GET", sorted + "&startIndex=4996", ""}, 200, 2, nil, 12000},
		{"find in all types", request{"GET", filterPath("/", `userName eq "U0042"`), ""}, 200, 2, nil, 4000},
	} {
		if work.method == "GET" {
			// What the schema has is asked for once.
			g.want(t, work.status, work.method, work.path, work.body)
		}
		var a answer
		operations, bytes := c.of(func() { a = g.want(t, work.status, work.method, work.path, work.body) })
		searches := operations["search"]
		delete(operations, "search")
		if searches > work.searches || !maps.Equal(operations, work.writes) && len(operations)+len(work.writes) > 0 || bytes > work.bytes {
			t.Errorf("%s: %d searches (at most %d), %v (want %v), %d bytes (at most %d): %s",
				work.name, searches, work.searches, operations, work.writes, bytes, work.bytes, a)
		}
		t.Logf("%s: %d searches, %v, %d bytes", work.name, searches, operations, bytes)
	}

	// The search for a group that is shown whole reads its members once, each.
	operations, bytes := c.of(func() {
		if a := g.want(t, 200, "GET", "/Groups/"+group, ""); a.get("members.#") != fmt.Sprint(many) {
			t.Errorf("the group has %s members", a.get("members.#"))
		}
	})
	if operations["search"] > 1+many/100 || bytes > many*400 {
		t.Errorf("reading a group of %d: %v, %d bytes", many, operations, bytes)
	}
}

// allIsIndexed asks a directory that refuses any search for which it would have
// to look at more than a hundred entries, one by one.
func allIsIndexed(t *testing.T) {
	d := startSlapd(t, slapd.Options{LDIF: crowd(), Global: "sizelimit size.unchecked=100"})
	g := startGateway(t, d, setup{})
	a := g.want(t, 400, "GET", filterPath("/Users", `title eq "x"`), "")
	if a.get("scimType") != "tooMany" {
		t.Fatalf("searching what has no index is answered %s", a)
	}
	user, group := g.id(t, "u0042"), g.groupIDWithoutMembers(t, "Everybody")
	requests := everyRequest(user, group)
	delete(requests, "list")
	delete(requests, "count")
	delete(requests, "list groups")
	delete(requests, "list sorted")
	delete(requests, "list by cursor")
	delete(requests, "list all types")
	delete(requests, "put")              // it is a rename of this user,
	delete(requests, "replace members")  // the end of this group,
	delete(requests, "delete")           // and
	delete(requests, "delete the group") // these are the end of both
	// Backwards: who is taken out of the group is then put into it again.
	for _, name := range slices.SortedFunc(maps.Keys(requests), func(a, b string) int { return strings.Compare(b, a) }) {
		r := requests[name]
		if a := g.do(t, r.method, r.path, r.body); a.Status >= 300 {
			t.Errorf("%s: %s", name, a)
		}
	}
	stranger := g.create(t, "stranger")
	g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Add", "members", members(stranger))))
	g.want(t, 200, "PATCH", "/Users/"+user, patchOf(operation("Replace", enterprise+":manager", stranger)))
	g.want(t, 200, "PATCH", "/Users/"+user, patchOf(operation("Replace", "userName", "u0042b")))
	if a := g.want(t, 200, "GET", filterPath("/Users", fmt.Sprintf("%s:manager.value eq %q", enterprise, stranger)), ""); a.get("totalResults") != "1" {
		t.Errorf("whose manager she is: %s", a)
	}
	g.want(t, 204, "DELETE", "/Users/"+stranger, "")
	want := fmt.Sprint(len(d.values(t, groupDN("Everybody"), "member")))
	if a := g.want(t, 200, "GET", "/Groups/"+group, ""); a.get("members.#") != want {
		t.Errorf("the group has %s members, want %s", a.get("members.#"), want)
	}
}
