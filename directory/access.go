package directory

import (
	"crypto/subtle"

	"github.com/go-ldap/ldap/v3"
)

// account is a configured bind DN with its rights.
type account struct {
	name, norm  string
	password    string
	everything  bool
	read, write []string // normalised DNs of subtrees
}

func (s *Server) newAccount(a Account) (*account, error) {
	name, err := s.schema.parseDN(a.DN)
	if err != nil {
		return nil, err
	}
	made := &account{name: name.String(), norm: name.norm(), password: a.Password}
	for _, text := range a.Write {
		base, err := s.schema.parseDN(text)
		if err != nil {
			return nil, err
		}
		made.write = append(made.write, base.norm())
	}
	made.read = append(made.read, made.write...)
	for _, text := range a.Read {
		base, err := s.schema.parseDN(text)
		if err != nil {
			return nil, err
		}
		made.read = append(made.read, base.norm())
	}
	return made, nil
}

func (a *account) checkPassword(password string) bool {
	return a.password != "" && subtle.ConstantTimeCompare([]byte(a.password), []byte(password)) == 1
}

// identity is who a connection is bound as.
type identity struct {
	name, norm string
	account    *account // nil for a person who bound with a userPassword
}

func (who identity) isAnonymous() bool { return who.norm == "" }

func (who identity) isRoot() bool { return who.account != nil && who.account.everything }

// sees reports whether the entry exists as far as the client can tell.
func (who identity) sees(e *entry) bool {
	if who.account == nil {
		return e.norm == who.norm && !who.isAnonymous() // people see themselves
	}
	if who.isRoot() {
		return true
	}
	for _, base := range who.account.read {
		if below(e.norm, base) || below(base, e.norm) {
			return true
		}
	}
	return false
}

// mayWrite reports whether the client may write at the name. Adding, removing and renaming ask this of the
// parent too, so that the top of a subtree stays where it is.
func (who identity) mayWrite(norm string) bool {
	if who.isRoot() {
		return true
	}
	if who.account != nil {
		for _, base := range who.account.write {
			if below(norm, base) {
				return true
			}
		}
	}
	return false
}

// hides tells which attributes the client can neither read nor search by: the password's hash, to all
// but root.
func (s *Server) hides(who identity) func(*AttributeType) bool {
	return func(t *AttributeType) bool { return t == s.schema.known.userPassword && !who.isRoot() }
}

// find returns the entry of a name that the client can see. A failure carries the nearest ancestor that
// the client can see.
func (s *Server) find(who identity, name dn) (*entry, error) {
	e, ancestor := s.tree.closest(name)
	if e != nil && who.sees(e) {
		return e, nil
	}
	missing := fail(ldap.LDAPResultNoSuchObject, "")
	if ancestor != nil && who.sees(ancestor) {
		missing.matched = ancestor.name
	}
	return nil, missing
}

// target returns the entry that an update is about. Like slapd it tells everybody the nearest ancestor.
func (s *Server) target(name dn) (*entry, error) {
	if !below(name.norm(), s.tree.suffixNorm) {
		return nil, fail(ldap.LDAPResultUnwillingToPerform, "no global superior knowledge")
	}
	e, ancestor := s.tree.closest(name)
	if e != nil {
		return e, nil
	}
	missing := fail(ldap.LDAPResultNoSuchObject, "")
	if ancestor != nil {
		missing.matched = ancestor.name
	}
	return nil, missing
}
