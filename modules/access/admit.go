package access

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/scimgate/scimgate/modules/addresses"
	"github.com/scimgate/scimgate/modules/oauth"
)

// Admit returns the caller of r, or why it is refused. It reads headers and the
// address only. A right credential is neither delayed nor refused for the wrong ones
// that came from its address.
func (a *Access) Admit(r *http.Request) (Caller, *Refusal) {
	caller, refusal := a.decide(r, nil)
	if refusal != nil {
		a.strangers.met(refusal, a.now())
	}
	return caller, refusal
}

// Explain is [Access.Admit] for looking at: it tells step by step how it is decided,
// and nothing comes of it.
func (a *Access) Explain(r *http.Request) ([]Step, Caller, *Refusal) {
	var steps []Step
	caller, refusal := a.decide(r, &steps)
	return steps, caller, refusal
}

// Step is one of the things that are looked at.
type Step struct {
	// Check is what is looked at: address, allow, credential, expiry.
	Check string `json:"check"`
	// Passed is whether the caller may go on.
	Passed bool `json:"passed"`
	// Detail is what was found, in words.
	Detail string `json:"detail"`
}

// passed adds what was found to the steps that are told; nil: nobody wants to know.
func passed(steps *[]Step, check string, detail func() string) {
	if steps != nil {
		*steps = append(*steps, Step{check, true, detail()})
	}
}

// refused is its reverse.
func refused(steps *[]Step, check string, refusal *Refusal, detail string) (Caller, *Refusal) {
	if steps != nil {
		if detail == "" {
			detail = refusal.Reason
		}
		*steps = append(*steps, Step{check, false, detail})
	}
	return Caller{}, refusal
}

func (a *Access) decide(r *http.Request, steps *[]Step) (Caller, *Refusal) {
	address, refusal := clientAddress(r)
	if refusal != nil {
		return refused(steps, "address", refusal, "")
	}
	passed(steps, "address", address.String)
	if refusal := a.outside(r, address); refusal != nil {
		return refused(steps, "allow", refusal, a.allow.without(steps, "the gateway"))
	}
	passed(steps, "allow", func() string {
		match, _ := a.allow.find(r, address)
		return a.allow.with(match, "the gateway")
	})

	presented, ok := presentedBy(r)
	if !ok {
		return refused(steps, "credential", &Refusal{Status: http.StatusUnauthorized, Kind: KindNoCredential, Address: address,
			Reason: "no usable Authorization header"}, "")
	}
	who, refusal := a.identify(r.Context(), presented, address)
	if refusal != nil {
		check := "credential"
		if refusal.Kind == KindExpired {
			check = "expiry"
		}
		return refused(steps, check, refusal, "")
	}
	passed(steps, "credential", who.String)
	return a.accept(r, who, address, steps)
}

// outside refuses an address that is not on the gateway's list.
func (a *Access) outside(r *http.Request, address netip.Addr) *Refusal {
	if _, found := a.allow.find(r, address); len(a.allow) == 0 || found {
		return nil
	}
	return &Refusal{Status: http.StatusForbidden, Kind: KindOutside, Address: address,
		Reason: "the address is not on the gateway's allow-list"}
}

// identify finds out whose credential was presented.
func (a *Access) identify(ctx context.Context, p presented, address netip.Addr) (client, *Refusal) {
	if c := a.match(p); c != nil {
		return client{configured: c, scopes: c.Scope}, nil
	}
	switch {
	case isIssued(p.token):
		t, refusal := a.issued(ctx, p, address)
		if refusal != nil {
			return client{}, refusal
		}
		return client{issued: t, scopes: t.Scopes}, nil
	case a.TokenEndpoint != nil && oauth.IsAccessToken(p.token):
		return a.byAccessToken(ctx, p.token, address)
	case a.trustsJWT() && oauth.IsJWT(p.token):
		return a.byJWT(ctx, p.token, address)
	}
	return client{}, &Refusal{Status: http.StatusUnauthorized, Kind: KindUnknown, Address: address,
		Reason: "the " + p.scheme + " credential is not known"}
}

// accept lets a client in whose credential is right, if it still counts, and here.
func (a *Access) accept(r *http.Request, who client, address netip.Addr, steps *[]Step) (Caller, *Refusal) {
	caller := who.caller(address)
	expires := who.expires()
	if !expires.IsZero() && !a.now().Before(expires) {
		return refused(steps, "expiry", &Refusal{Status: http.StatusUnauthorized, Kind: KindExpired, Address: address, Credential: caller.Name, Token: caller.Token,
			Reason: "the credential expired on " + expires.UTC().Format(time.RFC3339)}, "")
	}
	passed(steps, "expiry", func() string { return who.lifeInWords(expires) })
	if how, without, found := who.find(r, address, steps != nil); !found {
		return refused(steps, "allow", &Refusal{Status: http.StatusForbidden, Kind: KindOutsideCredential, Address: address, Credential: caller.Name, Token: caller.Token,
			Reason: who.outside()}, without)
	} else {
		passed(steps, "allow", func() string { return how })
	}
	return caller, nil
}

// lifeInWords says when a credential expires. What was shown in its place, an access
// token or a JWT, has a shorter life of its own.
func (c client) lifeInWords(expires time.Time) string {
	what := "it"
	switch {
	case c.byAccessToken:
		what = "the access token has not expired; the " + c.kind() + " that it was given for"
	case c.configured != nil && c.configured.Scheme == SchemeJWT:
		what = "the JWT has not expired; the credential"
	}
	if expires.IsZero() {
		return what + " never expires"
	}
	return what + " expires on " + expires.UTC().Format(time.RFC3339)
}

// with says what lets an address in.
func (l allowList) with(match addresses.Match, whose string) string {
	if len(l) == 0 {
		return whose + " has no allow-list: callers come from anywhere"
	}
	return "on the allow-list of " + whose + ": " + match.String()
}

// without says which lists have not the address, if anybody wants to know.
func (l allowList) without(steps *[]Step, whose string) string {
	if steps == nil {
		return ""
	}
	text := "on no allow-list of " + whose + ":"
	for i, source := range l {
		if i > 0 {
			text += ";"
		}
		text += " " + source.About()
	}
	return text
}

// clientAddress returns the address that Caddy takes for the client's. An
// address that can't be told is refused, as is one in TLS early data, which
// could be forged.
func clientAddress(r *http.Request) (netip.Addr, *Refusal) {
	if r.TLS != nil && !r.TLS.HandshakeComplete {
		return netip.Addr{}, &Refusal{Status: http.StatusTooEarly, Kind: KindEarlyData,
			Reason: "the request came in TLS early data, before the address was certain"}
	}
	text, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, &Refusal{Status: http.StatusForbidden, Kind: KindNoAddress, Reason: "the client's address can't be told"}
	}
	return addresses.Plain(address), nil
}
