package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// The types in the field that as names.
const (
	asString  = "string"
	asNumber  = "number"
	asBoolean = "boolean"
	asList    = "list"
)

// splitAs takes apart what as says: whether there is an array, and of what.
func splitAs(as string) (isList bool, scalar string) {
	if rest, is := strings.CutPrefix(as, asList); is {
		return true, strings.TrimSpace(rest)
	}
	return false, as
}

// newLeafCodec returns the codec between the values of an attribute and JSON. The
// error is the remedy.
func newLeafCodec(c MapConfig, a *scim.Attribute, isWhole bool) (translators.Codec, error) {
	isList, as := splitAs(c.As)
	switch as {
	case "", asString, asNumber, asBoolean:
	default:
		return nil, fmt.Errorf("as %s is not known: it is %s, %s or %s, with %s before it for an array", c.As, asString, asNumber, asBoolean, asList)
	}
	if err := c.checkTogether(isWhole); err != nil {
		return nil, err
	}
	switch {
	case len(c.Elements) > 0:
		return newElementsCodec(c, a)
	case c.Codec == translators.CodecJSON:
		inner, err := translators.NewCodec(c.MapConfig, a)
		if err != nil {
			return nil, err
		}
		if as == asNumber || as == asBoolean || isList && !a.MultiValued {
			return nil, errors.New("json is an object, or with as string a text: remove as " + c.As)
		}
		return objectCodec{inner: inner, isText: as == asString}, nil
	case isWhole && (c.Read != "" || c.Write != ""):
		return newExpressionCodec(c, a)
	case isWhole:
		return nil, fmt.Errorf("it is complex: map one of its sub-attributes, all of it to one field with json, or to an array of objects with element")
	case c.Read != "" || c.Write != "":
		return newExpressionCodec(c, a)
	case len(c.Table) > 0 || c.Codec == translators.CodecBoolean:
		return newTableCodec(c, a, as)
	case c.Format != "":
		return newTimeCodec(c, a, as)
	case c.Zone != "":
		return nil, errors.New("a time zone belongs to a format: time <format> <zone>")
	case c.Join != "":
		return newJoinCodec(c, a)
	case c.Part != 0 || c.Of != 0:
		return newPartCodec(c, a)
	case c.Separator != "":
		return nil, errors.New("a separator belongs to a part: part 1 of 2 \", \"")
	}
	if c.Codec == translators.CodecBinary {
		return nil, errors.New("JSON has no octets: remove binary, base64 stays base64")
	}
	shared := c.MapConfig
	inner, err := translators.NewCodec(shared, a)
	if err != nil {
		return nil, err
	}
	return scalarCodec{a, as, inner}, nil
}

// checkTogether refuses options that say different things of one value.
func (c MapConfig) checkTogether(isWhole bool) error {
	var given []string
	for _, o := range []struct {
		name    string
		isGiven bool
	}{
		{"element", len(c.Elements) > 0}, {"true, false and value", len(c.Table) > 0}, {"time", c.Format != ""}, {"join", c.Join != ""},
		{"part", c.Part != 0}, {"read and write", c.Read != "" || c.Write != ""}, {c.Codec, c.Codec != "" && c.Codec != translators.CodecReference},
	} {
		if o.isGiven {
			given = append(given, o.name)
		}
	}
	switch {
	case len(given) > 1:
		return fmt.Errorf("%s and %s exclude each other: remove one of them", given[0], given[1])
	case c.Codec == translators.CodecReference && len(given) > 0:
		return fmt.Errorf("%s is for values, and this refers to another resource by its id: remove one of them", given[0])
	case c.As == asList && (c.Read != "" || c.Write != ""):
	case len(given) == 1 && c.As != "" && (c.Join != "" || c.Part != 0 || c.Read != "" || c.Write != "" || len(c.Elements) > 0):
		return fmt.Errorf("as says nothing beside %s: remove it", given[0])
	case isWhole && len(c.Table) > 0:
		return errors.New("true, false and value are for single values, and this is complex: map one of its sub-attributes")
	}
	return nil
}

// scalarCodec writes a simple value as a string, a number or a boolean of JSON, and
// reads each of them.
type scalarCodec struct {
	attribute *scim.Attribute
	as        string
	text      translators.Codec // between the value and its text, but for booleans
}

// Bind implements translators.Binder.
func (c scalarCodec) Bind(a *scim.Attribute) translators.Codec {
	c.attribute = a
	if binder, is := c.text.(translators.Binder); is {
		c.text = binder.Bind(a)
	}
	return c
}

// Encode implements translators.Codec.
func (c scalarCodec) Encode(v scim.Value) (string, error) {
	if c.attribute.Type == scim.TypeBoolean {
		switch {
		case v.Kind() != scim.KindBool:
			return "", scim.Invalid(scim.InvalidValue, "expected true or false")
		case c.as == asNumber && v.IsTrue():
			return "1", nil
		case c.as == asNumber:
			return "0", nil
		}
		return literal(fmt.Sprint(v.IsTrue()), c.as)
	}
	text, err := c.text.Encode(v)
	if err != nil {
		return "", err
	}
	if v.Kind() == scim.KindNumber && c.as == "" {
		return text, nil
	}
	as := c.as
	if as == "" {
		as = asString
	}
	return literal(text, as)
}

// Decode implements translators.Codec.
func (c scalarCodec) Decode(raw string) (scim.Value, error) {
	text, err := scalarText(raw)
	if err != nil || text == "" {
		return scim.Value{}, err
	}
	switch c.attribute.Type {
	case scim.TypeBoolean:
		if c.as == asNumber && (text == "0" || text == "1") {
			return scim.Bool(text == "1"), nil
		}
		v, err := scim.Coerce(c.attribute, scim.String(text))
		if err != nil {
			return scim.Value{}, errors.New("it is neither true nor false: say what stands for them, such as true 1 and false 0")
		}
		return v, nil
	case scim.TypeInteger:
		return c.text.Decode(integral(text))
	case scim.TypeDateTime, scim.TypeBinary:
		v, err := c.text.Decode(text)
		if err != nil {
			return scim.Value{}, err
		}
		if v, err = scim.Coerce(c.attribute, v); err != nil {
			return scim.Value{}, fmt.Errorf("it is no %s: time <format> says how times are written", c.attribute.Type)
		}
		return v, nil
	}
	return c.text.Decode(text)
}

// IsText implements translators.Codec.
func (c scalarCodec) IsText() bool { return c.text != nil && c.text.IsText() }

// objectCodec writes a complex value as a JSON object, or as the text of one.
type objectCodec struct {
	inner  translators.Codec
	isText bool
}

// Bind implements translators.Binder.
func (c objectCodec) Bind(a *scim.Attribute) translators.Codec {
	c.inner = c.inner.(translators.Binder).Bind(a)
	return c
}

// Encode implements translators.Codec.
func (c objectCodec) Encode(v scim.Value) (string, error) {
	raw, err := c.inner.Encode(v)
	if err != nil || !c.isText {
		return raw, err
	}
	return jsonString(raw)
}

// Decode implements translators.Codec.
func (c objectCodec) Decode(raw string) (scim.Value, error) {
	if c.isText {
		text, err := scalarText(raw)
		if err != nil {
			return scim.Value{}, err
		}
		raw = text
	}
	return c.inner.Decode(raw)
}

// IsText implements translators.Codec.
func (objectCodec) IsText() bool { return false }

// scalarText returns the text of a string, a number or a boolean. It is "" for null.
func scalarText(raw string) (string, error) {
	value := gjson.Parse(raw)
	switch value.Type {
	case gjson.String:
		if !utf8.ValidString(value.Str) {
			return "", errors.New("it is not UTF-8")
		}
		return value.Str, nil
	case gjson.Null:
		return "", nil
	case gjson.JSON:
		if value.IsArray() {
			return "", errors.New("it is an array, and a single value was expected")
		}
		return "", errors.New("it is an object, and a single value was expected: name what is in it")
	}
	return value.Raw, nil
}

// literal writes a text as JSON of that type; "" is what the text looks like.
func literal(text, as string) (string, error) {
	switch {
	case as == "" && (isNumber(text) || text == "true" || text == "false" || text == "null"):
		return text, nil
	case as == "", as == asString:
		return jsonString(text)
	case as == asNumber && !isNumber(text):
		return "", scim.Invalid(scim.InvalidValue, "the application keeps it as a number: it is digits, without zeros before them")
	case as == asBoolean && text != "true" && text != "false":
		return "", scim.Invalid(scim.InvalidValue, "the application keeps it as a boolean: it is true or false")
	}
	return text, nil
}

// isNumber reports whether the text is a number in JSON.
func isNumber(text string) bool {
	return text != "" && (text[0] == '-' || '0' <= text[0] && text[0] <= '9') && json.Valid([]byte(text))
}

// jsonString writes a text as a JSON string.
func jsonString(text string) (string, error) {
	switch {
	case !utf8.ValidString(text):
		return "", scim.Invalid(scim.InvalidValue, "it is not UTF-8")
	case strings.IndexByte(text, 0) >= 0:
		return "", scim.Invalid(scim.InvalidValue, "it holds the character NUL")
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return "", fmt.Errorf("writing a JSON string: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// integral writes a number that is an integer as one: 5.0 and 5e0 are 5. Others, and
// those too long to be looked at, stay as they are.
func integral(text string) string {
	if !strings.ContainsAny(text, ".eE") || !isNumber(text) {
		return text
	}
	if r := rational(text); r != nil && r.IsInt() {
		return r.Num().String()
	}
	return text
}

// rational returns the value of a number, nil where that is too big to be made: a few
// letters can be a number of a billion digits.
func rational(text string) *big.Rat {
	if _, exponent, has := strings.Cut(strings.ToLower(text), "e"); len(text) > 400 || has && len(strings.TrimLeft(exponent, "+-0")) > 2 {
		return nil
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil
	}
	return r
}

// sameScalar reports whether two scalars of JSON are the same value: 1 and 1.0 are.
func sameScalar(v, w gjson.Result) bool {
	if v.Type == gjson.Number && w.Type == gjson.Number {
		if v.Raw == w.Raw {
			return true
		}
		a, b := rational(v.Raw), rational(w.Raw)
		return a != nil && b != nil && a.Cmp(b) == 0
	}
	return v.Type == w.Type && v.String() == w.String()
}

// sameJSON reports whether two values of JSON are the same: the order of an object's
// members does not count.
func sameJSON(v, w gjson.Result) bool {
	if v.Type != gjson.JSON || w.Type != gjson.JSON {
		return sameScalar(v, w)
	}
	if v.IsArray() || w.IsArray() {
		a, b := v.Array(), w.Array()
		if v.IsArray() != w.IsArray() || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !sameJSON(a[i], b[i]) {
				return false
			}
		}
		return true
	}
	a, b := v.Map(), w.Map()
	if len(a) != len(b) {
		return false
	}
	for name, member := range a {
		if other, has := b[name]; !has || !sameJSON(member, other) {
			return false
		}
	}
	return true
}
