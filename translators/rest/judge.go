package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/scimgate/scimgate/translators/rest/web"
)

// judge is a compiled [Judgement].
type judge struct {
	verdict  Verdict
	statuses []statusRange
	text     string     // in lower case
	when     *condition // nil: none
}

// statusRange are the statuses from low to high.
type statusRange struct{ low, high int }

// judgeNames are the variables of the expressions of judgements.
var judgeNames = []string{"status", "body", "text", "header"}

func compileJudges(judgements []Judgement) ([]judge, error) {
	var judges []judge
	for _, c := range judgements {
		if !slices.Contains(verdictWords, string(c.Verdict)) {
			return nil, fmt.Errorf("there is no verdict %s: there are %s", c.Verdict, strings.Join(verdictWords, ", "))
		}
		statuses, err := compileStatuses(c.Statuses)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Verdict, err)
		}
		if len(statuses) == 0 && c.Text == "" && c.When == "" {
			return nil, fmt.Errorf("%s: say of which answers", c.Verdict)
		}
		j := judge{verdict: c.Verdict, statuses: statuses, text: strings.ToLower(c.Text)}
		if c.When != "" {
			if j.when, err = compileCondition(c.When, judgeNames); err != nil {
				return nil, fmt.Errorf("%s: when: %w", c.Verdict, err)
			}
		}
		judges = append(judges, j)
	}
	return judges, nil
}

// compileStatuses reads 422, 4xx and 200-204.
func compileStatuses(texts []string) ([]statusRange, error) {
	var ranges []statusRange
	for _, text := range texts {
		r, err := compileStatus(text)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, r)
	}
	return ranges, nil
}

func compileStatus(text string) (statusRange, error) {
	wrong := fmt.Errorf("%s is no status: write one such as 422, all of a kind such as 4xx, or a range such as 200-204", text)
	if class, is := strings.CutSuffix(strings.ToLower(text), "xx"); is {
		n, err := strconv.Atoi(class)
		if err != nil || n < 2 || n > 5 {
			return statusRange{}, wrong
		}
		return statusRange{n * 100, n*100 + 99}, nil
	}
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	low, errLow := strconv.Atoi(from)
	high, errHigh := strconv.Atoi(to)
	if errLow != nil || errHigh != nil || low < 200 || high > 599 || low > high {
		return statusRange{}, wrong
	}
	return statusRange{low, high}, nil
}

// applies reports whether all that is given is so of an answer.
func (j *judge) applies(a *answer) bool {
	if len(j.statuses) > 0 && !slices.ContainsFunc(j.statuses, func(r statusRange) bool { return r.low <= a.status && a.status <= r.high }) {
		return false
	}
	if j.text != "" && !a.contains(j.text) {
		return false
	}
	if j.when == nil {
		return true
	}
	is, err := j.when.expression.IsTrue(a.variables(j.when.used))
	if err != nil {
		// What looks for a failure and does not understand an answer that says it is
		// none has not found that there is none.
		return j.verdict == VerdictFailed && isSuccess(a.status) && a.doc.Exists()
	}
	return is
}

// isGood reports whether the application has done what it was asked for, or is about to.
func (a *answer) isGood() bool {
	return a.verdict == VerdictSuccess || a.verdict == VerdictAlready || a.verdict == VerdictAccepted
}

func isSuccess(status int) bool { return status >= 200 && status <= 299 }

// judge says what an answer means.
func (s *step) judge(r *web.Response) *answer {
	a := s.read(r)
	a.mayBeDone = r.MaybeDone
	a.verdict = s.verdict(a)
	if a.verdict == VerdictNotFound && r.IsRedirected && !a.isSaid {
		a.verdict = VerdictFailed // what is not there is where it leads to
	}
	if !s.isWrite && (a.verdict == VerdictConflict || a.verdict == VerdictChanged) {
		a.verdict = VerdictFailed // who only reads is in nobody's way
	}
	if a.verdict == VerdictNotFound && r.MaybeDone && s.op == OpDelete {
		a.verdict = VerdictAlready
	}
	if a.verdict == VerdictConflict && r.MaybeDone && s.op == OpCreate {
		a.verdict = VerdictUnclear // it may be ours
	}
	return a
}

func (s *step) verdict(a *answer) Verdict {
	for i := range s.judges {
		if s.judges[i].applies(a) {
			a.isSaid = true
			return s.judges[i].verdict
		}
	}
	switch status := a.status; {
	case isSuccess(status):
		if a.fault != nil {
			return VerdictFailed
		}
		if status == http.StatusAccepted && s.isWrite {
			return VerdictAccepted
		}
		return VerdictSuccess
	case (status == http.StatusNotFound || status == http.StatusGone) && s.namesOne && !a.isHTML:
		return VerdictNotFound
	case status == http.StatusConflict:
		return VerdictConflict
	case status == http.StatusPreconditionFailed:
		return VerdictChanged
	case status == http.StatusBadRequest || status == http.StatusUnprocessableEntity:
		return VerdictInvalid
	case status == http.StatusUnauthorized:
		return VerdictSignIn
	case status == http.StatusForbidden:
		return VerdictRefused
	case isBusyStatus(status):
		return VerdictBusy
	}
	return VerdictFailed
}

func isBusyStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	return false
}

func isBusy(r *web.Response) bool { return isBusyStatus(r.Status) }

// judging answers web's questions about an answer, and keeps what it has found.
type judging struct {
	s    *step
	last *web.Response
	a    *answer
}

func (j *judging) of(r *web.Response) *answer {
	if j.last != r || j.a == nil {
		j.last, j.a = r, j.s.judge(r)
	}
	return j.a
}

func (j *judging) isRefused(r *web.Response) bool { return j.of(r).verdict == VerdictSignIn }

// isBusy reports whether the application is; the answer then has the time to wait that its
// body tells.
func (j *judging) isBusy(r *web.Response) bool {
	a := j.of(r)
	if a.verdict == VerdictBusy {
		r.RetryAfter = a.retryAfter
	}
	return a.verdict == VerdictBusy
}

// isAnswer reports whether the configuration says something of a redirect.
func (j *judging) isAnswer(r *web.Response) bool { return j.of(r).isSaid }
