// Package access decides who may call a gateway: the right token, from the right
// address. It is asked before a byte of the body is read.
package access

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/scimgate/scimgate/scim"
)

// Access is the door of one gateway. A gateway without a credential is not
// provisioned: there is no way to leave the door open by leaving something out.
type Access struct {
	// Allow are the addresses, as single addresses or CIDR ranges, from which
	// callers may come. Default: from anywhere. The address is Caddy's client
	// IP, so the trusted_proxies global option applies.
	Allow []string `json:"allow,omitempty"`

	// Credentials are the tokens and passwords that are accepted, at least one.
	Credentials []*Credential `json:"credentials,omitempty"`

	allow []netip.Prefix
	now   func() time.Time
}

// Caller is somebody who was let in.
type Caller struct {
	Name    string // of the credential
	Address netip.Addr
	// Me finds the user whom the caller stands for; nil: nobody.
	Me scim.Filter
}

// Refusal is why somebody was not let in. Reason is for the log alone; the
// answer says no more than its status.
type Refusal struct {
	Status int // 401, 403 or 425
	Reason string
	// Credential is the name of the credential that was presented, if it was a
	// known one.
	Credential string
	Address    netip.Addr
}

// Provision resolves the placeholders of secrets and parses addresses and dates.
func (a *Access) Provision() error {
	if a.now == nil {
		a.now = time.Now
	}
	var err error
	if a.allow, err = parsePrefixes(a.Allow); err != nil {
		return err
	}
	if len(a.Credentials) == 0 {
		return errors.New("nobody could call this gateway: give it a token or a basic credential")
	}
	names := make(map[string]bool)
	for _, c := range a.Credentials {
		if names[c.Name] {
			return fmt.Errorf("credential %q is given twice", c.Name)
		}
		names[c.Name] = true
		if err := c.provision(); err != nil {
			return err
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

// Admit returns the caller of r, or why it is refused. It reads headers and the
// address only.
func (a *Access) Admit(r *http.Request) (Caller, *Refusal) {
	address, refusal := clientAddress(r)
	if refusal != nil {
		return Caller{}, refusal
	}
	if len(a.allow) > 0 && !contains(a.allow, address) {
		return Caller{}, &Refusal{Status: http.StatusForbidden, Address: address,
			Reason: "the address is not on the gateway's allow-list"}
	}
	presented, ok := presentedBy(r)
	if !ok {
		return Caller{}, &Refusal{Status: http.StatusUnauthorized, Address: address,
			Reason: "no usable Authorization header"}
	}
	credential := a.match(presented)
	switch {
	case credential == nil:
		return Caller{}, &Refusal{Status: http.StatusUnauthorized, Address: address,
			Reason: "the " + presented.scheme + " credential is not known"}
	case credential.isExpired(a.now()):
		return Caller{}, &Refusal{Status: http.StatusUnauthorized, Address: address, Credential: credential.Name,
			Reason: "the credential expired on " + credential.Expires}
	case len(credential.allow) > 0 && !contains(credential.allow, address):
		return Caller{}, &Refusal{Status: http.StatusForbidden, Address: address, Credential: credential.Name,
			Reason: "the address is not on the credential's allow-list"}
	}
	return Caller{Name: credential.Name, Address: address, Me: credential.me}, nil
}

// HasBasic reports whether HTTP Basic is offered, and HasBearer whether a token
// is: the authentication schemes to be advertised.
func (a *Access) HasBasic() bool { return a.has(SchemeBasic) }

// HasBearer reports whether a bearer token is among the credentials.
func (a *Access) HasBearer() bool { return a.has(SchemeBearer) }

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

// clientAddress returns the address that Caddy takes for the client's. An
// address that can't be told is refused, as is one in TLS early data, which
// could be forged.
func clientAddress(r *http.Request) (netip.Addr, *Refusal) {
	if r.TLS != nil && !r.TLS.HandshakeComplete {
		return netip.Addr{}, &Refusal{Status: http.StatusTooEarly,
			Reason: "the request came in TLS early data, before the address was certain"}
	}
	text, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, &Refusal{Status: http.StatusForbidden, Reason: "the client's address can't be told"}
	}
	return address.WithZone("").Unmap(), nil
}

// parsePrefixes parses addresses and CIDR ranges; an IPv4-mapped IPv6 range is
// its IPv4 range.
func parsePrefixes(texts []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range texts {
		prefix, err := parsePrefix(text)
		if err != nil {
			return nil, err
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.WithZone("").Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no IP address and no CIDR range such as 192.0.2.0/24", text)
	}
	if prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%q covers more than the IPv4 addresses: write it as an IPv4 range", text)
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	if masked := prefix.Masked(); masked != prefix {
		return netip.Prefix{}, fmt.Errorf("%q has address bits behind its prefix: did you mean %s?", text, masked)
	}
	return prefix, nil
}

func contains(prefixes []netip.Prefix, address netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(address) {
			return true
		}
	}
	return false
}
