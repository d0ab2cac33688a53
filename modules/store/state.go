package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The rows of scim_state that are about tokens and switches.
const (
	stateStore    = "store"    // the identity
	stateSequence = "sequence" // of the latest change
	stateMark     = "mark"     // of the latest change
	stateRestored = "restored" // what a restored backup has undone, until it is confirmed
)

// state is what tells one state of tokens and switches from the next.
type state struct {
	store, mark string
	sequence    int64
}

// readState asks for the state. A new store has none.
func readState(ctx context.Context, tx *Tx) (s state, err error) {
	rows, err := tx.Query(ctx, "SELECT name, value FROM scim_state WHERE name IN ($1, $2, $3)", stateStore, stateSequence, stateMark)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return s, err
		}
		switch name {
		case stateStore:
			s.store = value
		case stateMark:
			s.mark = value
		case stateSequence:
			if s.sequence, err = strconv.ParseInt(value, 10, 64); err != nil {
				return s, fmt.Errorf("the sequence of tokens and switches: %w", err)
			}
		}
	}
	return s, rows.Err()
}

// bump notes in the transaction of a change that there is one. Changes wait for one
// another there, so that it stands first. Behind it the sequence is at least the
// one that is given.
func bump(ctx context.Context, tx *Tx, atLeast int64) error {
	const set = "INSERT INTO scim_state (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
	if _, err := tx.Exec(ctx, set, stateMark, rand.Text()); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO scim_state (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", stateStore, uuid.NewString()); err != nil {
		return err
	}
	s, err := readState(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, set, stateSequence, strconv.FormatInt(max(s.sequence+1, atLeast), 10))
	return err
}

// readControl reads tokens and switches.
func readControl(ctx context.Context, tx *Tx) (*Control, error) {
	s, err := readState(ctx, tx)
	if err != nil {
		return nil, err
	}
	c := &Control{Store: s.store, Sequence: s.sequence, Mark: s.mark, AsOf: time.Now().UTC()}
	if c.Tokens, err = readTokens(ctx, tx); err != nil {
		return nil, fmt.Errorf("reading the tokens: %w", err)
	}
	if c.Switches, err = readSwitches(ctx, tx); err != nil {
		return nil, fmt.Errorf("reading the switches: %w", err)
	}
	c.Restored, err = readRestored(ctx, tx)
	return c, err
}

func readRestored(ctx context.Context, tx *Tx) (*Restored, error) {
	var text string
	err := tx.Row(ctx, "SELECT value FROM scim_state WHERE name = $1", stateRestored).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	r := new(Restored)
	if err == nil {
		err = json.Unmarshal([]byte(text), r)
	}
	if err != nil {
		return nil, fmt.Errorf("reading what a restored backup has undone: %w", err)
	}
	return r, nil
}

// prefixes and scopes are stored with blanks between them.
func parsePrefixes(text string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for word := range strings.FieldsSeq(text) {
		prefix, err := netip.ParsePrefix(word)
		if err != nil {
			return nil, err
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

func formatPrefixes(prefixes []netip.Prefix) string {
	var words []string
	for _, p := range prefixes {
		words = append(words, p.String())
	}
	return strings.Join(words, " ")
}
