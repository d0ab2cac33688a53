package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/modules/oauth"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/scim"
)

// The schemes of a [Credential].
const (
	SchemeBearer = "bearer"
	SchemeBasic  = "basic"
	SchemeJWT    = "jwt" // a bearer token that an outside issuer has signed
)

// minimumSecret is the least number of bytes of a secret. Shorter ones can be
// guessed, and are more likely a mistake in a template than a token.
const minimumSecret = 12

// Credential is a bearer token (RFC 6750) or a user name with its password
// (RFC 7617) that callers present.
type Credential struct {
	// Name names the credential in logs, metrics and the journal.
	Name string `json:"name"`
	// Scheme is bearer, basic or jwt. Default: bearer.
	Scheme string `json:"scheme,omitempty"`
	// User is the user name of a basic credential. Default: Name.
	User string `json:"user,omitempty"`
	// JWT says who signs the tokens of a jwt credential, and which count.
	JWT *oauth.Issuer `json:"jwt,omitempty"`
	// Secret is the token or the password, 12 bytes or more. Give it as a
	// placeholder such as {file./etc/scimgate/entra} or {env.SCIM_TOKEN};
	// a line end behind it is not part of it.
	Secret string `json:"secret,omitempty"`
	// SHA256 is the SHA-256 of the secret in hexadecimal, instead of Secret.
	SHA256 string `json:"sha256,omitempty"`
	// Expires is the day, as 2027-06-01 (from its beginning in UTC), or the
	// time, as in RFC 3339, from which the credential is no longer accepted.
	// Default: never.
	Expires string `json:"expires,omitempty"`
	// Allow are the addresses from which the credential is accepted, besides
	// the gateway's own list. Default: from wherever the gateway allows.
	Allow []string `json:"allow,omitempty"`
	// AllowSources are further addresses from which the credential is accepted:
	// lists in files, and other sources that Caddy knows.
	AllowSources []json.RawMessage `json:"allow_sources,omitempty" caddy:"namespace=http.ip_sources inline_key=source"`
	// Scope is what the credential may do: endpoints of resource types in lower
	// case, such as users and groups, whose resources may be read and written, and
	// read, which is reading everything. Default: everything.
	Scope Scopes `json:"scope,omitempty"`
	// Me is a SCIM filter that exactly one user satisfies: whom the caller stands
	// for, at /Me (RFC 7644 §3.11). Default: nobody.
	Me string `json:"me,omitempty"`

	use     *store.Use
	me      scim.Filter
	meLine  caddyfile.Dispenser // of the Caddyfile
	hash    [sha256.Size]byte
	expires time.Time
	allow   allowList
}

func (c *Credential) provision(ctx caddy.Context) error {
	failed := func(err error) error { return fmt.Errorf("credential %q: %w", c.Name, err) }
	if c.Name == "" {
		return errors.New("a credential has no name")
	}
	switch c.Scheme {
	case "":
		c.Scheme = SchemeBearer
	case SchemeBearer, SchemeBasic, SchemeJWT:
	default:
		return failed(fmt.Errorf("scheme %q is neither bearer nor basic nor jwt", c.Scheme))
	}
	if (c.Scheme == SchemeJWT) != (c.JWT != nil) {
		return failed(errors.New("a jwt credential, and no other, says who signs its tokens"))
	}
	if c.Scheme != SchemeBasic && c.User != "" {
		return failed(errors.New("a bearer token has no user"))
	}
	if c.Scheme == SchemeBasic && c.User == "" {
		c.User = c.Name
	}
	if strings.Contains(c.User, ":") {
		return failed(errors.New("a user name of HTTP Basic can't hold a colon"))
	}
	var err error
	if c.JWT != nil {
		if err := c.JWT.Provision(); err != nil {
			return failed(err)
		}
		if c.Secret+c.SHA256 != "" {
			return failed(errors.New("a jwt credential has no secret"))
		}
	} else if c.hash, err = c.hashOfSecret(); err != nil {
		return failed(err)
	}
	if c.expires, err = parseExpiry(c.Expires); err != nil {
		return failed(err)
	}
	if err = c.allow.provision(ctx, c, c.Allow, c.AllowSources); err != nil {
		return failed(err)
	}
	return nil
}

// hashOfSecret resolves the secret and forgets it: only its hash is kept.
func (c *Credential) hashOfSecret() (hash [sha256.Size]byte, err error) {
	if (c.Secret == "") == (c.SHA256 == "") {
		return hash, errors.New("give either a secret or its sha256")
	}
	if c.SHA256 != "" {
		sum, err := hex.DecodeString(c.SHA256)
		if err != nil || len(sum) != sha256.Size {
			return hash, errors.New("sha256 is not 64 hexadecimal digits")
		}
		return [sha256.Size]byte(sum), nil
	}
	secret, err := caddy.NewReplacer().ReplaceOrErr(c.Secret, true, true)
	if err != nil {
		return hash, fmt.Errorf("the secret: %w", err)
	}
	secret = strings.TrimRight(secret, "\r\n")
	return sha256.Sum256([]byte(secret)), CheckSecret(c.Scheme, secret)
}

// CheckSecret says why a text can't be the secret of a credential.
func CheckSecret(scheme, secret string) error {
	if len(secret) < minimumSecret {
		return fmt.Errorf("the secret has %d bytes; it needs %d or more", len(secret), minimumSecret)
	}
	if scheme == SchemeBearer && strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the token holds blanks or characters that no HTTP header carries")
	}
	return nil
}

func parseExpiry(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("expires %q is neither a day such as 2027-06-01 nor a time such as 2027-06-01T12:00:00Z", text)
}

// Expiry returns from when on the credential is refused, if it ever is. It is
// known once the credential was provisioned.
func (c *Credential) Expiry() (at time.Time, does bool) { return c.expires, !c.expires.IsZero() }

func (c *Credential) isExpired(now time.Time) bool {
	return !c.expires.IsZero() && !now.Before(c.expires)
}

// presented is what a caller showed.
type presented struct {
	scheme string
	user   string
	token  string // of a bearer
	hash   [sha256.Size]byte
}

// presentedBy reads the Authorization header. A value without a scheme is taken
// for a token: some clients send the bare value that their administrator typed.
func presentedBy(r *http.Request) (presented, bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 || values[0] == "" {
		return presented{}, false
	}
	if user, password, ok := r.BasicAuth(); ok {
		return presented{SchemeBasic, user, "", sha256.Sum256([]byte(password))}, true
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if !ok {
		scheme, token = SchemeBearer, values[0]
	}
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, SchemeBearer) || token == "" {
		return presented{}, false
	}
	return presented{SchemeBearer, "", token, sha256.Sum256([]byte(token))}, true
}

// match returns the credential that was presented, or nil. The time it takes
// depends on neither the secrets nor where the match stands.
func (a *Access) match(p presented) *Credential {
	found := -1
	for i, c := range a.Credentials {
		same := subtle.ConstantTimeCompare(c.hash[:], p.hash[:]) &
			subtle.ConstantTimeCompare([]byte(c.Scheme), []byte(p.scheme)) &
			subtle.ConstantTimeCompare([]byte(c.User), []byte(p.user))
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 {
		return nil
	}
	return a.Credentials[found]
}
