package directory

import (
	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// modifyDN carries out a rename, a move or both (RFC 4511 section 4.9). What is below moves along.
func (s *Server) modifyDN(rq *request) error {
	in := fieldsOf(rq.op)
	text, newRDN, deleteOld := in.octets(), in.octets(), in.boolean()
	superior := in.optional(ber.ClassContext, 0)
	if in.failed {
		return protocolError("modify DN request not understood")
	}
	name, err := s.schema.updateName(text)
	if err != nil {
		return err
	}
	first, err := s.schema.parseDN(newRDN)
	if err != nil || len(first) != 1 {
		return fail(ldap.LDAPResultInvalidDNSyntax, "invalid new RDN")
	}
	var above dn
	if superior != nil {
		if above, err = s.schema.parseDN(superior.Data.String()); err != nil {
			return fail(ldap.LDAPResultInvalidDNSyntax, "invalid newSuperior")
		}
	} else {
		above = name[1:]
	}
	var named []checkedValues
	for _, a := range first[0].avas {
		named = append(named, checkedValues{typ: a.typ, norm: []string{a.norm}})
	}
	return s.update(rq, func(x *transaction) error {
		if err := s.checkUnique(named, name.norm(), name.norm(), above.norm()); err != nil {
			return err
		}
		e, err := s.target(name)
		if err != nil {
			return err
		}
		parent, err := s.newParent(x, rq.who, e, above, superior != nil)
		if err != nil {
			return err
		}
		if err := x.assert(rq.controls.assertion, e, s.hides(rq.who)); err != nil {
			return err
		}
		if other := x.entries[first[0].norm+","+parent.norm]; other != nil && other != e {
			return fail(ldap.LDAPResultEntryAlreadyExists, "")
		}
		s.readEntry(rq, controlPreRead, rq.controls.preRead, e)
		if err := s.rename(x, e, parent, first[0], deleteOld, rq.who); err != nil {
			return err
		}
		s.readEntry(rq, controlPostRead, rq.controls.postRead, e)
		return nil
	})
}

// newParent finds where the entry is to go and whether the client may move it there.
func (s *Server) newParent(x *transaction, who identity, e *entry, above dn, moves bool) (*entry, error) {
	if e.parent == nil || !below(above.norm(), x.suffixNorm) {
		return nil, fail(ldap.LDAPResultAffectsMultipleDSAs, "cannot rename between DSAs")
	}
	if moves && below(above.norm(), e.norm) {
		return nil, fail(ldap.LDAPResultUnwillingToPerform, "cannot place an entry below itself")
	}
	denied := fail(ldap.LDAPResultInsufficientAccessRights, "")
	if !who.mayWrite(e.norm) || !who.mayWrite(e.parent.norm) {
		return nil, denied
	}
	parent := x.entries[above.norm()]
	if parent == nil {
		return nil, fail(ldap.LDAPResultNoSuchObject, "new superior not found")
	}
	if !who.mayWrite(parent.norm) {
		return nil, denied
	}
	return parent, nil
}

// rename gives the entry its new place, puts the new naming values in and takes the old ones out if
// wanted, and lets references follow.
func (s *Server) rename(x *transaction, e, parent *entry, name rdn, deleteOld bool, who identity) error {
	if deleteOld {
		for _, old := range e.rdn.avas {
			if a := e.get(old.typ); a != nil {
				if i := a.find(old.norm); i >= 0 {
					x.remove(e, a, i)
				}
			}
		}
	}
	for _, a := range name.avas {
		values := e.get(a.typ)
		if values != nil && values.find(a.norm) >= 0 {
			continue
		}
		x.add(e, a.typ, a.value, a.norm)
	}
	oldNames := map[*entry]string{}
	e.walk(func(moved *entry) { oldNames[moved] = moved.norm })
	x.move(e, parent, name)
	if _, err := s.schema.checkEntry(e); err != nil {
		return err
	}
	s.stamp(x, e, who.name)
	for moved, old := range oldNames {
		s.moveReferences(x, old, moved, e) // also for a change of case alone
	}
	return nil
}
