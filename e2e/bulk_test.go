package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/slapd"
)

// bulkOperation makes an operation of a Bulk; without bulkId and data where they
// are "" and nil.
func bulkOperation(method, path, bulkID string, data any) map[string]any {
	o := map[string]any{"method": method, "path": path}
	if bulkID != "" {
		o["bulkId"] = bulkID
	}
	if data != nil {
		o["data"] = data
	}
	return o
}

// bulkOf makes the body of a Bulk.
func bulkOf(failOnErrors int, operations ...any) string {
	return jsonOf(map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"}, "failOnErrors": failOnErrors, "Operations": operations})
}

func bulkUser(userName string) map[string]any {
	return map[string]any{"schemas": []string{userSchema}, "userName": userName, "password": passwordOf(userName), "active": true,
		"name": map[string]any{"familyName": "Test", "formatted": "Test " + userName}}
}

func bulkGroup(displayName string, ids ...string) map[string]any {
	return map[string]any{"schemas": []string{groupSchema}, "displayName": displayName, "members": members(ids...)}
}

var bulkDisable = gjson.Parse(disable).Value()

// statuses are those of the operations of a Bulk, joined by blanks.
func (a answer) statuses() string {
	var all []string
	for _, status := range gjson.Get(a.Body, "Operations.#.status").Array() {
		all = append(all, status.String())
	}
	return strings.Join(all, " ")
}

// bulk sends a Bulk whose statuses are known.
func (g *gateway) bulk(t *testing.T, want string, failOnErrors int, operations ...any) answer {
	t.Helper()
	a := g.want(t, 200, "POST", "/Bulk", bulkOf(failOnErrors, operations...))
	if got := a.statuses(); got != want {
		t.Fatalf("a Bulk is answered %s, want %s: %s", got, want, a)
	}
	return a
}

// TestBulk sends what needs each other, in one request (RFC 7644 §3.7).
func TestBulk(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		a := g.bulk(t, "201 201 201 200", 0,
			bulkOperation("POST", "/Groups", "poets", bulkGroup("Poets", "bulkId:byron", "bulkId:keats")),
			bulkOperation("POST", "/Users", "byron", bulkUser("byron")),
			bulkOperation("POST", "/Users", "keats", map[string]any{"userName": "keats", enterprise: map[string]any{"manager": map[string]any{"value": "bulkId:byron"}}}),
			bulkOperation("PATCH", "/Users/bulkId:byron", "", map[string]any{"Operations": []any{operation("replace", "title", "Lord")}}),
		)
		group := g.want(t, 200, "GET", strings.TrimPrefix(a.get("Operations.0.location"), g.URL), "")
		if got := gjson.Get(group.Body, "members.#.value").Array(); len(got) != 2 || group.get("meta.version") != a.get("Operations.0.version") {
			t.Errorf("the group: %s, in the Bulk %s", group, a.get("Operations.0"))
		}
		byron := g.want(t, 200, "GET", strings.TrimPrefix(a.get("Operations.3.location"), g.URL), "")
		if byron.get("title") != "Lord" || byron.get("meta.version") != a.get("Operations.3.version") || byron.get("meta.location") != a.get("Operations.1.location") {
			t.Errorf("byron: %s, in the Bulk %s", byron, a)
		}
		if got := d.values(t, userDN("keats"), "manager"); len(got) != 1 || !sameDN(got[0], userDN("byron")) {
			t.Errorf("the manager of keats is %q", got)
		}

		// Groups that are members of each other.
		g.bulk(t, "201 201", 0,
			bulkOperation("POST", "/Groups", "a", bulkGroup("A", "bulkId:b")), bulkOperation("POST", "/Groups", "b", bulkGroup("B", "bulkId:a")))
		for group, member := range map[string]string{"A": "B", "B": "A"} {
			if !slices.ContainsFunc(d.values(t, groupDN(group), "member"), func(dn string) bool { return sameDN(dn, groupDN(member)) }) {
				t.Errorf("%s is no member of %s: %q", member, group, d.values(t, groupDN(group), "member"))
			}
		}

		// A name that stands twice, and what refers to it.
		a = g.bulk(t, "201 409 409 201", 0,
			bulkOperation("POST", "/Users", "1", bulkUser("shelley")), bulkOperation("POST", "/Users", "2", bulkUser("SHELLEY")),
			bulkOperation("POST", "/Groups", "3", bulkGroup("Readers", "bulkId:2")), bulkOperation("POST", "/Groups", "4", bulkGroup("Writers", "bulkId:1")))
		if a.get("Operations.1.response.scimType") != "uniqueness" || !strings.Contains(a.get("Operations.2.response.detail"), "bulkId:2") {
			t.Errorf("answered %s", a)
		}

		// Twice is once: what exists is not made again, what is off stays off.
		leaver := g.id(t, "shelley")
		before := ""
		for range 2 {
			g.bulk(t, "409 200 204", 0,
				bulkOperation("POST", "/Users", "1", bulkUser("byron")), bulkOperation("PATCH", "/Users/"+leaver, "", bulkDisable),
				bulkOperation("DELETE", "/Users/"+g.create(t, "passer-by"), "", nil))
			d.signsIn(t, userDN("shelley"), passwordOf("shelley"), false)
			if after := d.dump(t); before != "" && after != before {
				t.Errorf("the second time changed the directory:\n%s", difference(before, after))
			}
			before = d.dump(t)
		}
	})
}

// TestBulkIsEachOperationAlone looks at journal, log and metrics, and at what the
// operator's policy makes of a Bulk.
func TestBulkIsEachOperationAlone(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{Replace: []string{"brake disable 50 per 10m", "brake disable 2 per 10m"}})
		ids := []string{g.create(t, "leaver0"), g.create(t, "leaver1"), g.create(t, "leaver2")}
		waitFor(t, "the outcomes", func() bool { return len(g.openIntents(t)) == 0 })
		intents := len(g.journal(t))
		requests := func() float64 {
			return g.metric(t, "caddy_scim_requests_total", `gateway="demo"`, `operation="update"`)
		}
		counted, held := requests(), g.metric(t, "caddy_scim_brakes_total", `gateway="demo"`)
		a := g.bulk(t, "200 403 200 503 200", 0,
			bulkOperation("PATCH", "/Users/"+ids[0], "", bulkDisable),
			bulkOperation("DELETE", "/Users/"+g.id(t, "svc-backup"), "", nil),
			bulkOperation("PATCH", "/Users/"+ids[1], "", bulkDisable),
			bulkOperation("PATCH", "/Users/"+ids[2], "", bulkDisable),
			bulkOperation("PATCH", "/Users/"+ids[2], "", map[string]any{"Operations": []any{operation("replace", "title", "x")}}),
		)
		for i, off := range []bool{true, true, false} {
			name := fmt.Sprintf("leaver%d", i)
			d.signsIn(t, userDN(name), passwordOf(name), !off)
		}
		if !strings.Contains(a.get("Operations.3.response.detail"), "brake") || !strings.Contains(a.get("Operations.1.response.detail"), "protect") {
			t.Errorf("answered %s", a)
		}
		waitFor(t, "the outcomes", func() bool { return len(g.openIntents(t)) == 0 })
		var got []string
		for _, line := range g.journal(t)[intents:] {
			request, step, _ := strings.Cut(line.ID, ".")
			if request != a.Header.Get("X-Request-Id") {
				t.Errorf("the journal has %+v of another request", line)
			}
			if line.Kind == "intent" {
				got = append(got, step+" "+line.Operation+" "+line.Name)
			}
		}
		if want := "1-1 disable leaver0, 3-1 disable leaver1, 5-1 update leaver2"; strings.Join(got, ", ") != want {
			t.Errorf("the journal has %q, want %s", got, want)
		}
		if n := requests() - counted; n != 4 {
			t.Errorf("%v updates are counted, want 4", n)
		}
		if n := g.metric(t, "caddy_scim_brakes_total", `gateway="demo"`) - held; n != 1 {
			t.Errorf("the brake is counted %v times", n)
		}
		if line := g.requestLine(t, a); line.Get("operation").String() != "bulk" || line.Get("operations").Int() != 5 || line.Get("failed").Int() != 2 {
			t.Errorf("logged %s", line)
		}

		// A dry run promises nothing, and a Bulk has no back door.
		g.reload(t, func(s *setup) { s.Gateway = []string{"dry_run"} })
		before := d.dump(t)
		g.bulk(t, "503 503 503", 0,
			bulkOperation("PATCH", "/Users/"+ids[2], "", bulkDisable), bulkOperation("POST", "/Users", "x", bulkUser("nobody")),
			bulkOperation("DELETE", "/Users/"+ids[2], "", nil))
		if after := d.dump(t); after != before {
			t.Errorf("a dry run changed the directory:\n%s", difference(before, after))
		}
	})
}

// TestBulkFailOnErrors sends disables behind the failure that ends a Bulk
// (DESIGN §4 rule 3).
func TestBulkFailOnErrors(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	ids := []string{g.create(t, "leaver0"), g.create(t, "leaver1"), g.create(t, "stayer")}
	a := g.bulk(t, "409 200 409", 1,
		bulkOperation("POST", "/Users", "1", bulkUser("Ada.Lovelace")),
		bulkOperation("PATCH", "/Users/"+ids[0], "", bulkDisable),
		bulkOperation("POST", "/Users", "2", bulkUser("newcomer")),
		bulkOperation("PUT", "/Users/"+ids[1], "", map[string]any{"userName": "leaver1", "active": false, "title": "x"}),
		bulkOperation("PATCH", "/Users/"+ids[2], "", map[string]any{"Operations": []any{operation("replace", "title", "x")}}),
	)
	if detail := a.get("Operations.2.response.detail"); !strings.HasPrefix(detail, "The account was disabled.") {
		t.Errorf("answered %s", a)
	}
	for i, name := range []string{"leaver0", "leaver1", "stayer"} {
		d.signsIn(t, userDN(name), passwordOf(name), i == 2)
		if d.values(t, userDN(name), "title") != nil {
			t.Errorf("%s has a title", name)
		}
	}
	if d.entry(t, userDN("newcomer")) != nil {
		t.Error("an operation was begun behind the failure that ends the Bulk")
	}
}

// TestBulkOfAThousand makes many people and a group of them, with the group
// first.
func TestBulkOfAThousand(t *testing.T) {
	const n = 999
	d := startEmbedded(t)
	g := startGateway(t, d, setup{})
	var references []string
	operations := []any{nil}
	for i := range n {
		references = append(references, fmt.Sprintf("bulkId:u%d", i))
		operations = append(operations, bulkOperation("POST", "/Users", fmt.Sprintf("u%d", i), map[string]any{"userName": fmt.Sprintf("user%d", i)}))
	}
	operations[0] = bulkOperation("POST", "/Groups", "all", bulkGroup("All", references...))
	a := g.want(t, 200, "POST", "/Bulk", bulkOf(0, operations...))
	if got := strings.Count(a.statuses(), "201"); got != n+1 {
		t.Fatalf("%d were created: %s", got, a)
	}
	group := g.want(t, 200, "GET", strings.TrimPrefix(a.get("Operations.0.location"), g.URL), "")
	if got := gjson.Get(group.Body, "members.#").Int(); got != n {
		t.Errorf("the group has %d members", got)
	}
	waitFor(t, "the outcomes", func() bool { return len(g.openIntents(t)) == 0 })
}

// TestBulkWhileTheDirectoryDies kills slapd in the middle of a Bulk: what was done
// is said to be done, everything else is a fault, and the journal tells the rest
// (DESIGN §4 rules 1, 9 and 12).
func TestBulkWhileTheDirectoryDies(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL(), Translator: []string{briefly}})
	id := g.create(t, "leaver")
	g.isChecked(t)
	var adds atomic.Int32
	proxy.OnRequest(func(operation int) slapd.Action {
		if operation == ldap.ApplicationAddRequest && adds.Add(1) == 6 {
			if err := d.Slapd.Kill(); err != nil {
				t.Errorf("killing slapd: %v", err)
			}
			return slapd.Cut
		}
		return slapd.Forward
	})
	var operations []any
	for i := range 12 {
		operations = append(operations, bulkOperation("POST", "/Users", fmt.Sprint(i), bulkUser(fmt.Sprintf("user%d", i))))
	}
	operations = append(operations, bulkOperation("PATCH", "/Users/"+id, "", bulkDisable))
	a := g.want(t, 200, "POST", "/Bulk", bulkOf(0, operations...))
	if err := d.Slapd.Restart(); err != nil {
		t.Fatalf("restarting slapd: %v", err)
	}
	statuses := strings.Fields(a.statuses())
	if len(statuses) != len(operations) {
		t.Fatalf("answered %s", a)
	}
	for i, status := range statuses {
		isThere := d.entry(t, userDN(fmt.Sprintf("user%d", i))) != nil
		switch {
		case i < 5 && (status != "201" || !isThere):
			t.Errorf("operation %d: %s, and is there: %t", i+1, status, isThere)
		case i >= 5 && status != "503" && status != "504":
			t.Errorf("operation %d: %s: %s", i+1, status, a.get(fmt.Sprintf("Operations.%d", i)))
		case i >= 5 && i < 12 && isThere:
			t.Errorf("operation %d is answered %s, and was done", i+1, status)
		}
	}
	d.signsIn(t, userDN("leaver"), passwordOf("leaver"), true)
	intended := make(map[string]bool)
	for _, line := range g.journal(t) {
		if _, step, is := strings.Cut(line.ID, "."); is && line.Kind == "intent" {
			intended[step] = true
		}
	}
	for i := range 6 { // what the directory saw, and what it died of
		if step := fmt.Sprintf("%d-1", i+1); !intended[step] {
			t.Errorf("the journal has no intent %s: %q", step, slices.Sorted(maps.Keys(intended)))
		}
	}
	// It comes again.
	proxy.OnRequest(nil)
	g.isBack(t)
	a = g.want(t, 200, "POST", "/Bulk", bulkOf(0, operations...))
	for i, status := range strings.Fields(a.statuses()) {
		if want := map[bool]string{true: "409", false: "201"}[i < 5]; i < 12 && status != want || i == 12 && status != "200" {
			t.Errorf("operation %d, again: %s", i+1, a.get(fmt.Sprintf("Operations.%d", i)))
		}
	}
	d.signsIn(t, userDN("leaver"), passwordOf("leaver"), false)
}

// isBack waits until the directory is found again.
func (g *gateway) isBack(t *testing.T) {
	t.Helper()
	waitFor(t, "the directory to be found again", func() bool {
		a, err := g.send("GET", filterPath("/Users", `userName eq "ada.lovelace"`), "")
		return err == nil && a.Status == 200
	})
}

// TestBulkOfImpatientCaller hangs up while the directory is busy with the first
// operation.
func TestBulkOfImpatientCaller(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL()})
	id := g.id(t, "Ada.Lovelace")
	g.isChecked(t)
	reached, release := hold(t, proxy, ldap.ApplicationAddRequest)
	<-g.abandon(t, "POST", "/Bulk", bulkOf(0, bulkOperation("POST", "/Users", "x", bulkUser("newcomer")), bulkOperation("PATCH", "/Users/"+id, "", bulkDisable)), reached)
	release()
	waitFor(t, "the disable that nobody waits for", func() bool { return !d.canBind(t, ada, "ada-password") })
	if d.entry(t, userDN("newcomer")) == nil {
		t.Error("the operation before it is not done")
	}
}
