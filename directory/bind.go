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
	if rq.controls.passwordPolicy {
		rq.answer = append(rq.answer, encodePolicyError(policyError))
	}
	if err != nil {
		return err
	}
	rq.conn.who = who
	return nil
}

// authenticate proves who a DN and a password are. A locked account and a wrong password are the same
// result; only the password policy control tells them apart.
func (s *Server) authenticate(name dn, password string) (who identity, policyError int, err error) {
	refused := fail(ldap.LDAPResultInvalidCredentials, "")
	norm := name.norm()
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.tree.entries[norm]
	a := s.accounts[norm]
	if a != s.root && e != nil && s.policyOf(e).isLocked(e, time.Now()) {
		return identity{}, ldap.BeheraAccountLocked, refused
	}
	switch {
	case a != nil && a.checkPassword(password):
		return identity{a.name, a.norm, a}, -1, nil
	case e != nil && s.hasPassword(e, password):
		return identity{e.name, e.norm, a}, -1, nil
	}
	return identity{}, -1, refused
}

// forgetPage drops the connection's paged search.
func (c *conn) forgetPage() {
	c.pageMu.Lock()
	defer c.pageMu.Unlock()
	c.page = nil
}
