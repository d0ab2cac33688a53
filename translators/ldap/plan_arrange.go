package ldap

import (
	"context"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// arrange puts the calls in order:
//
//	disabling  lock, move away with what refers to it, then the rest
//	enabling   move back, then the rest together with the lock; where moving
//	           alone is the lock, the rest and then the move
//	else       rename, then the rest, members last
//
// What names the entry follows when all that is done.
func (u *update) arrange(ctx context.Context) error {
	rdn, err := u.rename()
	if err != nil {
		return err
	}
	parent := u.newParent()
	modify := u.modify(rdn)
	if err := u.carryLock(ctx, modify); err != nil {
		return err
	}
	switch {
	case u.disables:
		u.disable(parent, modify)
		u.addRename(rdn, nil)
		u.addModify(modify)
	case u.enables && !u.hasLockAttributes() && !modify.isEmpty():
		u.addRename(rdn, nil)
		u.addModify(modify)
		u.addRename(nil, parent)
	case u.enables && u.hasLockAttributes():
		u.addRename(rdn, parent)
		u.unlock(modify)
	default:
		u.addRename(rdn, parent)
		u.addModify(modify)
	}
	if len(u.in.Changes) > 0 || u.members == nil {
		u.finish() // of a group whose members alone change nobody needs the rest back
	}
	if err := u.follow(ctx, rdn); err != nil {
		return err
	}
	return u.followReferences(ctx)
}

// follow plans that groups go on naming an entry that is renamed, where the
// directory does not see to that: with login names it never does. An entry that
// only moves is left to the directory: it has its name again when it comes back.
func (u *update) follow(ctx context.Context, rdn *goldap.RelativeDN) error {
	if !u.t.isNamedInGroups(u.k) || u.in.Offline {
		return nil
	}
	former, renamed := u.from, u.at.name
	if u.t.groups.memberIsDN {
		if rdn == nil || nameKey(former) == nameKey(renamed) {
			return nil
		}
	} else {
		i := slices.IndexFunc(u.fields, func(f fieldChange) bool { return strings.EqualFold(f.name, fieldUID) })
		if i < 0 || len(u.fields[i].after) == 0 {
			return nil
		}
		renamed = u.fields[i].after[0]
		var err error
		if former, err = u.t.loginOf(ctx, u.k, u.in, u.at); err != nil || former == "" || former == renamed {
			return err
		}
	}
	call, err := u.t.releasing(ctx, u.t.membership(), former, renamed)
	if call != nil {
		u.add(call)
	}
	return err
}

// followReferences plans that references go on naming an entry that is renamed or
// moved. They are looked for now, but after a disabling move, which no search is to
// hold back.
func (u *update) followReferences(ctx context.Context) error {
	if u.in.Offline || nameKey(u.referred) == nameKey(u.at.name) {
		return nil
	}
	for _, place := range u.t.referring(u.k) {
		if u.disables {
			u.add(&releaseCall{t: u.t, at: place, value: u.referred, renamed: u.at.name, isUnseen: true})
			continue
		}
		call, err := u.t.releasing(ctx, place, u.referred, u.at.name)
		if err != nil {
			return err
		}
		if call != nil {
			u.add(call)
		}
	}
	return nil
}

// followMove plans that references follow an account to where it is disabled. As
// the move stays, so do they.
func (u *update) followMove() {
	if u.in.Offline {
		return
	}
	for _, place := range u.t.referring(u.k) {
		u.add(&releaseCall{t: u.t, at: place, value: u.referred, renamed: u.at.name, isUnseen: true, isFinal: true})
	}
	inTurn(u.plan.Calls)
	u.referred = u.at.name
}

// hasLockAttributes reports whether a lock is a matter of attributes.
func (u *update) hasLockAttributes() bool { return len(u.lockChanges(false)) > 0 }

// lockChanges bring the locks into that state. Enabling, one that is not in place
// is left as it is: it may be another value, or a lockout that ends by itself.
func (u *update) lockChanges(locked bool) []goldap.Change {
	var changes []goldap.Change
	for _, l := range u.k.locks {
		if !u.enables || u.mayBeLocked(l) {
			changes = append(changes, l.modifications(locked)...)
		}
	}
	return changes
}

// mayBeLocked reports whether a lock is in place, as far as the entry was read.
func (u *update) mayBeLocked(l lock) bool { return u.at.entry == nil || l.isLocked(u.at.entry) }

// rename returns the new RDN, nil when the entry keeps its own.
func (u *update) rename() (*goldap.RelativeDN, error) {
	if u.at.dn != nil {
		return renamed(u.k, u.at.dn.RDNs[0], u.fields)
	}
	// Offline nothing is known but how new entries are named.
	for _, f := range u.fields {
		if strings.EqualFold(f.name, u.k.rdnField) && len(f.after) > 0 {
			return newRDN(u.k.rdnField, f.after[0]), nil
		}
	}
	return nil, nil
}

// newParent returns where the entry has to be moved, nil when it can stay.
func (u *update) newParent() *goldap.DN {
	for _, l := range u.k.locks {
		parent := l.parent(u.disables)
		if parent == nil || !u.disables && !u.enables {
			continue
		}
		if u.at.entry == nil || l.isLocked(&goldap.Entry{DN: u.at.name}) != u.disables {
			return parent
		}
	}
	return nil
}

// call is a call on the entry where it is after the calls planned so far.
func (u *update) call(purpose string) entryCall {
	return entryCall{t: u.t, k: u.k, id: u.in.ID, dn: u.at.name, purpose: purpose, version: u.version(false),
		remembered: u.at.isRemembered, offline: u.at.dn == nil}
}

// disable plans the locks, alone and first.
func (u *update) disable(parent *goldap.DN, modify *modifyCall) {
	if changes := u.lockChanges(true); len(changes) > 0 {
		u.add(&modifyCall{entryCall: u.call("lock the account"), changes: changes})
		// A password that is set in the next request would take the lock away.
		if isPasswordChange(u.fields) {
			modify.keeps = nil
			modify.also(u.k.keptLocks())
		}
	}
	if parent != nil {
		u.addRename(nil, parent)
		u.followMove()
	}
}

// unlock plans the rest and, last, the end of the locks. slapd takes the lock away
// itself when a password is set, and then fails for not finding it: such a request
// keeps the lock, and another one ends it.
func (u *update) unlock(modify *modifyCall) {
	if kept := u.k.keptLocks(); isPasswordChange(u.fields) && slices.ContainsFunc(u.k.locks, func(l lock) bool {
		_, is := l.(directoryLock)
		return is && u.mayBeLocked(l)
	}) {
		modify.also(kept)
		modify.undo = nil
		u.addModify(modify)
		modify = &modifyCall{entryCall: u.call("")}
	}
	if len(modify.changes) == 0 || len(modify.undo) > 0 {
		modify.undo = append(modify.undo, u.lockChanges(true)...)
	}
	modify.also(u.lockChanges(false))
	modify.enables = true
	u.addModify(modify)
}

// modify plans the attributes of the entry that do not name it.
func (u *update) modify(rdn *goldap.RelativeDN) *modifyCall {
	call := &modifyCall{entryCall: u.call(""), classes: u.classesFor(), secrets: u.k.secretFields()}
	var oldRDN *goldap.RelativeDN
	if u.at.dn != nil {
		oldRDN = u.at.dn.RDNs[0]
	} else if rdn != nil {
		oldRDN = rdn
	}
	canUndo := true
	for _, f := range u.fields {
		if u.at.dn == nil && oldRDN != nil && isNaming(oldRDN, f.name) {
			continue // offline: the rename says it
		}
		changes := f.modifications(oldRDN, rdn)
		call.changes = append(call.changes, changes...)
		if oldRDN == nil || !isNaming(oldRDN, f.name) {
			call.whole = append(call.whole, replacement(f.name, f.after...))
		} else {
			call.whole = append(call.whole, changes...)
		}
		canUndo = canUndo && f.isKnown
		if canUndo {
			call.undo = append(f.reverse(changes), call.undo...)
		}
	}
	call.changes = append(call.changes, u.offline...)
	if !canUndo || u.disables {
		call.undo = nil
	}
	if !slices.ContainsFunc(call.changes, func(c goldap.Change) bool { return c.Operation != goldap.ReplaceAttribute }) {
		call.whole = nil
	}
	return call
}

// carryLock makes a call that sets a password keep the lock as it is.
func (u *update) carryLock(ctx context.Context, call *modifyCall) error {
	saysLock := u.k.hasDirectoryLock() && (u.disables || u.enables)
	if !isPasswordChange(u.fields) || saysLock || u.in.Offline {
		return nil
	}
	entry, err := u.t.readByID(ctx, u.k, u.in.ID, u.t.targetAttributes(u.k))
	if err != nil {
		return err
	}
	if entry == nil {
		return notFound(u.k, u.in.ID)
	}
	call.keepLock(entry)
	return nil
}

// addModify adds a modification if it has anything to do, with the members: the
// first part of them in the same request.
func (u *update) addModify(call *modifyCall) {
	call.dn = u.at.name
	call.purpose = "change attributes"
	if call.enables {
		call.purpose = "unlock the account"
	}
	call.version = u.version(call.enables)
	parts := []*memberDelta{}
	if u.members != nil && len(u.members.add)+len(u.members.remove) > 0 {
		parts = u.members.split()
		if len(call.changes) == 0 {
			call.purpose = "change the members"
		}
		call.members, parts = parts[0], parts[1:]
		call.undo = nil
	}
	if !call.isEmpty() {
		u.add(call)
	}
	for _, part := range parts {
		u.add(&modifyCall{entryCall: u.call("change the members"), members: part})
	}
}

// addRename adds a rename, a move or both; neither when both are nil.
func (u *update) addRename(rdn *goldap.RelativeDN, parent *goldap.DN) {
	if rdn == nil && parent == nil {
		return
	}
	purpose := "rename the entry"
	switch {
	case parent != nil && u.disables:
		purpose = "move the account to where it is disabled"
	case parent != nil:
		purpose = "move the account back"
	}
	call := &renameCall{entryCall: u.call(purpose), disables: parent != nil && u.disables}
	if parent != nil {
		call.parent = parent.String()
	}
	if u.enables && parent != nil {
		call.enables, call.version = true, u.version(true)
	}
	for _, f := range u.fields {
		if rdn != nil && isNaming(rdn, f.name) {
			call.values = append(call.values, replacement(f.name, f.after...))
		}
	}
	if u.at.dn == nil {
		call.newRDN = "{rdn of " + u.in.ID + "}"
		if rdn != nil {
			call.newRDN = rdn.String()
		}
		u.add(call)
		return
	}
	if rdn == nil {
		rdn = u.at.dn.RDNs[0]
	}
	if parent == nil {
		parent = parentOf(u.at.dn)
	}
	call.newRDN = rdn.String()
	call.former, call.wanted = u.at.dn, child(parent, rdn)
	u.add(call)
	u.at = &target{dn: call.wanted, name: call.wanted.String(), entry: u.at.entry}
}

// version is that of the entry when the next call's turn has come, "" when it is
// not known now. A call that needs to know it, because it enables, is then told
// by the result of the one before.
func (u *update) version(isNeeded bool) string {
	if len(u.plan.Calls) == 0 {
		return u.at.version(u.t.profile)
	}
	if isNeeded {
		u.finish()
	}
	return ""
}

// add adds a call. The first one is for the version that the caller demands, if
// it demands one: those after it find what the first has made of the entry.
func (u *update) add(c translators.Call) {
	if len(u.plan.Calls) == 0 && u.in.Version != "" {
		switch c := c.(type) {
		case *modifyCall:
			c.demand(u.in.Version)
		case *renameCall:
			c.demand(u.in.Version)
		}
	}
	u.plan.Calls = append(u.plan.Calls, c)
}

// isEmpty reports whether the call has nothing to do.
func (c *modifyCall) isEmpty() bool { return len(c.changes) == 0 && c.members == nil }

// finish makes the result of the last call on the entry bring it.
func (u *update) finish() {
	for _, call := range slices.Backward(u.plan.Calls) {
		switch c := call.(type) {
		case *modifyCall:
			c.brings = true
		case *renameCall:
			c.brings = true
		default:
			continue // what names the entry
		}
		return
	}
}
