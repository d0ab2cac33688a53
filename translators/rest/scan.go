package rest

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Scan implements [translators.Translator]. Without a filter it takes the rows of list
// alone, and has no bound; with one at most Candidates rows are looked at.
func (t *Translator) Scan(ctx context.Context, rt *scim.ResourceType, filter scim.Filter) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		k := t.kindOf(rt)
		if filter == nil {
			t.scanAll(ctx, k, yield)
			return
		}
		found, more, err := t.gather(ctx, k, filter, translators.Selection{}, t.Candidates)
		if err == nil && more {
			err = t.tooWide(k)
		}
		if err != nil {
			yield("", fmt.Errorf("walking through %s: %w", k.served.Name, err))
			return
		}
		for _, h := range found {
			if !yield(h.id, nil) {
				return
			}
		}
	}
}

// scanAll yields the ids of all rows, and of what was written a moment ago and is not
// among them yet.
func (t *Translator) scanAll(ctx context.Context, k *kind, yield func(string, error) bool) {
	asked, err := t.inquire(k, nil)
	seen := make(map[string]bool)
	var unsure []string // rows that do not tell whether they count as absent
	readUnsure := func() error {
		there, err := t.records(ctx, k, unsure, look{})
		unsure = unsure[:0]
		for _, h := range there {
			if !yield(h.id, nil) {
				return errEnough
			}
		}
		return err
	}
	if err == nil {
		err = t.eachRow(ctx, k, asked, 0, func(h *handle) error {
			seen[h.id] = true
			if t.backend.writes.expects(k, h.id) { // it may be gone
				there, err := t.recordAwaited(ctx, k, h.id, look{})
				if err != nil || there == nil {
					return err
				}
			} else if h.isUnsure {
				if unsure = append(unsure, h.id); len(unsure) == 4*atOnce {
					return readUnsure()
				}
				return nil
			}
			if !yield(h.id, nil) {
				return errEnough
			}
			return nil
		})
	}
	if err == nil && len(unsure) > 0 {
		err = readUnsure()
	}
	for _, id := range t.backend.writes.unseen(k, nil, seen) {
		if err != nil {
			break
		}
		var there *handle
		if there, err = t.recordAwaited(ctx, k, id, look{}); err == nil && there != nil && !yield(id, nil) {
			return
		}
	}
	if err != nil && !errors.Is(err, errEnough) {
		yield("", fmt.Errorf("walking through %s: %w", k.served.Name, err))
	}
}

// ScanSorted implements [translators.Translator]. No application is asked for an order.
func (t *Translator) ScanSorted(context.Context, *scim.ResourceType, scim.Filter, scim.Sort) (iter.Seq2[string, error], bool) {
	return nil, false
}
