package journal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/scimgate/scimgate/modules/store"
)

// noteAbandoned is the note of an entry that nobody can close by reading a backend.
const noteAbandoned = "closed because no gateway of this name was there for a week to read the backend"

// Key is that of the hashes in the place of private values. Once known it is known also
// while the store is away.
func (j *Journal) Key(ctx context.Context) ([]byte, error) { return j.store.Key(ctx, "private") }

// Instance names this process in the entries that it begins.
func (j *Journal) Instance() string { return j.store.Instance() }

// OpenEntries returns the open entries of a gateway that this process has begun, and
// those of processes that have ended, the oldest first. What stands in the local file
// is brought into the store before.
func (j *Journal) OpenEntries(ctx context.Context, gateway string) ([]Entry, error) {
	if err := j.Flush(ctx); err != nil {
		return nil, err
	}
	instances, err := j.store.DeadInstances(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking which processes have ended: %w", err)
	}
	instances = append(instances, j.store.Instance())
	s := new(statement)
	s.add("SELECT seq FROM scim_journal WHERE result IS NULL AND gateway = ?", gateway)
	s.add(" AND instance IN (")
	for i, instance := range instances {
		if i > 0 {
			s.add(", ")
		}
		s.add("?", instance)
	}
	s.add(") ORDER BY time, seq LIMIT ?", openAtOnce)
	return j.entries(ctx, s)
}

// openAtOnce is how many open entries are taken at a time, and laterAtMost how many later
// ones of the same resource are looked at.
const (
	openAtOnce  = 500
	laterAtMost = 200
)

// entries returns those whose sequences a statement selects, in the order of time.
func (j *Journal) entries(ctx context.Context, s *statement) (entries []Entry, err error) {
	err = j.store.Read(ctx, func(tx *store.Tx) error {
		entries = nil
		rows, err := tx.Query(ctx, s.String(), s.arguments...)
		if err != nil {
			return err
		}
		defer rows.Close()
		var sequences []int64
		for rows.Next() {
			var sequence int64
			if err := rows.Scan(&sequence); err != nil {
				return err
			}
			sequences = append(sequences, sequence)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows.Close()
		entries, err = read(ctx, tx, sequences)
		return err
	})
	slices.SortFunc(entries, func(a, b Entry) int {
		if order := a.Time.Compare(b.Time); order != 0 {
			return order
		}
		return int(a.Sequence - b.Sequence)
	})
	return entries, err
}

// LaterEntries returns the entries about a resource that were begun after e, the first
// ones first, whatever became of them; and all in which it was created.
func (j *Journal) LaterEntries(ctx context.Context, e Entry, resource string) ([]Entry, error) {
	if resource == "" {
		return nil, nil
	}
	s := new(statement)
	s.add("SELECT seq FROM scim_journal WHERE resource = ? AND gateway = ? AND id <> ?", resource, e.Gateway, e.ID)
	s.add(" AND (operation = 'create' OR time > ? OR time = ? AND seq > ?) ORDER BY time, seq LIMIT ?",
		store.Micros(e.Time), store.Micros(e.Time), e.Sequence, laterAtMost)
	return j.entries(ctx, s)
}

// Claim takes an open entry over from whom it is said to belong to, and reports whether
// that was done: two who try to do not both succeed, unless they are one process.
func (j *Journal) Claim(ctx context.Context, e Entry) (claimed bool, err error) {
	err = j.store.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE scim_journal SET instance = $1 WHERE id = $2 AND instance = $3 AND result IS NULL",
			j.store.Instance(), e.ID, e.Instance)
		claimed = n == 1
		return err
	})
	return claimed, err
}

// Resolve records what was found out of an open entry of this process, and reports
// whether it was open still: who did it may have told in the meantime, and knows
// best.
func (j *Journal) Resolve(ctx context.Context, o Outcome) (closed bool, err error) {
	name := bounded(o.Name)
	err = j.store.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE scim_journal SET result = $1, proof = $2, note = $3, ended = $4,
			resource = CASE WHEN CAST($5 AS TEXT) = '' THEN resource ELSE CAST($5 AS TEXT) END,
			name = CASE WHEN CAST($6 AS TEXT) = '' THEN name ELSE CAST($6 AS TEXT) END,
			folded = CASE WHEN CAST($6 AS TEXT) = '' THEN folded ELSE CAST($7 AS TEXT) END
			WHERE id = $8 AND result IS NULL AND instance = $9`,
			string(o.Result), o.Proof, o.Note, store.Micros(o.Ended), bounded(o.Resource), name, Fold(name), o.ID, j.store.Instance())
		closed = n == 1
		return err
	})
	return closed, err
}

// Abandon closes as unknown the open entries that were begun before a time, whose
// process has ended, and that belong to none of the gateways: nobody can read a backend
// for them. It returns how many there were.
func (j *Journal) Abandon(ctx context.Context, gateways []string, before time.Time) (closed int64, err error) {
	instances, err := j.store.DeadInstances(ctx)
	if err != nil || len(instances) == 0 {
		return 0, err
	}
	s := new(statement)
	s.add("UPDATE scim_journal SET result = ?, note = ?, ended = ? WHERE result IS NULL AND time < ?", string(Unknown), noteAbandoned, store.Micros(time.Now()), store.Micros(before))
	for _, list := range []struct {
		column string
		values []string
	}{{" AND instance IN (", instances}, {" AND gateway NOT IN (", gateways}} {
		if len(list.values) == 0 {
			continue
		}
		s.add(list.column)
		for i, value := range list.values {
			if i > 0 {
				s.add(", ")
			}
			s.add("?", value)
		}
		s.add(")")
	}
	err = j.store.Write(ctx, func(tx *store.Tx) error {
		closed, err = tx.Exec(ctx, s.String(), s.arguments...)
		return err
	})
	return closed, err
}
