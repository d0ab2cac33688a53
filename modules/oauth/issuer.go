package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Issuer is somebody outside who signs JWTs for callers, and which of them are
// accepted.
type Issuer struct {
	// Issuer is the iss of the tokens, to the letter.
	Issuer string `json:"issuer"`
	// Audience are the values one of which aud must have.
	Audience []string `json:"audience"`
	// Subject are the values one of which sub must have. Default: any, which is
	// refused unless Claims says more.
	Subject []string `json:"subject,omitempty"`
	// Claims are further claims that a token must have: the text of each must be
	// one of those given, and of a claim that is a list one of its elements.
	Claims map[string][]string `json:"claims,omitempty"`
	// KeysURL is where the keys are (a JWK set). Default: where the issuer says, at
	// .well-known/openid-configuration below Issuer.
	KeysURL string `json:"jwks,omitempty"`
	// Leeway is by how much clocks may differ. Default: 1m.
	Leeway caddy.Duration `json:"leeway,omitempty"`

	keys *Keys
	now  func() time.Time
}

// defaultLeeway is by how much clocks may differ when the operator does not say.
const defaultLeeway = time.Minute

// mostLeeway is more than any clock that is kept differs by.
const mostLeeway = 10 * time.Minute

// longestToken is the longest JWT that is looked at, in bytes.
const longestToken = 16 << 10

// algorithms are the signatures that are accepted: those with a public key.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// Provision checks what is given. It fetches nothing.
func (i *Issuer) Provision() error {
	if i.now == nil {
		i.now = time.Now
	}
	switch {
	case i.Issuer == "":
		return errors.New("a JWT needs an issuer")
	case len(i.Audience) == 0:
		return errors.New("a JWT needs an audience: without one, a token that the issuer made for another application would be accepted")
	case len(i.Subject) == 0 && len(i.Claims) == 0:
		return errors.New("a JWT needs a subject or a claim: without one, everybody for whom the issuer makes a token would be accepted")
	case i.Leeway < 0 || time.Duration(i.Leeway) > mostLeeway:
		return fmt.Errorf("leeway must be between 0 and %s", mostLeeway)
	}
	if i.Leeway == 0 {
		i.Leeway = caddy.Duration(defaultLeeway)
	}
	source := i.KeysURL
	if source == "" {
		source = i.Issuer
	}
	if err := CheckURL(source); err != nil {
		return err
	}
	i.keys = NewKeys(i.Issuer, i.KeysURL)
	return nil
}

// Identity is what a verified token says.
type Identity struct {
	Subject string
	ID      string    // jti; may be empty
	Expires time.Time // with the leeway
}

// IsIssuerOf reports whether a text looks like a JWT that this issuer has signed. It
// verifies nothing; it is to find out which of several issuers to ask.
func (i *Issuer) IsIssuerOf(text string) bool {
	token, err := parse(text)
	if err != nil {
		return false
	}
	var claims jwt.Claims
	return token.UnsafeClaimsWithoutVerification(&claims) == nil && claims.Issuer == i.Issuer
}

// IsJWT reports whether a text has the form of a signed JWT.
func IsJWT(text string) bool {
	return len(text) <= longestToken && strings.Count(text, ".") == 2 && strings.HasPrefix(text, "ey")
}

func parse(text string) (*jwt.JSONWebToken, error) {
	if !IsJWT(text) {
		return nil, errors.New("it is no signed JWT")
	}
	return jwt.ParseSigned(text, algorithms)
}

// Verify returns what the token says, if the issuer has signed it and it is meant for
// us and now. An error says what is wrong without quoting the token; one that wraps
// [ErrUnavailable] says that this can't be known.
func (i *Issuer) Verify(ctx context.Context, text string) (Identity, error) {
	token, err := parse(text)
	if err != nil {
		return Identity{}, errors.New("it is no JWT that is signed with a public key")
	}
	if len(token.Headers) != 1 {
		return Identity{}, errors.New("it has more than one signature")
	}
	// What can be refused without the key is: nobody is to send us to the issuer
	// with a token that would not be accepted.
	var unverified jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&unverified); err != nil {
		return Identity{}, errors.New("its claims can't be read")
	}
	if err := i.accepts(unverified); err != nil {
		return Identity{}, err
	}
	keys, err := i.keys.Find(ctx, token.Headers[0].KeyID)
	if err != nil {
		return Identity{}, err
	}
	for _, key := range keys {
		if key.Algorithm != "" && key.Algorithm != token.Headers[0].Algorithm {
			continue
		}
		var claims jwt.Claims
		var all map[string]any
		if token.Claims(key.Key, &claims, &all) != nil {
			continue
		}
		if err := i.accepts(claims); err != nil {
			return Identity{}, err
		}
		if err := i.acceptsClaims(all); err != nil {
			return Identity{}, err
		}
		return Identity{claims.Subject, claims.ID, claims.Expiry.Time().Add(time.Duration(i.Leeway))}, nil
	}
	return Identity{}, errors.New("no key of the issuer has signed it")
}

// accepts checks the claims that every token has.
func (i *Issuer) accepts(claims jwt.Claims) error {
	if claims.Expiry == nil {
		return errors.New("it never expires")
	}
	switch err := claims.ValidateWithLeeway(jwt.Expected{Issuer: i.Issuer, AnyAudience: i.Audience, Time: i.now()}, time.Duration(i.Leeway)); {
	case errors.Is(err, jwt.ErrInvalidIssuer):
		return errors.New("it is of another issuer")
	case errors.Is(err, jwt.ErrInvalidAudience):
		return errors.New("it is for another audience")
	case errors.Is(err, jwt.ErrExpired):
		return fmt.Errorf("it expired at %s", claims.Expiry.Time().UTC().Format(time.RFC3339))
	case errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return errors.New("it is not valid yet: do the clocks agree?")
	case err != nil:
		return errors.New("its claims are not valid")
	}
	if len(i.Subject) > 0 && !slices.Contains(i.Subject, claims.Subject) {
		return errors.New("it is of another subject")
	}
	return nil
}

func (i *Issuer) acceptsClaims(all map[string]any) error {
	for name, wanted := range i.Claims {
		if !slices.ContainsFunc(texts(all[name]), func(text string) bool { return slices.Contains(wanted, text) }) {
			return fmt.Errorf("its claim %s is another one", name)
		}
	}
	return nil
}

// texts returns a claim as texts: it may be a list, a boolean or a number.
func texts(claim any) []string {
	switch v := claim.(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, element := range v {
			all = append(all, texts(element)...)
		}
		return all
	}
	text, err := json.Marshal(claim)
	if err != nil {
		return nil
	}
	return []string{string(text)}
}
