package rest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// writes are what was written a moment ago to an application that shows it only
// later (Config.ConsistentWithin): until then what is read is compared with it.
type writes struct {
	mu   sync.Mutex
	byID map[writeKey]written
}

type writeKey struct{ block, id string }

// written is one record as it is to be seen.
type written struct {
	until  time.Time
	isGone bool
	fields []fieldValue
	wanted *scim.Resource // nil where only some fields are known
}

// note remembers a write.
func (w *writes) note(k *kind, id string, what written) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for key, old := range w.byID {
		if !old.until.After(now) {
			delete(w.byID, key)
		}
	}
	if w.byID == nil {
		w.byID = make(map[writeKey]written)
	}
	key := writeKey{k.block, id}
	if old, ok := w.byID[key]; ok && !what.isGone {
		// What was written before is to be seen as well.
		kept := slices.DeleteFunc(slices.Clone(old.fields), func(f fieldValue) bool {
			return slices.ContainsFunc(what.fields, func(g fieldValue) bool { return f.path.String() == g.path.String() })
		})
		what.fields = append(kept, what.fields...)
	}
	w.byID[key] = what
}

// forget drops what was noted of an id that is none.
func (w *writes) forget(k *kind, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.byID, writeKey{k.block, id})
}

// find returns what was written to a record, if it is to be waited for.
func (w *writes) find(k *kind, id string) (written, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	what, ok := w.byID[writeKey{k.block, id}]
	return what, ok && what.until.After(time.Now())
}

// expects reports whether a record was written to a moment ago.
func (w *writes) expects(k *kind, id string) bool {
	_, ok := w.find(k, id)
	return ok
}

// unseen returns the ids of records that were written a moment ago, may satisfy the
// filter and were not seen.
func (w *writes) unseen(k *kind, f scim.Filter, seen map[string]bool) (ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for key, what := range w.byID {
		if key.block != k.block || seen[key.id] || what.isGone || !what.until.After(now) {
			continue
		}
		if f == nil || what.wanted == nil || scim.Match(f, what.wanted) {
			ids = append(ids, key.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// noteWrite remembers what was written, where the application takes its time.
func (t *Translator) noteWrite(k *kind, id string, what written) {
	if t.ConsistentWithin <= 0 || id == "" {
		return
	}
	what.until = time.Now().Add(time.Duration(t.ConsistentWithin))
	t.backend.writes.note(k, id, what)
}

// The pauses between two looks at what is not to be seen yet.
const (
	firstPause  = 25 * time.Millisecond
	longestWait = time.Second
)

// recordAwaited is record for what may have been written a moment ago: it looks again
// until that is to be seen, or its time is over. Then what is there is the truth.
func (t *Translator) recordAwaited(ctx context.Context, k *kind, id string, l look) (*handle, error) {
	what, isExpected := t.backend.writes.find(k, id)
	if !isExpected {
		return t.record(ctx, k, id, l)
	}
	whole := k.everything()
	l.isWhole, l.status, l.fields = true, l.status || whole.status, append(slices.Clone(l.fields), whole.fields...)
	var h *handle
	err := t.await(ctx, what.until, func() (isDone bool, err error) {
		if h, err = t.record(ctx, k, id, l); err != nil {
			return false, err
		}
		return t.isSeen(k, what, h), nil
	})
	return h, err
}

// await calls look until it is done or the time is over, with growing pauses.
func (t *Translator) await(ctx context.Context, until time.Time, look func() (isDone bool, err error)) error {
	for pause := firstPause; ; pause = min(2*pause, longestWait) {
		isDone, err := look()
		left := time.Until(until)
		if err != nil || isDone || left <= 0 {
			return err
		}
		timer := time.NewTimer(min(pause, left))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return &translators.Error{Kind: translators.Unavailable, Err: ctx.Err(),
				Detail: "The application does not show yet what was written a moment ago. Try again."}
		}
	}
}

// isSeen reports whether a record is as it was written.
func (t *Translator) isSeen(k *kind, what written, h *handle) bool {
	if what.isGone || h == nil {
		return what.isGone == (h == nil)
	}
	return t.shows(k, h, what.fields)
}

// shows reports whether a record means what it would mean with the fields written into
// it: an application may write a value in another form than it was sent.
func (t *Translator) shows(k *kind, h *handle, fields []fieldValue) bool {
	if len(changed(fields, h.record)) == 0 {
		return true
	}
	doc, err := apply([]byte(h.record.Raw), fields)
	if err != nil {
		return false
	}
	with := &handle{id: h.id, record: gjson.ParseBytes(doc)}
	all := translators.Selection{All: true}
	return len(scim.Diff(t.resourceOf(k, h, all), t.resourceOf(k, with, all))) == 0
}
