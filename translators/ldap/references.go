package ldap

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	goldap "github.com/go-ldap/ldap/v3"
	"golang.org/x/sync/errgroup"

	"github.com/scimgate/scimgate/translators"
)

// How many entries one search asks for by their ids or names, and how many of
// these searches are under way at a time for one request. Larger batches do not
// make slapd faster; more at a time would keep other requests waiting.
const (
	batchSize    = 200
	batchesAhead = 4
)

// locate returns the entries of that kind with these ids, by id, each with the
// attributes named and no others. An id that no entry has is missing from the
// result.
func (t *Translator) locate(ctx context.Context, k *kind, ids []string, attributes []string) (map[string]*goldap.Entry, error) {
	filters := make([]string, 0, len(ids))
	for _, id := range ids {
		if f, ok := t.profile.idFilter(id); ok {
			filters = append(filters, f)
		}
	}
	attributes = t.withID(attributes)
	found := make(map[string]*goldap.Entry, len(filters))
	var mu sync.Mutex
	err := inBatches(ctx, filters, func(ctx context.Context, batch []string) error {
		entries, err := t.search(ctx, k.request(anyOf(batch), attributes, 0))
		if err != nil {
			return t.batchFault("reading entries by id", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, e := range entries {
			id, ok := t.profile.readID(e)
			if !ok {
				return t.hiddenID()
			}
			if found[id] != nil {
				return t.notDistinctID(k, id)
			}
			found[id] = e
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// notDistinctID is what it means when two entries have one id: which of them is
// meant nobody knows.
func (t *Translator) notDistinctID(k *kind, id string) error {
	return &translators.Error{Kind: translators.Unavailable, Detail: fmt.Sprintf(
		"Two entries of the directory have the %s %q, which is the id of a %s. Correct one of them, or name another attribute as the id in directory generic.", t.profile.id, id, k.served.Name)}
}

// reference is the resource behind a name.
type reference struct {
	id      string
	display string // "" when it was not asked for or has none
	kind    *kind
	parents []string // the names of the groups that a group is in; nil when they were not asked for
}

// detail is what is looked up of a name.
type detail int

const (
	idAlone     detail = iota
	withDisplay        // and of a group how it is called
	withParents        // and which groups it is in
)

// resolution is what became of a request's names and ids: it is the
// [translators.References] with which entries are decoded.
type resolution struct {
	byName map[string]reference   // by nameKey
	byID   map[string]namedMember // by id
	above  map[string]reference   // the groups of users and those that these are in; nil when they are not shown
}

// Name implements [translators.References].
func (r *resolution) Name(l *translators.Leaf, id string) (string, bool) {
	m, ok := r.byID[id]
	return m.name, ok && (m.kind == nil || m.kind.isTargetOf(l))
}

// ID implements [translators.References].
func (r *resolution) ID(l *translators.Leaf, name string) (string, bool) {
	ref, ok := r.byName[nameKey(name)]
	return ref.id, ok && ref.kind.isTargetOf(l)
}

// isTargetOf reports whether a leaf may refer to resources of the kind.
func (k *kind) isTargetOf(l *translators.Leaf) bool {
	return l.MayReferTo(k.served.Name)
}

// resolve finds the resources behind names for showing them: what was found
// within the last minute is not asked for again. A name that is not a served
// resource's is missing from the result.
func (t *Translator) resolve(ctx context.Context, texts []string) (*resolution, error) {
	r := &resolution{byName: make(map[string]reference, len(texts))}
	unknown := make(map[string]name)
	for _, text := range texts {
		key := nameKey(text)
		if ref, known := t.names.get(key); !known {
			unknown[key] = newName(text)
		} else if ref.kind != nil {
			r.byName[key] = ref
		}
	}
	found, err := t.lookUp(ctx, slices.Collect(maps.Values(unknown)), withDisplay)
	if err != nil {
		return nil, err
	}
	for key := range unknown {
		ref := found[key]
		t.names.put(key, ref) // also that it is nobody's
		if ref.kind != nil {
			r.byName[key] = ref
		}
	}
	return r, nil
}

// forget drops what is remembered of a name, because the entry was written.
func (t *Translator) forget(dn string) { t.names.drop(nameKey(dn)) }

// lookUp reads the resources behind names, by their keys, each in the kind below
// whose base it lies.
func (t *Translator) lookUp(ctx context.Context, names []name, with detail) (map[string]reference, error) {
	found := make(map[string]reference, len(names))
	for _, k := range t.kinds {
		var asked []name
		for _, n := range names {
			if _, is := found[n.key]; !is && n.rdn != "" && isBelowKey(n.key, k.baseKey) {
				asked = append(asked, n)
			}
		}
		if err := t.lookUpKind(ctx, k, asked, with, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// lookUpKind adds those of the names to found that are resources of that kind.
// They are asked for by the values in their RDNs, many at a time, which costs
// the directory an index lookup each.
func (t *Translator) lookUpKind(ctx context.Context, k *kind, names []name, with detail, found map[string]reference) error {
	attributes := []string{t.profile.id}
	parents := ""
	if with >= withDisplay && k == t.groups {
		attributes = append(attributes, k.display...)
		if with == withParents {
			parents = t.users.groupsField
			attributes = append(attributes, parents)
		}
	}
	var mu sync.Mutex
	note := func(key string, e *goldap.Entry) error {
		id, ok := t.profile.readID(e)
		if !ok {
			return t.hiddenID()
		}
		mu.Lock()
		defer mu.Unlock()
		ref := reference{id: id, display: firstValue(e, k.display), kind: k}
		if parents != "" {
			ref.parents = attributeValues(e, parents)
		}
		found[key] = ref
		return nil
	}
	return inBatches(ctx, names, func(ctx context.Context, batch []name) error {
		asked := make(map[string]name, len(batch))
		filters := make([]string, len(batch))
		for i, n := range batch {
			asked[n.key], filters[i] = n, n.rdn
		}
		entries, err := t.search(ctx, k.request(anyOf(filters), attributes, 0))
		isWhole := err == nil
		if code := resultCode(err); err != nil && code != goldap.LDAPResultSizeLimitExceeded && code != goldap.LDAPResultAdminLimitExceeded {
			return t.fault("looking up names", err)
		}
		strangers := 0
		for _, e := range entries {
			key := nameKey(e.DN)
			if _, is := asked[key]; !is {
				strangers++
				continue
			}
			delete(asked, key)
			if err := note(key, e); err != nil {
				return err
			}
		}
		if isWhole && strangers == 0 {
			return nil // what is left has no entry: it would have been among the answers
		}
		// Entries that share an RDN with those asked for, or whose names the
		// directory writes in a way that only it knows to be the same.
		return t.lookUpEach(ctx, k, asked, attributes, note)
	})
}

// lookUpEach reads names one by one, a few at a time.
func (t *Translator) lookUpEach(ctx context.Context, k *kind, names map[string]name, attributes []string, note func(string, *goldap.Entry) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4 * batchesAhead)
	for key, n := range names {
		group.Go(func() error {
			e, err := t.readName(ctx, k, n.text, attributes)
			if err != nil || e == nil {
				return err
			}
			return note(key, e)
		})
	}
	return group.Wait()
}

// readName reads the entry of that name if it is a resource of that kind; nil
// when it is none, or does not exist.
func (t *Translator) readName(ctx context.Context, k *kind, dn string, attributes []string) (*goldap.Entry, error) {
	request := k.request("", attributes, 0)
	request.BaseDN, request.Scope = dn, goldap.ScopeBaseObject
	entries, err := t.search(ctx, request)
	switch code := resultCode(err); {
	case code == goldap.LDAPResultNoSuchObject, code == goldap.LDAPResultInvalidDNSyntax:
		return nil, nil // the very entry that was asked for does not exist
	case err != nil:
		return nil, t.fault("reading an entry by name", err)
	case len(entries) == 0:
		return nil, nil
	}
	return entries[0], nil
}

// inBatches calls do for batches of items, a few at a time, until one fails.
func inBatches[T any](ctx context.Context, items []T, do func(context.Context, []T) error) error {
	if len(items) <= batchSize {
		if len(items) == 0 {
			return nil
		}
		return do(ctx, items)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(batchesAhead)
	for batch := range slices.Chunk(items, batchSize) {
		group.Go(func() error { return do(ctx, batch) })
	}
	return group.Wait()
}

// anyOf is the filter of what satisfies one of the filters.
func anyOf(filters []string) string {
	if len(filters) == 1 {
		return filters[0]
	}
	return "(|" + strings.Join(filters, "") + ")"
}

// firstValue returns the first value of the first of the attributes that has one.
func firstValue(e *goldap.Entry, attributes []string) string {
	for _, name := range attributes {
		if v := e.GetEqualFoldAttributeValue(name); v != "" {
			return v
		}
	}
	return ""
}

// Interface guard
var _ translators.References = (*resolution)(nil)
