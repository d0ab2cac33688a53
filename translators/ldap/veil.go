package ldap

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// What stands in print for the value of a secret and for that of a private
// attribute.
const (
	masked  = "********"
	private = "{private}"
)

// veil says what is not shown of the calls on entries of a kind.
type veil struct {
	secrets []string // attributes
	private []string // attributes
	// names are the private attributes of all kinds: an entry that others have made
	// may be named by one of them, and anything may refer to it.
	names []string
}

// veilOf is the veil of a kind.
func (t *Translator) veilOf(k *kind) veil {
	v := veil{secrets: k.secretFields(), private: k.privateFields()}
	for _, other := range t.kinds {
		v.names = append(v.names, other.privateFields()...)
	}
	return v
}

// secretFields are the attributes whose values are masked when printed.
func (k *kind) secretFields() []string { return k.fieldsOf((*translators.Leaf).IsSecret) }

// privateFields are the attributes whose values are private.
func (k *kind) privateFields() []string { return k.fieldsOf((*translators.Leaf).IsPrivate) }

func (k *kind) fieldsOf(is func(*translators.Leaf) bool) (names []string) {
	for _, l := range k.mapping.Leaves {
		if is(l) {
			names = append(names, l.Fields...)
		}
	}
	return names
}

// of returns what stands for the values of an attribute, "" for themselves.
func (v veil) of(attribute string) string {
	switch {
	case containsFold(v.secrets, attribute):
		return masked
	case containsFold(v.private, attribute):
		return private
	}
	return ""
}

// name returns the name of an entry without private values; what is no name, or has
// none, is returned as it is.
func (v veil) name(dn string) string {
	if !slices.ContainsFunc(v.names, func(a string) bool {
		return len(dn) > len(a) && strings.Contains(strings.ToLower(dn), strings.ToLower(a))
	}) {
		return dn
	}
	parsed, err := goldap.ParseDN(dn)
	if err != nil {
		return dn
	}
	hides := false
	for _, rdn := range parsed.RDNs {
		for _, part := range rdn.Attributes {
			if containsFold(v.names, part.Type) {
				part.Value, hides = private, true
			}
		}
	}
	if !hides {
		return dn
	}
	return parsed.String()
}

// unreadable is the error about a name that can't be parsed, so that nobody knows
// whether there is a private value in it.
func (v veil) unreadable(dn string, err error) error {
	if len(v.names) > 0 {
		return errors.New("reading the name of the entry, which is not shown because it may hold a private value")
	}
	return fmt.Errorf("reading the name %q: %w", dn, err)
}

func containsFold(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// veiled is why the directory refused a write; its own words are left out where they
// hold a private value that was sent.
func (k *kind) veiled(sent []goldap.Change, err error) error {
	fault, is := errors.AsType[*translators.Error](err)
	if !is || fault.Err == nil {
		return err
	}
	text := fault.Err.Error()
	if !slices.ContainsFunc(sent, func(c goldap.Change) bool {
		return containsFold(k.privateFields(), c.Modification.Type) &&
			slices.ContainsFunc(c.Modification.Vals, func(v string) bool { return v != "" && strings.Contains(text, v) })
	}) {
		return err
	}
	code := resultCode(err)
	copied := *fault
	copied.Err = &veiledError{err: fault.Err, text: fmt.Sprintf(
		"LDAP Result Code %d %q: the directory's message holds a private value and is not shown", code, goldap.LDAPResultCodeMap[code])}
	return &copied
}

// veiledError is an error with another text.
type veiledError struct {
	err  error
	text string
}

// Error implements error.
func (e *veiledError) Error() string { return e.text }

// Unwrap returns the error as it was.
func (e *veiledError) Unwrap() error { return e.err }

// checkPrivate refuses private attributes whose values stand elsewhere than in
// themselves: in the names and ids of entries, or in groups.
func (t *Translator) checkPrivate(k *kind) error {
	for _, l := range k.mapping.Leaves {
		if !l.Config.Private {
			continue
		}
		because := ""
		switch {
		case containsFold(l.Fields, k.rdnField):
			because = k.rdnField + " names the entries, and names stand in the journal and in logs"
		case containsFold(l.Fields, t.profile.id):
			because = t.profile.id + " is the id, which stands in the journal and in logs"
		case k == t.users && t.groups != nil && t.groups.memberField != "" && !t.groups.memberIsDN && containsFold(l.Fields, fieldUID):
			because = t.groups.memberField + " of groups holds it too"
		default:
			continue
		}
		return &translators.MapError{Path: l.Config.Path, Err: fmt.Errorf("it can't be private: %s. Remove private, or map another attribute", because)}
	}
	return nil
}
