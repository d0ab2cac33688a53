package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// carried is what came of an intent.
type carried struct {
	report translators.Report
	proof  translators.Proof
	owes   *owed // what is left to be proven; nil: nothing
}

// proofFailed is the status of a proof that could not be made.
const proofFailed translators.ProofStatus = "failed"

// entry returns the resource as it was read behind the calls, or nil.
func (c carried) entry() *translators.Entry {
	if c.proof.Entry != nil {
		return c.proof.Entry
	}
	return c.report.Last()
}

// retryRefuted is when it makes sense to ask again for a disable that did not
// take effect: somebody has to mend the backend first.
const retryRefuted = 5 * time.Minute

// carryOut plans an intent, records it, makes its calls and proves them.
func (x *exchange) carryOut(ctx context.Context, intent translators.Intent) (carried, error) {
	plan, err := x.h.translator.Plan(ctx, intent)
	if err != nil {
		return carried{}, err
	}
	x.noteIgnored(plan.Dropped)
	if disablesAccount(intent) && plan.Proves != translators.ProofDisabled {
		return carried{}, errors.New("planning a disable: the plan proves nothing")
	}
	if x.h.DryRun && x.operator == nil {
		return carried{}, x.rehearsed(plan)
	}
	if len(plan.Calls) == 0 {
		done, err := x.prove(ctx, intent, plan, translators.Report{Outcome: translators.Applied})
		if err != nil && plan.Proves == translators.ProofDisabled {
			x.recordUnwritten(ctx, intent, plan, done, err)
		}
		return done, err
	}
	giveBack := func() {}
	if takesAccess(intent) && x.operator == nil {
		if giveBack, err = x.h.Policy.Brakes(); err != nil {
			x.h.log.Error("the brake holds: too many accounts were to be disabled or deleted",
				zap.String("request_id", x.id), zap.String("caller", x.caller.Name), zap.String("resource_id", intent.ID))
			metrics.braked(x.h.Name)
			return carried{}, err
		}
	}
	end, err := x.begin(ctx, intent, plan)
	if err != nil && x.operator != nil { // who has to go goes, recorded or not
		x.unrecorded, end, err = err, func(carried, error) {}, nil
	}
	if err != nil {
		giveBack()
		return carried{}, err
	}
	started := time.Now()
	report := translators.Execute(translators.WithLate(ctx, x.noteLate), plan)
	x.calls += len(report.Results) + len(report.Undone)
	var done carried
	if report.Outcome == translators.Applied {
		done, err = x.prove(ctx, intent, plan, report)
	} else {
		done, err = carried{report: report}, reasonOf(report)
		if report.Outcome == translators.NotApplied {
			giveBack()
		}
	}
	x.executing += time.Since(started)
	end(done, err)
	return done, failure(intent, plan, done.report, err)
}

// reasonOf returns why a plan was not carried out, or not to its end. It is never
// nil: what was not done is not answered with success.
func reasonOf(report translators.Report) error {
	if report.Err != nil {
		return report.Err
	}
	return &translators.Error{Kind: translators.Indefinite, Err: errors.New("the backend gave no reason"),
		Detail: "The backend did not carry the change out, or not to its end. Send the request again."}
}

// takesAccess reports whether an intent takes an account away from somebody who
// has it now: by deleting it or by disabling it.
func takesAccess(intent translators.Intent) bool {
	if intent.Type.Name != "User" {
		return false
	}
	return intent.Action == scim.ActionDelete || intent.Action == scim.ActionUpdate && disablesAccount(intent)
}

// disablesAccount reports whether an intent makes active false where it is not,
// also in a new account.
func disablesAccount(intent translators.Intent) bool {
	return changesActive(intent, func(d scim.Difference) bool { return d.After.Kind() == scim.KindBool && !d.After.IsTrue() })
}

// enablesAccount reports whether an intent makes active true where it is false.
func enablesAccount(intent translators.Intent) bool {
	return changesActive(intent, func(d scim.Difference) bool {
		return d.After.IsTrue() && d.Before.Kind() == scim.KindBool && !d.Before.IsTrue()
	})
}

func changesActive(intent translators.Intent, so func(scim.Difference) bool) bool {
	active := intent.Type.Attribute("active")
	return active != nil && active.Schema() == intent.Type.Schema.ID && slices.ContainsFunc(intent.Changes, func(d scim.Difference) bool {
		return d.Attribute == active && so(d)
	})
}

// prove reads back what the plan must prove. A disable that did not take effect
// is an error however well the calls went (DESIGN §4 rule 2).
func (x *exchange) prove(ctx context.Context, intent translators.Intent, plan *translators.Plan, report translators.Report) (carried, error) {
	done := carried{report: report, proof: translators.Proof{Status: translators.NotNeeded}}
	if plan.Proves == translators.ProofNone {
		return done, nil
	}
	// The calls were made: whether they took effect is found out also when the
	// request's own time is up.
	proving, cancel := context.WithTimeout(context.WithoutCancel(ctx), translators.SettleTimeout)
	defer cancel()
	done.proof = x.h.translator.Prove(proving, plan, report)
	if done.proof.Err != nil {
		done.proof.Status = proofFailed
	}
	if plan.Proves == translators.ProofDisabled && done.proof.Status == translators.Proven {
		x.doubt(proving, intent, &done)
	}
	x.proof, x.reason = done.proof.Status, done.proof.Detail
	if plan.Proves == translators.ProofDisabled {
		x.noteDisable(done.proof.Status)
	}
	switch {
	case done.proof.Err != nil:
		return done, &scim.Error{Status: http.StatusGatewayTimeout, RetryAfter: retryUnknown, Err: done.proof.Err,
			Detail: fmt.Sprintf("The change was sent to the backend, and reading it back failed, so that the account is not proven to be %s. Send the request again.", plan.Proves)}
	case done.proof.Status == translators.Unprovable:
		x.h.log.Warn("the backend accepted a change of active and can't prove it",
			zap.String("request_id", x.id), zap.String("wanted", string(plan.Proves)), zap.String("reason", done.proof.Detail))
	case done.proof.Status != translators.Proven: // refuted, or not answered
		x.h.log.Error("a change of active did not take effect in the backend",
			zap.String("request_id", x.id), zap.String("wanted", string(plan.Proves)), zap.String("reason", done.proof.Detail))
		return done, &scim.Error{Status: http.StatusBadGateway, RetryAfter: retryRefuted,
			Detail: fmt.Sprintf("The account is not proven to be %s: %s", plan.Proves, done.proof.Detail)}
	}
	return done, nil
}

// begin records the intent, and returns what records its outcome. No call is made
// when it can't be recorded.
func (x *exchange) begin(ctx context.Context, intent translators.Intent, plan *translators.Plan) (end func(carried, error), err error) {
	if x.h.Journal.Off {
		return func(carried, error) {}, nil
	}
	if x.operator != nil {
		if x.h.unjournaled != nil {
			return nil, x.h.unjournaled
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, operatorRecords)
		defer cancel()
	}
	x.step++
	log := x.h.journal
	var entry journal.Entry
	if err = errNoJournal; log != nil {
		working.begin(x.entryID())
		if entry, err = x.entry(ctx, intent, plan); err == nil {
			err = log.Begin(ctx, entry)
		}
	}
	if err != nil {
		working.end(x.entryID())
		return nil, &scim.Error{Status: http.StatusServiceUnavailable, RetryAfter: retryUnavailable, Err: err,
			Detail: "The gateway can't record what it is about to do, so that nothing was done."}
	}
	id, started, isNamed := x.entryID(), time.Now(), nameIn(intent) != ""
	return func(done carried, failed error) {
		if done.report.Outcome == translators.Unknown {
			working.leave(id, time.Now().Add(translators.SettleTimeout))
			x.h.entries.Emit(entry)
			return // the entry stays open
		}
		outcome := journal.Outcome{
			ID: id, Result: journal.Result(done.report.Outcome), Resource: done.report.ID(),
			Proof: string(done.proof.Status), Ended: time.Now().UTC(), Duration: time.Since(started),
		}
		if there := done.entry(); !isNamed && there != nil {
			outcome.Name = nameOf(there.Resource)
		}
		if failed != nil {
			outcome.Error = errorKind(failed)
		}
		if o := done.owes; o != nil && x.operator == nil {
			o.records = append(o.records, record{entry, outcome})
			x.h.entries.Emit(entry)
			return // the entry stays open until it is proven
		}
		x.h.entries.Emit(entry.With(outcome))
		if err := log.End(outcome); err != nil {
			x.unrecorded = err
			x.h.log.Error("the outcome of a write could not be recorded", zap.String("request_id", x.id), zap.Error(err))
		}
		working.end(id)
	}, nil
}

// recordUnwritten records a disable for which nothing had to be written, because
// the lock is in place, and which is not in force all the same: who looks for a
// person's disables must find it. The answer is the same when it can't be recorded.
func (x *exchange) recordUnwritten(ctx context.Context, intent translators.Intent, plan *translators.Plan, done carried, failed error) {
	end, err := x.begin(ctx, intent, plan)
	if err != nil {
		x.unrecorded = err
		x.h.log.Error("a disable that is not proven could not be recorded", zap.String("request_id", x.id), zap.Error(err))
		return
	}
	end(done, failed)
}

// rehearsed logs a plan that is not carried out. A dry run answers no write with
// success (DESIGN §4 rule 15).
func (x *exchange) rehearsed(plan *translators.Plan) error {
	x.h.log.Info("dry run: this plan was not carried out", zap.String("request_id", x.id), zap.String("plan", PlanText(plan)))
	return &scim.Error{Status: http.StatusServiceUnavailable, RetryAfter: retryUnavailable, Err: policy.ErrHeldBack,
		Detail: "The gateway makes a dry run: nothing was written. Its log has the plan."}
}

// PlanText prints the calls of a plan, one after the other with a blank line
// between them, each behind a comment that says what it is for.
func PlanText(plan *translators.Plan) string {
	if len(plan.Calls) == 0 {
		return "# nothing to do\n"
	}
	var b strings.Builder
	for i, call := range plan.Calls {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "# %s\n%s\n", call.Purpose(), strings.TrimRight(call.String(), "\n"))
	}
	return b.String()
}
