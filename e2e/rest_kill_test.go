package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/modules/journal"
)

// DESIGN §4 rule 9: whatever the application has done has an intent, also after kill -9
// at any moment, and on the next start each one is closed as the application has it.
func TestRestRule09EveryWriteHasAnIntentAlsoAfterAKill(t *testing.T) {
	for name, k := range map[string]*restKills{
		"members of groups": {shape: "plain"},
		"groups of users":   {shape: "groups-on-users", options: legacy.Options{Groups: legacy.OnUsers}},
		// What was not read can't be left out of what is written.
		"whole records": {shape: "put-etag", options: legacy.Options{Update: legacy.PutETag}},
	} {
		t.Run(name, func(t *testing.T) { k.run(t) })
	}
}

// restKills are kills of a gateway before an application.
type restKills struct {
	shape   string
	options legacy.Options

	app    *legacy.App
	m      *mortal
	groups [2]string // ids
	number atomic.Int64
}

func (k *restKills) run(t *testing.T) {
	k.app = legacy.Start(t, k.options)
	k.m = newMortal(t, new(directory), "", setup{File: "rest/" + k.shape + ".caddyfile", Application: k.app})
	k.m.start(t)
	for i := range k.groups {
		k.groups[i] = k.m.want(t, 201, "POST", "/Groups", fmt.Sprintf(`{"schemas":[%q],"displayName":"crowd%d"}`, groupSchema, i)).get("id")
	}
	// A request that is cut off is not done at all, or done and not answered.
	const kills = 4
	for n := range kills {
		kind := legacy.Slow
		if n%2 == 1 {
			kind = legacy.SlowAfter
		}
		for _, op := range []string{"users.create", "users.update", "users.replace", "users.delete", "groups.add"} {
			k.app.Fail(legacy.Fault{Kind: kind, Op: op, For: 15 * time.Millisecond})
		}
		done := make(chan struct{})
		var workers sync.WaitGroup
		for range 6 {
			workers.Go(func() { k.worker(done) })
		}
		atLeast := k.number.Load() + 8 + rand.Int64N(10)
		waitFor(t, "the load", func() bool { return k.number.Load() > atLeast })
		k.m.kill(t)
		close(done)
		workers.Wait()
		k.app.Mend()
		k.m.start(t)
	}
	entries := k.m.closed(t)
	k.m.kill(t)
	k.compare(t, entries)
}

// worker writes about people of its own, in each way there is, until it is told to end
// or the gateway does not answer any more.
func (k *restKills) worker(done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		n := k.number.Add(1)
		name := fmt.Sprintf("x%d", n)
		a, err := k.m.send("POST", "/Users", restUser(name))
		if err != nil || a.Status != 201 {
			return
		}
		id := a.get("id")
		last := request{"PATCH", "/Users/" + id, disable}
		if n%3 == 0 {
			last = request{"DELETE", "/Users/" + id, ""}
		}
		for _, r := range []request{
			{"PATCH", "/Groups/" + k.groups[n%2], patchOf(operation("Add", "members", members(id)))},
			{"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "title of "+name))},
			last,
		} {
			if _, err := k.m.send(r.method, r.path, r.body); err != nil {
				return
			}
		}
	}
}

// done is what the application has done, by its own list.
func (k *restKills) done(t *testing.T) map[string]bool {
	t.Helper()
	done := make(map[string]bool)
	for _, w := range k.app.Requests() {
		if w.Method == "GET" || w.Status >= 300 {
			continue
		}
		body := gjson.Parse(w.Body)
		switch w.Op {
		case "users.create":
			done["create "+body.Get("login").String()] = true
		case "users.update", "users.replace":
			if title := body.Get("title").String(); strings.HasPrefix(title, "title of ") {
				done["title "+title] = true
			}
			if body.Get("status").String() == "locked" {
				done["disable "+w.ID] = true
			}
			for _, group := range body.Get("groups").Array() {
				done["member "+k.groups[strings.TrimPrefix(group.String(), "crowd")[0]-'0']+" "+w.ID] = true
			}
		case "users.delete":
			done["delete "+w.ID] = true
		case "groups.add":
			done["member "+w.ID+" "+body.Get("user_id").String()] = true
		case "groups.create":
		default:
			t.Errorf("nobody asked for %+v", w)
		}
	}
	return done
}

// compare holds the journal against what the application has done, in both directions.
func (k *restKills) compare(t *testing.T, entries []journal.Entry) {
	t.Helper()
	intended := make(map[string][]journal.Entry)
	resolved, unknown := make(map[journal.Result]int), 0
	for _, e := range entries {
		var what []string
		switch {
		case e.Type == "Group" && e.Members != nil:
			for _, id := range e.Members.Added {
				what = append(what, "member "+e.Resource+" "+id)
			}
		case e.Type == "Group":
		case e.Operation == "create":
			what = []string{"create " + e.Name}
		case e.Operation == "update":
			for _, c := range e.Changes {
				if c.Attribute == "title" {
					what = append(what, "title "+gjson.ParseBytes(c.To).String())
				}
			}
		default:
			what = []string{e.Operation + " " + e.Resource}
		}
		for _, w := range what {
			intended[w] = append(intended[w], e)
		}
		if strings.HasPrefix(e.Note, "closed at the next start") {
			resolved[e.Result]++
		}
		if e.Result == journal.Unknown {
			unknown++
			t.Logf("unknown: %s %s %s: %s", e.Operation, e.Name, e.ID, e.Note)
		}
	}
	done := k.done(t)
	if len(done) < 40 {
		t.Errorf("the application has done %d things: the load is none", len(done))
	}
	for what := range done {
		if !slices.ContainsFunc(intended[what], func(e journal.Entry) bool { return e.Result != journal.NotApplied }) {
			t.Errorf("%s: done by the application, and the journal has %+v", what, intended[what])
		}
	}
	for what, all := range intended {
		for _, e := range all {
			if e.Result == journal.Applied && !done[what] {
				t.Errorf("%s: the application has not done it, the journal says %q (%s, %s)", what, e.Result, e.ID, e.Note)
			}
		}
	}
	t.Logf("%d things done, %d entries, closed by reading the application %v", len(done), len(entries), resolved)
	if resolved[journal.Applied] == 0 || resolved[journal.NotApplied] == 0 {
		t.Error("the kills have not left entries of both kinds open: the test tells nothing")
	}
	if all := resolved[journal.Applied] + resolved[journal.NotApplied] + resolved[journal.Unknown]; unknown*5 > all {
		t.Errorf("%d of %d entries were closed as unknown", unknown, all)
	}
}
