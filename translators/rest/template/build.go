package template

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// node is a part of a compiled template.
type node interface {
	build(b *builder) error
}

// builder is one building of a template.
type builder struct {
	out     []byte
	lookup  Lookup
	isPrint bool
	values  []resolved // by the reference's index
	few     [4]resolved
}

func (t *Template) builder(lookup Lookup, isPrint bool) *builder {
	b := &builder{lookup: lookup, isPrint: isPrint}
	if b.values = b.few[:]; len(t.refs) > len(b.few) {
		b.values = make([]resolved, len(t.refs))
	}
	return b
}

// resolved is the value of a reference, once it was looked for.
type resolved struct {
	isKnown, has bool
	mask         string
	value        gjson.Result
}

func (b *builder) all(nodes []node) error {
	for _, n := range nodes {
		if err := n.build(b); err != nil {
			return err
		}
	}
	return nil
}

// resolve looks for the value of a reference.
func (b *builder) resolve(r *reference) (*resolved, error) {
	v := &b.values[r.index]
	if v.isKnown {
		return v, nil
	}
	found, ok, err := b.lookup(r.name)
	if err != nil {
		return nil, fmt.Errorf("{%s}: %w", r.name, err)
	}
	v.isKnown = true
	switch {
	case ok && b.isPrint && found.Mask != "":
		v.has, v.mask = true, found.Mask
		return v, nil
	case !utf8.ValidString(found.JSON):
		return nil, &ValueError{r.name, errors.New("is not in UTF-8")}
	case ok && found.JSON != "" && !gjson.Valid(found.JSON):
		return nil, &ValueError{r.name, errors.New("is no JSON")}
	case ok && found.JSON != "":
		v.has, v.value = true, gjson.Parse(found.JSON)
	}
	if r.fallback != nil && (!v.has || v.value.Type == gjson.Null) {
		v.has, v.value = true, gjson.Parse(*r.fallback)
	}
	if !r.each {
		err = r.filter(v)
	}
	return v, err
}

// filter applies the filters to a value.
func (r *reference) filter(v *resolved) error {
	if !v.has || v.mask != "" || v.value.Type == gjson.Null {
		return nil
	}
	for _, f := range r.filters {
		var err error
		if v.value, err = f.apply(v.value); err != nil {
			return &ValueError{r.name, err}
		}
	}
	return nil
}

// isNull reports whether a value is one only where null can be written.
func (v *resolved) isNull() bool { return v.mask == "" && v.value.Type == gjson.Null }

// anyOf reports whether one of the references has a value.
func (b *builder) anyOf(refs []*reference) (bool, error) {
	for _, r := range refs {
		v, err := b.resolve(r)
		if err != nil {
			return false, err
		}
		if v.has && !v.isNull() {
			return true, nil
		}
	}
	return false, nil
}

// literal is a text that stands there as it is.
type literal string

func (l literal) build(b *builder) error {
	b.out = append(b.out, l...)
	return nil
}

// slot is where a value stands.
type slot struct {
	ref   *reference
	place place
}

func (s *slot) build(b *builder) error {
	v, err := b.resolve(s.ref)
	if err != nil {
		return err
	}
	switch {
	case !v.has || v.isNull() && s.place != placeJSON:
		if s.ref.optional {
			return nil
		}
		return &MissingError{s.ref.name}
	case v.mask != "":
		b.out = append(b.out, v.mask...)
		return nil
	}
	if b.out, err = s.place.encode(b.out, v.value); err != nil {
		return &ValueError{s.ref.name, err}
	}
	return nil
}

// group is a part that is left out when none of its optional references has a value,
// and repeated for each element of a list.
type group struct {
	key        []node // of a member of an object
	nodes      []node
	optional   []*reference
	allowsNull bool
	each       *reference
}

// isPlain reports whether the group is always there, once.
func (g *group) isPlain() bool { return g.optional == nil && g.each == nil }

func (g *group) build(b *builder) error {
	return g.times(b, func() error { return b.all(g.nodes) })
}

// times calls f as often as the group is there.
func (g *group) times(b *builder, f func() error) error {
	if g.optional != nil {
		isThere, err := g.isThere(b)
		if err != nil || !isThere {
			return err
		}
	}
	if g.each == nil {
		return f()
	}
	v, err := b.resolve(g.each)
	switch {
	case err != nil:
		return err
	case !v.has || v.isNull():
		if g.each.optional {
			return nil
		}
		return &MissingError{g.each.name}
	case v.mask != "":
		return f()
	}
	list := *v
	defer func() { *v = list }()
	elements := []gjson.Result{list.value}
	if list.value.IsArray() {
		elements = list.value.Array()
	}
	for _, e := range elements {
		*v = resolved{isKnown: true, has: true, value: e}
		if err := g.each.filter(v); err != nil {
			return err
		}
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// isThere reports whether one of the optional references has a value.
func (g *group) isThere(b *builder) (bool, error) {
	if g.allowsNull {
		v, err := b.resolve(g.optional[0])
		return err == nil && v.has, err
	}
	return b.anyOf(g.optional)
}

// list is a row of parts, some of which may be left out.
type list struct {
	open, separator, close string
	items                  []*group
	hidesEmpty             bool // nothing is written where no part is there
	hasNames               bool // a key is made of values
}

func (l *list) build(b *builder) error {
	start := len(b.out)
	b.out = append(b.out, l.open...)
	count := 0
	var keys map[string]bool
	if l.hasNames {
		keys = make(map[string]bool, len(l.items))
	}
	for _, item := range l.items {
		err := item.times(b, func() error {
			if count > 0 {
				b.out = append(b.out, l.separator...)
			}
			count++
			keyStart := len(b.out)
			if err := b.all(item.key); err != nil {
				return err
			}
			if l.hasNames {
				key := gjson.Parse(string(b.out[keyStart:])).Str
				if keys[key] {
					return errors.New("two members of an object would have one name")
				}
				keys[key] = true
			}
			return b.all(item.nodes)
		})
		if err != nil {
			return err
		}
	}
	if count == 0 && l.hidesEmpty {
		b.out = b.out[:start]
		return nil
	}
	b.out = append(b.out, l.close...)
	return nil
}

// sequence collects nodes, and makes one of texts that follow each other.
type sequence struct {
	done    []node
	pending []byte // the text at the end
}

func (s *sequence) text(text string) { s.pending = append(s.pending, text...) }

func (s *sequence) add(nodes ...node) {
	for _, n := range nodes {
		if l, ok := n.(literal); ok {
			s.text(string(l))
			continue
		}
		s.done = append(s.nodes(), n)
	}
}

// nodes are those that were collected.
func (s *sequence) nodes() []node {
	if len(s.pending) > 0 {
		s.done = append(s.done, literal(s.pending))
		s.pending = nil
	}
	return s.done
}
