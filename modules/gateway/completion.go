package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// completer is a translator that keeps in the store what the backend has no place for.
type completer interface {
	Complete(ctx context.Context, t *scim.ResourceType, there *translators.Entry, texts map[*scim.Attribute]string) error
}

// complete brings into the store what the entry was to have remembered, where the
// backend has all of its own part and the store still has what was there before: the
// process has died between the two. It returns what is to be said of that. The backend
// is not written to.
func (r *reader) complete(ctx context.Context, there *translators.Entry, later []journal.Entry) (reason string, err error) {
	keeper, is := r.h.translator.(completer)
	if !is {
		return "", nil
	}
	texts := make(map[*scim.Attribute]string)
	var names []string
	for _, c := range r.entry.Changes {
		a := r.attribute(c.Attribute)
		if a == nil || !r.h.isRemembered(r.kind, a) {
			continue
		}
		value, isComparable, isNow := r.after(a, there, later)
		if !isNow || !isComparable || journal.SameValue(value, c.To) || !journal.SameValue(value, c.From) {
			continue
		}
		text, isWhole := keptText(a, c, r.key)
		if !isWhole {
			continue
		}
		texts[a] = text
		names = append(names, c.Attribute)
	}
	if len(texts) == 0 {
		return "", nil
	}
	r.completed = make(map[*scim.Attribute]bool, len(texts))
	for a := range texts {
		r.completed[a] = true
	}
	t, err := r.compare(there, later)
	if err != nil || !t.isAllWanted(r.entry) {
		r.completed = nil
		return "", err
	}
	if err := keeper.Complete(ctx, r.kind, there, texts); err != nil {
		r.completed = nil
		return "", err
	}
	slices.Sort(names)
	return "; what the gateway itself remembers was missing and was completed from this entry: " + strings.Join(names, ", "), nil
}

// keptText returns the text that an attribute was changed to, if the entry has it as it
// is: of what is private or long it has a hash.
func keptText(a *scim.Attribute, c journal.Change, key []byte) (text string, isWhole bool) {
	if !isKept(c) || c.Private {
		return "", false
	}
	if len(c.To) == 0 {
		return "", true
	}
	if err := json.Unmarshal(c.To, &text); err != nil {
		return "", false
	}
	return text, journal.SameValue(journal.ValueText(a, scim.String(text), key), c.To) && !journal.IsHash(text)
}
