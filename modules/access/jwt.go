package access

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/scimgate/scimgate/modules/oauth"
)

// retryKeys is how long a caller is told to wait whose JWT can't be verified because
// its issuer can't be asked for its keys.
const retryKeys = 30 * time.Second

// byJWT returns whose credential a JWT of an outside issuer satisfies. Where that
// can't be known it is refused with 503: a provider that is told 401 stops calling.
func (a *Access) byJWT(ctx context.Context, text string, address netip.Addr) (client, *Refusal) {
	refusal := &Refusal{Status: http.StatusUnauthorized, Kind: KindUnknown, Address: address,
		Reason: "the JWT is of no issuer that the gateway trusts"}
	for _, c := range a.Credentials {
		if c.JWT == nil || !c.JWT.IsIssuerOf(text) {
			continue
		}
		_, err := c.JWT.Verify(ctx, text)
		if err == nil {
			return client{configured: c, scopes: c.Scope}, nil
		}
		// Of several credentials of one issuer any may be the one; what is not known
		// outweighs what is wrong.
		isUnknown := errors.Is(err, oauth.ErrUnavailable)
		if refusal.Status == http.StatusServiceUnavailable && !isUnknown {
			continue
		}
		refusal.Credential, refusal.Reason = c.Name, "the JWT: "+err.Error()
		if isUnknown {
			refusal.Status, refusal.Kind, refusal.RetryAfter = http.StatusServiceUnavailable, KindIssuerAway, retryKeys
		}
	}
	return client{}, refusal
}

// trustsJWT reports whether any credential is a JWT of an outside issuer.
func (a *Access) trustsJWT() bool { return a.has(SchemeJWT) }
