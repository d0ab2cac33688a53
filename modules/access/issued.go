package access

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
)

// retryStore is how long a caller is told to wait whose token can't be looked up.
const retryStore = 30 * time.Second

// Issue says by which name the gateway has tokens in a store, besides those of the
// configuration. It is called before Provision. A nil store issues none.
func (a *Access) Issue(gateway string, s *store.Store) { a.gateway, a.store = gateway, s }

// use returns what counts the uses of a credential of the configuration.
func (a *Access) use(name string) *store.Use {
	if a.store == nil {
		return new(store.Use)
	}
	return a.store.Use(a.gateway, name)
}

// Uses returns how the credentials of the configuration are used, by name.
func (a *Access) Uses() map[string]*store.Use {
	uses := make(map[string]*store.Use, len(a.Credentials))
	for _, c := range a.Credentials {
		uses[c.Name] = c.use
	}
	return uses
}

// Issued returns the valid tokens that were issued for the gateway, as they are known
// now.
func (a *Access) Issued() []*store.Token {
	if a.store == nil {
		return nil
	}
	known := a.store.Control()
	if known == nil {
		return nil
	}
	var tokens []*store.Token
	for i := range known.Tokens {
		if t := &known.Tokens[i]; t.Gateway == a.gateway && t.IsValid(a.now()) {
			tokens = append(tokens, t)
		}
	}
	return tokens
}

// missCallers returns what says when nobody can call the gateway, or nobody any more.
func (a *Access) missCallers(log *zap.Logger) func(*store.Control) {
	wasMissed := false
	return func(known *store.Control) {
		now := a.now()
		isMissed := !slices.ContainsFunc(a.Credentials, func(c *Credential) bool { return !c.isExpired(now) }) &&
			!slices.ContainsFunc(known.Tokens, func(t store.Token) bool { return t.Gateway == a.gateway && t.IsValid(now) })
		if isMissed && !wasMissed {
			log.Warn("nobody can call this gateway: it has no valid token; issue one with scimgate token create --gateway " + a.gateway)
		}
		wasMissed = isMissed
	}
}

// issued looks an issued token up, and returns it if it is valid here. A token that
// may be right and can't be looked up is refused with 503: a provider that is told
// 401 stops calling.
func (a *Access) issued(ctx context.Context, p presented, address netip.Addr) (*store.Token, *Refusal) {
	refuse := func(kind Kind, t *store.Token, reason string, arguments ...any) (*store.Token, *Refusal) {
		refusal := &Refusal{Status: http.StatusUnauthorized, Kind: kind, Address: address, Reason: fmt.Sprintf(reason, arguments...)}
		if t != nil {
			refusal.Credential, refusal.Token = t.Name, t.ID
		}
		return nil, refusal
	}
	if a.store == nil {
		return refuse(KindUnknown, nil, "the bearer credential is not known")
	}
	id, isWhole := idOf(p.token)
	var t *store.Token
	isKnown := true // whether there is such a token
	if isWhole {
		t, isKnown = a.lookUp(ctx, id)
	} else if known := a.store.Control(); known != nil {
		t = known.Token(id)
	}
	switch {
	case !isWhole && t != nil:
		return refuse(KindMalformed, nil, "the token is mistyped or not whole: its checksum is wrong. It begins like %s (%s)", id, t.Name)
	case !isWhole:
		return refuse(KindMalformed, nil, "the token is mistyped or not whole: its checksum is wrong")
	case !isKnown:
		_, refusal := refuse(KindStoreAway, nil, "the token %s is not known, and the store can't be asked", id)
		refusal.Status, refusal.RetryAfter = http.StatusServiceUnavailable, retryStore
		return nil, refusal
	case t == nil:
		return refuse(KindUnknown, nil, "the token %s is not known: it was issued by another store, or never", id)
	case !t.Hash.Is(&p.hash):
		return refuse(KindUnknown, nil, "the token has the id %s and is not that token", id)
	case t.Gateway != a.gateway:
		return refuse(KindOtherGateway, t, "the token %s was issued for the gateway %s", id, t.Gateway)
	case t.IsRevoked():
		return refuse(KindRevoked, t, "the token %s was revoked on %s by %s", id, t.Revoked.Format(time.RFC3339), t.RevokedBy)
	case t.IsExpired(a.now()):
		return refuse(KindExpired, t, "the token %s expired on %s", id, t.Expires.Format(time.RFC3339))
	}
	return t, nil
}

// IsEnded reports whether the issued token of a caller was revoked or has expired since
// the caller was let in.
func (a *Access) IsEnded(c Caller) bool {
	if c.Token == "" || a.store == nil {
		return false
	}
	known := a.store.Control()
	if known == nil {
		return false
	}
	t := known.Token(c.Token)
	return t != nil && !t.IsValid(a.now())
}

// lookUp returns the token of that id, or nil if there is none, and whether that is
// known. One that is not known here may have been issued a moment ago.
func (a *Access) lookUp(ctx context.Context, id string) (t *store.Token, isKnown bool) {
	find := func() *store.Token {
		if known := a.store.Control(); known != nil {
			return known.Token(id)
		}
		return nil
	}
	if t = find(); t != nil {
		return t, true
	}
	if !a.store.IsCurrent() || a.store.CatchUp(ctx) != nil {
		t = find() // what was read meanwhile
		return t, t != nil
	}
	return find(), true
}

// ParseAddresses parses addresses and CIDR ranges, as they stand in an allow line.
func ParseAddresses(texts []string) ([]netip.Prefix, error) { return parsePrefixes(texts) }

// ParseExpiry returns the time from which a credential is refused: a day such as
// 2027-06-01, from its beginning in UTC, a time as in RFC 3339, or how long from now,
// such as 365d. never is the zero time.
func ParseExpiry(text string, now time.Time) (time.Time, error) {
	if text == "never" {
		return time.Time{}, nil
	}
	at, err := parseExpiry(text)
	if err != nil {
		life, noDuration := caddy.ParseDuration(text)
		if noDuration != nil {
			return time.Time{}, fmt.Errorf("%q is neither a day such as 2027-06-01 nor a time such as 2027-06-01T12:00:00Z nor a duration such as 365d nor never", text)
		}
		at = now.Add(life).UTC().Truncate(time.Second)
	}
	if !at.After(now) {
		return time.Time{}, fmt.Errorf("%s is in the past", text)
	}
	return at, nil
}
