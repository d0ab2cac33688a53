package scim

import "slices"

// Condition is what the headers If-Match and If-None-Match ask of the version of
// a resource (RFC 7644 §3.14, RFC 9110 §13.1). Entity tags are compared weakly,
// since the versions of resources are weak; "*" stands for any. The zero
// Condition holds always.
type Condition struct {
	Match     []string // opaque versions without quotes and W/, or "*"; nil: not given
	NoneMatch []string
}

// IsNone reports whether nothing is asked.
func (c Condition) IsNone() bool { return c.Match == nil && c.NoneMatch == nil }

// Holds reports whether the condition holds of an existing resource with that
// version; "" is one whose version is not known, which no tag but "*" matches.
func (c Condition) Holds(version string) bool {
	return (c.Match == nil || hasTag(c.Match, version)) && (c.NoneMatch == nil || !hasTag(c.NoneMatch, version))
}

func hasTag(tags []string, version string) bool {
	return slices.Contains(tags, "*") || version != "" && slices.Contains(tags, version)
}
