package gateway

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/translators"
)

// When open entries of the journal are looked for. A round that could not be made to
// its end is made again after the shortest pause, and then after ever longer ones.
const (
	resolveDelay    = 500 * time.Millisecond // after a configuration was loaded
	resolveEvery    = 20 * time.Second
	shortestResolve = time.Second
	longestResolve  = 5 * time.Minute
	firstProof      = 500 * time.Millisecond // after a disable whose proof is owed
	abandonEvery    = time.Hour
	// abandonAfter is how old an open entry of a gateway that nobody has must be to be
	// closed as unknown: a gateway may be away for a weekend.
	abandonAfter = 7 * 24 * time.Hour
	// mostFaults is after how many faults in a row a backend counts as away.
	mostFaults = 3
)

// resolver closes, on start and from time to time, the open entries of the gateway that
// nobody works on any more, by reading the backend (DESIGN §4 rules 9 and 12). It
// writes nothing to the backend.
type resolver struct {
	mu        sync.Mutex
	timer     *time.Timer
	ctx       context.Context // ends with the configuration
	cancel    context.CancelFunc
	pause     time.Duration // before a round that is made again; 0: the last one was whole
	owed      *time.Timer   // for the proofs that are owed; nil: there were none
	abandoned time.Time     // when entries of gateways that nobody has were closed last
}

// resolvers counts the resolvers that run, by the name of their gateway.
var resolvers struct {
	sync.Mutex
	running map[string]int
}

// start begins to look for open entries of h.
func (r *resolver) start(h *Handler) {
	ctx, cancel := context.WithCancel(context.Background())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ctx, r.cancel = ctx, cancel
	if len(owing.of(h.Name)) > 0 { // of the configuration before
		r.proveIn(h, resolveDelay)
	}
	if h.journal != nil {
		r.timer = time.AfterFunc(resolveDelay, func() { r.run(ctx, h) })
	}
	resolvers.Lock()
	defer resolvers.Unlock()
	if resolvers.running == nil {
		resolvers.running = make(map[string]int)
	}
	resolvers.running[h.Name]++
}

// stop ends it; it may not have begun.
func (r *resolver) stop(h *Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel == nil {
		return
	}
	r.cancel()
	r.cancel = nil
	if r.owed != nil {
		r.owed.Stop()
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	resolvers.Lock()
	defer resolvers.Unlock()
	if resolvers.running[h.Name]--; resolvers.running[h.Name] == 0 {
		delete(resolvers.running, h.Name)
		late.forget(h.Name)
		owing.forget(h.Name)
	}
}

// owes has the proofs that are owed made, soon and then after ever longer pauses.
func (r *resolver) owes(h *Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel != nil {
		r.proveIn(h, firstProof)
	}
}

// proveIn sets when the proofs that are owed are made again. It is called with mu.
func (r *resolver) proveIn(h *Handler, pause time.Duration) {
	if r.owed != nil {
		r.owed.Stop()
	}
	ctx := r.ctx
	r.owed = time.AfterFunc(pause, func() {
		h.proveOwed(ctx)
		next := min(2*pause, resolveEvery)
		left := owing.of(h.Name)
		for _, o := range left {
			next = min(next, max(time.Until(o.until), firstProof))
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(left) > 0 && ctx.Err() == nil {
			r.proveIn(h, next)
		}
	})
}

// run makes a round and sets when the next one is due.
func (r *resolver) run(ctx context.Context, h *Handler) {
	left, err := h.resolve(ctx)
	if err == nil && time.Since(r.abandoned) > abandonEvery {
		if err = h.abandon(ctx); err == nil {
			r.abandoned = time.Now()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	metrics.left(h.Name, left)
	if err == nil {
		r.pause = 0
		r.timer.Reset(resolveEvery)
		return
	}
	if left > 0 && r.pause == 0 {
		h.log.Warn("open entries of the journal can't be closed now; they stay open, and it is tried again", zap.Int("entries", left), zap.Error(err))
	}
	r.pause = min(max(2*r.pause, shortestResolve), longestResolve)
	r.timer.Reset(r.pause)
}

// resolve closes the open entries that nobody works on, and returns how many are left
// that it could not close.
func (h *Handler) resolve(ctx context.Context) (left int, err error) {
	defer func() { // no request's own goroutine runs here
		if p := recover(); p != nil {
			h.log.Error("closing open entries panicked", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			err = errors.New("a fault in the gateway")
		}
	}()
	unlock, err := locks.lock(ctx, h.Name, "open entries")
	if err != nil {
		return 0, err
	}
	defer unlock()
	release, err := h.translator.Lease()
	if err != nil {
		return 0, err // the configuration is being taken down
	}
	defer release()
	// What is worked on must be known before it is asked what is open: then whatever
	// is open, and ours, and not among it, has ended or was begun behind this line.
	begun, held := time.Now(), working.now()
	entries, err := h.journal.OpenEntries(ctx, h.Name)
	if err != nil {
		return 0, err
	}
	faults := 0
	for i, e := range entries {
		isOwn := e.Instance == h.journal.Instance()
		if isOwn && (held[e.ID] || !e.Time.Before(begun)) {
			continue
		}
		if fault := h.resolveOne(ctx, e, isOwn); fault != nil {
			left, err = left+1, fault
			if faults++; faults == mostFaults || ctx.Err() != nil {
				return left + len(entries) - i - 1, err
			}
			continue
		}
		faults = 0
	}
	return left, err
}

// resolveOne closes one entry.
func (h *Handler) resolveOne(ctx context.Context, e journal.Entry, isOwn bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(h.Timeout))
	defer cancel()
	if !isOwn {
		claimed, err := h.journal.Claim(ctx, e)
		if err != nil || !claimed {
			return err
		}
		if e.Resource != "" && e.Operation != journal.OperationDisable {
			// What the other process has sent may come late.
			late.note(lockKey([]string{h.Name, e.Type, e.Resource}), e.Time.Add(lateWrites))
		}
	}
	words := []string{e.Type, e.Resource}
	if e.Resource == "" {
		words = []string{e.Type, "new", e.Name}
	}
	unlock, err := (&exchange{h: h, id: e.Request}).lock(ctx, words...) // as who writes about it
	if err != nil {
		return err
	}
	defer unlock()
	r := &reader{h: h, entry: e, later: func(ctx context.Context, resource string) ([]journal.Entry, error) {
		return h.journal.LaterEntries(ctx, e, resource)
	}}
	if slices.ContainsFunc(e.Changes, func(c journal.Change) bool { return c.Private }) {
		if r.key, err = h.journal.Key(ctx); err != nil {
			return err
		}
	}
	found, err := r.read(ctx)
	if err != nil {
		return fmt.Errorf("reading the backend for the entry %s: %w", e.ID, err)
	}
	outcome := journal.Outcome{
		ID: e.ID, Result: found.result, Resource: found.resource, Proof: string(found.proof),
		Note: found.note(isOwn), Ended: time.Now().UTC(),
	}
	closed, err := h.journal.Resolve(ctx, outcome)
	if err != nil || !closed {
		return err
	}
	h.entries.Emit(e.With(outcome))
	h.tell(e, found)
	return nil
}

// tell logs and counts what was found out. That somebody was to be disabled and is
// perhaps not must not be overlooked: the provider has had no answer.
func (h *Handler) tell(e journal.Entry, found readBack) {
	fields := []zap.Field{
		zap.String("entry", e.ID), zap.String("operation", e.Operation), zap.String("resource_type", e.Type),
		zap.String("resource_id", e.Resource), zap.String("result", string(found.result)), zap.String("found", found.reason),
	}
	if found.proof != "" {
		fields = append(fields, zap.String("proof", string(found.proof)))
	}
	isOff := found.result == journal.Applied && found.proof != translators.Refuted && found.proof != proofFailed
	if e.Operation == journal.OperationDisable && !isOff {
		h.log.Error("a disable was cut off, and the account is not known to be off: disable it again", fields...)
		metrics.disableCutOff(h.Name)
	} else {
		h.log.Info("an open entry of the journal was closed by reading the backend", fields...)
	}
	metrics.resolved(h.Name, e.Operation, string(found.result))
}

// abandon closes open entries of gateways that nobody has had for a long time.
func (h *Handler) abandon(ctx context.Context) error {
	resolvers.Lock()
	var names []string
	for name := range resolvers.running {
		names = append(names, name)
	}
	resolvers.Unlock()
	closed, err := h.journal.Abandon(ctx, names, time.Now().Add(-abandonAfter))
	if closed > 0 {
		h.log.Warn("open entries of gateways that are not configured any more were closed as unknown", zap.Int64("entries", closed))
	}
	return err
}
