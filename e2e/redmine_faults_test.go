package e2e

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scimgate/scimgate/internal/redmine"
	"github.com/scimgate/scimgate/modules/journal"
)

// trackerOnce makes a gateway try once and often.
var trackerOnce = []string{"\t\t\tusers {\n", "\t\t\tretries off\nbreaker off\nusers {\n"}

// brieflyWaiting adds to trackerOnce that it waits as long as that.
func brieflyWaiting(timeout string) func(*setup) {
	return func(s *setup) {
		s.Replace = append(slices.Clone(s.Replace), "\t\t\tretries off\n", "\t\t\ttimeout "+timeout+"\nretries off\n")
	}
}

// trackerReads are requests that need Redmine: who is asked for is active, and another
// one is locked.
func trackerReads(id, locked, group string) map[string]request {
	return map[string]request{
		"find":            {"GET", filterPath("/Users", `userName eq "ada"`), ""},
		"find the locked": {"GET", filterPath("/Users", `userName eq "eve"`), ""},
		"find nobody":     {"GET", filterPath("/Users", `userName eq "nobody"`), ""},
		"find and":        {"GET", filterPath("/Users", `userName eq "ada" and active eq true`), ""},
		"find group":      {"GET", filterPath("/Groups", `displayName eq "engineers"`), ""},
		"read":            {"GET", "/Users/" + id, ""},
		"read the locked": {"GET", "/Users/" + locked, ""},
		"read group":      {"GET", "/Groups/" + group, ""},
		"list":            {"GET", "/Users", ""},
		"count":           {"GET", "/Users?count=0", ""},
		"list groups":     {"GET", "/Groups", ""},
	}
}

func TestRedmineRule01AFaultIsNeverAbsence(t *testing.T) {
	r := startTracker(t, trackerOnce...)
	// The key is that of somebody of whom Redmine can think otherwise.
	service := r.ask(t, 201, "POST", "/users.json", `{"user":{"login":"service","firstname":"S","lastname":"S","mail":"s@example.com","password":"service-secret","admin":true}}`).Get("user")
	r.reload(t, func(s *setup) {
		s.Replace = append(s.Replace, "auth header X-Redmine-API-Key {file.", "auth header X-Redmine-API-Key "+service.Get("api_key").Str+"\n# {file.")
	})
	id, locked := r.add(t, "ada"), r.add(t, "eve")
	r.want(t, 200, "PATCH", "/Users/"+locked, disable)
	group := r.team(t, "engineers", id, locked)
	reads := trackerReads(id, locked, group)
	requests := maps.Clone(reads)
	maps.Copy(requests, map[string]request{
		"create":       {"POST", "/Users", trackerUser("fresh", "fresh@example.com")},
		"patch":        {"PATCH", "/Users/" + id, patchOf(operation("Replace", "name.familyName", "King"))},
		"disable":      {"PATCH", "/Users/" + id, disable},
		"enable":       {"PATCH", "/Users/" + locked, enable},
		"delete":       {"DELETE", "/Users/" + locked, ""},
		"add a member": {"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(id)))},
	})
	isWell := func(when string) {
		t.Helper()
		if found, eve, nobody := r.lookUp(t, "ada"), r.lookUp(t, "eve"), r.lookUp(t, "nobody"); !slices.Equal(found, []string{id}) || !slices.Equal(eve, []string{locked}) || len(nobody) > 0 {
			t.Errorf("%s: ada is found as %q, eve as %q, nobody as %q", when, found, eve, nobody)
		}
		r.want(t, 404, "GET", "/Users/99999", "")
		r.want(t, 404, "GET", "/Groups/99999", "")
		if a := r.account(t, "ada"); a.Get("status").Int() != 1 || a.Get("lastname").Str != "Lovelace" || r.account(t, "eve").Get("status").Int() != 3 || r.account(t, "fresh").Exists() {
			t.Errorf("%s: Redmine has %s", when, a.Raw)
		}
	}
	isWell("at first")
	for name, f := range map[string]struct {
		fault redmine.Fault
		these map[string]request
	}{
		"cut off": {redmine.CutBefore, requests}, "cut off afterwards": {redmine.CutAfter, reads}, "half an answer": {redmine.HalfAnswer, reads},
	} {
		t.Run(name, func(t *testing.T) {
			r.way.Block(redmine.Block{Fault: f.fault})
			areFaults(t, r.sendAll(t, f.these))
			r.way.Open()
			isWell(name)
		})
	}
	t.Run("silence", func(t *testing.T) {
		r.way.Block(redmine.Block{Fault: redmine.Silence})
		r.reload(t, brieflyWaiting("300ms"))
		areFaults(t, r.sendAll(t, requests))
		r.reload(t, func(s *setup) { s.Replace = s.Replace[:len(s.Replace)-2] })
		r.way.Open()
		isWell("silence")
	})
	// A key that is good for nothing any more, or for less: Redmine answers it like
	// anybody, who sees the active and of the locked that there are none.
	for _, state := range []struct{ name, user, back string }{
		{"a key of nobody's", `{"user":{"status":3}}`, `{"user":{"status":1}}`},
		{"a key with fewer rights", `{"user":{"admin":false}}`, `{"user":{"admin":true}}`},
	} {
		t.Run(state.name, func(t *testing.T) {
			account := "/users/" + service.Get("id").Raw + ".json"
			r.ask(t, 204, "PUT", account, state.user)
			for name, a := range r.sendAll(t, requests) {
				isGroup := strings.Contains(name, "group") && a.get("displayName") == "engineers" // anybody may see it
				if a.Status/100 == 2 && !isGroup || a.Status == 404 || a.Status == 409 || a.Status == 400 {
					t.Errorf("%s: answered %s", name, a)
				}
			}
			r.ask(t, 204, "PUT", account, state.back)
			isWell(state.name)
		})
	}
	t.Run("a later page", func(t *testing.T) {
		r.app.Seed(t, 205)
		for _, page := range []string{"offset=100", "offset=200"} {
			r.way.Block(redmine.Block{Fault: redmine.HalfAnswer, Path: "/users.json", Query: page})
			isFault(t, page+" of a list", r.do(t, "GET", "/Users?count=1", ""))
			isFault(t, page+" of a search", r.do(t, "GET", filterPath("/Users", `userName eq "seed"`), ""))
			r.way.Open()
		}
		if a := r.want(t, 200, "GET", "/Users?count=1", ""); a.get("totalResults") != "209" {
			t.Errorf("the list is %s", a)
		}
		// What is looked at is bounded, and who was not looked at is not said to be nobody.
		r.reload(t, func(s *setup) {
			s.Replace = append(s.Replace, "\t\t\tretries off\n", "\t\t\tcandidates 50\nretries off\n")
		})
		if a := r.want(t, 400, "GET", filterPath("/Users", `userName eq "seed"`), ""); a.get("scimType") != "tooMany" {
			t.Errorf("a search beyond the bound is answered %s", a)
		}
	})
	t.Run("nobody is there", func(t *testing.T) {
		r.reload(t, func(s *setup) { s.Replace = append(s.Replace, r.way.URL, "http://127.0.0.1:"+freePort(t)) })
		areFaults(t, r.sendAll(t, requests))
	})
}

// trackerWrite is a write, and where it is met on its way to Redmine.
type trackerWrite struct {
	name, operation string // for people, and in the journal
	request
	block         redmine.Block
	status, again int // when it is done, and when it is repeated then
	is            func() bool
}

// writes are those of all kinds, each about people and groups of its own, which have the
// name before theirs.
func (r *tracker) writes(t *testing.T, name string) []trackerWrite {
	t.Helper()
	of := func(what string) string { return name + "." + what }
	user := func(what string) string { return r.add(t, of(what)) }
	changed, leaver, deleted, member := user("changed"), user("leaver"), user("deleted"), user("member")
	joined, left := r.team(t, of("joined")), r.team(t, of("left"), member)
	status := func(login string) int64 { return r.account(t, login).Get("status").Int() }
	group := func(name string) bool {
		return strings.Contains(r.ask(t, 200, "GET", "/groups.json", "").Raw, quoted(name))
	}
	return []trackerWrite{
		{"create", "create", request{"POST", "/Users", trackerUser(of("created"), of("created@example.com"))},
			redmine.Block{Method: "POST", Path: "/users.json"}, 201, 409, func() bool { return r.account(t, of("created")).Exists() }},
		{"create a group", "create", request{"POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": of("new")})},
			redmine.Block{Method: "POST", Path: "/groups.json"}, 201, 409, func() bool { return group(of("new")) }},
		{"change", "update", request{"PATCH", "/Users/" + changed, patchOf(operation("Replace", "name.familyName", "King"))},
			redmine.Block{Method: "PUT", Path: "/users/" + changed + ".json"}, 200, 200, func() bool { return r.account(t, of("changed")).Get("lastname").Str == "King" }},
		{"disable", "disable", request{"PATCH", "/Users/" + leaver, disable},
			redmine.Block{Method: "PUT", Path: "/users/" + leaver + ".json"}, 200, 200, func() bool { return status(of("leaver")) == 3 }},
		{"delete", "delete", request{"DELETE", "/Users/" + deleted, ""},
			redmine.Block{Method: "DELETE", Path: "/users/" + deleted + ".json"}, 204, 404, func() bool { return !r.account(t, of("deleted")).Exists() }},
		{"add a member", "update", request{"PATCH", "/Groups/" + joined, patchOf(operation("Add", "members", members(member)))},
			redmine.Block{Method: "POST", Path: "/groups/" + joined + "/users.json"}, 204, 204, func() bool { return len(r.members(t, joined)) == 1 }},
		{"remove a member", "update", request{"PATCH", "/Groups/" + left, patchOf(operation("Remove", "members", members(member)))},
			redmine.Block{Method: "DELETE", Path: "/groups/" + left + "/users/*.json"}, 204, 204, func() bool { return len(r.members(t, left)) == 0 }},
	}
}

// DESIGN §4 rule 9: what Redmine has done, and what it has not, when the gateway is killed
// has an intent, and on the next start each one is closed as Redmine has it.
func TestRedmineRule09EveryWriteHasAnIntentAlsoAfterAKill(t *testing.T) {
	app := redmine.Start(t)
	way := redmine.NewRoadblock(t, app.URL())
	m := newMortal(t, new(directory), "", setup{File: "rest/redmine.caddyfile", Redmine: app, Roadblock: way, Replace: append(trackerOnce, "\t\t\tretries off\n", "\t\t\ttimeout 1m\nretries off\n")})
	m.start(t)
	r := &tracker{m.gateway, app, way}
	done, undone := r.writes(t, "done"), r.writes(t, "undone")
	way.Forget()
	for i := range done {
		// Somebody's creation is met by his name alone: those that are not done come first.
		done[i].block.Fault, undone[i].block.Fault = redmine.HoldAfter, redmine.HoldBefore
	}
	var under sync.WaitGroup
	for n, all := range [][]trackerWrite{undone, done} {
		for i, w := range all {
			w.block.Times = 1
			way.Block(w.block)
			under.Go(func() { _, _ = m.send(w.method, w.path, w.body) })
			waitFor(t, w.name+" to be under way", func() bool { return way.Held() == n*len(all)+i+1 })
		}
	}
	m.kill(t)
	under.Wait()
	waitFor(t, "the gateway's connections to end", func() bool { return way.Held() == 0 })
	way.Open()
	if writes := way.Writes(); len(writes) != len(done) {
		t.Errorf("Redmine has done %d things, want %d: %+v", len(writes), len(done), writes)
	}
	m.start(t)
	entries := m.closed(t)
	for result, all := range map[journal.Result][]trackerWrite{journal.Applied: done, journal.NotApplied: undone} {
		for _, w := range all {
			if is := w.is(); is != (result == journal.Applied) {
				t.Errorf("%s: it is so at Redmine: %t", w.request, is)
			}
			var last *journal.Entry
			for i, e := range entries {
				if e.Operation == w.operation && (strings.HasSuffix(w.path, "/"+e.Resource) && e.Resource != "" || w.method == "POST" && strings.Contains(w.body, quoted(e.Name))) {
					last = &entries[i]
				}
			}
			switch {
			case last == nil:
				t.Errorf("%s: there is no intent", w.request)
			case last.Result != result || !strings.HasPrefix(last.Note, "closed at the next start"):
				t.Errorf("%s: closed as %q (%s), want %q", w.request, last.Result, last.Note, result)
			case w.operation == "disable" && (last.Proof == "proven") != (result == journal.Applied):
				t.Errorf("%s: the proof is %q", w.request, last.Proof)
			}
		}
	}
	if told := m.logged(t, "a disable was cut off, and the account is not known to be off: disable it again"); len(told) != 1 {
		t.Errorf("logged is %v, want one line", told)
	}
	// What was answered before has its outcome too.
	for _, e := range entries {
		if e.Note == "" && e.Result != journal.Applied {
			t.Errorf("what was answered before has the entry %+v", e)
		}
	}
}

func TestRedmineRule12AnUnknownOutcomeIsResolved(t *testing.T) {
	r := startTracker(t, trackerOnce...)
	for name, f := range map[string]struct {
		fault  redmine.Fault
		isDone bool
	}{
		"lost": {redmine.CutAfter, true}, "half": {redmine.HalfAnswer, true}, "cut": {redmine.CutBefore, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, w := range r.writes(t, name) {
				if f.fault == redmine.HalfAnswer && w.status != 201 {
					continue // their answers have no halves
				}
				w.block.Fault, w.block.Times = f.fault, 1
				r.way.Block(w.block)
				r.unknown(t, w, f.isDone)
				r.way.Open()
			}
		})
	}
	t.Run("late", func(t *testing.T) {
		writes := r.writes(t, "late")
		r.reload(t, brieflyWaiting("1s"))
		var all sync.WaitGroup
		for _, w := range writes {
			if w.name == "create" || w.name == "disable" {
				w.block.Fault, w.block.Times = redmine.HoldAfter, 1
				r.way.Block(w.block)
				all.Go(func() { r.unknown(t, w, true) })
			}
		}
		all.Wait()
		r.way.Open()
	})
	if found := r.lookUp(t, "lost.created"); len(found) != 1 {
		t.Errorf("created were %q", found)
	}
	for _, name := range []string{"lost", "cut", "late"} {
		if r.isIn(t, name+".leaver", passwordOf(name+".leaver")) {
			t.Errorf("%s.leaver can sign in", name)
		}
	}
	if open := r.openIntents(t); len(open) > 0 {
		t.Errorf("left open: %+v", open)
	}
}

// unknown makes a write that meets with a fault, and makes it again.
func (r *tracker) unknown(t *testing.T, w trackerWrite, isDone bool) {
	t.Helper()
	a := r.do(t, w.method, w.path, w.body)
	switch {
	case isDone:
		if a.Status != w.status || !w.is() {
			t.Errorf("%s, done: answered %s, and it is so: %t", w.name, a, w.is())
		}
	case w.is():
		t.Errorf("%s, not done: answered %s, and it is so", w.name, a)
	default:
		isFault(t, w.name, a)
		if a := r.do(t, w.method, w.path, w.body); a.Status != w.status || !w.is() {
			t.Errorf("%s again: answered %s, and it is so: %t", w.name, a, w.is())
		}
	}
	if a := r.do(t, w.method, w.path, w.body); a.Status != w.again || !w.is() {
		t.Errorf("%s, when it is done: answered %s, want %d", w.name, a, w.again)
	}
}

func TestRedmineRule13AReloadLosesNothing(t *testing.T) {
	r := startTracker(t)
	id := r.add(t, "ada")
	// One request is under way while the configuration changes.
	r.way.Block(redmine.Block{Fault: redmine.HoldBefore, Method: "PUT", Path: "/users/" + id + ".json"})
	var under sync.WaitGroup
	var slow answer
	var err error
	under.Go(func() { slow, err = r.once(request{"PATCH", "/Users/" + id, disable}) })
	waitFor(t, "the request to be under way", func() bool { return r.way.Held() == 1 })
	r.reload(t, func(s *setup) {
		s.Replace = append(s.Replace, "map name.familyName lastname {", "map displayName lastname {")
	})
	if a := r.want(t, 200, "GET", "/Users/"+id, ""); a.get("displayName") != "Lovelace" || a.get("active") != "true" {
		t.Errorf("read as %s", a)
	}
	r.way.Open()
	under.Wait()
	if err != nil || slow.Status != 200 || slow.get("active") != "false" || slow.get("name.familyName") != "Lovelace" {
		t.Errorf("what was under way is answered %v, %s", err, slow)
	}
	if r.isIn(t, "ada", passwordOf("ada")) {
		t.Error("ada can sign in")
	}
	// The connections to Redmine are those of before.
	connections := r.way.Connections()
	for range 3 {
		r.reload(t, func(s *setup) {})
		r.want(t, 200, "GET", "/Users/"+id, "")
	}
	r.reload(t, func(s *setup) { s.Replace = s.Replace[:len(s.Replace)-2] })
	r.want(t, 200, "GET", "/Users/"+id, "")
	if now := r.way.Connections(); now != connections {
		t.Errorf("four reloads have made %d connections", now-connections)
	}
	if open := r.openIntents(t); len(open) > 0 {
		t.Errorf("left open: %+v", open)
	}
}
