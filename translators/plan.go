package translators

import (
	"context"

	"github.com/scimgate/scimgate/scim"
)

// Intent is what must become true in the backend.
type Intent struct {
	Action scim.Action // create, update or delete
	Type   *scim.ResourceType
	ID     string // update, delete

	// Before is the present state; nil on create, and where nothing needed it
	// (a change of members alone). The translator then finds its target itself
	// and reports its absence as NotFound.
	Before *Entry
	// IsUnread says of a disable that the state before could not be read, and is not to be
	// asked for again: it is to be planned by the id alone ([Type.DisablesUnread]).
	IsUnread bool
	// After is the whole state wanted; nil on delete and where only members
	// change.
	After *scim.Resource
	// Changes is what differs between Before and After, and what is removed without
	// having been seen (see [scim.Difference]).
	Changes []scim.Difference
	// SetsActive says that the request sets active itself, to the value in After,
	// also where that does not differ: an account that counts as active and is
	// kept from signing in by a part of what disables is to be freed of it.
	SetsActive bool
	// Version is the version that the resource must still have when the first
	// call is made, where the caller has asked for that; else "". A backend that
	// can compare and set in one step does so and answers Changed; of others the
	// host has compared what it read in Before, while it held the lock.
	Version string
	// Members is what becomes of a group's members; nil when nothing does.
	Members *scim.MemberChange

	// References are resources that the intent names (members, manager) and that
	// the host has read already, by id.
	References map[string]*Entry

	// Lock holds the host's lock of another resource, one at a time: for a change that
	// a backend keeps there, such as the groups of a user in the user. nil where the
	// host has none.
	Lock func(ctx context.Context, t *scim.ResourceType, id string) (unlock func(), err error)

	// Offline forbids reading; the plan is for looking at only.
	Offline bool
}

// Plan is a list of calls in the order in which they must be made: what
// disables first, what enables last.
type Plan struct {
	Calls []Call
	// Proves says what must be read back after the calls.
	Proves ProofKind
	// Dropped are the paths of values that the mapping has no place for.
	Dropped []string
	// Data is the translator's own.
	Data any
}

// ProofKind is what a plan must prove.
type ProofKind string

// The kinds of proof.
const (
	ProofNone     ProofKind = ""
	ProofDisabled ProofKind = "disabled" // the account is off, and what enforces it is in force
	ProofEnabled  ProofKind = "enabled"  // the lock is gone
)

// Call is one write to the backend, as a value. Call values are not changed by
// being executed.
type Call interface {
	// String prints the call as an operator knows it, an LDIF record or an HTTP
	// request, secrets masked. What only an earlier call of the plan will tell
	// stands in braces: {1.id} is the id that the first call creates.
	String() string
	// Purpose says in a few words what the call is for: "lock the account".
	Purpose() string
	// Do makes the call. prior are the results of the calls before it.
	Do(ctx context.Context, prior []CallResult) CallResult
	// Settle finds out by reading what became of the call after Do ended with
	// an unknown outcome. It answers Unknown again when it can't be known.
	Settle(ctx context.Context, prior []CallResult) CallResult
	// Undo returns the call that takes this one back, or nil.
	Undo() Call
}

// Outcome is what became of a call.
type Outcome string

// The outcomes. A call that found the backend in the wanted state already is
// applied (DESIGN §4 rule 4).
const (
	Applied    Outcome = "applied"
	NotApplied Outcome = "not applied"
	Unknown    Outcome = "unknown"
)

// CallResult is what became of one call.
type CallResult struct {
	Outcome Outcome
	ID      string // of the resource that the call created
	Entry   *Entry // the resource after the call, where the backend told without being asked again
	Err     error  // why it was not applied, or why its outcome is unknown
	// IsUnchanged says of one that was applied that it has changed nothing, because all was
	// so already, or nothing was to be sent: there is nothing to take back.
	IsUnchanged bool
	// IsAlone says of one that was not applied that nothing else depends on it: the calls
	// behind it are made, and those before it stay.
	IsAlone bool
	// Remains says of an undo in a sentence for the provider what stays behind all the same.
	Remains string
	// IsSettled says of an unknown outcome that the call has looked itself: Settle is not
	// asked.
	IsSettled bool
	// Data is the translator's own: what its later calls have to know of this one.
	Data any
}

// Proof is what [Translator.Prove] found.
type Proof struct {
	Status ProofStatus
	// Detail says for the operator's log, and for the provider when the status
	// is Refuted, what is in the way: no names, no secrets.
	Detail string
	Entry  *Entry // the resource as it was read back, if it was read whole
	Err    error  // the fault that kept the proof from being made
}

// ProofStatus is the result of a proof.
type ProofStatus string

// The results of a proof.
const (
	NotNeeded  ProofStatus = "not needed"
	Proven     ProofStatus = "proven"
	Refuted    ProofStatus = "refuted"    // the account can be used although it should not, or the reverse
	Unprovable ProofStatus = "unprovable" // the backend accepted the change and can't tell whether it is enforced
)
