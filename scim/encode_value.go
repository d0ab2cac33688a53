package scim

import (
	"errors"
	"fmt"
	"strings"
)

// encoder appends a resource as JSON. Its methods leave in dst what they have
// written so far when they fail.
type encoder struct {
	dst        []byte
	base       string
	dialect    Dialect
	projection Projection
	references map[string]string // of the type, see [ResourceType]
}

// key begins a member of the object being written.
func (e *encoder) key(name string) {
	if e.dst[len(e.dst)-1] != '{' {
		e.dst = append(e.dst, ',')
	}
	e.dst = append(appendString(e.dst, name), ':')
}

// text writes a member that is a string.
func (e *encoder) text(name, s string) {
	e.key(name)
	e.dst = appendString(e.dst, s)
}

// attribute writes a with its value, or nothing when the value holds nothing
// that the projection wants: an answer has no null, {} or [].
func (e *encoder) attribute(a *Attribute, v Value) error {
	if v.IsAbsent() {
		return nil
	}
	name := a.Name
	if e.dialect == V1 {
		if name = nameV1(a); name == "" {
			return nil
		}
	}
	mark := len(e.dst)
	e.key(name)
	written, err := e.value(a, v)
	if err != nil {
		return fmt.Errorf("attribute %s: %w", a, err)
	}
	if !written {
		e.dst = e.dst[:mark]
	}
	return nil
}

// value writes v in the form that a has in its schema, whatever the number of
// values, and reports whether there was anything to write.
func (e *encoder) value(a *Attribute, v Value) (written bool, err error) {
	if !a.MultiValued {
		return e.single(a, v)
	}
	e.dst = append(e.dst, '[')
	for _, item := range v.Items() {
		mark := len(e.dst)
		if written {
			e.dst = append(e.dst, ',')
		}
		ok, err := e.single(a, item)
		if err != nil {
			return false, err
		}
		if !ok {
			e.dst = e.dst[:mark]
		}
		written = written || ok
	}
	e.dst = append(e.dst, ']')
	return written, nil
}

// single writes one value of a.
func (e *encoder) single(a *Attribute, v Value) (written bool, err error) {
	if (v.kind == KindComplex) != a.IsComplex() {
		return false, fmt.Errorf("the value is not of type %s", a.Type)
	}
	switch v.kind {
	case KindString:
		e.dst = appendString(e.dst, v.text)
	case KindBool:
		if v.flag {
			e.dst = append(e.dst, "true"...)
		} else {
			e.dst = append(e.dst, "false"...)
		}
	case KindNumber:
		if ok, _ := checkNumber(v.text); !ok {
			return false, errors.New("the value is not a number")
		}
		e.dst = append(e.dst, v.text...)
	case KindComplex:
		return e.complex(a, v)
	default:
		return false, errors.New("it has several values but is single-valued")
	}
	return true, nil
}

// complex writes an object of those sub-attributes that a has and the
// projection wants.
func (e *encoder) complex(a *Attribute, v Value) (written bool, err error) {
	e.dst = append(e.dst, '{')
	empty := len(e.dst)
	for _, s := range a.SubAttributes {
		if !e.projection.WantsSub(a, s) {
			continue
		}
		if id, endpoint := e.reference(s, v); endpoint != "" {
			if e.dialect == V1 {
				continue
			}
			e.link(s.Name, endpoint, id)
			continue
		}
		if err := e.attribute(s, v.Sub(s)); err != nil {
			return false, err
		}
	}
	e.dst = append(e.dst, '}')
	return len(e.dst) > empty+1, nil
}

// link writes a member that is the address of a resource.
func (e *encoder) link(name, endpoint, id string) {
	e.key(name)
	e.dst = append(e.dst, '"')
	e.dst = appendEscaped(e.dst, e.base)
	e.dst = append(e.dst, endpoint...)
	e.dst = append(e.dst, '/')
	e.dst = append(appendSegment(e.dst, id), '"')
}

// isVisible reports whether attribute would write a.
func (e *encoder) isVisible(a *Attribute, v Value) bool {
	if v.IsAbsent() || !e.projection.Wants(a) {
		return false
	}
	if !a.IsComplex() {
		return true
	}
	for _, item := range v.Items() {
		for _, s := range a.SubAttributes {
			_, endpoint := e.reference(s, item)
			if e.dialect == V1 && s.Name == "$ref" {
				continue
			}
			if e.projection.WantsSub(a, s) && (endpoint != "" || !item.Sub(s).IsAbsent()) {
				return true
			}
		}
	}
	return false
}

// reference returns the id and the endpoint of the resource that the
// sub-attribute s of the complex value v points to, if s is the $ref of a
// reference to a resource that is served. It is made anew from the value, whatever a
// client sent or a backend keeps.
func (e *encoder) reference(s *Attribute, v Value) (id, endpoint string) {
	if s.Type != TypeReference || s.Name != "$ref" {
		return "", ""
	}
	id = v.SubNamed("value").Text()
	if id == "" {
		return "", ""
	}
	if len(s.ReferenceTypes) == 1 {
		return id, e.endpointOf(s.ReferenceTypes[0])
	}
	return id, e.endpointOf(v.SubNamed("type").Text())
}

// endpointOf returns the endpoint of the resource type of that name, or "".
func (e *encoder) endpointOf(resourceType string) string {
	if endpoint := endpointOf(resourceType); endpoint != "" || len(e.references) == 0 {
		return endpoint
	}
	for name, endpoint := range e.references {
		if strings.EqualFold(name, resourceType) {
			return endpoint
		}
	}
	return ""
}

// endpointOf returns the endpoint of users and groups.
func endpointOf(resourceType string) string {
	switch {
	case strings.EqualFold(resourceType, "User"):
		return "/Users"
	case strings.EqualFold(resourceType, "Group"):
		return "/Groups"
	}
	return ""
}
