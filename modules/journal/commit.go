package journal

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
)

// run records what gathers, one transaction after the other.
func (j *Journal) run() {
	defer close(j.ended)
	j.waitForOpening()
	for {
		w, away := j.take()
		j.owe(w.outcomes)
		switch {
		case away != nil:
			w.end(away)
			if !j.pause(retryInterval) {
				j.comeBack() // the last chance
				return
			}
			j.comeBack()
		case j.hasLeftovers() && !j.comeBack():
			w.end(j.Health().Away)
		case len(w.intents) > 0 || len(j.owed) > 0:
			w.end(j.commit(w.intents))
		default:
			w.end(nil)
			if !j.pause(0) {
				return
			}
		}
	}
}

// waitForOpening waits a while for a store that is just being opened, so that the
// first writes behind a start are not refused.
func (j *Journal) waitForOpening() {
	ctx, cancel := context.WithTimeout(context.Background(), j.wait)
	defer cancel()
	go func() {
		select {
		case <-j.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := j.store.Wait(ctx); err != nil {
		j.mu.Lock()
		j.depart(err)
		j.mu.Unlock()
	}
}

// take takes what has gathered.
func (j *Journal) take() (*work, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	w := j.gathered
	j.gathered = newWork()
	w.isTaken = j.away == nil
	if j.late != nil {
		j.late.Stop()
		j.late = nil
	}
	return w, j.away
}

func (w *work) end(err error) {
	w.err = err
	close(w.done)
}

// pause waits until there is something to do, or for the time given, and reports
// whether there is more to come.
func (j *Journal) pause(d time.Duration) bool {
	wake := j.wake
	if d > 0 {
		wake = nil // a store that is away is not asked for each outcome
	} else if j.spool.isMissing() {
		d = spoolInterval
	}
	var after <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		after = timer.C
	}
	select {
	case <-wake:
		return true
	case <-j.closing:
		j.mu.Lock()
		defer j.mu.Unlock()
		return len(j.gathered.intents) > 0 && j.away == nil || len(j.gathered.outcomes) > 0
	case <-after:
		if j.spool.isMissing() {
			_ = j.spool.open() // what is wrong was told at the start
		}
		return true
	}
}

// owe keeps outcomes until they are recorded.
func (j *Journal) owe(outcomes []Outcome) {
	room := max(0, mostOwed-len(j.owed))
	if lost := len(outcomes) - room; lost > 0 {
		j.log.Load().Error("outcomes are lost while the store is away: their entries stay open", zap.Int("outcomes", lost))
		outcomes = outcomes[:room]
	}
	j.owed = append(j.owed, outcomes...)
}

// commit records intents, and the outcomes that are owed, in one transaction.
func (j *Journal) commit(intents []Entry) error {
	err := j.write(func(ctx context.Context, tx *store.Tx) error {
		if err := insert(ctx, tx, intents); err != nil {
			return err
		}
		return conclude(ctx, tx, j.owed)
	})
	if err == nil {
		j.owed = j.owed[:0]
	}
	return err
}

// write is a transaction that takes a bounded time. If it fails, the store is away.
func (j *Journal) write(do func(context.Context, *store.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	err := j.store.Write(ctx, func(tx *store.Tx) error { return do(ctx, tx) })
	if err == nil {
		return nil
	}
	if !errors.Is(err, store.ErrUnavailable) {
		err = errors.Join(store.ErrUnavailable, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.depart(err)
	return err
}

// hasLeftovers reports whether there is something to bring into the store that did
// not come the usual way.
func (j *Journal) hasLeftovers() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.doubtful) > 0 || j.spool.count() > 0
}

// noteRefused is the note of an entry for which nothing was done.
const noteRefused = "the store did not confirm the entry in time: the request was refused and nothing was written"

// comeBack finds out whether the store takes anything, brings into it what has been
// kept, and reports whether the store is there.
func (j *Journal) comeBack() bool {
	if err := j.write(probe); err != nil {
		return false
	}
	imported, err := j.importSpool()
	if err != nil {
		return false
	}
	j.mu.Lock()
	refused := j.doubtful
	j.mu.Unlock()
	now := time.Now()
	for i := range refused {
		refused[i].Result, refused[i].Note, refused[i].Ended = NotApplied, noteRefused, now
	}
	if err := j.write(func(ctx context.Context, tx *store.Tx) error { return refuse(ctx, tx, refused) }); err != nil {
		return false
	}
	j.mu.Lock()
	j.doubtful = j.doubtful[len(refused):]
	j.mu.Unlock()
	if err := j.commit(nil); err != nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.away != nil || imported > 0 {
		j.log.Load().Info("the store takes the journal again",
			zap.Int("disables_imported", imported), zap.Int("refused", len(refused)), zap.Int("outcomes_lost", j.lost))
	}
	j.away, j.lost = nil, 0
	return true
}

// importSpool brings what stands in the local file into the store, and empties the
// file. An entry that comes twice, because the process ended between the two, is
// there once.
func (j *Journal) importSpool() (disables int, err error) {
	done := 0
	for {
		frames := j.spool.frames(done)
		if len(frames) == 0 && done == 0 {
			return 0, nil
		}
		var intents []Entry
		var outcomes []Outcome
		for _, f := range frames {
			if f.Intent != nil {
				intents = append(intents, *f.Intent)
			} else if f.Outcome != nil {
				outcomes = append(outcomes, *f.Outcome)
			}
		}
		err := j.write(func(ctx context.Context, tx *store.Tx) error {
			if err := insert(ctx, tx, intents); err != nil {
				return err
			}
			return conclude(ctx, tx, outcomes)
		})
		if err != nil {
			return disables, err
		}
		disables += len(intents)
		done += len(frames)
		isEmpty, err := j.spool.clear(done)
		if err != nil {
			j.log.Load().Error("the local file for disables can't be emptied; what stands in it is in the journal", zap.Error(err))
		}
		if isEmpty {
			return disables, nil
		}
	}
}
