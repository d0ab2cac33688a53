package gateway

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// lateWrites is for how long a write that was sent and got no answer is taken to be under
// way: an application that was slow, or a proxy before it, may carry it out long after
// it was given up, and few keep a request for longer.
const lateWrites = 2 * time.Minute

// mostLate bounds the resources of which that is remembered.
const mostLate = 10_000

// late are the resources that a write without an answer was about, of all gateways of
// this process.
var late = lateTable{until: make(map[string]time.Time)}

type lateTable struct {
	mu    sync.Mutex
	until map[string]time.Time // by lockKey
	all   time.Time            // until when any other resource may be among them
}

// note remembers a resource. Where there are too many, all of them count as such.
func (t *lateTable) note(key string, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, is := t.until[key]; !is && len(t.until) >= mostLate {
		now := time.Now()
		for old, until := range t.until {
			if !until.After(now) {
				delete(t.until, old)
			}
		}
		if len(t.until) >= mostLate {
			t.all = later(t.all, until)
			return
		}
	}
	t.until[key] = later(t.until[key], until)
}

// end is until when a write about the resource may come late; in the past where none can.
func (t *lateTable) end(key string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return later(t.until[key], t.all)
}

// forget drops what is known of a gateway that is not there any more.
func (t *lateTable) forget(gateway string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.until, func(key string, _ time.Time) bool { return strings.HasPrefix(key, lockKey([]string{gateway, ""})) })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// keyOf names a resource among those of all gateways.
func (h *Handler) keyOf(t *scim.ResourceType, id string) string {
	return lockKey([]string{h.Name, t.Name, id})
}

// lateKey names, to the gateways that share a store, that a write about a resource may
// come late.
func lateKey(key string) string { return key + "\x00late" }

// noteLate remembers that a write about a resource may come late, and lets the gateways
// that share the store know for as long ([translators.MayComeLate]).
func (x *exchange) noteLate(t *scim.ResourceType, id string) {
	key, until := x.h.keyOf(t, id), time.Now().Add(lateWrites)
	isKnown := late.end(key).After(time.Now())
	late.note(key, until)
	if x.h.sharer == nil || isKnown {
		return
	}
	limited, cancel := context.WithTimeout(context.Background(), disableWaits)
	defer cancel()
	unlock, err := x.h.sharer.Lock(limited, lateKey(key))
	if err != nil {
		return // another has said so, or nobody can be told
	}
	var release func()
	release = func() {
		if left := time.Until(late.end(key)); left > 0 {
			time.AfterFunc(left, release)
			return
		}
		unlock()
	}
	time.AfterFunc(lateWrites, release)
}

// doubt makes a disable that reads back one that can't be proven yet, where another write
// may undo it.
func (x *exchange) doubt(ctx context.Context, intent translators.Intent, done *carried) {
	if x.isAgain || intent.Action != scim.ActionUpdate || !intent.SetsActive || !x.h.typeOf(intent.Type).ComesLate {
		return
	}
	key := x.h.keyOf(intent.Type, intent.ID)
	until, reason := time.Now().Add(lateWrites), ""
	switch end := late.end(key); {
	case x.isBeside:
		reason = "The account reads as disabled, and another request or gateway that was about it at the same time may undo that."
	case time.Now().Before(end):
		until, reason = end, "The account reads as disabled, and a write about it that the application has not answered may be carried out late and undo that."
	case x.isLateElsewhere(ctx, key):
		reason = "The account reads as disabled, and a write about it by another gateway that the application has not answered may be carried out late and undo that."
	default:
		return
	}
	done.proof.Status, done.proof.Detail = translators.Unprovable, reason+" It is read again."
	done.owes = &owed{gateway: x.h.Name, kind: intent.Type.Name, id: intent.ID, until: until}
	x.owes = done.owes
}

// isLateElsewhere reports whether another gateway has let know that a write about a
// resource may come late.
func (x *exchange) isLateElsewhere(ctx context.Context, key string) bool {
	if x.h.sharer == nil {
		return false
	}
	is, err := x.h.sharer.IsLocked(ctx, lateKey(key))
	return is || err != nil
}
