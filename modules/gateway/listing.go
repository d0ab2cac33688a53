package gateway

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// listing is a search as a list: over one type, or over several of which one
// follows the other (RFC 7644 §3.4.2.1).
type listing struct {
	parts        []*scim.Operation // the search of each type
	query        *scim.Query       // how it is paged
	count        int               // resources on a page
	by           *scim.Sort        // the order of a part that has one; nil: by type and id
	isDescending bool
	caller       string
}

// listing returns the list that was asked for.
func (x *exchange) listing() *listing {
	l := &listing{parts: x.op.Parts, query: x.op.Query, count: x.op.Query.Count, caller: x.caller.Name}
	if x.op.Type != nil {
		l.parts = []*scim.Operation{x.op}
	}
	if l.count == scim.NoCount {
		l.count = x.h.limits.PageDefault
	}
	l.count = min(l.count, x.h.limits.PageMax)
	for _, part := range l.parts {
		// What is counted alone needs no order.
		if part.Query.Sort != nil && (l.count > 0 || !l.isFirst()) {
			l.by = part.Query.Sort
			l.isDescending = l.by.Descending
		}
	}
	return l
}

func (l *listing) isSorted() bool { return l.by != nil }

// sortOf returns what a type is sorted by; nil where it lacks the attribute or the
// list is not sorted.
func (l *listing) sortOf(part int) *scim.Sort {
	if l.by == nil {
		return nil
	}
	return l.parts[part].Query.Sort
}

// partOf returns the number of a type.
func (l *listing) partOf(t *scim.ResourceType) int {
	if len(l.parts) == 1 {
		return 0
	}
	return slices.IndexFunc(l.parts, func(part *scim.Operation) bool { return part.Type == t })
}

// keyOf returns what a resource of the list is sorted by.
func (l *listing) keyOf(r *scim.Resource) scim.SortKey {
	if by := l.sortOf(l.partOf(r.Type)); by != nil {
		return by.Key(r)
	}
	return scim.SortKey{}
}

func (l *listing) compare(a, b scim.SortKey) int { return l.by.CompareKeys(a, b) }

// isByCursor reports whether the list is paged by cursors (RFC 9865).
func (l *listing) isByCursor() bool { return l.query.Cursor != nil }

// isFirst reports whether the first page was asked for.
func (l *listing) isFirst() bool {
	if l.isByCursor() {
		return *l.query.Cursor == ""
	}
	return l.query.StartIndex <= 1
}

// isFiltered reports whether a filter narrows every type.
func (l *listing) isFiltered() bool {
	return !slices.ContainsFunc(l.parts, func(part *scim.Operation) bool { return part.Query.Filter == nil })
}

// key tells the list's walk from others.
func (l *listing) key() walkKey {
	var text []byte
	for i, part := range l.parts {
		text = strconv.AppendQuote(text, part.Type.Name)
		if part.Query.Filter != nil {
			text = strconv.AppendQuote(append(text, ' '), part.Query.Filter.String())
		}
		if by := l.sortOf(i); by != nil {
			text = append(append(text, " by "...), by.By.String()...)
		}
		text = append(text, ';')
	}
	if l.isDescending {
		text = append(text, "descending"...)
	}
	return walkKey{list: string(text), caller: l.caller}
}

// selection returns what an answer needs of the resources of a type, and what
// they are sorted by.
func (l *listing) selection(part int) translators.Selection {
	return withSort(selectionFor(l.parts[part].Type, l.parts[part].Projection), l.sortOf(part))
}

// sort puts entries in the order of the list.
func (l *listing) sort(entries []*translators.Entry) {
	byID := func(a, b *translators.Entry) int { return strings.Compare(a.Resource.ID, b.Resource.ID) }
	if len(l.parts) == 1 && !l.isSorted() {
		slices.SortFunc(entries, byID)
		return
	}
	keys := make(map[*translators.Entry]scim.SortKey, len(entries))
	for _, entry := range entries {
		keys[entry] = l.keyOf(entry.Resource)
	}
	slices.SortFunc(entries, func(a, b *translators.Entry) int {
		n := 0
		if l.isSorted() {
			n = l.compare(keys[a], keys[b])
		}
		return cmp.Or(n, cmp.Compare(l.partOf(a.Resource.Type), l.partOf(b.Resource.Type)), byID(a, b))
	})
}
