package ldap

import (
	"strings"
	"sync"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// isOwnAccount reports whether dn is the account that scimgate signs in with.
func (t *Translator) isOwnAccount(dn *goldap.DN) bool { return t.isOwnKey(parsedNameKey(dn)) }

// isOwnName is isOwnAccount for a name as the directory writes it.
func (t *Translator) isOwnName(name string) bool { return t.isOwnKey(nameKey(name)) }

func (t *Translator) isOwnKey(key string) bool {
	if t.bindDN != nil && parsedNameKey(t.bindDN) == key {
		return true
	}
	own := t.identity()
	return own != nil && own.key == key
}

// knowsItself reports whether it is known which account scimgate signs in with.
func (t *Translator) knowsItself() bool { return t.bindDN != nil || t.identity() != nil }

// identity is who scimgate is in the directory by SASL EXTERNAL, as the
// directory has said; nil when it has not, or when it signs in otherwise.
// Nothing is planned before something was read, and so somebody signed in.
func (t *Translator) identity() *identity {
	if !t.BindExternal {
		return nil
	}
	return t.self.of(t.pool.Identity())
}

// identity is the account behind an authorization identity.
type identity struct {
	authzID string
	dn      *goldap.DN
	key     string
}

// identities remembers the last one, so that it is parsed once.
type identities struct {
	mu   sync.Mutex
	last *identity
}

// of returns the account behind an authorization identity (RFC 4513 §5.2.1.8);
// nil when it is none of the directory.
func (i *identities) of(authzID string) *identity {
	prefix := "dn:"
	if len(authzID) <= len(prefix) || !strings.EqualFold(authzID[:len(prefix)], prefix) {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.last == nil || i.last.authzID != authzID {
		dn, err := goldap.ParseDN(authzID[len(prefix):])
		if err != nil {
			return nil
		}
		i.last = &identity{authzID, dn, parsedNameKey(dn)}
	}
	return i.last
}

// errOwnAccount refuses to touch the account that scimgate signs in with.
func errOwnAccount() error {
	return &translators.Error{
		Kind: translators.Refused,
		Detail: "The account that scimgate signs in with is protected: it is not changed, disabled or removed by provisioning, " +
			"and neither is its membership of groups.",
	}
}
