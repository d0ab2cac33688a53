package gateway

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// owed is the proof of a disable that was carried out while another write might undo it.
// The account is read again every now and then, disabled again if it was enabled by that,
// and proven when no such write can come any more. Its entry of the journal is open until
// then, so that a process that dies leaves the rest to the next.
type owed struct {
	gateway, kind, id string
	until             time.Time
	records           []record
}

// record is an open entry of the journal, and what it is closed with.
type record struct {
	entry   journal.Entry
	outcome journal.Outcome
}

// owing are the proofs that this process owes, of all its gateways.
var owing = owingTable{byKey: make(map[string]*owed)}

type owingTable struct {
	mu    sync.Mutex
	byKey map[string]*owed
}

func (o *owed) key() string { return lockKey([]string{o.gateway, o.kind, o.id}) }

// add takes a proof on; one that is owed of the same account already goes into it.
func (t *owingTable) add(o *owed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.byKey[o.key()]; old != nil {
		o.until, o.records = later(o.until, old.until), append(old.records, o.records...)
	}
	t.byKey[o.key()] = o
}

// take returns what is owed of an account, which nobody owes then; nil is nothing.
func (t *owingTable) take(key string) *owed {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.byKey[key]
	delete(t.byKey, key)
	return o
}

// of returns what is owed by a gateway.
func (t *owingTable) of(gateway string) (all []*owed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.byKey {
		if o.gateway == gateway {
			all = append(all, o)
		}
	}
	return all
}

// forget leaves the proofs of a gateway that is not there any more to whoever serves it
// next.
func (t *owingTable) forget(gateway string) {
	for _, o := range t.of(gateway) {
		if t.take(o.key()) != nil {
			o.leave()
		}
	}
}

// disable carries a disable out, alone and first. One that went on beside another write
// waits for that now, and is carried out once more if it was undone. unlock gives back
// what the request holds of the account.
func (x *exchange) disable(ctx context.Context, op *scim.Operation, unlock *func()) (*translators.Entry, error) {
	urgent := translators.Urgent(ctx)
	entry, err := x.updateOne(urgent, op)
	o := x.owes
	if x.owes = nil; o == nil {
		return entry, err
	}
	if !x.isBeside || !x.isAloneBehind(ctx, op, unlock) {
		x.owe(o)
		return entry, err
	}
	x.proof, x.reason, x.disabled = "", "", ""
	entry, err = x.updateOne(urgent, op)
	switch again := x.owes; {
	case again != nil:
		x.owes = nil
		again.records = append(again.records, o.records...)
		x.owe(again)
	case err != nil:
		x.owe(o)
	default:
		o.close(x.h, x.proof, "proven behind the other write that was about the account")
	}
	return entry, err
}

// owe takes the proof on. A command ends with its process: who gave it is told that it is
// not proven.
func (x *exchange) owe(o *owed) {
	if x.operator == nil {
		owing.add(o)
		x.h.resolver.owes(x.h)
	}
}

// isAloneBehind waits for the lock that a disable went on without, for half of the time
// that there is.
func (x *exchange) isAloneBehind(ctx context.Context, op *scim.Operation, unlock *func()) bool {
	(*unlock)()
	*unlock = func() {}
	deadline, _ := ctx.Deadline()
	waiting, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	held, err := x.lock(waiting, op.Type.Name, op.ID)
	if err != nil {
		return false
	}
	*unlock, x.isBeside = held, false
	return true
}

// close records what the proof has come to.
func (o *owed) close(h *Handler, proof translators.ProofStatus, note string) {
	for _, r := range o.records {
		r.outcome.Proof, r.outcome.Note, r.outcome.Ended = string(proof), note, time.Now().UTC()
		if h.journal == nil {
			continue // it was switched off meanwhile
		}
		h.entries.Emit(r.entry.With(r.outcome))
		if err := h.journal.End(r.outcome); err != nil {
			h.log.Error("the outcome of a write could not be recorded", zap.String("request_id", r.entry.Request), zap.Error(err))
		}
		working.end(r.entry.ID)
	}
}

// leave lets the entries be closed as those are that nobody works on.
func (o *owed) leave() {
	for _, r := range o.records {
		working.leave(r.entry.ID, time.Now())
	}
}

// itself is who gives the command to prove again.
var itself = Operator{Name: "scimgate", Why: "a disable is proven again, because a write that was under way may have undone it"}

// proveOwed proves again what the gateway owes.
func (h *Handler) proveOwed(ctx context.Context) {
	for _, o := range owing.of(h.Name) {
		if ctx.Err() != nil || h.DryRun {
			return
		}
		h.proveAgain(ctx, o)
	}
}

// proveAgain reads an account that is to be disabled, and disables it once more where that
// was undone.
func (h *Handler) proveAgain(ctx context.Context, o *owed) {
	isLast := !time.Now().Before(o.until)
	x := h.newCommand(o.id, itself)
	x.isAgain = true
	fields := []zap.Field{zap.String("request_id", x.id), zap.String("resource_type", o.kind), zap.String("resource_id", o.id)}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(h.Timeout))
	defer cancel()
	err := x.disableAgain(limited, o)
	if x.calls > 0 {
		h.log.Error("a disable was undone by a write that came late, and the account was disabled again", append(fields, zap.String("proof", string(x.proof)), zap.Error(err))...)
		metrics.undone(h.Name)
	}
	switch {
	case errors.Is(err, errNotOwed):
	case isAbsence(err) && owing.take(o.key()) != nil:
		o.close(h, translators.Unprovable, "the account was gone when it was to be proven again")
	case !isLast:
		if err != nil {
			h.log.Warn("an account that was disabled can't be read again now", append(fields, zap.Error(x.told(err)))...)
		}
	case owing.take(o.key()) == nil:
	case err != nil || x.proof != translators.Proven:
		o.leave()
		h.log.Error("an account was disabled, and that it still is can't be proven: disable it again", append(fields, zap.Error(err))...)
		metrics.disableCutOff(h.Name)
	default:
		h.log.Info("a disable that another write might have undone is proven", fields...)
		o.close(h, translators.Proven, "proven again when no write that was under way could undo it any more")
	}
}

// errNotOwed says that somebody has enabled the account meanwhile, or proven it.
var errNotOwed = errors.New("the proof is not owed any more")

// disableAgain takes the disable through the stages, alone with the account.
func (x *exchange) disableAgain(ctx context.Context, o *owed) error {
	op, err := x.disabling()
	if err != nil {
		return err
	}
	release, err := x.h.translator.Lease()
	if err != nil {
		return err
	}
	defer release()
	x.op = op
	unlock, err := x.lock(ctx, o.kind, o.id)
	if err != nil {
		return err
	}
	defer unlock()
	if x.isEnabledSince(ctx, o) {
		return errNotOwed
	}
	_, err = x.updateOne(translators.Urgent(ctx), op)
	return err
}

// isEnabledSince reports whether the account was enabled through a gateway behind the
// disable: then it is left alone.
func (x *exchange) isEnabledSince(ctx context.Context, o *owed) bool {
	if !slices.Contains(owing.of(o.gateway), o) {
		return true
	}
	if x.h.journal == nil {
		return false
	}
	for _, r := range o.records {
		entries, err := x.h.journal.LaterEntries(ctx, r.entry, o.id)
		if err != nil {
			return false // the store is away, and nothing stops a disable
		}
		isEnabling := func(e journal.Entry) bool { return e.Operation == operationEnable && e.Result != journal.NotApplied }
		if slices.ContainsFunc(entries, isEnabling) {
			x.isEnabledNow(x.op.Type, o.id)
			return true
		}
	}
	return false
}

// isEnabledNow ends what is owed of an account that was enabled on purpose.
func (x *exchange) isEnabledNow(t *scim.ResourceType, id string) {
	if o := owing.take(x.h.keyOf(t, id)); o != nil {
		o.close(x.h, translators.Unprovable, "the account was enabled before it could be proven again")
	}
}
