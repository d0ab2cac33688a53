package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// edge is where a request came from and where its answer goes: a connection, or
// the Bulk that it is a part of.
type edge interface {
	// baseURL returns the tenant URL as the caller sees it.
	baseURL() string
	// send takes the answer of x: its head, a status and a body, which is not
	// kept; nil is none.
	send(x *exchange, status int, body []byte)
}

// head is what an answer says beside its status and its body.
type head struct {
	location        string // of what was created, or of whom /Me stands for
	contentLocation string
	etag            string
	allow           string
	retryAfter      time.Duration
	challenges      []string
}

// connection is the edge of a request that came over HTTP.
type connection struct {
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	dialect scim.Dialect
	hasBody bool // which has not been read to its end
}

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// request returns what came, with the body, for which is waited until the
// deadline.
func (c *connection) request(path string, deadline time.Time) (scim.Request, error) {
	request := scim.Request{
		Method: c.r.Method, MethodOverride: c.r.Header.Get(methodOverride), Path: path, RawQuery: c.r.URL.RawQuery,
		ContentType: c.r.Header.Get("Content-Type"), Accept: joined(c.r.Header, "Accept"),
		IfMatch: joined(c.r.Header, "If-Match"), IfNoneMatch: joined(c.r.Header, "If-None-Match"),
	}
	var err error
	if !isRead(c.r.Method) {
		request.Body, err = c.body(path, deadline)
	}
	return request, err
}

// joined returns the header of that name, which is in its canonical form, several
// of it as one.
func joined(header http.Header, name string) string { return strings.Join(header[name], ",") }

// body reads the body, no more of it than is allowed.
func (c *connection) body(path string, deadline time.Time) ([]byte, error) {
	if !c.hasBody {
		return nil, nil
	}
	limit := c.h.limits.Body
	if c.r.ContentLength > limit {
		return nil, c.tooLarge(path)
	}
	if coding := c.r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, &scim.Error{Status: http.StatusUnsupportedMediaType,
			Detail: "The request body is compressed (Content-Encoding). Send it as it is."}
	}
	c.readUntil(deadline)
	body, err := readAll(http.MaxBytesReader(c.w, c.r.Body, limit), c.r.ContentLength)
	if err != nil {
		if _, isTooLarge := errors.AsType[*http.MaxBytesError](err); isTooLarge {
			return nil, c.tooLarge(path)
		}
		return nil, bodyError(err)
	}
	c.hasBody = false
	c.readUntil(time.Time{})
	return body, nil
}

// tooLarge says that a body is beyond the limit. A Bulk has two of them, and its
// caller is told both (RFC 7644 §3.7.4).
func (c *connection) tooLarge(path string) error {
	if strings.EqualFold(strings.Trim(path, "/"), "bulk") {
		return scim.BulkTooLarge(c.h.limits)
	}
	return scim.BodyTooLarge(c.h.limits.Body)
}

// readUntil bounds how long is waited for the body; the zero time is no bound.
// Where the connection can't do that, it is the server's business.
func (c *connection) readUntil(t time.Time) {
	_ = http.NewResponseController(c.w).SetReadDeadline(t)
}

// readAll reads r, whose length is announced as size or unknown (-1).
func readAll(r io.Reader, size int64) ([]byte, error) {
	const trusted = 1 << 20 // what an announcement alone may make us set aside
	buffer := make([]byte, 0, max(512, min(size+1, trusted)))
	for {
		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if errors.Is(err, io.EOF) {
			return buffer, nil
		}
		if err != nil {
			return nil, err
		}
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
	}
}

func bodyError(err error) error {
	if handled, ok := errors.AsType[caddyhttp.HandlerError](err); ok && handled.StatusCode == http.StatusRequestEntityTooLarge {
		return &scim.Error{Status: http.StatusRequestEntityTooLarge, Err: err,
			Detail: "The request body is larger than the site's request_body directive allows."}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &scim.Error{Status: http.StatusRequestTimeout, Err: err,
			Detail: "The request body did not arrive in time."}
	}
	return &scim.Error{Status: http.StatusBadRequest, Type: scim.InvalidSyntax, Err: err,
		Detail: "The request body could not be read to its end."}
}

// drainTimeout bounds how long the server waits for a body that is not asked for
// any more: it reads some of it before it answers, and a caller that announces a
// body and sends none would hold the connection for ever.
var drainTimeout = 5 * time.Second

// send writes the answer.
func (c *connection) send(x *exchange, status int, body []byte) {
	if c.hasBody {
		c.readUntil(time.Now().Add(drainTimeout))
	}
	header := c.w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Request-Id", x.id)
	if x.proof == translators.Unprovable {
		header.Set(proofHeader, string(x.proof))
	}
	x.head.write(header)
	if body == nil {
		c.w.WriteHeader(status)
		return
	}
	mediaType, ok := scim.AnswerType(joined(c.r.Header, "Accept"), c.dialect)
	if !ok {
		mediaType, _ = scim.AnswerType("", c.dialect) // of the error that says so
	}
	header.Set("Content-Type", mediaType+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body)
	}
}

// write sets the header fields of what is there.
func (a *head) write(header http.Header) {
	set := func(name, value string) {
		if value != "" {
			header.Set(name, value)
		}
	}
	set("Location", a.location)
	set("Content-Location", a.contentLocation)
	set("Etag", a.etag)
	set("Allow", a.allow)
	if a.retryAfter > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((a.retryAfter+time.Second-1)/time.Second), 10))
	}
	for _, challenge := range a.challenges {
		header.Add("WWW-Authenticate", challenge)
	}
}

// baseURL returns the tenant URL as the caller sees it. What a proxy says of
// scheme and host counts only when Caddy trusts the proxy.
func (c *connection) baseURL() string {
	if c.h.ExternalURL != "" {
		return c.h.externalURL(c.dialect)
	}
	scheme, host := "http", c.r.Host
	if c.r.TLS != nil {
		scheme = "https"
	}
	if trusted, _ := caddyhttp.GetVar(c.r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {
		if forwarded := firstOf(c.r.Header.Get("X-Forwarded-Proto")); forwarded == "https" || forwarded == "http" {
			scheme = forwarded
		}
		if forwarded := firstOf(c.r.Header.Get("X-Forwarded-Host")); isHost(forwarded) {
			host = forwarded
		}
	}
	return scheme + "://" + host + c.h.base(c.dialect)
}

func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}

// isHost reports whether s is made of what a host and a port are made of.
func isHost(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_:[]", r))
	})
}

// Interface guards
var _ edge = (*connection)(nil)
