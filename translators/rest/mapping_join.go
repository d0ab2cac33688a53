package rest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// splitParts splits a text at the last occurrences of the separator into so many
// parts. Where there are fewer, the first ones are "".
func splitParts(text, separator string, n int) []string {
	parts := make([]string, n)
	for i := n - 1; i > 0; i-- {
		at := strings.LastIndex(text, separator)
		if at < 0 {
			parts[i] = text
			return parts
		}
		parts[i], text = text[at+len(separator):], text[:at]
	}
	parts[0] = text
	return parts
}

// joinParts puts those that are not "" together.
func joinParts(parts []string, separator string) string {
	var kept []string
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, separator)
}

// joinCodec makes one value of several fields. Its form is the array of them.
type joinCodec struct {
	fields    []string
	separator string
}

func newJoinCodec(c MapConfig, a *scim.Attribute) (translators.Codec, error) {
	switch {
	case a.Type != scim.TypeString:
		return nil, fmt.Errorf("join is for texts, and this is of the type %s: remove it", a.Type)
	case len(c.Fields) < 2:
		return nil, errors.New("join puts several fields together: name two or more, such as map name.formatted firstname lastname")
	}
	return &joinCodec{c.Fields, c.Join}, nil
}

// ReadFields implements translators.FieldReader.
func (c *joinCodec) ReadFields(get func(string) []string) (string, []string) {
	parts := make([]string, len(c.fields))
	isThere := false
	for i, field := range c.fields {
		parts[i] = `""`
		if raws := get(field); len(raws) > 0 {
			parts[i], isThere = raws[0], true
		}
	}
	if !isThere {
		return "", nil
	}
	return strings.Join(c.fields, ", "), []string{"[" + strings.Join(parts, ",") + "]"}
}

// Encode implements translators.Codec.
func (c *joinCodec) Encode(v scim.Value) (string, error) {
	if v.Kind() != scim.KindString {
		return "", scim.Invalid(scim.InvalidValue, "expected a string")
	}
	parts := splitParts(v.Text(), c.separator, len(c.fields))
	if joinParts(parts, c.separator) != v.Text() {
		return "", scim.Invalid(scim.InvalidValue, "the application keeps it in %d parts with %q between them, and this would not come back as it is", len(parts), c.separator)
	}
	for i := range parts {
		quoted, err := jsonString(parts[i])
		if err != nil {
			return "", err
		}
		parts[i] = quoted
	}
	return "[" + strings.Join(parts, ",") + "]", nil
}

// Decode implements translators.Codec.
func (c *joinCodec) Decode(raw string) (scim.Value, error) {
	var parts []string
	for _, part := range gjson.Parse(raw).Array() {
		text, err := scalarText(part.Raw)
		if err != nil {
			return scim.Value{}, err
		}
		parts = append(parts, text)
	}
	return textValue(joinParts(parts, c.separator)), nil
}

// spread implements spreader.
func (c *joinCodec) spread(raw string, _ *encoder) ([]string, error) {
	written := make([]string, len(c.fields))
	for i, part := range gjson.Parse(raw).Array() {
		if part.Str != "" {
			written[i] = part.Raw
		}
	}
	return written, nil
}

// IsText implements translators.Codec.
func (*joinCodec) IsText() bool { return false }

// textValue is a string, or absent where it is "".
func textValue(text string) scim.Value {
	if text == "" {
		return scim.Value{}
	}
	return scim.String(text)
}

// partCodec is one of several parts of a text in one field.
type partCodec struct {
	part, of  int
	separator string
}

// separator is what stands between parts.
func (c MapConfig) separator() string {
	if c.Separator == "" {
		return " "
	}
	return c.Separator
}

func newPartCodec(c MapConfig, a *scim.Attribute) (translators.Codec, error) {
	switch {
	case a.Type != scim.TypeString:
		return nil, fmt.Errorf("part is for texts, and this is of the type %s: remove it", a.Type)
	case c.Of < 2 || c.Part < 1 || c.Part > c.Of:
		return nil, fmt.Errorf("part %d of %d is not understood: write part 1 of 2", c.Part, c.Of)
	case len(c.Fields) != 1:
		return nil, errors.New("a part is one of a single field: name that alone")
	}
	return &partCodec{c.Part, c.Of, c.separator()}, nil
}

// Encode implements translators.Codec. It writes the part alone.
func (c *partCodec) Encode(v scim.Value) (string, error) {
	if v.Kind() != scim.KindString {
		return "", scim.Invalid(scim.InvalidValue, "expected a string")
	}
	return jsonString(v.Text())
}

// Decode implements translators.Codec. It reads the whole.
func (c *partCodec) Decode(raw string) (scim.Value, error) {
	text, err := scalarText(raw)
	if err != nil {
		return scim.Value{}, err
	}
	return textValue(splitParts(text, c.separator, c.of)[c.part-1]), nil
}

// IsText implements translators.Codec.
func (*partCodec) IsText() bool { return false }

// parts puts the field of a part together: what other leaves write of it and what no
// leaf writes, as the record has it.
func (e *encoder) parts(l *translators.Leaf, c *partCodec) error {
	field := l.Fields[0]
	for _, f := range e.fields {
		if f.path == e.m.compiled[field] {
			return nil // with another part
		}
	}
	texts := make([]string, c.of)
	if raws := e.m.valuesIn(e.record)(field); len(raws) > 0 {
		if text, err := scalarText(raws[0]); err == nil {
			texts = splitParts(text, c.separator, c.of)
		}
	}
	if e.all == nil {
		values, _, err := e.m.Assign(e.r, nil)
		if err != nil {
			return err
		}
		e.all = values
	}
	for _, other := range e.m.Leaves {
		part, is := other.Codec.(*partCodec)
		if !is || other.Fields[0] != field || !other.IsWritable() {
			continue
		}
		texts[part.part-1] = ""
		if values := e.all[other]; len(values) > 0 {
			texts[part.part-1] = values[0].Text()
		}
	}
	whole := joinParts(texts, c.separator)
	for i, text := range splitParts(whole, c.separator, c.of) {
		if text != texts[i] {
			return invalidAt(l, fmt.Sprintf("the application keeps %d parts in one text, and this would not come back as it is: "+
				"the last part must be there, and none but the first may contain %q", c.of, c.separator))
		}
	}
	raw, err := jsonString(whole)
	if err != nil {
		return invalidAt(l, detailOf(err))
	}
	e.set(l, e.m.forms[l], field, raw, whole != "")
	return nil
}
