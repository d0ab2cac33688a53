package scim

// ChangeOp is what a change does at its path (RFC 7644 §3.5.2).
type ChangeOp string

// The kinds of changes.
const (
	Add     ChangeOp = "add"
	Remove  ChangeOp = "remove"
	Replace ChangeOp = "replace"
)

// Change is one step of an update. PUT and PATCH both become a list of changes,
// applied in order and all or none by [Apply].
type Change struct {
	Op    ChangeOp
	Path  Path
	Value Value // of the path's type; absent for a Remove of everything at the path
}

// MemberChange is what a whole request does to the members of a group, folded
// by member id without looking at the present members: the last word about a
// member counts. Add and Remove have no id in common and keep the order in which
// the ids were first named.
type MemberChange struct {
	ReplaceAll bool // the members become exactly Add
	Add        []string
	Remove     []string // empty when ReplaceAll
}

// IsEmpty reports whether m changes nothing whatever the present members are.
func (m *MemberChange) IsEmpty() bool {
	return m == nil || !m.ReplaceAll && len(m.Add) == 0 && len(m.Remove) == 0
}

// Difference is an attribute whose value an operation changes. Before and After
// are whole values of the attribute, either of them may be absent. Both are where
// what is never shown, such as a password, is removed: nobody knows what it was.
type Difference struct {
	Attribute *Attribute
	Before    Value
	After     Value
}
