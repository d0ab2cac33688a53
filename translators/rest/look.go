package rest

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// look is what has to be seen of records.
type look struct {
	fields  []string // paths
	isWhole bool     // all that the calls of read bring
	hasETag bool     // the header of an answer to read
	status  bool     // what the calls of status tell
	members bool
	// isOfAnyID takes the record that the application has by a name, whatever its id is.
	isOfAnyID bool
	// takesAbsent takes a record that counts as absent, too.
	takesAbsent bool
}

// lookFor returns what must be seen of a record to serve what is selected.
func (k *kind) lookFor(s translators.Selection) look {
	l := look{fields: slices.Clone(k.mapping.paths(s)), members: s.Members && k.members != nil}
	switch {
	case k.config.Version == versionETag:
		l.hasETag = true
	case k.config.Version == versionHash:
		l.fields = slices.Concat(l.fields, k.mapping.paths(translators.Selection{All: true}))
	case k.config.Version != "":
		l.fields = append(l.fields, k.config.Version)
	}
	if k.groups != nil && s.Wants(k.groups) && k.groupsField != "" {
		l.fields = append(l.fields, k.groupsField)
	}
	if l.members && k.membersField != "" && !k.has(OpMembers) {
		l.fields = append(l.fields, k.membersField)
	}
	l.status = k.active != nil && s.Wants(k.active) && k.has(OpStatus)
	l.isWhole = slices.Contains(l.fields, wholeRecord)
	return l
}

// everything is what a plan sees of a record.
func (k *kind) everything() look {
	l := k.lookFor(translators.Selection{All: true})
	l.isWhole = true
	return l
}

// sees reports whether a row has what is looked for. Where the configuration does not
// say what rows have, it is what stands in this one: an application leaves out of its
// rows what it tells of single records alone.
func (k *kind) sees(row gjson.Result, l look) bool {
	if l.hasETag || l.status {
		return false
	}
	if slices.Contains(k.config.Rows, wholeRecord) {
		return true
	}
	if l.isWhole {
		return false
	}
	return !slices.ContainsFunc(l.fields, func(field string) bool { return !k.rowHas(row, field) })
}

// rowHas reports whether a row tells of a field, were it that there is no value.
func (k *kind) rowHas(row gjson.Result, field string) bool {
	if len(k.config.Rows) > 0 {
		return slices.ContainsFunc(k.config.Rows, func(path string) bool {
			return path == wholeRecord || field == path || strings.HasPrefix(field, path+".")
		})
	}
	for name := range strings.SplitSeq(field, ".") {
		if strings.ContainsAny(name, `#\()`) || !row.IsObject() {
			return true // the elements of an array, or below null: what is there is all
		}
		if row = memberOf(row, name); !row.Exists() {
			return false
		}
	}
	return true
}

// memberOf returns the member of an object, whatever letters are in its name.
func memberOf(object gjson.Result, name string) (found gjson.Result) {
	object.ForEach(func(key, value gjson.Result) bool {
		if key.String() == name {
			found = value
			return false
		}
		return true
	})
	return found
}

// needsInto reports whether the answer that is put into the record under a name is
// looked for.
func (l look) needsInto(name string) bool {
	return l.isWhole || name == "" || slices.ContainsFunc(l.fields, func(field string) bool {
		return field == name || strings.HasPrefix(field, name+".")
	})
}

// withTargets adds to a selection what a filter looks at.
func withTargets(s translators.Selection, f scim.Filter) translators.Selection {
	s = s.WithTargets(f)
	s.Members = s.Members || slices.ContainsFunc(scim.Targets(f), func(target scim.Target) bool { return target.Attribute.IsReferenceSet() })
	return s
}
