package store

import (
	"net/netip"
	"time"
)

// Control is what an operator has decided and all gateways on a store obey: tokens
// and switches, as they were at one time.
type Control struct {
	// Sequence grows with each change to tokens and switches.
	Sequence int64
	Tokens   []Token
	Switches []Switch
}

// Token is an issued token, as the store knows it: without its secret.
type Token struct {
	ID          string // public; a part of the token
	Gateway     string
	Name        string // in logs, metrics and the journal; one and the next that replaces it share it
	Description string
	Hash        string   // SHA-256 of the whole token, hexadecimal
	Scopes      []string // see access.Scopes; empty: everything
	Allow       []netip.Prefix
	Created     time.Time
	CreatedBy   string
	Expires     time.Time // zero: never
	Replaces    string    // ID of the token that this one was rotated from
	Revoked     time.Time // zero: not
	RevokedBy   string
	RevokedWhy  string
}

// Usage is how a credential was used.
type Usage struct {
	Gateway    string
	Credential string // ID of an issued token, or the name of one of the Caddyfile
	Uses       int64
	LastUsed   time.Time
	LastFrom   netip.Addr
	UsualGap   time.Duration // between two uses
}

// SwitchKind is what a switch does to a gateway.
type SwitchKind string

// The switches.
const (
	Disabled SwitchKind = "disabled" // every request is answered with 403
	Frozen   SwitchKind = "frozen"   // reads go on, every write is answered with 503
)

// Switch says that a gateway is disabled or frozen.
type Switch struct {
	Gateway string
	Kind    SwitchKind
	Since   time.Time
	Who     string
	Why     string
}
