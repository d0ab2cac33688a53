package rest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// elementsCodec writes the elements of a multi-valued complex attribute as the objects
// of an array.
type elementsCodec struct {
	parts []elementPart
	paths map[string]*document.Path
}

// elementPart is one sub-attribute and where it is in the object.
type elementPart struct {
	sub      *scim.Attribute
	fields   []string
	codec    translators.Codec
	constant scim.Value // instead of field and codec
	clear    string
}

func newElementsCodec(c MapConfig, a *scim.Attribute) (*elementsCodec, error) {
	switch {
	case !a.IsComplex() || !a.MultiValued:
		return nil, fmt.Errorf("element is for attributes of many complex values, such as emails: map the parts of %s each by itself", a)
	case len(c.Fields) != 1:
		return nil, errors.New("element is for one array: name that field alone")
	}
	codec := &elementsCodec{paths: make(map[string]*document.Path)}
	for _, config := range c.Elements {
		part, err := codec.newPart(config, a)
		if err != nil {
			return nil, fmt.Errorf("element %s: %w", config.Path, err)
		}
		if slices.ContainsFunc(codec.parts, func(p elementPart) bool { return p.sub == part.sub }) {
			return nil, fmt.Errorf("element %s stands twice: remove one", config.Path)
		}
		codec.parts = append(codec.parts, *part)
	}
	return codec, nil
}

func (c *elementsCodec) newPart(config MapConfig, a *scim.Attribute) (*elementPart, error) {
	part := &elementPart{sub: a.Sub(config.Path), fields: config.Fields}
	if part.sub == nil || part.sub.Name == "$ref" {
		return nil, fmt.Errorf("%s has no such part to map: it is one of %s", a, subNames(a))
	}
	shared := config.MapConfig
	shared.Path, shared.Fields, shared.Codec, shared.True, shared.False, shared.RefersTo, shared.Constant = "", nil, "", "", "", "", ""
	isPlain := !shared.Required && shared.Default == "" && len(shared.DefaultFrom) == 0 && len(shared.OneOf) == 0 &&
		!shared.CreateOnly && !shared.ReadOnly && !shared.WriteOnly && !shared.Private
	switch {
	case !isPlain:
		return nil, errors.New("what is required, private, read_only and the like is said of the whole: move the line out of the block of element")
	case part.sub.MultiValued:
		return nil, errors.New("it may have many values itself: map the whole to one field with json")
	case config.Part != 0 || len(config.Elements) > 0:
		return nil, errors.New("part and element can't stand in an element: use read and write")
	case config.Codec == translators.CodecReference:
		return nil, errors.New("an element refers to nothing: remove reference")
	case config.Constant != "":
		if len(config.Fields) > 0 || config.own() != "" {
			return nil, errors.New("a constant is written nowhere: remove its field and the other lines")
		}
		v, err := scim.Coerce(part.sub, scim.String(config.Constant))
		if err != nil {
			return nil, errors.New(detailOf(err))
		}
		part.constant = v
		return part, nil
	case len(config.Fields) == 0:
		return nil, errors.New("it has no field: name where it is within the element, or give a constant")
	}
	for _, field := range config.Fields {
		path, err := document.ParsePath(field)
		if err != nil {
			return nil, err
		}
		if !path.IsWritable() {
			return nil, fmt.Errorf("nothing can be written to %s: a path with # names many values", field)
		}
		c.paths[field] = path
	}
	var err error
	if part.codec, err = newLeafCodec(config, part.sub, false); err != nil {
		return nil, err
	}
	list, _ := splitAs(config.As)
	if list {
		return nil, errors.New("as list is for what may have many values: remove it")
	}
	part.clear, err = clearing(config.Clear, false)
	return part, err
}

func subNames(a *scim.Attribute) string {
	var names []string
	for _, s := range a.SubAttributes {
		if s.Name != "$ref" {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ", ")
}

// names are those of the mapped sub-attributes.
func (c *elementsCodec) names() []string {
	names := make([]string, len(c.parts))
	for i, p := range c.parts {
		names[i] = p.sub.Name
	}
	return names
}

// Bind implements translators.Binder.
func (c *elementsCodec) Bind(a *scim.Attribute) translators.Codec {
	bound := &elementsCodec{paths: c.paths, parts: slices.Clone(c.parts)}
	for i := range bound.parts {
		p := &bound.parts[i]
		p.sub = a.Sub(p.sub.Name)
		if binder, is := p.codec.(translators.Binder); is {
			p.codec = binder.Bind(p.sub)
		}
	}
	return bound
}

// Decode implements translators.Codec: it reads one element.
func (c *elementsCodec) Decode(raw string) (scim.Value, error) {
	object := gjson.Parse(raw)
	if !object.IsObject() {
		return scim.Value{}, errors.New("an element of it is no object")
	}
	get := valuesOf(c.paths, object)
	var fields []scim.Field
	isRead := false
	for _, p := range c.parts {
		v := p.constant
		if v.IsAbsent() {
			raws := p.read(get)
			if len(raws) == 0 {
				continue
			}
			var err error
			if v, err = p.codec.Decode(raws[0]); err != nil {
				return scim.Value{}, fmt.Errorf("%s: %w", p.sub.Name, err)
			}
			isRead = isRead || !v.IsAbsent()
		}
		fields = append(fields, scim.Field{Attribute: p.sub, Value: v})
	}
	if !isRead {
		return scim.Value{}, nil
	}
	return scim.Complex(fields...), nil
}

func (p *elementPart) read(get func(string) []string) []string {
	if reader, is := p.codec.(translators.FieldReader); is {
		_, raws := reader.ReadFields(get)
		return raws
	}
	for _, field := range p.fields {
		if raws := get(field); len(raws) > 0 {
			return raws
		}
	}
	return nil
}

// Encode implements translators.Codec: it writes one element, as a new one.
func (c *elementsCodec) Encode(v scim.Value) (string, error) { return c.write(v, gjson.Result{}) }

// write puts the parts of an element into the object that there is of it.
func (c *elementsCodec) write(v scim.Value, old gjson.Result) (string, error) {
	if v.Kind() != scim.KindComplex {
		return "", scim.Invalid(scim.InvalidValue, "expected a complex value")
	}
	object := []byte("{}")
	if old.IsObject() {
		object = []byte(old.Raw)
	}
	get := valuesOf(c.paths, old)
	for _, p := range c.parts {
		part := v.Sub(p.sub)
		if !p.constant.IsAbsent() {
			if !part.IsAbsent() && !part.Equal(p.constant) {
				return "", scim.Invalid(scim.InvalidValue, "%s is always %s", p.sub.Name, p.constant.Text())
			}
			continue
		}
		raws, err := p.write(part)
		if err != nil {
			return "", scim.Invalid(scim.InvalidValue, "%s: %s", p.sub.Name, detailOf(err))
		}
		for i, field := range p.fields {
			raw := raws[i]
			if raw == "" {
				if len(get(field)) == 0 {
					continue
				}
				raw = p.clear
			}
			if object, err = c.paths[field].Set(object, raw); err != nil {
				return "", fmt.Errorf("writing %s: %w", field, err)
			}
		}
	}
	return string(object), nil
}

// write returns what each field of the part is to hold.
func (p *elementPart) write(v scim.Value) ([]string, error) {
	raws := make([]string, len(p.fields))
	if v.IsAbsent() {
		return raws, nil
	}
	raw, err := p.codec.Encode(v)
	if err != nil {
		return nil, err
	}
	if _, isTable := p.codec.(*tableCodec); raw == `""` && !isTable {
		return raws, nil
	}
	if codec, is := p.codec.(spreader); is {
		return codec.spread(raw, new(encoder))
	}
	for i := range raws {
		raws[i] = raw
	}
	return raws, nil
}

// IsText implements translators.Codec.
func (*elementsCodec) IsText() bool { return false }

// compose makes the array of the elements, each written into the object that was
// there of it. Objects that can't be read are nobody's to remove: they stay, behind.
func (c *elementsCodec) compose(l *translators.Leaf, wanted []scim.Value, old gjson.Result) (string, error) {
	var objects []gjson.Result
	switch {
	case old.IsArray():
		objects = old.Array()
	case old.IsObject(): // a list of one in XML
		objects = []gjson.Result{old}
	}
	read := make([]scim.Value, len(objects))
	var unread []string
	for i, object := range objects {
		v, err := c.Decode(object.Raw)
		if err != nil || v.IsAbsent() {
			unread = append(unread, object.Raw)
		}
		read[i] = v
	}
	var distinct []scim.Value
	for _, v := range wanted {
		if !slices.ContainsFunc(distinct, v.Equal) {
			distinct = append(distinct, v)
		}
	}
	of := match(distinct, read)
	raws := make([]string, 0, len(distinct)+len(unread))
	for i, v := range distinct {
		var object gjson.Result
		if of[i] >= 0 {
			object = objects[of[i]]
		}
		raw, err := c.write(v, object)
		if err != nil {
			return "", invalidAt(l, detailOf(err))
		}
		raws = append(raws, raw)
	}
	return "[" + strings.Join(append(raws, unread...), ",") + "]", nil
}

// match finds for each of the wanted elements the one that it was, or -1: the same, or
// the one of the same value, or the only one of the same type.
func match(wanted, read []scim.Value) []int {
	of := make([]int, len(wanted))
	taken := make([]bool, len(read))
	for i := range of {
		of[i] = -1
	}
	pair := func(is func(v, w scim.Value) bool, isUnique bool) {
		for i, v := range wanted {
			if of[i] >= 0 {
				continue
			}
			var candidates []int
			for j, w := range read {
				if !taken[j] && !w.IsAbsent() && is(v, w) {
					candidates = append(candidates, j)
				}
			}
			rivals := 0
			for k, other := range wanted {
				if of[k] < 0 && is(other, v) {
					rivals++
				}
			}
			if len(candidates) == 0 || isUnique && (len(candidates) > 1 || rivals > 1) {
				continue
			}
			of[i], taken[candidates[0]] = candidates[0], true
		}
	}
	same := func(name string) func(v, w scim.Value) bool {
		return func(v, w scim.Value) bool {
			a, b := v.SubNamed(name), w.SubNamed(name)
			return !a.IsAbsent() && strings.EqualFold(a.Text(), b.Text()) && a.Kind() == b.Kind()
		}
	}
	pair(scim.Value.Equal, false)
	pair(same("value"), false)
	pair(same("type"), true)
	return of
}
