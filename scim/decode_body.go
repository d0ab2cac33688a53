package scim

import (
	"errors"
	"net/http"
	"strings"
)

// body reads the body of a POST, PUT or PATCH. Its error means that nothing in
// the body can be relied on; everything else that is wrong goes to fail.
func (x *decoding) body(r Request) error {
	root, err := x.object(r, x.limits.Depth)
	if err != nil {
		return err
	}
	x.method = r.Method
	switch {
	case x.decoder.Dialect == V1:
		if err := x.bodyV1(root); err != nil {
			return err
		}
	case x.method == http.MethodPatch:
		if err := x.patch(root); err != nil {
			return err
		}
	default:
		x.resource(root)
	}
	if x.members.count() > x.limits.Members {
		x.fail(Invalid(InvalidValue, "the request names more than %d members; raise %q in the gateway's configuration to allow more",
			x.limits.Members, limitMembers))
	}
	x.op.Members = x.members.change()
	if x.method == http.MethodPost {
		x.create()
	}
	return nil
}

// object returns the JSON object that a body is.
func (x *decoding) object(r Request, depth int) (jsonValue, error) {
	if err := checkContentType(r.ContentType); err != nil {
		return nil, err
	}
	if int64(len(r.Body)) > x.limits.Body {
		return nil, BodyTooLarge(x.limits.Body)
	}
	root, err := scanJSON(r.Body, depth)
	if err != nil {
		return nil, err
	}
	if root.kind() != jsonObject {
		return nil, Invalid(InvalidSyntax, "the body is %s; a JSON object is needed", root.kind())
	}
	return root, nil
}

// resource reads the resource of a POST or PUT. A PUT is read like a PATCH that
// replaces each attribute it names: what it does not name stays, within a
// complex attribute too (see [Decoder.ClearOmitted]); null and [] remove.
func (x *decoding) resource(root jsonValue) {
	for name, v := range root.members() {
		x.member(Replace, nil, name, v)
	}
	x.refuseContradiction(0)
	if x.method == http.MethodPut && x.decoder.ClearOmitted {
		x.clearOmitted()
	}
}

// create makes the resource of a POST from the changes that were read.
func (x *decoding) create() {
	if x.op.Members != nil {
		x.op.Members.ReplaceAll = false // there is nothing to replace
	}
	changes := x.op.Changes
	x.op.Changes = nil
	if x.err != nil {
		return
	}
	resource, err := Apply(NewResource(x.op.Type), changes)
	if err != nil {
		x.fail(err)
		return
	}
	x.op.Resource = resource
	// What else is required is for the policy, which may have a default for it.
	for urn, name := range map[string]string{SchemaUser: "userName", SchemaGroup: "displayName"} {
		if a := x.t.Attribute(name); a != nil && x.t.Schema.ID == urn && resource.Get(a).IsAbsent() {
			x.fail(Invalid(InvalidValue, "%s is required and has no value", name))
		}
	}
}

// member reads a member of a resource, of an extension's object (then s is its
// schema) or of a value without path. Its name is that of an attribute, the URN
// of a schema, or, as Entra writes it with its feature flag, a path: name.givenName.
// Space around it is cut off, as it is around a path.
func (x *decoding) member(op ChangeOp, s *Schema, name jsonName, v jsonValue) {
	text := strings.TrimSpace(name.String())
	full := text
	if s != nil {
		full = s.ID + ":" + text
	}
	if a := x.attribute(full); a != nil {
		x.set(op, Path{Attribute: a}, v, false)
		return
	}
	if s == nil {
		if e := SchemaForPath(x.t, text); e != nil {
			x.extension(op, e, v)
			return
		}
	}
	if strings.ContainsAny(text, ".:[") {
		p, err := ParsePath(x.t, full)
		if err == nil {
			x.set(op, p, v, false)
			return
		}
		// Of a name without brackets that is no path it cannot be said that it
		// was meant as one: it may be the URL of somebody's extension.
		if strings.ContainsRune(text, '[') && !isUnknownAttribute(err) {
			x.fail(err)
			return
		}
	}
	if v.kind() != jsonNull {
		x.unmapped(full, v)
	}
}

// attribute returns the attribute of that name. Names are ASCII
// (RFC 7643 §2.1); no other letter is folded into one.
func (x *decoding) attribute(name string) *Attribute {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return nil
		}
	}
	return x.t.Attribute(name)
}

// extension reads an object of attributes of the schema s; null clears them all.
func (x *decoding) extension(op ChangeOp, s *Schema, v jsonValue) {
	switch v.kind() {
	case jsonObject:
		for name, member := range v.members() {
			x.member(op, s, name, member)
		}
	case jsonNull:
		if op == Replace {
			x.clearSchema(s, false)
		}
	default:
		x.fail(Invalid(InvalidValue, "%s: expected an object of attributes, found %s", s.ID, v.kind()))
	}
}

// clearSchema removes all attributes of an extension. The base schema is not
// cleared at once.
func (x *decoding) clearSchema(s *Schema, isRemove bool) {
	if s == x.t.Schema {
		x.fail(Invalid(NoTarget, "name the attribute to be removed behind %s and a colon", s.ID))
		return
	}
	for _, a := range s.Attributes {
		if a.Mutability != ReadOnly {
			x.clear(Path{Attribute: a}, isRemove)
		}
	}
}

// ErrCannotDisable is the cause of the refusal of a disable that no attribute
// takes: active is not mapped, or another name was written for it.
var ErrCannotDisable = errors.New("no attribute takes the disable")

// unmapped drops a value that there is no attribute for. It may not drop a
// disable: that would be answered with success.
func (x *decoding) unmapped(path string, v jsonValue) {
	if x.t.Schema.ID == SchemaUser && meansDisable(path, v) {
		x.fail(x.errLostDisable(path))
		return
	}
	x.ignore(path)
}

// clearOmitted removes what a PUT does not name.
func (x *decoding) clearOmitted() {
	isKept := func(a *Attribute) bool {
		return a.Required || a.Mutability != ReadWrite || a.IsReferenceSet() || isActive(a)
	}
	for _, a := range x.t.Attributes() {
		if isKept(a) {
			continue
		}
		if !x.named[a] {
			x.emit(Change{Op: Remove, Path: Path{Attribute: a}})
			continue
		}
		if a.MultiValued {
			continue
		}
		isPartial := false
		for _, s := range a.SubAttributes {
			isPartial = isPartial || x.named[s]
		}
		for _, s := range a.SubAttributes {
			if isPartial && !x.named[s] && !isKept(s) {
				x.emit(Change{Op: Remove, Path: Path{Attribute: a, Sub: s}})
			}
		}
	}
}
