package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/modules/store"
)

// pageSize is how many entries are read at a time: no transaction is long, and no
// more is in memory.
const pageSize = 100

// mostResources is about how many resources a query for a name may be.
const mostResources = 1000

// ErrTooMany says that the name in a query has been that of too many resources.
var ErrTooMany = errors.New("the name has been that of more than 1,000 resources: ask for an id")

// Read returns the entries of a query in the order of their time. They are read from
// the store in steps; what comes in meanwhile may be among them. An error ends it.
// It is that of [Query.Check], [ErrTooMany] or that of the store.
func Read(ctx context.Context, s *store.Store, q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := q.Check(); err != nil {
			yield(Entry{}, err)
			return
		}
		limit := q.Limit
		var branches []branch
		for {
			page := q
			page.Limit = pageSize
			if limit > 0 {
				page.Limit = min(limit, pageSize)
			}
			var entries []Entry
			err := s.Read(ctx, func(tx *store.Tx) (err error) {
				if branches == nil {
					if branches, err = q.branches(ctx, tx); err != nil {
						return err
					}
				}
				entries, err = page.read(ctx, tx, branches)
				return err
			})
			if err != nil {
				yield(Entry{}, fmt.Errorf("reading the journal: %w", err))
				return
			}
			for _, entry := range entries {
				if !yield(entry, nil) {
					return
				}
			}
			if limit -= len(entries); len(entries) < page.Limit || limit == 0 {
				return
			}
			q.After = entries[len(entries)-1].Cursor()
		}
	}
}

// branch is a part of a query that one index answers.
type branch struct {
	isSubject bool   // by the members of scim_journal_subjects
	on        string // column of scim_journal; empty: all rows
	value     string
	kind      string     // type of resource; empty: all
	gateway   string     // empty: all
	groups    []resource // of these alone; nil: of all
}

// branches takes a query apart. What is found by several branches counts once.
func (q Query) branches(ctx context.Context, tx *store.Tx) ([]branch, error) {
	wanted, kind := q.Person, "User"
	switch {
	case q.Person != "" && q.Group != "":
		// Both: the entries of the group by which the person came or went.
		persons, err := (Query{Person: q.Person}).branches(ctx, tx)
		if err != nil {
			return nil, err
		}
		groups, err := resourcesOf(ctx, tx, "Group", q.Group)
		if err != nil {
			return nil, err
		}
		persons = slices.DeleteFunc(persons, func(b branch) bool { return !b.isSubject })
		for i := range persons {
			persons[i].groups = groups
		}
		return persons, nil
	case q.Person == "" && q.Group == "":
		return []branch{{}}, nil
	case q.Group != "":
		wanted, kind = q.Group, "Group"
	}
	resources, err := resourcesOf(ctx, tx, kind, wanted)
	if err != nil {
		return nil, err
	}
	// By the name itself those are found that have no id: what was never made.
	all := []branch{{on: "folded", value: Fold(wanted), kind: kind}}
	for _, r := range resources {
		all = append(all, branch{on: "resource", value: r.id, kind: kind, gateway: r.gateway})
		if kind == "User" {
			all = append(all, branch{isSubject: true, value: r.id, gateway: r.gateway})
		}
	}
	return all, nil
}

// resource is somebody or something of a gateway.
type resource struct{ gateway, id string }

const (
	namedStatement = `SELECT DISTINCT gateway, resource FROM scim_journal
		WHERE folded = $1 AND type = $2 AND resource <> '' LIMIT $3`
	renamedStatement = `SELECT DISTINCT j.gateway, j.resource FROM scim_journal_subjects s CROSS JOIN scim_journal j
		WHERE s.resource = $1 AND j.seq = s.seq AND j.type = $2 AND j.resource <> '' AND (j.result IS NULL OR j.result <> 'not applied') LIMIT $3`
)

// resourcesOf returns the resources of a type that have ever had a name, and those
// of any gateway that have it as their id.
func resourcesOf(ctx context.Context, tx *store.Tx, kind, wanted string) ([]resource, error) {
	var all []resource
	for _, s := range []struct{ statement, name string }{{namedStatement, Fold(wanted)}, {renamedStatement, nameSubject(wanted)}} {
		rows, err := tx.Query(ctx, s.statement, s.name, kind, mostResources+1)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var r resource
			if err := rows.Scan(&r.gateway, &r.id); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			if !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	if len(all) > mostResources {
		return nil, ErrTooMany
	}
	for _, id := range []string{wanted, strings.ToLower(wanted), strings.ToUpper(wanted)} {
		if one := (resource{id: id}); !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all, nil
}

// key is the place of an entry, as it is stored.
type key struct{ time, seq int64 }

func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k.time, other.time), cmp.Compare(k.seq, other.seq))
}

// read returns the next entries, as many as the limit.
func (q Query) read(ctx context.Context, tx *store.Tx, branches []branch) ([]Entry, error) {
	var keys []key
	for _, b := range branches {
		s := q.keys(b)
		rows, err := tx.Query(ctx, s.String(), s.arguments...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var k key
			if err := rows.Scan(&k.time, &k.seq); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			keys = append(keys, k)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
		keys = q.first(keys)
	}
	wanted := make([]int64, len(keys))
	for i, k := range keys {
		wanted[i] = k.seq
	}
	entries, err := read(ctx, tx, wanted)
	if err != nil {
		return nil, err
	}
	place := func(e Entry) int { return slices.Index(wanted, e.Sequence) }
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(place(a), place(b)) })
	return entries, nil
}

// first returns the first keys in the wanted order, each once.
func (q Query) first(keys []key) []key {
	slices.SortFunc(keys, func(a, b key) int {
		if q.Descending {
			a, b = b, a
		}
		return a.compare(b)
	})
	keys = slices.Compact(keys)
	return keys[:min(len(keys), q.Limit)]
}

// keys returns the statement that finds the next entries of a branch.
func (q Query) keys(b branch) *statement { return q.keysAmong(b, nil) }

// keysAmong is keys among some sequences; nil: among all.
func (q Query) keysAmong(b branch, sequences []int64) *statement {
	from, by := "scim_journal j", "j"
	if b.isSubject {
		// A CROSS JOIN keeps SQLite from beginning with the other table.
		from, by = "scim_journal_subjects s CROSS JOIN scim_journal j", "s"
	}
	s := new(statement)
	s.add("SELECT " + by + ".time, " + by + ".seq FROM " + from + " WHERE 1 = 1")
	switch {
	case b.isSubject:
		s.add(" AND s.resource = ? AND j.seq = s.seq", b.value)
		if b.groups != nil {
			s.add(" AND j.type = 'Group' AND (j.folded = ?", Fold(q.Group))
			for _, group := range b.groups {
				s.add(" OR j.resource = ?", group.id)
				if group.gateway != "" {
					s.add(" AND j.gateway = ?", group.gateway)
				}
			}
			s.add(")")
		}
	case b.on != "":
		s.add(" AND j."+b.on+" = ? AND j.type = ?", b.value, b.kind)
	}
	if b.gateway != "" && b.gateway != q.Gateway {
		s.add(" AND j.gateway = ?", b.gateway)
	}
	if sequences != nil {
		s.add(" AND " + by + ".seq IN (")
		s.list(sequences)
		s.add(")")
	}
	q.where(s, by+".time")
	behind, order := ">", ""
	if q.Descending {
		behind, order = "<", " DESC"
	}
	if q.After != (Cursor{}) {
		s.add(" AND ("+by+".time, "+by+".seq) "+behind+" (?, ?)", q.After.Time.UnixMicro(), q.After.Sequence)
	}
	s.add(" ORDER BY "+by+".time"+order+", "+by+".seq"+order+" LIMIT ?", q.Limit)
	return s
}
