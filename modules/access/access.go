// Package access decides who may call a gateway: the right token, from the right
// address. It is asked before a byte of the body is read.
package access

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/scim"
)

// Access is the door of one gateway. Nobody comes in without a credential: there is no
// way to leave the door open by leaving something out.
type Access struct {
	// Allow are the addresses, as single addresses or CIDR ranges, from which
	// callers may come. Default: from anywhere. The address is Caddy's client
	// IP, so the trusted_proxies global option applies.
	Allow []string `json:"allow,omitempty"`

	// AllowSources are further addresses from which callers may come: lists in
	// files, and other sources that Caddy knows. They add up with Allow.
	AllowSources []json.RawMessage `json:"allow_sources,omitempty" caddy:"namespace=http.ip_sources inline_key=source"`

	// Credentials are the tokens and passwords that are accepted, besides the
	// tokens that were issued.
	Credentials []*Credential `json:"credentials,omitempty"`

	// TokenEndpoint is where clients get access tokens, at /oauth2/token below the
	// base. Default: there is none.
	TokenEndpoint *TokenEndpoint `json:"token_endpoint,omitempty"`

	gateway   string
	store     *store.Store // of issued tokens; nil: there are none
	allow     allowList
	strangers *strangers
	now       func() time.Time
	unwatch   func() // of the store
	endpoints Scopes // of the types that the gateway serves
}

// Caller is somebody who was let in.
type Caller struct {
	Name    string // of the credential
	Token   string // ID of an issued token
	Address netip.Addr
	// Me finds the user whom the caller stands for; nil: nobody.
	Me scim.Filter
	// Scopes are what the caller may do.
	Scopes Scopes

	use *store.Use
}

// Accepted counts that the caller was let in.
func (c Caller) Accepted(at time.Time) { c.use.Note(at, c.Address) }

// Refusal is why somebody was not let in. Reason is for the log alone; the
// answer says no more than its status.
type Refusal struct {
	Status int // 401, 403, 425, 429 or 503
	Kind   Kind
	Reason string
	// Credential is the name of the credential that was presented, if it was a
	// known one, and Token its ID, if it was an issued one.
	Credential string
	Token      string
	Address    netip.Addr
	// RetryAfter is how long to wait before the next attempt; 0: not at all.
	RetryAfter time.Duration
	// IsSummed says that the log tells of this refusal together with others.
	IsSummed bool
}

// Kind is why somebody was not let in, in a word.
type Kind string

// The kinds of refusals.
const (
	KindEarlyData         Kind = "early_data"         // of TLS, before the address is certain
	KindNoAddress         Kind = "no_address"         // Caddy knows none
	KindOutside           Kind = "outside"            // not on the gateway's allow-list
	KindNoCredential      Kind = "no_credential"      // none that can be read
	KindUnknown           Kind = "unknown"            // a wrong token or password
	KindMalformed         Kind = "malformed"          // an issued token, mistyped or cut off
	KindOtherGateway      Kind = "other_gateway"      // a token that was issued for another gateway
	KindRevoked           Kind = "revoked"            // a token that was right
	KindExpired           Kind = "expired"            // the right one, too late
	KindOutsideCredential Kind = "outside_credential" // not on the credential's allow-list
	KindScope             Kind = "scope"              // let in, for something that the credential may not do
	KindStoreAway         Kind = "store_away"         // a token that can't be looked up
	KindIssuerAway        Kind = "issuer_away"        // a JWT whose issuer's keys can't be fetched
)

// Kinds are all kinds of refusals.
var Kinds = []Kind{KindEarlyData, KindNoAddress, KindOutside, KindNoCredential, KindUnknown, KindMalformed, KindOtherGateway,
	KindRevoked, KindExpired, KindOutsideCredential, KindScope, KindStoreAway, KindIssuerAway}

// isGuess reports whether it may be a guess, of which nobody may make too many. Who
// has a credential that counts no more knew it, and who has none is a health check.
func (k Kind) isGuess() bool { return k == KindUnknown || k == KindMalformed }

// wait makes it a refusal to wait for.
func (r *Refusal) wait(d time.Duration) {
	r.Status, r.RetryAfter = http.StatusTooManyRequests, d
	r.Reason += "; there were too many wrong ones from this address"
}

// Provision resolves the placeholders of secrets, parses addresses and dates, and reads
// the files of address lists.
func (a *Access) Provision(ctx caddy.Context, log *zap.Logger) error {
	if a.now == nil {
		a.now = time.Now
	}
	a.strangers = newStrangers(log)
	if err := a.allow.provision(ctx, a, a.Allow, a.AllowSources); err != nil {
		return err
	}
	if a.TokenEndpoint != nil {
		if err := a.TokenEndpoint.provision(); err != nil {
			return err
		}
	}
	names := make(map[string]bool)
	for _, c := range a.Credentials {
		if names[c.Name] {
			return fmt.Errorf("credential %q is given twice", c.Name)
		}
		names[c.Name] = true
		if err := c.provision(ctx); err != nil {
			return err
		}
		c.use = a.use(c.Name)
	}
	if a.store != nil {
		a.unwatch = a.store.Watch(a.missCallers(log))
	}
	return nil
}

// CheckScopes says which scope is none with the types that the gateway serves.
func (a *Access) CheckScopes(types []*scim.ResourceType) error {
	a.endpoints = endpointsOf(types)
	for _, c := range a.Credentials {
		if err := c.Scope.Check(types); err != nil {
			return fmt.Errorf("credential %q: %w", c.Name, err)
		}
	}
	return nil
}

// ProvisionMe compiles the filters by which callers are users, for the type of
// users as it is mapped; nil: there is none.
func (a *Access) ProvisionMe(users *scim.ResourceType) error {
	for _, c := range a.Credentials {
		if c.Me == "" {
			continue
		}
		if users == nil {
			return fmt.Errorf("credential %q: me: the gateway serves no users", c.Name)
		}
		var err error
		if c.me, err = scim.ParseFilter(users, c.Me, scim.DefaultFilterLimits); err != nil {
			return fmt.Errorf("credential %q: me `%s`: %s", c.Name, c.Me, scim.AsError(err).Detail)
		}
	}
	return nil
}

// Cleanup tells the log what is left to be told.
func (a *Access) Cleanup() {
	if a.unwatch != nil {
		a.unwatch()
	}
	if a.strangers != nil {
		a.strangers.end()
	}
}

// HasBasic reports whether HTTP Basic is offered, and HasBearer whether a token
// is: the authentication schemes to be advertised.
func (a *Access) HasBasic() bool { return a.has(SchemeBasic) }

// HasBearer reports whether a bearer token may be accepted: one of the configuration,
// or one that is issued for the gateway.
func (a *Access) HasBearer() bool {
	return a.store != nil || a.has(SchemeBearer) || a.has(SchemeJWT) || a.TokenEndpoint != nil || len(a.Credentials) == 0
}

func (a *Access) has(scheme string) bool {
	for _, c := range a.Credentials {
		if c.Scheme == scheme {
			return true
		}
	}
	return false
}

// Challenge returns the values of WWW-Authenticate for a 401 (RFC 7235 §4.1).
func (a *Access) Challenge() []string {
	var challenges []string
	if a.HasBearer() {
		challenges = append(challenges, `Bearer realm="SCIM"`)
	}
	if a.HasBasic() {
		challenges = append(challenges, `Basic realm="SCIM", charset="UTF-8"`)
	}
	return challenges
}
