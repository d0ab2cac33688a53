package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/slapd"
)

func TestRule15ARehearsalNeverLies(t *testing.T) {
	t.Run("dry run", func(t *testing.T) { eachDirectory(t, dryRun) })
	t.Run("explain", explainIsWhatIsDone)
	t.Run("explain offline", explainOffline)
	t.Run("explain what is refused", explainRefused)
}

// dryRun answers no write with success, writes nothing, and logs what it would
// do. What would be refused is refused as ever.
func dryRun(t *testing.T, d *directory) {
	g := startGateway(t, d, setup{Gateway: []string{"dry_run"}})
	id, group, alanID := g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering"), g.id(t, "Alan.Turing")
	before := d.dump(t)
	for _, w := range []struct {
		name string
		request
		plan []string // parts of it, in this order
	}{
		{"create", request{"POST", "/Users", userBody("fresh")}, []string{"dn: uid=fresh," + people, "changetype: add", "sn: Test"}},
		{"create a group", request{"POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "New", "members": members(id)})}, []string{"dn: cn=New," + groups, "member: " + ada}},
		{"change", request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "Countess"))}, []string{"dn: " + ada, "replace: title", "title: Countess"}},
		{"nothing to change", request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "Analyst"))}, nil},
		{"put", request{"PUT", "/Users/" + id, jsonOf(map[string]any{"userName": "Ada.Lovelace", "title": "Countess"})}, []string{"title: Countess"}},
		{"disable", request{"PATCH", "/Users/" + id, disable}, []string{"dn: " + ada, "pwdAccountLockedTime: 000001010000Z"}},
		{"disable and change", request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "x"), operation("Replace", "active", "False"))}, []string{"pwdAccountLockedTime: 000001010000Z"}},
		{"rename", request{"PATCH", "/Users/" + alanID, patchOf(operation("Replace", "userName", "a.m.turing"))}, []string{"dn: " + alan, "changetype: modrdn", "newrdn: uid=a.m.turing"}},
		{"delete", request{"DELETE", "/Users/" + id, ""}, []string{"dn: " + ada, "changetype: delete"}},
		{"add a member", request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(alanID)))}, []string{"dn: " + groupDN("Engineering"), "add: member", "member: " + alan}},
		{"remove a member", request{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(id)))}, []string{"delete: member", "member: " + ada}},
		{"delete a group", request{"DELETE", "/Groups/" + group, ""}, []string{"changetype: delete"}},
	} {
		logged := len(g.logged(t, "dry run: this plan was not carried out"))
		a := g.do(t, w.method, w.path, w.body)
		if w.plan == nil && a.Status == 200 {
			continue // it is true that it is so
		}
		isFault(t, w.name, a)
		if a.Status != 503 || !strings.Contains(a.get("detail"), "dry run") {
			t.Errorf("%s: answered %s", w.name, a)
		}
		plans := g.logged(t, "dry run: this plan was not carried out")
		if len(plans) != logged+1 {
			t.Errorf("%s: %d plans are logged, want one", w.name, len(plans)-logged)
			continue
		}
		if w.plan == nil {
			continue
		}
		text := plans[logged].Get("plan").String()
		for _, part := range w.plan {
			_, rest, found := strings.Cut(text, part)
			if !found {
				t.Errorf("%s: the plan has no %q: %s", w.name, part, plans[logged])
			}
			text = rest
		}
	}
	g.want(t, 400, "PATCH", "/Users/"+id, patchOf(operation("Replace", "name", 5)))
	g.want(t, 403, "PATCH", "/Users/"+g.id(t, "svc-backup"), disable)
	g.want(t, 404, "DELETE", "/Users/00000000-0000-4000-8000-000000000000", "")
	if after := d.dump(t); after != before {
		t.Errorf("the directory was changed:\n%s", difference(before, after))
	}
	d.signsIn(t, ada, "ada-password", true)
	if lines := g.journal(t); len(lines) != 0 {
		t.Errorf("the journal has %v", lines)
	}
	if a := g.want(t, 200, "GET", "/Users", ""); a.get("totalResults") != "4" {
		t.Errorf("reading goes on as ever: %s", a)
	}
}

// explainIsWhatIsDone compares what explain prints with what slapd records when
// the same request is sent.
func explainIsWhatIsDone(t *testing.T) {
	audit := filepath.Join(t.TempDir(), "audit.ldif")
	d := startSlapd(t, slapd.Options{Global: "moduleload auditlog", Database: "overlay auditlog\nauditlog " + audit})
	g := startGateway(t, d, setup{})
	recorded := func() string {
		text, err := os.ReadFile(audit)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(text)
	}
	create := func(userName string) string { return g.create(t, userName) }
	changed, leaver, renamed, deleted := create("changed"), create("leaver"), create("renamed"), create("deleted")
	group := g.groupID(t, "Engineering")
	for _, w := range []struct {
		name string
		request
	}{
		{"create", request{"POST", "/Users", jsonOf(document("fresh one, \"x\" ", " té\nxt ", g.id(t, "Ada.Lovelace")))}},
		{"create disabled", request{"POST", "/Users", strings.Replace(userBody("off"), `"active":true`, `"active":false`, 1)}},
		{"create a group", request{"POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "New", "externalId": "n", "members": members(changed, leaver)})}},
		{"change", request{"PATCH", "/Users/" + changed, patchOf(operation("Replace", "title", "Countess"), operation("Add", `emails[type eq "work"].value`, "c@example.com"), operation("Replace", "password", "another-Password-1"))}},
		{"put", request{"PUT", "/Users/" + changed, jsonOf(document("changed", "other", g.id(t, "Grace.Hopper")))}},
		{"nothing", request{"PUT", "/Users/" + changed, jsonOf(document("changed", "other", g.id(t, "Grace.Hopper")))}},
		{"disable", request{"PATCH", "/Users/" + leaver, disable}},
		{"disable and change", request{"PATCH", "/Users/" + deleted, patchOf(operation("Replace", "title", "x"), operation("Replace", "active", "False"))}},
		{"enable", request{"PATCH", "/Users/" + leaver, enable}},
		{"rename", request{"PATCH", "/Users/" + renamed, patchOf(operation("Replace", "userName", "Renamed, Inc."), operation("Replace", "title", "y"))}},
		{"delete", request{"DELETE", "/Users/" + deleted, ""}},
		{"add members", request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(leaver, renamed)))}},
		{"replace members", request{"PUT", "/Groups/" + group, jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "Engineering", "members": members(changed, leaver)})}},
		{"remove a member", request{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(leaver)))}},
		{"delete a group", request{"DELETE", "/Groups/" + group, ""}},
	} {
		before := recorded()
		text, err := g.explain(t, w.method, w.path, w.body, false)
		if err != nil {
			t.Errorf("%s: explaining: %v", w.name, err)
			continue
		}
		if recorded() != before {
			t.Errorf("%s: explaining has written", w.name)
		}
		if a := g.do(t, w.method, w.path, w.body); a.Status >= 300 {
			t.Errorf("%s: %s", w.name, a)
		}
		explained, done := changesOf(t, text), changesOf(t, strings.TrimPrefix(recorded(), before))
		if diff := cmp.Diff(done, explained); diff != "" {
			t.Errorf("%s: what was done and what was explained differ (-done +explained):\n%s", w.name, diff)
		}
		if w.name != "nothing" && len(done) == 0 {
			t.Errorf("%s: nothing was done", w.name)
		}
	}
}

// operational are the attributes that slapd adds to changes by itself.
var operational = []string{"structuralobjectclass", "entryuuid", "creatorsname", "createtimestamp", "entrycsn", "modifiersname", "modifytimestamp",
	"pwdchangedtime", "memberof"}

var auditHead = regexp.MustCompile(`^# (add|modify|modrdn|delete) \d+ \S+ (.*)  ?(IP=\S* )?conn=`)

// changesOf reads change records: of explain's, or of slapd's audit log, in which
// only those count that our account has made. Each leaves as its lines, passwords
// masked, order of attributes aside.
func changesOf(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	for record := range strings.SplitSeq(strings.ReplaceAll(text, "\n ", ""), "\n\n") {
		var head []string
		var parts [][]string // of a modification, or one for the attributes of an add
		isOurs := true
		var part []string
		flush := func() {
			if len(part) > 0 {
				name, value, _ := strings.Cut(part[0], ": ")
				if slices.Contains([]string{"add", "delete", "replace"}, name) {
					name = value
				}
				if !slices.Contains(operational, strings.ToLower(name)) {
					parts = append(parts, part)
				}
			}
			part = nil
		}
		for line := range strings.SplitSeq(record, "\n") {
			if m := auditHead.FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[2], "cn=scimgate,") {
				isOurs = false
			}
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			name, value, ok := strings.Cut(line, ":")
			if encoded, is := strings.CutPrefix(value, ":"); is {
				decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
				if err != nil {
					t.Fatalf("reading %q: %v", line, err)
				}
				value = string(decoded)
			} else {
				value = strings.TrimPrefix(value, " ")
			}
			if strings.EqualFold(name, "userPassword") {
				value = "********"
			}
			line = fmt.Sprintf("%s: %s", name, value)
			switch {
			case name == "dn":
				head = append(head, strings.ToLower(unescaped(value)))
			case name == "changetype", name == "newrdn", name == "deleteoldrdn", name == "newsuperior":
				head = append(head, unescaped(line))
			case !ok && name == "-":
				flush()
			case head != nil && slices.Contains(head, "changetype: add"):
				flush()
				part = []string{line}
			default:
				part = append(part, line)
			}
		}
		flush()
		if !isOurs || head == nil {
			continue
		}
		var lines []string
		for _, p := range parts {
			slices.Sort(p[1:])
			lines = append(lines, strings.Join(p, " | "))
		}
		slices.Sort(lines)
		all = append(all, strings.Join(append(head, lines...), "\n"))
	}
	return all
}

var hexPair = regexp.MustCompile(`\\([0-9a-fA-F]{2})`)

// unescaped takes the escaping out of a DN, of which there are several ways.
func unescaped(dn string) string {
	dn = hexPair.ReplaceAllStringFunc(dn, func(pair string) string {
		var b byte
		_, _ = fmt.Sscanf(pair[1:], "%02x", &b)
		return string([]byte{b})
	})
	return strings.ReplaceAll(dn, `\`, "")
}

// explainOffline makes no connection, and puts symbols where a read would have
// told something.
func explainOffline(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL()})
	id, group := g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering")
	g.isChecked(t) // as it does in its own time
	accepted := proxy.Accepted()
	for name, r := range everyRequest(id, group) {
		text, err := g.explain(t, r.method, r.path, r.body, true)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if r.method != "GET" && !strings.Contains(text, "changetype: ") {
			t.Errorf("%s is explained as %s", name, text)
		}
		if r.method != "GET" && r.method != "POST" && !strings.Contains(text, "{dn of "+id+"}") && !strings.Contains(text, "{dn of "+group+"}") {
			t.Errorf("%s: nothing stands for what was not read: %s", name, text)
		}
	}
	if n := proxy.Accepted() - accepted; n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// explainRefused says why a request would be refused, and what would be done all
// the same.
func explainRefused(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	id := g.id(t, "Ada.Lovelace")
	for name, c := range map[string]struct {
		request
		plan, complaint string
	}{
		"protected":         {request{"PATCH", "/Users/" + g.id(t, "svc-backup"), disable}, "", "protect"},
		"nobody":            {request{"DELETE", "/Users/00000000-0000-4000-8000-000000000000", ""}, "", "There is no User"},
		"invalid":           {request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "name", 5))}, "", "name"},
		"disable, invalid":  {request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "active", "False"), operation("Replace", "name", 5))}, "pwdAccountLockedTime: 000001010000Z", "name"},
		"not a SCIM method": {request{"FROB", "/Users/" + id, disable}, "", "FROB"},
	} {
		text, err := g.explain(t, c.method, c.path, c.body, false)
		if err == nil || !strings.Contains(err.Error(), c.complaint) {
			t.Errorf("%s: the complaint is %v, want %q", name, err, c.complaint)
		}
		if !strings.Contains(text, c.plan) || c.plan == "" && strings.Contains(text, "changetype") {
			t.Errorf("%s: the plan is %s", name, text)
		}
	}
	d.signsIn(t, ada, "ada-password", true)
}
