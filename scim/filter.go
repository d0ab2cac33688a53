package scim

// Filter is a parsed filter (RFC 7644 §3.4.2.2) whose attributes are those of
// one [ResourceType]. It is one of [And], [Or], [Not], [Compare], [Present] and
// [Elements].
type Filter interface {
	// String writes the filter in canonical form, fit to be parsed again.
	String() string
	isFilter()
}

// Operator compares an attribute with a value (RFC 7644 §3.4.2.2, Table 3).
type Operator string

// The comparison operators.
const (
	Equal          Operator = "eq"
	NotEqual       Operator = "ne"
	Contains       Operator = "co"
	StartsWith     Operator = "sw"
	EndsWith       Operator = "ew"
	GreaterThan    Operator = "gt"
	GreaterOrEqual Operator = "ge"
	LessThan       Operator = "lt"
	LessOrEqual    Operator = "le"
)

type (
	// And holds when all its terms do. It has at least two.
	And struct{ Terms []Filter }
	// Or holds when one of its terms does. It has at least two.
	Or struct{ Terms []Filter }
	// Not holds when its term does not.
	Not struct{ Term Filter }
	// Compare holds when a value of the target stands in that relation to
	// Value. Value is already of the target's type: "True" compared with a
	// boolean has become true, an unquoted literal compared with a string a
	// string. An absent Value was null: eq means that the target has no value,
	// ne that it has one.
	Compare struct {
		Target   Target
		Operator Operator
		Value    Value
	}
	// Present holds when the target has a value that is not empty.
	Present struct{ Target Target }
	// Elements holds when a single element of the multi-valued complex
	// Attribute satisfies Filter, whose targets are sub-attributes of
	// Attribute: emails[type eq "work" and value co "@example.com"].
	Elements struct {
		Attribute *Attribute
		Filter    Filter
	}
)

// Target is what a filter looks at: an attribute or one of its sub-attributes.
// A complex attribute named alone stands for its value sub-attribute where it is
// compared, and for all of it, with Sub nil, where [Present] or null ask whether
// it is there. Within [Elements] and the selector of a [Path] only Sub is looked
// at; it is never nil there.
type Target struct {
	Attribute *Attribute
	Sub       *Attribute // nil for a simple attribute and for the whole of a complex one
}

// Leaf returns the attribute whose value is compared.
func (t Target) Leaf() *Attribute {
	if t.Sub != nil {
		return t.Sub
	}
	return t.Attribute
}

// String writes the target as in a filter.
func (t Target) String() string { return t.Leaf().String() }

func (And) isFilter()      {}
func (Or) isFilter()       {}
func (Not) isFilter()      {}
func (Compare) isFilter()  {}
func (Present) isFilter()  {}
func (Elements) isFilter() {}
