package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/translators/trust"
)

// trusting is the setting that trusts a certificate.
func trusting(t *testing.T, certificate *x509.Certificate) *trust.Config {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, name, "CERTIFICATE", certificate.Raw)
	return &trust.Config{CAFiles: []string{name}}
}

func writePEM(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// authority signs certificates of clients.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-100 * time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key}
}

// issue writes a certificate and its key into dir.
func (a *authority) issue(t *testing.T, dir, name string, until time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-100 * time.Hour), NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "client.crt"), "CERTIFICATE", der)
	writePEM(t, filepath.Join(dir, "client.key"), "PRIVATE KEY", keyDER)
}

// secure starts an application behind TLS.
func secure(t *testing.T, config *tls.Config, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handle)
	server.TLS = config
	server.EnableHTTP2 = true
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestTLS(t *testing.T) {
	var got atomic.Int32
	server := secure(t, nil, func(w http.ResponseWriter, r *http.Request) {
		got.Add(1)
		_, _ = io.WriteString(w, r.Proto)
	})
	trusted := trusting(t, server.Certificate())
	plain := serve(t, func(http.ResponseWriter, *http.Request) { got.Add(1) })
	mute := listen(t, func(_ int, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	for _, test := range []struct {
		name, base string
		config     *trust.Config
		reason     string
		says       string
	}{
		{"trusted", server.URL, trusted, "", ""},
		{"not trusted", server.URL, nil, "tls", "name its file in tls_ca"},
		{"trusted blindly", server.URL, &trust.Config{InsecureSkipVerify: true}, "", ""},
		{"another name in the certificate", server.URL, &trust.Config{CAFiles: trusted.CAFiles, ServerName: "tickets.test"}, "tls", "valid for example.com"},
		{"its own name", server.URL, &trust.Config{CAFiles: trusted.CAFiles, ServerName: "example.com"}, "", ""},
		{"no TLS there", strings.Replace(plain, "http://", "https://", 1), nil, "tls", "speaks no TLS at this port"},
		{"silence", strings.Replace(mute, "http://", "https://", 1), nil, "connect", "TLS handshake timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got.Store(0)
			config := Config{TLS: test.config, Retries: -1}
			if test.name == "silence" {
				config.DialTimeout = 1e7
			}
			c, _ := client(t, test.base, config)
			response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/"})
			if test.reason == "" {
				if err != nil || string(response.Body) != "HTTP/2.0" {
					t.Errorf("got %+v, %v", response, err)
				}
				return
			}
			e := failure(t, response, err)
			if e.Reason != test.reason || e.MaybeSent || got.Load() != 0 || !strings.Contains(e.Error(), test.says) {
				t.Errorf("got %s, sent %t: %v", e.Reason, e.MaybeSent, e)
			}
		})
	}
}

// TestDistrustIsNotRepeated: a certificate does not become better.
func TestDistrustIsNotRepeated(t *testing.T) {
	server := secure(t, nil, func(http.ResponseWriter, *http.Request) {})
	c, seen := client(t, server.URL, Config{})
	if _, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/", IsRepeatable: true}); err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff([]string{"GET tls"}, seen.all()); diff != "" {
		t.Error(diff)
	}
}

// TestClientCertificate: it is read anew for each connection, and one that the server
// does not take means that nothing was carried out, in every version of TLS.
func TestClientCertificate(t *testing.T) {
	of := newAuthority(t)
	other := newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(of.certificate)
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			var got atomic.Pointer[string]
			server := secure(t, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: version},
				func(w http.ResponseWriter, r *http.Request) { got.Store(&r.TLS.PeerCertificates[0].Subject.CommonName) })
			dir := t.TempDir()
			config := trusting(t, server.Certificate())
			config.Certificate, config.Key = filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key")
			of.issue(t, dir, "first", time.Now().Add(time.Hour))
			c, _ := client(t, server.URL, Config{TLS: config})
			ask := func() (*Response, error) {
				c.transport.CloseIdleConnections()
				got.Store(nil)
				return c.Do(t.Context(), &Request{Method: "POST", URL: "/"})
			}
			if response, err := ask(); err != nil || got.Load() == nil || *got.Load() != "first" {
				t.Fatalf("the first: got %+v, %v", response, err)
			}
			of.issue(t, dir, "second", time.Now().Add(time.Hour))
			if response, err := ask(); err != nil || *got.Load() != "second" {
				t.Errorf("the second: got %+v, %v", response, err)
			}
			refused := func(what, says string) {
				t.Helper()
				response, err := ask()
				e := failure(t, response, err)
				// The server may close before its alert is read: then it is not known.
				if got.Load() != nil || e.Reason == "tls" && (e.MaybeSent || !strings.Contains(e.Error(), says)) || e.Reason != "tls" && !e.MaybeSent {
					t.Errorf("%s: got %s, sent %t: %v", what, e.Reason, e.MaybeSent, e)
				}
			}
			of.issue(t, dir, "expired", time.Now().Add(-48*time.Hour))
			refused("expired", "has expired on "+time.Now().Add(-48*time.Hour).UTC().Format(time.DateOnly))
			other.issue(t, dir, "unknown", time.Now().Add(time.Hour))
			refused("of another authority", "tls: ")
			if err := os.Remove(config.Key); err != nil {
				t.Fatal(err)
			}
			response, err := ask()
			if e := failure(t, response, err); e.Reason != "tls" || e.MaybeSent || !strings.Contains(e.Error(), "tls_certificate: ") {
				t.Errorf("no key: got %s, sent %t: %v", e.Reason, e.MaybeSent, e)
			}
			without, _ := client(t, server.URL, Config{TLS: &trust.Config{CAFiles: config.CAFiles}})
			got.Store(nil)
			response, err = without.Do(t.Context(), &Request{Method: "POST", URL: "/"})
			if e := failure(t, response, err); got.Load() != nil || e.Reason == "tls" && (e.MaybeSent || !strings.Contains(e.Error(), "tls: ")) {
				t.Errorf("none: got %s, sent %t: %v", e.Reason, e.MaybeSent, e)
			}
		})
	}
}
