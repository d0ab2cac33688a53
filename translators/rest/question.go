package rest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// mostQuestions bounds the calls that one filter takes before rows are looked at.
const mostQuestions = 50

// question is one value that the application is asked for.
type question struct {
	id     string  // of a record that is read; else
	member string  // of a user whose groups are read; else
	steps  []*step // the calls of search, whose rows are united
	target scim.Target
	value  scim.Value
}

// inquiry is where the rows come from that may satisfy a filter: all of them are among
// those.
type inquiry struct {
	questions []question
	list      bool // all rows instead
	// withAbsent is set where rows that count as absent are asked for, too.
	withAbsent bool
}

// inquire finds out how the rows for a filter are asked for.
func (t *Translator) inquire(k *kind, f scim.Filter) (inquiry, error) {
	if f != nil {
		if questions, ok := k.questions(f); ok && len(questions) <= mostQuestions {
			return inquiry{questions: questions}, answerable(questions)
		}
	}
	switch {
	case f == nil && (k.has(OpList) || k.isFixed()), f != nil && k.has(OpList) && k.config.FilterList, f != nil && k.isFixed():
		return inquiry{list: true}, nil
	case f == nil:
		return inquiry{}, &translators.Error{Kind: translators.TooMany, Detail: fmt.Sprintf(
			"The application has no call that lists every %s. Ask with a filter, or configure one: list GET …", k.served.Name)}
	}
	remedy := "configure a search call for it"
	if k.has(OpList) {
		remedy += ", or filter_list to look at all rows"
	}
	return inquiry{}, &translators.Error{Kind: translators.TooMany, Detail: fmt.Sprintf(
		"The application has no search that can answer the filter %s. Ask by %s, or %s.", f, k.askable(), remedy)}
}

// answerable refuses to ask for what no record holds: applications stumble over the
// character NUL.
func answerable(questions []question) error {
	for _, q := range questions {
		if strings.ContainsRune(q.id, 0) || strings.ContainsRune(q.value.Text(), 0) {
			return &translators.Error{Kind: translators.Invalid, Detail: "The filter asks for a value with the character NUL, which nothing can have."}
		}
	}
	return nil
}

// askable names the filters that are answered.
func (k *kind) askable() string {
	text := "id eq"
	for _, s := range k.steps[OpSearch] {
		for _, target := range s.attributes() {
			text = target.String() + " eq or " + text
		}
	}
	return text
}

// questions returns what to ask so that all that satisfies the filter is among the
// answers; ok is false when there is nothing to ask.
func (k *kind) questions(f scim.Filter) (questions []question, ok bool) {
	switch f := f.(type) {
	case scim.Compare:
		return k.questionsFor(f, nil)
	case scim.Elements:
		return k.questionsWithin(f)
	case scim.And:
		best := []question(nil)
		for _, term := range f.Terms {
			if asked, can := k.questions(term); can && (!ok || costOf(asked) < costOf(best)) {
				best, ok = asked, true
			}
		}
		return best, ok
	case scim.Or:
		for _, term := range f.Terms {
			asked, can := k.questions(term)
			if !can {
				return nil, false
			}
			questions = append(questions, asked...)
		}
		return questions, true
	}
	return nil, false
}

// costOf orders inquiries: one record is less than the rows of a unique value, and
// those are less than others.
func costOf(questions []question) int {
	cost := 0
	for _, q := range questions {
		switch {
		case q.id != "", q.member != "":
			cost++
		case q.target.Leaf().Uniqueness != scim.UniqueNone:
			cost += 2 * len(q.steps)
		default:
			cost += 4 * len(q.steps)
		}
	}
	return cost
}

// questionsFor asks for one comparison; constants are those of the elements that it is
// about.
func (k *kind) questionsFor(c scim.Compare, constants []scim.Field) ([]question, bool) {
	if c.Operator != scim.Equal || c.Value.IsAbsent() {
		return nil, false
	}
	if c.Target.Attribute == scim.AttributeID {
		if c.Value.Text() == "" {
			return nil, true
		}
		return []question{{id: c.Value.Text()}}, true
	}
	if c.Target.Attribute.IsReferenceSet() {
		isIDOf := k.membership != nil && k.membership.inUser != nil && (c.Target.Sub == nil || c.Target.Sub.Name == "value")
		if isIDOf && c.Value.Text() == "" {
			return nil, true
		}
		return []question{{member: c.Value.Text()}}, isIDOf
	}
	leaves := k.mapping.LeavesFor(c.Target)
	if len(leaves) > 1 {
		// A search is about one of them, unless the filter itself says which.
		if l := k.mapping.LeafFor(c.Target, constants); l == nil || len(constants) == 0 {
			return nil, false
		}
	}
	steps := k.searchFor(c.Target)
	if len(steps) == 0 {
		return nil, false
	}
	return []question{{steps: steps, target: c.Target, value: c.Value}}, true
}

// questionsWithin asks for the value of an element.
func (k *kind) questionsWithin(f scim.Elements) ([]question, bool) {
	terms := []scim.Filter{f.Filter}
	if and, is := f.Filter.(scim.And); is {
		terms = and.Terms
	}
	var constants []scim.Field
	for _, term := range terms {
		if c, is := term.(scim.Compare); is && c.Operator == scim.Equal && c.Target.Sub != nil {
			constants = append(constants, scim.Field{Attribute: c.Target.Sub, Value: c.Value})
		}
	}
	for _, term := range terms {
		c, is := term.(scim.Compare)
		if !is || c.Target.Sub == nil {
			continue
		}
		c.Target.Attribute = f.Attribute
		others := slices.DeleteFunc(slices.Clone(constants), func(field scim.Field) bool { return field.Attribute == c.Target.Sub })
		if questions, ok := k.questionsFor(c, others); ok {
			return questions, true
		}
	}
	return nil, false
}

// searchFor returns the search calls that together find all rows with a value at the
// target: the first line for it, the others for the same, and those that name no
// value at all.
func (k *kind) searchFor(target scim.Target) (steps []*step) {
	isFound := false
	for _, s := range k.steps[OpSearch] {
		switch attributes := s.attributes(); {
		case len(attributes) == 0:
			steps = append(steps, s)
		case len(attributes) == 1 && sameTarget(attributes[0], target):
			steps, isFound = append(steps, s), true
		}
	}
	if !isFound {
		return nil
	}
	return steps
}

// sameTarget compares by name: a filter's attributes are those of the served type.
func sameTarget(a, b scim.Target) bool {
	return a.Attribute == b.Attribute && (a.Sub == b.Sub ||
		a.Sub == nil && b.Sub != nil && b.Sub.Name == "value" || b.Sub == nil && a.Sub != nil && a.Sub.Name == "value")
}
