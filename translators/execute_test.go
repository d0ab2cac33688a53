package translators_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/translators"
)

// scripted is a call whose outcomes are given; what is done is written down in
// log, in order.
type scripted struct {
	name        string
	does        translators.CallResult
	settles     translators.CallResult
	undo        *scripted
	log         *[]string
	whenDone    func()
	seenPrior   int
	hasDeadline bool
}

func (c *scripted) String() string  { return c.name }
func (c *scripted) Purpose() string { return c.name }

func (c *scripted) Do(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	return c.run(ctx, "do", prior, c.does)
}

func (c *scripted) Settle(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	_, c.hasDeadline = ctx.Deadline()
	return c.run(ctx, "settle", prior, c.settles)
}

func (c *scripted) run(ctx context.Context, verb string, prior []translators.CallResult, result translators.CallResult) translators.CallResult {
	line := verb + " " + c.name
	if ctx.Err() != nil {
		line += " too late"
	}
	*c.log = append(*c.log, line)
	c.seenPrior = len(prior)
	if c.whenDone != nil {
		c.whenDone()
	}
	return result
}

func (c *scripted) Undo() translators.Call {
	if c.undo == nil {
		return nil
	}
	return c.undo
}

var (
	applied    = translators.CallResult{Outcome: translators.Applied}
	notApplied = translators.CallResult{Outcome: translators.NotApplied, Err: errors.New("refused")}
	looked     = translators.CallResult{Outcome: translators.Unknown, IsSettled: true, Err: errors.New("timed out")}
	unknown    = translators.CallResult{Outcome: translators.Unknown, Err: errors.New("timed out")}
)

func TestExecute(t *testing.T) {
	type step struct {
		does, settles translators.CallResult
		undo          *translators.CallResult // nil: it can't be undone
		undoSettles   translators.CallResult
	}
	tests := []struct {
		name      string
		steps     []step
		log       string
		outcome   translators.Outcome
		isPartial bool
		err       string
	}{
		{"no calls", nil, "", translators.Applied, false, ""},
		{"all applied, in order", []step{{does: applied}, {does: applied}}, "do a, do b", translators.Applied, false, ""},
		{"the first fails", []step{{does: notApplied}, {does: applied}}, "do a", translators.NotApplied, false, "refused"},
		{"the last fails and all before it are undone, last first",
			[]step{{does: applied, undo: &applied}, {does: applied, undo: &applied}, {does: notApplied, undo: &applied}},
			"do a, do b, do c, do undo b, do undo a", translators.NotApplied, false, "refused"},
		{"one before it can't be undone", []step{{does: applied}, {does: applied, undo: &applied}, {does: notApplied}},
			"do a, do b, do c, do undo b", translators.Unknown, true, "refused"},
		{"undoing fails", []step{{does: applied, undo: &notApplied}, {does: notApplied}}, "do a, do b, do undo a", translators.Unknown, true, "refused; not taken back: refused"},
		{"undoing times out and took effect", []step{{does: applied, undo: &unknown, undoSettles: applied}, {does: notApplied}},
			"do a, do b, do undo a, settle undo a", translators.NotApplied, false, "refused"},
		{"undoing times out and nobody knows", []step{{does: applied, undo: &unknown, undoSettles: unknown}, {does: notApplied}},
			"do a, do b, do undo a, settle undo a", translators.Unknown, true, "refused; not taken back: timed out"},
		{"undoing has looked itself", []step{{does: applied, undo: &looked, undoSettles: applied}, {does: notApplied}},
			"do a, do b, do undo a", translators.Unknown, true, "refused; not taken back: timed out"},
		{"two undos fail, and the one between is made", []step{{does: applied, undo: &notApplied}, {does: applied, undo: &applied}, {does: applied, undo: &unknown, undoSettles: unknown}, {does: notApplied}},
			"do a, do b, do c, do d, do undo c, settle undo c, do undo b, do undo a", translators.Unknown, true, "refused; not taken back: timed out; not taken back: refused"},
		{"a time-out that took effect", []step{{does: unknown, settles: applied}, {does: applied}}, "do a, settle a, do b", translators.Applied, false, ""},
		{"a time-out that took none", []step{{does: applied, undo: &applied}, {does: unknown, settles: translators.CallResult{Outcome: translators.NotApplied}}},
			"do a, do b, settle b, do undo a", translators.NotApplied, false, "timed out"},
		{"a time-out that turns out to be a refusal", []step{{does: unknown, settles: notApplied}}, "do a, settle a", translators.NotApplied, false, "refused"},
		{"a time-out that nobody can resolve", []step{{does: unknown, settles: translators.CallResult{Outcome: translators.Unknown, Err: errors.New("still down")}}},
			"do a, settle a", translators.Unknown, false, "timed out"},
		{"unresolved after one that is undone", []step{{does: applied, undo: &applied}, {does: unknown, settles: unknown}},
			"do a, do b, settle b, do undo a", translators.Unknown, false, "timed out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log []string
			plan := &translators.Plan{}
			for i, s := range tt.steps {
				c := &scripted{name: string(rune('a' + i)), does: s.does, settles: s.settles, log: &log}
				if s.undo != nil {
					c.undo = &scripted{name: "undo " + c.name, does: *s.undo, settles: s.undoSettles, log: &log}
				}
				plan.Calls = append(plan.Calls, c)
			}
			report := translators.Execute(t.Context(), plan)
			if diff := cmp.Diff(tt.log, strings.Join(log, ", ")); diff != "" {
				t.Error(diff)
			}
			if report.Outcome != tt.outcome || report.Partial != tt.isPartial {
				t.Errorf("outcome %s, partial %t", report.Outcome, report.Partial)
			}
			if message := errorText(report.Err); message != tt.err {
				t.Errorf("error %q, want %q", message, tt.err)
			}
			for i, c := range plan.Calls[:len(report.Results)] {
				if got := c.(*scripted).seenPrior; got != i {
					t.Errorf("call %d saw %d results", i, got)
				}
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestExecuteGoesOnWhenTheCallerHasGone: what was begun must be known and, if
// it failed half way, undone.
func TestExecuteGoesOnWhenTheCallerHasGone(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var log []string
	a := &scripted{name: "a", does: applied, log: &log, undo: &scripted{name: "undo a", does: applied, log: &log}}
	b := &scripted{name: "b", does: unknown, settles: translators.CallResult{Outcome: translators.NotApplied}, log: &log}
	b.whenDone = leave
	report := translators.Execute(ctx, &translators.Plan{Calls: []translators.Call{a, b}})
	if diff := cmp.Diff("do a, do b, settle b, do undo a", strings.Join(log, ", ")); diff != "" {
		t.Error(diff)
	}
	if report.Outcome != translators.NotApplied {
		t.Errorf("outcome %s", report.Outcome)
	}
	if !b.hasDeadline {
		t.Error("reading back has no deadline")
	}
}

func TestReport(t *testing.T) {
	first, second := &translators.Entry{}, &translators.Entry{}
	r := translators.Report{Results: []translators.CallResult{{ID: "7", Entry: first}, {Entry: second}, {}}}
	if r.ID() != "7" || r.Last() != second {
		t.Errorf("id %q", r.ID())
	}
	if empty := (translators.Report{}); empty.ID() != "" || empty.Last() != nil {
		t.Error("something came of nothing")
	}
}

func TestErrorSaysAllOfItInsideOnly(t *testing.T) {
	cause := errors.New("LDAP Result Code 68")
	err := error(&translators.Error{Kind: translators.Conflict, Detail: "userName is taken", IDs: []string{"1", "2"}, RetryAfter: time.Second, Err: cause})
	if err.Error() != "conflict: userName is taken (1, 2): LDAP Result Code 68" {
		t.Error(err)
	}
	if !errors.Is(err, cause) || translators.KindOf(errors.Join(errors.New("creating"), err)) != translators.Conflict {
		t.Error("the kind or the cause is not found")
	}
	if translators.KindOf(cause) != "" {
		t.Error("another error has a kind")
	}
}
