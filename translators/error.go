package translators

import (
	"errors"
	"strings"
	"time"
)

// ErrorKind is why a backend could not do what was asked.
type ErrorKind string

// The kinds of errors. NotFound alone means absence.
const (
	NotFound    ErrorKind = "not found"
	Conflict    ErrorKind = "conflict"    // the value is taken
	Invalid     ErrorKind = "invalid"     // the backend does not take the value
	TooMany     ErrorKind = "too many"    // the search is too wide to be answered
	Unavailable ErrorKind = "unavailable" // no answer, or not a complete one; nothing was written
	Indefinite  ErrorKind = "unknown"     // a write was sent and its outcome is not known
	Refused     ErrorKind = "refused"     // the backend, or the configuration, forbids it
	Changed     ErrorKind = "changed"     // the resource has not the version that was asked for; nothing was written
)

// Error is a failure of a backend.
type Error struct {
	Kind ErrorKind
	// Detail is for the person in front of the provider's log: what to change.
	// It never holds another person's data or a DN, and of the backend's own words only
	// those that the configuration calls the reason, made safe to show.
	Detail string
	// Said are those words, where there are any.
	Said string
	// Path is the SCIM path that the error is about, if it is known.
	Path string
	// IDs are the resources involved where several exist for one matching value.
	IDs []string
	// RetryAfter is when trying again makes sense; 0 when unknown.
	RetryAfter time.Duration
	// Err is the backend's answer, for our own log alone.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	s := string(e.Kind) + ": " + e.Detail
	if len(e.IDs) > 0 {
		s += " (" + strings.Join(e.IDs, ", ") + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the *Error in err's chain, or "".
func KindOf(err error) ErrorKind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}
