package translators

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// Compile checks the mapped leaves of one resource type against its full type
// ([scim.UserType], [scim.GroupType]) and makes them into a [Mapping]. handled
// names the attributes that the translator serves itself and that have no leaf
// ("active", "groups", "members"); they stay part of the narrowed type.
//
// All mistakes are reported at once, each with its path and what to do:
//
//   - a path that SCIM does not have, or a complex value without sub-attribute
//     (json maps one as a whole);
//   - a selector that is anything but comparisons with eq joined by and, since
//     its constants are part of every element that is read;
//   - a path, or an attribute that the translator serves itself, mapped twice;
//   - a field that two leaves write: all but one must be read_only;
//   - a constant with fields or rules, neither constant nor fields;
//   - a codec that does not suit the type of the attribute;
//   - what is write-only within a complex attribute;
//   - private on userName, displayName or externalId, on what is never shown
//     anyway, and on the source of a default for what is not private;
//   - default, default_from, one_of, required or create_only on what is
//     read_only; a default that is not one of one_of; a default_from that is not
//     mapped; a default for a password;
//   - id, meta, schemas and addresses of other resources ($ref), which are served
//     by themselves;
//   - what SCIM requires (userName, a group's displayName) left out;
//   - something remembered that is not a simple text, or that has to be in the
//     backend.
func Compile(full *scim.ResourceType, configs []MapConfig, handled ...string) (*Mapping, error) {
	c := newCompiler(full)
	for _, name := range handled {
		a := full.Attribute(name)
		if a == nil {
			return nil, fmt.Errorf("compiling the mapping of %s: there is no attribute %s to serve", full.Name, name)
		}
		c.handled[a] = true
	}
	var mistakes []error
	for _, config := range configs {
		if err := c.add(config); err != nil {
			mistakes = append(mistakes, &MapError{Path: config.Path, Err: err, Remember: config.Remember})
		}
	}
	if len(mistakes) == 0 {
		mistakes = append(c.checkWhole(), c.checkSources()...)
		mistakes = append(mistakes, c.checkFields()...)
		mistakes = append(mistakes, c.checkRequired()...)
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	return c.mapping()
}

// CheckLeaf checks one leaf by itself, as [Compile] does, so that the parser of
// a configuration can say in which line a mistake is.
func CheckLeaf(full *scim.ResourceType, config MapConfig) error {
	if err := newCompiler(full).add(config); err != nil {
		return &MapError{Path: config.Path, Err: err, Remember: config.Remember}
	}
	return nil
}

// MapError is a mistake in one mapped leaf, so that the parser of a
// configuration can say in which line it is.
type MapError struct {
	Path     string // that of the [MapConfig]
	Err      error
	Remember bool // the line begins with remember
}

// Error implements error.
func (e *MapError) Error() string {
	word := "map "
	if e.Remember {
		word = "remember "
	}
	return word + e.Path + ": " + e.Err.Error()
}

// Unwrap returns what is wrong with it.
func (e *MapError) Unwrap() error { return e.Err }

func mistakeAt(config MapConfig, format string, args ...any) error {
	return &MapError{Path: config.Path, Err: fmt.Errorf(format, args...), Remember: config.Remember}
}

// compiler collects leaves whose paths are those of the full type.
type compiler struct {
	full    *scim.ResourceType
	handled map[*scim.Attribute]bool
	leaves  []*Leaf
	paths   map[string]bool // those that are taken, and whether to be remembered
}

func newCompiler(full *scim.ResourceType) *compiler {
	return &compiler{full: full, handled: make(map[*scim.Attribute]bool), paths: make(map[string]bool)}
}

// add checks one leaf by itself.
func (c *compiler) add(config MapConfig) error {
	path, terms, err := ParseLeaf(c.full, config.Path)
	if err != nil {
		return err
	}
	a := path.Leaf()
	l := &Leaf{Config: config, Path: path, Terms: terms, Fields: slices.Clone(config.Fields)}
	if config.Remember {
		return c.addRemembered(l)
	}
	if err := c.checkServed(path); err != nil {
		return err
	}
	if a.Mutability == scim.WriteOnly || path.Attribute.Mutability == scim.WriteOnly {
		l.Config.WriteOnly = true
	}
	if l.Config.WriteOnly && path.Attribute.IsComplex() {
		// What can't be seen is known by the attribute alone, so that the removal of
		// one part of it could not be told from that of another.
		return fmt.Errorf("%s is complex, and can't be write-only, as a whole or in part: give what is secret an attribute of its own", path.Attribute)
	}
	if (a.Mutability == scim.ReadOnly || path.Attribute.Mutability == scim.ReadOnly) && config.Constant == "" {
		l.Config.ReadOnly = true
	}
	if err := c.take(l); err != nil {
		return err
	}
	if config.Constant != "" {
		return c.addConstant(l)
	}
	if len(l.Fields) == 0 {
		return errors.New("it has no field: name the backend's field behind the path, or give a constant")
	}
	for i, f := range l.Fields {
		if f == "" || slices.ContainsFunc(l.Fields[:i], func(g string) bool { return strings.EqualFold(f, g) }) {
			return fmt.Errorf("the field %q stands twice or is empty: name each once", f)
		}
	}
	if l.Codec, err = newCodec(l.Config, a, l.isWhole()); err != nil {
		return err
	}
	if l.IsReference() {
		l.RefersTo = refersTo(l.Config, a)
	}
	if err := checkRules(l); err != nil {
		return err
	}
	c.leaves = append(c.leaves, l)
	return nil
}

// take notes the path of a leaf as taken.
func (c *compiler) take(l *Leaf) error {
	key := leafKey(l)
	wasRemembered, isTaken := c.paths[key]
	switch {
	case isTaken && wasRemembered && l.Config.Remember:
		return errors.New("it is remembered twice: remove one of the two")
	case isTaken && wasRemembered != l.Config.Remember:
		return errors.New("it is both mapped and remembered: remove one of the two lines")
	case isTaken:
		return errors.New("it is mapped twice: give all its fields in one line")
	}
	c.paths[key] = l.Config.Remember
	return nil
}

// checkServed refuses the paths that are not a mapping's business.
func (c *compiler) checkServed(path scim.Path) error {
	a := path.Attribute
	isPart := path.Sub != nil || path.Selector != nil
	switch {
	case a.Schema() == "":
		return fmt.Errorf("%s comes from the backend by itself: remove the line", a)
	case (c.handled[a] || a.IsReferenceSet()) && isPart:
		return fmt.Errorf("%s is served as a whole: name it alone, map %s and the field", a, a)
	case c.handled[a]:
		return fmt.Errorf("%s is served without a mapping: remove the line", a)
	case a.IsReferenceSet():
		return fmt.Errorf("%s is not served by this translator: remove the line", a)
	case path.Sub != nil && path.Sub.Name == "$ref":
		return fmt.Errorf("the address of a resource follows from its id: map %s.value instead", a)
	case path.Sub != nil && path.Sub.MultiValued:
		return fmt.Errorf("%s may have many values in each %s: map all of %s to one field with json", path.Sub, a, a)
	}
	return nil
}

func (c *compiler) addConstant(l *Leaf) error {
	config := l.Config
	switch {
	case len(l.Fields) > 0:
		return errors.New("a constant is written nowhere: remove its field, or give the field a default instead")
	case config.Codec != CodecText:
		return fmt.Errorf("a constant is written nowhere: remove %s", config.Codec)
	case config.Required || config.Default != "" || len(config.DefaultFrom) > 0 || len(config.OneOf) > 0 ||
		config.CreateOnly || config.ReadOnly || config.WriteOnly || config.Private:
		return errors.New("a constant never changes: it has no other options")
	case l.isWhole():
		return fmt.Errorf("it is complex: give one of its sub-attributes (%s) the constant", subNames(l.Path.Attribute))
	}
	v, err := scim.Coerce(l.Path.Leaf(), scim.String(config.Constant))
	if err != nil {
		return fmt.Errorf("its constant does not suit: %s", scim.AsError(err).Detail)
	}
	l.constant = v
	c.leaves = append(c.leaves, l)
	return nil
}

// leafKey is the same for two paths that mean the same.
func leafKey(l *Leaf) string { return slotKey(l.Path.Attribute, l.Terms) + "." + l.Path.Leaf().Name }

// slotKey is the same for two leaves whose values are parts of one element.
func slotKey(a *scim.Attribute, terms []scim.Field) string {
	texts := make([]string, len(terms))
	for i, t := range terms {
		text := t.Value.Text()
		if t.Value.Kind() == scim.KindBool {
			text = fmt.Sprint(t.Value.IsTrue())
		}
		if !t.Attribute.CaseExact {
			text = strings.ToLower(text)
		}
		texts[i] = fmt.Sprintf("%s=%q", strings.ToLower(t.Attribute.Name), text)
	}
	slices.Sort(texts)
	return strings.ToLower(a.String()) + "[" + strings.Join(texts, " ") + "]"
}

// mapping narrows the type, ties the leaves to it and groups them.
func (c *compiler) mapping() (*Mapping, error) {
	m := &Mapping{Type: narrow(c.full, c.leaves, slices.Collect(maps.Keys(c.handled)))}
	for _, l := range c.leaves {
		if l.Config.Remember {
			m.Remembered = append(m.Remembered, m.Type.Attribute(l.Path.String()))
			continue
		}
		m.Leaves = append(m.Leaves, l)
		// What a schema requires of a part is required where there is the whole.
		isRequired := l.Config.Required || l.Path.Sub == nil && l.Path.Leaf().Required && l.IsWritable()
		path, terms, err := ParseLeaf(m.Type, l.Path.String())
		if err != nil {
			return nil, fmt.Errorf("map %s: %w", l.Config.Path, err)
		}
		l.Path, l.Terms = path, terms
		if codec, is := l.Codec.(Binder); is {
			l.Codec = codec.Bind(path.Leaf())
		}
		rule, err := ruleOf(m.Type, l, isRequired)
		if err != nil {
			return nil, err
		}
		if rule != nil {
			m.Rules = append(m.Rules, *rule)
		}
	}
	for _, a := range m.Type.Attributes() {
		if slots := slotsOf(a, m.Leaves); len(slots) > 0 {
			m.attributes = append(m.attributes, attributeMapping{a, slots})
		}
	}
	m.fields = slices.Clip(m.fieldsOf(Selection{All: true}))
	return m, nil
}

// ruleOf returns what is demanded of the leaf's values, or nil.
func ruleOf(t *scim.ResourceType, l *Leaf, isRequired bool) (*Rule, error) {
	rule := Rule{Path: l.Path, Required: isRequired, Default: l.Config.Default,
		OneOf: slices.Clone(l.Config.OneOf), CreateOnly: l.Config.CreateOnly}
	for _, text := range l.Config.DefaultFrom {
		source, err := scim.ParsePath(t, text)
		if err != nil {
			return nil, fmt.Errorf("map %s: default_from %s: %w", l.Config.Path, text, err)
		}
		rule.From = append(rule.From, source)
	}
	if !rule.Required && rule.Default == "" && rule.From == nil && rule.OneOf == nil && !rule.CreateOnly {
		return nil, nil
	}
	return &rule, nil
}

// slotsOf groups the leaves of an attribute by their terms.
func slotsOf(a *scim.Attribute, leaves []*Leaf) []slot {
	var slots []slot
	index := make(map[string]int)
	for _, l := range leaves {
		if l.Path.Attribute != a {
			continue
		}
		key := slotKey(a, l.Terms)
		i, found := index[key]
		if !found {
			i = len(slots)
			index[key] = i
			slots = append(slots, slot{selector: l.Path.Selector, terms: l.Terms})
		}
		slots[i].leaves = append(slots[i].leaves, l)
	}
	for i := range slots {
		slots[i].multi = onlyField(a, slots[i].leaves)
	}
	return slots
}

// onlyField returns the leaf of a multi-valued attribute's slot that is no
// constant, nil unless there is exactly one.
func onlyField(a *scim.Attribute, leaves []*Leaf) (only *Leaf) {
	if !a.MultiValued {
		return nil
	}
	for _, l := range leaves {
		if l.IsConstant() {
			continue
		}
		if only != nil {
			return nil
		}
		only = l
	}
	return only
}
