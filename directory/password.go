package directory

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// hashed recognises a value that a client has hashed already, such as {SSHA}….
var hashed = regexp.MustCompile(`^\{[A-Za-z0-9/_-]+\}`)

// hashPassword makes the {SSHA} form of a password: what slapd makes by default, so that tools know it.
func hashPassword(password string) string {
	salt := make([]byte, 8)
	rand.Read(salt)
	sum := sha1.Sum(append([]byte(password), salt...))
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}

// checkHash reports whether the stored value is of the password. Schemes other than SSHA and SHA are
// never right.
func checkHash(stored, password string) bool {
	scheme, encoded, _ := strings.Cut(stored, "}")
	sum, err := base64.StdEncoding.DecodeString(encoded)
	scheme = strings.ToUpper(scheme)
	if err != nil || len(sum) < sha1.Size || scheme != "{SSHA" && scheme != "{SHA" {
		return false
	}
	want := sha1.Sum(slices.Concat([]byte(password), sum[sha1.Size:]))
	return subtle.ConstantTimeCompare(want[:], sum[:sha1.Size]) == 1
}

// hasPassword reports whether one of the entry's passwords is the given one.
func (s *Server) hasPassword(e *entry, password string) bool {
	a := e.get(s.schema.known.userPassword)
	return a != nil && slices.ContainsFunc(a.norm, func(stored string) bool { return checkHash(stored, password) })
}

// hashPasswords replaces what came in the clear in a new entry.
func (s *Server) hashPasswords(x *transaction, e *entry) {
	a := e.get(s.schema.known.userPassword)
	if a == nil {
		return
	}
	for _, value := range slices.Clone(a.norm) {
		if !hashed.MatchString(value) {
			hash := hashPassword(value)
			x.add(e, a.typ, hash, hash)
			x.remove(e, a, a.find(value))
		}
	}
}

// preparePassword gives a step on userPassword the values to store: hashes to add, and, where a policy
// looks, for a delete of a password in the clear the hash that it is stored as.
func (s *Server) preparePassword(who identity, e *entry, m modification) modification {
	values := slices.Clone(m.norm)
	for i, value := range values {
		switch {
		case hashed.MatchString(value):
		case m.op != ldap.DeleteAttribute:
			values[i] = hashPassword(value)
		case !who.isRoot() && s.policyOf(e) != nil:
			if a := e.get(m.typ); a != nil {
				if j := slices.IndexFunc(a.norm, func(stored string) bool { return checkHash(stored, value) }); j >= 0 {
					values[i] = a.norm[j]
				}
			}
		}
	}
	m.pretty, m.norm = values, values
	return m
}

// setsPassword reports whether the steps bring a password.
func (s *schema) setsPassword(mods []modification) bool {
	return slices.ContainsFunc(mods, func(m modification) bool {
		return m.typ == s.known.userPassword && m.op != ldap.DeleteAttribute && len(m.norm) > 0
	})
}

// changesPassword reports whether the steps count as a change of password. Taking it away alone counts
// only where no policy looks: for root, or without one.
func (s *Server) changesPassword(who identity, e *entry, mods []modification) bool {
	if s.schema.setsPassword(mods) {
		return true
	}
	return (who.isRoot() || s.policyOf(e) == nil) && slices.ContainsFunc(mods, func(m modification) bool { return m.typ == s.schema.known.userPassword })
}

// liftsLock reports whether a change of password ends in the lock being lifted: with OpenLDAP setting the
// password of a locked account enables it. A lock that the same modify writes does not help, unless the
// old one is deleted explicitly; an account that is not locked yet can be locked along the way.
func (s *schema) liftsLock(e *entry, mods []modification) bool {
	return e.get(s.known.pwdAccountLockedTime) != nil && !slices.ContainsFunc(mods, func(m modification) bool {
		return m.typ == s.known.pwdAccountLockedTime && m.op == ldap.DeleteAttribute
	})
}

// notePasswordChange keeps the time of the change, or drops it with the password.
func (s *Server) notePasswordChange(x *transaction, e *entry, mods []modification, now time.Time) {
	for _, m := range mods {
		if m.typ == s.schema.known.userPassword && m.op != ldap.DeleteAttribute {
			s.setTime(x, e, s.schema.known.pwdChangedTime, now)
			return
		}
	}
	x.clear(e, s.schema.known.pwdChangedTime)
}

// liftLock is the delete that slapd's ppolicy overlay appends to such a modify. It fails like any other
// when the steps before it have removed the lock.
func (s *Server) liftLock(x *transaction, e *entry) error {
	return s.deleteValues(x, e, modification{op: ldap.DeleteAttribute, checkedValues: checkedValues{typ: s.schema.known.pwdAccountLockedTime}}, false)
}

// policy is what a pwdPolicy entry says. Nil is no policy.
type policy struct {
	server *Server
	entry  *entry
}

// policyFor returns the policy for an entry with these attributes; policyOf, for one that exists.
func (s *Server) policyFor(values []checkedValues) *policy {
	for _, item := range values {
		if item.typ == s.schema.known.pwdPolicySubentry {
			return s.policyNamed(item.norm[0])
		}
	}
	return s.policyNamed(s.policy)
}

func (s *Server) policyOf(e *entry) *policy {
	if own := e.get(s.schema.known.pwdPolicySubentry); own != nil {
		return s.policyNamed(own.norm[0])
	}
	return s.policyNamed(s.policy)
}

func (s *Server) policyNamed(norm string) *policy {
	e := s.tree.entries[norm]
	if e == nil || !s.tree.hasClass(e, s.schema.class["pwdpolicy"]) {
		return nil
	}
	return &policy{s, e}
}

func (p *policy) number(t *AttributeType) int {
	n, _ := strconv.Atoi(p.entry.first(t)) // absent is zero; the syntax has checked the rest
	return n
}

// ages reports whether passwords grow too old, which is when slapd notes the age of a new entry's.
func (p *policy) ages() bool { return p != nil && p.number(p.server.schema.known.pwdMaxAge) > 0 }

// locksOut reports whether a lock does anything under the policy.
func (p *policy) locksOut() bool {
	return p != nil && p.entry.first(p.server.schema.known.pwdLockout) == "TRUE"
}

// isLocked reports whether the policy keeps the entry from binding: locked for good, or for as long as
// the lockout lasts. Without pwdLockout a lock does nothing.
func (p *policy) isLocked(e *entry, now time.Time) bool {
	if !p.locksOut() {
		return false
	}
	a := e.get(p.server.schema.known.pwdAccountLockedTime)
	if a == nil {
		return false
	}
	since, err := time.Parse("20060102150405Z", a.norm[0])
	duration := time.Duration(p.number(p.server.schema.known.pwdLockoutDuration)) * time.Second
	return err != nil || since.Year() == 0 || duration == 0 || now.Before(since.Add(duration))
}

// check refuses a new password that the policy does not allow.
func (p *policy) check(value string) error {
	known := &p.server.schema.known
	quality := p.number(known.pwdCheckQuality)
	if quality == 0 {
		return nil
	}
	if hashed.MatchString(value) {
		if quality > 1 {
			return fail(ldap.LDAPResultConstraintViolation, "Password fails quality checking policy")
		}
		return nil
	}
	if len(value) < p.number(known.pwdMinLength) {
		return fail(ldap.LDAPResultConstraintViolation, "Password fails quality checking policy")
	}
	return nil
}

// checkNewPassword checks the passwords among values that a client writes. Root stands above their quality.
func (s *Server) checkNewPassword(who identity, p *policy, values []checkedValues) error {
	for _, item := range values {
		if item.typ != s.schema.known.userPassword {
			continue
		}
		if len(item.norm) > 1 {
			return fail(ldap.LDAPResultConstraintViolation, "Password policy only allows one password value")
		}
		if p == nil || who.isRoot() {
			continue
		}
		for _, value := range item.norm {
			if err := p.check(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOldPassword refuses a change by "delete the old value, add the new one" with a wrong old value.
func (s *Server) checkOldPassword(who identity, e *entry, mods []modification) error {
	if who.isRoot() || s.policyOf(e) == nil || !s.schema.setsPassword(mods) || e.get(s.schema.known.userPassword) == nil {
		return nil
	}
	for _, m := range mods {
		if m.typ == s.schema.known.userPassword && m.op == ldap.DeleteAttribute && len(m.norm) > 0 && !s.hasPassword(e, m.norm[0]) {
			return fail(ldap.LDAPResultUnwillingToPerform, "Must supply correct old password to change to new one")
		}
	}
	return nil
}

// generatePassword makes one for a client that asks the server to choose.
func generatePassword() string { return strings.ToLower(rand.Text())[:16] }
