package rest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// checkSent refuses a change of fields that none of the calls would send: it would be
// answered with success, and nothing would happen.
func (p *planner) checkSent(op Operation, fields []fieldValue, calls []translators.Call) error {
	if op != OpUpdate {
		return nil
	}
	for _, f := range fields {
		isSent := slices.ContainsFunc(calls, func(made translators.Call) bool {
			c, is := made.(*call)
			return !is || c.step.sends(f.path.String())
		})
		if isSent {
			continue
		}
		path := f.path.String()
		if l := p.k.leafAt(path); l != nil {
			path = l.Path.String()
		}
		return &translators.Error{Kind: translators.Refused, Path: path, Detail: fmt.Sprintf(
			"%s can't be changed: no update call that is due sends it to the application. Name {field.%s} in the template of one, or make the map read_only.", path, f.path)}
	}
	return nil
}

// sends reports whether a call names a field: as one of {fields}, by itself, as the
// attribute that is mapped to it, or in an expression that sees all of them.
func (s *step) sends(path string) bool {
	if s.when != nil && seesFields(s.when.used) {
		return true
	}
	for name := range s.names {
		head, rest, _ := strings.Cut(name, ".")
		switch {
		case name == "fields":
			if !slices.Contains(s.config.Without, path) {
				return true
			}
		case head == "field" || head == "changed":
			if rest == path || arrayOf(rest) == path {
				return true
			}
		case s.seesAll[name] || s.namesLeafOf(name, path):
			return true
		}
	}
	return false
}

// seesFields reports whether an expression with these variables sees what is written.
func seesFields(used []string) bool {
	return slices.Contains(used, "fields") || slices.Contains(used, "resource")
}

// namesLeafOf reports whether a name is an attribute of which something is mapped to the
// field.
func (s *step) namesLeafOf(name, path string) bool {
	parsed, err := scim.ParsePath(s.kind.mapping.Type, name)
	if err != nil {
		return false
	}
	for _, l := range s.kind.mapping.Leaves {
		if l.Path.Attribute != parsed.Attribute || parsed.Sub != nil && l.Path.Sub != nil && parsed.Sub != l.Path.Sub {
			continue
		}
		if slices.ContainsFunc(l.Fields, func(field string) bool { return field == path || arrayOf(field) == path }) {
			return true
		}
	}
	return false
}

// leafAt returns a leaf that is written to a field, or to an element of the array there.
func (k *kind) leafAt(path string) *translators.Leaf {
	for _, l := range k.mapping.Leaves {
		if slices.ContainsFunc(l.Fields, func(field string) bool { return field == path || arrayOf(field) == path }) {
			return l
		}
	}
	return nil
}

// unsent names the attributes that are mapped to be written, and that no update sends.
func (k *kind) unsent() (paths []string) {
	if !k.has(OpUpdate) {
		return nil
	}
	for _, l := range k.mapping.Leaves {
		a := l.Path.Attribute
		isElsewhere := a == k.active && k.has(OpDisable) || a == k.secret && k.has(OpSecret) || a == k.name && k.isNamedByKey
		if k.mapping.forms[l] == nil || !l.IsWritable() || l.Config.CreateOnly || isElsewhere {
			continue
		}
		for _, field := range l.Fields {
			isSent := slices.ContainsFunc(k.steps[OpUpdate], func(s *step) bool {
				return s.sends(field) || arrayOf(field) != "" && s.sends(arrayOf(field))
			})
			if !isSent && !slices.Contains(paths, l.Path.String()) {
				paths = append(paths, l.Path.String())
			}
		}
	}
	return paths
}

// sent is what the calls of the plan write together, the last value of each field.
func (p *planner) sent() (all []fieldValue) {
	for _, made := range p.plan.Calls {
		c, is := made.(*call)
		if !is || c.step.number > 1 {
			continue
		}
		all = slices.DeleteFunc(all, func(f fieldValue) bool {
			return slices.ContainsFunc(c.goal.fields, func(g fieldValue) bool { return f.path.String() == g.path.String() })
		})
		all = append(all, c.goal.fields...)
	}
	return all
}

// warnOfOthers says in the log of which attributes a record, read back, has other values
// than were sent: applications cut what is too long for them, and write a question mark for
// what they can't, and say nothing. The values are nobody's business.
func (t *Translator) warnOfOthers(k *kind, h *handle, sent []fieldValue) {
	open := changed(readable(k, sent), h.record)
	if len(open) == 0 {
		return
	}
	doc, err := apply([]byte(h.record.Raw), open)
	if err != nil {
		return
	}
	all := translators.Selection{All: true}
	there, wanted := t.resourceOf(k, h, all), t.resourceOf(k, &handle{id: h.id, record: gjson.ParseBytes(doc)}, all)
	var paths []string
	for _, d := range scim.Diff(there, wanted) {
		paths = append(paths, d.Attribute.String())
	}
	if len(paths) > 0 {
		t.logger.Warn("the application has other values than were sent: it may have cut or replaced them, or not taken them",
			zap.String("type", k.served.Name), zap.String("id", h.id), zap.Strings("attributes", paths))
	}
}
