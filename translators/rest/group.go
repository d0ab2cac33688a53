package rest

import (
	"context"
	"fmt"
	"iter"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// isFixed reports whether there are groups that the configuration names.
func (k *kind) isFixed() bool { return len(k.config.Fixed) > 0 }

// eachFixed calls each for the groups that the configuration names.
func (t *Translator) eachFixed(k *kind, each func(*handle) error) error { return nil }

// groupsOf returns the groups that a user's record names.
func (t *Translator) groupsOf(ctx context.Context, k *kind, h *handle) (scim.Value, error) {
	var elements []scim.Value
	for _, id := range idsAt(k.groupsField, h) {
		elements = append(elements, scim.Complex(scim.Field{Attribute: k.groups.Sub("value"), Value: scim.String(id)}))
	}
	return scim.List(elements...), nil
}

// membersOf yields the members that a group's record names.
func (t *Translator) membersOf(ctx context.Context, k *kind, h *handle) iter.Seq2[scim.Member, error] {
	return func(yield func(scim.Member, error) bool) {
		for _, id := range idsAt(k.membersField, h) {
			if !yield(scim.Member{ID: id, Type: "User"}, nil) {
				return
			}
		}
	}
}

// idsAt returns the ids at a path of a record.
func idsAt(field string, h *handle) (ids []string) {
	path, err := document.ParsePath(field)
	if err != nil {
		return nil
	}
	for _, v := range path.Get(h.record) {
		if id := idText(v); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// planMembers plans what becomes of the members of a group, behind all else.
func (t *Translator) planMembers(ctx context.Context, k *kind, in translators.Intent, plan *translators.Plan) error {
	if in.Members.IsEmpty() {
		return nil
	}
	return &translators.Error{Kind: translators.Refused,
		Detail: fmt.Sprintf("The application has no call that changes the members of a %s. Configure add_member and remove_member, or set_members.", k.served.Name)}
}
