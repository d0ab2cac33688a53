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

// mapping is what records and resources of one type have to do with each other.
// Beneath it is the mapping that all translators share, whose fields are paths in a
// record and whose texts are JSON: a codec of each leaf writes the one and reads the
// other. It is not changed once it is made, and used by many goroutines at once.
type mapping struct {
	*translators.Mapping

	forms    map[*translators.Leaf]*form
	compiled map[string]*document.Path // paths by their text
	markers  map[string]string         // what stands for no value in fields, as JSON
	arity    map[string]int            // of how many parts the fields are that leaves share
}

// fieldValue is what a field of a record is to hold.
type fieldValue struct {
	path *document.Path
	raw  string // JSON; "" where the value is to be left out
	// mask is printed instead of raw where it is not "".
	mask string
}

// What stands for values that are not to be printed.
const (
	maskSecret  = "********"
	maskPrivate = "{private}"
)

// form is how the values of a leaf stand in a record.
type form struct {
	config    MapConfig
	attribute *scim.Attribute // of the full type
	codec     translators.Codec
	isList    bool // an array, even of one value
	// isChecked is set where reading what was written may bring something else.
	isChecked bool
	clear     string // what is written where there is no value: JSON, or ""
	// marker is what stands in the application for no value, as JSON; "" is null or "".
	marker string
}

// newMapping compiles the maps of a type.
func newMapping(full *scim.ResourceType, maps []MapConfig, handled ...string) (*mapping, error) {
	var mistakes []error
	shared := make([]translators.MapConfig, len(maps))
	forms := make(map[translators.Codec]*form, len(maps)) // by what the shared mapping hands back
	for i, config := range maps {
		f, err := newForm(full, config)
		if err != nil {
			mistakes = append(mistakes, &translators.MapError{Path: config.Path, Err: err})
			continue
		}
		shared[i] = f.shared()
		if f.codec != nil {
			forms[shared[i].Custom.Codec] = f
		}
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	compiled, err := translators.Compile(full, shared, handled...)
	if err != nil {
		return nil, err
	}
	m := &mapping{Mapping: compiled, forms: make(map[*translators.Leaf]*form, len(maps)),
		compiled: make(map[string]*document.Path), arity: make(map[string]int)}
	for _, l := range compiled.Leaves {
		if l.Config.Custom == nil {
			continue
		}
		m.forms[l] = forms[l.Config.Custom.Codec]
		if f := m.forms[l]; f != nil && f.marker != "" {
			if m.markers == nil {
				m.markers = make(map[string]string)
			}
			for _, field := range l.Fields {
				m.markers[field] = f.marker
			}
		}
		if err := m.addPaths(l); err != nil {
			mistakes = append(mistakes, &translators.MapError{Path: l.Config.Path, Err: err})
		}
	}
	if mistakes = append(mistakes, m.checkParts()...); len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	return m, nil
}

// newForm checks a map by itself. What is remembered, is a constant or has no path of
// SCIM's has no form: the shared mapping has more to say of it.
func newForm(full *scim.ResourceType, config MapConfig) (*form, error) {
	f := &form{config: config}
	path, _, err := translators.ParseLeaf(full, config.Path)
	if err != nil || config.Remember || config.Constant != "" || len(config.Fields) == 0 {
		if option := config.own(); option != "" && err == nil && (config.Remember || config.Constant != "") {
			return nil, fmt.Errorf("what is written nowhere has no %s: remove the line", option)
		}
		return f, nil
	}
	f.attribute = path.Leaf()
	if f.codec, err = newLeafCodec(config, f.attribute, path.Sub == nil && path.Attribute.IsComplex()); err != nil {
		return nil, err
	}
	isSimpleList := path.Sub == nil && path.Attribute.MultiValued
	list, _ := splitAs(config.As)
	f.isList = list || isSimpleList && path.Selector == nil
	switch f.codec.(type) {
	case *joinCodec, *expressionCodec, *elementsCodec:
		f.isChecked = true
	}
	if _, is := f.codec.(*expressionCodec); is && f.isList && len(config.Fields) > 1 {
		return nil, errors.New("an array stands in one field: name that alone")
	}
	if config.Clear == clearText {
		if f.isList || config.ClearText == "" {
			return nil, errors.New("clear text is for a field with one value, and says which: clear text -")
		}
		f.clear = quote(config.ClearText)
		f.marker = f.clear
	} else if f.clear, err = clearing(config.Clear, f.isList); err != nil {
		return nil, err
	}
	if config.Max < 0 || config.Max > 0 && (f.attribute.Type == scim.TypeBoolean || f.attribute.IsComplex() && path.Sub == nil) {
		return nil, errors.New("max is a number of characters, 1 or more, of a text: remove the line")
	}
	return f, nil
}

// own names the first option that only this translator has, or "".
func (c MapConfig) own() string {
	for _, o := range []struct {
		name    string
		isGiven bool
	}{{"table", len(c.Table) > 0}, {"as", c.As != ""}, {"time", c.Format != ""}, {"join", c.Join != ""}, {"part", c.Part != 0},
		{"read", c.Read != ""}, {"write", c.Write != ""}, {"element", len(c.Elements) > 0}, {"clear", c.Clear != ""}, {"max", c.Max != 0}} {
		if o.isGiven {
			return o.name
		}
	}
	return ""
}

// clearing returns what is written where there is no value.
func clearing(word string, isList bool) (string, error) {
	switch {
	case isList && (word == "" || word == clearEmpty):
		return "[]", nil
	case word == "", word == clearNull:
		return "null", nil
	case word == clearEmpty:
		return `""`, nil
	case word == clearOmit:
		return "", nil
	}
	return "", fmt.Errorf("clear %s is not known: it is %s, %s, %s or %s and a text", word, clearNull, clearEmpty, clearOmit, clearText)
}

// The ways of writing that there is no value.
const (
	clearNull  = "null"
	clearEmpty = "empty"
	clearOmit  = "omit"
	clearText  = "text"
)

// shared returns the map as the shared mapping compiles it.
func (f *form) shared() translators.MapConfig {
	config := f.config.MapConfig
	if f.codec == nil {
		return config
	}
	if config.Codec != translators.CodecReference {
		config.Codec = translators.CodecText
	}
	config.True, config.False = "", ""
	config.Custom = &translators.Custom{Codec: f.codec}
	switch codec := f.codec.(type) {
	case *partCodec:
		config.Custom.Composes = true
	case *elementsCodec:
		config.Custom.Subs = codec.names()
	case *tableCodec:
		if len(config.OneOf) == 0 && !config.ReadOnly {
			config.OneOf = codec.texts()
		}
	}
	return config
}

// addPaths compiles the paths of a leaf's fields.
func (m *mapping) addPaths(l *translators.Leaf) error {
	for _, field := range l.Fields {
		path, err := document.ParsePath(field)
		if err != nil {
			return err
		}
		if l.IsWritable() && !path.IsWritable() {
			return fmt.Errorf("nothing can be written to %s: a path with # names many values; name one, as in emails.#(type==work).address, "+
				"map the whole array with element, or make it read_only", field)
		}
		m.compiled[field] = path
	}
	return nil
}

// checkParts looks whether the parts of each field agree on how many they are.
func (m *mapping) checkParts() (mistakes []error) {
	separators := make(map[string]string)
	taken := make(map[string]string)
	for _, l := range m.Leaves {
		if m.forms[l] == nil || !l.IsWritable() {
			continue
		}
		c := m.forms[l].config
		for _, field := range l.Fields {
			mistake := func(format string, args ...any) {
				mistakes = append(mistakes, &translators.MapError{Path: l.Config.Path, Err: fmt.Errorf(format, args...)})
			}
			if c.Part == 0 {
				if m.arity[field] > 0 {
					mistake("the field %s is written in parts already: make one of the lines read_only", field)
				}
				m.arity[field] = -1
				continue
			}
			key := fmt.Sprint(c.Part, " of ", field)
			switch of := m.arity[field]; {
			case of == -1:
				mistake("the field %s is written as a whole already: make one of the lines read_only", field)
			case of != 0 && (of != c.Of || separators[field] != c.separator()):
				mistake("the field %s is made of %d parts with %q between them in another line: say the same in both", field, of, separators[field])
			case taken[key] != "":
				mistake("part %s is written by %s already: make one of the two read_only", key, taken[key])
			}
			m.arity[field], separators[field], taken[key] = c.Of, c.separator(), l.Config.Path
		}
	}
	return mistakes
}

// paths are the fields that decoding what is selected looks at; "." is the whole
// record.
func (m *mapping) paths(s translators.Selection) []string {
	fields := m.Fields(s)
	for _, l := range m.Leaves {
		f := m.forms[l]
		if f == nil || !l.IsReadable() || !s.Wants(l.Path.Attribute) {
			continue
		}
		if codec, is := f.codec.(*expressionCodec); is && codec.seesRecord {
			return append(slices.Clone(fields), wholeRecord)
		}
	}
	return fields
}

// wholeRecord is the path of the whole document.
const wholeRecord = "."

// omitted returns a leaf whose value is cleared by being left out, which only works
// where a whole record is sent, or nil.
func (m *mapping) omitted() *translators.Leaf {
	for _, l := range m.Leaves {
		if f := m.forms[l]; f != nil && f.clear == "" && l.IsWritable() {
			return l
		}
	}
	return nil
}

// canWrite reports whether there is something to write for a value of a leaf, in a table
// above all.
func (m *mapping) canWrite(l *translators.Leaf, v scim.Value) bool {
	table, is := l.Codec.(*tableCodec)
	return !is || !table.isOnlyRead(v)
}

// identity gives references that are ids already, whatever else refs says; nil refs
// are all of them.
type identity struct {
	refs translators.References
	m    *mapping
}

// Name implements translators.References.
func (i identity) Name(l *translators.Leaf, id string) (string, bool) {
	if i.refs == nil {
		return id, true
	}
	return i.refs.Name(l, id)
}

// ID implements translators.References. The name is JSON.
func (i identity) ID(l *translators.Leaf, raw string) (string, bool) {
	v, err := l.Codec.Decode(raw)
	if err != nil || v.Text() == "" {
		return "", false
	}
	if i.refs == nil {
		return v.Text(), true
	}
	return i.refs.ID(l, v.Text())
}

// withEmpty before a field asks for values that are null or "" too, which count as
// none otherwise.
const withEmpty = "\x00"

// asWhole before a field asks for its value as one, an array being one, null too.
const asWhole = "\x01"

// valuesIn returns what the shared mapping asks for fields: the values in the record,
// as JSON.
func (m *mapping) valuesIn(record gjson.Result) func(field string) []string {
	values := valuesOf(m.compiled, record)
	if len(m.markers) == 0 {
		return values
	}
	return func(field string) []string {
		raws := values(field)
		if marker := m.markers[strings.TrimLeft(field, withEmpty+asWhole)]; marker != "" {
			raws = slices.DeleteFunc(raws, func(raw string) bool { return raw == marker })
		}
		return raws
	}
}

func valuesOf(paths map[string]*document.Path, record gjson.Result) func(field string) []string {
	return func(field string) []string {
		if field == wholeRecord {
			return []string{record.Raw}
		}
		if field, is := strings.CutPrefix(field, asWhole); is {
			return wholeOf(paths[field], record)
		}
		field, isEmptyWanted := strings.CutPrefix(field, withEmpty)
		var raws []string
		for _, value := range paths[field].Get(record) {
			if isEmptyWanted || value.Type != gjson.Null && value.Raw != `""` {
				raws = append(raws, value.Raw)
			}
		}
		if isEmptyWanted && len(raws) == 0 && isNull(paths[field].Value(record)) {
			raws = append(raws, "null")
		}
		return raws
	}
}

// wholeOf returns the value at the path, if there is one. Where the path names many,
// they are an array.
func wholeOf(path *document.Path, record gjson.Result) []string {
	if !path.IsWritable() && !path.IsWhole() {
		if values := path.Get(record); len(values) > 0 {
			return []string{"[" + strings.Join(rawsOf(values), ",") + "]"}
		}
		return nil
	}
	if whole := path.Value(record); whole.Exists() {
		return []string{whole.Raw}
	}
	return nil
}

// isNull reports whether a value is there and is null.
func isNull(value gjson.Result) bool { return value.Exists() && value.Type == gjson.Null }

func rawsOf(values []gjson.Result) []string {
	raws := make([]string, len(values))
	for i, value := range values {
		raws[i] = value.Raw
	}
	return raws
}

// decode sets the attributes of r that the selection wants from the record.
func (m *mapping) decode(r *scim.Resource, s translators.Selection, record gjson.Result, refs translators.References) []translators.Problem {
	return m.Decode(r, s, m.valuesIn(record), identity{refs, m})
}
