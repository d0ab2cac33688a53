package signin

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators/rest/template"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// closeTimeout bounds signing out.
const closeTimeout = 5 * time.Second

// SignIn signs requests in. It is a [web.Signer]; many goroutines use it at once.
type SignIn struct {
	secrets *Secrets
	schemes []scheme
	// keeper is that whose token {session} is; nil without one. mark stands for the
	// token until the request is signed.
	keeper *keeper
	mark   string
}

// scheme is one compiled [Scheme].
type scheme interface {
	// sign adds to the request, which has been given its session, and returns the body
	// that it has then.
	sign(ctx context.Context, r *http.Request, body []byte) ([]byte, error)
	// refused reports whether signing the refused request anew may help.
	refused(r *http.Request) bool
	// masked says what sign adds.
	masked() []Masked
	// hidden are the secrets that an answer may repeat.
	hidden() []string
	// close ends the session.
	close(context.Context) error
}

// Masked is what signing in adds to a request, as it is printed.
type Masked struct {
	In    string // header or query
	Name  string
	Value string // with stars for what is secret
}

// New prepares signing in; c and secrets may be nil: then requests are sent as they
// are. Secrets are read here, so that what is missing is found when the configuration
// is loaded; nothing is sent before the first request. Login calls are made with the
// client, which is to be given what is returned here (web.Client.UseSigner).
func New(c *Config, secrets *Secrets, client *web.Client) (*SignIn, error) {
	s := &SignIn{secrets: secrets, mark: rand.Text()}
	if c == nil {
		return s, nil
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	ordered := slices.SortedStableFunc(slices.Values(c.Schemes), func(a, b Scheme) int { return cmp.Compare(a.turn(), b.turn()) })
	// What needs no session signs the calls that bring one.
	outer := &SignIn{secrets: secrets}
	for i := range ordered {
		if config := &ordered[i]; !config.hasSession() {
			made, err := newScheme(config)
			if err != nil {
				return nil, fmt.Errorf("auth %s: %w", config.Method, err)
			}
			outer.schemes = append(outer.schemes, made)
		}
	}
	next := outer.schemes
	for i := range ordered {
		switch config := &ordered[i]; config.Method {
		case "oauth2":
			made, err := newOAuth2(config.OAuth2, client)
			if err != nil {
				return nil, fmt.Errorf("auth oauth2: %w", err)
			}
			s.schemes, s.keeper = append(s.schemes, made), made.keeper
		case "login":
			made, err := newLogin(config.Login, secrets, client, outer)
			if err != nil {
				return nil, fmt.Errorf("auth login: %w", err)
			}
			s.schemes, s.keeper = append(s.schemes, made), made.keeper
		default:
			s.schemes, next = append(s.schemes, next[0]), next[1:]
		}
	}
	return s, nil
}

// turn is when a scheme signs: signatures sign what the others have added.
func (c Scheme) turn() int {
	switch {
	case c.Method == "hmac":
		return 2
	case c.hasSession():
		return 1
	}
	return 0
}

// hasSession reports whether the scheme makes requests of its own to sign in.
func (c Scheme) hasSession() bool { return c.Method == "oauth2" || c.Method == "login" }

// newScheme makes a scheme without a session.
func newScheme(c *Scheme) (scheme, error) {
	if c.Method == "hmac" {
		return newHMAC(c.HMAC)
	}
	return newFixed(c)
}

// Check finds what can't work, as far as it can be known before secrets are read.
func (c *Config) Check() error {
	sessions := 0
	taken := make(map[string]string) // what the schemes send, and which of them
	for i := range c.Schemes {
		s := &c.Schemes[i]
		if err := s.check(); err != nil {
			return fmt.Errorf("auth %s: %w", s.Method, err)
		}
		for _, target := range s.targets() {
			if other, is := taken[target]; is {
				return fmt.Errorf("auth %s and auth %s both send the %s: remove one of the two, or have it sent elsewhere", other, s.Method, target)
			}
			taken[target] = s.Method
		}
		if s.hasSession() {
			sessions++
		}
	}
	if sessions > 1 {
		return errors.New("auth oauth2 and auth login stand here more than once: an application has one session, remove the others")
	}
	return nil
}

// targets are the headers and parameters that the scheme sends.
func (c *Scheme) targets() []string {
	var places []place
	switch c.Method {
	case "header", "query":
		places = []place{{Placement: Placement{In: c.Method, Name: c.Name}}}
	case "basic", "bearer":
		places = []place{{Placement: Placement{In: "header", Name: "Authorization"}}}
	case "oauth2":
		places, _ = c.OAuth2.places() // checked before
	case "login":
		places, _ = c.Login.places()
	case "hmac":
		for _, p := range c.HMAC.Send {
			places = append(places, place{Placement: p})
		}
	}
	var targets []string
	for _, p := range places {
		if p.In == "header" {
			targets = append(targets, "header "+http.CanonicalHeaderKey(p.Name))
		} else {
			targets = append(targets, "parameter "+p.Name)
		}
	}
	return targets
}

func (c *Scheme) check() error {
	var err error
	switch c.Method {
	case "header", "query", "basic", "bearer":
		err = c.checkFixed()
	case "oauth2":
		err = c.OAuth2.check()
	case "login":
		_, err = c.Login.compile()
	case "hmac":
		_, err = c.HMAC.compile()
	default:
		err = errors.New("the method is not known: there are header, query, basic, bearer, oauth2, login and hmac")
	}
	return err
}

// Session returns the value of {session} in the templates of calls: it stands for the
// token of the session until the request is signed. ok is false where there is no
// session with a token.
func (s *SignIn) Session() (value template.Value, ok bool) {
	return textValue(s.mark), s.keeper != nil
}

// HasSession reports whether templates of calls may name {session}.
func (c *Config) HasSession() bool {
	return c != nil && slices.ContainsFunc(c.Schemes, func(s Scheme) bool {
		return s.Method == "oauth2" || s.Method == "login" && s.Login != nil && (s.Login.Token != "" || s.Login.TokenHeader != "")
	})
}

// Sign implements [web.Signer].
func (s *SignIn) Sign(ctx context.Context, r *http.Request, body []byte) error {
	if s.keeper != nil {
		session, err := s.keeper.get(ctx)
		if err != nil {
			return err
		}
		session.note(r, s.keeper)
		if body, err = s.unmark(r, body, session.token); err != nil {
			return err
		}
	}
	for _, one := range s.schemes {
		var err error
		if body, err = one.sign(ctx, r, body); err != nil {
			return err
		}
	}
	return nil
}

// unmark writes the token where the mark stands, encoded for the place.
func (s *SignIn) unmark(r *http.Request, body []byte, token string) ([]byte, error) {
	r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, s.mark, url.QueryEscape(token))
	if strings.Contains(r.URL.Path, s.mark) {
		escaped := strings.ReplaceAll(r.URL.EscapedPath(), s.mark, url.PathEscape(token))
		r.URL.Path, r.URL.RawPath = strings.ReplaceAll(r.URL.Path, s.mark, token), escaped
	}
	for name, values := range r.Header {
		for i, value := range values {
			if !strings.Contains(value, s.mark) {
				continue
			}
			values[i] = strings.ReplaceAll(value, s.mark, token)
			if err := checkHeader(name, values[i]); err != nil {
				return nil, err
			}
		}
	}
	if !bytes.Contains(body, []byte(s.mark)) {
		return body, nil
	}
	body = bytes.ReplaceAll(body, []byte(s.mark), encodeFor(r.Header.Get("Content-Type"), token))
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return body, nil
}

// encodeFor writes a token as a part of a string in a body of this type.
func encodeFor(contentType, token string) []byte {
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		quoted := gjson.AppendJSONString(nil, token)
		return quoted[1 : len(quoted)-1]
	case media == "application/x-www-form-urlencoded":
		return []byte(url.QueryEscape(token))
	case media == "text/xml" || media == "application/xml" || strings.HasSuffix(media, "+xml"):
		var b bytes.Buffer
		if xml.EscapeText(&b, []byte(token)) == nil {
			return b.Bytes()
		}
	}
	return []byte(token)
}

// Refused implements [web.Signer].
func (s *SignIn) Refused(_ context.Context, r *http.Request) (again bool) {
	for _, one := range s.schemes {
		again = one.refused(r) || again
	}
	return again
}

// Answered implements [web.Listener].
func (s *SignIn) Answered(r *http.Request, answer *web.Response) {
	if s.keeper != nil {
		s.keeper.answered(r, answer)
	}
}

// Masked returns what signing in adds to each request, for printing.
func (s *SignIn) Masked() []Masked {
	var all []Masked
	for _, one := range s.schemes {
		all = append(all, one.masked()...)
	}
	return all
}

// Hidden are the secrets that sign requests in, which an answer may repeat (see [Hide]).
// Users with names such as api are none.
func (s *SignIn) Hidden() []string {
	var all []string
	for _, one := range s.schemes {
		all = append(all, one.hidden()...)
	}
	return slices.DeleteFunc(all, func(secret string) bool { return len(secret) <= leastHidden })
}

// Close ends the session, where the configuration says how, and waits for what is
// under way. What still comes afterwards is served.
func (s *SignIn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var all []error
	for _, one := range s.schemes {
		all = append(all, one.close(ctx))
	}
	if err := errors.Join(all...); err != nil {
		return errors.New(Hide(err.Error(), s.Hidden()...))
	}
	return nil
}

// Interface guards
var (
	_ web.Signer   = (*SignIn)(nil)
	_ web.Listener = (*SignIn)(nil)
	_ io.Closer    = (*SignIn)(nil)
)
