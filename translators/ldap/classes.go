package ldap

import (
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// objectClass holds the object classes of an entry (RFC 4512 §3.3).
const objectClass = "objectClass"

// isPartial reports whether there may be entries without some of the classes of
// new ones: entries are found by the first.
func (k *kind) isPartial() bool { return len(k.config.ObjectClasses) > 1 }

// missingClasses are the classes of new entries that an entry does not have,
// because it is older than the gateway. Where its classes can't be seen none is
// known to be missing.
func (k *kind) missingClasses(e *goldap.Entry) []string {
	if e == nil {
		return nil
	}
	present := attributeValues(e, objectClass)
	if len(present) == 0 {
		return nil
	}
	var names []string
	for _, class := range k.config.ObjectClasses {
		if !slices.ContainsFunc(present, func(p string) bool { return strings.EqualFold(p, class) }) {
			names = append(names, class)
		}
	}
	return names
}

// classesFor are the classes that the entry may need for the attributes that it
// gets, which it does not have now.
func (u *update) classesFor() []string {
	isNew := func(f fieldChange) bool { return len(f.before) == 0 && len(f.after) > 0 }
	if !slices.ContainsFunc(u.fields, isNew) {
		return nil
	}
	return u.k.missingClasses(u.at.entry)
}

// widen makes the next attempt add the classes that the entry lacks: its own do
// not allow what it is to have. It reports false when there are none to add.
func (w *modifyWork) widen() bool {
	if len(w.classes) == 0 || len(w.widened) > 0 {
		return false
	}
	w.widened = []goldap.Change{modification(goldap.AddAttribute, objectClass, w.classes)}
	return true
}
