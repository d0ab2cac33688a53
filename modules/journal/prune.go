package journal

import (
	"context"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
)

// DefaultKeep is how long entries are kept: a year, so that this year's audit finds
// last year's entries, and some weeks to hold it in.
const DefaultKeep = 400 * 24 * time.Hour

const (
	pruneInterval = time.Hour // between two looks for what is too old, by all processes on a store
	pruneRetry    = 5 * time.Minute

	// How many rows one transaction deletes at most.
	prunedEntries  = 500
	prunedSubjects = 1000
)

// Retention deletes entries that are too old, in small steps, so that those who write
// are not held up. An entry that is open stays. Of the processes on one store one at
// a time does it.
type Retention struct {
	store *store.Store
	keep  time.Duration
	log   *zap.Logger

	step  func(ctx context.Context, before time.Time) (rows int, isAll bool, err error)
	pause func(ctx context.Context, step time.Duration)
}

// NewRetention returns what keeps entries for that long.
func NewRetention(s *store.Store, keep time.Duration, log *zap.Logger) *Retention {
	r := &Retention{store: s, keep: keep, log: log}
	r.step, r.pause = r.prune, rest
	return r
}

// Run deletes what is too old, now and every hour, until ctx ends.
func (r *Retention) Run(ctx context.Context) {
	for {
		next := pruneRetry
		if r.store.Wait(ctx) == nil {
			entries, err := r.Prune(ctx, time.Now())
			switch {
			case ctx.Err() != nil:
			case err != nil:
				r.log.Warn("old entries could not be deleted from the journal; it is tried again", zap.Error(err))
			default:
				next = pruneInterval
			}
			if entries > 0 {
				r.log.Info("old entries were deleted from the journal", zap.Int("rows", entries), zap.Duration("kept", r.keep))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		}
	}
}

// Prune deletes what is too old at that time, unless it has been done less than an
// hour before, and returns how many rows it was.
func (r *Retention) Prune(ctx context.Context, now time.Time) (rows int, err error) {
	isOurs := false
	err = r.store.Write(ctx, func(tx *store.Tx) error {
		changed, err := tx.Exec(ctx, `INSERT INTO scim_state (name, value) VALUES ('journal pruned', $1)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE CAST(scim_state.value AS BIGINT) <= $2`,
			strconv.FormatInt(store.Micros(now), 10), store.Micros(now.Add(-pruneInterval)))
		isOurs = changed > 0
		return err
	})
	if err != nil || !isOurs {
		return 0, err
	}
	for {
		begun := time.Now()
		deleted, isAll, err := r.step(ctx, now.Add(-r.keep))
		rows += deleted
		if err != nil || isAll {
			return rows, err
		}
		if r.pause(ctx, time.Since(begun)); ctx.Err() != nil {
			return rows, ctx.Err()
		}
	}
}

// rest leaves others four times the time that a step has taken.
func rest(ctx context.Context, step time.Duration) {
	timer := time.NewTimer(max(50*time.Millisecond, 4*step))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// prune deletes some of the entries that were begun before a time, in one
// transaction. An entry about many goes in several.
func (r *Retention) prune(ctx context.Context, before time.Time) (rows int, isAll bool, err error) {
	err = r.store.Write(ctx, func(tx *store.Tx) error {
		old, err := scanRows(tx.Query(ctx, `SELECT j.seq, 1 = 1 FROM scim_journal j WHERE j.time < $1 AND j.result IS NOT NULL
			ORDER BY j.time, j.seq LIMIT $2`, store.Micros(before), prunedEntries))
		if err != nil {
			return err
		}
		if isAll = len(old) < prunedEntries; len(old) == 0 {
			return nil
		}
		s := new(statement)
		s.add("DELETE FROM scim_journal_subjects WHERE (resource, time, seq) IN (SELECT resource, time, seq FROM scim_journal_subjects WHERE seq IN (")
		s.list(sequencesOf(old))
		s.add(") LIMIT ?)", prunedSubjects)
		deleted, err := tx.Exec(ctx, s.String(), s.arguments...)
		if err != nil {
			return err
		}
		rows = int(deleted)
		if deleted == prunedSubjects {
			isAll = false // there may be more of them
			return nil
		}
		s = new(statement)
		s.add("DELETE FROM scim_journal WHERE seq IN (")
		s.list(sequencesOf(old))
		s.add(")")
		deleted, err = tx.Exec(ctx, s.String(), s.arguments...)
		rows += int(deleted)
		return err
	})
	return rows, isAll, err
}
