package translators

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Report is what became of a plan.
type Report struct {
	Results []CallResult // of the calls that were made, in order
	Undone  []CallResult // of the undo calls, in the order in which they were made
	// Outcome is Applied when every call was, NotApplied when the backend is as it was
	// before, but for what Remains tells, and Unknown when that can't be known or some
	// calls were applied and others not.
	Outcome Outcome
	Partial bool  // some calls are applied and could not be taken back
	Kept    []int // the places of those in the plan, first to last
	Err     error // the first failure, and what could then not be taken back
}

// IsKnown reports whether it is known of each call, and of each undo, what became of it.
func (r Report) IsKnown() bool {
	isOpen := func(c CallResult) bool { return c.Outcome != Applied && c.Outcome != NotApplied }
	return !slices.ContainsFunc(r.Results, isOpen) && !slices.ContainsFunc(r.Undone, isOpen)
}

// Remains tells what stays behind although it was taken back.
func (r Report) Remains() string {
	var all []string
	for _, result := range r.Undone {
		if result.Remains != "" {
			all = append(all, result.Remains)
		}
	}
	return strings.Join(all, " ")
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
// takes back, last first, those before it that can be. One that stands alone
// ([CallResult.IsAlone]) ends nothing and has nothing taken back.
func Execute(ctx context.Context, p *Plan) Report {
	report := Report{Outcome: Applied}
	var alone []error
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
				settled.Err = withReason(settled, result.Err)
			}
			result = settled
		}
		report.Results = append(report.Results, result)
		switch {
		case result.Outcome == Applied:
		case result.Outcome == NotApplied && result.IsAlone:
			alone = append(alone, result.Err)
		default:
			report.Outcome, report.Err = result.Outcome, result.Err
			report.takeBack(ctx, p)
			return report
		}
	}
	if len(alone) > 0 {
		report.goneOn(alone)
	}
	return report
}

// goneOn completes the report of a plan of which some calls were not applied, and all
// others made.
func (r *Report) goneOn(alone []error) {
	for i, result := range r.Results {
		if result.Outcome == Applied && !result.IsUnchanged {
			r.Kept = append(r.Kept, i)
		}
	}
	r.Outcome, r.Err = NotApplied, together(alone)
	if r.Partial = len(r.Kept) > 0; r.Partial {
		r.Outcome = Unknown
	}
}

// mostTold is how many failures of calls that stand alone are told one by one.
const mostTold = 5

// together makes one error of several: it is of the kind of the first, and its detail has
// the first of theirs.
func together(all []error) error {
	all = slices.DeleteFunc(slices.Clone(all), func(err error) bool { return err == nil })
	if len(all) < 2 {
		return errors.Join(all...)
	}
	first, is := errors.AsType[*Error](all[0])
	if !is {
		return errors.Join(all...)
	}
	var details []string
	for _, err := range all[:min(len(all), mostTold)] {
		if e, is := errors.AsType[*Error](err); is {
			details = append(details, e.Detail)
		}
	}
	if more := len(all) - mostTold; more > 0 {
		details = append(details, fmt.Sprintf("And %d more.", more))
	}
	return &Error{Kind: first.Kind, Path: first.Path, RetryAfter: first.RetryAfter, Detail: strings.Join(details, " "), Err: errors.Join(all...)}
}

// withReason adds to the error of a change that was found not to be made what the backend
// itself has said of it.
func withReason(settled CallResult, first error) error {
	e, isOurs := errors.AsType[*Error](settled.Err)
	reason, has := errors.AsType[*Error](first)
	if !isOurs || !has || e == reason || reason.Said == "" {
		return settled.Err
	}
	explained := *e
	what := "The change was not made."
	if settled.IsAlone || e.Kind == Conflict {
		what = e.Detail // which says of what, or who is in the way
	}
	explained.Detail, explained.Said, explained.Err = fmt.Sprintf("%s The backend says: %q", what, reason.Said), reason.Said, errors.Join(settled.Err, first)
	return &explained
}

// takeBack undoes the applied calls before the one that failed, but for those that have
// changed nothing.
func (r *Report) takeBack(ctx context.Context, p *Plan) {
	undoing, cancel := context.WithTimeout(context.WithoutCancel(ctx), SettleTimeout)
	defer cancel()
	for i := len(r.Results) - 2; i >= 0; i-- {
		if made := r.Results[i]; made.Outcome != Applied || made.IsUnchanged {
			continue
		}
		undo := p.Calls[i].Undo()
		if undo == nil {
			r.Kept = append(r.Kept, i)
			continue
		}
		result := undo.Do(undoing, r.Results)
		if result.Outcome == Unknown && !result.IsSettled {
			settled := undo.Settle(undoing, r.Results)
			if settled.Outcome != Applied {
				settled.Err = cmp.Or(result.Err, settled.Err) // which says what could not be done
			}
			settled.Remains = cmp.Or(settled.Remains, result.Remains)
			result = settled
		}
		r.Undone = append(r.Undone, result)
		if result.Outcome != Applied {
			r.Kept = append(r.Kept, i)
			r.notUndone(undo, result)
		}
	}
	slices.Reverse(r.Kept)
	if r.Partial = len(r.Kept) > 0; r.Partial {
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
