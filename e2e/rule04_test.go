package e2e

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRule04TwiceIsOnce repeats every write: the second time nothing is written,
// nothing is an error, and the answer is the same.
func TestRule04TwiceIsOnce(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{Replace: []string{"brake disable 50 per 10m", "brake disable 2 per 10m"}})
		adaID, graceID, alanID := g.id(t, "Ada.Lovelace"), g.id(t, "Grace.Hopper"), g.id(t, "Alan.Turing")
		group := g.groupID(t, "Engineering")
		put := func(fields map[string]any) string {
			fields["schemas"] = []string{userSchema, enterprise}
			return jsonOf(fields)
		}
		writes := []struct {
			name string
			request
			status int
		}{
			{"disable", request{"PATCH", "/Users/" + adaID, disable}, 200},
			{"disable by PUT", request{"PUT", "/Users/" + adaID, put(map[string]any{"userName": "Ada.Lovelace", "active": false})}, 200},
			{"enable", request{"PATCH", "/Users/" + adaID, enable}, 200},
			{"replace", request{"PATCH", "/Users/" + adaID, patchOf(operation("Replace", "title", "Countess"), operation("Add", "nickName", "Ada"))}, 200},
			{"add an element", request{"PATCH", "/Users/" + adaID, patchOf(operation("Add", `phoneNumbers[type eq "mobile"].value`, "+44 20 7946 0000"))}, 200},
			{"remove", request{"PATCH", "/Users/" + adaID, patchOf(operation("Remove", "title", nil))}, 200},
			{"remove an element", request{"PATCH", "/Users/" + adaID, patchOf(operation("Remove", `phoneNumbers[type eq "mobile"]`, nil))}, 200},
			{"manager", request{"PATCH", "/Users/" + alanID, patchOf(operation("Add", enterprise+":manager", adaID))}, 200},
			{"no manager", request{"PATCH", "/Users/" + alanID, patchOf(operation("Remove", enterprise+":manager", nil))}, 200},
			{"PUT", request{"PUT", "/Users/" + graceID, put(map[string]any{"userName": "Grace.Hopper", "title": "Commodore", "name": map[string]any{"familyName": "Hopper", "givenName": "Grace"},
				"emails": []any{map[string]any{"type": "work", "value": "grace@example.com", "primary": true}}, enterprise: map[string]any{"department": "Navy"}})}, 200},
			{"rename", request{"PATCH", "/Users/" + alanID, patchOf(operation("Replace", "userName", "Alan.M.Turing"))}, 200},
			{"rename in another case", request{"PATCH", "/Users/" + alanID, patchOf(operation("Replace", "userName", "alan.m.turing"))}, 200},
			{"add a member", request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(alanID)))}, 204},
			{"add members who are there", request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(alanID, adaID)), operation("Add", "members", members(adaID)))}, 204},
			{"remove a member", request{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(alanID)))}, 204},
			{"remove by selector", request{"PATCH", "/Groups/" + group, patchOf(operation("Remove", fmt.Sprintf("members[value eq %q]", graceID), nil))}, 204},
			{"members by PUT", request{"PUT", "/Groups/" + group, jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "Engineering", "members": members(graceID, alanID)})}, 200},
			{"replace members", request{"PATCH", "/Groups/" + group, patchOf(operation("Replace", "members", members(adaID)))}, 204},
			{"remove all members", request{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", nil))}, 204},
			{"group renamed", request{"PATCH", "/Groups/" + group, patchOf(operation("Replace", "displayName", "Computing"))}, 204},
		}
		for _, write := range writes {
			first := g.want(t, write.status, write.method, write.path, write.body)
			after := d.dump(t)
			intents := len(g.journal(t))
			second := g.want(t, write.status, write.method, write.path, write.body)
			if again := d.dump(t); again != after {
				t.Errorf("%s: the second time changed the directory:\n%s", write.name, difference(after, again))
			}
			if first.Body != second.Body || first.Header.Get("ETag") != second.Header.Get("ETag") {
				t.Errorf("%s: the answers differ:\n%s", write.name, cmp.Diff(first.Body, second.Body))
			}
			if write.status == 200 && second.get("meta.version") == "" {
				t.Errorf("%s: there is no meta.version: %s", write.name, second)
			}
			waitFor(t, "the outcomes", func() bool { return len(g.openIntents(t)) == 0 })
			isMembers := write.status == 204
			if now := g.journal(t); now[len(now)-1].Kind == "intent" || !isMembers && len(now) > intents+1 {
				t.Errorf("%s: the journal has %d lines after the first and %d after the second time", write.name, intents, len(now))
			}
		}

		// Disabling the disabled is no disable for the brake, which lets two: Ada
		// was one of them.
		for range 3 {
			g.want(t, 200, "PATCH", "/Users/"+graceID, disable)
		}
		g.want(t, 503, "PATCH", "/Users/"+alanID, disable)

		// What exists, and what is gone.
		body := userBody("newcomer")
		id := g.want(t, 201, "POST", "/Users", body).get("id")
		after := d.dump(t)
		for _, again := range []string{body, userBody("NEWCOMER")} {
			a := g.want(t, 409, "POST", "/Users", again)
			isSCIMError(t, a)
			if a.get("scimType") != "uniqueness" {
				t.Errorf("created twice: %s", a)
			}
		}
		if again := d.dump(t); again != after {
			t.Errorf("creating twice changed the directory:\n%s", difference(after, again))
		}
		g.reload(t, func(*setup) {}) // releases the brake
		g.want(t, 204, "DELETE", "/Users/"+id, "")
		after = d.dump(t)
		for name, r := range map[string]request{
			"delete":  {"DELETE", "/Users/" + id, ""},
			"patch":   {"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "x"))},
			"disable": {"PATCH", "/Users/" + id, disable},
			"put":     {"PUT", "/Users/" + id, userBody("newcomer")},
			"read":    {"GET", "/Users/" + id, ""},
		} {
			a := g.want(t, 404, r.method, r.path, r.body)
			isSCIMError(t, a)
			if a.get("detail") == "" {
				t.Errorf("%s: %s", name, a)
			}
		}
		newGroup := jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "New", "members": members(adaID)})
		groupID := g.want(t, 201, "POST", "/Groups", newGroup).get("id")
		g.want(t, 409, "POST", "/Groups", newGroup)
		g.want(t, 204, "DELETE", "/Groups/"+groupID, "")
		g.want(t, 404, "DELETE", "/Groups/"+groupID, "")
		if again := d.dump(t); again != after {
			t.Errorf("writes to the deleted changed the directory:\n%s", difference(after, again))
		}
	})
}
