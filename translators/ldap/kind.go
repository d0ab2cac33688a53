package ldap

import (
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// kind is a resource type as it was provisioned: users or groups.
type kind struct {
	config  *ResourceConfig
	mapping *translators.Mapping
	served  translators.Type

	base, createIn *goldap.DN // parsed once
	filter         string     // the LDAP filter of every search, compiled once
	rdn            *translators.Leaf

	active *scim.Attribute // users: nil when active is not served
	locks  []lock          // users: how accounts are disabled, in order

	memberField string // groups: the attribute that holds members; "" when members are not mapped
	memberIsDN  bool   // groups: whether it holds DNs, or bare login names (memberUid)
	needsMember bool   // groups: whether the object class demands a member
}

// handle is the Entry.Handle of this translator: the entry as it was read.
type handle struct {
	dn    string
	entry *goldap.Entry // the attributes that were asked for
}
