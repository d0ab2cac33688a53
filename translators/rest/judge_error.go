package rest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/signin"
)

const notSignedIn = "The application does not accept the gateway's credentials. Check them in its configuration."

// refusal is the error for an answer that says anything but success.
func (s *step) refusal(a *answer) error {
	e := &translators.Error{RetryAfter: a.retryAfter, Err: fmt.Errorf("%s: the answer has the status %d%s", s, a.status, a.words())}
	switch a.verdict {
	case VerdictNotFound:
		e.Kind = translators.NotFound
		e.Detail = fmt.Sprintf("The application has no such %s.", strings.ToLower(s.kind.mapping.Type.Name))
	case VerdictConflict:
		e.Kind, e.Path = translators.Conflict, s.pathIn(a.text)
		e.Detail = about(e.Path, "the application has this value already, and each may have it once.")
		if a.text != "" {
			e.Detail = about(e.Path, fmt.Sprintf("the application has this value already, and each may have it once: %q", a.text))
		}
	case VerdictInvalid:
		e.Kind, e.Path = translators.Invalid, s.pathIn(a.text)
		e.Detail = about(e.Path, "the application does not take a value.")
		if a.text != "" {
			e.Detail = about(e.Path, fmt.Sprintf("the application does not take a value: %q", a.text))
		}
	case VerdictRefused:
		e.Kind = translators.Refused
		e.Detail = "The application forbids this to the gateway's account. Check what the account may do there."
		if said := a.said(); said != "" {
			e.Detail = fmt.Sprintf("The application refuses this: %q", said)
		}
	case VerdictChanged:
		e.Kind = translators.Changed
		e.Detail = fmt.Sprintf("The %s was changed in the application meanwhile. Read it again.", strings.ToLower(s.kind.mapping.Type.Name))
	case VerdictBusy:
		e.Kind = translators.Unavailable
		e.Detail = "The application is busy. Try again later."
		if said := a.said(); said != "" {
			e.Said = said
			e.Detail = fmt.Sprintf("The application is busy: %q", said)
		}
	case VerdictSignIn:
		e.Kind = translators.Unavailable
		e.Detail = notSignedIn
	case VerdictUnclear:
		e.Kind = translators.Unavailable
		e.Detail = "The application's answer does not tell whether it has made the change."
		if s.isWrite {
			e.Kind = translators.Indefinite
		}
	default:
		return s.broken(a, a.fault)
	}
	return e
}

// broken is the error for an answer that can't be what the application means to say.
func (s *step) broken(a *answer, why error) error {
	if why == nil {
		why = errors.New("it is not one that is known")
	}
	e := &translators.Error{Kind: translators.Unavailable, RetryAfter: a.retryAfter,
		Detail: "The application has answered with something that can't be understood. Try again later; the log of the gateway says what came.",
		Err:    fmt.Errorf("%s: the answer has the status %d, %s%s: %w", s, a.status, a.media(), a.words(), why)}
	// An answer that blames the request says that nothing was done, if nobody has said
	// otherwise.
	if s.isWrite && (a.isSaid || a.status < 300 || a.status > 499) {
		e.Kind = translators.Indefinite
		e.Detail = "The application has answered with something that can't be understood, and may have made the change. The log of the gateway says what came."
	}
	if said := a.said(); said != "" && a.fault == nil {
		e.Said = said
		e.Detail = fmt.Sprintf("The application says that it has failed: %q", said)
	}
	return e
}

// said are the application's own words where a line of the configuration, and not the
// status alone, says what the answer means: then they are the reason, for the provider
// too.
func (a *answer) said() string {
	if !a.isSaid {
		return ""
	}
	return a.text
}

// words are the application's own, for our log.
func (a *answer) words() string {
	if a.text == "" {
		return ""
	}
	return fmt.Sprintf(", saying %q", a.text)
}

// about puts the path before a sentence, or begins it with a capital.
func about(path, sentence string) string {
	if path != "" {
		return path + ": " + sentence
	}
	return strings.ToUpper(sentence[:1]) + sentence[1:]
}

// pathIn is the path of the attribute whose field the application names in a text, if
// it names but one.
func (s *step) pathIn(text string) string {
	if text == "" {
		return ""
	}
	var named []string
	for _, m := range s.kind.config.Maps {
		for _, field := range m.Fields {
			if containsWord(text, field[strings.LastIndexByte(field, '.')+1:]) && !slices.Contains(named, m.Path) {
				named = append(named, m.Path)
			}
		}
	}
	if len(named) == 1 {
		return named[0]
	}
	return ""
}

func containsWord(text, field string) bool {
	if len(field) < 3 {
		return false
	}
	p, err := regexp.Compile(`(?i)(^|[^\pL\pN_])` + regexp.QuoteMeta(field) + `($|[^\pL\pN_])`)
	return err == nil && p.MatchString(text)
}

// scrub takes out of a text from the application what was sent to it as a secret.
func (l *lookup) scrub(text string) string {
	if text == "" {
		return ""
	}
	hidden := l.t.backend.signIn.Hidden()
	for _, f := range l.with.fields {
		if f.mask != "" {
			hidden = appendTexts(hidden, gjson.Parse(f.raw))
		}
	}
	for name := range l.s.names {
		if v, ok, err := l.find(name); ok && err == nil && v.Mask != "" {
			hidden = appendTexts(hidden, gjson.Parse(v.JSON))
		}
	}
	return signin.Hide(text, hidden...)
}

// appendTexts adds the texts and numbers in a value, as they are and as they are quoted.
func appendTexts(texts []string, v gjson.Result) []string {
	switch {
	case v.IsArray() || v.IsObject():
		v.ForEach(func(_, element gjson.Result) bool {
			texts = appendTexts(texts, element)
			return true
		})
	case v.Type == gjson.String || v.Type == gjson.Number:
		texts = append(texts, v.String(), safeText(v.String()))
	}
	return texts
}

// longestCause bounds what our log is told of one failure, in characters: some causes
// quote an answer.
const longestCause = 1000

// clean makes an error one that holds no secret, wherever in its words: a page has a title,
// a redirect an address, and what is no HTTP may be anything.
func (l *lookup) clean(err error) error {
	e, is := errors.AsType[*translators.Error](err)
	if !is {
		return err
	}
	e.Detail, e.Said = l.scrub(e.Detail), l.scrub(e.Said)
	if e.Err == nil {
		return err
	}
	text := e.Err.Error()
	cleaned := text
	if runes := []rune(text); len(runes) > longestCause {
		cleaned = string(runes[:longestCause]) + "…"
	}
	if cleaned = l.scrub(cleaned); cleaned != text {
		e.Err = &cleanError{cleaned, e.Err}
	}
	return err
}

// cleanError is an error in other words.
type cleanError struct {
	text  string
	cause error
}

// Error implements error.
func (e *cleanError) Error() string { return e.text }

// Unwrap returns the error in its own words.
func (e *cleanError) Unwrap() error { return e.cause }
