package ldap

import (
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// slapd's password policy takes a lock away when a password is set, by whatever
// means: whoever resets the password of a dismissed person lets them in again.
// Only when the same Modify deletes and adds the lock does it stay. So a request
// that sets a password says what becomes of the lock, and is accepted by the
// directory only while the lock is as the request takes it to be.

// keepLock makes a call that sets a password keep the account's lock. entry is
// the account as it was read.
func (c *modifyCall) keepLock(entry *goldap.Entry) {
	p := c.t.profile
	if p.lock == "" || entry == nil {
		return
	}
	held := newDirectoryLock(p)
	isLocked := held.isLocked(entry)
	if slices.ContainsFunc(c.k.locks, func(l lock) bool { return l == lock(held) }) {
		c.keeps, c.isLocked = &held, isLocked
		return
	}
	if isLocked {
		// Somebody else's lock, of which the gateway otherwise knows nothing: the
		// directory may not even have the attribute, so it can't be asserted.
		c.also(held.kept())
	}
}

// keptLocks are the changes that keep the locks of a disabled account although
// they set its password.
func (k *kind) keptLocks() []goldap.Change {
	for _, l := range k.locks {
		if p, is := l.(directoryLock); is {
			return p.kept()
		}
	}
	return nil
}

// errHiddenLock refuses to set a password where it can't be seen whether that
// would enable the account.
func errHiddenLock(l *directoryLock) error {
	return &translators.Error{
		Kind: translators.Refused,
		Path: "password",
		Detail: "password: it was not set, because setting it could enable a disabled account: scimgate can't see whether the account is locked. " +
			"Let its account search and read " + l.name + ", and load the password policy overlay.",
	}
}

// isPasswordChange reports whether one of the changes is to a secret.
func isPasswordChange(fields []fieldChange) bool {
	return slices.ContainsFunc(fields, func(f fieldChange) bool { return f.secret })
}
