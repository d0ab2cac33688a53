package scim

import (
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parameter is one of those that mean something in a search (RFC 7644 §3.4.2,
// RFC 9865 §2), in the URL or in the body of a POST to /.search. Whatever else
// there is, is passed over: Entra writes its feature flags into the URL, and
// OneLogin a question mark with nothing behind it.
type parameter int

const (
	paramFilter parameter = iota
	paramStartIndex
	paramCount
	paramAttributes
	paramExcluded
	paramSortBy
	paramSortOrder
	paramCursor
	parameterKinds // how many there are
)

var parameterNames = [parameterKinds]string{"filter", "startIndex", "count", "attributes", "excludedAttributes", "sortBy", "sortOrder", "cursor"}

// String returns the name.
func (p parameter) String() string { return parameterNames[p] }

// parameterOf returns the parameter of that name, in any case.
func parameterOf(name string) (p parameter, isOne bool) {
	for p, known := range parameterNames {
		if strings.EqualFold(name, known) {
			return parameter(p), true
		}
	}
	return 0, false
}

// parameters are the texts of those that were given.
type parameters [parameterKinds]struct {
	text    string
	isGiven bool
}

// put notes a parameter. Of one that stands twice nobody can say which counts.
func (x *decoding) put(given *parameters, p parameter, text string) {
	if given[p].isGiven {
		x.fail(Invalid(InvalidSyntax, "the parameter %s stands twice in the request", p))
		return
	}
	given[p].text, given[p].isGiven = text, true
}

// urlParameters reads those of the URL. net/url's own parser is not asked,
// because it drops whatever holds a semicolon.
func (x *decoding) urlParameters(given *parameters, raw string) {
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			x.fail(Invalid(InvalidSyntax, "the query of the URL is not percent-encoded correctly: %v", err))
			continue
		}
		p, isOne := parameterOf(name)
		if !isOne {
			continue
		}
		switch value, err := url.QueryUnescape(value); {
		case err != nil:
			x.fail(Invalid(InvalidSyntax, "the parameter %s is not percent-encoded correctly: %v", p, err))
		case !utf8.ValidString(value):
			x.fail(Invalid(InvalidSyntax, "the parameter %s is not UTF-8", p))
		default:
			x.put(given, p, value)
		}
	}
}

// bodyParameters reads those in the body of a POST to /.search
// (RFC 7644 §3.4.3). A list of attributes may be an array or, as in the URL,
// joined by commas; a number may be a string; null is not given.
func (x *decoding) bodyParameters(given *parameters, r Request) error {
	root, err := x.object(r, x.limits.Depth)
	if err != nil {
		return err
	}
	for name, v := range root.members() {
		p, isOne := parameterOf(name.String())
		if !isOne || v.kind() == jsonNull {
			continue
		}
		isNumber := p == paramStartIndex || p == paramCount
		isList := p == paramAttributes || p == paramExcluded
		switch kind := v.kind(); {
		case isNumber && kind != jsonString:
			x.put(given, p, string(v))
		case kind == jsonArray && isList:
			x.put(given, p, x.namesOf(p, v))
		case kind == jsonString:
			text, err := v.text()
			if err != nil {
				x.fail(Invalid(InvalidValue, "%s cannot be read: %v", p, err))
			}
			x.put(given, p, text)
		case isList:
			x.fail(Invalid(InvalidValue, "%s is %s; an array of names is needed", p, kind))
		default:
			x.fail(Invalid(InvalidValue, "%s is %s; a string is needed", p, kind))
		}
	}
	return nil
}

// namesOf joins the names in an array as they stand in a URL.
func (x *decoding) namesOf(p parameter, v jsonValue) string {
	var names []string
	for e := range v.elements() {
		if e.kind() != jsonString {
			x.fail(Invalid(InvalidValue, "%s holds %s; an array of names is needed", p, e.kind()))
			continue
		}
		name, err := e.text()
		if err != nil {
			x.fail(Invalid(InvalidValue, "%s cannot be read: %v", p, err))
		}
		names = append(names, name)
	}
	return strings.Join(names, ",")
}

// integer returns the value of a parameter that is a whole number.
func (x *decoding) integer(given *parameters, p parameter) (n int, isGiven bool) {
	text := strings.TrimSpace(given[p].text)
	if text == "" {
		return 0, false
	}
	n, ok := wholeNumber(text)
	if !ok {
		kind := InvalidValue
		if p == paramCount && given[paramCursor].isGiven {
			kind = InvalidCount // RFC 9865 §2.1
		}
		x.fail(Invalid(kind, "the parameter %s is a whole number, not %s", p, shorten(text)))
		return 0, false
	}
	return n, true
}

// wholeNumber reads a whole number, also where it is written as a JSON number
// with a fraction or an exponent: 10.0 is 10. One that is beyond what an int
// holds is as large as can be.
func wholeNumber(text string) (n int, ok bool) {
	n, err := strconv.Atoi(text)
	if err == nil {
		return n, true
	}
	if isNumber, _ := checkNumber(text); !isNumber && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	f, _ := strconv.ParseFloat(text, 64) // beyond its range it is infinite
	switch {
	case f != math.Trunc(f):
		return 0, false
	case f >= math.MaxInt:
		return math.MaxInt, true
	case f <= math.MinInt:
		return math.MinInt, true
	}
	return int(f), true
}
