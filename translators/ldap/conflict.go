package ldap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// explain says more about why the directory refused a write: which value is
// taken, by one search for those that can be. values are what the write was to
// set, id the resource that may have them already.
func (t *Translator) explain(ctx context.Context, k *kind, id string, values []goldap.Change, err error) error {
	err = k.veiled(values, err)
	switch resultCode(err) {
	case goldap.LDAPResultEntryAlreadyExists, goldap.LDAPResultConstraintViolation:
		taken := t.taken(ctx, k, id, values)
		switch {
		case taken != nil:
			return t.conflict(taken, err)
		case resultCode(err) == goldap.LDAPResultEntryAlreadyExists:
			return t.conflict(k.rdn, err)
		case slices.ContainsFunc(k.secretFields(), func(name string) bool { return hasField(values, name) }):
			return &translators.Error{Kind: translators.Invalid, Err: err, Path: "password",
				Detail: "password: the directory refuses a value, probably the password: its policy may find it too short, too simple or used before."}
		}
	case goldap.LDAPResultOther, goldap.LDAPResultOperationsError, goldap.LDAPResultInvalidDNSyntax:
		if k.isLongName(values) {
			path := k.rdn.Path.String()
			return &translators.Error{Kind: translators.Invalid, Err: err, Path: path, Detail: fmt.Sprintf(
				"%s: the directory does not take the value as the name of an entry; it is probably too long. Shorten it at the provider.", path)}
		}
	case goldap.LDAPResultUndefinedAttributeType:
		if t.profile.lock != "" && hasField(values, t.profile.lock) {
			return &translators.Error{Kind: translators.Refused, Err: err, Path: "active",
				Detail: "The directory does not know the attribute " + t.profile.lock + ", by which accounts are to be disabled: " +
					"load the overlay with the password policy, or correct the lock of directory generic, or choose another method of disable."}
		}
	}
	return err
}

// longName is from how many bytes on the value that names an entry may be too long
// for a directory. slapd's mdb keeps a name twice in a key of 511 bytes, so that
// it takes about 240, and reports no more than an internal error (80) beyond.
const longName = 200

// isLongName reports whether a write gives an entry a name that may be too long.
func (k *kind) isLongName(values []goldap.Change) bool {
	return slices.ContainsFunc(values, func(c goldap.Change) bool {
		return strings.EqualFold(c.Modification.Type, k.rdnField) &&
			slices.ContainsFunc(c.Modification.Vals, func(v string) bool { return len(v) > longName })
	})
}

// unmade is the result of settling a write that the directory has not made. Of a
// name that is too long its answer says more than that it is not there.
func (k *kind) unmade(purpose string, values []goldap.Change) translators.CallResult {
	if k.isLongName(values) {
		return translators.CallResult{Outcome: translators.NotApplied}
	}
	return notApplied(purpose)
}

// conflict is the error for a leaf whose value another entry has.
func (t *Translator) conflict(l *translators.Leaf, err error) error {
	path := l.Path.String()
	return &translators.Error{Kind: translators.Conflict, Path: path, Err: err,
		Detail: fmt.Sprintf("%s: another entry of the directory has this value already.", path)}
}

// identifying are the paths whose values a directory may demand to be unique,
// those of the matching attributes first.
var identifying = []string{"userName", "externalId", "emails", "employeeNumber", "displayName"}

// taken returns the first leaf whose new value another resource has, nil when
// none has or that can't be found out.
func (t *Translator) taken(ctx context.Context, k *kind, id string, changes []goldap.Change) *translators.Leaf {
	type candidate struct {
		leaf  *translators.Leaf
		field string
		value string
	}
	var candidates []candidate
	for _, l := range k.identifyingLeaves() {
		for _, c := range changes {
			if c.Operation == goldap.DeleteAttribute || !slices.ContainsFunc(l.Fields, func(f string) bool { return strings.EqualFold(f, c.Modification.Type) }) {
				continue
			}
			for _, v := range c.Modification.Vals {
				candidates = append(candidates, candidate{l, c.Modification.Type, v})
			}
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	filters := make([]string, len(candidates))
	for i, c := range candidates {
		filters[i] = equality(c.field, c.value, true)
	}
	attributes := []string{t.profile.id}
	for _, c := range candidates {
		attributes = append(attributes, c.field)
	}
	entries, err := t.search(ctx, k.request(anyOf(filters), attributes, 0))
	if err != nil {
		return nil
	}
	for _, c := range candidates {
		for _, e := range entries {
			owner, _ := t.profile.readID(e)
			if owner != id && slices.ContainsFunc(attributeValues(e, c.field), func(v string) bool { return foldValue(v) == foldValue(c.value) }) {
				return c.leaf
			}
		}
	}
	return nil
}

// identifyingLeaves are the leaf that names entries, those of the paths that a
// directory may demand to be unique, and those that a schema says are.
func (k *kind) identifyingLeaves() []*translators.Leaf {
	var leaves []*translators.Leaf
	add := func(l *translators.Leaf) {
		if l != nil && !l.IsSecret() && !l.IsReference() && l.IsWritable() && !slices.Contains(leaves, l) {
			leaves = append(leaves, l)
		}
	}
	for _, name := range identifying {
		a := k.mapping.Type.Attribute(name)
		for _, l := range k.mapping.Leaves {
			if a != nil && l.Path.Attribute == a && isValue(l.Path) {
				add(l)
			}
		}
	}
	for _, l := range k.mapping.Leaves {
		if l.Path.Leaf().Uniqueness != scim.UniqueNone {
			add(l)
		}
	}
	add(k.rdn)
	return leaves
}

// isValue reports whether a path is a simple attribute or the value of an element.
func isValue(p scim.Path) bool { return p.Sub == nil || p.Sub.Name == "value" }
