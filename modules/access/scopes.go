package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// Scopes say what a caller may do: the endpoints of resource types in lower case,
// such as users and groups, whose resources may be read and written, and read, which
// is reading everything. None at all are everything. Discovery (RFC 7644 §4) is open
// to every caller.
type Scopes []string

// ScopeRead is reading everything and writing nothing.
const ScopeRead = "read"

// MayRead reports whether resources of a type may be read.
func (s Scopes) MayRead(t *scim.ResourceType) bool {
	return len(s) == 0 || slices.Contains(s, ScopeRead) || s.has(t)
}

// MayWrite reports whether resources of a type may be written.
func (s Scopes) MayWrite(t *scim.ResourceType) bool { return len(s) == 0 || s.has(t) }

func (s Scopes) has(t *scim.ResourceType) bool {
	return slices.ContainsFunc(s, func(scope string) bool { return strings.EqualFold(scope, strings.TrimPrefix(t.Endpoint, "/")) })
}

// String returns the scopes in words.
func (s Scopes) String() string {
	if len(s) == 0 {
		return "everything"
	}
	return strings.Join(s, ", ")
}

// ParseScopes reads scopes with commas or blanks between them. That each names a type
// is found out by [Scopes.Check].
func ParseScopes(text string) (Scopes, error) {
	var scopes Scopes
	for _, scope := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		scope = strings.ToLower(strings.TrimPrefix(scope, "/"))
		if strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("%q is no scope: users, groups and read are", scope)
		}
		if slices.Contains(scopes, scope) {
			return nil, fmt.Errorf("the scope %s is given twice", scope)
		}
		scopes = append(scopes, scope)
	}
	if len(scopes) == 0 {
		return nil, fmt.Errorf("no scope is given: users, groups and read are some")
	}
	return scopes, nil
}

// endpointsOf returns the scopes that types are written with.
func endpointsOf(types []*scim.ResourceType) Scopes {
	var endpoints Scopes
	for _, t := range types {
		endpoints = append(endpoints, strings.ToLower(strings.TrimPrefix(t.Endpoint, "/")))
	}
	return endpoints
}

// Check says which of the scopes is none with these types.
func (s Scopes) Check(types []*scim.ResourceType) error {
	known := append(Scopes{ScopeRead}, endpointsOf(types)...)
	for _, scope := range s {
		if !slices.Contains(known, scope) {
			return fmt.Errorf("the scope %q is none of this gateway: %s are", scope, strings.Join(known, ", "))
		}
	}
	return nil
}
