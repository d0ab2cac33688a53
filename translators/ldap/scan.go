package ldap

import (
	"context"
	"errors"
	"iter"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Scan implements [translators.Translator]. It asks for nothing but ids, unless
// the filter has to be finished here, on at most Candidates entries.
func (t *Translator) Scan(ctx context.Context, rt *scim.ResourceType, filter scim.Filter) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		k := t.kindOf(rt)
		asked, err := t.ask(ctx, k, filter)
		switch {
		case err != nil:
			yield("", err)
		case asked.filter == nothing:
		case asked.rest != nil:
			t.scanMatching(ctx, k, asked, filter, yield)
		default:
			t.scanIDs(ctx, k, asked.filter, yield)
		}
	}
}

// scanIDs yields the ids of all entries that satisfy an LDAP filter.
func (t *Translator) scanIDs(ctx context.Context, k *kind, filter clause, yield func(string, error) bool) {
	err := t.walk(ctx, k, filter, []string{t.profile.id}, 0, func(e *goldap.Entry) error {
		id, ok := t.profile.readID(e)
		if !ok {
			return t.hiddenID()
		}
		if !yield(id, nil) {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		fault := t.fault
		if filter == everything {
			fault = t.wholeFault
		}
		yield("", fault("walking through "+k.served.Name, err))
	}
}

// scanMatching yields the ids of those candidates that satisfy the rest of a
// filter.
func (t *Translator) scanMatching(ctx context.Context, k *kind, asked inquiry, filter scim.Filter, yield func(string, error) bool) {
	s := translators.Selection{}.WithTargets(asked.rest)
	found, more, err := t.searchUpTo(ctx, k, asked.filter, t.attributesOf(k, s), t.Candidates)
	if err == nil && more {
		err = t.tooWide(filter)
	}
	var entries []*translators.Entry
	if err == nil {
		entries, err = t.entriesOf(ctx, k, found, s)
	}
	if err != nil {
		yield("", err)
		return
	}
	for _, e := range entries {
		if scim.Match(asked.rest, e.Resource) && !yield(e.Resource.ID, nil) {
			return
		}
	}
}
