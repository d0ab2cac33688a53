package scim

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parameters are those of a URL that mean something here. sortBy, sortOrder,
// cursor and whatever else there is are passed over (RFC 7644 §3.4.2): Entra
// writes its feature flags there, and OneLogin a question mark with nothing
// behind it.
var parameterNames = []string{"filter", "startIndex", "count", "attributes", "excludedAttributes"}

// query reads the parameters of the URL as far as they count for the action
// (RFC 7644 §3.4.2, §3.9).
func (x *decoding) query(raw string) {
	if x.op.Action == ActionDelete {
		return
	}
	given := x.parameters(raw)
	filter, hasFilter := given["filter"]
	switch x.op.Action {
	case ActionDiscover:
		if hasFilter {
			x.fail(&Error{Status: http.StatusForbidden, Detail: "a filter cannot be applied to " + x.op.ID})
		}
		return
	case ActionSearch, ActionSearchNone:
		q := &Query{StartIndex: 1, Count: NoCount}
		if n, isGiven := x.integer(given, "startIndex"); isGiven {
			q.StartIndex = max(n, 1)
		}
		if n, isGiven := x.integer(given, "count"); isGiven {
			q.Count = min(max(n, 0), x.limits.PageMax)
		}
		if hasFilter && x.op.Action == ActionSearch {
			f, err := ParseFilter(x.t, filter, x.limits.Filter)
			if err != nil {
				x.fail(err)
			}
			q.Filter = f
		}
		x.op.Query = q
	}
	if x.t == nil {
		return
	}
	include, exclude := given["attributes"], given["excludedAttributes"]
	if include != "" && exclude != "" {
		// RFC 7644 §3.9 lets a client use one of the two. It names no type of
		// error; the body is not at fault, so it is not invalidSyntax.
		x.fail(Invalid(InvalidValue, "the parameters attributes and excludedAttributes exclude each other; send one of them"))
	}
	if include != "" {
		x.op.Projection.Include = x.targets(include)
	}
	x.op.Projection.Exclude = x.targets(exclude)
}

// parameters returns those that are known, decoded. net/url's own parser is not
// asked, because it drops whatever holds a semicolon.
func (x *decoding) parameters(raw string) map[string]string {
	given := make(map[string]string)
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			x.fail(Invalid(InvalidSyntax, "the query of the URL is not percent-encoded correctly: %v", err))
			continue
		}
		for _, known := range parameterNames {
			if !strings.EqualFold(name, known) {
				continue
			}
			value, err := url.QueryUnescape(value)
			switch _, isRepeated := given[known]; {
			case err != nil:
				x.fail(Invalid(InvalidSyntax, "the parameter %s is not percent-encoded correctly: %v", known, err))
			case !utf8.ValidString(value):
				x.fail(Invalid(InvalidSyntax, "the parameter %s is not UTF-8", known))
			case isRepeated:
				x.fail(Invalid(InvalidSyntax, "the parameter %s stands twice in the URL", known))
			default:
				given[known] = value
			}
		}
	}
	return given
}

// integer returns the value of a parameter that is a whole number. One that is
// beyond what an int holds is as large as can be.
func (x *decoding) integer(given map[string]string, name string) (n int, isGiven bool) {
	text := strings.TrimSpace(given[name])
	if text == "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if errors.Is(err, strconv.ErrRange) {
		n, err = math.MaxInt, nil
		if text[0] == '-' {
			n = math.MinInt
		}
	}
	if err != nil {
		x.fail(Invalid(InvalidValue, "the parameter %s is a whole number, not %s", name, shorten(text)))
		return 0, false
	}
	return n, true
}

// targets reads a list of attributes (RFC 7644 §3.9), not nil when names is not
// empty. What does not exist is passed over, as in an answer it has no value.
// The URN of a schema stands for all of its attributes.
func (x *decoding) targets(names string) []Target {
	if names == "" {
		return nil
	}
	targets := []Target{}
	for name := range strings.SplitSeq(names, ",") {
		if t, found := ParseTarget(x.t, name); found {
			targets = append(targets, t)
		} else if s := SchemaForPath(x.t, name); s != nil {
			for _, a := range s.Attributes {
				targets = append(targets, Target{Attribute: a})
			}
		}
	}
	return targets
}
