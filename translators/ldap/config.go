// Package ldap is the translator for LDAP directories, the Caddy module
// scim.translators.ldap. It speaks to OpenLDAP; what another directory does
// otherwise is a profile.
package ldap

import (
	"sync"

	"github.com/caddyserver/caddy/v2"
	goldap "github.com/go-ldap/ldap/v3"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
	"github.com/scimgate/scimgate/translators/trust"
)

// Translator translates users and groups into the entries of an LDAP directory.
type Translator struct {
	// Servers are the addresses of the directory, ldap://, ldaps:// or ldapi://,
	// in order of preference: all requests go to the first that answers.
	// Placeholders are accepted, such as {env.LDAP_URL}.
	Servers []string `json:"servers,omitempty"`

	// Directory is the profile of the directory, openldap or generic. Default:
	// openldap.
	Directory string `json:"directory,omitempty"`

	// Generic describes the directory of the profile generic.
	Generic *GenericConfig `json:"generic,omitempty"`

	// BindDN is the account that scimgate signs in with. It is always protected:
	// no request changes, disables or removes it, or its membership of groups.
	// Placeholders are accepted.
	BindDN string `json:"bind_dn,omitempty"`

	// BindPassword is the password of BindDN. Give it as a placeholder, such as
	// {file./etc/scimgate/ldap} or {env.LDAP_PASSWORD}: it is read when a
	// connection signs in, and again when the directory refuses it.
	BindPassword string `json:"bind_password,omitempty"`

	// BindExternal signs in by SASL EXTERNAL (RFC 4513 section 5.2.3) instead of
	// by a password: with the client certificate of TLS, or over ldapi:// as the
	// user whom the process runs as. BindDN may then say who that is in the
	// directory. Default: it is asked (RFC 4532).
	BindExternal bool `json:"bind_external,omitempty"`

	// TLS says how the servers are verified. Default: by the system's roots.
	TLS *TLSConfig `json:"tls,omitempty"`

	// Connections tunes how many connections are used and how long is waited.
	Connections *ConnectionsConfig `json:"connections,omitempty"`

	// PasswordPolicy is the DN of the directory's default password policy. It
	// is read to find out that a lock is not enforced, where the directory does
	// not answer a bind with "account locked". It proves no disable: that it is
	// the policy that applies, nothing in the directory tells. Default: none.
	PasswordPolicy string `json:"password_policy,omitempty"`

	// Candidates bounds how many entries are read to finish a filter that the
	// directory can't evaluate. Default: 1000.
	Candidates int `json:"candidates,omitempty"`

	// PageSize is the size of a page when all entries are walked through; -1
	// is for a directory without the paging control. Default: 500.
	PageSize int `json:"page_size,omitempty"`

	// Users says where users are and how they are mapped.
	Users *ResourceConfig `json:"users,omitempty"`

	// Groups says where groups are and how they are mapped.
	Groups *ResourceConfig `json:"groups,omitempty"`

	// Schemas are the schemas that are defined here, in the form of RFC 7643 §7:
	// extensions of a resource type, and the schemas of Resources.
	Schemas []translators.SchemaConfig `json:"schemas,omitempty"`

	// Resources are further resource types, and where their entries are.
	Resources []TypeConfig `json:"resources,omitempty"`

	logger  *zap.Logger
	profile *profile
	bindDN  *goldap.DN // nil when scimgate does not sign in, or the configuration does not say as whom
	kinds   []*kind    // users before groups, others behind
	users   *kind      // nil when users are not served
	groups  *kind      // nil when groups are not served
	names   *nameCache
	places  *placeCache
	rules   *rules
	self    *identities
	telling *sync.Map // keyed by server: those that have said of an account that it is locked
	// holdersAtMost is defaultHoldersAtMost, but in tests.
	holdersAtMost int
	// unsorted are the kinds and sortKeys by which the directory has sorted otherwise than
	// scim.Sort, or not at all.
	unsorted *cache[struct{}]
	defined  *sync.Map // of time.Time: when the directory could evaluate a clause, see isDefined

	backend *backend       // kept after Cleanup, for the requests that are under way
	pool    *ldapconn.Pool // of backend
	key     backendKey     // of backend
	holds   bool           // whether this configuration counts as a user of backend
}

// TLSConfig says how the servers' certificates are verified.
type TLSConfig struct {
	// StartTLS upgrades ldap:// connections before signing in.
	StartTLS bool `json:"starttls,omitempty"`
	trust.Config
}

// ConnectionsConfig tunes the connections to the directory.
type ConnectionsConfig struct {
	// Shared is the number of connections that many requests share at a time.
	// Default: 2.
	Shared int `json:"shared,omitempty"`
	// InFlight bounds the requests under way on one of them. Default: 64.
	InFlight int `json:"in_flight,omitempty"`
	// Exclusive bounds the connections for walks through the directory, which
	// no other request shares. Default: 4.
	Exclusive int `json:"exclusive,omitempty"`
	// DialTimeout bounds connecting, StartTLS and signing in. Default: 5s.
	DialTimeout caddy.Duration `json:"dial_timeout,omitempty"`
	// RequestTimeout bounds one request to the directory. Default: 10s.
	RequestTimeout caddy.Duration `json:"request_timeout,omitempty"`
	// MaxAge is how long a connection is kept. Default: 30m.
	MaxAge caddy.Duration `json:"max_age,omitempty"`
}

// ResourceConfig says where the entries of one resource type are and how they
// are mapped.
type ResourceConfig struct {
	// Base is the entry below which they are searched.
	Base string `json:"base,omitempty"`
	// Scope is sub or one. Default: sub.
	Scope string `json:"scope,omitempty"`
	// Filter is an LDAP filter that entries must satisfy as well. Default: the
	// first object class.
	Filter string `json:"filter,omitempty"`
	// CreateIn is the entry below which new ones are added. Default: Base.
	CreateIn string `json:"create_in,omitempty"`
	// ObjectClasses are the object classes of new entries, the structural first.
	ObjectClasses []string `json:"object_classes,omitempty"`
	// RDN is the attribute that names an entry below its parent. It must be
	// mapped. Required but for groups, whose default is what displayName is mapped
	// to.
	RDN string `json:"rdn,omitempty"`
	// Maps are the mapped attributes. Of members (groups) and groups (users)
	// only the attribute that holds them is named: members is mapped to member,
	// uniqueMember or memberUid, groups to memberOf. What is remembered has no
	// attribute.
	Maps []translators.MapConfig `json:"maps,omitempty"`
	// Constants are attributes that new entries get besides those that are
	// mapped: what an object class demands and SCIM has no word for.
	Constants []ConstantConfig `json:"constants,omitempty"`
	// Delete says what DELETE means: remove, disable (users only) or refuse.
	// Required for users; any other DELETE is refused until it is said.
	Delete translators.DeleteMode `json:"delete,omitempty"`
	// Disable says how an account is disabled; all methods are applied, in
	// order. Users only. Without it, active is not served.
	Disable []DisableConfig `json:"disable,omitempty"`
	// Nested says what becomes of groups that are members of groups: show (they
	// are members like people) or flatten (the people in them are members, however
	// deep, and they themselves are not shown; a user's groups then have a type,
	// direct or indirect). Groups only. Default: show.
	Nested string `json:"nested,omitempty"`
	// Placeholder is the DN that stands in a group without members where the
	// object class demands one; it is hidden from answers. Default: the empty DN.
	Placeholder string `json:"placeholder,omitempty"`
}

// TypeConfig is a resource type besides users and groups, and where its entries
// are and how they are mapped. What is for users alone (Disable) or for groups
// alone (Placeholder) it can't have.
type TypeConfig struct {
	translators.ResourceTypeConfig
	ResourceConfig
}

// ConstantConfig is an attribute that every new entry gets. It is not looked at
// again: who changes it by hand keeps the change.
type ConstantConfig struct {
	Attribute string   `json:"attribute"`
	Values    []string `json:"values"`
}

// DisableConfig is one way of disabling an account.
type DisableConfig struct {
	// Method is password_policy, lock (of [GenericConfig]), attribute or move.
	Method string `json:"method"`
	// Attribute, Disabled and Enabled: the attribute is set to the one value or
	// to the other; an empty Enabled removes it. Method attribute.
	Attribute string `json:"attribute,omitempty"`
	Disabled  string `json:"disabled,omitempty"`
	Enabled   string `json:"enabled,omitempty"`
	// Container is the entry below which disabled accounts are moved; enabling
	// moves them back below CreateIn. Method move.
	Container string `json:"container,omitempty"`
}

// The methods of [DisableConfig].
const (
	DisableByPasswordPolicy = "password_policy"
	DisableByLock           = "lock"
	DisableByAttribute      = "attribute"
	DisableByMove           = "move"
)
