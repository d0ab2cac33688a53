package rehearse

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Credential is what the provider shows.
type Credential struct {
	Scheme Scheme
	User   string // for Basic
	Secret string
}

// Scheme is the way a secret is shown.
type Scheme string

// The ways of showing a secret.
const (
	Bearer Scheme = "bearer" // Authorization: Bearer <secret>; Entra's, and Okta's
	Header Scheme = "header" // Authorization: <secret>; how catalog apps of Okta may do it
	Basic  Scheme = "basic"  // Authorization: Basic, with a user; custom apps of Okta
)

// authorization is the header field for a secret.
func (c Credential) authorization(secret string) string {
	switch c.Scheme {
	case Header:
		return secret
	case Basic:
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.User+":"+secret))
	}
	return "Bearer " + secret
}

func (c Credential) check() error {
	if strings.TrimSpace(c.Secret) == "" {
		return errors.New("the token is missing: put it into a file and name that with --token-file, or into SCIMGATE_TOKEN")
	}
	if strings.ContainsFunc(c.Secret, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("the token has a line break or another control character in it: a token is one line")
	}
	if c.Scheme == Basic && (c.User == "" || strings.ContainsRune(c.User, ':')) {
		return errors.New("--basic needs a user without a colon")
	}
	return nil
}

// flag is what Entra has operators write behind the tenant URL, for PATCH as the
// RFC has it.
const flag = "aadOptscim062020"

// parseURL reads a tenant URL as it is pasted into a provider.
func parseURL(text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, errors.New("the tenant URL is missing: --url https://scim.example.com/scim/v2")
	}
	if !strings.Contains(text, "://") {
		return nil, fmt.Errorf("the tenant URL %q has no scheme: write https://%s", text, text)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("the tenant URL can't be read: write one such as https://scim.example.com/scim/v2")
	case u.User != nil:
		return nil, errors.New("the tenant URL has a user or password in it: take it out, and see --basic and --token-file")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("the tenant URL begins with %s://, and SCIM is spoken over https", u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("the tenant URL %q names no host", text)
	case u.Fragment != "":
		return nil, fmt.Errorf("the tenant URL %q has a # in it, behind which nothing is sent: take it out", text)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	for _, k := range []Kind{User, Group} {
		if strings.HasSuffix(u.Path, k.endpoint()) {
			return nil, fmt.Errorf("the tenant URL ends in %s, which the provider appends itself: end it before", k.endpoint())
		}
	}
	return u, nil
}

// request is one that a provider sends.
type request struct {
	operation string // under which its time is counted
	method    string
	kind      Kind   // with id, where it goes; or
	path      string // elsewhere below the base
	id        string
	name      string // that a creation gives
	query     string // as on the wire
	body      any    // written as JSON
	bare      bool   // without the credential: with a wrong one
	readBack  bool   // it is sent to see what became of another
}

func (r request) target() string {
	target := r.path
	if target == "" {
		target = r.kind.endpoint() + idPath(r.id)
	}
	if r.query != "" {
		target += "?" + r.query
	}
	return target
}

func idPath(id string) string {
	if id == "" {
		return ""
	}
	return "/" + url.PathEscape(id)
}

// exchange is a request with what came back.
type exchange struct {
	request
	sent   string // the body, and
	showed string // the same without secrets
	became string // of it, behind the server
	status int    // 0: there was no answer
	header http.Header
	answer []byte
	took   time.Duration
	waited time.Duration // because the server asked for it, before it was sent again
	tls    *tls.ConnectionState
	err    error // why there was no answer
}

// client sends requests as a provider does.
type client struct {
	base       *url.URL
	http       *http.Client
	credential Credential
	timeout    time.Duration
	own        *belongings
	stats      *stats
	explain    func(context.Context, *http.Request) string
	waiting    func(time.Duration)
	hidden     *strings.Replacer // secrets
	password   string            // a placeholder, as Okta sends one for each user
	answered   atomic.Bool       // whether there was an answer to anything
}

// longestWait is how long a Retry-After is obeyed; more is as good as an error to
// somebody who watches. mostTries is how often Okta sends a request.
const (
	longestWait = time.Minute
	mostTries   = 10
)

// largest is how much of an answer is read.
const largest = 8 << 20

func newClient(o Options, own *belongings) (*client, error) {
	u, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	if err := o.Credential.check(); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1
	if o.Load != nil {
		transport.MaxIdleConnsPerHost = o.Load.Clients
	}
	if transport.TLSClientConfig, err = tlsConfig(o); err != nil {
		return nil, err
	}
	password := "Pw-" + rand.Text()
	secrets := []string{o.Credential.Secret, "[token]", password, "[password]"}
	if o.Credential.Scheme == Basic {
		secrets = append(secrets, strings.TrimPrefix(o.Credential.authorization(o.Credential.Secret), "Basic "), "[token]")
	}
	waiting := o.Report.Waiting
	if o.Load != nil {
		waiting = func(time.Duration) {} // many wait at a time: they are counted
	}
	return &client{
		base: u, credential: o.Credential, timeout: o.Timeout, own: own, stats: newStats(), explain: o.Explain, password: password,
		waiting: waiting, hidden: strings.NewReplacer(secrets...),
		http: &http.Client{
			Transport: transport,
			// No provider follows a redirection, and the token is for this host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func tlsConfig(o Options) (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: o.Insecure, MinVersion: tls.VersionTLS12}
	if o.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificates to trust: %w", err)
	}
	if config.RootCAs, err = x509.SystemCertPool(); err != nil {
		config.RootCAs = x509.NewCertPool()
	}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading the certificates to trust: %s holds none as PEM", o.CAFile)
	}
	return config, nil
}

// shown is the tenant URL as it may be shown.
func (c *client) shown() string { return c.base.String() }

// isLocal reports whether the server is on this machine.
func (c *client) isLocal() bool {
	host := c.base.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// do sends a request. When the server asks to wait it waits, as Okta does, and
// sends it again; not with a wrong credential, which is not to be let in later either.
func (c *client) do(ctx context.Context, r request) exchange {
	x := exchange{request: r}
	if x.err = c.own.permits(r); x.err != nil {
		return x
	}
	if r.body != nil {
		x.sent = mustEncode(r.body)
		x.showed = c.hidden.Replace(x.sent)
	}
	for try := 1; ; try++ {
		if c.once(ctx, &x); x.status != 0 {
			c.own.answered(r, x.status)
		}
		wait, isAsked := retryAfter(x)
		if !isAsked || r.bare || wait > longestWait || try == mostTries {
			return x
		}
		c.waiting(wait)
		if err := pause(ctx, wait); err != nil {
			return x
		}
		x.waited += wait
	}
}

// retryAfter is how long the server asks to wait.
func retryAfter(x exchange) (time.Duration, bool) {
	seconds, err := strconv.Atoi(x.header.Get("Retry-After"))
	isAsked := x.status == http.StatusTooManyRequests || x.status == http.StatusServiceUnavailable
	return time.Duration(seconds) * time.Second, isAsked && err == nil && seconds >= 0
}

// once sends the request and fills in what came back.
func (c *client) once(parent context.Context, x *exchange) {
	ctx, cancel := context.WithTimeout(parent, c.timeout)
	defer cancel()
	request, err := c.request(ctx, *x)
	if err != nil {
		x.err = err
		return
	}
	if c.explain != nil && !x.readBack {
		if again, err := c.request(ctx, *x); err == nil {
			x.became = c.hidden.Replace(c.explain(ctx, again))
		}
	}
	x.status, x.header, x.answer, x.err = 0, nil, nil, nil
	started := time.Now()
	response, err := c.http.Do(request)
	if err == nil {
		c.answered.Store(true)
		x.answer, err = io.ReadAll(io.LimitReader(response.Body, largest+1))
		_ = response.Body.Close()
		if err == nil && len(x.answer) > largest {
			err = fmt.Errorf("the answer is larger than %d MiB", largest>>20)
		}
	}
	x.took = time.Since(started)
	if err != nil {
		x.err = c.reason(ctx, parent, err)
		if parent.Err() == nil { // else it was cut off on this side
			c.stats.failed(x.operation)
		}
		return
	}
	x.status, x.header, x.tls = response.StatusCode, response.Header, response.TLS
	x.answer = []byte(c.hidden.Replace(string(x.answer)))
	c.stats.took(x.operation, x.took)
}

func (c *client) request(ctx context.Context, x exchange) (*http.Request, error) {
	target := c.base.String()
	path, query, _ := strings.Cut(x.target(), "?")
	if base, parameters, has := strings.Cut(target, "?"); has {
		target, query = base, strings.Trim(parameters+"&"+query, "&")
	}
	target += path
	if query != "" {
		target += "?" + query
	}
	var body io.Reader
	if x.sent != "" {
		body = strings.NewReader(x.sent)
	}
	request, err := http.NewRequestWithContext(ctx, x.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("making the request %s %s: %w", x.method, x.target(), err)
	}
	secret := c.credential.Secret
	if x.bare {
		secret = "not-the-token"
	}
	request.Header.Set("Authorization", c.credential.authorization(secret))
	request.Header.Set("Accept", "application/scim+json")
	request.Header.Set("User-Agent", "scimgate-rehearsal")
	request.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	return request, nil
}

// reason says why there was no answer, without the URL, which is known.
func (c *client) reason(ctx, parent context.Context, err error) error {
	if ctx.Err() != nil && parent.Err() == nil {
		return fmt.Errorf("no answer within %s", c.timeout)
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("aborted")
	}
	if parent.Err() != nil {
		return errors.New("no time was left for it")
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Errorf("the certificate is not trusted: %w; name its authority with --ca, or try with --insecure", unknown)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the connection was closed before the answer was whole")
	}
	return err
}
