package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
)

// profile is what distinguishes one kind of directory from another. It holds
// values alone: a further directory is a further value.
type profile struct {
	name string

	// id is the operational attribute that holds an entry's immutable id.
	// assertID returns an id's assertion value, not yet escaped for a filter, and
	// false for what can't be the id of any entry. readID is its reverse.
	id       string
	assertID func(id string) (value string, ok bool)
	readID   func(e *goldap.Entry) (id string, ok bool)
	// foldsIDs is set where the directory may take two ids for one that are not
	// written alike.
	foldsIDs bool

	created, modified string // operational, generalized time; "" if there is none
	version           string // changes with each write of the entry; "" if there is none

	lock     string // the attribute by which the directory itself locks an account; "" if there is none
	locked   string // its value that means disabled; any other is something else, such as a temporary lockout
	unlocked string // its value that means enabled; "" when it has none then

	// The controls that are used, "" where the directory has none:
	assertionControl string // RFC 4528, guards a write by a filter
	postReadControl  string // RFC 4527, the entry after a write
	pagingControl    string // RFC 2696
	sortingControl   string // RFC 2891; only asked for where the directory advertises it
	// optional are those of them that are used only where the directory
	// advertises them.
	optional []string

	// isGeneric is set for a directory of which nothing is known but what the
	// configuration says. It has no password policy that could be read.
	isGeneric bool
	tells     *tell // how it tells that an account is locked; nil when that is not known
}

// openLDAP is the profile of OpenLDAP 2.4 and later with the overlays ppolicy
// and memberof.
var openLDAP = &profile{
	name:   "openldap",
	id:     "entryUUID",
	lock:   "pwdAccountLockedTime",
	locked: "000001010000Z",

	assertID: func(id string) (string, bool) { return id, isUUID(id) },
	readID: func(e *goldap.Entry) (string, bool) {
		id := strings.ToLower(e.GetEqualFoldAttributeValue("entryUUID"))
		return id, isUUID(id)
	},

	created:  "createTimestamp",
	modified: "modifyTimestamp",
	version:  "entryCSN",

	assertionControl: "1.3.6.1.1.12",
	postReadControl:  "1.3.6.1.1.13.2",
	pagingControl:    "1.2.840.113556.1.4.319",
	sortingControl:   "1.2.840.113556.1.4.473",
}

// findProfile returns the profile of that name; "" is openldap.
func findProfile(name string, generic *GenericConfig) (*profile, error) {
	switch {
	case name == genericName && generic == nil:
		return nil, errors.New("directory generic: it has to be described, at least by its id: directory generic { id entryUUID uuid }")
	case name == genericName:
		return generic.profile()
	case name != "" && name != openLDAP.name:
		return nil, fmt.Errorf("directory %q is not known; use one of %s, %s", name, genericName, openLDAP.name)
	case generic != nil:
		return nil, fmt.Errorf("directory %s needs no description: remove the block, or write directory generic", openLDAP.name)
	}
	return openLDAP, nil
}

// operational are the attributes that every resource is read with.
func (p *profile) operational() []string {
	var names []string
	for _, name := range []string{p.id, p.created, p.modified, p.version} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// meta reads an entry's times and version.
func (p *profile) meta(e *goldap.Entry) scim.Meta {
	return scim.Meta{
		Created:      generalizedTime(e, p.created),
		LastModified: generalizedTime(e, p.modified),
		Version:      e.GetEqualFoldAttributeValue(p.version),
	}
}

// isOutdated reports whether an entry has another version than the one demanded.
func (p *profile) isOutdated(e *goldap.Entry, demanded string) bool {
	if demanded == "" || p.version == "" || e == nil {
		return false
	}
	version := e.GetEqualFoldAttributeValue(p.version)
	return version != "" && version != demanded
}

// control is the control of that number if requests are to be sent with it, ""
// otherwise.
func (t *Translator) control(ctx context.Context, oid string) string {
	if oid == "" || !slices.Contains(t.profile.optional, oid) {
		return oid
	}
	// What the server says is remembered; where it says nothing, all is done
	// without.
	if root, err := t.pool.RootDSE(ctx); err != nil || !root.HasControl(oid) {
		return ""
	}
	return oid
}

// idFilter returns the assertion that an entry has that id; ok is false when no
// entry can have it.
func (p *profile) idFilter(id string) (filter string, ok bool) {
	value, ok := p.assertID(id)
	if !ok {
		return "", false
	}
	return "(" + p.id + "=" + goldap.EscapeFilter(value) + ")", true
}

// generalizedTime reads an operational time; the zero time when there is none.
func generalizedTime(e *goldap.Entry, attribute string) time.Time {
	raw := e.GetEqualFoldAttributeValue(attribute)
	for _, layout := range []string{"20060102150405Z0700", "200601021504Z0700"} {
		// A fraction of a second is accepted although the layout has none.
		if t, err := time.Parse(layout, raw); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// isUUID reports whether id is a UUID in its canonical form (RFC 9562 §4): an id
// is compared exactly (RFC 7643 §3.1), and the ids that scimgate gives are in
// lower case.
func isUUID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}
