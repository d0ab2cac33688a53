package gateway

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// The bounds of a list when the operator sets none.
const (
	defaultWalk = 1_000_000 // resources in one list
	defaultSort = 100_000   // resources that are sorted here
)

// sortBatch is how many resources are read at a time to be sorted. What is read
// of them is let go with the batch, but for what they are sorted by.
const sortBatch = 1000

// walkThrough makes the walk of a list: the ids of what it shows, in its order.
func (h *Handler) walkThrough(ctx context.Context, l *listing) (*walk, error) {
	if !l.isSorted() || len(l.parts) == 1 && l.sortOf(0).By.Attribute == scim.AttributeID {
		w, err := h.scan(ctx, l, h.Limits.Walk, tooLong)
		if err == nil && l.isSorted() && l.isDescending {
			w.reverse()
			w.order = orderByIDDown
		}
		return w, err
	}
	if len(l.parts) == 1 {
		part := l.parts[0]
		if ids, ok := h.translator.ScanSorted(ctx, part.Type, part.Query.Filter, *l.sortOf(0)); ok {
			w := &walk{order: orderByValue}
			return w, w.addAll(ids, h.Limits.Walk, tooLong)
		}
	}
	return h.sortHere(ctx, l)
}

// scan makes a walk by ids, type by type.
func (h *Handler) scan(ctx context.Context, l *listing, most int, beyond func(int) error) (*walk, error) {
	w := new(walk)
	for i, part := range l.parts {
		from := w.len()
		if err := w.addAll(h.translator.Scan(ctx, part.Type, part.Query.Filter), most, beyond); err != nil {
			return nil, err
		}
		w.sort(from)
		for len(l.parts) > 1 && len(w.parts) < w.len() {
			w.parts = append(w.parts, uint8(i))
		}
	}
	return w, nil
}

// addAll adds what a scan yields, of all scans together no more than most (0 or
// less: any number).
func (w *walk) addAll(ids func(yield func(string, error) bool), most int, beyond func(int) error) error {
	for id, err := range ids {
		if err != nil {
			return err
		}
		if most > 0 && w.len() >= most {
			return beyond(most)
		}
		w.add(id)
	}
	return nil
}

func tooLong(most int) error {
	return &translators.Error{Kind: translators.TooMany, Detail: fmt.Sprintf(
		"The list has more than %d resources; narrow it with a filter, or raise \"limit walk\" in the gateway's configuration.", most)}
}

func tooLongToSort(most int) error {
	return &translators.Error{Kind: translators.TooMany, Detail: fmt.Sprintf(
		"The list has more than %d resources, too many to be sorted by the gateway; narrow it with a filter, leave sortBy out, have the directory sort, or raise \"limit sort\" in the gateway's configuration.", most)}
}

// sortable is a resource that is being sorted.
type sortable struct {
	key  scim.SortKey
	part uint8
	id   string
}

// sortHere makes a walk in an order that the backend does not make: what the
// resources are sorted by is read of all of them, within a bound. It is kept no
// longer than it takes.
func (h *Handler) sortHere(ctx context.Context, l *listing) (*walk, error) {
	most, beyond := h.Limits.Sort, tooLongToSort
	if h.Limits.Walk > 0 && (most <= 0 || h.Limits.Walk < most) {
		most, beyond = h.Limits.Walk, tooLong
	}
	ids, err := h.scan(ctx, l, most, beyond)
	if err != nil {
		return nil, err
	}
	all := make([]sortable, 0, ids.len())
	for start := 0; start < ids.len(); {
		part := ids.part(start)
		end := start
		for end < ids.len() && end-start < sortBatch && ids.part(end) == part {
			end++
		}
		if all, err = h.appendSortables(ctx, all, l, part, ids.slice(start, end-start)); err != nil {
			return nil, err
		}
		start = end
	}
	slices.SortFunc(all, func(a, b sortable) int {
		return cmp.Or(l.compare(a.key, b.key), cmp.Compare(a.part, b.part), strings.Compare(a.id, b.id))
	})
	w := &walk{order: orderByValue}
	for _, s := range all {
		w.add(s.id)
		if len(l.parts) > 1 {
			w.parts = append(w.parts, s.part)
		}
	}
	return w, nil
}

// appendSortables appends the resources of one type with these ids. One that is
// not there any more is left out.
func (h *Handler) appendSortables(ctx context.Context, all []sortable, l *listing, part uint8, ids []string) ([]sortable, error) {
	by, t := l.sortOf(int(part)), l.parts[part].Type
	if by == nil || by.By.Attribute == scim.AttributeID {
		for _, id := range ids {
			r := scim.NewResource(t)
			r.ID = id
			all = append(all, sortable{l.keyOf(r), part, id})
		}
		return all, nil
	}
	entries, err := h.translator.Read(ctx, t, ids, withSort(translators.Selection{}, by))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		all = append(all, sortable{l.keyOf(entry.Resource), part, strings.Clone(entry.Resource.ID)})
	}
	return all, nil
}

// withSort adds to a selection what a list is sorted by.
func withSort(s translators.Selection, by *scim.Sort) translators.Selection {
	if by == nil || by.By.Attribute == scim.AttributeID || by.By.Attribute == scim.AttributeMeta || s.Wants(by.By.Attribute) {
		return s // id and meta come always
	}
	s.Attributes = append(slices.Clone(s.Attributes), by.By.Attribute)
	return s
}
