package scim

import (
	"fmt"
	"maps"
	"slices"
)

// searchAll reads a search over all types (RFC 7644 §3.4.2.1). What a type does
// not have, has no value there: each type is searched with what remains of the
// filter then, and not at all where nothing of it can match.
func (x *decoding) searchAll(given *parameters) {
	var lacks map[int]*Error // of every type so far
	by, isDescending, isSorted := x.sortBy(given)
	var unsorted *Error
	for i, t := range x.decoder.Types {
		part := &Operation{Action: ActionSearch, Type: t, Query: newQuery(), Projection: x.projection(given, t)}
		part.Query.Count = x.op.Query.Count
		if isSorted {
			target, err := sortTarget(t, by)
			switch {
			case err == nil:
				part.Query.Sort = &Sort{By: target, Descending: isDescending}
				if x.op.Query.Sort == nil {
					x.op.Query.Sort = part.Query.Sort
				}
			case isUnknownAttribute(err):
				unsorted = err
			default:
				x.fail(err)
			}
		}
		canMatch := true
		if given[paramFilter].isGiven {
			p := parser{
				lexer:  lexer{text: given[paramFilter].text, noun: "filter", kind: InvalidFilter},
				t:      t,
				limits: x.limits.Filter.withDefaults(),
				lacks:  make(map[int]*Error),
			}
			f, err := p.filter()
			if err != nil {
				x.fail(err)
				return
			}
			if i == 0 {
				lacks = p.lacks
			}
			maps.DeleteFunc(lacks, func(column int, _ *Error) bool { return p.lacks[column] == nil })
			r := restrict(f, t)
			canMatch = r.filter != nil || r.isTrue
			part.Query.Filter = r.filter
		}
		if canMatch {
			x.op.Parts = append(x.op.Parts, part)
		}
	}
	if len(lacks) > 0 {
		x.fail(lacks[slices.Min(slices.Collect(maps.Keys(lacks)))])
	}
	if isSorted && x.op.Query.Sort == nil && unsorted != nil {
		x.fail(unsorted)
	}
}

// What a filter over several types looks at where the type does not have it: the
// attribute, or the sub-attribute of one that it has.
var (
	absentAttribute = &Attribute{Name: "absent", Type: TypeComplex, MultiValued: true}
	absentSub       = &Attribute{Name: "absent", Type: TypeString}
)

// restricted is what remains of a filter within one type: a filter, or, where
// that is nil, the same answer for each resource.
type restricted struct {
	filter Filter
	isTrue bool
}

func constant(isTrue bool) restricted { return restricted{isTrue: isTrue} }

// restrict evaluates what a filter says about attributes that t does not have,
// about meta.resourceType, and about schemas as far as all resources of t are
// alike there. [Match] says what a missing value is to each operator.
func restrict(f Filter, t *ResourceType) restricted {
	switch f := f.(type) {
	case And:
		return restrictTerms(f.Terms, t, false, func(terms []Filter) Filter {
			var all []Filter
			for _, term := range terms {
				all = appendTerms[And](all, term)
			}
			return And{all}
		})
	case Or:
		return restrictTerms(f.Terms, t, true, func(terms []Filter) Filter {
			var all []Filter
			for _, term := range terms {
				all = appendTerms[Or](all, term)
			}
			return Or{all}
		})
	case Not:
		r := restrict(f.Term, t)
		if r.filter != nil {
			return restricted{filter: Not{r.filter}}
		}
		return constant(!r.isTrue)
	case Elements:
		if f.Attribute == absentAttribute {
			return constant(false)
		}
		r := restrict(f.Filter, t)
		switch {
		case r.filter != nil:
			return restricted{filter: Elements{f.Attribute, r.filter}}
		case r.isTrue: // any element will do
			return restricted{filter: Compare{Target{Attribute: f.Attribute}, NotEqual, Value{}}}
		}
		return constant(false)
	case Present:
		if f.Target.Sub == absentSub || f.Target.Sub == metaResourceType || f.Target.Attribute == AttributeSchemas {
			return constant(f.Target.Sub != absentSub)
		}
	case Compare:
		switch {
		case f.Target.Sub == absentSub:
			return constant(compareHolds(f, nil))
		case f.Target.Sub == metaResourceType:
			return constant(compareHolds(f, []Value{String(t.Name)}))
		case f.Target.Attribute == AttributeSchemas && f.Operator == Equal:
			return restrictSchema(f, t)
		}
	default:
		panic(fmt.Sprintf("scim: no such filter: %T", f))
	}
	return restricted{filter: f}
}

// restrictSchema evaluates schemas eq a URN: each resource has the base schema of
// its type, and some of them have its extensions.
func restrictSchema(f Compare, t *ResourceType) restricted {
	urns := []Value{String(t.Schema.ID)}
	if f.Value.IsAbsent() || compareHolds(f, urns) {
		return constant(!f.Value.IsAbsent())
	}
	for _, e := range t.Extensions {
		urns = append(urns, String(e.ID))
	}
	if compareHolds(f, urns) {
		return restricted{filter: f}
	}
	return constant(false)
}

// restrictTerms restricts terms one of which decides when it is decisive: false
// among those of an And, true among those of an Or.
func restrictTerms(terms []Filter, t *ResourceType, decisive bool, join func([]Filter) Filter) restricted {
	var rest []Filter
	for _, term := range terms {
		switch r := restrict(term, t); {
		case r.filter != nil:
			rest = append(rest, r.filter)
		case r.isTrue == decisive:
			return constant(decisive)
		}
	}
	switch len(rest) {
	case 0:
		return constant(!decisive)
	case 1:
		return restricted{filter: rest[0]}
	}
	return restricted{filter: join(rest)}
}
