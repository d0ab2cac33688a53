package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

// atOnce sends the same request many times at once and counts the answers by
// status.
func (g *gateway) atOnce(t *testing.T, n int, r request) map[int]int {
	t.Helper()
	requests := make(map[string]request)
	for i := range n {
		requests[fmt.Sprint(i)] = r
	}
	byStatus := make(map[int]int)
	for _, a := range g.sendAll(t, requests) {
		byStatus[a.Status]++
	}
	return byStatus
}

// TestCreatesAtOnce creates the same person and the same group many times at
// once.
func TestCreatesAtOnce(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		const n = 12
		g := startGateway(t, d, setup{})
		for round := range 5 {
			userName := fmt.Sprintf("twin%d", round)
			if got := g.atOnce(t, n, request{"POST", "/Users", userBody(userName)}); got[201] != 1 || got[409] != n-1 {
				t.Errorf("%d creates at once were answered %v", n, got)
			}
			if dns := d.matching(t, "(uid="+userName+")"); len(dns) != 1 {
				t.Errorf("there are the accounts %q", dns)
			}
			group := jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": userName})
			if got := g.atOnce(t, n, request{"POST", "/Groups", group}); got[201] != 1 || got[409] != n-1 {
				t.Errorf("%d creates of a group at once were answered %v", n, got)
			}
		}
		if got := g.atOnce(t, n, request{"DELETE", "/Users/" + g.id(t, "twin0"), ""}); got[204] != 1 || got[404] != n-1 {
			t.Errorf("%d deletes at once were answered %v", n, got)
		}
		if got := g.atOnce(t, n, request{"PATCH", "/Users/" + g.id(t, "twin1"), disable}); got[200] != n {
			t.Errorf("%d disables at once were answered %v", n, got)
		}
		d.signsIn(t, userDN("twin1"), passwordOf("twin1"), false)
		if got := g.atOnce(t, n, request{"PATCH", "/Groups/" + g.groupID(t, "twin1"), patchOf(operation("Add", "members", members(g.id(t, "twin1"))))}); got[204] != n {
			t.Errorf("one member added %d times at once was answered %v", n, got)
		}
		if a := g.want(t, 200, "GET", "/Groups/"+g.groupID(t, "twin1"), ""); a.get("members.#") != "1" {
			t.Errorf("the group is %s", a)
		}
	})
}

// TestChangesAtOnce changes one person in many ways at once: nothing is lost, and
// no two changes are at the directory at the same time.
func TestChangesAtOnce(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL()})
	id, group := g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering")
	paths := map[string]string{
		"title": "title", "nickName": "scimNickName", "userType": "employeeType", "locale": "scimLocale", "name.givenName": "givenName",
		"name.middleName": "scimMiddleName", enterprise + ":department": "scimDepartment", enterprise + ":division": "scimDivision",
		`addresses[type eq "work"].locality`: "l", `addresses[type eq "work"].region`: "st", `emails[type eq "other"].value`: "scimOtherMail",
		"userName": "uid",
	}
	requests := make(map[string]request)
	for path := range paths {
		requests[path] = request{"PATCH", "/Users/" + id, patchOf(operation("Replace", path, "new "+path))}
	}
	isWrite := func(operation int) bool {
		return operation == ldap.ApplicationModifyRequest || operation == ldap.ApplicationModifyDNRequest
	}
	isWritten := func(operation int) bool {
		return operation == ldap.ApplicationModifyResponse || operation == ldap.ApplicationModifyDNResponse
	}
	var under, crowded atomic.Int64
	proxy.OnRequest(func(operation int) slapd.Action {
		if isWrite(operation) && under.Add(1) > 1 {
			crowded.Add(1)
		}
		return slapd.Forward
	})
	proxy.OnResponse(func(operation int) slapd.Action {
		if isWritten(operation) {
			under.Add(-1)
		}
		return slapd.Forward
	})
	for path, a := range g.sendAll(t, requests) {
		if a.Status != 200 {
			t.Errorf("%s: %s", path, a)
		}
	}
	if n := crowded.Load(); n != 0 {
		t.Errorf("%d times a change of the person came to the directory while another was there", n)
	}
	proxy.OnRequest(nil)
	proxy.OnResponse(nil)
	dns := d.matching(t, "(entryUUID="+id+")")
	if len(dns) != 1 {
		t.Fatalf("Ada is at %q", dns)
	}
	entry := d.entry(t, dns[0])
	for path, attribute := range paths {
		if got := entry[strings.ToLower(attribute)]; !slices.Equal(got, []string{"new " + path}) {
			t.Errorf("%s is %q", attribute, got)
		}
	}

	// Members of one group, by many at once, one of them each.
	adding, removing := make(map[string]request), make(map[string]request)
	for i := range 16 {
		userName := fmt.Sprintf("member%d", i)
		member := g.create(t, userName)
		adding[userName] = request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(member)))}
		removing[userName] = request{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(member)))}
	}
	for name, a := range g.sendAll(t, adding) {
		if a.Status != 204 {
			t.Errorf("%s: %s", name, a)
		}
	}
	if got := d.values(t, groupDN("Engineering"), "member"); len(got) != 18 {
		t.Errorf("the group has %d members, want 18: %q", len(got), got)
	}
	for name, a := range g.sendAll(t, removing) {
		if a.Status != 204 {
			t.Errorf("%s: %s", name, a)
		}
	}
	if got := d.values(t, groupDN("Engineering"), "member"); len(got) != 2 {
		t.Errorf("the group has the members %q", got)
	}
}

// TestDisableAmongChanges disables somebody whom others change and give
// passwords at the same time: when all are answered the account is off, whatever came last.
func TestDisableAmongChanges(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		id := g.id(t, "Ada.Lovelace")
		for round := range 5 {
			requests := map[string]request{"off": {"PATCH", "/Users/" + id, disable}}
			for i := range 6 {
				requests[fmt.Sprint("password", i)] = request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "password", fmt.Sprintf("New-Password-%d-%d", round, i)))}
				requests[fmt.Sprint("title", i)] = request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", fmt.Sprint(i)))}
			}
			for name, a := range g.sendAll(t, requests) {
				if a.Status != 200 {
					t.Errorf("%s: %s", name, a)
				}
			}
			for i := range 6 {
				d.signsIn(t, ada, fmt.Sprintf("New-Password-%d-%d", round, i), false)
			}
			if a := g.want(t, 200, "GET", "/Users/"+id, ""); a.get("active") != "false" {
				t.Errorf("afterwards: %s", a)
			}
			g.want(t, 200, "PATCH", "/Users/"+id, enable)
		}
	})
}
