package signin

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/scimgate/scimgate/translators/rest/template"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// tokenEarly is the default of [OAuth2.Early].
const tokenEarly = 30 * time.Second

// tokenMax bounds a token, in bytes: a longer one would not fit into headers.
const tokenMax = 16 << 10

// oauth2Scheme sends an access token that a token endpoint gives out.
type oauth2Scheme struct {
	config *OAuth2
	keeper *keeper
	places []place
	url    string
	client *web.Client // of the token endpoint

	id, secret, refresh *secret // secret and refresh may be nil
	parameters          map[string]*secret

	// What rotation has made of the refresh token, while the configuration has the
	// one that it came from. Only open uses it, which runs once at a time.
	rotated, rotatedFrom string
}

// reserved are the parameters of a token request that have lines of their own.
var reserved = []string{"client_id", "client_secret", "scope", "audience", "refresh_token"}

// check finds mistakes in the configuration.
func (c *OAuth2) check() error {
	switch {
	case c == nil || c.TokenURL == "":
		return errors.New("the URL of the token endpoint is missing")
	case c.ClientID == "":
		return errors.New("the client is missing: write client <id> <secret>")
	case !oneOf(c.ClientAuth, "header", "body"):
		return fmt.Errorf("client_auth %s is not known: it is header or body", c.ClientAuth)
	case c.ClientAuth == "header" && c.ClientSecret == "":
		return errors.New("client_auth header needs the client's secret: write client <id> <secret>")
	}
	seen := make(map[string]bool)
	for _, p := range c.Parameters {
		switch {
		case slices.Contains(reserved, p.Name):
			return fmt.Errorf("parameter %s has a line of its own: remove it, and see client, scope, audience and refresh_token", p.Name)
		case p.Name == "grant_type" && c.RefreshToken != "":
			return errors.New("parameter grant_type and refresh_token exclude each other: remove one of the two")
		case seen[p.Name]:
			return fmt.Errorf("parameter %s is given twice: remove one of the two", p.Name)
		}
		seen[p.Name] = true
	}
	if !strings.Contains(c.TokenURL, "{") {
		if err := checkTokenURL(c.TokenURL); err != nil {
			return err
		}
	}
	_, err := c.places()
	return err
}

func checkTokenURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.Fragment != "" || !strings.HasPrefix(text, "/") && (u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "") {
		return errors.New("the token endpoint is not a URL such as https://login.example.com/oauth/token, nor a path of the application such as /oauth/token")
	}
	return nil
}

// places are where requests have the token.
func (c *OAuth2) places() ([]place, error) {
	send := c.Send
	if len(send) == 0 {
		send = []Placement{{In: "header", Name: "Authorization", Value: "Bearer {token}"}}
	}
	return newPlaces(send, func(name string) bool { return name == "token" }, "{token}")
}

func newOAuth2(c *OAuth2, client *web.Client) (*oauth2Scheme, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	o := &oauth2Scheme{config: c, parameters: make(map[string]*secret)}
	var err error
	if o.places, err = c.places(); err != nil {
		return nil, err
	}
	var all []*secret
	read := func(what, text string) *secret {
		if text == "" {
			return nil
		}
		s, readErr := newSecret(what, text)
		err = errors.Join(err, readErr)
		all = append(all, s)
		return s
	}
	o.id, o.secret, o.refresh = read("client id", c.ClientID), read("client secret", c.ClientSecret), read("refresh token", c.RefreshToken)
	for _, p := range c.Parameters {
		o.parameters[p.Name] = read("parameter "+p.Name, p.Value)
	}
	if err != nil {
		return nil, err
	}
	address, err := newSecret("token URL", c.TokenURL)
	if err != nil {
		return nil, err
	}
	if o.url = address.get(); checkTokenURL(o.url) != nil {
		return nil, checkTokenURL(o.url)
	}
	all = append(all, inQuery(o.url)...)
	if client != nil {
		if err := o.reach(client); err != nil {
			return nil, err
		}
	}
	o.keeper = newKeeper(o.open, all...)
	if u, err := url.Parse(o.url); err == nil && u.Host != "" {
		o.keeper.of = "the token endpoint " + u.Host
	}
	return o, nil
}

// inQuery are the values in the query of the token endpoint, which may be secret. Its address
// is to be seen in errors.
func inQuery(address string) (hidden []*secret) {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	for _, values := range u.Query() {
		for _, value := range values {
			s := &secret{what: "token URL"}
			s.value.Store(&value)
			hidden = append(hidden, s)
		}
	}
	return hidden
}

// reach finds the client that reaches the token endpoint, which may be of another host
// than the application: the configuration names it.
func (o *oauth2Scheme) reach(client *web.Client) error {
	if absolute, err := client.Resolve("", o.url); err == nil {
		o.client, o.url = client, absolute
		return nil
	}
	u, err := url.Parse(o.url)
	if err != nil {
		return errors.New("the token endpoint is not a URL")
	}
	o.client, err = client.To(u.Scheme + "://" + u.Host)
	return err
}

// open fetches a token.
func (o *oauth2Scheme) open(ctx context.Context) (*session, error) {
	if o.refresh == nil {
		return o.fetch(ctx, "")
	}
	if o.rotatedFrom != o.refresh.get() { // the operator gave a new one
		o.rotated, o.rotatedFrom = o.refresh.get(), o.refresh.get()
	}
	return o.fetch(ctx, o.rotated)
}

// fetch asks for a token, by a refresh token or else as the client.
func (o *oauth2Scheme) fetch(ctx context.Context, refresh string) (*session, error) {
	request := clientcredentials.Config{
		ClientID: o.id.get(), TokenURL: o.url, Scopes: o.config.Scopes,
		EndpointParams: url.Values{}, AuthStyle: oauth2.AuthStyleInHeader,
	}
	if o.secret != nil {
		request.ClientSecret = o.secret.get()
	}
	if o.secret == nil || o.config.ClientAuth == "body" {
		request.AuthStyle = oauth2.AuthStyleInParams
	}
	for name, value := range o.parameters {
		request.EndpointParams.Set(name, value.get())
	}
	if o.config.Audience != "" {
		request.EndpointParams.Set("audience", o.config.Audience)
	}
	if refresh != "" {
		request.EndpointParams.Set("grant_type", "refresh_token")
		request.EndpointParams.Set("refresh_token", refresh)
	}
	// A refresh token that was taken once may be void: the request is not repeated.
	carrier := &carrier{client: o.client, isRepeatable: refresh == ""}
	began := time.Now()
	token, err := request.Token(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Transport:     carrier,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}))
	if err != nil {
		return nil, o.explain(err, carrier)
	}
	if refresh != "" {
		o.rotated = cmp.Or(token.RefreshToken, o.rotated)
	}
	if err := checkTokenText(token.AccessToken); err != nil {
		return nil, fmt.Errorf("the token endpoint %s: %w", o.where(), err)
	}
	s := &session{token: token.AccessToken}
	life := token.Expiry.Sub(began)
	if token.Expiry.IsZero() || life <= 0 {
		life = time.Duration(o.config.Valid)
	}
	if life > 0 {
		early := cmp.Or(time.Duration(o.config.Early), tokenEarly)
		s.until = began.Add(life - min(early, life/4))
	}
	return s, nil
}

// checkTokenText refuses what is no token. The error does not hold it.
func checkTokenText(token string) error {
	switch {
	case token == "":
		return errors.New("the token is empty")
	case len(token) > tokenMax:
		return fmt.Errorf("the token has %d bytes, which no header holds", len(token))
	case strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("the token has a line break or a control character in it")
	}
	return nil
}

// where is the token endpoint without what may be secret in its query, or in what a
// placeholder stands for.
func (o *oauth2Scheme) where() string {
	where, _, _ := strings.Cut(o.url, "?")
	if u, err := url.Parse(o.url); err == nil && strings.Contains(o.config.TokenURL, "{") {
		where = u.Scheme + "://" + u.Host
	}
	return where
}

// explain makes an error of what the token endpoint answered. It holds no secret.
func (o *oauth2Scheme) explain(err error, answered *carrier) error {
	where := o.where()
	if fault, is := errors.AsType[*web.Error](err); is {
		return fmt.Errorf("asking %s for a token: %w", where, fault)
	}
	refused, isRefused := errors.AsType[*oauth2.RetrieveError](err)
	status := answered.status
	switch {
	case isRefused && refused.ErrorCode != "":
		code := safeWords(refused.ErrorCode, o.keeper.secrets...)
		err := fmt.Errorf("%s answers %s, which means that %s%s", where, code, o.meaningOf(code), quoted(refused.ErrorDescription, o.keeper.secrets...))
		if code == "temporarily_unavailable" || code == "server_error" || isFault(status) {
			return &web.Error{Reason: "busy", RetryAfter: answered.retryAfter, Err: err}
		}
		return refusal{err}
	case isFault(status):
		return &web.Error{Reason: "busy", RetryAfter: answered.retryAfter, Err: fmt.Errorf("%s answers with the status %d", where, status)}
	case isRefused && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status >= 300 && status < 400):
		return refusal{fmt.Errorf("%s answers with the status %d: it is not the address of a token endpoint", where, status)}
	case isRefused:
		return refusal{fmt.Errorf("%s refuses to give a token, with the status %d: see whether client, scope and client_auth are as it wants them", where, status)}
	case answered.isHTML:
		return refusal{fmt.Errorf("%s answers with an HTML page: it is not the address of a token endpoint", where)}
	case status == 0:
		return fmt.Errorf("asking %s for a token: %w", where, err)
	}
	return refusal{fmt.Errorf("%s answers with the status %d and no access_token (RFC 6749 §5.1)", where, status)}
}

// isFault reports whether an answer of this status says nothing of what was sent.
func isFault(status int) bool {
	return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status == http.StatusTooEarly
}

// meaningOf says what to do about an error of RFC 6749 §5.2.
func (o *oauth2Scheme) meaningOf(code string) string {
	switch code {
	case "invalid_client":
		return "the client's id or secret is wrong, or is to be sent the other way (client_auth header or body)"
	case "invalid_grant":
		if o.refresh != nil {
			return "the refresh token is spent, revoked or of another client: get a new one and put it where refresh_token points to; it is tried as soon as it is there"
		}
		return "what it was asked with is wrong, or has expired"
	case "unauthorized_client":
		return "this client may not use this grant: allow client credentials for it"
	case "unsupported_grant_type":
		return "it does not know this grant"
	case "invalid_scope":
		return "it does not know the scope, or does not give it to this client"
	case "invalid_target":
		return "it does not know the audience or the resource"
	case "invalid_request":
		return "a parameter is missing, or is one too many: see its documentation for audience and parameter"
	case "temporarily_unavailable", "server_error":
		return "it has a fault of its own"
	}
	return "it gives no token"
}

func (o *oauth2Scheme) sign(_ context.Context, r *http.Request, body []byte) ([]byte, error) {
	s := sessionOf(r, o.keeper)
	for _, p := range o.places {
		if err := p.put(r, s.lookup); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func (o *oauth2Scheme) refused(r *http.Request) bool    { return o.keeper.refused(r) }
func (o *oauth2Scheme) masked() []Masked                { return maskedPlaces(o.places) }
func (o *oauth2Scheme) hidden() []string                { return o.keeper.hidden() }
func (o *oauth2Scheme) close(ctx context.Context) error { return o.keeper.close(ctx) }

// lookup knows what a session has for templates.
func (s *session) lookup(name string) (template.Value, bool, error) {
	if name == "token" {
		return textValue(s.token), s.token != "", nil
	}
	value, ok := s.named[name]
	return textValue(value), ok, nil
}

// carrier makes the requests of package oauth2 with a client of ours, and remembers
// what was answered.
type carrier struct {
	client       *web.Client
	isRepeatable bool

	mu         sync.Mutex
	status     int
	isHTML     bool
	retryAfter time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("reading a token request: %w", err)
	}
	header := r.Header.Clone()
	header.Set("Accept", "application/json")
	answer, err := c.client.Do(r.Context(), &web.Request{
		Method: r.Method, URL: r.URL.String(), Header: header, Body: body, Unsigned: true,
		IsRepeatable: c.isRepeatable, IsAnswer: func(*web.Response) bool { return true },
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status, c.isHTML, c.retryAfter = answer.Status, isHTML(answer), answer.RetryAfter
	return &http.Response{
		Status: http.StatusText(answer.Status), StatusCode: answer.Status, Header: answer.Header,
		Body: io.NopCloser(bytes.NewReader(answer.Body)), ContentLength: int64(len(answer.Body)), Request: r,
	}, nil
}

// isHTML reports whether an answer is a page for people.
func isHTML(answer *web.Response) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer.Header.Get("Content-Type"))), "text/html") ||
		bytes.HasPrefix(bytes.TrimSpace(answer.Body), []byte("<!")) || bytes.HasPrefix(bytes.ToLower(bytes.TrimSpace(answer.Body)), []byte("<html"))
}
