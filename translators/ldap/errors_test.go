package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

func TestFault(t *testing.T) {
	answered := func(code uint16) error {
		return &ldapconn.Error{Op: "searching", Outcome: ldapconn.Answered,
			Err: goldap.NewError(code, errors.New("uid=ada,dc=example: diagnostics"))}
	}
	failed := func(outcome ldapconn.Outcome, err error) error {
		return &ldapconn.Error{Op: "modifying", Outcome: outcome, RetryAfter: time.Second, Err: err}
	}
	for _, c := range []struct {
		name        string
		err         error
		read, write translators.ErrorKind
	}{
		{"time limit", answered(3), translators.Unavailable, translators.Unavailable},
		{"size limit", answered(4), translators.TooMany, translators.TooMany},
		{"referral", answered(10), translators.Unavailable, translators.Unavailable},
		{"administrative limit", answered(11), translators.TooMany, translators.TooMany},
		{"encryption demanded", answered(13), translators.Unavailable, translators.Unavailable},
		{"undefined attribute", answered(17), translators.Invalid, translators.Invalid},
		{"constraint", answered(19), translators.Invalid, translators.Invalid},
		{"syntax", answered(21), translators.Invalid, translators.Invalid},
		{"no such base", answered(32), translators.Unavailable, translators.Unavailable},
		{"wrong password", answered(49), translators.Unavailable, translators.Unavailable},
		{"no right", answered(50), translators.Unavailable, translators.Refused},
		{"busy", answered(51), translators.Unavailable, translators.Unavailable},
		{"unavailable", answered(52), translators.Unavailable, translators.Unavailable},
		{"unwilling", answered(53), translators.Unavailable, translators.Refused},
		{"object class", answered(65), translators.Invalid, translators.Invalid},
		{"exists", answered(68), translators.Conflict, translators.Conflict},
		{"other", answered(80), translators.Unavailable, translators.Unavailable},
		{"a code nobody knows", answered(199), translators.Unavailable, translators.Unavailable},
		{"no answer", failed(ldapconn.Unknown, errors.New("timeout")), translators.Unavailable, translators.Indefinite},
		{"not sent", failed(ldapconn.NotSent, errors.New("refused")), translators.Unavailable, translators.Unavailable},
		{"the caller has gone", failed(ldapconn.Unknown, context.Canceled), translators.Unavailable, translators.Indefinite},
		{"the bind is refused", failed(ldapconn.NotSent, ldapconn.ErrBindRefused), translators.Unavailable, translators.Unavailable},
		{"references", failed(ldapconn.Answered, ldapconn.ErrReferences), translators.Unavailable, translators.Unavailable},
		{"no paging", failed(ldapconn.Answered, ldapconn.ErrPagingIgnored), translators.Unavailable, translators.Unavailable},
		{"something else", errors.New("x"), translators.Unavailable, translators.Unavailable},
		{"a kind already", &translators.Error{Kind: translators.NotFound}, translators.NotFound, translators.NotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			for want, err := range map[*translators.ErrorKind]error{&c.read: new(Translator).fault("doing", c.err), &c.write: new(Translator).writeFault("doing", c.err)} {
				fault, ok := errors.AsType[*translators.Error](err)
				if !ok || fault.Kind != *want {
					t.Fatalf("got %v, want %s", err, *want)
				}
				if strings.Contains(fault.Detail, "uid=ada") || fault.Detail == "" && fault.Kind != translators.NotFound {
					t.Errorf("detail: %q", fault.Detail)
				}
				if !errors.Is(err, c.err) || !strings.Contains(err.Error(), "doing") {
					t.Errorf("%v does not say what was done and why it failed", err)
				}
				if exchange, ok := errors.AsType[*ldapconn.Error](c.err); ok && fault.RetryAfter != exchange.RetryAfter {
					t.Errorf("retry after %s, want %s", fault.RetryAfter, exchange.RetryAfter)
				}
			}
		})
	}
	if err := new(Translator).fault("doing", nil); err != nil {
		t.Errorf("no error became %v", err)
	}
	refused := fmt.Errorf("x: %w", scim.Invalid(scim.InvalidFilter, "y"))
	if err := new(Translator).fault("doing", refused); scim.AsError(err) == nil || translators.KindOf(err) != "" {
		t.Errorf("a SCIM error became %v", err)
	}
}
