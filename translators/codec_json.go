package translators

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// jsonCodec writes a complex value, with all its sub-attributes, as one JSON
// text. It is for backends that have a text field and nothing finer.
type jsonCodec struct{ attribute *scim.Attribute }

// Bind implements [Binder].
func (c jsonCodec) Bind(a *scim.Attribute) Codec { return jsonCodec{a} }

func (c jsonCodec) Encode(v scim.Value) (string, error) {
	if v.Kind() != scim.KindComplex {
		return "", scim.Invalid(scim.InvalidValue, "expected a complex value")
	}
	var b bytes.Buffer
	if err := writeJSON(&b, v); err != nil {
		return "", err
	}
	return b.String(), nil
}

func writeJSON(b *bytes.Buffer, v scim.Value) error {
	switch v.Kind() {
	case scim.KindComplex:
		b.WriteByte('{')
		for i, f := range v.Fields() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeString(b, f.Attribute.Name); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := writeJSON(b, f.Value); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case scim.KindList:
		b.WriteByte('[')
		for i, item := range v.Items() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, item); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case scim.KindString:
		return writeString(b, v.Text())
	case scim.KindNumber:
		b.WriteString(v.Text())
	case scim.KindBool:
		fmt.Fprint(b, v.IsTrue())
	}
	return nil
}

func writeString(b *bytes.Buffer, s string) error {
	if _, err := encodeText(s); err != nil {
		return err
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return fmt.Errorf("writing a JSON text: %w", err)
	}
	b.Truncate(b.Len() - 1) // the line feed that Encode appends
	return nil
}

// Decode ignores members that are no sub-attributes of the type.
func (c jsonCodec) Decode(raw string) (scim.Value, error) {
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	var members map[string]any
	if err := d.Decode(&members); err != nil || members == nil {
		return scim.Value{}, errNotJSONObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return scim.Value{}, errNotJSONObject
	}
	var fields []scim.Field
	for _, sub := range c.attribute.SubAttributes {
		v, err := readJSON(sub, memberNamed(members, sub.Name))
		if err != nil {
			return scim.Value{}, err
		}
		fields = append(fields, scim.Field{Attribute: sub, Value: v})
	}
	return scim.Complex(fields...), nil
}

// memberNamed returns the member of that name, else one whose name differs in
// case alone.
func memberNamed(members map[string]any, name string) any {
	if m, found := members[name]; found {
		return m
	}
	for n, m := range members {
		if strings.EqualFold(n, name) {
			return m
		}
	}
	return nil
}

var errNotJSONObject = errors.New("it is no JSON object")

func readJSON(a *scim.Attribute, member any) (scim.Value, error) {
	if list, is := member.([]any); is && a.MultiValued {
		items := make([]scim.Value, len(list))
		for i, item := range list {
			v, err := readJSON(a, item)
			if err != nil {
				return scim.Value{}, err
			}
			items[i] = v
		}
		return scim.List(items...), nil
	}
	var v scim.Value
	switch m := member.(type) {
	case nil:
		return scim.Value{}, nil
	case string:
		if why := notText(m); why != "" {
			return scim.Value{}, fmt.Errorf("its %s cannot be used: %s", a.Name, why)
		}
		v = scim.String(m)
	case bool:
		v = scim.Bool(m)
	case json.Number:
		v = scim.Number(m.String())
	default:
		return scim.Value{}, fmt.Errorf("its %s is no %s", a.Name, a.Type)
	}
	v, err := scim.Coerce(a, v)
	if err != nil {
		return scim.Value{}, fmt.Errorf("its %s is no %s", a.Name, a.Type)
	}
	return v, nil
}

func (jsonCodec) IsText() bool { return false }
