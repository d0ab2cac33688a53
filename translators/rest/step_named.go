package rest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators/rest/expression"
	"github.com/scimgate/scimgate/translators/rest/template"
)

// value is a named expression of the configuration.
func (n *namer) value(name, text string) (resolver, error) {
	e, err := expression.Compile(text, expressionNames...)
	if err != nil {
		return nil, fmt.Errorf("the expression of the value %s: %w", name, err)
	}
	used := usedNames(e, expressionNames)
	n.step.seesRecord = n.step.seesRecord || slices.Contains(used, "record")
	if seesFields(used) {
		if n.step.seesAll == nil {
			n.step.seesAll = make(map[string]bool)
		}
		n.step.seesAll[name] = true
	}
	isUndo := n.isUndo
	return func(l *lookup) (template.Value, bool, error) {
		if l.isPrinting {
			return l.printed(name, e, used, isUndo)
		}
		result, err := e.Evaluate(l.variables(used))
		if err != nil && strings.Contains(err.Error(), "does not take values of these types") {
			return template.Value{}, false, &brokenValueError{name, err}
		}
		if err != nil {
			return template.Value{}, false, fmt.Errorf("the expression of the value %s: %w", name, err)
		}
		return template.Value{JSON: result}, result != "null", nil
	}, nil
}

// brokenValueError is the error of a value whose expression fails by its own mistake: it
// applies an operator, or a function, to types that it is not for.
type brokenValueError struct {
	name string
	err  error
}

// Error implements error.
func (e *brokenValueError) Error() string {
	return fmt.Sprintf("the expression of the value %s: %v", e.name, e.err)
}

// Unwrap returns what is wrong with it.
func (e *brokenValueError) Unwrap() error { return e.err }

// printed is a named value where a plan is printed: the value, or a symbol and a note that
// says why. What depends on what is not to be printed shows when it is another without
// that.
func (l *lookup) printed(name string, e *expression.Expression, used []string, isUndo bool) (template.Value, bool, error) {
	if unknown := l.unknown(used, isUndo); len(unknown) > 0 {
		l.note("{%s} is not known before the call is made: its expression sees %s", name, strings.Join(unknown, ", "))
		return symbol(name)
	}
	result, err := e.Evaluate(l.variables(used))
	if err != nil {
		l.note("{%s} fails: %v", name, err)
		return symbol(name)
	}
	if open, err := e.Evaluate(l.openVariables(used)); err != nil || open != result {
		l.note("{%s} is not printed: it depends on what is secret, private or not mapped", name)
		return symbol(name)
	}
	return template.Value{JSON: result}, result != "null", nil
}

// note adds a comment to what is printed.
func (l *lookup) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(l.notes, text) {
		l.notes = append(l.notes, text)
	}
}

// unknown are the variables of which it is not known, when a plan is printed, what they
// will be.
func (l *lookup) unknown(used []string, isUndo bool) (names []string) {
	with := l.with
	for _, name := range used {
		is := false
		switch name {
		case "id":
			is = with.id == ""
		case "resource":
			// Of what is there already all of it is known once it was read.
			is = with.resource == nil || with.id != "" && !with.record.Exists()
		case "value":
			is = l.s.op == OpSearch
		case "record":
			is = !with.record.Exists()
		case "member":
			is = with.member == nil || with.member.Handle == nil
		case "members":
			is = with.members == nil || slices.ContainsFunc(with.members, func(m string) bool { return strings.HasPrefix(m, "{") })
		case "answers":
			is = l.s.number > 1 || isUndo
		}
		if is {
			names = append(names, name)
		}
	}
	return names
}

// openVariables are the variables without what is not to be printed.
func (l *lookup) openVariables(used []string) map[string]string {
	with := *l.with
	with.resource = l.t.open(with.resource)
	with.fields = slices.DeleteFunc(slices.Clone(with.fields), func(f fieldValue) bool { return f.mask != "" })
	with.record = l.s.kind.openRecord(with.record)
	if with.member != nil {
		member := *with.member
		member.Resource = l.t.open(member.Resource)
		with.member = &member
	}
	return (&lookup{t: l.t, s: l.s, with: &with}).variables(used)
}

// open is a resource without the attributes of which something is secret or private.
func (t *Translator) open(r *scim.Resource) *scim.Resource {
	if r == nil {
		return nil
	}
	r = r.Clone()
	for _, k := range t.kinds {
		if k.served.ResourceType != r.Type {
			continue
		}
		for _, l := range k.mapping.Leaves {
			if l.IsSecret() || l.IsPrivate() {
				r.Set(l.Path.Attribute, scim.Value{})
			}
		}
		if k.secret != nil {
			r.Set(k.secret, scim.Value{})
		}
	}
	return r
}

// openRecord is what of a record may be printed: what is mapped to one place.
func (k *kind) openRecord(record gjson.Result) gjson.Result {
	if !record.Exists() {
		return record
	}
	doc := []byte("{}")
	fields := []string{k.id.String()}
	for _, l := range k.mapping.Leaves {
		fields = append(fields, l.Fields...)
	}
	for _, field := range fields {
		path := k.mapping.compiled[field]
		if field == k.id.String() {
			path = k.id
		}
		if path == nil || !path.IsWritable() || !k.isShown(field) {
			continue
		}
		if v := path.Value(record); v.Exists() {
			if with, err := path.Set(doc, v.Raw); err == nil {
				doc = with
			}
		}
	}
	return gjson.ParseBytes(doc)
}
