package ldap

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// The attributes of a password policy (draft-behera-ldap-password-policy §5.2,
// §5.3): which one applies to an account, and whether it enforces locks.
const (
	policySubentry = "pwdPolicySubentry"
	policyLockout  = "pwdLockout"
)

// Prove implements [translators.Translator].
//
// An account is proven to be disabled when each configured lock reads back and
// the directory enforces the one of its password policy. That is seen in the
// answer to an attempt to sign in as that very person with a random password,
// which a policy refuses with "account locked"; where the directory keeps that to
// itself, in the policy that applies. Both are looked at each time: what was seen
// a moment ago, of this account or another, proves nothing now.
func (t *Translator) Prove(ctx context.Context, p *translators.Plan, done translators.Report) translators.Proof {
	s, ok := p.Data.(subject)
	if !ok || p.Proves == translators.ProofNone {
		return translators.Proof{Status: translators.NotNeeded}
	}
	if s.id == "" {
		s.id = done.ID()
	}
	e, err := t.proofEntry(ctx, s, done)
	if err != nil {
		return translators.Proof{Status: translators.Unprovable, Err: err,
			Detail: "The account could not be read back. Try again."}
	}
	var proof translators.Proof
	if p.Proves == translators.ProofEnabled {
		proof = s.kind.proveEnabled(e)
	} else {
		proof = t.proveDisabled(ctx, s.kind, e)
	}
	if last := done.Last(); last != nil && isHandleOf(last, e) {
		proof.Entry = last
	} else if entry, err := t.entryOf(ctx, s.kind, e, whole); err == nil {
		proof.Entry = entry
	}
	return proof
}

// isHandleOf reports whether a resource was made of the entry.
func isHandleOf(entry *translators.Entry, e *goldap.Entry) bool {
	h, ok := entry.Handle.(*handle)
	return ok && h.entry == e
}

// proofAttributes are what a proof must see of an account.
func (t *Translator) proofAttributes(k *kind) []string {
	names := lockAttributes(k.locks)
	if k.hasDirectoryLock() && !t.profile.isGeneric {
		names = append(names, policySubentry)
	}
	return names
}

// usesPolicy reports whether one of the locks is enforced by the directory.
func (k *kind) hasDirectoryLock() bool {
	return slices.ContainsFunc(k.locks, func(l lock) bool { _, is := l.(directoryLock); return is })
}

// proofEntry returns the account as the last call has left it, as the directory
// returned it with that call, or as it is read now.
func (t *Translator) proofEntry(ctx context.Context, s subject, done translators.Report) (*goldap.Entry, error) {
	if last := done.Last(); last != nil && len(done.Results) > 0 && done.Results[len(done.Results)-1].Entry == last {
		if h, ok := last.Handle.(*handle); ok {
			return h.entry, nil
		}
	}
	e, err := t.readByID(ctx, s.kind, s.id, t.wholeAttributes(s.kind))
	if err == nil && e == nil {
		err = notFound(s.kind, s.id)
	}
	return e, err
}

func (k *kind) proveEnabled(e *goldap.Entry) translators.Proof {
	if isAnyLocked(k.locks, e) {
		return translators.Proof{Status: translators.Refuted,
			Detail: "The account was enabled, but a lock is there again: somebody else has disabled it."}
	}
	return translators.Proof{Status: translators.Proven}
}

func (t *Translator) proveDisabled(ctx context.Context, k *kind, e *goldap.Entry) translators.Proof {
	for _, l := range k.locks {
		if !l.isLocked(e) {
			return t.refuteLock(ctx, l, e)
		}
	}
	if !k.hasDirectoryLock() {
		method := DisableByPasswordPolicy
		if t.profile.isGeneric {
			method = DisableByLock
		}
		return translators.Proof{Status: translators.Unprovable,
			Detail: "The account is marked as disabled in the directory, which itself goes on accepting its password: " +
				"the applications have to look at the mark. Add \"disable " + method + "\" for a lock that the directory enforces."}
	}
	return t.proveEnforced(ctx, e)
}

// refuteLock says why a lock does not read back.
func (t *Translator) refuteLock(ctx context.Context, l lock, e *goldap.Entry) translators.Proof {
	names := l.attributes()
	if len(names) == 0 {
		return translators.Proof{Status: translators.Refuted,
			Detail: "The account is not below the container for disabled accounts: somebody else has moved it."}
	}
	detail := fmt.Sprintf("The lock %s does not read back from the directory.", names[0])
	if len(attributeValues(e, names[0])) == 0 {
		isVisible, err := t.canSee(ctx, e.DN, names[0])
		switch {
		case err != nil:
			return translators.Proof{Status: translators.Unprovable, Detail: detail + " Try again.", Err: err}
		case !isVisible:
			detail += " The account of scimgate may not read it, or the directory does not have it: all accounts look active. Let it read and search " + names[0] + "."
			return translators.Proof{Status: translators.Refuted, Detail: detail}
		}
	}
	return translators.Proof{Status: translators.Refuted, Detail: detail + " Somebody else has changed it."}
}

// canSee reports whether our account may look at an attribute of the entry,
// whether it has a value or not: a filter about what is hidden, or not defined,
// is neither true nor false (RFC 4511 §4.5.1.7).
func (t *Translator) canSee(ctx context.Context, dn, attribute string) (bool, error) {
	request := goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false,
		"(|("+attribute+"=*)(!("+attribute+"=*)))", []string{noAttributes}, nil)
	entries, err := t.search(ctx, request)
	if err != nil {
		return false, t.fault("looking whether the lock can be read", err)
	}
	return len(entries) > 0, nil
}

// proveEnforced finds out whether the directory enforces the lock of the account.
func (t *Translator) proveEnforced(ctx context.Context, e *goldap.Entry) translators.Proof {
	answer, err := t.pool.TestBind(ctx, e.DN, rand.Text())
	switch {
	case err != nil:
		return translators.Proof{Status: translators.Unprovable, Err: t.fault("trying whether the lock is enforced", err),
			Detail: "The account is locked, but the directory did not answer the attempt to sign in that proves it. Try again."}
	case answer.Accepted:
		return translators.Proof{Status: translators.Refuted,
			Detail: "The account is locked, and the directory accepts an attempt to sign in with a random password."}
	case answer.Locked:
		t.telling.Store(answer.Server, true)
		return translators.Proof{Status: translators.Proven}
	case t.profile.isGeneric:
		return t.proveTold(ctx, answer)
	case !answer.Governed:
		return translators.Proof{Status: translators.Refuted, Detail: notEnforced + " " + notGoverned}
	}
	if _, tells := t.telling.Load(answer.Server); tells {
		return translators.Proof{Status: translators.Refuted, Detail: notEnforced +
			" Other accounts were refused as locked and this one is not: no password policy applies to it, or the pwdLockout of its policy is not TRUE." +
			" (If ppolicy_use_lockout was switched off since, switch it on again.)"}
	}
	return t.provePolicy(ctx, e.GetEqualFoldAttributeValue(policySubentry))
}

const notEnforced = "The lock was written, but the directory does not enforce it: the account can still sign in."

// notGoverned is what it means when a bind is answered without the password
// policy control. slapd's overlay sends it with every answer about an entry, an
// empty one where it keeps the reason to itself; without the overlay, whose
// module alone defines the attribute of the lock, nothing does.
const notGoverned = "The password policy overlay is not in force for this database: its answer to an attempt to sign in lacks the password policy control. " +
	"Add the overlay to the database (overlay ppolicy). If it is there, let the proxy between scimgate and the directory pass controls on."

// provePolicy looks into the policy that applies to an account, for directories
// that do not say why they refuse an attempt to sign in. A policy that the
// account itself names applies; that the one of the configuration does, nothing
// in the directory tells: it can refute a disable and not prove one.
func (t *Translator) provePolicy(ctx context.Context, policy string) translators.Proof {
	isNamed := policy != ""
	if !isNamed {
		policy = t.PasswordPolicy
	}
	if policy == "" {
		return translators.Proof{Status: translators.Unprovable, Detail: notTold + " Switch on ppolicy_use_lockout in its password policy overlay."}
	}
	request := goldap.NewSearchRequest(policy, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false,
		"(objectClass=*)", []string{policyLockout}, nil)
	entries, err := t.search(ctx, request)
	code := resultCode(err)
	switch {
	case err != nil && code != goldap.LDAPResultNoSuchObject && code != goldap.LDAPResultInsufficientAccessRights:
		return translators.Proof{Status: translators.Unprovable, Err: t.fault("reading the password policy", err),
			Detail: "The account is locked, but the password policy that should enforce it could not be read. Try again."}
	case err != nil || len(entries) == 0:
		return translators.Proof{Status: translators.Unprovable,
			Detail: "The account is locked, but the password policy that should enforce it does not exist, or the account of scimgate may not read it."}
	case !strings.EqualFold(entries[0].GetEqualFoldAttributeValue(policyLockout), "TRUE"):
		return translators.Proof{Status: translators.Refuted, Detail: notEnforced + " The pwdLockout of its password policy is not TRUE."}
	case !isNamed:
		return translators.Proof{Status: translators.Unprovable, Detail: notTold +
			" The policy of the configuration enforces locks; whether it is the one that applies can't be seen. Switch on ppolicy_use_lockout in the password policy overlay."}
	}
	return translators.Proof{Status: translators.Proven}
}

const notTold = "The account is locked, but the directory does not tell whether it enforces that."
