package notice

import (
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/store"
)

// Credential is what callers of a gateway present, and what expires.
type Credential struct {
	Gateway string
	Name    string
	ID      string // of an issued token; "" of one of the Caddyfile
	Expires time.Time

	successor *store.Token // that an issued token was rotated to
	lastUsed  time.Time
}

// all returns the credentials of the gateways that may expire: those of the
// Caddyfile, and the issued ones that are valid, as far as they are known.
func (n *Notice) all() []Credential {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []Credential
	for _, c := range n.credentials {
		if !c.Expires.IsZero() {
			all = append(all, c)
		}
	}
	control := n.store.Control()
	if control == nil {
		return all
	}
	successors := make(map[string]*store.Token)
	for i := range control.Tokens {
		if t := &control.Tokens[i]; t.Replaces != "" && !t.IsRevoked() {
			successors[t.Replaces] = t
		}
	}
	for i := range control.Tokens {
		t := &control.Tokens[i]
		if t.Expires.IsZero() || t.IsRevoked() || !slices.Contains(n.gateways, t.Gateway) {
			continue
		}
		all = append(all, Credential{Gateway: t.Gateway, Name: t.Name, ID: t.ID, Expires: t.Expires,
			successor: successors[t.ID], lastUsed: t.Use().Usage().LastUsed})
	}
	return all
}

// isReplaced reports whether another token has taken over: it was rotated to one
// that is used, and is itself not used any more since. That it expires is as it
// should be.
func (c Credential) isReplaced() bool {
	if c.successor == nil {
		return false
	}
	began := c.successor.Use().Usage().FirstUsed
	return !began.IsZero() && c.lastUsed.Before(began)
}

// due returns the shortest of the times before an expiry that has come.
func due(expires time.Time, before []caddy.Duration, now time.Time) (time.Duration, bool) {
	left := expires.Sub(now)
	if left <= 0 {
		return 0, false // its caller is refused, and the log says so
	}
	for _, b := range before { // the shortest first
		if left <= time.Duration(b) {
			return time.Duration(b), true
		}
	}
	return 0, false
}

// warning is one that is given once.
type warning struct {
	Credential
	before time.Duration
}

// claim is what stands for the warning in the store, over one way.
func (w warning) claim(way string) claim {
	credential := w.ID
	if credential == "" {
		credential = w.Name
	}
	return claim{w.Gateway, credential, store.Micros(w.Expires), w.before.Microseconds(), way}
}

// remedy says what to do.
func (w warning) remedy() string {
	switch {
	case w.ID == "":
		return fmt.Sprintf("Add a second credential beside %s in the Caddyfile, under a new name, and load it with scimgate reload; give it to the provider; remove %[1]s when it is not used any more.", w.Name)
	case w.successor != nil:
		return fmt.Sprintf("It was rotated to %s, which has not taken over yet. Give that one to the provider; then end the old one with %s.", w.successor.ID, revokeCommand(w.ID))
	}
	return fmt.Sprintf("Make the next one beside it with %s, and give it to the provider; when scimgate token list says that the old one may go, end it with %s.", rotateCommand(w.ID), revokeCommand(w.ID))
}

func rotateCommand(id string) string { return "scimgate token rotate " + id }

func revokeCommand(id string) string { return "scimgate token revoke " + id }
