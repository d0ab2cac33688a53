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
//   - default, default_from, one_of, required or create_only on what is
//     read_only; a default that is not one of one_of; a default_from that is not
//     mapped; a default for a password;
//   - what SCIM requires (userName, a group's displayName) left out.
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
			mistakes = append(mistakes, fmt.Errorf("map %s: %w", config.Path, err))
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
		return fmt.Errorf("map %s: %w", config.Path, err)
	}
	return nil
}

// compiler collects leaves whose paths are those of the full type.
type compiler struct {
	full    *scim.ResourceType
	handled map[*scim.Attribute]bool
	leaves  []*Leaf
	paths   map[string]bool // those that are taken
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
	if a == c.full.Attribute("password") {
		l.Config.WriteOnly = true
	}
	if c.handled[path.Attribute] {
		return fmt.Errorf("%s is served without a mapping: remove the line", path.Attribute)
	}
	key := leafKey(l)
	if c.paths[key] {
		return errors.New("it is mapped twice: give all its fields in one line")
	}
	c.paths[key] = true
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
	if err := checkRules(l); err != nil {
		return err
	}
	c.leaves = append(c.leaves, l)
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
		config.CreateOnly || config.ReadOnly || config.WriteOnly:
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

// checkRules checks the rules of a leaf with fields.
func checkRules(l *Leaf) error {
	config := l.Config
	hasDefault := config.Default != "" || len(config.DefaultFrom) > 0
	isPassword := l.Path.Attribute.Mutability == scim.WriteOnly
	switch {
	case config.ReadOnly && isPassword:
		return errors.New("a password can only be written: remove read_only")
	case config.ReadOnly && config.WriteOnly:
		return errors.New("read_only and write_only exclude each other: remove one")
	case config.ReadOnly && hasDefault:
		return errors.New("it is read_only, so that no default can be written: remove one")
	case config.ReadOnly && config.Required:
		return errors.New("it is read_only, so that no provider can give what is required: remove one")
	case config.ReadOnly && len(config.OneOf) > 0:
		return errors.New("it is read_only, so that there is nothing to check against one_of: remove one")
	case config.ReadOnly && config.CreateOnly:
		return errors.New("read_only and create_only exclude each other: remove one")
	case isPassword && hasDefault:
		return errors.New("a password that many share is none: remove the default")
	case l.isWhole() && (config.Default != "" || len(config.DefaultFrom) > 0 || len(config.OneOf) > 0):
		return errors.New("default, default_from and one_of are for single values, and json maps a whole one: remove them")
	}
	for i, text := range config.OneOf {
		if err := checkValue(l, text); err != nil {
			return fmt.Errorf("one_of %s does not suit: %w", text, err)
		}
		if slices.Contains(config.OneOf[:i], text) {
			return fmt.Errorf("one_of names %s twice: name it once", text)
		}
	}
	if config.Default == "" {
		return nil
	}
	if err := checkValue(l, config.Default); err != nil {
		return fmt.Errorf("its default does not suit: %w", err)
	}
	if len(config.OneOf) > 0 && !slices.Contains(config.OneOf, config.Default) {
		return fmt.Errorf("its default %s is not one of %s: add it to one_of", config.Default, strings.Join(config.OneOf, ", "))
	}
	return nil
}

// checkValue checks that the text is a value that the leaf can hold.
func checkValue(l *Leaf, text string) error {
	v, err := scim.Coerce(l.Path.Leaf(), scim.String(text))
	if err == nil {
		_, err = l.Codec.Encode(v)
	}
	if e := scim.AsError(err); e != nil {
		return errors.New(e.Detail)
	}
	return err
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

// checkWhole looks for other leaves beside one that maps the same element as a
// whole.
func (c *compiler) checkWhole() (mistakes []error) {
	whole := make(map[string]*Leaf)
	for _, l := range c.leaves {
		if l.isWhole() {
			whole[slotKey(l.Path.Attribute, l.Terms)] = l
		}
	}
	for _, l := range c.leaves {
		if w := whole[slotKey(l.Path.Attribute, l.Terms)]; w != nil && w != l {
			mistakes = append(mistakes, fmt.Errorf("map %s: json maps all of %s to one field already: remove one of the two lines", l.Config.Path, w.Config.Path))
		}
	}
	return mistakes
}

// checkSources checks the paths of default_from.
func (c *compiler) checkSources() (mistakes []error) {
	for _, l := range c.leaves {
		for _, text := range l.Config.DefaultFrom {
			if err := c.checkSource(l, text); err != nil {
				mistakes = append(mistakes, fmt.Errorf("map %s: default_from %s: %w", l.Config.Path, text, err))
			}
		}
	}
	return mistakes
}

func (c *compiler) checkSource(l *Leaf, text string) error {
	source, _, err := ParseLeaf(c.full, text)
	if err != nil {
		return err
	}
	same := func(o *Leaf) bool {
		return o.Path.Attribute == source.Attribute && (o.Path.Sub == source.Sub || o.isWhole())
	}
	switch {
	case source.Leaf().IsComplex():
		return fmt.Errorf("it is complex: name one of its sub-attributes (%s)", subNames(source.Attribute))
	case source.Leaf().Mutability == scim.WriteOnly:
		return errors.New("a password is not copied: name another path")
	case source.Leaf() == l.Path.Leaf() && source.Selector == nil && l.Path.Selector == nil:
		return errors.New("it is its own source: name another path")
	case source.Leaf().Type != l.Path.Leaf().Type:
		return fmt.Errorf("it is of the type %s, not %s: name another path", source.Leaf().Type, l.Path.Leaf().Type)
	case !slices.ContainsFunc(c.leaves, same):
		return errors.New("it is not mapped, so that a provider's value for it is dropped: map it, or name another path")
	}
	return nil
}

// checkFields looks for fields that two leaves write.
func (c *compiler) checkFields() (mistakes []error) {
	writers := make(map[string]*Leaf)
	for _, l := range c.leaves {
		if !l.IsWritable() {
			continue
		}
		for _, f := range l.Fields {
			key := strings.ToLower(f)
			if other := writers[key]; other != nil {
				mistakes = append(mistakes, fmt.Errorf("map %s: the field %s is written by %s already: make one of the two read_only", l.Config.Path, f, other.Config.Path))
				continue
			}
			writers[key] = l
		}
	}
	return mistakes
}

// checkRequired looks for what SCIM requires.
func (c *compiler) checkRequired() (mistakes []error) {
	for _, a := range c.full.Attributes() {
		if a.Required && !c.handled[a] && !slices.ContainsFunc(c.leaves, func(l *Leaf) bool { return l.Path.Attribute == a }) {
			mistakes = append(mistakes, fmt.Errorf("%s is not mapped, and SCIM requires it of every %s: add map %s and the field that holds it", a, c.full.Name, a))
		}
	}
	return mistakes
}

// mapping narrows the type, ties the leaves to it and groups them.
func (c *compiler) mapping() (*Mapping, error) {
	m := &Mapping{Type: narrow(c.full, c.leaves, slices.Collect(maps.Keys(c.handled))), Leaves: c.leaves}
	for _, l := range c.leaves {
		isRequired := l.Config.Required || l.Path.Leaf().Required && l.IsWritable()
		path, terms, err := ParseLeaf(m.Type, l.Path.String())
		if err != nil {
			return nil, fmt.Errorf("map %s: %w", l.Config.Path, err)
		}
		l.Path, l.Terms = path, terms
		switch codec := l.Codec.(type) { // those that know their attribute
		case textCodec:
			codec.attribute = path.Leaf()
			l.Codec = codec
		case jsonCodec:
			codec.attribute = path.Leaf()
			l.Codec = codec
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
		if slots := slotsOf(a, c.leaves); len(slots) > 0 {
			m.attributes = append(m.attributes, attributeMapping{a, slots})
		}
	}
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
		slots[i].isMulti = a.MultiValued && len(slots[i].fielded()) == 1
	}
	return slots
}
