package rest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// The bounds of looking for somebody who is disabled.
const (
	mostListed   = 200 // rows of the list
	mostLookedAt = 20  // records, where the rows do not tell
)

// FindDisabled implements [translators.DisabledFinder]. It goes through the first of the
// list.
func (t *Translator) FindDisabled(ctx context.Context) (translators.DisabledAccount, error) {
	k := t.users
	switch {
	case !k.readsActive:
		return translators.DisabledAccount{Remedy: "whether an account is active can't be read; map active"}, nil
	case !k.has(OpList):
		return translators.DisabledAccount{Remedy: "without a list call nobody is known; add list, or name somebody who is disabled by the id: --user <id>"}, nil
	case k.name == nil:
		return translators.DisabledAccount{Remedy: "userName is not mapped"}, nil
	}
	wanted := translators.Selection{Attributes: []*scim.Attribute{k.name, k.active}}
	look, rows, reads := k.lookFor(wanted), 0, 0
	look.hasETag = false
	var found *handle
	err := t.eachRow(ctx, k, inquiry{list: true}, 0, func(h *handle) error {
		if rows++; rows > mostListed {
			return errEnough
		}
		if h.isUnsure || !k.sees(h.record, look) {
			if reads++; reads > mostLookedAt {
				return errEnough
			}
			there, err := t.record(ctx, k, h.id, look)
			if err != nil || there == nil {
				return err
			}
			h = there
		}
		if active, isKnown := t.isActive(k, h); isKnown && !active {
			found = h
			return errEnough
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, errEnough):
		return translators.DisabledAccount{}, err
	case found == nil:
		return translators.DisabledAccount{Remedy: fmt.Sprintf(
			"nobody who is disabled is among the first %d of the list, or the list hides them too; disable somebody, and name them by the id: --user <id>", min(rows, mostListed))}, nil
	}
	return translators.DisabledAccount{Entry: &translators.Entry{Resource: t.resourceOf(k, found, wanted), Handle: found},
		Remedy: fmt.Sprintf("have the call find all (%s), such as by a parameter of the application's like status=*, or add another search line that finds those who are disabled: the rows of both are united",
			strings.Join(k.searches(), ", "))}, nil
}

// searches are the calls by which somebody is looked up, as they stand in the
// configuration.
func (k *kind) searches() (calls []string) {
	for _, s := range k.steps[OpSearch] {
		for _, target := range s.attributes() {
			if target.Attribute == k.name {
				calls = append(calls, s.config.Method+" "+s.config.URL)
			}
		}
	}
	if len(calls) == 0 {
		for _, s := range k.steps[OpList] {
			calls = append(calls, s.config.Method+" "+s.config.URL)
		}
	}
	return calls
}

// Interface guard
var _ translators.DisabledFinder = (*Translator)(nil)
