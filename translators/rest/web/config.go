package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/http/httpproxy"

	"github.com/scimgate/scimgate/translators/trust"
)

// Config tunes how requests are made.
type Config struct {
	// TLS says how the server is verified. Default: by the system's roots.
	TLS *trust.Config `json:"tls,omitempty"`
	// Proxy is the URL of a proxy (http://, https:// or socks5://, with user and
	// password where it wants them), which is used for any address, or "off".
	// Placeholders are accepted. Default: that of the environment (HTTPS_PROXY,
	// HTTP_PROXY, NO_PROXY), which is never used for localhost and 127.0.0.1.
	Proxy string `json:"proxy,omitempty"`
	// Connections bounds the requests that are under way at the same time, and the
	// connections that are kept. Default: 16.
	Connections int `json:"connections,omitempty"`
	// Rate bounds the requests within any period of Per; they are spread over it.
	// Default: no bound.
	Rate int            `json:"rate,omitempty"`
	Per  caddy.Duration `json:"per,omitempty"`
	// DialTimeout bounds connecting, and again the TLS handshake. Default: 5s.
	DialTimeout caddy.Duration `json:"dial_timeout,omitempty"`
	// Timeout bounds a request and its repetitions. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`
	// Retries is how often a request that may be repeated is, -1 for never. Default: 2.
	Retries int `json:"retries,omitempty"`
	// BreakAfter is the number of failures in a row after which no request is sent for
	// BreakFor; -1 for never. Default: 10, 10s.
	BreakAfter int            `json:"break_after,omitempty"`
	BreakFor   caddy.Duration `json:"break_for,omitempty"`
	// MaxAnswer is the size in bytes, after decompression, beyond which an answer is
	// refused. Default: 8 MiB.
	MaxAnswer int64 `json:"max_answer,omitempty"`
}

// Sources returns what the configuration refers to and [New] reads once: the
// texts of the CA files, and the proxy with its placeholders resolved. Clients of the
// same Config may be shared where these are the same too.
func (c *Config) Sources() ([]string, error) {
	if c == nil {
		return nil, nil
	}
	_, sources, err := c.TLS.Load()
	if err != nil {
		return nil, err
	}
	proxy, err := resolveProxy(c.Proxy)
	return append(sources, proxy), err
}

// withDefaults returns the configuration with its defaults in place.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Connections < 0, c.DialTimeout < 0, c.Timeout < 0, c.BreakFor < 0, c.MaxAnswer < 0, c.Rate < 0, c.Per < 0:
		return c, errors.New("numbers and durations have to be more than 0")
	case c.Retries < -1 || c.BreakAfter < -1:
		return c, errors.New("retries and break_after are -1 for never, or more")
	case (c.Rate == 0) != (c.Per == 0):
		return c, errors.New("rate and per belong together: rate 10 per 1s")
	}
	c.Connections = cmp.Or(c.Connections, 16)
	c.DialTimeout = cmp.Or(c.DialTimeout, caddy.Duration(5*time.Second))
	c.Timeout = cmp.Or(c.Timeout, caddy.Duration(10*time.Second))
	c.Retries = max(cmp.Or(c.Retries, 2), 0)
	c.BreakAfter = max(cmp.Or(c.BreakAfter, 10), 0)
	c.BreakFor = cmp.Or(c.BreakFor, caddy.Duration(10*time.Second))
	c.MaxAnswer = cmp.Or(c.MaxAnswer, 8<<20)
	return c, nil
}

// resolveProxy resolves the placeholders. The error names them, never what they
// stand for.
func resolveProxy(text string) (string, error) {
	resolved, err := caddy.NewReplacer().ReplaceOrErr(text, true, true)
	if err != nil {
		return "", fmt.Errorf("proxy: %w", err)
	}
	return resolved, nil
}

// parseProxy reads the address of a proxy, which may hold a password: errors do not
// show it.
func parseProxy(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("proxy: it is not the URL of a proxy: write proxy http://proxy.example.com:3128, or proxy off")
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, fmt.Errorf("proxy: there is no proxy of the scheme %s: write http://, https:// or socks5://", u.Scheme)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("proxy: its URL ends with host and port")
	}
	return u, nil
}

// proxy returns what chooses the proxy of a request.
func (c *Config) proxy() (func(*http.Request) (*url.URL, error), error) {
	text, err := resolveProxy(c.Proxy)
	if err != nil {
		return nil, err
	}
	switch text {
	case "off":
		return nil, nil
	case "":
		of := httpproxy.FromEnvironment().ProxyFunc()
		return func(r *http.Request) (*url.URL, error) { return of(r.URL) }, nil
	}
	u, err := parseProxy(text)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "https" && c.TLS != nil && c.TLS.ServerName != "" {
		return nil, errors.New("proxy: an https:// proxy and tls_server_name do not go together: that name would be expected of the proxy too")
	}
	return http.ProxyURL(u), nil
}
