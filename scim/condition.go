package scim

import (
	"slices"
	"strings"
)

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
	return slices.Contains(tags, anyTag) || version != "" && slices.Contains(tags, version)
}

// anyTag stands for any version.
const anyTag = "*"

// condition reads the headers where there is a version that they can ask for. To
// a POST they say nothing: there is no resource yet, so that If-None-Match: *
// holds, and no version that If-Match could mean.
func (x *decoding) condition(r Request) {
	if r.IfMatch == "" && r.IfNoneMatch == "" || x.op.Action != ActionRead && x.op.Action != ActionUpdate && x.op.Action != ActionDelete {
		return
	}
	for _, header := range []struct {
		name, value string
		tags        *[]string
	}{
		{"If-Match", r.IfMatch, &x.op.Condition.Match},
		{"If-None-Match", r.IfNoneMatch, &x.op.Condition.NoneMatch},
	} {
		if header.value == "" {
			continue
		}
		tags, ok := entityTags(header.value)
		if !ok {
			x.fail(Invalid(InvalidValue, `%s is %s; send the version of the resource as its meta.version shows it, such as W/"42", or *`,
				header.name, shorten(header.value)))
		}
		*header.tags = tags
	}
}

// entityTags reads a list of entity tags (RFC 9110 §8.8.3, §13.1): *, or tags in
// quotes, with or without W/, between commas. A tag without quotes is taken as
// well, as some clients send what they have cut out of the quotes. tags is nil
// unless ok.
func entityTags(list string) (tags []string, ok bool) {
	isElement := false // whether anything but commas was there
	for rest := list; ; {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			return tags, isElement
		}
		isElement = true
		tag, behind, isQuoted, ok := cutTag(rest)
		if !ok {
			return nil, false
		}
		if tags == nil {
			tags = []string{}
		}
		// A tag in quotes that is a star is a version like any other, and one
		// that no resource has.
		if !isQuoted || tag != anyTag {
			tags = append(tags, tag)
		}
		rest = behind
	}
}

// cutTag takes an entity tag from the front of s, with what follows up to a comma.
func cutTag(s string) (tag, behind string, isQuoted, ok bool) {
	if len(s) > 2 && (s[0] == 'W' || s[0] == 'w') && s[1] == '/' {
		s = s[2:]
	}
	if quoted, is := strings.CutPrefix(s, `"`); is {
		if tag, behind, isQuoted = strings.Cut(quoted, `"`); !isQuoted {
			return "", "", false, false
		}
		behind = strings.TrimLeft(behind, " \t")
		if behind != "" && behind[0] != ',' {
			return "", "", false, false
		}
	} else {
		tag, behind, _ = strings.Cut(s, ",")
		if tag = strings.TrimRight(tag, " \t"); strings.Contains(tag, `"`) {
			return "", "", false, false
		}
	}
	isControl := func(r rune) bool { return r < ' ' || r == 0x7f }
	return tag, behind, isQuoted, !strings.ContainsFunc(tag, isControl)
}
