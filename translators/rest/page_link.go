package rest

import (
	"errors"
	"strings"
)

// nextLink returns the target of the link to the next page in the values of the header
// Link (RFC 8288 §3), or "" where there is none.
func nextLink(values []string) (string, error) {
	next := ""
	for _, value := range values {
		for value = trimList(value); value != ""; value = trimList(value) {
			target, isNext, rest, err := parseLink(value)
			if err != nil {
				return "", err
			}
			if isNext && next == "" {
				next = target
			}
			value = rest
		}
	}
	return next, nil
}

// trimList takes away what separates the elements of a list, which may be empty (RFC
// 9110 §5.6.1).
func trimList(text string) string { return strings.TrimLeft(text, ", \t") }

var errLink = errors.New("the header Link is not one of RFC 8288, such as <https://app.example.com/users?page=2>; rel=\"next\"")

// parseLink reads one link, and what follows it. Of several rel the first counts, and a
// link with an anchor is one of another page than this.
func parseLink(text string) (target string, isNext bool, rest string, err error) {
	inner, isReference := strings.CutPrefix(text, "<")
	target, rest, isClosed := strings.Cut(inner, ">")
	if !isReference || !isClosed {
		return "", false, "", errLink
	}
	hasRel, hasAnchor := false, false
	for {
		rest = strings.TrimLeft(rest, " \t")
		if rest == "" || rest[0] == ',' {
			return strings.TrimSpace(target), isNext && !hasAnchor, rest, nil
		}
		if rest[0] != ';' {
			return "", false, "", errLink
		}
		rest = strings.TrimLeft(rest[1:], " \t")
		end := strings.IndexAny(rest, "=;, \t")
		if end < 0 {
			end = len(rest)
		}
		name, value := strings.ToLower(rest[:end]), ""
		rest = strings.TrimLeft(rest[end:], " \t")
		if strings.HasPrefix(rest, "=") {
			if value, rest, err = parseLinkValue(strings.TrimLeft(rest[1:], " \t")); err != nil {
				return "", false, "", err
			}
		}
		switch {
		case name == "rel" && !hasRel:
			hasRel = true
			for _, relation := range strings.Fields(value) {
				isNext = isNext || strings.EqualFold(relation, "next")
			}
		case name == "anchor":
			hasAnchor = true
		}
	}
}

// parseLinkValue reads a token or a quoted text.
func parseLinkValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ";, \t")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:], nil
		case '\\':
			if i++; i == len(text) {
				return "", "", errLink
			}
		}
		b.WriteByte(text[i])
	}
	return "", "", errLink
}
