package rehearse_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/rehearse"
)

// encrypted is the gateway behind TLS from a version on. It returns the tenant
// URL and a file with the authority of its certificate.
func encrypted(t *testing.T, least uint16) (tenant, ca string) {
	t.Helper()
	behind, err := url.Parse(strings.TrimSuffix(gateway.TenantURL, "/scim/v2"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(behind))
	server.TLS = &tls.Config{MinVersion: least}
	server.StartTLS()
	t.Cleanup(server.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL + "/scim/v2", ca
}

// The connection is judged by what Entra asks of it.
func TestTransport(t *testing.T) {
	tenant, ca := encrypted(t, tls.VersionTLS12)
	modern, modernCA := encrypted(t, tls.VersionTLS13)
	for _, test := range []struct {
		name, tenant, ca string
		insecure         bool
		want             rehearse.Verdict
		says             string
	}{
		{"an authority of its own", tenant, ca, false, rehearse.Warning, "--ca: providers trust public authorities alone"},
		{"not checked", tenant, "", true, rehearse.Warning, "--insecure: the certificate was not checked"},
		{"TLS 1.3 alone", modern, modernCA, false, rehearse.Failed, "TLS 1.2 is not spoken"},
		{"the protocol is told", tenant, ca, false, rehearse.Warning, "certificate for example.com"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRecord()
			o := options(test.tenant, rehearse.Entra)
			o.Report, o.CAFile, o.Insecure, o.NoGroups = r, test.ca, test.insecure, true
			if err := rehearse.Run(t.Context(), o); (err != nil) != (test.want == rehearse.Failed) {
				t.Errorf("it ended with %v", err)
			}
			one := r.step(t, "transport")
			if got := fmt.Sprint(one.Findings, one.Notes); one.Verdict != test.want || !strings.Contains(got, test.says) {
				t.Errorf("it is %s: %s, want %s", one.Verdict, got, test.says)
			}
			if len(r.verdicts()) > 30 || r.step(t, "disable-legacy").Verdict != rehearse.Passed {
				t.Errorf("the rest is %v", r.verdicts())
			}
		})
	}
	o := options(tenant, rehearse.Entra)
	if err := rehearse.Run(t.Context(), o); !errors.Is(err, rehearse.ErrUnreachable) || !strings.Contains(err.Error(), "name its authority with --ca") {
		t.Errorf("with an authority that nobody knows it ended with %v", err)
	}
	nothingIsLeft(t)
}

// Okta takes no underscore.
func TestUnderscore(t *testing.T) {
	r := newRecord()
	elsewhere := defect{before: func(r *http.Request, body string) (*answer, string) {
		r.URL.Path = strings.Replace(r.URL.Path, "/scim_v2", "/scim/v2", 1)
		return nil, body
	}}
	o := options(strings.Replace(broken(t, elsewhere), "/scim/v2", "/scim_v2", 1), rehearse.Okta)
	o.Report = r
	if err := rehearse.Run(t.Context(), o); !errors.Is(err, rehearse.ErrMissing) {
		t.Errorf("it ended with %v", err)
	}
	if got := r.step(t, "transport"); got.Verdict != rehearse.Failed || !strings.Contains(fmt.Sprint(got.Findings), "underscore") {
		t.Errorf("it is %+v", got)
	}
	if got := r.step(t, "deactivate-patch"); got.Verdict != rehearse.Passed {
		t.Errorf("the rest is not rehearsed: %+v", got)
	}
}
