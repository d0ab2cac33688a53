package journal

import (
	"encoding/json"
	"strings"
)

// Fold returns a name as names are compared: without regard to case.
func Fold(name string) string {
	// By way of upper case, which letters with several lower cases share.
	return strings.ToLower(strings.ToUpper(name))
}

// names are the attributes by which resources are called.
var names = map[string]string{"User": "userName", "Group": "displayName"}

// newName returns the name that an entry gives to somebody who had another one: its
// own name is the old one.
func newName(e *Entry) string {
	if e.Name == "" || names[e.Type] == "" {
		return ""
	}
	for _, c := range e.Changes {
		var name string
		if c.Attribute == names[e.Type] && !c.Private && json.Unmarshal(c.To, &name) == nil && Fold(name) != Fold(e.Name) {
			return name
		}
	}
	return ""
}

// nameSubject stands among the subjects of an entry for a name that it gives. No id
// begins so.
func nameSubject(name string) string { return "\x1f" + Fold(name) }
