package gateway

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

const (
	defaultWalk = 1_000_000       // ids in one walk
	walkLife    = 5 * time.Minute // since it was last used
	walkTimeout = 2 * time.Minute // of the scan, whoever still waits for it
	mostWalks   = 16              // kept at a time by one gateway
)

// walk is the sorted ids of all resources that a list shows: 16 bytes each
// where they are UUIDs. Pages are cut from it, so that page 1,000 costs what
// page 2 costs. It is not changed after it was made, and can be made again by
// any gateway.
type walk struct {
	uuids []uuid.UUID
	texts []string // where an id is no UUID in canonical form: all of them
}

func (w *walk) add(id string) {
	if w.texts == nil {
		parsed, err := uuid.Parse(id)
		if err == nil && parsed.String() == id {
			w.uuids = append(w.uuids, parsed)
			return
		}
		w.texts = make([]string, 0, len(w.uuids)+1)
		for _, u := range w.uuids {
			w.texts = append(w.texts, u.String())
		}
		w.uuids = nil
	}
	w.texts = append(w.texts, id)
}

func (w *walk) sort() {
	slices.SortFunc(w.uuids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	w.uuids = slices.Compact(w.uuids)
	slices.SortFunc(w.texts, strings.Compare)
	w.texts = slices.Compact(w.texts)
}

func (w *walk) len() int { return len(w.uuids) + len(w.texts) }

// slice returns up to count ids from the start, which may lie beyond the end.
func (w *walk) slice(start, count int) []string {
	if start >= w.len() {
		return nil
	}
	end := start + min(count, w.len()-start)
	if w.texts != nil {
		return w.texts[start:end]
	}
	ids := make([]string, 0, end-start)
	for _, u := range w.uuids[start:end] {
		ids = append(ids, u.String())
	}
	return ids
}

// walkKey tells walks apart. Each caller has its own, so that one who begins
// anew does not shift the pages of another.
type walkKey struct {
	t      *scim.ResourceType
	filter string
	caller string
}

// walks keeps the walks that are being paged through.
type walks struct {
	most int // ids in one walk

	mu     sync.Mutex
	kept   map[walkKey]*keptWalk
	expiry *time.Timer // while a walk is kept
	making singleflight.Group
}

type keptWalk struct {
	walk       *walk
	made, used time.Time
}

func newWalks(most int) *walks {
	return &walks{most: most, kept: make(map[walkKey]*keptWalk)}
}

// get returns the walk that is kept for the key, or makes one with scan.
// Callers that need the same walk at the same time share the scan.
func (ws *walks) get(ctx context.Context, key walkKey, anew bool, scan func(context.Context, func(id string) error) error) (*walk, error) {
	asked := time.Now()
	if !anew {
		if w := ws.find(key); w != nil {
			return w, nil
		}
	}
	made := ws.making.DoChan(fmt.Sprintf("%p %q %s", key.t, key.caller, key.filter), func() (_ any, err error) {
		// Here no caller's own goroutine runs, whose panic would be caught.
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("walking through the resources: panic: %v\n%s", p, debug.Stack())
			}
		}()
		if w := ws.madeSince(key, asked); w != nil {
			return w, nil // somebody else's scan ended just now
		}
		w := new(walk)
		// The scan is shared: it must not end with the caller who began it.
		scanning, cancel := context.WithTimeout(context.WithoutCancel(ctx), walkTimeout)
		defer cancel()
		err = scan(scanning, func(id string) error {
			if ws.most > 0 && w.len() >= ws.most {
				return &translators.Error{Kind: translators.TooMany, Detail: fmt.Sprintf(
					"The list has more than %d resources; narrow it with a filter, or raise \"limit walk\" in the gateway's configuration.", ws.most)}
			}
			w.add(id)
			return nil
		})
		if err != nil {
			return nil, err
		}
		w.sort()
		ws.keep(key, w)
		return w, nil
	})
	select {
	case result := <-made:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*walk), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (ws *walks) find(key walkKey) *walk {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	kept := ws.kept[key]
	if kept == nil || time.Since(kept.used) > walkLife {
		return nil
	}
	kept.used = time.Now()
	return kept.walk
}

// madeSince returns the walk that is kept for the key if it was made after that
// time.
func (ws *walks) madeSince(key walkKey, t time.Time) *walk {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if kept := ws.kept[key]; kept != nil && kept.made.After(t) {
		return kept.walk
	}
	return nil
}

// keep remembers a walk and forgets those that expired and, when there are too
// many, the one that was not used for longest.
func (ws *walks) keep(key walkKey, w *walk) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	now := time.Now()
	ws.kept[key] = &keptWalk{w, now, now}
	var oldest walkKey
	for k, kept := range ws.kept {
		if now.Sub(kept.used) > walkLife {
			delete(ws.kept, k)
		} else if old := ws.kept[oldest]; old == nil || kept.used.Before(old.used) {
			oldest = k
		}
	}
	if len(ws.kept) > mostWalks {
		delete(ws.kept, oldest)
	}
	if ws.expiry == nil {
		ws.expiry = time.AfterFunc(walkLife, ws.expire)
	}
}

// expire forgets what nobody pages through any more, so that an idle gateway
// holds no list in memory.
func (ws *walks) expire() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for k, kept := range ws.kept {
		if time.Since(kept.used) > walkLife {
			delete(ws.kept, k)
		}
	}
	if ws.expiry = nil; len(ws.kept) > 0 {
		ws.expiry = time.AfterFunc(walkLife/2, ws.expire)
	}
}
