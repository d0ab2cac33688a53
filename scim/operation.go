package scim

// Action is what an [Operation] asks for.
type Action string

// The actions.
const (
	ActionCreate Action = "create"
	ActionRead   Action = "read"
	ActionSearch Action = "search"
	ActionUpdate Action = "update" // PUT and PATCH
	ActionDelete Action = "delete"
	// ActionDiscover asks what the gateway can do (RFC 7644 §4). ID is the path,
	// for [Discovery.Answer]; there is no Type.
	ActionDiscover Action = "discover"
	// ActionSearchNone is a search for users or groups at a gateway that does
	// not serve them. It is to be answered with an empty list: Entra probes
	// /Groups even where no groups are provisioned (entra.md §3). There is no
	// Type, and no Filter in the Query.
	ActionSearchNone Action = "search none"
	// ActionSearchAll is a search over several resource types at once, at the
	// root (RFC 7644 §3.4.2.1). Parts are the searches of the single types; there
	// is no Type.
	ActionSearchAll Action = "search all"
	// ActionBulk is a list of operations in one request (RFC 7644 §3.7), for
	// which Bulk stands; there is no Type.
	ActionBulk Action = "bulk"
)

// Operation is a request in canonical form: what is asked, whoever asked it
// (RFC 7644 §3.2).
type Operation struct {
	Action     Action
	Type       *ResourceType
	ID         string        // read, update, delete; "" where IsMe is set
	Resource   *Resource     // create
	Changes    []Change      // update
	Members    *MemberChange // create and update of a group; nil when members are not named
	Query      *Query        // search; of ActionSearchAll how it is paged alone
	Projection Projection
	// Condition is what must hold of the resource's version.
	Condition Condition
	// Parts are the searches of ActionSearchAll, one for each type that can have
	// what is asked for, in the order of the Decoder's types. Each has a Type, a
	// Projection, and a Query with the Filter and Sort of that type.
	Parts []*Operation
	// Bulk are the operations of ActionBulk.
	Bulk *Bulk

	// IsMe is set where /Me was asked for (RFC 7644 §3.11): the resource is the
	// user whom the caller stands for, whom the host has to find.
	IsMe bool

	// IsPut is set where PUT was called; it counts for the answer alone.
	IsPut bool
	// Ignored are the paths of the request that no attribute is mapped for,
	// as they were written, without duplicates. They were dropped and are to be
	// logged.
	Ignored []string
}

// Active returns what the operation sets active to, and whether it sets it at
// all. The last change counts.
func (op *Operation) Active() (active, isSet bool) {
	if op.Resource != nil {
		return op.Resource.IsActive()
	}
	for _, c := range op.Changes {
		if c.Path.Attribute.Name == "active" && c.Path.Sub == nil && isCoreSchema(c.Path.Attribute.schema) {
			if c.Op == Remove {
				active, isSet = false, false
				continue
			}
			active, isSet = c.Value.IsTrue(), c.Value.Kind() == KindBool
		}
	}
	return active, isSet
}

// SplitDisable returns the disabling part of an update that sets active to
// false, and what remains to be done after it, or nil when nothing does. An
// operation that does not disable is returned as rest.
func (op *Operation) SplitDisable() (disable, rest *Operation) {
	if active, isSet := op.Active(); op.Action != ActionUpdate || !isSet || active {
		return nil, op
	}
	return op.splitActive(false)
}

// SplitEnable returns the enabling part of an update that sets active to true, and what
// remains to be done after it, as [Operation.SplitDisable] does.
func (op *Operation) SplitEnable() (enable, rest *Operation) {
	if active, isSet := op.Active(); op.Action != ActionUpdate || !isSet || !active {
		return nil, op
	}
	return op.splitActive(true)
}

// splitActive separates what sets active from the rest.
func (op *Operation) splitActive(active bool) (alone, rest *Operation) {
	d, r := *op, *op
	d.Changes, r.Changes = nil, nil
	d.Members, d.Ignored = nil, nil
	for _, c := range op.Changes {
		if c.Path.Attribute.Name == "active" && isCoreSchema(c.Path.Attribute.schema) {
			d.Changes = []Change{{Op: Replace, Path: Path{Attribute: c.Path.Attribute}, Value: Bool(active)}}
		} else {
			r.Changes = append(r.Changes, c)
		}
	}
	if len(r.Changes) == 0 && r.Members.IsEmpty() {
		return &d, nil
	}
	return &d, &r
}

// Query is a search (RFC 7644 §3.4.2).
type Query struct {
	Filter     Filter // nil: everything
	StartIndex int    // 1 or more
	Count      int    // 0 or more; NoCount when not given
	// Sort is the order of the answer; nil: by id.
	Sort *Sort
	// Cursor is set where the list is paged by cursors (RFC 9865): "" asks for
	// the first page, anything else is what an answer gave as nextCursor or
	// previousCursor. nil: by StartIndex.
	Cursor *string
}

// NoCount is the Count of a query that did not ask for a number of results.
const NoCount = -1
