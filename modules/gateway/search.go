package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// search answers a list (RFC 7644 §3.4.2). A filter that finds no more than a
// page is answered from one search; everything else is a walk: one scan of ids,
// of which each page is read by its ids.
func (x *exchange) search(ctx context.Context) {
	q := x.op.Query
	count := q.Count
	if count == scim.NoCount {
		count = x.h.limits.PageDefault
	}
	count = min(count, x.h.limits.PageMax)
	selection := selectionFor(x.op.Type, x.op.Projection)
	if q.Filter != nil && q.StartIndex == 1 {
		found, err := x.searchOnce(ctx, selection, count)
		if err != nil {
			x.fail(err)
			return
		}
		if !found.More {
			x.list(found.Entries[:min(count, len(found.Entries))], len(found.Entries), 1)
			return
		}
	}
	total, ids, err := x.page(ctx, q, count)
	if err != nil {
		x.fail(err)
		return
	}
	var entries []*translators.Entry
	if len(ids) > 0 {
		if entries, err = x.h.translator.Read(ctx, x.op.Type, ids, selection); err != nil {
			x.fail(err)
			return
		}
		sortByID(entries)
	}
	x.list(entries, total, q.StartIndex)
}

// searchOnce makes one bounded search. A search for the one resource that has a
// unique value never answers two: which of them is meant can't be guessed.
func (x *exchange) searchOnce(ctx context.Context, selection translators.Selection, count int) (translators.Result, error) {
	query := translators.Query{Type: x.op.Type, Filter: x.op.Query.Filter, Selection: selection, Limit: max(count, 1)}
	if count == 0 {
		query.Selection, query.Limit = translators.Selection{}, x.h.limits.PageDefault
	}
	one := isLookup(query.Filter)
	if one {
		query.Limit = max(query.Limit, 2)
	}
	found, err := x.h.translator.Search(ctx, query)
	if err != nil {
		return found, err
	}
	sortByID(found.Entries)
	if one && (len(found.Entries) > 1 || found.More) {
		var ids []string
		for _, entry := range found.Entries {
			ids = append(ids, entry.Resource.ID)
		}
		return found, &translators.Error{Kind: translators.Conflict, IDs: ids,
			Detail: "The backend holds several resources with this one value, so that the one that is meant can't be told. Make the value unique in the backend."}
	}
	return found, nil
}

// isLookup reports whether a filter asks for the one resource that has a value.
func isLookup(filter scim.Filter) bool {
	compare, ok := filter.(scim.Compare)
	return ok && compare.Operator == scim.Equal && compare.Target.Leaf().Uniqueness == scim.UniqueServer
}

// page returns how many resources the query has altogether, and the ids of
// those on its page. The first page begins a new walk.
func (x *exchange) page(ctx context.Context, q *scim.Query, count int) (total int, ids []string, err error) {
	key := walkKey{t: x.op.Type, caller: x.caller.Name}
	if q.Filter != nil {
		key.filter = q.Filter.String()
	}
	walk, err := x.h.walks.get(ctx, key, q.StartIndex <= 1, func(ctx context.Context, add func(id string) error) error {
		for id, err := range x.h.translator.Scan(ctx, x.op.Type, q.Filter) {
			if err != nil {
				return err
			}
			if err := add(id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return walk.len(), walk.slice(q.StartIndex-1, count), nil
}

// list answers with a ListResponse.
func (x *exchange) list(entries []*translators.Entry, total, startIndex int) {
	list := scim.NewListEncoder(takeBody(), scim.Page{Total: total, StartIndex: startIndex}, x.output())
	for _, entry := range entries {
		if err := list.Add(entry.Resource, x.op.Projection, entry.Members); err != nil {
			x.fail(err)
			return
		}
	}
	body := list.Finish()
	defer keepBody(body)
	x.answer(http.StatusOK, body)
}

func sortByID(entries []*translators.Entry) {
	slices.SortFunc(entries, func(a, b *translators.Entry) int { return strings.Compare(a.Resource.ID, b.Resource.ID) })
}
