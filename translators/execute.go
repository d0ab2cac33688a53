package translators

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Report is what became of a plan.
type Report struct {
	Results []CallResult // of the calls that were made, in order
	Undone  []CallResult // of the undo calls, in the order in which they were made
	// Outcome is Applied when every call was, NotApplied when the backend is as
	// it was before, and Unknown when that can't be known or some calls were
	// applied and others not.
	Outcome Outcome
	Partial bool  // some calls are applied and could not be taken back
	Err     error // the first failure, and what could then not be taken back
}

// Last returns the latest entry that a call brought, or nil.
func (r Report) Last() *Entry {
	for i := len(r.Results) - 1; i >= 0; i-- {
		if e := r.Results[i].Entry; e != nil {
			return e
		}
	}
	return nil
}

// ID returns the id of the resource that the plan created, or "".
func (r Report) ID() string {
	for _, result := range r.Results {
		if result.ID != "" {
			return result.ID
		}
	}
	return ""
}

// SettleTimeout bounds the reading by which an unknown outcome is resolved and
// the undoing of a plan that failed half way. Both go on when the caller has
// gone: what was begun must be known (DESIGN §4 rule 12).
const SettleTimeout = 15 * time.Second

// Execute makes the calls of a plan in order. After a call whose outcome is
// unknown it reads back what became of it; after one that was not applied it
// takes back, last first, those before it that can be.
func Execute(ctx context.Context, p *Plan) Report {
	report := Report{Outcome: Applied}
	for _, call := range p.Calls {
		result := call.Do(ctx, report.Results)
		if result.Outcome == Unknown && !result.IsSettled {
			settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), SettleTimeout)
			settled := call.Settle(settling, report.Results)
			cancel()
			if settled.Outcome == Unknown || settled.Err == nil && settled.Outcome == NotApplied {
				settled.Err = result.Err
			}
			if settled.Outcome == NotApplied {
				settled.Err = withReason(settled.Err, result.Err)
			}
			result = settled
		}
		report.Results = append(report.Results, result)
		if result.Outcome != Applied {
			report.Outcome, report.Err = result.Outcome, result.Err
			report.takeBack(ctx, p)
			break
		}
	}
	return report
}

// withReason adds to the error of a change that was found not to be made what the backend
// itself has said of it.
func withReason(settled, first error) error {
	e, isOurs := errors.AsType[*Error](settled)
	reason, has := errors.AsType[*Error](first)
	if !isOurs || !has || e == reason || reason.Said == "" {
		return settled
	}
	explained := *e
	explained.Detail, explained.Said, explained.Err = fmt.Sprintf("The change was not made. The backend says: %q", reason.Said), reason.Said, errors.Join(settled, first)
	return &explained
}

// takeBack undoes the applied calls before the one that failed.
func (r *Report) takeBack(ctx context.Context, p *Plan) {
	undoing, cancel := context.WithTimeout(context.WithoutCancel(ctx), SettleTimeout)
	defer cancel()
	for i := len(r.Results) - 2; i >= 0; i-- {
		undo := p.Calls[i].Undo()
		if undo == nil {
			r.Partial = true
			continue
		}
		result := undo.Do(undoing, r.Results)
		if result.Outcome == Unknown && !result.IsSettled {
			settled := undo.Settle(undoing, r.Results)
			if settled.Outcome != Applied {
				settled.Err = cmp.Or(result.Err, settled.Err) // which says what could not be done
			}
			result = settled
		}
		r.Undone = append(r.Undone, result)
		if result.Outcome != Applied {
			r.Partial = true
			r.notUndone(undo, result)
		}
	}
	if r.Partial {
		r.Outcome = Unknown
	}
}

// notUndone adds to the first failure what was not taken back, and why.
func (r *Report) notUndone(undo Call, result CallResult) {
	if r.Err == nil {
		return
	}
	cause := result.Err
	if cause == nil {
		cause = errors.New(undo.Purpose())
	}
	r.Err = fmt.Errorf("%w; not taken back: %w", r.Err, cause)
}
