package ldap

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

// tell is how a directory refuses whoever signs in to an account that is locked,
// whatever the password ([GenericConfig.LockTellsCode]). What is zero is not
// looked at.
type tell struct {
	code uint16
	text string
}

// refusals are the result codes of a refused bind.
var refusals = []uint16{goldap.LDAPResultConstraintViolation, goldap.LDAPResultInappropriateAuthentication,
	goldap.LDAPResultInvalidCredentials, goldap.LDAPResultUnwillingToPerform}

// isIn reports whether an answer says that the account is locked.
func (l *tell) isIn(answer ldapconn.BindResult) bool {
	return !answer.Accepted && (l.code == 0 || l.code == answer.ResultCode) &&
		(l.text == "" || strings.Contains(strings.ToLower(answer.Diagnostic), strings.ToLower(l.text)))
}

// proveTold judges the answer to an attempt to sign in to an account that is
// locked, of a directory of which nothing is known but its configuration.
func (t *Translator) proveTold(ctx context.Context, answer ldapconn.BindResult) translators.Proof {
	l := t.profile.tells
	_, tells := t.telling.Load(answer.Server)
	switch {
	case tells:
		return translators.Proof{Status: translators.Refuted, Detail: notEnforced + " Other accounts were refused as locked and this one is not."}
	case l == nil:
		return translators.Proof{Status: translators.Unprovable, Detail: notTold +
			" Say in directory generic how it refuses a locked account, by lock_tells, if it does so otherwise than a wrong password."}
	case !l.isIn(answer):
		return translators.Proof{Status: translators.Refuted, Detail: notEnforced +
			" It refuses the account otherwise than lock_tells says that it refuses locked ones."}
	}
	isDistinct, err := t.isDistinct(ctx, answer.Server)
	switch {
	case err != nil:
		return translators.Proof{Status: translators.Unprovable, Err: err,
			Detail: "The account is locked, but whether the answer of the directory tells so could not be found out. Try again."}
	case !isDistinct:
		return translators.Proof{Status: translators.Unprovable, Detail: notTold + " " + notDistinct}
	}
	return translators.Proof{Status: translators.Proven}
}

const notDistinct = "What lock_tells says is also its answer to somebody who does not exist, and so tells nothing."

// isDistinct reports whether a server refuses somebody else otherwise than
// lock_tells says that it refuses a locked account: one who does not exist, so
// that nobody's lockout counts it. It is asked each time: a directory that refuses
// everybody for a while, because it is under maintenance, says nothing of one.
func (t *Translator) isDistinct(ctx context.Context, server string) (bool, error) {
	nobody := child(t.users.createIn, newRDN(t.users.rdnField, "scimgate-nobody-"+strings.ToLower(rand.Text())))
	answer, err := t.pool.TestBind(ctx, nobody.String(), rand.Text())
	if refusal, ok := errors.AsType[*ldapconn.Error](err); ok {
		answer.Server = refusal.Server
	}
	switch code := resultCode(err); {
	case answer.Server != server:
		return false, t.fault("trying how the directory refuses somebody who does not exist", errors.Join(errOtherServer, err))
	case code == goldap.LDAPResultNoSuchObject, code == goldap.LDAPResultInvalidDNSyntax:
		return true, nil // it says that there is nobody
	case err != nil:
		// Such as busy: that is no answer to the question.
		return false, t.fault("trying how the directory refuses somebody who does not exist", err)
	}
	return !t.profile.tells.isIn(answer), nil
}

var errOtherServer = errors.New("another server has answered")
