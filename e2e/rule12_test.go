package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

// write is a write whose outcome is made unknown, with the answer of LDAP that
// is swallowed.
type write struct {
	name string
	request
	response int // the application tag
	status   int // when it is known to be done
	again    int // when it is repeated after it was done
	isDone   func(t *testing.T) bool
}

// unknownWrites returns one write of each kind, each about a person or group of
// its own.
func unknownWrites(t *testing.T, d *directory, g *gateway, suffix string) []write {
	t.Helper()
	name := func(kind string) string { return kind + suffix }
	create := func(kind string) string { return g.create(t, name(kind)) }
	changed, leaver, renamed, deleted := create("changed"), create("leaver"), create("renamed"), create("deleted")
	member, former := create("member"), create("former")
	group := func(kind string) string {
		return g.want(t, 201, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": name(kind), "members": members(former, leaver)})).get("id")
	}
	growing, shrinking := group("growing"), group("shrinking")
	hasMember := func(t *testing.T, kind, userName string) bool {
		return slices.ContainsFunc(d.values(t, groupDN(name(kind)), "member"), func(dn string) bool { return sameDN(dn, userDN(userName)) })
	}
	return []write{
		{"create", request{"POST", "/Users", userBody(name("created"))}, ldap.ApplicationAddResponse, 201, 409,
			func(t *testing.T) bool { return len(d.matching(t, "(uid="+name("created")+")")) == 1 }},
		{"create a group", request{"POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": name("newgroup"), "members": members(member)})}, ldap.ApplicationAddResponse, 201, 409,
			func(t *testing.T) bool { return len(d.matching(t, "(cn="+name("newgroup")+")")) == 1 }},
		{"change", request{"PATCH", "/Users/" + changed, patchOf(operation("Replace", "title", "x"))}, ldap.ApplicationModifyResponse, 200, 200,
			func(t *testing.T) bool {
				return slices.Equal(d.values(t, userDN(name("changed")), "title"), []string{"x"})
			}},
		{"disable", request{"PATCH", "/Users/" + leaver, disable}, ldap.ApplicationModifyResponse, 200, 200,
			func(t *testing.T) bool { return !d.canBind(t, userDN(name("leaver")), passwordOf(name("leaver"))) }},
		{"rename", request{"PATCH", "/Users/" + renamed, patchOf(operation("Replace", "userName", name("fresh")))}, ldap.ApplicationModifyDNResponse, 200, 200,
			func(t *testing.T) bool {
				return d.entry(t, userDN(name("fresh"))) != nil && d.entry(t, userDN(name("renamed"))) == nil
			}},
		{"delete", request{"DELETE", "/Users/" + deleted, ""}, ldap.ApplicationDelResponse, 204, 404,
			func(t *testing.T) bool { return d.entry(t, userDN(name("deleted"))) == nil }},
		{"add a member", request{"PATCH", "/Groups/" + growing, patchOf(operation("Add", "members", members(member)))}, ldap.ApplicationModifyResponse, 204, 204,
			func(t *testing.T) bool { return hasMember(t, "growing", name("member")) }},
		{"remove a member", request{"PATCH", "/Groups/" + shrinking, patchOf(operation("Remove", "members", members(former)))}, ldap.ApplicationModifyResponse, 204, 204,
			func(t *testing.T) bool { return !hasMember(t, "shrinking", name("former")) }},
	}
}

func TestRule12AnUnknownOutcomeIsResolved(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL(), Translator: []string{briefly}})

	// The answer is lost once, the write was done: it is read back and answered
	// as if nothing had happened.
	for how, action := range map[string]slapd.Action{"cut": slapd.Cut, "dropped": slapd.Drop} {
		for _, w := range unknownWrites(t, d, g, "-done-"+how) {
			lost := false
			proxy.OnResponse(func(operation int) slapd.Action {
				if operation == w.response && !lost {
					lost = true
					return action
				}
				return slapd.Forward
			})
			a := g.do(t, w.method, w.path, w.body)
			proxy.OnResponse(nil)
			if a.Status != w.status || !w.isDone(t) {
				t.Errorf("%s, answer %s: %s, want %d; done: %t", w.name, how, a, w.status, w.isDone(t))
			}
			if !lost {
				t.Errorf("%s: no answer was lost", w.name)
			}
			if a := g.eventually(t, w.again, w.method, w.path, w.body); !w.isDone(t) {
				t.Errorf("%s, repeated: %s, and undone", w.name, a)
			}
		}
	}
	waitFor(t, "all outcomes in the journal", func() bool { return len(g.openIntents(t)) == 0 })

	// The request is lost, the write was not done: that is found out, and told
	// as a fault. When it is repeated it is done.
	for _, w := range unknownWrites(t, d, g, "-lost") {
		proxy.OnRequest(func(operation int) slapd.Action {
			if operation == w.response-1 || operation == ldap.ApplicationDelRequest && w.response == ldap.ApplicationDelResponse {
				return slapd.Cut
			}
			return slapd.Forward
		})
		a := g.do(t, w.method, w.path, w.body)
		proxy.OnRequest(nil)
		isFault(t, w.name+", lost", a)
		if w.isDone(t) {
			t.Errorf("%s: the request was lost, and is done", w.name)
		}
		if a := g.eventually(t, w.status, w.method, w.path, w.body); !w.isDone(t) {
			t.Errorf("%s, repeated: %s, and not done", w.name, a)
		}
	}
	waitFor(t, "all outcomes in the journal", func() bool { return len(g.openIntents(t)) == 0 })

	t.Run("silence", unknownOutcomeStaysUnknown)
	t.Run("killed", killedBehindAWrite)
}

// unknownOutcomeStaysUnknown lets the directory do what it is asked and never
// answer again: 504, and the intents stay open. When it answers again each write
// can be repeated.
func unknownOutcomeStaysUnknown(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL(), Translator: []string{briefly}})
	writes := unknownWrites(t, d, g, "-silent")
	requests, byName := make(map[string]request), make(map[string]write)
	for _, w := range writes {
		requests[w.name], byName[w.name] = w.request, w
	}
	waitFor(t, "the outcomes", func() bool { return len(g.openIntents(t)) == 0 })
	// No write is answered, and when all were sent nothing is.
	proxy.OnResponse(func(operation int) slapd.Action {
		switch operation {
		case ldap.ApplicationAddResponse, ldap.ApplicationModifyResponse, ldap.ApplicationModifyDNResponse, ldap.ApplicationDelResponse:
			return slapd.Drop
		}
		return slapd.Forward
	})
	proxy.OnRequest(silenceAfter(proxy, len(writes)))
	answers := g.sendAll(t, requests)
	for name, a := range answers {
		if a.Status != 504 {
			t.Errorf("%s: answered %s, want 504", name, a)
		}
		isFault(t, name, a)
	}
	if open := g.openIntents(t); len(open) != len(writes) {
		t.Errorf("%d intents are open, want %d: %+v", len(open), len(writes), open)
	}
	proxy.OnRequest(nil)
	proxy.OnResponse(nil)
	proxy.BlackHole(false)
	for name, w := range byName {
		a := g.eventually(t, w.again, w.method, w.path, w.body)
		if !w.isDone(t) {
			t.Errorf("%s, repeated: %s, and not done", name, a)
		}
	}
}

// silenceAfter drops all answers as soon as so many writes came.
func silenceAfter(proxy *slapd.Proxy, writes int) func(int) slapd.Action {
	seen := make(chan struct{}, writes)
	return func(operation int) slapd.Action {
		switch operation {
		case ldap.ApplicationAddRequest, ldap.ApplicationModifyRequest, ldap.ApplicationModifyDNRequest, ldap.ApplicationDelRequest:
			select {
			case seen <- struct{}{}:
			default:
			}
			if len(seen) == writes {
				proxy.BlackHole(true)
			}
		}
		return slapd.Forward
	}
}

// killedBehindAWrite kills the directory when it has done a write and its answer
// is under way, for a while.
func killedBehindAWrite(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL(), Translator: []string{briefly}})
	for i := range 3 {
		userName := fmt.Sprintf("twin%d", i)
		killed := make(chan struct{})
		proxy.OnResponse(func(operation int) slapd.Action {
			if operation == ldap.ApplicationAddResponse {
				proxy.OnResponse(nil)
				go func() {
					defer close(killed)
					if err := d.Slapd.Kill(); err != nil {
						t.Errorf("killing slapd: %v", err)
					}
					if err := d.Slapd.Restart(); err != nil {
						t.Errorf("restarting slapd: %v", err)
					}
				}()
				return slapd.Cut
			}
			return slapd.Forward
		})
		a := g.do(t, "POST", "/Users", userBody(userName))
		<-killed
		if a.Status != 201 {
			isFault(t, "create", a)
			// The provider looks again before it creates again.
			found := g.eventually(t, 200, "GET", filterPath("/Users", fmt.Sprintf("userName eq %q", userName)), "")
			if found.get("totalResults") == "0" {
				g.want(t, 201, "POST", "/Users", userBody(userName))
			}
		}
		if dns := d.matching(t, "(uid="+userName+")"); len(dns) != 1 {
			t.Errorf("there are the accounts %q, want one", dns)
		}
		if a := g.eventually(t, 409, "POST", "/Users", userBody(strings.ToUpper(userName))); a.Status != 409 {
			t.Errorf("created again: %s", a)
		}
	}
}
