package dialogue

import (
	"fmt"
	"regexp"
	"slices"
)

// variable is what stands for something remembered. JSON never looks like it,
// because its names are quoted.
var variable = regexp.MustCompile(`\{[a-z][a-zA-Z0-9]*\}`)

func isVariable(name string) bool {
	m := variable.FindString("{" + name + "}")
	return len(m) == len(name)+2
}

// Expand returns a copy of the step in which each {name} is replaced by the
// value of that name. A name that has none is an error. Remembered paths stay as
// they are.
func (s Step) Expand(values map[string]string) (Step, error) {
	var missing []string
	expand := func(text *string) {
		*text = variable.ReplaceAllStringFunc(*text, func(v string) string {
			value, ok := values[v[1:len(v)-1]]
			if !ok && !slices.Contains(missing, v) {
				missing = append(missing, v)
			}
			return value
		})
	}
	fields := func(all []Field) []Field {
		all = slices.Clone(all)
		for i := range all {
			expand(&all[i].Value)
		}
		return all
	}
	texts := func(all []string) []string {
		all = slices.Clone(all)
		for i := range all {
			expand(&all[i])
		}
		return all
	}
	expand(&s.Request.Target)
	expand(&s.Request.Body)
	s.Request.Header = fields(s.Request.Header)
	s.Becomes = texts(s.Becomes)
	if s.Answer != nil {
		a := *s.Answer
		expand(&a.Body)
		a.Header = fields(a.Header)
		s.Answer = &a
	}
	s.Directory = slices.Clone(s.Directory)
	for i := range s.Directory {
		e := &s.Directory[i]
		expand(&e.DN)
		e.Values = slices.Clone(e.Values)
		for j := range e.Values {
			e.Values[j].Values = texts(e.Values[j].Values)
		}
	}
	if missing != nil {
		return s, fmt.Errorf("step %q: nothing is remembered as %v", s.Title, missing)
	}
	return s, nil
}
