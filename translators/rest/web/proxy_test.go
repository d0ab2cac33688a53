package web

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http/httpproxy"
)

// forward starts a proxy that wants this user and password, or none, and knows each
// host as target.
func forward(t *testing.T, credentials, target string) (address string, got *atomic.Int32) {
	got = new(atomic.Int32)
	address = serve(t, func(w http.ResponseWriter, r *http.Request) {
		got.Add(1)
		user, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
		if credentials != "" && user+":"+password != credentials {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			if r.Header.Get("X-Key") == "" || !r.URL.IsAbs() {
				t.Errorf("got %s with %v", r.URL, r.Header)
			}
			_, _ = io.WriteString(w, "by proxy to "+r.URL.Host)
			return
		}
		if target == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if r.Header.Get("X-Key") != "" {
			t.Error("the proxy got the sign-in")
		}
		out, err := net.Dial("tcp", target)
		if err != nil {
			t.Error(err)
			return
		}
		defer out.Close()
		in, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer in.Close()
		_, _ = io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(out, in)
			_ = out.Close()
		}()
		_, _ = io.Copy(in, out)
		_ = in.Close()
		<-done
	})
	return address, got
}

func TestProxy(t *testing.T) {
	secured := secure(t, nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secured") })
	trusted := trusting(t, secured.Certificate())
	target := strings.TrimPrefix(secured.URL, "https://")
	t.Setenv("PROXY_PASSWORD", "s3cret")
	for _, test := range []struct {
		name, proxy, credentials, base string
		connects                       bool
		want, reason                   string
	}{
		{"http", "http://HOST", "", "http://tickets.test", true, "by proxy to tickets.test", ""},
		{"also for this machine", "http://HOST", "", "http://127.0.0.1:1", true, "by proxy to 127.0.0.1:1", ""},
		{"signed in to", "http://me:{env.PROXY_PASSWORD}@HOST", "me:s3cret", "http://tickets.test", true, "by proxy to tickets.test", ""},
		{"not signed in to", "http://HOST", "me:s3cret", "http://tickets.test", true, "the proxy wants to be signed in to", "connect"},
		{"https", "http://HOST", "", "https://example.com", true, "secured", ""},
		{"https signed in to", "http://me:{env.PROXY_PASSWORD}@HOST", "me:s3cret", "https://example.com", true, "secured", ""},
		{"https not signed in to", "http://me:wrong@HOST", "me:s3cret", "https://example.com", true, "the proxy wants to be signed in to", "connect"},
		{"https refused", "http://HOST", "", "https://example.com", false, "the proxy does not connect us: it answers 403", "connect"},
		{"no proxy there", "http://127.0.0.1:1", "", "https://example.com", true, "proxyconnect", "connect"},
	} {
		t.Run(test.name, func(t *testing.T) {
			to := target
			if !test.connects {
				to = ""
			}
			address, got := forward(t, test.credentials, to)
			c, _ := client(t, test.base, Config{TLS: trusted, Retries: -1, Proxy: strings.Replace(test.proxy, "HOST", strings.TrimPrefix(address, "http://"), 1)})
			response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/", Header: http.Header{"X-Key": {"k"}}})
			if test.reason != "" {
				e := failure(t, response, err)
				if e.Reason != test.reason || e.MaybeSent || !strings.Contains(e.Error(), test.want) || strings.Contains(e.Error(), "wrong") {
					t.Errorf("got %s, sent %t: %v", e.Reason, e.MaybeSent, e)
				}
				return
			}
			if err != nil || string(response.Body) != test.want || got.Load() != 1 {
				t.Errorf("got %+v, %v; the proxy got %d requests", response, err, got.Load())
			}
		})
	}
}

// socks starts a SOCKS 5 proxy (RFC 1928) without sign-in that connects to target
// whatever it is asked for.
func socks(t *testing.T, target string) (address string, asked *atomic.Pointer[string]) {
	asked = new(atomic.Pointer[string])
	return listen(t, func(_ int, c net.Conn) {
		head := make([]byte, 2)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, c, int64(head[1]))
		_, _ = c.Write([]byte{5, 0})
		request := make([]byte, 5) // version, command, 0, kind of address, length
		if _, err := io.ReadFull(c, request); err != nil || request[3] != 3 {
			return
		}
		name := make([]byte, int(request[4])+2)
		_, _ = io.ReadFull(c, name)
		text := string(name[:len(name)-2])
		asked.Store(&text)
		_, _ = c.Write([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 0})
		out, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(c, out)
			_ = c.Close()
		}()
		_, _ = io.Copy(out, c)
		_ = out.Close()
		<-done
	}), asked
}

func TestSOCKS(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	proxy, asked := socks(t, strings.TrimPrefix(base, "http://"))
	c, _ := client(t, "http://tickets.test", Config{Proxy: strings.Replace(proxy, "http://", "socks5://", 1)})
	response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/"})
	if err != nil || string(response.Body) != "tickets.test" || asked.Load() == nil || *asked.Load() != "tickets.test" {
		t.Errorf("got %+v, %v", response, err)
	}
}

// TestProxyOfTheEnvironment: it is used, but not for this machine, for what NO_PROXY
// names, or when it is off.
func TestProxyOfTheEnvironment(t *testing.T) {
	address, got := forward(t, "", "")
	t.Setenv("HTTP_PROXY", address)
	t.Setenv("NO_PROXY", "internal.test")
	if *httpproxy.FromEnvironment() == (httpproxy.Config{}) {
		t.Fatal("the environment is not read")
	}
	local := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, test := range []struct {
		base, proxy string
		proxied     bool
	}{
		{"http://tickets.test", "", true},
		{"http://tickets.test", "off", false},
		{"http://internal.test", "", false},
		{local, "", false},
		{strings.Replace(local, "127.0.0.1", "localhost", 1), "", false},
	} {
		got.Store(0)
		c, _ := client(t, test.base, Config{Proxy: test.proxy, Retries: -1})
		_, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/", Header: http.Header{"X-Key": {"k"}}})
		if (got.Load() == 1) != test.proxied || test.proxied && err != nil {
			t.Errorf("%s, proxy %q: the proxy got %d requests: %v", test.base, test.proxy, got.Load(), err)
		}
	}
}
