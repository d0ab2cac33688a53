package scim

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrorType is a SCIM detail error keyword (RFC 7644 §3.12, Table 9).
type ErrorType string

// The keywords of RFC 7644 §3.12 and RFC 9865 §2.1.
const (
	InvalidFilter ErrorType = "invalidFilter"
	TooMany       ErrorType = "tooMany"
	UniquenessErr ErrorType = "uniqueness"
	MutabilityErr ErrorType = "mutability"
	InvalidSyntax ErrorType = "invalidSyntax"
	InvalidPath   ErrorType = "invalidPath"
	NoTarget      ErrorType = "noTarget"
	InvalidValue  ErrorType = "invalidValue"
	InvalidVers   ErrorType = "invalidVers"
	Sensitive     ErrorType = "sensitive"
	// RFC 9865 §2.1:
	InvalidCursor ErrorType = "invalidCursor"
	ExpiredCursor ErrorType = "expiredCursor"
	InvalidCount  ErrorType = "invalidCount"
)

// Error is an answer that says no (RFC 7644 §3.12). Detail is read by the person
// in front of the provider's provisioning log; it names what to change and
// never holds a secret or another person's data. Err is for our own log.
type Error struct {
	Status     int
	Type       ErrorType // may be ""
	Detail     string
	RetryAfter time.Duration // sent as whole seconds, rounded up; 0: not sent
	Allow      string        // sent as the header Allow with a 405; "": not sent
	Err        error
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Detail
	if e.Type != "" {
		s = string(e.Type) + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return fmt.Sprintf("%d %s", e.Status, s)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Invalid returns a 400 of that type with a formatted detail.
func Invalid(t ErrorType, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Type: t, Detail: fmt.Sprintf(format, args...)}
}

// AsError returns the *Error in err's chain, or nil.
func AsError(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}
