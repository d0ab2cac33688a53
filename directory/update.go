package directory

import (
	"strings"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/google/uuid"
)

// update runs one write as a transaction: all of it or nothing.
func (s *Server) update(rq *request, change func(*transaction) error) error {
	if rq.who.isAnonymous() {
		return fail(ldap.LDAPResultStrongAuthRequired, "modifications require authentication")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.tree.begin()
	if err := change(x); err != nil {
		x.rollback()
		return err
	}
	return nil
}

// updateName parses the DN that an update is about.
func (s *schema) updateName(text string) (dn, error) {
	name, err := s.parseDN(text)
	if err != nil {
		return nil, fail(ldap.LDAPResultInvalidDNSyntax, "invalid DN")
	}
	if len(name) == 0 || strings.EqualFold(text, subschemaName) {
		return nil, fail(ldap.LDAPResultUnwillingToPerform, "this entry belongs to the server")
	}
	return name, nil
}

// assert evaluates an assertion control; anything but true is result 122 (RFC 4528).
func (t *tree) assert(f *filter, e *entry, hidden func(*AttributeType) bool) error {
	if f != nil && t.match(f, e, hidden) != isTrue {
		return fail(ldap.LDAPResultAssertionFailed, "")
	}
	return nil
}

// readEntry answers a pre- or post-read control (RFC 4527).
func (s *Server) readEntry(rq *request, oid string, names []string, e *entry) {
	if names == nil {
		return
	}
	op := s.encodeEntry(e, s.schema.newSelection(names), false, rq.who)
	// Inside the control it is a SearchResultEntry as it stands.
	rq.answer = append(rq.answer, encodeControl(oid, op))
}

// stamp notes who changed the entry and when.
func (s *Server) stamp(x *transaction, e *entry, who string) (now time.Time) {
	now = time.Now().UTC().Truncate(time.Microsecond)
	if !now.After(s.lastCSN) {
		now = s.lastCSN.Add(time.Microsecond) // every CSN is later than the one before
	}
	s.lastCSN = now
	known := &s.schema.known
	csn := now.Format("20060102150405.000000Z") + "#000000#000#000000"
	x.set(e, known.entryCSN, csn, csn)
	s.setName(x, e, known.modifiersName, who)
	s.setTime(x, e, known.modifyTimestamp, now)
	return now
}

func (s *Server) setTime(x *transaction, e *entry, t *AttributeType, at time.Time) {
	text := at.Format("20060102150405Z")
	x.set(e, t, text, text)
}

// setName sets a DN that the server itself has parsed before.
func (s *Server) setName(x *transaction, e *entry, t *AttributeType, name string) {
	if pretty, norm, ok := s.schema.normalise(t, name); ok {
		x.set(e, t, pretty, norm)
	}
}

// add carries out an add (RFC 4511 section 4.7).
func (s *Server) add(rq *request) error {
	in := fieldsOf(rq.op)
	text, list := in.octets(), in.attributeList()
	if in.failed {
		return protocolError("add request not understood")
	}
	if _, exists := s.virtualEntry(text); exists {
		return fail(ldap.LDAPResultEntryAlreadyExists, "")
	}
	name, err := s.schema.updateName(text)
	if err != nil {
		return err
	}
	values, err := s.schema.checkNew(list, false)
	if err != nil {
		return err
	}
	return s.update(rq, func(x *transaction) error {
		if !below(name.norm(), x.suffixNorm) {
			return fail(ldap.LDAPResultUnwillingToPerform, "no global superior knowledge")
		}
		if err := s.checkUnique(values, name.norm(), name.norm()); err != nil {
			return err
		}
		policy := s.policyFor(values)
		if err := s.checkNewPassword(rq.who, policy, values); err != nil {
			return err
		}
		e, err := s.insert(x, name, values, rq.who)
		if err != nil {
			return err
		}
		if policy.ages() && e.get(s.schema.known.userPassword) != nil {
			s.setTime(x, e, s.schema.known.pwdChangedTime, s.lastCSN)
		}
		if err := x.assert(rq.controls.assertion, e, s.hides(rq.who)); err != nil {
			return err
		}
		s.readEntry(rq, controlPostRead, rq.controls.postRead, e)
		return nil
	})
}

// checkNew checks the attributes of a new entry. An attribute may be given in several parts. trusted lets
// it carry what only the server writes.
func (s *schema) checkNew(list []namedValues, trusted bool) ([]checkedValues, error) {
	merged := []namedValues{}
	place := map[string]int{}
	for _, item := range list {
		if len(item.values) == 0 {
			return nil, protocolError("no values for attribute type")
		}
		key := strings.ToLower(item.name)
		if i, again := place[key]; again {
			merged[i].values = append(merged[i].values, item.values...)
			continue
		}
		place[key] = len(merged)
		merged = append(merged, item)
	}
	values := make([]checkedValues, len(merged))
	for i, item := range merged {
		var err error
		if values[i], err = s.checkValues(item); err != nil {
			return nil, err
		}
	}
	for _, item := range values {
		if err := item.checkOwnership(); err != nil && !trusted {
			return nil, err
		}
	}
	return values, nil
}

// insert puts a new entry into the tree, completed by what the server adds to it.
func (s *Server) insert(x *transaction, name dn, values []checkedValues, who identity) (*entry, error) {
	e := &entry{rdn: name[0], name: name.String(), norm: name.norm()}
	for _, item := range values {
		for i := range item.norm {
			x.add(e, item.typ, item.pretty[i], item.norm[i])
		}
	}
	// As in slapd, naming attributes that the client left out are filled in.
	for _, a := range e.rdn.avas {
		if values := e.get(a.typ); values == nil || values.find(a.norm) < 0 {
			x.add(e, a.typ, a.value, a.norm)
		}
	}
	structural, err := s.schema.checkEntry(e)
	if err != nil {
		return nil, err
	}
	existing, parent := x.closest(name)
	switch {
	case existing != nil:
		return nil, fail(ldap.LDAPResultEntryAlreadyExists, "")
	case len(name) == len(x.suffix):
	case parent == nil || parent.norm != name[1:].norm():
		missing := fail(ldap.LDAPResultNoSuchObject, "")
		if parent != nil && who.sees(parent) {
			missing.matched = parent.name
		}
		return nil, missing
	}
	if !who.mayWrite(e.norm) || parent != nil && !who.mayWrite(parent.norm) {
		return nil, fail(ldap.LDAPResultInsufficientAccessRights, "no write access to parent")
	}
	e.parent = parent
	s.hashPasswords(x, e)
	s.complete(x, e, structural, who)
	x.attach(e)
	return e, nil
}

// complete adds the operational attributes of a new entry, except those that Load brought along.
func (s *Server) complete(x *transaction, e *entry, structural *class, who identity) {
	known := &s.schema.known
	creator, created := who.name, time.Now().UTC()
	if e.get(known.entryCSN) == nil {
		created = s.stamp(x, e, creator)
	}
	if e.get(known.structuralObjectClass) == nil {
		x.add(e, known.structuralObjectClass, structural.Name, strings.ToLower(structural.Name))
	}
	if e.get(known.entryUUID) == nil {
		id := uuid.NewString()
		x.add(e, known.entryUUID, id, id)
	}
	if e.get(known.creatorsName) == nil {
		s.setName(x, e, known.creatorsName, creator)
	}
	if e.get(known.createTimestamp) == nil {
		s.setTime(x, e, known.createTimestamp, created)
	}
}

// delete carries out a delete (RFC 4511 section 4.8).
func (s *Server) delete(rq *request) error {
	if rq.op.TagType != ber.TypePrimitive {
		return protocolError("delete request not understood")
	}
	name, err := s.schema.updateName(rq.op.Data.String())
	if err != nil {
		return err
	}
	return s.update(rq, func(x *transaction) error {
		e, err := s.target(name)
		if err != nil {
			return err
		}
		if err := x.assert(rq.controls.assertion, e, s.hides(rq.who)); err != nil {
			return err
		}
		if !rq.who.mayWrite(e.norm) || e.parent != nil && !rq.who.mayWrite(e.parent.norm) {
			return fail(ldap.LDAPResultInsufficientAccessRights, "no write access to parent")
		}
		if len(e.children) > 0 {
			return fail(ldap.LDAPResultNotAllowedOnNonLeaf, "subordinate objects must be deleted first")
		}
		s.readEntry(rq, controlPreRead, rq.controls.preRead, e)
		x.detach(e)
		s.dropReferences(x, e.norm)
		return nil
	})
}

// compare carries out a compare (RFC 4511 section 4.10). Its outcome is in the result code.
func (s *Server) compare(rq *request) error {
	in := fieldsOf(rq.op)
	text := in.octets()
	assertion := fieldsOf(in.take(ber.ClassUniversal, ber.TagSequence))
	attribute, value := assertion.octets(), assertion.octets()
	if in.failed || assertion.failed {
		return protocolError("compare request not understood")
	}
	name, err := s.schema.parseDN(text)
	if err != nil {
		return fail(ldap.LDAPResultInvalidDNSyntax, "invalid DN")
	}
	t := s.schema.attribute[strings.ToLower(attribute)]
	if t == nil {
		return fail(ldap.LDAPResultUndefinedAttributeType, "attribute type undefined")
	}
	if t.Rule == Opaque {
		return fail(ldap.LDAPResultInappropriateMatching, "inappropriate matching request")
	}
	_, norm, ok := s.schema.normalise(t, value)
	if !ok {
		return fail(ldap.LDAPResultInvalidAttributeSyntax, "value does not conform to assertion syntax")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, err := s.find(rq.who, name)
	if err != nil {
		return err
	}
	if err := s.tree.assert(rq.controls.assertion, e, s.hides(rq.who)); err != nil {
		return err
	}
	a := s.tree.values(e, t)
	switch {
	case s.hides(rq.who)(t):
		return fail(ldap.LDAPResultInsufficientAccessRights, "")
	case a == nil:
		return fail(ldap.LDAPResultNoSuchAttribute, "")
	case t == s.schema.known.objectClass && s.tree.hasClass(e, s.schema.class[norm]), a.find(norm) >= 0:
		return fail(ldap.LDAPResultCompareTrue, "")
	}
	return fail(ldap.LDAPResultCompareFalse, "")
}
