package access

import (
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/scimgate/scimgate/modules/addresses"
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
	match, found := a.allow.find(r, address)
	if len(a.allow) > 0 && !found {
		return refused(steps, "allow", &Refusal{Status: http.StatusForbidden, Kind: KindOutside, Address: address,
			Reason: "the address is not on the gateway's allow-list"}, a.allow.without(steps, "the gateway"))
	}
	passed(steps, "allow", func() string { return a.allow.with(match, "the gateway") })

	presented, ok := presentedBy(r)
	if !ok {
		return refused(steps, "credential", &Refusal{Status: http.StatusUnauthorized, Kind: KindNoCredential, Address: address,
			Reason: "no usable Authorization header"}, "")
	}
	credential := a.match(presented)
	if credential == nil && isIssued(presented.token) {
		return a.admitIssued(presented, address, steps)
	}
	if credential == nil {
		return refused(steps, "credential", &Refusal{Status: http.StatusUnauthorized, Kind: KindUnknown, Address: address,
			Reason: "the " + presented.scheme + " credential is not known"}, "")
	}
	passed(steps, "credential", func() string { return fmt.Sprintf("%s %s", credential.Scheme, credential.Name) })
	if credential.isExpired(a.now()) {
		return refused(steps, "expiry", &Refusal{Status: http.StatusUnauthorized, Kind: KindExpired, Address: address, Credential: credential.Name,
			Reason: "the credential expired on " + credential.Expires}, "")
	}
	passed(steps, "expiry", func() string { return expiryInWords(credential) })
	match, found = credential.allow.find(r, address)
	if len(credential.allow) > 0 && !found {
		return refused(steps, "allow", &Refusal{Status: http.StatusForbidden, Kind: KindOutsideCredential, Address: address, Credential: credential.Name,
			Reason: "the address is not on the credential's allow-list"}, credential.allow.without(steps, "the credential"))
	}
	passed(steps, "allow", func() string { return credential.allow.with(match, "the credential") })
	return Caller{Name: credential.Name, Address: address, Me: credential.me, Scopes: credential.Scope, use: credential.use}, nil
}

func expiryInWords(c *Credential) string {
	at, does := c.Expiry()
	if !does {
		return "it never expires"
	}
	return "it expires on " + at.UTC().Format(time.RFC3339)
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
