package ldap

import (
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// lock is one way of disabling an account ([DisableConfig]).
//
// Where several are configured, an account counts as disabled only when every
// one of them is in place: active is never reported as false while a lock that
// the operator demands is missing, and a repeated disable puts the missing ones
// in. Enabling takes all of them away.
type lock interface {
	// attributes are what isLocked must see of an entry.
	attributes() []string
	// isLocked reports whether this lock is in place.
	isLocked(e *goldap.Entry) bool
	// filter is the LDAP filter of the entries whose lock is in place, or not;
	// "" when no filter can say that.
	filter(locked bool) string
	// modifications bring the lock into that state, whatever state it is in;
	// nil when it is not a matter of attributes.
	modifications(locked bool) []goldap.Change
	// parent is the entry below which an account in that state must be, nil
	// when it may be anywhere. A locked account may be deeper below it, an
	// active one is put directly below it when it was locked.
	parent(locked bool) *goldap.DN
}

// newLocks reads how accounts are disabled in a directory of that profile.
// createIn is where enabled accounts are moved back to.
func newLocks(configs []DisableConfig, createIn *goldap.DN, p *profile) ([]lock, error) {
	var locks []lock
	for _, c := range configs {
		switch c.Method {
		case DisableByPasswordPolicy:
			if p.isGeneric {
				return nil, fmt.Errorf("disable password_policy: the directory %s has no such lock: name its lock by lock <attribute> <value> in directory generic { … }, and write disable lock", p.name)
			}
			locks = append(locks, newDirectoryLock(p))
		case DisableByLock:
			switch {
			case !p.isGeneric:
				return nil, fmt.Errorf("disable lock: it is for directory generic; for %s write disable password_policy", p.name)
			case p.lock == "":
				return nil, fmt.Errorf("disable lock: no lock is named: add lock <attribute> <value> to directory generic { … }")
			}
			locks = append(locks, newDirectoryLock(p))
		case DisableByAttribute:
			switch {
			case !isAttributeName(c.Attribute):
				return nil, fmt.Errorf("disable attribute: %q is not the name of an attribute", c.Attribute)
			case c.Disabled == "":
				return nil, fmt.Errorf("disable attribute %s: the value of a disabled account is missing", c.Attribute)
			case c.Disabled == c.Enabled:
				return nil, fmt.Errorf("disable attribute %s: the value %q can't mean both disabled and enabled", c.Attribute, c.Disabled)
			}
			locks = append(locks, attributeLock{c.Attribute, c.Disabled, c.Enabled})
		case DisableByMove:
			container, err := goldap.ParseDN(c.Container)
			switch {
			case err != nil:
				return nil, fmt.Errorf("disable move: reading the container %q: %w", c.Container, err)
			case len(container.RDNs) == 0:
				return nil, fmt.Errorf("disable move: the container for disabled accounts is missing")
			case createIn == nil:
				return nil, fmt.Errorf("disable move: where to move enabled accounts is missing (create_in)")
			case container.EqualFold(createIn) || container.AncestorOfFold(createIn):
				return nil, fmt.Errorf("disable move: enabled accounts would be below the container %q too", c.Container)
			}
			locks = append(locks, moveLock{container, createIn})
		default:
			return nil, fmt.Errorf("disable: unknown method %q; there are %s, %s, %s and %s",
				c.Method, DisableByPasswordPolicy, DisableByLock, DisableByAttribute, DisableByMove)
		}
	}
	for i, l := range locks {
		if slices.ContainsFunc(locks[:i], func(other lock) bool { return collide(l, other) }) {
			return nil, fmt.Errorf("disable: two methods for the same thing (%s)", configs[i].Method)
		}
	}
	return locks, nil
}

// collide reports whether two locks could not both be in place.
func collide(a, b lock) bool {
	if a.parent(true) != nil && b.parent(true) != nil {
		return true
	}
	for _, name := range a.attributes() {
		if slices.ContainsFunc(b.attributes(), func(other string) bool { return strings.EqualFold(name, other) }) {
			return true
		}
	}
	return false
}

// lockAttributes are what areLocked must see of an entry.
func lockAttributes(locks []lock) []string {
	var names []string
	for _, l := range locks {
		names = append(names, l.attributes()...)
	}
	return names
}

// areLocked reports whether an account is disabled: whether there are locks
// and all of them are in place.
func areLocked(locks []lock, e *goldap.Entry) bool {
	return len(locks) > 0 && !slices.ContainsFunc(locks, func(l lock) bool { return !l.isLocked(e) })
}

// isAnyLocked reports whether one of the locks is in place.
func isAnyLocked(locks []lock, e *goldap.Entry) bool {
	return slices.ContainsFunc(locks, func(l lock) bool { return l.isLocked(e) })
}

// directoryLock is the lock that the directory itself looks at when somebody
// signs in; for OpenLDAP that of a password policy
// (draft-behera-ldap-password-policy §5.3.3). Other values than the one that
// means locked are something else, there a lockout after wrong passwords, which
// ends by itself: such an account is active.
type directoryLock struct {
	name, locked string
	enabled      string // the value of an account that is not locked; "" when it has none
	anyCase      bool   // whether the directory compares without case
}

func newDirectoryLock(p *profile) directoryLock {
	return directoryLock{p.lock, p.locked, p.unlocked, p.isGeneric}
}

func (l directoryLock) attributes() []string { return []string{l.name} }

func (l directoryLock) isLocked(e *goldap.Entry) bool {
	values := e.GetEqualFoldAttributeValues(l.name)
	return len(values) == 1 && (values[0] == l.locked || l.anyCase && strings.EqualFold(values[0], l.locked))
}

func (l directoryLock) filter(locked bool) string { return equality(l.name, l.locked, locked) }

func (l directoryLock) modifications(locked bool) []goldap.Change {
	switch {
	case locked:
		return []goldap.Change{replacement(l.name, l.locked)}
	case l.enabled != "":
		return []goldap.Change{replacement(l.name, l.enabled)}
	}
	return []goldap.Change{replacement(l.name)}
}

// kept leaves the lock of a locked account in place although the same request sets
// the password, which takes it away: slapd (2.5) spares only a lock that the
// request deletes and adds itself, not one that it replaces. It fails (16) on an
// account that is not locked.
func (l directoryLock) kept() []goldap.Change {
	return []goldap.Change{
		modification(goldap.DeleteAttribute, l.name, []string{l.locked}),
		modification(goldap.AddAttribute, l.name, []string{l.locked}),
	}
}

func (directoryLock) parent(bool) *goldap.DN { return nil }

// attributeLock is an attribute that applications look at. Only the very value
// that a disable writes is taken for it.
type attributeLock struct{ name, disabled, enabled string }

func (l attributeLock) attributes() []string { return []string{l.name} }

func (l attributeLock) isLocked(e *goldap.Entry) bool {
	return slices.Equal(e.GetEqualFoldAttributeValues(l.name), []string{l.disabled})
}

func (l attributeLock) filter(locked bool) string { return equality(l.name, l.disabled, locked) }

func (l attributeLock) modifications(locked bool) []goldap.Change {
	switch {
	case locked:
		return []goldap.Change{replacement(l.name, l.disabled)}
	case l.enabled != "":
		return []goldap.Change{replacement(l.name, l.enabled)}
	}
	return []goldap.Change{replacement(l.name)}
}

func (attributeLock) parent(bool) *goldap.DN { return nil }

// moveLock is a container that applications do not search.
type moveLock struct{ container, createIn *goldap.DN }

func (moveLock) attributes() []string { return nil }

func (l moveLock) isLocked(e *goldap.Entry) bool {
	dn, err := goldap.ParseDN(e.DN)
	return err == nil && l.container.AncestorOfFold(dn)
}

func (moveLock) filter(bool) string { return "" }

func (moveLock) modifications(bool) []goldap.Change { return nil }

func (l moveLock) parent(locked bool) *goldap.DN {
	if locked {
		return l.container
	}
	return l.createIn
}

// equality is the filter of the entries that have the value, or have it not.
func equality(name, value string, has bool) string {
	f := "(" + name + "=" + goldap.EscapeFilter(value) + ")"
	if !has {
		return "(!" + f + ")"
	}
	return f
}

// replacement is the modification after which the attribute has these values
// and no others; with no values it removes the attribute and is no error where
// it does not exist (RFC 4511 §4.6).
func replacement(name string, values ...string) goldap.Change {
	return goldap.Change{Operation: goldap.ReplaceAttribute, Modification: goldap.PartialAttribute{Type: name, Vals: values}}
}

// isAttributeName reports whether s can stand for an attribute in a filter or a
// request as it is (RFC 4512 §1.4, §2.5). Only configuration is asked, never data.
func isAttributeName(s string) bool {
	if s == "" || !isLetter(s[0]) && !isDigit(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !isLetter(c) && !isDigit(c) && c != '-' && c != '.' && c != ';' {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// Interface guards
var (
	_ lock = directoryLock{}
	_ lock = attributeLock{}
	_ lock = moveLock{}
)
