package remember

import (
	"context"
	"fmt"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Complete remembers texts of a resource that is there, by their attributes. It is for
// what a process that was killed has left undone behind its write to the backend, and
// writes to the store alone. The entry was read with what is remembered of it; if
// something else is remembered by now, that is an error.
func (t *Translator) Complete(ctx context.Context, rt *scim.ResourceType, there *translators.Entry, texts map[*scim.Attribute]string) error {
	k := t.kindOf(rt)
	h, _ := there.Handle.(*handle)
	if k == nil || h == nil || !h.isKnown {
		return fmt.Errorf("completing what is remembered of %s: it was not read", there.Resource.ID)
	}
	var changes []change
	for a, text := range texts {
		own := k.remembered(a)
		if own == nil {
			return fmt.Errorf("completing what is remembered of %s: %s is not", there.Resource.ID, a)
		}
		if why := unfit(text); why != "" {
			return fmt.Errorf("completing what is remembered of %s: %s: %s", there.Resource.ID, a, why)
		}
		changes = append(changes, change{attribute: own, before: h.values.text(own), after: text})
	}
	return t.memory.write(ctx, k, there.Resource.ID, changes, h.values.digest())
}
