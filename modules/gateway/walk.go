package gateway

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/scimgate/scimgate/translators"
)

const (
	walkLife    = 5 * time.Minute // since it was last used
	walkTimeout = 2 * time.Minute // of the scan, whoever still waits for it
	mostWalks   = 16              // kept at a time by one gateway
)

// walk is the ids of all resources that a list shows, in its order: 16 bytes each
// where they are UUIDs, and one more where there are several types. Pages are cut
// from it, so that page 1,000 costs what page 2 costs. It is not changed after it
// was made, and can be made again by any gateway.
type walk struct {
	mark  uint32 // tells it from others that were made for the same list
	order order

	uuids []uuid.UUID
	texts []string // where an id is no UUID in canonical form: all of them
	parts []uint8  // the type of each; nil where there is one alone
}

// order is what decides on the places in a [walk].
type order uint8

const (
	orderByID     order = iota // type by type, in each by id
	orderByIDDown              // one type, by id, backwards
	orderByValue               // by values that are not kept; equal ones by type and id
)

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

// sort orders what was added from a place on, and leaves out what stands there
// twice.
func (w *walk) sort(from int) {
	if w.texts != nil {
		added := w.texts[from:]
		slices.Sort(added)
		w.texts = w.texts[:from+len(slices.Compact(added))]
		return
	}
	added := w.uuids[from:]
	slices.SortFunc(added, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	w.uuids = w.uuids[:from+len(slices.Compact(added))]
}

func (w *walk) reverse() {
	slices.Reverse(w.uuids)
	slices.Reverse(w.texts)
}

func (w *walk) len() int { return len(w.uuids) + len(w.texts) }

// id returns the id at a place.
func (w *walk) id(i int) string {
	if w.texts != nil {
		return w.texts[i]
	}
	return w.uuids[i].String()
}

// part returns the type at a place.
func (w *walk) part(i int) uint8 {
	if w.parts != nil {
		return w.parts[i]
	}
	return 0
}

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

// place returns where a resource stands in a walk by ids, or would stand.
func (w *walk) place(part uint8, id string) (i int, isThere bool) {
	return sort.Find(w.len(), func(i int) int {
		n := cmp.Or(cmp.Compare(part, w.part(i)), strings.Compare(id, w.id(i)))
		if w.order == orderByIDDown {
			n = -n
		}
		return n
	})
}

// find returns where a resource stands in a walk of any order, or -1.
func (w *walk) find(part uint8, id string) int {
	if w.texts != nil {
		for i, text := range w.texts {
			if text == id && w.part(i) == part {
				return i
			}
		}
		return -1
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		return -1
	}
	for i, u := range w.uuids {
		if u == parsed && w.part(i) == part {
			return i
		}
	}
	return -1
}

// walkKey tells walks apart. Each caller has its own, so that one who begins
// anew does not shift the pages of another.
type walkKey struct {
	list   string // what is listed, in which order
	caller string
}

// walks keeps the walks that are being paged through.
type walks struct {
	now func() time.Time

	mu     sync.Mutex
	kept   map[walkKey]*keptWalk
	expiry *time.Timer // while a walk is kept
	making singleflight.Group
	busy   map[walkKey]error // what walks that are being made wait for
}

type keptWalk struct {
	walk       *walk
	made, used time.Time
}

func newWalks() *walks {
	return &walks{now: time.Now, kept: make(map[walkKey]*keptWalk), busy: make(map[walkKey]error)}
}

// get returns the walk that is kept for the key, or a new one. Callers that need
// the same walk at the same time share the building of it.
func (ws *walks) get(ctx context.Context, key walkKey, anew bool, build func(context.Context) (*walk, error)) (*walk, error) {
	asked := ws.now()
	if !anew {
		if w := ws.find(key); w != nil {
			return w, nil
		}
	}
	made := ws.making.DoChan(fmt.Sprintf("%q %s", key.caller, key.list), func() (_ any, err error) {
		// Here no caller's own goroutine runs, whose panic would be caught.
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("walking through the resources: panic: %v\n%s", p, debug.Stack())
			}
		}()
		if w := ws.madeSince(key, asked); w != nil {
			return w, nil // somebody else's ended just now
		}
		// It is shared: it must not end with the caller who began it.
		building, cancel := context.WithTimeout(context.WithoutCancel(ctx), walkTimeout)
		defer cancel()
		defer ws.noteBusy(key, nil)
		w, err := build(translators.WithBusy(building, func(err error) { ws.noteBusy(key, err) }))
		if err != nil {
			return nil, err
		}
		w.mark = rand.Uint32()
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
		return nil, cmp.Or(ws.isBusy(key), ctx.Err())
	}
}

// noteBusy keeps why a walk that is being made has to wait.
func (ws *walks) noteBusy(key walkKey, err error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if err == nil {
		delete(ws.busy, key)
		return
	}
	ws.busy[key] = err
}

// isBusy returns why a walk that is being made has had to wait, or nil.
func (ws *walks) isBusy(key walkKey) error {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.busy[key]
}

func (ws *walks) find(key walkKey) *walk {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	kept := ws.kept[key]
	if kept == nil || ws.now().Sub(kept.used) > walkLife {
		return nil
	}
	kept.used = ws.now()
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
	now := ws.now()
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
		if ws.now().Sub(kept.used) > walkLife {
			delete(ws.kept, k)
		}
	}
	if ws.expiry = nil; len(ws.kept) > 0 {
		ws.expiry = time.AfterFunc(walkLife/2, ws.expire)
	}
}
