package scim

import "strings"

// Type is the data type of an attribute (RFC 7643 §2.3).
type Type string

// The data types of RFC 7643 §2.3.
const (
	TypeString    Type = "string"
	TypeBoolean   Type = "boolean"
	TypeDecimal   Type = "decimal"
	TypeInteger   Type = "integer"
	TypeDateTime  Type = "dateTime"
	TypeBinary    Type = "binary"
	TypeReference Type = "reference"
	TypeComplex   Type = "complex"
)

// Mutability says when an attribute may be written (RFC 7643 §7).
type Mutability string

// The mutabilities of RFC 7643 §7.
const (
	ReadWrite Mutability = "readWrite"
	ReadOnly  Mutability = "readOnly"
	Immutable Mutability = "immutable"
	WriteOnly Mutability = "writeOnly"
)

// Returned says when an attribute is part of an answer (RFC 7643 §7).
type Returned string

// The returned characteristics of RFC 7643 §7.
const (
	ReturnedDefault Returned = "default"
	ReturnedAlways  Returned = "always"
	ReturnedNever   Returned = "never"
	ReturnedRequest Returned = "request"
)

// Uniqueness says how far a value is unique (RFC 7643 §7).
type Uniqueness string

// The uniqueness characteristics of RFC 7643 §7.
const (
	UniqueNone   Uniqueness = "none"
	UniqueServer Uniqueness = "server"
	UniqueGlobal Uniqueness = "global"
)

// Attribute describes one attribute or sub-attribute (RFC 7643 §2.2, §7). It
// is identified by its pointer: the fields of a [Resource] are keyed by it.
//
// The zero value of Type is read as string, of Mutability as readWrite, of
// Returned as default and of Uniqueness as none, as RFC 7643 §2.2 has it. Its
// JSON is that of RFC 7643 §7.
type Attribute struct {
	Name            string       `json:"name"`
	Type            Type         `json:"type,omitempty"`
	MultiValued     bool         `json:"multiValued,omitempty"`
	Description     string       `json:"description,omitempty"`
	Required        bool         `json:"required,omitempty"`
	CanonicalValues []string     `json:"canonicalValues,omitempty"`
	CaseExact       bool         `json:"caseExact,omitempty"`
	Mutability      Mutability   `json:"mutability,omitempty"`
	Returned        Returned     `json:"returned,omitempty"`
	Uniqueness      Uniqueness   `json:"uniqueness,omitempty"`
	ReferenceTypes  []string     `json:"referenceTypes,omitempty"`
	SubAttributes   []*Attribute `json:"subAttributes,omitempty"`
	// Private is set where values are shown in answers alone: in texts for operators,
	// such as [Operation.String], a word stands for them. It is part of no schema.
	Private bool `json:"-"`

	schema string     // URN of the schema it stands in; "" for a common attribute
	isBase bool       // whether that is the base schema of its type
	parent *Attribute // the complex attribute it is part of, or nil
}

// Schema returns the URN of the schema that defines a, or "" for the common
// attributes id, meta and schemas (RFC 7643 §3.1).
func (a *Attribute) Schema() string { return a.schema }

// Parent returns the complex attribute that a is a part of, or nil.
func (a *Attribute) Parent() *Attribute { return a.parent }

// Sub returns the sub-attribute of that name, compared without case
// (RFC 7643 §2.1), or nil.
func (a *Attribute) Sub(name string) *Attribute {
	for _, s := range a.SubAttributes {
		if strings.EqualFold(s.Name, name) {
			return s
		}
	}
	return nil
}

// IsComplex reports whether a has sub-attributes.
func (a *Attribute) IsComplex() bool { return a.Type == TypeComplex }

// isSimpleList reports whether a has many values that are not complex.
func (a *Attribute) isSimpleList() bool {
	return a.MultiValued && !a.IsComplex() && a.parent == nil
}

// IsReferenceSet reports whether a is a writable set of references to other
// resources, compared by their value alone, such as members of a group. Changes
// to such an attribute are folded into [MemberChange] and never need the
// present state.
func (a *Attribute) IsReferenceSet() bool {
	return a.MultiValued && a.IsComplex() && a.parent == nil &&
		a.Name == "members" && a.Mutability != ReadOnly
}

// String returns the name of a as it is written in a path: the sub-attribute
// behind its parent and a dot, an extension's attribute behind its URN and a
// colon (RFC 7644 §3.10).
func (a *Attribute) String() string {
	if a.parent != nil {
		return a.parent.String() + "." + a.Name
	}
	if a.schema != "" && !a.isBase {
		return a.schema + ":" + a.Name
	}
	return a.Name
}

// normalise fills in the defaults of RFC 7643 §2.2 and ties a to its place.
func (a *Attribute) normalise(schema string, isBase bool, parent *Attribute) {
	a.schema, a.isBase, a.parent = schema, isBase, parent
	if a.Type == "" {
		a.Type = TypeString
	}
	if a.Mutability == "" {
		a.Mutability = ReadWrite
	}
	if a.Returned == "" {
		a.Returned = ReturnedDefault
	}
	if a.Uniqueness == "" {
		a.Uniqueness = UniqueNone
	}
	for _, s := range a.SubAttributes {
		s.normalise(schema, isBase, a)
	}
}

// Clone returns a copy of a and its sub-attributes, for another type.
func (a *Attribute) Clone() *Attribute { return a.clone(func(*Attribute) bool { return true }) }

// clone copies a with those sub-attributes that keep approves.
func (a *Attribute) clone(keep func(*Attribute) bool) *Attribute {
	c := *a
	c.SubAttributes = nil
	for _, s := range a.SubAttributes {
		if keep(s) {
			c.SubAttributes = append(c.SubAttributes, s.clone(keep))
		}
	}
	return &c
}
