package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"go.uber.org/zap"
)

// Restored is what a store had lost when a backup of it was put in its place, as a
// gateway found that knew more. What the gateway had known last holds: what was
// revoked is revoked again, what was issued since is back, and switches are pulled as
// they were.
type Restored struct {
	At       time.Time `json:"at"`                 // when it was found
	Host     string    `json:"host"`               // where
	Revoked  []string  `json:"revoked,omitempty"`  // ids of tokens that are revoked again
	Returned []string  `json:"returned,omitempty"` // ids of tokens that are back, revoked or not
	Unknown  []string  `json:"unknown,omitempty"`  // ids of tokens of which the gateway has never heard
	Switches []Switch  `json:"switches,omitempty"` // those that are pulled again
}

// lostSince returns what a store has lost of what was known of it, or nil if nothing
// was: then it has only gone on. A store in which nothing was ever changed has lost
// everything. Of another store nothing is known.
func lostSince(known, present *Control) *Restored {
	isNew := present.Mark == ""
	if known.Mark == "" || !isNew && present.Store != known.Store {
		return nil
	}
	lost := new(Restored)
	there := make(map[string]*Token, len(present.Tokens))
	for i := range present.Tokens {
		there[present.Tokens[i].ID] = &present.Tokens[i]
	}
	heard := make(map[string]bool, len(known.Tokens))
	for _, t := range known.Tokens {
		heard[t.ID] = true
		switch now := there[t.ID]; {
		case now == nil:
			lost.Returned = append(lost.Returned, t.ID)
		case t.IsRevoked() && !now.IsRevoked():
			lost.Revoked = append(lost.Revoked, t.ID)
		}
	}
	isOlder := present.Sequence < known.Sequence
	if !isOlder && len(lost.Returned) == 0 && len(lost.Revoked) == 0 {
		return nil
	}
	if isOlder {
		for _, w := range known.Switches {
			if present.Switch(w.Gateway, w.Kind) == nil {
				lost.Switches = append(lost.Switches, w)
			}
		}
		for _, t := range present.Tokens {
			if !heard[t.ID] {
				lost.Unknown = append(lost.Unknown, t.ID)
			}
		}
	}
	return lost
}

// mend writes what a store has lost to it, and returns what it holds then.
func (s *Store) mend(ctx context.Context, known *Control, lost *Restored) (present *Control, err error) {
	lost.At = time.Now().UTC()
	lost.Host, _ = os.Hostname()
	tokens := make(map[string]Token, len(known.Tokens))
	for _, t := range known.Tokens {
		tokens[t.ID] = t
	}
	err = s.Write(ctx, func(tx *Tx) error {
		if err := mendIdentity(ctx, tx, known); err != nil {
			return err
		}
		for _, id := range lost.Revoked {
			t := tokens[id]
			if _, err := revoke(ctx, tx, id, t.Revoked, t.RevokedBy, note(t.RevokedWhy, "revoked again after the store was restored from a backup")); err != nil {
				return fmt.Errorf("revoking the token %s again: %w", id, err)
			}
		}
		for _, id := range lost.Returned {
			if err := returnToken(ctx, tx, tokens[id]); err != nil {
				return fmt.Errorf("bringing the token %s back: %w", id, err)
			}
		}
		for _, w := range lost.Switches {
			if _, err := insertSwitch(ctx, tx, w); err != nil {
				return fmt.Errorf("pulling the switch %s of %s again: %w", w.Kind, w.Gateway, err)
			}
		}
		if err := noteRestored(ctx, tx, lost); err != nil {
			return err
		}
		present, err = readControl(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.log.Error("the store was restored from a backup: what this gateway had known last of tokens and switches holds",
		zap.String("store", s.Location()), zap.Time("known_at", known.AsOf),
		zap.Strings("tokens_revoked_again", lost.Revoked), zap.Strings("tokens_brought_back", lost.Returned),
		zap.Strings("tokens_unknown", lost.Unknown), zap.Int("switches_pulled_again", len(lost.Switches)),
		zap.String("remedy", "look at scimgate token list, then scimgate token confirm"))
	return present, nil
}

// mendIdentity gives an empty store the identity of the one that it stands for, and
// takes the sequence beyond what is known.
func mendIdentity(ctx context.Context, tx *Tx, known *Control) error {
	if _, err := tx.Exec(ctx, "INSERT INTO scim_state (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", stateStore, known.Store); err != nil {
		return err
	}
	return bump(ctx, tx, known.Sequence+1)
}

// returnToken puts a token back, unless another gateway has done so meanwhile.
func returnToken(ctx context.Context, tx *Tx, t Token) error {
	var n int
	if err := tx.Row(ctx, "SELECT COUNT(*) FROM scim_tokens WHERE id = $1", t.ID).Scan(&n); err != nil || n > 0 {
		return err
	}
	return insertToken(ctx, tx, t)
}

// noteRestored adds to what is to be confirmed.
func noteRestored(ctx context.Context, tx *Tx, lost *Restored) error {
	before, err := readRestored(ctx, tx)
	if err != nil {
		return err
	}
	if before == nil {
		before = &Restored{At: lost.At, Host: lost.Host}
	}
	before.Revoked = append(before.Revoked, lost.Revoked...)
	before.Returned = append(before.Returned, lost.Returned...)
	before.Unknown = append(before.Unknown, lost.Unknown...)
	before.Switches = append(before.Switches, lost.Switches...)
	text, err := json.Marshal(before)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO scim_state (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		stateRestored, string(text))
	return err
}

func note(why, more string) string {
	if why == "" || strings.Contains(why, more) {
		return cmp.Or(why, more)
	}
	return why + " (" + more + ")"
}
