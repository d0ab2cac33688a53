package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

func TestRule03NothingStopsADisable(t *testing.T) {
	t.Run("but what is wrong beside it is told", disableBesideMistakes)
	t.Run("protection does", protectionStopsDisable)
	t.Run("the brake does", brakeStopsDisable)
	t.Run("the brake counts each account once", brakeUnderConcurrency)
	t.Run("the account of scimgate is protected", ownAccount)
	t.Run("not a caller who hangs up", disableOfImpatientCaller)
}

// disableBesideMistakes sends a disable together with everything that may be
// wrong with the rest of a request. The account is off, and the error says so.
func disableBesideMistakes(t *testing.T) {
	d := startSlapd(t, slapd.Options{
		Global:   "moduleload constraint",
		Database: "overlay constraint\nconstraint_attribute title size 64",
	})
	g := startGateway(t, d, setup{Replace: []string{
		"map userType employeeType\n", "map userType employeeType {\n one_of Employee Contractor\n }\n",
		"map name.givenName givenName\n", "map name.givenName givenName {\n required\n }\n",
	}})
	const unknown = "00000000-0000-4000-8000-000000000000"
	manager := enterprise + ":manager"
	off := operation("Replace", "active", "False")
	mistakes := map[string]struct {
		body   string // of PATCH, with off where it is
		put    map[string]any
		status int // 0: either is right
	}{
		"a value of the wrong type":      {patchOf(off, operation("Replace", "name", 5)), map[string]any{"name": 5}, 400},
		"before it":                      {patchOf(operation("Replace", "name", 5), off), nil, 400},
		"a boolean that is none":         {patchOf(operation("Replace", `emails[type eq "work"].primary`, "perhaps"), off), nil, 400},
		"a manager who is unknown":       {patchOf(off, operation("Replace", manager, unknown)), map[string]any{enterprise: map[string]any{"manager": map[string]any{"value": unknown}}}, 400},
		"a value that is not in the set": {patchOf(off, operation("Replace", "userType", "Pirate")), map[string]any{"userType": "Pirate"}, 400},
		"a userName that is taken":       {patchOf(off, operation("Replace", "userName", "Grace.Hopper")), map[string]any{"userName": "Grace.Hopper"}, 409},
		"a value that is too long":       {patchOf(off, operation("Replace", "title", strings.Repeat("x", 65))), map[string]any{"title": strings.Repeat("x", 65)}, 400},
		"a required value taken away":    {patchOf(off, operation("Remove", "name.givenName", nil)), map[string]any{"name": map[string]any{"givenName": nil}}, 400},
		"a value against the syntax":     {patchOf(off, operation("Replace", `phoneNumbers[type eq "work"].value`, "élève ☎")), map[string]any{"phoneNumbers": []any{map[string]any{"type": "work", "value": "élève ☎"}}}, 400},
		"a password that is too short":   {patchOf(off, operation("Replace", "password", "x")), map[string]any{"password": "x"}, 400},
		"an operation that is none":      {patchOf(off, operation("Frobnicate", "title", "x")), nil, 400},
		"no operation at all":            {patchOf(off, map[string]any{"path": "title", "value": "x"}), nil, 400},
		"a path that can't be read":      {patchOf(off, operation("Replace", `emails[type eq "work"`, "x")), nil, 400},
		"a path that is a number":        {patchOf(map[string]any{"op": "Replace", "path": 5, "value": 1}, off), nil, 400},
		"a value that is missing":        {patchOf(map[string]any{"op": "Replace", "path": "title"}, off), nil, 400},
		"a change of what is read-only":  {patchOf(operation("Replace", "groups", members(unknown)), off), nil, 0},
		"another id":                     {patchOf(operation("Replace", "id", "x"), off), map[string]any{"id": "x"}, 0},
		"an unknown attribute":           {patchOf(off, operation("Replace", "shoeSize", 44)), map[string]any{"shoeSize": 44}, 200},
		"one set of all":                 {patchOf(operation("replace", "", map[string]any{"active": false, "userType": "Pirate"})), nil, 400},
		"no schemas":                     {strings.Replace(patchOf(off), patchSchema, "urn:something", 1), nil, 0},
	}
	for name, mistake := range mistakes {
		for _, method := range []string{"PATCH", "PUT"} {
			body := mistake.body
			if method == "PUT" {
				if mistake.put == nil {
					continue
				}
				document := map[string]any{"schemas": []string{userSchema, enterprise}, "userName": "Ada.Lovelace", "active": false}
				maps.Copy(document, mistake.put)
				body = jsonOf(document)
			}
			id := g.id(t, "Ada.Lovelace")
			d.signsIn(t, ada, "ada-password", true)
			a := g.do(t, method, "/Users/"+id, body)
			d.signsIn(t, ada, "ada-password", false)
			if mistake.status != 0 && a.Status != mistake.status || mistake.status == 0 && a.Status != 200 && a.Status != 400 {
				t.Errorf("%s, %s: answered %s, want %d", method, name, a, mistake.status)
			}
			if a.Status != 200 {
				isSCIMError(t, a)
				if !strings.HasPrefix(a.get("detail"), "The account was disabled.") {
					t.Errorf("%s, %s: the error does not say that the account was disabled: %s", method, name, a)
				}
			}
			if a.Status == 409 && a.get("scimType") != "uniqueness" {
				t.Errorf("%s, %s: %s", method, name, a)
			}
			if now := g.want(t, 200, "GET", "/Users/"+id, ""); now.get("active") != "false" || now.get("userName") != "Ada.Lovelace" ||
				now.get("title") != "Analyst" || now.get("name.givenName") != "Ada" {
				t.Errorf("%s, %s: afterwards %s", method, name, now)
			}
			g.want(t, 200, "PATCH", "/Users/"+id, enable)
		}
	}
	// An entry that never was what the rules demand is disabled all the same.
	d.modify(t, alan, "givenName")
	g.want(t, 200, "PATCH", "/Users/"+g.id(t, "Alan.Turing"), disable)
	d.signsIn(t, alan, "alan-password", false)
}

func protectionStopsDisable(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{Gateway: []string{"protect `displayName eq \"Engineering\"`"}})
		id, group := g.id(t, "svc-backup"), g.groupID(t, "Operators")
		before := d.dump(t)
		for name, r := range map[string]request{
			"disable":          {"PATCH", "/Users/" + id, disable},
			"PUT":              {"PUT", "/Users/" + id, jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "svc-backup", "active": false})},
			"rename and off":   {"PATCH", "/Users/" + id, patchOf(operation("Replace", "userName", "free"), operation("Replace", "active", "False"))},
			"change":           {"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "x"))},
			"delete":           {"DELETE", "/Users/" + id, ""},
			"create":           {"POST", "/Users", userBody("svc-new")},
			"become protected": {"PATCH", "/Users/" + g.id(t, "Alan.Turing"), patchOf(operation("Replace", "userName", "svc-alan"))},
			"add to a group":   {"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(g.id(t, "Alan.Turing"), id)))},
			"from a group":     {"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(id)))},
			"from its list":    {"PUT", "/Groups/" + group, jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "Operators", "members": members(g.id(t, "Alan.Turing"))})},
			"all from it":      {"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", nil))},
			"its group":        {"DELETE", "/Groups/" + group, ""},
			"the group":        {"PATCH", "/Groups/" + g.groupID(t, "Engineering"), patchOf(operation("Replace", "displayName", "Poets"))},
			"its members":      {"PATCH", "/Groups/" + g.groupID(t, "Engineering"), patchOf(operation("Add", "members", members(g.id(t, "Alan.Turing"))))},
		} {
			a := g.want(t, 403, r.method, r.path, r.body)
			isSCIMError(t, a)
			if detail := a.get("detail"); !strings.Contains(detail, "protect userName sw \"svc-\"") && !strings.Contains(detail, "protect displayName eq \"Engineering\"") {
				t.Errorf("%s: the answer does not name the rule: %s", name, a)
			}
			if level := g.requestLine(t, a).Get("level").String(); level != "warn" {
				t.Errorf("%s: logged at the level %s", name, level)
			}
		}
		d.signsIn(t, userDN("svc-backup"), "backup-password", true)
		if after := d.dump(t); after != before {
			t.Errorf("the directory was changed:\n%s", difference(before, after))
		}
		g.want(t, 200, "GET", "/Users/"+id, "")
	})
}

// brakeStopsDisable runs into the brake and releases it by reload and by time.
func brakeStopsDisable(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	brake := func(text string) []string { return []string{"brake disable 50 per 10m", text} }
	g := startGateway(t, d, setup{Replace: brake("brake disable 2 per 10m")})
	var ids []string
	for i := range 6 {
		ids = append(ids, g.create(t, fmt.Sprintf("leaver%d", i)))
	}
	held := func(method, id, body string) answer {
		t.Helper()
		before := d.dump(t)
		a := g.want(t, 503, method, "/Users/"+id, body)
		isFault(t, "the brake", a)
		if !strings.Contains(a.get("detail"), "brake") {
			t.Errorf("the answer does not name the brake: %s", a)
		}
		if after := d.dump(t); after != before {
			t.Errorf("the directory was changed:\n%s", difference(before, after))
		}
		return a
	}
	braked := g.metric(t, "caddy_scim_brakes_total", `gateway="demo"`)
	g.want(t, 200, "PATCH", "/Users/"+ids[0], disable)
	g.want(t, 204, "DELETE", "/Users/"+ids[1], "")
	a := held("PATCH", ids[2], disable)
	if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 500 || after > 600 {
		t.Errorf("to be tried again after %q s, want about 10 minutes", a.Header.Get("Retry-After"))
	}
	held("DELETE", ids[2], "")
	held("PUT", ids[2], jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "leaver2", "active": false}))
	if loud := g.logged(t, "the brake holds: too many accounts were to be disabled or deleted"); len(loud) != 3 || loud[0].Get("level").String() != "error" {
		t.Errorf("the log says %v", loud)
	}
	if n := g.metric(t, "caddy_scim_brakes_total", `gateway="demo"`) - braked; n != 3 {
		t.Errorf("%v requests are counted as held back, want 3", n)
	}
	// What is no disable goes on; so does a disable of what is disabled.
	g.want(t, 200, "PATCH", "/Users/"+ids[0], disable)
	g.want(t, 200, "PATCH", "/Users/"+ids[2], patchOf(operation("Replace", "title", "x")))
	// Beside a disable that is held back nothing else is done either: the
	// request will come again.
	if a := held("PATCH", ids[2], patchOf(operation("Replace", "active", "False"), operation("Replace", "title", "y"))); a.Status != 503 {
		t.Errorf("answered %s", a)
	}
	// A reload releases it, of the same configuration too.
	g.reload(t, func(*setup) {})
	g.want(t, 200, "PATCH", "/Users/"+ids[2], disable)
	d.signsIn(t, userDN("leaver2"), passwordOf("leaver2"), false)
	// So does time.
	g.reload(t, func(s *setup) { s.Replace = brake("brake disable 1 per 2s") })
	g.want(t, 200, "PATCH", "/Users/"+ids[3], disable)
	if after := held("PATCH", ids[4], disable).Header.Get("Retry-After"); after != "1" && after != "2" {
		t.Errorf("to be tried again after %s s", after)
	}
	waitFor(t, "the brake to open", func() bool { return g.do(t, "PATCH", "/Users/"+ids[4], disable).Status == 200 })
	d.signsIn(t, userDN("leaver4"), passwordOf("leaver4"), false)
}

// brakeUnderConcurrency disables many at once: no more get through than the
// brake lets.
func brakeUnderConcurrency(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{Replace: []string{"brake disable 50 per 10m", "brake disable 5 per 10m"}})
		requests := make(map[string]request)
		for i := range 20 {
			name := fmt.Sprintf("leaver%d", i)
			requests[name] = request{"PATCH", "/Users/" + g.create(t, name), disable}
		}
		off := 0
		for name, a := range g.sendAll(t, requests) {
			isOff := !d.canBind(t, userDN(name), passwordOf(name))
			if isOff {
				off++
			}
			if isOff != (a.Status == 200) || a.Status != 200 && a.Status != 503 {
				t.Errorf("%s is off: %t, and answered %s", name, isOff, a)
			}
		}
		if off != 5 {
			t.Errorf("%d were disabled, want 5", off)
		}
	})
}

// ownAccount is the account that scimgate signs in with, among the people.
func ownAccount(t *testing.T) {
	d := startSlapd(t, slapd.Options{LDIF: "dn: cn=admin,dc=example,dc=com\nobjectClass: inetOrgPerson\ncn: admin\nsn: admin\nuid: admin\n\n"})
	d.ServiceDN, d.ServicePassword = slapd.AdminDN, slapd.AdminPassword
	g := startGateway(t, d, setup{Replace: []string{"base ou=people,dc=example,dc=com", "base dc=example,dc=com"}})
	id := g.id(t, "admin")
	before := d.dump(t)
	for name, r := range map[string]request{
		"disable": {"PATCH", "/Users/" + id, disable},
		"delete":  {"DELETE", "/Users/" + id, ""},
		"rename":  {"PATCH", "/Users/" + id, patchOf(operation("Replace", "userName", "root"))},
		"change":  {"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "x"))},
	} {
		a := g.want(t, 403, r.method, r.path, r.body)
		if !strings.Contains(a.get("detail"), "protected") {
			t.Errorf("%s: answered %s", name, a)
		}
	}
	if after := d.dump(t); after != before || d.values(t, slapd.AdminDN, "pwdAccountLockedTime") != nil {
		t.Errorf("the directory was changed:\n%s", difference(before, after))
	}
}

// disableOfImpatientCaller hangs up while the directory is busy with the first
// step of a disable.
func disableOfImpatientCaller(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL()})
	id := g.id(t, "Ada.Lovelace")
	g.isChecked(t)
	reached, release := hold(t, proxy, ldap.ApplicationSearchRequest)
	<-g.abandon(t, "PATCH", "/Users/"+id, disable, reached)
	release()
	waitFor(t, "the disable that nobody waits for", func() bool { return !d.canBind(t, ada, "ada-password") })
	waitFor(t, "its outcome in the journal", func() bool {
		return slices.ContainsFunc(g.journal(t), func(l journalLine) bool { return l.Kind == "outcome" && l.Proof == "proven" })
	})
}
