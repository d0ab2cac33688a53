package directory

import (
	"bytes"
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

// preparePassword gives a step on userPassword the values to store: hashes to add, and for a delete of
// a password in the clear the hash that it is stored as.
func (s *Server) preparePassword(e *entry, m modification) modification {
	values := slices.Clone(m.norm)
	for i, value := range values {
		switch {
		case hashed.MatchString(value):
		case m.op != ldap.DeleteAttribute:
			values[i] = hashPassword(value)
		default:
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

// passwordChanged notes when, and lifts the lock unless the same modify wrote it: with OpenLDAP setting
// a password enables the account.
func (s *Server) passwordChanged(x *transaction, e *entry, touched []*AttributeType) {
	known := &s.schema.known
	if e.get(known.userPassword) != nil {
		s.setTime(x, e, known.pwdChangedTime, s.lastCSN)
	} else {
		x.clear(e, known.pwdChangedTime)
	}
	if !slices.Contains(touched, known.pwdAccountLockedTime) {
		x.clear(e, known.pwdAccountLockedTime)
	}
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

// isLocked reports whether the policy keeps the entry from binding: locked for good, or for as long as
// the lockout lasts. Without pwdLockout a lock does nothing.
func (p *policy) isLocked(e *entry, now time.Time) bool {
	if p == nil || p.entry.first(p.server.schema.known.pwdLockout) != "TRUE" {
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
	if p == nil {
		return nil
	}
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

// checkNewPassword checks the passwords of a new entry. Root stands above the policy.
func (s *Server) checkNewPassword(who identity, p *policy, values []checkedValues) error {
	for _, item := range values {
		if item.typ != s.schema.known.userPassword || who.isRoot() {
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

// checkChangedPassword checks the passwords that a modify brings.
func (s *Server) checkChangedPassword(who identity, e *entry, mods []modification) error {
	for _, m := range mods {
		if m.op == ldap.DeleteAttribute {
			continue
		}
		if err := s.checkNewPassword(who, s.policyOf(e), []checkedValues{m.checkedValues}); err != nil {
			return err
		}
	}
	return nil
}

// generatePassword makes one for a client that asks the server to choose.
func generatePassword() string { return string(bytes.ToLower([]byte(rand.Text())))[:16] }
