package store

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/netip"
	"time"
)

// Control is what an operator has decided and all gateways on a store obey: tokens
// and switches, as they were at one time. It is never changed once it is handed out.
type Control struct {
	// Store is the identity of the store, which a backup of it shares.
	Store string `json:"store"`
	// Sequence grows with each change to tokens and switches.
	Sequence int64 `json:"sequence"`
	// Mark tells changes of one sequence apart: behind a restored backup there may
	// be two.
	Mark string `json:"mark"`
	// AsOf is when it was read from the store, by the clock of the process.
	AsOf time.Time `json:"as_of"`

	Tokens   []Token  `json:"tokens,omitempty"`
	Switches []Switch `json:"switches,omitempty"`

	// Restored says that the store was restored from a backup, which nobody has
	// confirmed to have seen yet; nil: it was not.
	Restored *Restored `json:"restored,omitempty"`

	byID map[string]*Token
}

// Token returns the token of that id, revoked or not, or nil.
func (c *Control) Token(id string) *Token { return c.byID[id] }

// Switch returns the switch that was pulled for a gateway, or nil.
func (c *Control) Switch(gateway string, kind SwitchKind) *Switch {
	for i := range c.Switches {
		if s := &c.Switches[i]; s.Gateway == gateway && s.Kind == kind {
			return s
		}
	}
	return nil
}

func (c *Control) index() {
	c.byID = make(map[string]*Token, len(c.Tokens))
	for i := range c.Tokens {
		c.byID[c.Tokens[i].ID] = &c.Tokens[i]
	}
}

// isSame reports whether two states are the same one.
func (c *Control) isSame(s state) bool {
	return c.Store == s.store && c.Sequence == s.sequence && c.Mark == s.mark
}

// Token is an issued token, as the store knows it: without its secret.
type Token struct {
	ID          string         `json:"id"` // public; a part of the token
	Gateway     string         `json:"gateway"`
	Name        string         `json:"name"` // in logs, metrics and the journal; one and the next that replaces it share it
	Description string         `json:"description,omitempty"`
	Hash        Hash           `json:"sha256"`
	Scopes      []string       `json:"scopes,omitempty"` // see access.Scopes; empty: everything
	Allow       []netip.Prefix `json:"allow,omitempty"`
	Created     time.Time      `json:"created"`
	CreatedBy   string         `json:"created_by,omitempty"`
	CreatedWhy  string         `json:"created_why,omitempty"`
	Expires     time.Time      `json:"expires,omitzero"`   // zero: never
	Replaces    string         `json:"replaces,omitempty"` // ID of the token that this one was rotated from
	Revoked     time.Time      `json:"revoked,omitzero"`   // zero: not
	RevokedBy   string         `json:"revoked_by,omitempty"`
	RevokedWhy  string         `json:"revoked_why,omitempty"`

	use *Use
}

// Hash is the SHA-256 of a whole token. It is written in hexadecimal.
type Hash [sha256.Size]byte

// MarshalText implements encoding.TextMarshaler.
func (h Hash) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h[:])), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hash) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(h[:], text[:min(len(text), hex.EncodedLen(len(h)))]); err != nil || n != len(h) || len(text) != hex.EncodedLen(n) {
		return errors.New("it is not 64 hexadecimal digits")
	}
	return nil
}

// Is compares two hashes in constant time.
func (h *Hash) Is(other *[sha256.Size]byte) bool {
	return subtle.ConstantTimeCompare(h[:], other[:]) == 1
}

// IsRevoked reports whether the token was revoked.
func (t *Token) IsRevoked() bool { return !t.Revoked.IsZero() }

// IsExpired reports whether the token's time is over.
func (t *Token) IsExpired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// IsValid reports whether the token is neither revoked nor expired.
func (t *Token) IsValid(now time.Time) bool { return !t.IsRevoked() && !t.IsExpired(now) }

// Use returns how the token is used.
func (t *Token) Use() *Use { return t.use }

// SwitchKind is what a switch does to a gateway.
type SwitchKind string

// The switches.
const (
	Disabled SwitchKind = "disabled" // every request is answered with 403
	Frozen   SwitchKind = "frozen"   // reads go on, every write is answered with 503
)

// Switch says that a gateway is disabled or frozen.
type Switch struct {
	Gateway string     `json:"gateway"`
	Kind    SwitchKind `json:"kind"`
	Since   time.Time  `json:"since"`
	Who     string     `json:"who"`
	Why     string     `json:"why,omitempty"`
}
