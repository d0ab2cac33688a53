package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/scimgate/scimgate/translators/rest/web"
)

// SignIn signs requests in. It is a [web.Signer]; many goroutines use it at once.
type SignIn struct {
	secrets *Secrets
	schemes []scheme
}

// scheme is one compiled [Scheme].
type scheme interface {
	// sign adds to the request.
	sign(ctx context.Context, r *http.Request, body []byte) error
	// refused reports whether signing the refused request anew may help.
	refused(r *http.Request) bool
	// masked says what sign adds.
	masked() []Masked
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
	s := &SignIn{secrets: secrets}
	if c == nil {
		return s, nil
	}
	for i := range c.Schemes {
		made, err := newScheme(&c.Schemes[i])
		if err != nil {
			return nil, fmt.Errorf("auth %s: %w", c.Schemes[i].Method, err)
		}
		s.schemes = append(s.schemes, made)
	}
	return s, nil
}

// Close ends the sessions, where the configuration says how, and waits for what is
// under way.
func (s *SignIn) Close() error { return nil }

// Sign implements [web.Signer].
func (s *SignIn) Sign(ctx context.Context, r *http.Request, body []byte) error {
	for _, one := range s.schemes {
		if err := one.sign(ctx, r, body); err != nil {
			return err
		}
	}
	return nil
}

// Refused implements [web.Signer].
func (s *SignIn) Refused(ctx context.Context, r *http.Request) (again bool) {
	s.secrets.renew()
	for _, one := range s.schemes {
		again = one.refused(r) || again
	}
	return again
}

// Masked returns what signing in adds to each request, for printing.
func (s *SignIn) Masked() []Masked {
	var all []Masked
	for _, one := range s.schemes {
		all = append(all, one.masked()...)
	}
	return all
}

func newScheme(c *Scheme) (scheme, error) {
	switch c.Method {
	case "header", "query", "basic", "bearer":
		return newFixed(c)
	}
	return nil, errors.New("the method is not known: there are header, query, basic, bearer, oauth2, login and hmac")
}
