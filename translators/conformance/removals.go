package conformance

import (
	"slices"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// testDelete: what is deleted is gone, and its name is free for another.
func testDelete(h *host) {
	for _, t := range h.types() {
		if t.Delete != translators.DeleteRemove {
			continue
		}
		r, stays := h.full(t, 0), h.create(h.minimal(t))
		id := h.create(r)
		before := h.read(t, stays)
		deletion := h.deletion(t, id)
		if _, err := h.carry(deletion); err != nil {
			h.Fatalf("deleting the %s %s: %v", t.Name, id, err)
		}
		h.isGone(t, id, r)
		// Twice, as one finds it who has read before or not at all.
		if _, err := h.carry(deletion); err != nil {
			h.wantKind("deleting what has just been deleted", err, translators.NotFound)
		}
		_, err := h.carry(translators.Intent{Action: scim.ActionDelete, Type: t.ResourceType, ID: id})
		h.wantKind("deleting what is not there", err, translators.NotFound)
		h.sameState("after another was deleted", before, h.read(t, stays))
		again := h.create(r)
		if h.RefusesRename && t == h.users {
			continue // the name is the id, and whoever takes the one has the other
		}
		if again == id {
			h.Errorf("another %s has the id of one that was deleted", t.Name)
		}
		if h.find(t, id) != nil {
			h.Errorf("the deleted %s is back", t.Name)
		}
	}
}

// deletion is what the host makes of DELETE.
func (h *host) deletion(t *translators.Type, id string) translators.Intent {
	h.Helper()
	entries, err := h.Translator.Read(h.ctx(), t.ResourceType, []string{id}, translators.Selection{Attributes: []*scim.Attribute{nameAttribute(t)}})
	if err != nil || len(entries) != 1 {
		h.Fatalf("reading the %s %s: %d entries, %v", t.Name, id, len(entries), err)
	}
	return translators.Intent{Action: scim.ActionDelete, Type: t.ResourceType, ID: id, Before: entries[0]}
}

func (h *host) delete(t *translators.Type, id string) {
	h.Helper()
	if _, err := h.carry(h.deletion(t, id)); err != nil {
		h.Fatalf("deleting the %s %s: %v", t.Name, id, err)
	}
}

func (h *host) isGone(t *translators.Type, id string, r *scim.Resource) {
	h.Helper()
	name := nameAttribute(t)
	if h.find(t, id) != nil {
		h.Errorf("the deleted %s %s is still there", t.Name, id)
	}
	found, _ := h.search(t, name.Name+" eq "+quoted(r.Get(name).Text()), 2)
	h.sameIDs("looking up what is deleted", found, nil)
	if slices.Contains(h.scan(t, ""), id) {
		h.Errorf("a scan has the deleted %s", id)
	}
}

// testAbsence: a write to nobody is told to be one.
func testAbsence(h *host) {
	for _, t := range h.types() {
		gone := []string{"nobody", "00000000-0000-4000-8000-000000000000", "*"}
		if t.Delete == translators.DeleteRemove {
			id := h.create(h.minimal(t))
			h.delete(t, id)
			gone = append(gone, id)
		}
		for _, id := range gone {
			if h.find(t, id) != nil {
				h.Errorf("there is a %s %q", t.Name, id)
			}
			if t.Delete == translators.DeleteRemove {
				_, err := h.carry(translators.Intent{Action: scim.ActionDelete, Type: t.ResourceType, ID: id})
				h.wantKind("deleting "+id, err, translators.NotFound)
			}
			if t == h.groups && h.members() != nil && h.users != nil {
				_, err := h.tryUpdate(t, id, nil, &scim.MemberChange{Add: []string{h.user()}})
				h.wantKind("adding a member to "+id, err, translators.NotFound)
			}
		}
	}
}
