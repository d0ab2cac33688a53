package ldap

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

// The ordering rules that a directory is asked to sort by (RFC 4517 §4.2, RFC
// 4530 §2.4). They are named because few attribute types have one of their own.
const (
	orderCaseIgnore      = "2.5.13.3"
	orderCaseExact       = "2.5.13.6"
	orderInteger         = "2.5.13.15"
	orderGeneralizedTime = "2.5.13.28"
	orderUUID            = "1.3.6.1.1.16.3"
)

// sortedAtMost bounds the ids that are held while an order is looked at.
const sortedAtMost = 1_000_000

// ScanSorted implements [translators.Translator]. The directory sorts (RFC 2891),
// and each of its entries is held against the one before: two ways of comparing
// texts agree about most and not about all (blanks, letters that are composed of
// several, attributes with several values), and a page of one order must not be
// followed by a page of another. Where the directory's order is not that of
// [scim.Sort], or it does not sort now, the host sorts.
//
// Entries of the same value come in the order of their ids, and those without
// one at the end that scim.Sort has them at, wherever the directory puts them.
func (t *Translator) ScanSorted(ctx context.Context, rt *scim.ResourceType, filter scim.Filter, by scim.Sort) (iter.Seq2[string, error], bool) {
	k := t.kindOf(rt)
	key, ok := t.sortKey(k, by)
	if !ok {
		return nil, false
	}
	remembered := k.served.Name + " " + key.String()
	if _, failedLately := t.unsorted.get(remembered); failedLately {
		return nil, false
	}
	asked, err := t.ask(ctx, k, filter)
	switch {
	case err != nil:
		return failing(err), true
	case asked.rest != nil:
		return nil, false // the host looks at the values anyway
	case asked.filter == nothing:
		return slicesOf(nil), true
	}
	root, err := t.pool.RootDSE(ctx)
	if err != nil {
		return failing(t.fault("looking whether the directory sorts", err)), true
	}
	if !root.HasControl(t.profile.sortingControl) {
		return nil, false
	}
	s := &sortedScan{t: t, k: k, by: by, key: key}
	err = s.run(ctx, asked.filter)
	switch code := resultCode(err); {
	case err == nil:
		return slicesOf(s.result()), true
	case errors.Is(err, errOtherOrder), errors.Is(err, ldapconn.ErrSortingIgnored), isUnsortable(code):
		t.unsorted.put(remembered, struct{}{})
		return nil, false
	case code != goldap.LDAPResultSuccess, errors.Is(err, errEnough):
		return nil, false // busy, or a limit: it may be otherwise without sorting
	}
	return failing(t.fault("walking through "+k.served.Name+" in order", err)), true
}

// isUnsortable reports whether a directory that answers with code will not sort
// by the attribute the next time either.
func isUnsortable(code uint16) bool {
	switch code {
	case goldap.LDAPResultInappropriateMatching, goldap.LDAPResultNoSuchAttribute, goldap.LDAPResultUndefinedAttributeType,
		goldap.LDAPResultUnavailableCriticalExtension, goldap.LDAPResultInvalidAttributeSyntax:
		return true
	}
	return false
}

// failing yields an error alone.
func failing(err error) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yield("", err) }
}

func slicesOf(ids []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, id := range ids {
			if !yield(id, nil) {
				return
			}
		}
	}
}

// sortKey is what a directory is asked to sort by (RFC 2891 §1.1).
type sortKey struct {
	field, rule string
	isReverse   bool
}

// String tells one key from another.
func (s sortKey) String() string {
	return fmt.Sprintf("%s %s %t", strings.ToLower(s.field), s.rule, s.isReverse)
}

// sortKey returns the key that makes the order, as far as the configuration
// tells; ok is false for what no one attribute of the directory holds.
func (t *Translator) sortKey(k *kind, by scim.Sort) (key sortKey, ok bool) {
	p := t.profile
	if p.sortingControl == "" {
		return sortKey{}, false
	}
	key.isReverse = by.Descending
	a := by.By.Attribute
	switch {
	case a == scim.AttributeID:
		key.field, key.rule = p.id, orderUUID
		return key, strings.EqualFold(p.id, "entryUUID")
	case a == scim.AttributeMeta && by.By.Sub != nil:
		key.rule = orderGeneralizedTime
		switch by.By.Sub.Name {
		case "created":
			key.field = p.created
		case "lastModified":
			key.field = p.modified
		}
		return key, key.field != ""
	case a == k.active || a == k.groups || a == k.members:
		return sortKey{}, false
	}
	leaves := k.mapping.LeavesFor(by.By)
	if len(leaves) != 1 || len(leaves[0].Fields) != 1 || !leaves[0].IsReadable() ||
		slices.ContainsFunc(k.mapping.Leaves, func(l *translators.Leaf) bool { return l.Path.Attribute == leaves[0].Path.Attribute && l.IsReference() }) {
		return sortKey{}, false
	}
	key.field = leaves[0].Fields[0]
	key.rule, ok = orderingRule(leaves[0])
	return key, ok
}

// orderingRule returns the rule that orders the directory's form of a leaf's
// values like the values.
func orderingRule(l *translators.Leaf) (rule string, ok bool) {
	leaf := l.Path.Leaf()
	switch codec := l.Config.Codec; {
	case leaf.Type == scim.TypeDateTime && codec == translators.CodecTimestamp:
		return orderGeneralizedTime, true
	case codec != translators.CodecText:
		return "", false
	case leaf.Type == scim.TypeInteger:
		return orderInteger, true
	case leaf.Type == scim.TypeString && leaf.CaseExact:
		return orderCaseExact, true
	case leaf.Type == scim.TypeString:
		return orderCaseIgnore, true
	}
	return "", false
}

// errOtherOrder means that a directory has another order than [scim.Sort].
var errOtherOrder = errors.New("the order of the directory is another")

// sortedScan is a scan in the directory's order.
type sortedScan struct {
	t   *Translator
	k   *kind
	by  scim.Sort
	key sortKey

	none    *scim.Resource // one that has no value
	last    *scim.Resource // the last that has one
	ids     []string       // of those that have one
	from    int            // where in ids those begin that have the same value as last
	without []string       // the ids of those that have none
}

// run reads what satisfies the filter. When it returns without an error the
// connection is free, and so is what the directory held for the search.
func (s *sortedScan) run(ctx context.Context, filter clause) error {
	t, k := s.t, s.k
	s.none = scim.NewResource(k.served.ResourceType)
	var wanted translators.Selection
	if a := s.by.By.Attribute; a != scim.AttributeID && a != scim.AttributeMeta {
		wanted.Attributes = []*scim.Attribute{a}
	}
	control := sorting(t.profile.sortingControl, s.key)
	refs := new(resolution)
	return t.walk(ctx, k, filter, t.attributesOf(k, wanted), 0, func(e *goldap.Entry) error {
		entry, err := t.decode(ctx, k, e, wanted, refs)
		if err != nil {
			return err
		}
		return s.add(entry.Resource)
	}, control)
}

// add takes the next resource in the directory's order.
func (s *sortedScan) add(r *scim.Resource) error {
	if len(s.ids)+len(s.without) == sortedAtMost {
		return errEnough
	}
	if s.by.Compare(r, s.none) == 0 {
		s.without = append(s.without, r.ID)
		return nil
	}
	if s.last != nil {
		switch order := s.by.Compare(s.last, r); {
		case order > 0:
			return errOtherOrder
		case order < 0:
			s.endRun()
		}
	}
	s.last = r
	s.ids = append(s.ids, r.ID)
	return nil
}

// endRun orders those of one value by their ids.
func (s *sortedScan) endRun() {
	slices.Sort(s.ids[s.from:])
	s.from = len(s.ids)
}

// result returns all ids in order.
func (s *sortedScan) result() []string {
	s.endRun()
	slices.Sort(s.without)
	if s.by.Descending {
		return append(s.without, s.ids...)
	}
	return append(s.ids, s.without...)
}
