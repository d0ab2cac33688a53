package translators

import "github.com/scimgate/scimgate/scim"

// Rule is what a mapping demands of the values at a path. Rules are data here
// and enforced by policy.
type Rule struct {
	Path scim.Path

	Required   bool        // must have a value, on create and afterwards
	Default    string      // given on create when the path has no value; "" is none
	From       []scim.Path // whose first value serves as default, in order
	OneOf      []string    // the only values allowed, compared to the letter
	CreateOnly bool        // later changes are dropped, not refused
}
