package gateway

import (
	"context"
	"net/http"
	"slices"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// search answers a list (RFC 7644 §3.4.2). A filter that finds no more than a
// page is answered from one search of each type; everything else is a walk: one
// scan of ids, of which each page is read by its ids.
func (x *exchange) search(ctx context.Context) {
	l := x.listing()
	c, err := x.cursorOf(l)
	if err != nil {
		x.fail(err)
		return
	}
	if l.isFirst() && l.isFiltered() {
		found, isAll, err := x.searchOnce(ctx, l)
		if err != nil {
			x.fail(err)
			return
		}
		if isAll {
			x.list(l, found[:min(l.count, len(found))], scim.Page{Total: len(found)})
			return
		}
	}
	w, err := x.h.walks.get(ctx, l.key(), l.isFirst(), func(ctx context.Context) (*walk, error) { return x.h.walkThrough(ctx, l) })
	if err != nil {
		x.fail(err)
		return
	}
	start, end, err := x.pageOf(ctx, l, w, c)
	if err != nil {
		x.fail(err)
		return
	}
	entries, err := x.readPage(ctx, l, w, start, end)
	if err != nil {
		x.fail(err)
		return
	}
	page := scim.Page{Total: w.len()}
	if l.isByCursor() {
		x.turn(&page, l, w, start, end, entries)
	}
	x.list(l, entries, page)
}

// searchOnce makes one bounded search of each type, and reports whether that was
// all and fits the first page. A search for the one resource that has a unique
// value never answers two: which of them is meant can't be guessed.
func (x *exchange) searchOnce(ctx context.Context, l *listing) (found []*translators.Entry, isAll bool, err error) {
	for i, part := range l.parts {
		query := translators.Query{Type: part.Type, Filter: part.Query.Filter, Limit: max(l.count, 1)}
		if l.count == 0 {
			query.Limit = x.h.limits.PageDefault
		} else {
			query.Selection = l.selection(i)
		}
		one := isLookup(query.Filter)
		if one {
			query.Limit = max(query.Limit, 2)
		}
		result, err := x.h.translator.Search(ctx, query)
		if err != nil {
			return nil, false, err
		}
		if one && (len(result.Entries) > 1 || result.More) {
			return nil, false, ambiguous(result.Entries)
		}
		if found = append(found, result.Entries...); result.More || l.count > 0 && len(found) > l.count {
			return nil, false, nil
		}
	}
	l.sort(found)
	return found, true, nil
}

func ambiguous(entries []*translators.Entry) error {
	var ids []string
	for _, entry := range entries {
		ids = append(ids, entry.Resource.ID)
	}
	slices.Sort(ids)
	return &translators.Error{Kind: translators.Conflict, IDs: ids,
		Detail: "The backend holds several resources with this one value, so that the one that is meant can't be told. Make the value unique in the backend."}
}

// isLookup reports whether a filter asks for the one resource that has a value.
func isLookup(filter scim.Filter) bool {
	compare, ok := filter.(scim.Compare)
	return ok && compare.Operator == scim.Equal && compare.Target.Leaf().Uniqueness != scim.UniqueNone
}

// pageOf returns which part of the walk was asked for.
func (x *exchange) pageOf(ctx context.Context, l *listing, w *walk, c *cursor) (start, end int, err error) {
	switch {
	case c != nil:
		if start, err = x.placeOf(ctx, l, w, c); err != nil {
			return 0, 0, err
		}
		if c.backward {
			return max(0, start-l.count), start, nil
		}
	case !l.isByCursor():
		start = min(max(l.query.StartIndex-1, 0), w.len())
	}
	return start, start + min(l.count, w.len()-start), nil
}

// readPage reads the resources of a part of the walk, in its order. Those that
// were deleted meanwhile are missing.
func (x *exchange) readPage(ctx context.Context, l *listing, w *walk, start, end int) ([]*translators.Entry, error) {
	var entries []*translators.Entry
	for i, part := range l.parts {
		var ids []string
		if w.parts == nil {
			ids = w.slice(start, end-start)
		} else {
			for at := start; at < end; at++ {
				if int(w.part(at)) == i {
					ids = append(ids, w.id(at))
				}
			}
		}
		if len(ids) == 0 {
			continue
		}
		read, err := x.h.translator.Read(ctx, part.Type, ids, l.selection(i))
		if err != nil {
			return nil, err
		}
		sortAs(read, ids)
		entries = append(entries, read...)
	}
	if w.parts == nil || w.order == orderByID {
		return entries, nil
	}
	return interleave(entries, l, w, start, end), nil
}

// sortAs puts entries in the order of their ids.
func sortAs(entries []*translators.Entry, ids []string) {
	places := make(map[string]int, len(ids))
	for i, id := range ids {
		places[id] = i
	}
	slices.SortFunc(entries, func(a, b *translators.Entry) int { return places[a.Resource.ID] - places[b.Resource.ID] })
}

// interleave puts entries of several types, each in the order of the walk, into
// the order in which the walk has the types.
func interleave(entries []*translators.Entry, l *listing, w *walk, start, end int) []*translators.Entry {
	type name struct {
		part uint8
		id   string
	}
	read := make(map[name]*translators.Entry, len(entries))
	for _, entry := range entries {
		read[name{uint8(l.partOf(entry.Resource.Type)), entry.Resource.ID}] = entry
	}
	ordered := entries[:0]
	for at := start; at < end; at++ {
		if entry := read[name{w.part(at), w.id(at)}]; entry != nil {
			ordered = append(ordered, entry)
		}
	}
	return ordered
}

// searchNone answers a search for a type that is not served.
func (x *exchange) searchNone() {
	l := x.listing()
	if _, err := x.cursorOf(l); err != nil {
		x.fail(err)
		return
	}
	x.list(l, nil, scim.Page{})
}

// list answers with a ListResponse.
func (x *exchange) list(l *listing, entries []*translators.Entry, page scim.Page) {
	if !l.isByCursor() {
		page.StartIndex = l.query.StartIndex
	}
	list := scim.NewListEncoder(takeBody(), page, x.output())
	for _, entry := range entries {
		if err := list.Add(entry.Resource, l.parts[l.partOf(entry.Resource.Type)].Projection, entry.Members); err != nil {
			x.fail(err)
			return
		}
	}
	body := list.Finish()
	defer keepBody(body)
	x.answer(http.StatusOK, body)
}
