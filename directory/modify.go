package directory

import (
	"math/big"
	"slices"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// modification is one step of a modify, checked.
type modification struct {
	checkedValues
	op int64
}

// modify carries out a modify (RFC 4511 section 4.6): step by step, all or nothing.
func (s *Server) modify(rq *request) error {
	in := fieldsOf(rq.op)
	text := in.octets()
	steps := in.take(ber.ClassUniversal, ber.TagSequence)
	if in.failed {
		return protocolError("modify request not understood")
	}
	name, err := s.schema.updateName(text)
	if err != nil {
		return err
	}
	mods, err := s.schema.checkModifications(steps)
	if err != nil {
		return err
	}
	return s.update(rq, func(x *transaction) error {
		if err := s.checkUnique(brought(mods), name.norm(), name.norm()); err != nil {
			return err
		}
		e, err := s.target(name)
		if err != nil {
			return err
		}
		if err := s.checkNewPassword(rq.who, s.policyOf(e), brought(mods)); err != nil {
			return err
		}
		if err := s.checkOldPassword(rq.who, e, mods); err != nil {
			return err
		}
		if err := x.assert(rq.controls.assertion, e, s.hides(rq.who)); err != nil {
			return err
		}
		if !s.mayModify(rq.who, e, mods) {
			return fail(ldap.LDAPResultInsufficientAccessRights, "")
		}
		s.readEntry(rq, controlPreRead, rq.controls.preRead, e)
		if err := s.change(x, e, mods, rq); err != nil {
			return err
		}
		s.readEntry(rq, controlPostRead, rq.controls.postRead, e)
		return nil
	})
}

// change applies the steps and everything that follows from them.
func (s *Server) change(x *transaction, e *entry, mods []modification, rq *request) error {
	changesPassword := s.changesPassword(rq.who, e, mods)
	liftsLock := changesPassword && s.schema.liftsLock(e, mods)
	for _, m := range mods {
		if err := s.apply(x, rq.who, e, m, rq.controls.permissive); err != nil {
			return err
		}
	}
	if liftsLock {
		if err := s.liftLock(x, e); err != nil {
			return err
		}
	}
	if _, err := s.schema.checkEntry(e); err != nil {
		return err
	}
	now := s.stamp(x, e, rq.who.name)
	if changesPassword {
		s.notePasswordChange(x, e, mods, now)
	}
	return nil
}

// brought returns the values that the steps want to put in.
func brought(mods []modification) (values []checkedValues) {
	for _, m := range mods {
		if m.op != ldap.DeleteAttribute {
			values = append(values, m.checkedValues)
		}
	}
	return values
}

// checkModifications checks the steps by themselves, before anybody looks at the entry, in the order
// in which slapd does.
func (s *schema) checkModifications(steps *ber.Packet) ([]modification, error) {
	var mods []modification
	for _, step := range steps.Children {
		in := fieldsOf(step)
		m := modification{op: in.integer(ber.TagEnumerated)}
		values := in.attribute(in.take(ber.ClassUniversal, ber.TagSequence))
		if in.failed || m.op < ldap.AddAttribute || m.op > ldap.IncrementAttribute {
			return nil, protocolError("modification not understood")
		}
		if len(values.values) == 0 && (m.op == ldap.AddAttribute || m.op == ldap.IncrementAttribute) {
			return nil, protocolError("modify/add operation (%s) requires values", values.name)
		}
		checked, err := s.checkValues(values)
		if err != nil {
			return nil, err
		}
		m.checkedValues = checked
		mods = append(mods, m)
	}
	for _, m := range mods {
		if err := m.checkOwnership(); err != nil {
			return nil, err
		}
	}
	return mods, nil
}

// mayModify reports whether the client may write the entry; everybody may change the own password.
func (s *Server) mayModify(who identity, e *entry, mods []modification) bool {
	if who.mayWrite(e.norm) {
		return true
	}
	return e.norm == who.norm && !slices.ContainsFunc(mods, func(m modification) bool { return m.typ != s.schema.known.userPassword })
}

// apply carries out one step.
func (s *Server) apply(x *transaction, who identity, e *entry, m modification, permissive bool) error {
	if m.typ == s.schema.known.userPassword {
		m = s.preparePassword(who, e, m)
	}
	switch m.op {
	case ldap.AddAttribute:
		return s.addValues(x, e, m, permissive)
	case ldap.DeleteAttribute:
		return s.deleteValues(x, e, m, permissive)
	case ldap.ReplaceAttribute:
		x.clear(e, m.typ)
		for i := range m.norm {
			x.add(e, m.typ, m.pretty[i], m.norm[i])
		}
		return nil
	}
	return s.increment(x, e, m)
}

func (s *Server) addValues(x *transaction, e *entry, m modification, permissive bool) error {
	present := e.get(m.typ)
	if present != nil && m.typ.Rule == Opaque {
		return fail(ldap.LDAPResultInappropriateMatching, "modify/add: %s: no equality matching rule", m.typ.Name())
	}
	for i, norm := range m.norm {
		if present != nil && present.find(norm) >= 0 {
			if permissive {
				continue
			}
			return fail(ldap.LDAPResultAttributeOrValueExists, "modify/add: %s: value #%d already exists", m.typ.Name(), i)
		}
		x.add(e, m.typ, m.pretty[i], norm)
	}
	return nil
}

func (s *Server) deleteValues(x *transaction, e *entry, m modification, permissive bool) error {
	present := e.get(m.typ)
	if present == nil {
		if permissive {
			return nil
		}
		return fail(ldap.LDAPResultNoSuchAttribute, "modify/delete: %s: no such attribute", m.typ.Name())
	}
	if len(m.norm) == 0 {
		x.clear(e, m.typ)
		return nil
	}
	if m.typ.Rule == Opaque {
		return fail(ldap.LDAPResultInappropriateMatching, "modify/delete: %s: no equality matching rule", m.typ.Name())
	}
	for step, norm := range m.norm {
		i := present.find(norm)
		if i < 0 {
			// slapd forgives a missing value, but the fate of the last one decides.
			if permissive && step < len(m.norm)-1 {
				continue
			}
			return fail(ldap.LDAPResultNoSuchAttribute, "modify/delete: %s: no such value", m.typ.Name())
		}
		x.remove(e, present, i)
	}
	return nil
}

// increment is RFC 4525.
func (s *Server) increment(x *transaction, e *entry, m modification) error {
	present := e.get(m.typ)
	if m.typ.Rule != Integer || len(m.norm) != 1 {
		return fail(ldap.LDAPResultConstraintViolation, "modify/increment: %s: one integer is needed", m.typ.Name())
	}
	if present == nil {
		return fail(ldap.LDAPResultNoSuchAttribute, "modify/increment: %s: no such attribute", m.typ.Name())
	}
	by, _ := new(big.Int).SetString(m.norm[0], 10) // checked by the syntax
	old := slices.Clone(present.norm)
	x.clear(e, m.typ)
	for _, norm := range old {
		n, _ := new(big.Int).SetString(norm, 10)
		text := n.Add(n, by).String()
		x.add(e, m.typ, text, text)
	}
	return nil
}
