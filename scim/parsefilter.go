package scim

import (
	"fmt"
	"unicode/utf8"
)

// FilterLimits bound what a filter may cost. A field that is 0 has the value of
// [DefaultFilterLimits]; a negative one means no limit.
type FilterLimits struct {
	Length int // of the text, in bytes
	Depth  int // of parentheses, brackets and not in each other; never more than 1,000
	Terms  int // comparisons, pr included
}

// DefaultFilterLimits are far beyond what providers send (one comparison, at
// most two or three) and what people write by hand.
var DefaultFilterLimits = FilterLimits{Length: 8 << 10, Depth: 32, Terms: 200}

func (l FilterLimits) withDefaults() FilterLimits {
	fill := func(n *int, standard int) {
		switch {
		case *n == 0:
			*n = standard
		case *n < 0:
			*n = unlimited
		}
	}
	fill(&l.Length, DefaultFilterLimits.Length)
	fill(&l.Depth, DefaultFilterLimits.Depth)
	l.Depth = min(l.Depth, 1_000) // it is walked down recursively
	fill(&l.Terms, DefaultFilterLimits.Terms)
	return l
}

// ParseFilter reads a filter (RFC 7644 §3.4.2.2) on resources of type t. not
// binds before and, and before or; attributes, operators and keywords are
// without case. Beyond the grammar of the RFC it takes what clients send:
//
//   - literals without quotes: externalId eq jyoung;
//   - a selector followed by a sub-attribute: emails[type eq "work"].value eq
//     "x" asks for both within one element;
//   - not without parentheses;
//   - a complex attribute alone where it has the sub-attribute value: emails co
//     "x", manager eq "id". With pr, eq null and ne null it means all of it.
//
// Values become of their attribute's type ([Coerce]); co, sw and ew take any
// text. An error is a 400 invalidFilter that names the position. An attribute
// that t does not have is an [UnknownAttributeError] within it. A write-only
// attribute is refused: to search for parts of a password is to guess it.
func ParseFilter(t *ResourceType, text string, limits FilterLimits) (Filter, error) {
	p := parser{
		lexer:  lexer{text: text, noun: "filter", kind: InvalidFilter},
		t:      t,
		limits: limits.withDefaults(),
	}
	return p.filter()
}

// filter = or, and nothing behind it
func (p *parser) filter() (Filter, error) {
	if err := p.start(); err != nil {
		return nil, err
	}
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.token.kind != tokenEnd {
		return nil, p.expected("and, or or the end")
	}
	return f, nil
}

// parser reads filters and paths by recursive descent: a method for each rule of
// the grammar. It looks at one token at a time, so that its time is linear in
// the text, and its recursion is bounded by the limit on depth.
type parser struct {
	lexer
	t      *ResourceType
	limits FilterLimits
	token  token // the one to be looked at

	elements *Attribute // whose brackets we are in, or nil
	// lacks collects what the type does not have, by its column; nil: that is an
	// error.
	lacks map[int]*Error
	depth int
	terms int
}

// start checks the text as a whole and reads its first token.
func (p *parser) start() error {
	if len(p.text) > p.limits.Length {
		return Invalid(p.kind, "%s: longer than %d bytes, the limit", p.noun, p.limits.Length)
	}
	for at := 0; at < len(p.text); {
		r, size := utf8.DecodeRuneInString(p.text[at:])
		if r == utf8.RuneError && size == 1 {
			return p.fail(at, "this is not UTF-8")
		}
		at += size
	}
	return p.advance()
}

func (p *parser) advance() (err error) {
	p.token, err = p.next()
	return err
}

// expected returns the error that something else stands at the present token.
func (p *parser) expected(what string) *Error {
	return p.fail(p.token.start, fmt.Sprintf("expected %s, found %s", what, p.token))
}

// enter goes one level down; leave comes back.
func (p *parser) enter() error {
	if p.depth == p.limits.Depth {
		return p.fail(p.token.start, fmt.Sprintf("nested deeper than %d levels, the limit", p.limits.Depth))
	}
	p.depth++
	return nil
}

func (p *parser) leave() { p.depth-- }

// or = and *("or" and)
func (p *parser) or() (Filter, error) {
	first, err := p.and()
	if err != nil || !p.token.is("or") {
		return first, err
	}
	terms := appendTerms[Or](nil, first)
	for p.token.is("or") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		f, err := p.and()
		if err != nil {
			return nil, err
		}
		terms = appendTerms[Or](terms, f)
	}
	return Or{terms}, nil
}

// and = unary *("and" unary)
func (p *parser) and() (Filter, error) {
	first, err := p.unary()
	if err != nil || !p.token.is("and") {
		return first, err
	}
	terms := appendTerms[And](nil, first)
	for p.token.is("and") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		f, err := p.unary()
		if err != nil {
			return nil, err
		}
		terms = appendTerms[And](terms, f)
	}
	return And{terms}, nil
}

// appendTerms appends f, or its terms when it is itself a T: grouping what
// would belong together anyway leaves no trace.
func appendTerms[T interface {
	Filter
	terms() []Filter
}](terms []Filter, f Filter) []Filter {
	if same, is := f.(T); is {
		return append(terms, same.terms()...)
	}
	return append(terms, f)
}

func (f And) terms() []Filter { return f.Terms }
func (f Or) terms() []Filter  { return f.Terms }

// unary = "not" unary / "(" or ")" / term
func (p *parser) unary() (Filter, error) {
	switch {
	case p.token.is("not"):
		return p.not()
	case p.token.kind == tokenOpen:
		return p.group()
	case p.token.kind == tokenWord:
		return p.term()
	}
	return nil, p.expected("an attribute, not or (")
}

func (p *parser) not() (Filter, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if err := p.advance(); err != nil {
		return nil, err
	}
	var f Filter
	var err error
	if p.token.kind == tokenOpen {
		f, err = p.enclosed(tokenClose, ")")
	} else {
		f, err = p.unary()
	}
	if err != nil {
		return nil, err
	}
	return Not{f}, nil
}

func (p *parser) group() (Filter, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.enclosed(tokenClose, ")")
}

// enclosed reads from the present bracket to the one that closes it.
func (p *parser) enclosed(closing tokenKind, name string) (Filter, error) {
	opened := p.token.start
	if err := p.advance(); err != nil {
		return nil, err
	}
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.token.kind != closing {
		return nil, p.expected(fmt.Sprintf("and, or or the %s that closes position %d", name, p.column(opened)))
	}
	return f, p.advance()
}
