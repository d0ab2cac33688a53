package slapd_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

func TestProxy(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Options{NoSync: true})
	s.Add(t, ada)
	admin := s.Admin(t)
	describe := func(conn *ldap.Conn, text string) error {
		request := ldap.NewModifyRequest(adaDN, nil)
		request.Replace("description", []string{text})
		return conn.Modify(request)
	}
	description := func() string { return read(t, admin, "description")[0] }
	if err := describe(admin, "before"); err != nil {
		t.Fatal(err)
	}
	// Each case is a proxy of its own; a write through it must fail, and be
	// applied or not.
	for name, test := range map[string]struct {
		misbehave func(*slapd.Proxy)
		applied   bool
		timeout   bool
	}{
		"cut on request": {func(p *slapd.Proxy) {
			p.OnRequest(func(operation int) slapd.Action {
				if operation == ldap.ApplicationModifyRequest {
					return slapd.Cut
				}
				return slapd.Forward
			})
		}, false, false},
		"cut on response": {func(p *slapd.Proxy) {
			p.OnResponse(func(int) slapd.Action { return slapd.Cut })
		}, true, false},
		"cut in the response": {func(p *slapd.Proxy) { p.CutAfter(3) }, true, false},
		"black hole":          {func(p *slapd.Proxy) { p.BlackHole(true) }, true, true},
		"one response lost":   {func(p *slapd.Proxy) { p.DropResponses(1) }, true, true},
		"requests lost":       {func(p *slapd.Proxy) { p.DropRequests(true) }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := slapd.NewProxy(t, s.Addr())
			conn := service(t, proxy.URL())
			if err := describe(conn, "before"); err != nil {
				t.Fatalf("write through a good proxy: %v", err)
			}
			test.misbehave(proxy)
			if test.timeout {
				conn.SetTimeout(200 * time.Millisecond)
			}
			err := describe(conn, name)
			var answer *ldap.Error
			if err == nil || errors.As(err, &answer) && answer.ResultCode < 200 {
				t.Fatalf("got %v, want no answer", err)
			}
			if test.applied {
				waitFor(t, "the write to be applied", func() bool { return description() == name })
			} else if got := description(); got != "before" {
				t.Errorf("description is %q", got)
			}
			if err := describe(admin, "before"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestProxyConnections(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Options{NoSync: true})
	proxy := slapd.NewProxy(t, s.Addr())
	conn := service(t, proxy.URL())
	if proxy.Connections() != 1 || proxy.Accepted() != 1 {
		t.Errorf("%d connections of %d accepted, want 1 of 1", proxy.Connections(), proxy.Accepted())
	}
	proxy.CutAll()
	waitFor(t, "the client to see the cut", conn.IsClosing)
	waitFor(t, "the proxy to forget the connection", func() bool { return proxy.Connections() == 0 })

	proxy.Refuse(true)
	if refused, err := ldap.DialURL(proxy.URL()); err == nil {
		waitFor(t, "the refused connection to close", refused.IsClosing)
		_ = refused.Close()
	}
	proxy.Refuse(false)
	proxy.Delay(30 * time.Millisecond)
	start := time.Now()
	service(t, proxy.URL())
	if took := time.Since(start); took < 60*time.Millisecond {
		t.Errorf("a bind through a delay of 30 ms each way took %s", took)
	}
}
