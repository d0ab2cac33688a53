package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"
)

// ErrRefused is why a change to tokens or switches was not made: it does not fit
// what the store holds. The text says what the operator can do.
var ErrRefused = errors.New("refused")

const tokenColumns = `id, gateway, name, description, hash, scopes, allow, created, created_by, created_why,
	expires, replaces, revoked, revoked_by, revoked_why`

// AddToken issues a token. Of two valid ones with one name in a gateway the later one
// must replace the earlier one; what has been replaced already or was revoked can't
// be replaced.
func (s *Store) AddToken(ctx context.Context, t Token) error {
	return s.change(ctx, "issuing the token "+t.Name, func(tx *Tx) error {
		present, err := readTokens(ctx, tx)
		if err != nil {
			return err
		}
		isThere := t.Replaces == ""
		for _, other := range present {
			isThere = isThere || other.ID == t.Replaces
			switch {
			case other.ID == t.Replaces && other.IsRevoked():
				return fmt.Errorf("%w: the token %s is revoked and can't be rotated: create another one", ErrRefused, other.ID)
			case t.Replaces != "" && other.Replaces == t.Replaces && !other.IsRevoked():
				return fmt.Errorf("%w: the token %s has been replaced already, by %s: rotate that one, or revoke it", ErrRefused, t.Replaces, other.ID)
			case t.Replaces == "" && other.Gateway == t.Gateway && other.Name == t.Name && other.IsValid(t.Created):
				return fmt.Errorf("%w: the gateway %s has a token of the name %s, with the id %s: rotate it, or give the new one another name", ErrRefused, t.Gateway, t.Name, other.ID)
			}
		}
		if !isThere {
			return fmt.Errorf("%w: there is no token %s", ErrRefused, t.Replaces)
		}
		return insertToken(ctx, tx, t)
	})
}

func insertToken(ctx context.Context, tx *Tx, t Token) error {
	hash, err := t.Hash.MarshalText()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO scim_tokens ("+tokenColumns+") VALUES "+Values(1, 15),
		t.ID, t.Gateway, t.Name, t.Description, string(hash), strings.Join(t.Scopes, " "), formatPrefixes(t.Allow),
		Micros(t.Created), t.CreatedBy, t.CreatedWhy, Micros(t.Expires), t.Replaces,
		Micros(t.Revoked), t.RevokedBy, t.RevokedWhy)
	return err
}

// RevokeToken ends a token for good, from now on in all gateways.
func (s *Store) RevokeToken(ctx context.Context, id string, at time.Time, who, why string) error {
	return s.change(ctx, "revoking the token "+id, func(tx *Tx) error {
		n, err := revoke(ctx, tx, id, at, who, why)
		if err == nil && n == 0 {
			return fmt.Errorf("%w: there is no such token, or it is revoked already", ErrRefused)
		}
		return err
	})
}

func revoke(ctx context.Context, tx *Tx, id string, at time.Time, who, why string) (int64, error) {
	return tx.Exec(ctx, "UPDATE scim_tokens SET revoked = $2, revoked_by = $3, revoked_why = $4 WHERE id = $1 AND revoked = 0",
		id, Micros(at), who, why)
}

// Tokens returns all issued tokens, revoked ones too, the oldest first.
func (s *Store) Tokens(ctx context.Context) (tokens []Token, err error) {
	err = s.Read(ctx, func(tx *Tx) error {
		tokens, err = readTokens(ctx, tx)
		return err
	})
	return tokens, err
}

func readTokens(ctx context.Context, tx *Tx) (tokens []Token, err error) {
	rows, err := tx.Query(ctx, "SELECT "+tokenColumns+" FROM scim_tokens ORDER BY created, id")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var t Token
		var hash, scopes, allow string
		var created, expires, revoked int64
		if err := rows.Scan(&t.ID, &t.Gateway, &t.Name, &t.Description, &hash, &scopes, &allow, &created, &t.CreatedBy, &t.CreatedWhy,
			&expires, &t.Replaces, &revoked, &t.RevokedBy, &t.RevokedWhy); err != nil {
			return nil, err
		}
		t.Scopes, t.Created, t.Expires, t.Revoked = strings.Fields(scopes), Time(created), Time(expires), Time(revoked)
		if err := t.Hash.UnmarshalText([]byte(hash)); err != nil {
			return nil, fmt.Errorf("the hash of the token %s: %w", t.ID, err)
		}
		if t.Allow, err = parsePrefixes(allow); err != nil {
			return nil, fmt.Errorf("the addresses of the token %s: %w", t.ID, err)
		}
		tokens = append(tokens, t)
	}
	return tokens, rows.Err()
}

// ConfirmRestored notes that an operator has seen what a restored backup has undone.
func (s *Store) ConfirmRestored(ctx context.Context) error {
	return s.change(ctx, "confirming that the store was restored", func(tx *Tx) error {
		n, err := tx.Exec(ctx, "DELETE FROM scim_state WHERE name = $1", stateRestored)
		if err == nil && n == 0 {
			return fmt.Errorf("%w: there is nothing to confirm", ErrRefused)
		}
		return err
	})
}

// change makes a change to tokens or switches, and lets this process know it. It
// returns when the change is durable.
func (s *Store) change(ctx context.Context, what string, do func(*Tx) error) error {
	if err := s.refresh(ctx); err != nil { // what is known must not be older than a backup
		return fmt.Errorf("%s: %w", what, err)
	}
	err := s.Write(ctx, func(tx *Tx) error {
		if err := bump(ctx, tx, 0); err != nil {
			return err
		}
		return do(tx)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	// The change is made: that it can't be read back now is told when it is read.
	if err := s.refresh(ctx); err != nil {
		s.log.Warn("a change to tokens or switches can't be read back", zap.Error(err))
	}
	return nil
}
