package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/oauth"
)

// TokenEndpoint is where clients get short-lived access tokens (RFC 6749 §4.4). The
// clients are the credentials of the gateway: the name, or the ID of an issued token,
// is the client id, and the token or the password is the client secret. A JWT of an
// issuer that the gateway trusts is a client assertion (RFC 7523).
type TokenEndpoint struct {
	// Lifetime is how long an access token is accepted, between 1m and 24h. Default:
	// 1h. Microsoft's gallery asks for 60 minutes to 6 hours.
	Lifetime caddy.Duration `json:"lifetime,omitempty"`
}

// TokenEndpointPath is where the token endpoint is, below the base of the gateway.
const TokenEndpointPath = "/oauth2/token"

// accessTokenKey is the name of the key that access tokens are signed with: gateways
// that share a store know one another's.
const accessTokenKey = "access tokens"

func (e *TokenEndpoint) provision() error {
	if e.Lifetime == 0 {
		e.Lifetime = caddy.Duration(time.Hour)
	}
	if life := time.Duration(e.Lifetime); life < time.Minute || life > 24*time.Hour {
		return fmt.Errorf("token_endpoint: the lifetime %s must be between 1m and 24h", life)
	}
	return nil
}

// GiveToken gives an access token to the client that asks for it with r. Of two results
// one is nil, unless the client was let in and asked for something else than it may
// have: then the caller is known beside the error, which is an [*oauth.Error] or a
// fault.
func (a *Access) GiveToken(r *http.Request, q oauth.Request) (oauth.Answer, Caller, *Refusal, error) {
	address, refusal := clientAddress(r)
	if refusal == nil {
		refusal = a.outside(r, address)
	}
	var who client
	if refusal == nil {
		who, refusal = a.clientOf(r.Context(), address, q)
	}
	var caller Caller
	if refusal == nil {
		caller, refusal = a.accept(r, who, address, nil)
	}
	if refusal != nil {
		a.strangers.met(refusal, a.now())
		return oauth.Answer{}, Caller{}, refusal, nil
	}
	scopes, err := a.requestedScopes(q.Scopes, who.scopes)
	if err != nil {
		return oauth.Answer{}, caller, nil, err
	}
	key, err := a.key(r.Context())
	if err != nil {
		return oauth.Answer{}, caller, nil, errors.Join(&oauth.Error{Code: oauth.Unavailable, RetryAfter: retryStore, Description: "No access token can be given now."}, err)
	}
	life := time.Duration(a.TokenEndpoint.Lifetime)
	if left := who.expires().Sub(a.now()); !who.expires().IsZero() && left < life {
		life = left
	}
	grant := oauth.Grant{Gateway: a.gateway, Credential: who.subject(), Fingerprint: who.fingerprint(), Scopes: scopes}
	text, err := oauth.Sign(key, grant, a.now(), life)
	if err != nil {
		return oauth.Answer{}, caller, nil, err
	}
	caller.Accepted(a.now())
	if len(scopes) == 0 {
		scopes = who.scopes
	}
	return oauth.Answer{AccessToken: text, Life: life, Scopes: scopes}, caller, nil, nil
}

// clientOf finds out who asks for an access token.
func (a *Access) clientOf(ctx context.Context, address netip.Addr, q oauth.Request) (client, *Refusal) {
	if q.Assertion != "" {
		return a.byJWT(ctx, q.Assertion, address)
	}
	if v := q.Verbatim; v != nil {
		if c := a.configuredClient(v.ClientID, v.Secret); c != nil {
			return client{configured: c, scopes: c.Scope}, nil
		}
	}
	if c := a.configuredClient(q.ClientID, q.Secret); c != nil {
		return client{configured: c, scopes: c.Scope}, nil
	}
	unknown := &Refusal{Status: http.StatusUnauthorized, Kind: KindUnknown, Address: address, Reason: "the client's id and secret are not known"}
	if !isIssued(q.Secret) {
		return client{}, unknown
	}
	t, refusal := a.issued(ctx, presented{scheme: SchemeBearer, token: q.Secret, hash: sha256.Sum256([]byte(q.Secret))}, address)
	switch {
	case refusal != nil:
		return client{}, refusal
	case q.ClientID != t.ID && q.ClientID != t.Name:
		unknown.Credential, unknown.Token = t.Name, t.ID
		unknown.Reason = fmt.Sprintf("the client secret is the token %s, and the client id is neither that nor its name", t.ID)
		return client{}, unknown
	}
	return client{issued: t, scopes: t.Scopes}, nil
}

// configuredClient returns the credential of the configuration that a client has shown,
// or nil. Two may have the same secret.
func (a *Access) configuredClient(id, secret string) *Credential {
	hash := sha256.Sum256([]byte(secret))
	var found *Credential
	for _, c := range a.Credentials {
		isRight := subtle.ConstantTimeCompare(c.hash[:], hash[:]) == 1
		if isRight && (c.Scheme == SchemeBearer && c.Name == id || c.Scheme == SchemeBasic && c.User == id) {
			found = c
		}
	}
	return found
}

// requestedScopes returns those that a client asks for. What is no scope of ours is
// passed over (RFC 6749 §3.3): an administrator has to write something into the field.
func (a *Access) requestedScopes(requested []string, has Scopes) (Scopes, error) {
	known := slices.Concat(Scopes{"users", "groups", ScopeRead}, a.endpoints, has)
	var scopes Scopes
	for _, scope := range requested {
		scope = strings.ToLower(scope)
		switch {
		case !slices.Contains(known, scope) || slices.Contains(scopes, scope):
		case len(has) > 0 && !slices.Contains(has, scope):
			return nil, &oauth.Error{Code: "invalid_scope", Description: fmt.Sprintf("The scope of this client is %s.", has)}
		default:
			scopes = append(scopes, scope)
		}
	}
	return scopes, nil
}

// byAccessToken returns whose credential an access token of this gateway was given
// for, as long as that is what it was. Whether it has expired is for who asks.
func (a *Access) byAccessToken(ctx context.Context, text string, address netip.Addr) (client, *Refusal) {
	refuse := func(kind Kind, reason string) (client, *Refusal) {
		return client{}, &Refusal{Status: http.StatusUnauthorized, Kind: kind, Address: address, Reason: reason}
	}
	key, err := a.key(ctx)
	if err != nil {
		_, refusal := refuse(KindStoreAway, "the access token can't be verified, because the store can't be asked: "+err.Error())
		refusal.Status, refusal.RetryAfter = http.StatusServiceUnavailable, retryStore
		return client{}, refusal
	}
	grant, err := oauth.Open(key, a.gateway, text, a.now())
	switch {
	case errors.Is(err, oauth.ErrExpiredAccess):
		return refuse(KindExpired, "the access token has expired: the client has to ask for another one")
	case err != nil:
		return refuse(KindUnknown, "the access token is not one of this gateway")
	}
	who, refusal := a.grantee(ctx, grant, address)
	if refusal != nil {
		return client{}, refusal
	}
	if who.fingerprint() != grant.Fingerprint {
		caller := who.caller(address)
		_, refusal := refuse(KindRevoked, "the credential that the access token was given for has another secret or scope now")
		refusal.Credential, refusal.Token = caller.Name, caller.Token
		return client{}, refusal
	}
	if who.byAccessToken = true; len(grant.Scopes) > 0 {
		who.scopes = grant.Scopes
	}
	return who, nil
}

// grantee finds the credential that an access token was given for.
func (a *Access) grantee(ctx context.Context, g oauth.Grant, address netip.Addr) (client, *Refusal) {
	gone := &Refusal{Status: http.StatusUnauthorized, Kind: KindRevoked, Address: address,
		Reason: "the credential that the access token was given for is not there any more"}
	id, isIssued := strings.CutPrefix(g.Credential, issuedSubject)
	if !isIssued {
		name := strings.TrimPrefix(g.Credential, configuredSubject)
		for _, c := range a.Credentials {
			if c.Name == name {
				return client{configured: c, scopes: c.Scope}, nil
			}
		}
		return client{}, gone
	}
	t, isKnown := a.lookUp(ctx, id)
	switch {
	case !isKnown:
		gone.Status, gone.Kind, gone.RetryAfter = http.StatusServiceUnavailable, KindStoreAway, retryStore
		return client{}, gone
	case t == nil || t.Gateway != a.gateway:
		return client{}, gone
	case t.IsRevoked():
		gone.Credential, gone.Token = t.Name, t.ID
		gone.Reason = fmt.Sprintf("the access token was given for the token %s, which was revoked on %s by %s", t.ID, t.Revoked.Format(time.RFC3339), t.RevokedBy)
		return client{}, gone
	}
	return client{issued: t, scopes: t.Scopes}, nil
}

// key returns what access tokens are signed with.
func (a *Access) key(ctx context.Context) ([]byte, error) {
	if a.store == nil {
		return nil, errors.New("there is no store")
	}
	return a.store.Key(ctx, accessTokenKey)
}
