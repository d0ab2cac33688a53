package scim

import (
	"fmt"
	"strings"
)

// String writes the terms with and between them.
func (f And) String() string { return filterString(f, false) }

// String writes the terms with or between them.
func (f Or) String() string { return filterString(f, false) }

// String writes not and the term in parentheses.
func (f Not) String() string { return filterString(f, false) }

// String writes the comparison: userName eq "ada".
func (f Compare) String() string { return filterString(f, false) }

// String writes the target and pr.
func (f Present) String() string { return filterString(f, false) }

// String writes the attribute with the filter in brackets.
func (f Elements) String() string { return filterString(f, false) }

func filterString(f Filter, isSelector bool) string {
	var b strings.Builder
	writeFilter(&b, f, isSelector)
	return b.String()
}

// selectorString writes a filter as it stands in brackets, with the names of
// sub-attributes alone.
func selectorString(f Filter) string { return filterString(f, true) }

func writeFilter(b *strings.Builder, f Filter, isSelector bool) {
	switch f := f.(type) {
	case And:
		writeTerms(b, f.Terms, " and ", isSelector)
	case Or:
		writeTerms(b, f.Terms, " or ", isSelector)
	case Not:
		b.WriteString("not (")
		writeFilter(b, f.Term, isSelector)
		b.WriteByte(')')
	case Compare:
		writeTarget(b, f.Target, isSelector)
		b.WriteByte(' ')
		b.WriteString(string(f.Operator))
		b.WriteByte(' ')
		writeLiteral(b, f.Value)
	case Present:
		writeTarget(b, f.Target, isSelector)
		b.WriteString(" pr")
	case Elements:
		b.WriteString(f.Attribute.String())
		b.WriteByte('[')
		writeFilter(b, f.Filter, true)
		b.WriteByte(']')
	default:
		panic(fmt.Sprintf("scim: no such filter: %T", f))
	}
}

// writeTerms puts those terms in parentheses that the operator between them
// would tear apart.
func writeTerms(b *strings.Builder, terms []Filter, operator string, isSelector bool) {
	for i, t := range terms {
		if i > 0 {
			b.WriteString(operator)
		}
		_, isAnd := t.(And)
		_, isOr := t.(Or)
		if isOr || isAnd && operator == " and " {
			b.WriteByte('(')
			writeFilter(b, t, isSelector)
			b.WriteByte(')')
		} else {
			writeFilter(b, t, isSelector)
		}
	}
}

func writeTarget(b *strings.Builder, t Target, isSelector bool) {
	if isSelector && t.Sub == nil && t.Attribute.isSimpleList() {
		b.WriteString("value")
	} else if isSelector {
		b.WriteString(t.Leaf().Name)
	} else {
		b.WriteString(t.String())
	}
}

func writeLiteral(b *strings.Builder, v Value) {
	switch v.kind {
	case KindString:
		writeQuoted(b, v.text)
	case KindNumber:
		b.WriteString(v.text)
	case KindBool:
		if v.flag {
			b.WriteString("true")
		} else {
			b.WriteString("false")
		}
	default:
		b.WriteString("null")
	}
}

// writeQuoted writes a JSON string on one line; what is not UTF-8 becomes U+FFFD.
func writeQuoted(b *strings.Builder, s string) {
	const hex = "0123456789abcdef"
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteByte(byte(r))
		case r < ' ' || r == 0x7f:
			b.WriteString(`\u00`)
			b.WriteByte(hex[r>>4])
			b.WriteByte(hex[r&0xf])
		case r == '\u0085' || r == '\u2028' || r == '\u2029': // line ends to some readers of logs
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}
