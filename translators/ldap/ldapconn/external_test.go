package ldapconn_test

import (
	"crypto/tls"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

// The mappings by which slapd knows the service account.
const (
	byUser        = `authz-regexp "gidNumber=[0-9]+\\+uidNumber=[0-9]+,cn=peercred,cn=external,cn=auth" "` + slapd.ServiceDN + `"` + "\n"
	byCertificate = "TLSVerifyClient demand\n" + `authz-regexp "cn=gateway" "` + slapd.ServiceDN + `"` + "\n"
)

// external signs in by SASL EXTERNAL.
func external(c *ldapconn.Config) { c.External, c.BindDN, c.Password = true, "", nil }

// showing shows the certificate in the files, as they are now.
func showing(t *testing.T, s *slapd.Server, certificate, key string) *tls.Config {
	return &tls.Config{RootCAs: roots(t, s), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		return &pair, err
	}}
}

func TestExternal(t *testing.T) {
	t.Parallel()
	byPeer := startServer(t, slapd.Options{Global: byUser})
	unmapped := startServer(t, slapd.Options{})
	certified := startServer(t, slapd.Options{Global: byCertificate})
	tried := startServer(t, slapd.Options{Global: strings.Replace(byCertificate, "demand", "try", 1)})
	certificate, key := certified.ClientCertificate(t, t.TempDir(), "gateway")
	stranger, strangerKey := certified.ClientCertificate(t, t.TempDir(), "stranger")
	foreign, foreignKey := tried.ClientCertificate(t, t.TempDir(), "gateway")
	for name, test := range map[string]struct {
		url      string
		startTLS bool
		config   *tls.Config
		identity string // what the server calls us, in part
		want     string // in the error; empty when it must work
		refused  bool
	}{
		"ldapi":                        {url: byPeer.LDAPIURL(), identity: "dn:" + slapd.ServiceDN},
		"ldapi, not mapped":            {url: unmapped.LDAPIURL(), identity: ",cn=peercred,cn=external,cn=auth", want: "No Such Object"},
		"ldaps":                        {url: certified.TLSURL(), config: showing(t, certified, certificate, key), identity: "dn:" + slapd.ServiceDN},
		"StartTLS":                     {url: certified.URL(), startTLS: true, config: showing(t, certified, certificate, key), identity: "dn:" + slapd.ServiceDN},
		"ldaps, nobody's certificate":  {url: certified.TLSURL(), config: showing(t, certified, stranger, strangerKey), identity: "dn:cn=stranger", want: "No Such Object"},
		"ldaps, without certificate":   {url: certified.TLSURL(), config: &tls.Config{RootCAs: roots(t, certified)}, want: "certificate"},
		"ldaps, another's certificate": {url: certified.TLSURL(), config: showing(t, certified, foreign, foreignKey), want: "certificate"},
		"ldaps, certificate is gone":   {url: certified.TLSURL(), config: showing(t, certified, "/nonexistent", key), want: "/nonexistent"},
		"ldaps, not asked for one":     {url: unmapped.TLSURL(), config: showing(t, unmapped, certificate, key), want: "SASL EXTERNAL", refused: true},
		"ldaps, tried and without":     {url: tried.TLSURL(), config: &tls.Config{RootCAs: roots(t, tried)}, want: "SASL EXTERNAL", refused: true},
		"in the clear":                 {url: byPeer.URL(), want: "SASL EXTERNAL", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, func(c *ldapconn.Config) {
				external(c)
				c.TLS, c.StartTLS = test.config, test.startTLS
			}, test.url)
			err := find(t.Context(), pool)
			if got := pool.Identity(); !strings.Contains(strings.ToLower(got), strings.ToLower(test.identity)) || (got == "") != (test.identity == "") {
				t.Errorf("the identity is %q, want %q", got, test.identity)
			}
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if _, err := pool.Modify(t.Context(), describe(name)); err != nil {
					t.Errorf("writing: %v", err)
				}
				if got, err := pool.TestOwnBind(t.Context()); err != nil || !got.Accepted {
					t.Errorf("the own bind: %+v, %v", got, err)
				}
				if got, err := pool.TestBind(t.Context(), adaDN, "difference"); err != nil || got.Accepted || !got.Governed {
					t.Errorf("a wrong password: %+v, %v", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want it to speak of %q", err, test.want)
			}
			if errors.Is(err, ldapconn.ErrExternalRefused) != test.refused {
				t.Errorf("%v is a refusal: %v, want %v", err, !test.refused, test.refused)
			}
		})
	}
}

// A certificate that was exchanged is shown by the next connection.
func TestCertificateIsExchanged(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{Global: byCertificate, LogStats: true})
	proxy := slapd.NewProxy(t, s.TLSAddr())
	dir := t.TempDir()
	certificate, key := s.ClientCertificate(t, dir, "gateway")
	pool := newPool(t, func(c *ldapconn.Config) {
		external(c)
		c.TLS = showing(t, s, certificate, key)
	}, proxy.TLSURL())
	mustFind(t, pool)

	// A wrong one: what is signed in stays so, a new connection is refused.
	wrong := startServer(t, slapd.Options{})
	wrong.ClientCertificate(t, dir, "gateway")
	mustFind(t, pool)
	proxy.CutAll()
	if err := find(t.Context(), pool); err == nil {
		t.Error("a certificate of an unknown authority is accepted")
	}
	// The right one, in new files: no reload, and no long pause.
	s.ClientCertificate(t, dir, "gateway")
	waitFor(t, "the new certificate to be shown", func() bool { return find(t.Context(), pool) == nil })
	if got := pool.Identity(); got != "dn:"+slapd.ServiceDN {
		t.Errorf("the identity is %q", got)
	}
}

// A server that has forgotten how to map us is left for one that has not.
func TestExternalFailsOver(t *testing.T) {
	t.Parallel()
	first, second := startServer(t, slapd.Options{}), startServer(t, slapd.Options{Global: byUser})
	var asked atomic.Int64
	pool := newPool(t, func(c *ldapconn.Config) {
		external(c)
		c.Observe = func(o ldapconn.Observation) {
			if o.Operation == "connect" {
				asked.Add(1)
			}
		}
	}, first.URL(), second.LDAPIURL())
	mustFind(t, pool)
	if got := pool.Server(); got != second.LDAPIURL() {
		t.Errorf("asks %s, want %s", got, second.LDAPIURL())
	}
	if err := second.Restart(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the server to be signed in at again", func() bool { return find(t.Context(), pool) == nil })
	if asked.Load() < 3 {
		t.Errorf("%d connections were made", asked.Load())
	}
}

func TestExternalRefusesPassword(t *testing.T) {
	config := ldapconn.Config{Servers: []string{"ldapi://%2Fx"}, External: true, BindDN: "cn=a"}
	if _, err := ldapconn.New(config); err == nil || !strings.Contains(err.Error(), "EXTERNAL") {
		t.Errorf("got %v", err)
	}
}
