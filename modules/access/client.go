package access

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/scimgate/scimgate/modules/oauth"
	"github.com/scimgate/scimgate/modules/store"
)

// client is somebody whose credential is right: one of the configuration or an issued
// one. Whether it counts now, and from here, is another question.
type client struct {
	configured *Credential
	issued     *store.Token
	scopes     Scopes
	// byAccessToken is set when an access token stood for the credential.
	byAccessToken bool
}

func (c client) caller(address netip.Addr) Caller {
	if t := c.issued; t != nil {
		return Caller{Name: t.Name, Token: t.ID, Address: address, Scopes: c.scopes, use: t.Use()}
	}
	return Caller{Name: c.configured.Name, Address: address, Me: c.configured.me, Scopes: c.scopes, use: c.configured.use}
}

// String says which credential it is.
func (c client) String() string {
	text := ""
	if c.byAccessToken {
		text = "access token of "
	}
	if t := c.issued; t != nil {
		return text + "token " + t.Name + " " + t.ID
	}
	return text + c.configured.Scheme + " " + c.configured.Name
}

func (c client) kind() string {
	if c.issued != nil {
		return "token"
	}
	return "credential"
}

// outside says that its allow-list has not the address.
func (c client) outside() string {
	if c.issued != nil {
		return "the address is not on the allow-list of the token " + c.issued.ID
	}
	return "the address is not on the credential's allow-list"
}

// expires returns from when on the credential does not count any more; zero: never.
func (c client) expires() time.Time {
	if c.issued != nil {
		return c.issued.Expires
	}
	return c.configured.expires
}

// find reports whether the credential counts from an address, and says for those who
// want to know which entry of its list has it, or that none has.
func (c client) find(r *http.Request, address netip.Addr, inWords bool) (how, without string, found bool) {
	whose := "the " + c.kind()
	if t := c.issued; t != nil {
		for _, prefix := range t.Allow {
			if prefix.Contains(address) {
				if inWords {
					how = "on the allow-list of " + whose + ": " + prefix.String()
				}
				return how, "", true
			}
		}
		if len(t.Allow) > 0 {
			return "", "", false
		}
		return whose + " has no allow-list: callers come from anywhere", "", true
	}
	list := c.configured.allow
	match, found := list.find(r, address)
	switch {
	case len(list) > 0 && !found && !inWords:
		return "", "", false
	case len(list) > 0 && !found:
		return "", list.without(new([]Step), whose), false
	case inWords:
		how = list.with(match, whose)
	}
	return how, "", true
}

// What an access token says of the credential that it was given for. A name may look
// like an ID.
const (
	configuredSubject = "name:"
	issuedSubject     = "id:"
)

// subject names the credential in access tokens.
func (c client) subject() string {
	if c.issued != nil {
		return issuedSubject + c.issued.ID
	}
	return configuredSubject + c.configured.Name
}

// fingerprint changes with the secret of the credential and with its scope.
func (c client) fingerprint() string {
	var hash [sha256.Size]byte
	var scopes Scopes
	switch {
	case c.issued != nil:
		hash, scopes = c.issued.Hash, c.issued.Scopes
	case c.configured.JWT != nil:
		j := c.configured.JWT
		hash = sha256.Sum256(fmt.Appendf(nil, "%q %q %q %v", j.Issuer, j.Audience, j.Subject, j.Claims))
		scopes = c.configured.Scope
	default:
		hash, scopes = c.configured.hash, c.configured.Scope
	}
	return oauth.Fingerprint(sha256.Sum256(append(hash[:], strings.Join(scopes, " ")...)))
}
