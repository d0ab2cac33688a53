package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/translators/trust"
)

// TestDestruct: kept connections are closed when nobody has a lease any more, and not
// before; who comes later is served.
func TestDestruct(t *testing.T) {
	ended := make(chan struct{}, 9)
	base := listen(t, func(_ int, c net.Conn) {
		for in := bufio.NewReader(c); ; {
			if _, err := http.ReadRequest(in); err != nil {
				ended <- struct{}{}
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	c, _ := client(t, base, Config{})
	other, err := c.To(strings.Replace(base, "127.0.0.1", "localhost", 1))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(c *Client) {
		t.Helper()
		if _, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/"}); err != nil {
			t.Fatal(err)
		}
	}
	release, second := c.Lease(), c.Lease()
	ask(c)
	ask(other)
	if err := c.Destruct(); err != nil {
		t.Fatal(err)
	}
	release()
	release()
	ask(c)
	select {
	case <-ended:
		t.Fatal("a connection was closed while there was a lease")
	default:
	}
	second()
	<-ended
	<-ended
	later := c.Lease()
	ask(c)
	later()
	<-ended
}

// TestTo: another server has the same settings, but is not expected to have the same
// name.
func TestTo(t *testing.T) {
	server := secure(t, nil, func(http.ResponseWriter, *http.Request) {})
	config := trusting(t, server.Certificate())
	config.ServerName = "tickets.test"
	c, seen := client(t, "https://tickets.test", Config{TLS: config, Retries: -1, BreakAfter: -1, Rate: 1, Per: 1e12})
	c.UseSigner(&signer{keys: []string{"k"}})
	other, err := c.To(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if response, err := other.Do(t.Context(), &Request{Method: "POST", URL: "/token"}); err != nil || response.Status != 200 {
			t.Errorf("got %+v, %v", response, err)
		}
	}
	if diff := cmp.Diff([]string{"POST 2xx", "POST 2xx", "POST 2xx"}, seen.all()); diff != "" {
		t.Error(diff)
	}
	if other.config.Retries != 0 || other.config.BreakAfter != 0 {
		t.Errorf("what is off is on: %+v", other.config)
	}
	if _, err := c.To("token"); err == nil {
		t.Error("no error for what is no address")
	}
}

// TestSources: what a configuration refers to tells when a client can't be shared.
func TestSources(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ca.pem")
	a := newAuthority(t)
	writePEM(t, name, "CERTIFICATE", a.certificate.Raw)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PROXY", "http://proxy:1")
	c := &Config{Proxy: "{env.PROXY}", TLS: &trust.Config{CAFiles: []string{name}}}
	got, err := c.Sources()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{string(text), "http://proxy:1"}, got); diff != "" {
		t.Error(diff)
	}
	if got, err := (*Config)(nil).Sources(); got != nil || err != nil {
		t.Errorf("nothing: got %q, %v", got, err)
	}
	c.Proxy = "{env.NO_SUCH_PROXY}"
	if _, err := c.Sources(); err == nil {
		t.Error("no error for a placeholder without a value")
	}
}
