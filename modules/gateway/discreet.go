package gateway

import (
	"regexp"
	"slices"

	"github.com/scimgate/scimgate/scim"
)

// quoted is what a text quotes of a request.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)

// discreet returns a text that may quote the request as it may stand in the log: in a
// gateway with private attributes without what it quotes.
func (h *Handler) discreet(text string) string {
	if !h.hasPrivate {
		return text
	}
	return quoted.ReplaceAllString(text, `"{private}"`)
}

// hasPrivate reports whether a type has an attribute whose values are shown in answers
// alone.
func hasPrivate(t *scim.ResourceType) bool {
	is := func(a *scim.Attribute) bool { return a.Private }
	return slices.ContainsFunc(t.Attributes(), func(a *scim.Attribute) bool {
		return a.Private || slices.ContainsFunc(a.SubAttributes, is)
	})
}
