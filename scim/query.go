package scim

import (
	"net/http"
	"strings"
)

// query reads the parameters as far as they count for the action
// (RFC 7644 §3.4.2, §3.9): those of the URL, and of a POST to /.search also those
// of the body. Its error means that the body cannot be relied on.
func (x *decoding) query(r Request) error {
	if x.op.Action == ActionDelete {
		return nil
	}
	var given parameters
	if r.RawQuery != "" {
		x.urlParameters(&given, r.RawQuery)
	}
	if r.Method == http.MethodPost && x.op.Query != nil { // POST to /.search
		if err := x.bodyParameters(&given, r); err != nil {
			return err
		}
	}
	switch x.op.Action {
	case ActionDiscover:
		switch {
		case !given[paramFilter].isGiven:
		case x.decoder.Dialect == V1 && strings.EqualFold(x.op.ID, endpointSchemas):
			x.filterSchemasV1(given[paramFilter].text)
		default:
			x.fail(&Error{Status: http.StatusForbidden, Detail: "a filter cannot be applied to " + x.op.ID})
		}
		return nil
	case ActionSearchAll:
		x.page(&given)
		x.searchAll(&given)
		return nil
	case ActionSearch, ActionSearchNone:
		x.page(&given)
	}
	if x.t == nil {
		return nil
	}
	if x.op.Action == ActionSearch {
		x.search(&given)
	}
	x.op.Projection = x.projection(&given, x.t)
	return nil
}

// page reads which part of a list is asked for.
func (x *decoding) page(given *parameters) {
	q := x.op.Query
	if n, isGiven := x.integer(given, paramStartIndex); isGiven {
		q.StartIndex = max(n, 1)
	}
	if n, isGiven := x.integer(given, paramCount); isGiven {
		q.Count = min(max(n, 0), x.limits.PageMax)
	}
	if given[paramCursor].isGiven {
		x.cursor(q, given[paramCursor].text)
	}
}

// cursor reads where a list that is paged by cursors continues (RFC 9865 §2).
// Whether it is one that was given out, the host knows. A startIndex of 1 beside
// it says nothing: some clients always send it.
func (x *decoding) cursor(q *Query, cursor string) {
	for _, c := range []byte(cursor) {
		if !isUnreserved(c) {
			x.fail(Invalid(InvalidCursor, "%s is no cursor: send nextCursor or previousCursor of an answer as they came, or an empty cursor for the first page",
				shorten(cursor)))
			return
		}
	}
	if q.StartIndex > 1 {
		x.fail(Invalid(InvalidCursor, "the parameters cursor and startIndex exclude each other; send one of them"))
		return
	}
	q.Cursor = &cursor
}

// search reads what a search for one type asks for.
func (x *decoding) search(given *parameters) {
	if given[paramFilter].isGiven {
		f, err := ParseFilter(x.t, given[paramFilter].text, x.limits.Filter)
		if err != nil {
			x.fail(err)
		}
		x.op.Query.Filter = f
	}
	by, isDescending, isGiven := x.sortBy(given)
	if !isGiven {
		return
	}
	target, err := sortTarget(x.t, by)
	if err != nil {
		x.fail(err)
		return
	}
	x.op.Query.Sort = &Sort{By: target, Descending: isDescending}
}

// projection reads which attributes of a type the answer shall carry.
func (x *decoding) projection(given *parameters, t *ResourceType) Projection {
	include, exclude := given[paramAttributes].text, given[paramExcluded].text
	if include != "" && exclude != "" {
		// RFC 7644 §3.9 lets a client use one of the two. It names no type of
		// error; the body is not at fault, so it is not invalidSyntax.
		x.fail(Invalid(InvalidValue, "the parameters attributes and excludedAttributes exclude each other; send one of them"))
	}
	return Projection{Include: targets(t, include), Exclude: targets(t, exclude)}
}

// targets reads a list of attributes (RFC 7644 §3.9), not nil when names is not
// empty. What does not exist is passed over, as in an answer it has no value.
// The URN of a schema stands for all of its attributes.
func targets(of *ResourceType, names string) []Target {
	if names == "" {
		return nil
	}
	targets := []Target{}
	for name := range strings.SplitSeq(names, ",") {
		if t, found := ParseTarget(of, name); found {
			targets = append(targets, t)
		} else if s := SchemaForPath(of, name); s != nil {
			for _, a := range s.Attributes {
				targets = append(targets, Target{Attribute: a})
			}
		}
	}
	return targets
}
