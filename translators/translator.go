// Package translators is the contract between a gateway and what stands behind
// it: how a resource is looked up, read, planned, written and proven in one
// backend. A translator is a Caddy module in the namespace scim.translators that
// implements [Translator]; one can be added with xcaddy build --with and never
// touch this repository. This package itself knows neither Caddy nor any
// backend.
//
// The conformance sub-package tests whether a translator keeps the contract.
package translators

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/scimgate/scimgate/scim"
)

// Translator speaks to one backend. All methods may be called by many
// goroutines at once, and honour the deadline of their context.
//
// Absence is only what the backend said explicitly: any fault, an incomplete
// answer or a refused connection is an *[Error] of another kind than NotFound,
// never an empty result (DESIGN §4 rule 1).
type Translator interface {
	// Types returns what the backend serves, users before groups. The result
	// is always the same and its resource types' pointers identify them.
	Types() []Type

	// Lease keeps the backend's connections open until release is called. The
	// host takes one for each request, before any other method, and releases it
	// once; a configuration that was replaced goes on serving its leases.
	Lease() (release func(), err error)

	// Search returns the entries that satisfy the query's filter, in no order,
	// at most Limit. What the backend can't evaluate is finished here on a
	// bounded set of candidates; a set that exceeds the bound is an *Error of
	// kind TooMany, never a shorter result.
	Search(ctx context.Context, q Query) (Result, error)

	// Scan yields the ids of all resources that satisfy the filter (nil: of
	// all), in no order, in one pass through the backend. An error ends it; what
	// came before is then not the answer.
	Scan(ctx context.Context, t *scim.ResourceType, filter scim.Filter) iter.Seq2[string, error]

	// ScanSorted is Scan in an order that the backend makes itself, the same as
	// that of [scim.Sort], and of equal values in the order of the ids. ok is false
	// where the backend can't make this order, or not now: the host then reads the
	// values and sorts, within a bound.
	ScanSorted(ctx context.Context, t *scim.ResourceType, filter scim.Filter, by scim.Sort) (ids iter.Seq2[string, error], ok bool)

	// Read returns the resources with these ids, in no order. An id that no
	// resource has is missing from the result and is no error. The number of
	// round trips does not grow with each id.
	Read(ctx context.Context, t *scim.ResourceType, ids []string, s Selection) ([]*Entry, error)

	// Plan turns an intent into the backend's calls, as values. It may read and
	// never writes. An intent that changes nothing has a plan without calls.
	// With Intent.Offline it does not read either, and what a read would have
	// told stands in the plan as a symbol in braces.
	Plan(ctx context.Context, in Intent) (*Plan, error)

	// Prove reads back whether the calls of an executed plan took effect where
	// Plan.Proves demands it. It is called while the host holds the lock of the
	// resource.
	Prove(ctx context.Context, p *Plan, done Report) Proof

	// Check looks whether the backend can do what the configuration asks of
	// it: reachable, signed in, locks visible and enforced. It writes nothing.
	Check(ctx context.Context) []Finding
}

// Defining is a [Translator] whose configuration can define schemas and resource
// types. It is asked while a Caddyfile is read, before it is provisioned.
type Defining interface {
	// FullTypes returns all types that the configuration knows.
	FullTypes() (FullTypes, error)
}

// RoundTripper is a [Translator] that can tell what of a resource would not be the same
// if it was written as it was read. It is asked by hand, for a check of the
// configuration against real data.
type RoundTripper interface {
	// RoundTrip looks at an entry that [Translator.Read] has brought with all of its
	// attributes. It writes nothing.
	RoundTrip(ctx context.Context, e *Entry) ([]Problem, error)
}

// DisabledFinder is a [Translator] that knows of an account that is disabled otherwise
// than by the search for its userName. Many backends leave the disabled out of a search,
// and a provider that does not find a person creates another one. It is asked by hand, for
// a check of the configuration against real data: what it does is too much to be done
// again and again.
type DisabledFinder interface {
	// FindDisabled looks for a user who is disabled, among a bounded number. It writes
	// nothing. It is [errors.ErrUnsupported] where the backend can't be asked.
	FindDisabled(ctx context.Context) (DisabledAccount, error)
}

// DisabledAccount is what a [DisabledFinder] has found.
type DisabledAccount struct {
	// Entry has at least the id and the userName; nil where nobody was found.
	Entry *Entry
	// Remedy is for the operator. With an entry it says what to change in the
	// configuration where the search does not find it, else why nobody was found and
	// how to have it tried. It is a part of a sentence, without a full stop.
	Remedy string
}

// Type is a resource type as one backend serves it.
type Type struct {
	*scim.ResourceType // narrowed to what is mapped

	Rules  []Rule     // on its attributes, enforced by policy
	Delete DeleteMode // what DELETE means
	// ChangesPassword is set when password is mapped.
	ChangesPassword bool
	// HasVersions is set when Meta.Version of every resource changes with each
	// write to it.
	HasVersions bool
	// LocksMembers is set where the members of a group can only be written all
	// together: the host then holds the lock of the group for a change of members
	// alone too, which needs none where each value comes or goes by itself.
	LocksMembers bool
	// ComesLate is set where a write that is not about active can make an account active,
	// because it carries the account as it was read, or where one that was given up can
	// reach the backend later ([MayComeLate]). A disable beside or behind such a write is
	// proven again.
	ComesLate bool
	// Lag is how long the backend may take to show what was written; 0: it shows it at
	// once. Gateways that share a store write about one resource that far apart.
	Lag time.Duration
	// DisablesUnread is set where an account can be disabled that can't be read: by its id
	// alone ([Intent.IsUnread]).
	DisablesUnread bool
	// EnablesFirst is set where an account has to be enabled before anything else of it can
	// be changed: the host then has an update that enables carried out in two parts.
	EnablesFirst bool
	// Remembered are the attributes of the type that the backend has no place for.
	// The host keeps their values. The translator neither gives nor takes any: it is
	// asked for none of them, finds none in an intent and none in a filter.
	Remembered []*scim.Attribute
}

// DeleteMode says what DELETE of a resource means. There is no default.
type DeleteMode string

// The meanings of DELETE.
const (
	DeleteRemove  DeleteMode = "remove"  // the entry is removed from the backend
	DeleteDisable DeleteMode = "disable" // the account is disabled and stays
	DeleteRefuse  DeleteMode = "refuse"  // DELETE is answered with 403
)

// Query is a bounded search.
type Query struct {
	Type      *scim.ResourceType
	Filter    scim.Filter // nil: everything
	Selection Selection
	Limit     int // at least 1
}

// Result is what a [Query] found.
type Result struct {
	Entries []*Entry
	More    bool // more than Limit resources satisfy the filter
}

// Entry is a resource as it was read.
type Entry struct {
	Resource *scim.Resource
	// Members yields a group's members; nil unless the selection asked for
	// them. It may read while it goes, and can be ranged over once.
	Members iter.Seq2[scim.Member, error]
	// Handle is the translator's own: what it needs to plan a write without
	// reading again. The host hands it back and does not look at it.
	Handle any
}

// Selection is what a read is to bring. The zero Selection brings the resource's
// id and meta alone.
type Selection struct {
	All        bool              // every mapped attribute but members
	Attributes []*scim.Attribute // and these
	Members    bool              // and the members of a group
	// Version demands Meta.Version also where it takes more than the resource itself
	// to tell it, because values of the resource are remembered elsewhere. A backend's
	// own version is there in any case. All demands it too.
	Version bool
}

// Wants reports whether the selection brings the attribute; of members it says
// nothing.
func (s Selection) Wants(a *scim.Attribute) bool {
	if a.IsReferenceSet() {
		return false
	}
	return s.All || slices.Contains(s.Attributes, a)
}

// WithTargets adds to the selection what a filter looks at.
func (s Selection) WithTargets(f scim.Filter) Selection {
	s.Attributes = slices.Clone(s.Attributes)
	for _, target := range scim.Targets(f) {
		if a := target.Attribute; !s.Wants(a) {
			s.Attributes = append(s.Attributes, a)
		}
	}
	return s
}

// Trim takes away what was read for a filter alone.
func (s Selection) Trim(r *scim.Resource) {
	for _, f := range slices.Clone(r.Fields()) {
		if !s.Wants(f.Attribute) {
			r.Set(f.Attribute, scim.Value{})
		}
	}
}

// Finding is what [Translator.Check] has to say.
type Finding struct {
	Level  Level
	Detail string // for the operator: what is wrong and what to do; no secrets
}

// Level is how bad a [Finding] is.
type Level string

// The levels of findings.
const (
	LevelOK      Level = "ok"
	LevelWarning Level = "warning" // something will not work as configured
	LevelError   Level = "error"   // nothing works
)
