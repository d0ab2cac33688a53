package ldap

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// bounds hold a SCIM filter between two LDAP filters: every entry whose resource
// satisfies it satisfies may, and of every entry that satisfies must the
// resource satisfies it. Where both are the same the directory alone decides.
//
// The two are needed because of not: the negation of a filter that finds too
// much finds too little. And they differ easily. To a directory "A  B" and "a b"
// are one value, to SCIM they are not, and of several values of an attribute
// SCIM may see but the first.
type bounds struct{ may, must clause }

func exactly(a clause) bounds   { return bounds{a, a} }
func atMostIn(a clause) bounds  { return bounds{a, nothing} }
func (b bounds) isExact() bool  { return b.may == b.must }
func (b bounds) not() bounds    { return bounds{noneOf(b.must), noneOf(b.may)} }
func both(bs []bounds) bounds   { return merge(bs, allOf) }
func either(bs []bounds) bounds { return merge(bs, oneOf) }
func constant(holds bool) bounds {
	return map[bool]bounds{true: exactly(everything), false: exactly(nothing)}[holds]
}

// unknown is what LDAP can say nothing about.
var unknown = bounds{everything, nothing}

func merge(bs []bounds, by func(...clause) clause) bounds {
	may, must := make([]clause, len(bs)), make([]clause, len(bs))
	for i, b := range bs {
		may[i], must[i] = b.may, b.must
	}
	return bounds{by(may...), by(must...)}
}

// filterCompiler turns the filters of one search into bounds.
type filterCompiler struct {
	kind    *kind
	profile *profile
	rules   *rules
	named   // what the filter names by id
	// undefined are assertions that the directory can't evaluate and that must
	// not be used: such a one is neither true nor false of any entry, and neither
	// is its negation (RFC 4511 §4.5.1.7).
	undefined []clause
	// used are the assertions that the result is built of, each once.
	used []clause
}

// bounds returns the bounds of a filter.
func (c *filterCompiler) bounds(f scim.Filter) bounds {
	switch f := f.(type) {
	case scim.And:
		return both(c.each(f.Terms))
	case scim.Or:
		return either(c.each(f.Terms))
	case scim.Not:
		return c.bounds(f.Term).not()
	case scim.Elements:
		if id, ok := elementID(f); ok && c.isReferences(f.Attribute) {
			return c.reference(f.Attribute, id)
		}
		return c.elements(f.Attribute, f.Filter)
	case scim.Present:
		return c.present(f)
	case scim.Compare:
		return c.compare(f)
	}
	return unknown
}

func (c *filterCompiler) each(terms []scim.Filter) []bounds {
	bs := make([]bounds, len(terms))
	for i, t := range terms {
		bs[i] = c.bounds(t)
	}
	return bs
}

// use notes a clause, and replaces it where the directory can't evaluate it.
func (c *filterCompiler) use(a clause, b bounds) bounds {
	if a == everything || a == nothing {
		return b
	}
	if slices.Contains(c.undefined, a) {
		return unknown
	}
	if !slices.Contains(c.used, a) {
		c.used = append(c.used, a)
	}
	return b
}

func (c *filterCompiler) exactly(a clause) bounds  { return c.use(a, exactly(a)) }
func (c *filterCompiler) atMostIn(a clause) bounds { return c.use(a, atMostIn(a)) }

// compare returns the bounds of a comparison.
func (c *filterCompiler) compare(f scim.Compare) bounds {
	switch a := f.Target.Attribute; {
	case f.Value.IsAbsent():
		// No value that is read is empty: to have one is to be present.
		b := c.present(scim.Present{Target: f.Target})
		if f.Operator == scim.Equal {
			return b.not()
		}
		return b
	case a == scim.AttributeID:
		return c.id(f)
	case a == scim.AttributeMeta:
		return c.meta(f)
	case a == scim.AttributeSchemas:
		return unknown
	case c.kind.active != nil && a == c.kind.active:
		isLocked := f.Value.IsTrue() == (f.Operator == scim.NotEqual)
		return c.locked(isLocked)
	case c.isReferences(a):
		if f.Operator == scim.Equal && f.Target.Sub != nil && f.Target.Sub.Name == "value" {
			return c.reference(a, f.Value.Text())
		}
		if f.Operator == scim.NotEqual {
			return unknown
		}
		return c.atMostIn(present(c.referencesField(a)))
	case f.Operator == scim.NotEqual:
		return unknown // also true where there is no value at all
	}
	return c.elements(f.Target.Attribute, f)
}

// id returns the bounds of a comparison with an id, which is exact.
func (c *filterCompiler) id(f scim.Compare) bounds {
	if f.Operator != scim.Equal && f.Operator != scim.NotEqual {
		return unknown
	}
	b := exactly(nothing)
	if value, ok := c.profile.assertID(f.Value.Text()); ok {
		if b = c.exactly(equals(c.profile.id, value)); c.profile.foldsIDs {
			b = c.atMostIn(equals(c.profile.id, value))
		}
	}
	if f.Operator == scim.NotEqual {
		return b.not()
	}
	return b
}

// meta returns the bounds of a comparison with a part of meta. Times can be left
// to the directory, whose operational times have an order.
func (c *filterCompiler) meta(f scim.Compare) bounds {
	field := ""
	switch f.Target.Leaf().Name {
	case "resourceType":
		return constant(scim.Match(f, scim.NewResource(c.kind.served.ResourceType)))
	case "created":
		field = c.profile.created
	case "lastModified":
		field = c.profile.modified
	}
	t, err := scim.ParseDateTime(f.Value.Text())
	if field == "" || err != nil {
		return unknown
	}
	value := generalizedText(t)
	switch f.Operator {
	case scim.Equal:
		return c.exactly(equals(field, value))
	case scim.GreaterOrEqual:
		return c.exactly(atLeast(field, value))
	case scim.LessOrEqual:
		return c.exactly(atMost(field, value))
	case scim.GreaterThan:
		return c.atMostIn(atLeast(field, value))
	case scim.LessThan:
		return c.atMostIn(atMost(field, value))
	}
	return unknown
}

// generalizedText writes a time for a clause (RFC 4517 §3.3.13).
func generalizedText(t time.Time) string { return t.UTC().Format("20060102150405.999999999") + "Z" }

// locked returns the bounds of being disabled, or of not being.
func (c *filterCompiler) locked(isLocked bool) bounds {
	if policy, ok := c.kind.locks[0].(directoryLock); ok && len(c.kind.locks) == 1 {
		b := c.exactly(clause(policy.filter(true)))
		if !isLocked {
			return b.not()
		}
		return b
	}
	if !isLocked {
		return unknown
	}
	// Of other locks LDAP can say whether their value is among an attribute's.
	var all []bounds
	for _, l := range c.kind.locks {
		if text := l.filter(true); text != "" {
			all = append(all, c.atMostIn(clause(text)))
		}
	}
	return both(all)
}

// isReferences reports whether the attribute is a set of resources that this
// translator serves without a leaf: the members of a group, a user's groups.
func (c *filterCompiler) isReferences(a *scim.Attribute) bool {
	return a != nil && (a == c.kind.members || a == c.kind.groups)
}

func (c *filterCompiler) referencesField(a *scim.Attribute) string {
	if a == c.kind.members {
		return c.kind.memberField
	}
	return c.kind.groupsField
}

// reference returns the bounds of having the resource of that id as member or
// group.
func (c *filterCompiler) reference(a *scim.Attribute, id string) bounds {
	value, ok := c.values[id]
	if !ok {
		return exactly(nothing)
	}
	return c.exactly(equals(c.referencesField(a), value))
}

// present returns the bounds of having a value.
func (c *filterCompiler) present(f scim.Present) bounds {
	switch a := f.Target.Attribute; {
	case a == scim.AttributeID, a == scim.AttributeSchemas, c.kind.active != nil && a == c.kind.active:
		return exactly(everything)
	case a == scim.AttributeMeta:
		return unknown
	case c.isReferences(a):
		return c.atMostIn(present(c.referencesField(a)))
	}
	return c.elements(f.Target.Attribute, f)
}

// elements returns the bounds of one value of the attribute satisfying f, whose
// targets are the attribute or parts of it.
func (c *filterCompiler) elements(a *scim.Attribute, f scim.Filter) bounds {
	if c.isReferences(a) {
		return c.atMostIn(present(c.referencesField(a)))
	}
	sorts := c.kind.elementsOf(a)
	if len(sorts) == 0 {
		return unknown
	}
	var all []bounds
	for _, e := range sorts {
		b := c.element(e, f)
		if a.MultiValued { // there are no elements without a value
			there := c.elementIsThere(e)
			if b.may == everything {
				b.may = there.may
			}
			b.must = allOf(b.must, there.must)
		}
		if len(e.fielded) != 1 || len(e.fielded[0].Fields) != 1 {
			b.must = nothing
		}
		all = append(all, b)
	}
	return either(all)
}

// element returns the bounds of an element of that sort satisfying f.
func (c *filterCompiler) element(e element, f scim.Filter) bounds {
	switch f := f.(type) {
	case scim.And:
		return both(c.eachIn(e, f.Terms))
	case scim.Or:
		return either(c.eachIn(e, f.Terms))
	case scim.Not:
		return c.element(e, f.Term).not()
	case scim.Present:
		if f.Target.Sub == nil && f.Target.Attribute.IsComplex() {
			return c.elementIsThere(e)
		}
		return c.leaf(e, f.Target, f, func(l *translators.Leaf) bounds { return c.leafIsThere(l) })
	case scim.Compare:
		return c.leaf(e, f.Target, f, func(l *translators.Leaf) bounds { return c.compareLeaf(l, f) })
	}
	return unknown
}

func (c *filterCompiler) eachIn(e element, terms []scim.Filter) []bounds {
	bs := make([]bounds, len(terms))
	for i, t := range terms {
		bs[i] = c.element(e, t)
	}
	return bs
}

// leaf returns the bounds of f, which looks at target alone: those of the leaf
// that gives it its value; what is constant in such an element is decided here.
func (c *filterCompiler) leaf(e element, target scim.Target, f scim.Filter, of func(*translators.Leaf) bounds) bounds {
	if whole := e.whole(); whole != nil {
		return bounds{c.leafIsThere(whole).may, nothing}
	}
	for _, l := range e.fielded {
		if l.Path.Sub == target.Sub {
			return of(l)
		}
	}
	if target.Sub == nil {
		return unknown // a constant simple attribute
	}
	return constant(scim.MatchValue(f, scim.Complex(e.fixed...)))
}

// elementIsThere returns the bounds of such an element existing.
func (c *filterCompiler) elementIsThere(e element) bounds {
	if len(e.fielded) == 0 {
		return exactly(everything)
	}
	var all []bounds
	for _, l := range e.fielded {
		all = append(all, c.leafIsThere(l))
	}
	return either(all)
}

// leafIsThere returns the bounds of a leaf having a value. One of its fields has;
// whether it can be read is another inquiry where there is a codec.
func (c *filterCompiler) leafIsThere(l *translators.Leaf) bounds {
	if !l.IsReadable() {
		return exactly(nothing)
	}
	var all []bounds
	for _, field := range l.Fields {
		if l.Config.Codec == translators.CodecText && l.Codec.IsText() {
			all = append(all, c.exactly(present(field)))
		} else {
			all = append(all, c.atMostIn(present(field)))
		}
	}
	return either(all)
}

// compareLeaf returns the bounds of a comparison with a leaf's value. They are
// exact for nothing: a directory compares more loosely than SCIM.
func (c *filterCompiler) compareLeaf(l *translators.Leaf, f scim.Compare) bounds {
	isThere := bounds{c.leafIsThere(l).may, nothing}
	switch {
	case !l.IsReadable():
		return isThere
	case f.Value.IsAbsent():
		if f.Operator == scim.Equal {
			return isThere.not()
		}
		return isThere
	case f.Operator == scim.NotEqual, l.Path.Sub != nil && l.Path.Sub.Name == "primary":
		return unknown // also true where there is no value
	}
	var all []bounds
	for _, field := range l.Fields {
		a, ok := c.assert(l, field, f)
		if !ok {
			return isThere
		}
		all = append(all, c.atMostIn(a))
	}
	return either(all)
}

// hasCase reports whether there are letters in a text that have another case.
func hasCase(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.SimpleFold(r) != r })
}

// assert returns the clause about a field that every entry satisfies whose
// leaf has a value standing in that relation to the filter's; ok is false when
// there is none.
func (c *filterCompiler) assert(l *translators.Leaf, field string, f scim.Compare) (a clause, ok bool) {
	if l.IsReference() {
		if f.Operator != scim.Equal {
			return "", false
		}
		name, exists := c.names[f.Value.Text()]
		if !exists {
			return nothing, true
		}
		return equals(field, name), true
	}
	isText := l.Codec.IsText()
	if isFolding(l) && hasCase(f.Value.Text()) && c.rules.isExact(field) {
		return "", false // the directory would find too little
	}
	if f.Operator == scim.Equal {
		switch {
		case isText, l.Config.Codec == translators.CodecTimestamp, l.Path.Leaf().Type == scim.TypeBoolean:
		default:
			return "", false // several texts mean the same value
		}
		text, err := l.Codec.Encode(f.Value)
		if err != nil || text == "" {
			return "", false
		}
		return equals(field, text), true
	}
	// A directory knows nothing of spaces at the ends of a part.
	part := strings.Trim(f.Value.Text(), " ")
	if !isText || part == "" || strings.ContainsRune(part, 0) {
		return "", false
	}
	switch f.Operator {
	case scim.Contains:
		return contains(field, part, false, false), true
	case scim.StartsWith:
		return contains(field, part, true, false), true
	case scim.EndsWith:
		return contains(field, part, false, true), true
	}
	return "", false // the order of texts is another one in each directory
}
