package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/scimgate/scimgate/modules/store"
)

// Follower finds what comes into a journal.
//
// In PostgreSQL a lower sequence may become visible after a higher one: a number is
// drawn before its transaction is committed, and another one may be quicker. So each
// number that is missing is looked for again for a while.
type Follower struct {
	store   *store.Store
	query   Query
	latest  int64              // the highest sequence that was seen
	missing []gap              // below it
	open    map[int64]struct{} // entries whose outcome is waited for
}

// gap are sequences that are missing.
type gap struct {
	from, to int64 // inclusive
	noticed  time.Time
}

const (
	// gapTime is how long a missing sequence is looked for. A transaction of the
	// journal lasts a few seconds at most.
	gapTime = 5 * time.Minute
	// lookBack is how far below the highest sequence the missing ones are looked for
	// in the beginning.
	lookBack = 1000
	// mostGaps bounds what is kept of them; the oldest go first.
	mostGaps = 1000
	// mostOpen bounds the open entries whose outcomes are waited for.
	mostOpen = 100_000
	// followSize is how many rows are looked at in one transaction.
	followSize = 500
)

// Follow returns a follower that begins now. Of the query it does not obey After,
// Descending, Limit and Since.
func Follow(ctx context.Context, s *store.Store, q Query) (*Follower, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	q.After, q.Descending, q.Limit, q.Since = Cursor{}, false, 0, time.Time{}
	f := &Follower{store: s, query: q, open: make(map[int64]struct{})}
	err := s.Read(ctx, func(tx *store.Tx) error {
		if err := tx.Row(ctx, "SELECT COALESCE(MAX(seq), 0) FROM scim_journal").Scan(&f.latest); err != nil {
			return err
		}
		behind := max(0, f.latest-lookBack)
		rows, err := f.rows(ctx, tx, behind, f.latest)
		if err != nil {
			return err
		}
		f.note(behind, rows)
		return f.findOpen(ctx, tx)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	return f, nil
}

// IsNew reports whether an entry was not there yet when the follower began: Next has
// it, or will have it.
func (f *Follower) IsNew(e Entry) bool {
	return e.Sequence > f.latest || slices.ContainsFunc(f.missing, func(g gap) bool { return g.from <= e.Sequence && e.Sequence <= g.to })
}

// Seen says that an entry has been shown as it is: only what comes of it later is
// news.
func (f *Follower) Seen(e Entry) {
	if e.Result != Unresolved {
		delete(f.open, e.Sequence)
	}
}

// Next returns what has come since it was called last: new entries, and open ones
// of which it is known now what came of them, by their sequence. An error may pass:
// nothing is lost by calling again.
func (f *Follower) Next(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for step := 0; ; step++ {
			entries, isAll, err := f.step(ctx, step == 0)
			if err != nil {
				yield(Entry{}, fmt.Errorf("reading the journal: %w", err))
				return
			}
			for _, entry := range entries {
				if !yield(entry, nil) {
					return
				}
			}
			if isAll {
				return
			}
		}
	}
}

// step returns a part of what is new. The follower's own state changes only when
// everything was read.
func (f *Follower) step(ctx context.Context, isFirst bool) (entries []Entry, isAll bool, err error) {
	next := *f
	next.missing, next.open = slices.Clone(f.missing), maps.Clone(f.open)
	err = f.store.Read(ctx, func(tx *store.Tx) error {
		rows, err := next.rows(ctx, tx, f.latest, 0)
		if err != nil {
			return err
		}
		isAll = len(rows) < followSize
		next.note(f.latest, rows)
		closed := []int64(nil)
		if isFirst {
			late, err := next.late(ctx, tx)
			if err != nil {
				return err
			}
			rows = append(late, rows...)
			if closed, err = next.closed(ctx, tx); err != nil {
				return err
			}
		}
		entries, err = next.matching(ctx, tx, rows, closed)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	*f = next
	return entries, isAll, nil
}

// row is an entry in the order of the sequence.
type row struct {
	sequence int64
	isOpen   bool
}

// rows returns the rows behind from, up to to: with 0 as many as a step takes.
func (f *Follower) rows(ctx context.Context, tx *store.Tx, from, to int64) ([]row, error) {
	s := new(statement)
	s.add("SELECT j.seq, j.result IS NULL FROM scim_journal j WHERE j.seq > ?", from)
	if to != 0 {
		s.add(" AND j.seq <= ?", to)
	}
	s.add(" ORDER BY j.seq")
	if to == 0 {
		s.add(" LIMIT ?", followSize)
	}
	return scanRows(tx.Query(ctx, s.String(), s.arguments...))
}

func scanRows(rows *store.Rows, err error) ([]row, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.sequence, &r.isOpen); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// note notes what is missing among rows that begin behind a sequence.
func (f *Follower) note(behind int64, rows []row) {
	for _, r := range rows {
		if r.sequence > behind+1 {
			f.missing = append(f.missing, gap{behind + 1, r.sequence - 1, time.Now()})
		}
		behind = r.sequence
	}
	f.latest = max(f.latest, behind)
	f.missing = slices.DeleteFunc(f.missing, func(g gap) bool { return time.Since(g.noticed) > gapTime })
	f.missing = f.missing[max(0, len(f.missing)-mostGaps):]
}

// late returns the rows that were missing and are there now.
func (f *Follower) late(ctx context.Context, tx *store.Tx) ([]row, error) {
	var all []row
	var left []gap
	for _, g := range f.missing {
		rows, err := f.rows(ctx, tx, g.from-1, g.to)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		from := g.from
		for _, r := range append(rows, row{sequence: g.to + 1}) {
			if r.sequence > from {
				left = append(left, gap{from, r.sequence - 1, g.noticed})
			}
			from = r.sequence + 1
		}
	}
	f.missing = left
	return all, nil
}

// findOpen notes the open entries that the query wants.
func (f *Follower) findOpen(ctx context.Context, tx *store.Tx) error {
	rows, err := scanRows(tx.Query(ctx, "SELECT j.seq, 1 = 1 FROM scim_journal j WHERE j.result IS NULL ORDER BY j.time, j.seq LIMIT $1", mostOpen))
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(rows, followSize) {
		if err := f.wait(ctx, tx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// wait notes those of open rows whose outcome is waited for.
func (f *Follower) wait(ctx context.Context, tx *store.Tx, rows []row) error {
	wanted := f.query
	wanted.Outcome = ""
	sequences, err := wanted.among(ctx, tx, sequencesOf(rows))
	if err != nil {
		return err
	}
	for _, sequence := range sequences {
		if len(f.open) < mostOpen {
			f.open[sequence] = struct{}{}
		}
	}
	return nil
}

// closed returns the entries that were waited for and are open no more.
func (f *Follower) closed(ctx context.Context, tx *store.Tx) ([]int64, error) {
	var all []int64
	waiting := slices.Sorted(maps.Keys(f.open))
	for chunk := range slices.Chunk(waiting, followSize) {
		s := new(statement)
		s.add("SELECT j.seq, j.result IS NULL FROM scim_journal j WHERE j.seq IN (")
		s.list(chunk)
		s.add(")")
		rows, err := scanRows(tx.Query(ctx, s.String(), s.arguments...))
		if err != nil {
			return nil, err
		}
		still := make(map[int64]bool, len(rows))
		for _, r := range rows {
			still[r.sequence] = r.isOpen
			if !r.isOpen {
				all = append(all, r.sequence)
			}
		}
		for _, sequence := range chunk {
			if !still[sequence] {
				delete(f.open, sequence)
			}
		}
	}
	return all, nil
}

// matching returns those of the new rows and the closed entries that the query
// wants, and notes the open ones.
func (f *Follower) matching(ctx context.Context, tx *store.Tx, rows []row, closed []int64) ([]Entry, error) {
	sequences := append(sequencesOf(rows), closed...)
	var all []Entry
	for chunk := range slices.Chunk(sequences, followSize) {
		wanted, err := f.query.among(ctx, tx, chunk)
		if err != nil {
			return nil, err
		}
		entries, err := read(ctx, tx, wanted)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	isOpen := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !r.isOpen })
	for chunk := range slices.Chunk(isOpen, followSize) {
		if err := f.wait(ctx, tx, chunk); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b Entry) int { return int(a.Sequence - b.Sequence) })
	return all, nil
}

func sequencesOf(rows []row) []int64 {
	all := make([]int64, len(rows))
	for i, r := range rows {
		all[i] = r.sequence
	}
	return all
}

// among returns those of some sequences, of which there are not many, that the
// query wants.
func (q Query) among(ctx context.Context, tx *store.Tx, sequences []int64) ([]int64, error) {
	if len(sequences) == 0 {
		return nil, nil
	}
	branches, err := q.branches(ctx, tx)
	if err != nil {
		return nil, err
	}
	q.Limit = len(sequences)
	var found []int64
	for _, b := range branches {
		s := q.keysAmong(b, sequences)
		rows, err := tx.Query(ctx, s.String(), s.arguments...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var k key
			if err := rows.Scan(&k.time, &k.seq); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			found = append(found, k.seq)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}
