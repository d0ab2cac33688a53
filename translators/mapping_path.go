package translators

import (
	"errors"
	"fmt"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// ParseLeaf reads the path of a [MapConfig] against the full type and returns
// it with the constants of its selector. Its errors are for the operator: they
// say what is wrong with the path and what to write instead.
func ParseLeaf(full *scim.ResourceType, text string) (scim.Path, []scim.Field, error) {
	path, err := scim.ParsePath(full, text)
	if err != nil {
		if unknown, is := errors.AsType[*scim.UnknownAttributeError](err); is {
			return scim.Path{}, nil, unknownAttribute(full, unknown.Name)
		}
		if e := scim.AsError(err); e != nil {
			return scim.Path{}, nil, errors.New(e.Detail)
		}
		return scim.Path{}, nil, err
	}
	if path.Selector == nil {
		return path, nil, nil
	}
	if !path.Attribute.IsComplex() {
		return scim.Path{}, nil, fmt.Errorf("its values are simple and of one kind: map %s alone, each value of its field is one", path.Attribute)
	}
	terms, ok := scim.EqualTerms(path.Selector)
	if !ok {
		return scim.Path{}, nil, fmt.Errorf("its selector must be one or more comparisons with eq joined by and, such as %s[type eq \"work\"]", path.Attribute)
	}
	for _, t := range terms {
		if t.Attribute == path.Sub {
			return scim.Path{}, nil, fmt.Errorf("its selector fixes %s already: map another sub-attribute of %s", t.Attribute.Name, path.Attribute)
		}
	}
	return path, terms, nil
}

// unknownAttribute is the error for a name that the type has no attribute for.
func unknownAttribute(full *scim.ResourceType, name string) error {
	if scim.IsCoreSchema(full.Schema.ID) {
		return fmt.Errorf("SCIM has no attribute %s in a %s%s", name, full.Name, suggestion(full, name))
	}
	if meaning := reserved[strings.ToLower(name)]; meaning != "" {
		return fmt.Errorf("a %s can't have the attribute %s: %s", full.Name, name, meaning)
	}
	return fmt.Errorf("the schema %s has no attribute %s%s", full.Schema.ID, name, suggestion(full, name))
}

// suggestion returns "; do you mean …?" when an attribute of the type is called
// almost so.
func suggestion(full *scim.ResourceType, name string) string {
	best, distance := "", 3
	consider := func(candidate string) {
		// Not more than a third of the letters may be wrong.
		if d := editDistance(strings.ToLower(name), strings.ToLower(candidate)); d < distance && d*3 <= len(candidate) {
			best, distance = candidate, d
		}
	}
	for _, a := range full.Attributes() {
		consider(a.String())
		consider(a.Name)
		for _, s := range a.SubAttributes {
			consider(s.String())
			consider(a.Name + "." + s.Name)
			if strings.EqualFold(name, s.Name) {
				return "; do you mean " + s.String() + "?"
			}
		}
	}
	if best == "" {
		return subAttributes(full, name)
	}
	return "; do you mean " + best + "?"
}

// subAttributes returns what the attribute has whose sub-attribute a name wants to be, or
// "".
func subAttributes(full *scim.ResourceType, name string) string {
	head, _, isSub := strings.Cut(name, ".")
	a := full.Attribute(head)
	if !isSub || a == nil || len(a.SubAttributes) == 0 {
		return ""
	}
	names := make([]string, len(a.SubAttributes))
	for i, s := range a.SubAttributes {
		names[i] = s.Name
	}
	return "; " + a.Name + " has " + strings.Join(names, ", ")
}

// editDistance counts the letters to insert, drop, change or swap with their
// neighbour to make b of a.
func editDistance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(above[j]+cost, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
