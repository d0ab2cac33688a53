package rest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/expression"
)

// expressionCodec reads and writes by expressions. Its form is what they see.
type expressionCodec struct {
	attribute   *scim.Attribute
	fields      []string
	read, write *expression.Expression // nil where there is none
	inner       translators.Codec      // of a whole complex value
	isEach      bool                   // the values of an array are read one by one
	seesRecord  bool
}

func newExpressionCodec(c MapConfig, a *scim.Attribute) (translators.Codec, error) {
	codec := &expressionCodec{attribute: a, fields: c.Fields, isEach: a.MultiValued && a.Parent() == nil}
	list, _ := splitAs(c.As)
	codec.isEach = codec.isEach || list
	isReadOnly := c.ReadOnly || a.Mutability == scim.ReadOnly || a.Parent() != nil && a.Parent().Mutability == scim.ReadOnly
	isWriteOnly := c.WriteOnly || a.Mutability == scim.WriteOnly
	switch {
	case c.Read == "" && !isWriteOnly:
		return nil, errors.New("write says how the value is written and nothing how it is read: add read <expression>, because what came must come back")
	case c.Write == "" && !isReadOnly:
		return nil, errors.New("read says how the value is read and nothing how it is written: add write <expression>, or read_only")
	case c.Read != "" && isWriteOnly:
		return nil, errors.New("it is never read: remove read")
	case c.Write != "" && isReadOnly:
		return nil, errors.New("it is read_only: remove write")
	}
	var err error
	if c.Read != "" {
		if codec.read, err = expression.Compile(c.Read, "value", "values", "record"); err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		codec.seesRecord = codec.read.Uses("record")
	}
	if c.Write != "" {
		if codec.write, err = expression.Compile(c.Write, "value", "resource"); err != nil {
			return nil, fmt.Errorf("write: %w", err)
		}
	}
	if a.IsComplex() {
		shared := translators.MapConfig{Codec: translators.CodecJSON}
		if codec.inner, err = translators.NewCodec(shared, a); err != nil {
			return nil, err
		}
	}
	return codec, nil
}

// Bind implements translators.Binder.
func (c *expressionCodec) Bind(a *scim.Attribute) translators.Codec {
	bound := *c
	bound.attribute = a
	if binder, is := c.inner.(translators.Binder); is {
		bound.inner = binder.Bind(a)
	}
	return &bound
}

// mostEach is of how many values each is given to an expression, and mostSeen how much, in
// bytes, they see together where each sees the record too.
const (
	mostEach = 10_000
	mostSeen = 16 << 20
)

// ReadFields implements translators.FieldReader. Where none of the fields is there,
// not even as null, there is nothing to read: what an answer leaves out is not guessed.
func (c *expressionCodec) ReadFields(get func(string) []string) (string, []string) {
	if c.isEach && len(c.fields) == 1 {
		raws := get(c.fields[0])
		if len(raws) > mostEach || c.seesRecord && len(raws) > 1 && len(raws)*len(get(wholeRecord)[0]) > mostSeen {
			return c.fields[0], []string{""}
		}
		seen := make([]string, len(raws))
		for i, raw := range raws {
			seen[i] = c.seen(raw, []string{raw}, get)
		}
		return c.fields[0], seen
	}
	isThere := false
	values := make([]string, len(c.fields))
	for i, field := range c.fields {
		values[i] = "null"
		if raws := get(asWhole + field); len(raws) > 0 {
			values[i], isThere = raws[0], true
		}
	}
	if !isThere {
		return "", nil
	}
	return strings.Join(c.fields, ", "), []string{c.seen(values[0], values, get)}
}

// seen puts what read sees into one object.
func (c *expressionCodec) seen(value string, values []string, get func(string) []string) string {
	record := "null"
	if c.seesRecord {
		record = get(wholeRecord)[0]
	}
	return `{"value":` + value + `,"values":[` + strings.Join(values, ",") + `],"record":` + record + "}"
}

// Decode implements translators.Codec.
func (c *expressionCodec) Decode(raw string) (scim.Value, error) {
	if c.read == nil {
		return scim.Value{}, errors.New("it can only be written")
	}
	if raw == "" {
		return scim.Value{}, fmt.Errorf("read: the values are too many, or the record too large: %w", expression.ErrTooMuch)
	}
	seen := gjson.Parse(raw)
	variables := make(map[string]string, 3)
	seen.ForEach(func(name, value gjson.Result) bool {
		variables[name.Str] = value.Raw
		return true
	})
	result, err := c.read.Evaluate(variables)
	if err != nil {
		return scim.Value{}, fmt.Errorf("read: %w", err)
	}
	if result == "null" || result == "" {
		return scim.Value{}, nil
	}
	if c.inner != nil {
		return c.inner.Decode(result)
	}
	text, err := scalarText(result)
	if err != nil {
		return scim.Value{}, fmt.Errorf("read: %w", err)
	}
	if c.attribute.Type == scim.TypeInteger {
		text = integral(text)
	}
	if text == "" {
		return scim.Value{}, nil
	}
	v, err := scim.Coerce(c.attribute, scim.String(text))
	if err != nil {
		return scim.Value{}, fmt.Errorf("read: it is no %s", c.attribute.Type)
	}
	return v, nil
}

// Encode implements translators.Codec. It writes what write sees.
func (c *expressionCodec) Encode(v scim.Value) (string, error) {
	switch v.Kind() {
	case scim.KindComplex:
		if c.inner == nil {
			return "", scim.Invalid(scim.InvalidValue, "expected a single value")
		}
		return c.inner.Encode(v)
	case scim.KindNumber:
		return v.Text(), nil
	case scim.KindBool:
		return fmt.Sprint(v.IsTrue()), nil
	}
	return jsonString(v.Text())
}

// spread implements spreader.
func (c *expressionCodec) spread(raw string, e *encoder) ([]string, error) {
	resource, err := e.resourceJSON()
	if err != nil {
		return nil, err
	}
	result, err := c.write.Evaluate(map[string]string{"value": raw, "resource": resource})
	if err != nil {
		return nil, errors.New("the configuration's expression for it fails on this value")
	}
	if len(c.fields) == 1 {
		return []string{result}, nil
	}
	list := gjson.Parse(result)
	if values := list.Array(); list.IsArray() && len(values) == len(c.fields) {
		return rawsOf(values), nil
	}
	return nil, fmt.Errorf("the configuration's expression for it gives no list of %d values", len(c.fields))
}

// IsText implements translators.Codec.
func (*expressionCodec) IsText() bool { return false }

// resourceJSON is the wanted resource as write sees it.
func (e *encoder) resourceJSON() (string, error) {
	if e.resource == "" && e.r != nil {
		raw, err := scim.AppendResource(nil, e.r, scim.Projection{}, scim.Output{}, nil)
		if err != nil {
			return "", err
		}
		e.resource = string(raw)
	}
	if e.resource == "" {
		return "null", nil
	}
	return e.resource, nil
}
