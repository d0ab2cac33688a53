package scim

import (
	"strconv"
	"strings"
)

// String writes the operation as a text of several lines for people: in
// explanations, in the dialogues under testdata and in failing tests. The first
// line says what is done to which resource, the indented ones below how:
//
//	update User 2819c223
//	  replace active false
//	  replace emails[type eq "work"].value "ada@example.com"
//	  members add f648f8d5, 271
//	  ignored foo.bar
//
// A line that begins with set gives an attribute of a resource to be created.
// Values that are never returned, such as a password, are written as ********,
// those of private attributes as {private}.
func (op *Operation) String() string {
	var b strings.Builder
	b.WriteString(string(op.Action))
	if op.Type != nil {
		b.WriteString(" " + op.Type.Name)
	}
	if op.ID != "" {
		b.WriteString(" " + plainOrQuoted(op.ID))
	}
	if op.IsMe {
		b.WriteString(" me")
	}
	if op.IsPut {
		b.WriteString(" (put)")
	}
	line := func(words ...string) {
		b.WriteString("\n  " + strings.Join(words, " "))
	}
	if op.Condition.Match != nil {
		line("if match", joined(op.Condition.Match, plainOrQuoted))
	}
	if op.Condition.NoneMatch != nil {
		line("if none match", joined(op.Condition.NoneMatch, plainOrQuoted))
	}
	if op.Resource != nil {
		for _, f := range op.Resource.Fields() {
			line("set", f.Attribute.String(), valueText(f.Attribute, f.Value))
		}
	}
	for _, c := range op.Changes {
		if c.Value.IsAbsent() {
			line(string(c.Op), c.Path.discreet().String())
		} else {
			line(string(c.Op), c.Path.discreet().String(), valueText(c.Path.Leaf(), c.Value))
		}
	}
	if m := op.Members; m != nil {
		switch {
		case m.ReplaceAll && len(m.Add) == 0:
			line("members clear")
		case m.ReplaceAll:
			line("members replace", joined(m.Add, plainOrQuoted))
		case len(m.Add) > 0:
			line("members add", joined(m.Add, plainOrQuoted))
		}
		if len(m.Remove) > 0 && !m.ReplaceAll {
			line("members remove", joined(m.Remove, plainOrQuoted))
		}
	}
	if q := op.Query; q != nil {
		if q.Filter != nil {
			line("filter", discreet(q.Filter).String())
		}
		if q.StartIndex > 1 {
			line("startIndex", strconv.Itoa(q.StartIndex))
		}
		if q.Count != NoCount {
			line("count", strconv.Itoa(q.Count))
		}
		if q.Sort != nil {
			line("sort by", q.Sort.String())
		}
		if q.Cursor != nil {
			line("cursor", plainOrQuoted(*q.Cursor))
		}
	}
	if op.Bulk != nil {
		if op.Bulk.FailOnErrors > 0 {
			line("fail on errors", strconv.Itoa(op.Bulk.FailOnErrors))
		}
		for _, o := range op.Bulk.Operations {
			line(o.String())
		}
	}
	for _, part := range op.Parts {
		line(strings.ReplaceAll(part.String(), "\n", "\n  "))
	}
	target := func(t Target) string { return Path{Attribute: t.Attribute, Sub: t.Sub}.String() }
	switch p := op.Projection; {
	case p.Include != nil && len(p.Include) == 0:
		line("return only what is always returned")
	case p.Include != nil:
		line("return only", joined(p.Include, target))
	case len(p.Exclude) > 0:
		line("return all but", joined(p.Exclude, target))
	}
	if len(op.Ignored) > 0 {
		line("ignored", joined(op.Ignored, plainOrQuoted))
	}
	return b.String()
}

func joined[T any](items []T, text func(T) string) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = text(item)
	}
	return strings.Join(texts, ", ")
}

// plainOrQuoted quotes s unless it is printable ASCII without spaces, commas and
// double quotes.
func plainOrQuoted(s string) string {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == ',' {
			return string(appendString(nil, s))
		}
	}
	if s == "" {
		return `""`
	}
	return s
}

// valueText writes v, a value of a, on one line: strings as in JSON, a complex
// value as {type "work", value "x"}, a list as [x, y].
func valueText(a *Attribute, v Value) string {
	if a.Returned == ReturnedNever || a.Mutability == WriteOnly {
		return "********"
	}
	if a.Private {
		return privateText
	}
	switch v.Kind() {
	case KindString:
		return string(appendString(nil, v.Text()))
	case KindBool:
		return strconv.FormatBool(v.IsTrue())
	case KindNumber:
		return v.Text()
	case KindComplex:
		return "{" + joined(v.Fields(), func(f Field) string {
			return f.Attribute.Name + " " + valueText(f.Attribute, f.Value)
		}) + "}"
	case KindList:
		return "[" + joined(v.Items(), func(item Value) string { return valueText(a, item) }) + "]"
	}
	return "nothing"
}

// privateText stands for a value that is not shown.
const privateText = "{private}"

// discreet is the path without the values of private attributes.
func (p Path) discreet() Path {
	if p.Selector != nil {
		p.Selector = discreet(p.Selector)
	}
	return p
}

// discreet is a filter without the values of private attributes.
func discreet(f Filter) Filter {
	all := func(terms []Filter) []Filter {
		hidden := make([]Filter, len(terms))
		for i, t := range terms {
			hidden[i] = discreet(t)
		}
		return hidden
	}
	switch f := f.(type) {
	case And:
		return And{all(f.Terms)}
	case Or:
		return Or{all(f.Terms)}
	case Not:
		return Not{discreet(f.Term)}
	case Elements:
		return Elements{f.Attribute, discreet(f.Filter)}
	case Compare:
		if f.Target.Leaf().Private {
			f.Value = String(privateText)
		}
		return f
	}
	return f
}
