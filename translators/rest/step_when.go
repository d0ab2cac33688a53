package rest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators/rest/expression"
)

// expressionNames are the variables of the expressions of calls, and of named values:
//
//	id        of the resource
//	resource  in SCIM: what is wanted, or what was found
//	value     what a search looks for
//	fields    what is to be written
//	record    as it was read
//	member    the resource that comes or goes, in SCIM
//	members   the references to all that are wanted
//	answers   of the calls before: status, id, body; null for one that was not made
var expressionNames = []string{"id", "resource", "value", "fields", "record", "member", "members", "answers"}

// condition is a compiled expression that is true or false.
type condition struct {
	expression *expression.Expression
	used       []string
}

func (s *step) compileWhen(_ *namer, c CallConfig, _ CallDefaults) error {
	if c.When == "" {
		return nil
	}
	when, err := compileCondition(c.When, expressionNames)
	if err != nil {
		return fmt.Errorf("when: %w", err)
	}
	s.when = when
	return nil
}

// usedNames are the variables that an expression looks at: only they are made.
func usedNames(e *expression.Expression, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !e.Uses(name) })
}

// compileCondition compiles an expression that is true or false.
func compileCondition(text string, names []string) (*condition, error) {
	e, err := expression.Compile(text, names...)
	switch {
	case err != nil:
		return nil, err
	case !e.CanBeTrue():
		return nil, fmt.Errorf("the expression %s is never true or false: compare its value with something", text)
	}
	return &condition{e, usedNames(e, names)}, nil
}

// variables returns those of the expressions of a call that have a value.
func (l *lookup) variables(names []string) map[string]string {
	variables, with := make(map[string]string, len(names)), l.with
	for _, name := range names {
		text := ""
		switch name {
		case "id":
			if with.id != "" {
				text = quote(with.id)
			}
		case "resource":
			text = resourceJSON(with.resource)
		case "value":
			text = scimJSON(with.value)
		case "fields":
			text, _ = setFields("{}", with.fields, false, nil)
		case "record":
			text = with.record.Raw
		case "member":
			if with.member != nil {
				text = resourceJSON(with.member.Resource)
			}
		case "members":
			if with.members != nil {
				v, _, _ := resolveMembers(l)
				text = v.JSON
			}
		case "answers":
			text = answersJSON(with.prior)
		}
		if text != "" {
			variables[name] = text
		}
	}
	return variables
}

// resourceJSON writes a resource with the names of its attributes, those of an
// extension below its URN.
func resourceJSON(r *scim.Resource) string {
	if r == nil {
		return ""
	}
	var members []string
	add := func(list []string, name, value string) []string { return append(list, quote(name)+":"+value) }
	if r.ID != "" {
		members = add(members, "id", quote(r.ID))
	}
	for _, f := range r.Fields() {
		if f.Attribute.Schema() == r.Type.Schema.ID {
			members = add(members, f.Attribute.Name, scimJSON(f.Value))
		}
	}
	for _, x := range r.Type.Extensions {
		var inner []string
		for _, f := range r.Fields() {
			if f.Attribute.Schema() == x.ID {
				inner = add(inner, f.Attribute.Name, scimJSON(f.Value))
			}
		}
		if inner != nil {
			members = add(members, x.ID, "{"+strings.Join(inner, ",")+"}")
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// answersJSON writes the answers to the calls before.
func answersJSON(prior []*answer) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, a := range prior {
		if i > 0 {
			b.WriteByte(',')
		}
		if a == nil {
			b.WriteString("null")
			continue
		}
		body := a.doc.Raw
		if body == "" {
			body = "null"
		}
		fmt.Fprintf(&b, `{"status":%d,"id":%s,"body":%s}`, a.status, quote(a.id), body)
	}
	b.WriteByte(']')
	return b.String()
}
