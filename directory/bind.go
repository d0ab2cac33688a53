package directory

import (
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// bind carries out a simple bind (RFC 4511 section 4.2). Whatever comes of it, the old identity is gone.
func (s *Server) bind(rq *request) error {
	rq.conn.who = identity{}
	rq.conn.forgetPage()
	in := fieldsOf(rq.op)
	version, text, method := in.integer(ber.TagInteger), in.octets(), in.any()
	switch {
	case in.failed || method.ClassType != ber.ClassContext:
		return protocolError("bind request not understood")
	case version != 3:
		return protocolError("historical protocol version requested, use LDAPv3 instead")
	case method.Tag != 0 || method.TagType != ber.TypePrimitive:
		return fail(ldap.LDAPResultAuthMethodNotSupported, "only simple binds")
	}
	name, err := s.schema.parseDN(text)
	if err != nil {
		return fail(ldap.LDAPResultInvalidDNSyntax, "invalid DN")
	}
	password := method.Data.String()
	if len(name) == 0 {
		if password != "" {
			return fail(ldap.LDAPResultInvalidCredentials, "")
		}
		return nil // anonymous
	}
	if password == "" {
		return fail(ldap.LDAPResultUnwillingToPerform, "unauthenticated bind (DN with no password) disallowed")
	}
	who, policyError, err := s.authenticate(name, password)
	if rq.controls.passwordPolicy && policyError != noEntry {
		rq.answer = append(rq.answer, encodePolicyError(policyError))
	}
	if err != nil {
		return err
	}
	rq.conn.who = who
	return nil
}

// What the password policy control answers besides go-ldap's Behera constants: no entry means no control.
const (
	noPolicyError = -1
	noEntry       = -2
)

// authenticate proves who a DN and a password are. A locked account and a wrong password are the same
// result; only the password policy control tells them apart.
func (s *Server) authenticate(name dn, password string) (who identity, policyError int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, a := s.tree.entries[name.norm()], s.accounts[name.norm()]
	policyError = noEntry
	if a != nil && a != s.root {
		policyError = noPolicyError // it stands for an entry, in slapd
	}
	if e != nil {
		policyError = noPolicyError
		if a != s.root && s.policyOf(e).isLocked(e, time.Now()) {
			return identity{}, ldap.BeheraAccountLocked, fail(ldap.LDAPResultInvalidCredentials, "")
		}
	}
	switch {
	case a != nil && a.checkPassword(password):
		return identity{a.name, a.norm, a}, policyError, nil
	case e != nil && s.hasPassword(e, password):
		if s.policyOf(e).locksOut() { // a lock that has run out is removed
			s.tree.begin().clear(e, s.schema.known.pwdAccountLockedTime)
		}
		return identity{e.name, e.norm, a}, policyError, nil
	}
	return identity{}, policyError, fail(ldap.LDAPResultInvalidCredentials, "")
}

// forgetPage drops the connection's paged search.
func (c *conn) forgetPage() {
	c.pageMu.Lock()
	defer c.pageMu.Unlock()
	c.page = nil
}
