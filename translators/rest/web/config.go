package web

import (
	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/translators/trust"
)

// Config tunes how requests are made.
type Config struct {
	// TLS says how the server is verified. Default: by the system's roots.
	TLS *trust.Config `json:"tls,omitempty"`
	// Proxy is the URL of a proxy, or "off". Default: the environment's (HTTPS_PROXY …).
	Proxy string `json:"proxy,omitempty"`
	// Connections bounds the requests that are under way at the same time. Default: 16.
	Connections int `json:"connections,omitempty"`
	// Rate bounds the requests within Per, and Burst those at once. Default: no bound.
	Rate int            `json:"rate,omitempty"`
	Per  caddy.Duration `json:"per,omitempty"`
	// DialTimeout bounds connecting and the TLS handshake. Default: 5s.
	DialTimeout caddy.Duration `json:"dial_timeout,omitempty"`
	// Timeout bounds a request and its repetitions. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`
	// Retries is how often a request that may be repeated is, -1 for never. Default: 2.
	Retries int `json:"retries,omitempty"`
	// BreakAfter is the number of failures in a row after which no request is sent for
	// BreakFor; -1 for never. Default: 10, 10s.
	BreakAfter int            `json:"break_after,omitempty"`
	BreakFor   caddy.Duration `json:"break_for,omitempty"`
	// MaxAnswer is the size in bytes beyond which an answer is refused. Default: 8 MiB.
	MaxAnswer int64 `json:"max_answer,omitempty"`
}
