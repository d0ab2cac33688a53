package directory

import (
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// The extended operations that the server knows.
const (
	extendedStartTLS       = "1.3.6.1.4.1.1466.20037"  // RFC 4511 section 4.14
	extendedPasswordModify = "1.3.6.1.4.1.4203.1.11.1" // RFC 3062
	extendedWhoAmI         = "1.3.6.1.4.1.4203.1.11.3" // RFC 4532
)

// extendedName returns the OID of an extended request, "" if it is malformed.
func extendedName(op *ber.Packet) string {
	if name := fieldsOf(op).optional(ber.ClassContext, 0); name != nil {
		return name.Data.String()
	}
	return ""
}

// extended carries out an extended operation (RFC 4511 section 4.12).
func (s *Server) extended(rq *request) error {
	in := fieldsOf(rq.op)
	name := in.take(ber.ClassContext, 0).Data.String()
	value := in.optional(ber.ClassContext, 1)
	if in.failed {
		return protocolError("extended request not understood")
	}
	switch name {
	case extendedWhoAmI:
		who := ""
		if !rq.who.isAnonymous() {
			who = "dn:" + rq.who.name
		}
		rq.tail = append(rq.tail, ber.NewString(ber.ClassContext, ber.TypePrimitive, 11, who, ""))
		return nil
	case extendedPasswordModify:
		return s.passwordModify(rq, value)
	case extendedStartTLS:
		if s.options.TLS == nil {
			break
		}
		if rq.conn.stream != rq.conn.socket {
			return fail(ldap.LDAPResultOperationsError, "TLS already started")
		}
		rq.after = func() { rq.conn.startTLS(s.options.TLS) }
		return nil
	}
	return protocolError("unsupported extended operation")
}

// passwordModify is RFC 3062. Without an identity it is about the client itself; without a new password
// the server chooses one and returns it.
func (s *Server) passwordModify(rq *request, value *ber.Packet) error {
	in := &fields{}
	if value != nil {
		inner := decodeValue(value.Data.Bytes())
		if inner == nil {
			return protocolError("password modify request not understood")
		}
		in = fieldsOf(inner)
	}
	user, old, fresh := in.optional(ber.ClassContext, 0), in.optional(ber.ClassContext, 1), in.optional(ber.ClassContext, 2)
	if len(in.rest) > 0 {
		return protocolError("password modify request not understood")
	}
	if rq.who.isAnonymous() {
		return fail(ldap.LDAPResultStrongAuthRequired, "only authenticated users may change passwords")
	}
	target := rq.who.name
	if user != nil {
		target = strings.TrimPrefix(user.Data.String(), "dn:")
	}
	password := generatePassword()
	if fresh != nil {
		if password = fresh.Data.String(); password == "" {
			return fail(ldap.LDAPResultUnwillingToPerform, "new password is empty")
		}
	}
	name, err := s.schema.updateName(target)
	if err != nil {
		return fail(ldap.LDAPResultInvalidAttributeSyntax, "Invalid DN")
	}
	m := modification{op: ldap.ReplaceAttribute, checkedValues: checkedValues{s.schema.known.userPassword, []string{password}, []string{password}}}
	err = s.update(rq, func(x *transaction) error {
		e := x.entries[name.norm()]
		if e == nil {
			return fail(ldap.LDAPResultNoSuchObject, "")
		}
		if !s.mayModify(rq.who, e, []modification{m}) {
			return fail(ldap.LDAPResultInsufficientAccessRights, "")
		}
		if old != nil && !s.hasPassword(e, old.Data.String()) {
			return fail(ldap.LDAPResultUnwillingToPerform, "unwilling to verify old password")
		}
		if err := s.checkNewPassword(rq.who, s.policyOf(e), []checkedValues{m.checkedValues}); err != nil {
			return err
		}
		return s.change(x, e, []modification{m}, rq)
	})
	if err == nil && fresh == nil {
		chosen := sequence(ber.ClassUniversal, ber.TagSequence, ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, password, ""))
		rq.tail = append(rq.tail, ber.NewString(ber.ClassContext, ber.TypePrimitive, 11, string(chosen.Bytes()), ""))
	}
	return err
}
