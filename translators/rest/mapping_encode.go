package rest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// encode returns what the fields of the wanted attributes (nil: of all) are to hold
// for r to be true, in the order of the configuration and each path once. record is
// the record as it is, or absent where there is none yet: it is looked at where a
// field holds more than what is mapped, and tells what there is to clear. What would
// not come back as it is sent is an *translators.Error of the kind Invalid.
//
// A path through an array, emails.#(type==work).address, comes as the whole array, the
// other elements as they are: a part of an array can't be sent.
func (m *mapping) encode(r *scim.Resource, want func(*scim.Attribute) bool, record gjson.Result, refs translators.References) (fields []fieldValue, dropped []string, err error) {
	values, dropped, err := m.Assign(r, want)
	if err != nil {
		return nil, nil, err
	}
	e := encoder{m: m, r: r, record: record, refs: identity{refs, m}, values: values}
	for _, l := range m.Leaves {
		f := m.forms[l]
		if f == nil || !l.IsWritable() || want != nil && !want(l.Path.Attribute) {
			continue
		}
		if len(values[l]) == 0 && !l.IsReadable() {
			continue // a password is never cleared by not being named
		}
		if err := e.leaf(l, f); err != nil {
			return nil, nil, err
		}
	}
	if err := e.check(want); err != nil {
		return nil, nil, err
	}
	fields, err = e.foldArrays()
	return fields, dropped, err
}

// encoder collects what the fields of one resource are to hold.
type encoder struct {
	m      *mapping
	r      *scim.Resource
	record gjson.Result
	refs   identity
	values map[*translators.Leaf][]scim.Value
	all    map[*translators.Leaf][]scim.Value // those that are not wanted too, made when needed

	fields   []fieldValue
	resource string // r as JSON, made when needed
}

// leaf encodes the values of one leaf.
func (e *encoder) leaf(l *translators.Leaf, f *form) error {
	for _, v := range e.values[l] {
		if most := f.config.Max; most > 0 && utf8.RuneCountInString(v.Text()) > most {
			return invalidAt(l, fmt.Sprintf("the application has room for at most %d characters", most))
		}
	}
	if part, is := l.Codec.(*partCodec); is {
		return e.parts(l, part)
	}
	var raws []string
	for _, v := range e.values[l] {
		if v.Kind() == scim.KindBool && strings.EqualFold(l.Path.String(), "active") && !e.m.canWrite(l, v) {
			return nil // there are calls that do it, or the configuration would be refused
		}
		if l.IsReference() {
			name, ok := e.refs.Name(l, v.Text())
			if !ok {
				return invalidAt(l, fmt.Sprintf("there is no %s with the id %q", strings.Join(l.RefersTo, " or "), v.Text()))
			}
			v = scim.String(name)
		}
		raw, err := l.Codec.Encode(v)
		if err != nil {
			return invalidAt(l, detailOf(err))
		}
		if f.marker != "" && raw == f.marker {
			return invalidAt(l, "in the application this value stands for none: send another")
		}
		_, isTable := l.Codec.(*tableCodec)
		if (raw != `""` || isTable) && !slices.Contains(raws, raw) {
			raws = append(raws, raw)
		}
	}
	spread, is := l.Codec.(spreader)
	if is && len(raws) > 0 {
		return e.spread(l, f, spread, raws)
	}
	for _, field := range l.Fields {
		raw, err := e.compose(l, f, field, raws)
		if err != nil {
			return err
		}
		e.set(l, f, field, raw, len(raws) > 0)
	}
	return nil
}

// compose makes one value of the field out of the leaf's values.
func (e *encoder) compose(l *translators.Leaf, f *form, field string, raws []string) (string, error) {
	if codec, is := l.Codec.(*elementsCodec); is {
		return codec.compose(l, e.values[l], e.at(field))
	}
	isArray := f.isList
	if root := e.at(field); len(raws) > 0 && root.IsArray() {
		isArray = true // what is an array stays one
	}
	switch {
	case isArray:
		return "[" + strings.Join(raws, ",") + "]", nil
	case len(raws) > 1:
		return "", invalidAt(l, fmt.Sprintf("there are %d values and the application has a place for one: send one", len(raws)))
	case len(raws) == 1:
		return raws[0], nil
	}
	return "", nil
}

// at returns what the record has in the field as one value: an array is one, and null
// is too.
func (e *encoder) at(field string) gjson.Result { return e.m.compiled[field].Value(e.record) }

// set notes what a field is to hold. Where there is nothing to hold and nothing was
// there, it is left alone.
func (e *encoder) set(l *translators.Leaf, f *form, field, raw string, hasValue bool) {
	if !hasValue {
		if len(e.m.valuesIn(e.record)(field)) == 0 {
			return
		}
		raw = f.clear
	}
	v := fieldValue{path: e.m.compiled[field], raw: raw}
	switch {
	case l.IsSecret():
		v.mask = maskSecret
	case l.IsPrivate():
		v.mask = maskPrivate
	}
	e.fields = append(e.fields, v)
}

// spreader is a codec whose values stand in several fields, or are not what it encodes.
type spreader interface {
	// spread returns what each of the leaf's fields is to hold, as JSON; "" is no value.
	spread(raw string, e *encoder) ([]string, error)
}

func (e *encoder) spread(l *translators.Leaf, f *form, codec spreader, raws []string) error {
	if f.isList {
		for i, raw := range raws {
			written, err := codec.spread(raw, e)
			if err != nil {
				return invalidAt(l, detailOf(err))
			}
			raws[i] = written[0]
		}
		e.set(l, f, l.Fields[0], "["+strings.Join(raws, ",")+"]", true)
		return nil
	}
	if len(raws) > 1 {
		return invalidAt(l, fmt.Sprintf("there are %d values and the application has a place for one: send one", len(raws)))
	}
	written, err := codec.spread(raws[0], e)
	if err != nil {
		return invalidAt(l, detailOf(err))
	}
	for i, field := range l.Fields {
		e.set(l, f, field, written[i], written[i] != "")
	}
	return nil
}

// foldArrays replaces the fields that are parts of an array by the array.
func (e *encoder) foldArrays() ([]fieldValue, error) {
	folded := make([]fieldValue, 0, len(e.fields))
	edits := make(map[int][]document.Edit) // of the arrays, by their index in folded
	roots := make(map[string]int)
	for _, field := range e.fields {
		root := arrayOf(field.path.String())
		i, isKnown := roots[root]
		if root != "" && !isKnown {
			path, err := document.ParsePath(root)
			if err != nil {
				return nil, err
			}
			array := path.Value(e.record)
			switch {
			case array.IsArray():
			case !array.Exists() || isNull(array) || array.Raw == `""`:
				array.Raw = "[]"
			default:
				root = "" // a single object stands for the array, as in XML
			}
			if root != "" {
				i = len(folded)
				roots[root] = i
				folded = append(folded, fieldValue{path: path})
				edits[i] = []document.Edit{{Path: path, Raw: array.Raw}}
			}
		}
		if root == "" {
			folded = append(folded, field)
			continue
		}
		edits[i] = append(edits[i], document.Edit{Path: field.path, Raw: field.raw})
		if field.mask != "" {
			folded[i].mask = field.mask
		}
	}
	for i, all := range edits {
		doc := []byte("{}")
		for _, edit := range all {
			var err error
			if doc, err = edit.Path.Set(doc, edit.Raw); err != nil {
				return nil, unsuited(edit.Path, err)
			}
		}
		folded[i].raw = folded[i].path.Value(gjson.ParseBytes(doc)).Raw
	}
	return folded, nil
}

// arrayOf returns the path of the outermost array that the path names an element of, ""
// where it names none.
func arrayOf(path string) string {
	start := 0
	isElement := func(name string) bool {
		return strings.HasPrefix(name, "#(") || name != "" && strings.Trim(name, "0123456789") == ""
	}
	for i := 0; i <= len(path); i++ {
		switch {
		case i < len(path) && path[i] == '\\':
			i++
		case i == start && strings.HasPrefix(path[i:], "#("):
			return strings.TrimSuffix(path[:i], ".")
		case i == len(path) || path[i] == '.':
			if isElement(path[start:i]) {
				return strings.TrimSuffix(path[:start], ".")
			}
			start = i + 1
		}
	}
	return ""
}

// apply returns the record with the fields in it, and all else as it was.
func apply(record []byte, fields []fieldValue) ([]byte, error) {
	edits := make([]document.Edit, len(fields))
	for i, f := range fields {
		edits[i] = document.Edit{Path: f.path, Raw: f.raw}
	}
	return document.SetAll(record, edits)
}

// changed returns those of the fields that the record does not hold already.
func changed(fields []fieldValue, record gjson.Result) []fieldValue {
	return slices.DeleteFunc(slices.Clone(fields), func(f fieldValue) bool {
		at := f.path.Value(record)
		return at.Exists() && f.raw != "" && sameJSON(at, gjson.Parse(f.raw)) || !at.Exists() && f.raw == ""
	})
}

// unsuited is the error for a record in which something else is where a path leads.
func unsuited(path *document.Path, err error) error {
	return &translators.Error{Kind: translators.Refused, Err: fmt.Errorf("writing %s: %w", path, err), Detail: fmt.Sprintf(
		"The record in the application has something else on the way to %s than the configuration of the gateway expects. Look at the record there, and correct the path.", path)}
}

func invalidAt(l *translators.Leaf, detail string) error {
	path := l.Path.String()
	return &translators.Error{Kind: translators.Invalid, Path: path, Detail: path + ": " + detail}
}

func detailOf(err error) string {
	if e := scim.AsError(err); e != nil {
		return e.Detail
	}
	return err.Error()
}

// check decodes what was encoded, where that may bring something else.
func (e *encoder) check(want func(*scim.Attribute) bool) error {
	var s translators.Selection
	for _, l := range e.m.Leaves {
		f := e.m.forms[l]
		if f != nil && f.isChecked && l.IsWritable() && l.IsReadable() && (want == nil || want(l.Path.Attribute)) && len(e.values[l]) > 0 {
			s.Attributes = append(s.Attributes, l.Path.Attribute)
		}
	}
	if len(s.Attributes) == 0 {
		return nil
	}
	doc := []byte(e.record.Raw)
	if !e.record.IsObject() {
		doc = []byte("{}")
	}
	doc, err := apply(doc, e.fields)
	if err != nil {
		return unsuited(e.fields[0].path, err)
	}
	back := scim.NewResource(e.m.Type)
	e.m.Decode(back, s, e.m.valuesIn(gjson.ParseBytes(doc)), e.refs)
	values, _, err := e.m.Assign(back, nil)
	if err != nil {
		return err
	}
	for _, l := range e.m.Leaves {
		f := e.m.forms[l]
		if f == nil || !f.isChecked || !slices.Contains(s.Attributes, l.Path.Attribute) || !l.IsWritable() || !l.IsReadable() {
			continue
		}
		if !sameValues(l, e.values[l], values[l]) {
			return invalidAt(l, "the application would not give it back as it is: "+f.remedy())
		}
	}
	return nil
}

// sameValues compares what was to be written with what would be read.
func sameValues(l *translators.Leaf, wanted, read []scim.Value) bool {
	return slices.EqualFunc(wanted, read, func(v, w scim.Value) bool {
		return v.Equal(w) || l.Path.Leaf().Type == scim.TypeDateTime && sameTime(v, w) ||
			v.Kind() == scim.KindNumber && w.Kind() == scim.KindNumber && sameScalar(gjson.Parse(v.Text()), gjson.Parse(w.Text()))
	})
}

// remedy says what keeps values from coming back.
func (f *form) remedy() string {
	switch f.codec.(type) {
	case *joinCodec:
		return "another attribute is written to a part of it, and says otherwise"
	case *expressionCodec:
		return "what is read is not what was written, by the expressions of the configuration"
	}
	return "a part of it has another form there"
}
