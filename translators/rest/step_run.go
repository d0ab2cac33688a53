package rest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/template"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// run makes the call and judges the answer. Its error is an *translators.Error, of a
// kind that suits the verdict; one of the kind Indefinite is a write that may have been
// done, or whose answer leaves open whether it was ("unclear"): the caller looks, and
// compares. An answer is there also with an error, where one came. A step whose When is
// not true is not made: answer and error are nil.
func (t *Translator) run(ctx context.Context, s *step, with *scope) (*answer, error) {
	l := &lookup{t: t, s: s, with: with}
	isDue, err := l.isDue()
	if !isDue || err != nil {
		return nil, err
	}
	r, err := l.request()
	if err != nil {
		return nil, s.notSent(err)
	}
	a, err := t.send(ctx, l, r)
	if err != nil {
		return a, err
	}
	if err := s.take(a); err != nil && a.verdict != VerdictAccepted { // which need not tell yet
		return a, l.clean(s.broken(a, err))
	}
	return a, nil
}

// isDue reports whether the call is to be made.
func (l *lookup) isDue() (bool, error) {
	if l.s.when == nil {
		return !l.isIdle(), nil
	}
	is, err := l.s.when.expression.IsTrue(l.variables(l.s.when.used))
	if err != nil {
		return false, &translators.Error{Kind: translators.Unavailable, Err: fmt.Errorf("%s: when: %w", l.s, err),
			Detail: "The gateway's configuration has an expression that fails on this resource; its log says which."}
	}
	return is, nil
}

// due reports whether a call is to be made, when a plan is: one that depends on what is not
// known before is planned, and run decides.
func (t *Translator) due(s *step, with *scope) (bool, error) {
	if s.isOpen(with) {
		return true, nil
	}
	return (&lookup{t: t, s: s, with: with}).isDue()
}

// isOpen reports whether it is not known yet whether the call is to be made.
func (s *step) isOpen(with *scope) bool {
	return s.when != nil && (slices.Contains(s.when.used, "answers") && s.number > len(with.prior)+1 ||
		slices.Contains(s.when.used, "id") && with.id == "" ||
		slices.Contains(s.when.used, "record") && !with.record.Exists())
}

// checkValues refuses a creation of which a call will lack a value, before the first call
// is sent. What only an earlier call will tell stands as a symbol.
func (l *lookup) checkValues() error {
	if l.s.op != OpCreate || l.s.isOpen(l.with) {
		return nil
	}
	_, err := (&lookup{t: l.t, s: l.s, with: l.with, isPrinting: true}).request()
	if _, is := errors.AsType[*template.MissingError](err); is {
		return l.s.notSent(err)
	}
	return nil
}

// isIdle reports whether an update that sends what changes has nothing to send.
func (l *lookup) isIdle() bool {
	s := l.s
	if s.op != OpUpdate || s.names["fields"] == nil || s.body == nil || s.body.isWhole {
		return false
	}
	return !slices.ContainsFunc(l.with.fields, func(f fieldValue) bool {
		return !slices.Contains(s.config.Without, f.path.String())
	})
}

// needsRecord reports whether the call can't be built without the record as it is.
func (s *step) needsRecord() bool {
	if s.config.IfMatch || s.seesRecord || s.body != nil && s.body.isWhole {
		return true
	}
	for name := range s.names {
		if name == "record" || strings.HasPrefix(name, "record.") {
			return true
		}
	}
	return s.when != nil && slices.Contains(s.when.used, "record")
}

// showsResource reports whether the call names attributes of the resource besides active, or
// values that may be made of them.
func (s *step) showsResource() bool {
	for name := range s.names {
		head, _, _ := strings.Cut(name, ".")
		switch head {
		case "id", "fields", "field", "changed", "secret", "session", "env", "file":
			continue
		}
		if _, err := strconv.Atoi(head); err != nil && !strings.EqualFold(name, "active") {
			return true
		}
	}
	return false
}

// send makes a request and judges the answer.
func (t *Translator) send(ctx context.Context, l *lookup, r *web.Request) (*answer, error) {
	s := l.s
	j := &judging{s: s}
	asksBusy := isBusy
	if s.asksWeb {
		r.IsRefused, r.IsAnswer = j.isRefused, j.isAnswer
		asksBusy = j.isBusy
	}
	r.IsBusy = func(response *web.Response) bool {
		is := asksBusy(response)
		if is {
			translators.NoteBusy(ctx, l.clean(s.refusal(j.of(response))))
		}
		return is
	}
	response, err := t.backend.client.Do(ctx, r)
	if err != nil {
		if failure, isKnown := errors.AsType[*web.Error](err); !isKnown || failure.MayComeLate() {
			l.noteLate(ctx)
		}
		return nil, l.clean(s.unanswered(err))
	}
	a := j.of(response)
	if response.MayComeLate() || a.verdict == VerdictAccepted {
		l.noteLate(ctx)
	}
	a.raw, a.lower = nil, nil
	if a.isGood() {
		return a, nil
	}
	a.text = l.scrub(a.text)
	err = l.clean(s.refusal(a))
	if e, is := errors.AsType[*translators.Error](err); is && s.isWrite && response.MaybeDone {
		e.Kind = translators.Indefinite // it speaks of the repetition; the first may have been carried out
	}
	return a, err
}

// String names the call in errors: as it stands in the configuration, without values.
func (s *step) String() string {
	return fmt.Sprintf("%s of %s: %s %s", s.op, s.kind.mapping.Type.Name, s.config.Method, s.config.URL)
}

// notSent is the error for a request that could not be built.
func (s *step) notSent(err error) error {
	if known, is := errors.AsType[*translators.Error](err); is {
		return known
	}
	call := string(s.op)
	if s.number > 1 || len(s.kind.steps[s.op]) > 1 {
		call = fmt.Sprintf("%s, call %d", s.op, s.number)
	}
	if wrong, is := errors.AsType[*brokenValueError](err); is {
		return &translators.Error{Kind: translators.Unavailable, Err: fmt.Errorf("%s: %w", s, err),
			Detail: fmt.Sprintf("The request to the application can't be made: the expression of the configuration's line value %s fails, whatever the provider sends (%s). Correct that line; the log of scimgate says what is wrong with it.", wrong.name, call)}
	}
	// Names of templates are the configuration's, and no data.
	name, why := "", "has no value"
	if missing, is := errors.AsType[*template.MissingError](err); is {
		name = missing.Name
	} else if wrong, is := errors.AsType[*template.ValueError](err); is {
		name, why = wrong.Name, "has a value that can't be sent there"
	}
	if name != "" {
		return &translators.Error{Kind: translators.Invalid, Err: fmt.Errorf("%s: %w", s, err),
			Detail: fmt.Sprintf("The request to the application can't be made: {%s} %s (%s).", name, why, call)}
	}
	return &translators.Error{Kind: translators.Invalid, Err: fmt.Errorf("%s: %w", s, err),
		Detail: "The request to the application can't be made of what is known: a value is missing, or has characters that can't be sent. The gateway's log says which."}
}

// unanswered is the error for a request without an answer.
func (s *step) unanswered(err error) error {
	e := &translators.Error{Kind: translators.Unavailable, Err: fmt.Errorf("%s: %w", s, err)}
	cause, isKnown := errors.AsType[*web.Error](err)
	if isKnown {
		e.RetryAfter = cause.RetryAfter
	}
	if s.isWrite && (!isKnown || cause.MaybeSent) {
		e.Kind = translators.Indefinite
		e.Detail = "The application has not answered, and may have made the change. Try again."
		return e
	}
	reason := ""
	if isKnown {
		reason = cause.Reason
	}
	if isKnown && cause.Unavailable != "" {
		e.Detail = fmt.Sprintf("%s is busy, or not available. Try again later; the log of the gateway says why.", strings.ToUpper(cause.Unavailable[:1])+cause.Unavailable[1:])
		return e
	}
	switch reason {
	case "too_large":
		e.Detail = "The application's answer is larger than the gateway takes. Raise max_answer, or ask for smaller pages."
	case "sign_in":
		e.Detail = notSignedIn
	case "busy", "breaker":
		e.Detail = "The application is busy, or not available. Try again later."
	default:
		e.Detail = "The application can't be reached, or does not answer. Try again later; the log of the gateway says why."
	}
	return e
}
