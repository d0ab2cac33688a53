package rest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// anyOther stands in a table for what no other pair has. It is only read.
const anyOther = "*"

// tableCodec pairs values in SCIM with those of the application. What it does not say
// anything about is neither read nor written.
type tableCodec struct {
	attribute *scim.Attribute
	pairs     []tablePair
	field     []string // the leaf's
	seesEmpty bool     // null or "" stands for something
}

type tablePair struct {
	text  string // in the configuration
	value scim.Value
	raw   gjson.Result // what the application has; not there for any other
}

func newTableCodec(c MapConfig, a *scim.Attribute, as string) (*tableCodec, error) {
	pairs := c.Table
	if c.Codec == translators.CodecBoolean {
		if a.Type != scim.TypeBoolean {
			return nil, fmt.Errorf("boolean is for booleans, and this is of the type %s: leave it away", a.Type)
		}
		pairs = []Pair{{"true", "true"}, {"false", "false"}}
		if c.True != "" {
			pairs = []Pair{{"true", c.True}, {"false", c.False}}
		}
	}
	t := &tableCodec{attribute: a, field: c.Fields}
	for _, p := range pairs {
		v, err := scim.Coerce(a, scim.String(p.SCIM))
		if err != nil {
			return nil, errors.New(detailOf(err))
		}
		pair := tablePair{text: p.SCIM, value: v}
		if p.Application != anyOther {
			raw, err := tableLiteral(p.Application, as)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %s", p.SCIM, p.Application, detailOf(err))
			}
			pair.raw = gjson.Parse(raw)
			t.seesEmpty = t.seesEmpty || raw == "null" || raw == `""`
		}
		if other := t.pairOf(pair.raw); other != nil {
			if other.value.Equal(v) {
				return nil, fmt.Errorf("%s stands for %s twice: remove one", p.Application, p.SCIM)
			}
			return nil, fmt.Errorf("%s stands for %s and for %s: nobody could tell which is meant; remove one", p.Application, other.text, p.SCIM)
		}
		t.pairs = append(t.pairs, pair)
	}
	if a.Type == scim.TypeBoolean {
		for _, v := range []bool{true, false} {
			if !slices.ContainsFunc(t.pairs, func(p tablePair) bool { return p.value.IsTrue() == v }) {
				return nil, fmt.Errorf("nothing stands for %t: add %t and what the application has then, or %t * for all else", v, v, v)
			}
		}
	}
	return t, nil
}

// tableLiteral writes what stands in the table for the application. null is null
// whatever the type.
func tableLiteral(text, as string) (string, error) {
	if text == "null" || text == "" && as != asString {
		return literal(text, "")
	}
	return literal(text, as)
}

// pairOf returns the pair that has just that of the application, or nil.
func (t *tableCodec) pairOf(raw gjson.Result) *tablePair {
	for i := range t.pairs {
		if p := &t.pairs[i]; p.raw.Exists() == raw.Exists() && (!raw.Exists() || tableSame(p.raw, raw)) {
			return p
		}
	}
	return nil
}

// tableSame compares what stands in the table with what the application has: 1 and "1"
// are the same, because as only says how it is written.
func tableSame(v, w gjson.Result) bool {
	isNull := v.Type == gjson.Null || w.Type == gjson.Null
	return sameScalar(v, w) || !isNull && v.Type != gjson.JSON && w.Type != gjson.JSON && v.String() == w.String()
}

// texts are the values that can be written, for the schema; nil where it is of no use.
func (t *tableCodec) texts() (texts []string) {
	if t.attribute.Type == scim.TypeBoolean {
		return nil
	}
	for _, p := range t.pairs {
		if p.raw.Exists() && !slices.Contains(texts, p.text) {
			texts = append(texts, p.text)
		}
	}
	return texts
}

// isOnlyRead reports whether nothing but * stands for a value.
func (t *tableCodec) isOnlyRead(v scim.Value) bool {
	is := false
	for _, p := range t.pairs {
		if p.value.Equal(v) {
			if p.raw.Exists() {
				return false
			}
			is = true
		}
	}
	return is
}

// Bind implements translators.Binder.
func (t *tableCodec) Bind(a *scim.Attribute) translators.Codec {
	bound := *t
	bound.attribute = a
	return &bound
}

// Encode implements translators.Codec.
func (t *tableCodec) Encode(v scim.Value) (string, error) {
	var known []string
	for _, p := range t.pairs {
		switch {
		case !p.raw.Exists():
		case p.value.Equal(v):
			return p.raw.Raw, nil
		case !slices.Contains(known, p.text):
			known = append(known, p.text)
		}
	}
	if len(known) == 0 {
		return "", scim.Invalid(scim.InvalidValue, "it can only be read")
	}
	return "", scim.Invalid(scim.InvalidValue, "the application has a value for %s alone", strings.Join(known, ", "))
}

// Decode implements translators.Codec.
func (t *tableCodec) Decode(raw string) (scim.Value, error) {
	p := t.pairOf(gjson.Parse(raw))
	if p == nil {
		p = t.pairOf(gjson.Result{})
	}
	if p == nil {
		return scim.Value{}, errors.New("the table says nothing about this value: add a line for it")
	}
	return p.value, nil
}

// ReadFields implements translators.FieldReader: null and "" are values where the
// table has them. What is missing is none.
func (t *tableCodec) ReadFields(get func(string) []string) (string, []string) {
	for _, field := range t.field {
		key := field
		if t.seesEmpty {
			key = withEmpty + field
		}
		raws := slices.DeleteFunc(get(key), func(raw string) bool {
			return (raw == "null" || raw == `""`) && t.pairOf(gjson.Parse(raw)) == nil
		})
		if len(raws) > 0 {
			return field, raws
		}
	}
	return "", nil
}

// IsText implements translators.Codec.
func (*tableCodec) IsText() bool { return false }
