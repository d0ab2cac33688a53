package translators

import (
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// MapConfig is one mapped leaf as the operator writes it:
//
//	map <path> <field>... {
//		default <value>
//		default_from <path>...
//		one_of <value>...
//		required
//		create_only | read_only | write_only
//		private
//		boolean <true> <false>
//		timestamp | binary | postal_address | json
//		reference [<resource type>]
//		constant <value>
//	}
//	remember <path>...
//
// A path names a leaf: userName, name.familyName, `emails[type eq "work"].value`,
// urn:…:enterprise:2.0:User:manager.value. The constants of its selector are
// part of every element that is read from it. [Compile] says what is allowed.
type MapConfig struct {
	// Path is the SCIM path.
	Path string `json:"path"`
	// Fields are the backend's attributes. All are written, the first that has
	// a value is read. Empty for a constant.
	Fields []string `json:"fields,omitempty"`
	// Codec is how values are written in the backend: "" (as they are; booleans
	// as with "boolean"), "boolean", "timestamp" (generalized time), "binary"
	// (base64 in SCIM, octets in the backend), "postal_address" (lines separated
	// by $ in the backend), "json" (a whole complex value as a JSON text) or
	// "reference" (an id in SCIM, a name such as a DN in the backend).
	Codec string `json:"codec,omitempty"`
	// RefersTo is the resource type that a reference is to. Default: what the
	// schema says of the $ref beside the value.
	RefersTo string `json:"refers_to,omitempty"`
	// True and False are the texts of a boolean. Default: TRUE and FALSE.
	True  string `json:"true,omitempty"`
	False string `json:"false,omitempty"`
	// Constant is the value that the path always has; nothing is written.
	Constant string `json:"constant,omitempty"`

	// Required demands a value, on create and afterwards. What SCIM itself
	// requires (userName, a group's displayName) is required without it.
	Required bool `json:"required,omitempty"`
	// Default is given on create when there is no value.
	Default string `json:"default,omitempty"`
	// DefaultFrom are mapped paths whose first value is given on create when
	// there is no value; Default is for when none of them has one either.
	DefaultFrom []string `json:"default_from,omitempty"`
	// OneOf are the only values allowed, spelt exactly so.
	OneOf []string `json:"one_of,omitempty"`
	// CreateOnly keeps the value that was set on create: later changes are
	// dropped silently, so that a provider that sends them is not refused. The
	// schema goes on to say readWrite, because immutable would mean a refusal.
	CreateOnly bool `json:"create_only,omitempty"`
	// ReadOnly is for what the backend alone sets. What is read-only in SCIM, such
	// as manager.displayName, always is.
	ReadOnly bool `json:"read_only,omitempty"`
	// WriteOnly is for what is never shown; password always is.
	WriteOnly bool `json:"write_only,omitempty"`
	// Private keeps values out of the journal, of logs and of printed plans: they are
	// shown in answers alone. Not for userName, displayName and externalId, by
	// which people and groups are found and told apart there.
	Private bool `json:"private,omitempty"`

	// Remember is for what the backend has no place for: the host keeps the value
	// in its own store. It has no field, and none of the other options. What can be
	// remembered is a simple, single-valued text that neither SCIM nor its schema
	// requires to be there or to be unique: externalId above all.
	Remember bool `json:"remember,omitempty"`

	// Custom is set by a translator whose leaf is of a kind of its own.
	Custom *Custom `json:"-"`
}

// Custom is a leaf whose values a translator reads and writes in its own way. The
// rest of the mapping (which values belong to the leaf, its rules, its schema) is as
// with all leaves.
type Custom struct {
	// Codec stands in for the one that [MapConfig.Codec] names. It may be a
	// [FieldReader] and a [Binder] as well.
	Codec Codec
	// Subs are the sub-attributes of a whole complex value that the codec knows. None
	// are all.
	Subs []string
	// Composes says that other leaves may write the same field, because the
	// translator puts its value together of theirs.
	Composes bool
}

// FieldReader is a [Codec] that makes its values of several fields, or of more than
// one field holds.
type FieldReader interface {
	// ReadFields returns the backend's forms of the leaf's values, and the field that
	// a problem with them is about.
	ReadFields(get func(field string) []string) (field string, raws []string)
}

// Binder is a [Codec] that knows the attribute whose values it reads. It is made
// for that of the full type.
type Binder interface {
	// Bind returns the codec for the same attribute of the narrowed type.
	Bind(a *scim.Attribute) Codec
}

// The codecs of [MapConfig].
const (
	CodecText          = ""
	CodecBoolean       = "boolean"
	CodecTimestamp     = "timestamp"
	CodecBinary        = "binary"
	CodecPostalAddress = "postal_address"
	CodecJSON          = "json"
	CodecReference     = "reference"
)

// Leaf is a compiled [MapConfig]: a path of the narrowed type, the backend's
// fields and the codec between them.
type Leaf struct {
	Config MapConfig
	Path   scim.Path    // in the narrowed type
	Terms  []scim.Field // the constants of the selector, by sub-attribute
	Fields []string
	Codec  Codec // nil for a constant
	// RefersTo are the resource types that a reference may be to.
	RefersTo []string

	constant scim.Value
}

// IsConstant reports whether the leaf has a value of its own and no field.
func (l *Leaf) IsConstant() bool { return !l.constant.IsAbsent() }

// Constant returns the value of a constant, else an absent value.
func (l *Leaf) Constant() scim.Value { return l.constant }

// IsReference reports whether the backend holds names where SCIM has ids.
func (l *Leaf) IsReference() bool { return l.Config.Codec == CodecReference }

// MayReferTo reports whether values of the leaf may be ids of resources of that type.
func (l *Leaf) MayReferTo(resourceType string) bool {
	return slices.ContainsFunc(l.RefersTo, func(name string) bool { return strings.EqualFold(name, resourceType) })
}

// IsReadable reports whether values are read from the leaf's fields.
func (l *Leaf) IsReadable() bool { return !l.IsConstant() && !l.Config.WriteOnly }

// IsWritable reports whether values are written to the leaf's fields.
func (l *Leaf) IsWritable() bool { return !l.IsConstant() && !l.Config.ReadOnly }

// IsSecret reports whether the values are to be masked wherever they are
// printed.
func (l *Leaf) IsSecret() bool { return l.Config.WriteOnly }

// IsPrivate reports whether the values are shown in answers alone: those of all
// elements are where those of one are.
func (l *Leaf) IsPrivate() bool { return l.Config.Private || l.Path.Leaf().Private }

// isWhole reports whether the leaf is a complex value as a whole.
func (l *Leaf) isWhole() bool { return l.Path.Sub == nil && l.Path.Attribute.IsComplex() }

// Codec writes a value in the backend's form and reads it back. For every value
// v that Encode takes, Decode(Encode(v)) equals v (DESIGN §4 rule 6), to the
// letter but for what has several spellings of one value: base64 comes back in
// its standard alphabet with padding, and a dateTime without a zone, with a
// space for the T or with other oddities comes back as the same instant.
type Codec interface {
	// Encode returns the backend's form of a single value that is not absent.
	// It fails with a *scim.Error of type invalidValue.
	Encode(v scim.Value) (string, error)
	// Decode reads a single value. It fails when the backend holds something
	// that the codec can't have written and can't read; the error does not
	// quote it.
	Decode(raw string) (scim.Value, error)
	// IsText reports whether the order and the parts of the backend's form are
	// those of the value, so that co, sw, ew, gt and lt can be left to the
	// backend as well as eq.
	IsText() bool
}

// References translates the values of leaves with the codec "reference" between
// ids and the backend's names. The translator fills it before it maps, asking
// [Mapping.Names] or [Mapping.IDs] what to look up.
type References interface {
	// Name returns the backend's name of the resource with that id; ok is false
	// when there is none, or none that the leaf may refer to.
	Name(l *Leaf, id string) (name string, ok bool)
	// ID returns the id of the resource with that name; ok is false when there
	// is none, or it is not a resource that is served and that the leaf may refer
	// to.
	ID(l *Leaf, name string) (id string, ok bool)
}

// FieldValues is what a backend's field is to hold.
type FieldValues struct {
	Field  string
	Values []string // each once; empty: the field has no value
	Secret bool     // masked when printed
	// Private is set where {private} stands for the values when printed.
	Private bool
}

// Mapping is a compiled list of [MapConfig]: what a backend's entries and the
// resources of one type have to do with each other. It is made by [Compile],
// not changed afterwards, and used by many goroutines at once.
type Mapping struct {
	Type   *scim.ResourceType // narrowed to what is mapped
	Leaves []*Leaf            // in the order of the configuration; without what is remembered
	Rules  []Rule             // on their values, for policy to enforce
	// Remembered are attributes of Type that the backend has no place for. They are
	// the host's business: nothing here reads or writes them.
	Remembered []*scim.Attribute

	attributes []attributeMapping // those that have leaves, in the order of Type
	fields     []string           // of all readable leaves
}

// attributeMapping is a top-level attribute with its leaves.
type attributeMapping struct {
	attribute *scim.Attribute
	slots     []slot
}

// slot is the leaves of one attribute that have the same terms: together they
// make the values of a singular attribute, or the elements of that kind of a
// multi-valued one.
type slot struct {
	selector scim.Filter // nil: no terms
	terms    []scim.Field
	leaves   []*Leaf // all, in the order of the configuration
	// multi is set when a multi-valued attribute has a single leaf with fields
	// here: then each value of its field is an element. Several fields can't be
	// paired value by value; they make one element.
	multi *Leaf
}

// leaf returns the leaf of that sub-attribute, or the one of the whole value,
// or nil.
func (s *slot) leaf(sub *scim.Attribute) *Leaf {
	for _, l := range s.leaves {
		if l.Path.Sub == sub || l.isWhole() {
			return l
		}
	}
	return nil
}

// path names an element of the slot, or a sub-attribute of it.
func (s *slot) path(a, sub *scim.Attribute) string {
	return scim.Path{Attribute: a, Selector: s.selector, Sub: sub}.String()
}
