package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

func TestRule13AReloadLosesNothing(t *testing.T) {
	t.Run("under load", reloadUnderLoad)
	t.Run("requests in flight", reloadWithRequestsInFlight)
	t.Run("another backend", reloadWithAnotherBackend)
	t.Run("a configuration that is refused", reloadRefused)
}

// once sends a request on a connection of its own, which no reload closes while
// nothing is sent on it.
func (g *gateway) once(r request) (answer, error) {
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	q, err := http.NewRequest(r.method, g.URL+r.path, body)
	if err != nil {
		return answer{}, err
	}
	q.Close = true
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Content-Type", "application/scim+json")
	return roundTrip(q)
}

// isUnread reports whether a connection was closed without an answer. Go's HTTP
// server closes those on which a request is just arriving when it is shut down,
// and Linux those that a closed socket has not accepted. No handler has seen such
// a request: the client sends it again. That it is so is tested by counting.
func isUnread(err error) bool {
	return err != nil && strings.Contains(err.Error(), "server closed idle connection") || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// reloadUnderLoad reloads ten times a second while 32 clients read and write.
func reloadUnderLoad(t *testing.T) {
	const clients, reloads = 32, 25
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL(), Replace: []string{"brake disable 50 per 10m", ""}})
	group := g.groupID(t, "Engineering")
	ids := make([]string, clients)
	for i := range ids {
		ids[i] = g.create(t, fmt.Sprintf("load%d", i))
	}
	g.want(t, 200, "GET", "/Users", "") // takes the connection for pages
	g.want(t, 200, "PATCH", "/Users/"+ids[0], disable)
	g.want(t, 200, "PATCH", "/Users/"+ids[0], enable)
	served := g.metric(t, "caddy_scim_requests_total", `gateway="demo"`)
	connections, accepted := proxy.Connections(), proxy.Accepted()

	var sent, unread atomic.Int64
	stop := make(chan struct{})
	var running sync.WaitGroup
	for i, id := range ids {
		running.Go(func() {
			userName := fmt.Sprintf("load%d", i)
			for n := 0; ; n++ {
				for _, step := range []struct {
					request
					status int
					has    string
				}{
					{request{"GET", filterPath("/Users", fmt.Sprintf("userName eq %q", userName)), ""}, 200, id},
					{request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", fmt.Sprint(n)))}, 200, fmt.Sprintf(`"title":"%d"`, n)},
					{request{"GET", "/Users/" + id, ""}, 200, fmt.Sprintf(`"title":"%d"`, n)},
					{request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(id)))}, 204, ""},
					{request{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(id)))}, 204, ""},
					{request{"PATCH", "/Users/" + id, disable}, 200, `"active":false`},
					{request{"PATCH", "/Users/" + id, enable}, 200, `"active":true`},
				} {
					select {
					case <-stop:
						return
					default:
					}
					a, err := g.send(step.method, step.path, step.body)
					for isUnread(err) {
						unread.Add(1)
						a, err = g.send(step.method, step.path, step.body)
					}
					sent.Add(1)
					if err != nil || a.Status != step.status || !strings.Contains(a.Body, step.has) {
						t.Errorf("%s %s: %v %s, want %d with %s", step.method, step.path, err, a, step.status, step.has)
					}
				}
			}
		})
	}
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for range reloads {
		<-ticker.C
		if err := g.load(t); err != nil {
			t.Errorf("reloading: %v", err)
		}
	}
	close(stop)
	running.Wait()
	t.Logf("%d requests and %d reloads; %d connections were closed unread", sent.Load(), reloads, unread.Load())
	if sent.Load() < clients*7 {
		t.Errorf("only %d requests were made", sent.Load())
	}
	// What the gateway took in it has answered, and nothing else was taken in.
	waitFor(t, "the last request to be counted", func() bool {
		return g.metric(t, "caddy_scim_requests_total", `gateway="demo"`)-served >= float64(sent.Load())
	})
	if got := g.metric(t, "caddy_scim_requests_total", `gateway="demo"`) - served; got != float64(sent.Load()) {
		t.Errorf("the gateway took %v requests, and %d were answered", got, sent.Load())
	}
	// Proofs are made on a connection each; all else goes out on those that were
	// there.
	proofs := int(g.metric(t, "caddy_scim_backend_calls_total", `operation="bind_test"`))
	if more := proxy.Accepted() - accepted; more > proofs+8 {
		t.Errorf("%d connections were made to an unchanged backend in %d reloads, %d of them for proofs", more, reloads, proofs)
	}
	waitFor(t, "connections to be closed that are not used", func() bool { return proxy.Connections() <= connections+8 })
	waitFor(t, "all outcomes in the journal", func() bool { return len(g.openIntents(t)) == 0 })
	if got := d.values(t, groupDN("Engineering"), "member"); len(got) < 2 || len(got) > 2+clients {
		t.Errorf("the group has the members %q", got)
	}
}

// hold keeps the next request of an operation back. reached is closed when it
// came, and it goes on when release is called, at the latest with the test's end.
func hold(t *testing.T, proxy *slapd.Proxy, operation int) (reached <-chan struct{}, release func()) {
	came, goOn := make(chan struct{}), make(chan struct{})
	release = sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(release)
	var once sync.Once
	proxy.OnRequest(func(o int) slapd.Action {
		if o == operation {
			once.Do(func() {
				close(came)
				<-goOn
			})
		}
		return slapd.Forward
	})
	return came, release
}

// reloadWithRequestsInFlight reloads while a write is at the directory.
func reloadWithRequestsInFlight(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL()})
	id := g.id(t, "Ada.Lovelace")
	g.isChecked(t)
	reached, release := hold(t, proxy, ldap.ApplicationModifyRequest)
	answers := make(chan answer, 1)
	go func() {
		a, err := g.once(request{"PATCH", "/Users/" + id, disable})
		if err != nil {
			t.Errorf("the request in flight: %v", err)
		}
		answers <- a
	}()
	<-reached
	// Everything changes: nothing is written any more, over other connections,
	// with another store and another brake.
	first := g.Store
	g.Store += ".new"
	g.reload(t, func(s *setup) {
		s.Servers = ""
		s.Gateway = []string{"dry_run"}
		s.Replace = []string{"brake disable 50 per 10m", "brake disable 1 per 10m"}
	})
	g.want(t, 503, "PATCH", "/Users/"+g.id(t, "Alan.Turing"), disable)
	g.reload(t, func(*setup) {})
	release()
	if a := <-answers; a.Status != 200 || a.get("active") != "false" {
		t.Errorf("the request in flight was answered %s", a)
	}
	d.signsIn(t, ada, "ada-password", false)
	d.signsIn(t, alan, "alan-password", true)
	g.Store = first
	waitFor(t, "the outcome in the journal of the old configuration", func() bool {
		lines := g.journal(t)
		return len(lines) == 2 && lines[1].Proof == "proven"
	})
	waitFor(t, "the connections of the old configuration to be closed", func() bool { return proxy.Connections() == 0 })
}

// reloadWithAnotherBackend takes new requests to another directory at once.
func reloadWithAnotherBackend(t *testing.T) {
	first, second := startSlapd(t, slapd.Options{}), startEmbedded(t)
	proxy := slapd.NewProxy(t, first.Slapd.Addr())
	g := startGateway(t, first, setup{Servers: proxy.URL()})
	id := g.id(t, "Ada.Lovelace")
	g.isChecked(t)
	reached, release := hold(t, proxy, ldap.ApplicationSearchRequest)
	answers := make(chan answer, 1)
	go func() {
		a, err := g.once(request{"GET", "/Users/" + id, ""})
		if err != nil {
			t.Errorf("the request in flight: %v", err)
		}
		answers <- a
	}()
	<-reached
	g.directory = second
	t.Setenv("SCIMGATE_DEMO_PASSWORD", second.ServicePassword)
	g.reload(t, func(s *setup) { s.Servers = "" })
	if other := g.id(t, "Ada.Lovelace"); other == id {
		t.Errorf("the new configuration still asks the old directory: %s", other)
	}
	g.want(t, 404, "GET", "/Users/"+id, "")
	release()
	if a := <-answers; a.Status != 200 || a.get("id") != id {
		t.Errorf("the request in flight was answered %s", a)
	}
}

// reloadRefused leaves everything as it is.
func reloadRefused(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL()})
	id := g.id(t, "Ada.Lovelace")
	accepted := proxy.Accepted()
	for _, mistake := range [][]string{
		{"protect `userName sw \"svc-\"`", "protect `userName sw`"},
		{"map userName uid", "map userNam uid"},
		{"token demo {env.SCIMGATE_DEMO_TOKEN}", "token demo {env.E2E_NOT_SET_ANYWHERE}"},
		{"directory openldap", "directory closedldap"},
	} {
		good := g.setup.Replace
		g.setup.Replace = mistake
		if err := g.load(t); err == nil {
			t.Errorf("a configuration with %q was loaded", mistake[1])
		}
		g.setup.Replace = good
	}
	if a := g.want(t, 200, "GET", "/Users/"+id, ""); a.get("userName") != "Ada.Lovelace" {
		t.Errorf("after refused configurations: %s", a)
	}
	g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", "x")))
	if n := proxy.Accepted() - accepted; n > 2 {
		t.Errorf("%d connections were made", n)
	}
}
