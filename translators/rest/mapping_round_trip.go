package rest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// roundTrip reports what of a record would not be the same if it was written as it was
// read. It is for a check by hand.
func (m *mapping) roundTrip(record gjson.Result, refs translators.References) []translators.Problem {
	r := scim.NewResource(m.Type)
	problems := m.decode(r, translators.Selection{All: true}, record, refs)
	for _, a := range m.Type.Attributes() {
		// One by one, so that one that can't be written hides no other.
		fields, _, err := m.encode(r, func(b *scim.Attribute) bool { return a == b }, record, refs)
		if err != nil {
			problem := translators.Problem{Path: a.String(), Why: "it can't be written as it was read"}
			if e, is := errors.AsType[*translators.Error](err); is && e.Path != "" {
				problem.Path, problem.Why = e.Path, problem.Why+": "+strings.TrimPrefix(e.Detail, e.Path+": ")
			}
			problems = append(problems, problem)
			continue
		}
		for _, f := range changed(fields, record) {
			path := a.String()
			if l := m.LeafOf(f.path.String()); l != nil {
				path = l.Path.String()
			}
			problems = append(problems, translators.Problem{Path: path, Field: f.path.String(),
				Why: fmt.Sprintf("writing what was read would make %s of %s", typeOf(gjson.Parse(f.raw), f.raw == ""), typeOf(f.path.Value(record), false))})
		}
	}
	return problems
}

// typeOf says what a value is without saying which one.
func typeOf(value gjson.Result, isLeftOut bool) string {
	switch {
	case isLeftOut || !value.Exists():
		return "nothing"
	case value.IsArray():
		return fmt.Sprintf("an array of %d", len(value.Array()))
	}
	return map[gjson.Type]string{gjson.Null: "null", gjson.False: "a boolean", gjson.True: "a boolean",
		gjson.Number: "a number", gjson.String: "a text", gjson.JSON: "an object"}[value.Type]
}
