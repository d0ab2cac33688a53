package ldapconn_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

func roots(t *testing.T, s *slapd.Server) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in the CA file")
	}
	return roots
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s, other := startServer(t, slapd.Options{RequireTLS: true}), startServer(t, slapd.Options{})
	own, foreign := roots(t, s), roots(t, other)
	for name, test := range map[string]struct {
		url      string
		startTLS bool
		config   *tls.Config
		want     string // in the error; empty when it must work
	}{
		"ldaps":                 {s.TLSURL(), false, &tls.Config{RootCAs: own}, ""},
		"StartTLS":              {s.URL(), true, &tls.Config{RootCAs: own}, ""},
		"ldaps, server name":    {s.TLSURL(), false, &tls.Config{RootCAs: own, ServerName: "localhost"}, ""},
		"ldaps, other CA":       {s.TLSURL(), false, &tls.Config{RootCAs: foreign}, "certificate"},
		"StartTLS, other CA":    {s.URL(), true, &tls.Config{RootCAs: foreign}, "certificate"},
		"ldaps, other name":     {s.TLSURL(), false, &tls.Config{RootCAs: own, ServerName: "dir.example.com"}, "dir.example.com"},
		"StartTLS, other name":  {s.URL(), true, &tls.Config{RootCAs: own, ServerName: "dir.example.com"}, "dir.example.com"},
		"ldaps, system's roots": {s.TLSURL(), false, nil, "certificate"},
		"in the clear":          {s.URL(), false, nil, "onfidentiality"},
		"ldaps to a plain port": {strings.Replace(s.URL(), "ldap:", "ldaps:", 1), false, &tls.Config{RootCAs: own}, "securing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, func(c *ldapconn.Config) { c.TLS, c.StartTLS = test.config, test.startTLS }, test.url)
			err := find(t.Context(), pool)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			failure(t, err, ldapconn.NotSent)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want it to speak of %q", err, test.want)
			}
		})
	}
}

// vault is a secret that can change.
type vault struct {
	mu     sync.Mutex
	secret string
	reads  int
}

func (v *vault) set(secret string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.secret = secret
}

func (v *vault) read(context.Context) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reads++
	return v.secret, nil
}

// binds counts the service account's binds that a server has seen.
func binds(s *slapd.Server) int {
	return strings.Count(s.Log(), `BIND dn="`+slapd.ServiceDN+`" method=128`)
}

func TestRefusedBindBacksOff(t *testing.T) {
	t.Parallel()
	first, second := startServer(t, slapd.Options{LogStats: true}), startServer(t, slapd.Options{LogStats: true})
	secrets := &vault{secret: "outdated"}
	pool := newPool(t, func(c *ldapconn.Config) { c.Password = secrets.read }, first.URL(), second.URL())
	var clients sync.WaitGroup
	for range 50 {
		clients.Go(func() {
			err := find(t.Context(), pool)
			var failure *ldapconn.Error
			if !errors.Is(err, ldapconn.ErrBindRefused) || !errors.As(err, &failure) ||
				failure.Outcome != ldapconn.NotSent || failure.RetryAfter < 10*time.Second {
				t.Errorf("got %v, want that the bind is refused, with a long pause", err)
			}
			if ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
				t.Errorf("%q passes for the answer to the search", err)
			}
			err = pool.SearchPaged(t.Context(), findAda, 10, func(*ldap.Entry) error { return nil })
			if !errors.Is(err, ldapconn.ErrBindRefused) {
				t.Errorf("paged: got %v, want that the bind is refused", err)
			}
		})
	}
	clients.Wait()
	if a, b := binds(first), binds(second); a != 1 || b != 0 {
		t.Errorf("the servers saw %d and %d binds with a wrong password, want 1 and 0", a, b)
	}
	// The operator mends it: no need to wait for the pause.
	secrets.set(slapd.ServicePassword)
	mustFind(t, pool)
	if n := binds(first); n != 2 {
		t.Errorf("the server saw %d binds, want 2", n)
	}
}

func TestRotatedSecretIsReadAgain(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{LogStats: true})
	var reads atomic.Int64
	pool := newPool(t, func(c *ldapconn.Config) {
		c.Password = func(context.Context) (string, error) {
			if reads.Add(1) == 1 {
				return "outdated", nil
			}
			return slapd.ServicePassword, nil
		}
	}, s.URL())
	mustFind(t, pool)
	if n := binds(s); n != 2 {
		t.Errorf("the server saw %d binds, want 2", n)
	}
}

func TestPasswordIsNotHad(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{LogStats: true})
	broken := errors.New("no such file")
	for name, test := range map[string]struct {
		read func(context.Context) (string, error)
		want string
	}{
		"error": {func(context.Context) (string, error) { return "", broken }, "no such file"},
		"empty": {func(context.Context) (string, error) { return "", nil }, "it is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			pool := newPool(t, func(c *ldapconn.Config) { c.Password = test.read }, s.URL())
			err := find(t.Context(), pool)
			failure(t, err, ldapconn.NotSent)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want it to say %q", err, test.want)
			}
		})
	}
	if n := binds(s); n != 0 {
		t.Errorf("the server saw %d binds", n)
	}
}

func TestTestBind(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	pool := newPool(t, nil, s.URL())
	try := func(dn, password string) ldapconn.BindResult {
		t.Helper()
		result, err := pool.TestBind(t.Context(), dn, password)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	if got := try(adaDN, "analytical"); !got.Accepted || got.Locked || !got.Governed {
		t.Errorf("right password: %+v", got)
	}
	if got := try(adaDN, "difference"); got.Accepted || got.Locked || !got.Governed || got.ResultCode != ldap.LDAPResultInvalidCredentials {
		t.Errorf("wrong password: %+v", got)
	}
	// No entry, and the rootdn: no policy.
	if got := try("uid=nobody,"+slapd.People, "x"); got.Accepted || got.Governed {
		t.Errorf("nobody: %+v", got)
	}
	if got := try(slapd.AdminDN, slapd.AdminPassword); !got.Accepted || got.Governed {
		t.Errorf("the rootdn: %+v", got)
	}
	lock := ldap.NewModifyRequest(adaDN, nil)
	lock.Replace("pwdAccountLockedTime", []string{"000001010000Z"})
	if _, err := pool.Modify(t.Context(), lock); err != nil {
		t.Fatal(err)
	}
	if got := try(adaDN, "analytical"); got.Accepted || !got.Locked || got.ResultCode != ldap.LDAPResultInvalidCredentials {
		t.Errorf("locked account: %+v", got)
	}
	for name, args := range map[string][2]string{"no password": {adaDN, ""}, "no name": {"", "analytical"}} {
		if _, err := pool.TestBind(t.Context(), args[0], args[1]); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.TestBind(t.Context(), adaDN, "analytical"); err == nil {
		t.Error("a dead server refuses")
	}
}

// Whether a password policy is in force shows in every answer about an entry.
func TestOwnBind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options  slapd.Options
		governed bool
	}{
		"overlay":           {slapd.Options{}, true},
		"no default policy": {slapd.Options{NoDefaultPolicy: true}, true},
		"no lockout":        {slapd.Options{NoLockout: true}, true},
		"no use lockout":    {slapd.Options{NoUseLockout: true}, true},
		"no overlay":        {slapd.Options{NoOverlay: true}, false},
		"no module":         {slapd.Options{NoPolicy: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, nil, startServer(t, test.options).URL())
			for range 2 { // before and after the first request
				got, err := pool.TestOwnBind(t.Context())
				if err != nil || !got.Accepted || got.Governed != test.governed {
					t.Errorf("the service account: %+v, %v", got, err)
				}
			}
			got, err := pool.TestBind(t.Context(), adaDN, "difference")
			if err != nil || got.Accepted || got.Governed != test.governed {
				t.Errorf("a wrong password: %+v, %v", got, err)
			}
		})
	}
	t.Run("anonymous", func(t *testing.T) {
		pool := newPool(t, func(c *ldapconn.Config) { c.BindDN, c.Password = "", nil }, startServer(t, slapd.Options{}).URL())
		if _, err := pool.TestOwnBind(t.Context()); err == nil {
			t.Error("nobody's bind has a result")
		}
	})
}
