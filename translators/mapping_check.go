package translators

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// checkRules checks the rules of a leaf with fields.
func checkRules(l *Leaf) error {
	config := l.Config
	hasDefault := config.Default != "" || len(config.DefaultFrom) > 0
	isSecret := l.Path.Leaf().Mutability == scim.WriteOnly || l.Path.Attribute.Mutability == scim.WriteOnly
	switch {
	case config.ReadOnly && isSecret:
		return errors.New("its schema says that it can only be written: remove read_only")
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
	case isSecret && hasDefault:
		return errors.New("a password that many share is none: remove the default")
	case config.Private && config.WriteOnly:
		return errors.New("it is never shown at all: remove private")
	case config.Private && isName(l.Path):
		return fmt.Errorf("%s can't be private: by it people and groups are found in the journal and told apart. Remove private", l.Path.Attribute)
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

// isName reports whether resources are known by what stands at the path.
func isName(p scim.Path) bool {
	return slices.ContainsFunc([]string{"userName", "displayName", "externalId"}, func(name string) bool {
		return strings.EqualFold(p.Attribute.String(), name)
	})
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
			mistakes = append(mistakes, mistakeAt(l.Config, "json maps all of %s to one field already: remove one of the two lines", w.Config.Path))
		}
	}
	return mistakes
}

// checkSources checks the paths of default_from.
func (c *compiler) checkSources() (mistakes []error) {
	for _, l := range c.leaves {
		for _, text := range l.Config.DefaultFrom {
			if err := c.checkSource(l, text); err != nil {
				mistakes = append(mistakes, mistakeAt(l.Config, "default_from %s: %w", text, err))
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
	case !l.IsPrivate() && slices.ContainsFunc(c.leaves, func(o *Leaf) bool { return o.IsPrivate() && same(o) }):
		return fmt.Errorf("it is private, and %s is not: make it private too, or name another path", l.Path)
	case !slices.ContainsFunc(c.leaves, same):
		return errors.New("it is not mapped, so that a provider's value for it is dropped: map it, or name another path")
	}
	return nil
}

// checkFields looks for fields that two leaves write.
func (c *compiler) checkFields() (mistakes []error) {
	writers := make(map[string]*Leaf)
	for _, l := range c.leaves {
		if !l.IsWritable() || l.Config.Custom != nil && l.Config.Custom.Composes {
			continue
		}
		for _, f := range l.Fields {
			key := strings.ToLower(f)
			if other := writers[key]; other != nil {
				mistakes = append(mistakes, mistakeAt(l.Config, "the field %s is written by %s already: make one of the two read_only", f, other.Config.Path))
				continue
			}
			writers[key] = l
		}
	}
	return mistakes
}

// CheckReferences refuses a reference to resources that are not among the served
// types: their ids are not known. The error is a [*MapError].
func (m *Mapping) CheckReferences(served []Type) error {
	for _, l := range m.Leaves {
		if l.IsReference() && !slices.ContainsFunc(served, func(t Type) bool { return l.MayReferTo(t.Name) }) {
			return &MapError{Path: l.Config.Path, Err: fmt.Errorf("no resources of the type %s are served, and their ids not known: configure them, or say what it refers to: reference <resource type>",
				strings.Join(l.RefersTo, " or "))}
		}
	}
	return nil
}

// checkRequired looks for what SCIM requires.
func (c *compiler) checkRequired() (mistakes []error) {
	for _, a := range c.full.Attributes() {
		isMapped := slices.ContainsFunc(c.leaves, func(l *Leaf) bool { return l.Path.Attribute == a })
		switch {
		case c.handled[a]:
		case a.Required && !isMapped:
			mistakes = append(mistakes, fmt.Errorf("%s is not mapped, and %s requires it of every %s: add map %s and the field that holds it", a, authority(a), c.full.Name, a))
		case isMapped:
			mistakes = append(mistakes, c.checkParts(a)...)
		}
	}
	return mistakes
}

// authority names who requires an attribute.
func authority(a *scim.Attribute) string {
	if scim.IsCoreSchema(a.Schema()) {
		return "SCIM"
	}
	return "its schema"
}

// checkParts looks for the required parts of a complex attribute that is mapped.
func (c *compiler) checkParts(a *scim.Attribute) (mistakes []error) {
	for _, s := range a.SubAttributes {
		isMapped := func(l *Leaf) bool {
			return l.Path.Attribute == a && (l.isWhole() || l.Path.Sub == s || slices.ContainsFunc(l.Terms, func(t scim.Field) bool { return t.Attribute == s }))
		}
		if s.Required && !slices.ContainsFunc(c.leaves, isMapped) {
			mistakes = append(mistakes, fmt.Errorf("%s is not mapped, and its schema requires it of every %s: add map %s and the field that holds it", s, a, s))
		}
	}
	return mistakes
}
