package scim

import (
	"errors"
	"strings"
)

// patch reads a PatchOp (RFC 7644 §3.5.2). The URN in schemas is not asked for:
// the Operations say what it is.
func (x *decoding) patch(root jsonValue) error {
	var operations jsonValue
	isThere := false
	for name, v := range root.members() {
		if name.is("operations") {
			operations, isThere = v, true
		}
	}
	switch {
	case !isThere:
		return Invalid(InvalidSyntax, "the body has no Operations; a PATCH carries a list of them (a part of a resource is SCIM 1.1, which is spoken at base_v1, if the gateway has one)")
	case operations.kind() != jsonArray:
		return Invalid(InvalidSyntax, "Operations is %s; an array is needed", operations.kind())
	case operations.isEmpty():
		return Invalid(InvalidSyntax, "Operations is empty; a PATCH carries one or more")
	}
	defer func() { x.position = 0 }()
	for o := range operations.elements() {
		x.position++
		if x.position == x.limits.Operations+1 {
			x.fail(Invalid(InvalidValue, "a PATCH may have %d operations; raise %q in the gateway's configuration to allow more",
				x.limits.Operations, limitOperations))
		}
		x.operation(o)
	}
	return nil
}

// operation reads one element of Operations.
func (x *decoding) operation(o jsonValue) {
	if o.kind() != jsonObject {
		x.fail(Invalid(InvalidSyntax, "expected an object, found %s", o.kind()))
		return
	}
	var opValue, pathValue, value jsonValue
	hasValue := false
	for name, v := range o.members() {
		switch {
		case name.is("op"):
			opValue = v
		case name.is("path"):
			pathValue = v
		case name.is("value"):
			value, hasValue = v, true
		}
	}
	op, err := readOp(opValue)
	if err != nil {
		x.fail(err)
		return
	}
	path, err := readPath(pathValue)
	defer x.refuseContradiction(len(x.op.Changes))
	switch {
	case err != nil:
		x.fail(err)
	case op == Remove:
		x.remove(path, value)
	case !hasValue:
		x.fail(Invalid(InvalidValue, "%s needs a value", op))
	case path == "":
		x.setAll(op, value)
	default:
		x.setAt(op, path, value)
	}
}

// readOp reads the name of an operation, in any case: Entra writes Replace.
func readOp(v jsonValue) (ChangeOp, error) {
	text, err := "", error(nil)
	if v.kind() == jsonString {
		text, err = v.text()
	}
	switch op := ChangeOp(foldASCII(strings.TrimSpace(text))); {
	case err == nil && (op == Add || op == Remove || op == Replace):
		return op, nil
	case text != "":
		return "", Invalid(InvalidSyntax, "op is %s; expected add, remove or replace", shorten(text))
	}
	return "", Invalid(InvalidSyntax, "there is no op; expected add, remove or replace")
}

// readPath returns the path, or "" when there is none.
func readPath(v jsonValue) (string, error) {
	switch v.kind() {
	case jsonNull:
		return "", nil
	case jsonString:
		text, err := v.text()
		if err != nil {
			return "", Invalid(InvalidPath, "the path cannot be read: %v", err)
		}
		return strings.TrimSpace(text), nil
	}
	return "", Invalid(InvalidPath, "the path is %s; a string is needed", v.kind())
}

// setAll reads the value of an add or replace without path: an object of
// attributes (RFC 7644 §3.5.2.1, §3.5.2.3).
func (x *decoding) setAll(op ChangeOp, v jsonValue) {
	v, err := only(v)
	if err != nil || v.kind() != jsonObject {
		x.fail(Invalid(InvalidValue, "a value without path must be an object of attributes"))
		return
	}
	for name, member := range v.members() {
		x.member(op, nil, name, member)
	}
}

// setAt reads the value of an add or replace at a path.
func (x *decoding) setAt(op ChangeOp, path string, v jsonValue) {
	if s := SchemaForPath(x.t, path); s != nil {
		x.extension(op, s, v)
		return
	}
	p, err := ParsePath(x.t, path)
	switch {
	case err == nil:
		x.set(op, p, v, true)
	case isUnknownAttribute(err) && x.selectsMembers(path):
		x.fail(errMemberSelector(path))
	case isUnknownAttribute(err):
		x.unmapped(path, v)
	default:
		x.fail(err)
	}
}

// remove reads a remove. RFC 7644 §3.5.2.2 gives it no value, but Entra without
// its feature flag names the elements to be removed there: they alone are
// removed, and only without a value it is all of them.
func (x *decoding) remove(path string, v jsonValue) {
	if path == "" {
		x.fail(Invalid(NoTarget, "remove needs a path"))
		return
	}
	if s := SchemaForPath(x.t, path); s != nil {
		x.clearSchema(s, true)
		return
	}
	p, err := ParsePath(x.t, path)
	switch {
	case isUnknownAttribute(err) && x.selectsMembers(path):
		x.fail(errMemberSelector(path))
	case isUnknownAttribute(err):
		x.unmapped(path, v)
	case err != nil:
		x.fail(err)
	case p.Attribute.IsReferenceSet():
		x.removeMembers(p, v)
	case isReadOnly(p):
		x.fail(Invalid(MutabilityErr, "%s is read-only", p))
	case takesList(p) && v.kind() != jsonNull:
		if list, ok := x.list(p.Leaf(), v); ok && !list.IsAbsent() {
			x.emit(Change{Op: Remove, Path: p, Value: list})
		}
	default:
		x.clear(p, true)
	}
}

// selectsMembers reports whether a path selects some of a group's members. What
// is not mapped there must not be ignored: it would look as if they had been
// removed.
func (x *decoding) selectsMembers(path string) bool {
	name, _, isSelection := strings.Cut(path, "[")
	p, err := ParsePath(x.t, name)
	return isSelection && err == nil && p.Attribute.IsReferenceSet()
}

func isUnknownAttribute(err error) bool {
	_, is := errors.AsType[*UnknownAttributeError](err)
	return is
}
