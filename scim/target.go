package scim

import (
	"fmt"
	"strings"
)

// UnknownAttributeError is the cause of a filter's or path's error when it is
// well formed up to there but names an attribute that the [ResourceType] does
// not have: nothing is mapped for it. [Decode] drops and logs such a path; a
// filter is refused. Reach it with [errors.As].
type UnknownAttributeError struct {
	Name     string // as it was written; a sub-attribute in brackets behind its attribute and a dot
	Position int    // the character column in the text, from 1
}

// Error implements error.
func (e *UnknownAttributeError) Error() string {
	return fmt.Sprintf("unknown attribute %s at position %d", shorten(e.Name), e.Position)
}

// ParseTarget reads an attribute or sub-attribute as it stands in the parameters
// attributes and excludedAttributes (RFC 7644 §3.9, §3.10): userName,
// name.givenName, or either behind the schema's URN and a colon; without regard
// to case. A complex attribute alone means all of it: its Sub is nil. It returns
// false for what t does not have; the URN of a schema alone is for
// [SchemaForPath].
func ParseTarget(t *ResourceType, name string) (Target, bool) {
	target, found := resolve(t, strings.TrimSpace(name))
	return target, found
}

// SchemaForPath returns the base schema or the extension of t when text is
// nothing but its URN, else nil. A PATCH may name a whole extension so, with a
// complex value; [ParsePath] knows attributes alone.
func SchemaForPath(t *ResourceType, text string) *Schema {
	return t.SchemaByURN(strings.TrimSpace(text))
}

// resolve finds what a name stands for. The URN ends at the last colon, and the
// dots before it, as in "2.0", separate nothing (RFC 7644 §3.10).
func resolve(t *ResourceType, name string) (Target, bool) {
	colon := strings.LastIndexByte(name, ':')
	attribute, sub := name, ""
	dot := strings.IndexByte(name[colon+1:], '.')
	if dot >= 0 {
		attribute, sub = name[:colon+1+dot], name[colon+1+dot+1:]
	}
	target := Target{Attribute: t.Attribute(attribute)}
	if target.Attribute == nil {
		return Target{}, false
	}
	if dot >= 0 {
		if target.Sub = t.sub(target.Attribute, sub); target.Sub == nil {
			return Target{}, false
		}
	}
	return target, true
}

// isAttributeName reports whether a name could be one of an attribute, known or
// not (RFC 7643 §2.1): letters, digits, $, - and _, in parts that dots separate,
// behind anything that ends in a colon.
func isAttributeName(name string) bool {
	name = name[strings.LastIndexByte(name, ':')+1:]
	isStart := true
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '$':
			isStart = false
		case c == '.' && !isStart:
			isStart = true
		case (isDigit(c) || c == '-' || c == '_') && !isStart:
		default:
			return false
		}
	}
	return !isStart
}
