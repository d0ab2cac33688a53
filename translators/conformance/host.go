package conformance

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// host does with a translator what a gateway does with it.
type host struct {
	*testing.T
	Backend
	users, groups *translators.Type   // nil when not served
	others        []*translators.Type // what else is served

	secrets []string            // what no plan may show
	targets map[string][]string // ids to refer to, by the name of their type
}

func newHost(t *testing.T, b Backend) *host {
	if b.Many == 0 {
		b.Many = defaultMany
	}
	if b.Members == 0 {
		b.Members = defaultMembers
	}
	if b.Awkward == nil {
		b.Awkward = AwkwardTexts
	}
	h := &host{T: t, Backend: b}
	types := b.Translator.Types()
	for i := range types {
		switch types[i].Name {
		case "User":
			h.users = &types[i]
		case "Group":
			h.groups = &types[i]
		default:
			h.others = append(h.others, &types[i])
		}
	}
	return h
}

// types returns what is served.
func (h *host) types() []*translators.Type {
	return slices.DeleteFunc(append([]*translators.Type{h.users, h.groups}, h.others...), func(t *translators.Type) bool { return t == nil })
}

// typeNamed returns the type of that name, nil when it is not served.
func (h *host) typeNamed(name string) *translators.Type {
	for _, t := range h.types() {
		if strings.EqualFold(t.Name, name) {
			return t
		}
	}
	return nil
}

// members returns the attribute members of groups, nil when it is not served.
func (h *host) members() *scim.Attribute {
	if h.groups == nil {
		return nil
	}
	return h.groups.Attribute("members")
}

// requestTimeout bounds each step, so that a translator that hangs fails.
const requestTimeout = time.Minute

func (h *host) ctx() context.Context {
	ctx, cancel := context.WithTimeout(h.Context(), requestTimeout)
	h.Cleanup(cancel)
	return ctx
}

// everything is what the host asks for when nothing was asked for in particular.
var everything = translators.Selection{All: true}

// state is a resource as it was read, with its members.
type state struct {
	*scim.Resource
	members []scim.Member // by id
}

func (s *state) memberIDs() []string {
	ids := make([]string, len(s.members))
	for i, m := range s.members {
		ids[i] = m.ID
	}
	return ids
}

// find reads a resource; nil is absence.
func (h *host) find(t *translators.Type, id string) *state {
	h.Helper()
	selection := everything
	selection.Members = t == h.groups && h.members() != nil
	entries, err := h.Translator.Read(h.ctx(), t.ResourceType, []string{id}, selection)
	if err != nil {
		h.Fatalf("reading the %s %s: %v", t.Name, id, err)
	}
	if len(entries) == 0 {
		return nil
	}
	if len(entries) > 1 || entries[0].Resource.ID != id {
		h.Fatalf("reading the %s %s: got %s", t.Name, id, idsOf(entries))
	}
	return h.see(t, entries[0], selection)
}

// read is find of what must be there.
func (h *host) read(t *translators.Type, id string) *state {
	h.Helper()
	s := h.find(t, id)
	if s == nil {
		h.Fatalf("there is no %s %s", t.Name, id)
	}
	return s
}

// see checks that an entry holds what was asked for and nothing else, and reads
// its members.
func (h *host) see(t *translators.Type, e *translators.Entry, selection translators.Selection) *state {
	h.Helper()
	r := e.Resource
	if r.Type != t.ResourceType {
		h.Errorf("%s: its type is not the one that was asked for", r.ID)
	}
	if r.ID == "" {
		h.Errorf("a %s has no id", t.Name)
	}
	for _, f := range r.Fields() {
		a := f.Attribute
		switch {
		case !slices.Contains(t.Attributes(), a):
			h.Errorf("%s: %s is not of the type", r.ID, a)
		case !selection.Wants(a):
			h.Errorf("%s: %s was not asked for", r.ID, a)
		case a.Returned == scim.ReturnedNever:
			h.Errorf("%s: %s must never be returned", r.ID, a)
		}
		for _, item := range f.Value.Items() {
			for _, sub := range item.Fields() {
				if !slices.Contains(a.SubAttributes, sub.Attribute) {
					h.Errorf("%s: %s is not of the type", r.ID, sub.Attribute)
				}
			}
		}
	}
	s := &state{Resource: r}
	if e.Members == nil {
		if selection.Members {
			h.Errorf("%s: the members were asked for and are missing", r.ID)
		}
		return s
	}
	if !selection.Members {
		h.Errorf("%s: the members were not asked for", r.ID)
	}
	for m, err := range e.Members {
		if err != nil {
			h.Fatalf("reading the members of %s: %v", r.ID, err)
		}
		s.members = append(s.members, m)
	}
	slices.SortFunc(s.members, func(a, b scim.Member) int { return strings.Compare(a.ID, b.ID) })
	if ids := s.memberIDs(); len(slices.Compact(slices.Clone(ids))) < len(ids) || slices.Contains(ids, "") {
		h.Errorf("%s: members stand twice or have no id: %q", r.ID, ids)
	}
	return s
}

func (h *host) path(t *translators.Type, text string) scim.Path {
	h.Helper()
	path, err := scim.ParsePath(t.ResourceType, text)
	if err != nil {
		h.Fatalf("the path %s: %v", text, err)
	}
	return path
}

// search returns the ids that a search finds, sorted, and whether there are
// more. The filter is nil for "".
func (h *host) search(t *translators.Type, filter string, limit int) (ids []string, more bool) {
	h.Helper()
	result, err := h.Translator.Search(h.ctx(), translators.Query{
		Type: t.ResourceType, Filter: h.filter(t, filter), Selection: everything, Limit: limit})
	if err != nil {
		h.Fatalf("searching %s: %v", filter, err)
	}
	if len(result.Entries) > limit {
		h.Errorf("searching %s: %d resources, asked for at most %d", filter, len(result.Entries), limit)
	}
	for _, e := range result.Entries {
		h.see(t, e, everything)
	}
	return idsOf(result.Entries), result.More
}

func (h *host) filter(t *translators.Type, text string) scim.Filter {
	h.Helper()
	if text == "" {
		return nil
	}
	f, err := scim.ParseFilter(t.ResourceType, text, scim.FilterLimits{})
	if err != nil {
		h.Fatalf("the filter %s: %v", text, err)
	}
	return f
}

// scan returns the ids of everything that satisfies the filter, sorted.
func (h *host) scan(t *translators.Type, filter string) []string {
	h.Helper()
	var ids []string
	for id, err := range h.Translator.Scan(h.ctx(), t.ResourceType, h.filter(t, filter)) {
		if err != nil {
			h.Fatalf("scanning %s: %v", filter, err)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) < len(ids) {
		h.Errorf("scanning %s: an id came twice", filter)
	}
	return ids
}

func idsOf(entries []*translators.Entry) []string {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.Resource.ID
	}
	slices.Sort(ids)
	return ids
}

// sameIDs compares two sets of ids.
func (h *host) sameIDs(what string, got, want []string) {
	h.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		if len(got)+len(want) > 20 {
			h.Errorf("%s: %d ids, want %d", what, len(got), len(want))
			return
		}
		h.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// sameState fails unless both are the same to the letter.
func (h *host) sameState(when string, before, after *state) {
	h.Helper()
	for _, d := range scim.Diff(before.Resource, after.Resource) {
		h.Errorf("%s: %s was %s and is %s", when, d.Attribute, show(d.Before), show(d.After))
	}
	h.sameIDs(when+": members", after.memberIDs(), before.memberIDs())
}
