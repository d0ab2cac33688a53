package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scimgate/scimgate/internal/postgres"
	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/modules/journal"
)

// Two gateways share a store and a directory, and people are changed through both at
// once, while the store is restarted and hangs and one of the gateways is killed. Then
// the journal tells one story: what each entry has found is what the one before has
// made, none is open, and each disable is in force and recorded once.
func TestTwoGatewaysTellOneStory(t *testing.T) {
	log := filepath.Join(t.TempDir(), "audit.ldif")
	d := startSlapd(t, slapd.Options{Global: "moduleload auditlog", Database: "overlay auditlog\nauditlog " + log + "\n"})
	server := postgres.Start(t)
	dsn := server.Database(t)
	both := []*mortal{newMortal(t, d, dsn, setup{}), newMortal(t, d, dsn, setup{})}
	for _, m := range both {
		m.start(t)
	}
	shared := both[0].create(t, "shared")
	var number, done atomic.Int64
	retitle := func(m *mortal) {
		title := fmt.Sprint("title ", number.Add(1))
		if a, err := m.send("PATCH", "/Users/"+shared, patchOf(operation("Replace", "title", title))); err == nil && a.Status == 200 {
			done.Add(1)
		}
	}

	// In peace each request is answered with success.
	var workers sync.WaitGroup
	for n := range 8 {
		workers.Go(func() {
			for range 10 {
				retitle(both[n%2])
			}
		})
	}
	workers.Wait()
	if n := done.Load(); n != 80 {
		t.Errorf("%d of 80 changes were answered with success", n)
	}
	tellsOneStory(t, d, both[0].closed(t), "shared")

	// Then things break, and somebody leaves all the time.
	names, ids := []string{}, []string{}
	for n := range 24 {
		names = append(names, fmt.Sprint("leaver", n))
		ids = append(ids, both[n%2].create(t, names[n]))
	}
	stop := make(chan struct{})
	for n := range 6 {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					retitle(both[n%2])
				}
			}
		})
	}
	// As a provider does, who asks again until it is told that it is done.
	leave := func(n int) {
		waitFor(t, names[n]+" to be disabled", func() bool {
			a, err := both[n%2].send("PATCH", "/Users/"+ids[n], disable)
			if err != nil || a.Status != 200 {
				a, err = both[1-n%2].send("PATCH", "/Users/"+ids[n], disable)
			}
			return err == nil && a.Status == 200 && a.get("active") == "false"
		})
		d.signsIn(t, userDN(names[n]), passwordOf(names[n]), false)
	}
	leaveAll := func(from, to int) {
		var all sync.WaitGroup
		for n := from; n < to; n++ {
			all.Go(func() { leave(n) })
		}
		all.Wait()
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(server.Stop())
	leaveAll(0, 4)
	must(server.Restart())
	leaveAll(4, 8)
	must(server.Freeze())
	leaveAll(8, 12)
	must(server.Thaw())
	leaveAll(12, 16)
	must(server.Kill())
	leaveAll(16, 18)
	both[1].kill(t) // its local file has disables that the store does not know
	leaveAll(18, 20)
	must(server.Restart())
	both[1].start(t)
	before := done.Load()
	waitFor(t, "changes to be made again", func() bool { return done.Load() > before+20 })
	var dying sync.WaitGroup
	dying.Go(func() { leaveAll(20, 24) })
	both[1].kill(t)
	dying.Wait()
	close(stop)
	workers.Wait()
	both[1].start(t)
	for _, m := range both {
		waitFor(t, "the local file to be imported", func() bool {
			return m.metric(t, "caddy_scim_journal_spooled") == 0 && m.metric(t, "caddy_scim_journal_usable") == 1
		})
	}
	entries := both[0].closed(t)
	tellsOneStory(t, d, entries, "shared")
	for n, name := range names {
		applied := 0
		for _, e := range entries {
			if e.Operation != "disable" || e.Resource != ids[n] {
				continue
			}
			switch {
			case e.Result == journal.Applied && e.Proof == "proven":
				applied++
			case e.Result != journal.NotApplied:
				t.Errorf("a disable of %s ends as %q, proof %q: %s", name, e.Result, e.Proof, e.Note)
			}
		}
		if applied != 1 {
			t.Errorf("the journal has %d disables of %s that were done, want 1", applied, name)
		}
	}
	writes := make(map[string]int)
	for _, w := range audit(t, log, d.ServiceDN) {
		if len(w.values["pwdAccountLockedTime"]) > 0 {
			writes[w.dn]++
		}
	}
	for _, name := range names {
		if n := writes[userDN(name)]; n != 1 {
			t.Errorf("the directory was told %d times to lock %s", n, name)
		}
	}
}

// tellsOneStory checks that what each change of a person's title has found is what the
// change before has made, and that the last one is what the directory has.
func tellsOneStory(t *testing.T, d *directory, entries []journal.Entry, name string) {
	t.Helper()
	slices.SortFunc(entries, func(a, b journal.Entry) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Sequence, b.Sequence))
	})
	title, changes := "", 0
	for _, e := range entries {
		if e.Name != name || e.Operation != "update" || e.Result == journal.NotApplied {
			continue
		}
		if e.Result != journal.Applied {
			t.Errorf("the entry %s ends as %q: %s", e.ID, e.Result, e.Note)
		}
		for _, c := range e.Changes {
			if c.Attribute != "title" {
				continue
			}
			var from, to string
			if len(c.From) > 0 {
				if err := json.Unmarshal(c.From, &from); err != nil {
					t.Fatal(err)
				}
			}
			if err := json.Unmarshal(c.To, &to); err != nil {
				t.Fatal(err)
			}
			if from != title {
				t.Errorf("the entry %s (sequence %d, %s) has found %q, and the one before has made %q", e.ID, e.Sequence, e.Note, from, title)
			}
			title = to
			changes++
		}
	}
	if got := d.values(t, userDN(name), "title"); !slices.Equal(got, []string{title}) {
		t.Errorf("the directory has %q, the journal %q, after %d changes", got, title, changes)
	}
	t.Logf("%d changes of %s", changes, name)
}
