package e2e

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/legacy"
)

func TestRestRule13AReloadLosesNothing(t *testing.T) {
	app := legacy.Start(t, legacy.Options{SignIn: legacy.ByLogin})
	g := startRest(t, app, "sign-in-session")
	id := g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
	sessions := func() int { return strings.Count(ops(app), "session") }
	if sessions() != 1 {
		t.Errorf("signed in %d times", sessions())
	}
	// One request is under way while the configuration changes.
	app.Fail(legacy.Fault{Kind: legacy.Slow, For: time.Second, Op: "users.update", Times: 1})
	var under sync.WaitGroup
	var slow answer
	var err error
	under.Go(func() { slow, err = g.once(request{"PATCH", "/Users/" + id, disable}) })
	waitFor(t, "the request to be under way", func() bool { return app.Met() > 0 })
	g.reload(t, func(s *setup) { s.Replace = append(s.Replace, "map title title\n", "map displayName title\n") })
	if a := g.want(t, 200, "GET", "/Users/"+id, ""); a.get("displayName") != "Countess" {
		t.Errorf("read as %s", a)
	}
	under.Wait()
	if err != nil || slow.Status != 200 || slow.get("active") != "false" || slow.get("title") != "Countess" {
		t.Errorf("what was under way is answered %v, %s", err, slow)
	}
	if signIn(t, app, "ada", passwordOf("ada")) {
		t.Error("Ada can sign in")
	}
	if sessions() != 1 {
		t.Errorf("signed in %d times: the session is lost with a reload", sessions())
	}
	if lines := g.openIntents(t); len(lines) > 0 {
		t.Errorf("left open: %+v", lines)
	}
}
