package scim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// term = name (selected / comparison)
func (p *parser) term() (Filter, error) {
	name := p.token
	target, err := p.target(name)
	if err != nil {
		return nil, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.token.kind == tokenLeft {
		return p.selected(name, target)
	}
	return p.comparison(name, target)
}

// target finds the attribute that a token names.
func (p *parser) target(name token) (Target, error) {
	if p.elements != nil {
		if sub := p.elements.Sub(name.text); sub != nil {
			return Target{p.elements, sub}, p.checkSearchable(name, sub)
		}
		if p.elements.isSimpleList() && strings.EqualFold(name.text, "value") {
			return Target{Attribute: p.elements}, p.checkSearchable(name, p.elements)
		}
		return p.lacking(p.elements, p.unknown(name, subName(p.elements, name.text)))
	}
	target, found := resolve(p.t, name.text)
	if !found {
		return p.lacking(absentAttribute, p.unknown(name, name.text))
	}
	return target, p.checkSearchable(name, target.Leaf())
}

// subName is how a sub-attribute of a is named in an error.
func subName(a *Attribute, name string) string {
	if a == absentAttribute {
		return name
	}
	return a.String() + "." + name
}

// lacking is a target below a that the type does not have: an error, unless the
// filter is one over several types, where it has no value.
func (p *parser) lacking(a *Attribute, err *Error) (Target, error) {
	if p.lacks == nil || !isUnknownAttribute(err) {
		return Target{}, err
	}
	unknown, _ := errors.AsType[*UnknownAttributeError](err)
	p.lacks[unknown.Position] = err
	return Target{a, absentSub}, nil
}

func (p *parser) checkSearchable(name token, a *Attribute) error {
	if a.Mutability == WriteOnly && (p.noun == "filter" || p.elements != nil) {
		return p.fail(name.start, fmt.Sprintf("the attribute %s can only be written, it cannot be searched", a))
	}
	return nil
}

func (p *parser) unknown(name token, full string) *Error {
	if !isAttributeName(name.text) {
		return p.fail(name.start, fmt.Sprintf("expected an attribute, found %s", name))
	}
	if s := p.t.SchemaByURN(name.text); s != nil {
		return p.fail(name.start, fmt.Sprintf("%s is a schema, not an attribute: name one behind it and a colon", s.ID))
	}
	err := p.fail(name.start, fmt.Sprintf("the attribute %s is not mapped by this gateway", shorten(full)))
	err.Err = &UnknownAttributeError{Name: full, Position: p.column(name.start)}
	return err
}

// selector = "[" or "]", the elements of a multi-valued attribute. Those of a
// simple one have their value alone to be selected by (RFC 7643 §2.4).
func (p *parser) selector(name token, target Target) (Filter, error) {
	a := target.Attribute
	switch {
	case p.elements != nil:
		return nil, p.fail(p.token.start, "a selector cannot stand within another one")
	case a == absentAttribute:
	case target.Sub != nil:
		return nil, p.fail(p.token.start, fmt.Sprintf("a selector stands behind an attribute, not behind the sub-attribute %s", target))
	case !a.MultiValued:
		return nil, p.fail(p.token.start, fmt.Sprintf("%s has no elements to select: only multi-valued attributes have", a))
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	outside := p.kind
	p.elements, p.kind = a, InvalidFilter
	f, err := p.enclosed(tokenRight, "]")
	p.elements, p.kind = nil, outside
	if err == nil && a.isSimpleList() && !namesValues(f) {
		return nil, p.fail(name.start, fmt.Sprintf(`the values of %s are simple: they are selected by value eq "…", or by several of these joined by or`, a))
	}
	return f, err
}

// namesValues reports whether the selector of a list of simple values is a
// comparison with eq, or several of these joined by or. It is then the filter
// for the attribute itself as well.
func namesValues(selector Filter) bool {
	switch f := selector.(type) {
	case Or:
		return !slices.ContainsFunc(f.Terms, func(t Filter) bool { return !namesValues(t) })
	case Compare:
		return f.Operator == Equal && f.Target.Sub == nil && !f.Value.IsAbsent()
	}
	return false
}

// selected = name selector ["." sub-attribute] [comparison]
func (p *parser) selected(name token, target Target) (Filter, error) {
	selector, err := p.selector(name, target)
	if err != nil {
		return nil, err
	}
	a := target.Attribute
	if a.isSimpleList() {
		return selector, nil
	}
	all := token{tokenWord, p.text[name.start:p.token.start], name.start, p.token.start}
	all.text = strings.TrimSpace(all.text)
	if p.token.kind == tokenWord && p.token.text[0] == '.' {
		if target.Sub, err = p.trailing(a); err != nil {
			return nil, err
		}
		if err := p.checkSearchable(all, target.Sub); err != nil {
			return nil, err
		}
		all.text += "." + target.Sub.Name
	} else if operatorOf(p.token) == "" {
		return Elements{a, selector}, nil
	}
	f, err := p.comparison(all, target)
	if err != nil {
		return nil, err
	}
	return within(a, selector, f), nil
}

// trailing = "." sub-attribute, behind a selector
func (p *parser) trailing(a *Attribute) (*Attribute, error) {
	name := p.token.text[1:]
	sub := a.Sub(name)
	if sub == nil {
		if name == "" {
			return nil, p.expected("a sub-attribute behind the dot")
		}
		target, err := p.lacking(a, p.unknown(token{tokenWord, name, p.token.start + 1, p.token.end}, subName(a, name)))
		if err != nil {
			return nil, err
		}
		sub = target.Sub
	}
	return sub, p.advance()
}

// within returns the filter that an element satisfies both the selector and f,
// which is a Compare or a Present on the attribute or one of its
// sub-attributes.
func within(a *Attribute, selector, f Filter) Filter {
	both := func(f Filter) Filter {
		return Elements{a, And{appendTerms[And](appendTerms[And](nil, selector), f)}}
	}
	switch f := f.(type) {
	case Present:
		if f.Target.Sub == nil {
			return Elements{a, selector}
		}
	case Compare:
		if !f.Value.IsAbsent() {
			break
		}
		// Of null is asked whether there is such a value at all.
		some := Filter(Elements{a, selector})
		if f.Target.Sub != nil {
			some = both(Compare{f.Target, NotEqual, Value{}})
		}
		if f.Operator == Equal {
			return Not{some}
		}
		return some
	}
	return both(f)
}

// comparison = "pr" / operator value
func (p *parser) comparison(name token, target Target) (Filter, error) {
	op := operatorOf(p.token)
	if op == "" {
		return nil, p.expected("an operator after " + shortenName(name.text))
	}
	if p.terms == p.limits.Terms {
		return nil, p.fail(name.start, fmt.Sprintf("more than %d comparisons, the limit", p.limits.Terms))
	}
	p.terms++
	operator := p.token
	if err := p.advance(); err != nil {
		return nil, err
	}
	if op == opPresent {
		return Present{target}, nil
	}
	literal := p.token
	v, err := p.value(op)
	if err != nil {
		return nil, err
	}
	return p.compare(name, target, operator, op, literal, v)
}

// opPresent is the operator that has no value; it makes a [Present].
const opPresent Operator = "pr"

var operators = [...]Operator{Equal, opPresent, NotEqual, Contains, StartsWith, EndsWith,
	GreaterThan, GreaterOrEqual, LessThan, LessOrEqual}

// operatorOf returns the operator that a token is, or "".
func operatorOf(t token) Operator {
	for _, op := range operators {
		if t.is(string(op)) {
			return op
		}
	}
	return ""
}

// value reads the literal behind an operator; an absent one was null. Without
// quotes it is a text whose attribute says what it means.
func (p *parser) value(op Operator) (Value, error) {
	literal := p.token
	if literal.kind != tokenString && literal.kind != tokenWord {
		return Value{}, p.expected("a value after " + string(op))
	}
	if first, _ := utf8.DecodeRuneInString(literal.text); literal.kind == tokenWord && strings.ContainsRune("'`‘’“”„", first) {
		// Taken as a part of the value it would quietly match nobody.
		return Value{}, p.fail(literal.start, `a string stands in straight double quotes, found `+literal.String())
	}
	if err := p.advance(); err != nil {
		return Value{}, err
	}
	if literal.is("null") {
		return Value{}, nil
	}
	return String(literal.text), nil
}

// compare checks that the operator and the value suit the target.
func (p *parser) compare(name token, target Target, operator token, op Operator, literal token, v Value) (Filter, error) {
	if v.IsAbsent() {
		if op != Equal && op != NotEqual {
			return nil, p.fail(literal.start, fmt.Sprintf("null has no order and no parts: %s cannot be used with it", op))
		}
		return Compare{target, op, Value{}}, nil
	}
	if target.Leaf().IsComplex() {
		sub := target.Attribute.Sub("value")
		if sub == nil {
			return nil, p.fail(name.start, fmt.Sprintf("%s is complex: compare one of its sub-attributes%s",
				target.Attribute, listSubs(target.Attribute)))
		}
		target.Sub = sub
	}
	leaf := target.Leaf()
	if !suits(op, leaf.Type) {
		return nil, p.fail(operator.start, fmt.Sprintf("%s cannot be used with %s, whose type is %s", op, leaf, leaf.Type))
	}
	if op == Contains || op == StartsWith || op == EndsWith {
		return Compare{target, op, v}, nil
	}
	c, expected := coerce(leaf, v)
	if expected != "" {
		return nil, p.fail(literal.start, fmt.Sprintf("%s is compared with %s, found %s", leaf, expected, literal))
	}
	return Compare{target, op, c}, nil
}

// suits reports whether values of that type can be compared so (RFC 7644
// §3.4.2.2, Table 3).
func suits(op Operator, t Type) bool {
	switch op {
	case Contains, StartsWith, EndsWith:
		return t != TypeBoolean && t != TypeInteger && t != TypeDecimal
	case GreaterThan, GreaterOrEqual, LessThan, LessOrEqual:
		return t != TypeBoolean && t != TypeBinary
	}
	return true
}

func listSubs(a *Attribute) string {
	var b strings.Builder
	for i, s := range a.SubAttributes {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(s.String())
	}
	return b.String()
}

// shortenName cuts a name for an error; there it stands without quotes.
func shortenName(s string) string {
	if len(s) <= 80 {
		return s
	}
	return strings.ToValidUTF8(s[:80], "") + "…"
}
