package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/internal/postgres"
	"github.com/scimgate/scimgate/modules/journal"
)

// Two gateways share a store and an application that takes whole records alone: what
// comes through both at once is made one after the other. So an account is created once,
// and one that was disabled through one gateway is not enabled by the record that the
// other has read before, also where the application does not tell whether a record was
// changed since it was read. Where it resets what is left out, nothing is.
func TestRestTwoGatewaysBeforeOneApplication(t *testing.T) {
	server := postgres.Start(t)
	t.Run("no versions", func(t *testing.T) { restTogether(t, server.Database(t), legacy.PutOverlays) })
	t.Run("ETags", func(t *testing.T) {
		restTogether(t, server.Database(t), legacy.PutETag, "items users", "items users\nversion etag", "update PUT /users/{id}", "update PUT /users/{id} {\nif_match\n}")
	})
}

func restTogether(t *testing.T, dsn string, update legacy.Update, replace ...string) {
	app := legacy.Start(t, legacy.Options{Groups: legacy.OnUsers, Update: update})
	var both [2]*mortal
	for i := range both {
		both[i] = newMortal(t, new(directory), dsn, setup{File: "rest/groups-on-users.caddyfile", Application: app,
			Replace: append([]string{"update PATCH /users/{id}", "update PUT /users/{id}"}, replace...)})
		both[i].start(t)
	}
	// Each answer comes late, so that the requests of both are under way at once.
	for _, op := range []string{"users.list", "users.read", "users.create", "users.update", "users.replace"} {
		app.Fail(legacy.Fault{Kind: legacy.SlowAfter, Op: op, For: 5 * time.Millisecond})
	}
	const people, crowds = 4, 3
	var groups []string
	for n := range crowds {
		groups = append(groups, both[n%2].want(t, 201, "POST", "/Groups", fmt.Sprintf(`{"schemas":[%q],"displayName":"crowd%d"}`, groupSchema, n)).get("id"))
	}
	for n := range people {
		name := fmt.Sprintf("twin%d", n)
		var mu sync.Mutex
		statuses, id := make(map[int]int), ""
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				a := both[i%2].do(t, "POST", "/Users", restUser(name))
				mu.Lock()
				defer mu.Unlock()
				statuses[a.Status]++
				if a.Status == 201 {
					id = a.get("id")
				}
			})
		}
		all.Wait()
		if statuses[201] != 1 || statuses[409] != 5 {
			t.Errorf("%d creates at once were answered %v", 6, statuses)
		}
		if err := app.Set(name, map[string]any{"theme": "dark of " + name}); err != nil {
			t.Fatal(err)
		}

		status := func(want int, m *mortal, method, path, body string) {
			all.Go(func() {
				if a, err := m.send(method, path, body); err != nil || a.Status != want {
					t.Errorf("%s %s %s: %v %s, want %d", method, path, body, err, a, want)
				}
			})
		}
		one, other := both[n%2], both[1-n%2]
		status(200, one, "PATCH", "/Users/"+id, disable)
		for i := range 3 {
			status(200, other, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", fmt.Sprint("title ", i))))
		}
		status(200, one, "PATCH", "/Users/"+id, patchOf(operation("Replace", "name.givenName", "New")))
		for i, group := range groups {
			status(204, both[i%2], "PATCH", "/Groups/"+group, patchOf(operation("Add", "members", members(id))))
		}
		all.Wait()
		u := app.User(name)
		if u["status"] != "locked" || signIn(t, app, name, passwordOf(name)) {
			t.Errorf("the disabled account works: %v", u)
		}
		if u["theme"] != "dark of "+name || u["mail"] != name+"@example.com" {
			t.Errorf("what nobody has changed is lost: %v", u)
		}
		if u["first_name"] != "New" || len(fmt.Sprint(u["title"])) != len("title 0") {
			t.Errorf("a change is lost: %v", u)
		}
		for i := range groups {
			if in, _ := app.Members(fmt.Sprint("crowd", i)); !slices.Contains(in, name) {
				t.Errorf("%s is not in crowd%d, which has %q", name, i, in)
			}
		}
		for _, m := range both {
			if a := m.want(t, 200, "GET", "/Users/"+id, ""); a.get("active") != "false" || a.get("groups.#") != fmt.Sprint(crowds) {
				t.Errorf("a gateway says %s", a)
			}
		}
	}
	creates := make(map[string]int)
	for _, w := range app.Writes() {
		if w.Op == "users.create" {
			creates[fmt.Sprint(w.Status)]++
		}
	}
	if len(creates) != 1 || creates["201"] != people {
		t.Errorf("the application was told to create %v", creates)
	}
	for _, e := range both[0].closed(t) {
		if e.Operation == "disable" && (e.Result != journal.Applied || e.Proof != "proven") {
			t.Errorf("the disable of %s is %q, proof %q: %s", e.Name, e.Result, e.Proof, e.Note)
		}
	}
}
