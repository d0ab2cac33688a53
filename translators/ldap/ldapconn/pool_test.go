package ldapconn_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"go.uber.org/goleak"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const adaDN = "uid=ada,ou=people,dc=example,dc=com"

// people is LDIF of n persons, ada before them.
func people(n int) string {
	var text strings.Builder
	text.WriteString("dn: " + adaDN + "\nobjectClass: inetOrgPerson\nuid: ada\ncn: Ada\nsn: Lovelace\nuserPassword: analytical\n\n")
	for i := range n {
		fmt.Fprintf(&text, "dn: uid=u%04d,%s\nobjectClass: inetOrgPerson\nuid: u%04d\ncn: u%d\nsn: u\n\n", i, slapd.People, i, i)
	}
	return text.String()
}

func startServer(t testing.TB, options slapd.Options) *slapd.Server {
	t.Helper()
	options.NoSync = true
	if options.LDIF == "" {
		options.LDIF = people(0)
	}
	return slapd.Start(t, options)
}

// newPool returns a pool of servers for the service account with short
// timeouts, closed with the test.
func newPool(t testing.TB, change func(*ldapconn.Config), servers ...string) *ldapconn.Pool {
	t.Helper()
	config := ldapconn.Config{
		Servers:        servers,
		BindDN:         slapd.ServiceDN,
		Password:       func(context.Context) (string, error) { return slapd.ServicePassword, nil },
		DialTimeout:    2 * time.Second,
		RequestTimeout: 5 * time.Second,
		BackoffMin:     10 * time.Millisecond,
		BackoffMax:     50 * time.Millisecond,
		Logger:         slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&config)
	}
	pool, err := ldapconn.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Errorf("closing the pool: %v", err)
		}
	})
	return pool
}

// quick makes faults show soon.
func quick(config *ldapconn.Config) {
	config.DialTimeout = 300 * time.Millisecond
	config.RequestTimeout = 300 * time.Millisecond
}

func findAda() *ldap.SearchRequest {
	return ldap.NewSearchRequest(slapd.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
		2, 0, false, "(uid=ada)", []string{"uid", "description", "entryUUID"}, nil)
}

// find looks for ada; anything but her is an error.
func find(ctx context.Context, pool *ldapconn.Pool) error {
	result, err := pool.Search(ctx, findAda())
	if err != nil {
		return err
	}
	if len(result.Entries) != 1 || result.Entries[0].GetAttributeValue("uid") != "ada" {
		return fmt.Errorf("found %d entries, want ada", len(result.Entries))
	}
	return nil
}

func describe(text string) *ldap.ModifyRequest {
	request := ldap.NewModifyRequest(adaDN, nil)
	request.Replace("description", []string{text})
	return request
}

// description is ada's in the directory, whoever can read it.
func description(t testing.TB, s *slapd.Server) string {
	t.Helper()
	conn, err := s.DialAdmin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	result, err := conn.Search(findAda())
	if err != nil {
		t.Fatal(err)
	}
	return result.Entries[0].GetAttributeValue("description")
}

func mustFind(t testing.TB, pool *ldapconn.Pool) {
	t.Helper()
	if err := find(t.Context(), pool); err != nil {
		t.Fatalf("searching: %v", err)
	}
}

// failure asserts the type and the outcome of an error.
func failure(t testing.TB, err error, want ldapconn.Outcome) *ldapconn.Error {
	t.Helper()
	var failure *ldapconn.Error
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want an *Error", err)
	}
	if failure.Outcome != want {
		t.Fatalf("outcome of %q is %s, want %s", err, failure.Outcome, want)
	}
	if answer := (*ldap.Error)(nil); errors.As(err, &answer) && want != ldapconn.Answered {
		t.Fatalf("%q passes for the server's answer", err)
	}
	return failure
}

// waitFor waits until a condition holds.
func waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(20 * time.Second); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	password := func(context.Context) (string, error) { return "secret", nil }
	for name, test := range map[string]struct {
		config ldapconn.Config
		want   string
	}{
		"no server":             {ldapconn.Config{}, "no server"},
		"other scheme":          {ldapconn.Config{Servers: []string{"http://a"}}, "scheme must be"},
		"no host":               {ldapconn.Config{Servers: []string{"ldap://"}}, "no host"},
		"path":                  {ldapconn.Config{Servers: []string{"ldap://a/dc=b"}}, "only scheme, host and port"},
		"StartTLS over ldaps":   {ldapconn.Config{Servers: []string{"ldaps://a"}, StartTLS: true}, "StartTLS is for ldap://"},
		"StartTLS over ldapi":   {ldapconn.Config{Servers: []string{"ldapi://%2Frun%2Fldapi"}, StartTLS: true}, "StartTLS is for ldap://"},
		"ldapi without path":    {ldapconn.Config{Servers: []string{"ldapi://"}}, "no socket path"},
		"name without password": {ldapconn.Config{Servers: []string{"ldap://a"}, BindDN: "cn=a"}, "needs a password"},
		"password without name": {ldapconn.Config{Servers: []string{"ldap://a"}, Password: password}, "needs the DN"},
		"negative":              {ldapconn.Config{Servers: []string{"ldap://a"}, InFlight: -1}, "InFlight is negative"},
		"backoff":               {ldapconn.Config{Servers: []string{"ldap://a"}, BackoffMin: time.Minute}, "BackoffMin is above"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ldapconn.New(test.config)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestNewDoesNotDial(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, nil, proxy.URL())
	if n := proxy.Accepted(); n != 0 {
		t.Errorf("New made %d connections", n)
	}
	mustFind(t, pool)
}

func TestClosedPool(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	pool := newPool(t, nil, s.URL())
	mustFind(t, pool)
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	_, modified := pool.Modify(t.Context(), describe("too late"))
	_, tested := pool.TestBind(t.Context(), adaDN, "analytical")
	_, leased := pool.Acquire()
	for name, err := range map[string]error{
		"Search": find(t.Context(), pool), "Modify": modified, "TestBind": tested, "Acquire": leased,
		"SearchPaged": pool.SearchPaged(t.Context(), findAda, 10, func(*ldap.Entry) error { return nil }),
	} {
		if !errors.Is(err, ldapconn.ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", name, err)
		}
		failure(t, err, ldapconn.NotSent)
	}
}

func TestLDAPI(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	mustFind(t, newPool(t, nil, s.LDAPIURL()))
}

func TestAnonymous(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	pool := newPool(t, func(c *ldapconn.Config) { c.BindDN, c.Password = "", nil }, s.URL())
	if err := pool.Probe(t.Context()); err != nil {
		t.Errorf("probing: %v", err)
	}
}

func TestConnectionsAreMadeAsNeeded(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, func(c *ldapconn.Config) { c.Connections = 3 }, proxy.URL())
	for range 50 {
		mustFind(t, pool)
	}
	if n := proxy.Accepted(); n != 1 {
		t.Errorf("requests one after the other took %d connections, want 1", n)
	}
	proxy.Delay(5 * time.Millisecond)
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			for range 5 {
				if err := find(t.Context(), pool); err != nil {
					t.Error(err)
				}
			}
		})
	}
	clients.Wait()
	if n := proxy.Accepted(); n != 3 {
		t.Errorf("many requests at a time took %d connections, want 3", n)
	}
}

func TestIdleExclusiveConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{LDIF: people(20)})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, func(c *ldapconn.Config) { c.IdleTimeout = 50 * time.Millisecond }, proxy.URL())
	for range 3 {
		if n, err := walk(t.Context(), pool, 5, func() error { return nil }); err != nil || n != 21 {
			t.Fatalf("%d entries, %v", n, err)
		}
		waitFor(t, "the connection to be closed", func() bool { return proxy.Connections() == 0 })
	}
}

func TestMaxAge(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, func(c *ldapconn.Config) { c.MaxAge = 20 * time.Millisecond; c.Connections = 1 }, proxy.URL())
	waitFor(t, "the connection to be replaced five times", func() bool {
		mustFind(t, pool)
		return proxy.Accepted() > 5
	})
	waitFor(t, "the old ones to be closed", func() bool { return proxy.Connections() <= 2 })
}

func TestRootDSE(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	pool := newPool(t, nil, s.URL())
	root, err := pool.RootDSE(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !root.HasControl("1.3.6.1.1.13.2") || !root.HasExtension("1.3.6.1.4.1.4203.1.11.1") || root.HasControl("1.2.3") {
		t.Errorf("controls %q, extensions %q", root.SupportedControls, root.SupportedExtensions)
	}
	if len(root.NamingContexts) != 1 || root.NamingContexts[0] != slapd.Base || root.Server != s.URL() {
		t.Errorf("naming contexts %q at %s", root.NamingContexts, root.Server)
	}
	again, err := pool.RootDSE(t.Context())
	if err != nil || again != root {
		t.Errorf("the second answer is not the first (%v)", err)
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the answer to be asked for anew", func() bool {
		mustFind(t, pool)
		later, err := pool.RootDSE(t.Context())
		return err == nil && later != root
	})
}

func TestObserve(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	seen := make(chan ldapconn.Observation, 10)
	pool := newPool(t, func(c *ldapconn.Config) { c.Observe = func(o ldapconn.Observation) { seen <- o } }, s.URL())
	mustFind(t, pool)
	if err := pool.Delete(t.Context(), ldap.NewDelRequest("uid=nobody,"+slapd.People, nil)); !ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		t.Errorf("deleting nobody: %v", err)
	}
	for _, want := range []ldapconn.Observation{
		{Operation: "connect"}, {Operation: "search"}, {Operation: "delete", ResultCode: ldap.LDAPResultNoSuchObject},
	} {
		got := <-seen
		if got.Duration <= 0 || got.Server != s.URL() {
			t.Errorf("observed %+v", got)
		}
		want.Server, want.Duration = got.Server, got.Duration
		if got != want {
			t.Errorf("observed %+v, want %+v", got, want)
		}
	}
}
