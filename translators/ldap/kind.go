package ldap

import (
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// kind is a resource type as it was provisioned: users, groups, or one that the
// operator defines.
type kind struct {
	config  *ResourceConfig
	mapping *translators.Mapping
	served  translators.Type

	base, createIn *goldap.DN // parsed once
	baseKey        string     // nameKey of base
	scope          int
	filter         string // the LDAP filter of every search, compiled once
	rdn            *translators.Leaf
	rdnField       string // the attribute that names an entry; one of rdn's
	references     []*translators.Leaf
	folding        []*translators.Leaf // see isFolding

	active *scim.Attribute // users: nil when active is not served
	locks  []lock          // users: how accounts are disabled, in order

	groups      *scim.Attribute // users: nil when groups are not served
	groupsField string          // users: the attribute with the names of groups

	display     []string        // groups: the attributes behind displayName, for showing them
	members     *scim.Attribute // groups: nil when members are not mapped
	memberField string          // groups: the attribute that holds members; "" when they are not mapped
	memberIsDN  bool            // groups: whether it holds DNs, or bare login names (memberUid)
	isFlat      bool            // groups: whether the people in groups of a group are shown as its members
	needsMember bool            // groups: whether the object class demands a member
	placeholder string          // groups: nameKey of the member that stands for none
}

// handle is the Entry.Handle of this translator: the entry as it was read.
type handle struct {
	dn    string
	entry *goldap.Entry // the attributes that were asked for
}

// kindOf returns the kind that a resource type of [Translator.Types] is; nil
// for any other.
func (t *Translator) kindOf(rt *scim.ResourceType) *kind {
	for _, k := range t.kinds {
		if k.served.ResourceType == rt {
			return k
		}
	}
	return nil
}

// request is a search for entries of the kind that satisfy filter, which may be
// "" for all. A sizeLimit of 0 is no limit but the directory's.
func (k *kind) request(filter string, attributes []string, sizeLimit int) *goldap.SearchRequest {
	if filter == "" {
		filter = k.filter
	} else {
		filter = "(&" + k.filter + filter + ")"
	}
	return goldap.NewSearchRequest(k.config.Base, k.scope, goldap.NeverDerefAliases,
		sizeLimit, 0, false, filter, attributes, nil)
}
