package gateway

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// read answers GET of one resource (RFC 7644 §3.4.1), with 304 and no body where
// the caller has this version (§3.14).
func (x *exchange) read(ctx context.Context) {
	selection := selectionFor(x.op.Type, x.op.Projection)
	selection.Version = selection.Version || !x.op.Condition.IsNone()
	entry, err := x.readOne(ctx, x.op.Type, x.op.ID, selection)
	if err != nil {
		x.fail(err)
		return
	}
	if c := x.op.Condition; !c.IsNone() {
		if err := x.unmet(scim.Condition{Match: c.Match}, entry.Resource); err != nil {
			x.fail(err)
			return
		}
		if x.unmet(c, entry.Resource) != nil {
			x.unchanged(entry.Resource)
			return
		}
	}
	x.resourceAnswer(http.StatusOK, entry)
}

// unchanged answers that the caller has what there is.
func (x *exchange) unchanged(r *scim.Resource) {
	x.placed(http.StatusNotModified, scim.Location(x.edge.baseURL(), r), r)
	x.answer(http.StatusNotModified, nil)
}

// readOne reads a resource; its absence is a 404.
func (x *exchange) readOne(ctx context.Context, t *scim.ResourceType, id string, s translators.Selection) (*translators.Entry, error) {
	entries, err := x.h.translator.Read(ctx, t, []string{id}, s)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, notFound(t, id)
	}
	return entries[0], nil
}

func notFound(t *scim.ResourceType, id string) error {
	return &scim.Error{Status: http.StatusNotFound, Detail: "There is no " + t.Name + " with the id " + quoteID(id) + "."}
}

// quoteID returns what a caller gave as an id in a form that is safe to show.
func quoteID(id string) string {
	const most = 80
	if len(id) > most {
		id = id[:most] + "…"
	}
	return strconv.Quote(id)
}

// selectionFor returns what an answer with that projection needs.
func selectionFor(t *scim.ResourceType, p scim.Projection) translators.Selection {
	if p.IsDefault() {
		return translators.Selection{All: true, Members: true}
	}
	s := translators.Selection{Version: p.Wants(scim.AttributeMeta)}
	for _, a := range t.Attributes() {
		switch {
		case !p.Wants(a):
		case a.IsReferenceSet():
			s.Members = true
		default:
			s.Attributes = append(s.Attributes, a)
		}
	}
	return s
}

// wantsMembers reports whether resources of the type have members that an
// answer with that projection shows.
func wantsMembers(t *scim.ResourceType, p scim.Projection) bool {
	shows := func(a *scim.Attribute) bool { return a.IsReferenceSet() && p.Wants(a) }
	return slices.ContainsFunc(t.Schema.Attributes, shows) ||
		slices.ContainsFunc(t.Extensions, func(s *scim.Schema) bool { return slices.ContainsFunc(s.Attributes, shows) })
}

// mostWide is how many requests at a time may read the members of groups to show
// them. Each holds some MiB for a group of thousands; more of them at once are no
// faster, only larger.
const mostWide = 4

// showsMembers reports whether an operation asks for groups with their members.
func showsMembers(op *scim.Operation) bool {
	switch op.Action {
	case scim.ActionRead, scim.ActionSearch:
		return wantsMembers(op.Type, op.Projection)
	}
	return slices.ContainsFunc(op.Parts, showsMembers)
}
