package rest

import (
	"errors"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// mapping is what records and resources of one type have to do with each other.
// Beneath it is the mapping that all translators share, whose fields and texts are
// those of the record, whatever takes more than that (tables, joined values,
// expressions) being codecs and fields of its own here.
type mapping struct {
	*translators.Mapping
}

// fieldValue is what a field of a record is to hold.
type fieldValue struct {
	path *document.Path
	raw  string // JSON; "" where the value is to be left out
	// mask is printed instead of raw where it is not "".
	mask string
}

// newMapping compiles the maps of a type.
func newMapping(full *scim.ResourceType, maps []MapConfig, handled ...string) (*mapping, error) {
	return nil, errors.New("maps are not compiled")
}

// paths are the fields that decoding what is selected looks at.
func (m *mapping) paths(s translators.Selection) []string { return nil }

// decode sets the attributes of r that the selection wants from the record.
func (m *mapping) decode(r *scim.Resource, s translators.Selection, record gjson.Result, refs translators.References) []translators.Problem {
	return nil
}

// encode returns what the fields of the wanted attributes (nil: of all) are to hold
// for r to be true. record is the record as it is, or absent: it is looked at where a
// field holds more than what is mapped. What would not come back as it is sent is an
// *translators.Error of the kind Invalid.
func (m *mapping) encode(r *scim.Resource, want func(*scim.Attribute) bool, record gjson.Result, refs translators.References) (fields []fieldValue, dropped []string, err error) {
	return nil, nil, errors.New("maps are not compiled")
}

// roundTrip reports what of a record would not be the same if it was written as it was
// read. It is for a check by hand.
func (m *mapping) roundTrip(record gjson.Result, refs translators.References) []translators.Problem {
	return nil
}
