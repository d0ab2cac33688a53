package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// newTransport returns what keeps the connections.
func newTransport(c Config) (*http.Transport, error) {
	security, _, err := c.TLS.Load()
	if err != nil {
		return nil, err
	}
	proxy, err := c.proxy()
	if err != nil {
		return nil, err
	}
	within := time.Duration(c.DialTimeout)
	dialer := net.Dialer{Timeout: within, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4,
	}}
	return &http.Transport{
		Proxy: proxy,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			raw, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &conn{Conn: raw}, nil
		},
		OnProxyConnectResponse: proxyAnswered,
		TLSClientConfig:        security,
		TLSHandshakeTimeout:    within,
		ForceAttemptHTTP2:      true,
		// Many requests share a connection of HTTP/2: one that is dead has to be found out.
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: within},
		MaxIdleConns:           c.Connections,
		MaxIdleConnsPerHost:    c.Connections,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}, nil
}

const proxyWantsSignIn = "the proxy wants to be signed in to: write proxy http://<user>:<password>@<host>:<port>, the whole of it as a placeholder"

// proxyAnswered reports that a proxy makes no connection for us.
func proxyAnswered(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	switch answer.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusProxyAuthRequired:
		return errors.New(proxyWantsSignIn)
	}
	return fmt.Errorf("the proxy does not connect us: it answers %d", answer.StatusCode)
}

// conn is a connection that knows whether something was written to it.
type conn struct {
	net.Conn
	written atomic.Int64
}

// Write implements [net.Conn]. It counts before it writes: what is written is counted
// in any case.
func (c *conn) Write(p []byte) (int, error) {
	c.written.Add(int64(len(p)))
	return c.Conn.Write(p)
}

// wire follows a request on its way through connections.
type wire struct {
	isConnected bool
	isReused    bool
	isSent      bool  // on an earlier connection
	conn        *conn // nil when what is written to it says nothing of this request
	mark        int64 // what was written to it before
}

// trace returns the context of a request that w follows.
func (w *wire) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: w.take})
}

// take notes the connection that the request goes to. net/http calls it before it
// writes, and once more for another connection where the server had closed the first.
func (w *wire) take(info httptrace.GotConnInfo) {
	w.isSent = w.maybeSent()
	w.isConnected, w.isReused, w.conn = true, info.Reused, nil
	below := info.Conn
	for {
		secured, is := below.(*tls.Conn)
		if !is {
			break
		}
		if secured.ConnectionState().NegotiatedProtocol == "h2" {
			return
		}
		below = secured.NetConn()
	}
	if w.conn, _ = below.(*conn); w.conn != nil {
		w.mark = w.conn.written.Load()
	}
}

// maybeSent reports whether the server may have got some of the request. It is asked
// after net/http is done with it: of HTTP/1 nothing is written any more then.
func (w *wire) maybeSent() bool {
	return w.isSent || w.isConnected && (w.conn == nil || w.conn.written.Load() > w.mark)
}
