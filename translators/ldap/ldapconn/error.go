package ldapconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Outcome says what is known of a request that failed.
type Outcome int

const (
	// Answered means that the server has refused it: errors.As finds the
	// server's *ldap.Error with its result code.
	Answered Outcome = iota
	// NotSent means that no server has seen the whole request: nothing was
	// done, and repeating it is safe.
	NotSent
	// Unknown means that it was sent, or may have been, and no answer came: a
	// write may have been applied, or be applied still.
	Unknown
)

// String returns answered, not_sent or unknown.
func (o Outcome) String() string {
	switch o {
	case Answered:
		return "answered"
	case NotSent:
		return "not_sent"
	default:
		return "unknown"
	}
}

var (
	// ErrClosed is returned by a pool that has been closed.
	ErrClosed = errors.New("the connections are closed")
	// ErrBindRefused means that the directory does not accept the service
	// account's name and password. Nothing is sent until RetryAfter has
	// passed or the password has changed.
	ErrBindRefused = errors.New("the directory refuses the service account's bind")
	// ErrExternalRefused means that a server does not accept SASL EXTERNAL: it
	// knows no client certificate, or none that it trusts. Other servers are
	// tried; nothing counts such attempts towards a lockout.
	ErrExternalRefused = errors.New("the directory refuses to sign in by SASL EXTERNAL")
	// ErrReferences means that a search was answered, in part or whole, with
	// references to other servers, so that its entries are not all there are.
	ErrReferences = errors.New("the answer refers to other servers")
	// ErrPagingIgnored means that a server has answered a paged search as if
	// it did not know paging, so that it is open whether the answer is all.
	ErrPagingIgnored = errors.New("the server ignores the paging control; use page size 0")
	// ErrSortingIgnored means that a server has answered a search that was to be
	// sorted (RFC 2891), and does not say that it has sorted.
	ErrSortingIgnored = errors.New("the server ignores the sorting control")
)

// Error is the error of every method of a Pool.
type Error struct {
	// Op says what was being done: searching, modifying, connecting …
	Op string
	// Server is the URL of the server, empty when none was chosen.
	Server string
	// Outcome says what is known of the request.
	Outcome Outcome
	// RetryAfter is when trying again makes sense, 0 when nothing is known.
	RetryAfter time.Duration
	// Err is the cause. It holds an *ldap.Error only if the server has
	// answered this very request.
	Err error

	// isRepeatable says that the fault lies with the connection, so that
	// another one may do better.
	isRepeatable bool
}

func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(e.Op)
	if e.Server != "" {
		text.WriteString(" at " + e.Server)
	}
	if e.Outcome == Unknown {
		text.WriteString(": no answer")
	}
	return text.String() + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether time ran out, by a deadline of the caller, of the
// pool or of the server (result code 3).
func (e *Error) Timeout() bool {
	var timeout net.Error
	return resultCode(e.Err) == ldap.LDAPResultTimeLimitExceeded || errors.Is(e.Err, errNoAnswer) || errors.Is(e.Err, context.DeadlineExceeded) ||
		errors.Is(e.Err, os.ErrDeadlineExceeded) || errors.As(e.Err, &timeout) && timeout.Timeout()
}

// errNoAnswer stands for go-ldap's timeout.
var errNoAnswer = errors.New("the server did not answer in time")

// The texts by which go-ldap tells what has happened; it has no values for
// them. A test holds them against the library.
const (
	textClosed  = "ldap: connection closed"
	textTimeout = "ldap: connection timed out"
	textUnsent  = "unable to send request: "
)

// judge turns what go-ldap returned into the outcome and the cause. Where the
// library leaves open what has happened it is Unknown.
func judge(err error) (Outcome, error) {
	var answer *ldap.Error
	if !errors.As(err, &answer) {
		if strings.HasPrefix(err.Error(), textUnsent) {
			// The socket took only a part of the message, and is closed:
			// the rest never follows.
			return NotSent, opaque(err)
		}
		return Unknown, opaque(err)
	}
	switch {
	case isMistake(err):
		return NotSent, opaque(err)
	case errors.Is(err, ldap.ErrSizeLimitExceeded):
		// The server sent more than it was asked for (EnforceSizeLimit).
		return Answered, &ldap.Error{ResultCode: ldap.LDAPResultSizeLimitExceeded, Err: errors.New("more entries than asked for")}
	case answer.ResultCode == ldap.ErrorNetwork && answer.Err != nil && answer.Err.Error() == textClosed:
		return NotSent, opaque(err)
	}
	if answer.ResultCode >= ldap.ErrorNetwork && answer.ResultCode <= ldap.ErrorMalformedPacket {
		return Unknown, opaque(err)
	}
	return Answered, err
}

// opaque keeps the words of an error and drops the *ldap.Error in it, which
// would pass for the server's answer to a request.
func opaque(err error) error {
	var answer *ldap.Error
	if !errors.As(err, &answer) {
		return err
	}
	if answer.ResultCode == ldap.ErrorNetwork && answer.Err != nil {
		if answer.Err.Error() == textTimeout {
			return errNoAnswer
		}
		return errors.New(answer.Err.Error())
	}
	return errors.New(err.Error())
}

// isMistake reports whether go-ldap refused to encode a request.
func isMistake(err error) bool {
	return ldap.IsErrorAnyOf(err, ldap.ErrorFilterCompile, ldap.ErrorFilterDecompile, ldap.ErrorEmptyPassword)
}

// resultCode is the server's code in an error, 0 when there is none.
func resultCode(err error) uint16 {
	var answer *ldap.Error
	if errors.As(err, &answer) {
		return answer.ResultCode
	}
	return 0
}

// interrupted is the error of a caller whose context has ended.
func interrupted(ctx context.Context, op, server string, outcome Outcome) *Error {
	return &Error{Op: op, Server: server, Outcome: outcome, Err: fmt.Errorf("waiting: %w", ctx.Err())}
}
