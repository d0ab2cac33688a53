package remember

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// memory is what one gateway has in the store. Its errors are *[translators.Error]s
// of kind Unavailable.
type memory struct {
	store   *store.Store // nil: there is none
	gateway string
}

// values are what is remembered of one resource, by the names of the attributes.
type values struct {
	of map[string]string
	// missing is since when the backend has no resource of the id; zero: it had when
	// it was last looked at.
	missing time.Time
}

// The bounds of a value and of how much of it is searched by. A database limits what
// it keeps in an index.
const (
	longestValue = 32 << 10
	longestKey   = 256
)

// keyOf returns what a value is searched by: it is the same for values that are equal
// but for their case, and seldom for others.
func keyOf(value string) string {
	folded := scim.Fold(value)
	if len(folded) <= longestKey {
		return folded
	}
	sum := sha256.Sum256([]byte(folded))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// mostParameters is how many ids one statement takes; SQLite allows 32766 parameters.
const mostParameters = 30_000

// rows returns what is remembered of the resources with these ids. Of whom nothing is,
// nothing is returned.
func (m memory) rows(ctx context.Context, k *kind, ids []string) (map[string]*values, error) {
	found := make(map[string]*values, len(ids))
	err := m.read(ctx, k, func(tx *store.Tx) error {
		for part := range slices.Chunk(ids, mostParameters) {
			arguments := []any{m.gateway, k.Name}
			var list strings.Builder
			for i, id := range part {
				fmt.Fprintf(&list, ",$%d", i+3)
				arguments = append(arguments, id)
			}
			err := m.collect(ctx, tx, k, found, "id IN ("+list.String()[1:]+")", arguments)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

// lookUp returns the values of an attribute, of resources where it has that key; nil
// is for any. What else is remembered of them is not among it. Of more than most
// resources it returns most and one.
func (m memory) lookUp(ctx context.Context, k *kind, a *scim.Attribute, key *string, most int) (map[string]*values, error) {
	found := make(map[string]*values)
	err := m.read(ctx, k, func(tx *store.Tx) error {
		condition, arguments := "attribute = $3", []any{m.gateway, k.Name, a.String()}
		if key != nil {
			condition, arguments = condition+" AND folded = $4", append(arguments, *key)
		}
		return m.collect(ctx, tx, k, found, fmt.Sprintf("%s LIMIT %d", condition, most+1), arguments)
	})
	return found, err
}

// collect adds rows of the type that satisfy the condition; $1 is the gateway and $2 the
// type. Rows of attributes that are not remembered any more are passed over.
func (m memory) collect(ctx context.Context, tx *store.Tx, k *kind, found map[string]*values, condition string, arguments []any) error {
	rows, err := tx.Query(ctx, "SELECT id, attribute, value, missing FROM scim_remembered WHERE gateway = $1 AND type = $2 AND "+condition, arguments...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, attribute, value string
		var missing int64
		if err := rows.Scan(&id, &attribute, &value, &missing); err != nil {
			return err
		}
		if !slices.ContainsFunc(k.Remembered, func(a *scim.Attribute) bool { return a.String() == attribute }) {
			continue
		}
		v := found[id]
		if v == nil {
			v = &values{of: make(map[string]string, len(k.Remembered))}
			found[id] = v
		}
		v.of[attribute], v.missing = value, store.Time(missing)
	}
	return rows.Err()
}

// errChanged says that something else is remembered of a resource than was read.
var errChanged = errors.New("what is remembered of the resource was changed")

// compare is errChanged when the digest of what is remembered of a resource is not the
// one that is expected.
func (m memory) compare(ctx context.Context, k *kind, id, expected string) error {
	rows, err := m.rows(ctx, k, []string{id})
	if err == nil && rows[id].digest() != expected {
		err = errChanged
	}
	return err
}

// write makes the changes to what is remembered of a resource, in one transaction. It
// is errChanged when the digest is not the one that is expected by then; "" is any.
func (m memory) write(ctx context.Context, k *kind, id string, changes []change, expected string) error {
	return m.transact(ctx, k, func(tx *store.Tx) error {
		if expected != "" {
			if err := m.lock(ctx, tx, k, id); err != nil {
				return err
			}
			found := make(map[string]*values)
			if err := m.collect(ctx, tx, k, found, "id = $3", []any{m.gateway, k.Name, id}); err != nil {
				return err
			}
			if found[id].digest() != expected {
				return errChanged
			}
		}
		for _, c := range changes {
			var err error
			if c.after == "" {
				_, err = tx.Exec(ctx, "DELETE FROM scim_remembered WHERE gateway = $1 AND type = $2 AND id = $3 AND attribute = $4",
					m.gateway, k.Name, id, c.attribute.String())
			} else {
				_, err = tx.Exec(ctx, "INSERT INTO scim_remembered (gateway, type, id, attribute, value, folded, missing) VALUES ($1, $2, $3, $4, $5, $6, 0) "+
					"ON CONFLICT (gateway, type, id, attribute) DO UPDATE SET value = excluded.value, folded = excluded.folded, missing = 0",
					m.gateway, k.Name, id, c.attribute.String(), c.after, keyOf(c.after))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// lock keeps other gateways from changing what is remembered of a resource until the
// transaction ends. In SQLite one transaction writes at a time anyway.
func (m memory) lock(ctx context.Context, tx *store.Tx, k *kind, id string) error {
	if tx.Dialect() != store.PostgreSQL {
		return nil
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "remember %q %q %q", m.gateway, k.Name, id)
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(h.Sum64()))
	return err
}

// forget removes all that is remembered of a resource.
func (m memory) forget(ctx context.Context, k *kind, id string) error {
	return m.transact(ctx, k, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM scim_remembered WHERE gateway = $1 AND type = $2 AND id = $3", m.gateway, k.Name, id)
		return err
	})
}

// How long it is remembered of an id that the backend no longer has: a server of a
// replicated directory may not have it yet, and an entry may come back from where an
// operator has moved it. And how long a request waits for what it only happens to see
// being written down.
const (
	missingLife = 30 * 24 * time.Hour
	tendTimeout = 2 * time.Second
)

// tend writes down which ids the backend has not, and which it has again, and forgets
// what it has not had for long. known is what was read of them. It writes only what
// has changed, which is seldom.
func (m memory) tend(ctx context.Context, k *kind, known map[string]*values, isThere func(id string) bool, now time.Time) error {
	var gone, back, dead []string
	for id, v := range known {
		switch there := isThere(id); {
		case there && !v.missing.IsZero():
			back = append(back, id)
		case there:
		case v.missing.IsZero():
			gone = append(gone, id)
		case now.Sub(v.missing) > missingLife:
			dead = append(dead, id)
		}
	}
	if len(gone)+len(back)+len(dead) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tendTimeout)
	defer cancel()
	const these = " WHERE gateway = $1 AND type = $2 AND id = $3"
	return m.transact(ctx, k, func(tx *store.Tx) error {
		each := func(ids []string, statement string, arguments ...any) error {
			for _, id := range ids {
				if _, err := tx.Exec(ctx, statement, append([]any{m.gateway, k.Name, id}, arguments...)...); err != nil {
					return err
				}
			}
			return nil
		}
		return errors.Join(
			each(gone, "UPDATE scim_remembered SET missing = $4"+these+" AND missing = 0", store.Micros(now)),
			each(back, "UPDATE scim_remembered SET missing = 0"+these),
			each(dead, "DELETE FROM scim_remembered"+these+" AND missing BETWEEN 1 AND $4", store.Micros(now.Add(-missingLife))),
		)
	})
}

func (m memory) read(ctx context.Context, k *kind, do func(*store.Tx) error) error {
	if m.store == nil {
		return unavailable(k, errors.New("there is no store here"))
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if err := m.store.Read(ctx, do); err != nil {
		return unavailable(k, err)
	}
	return nil
}

// readTimeout is how long is waited for what is remembered: the rows of one page, by
// their key.
const readTimeout = 5 * time.Second

func (m memory) transact(ctx context.Context, k *kind, do func(*store.Tx) error) error {
	if m.store == nil {
		return unavailable(k, errors.New("there is no store here"))
	}
	err := m.store.Write(ctx, do)
	if err == nil || errors.Is(err, errChanged) {
		return err
	}
	return unavailable(k, err)
}

// unavailable is the answer while the store can't be asked.
func unavailable(k *kind, err error) error {
	if !errors.Is(err, store.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return &translators.Error{Kind: translators.Unavailable, Err: err,
		Detail: "The gateway remembers " + k.names + " itself, and its store does not answer. Send the request again."}
}

// nothing is the digest where nothing is remembered.
const nothing = "0000000000000000"

// digest is the same for the same values.
func (v *values) digest() string {
	if v == nil || len(v.of) == 0 {
		return nothing
	}
	names := make([]string, 0, len(v.of))
	for name := range v.of {
		names = append(names, name)
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		_, _ = fmt.Fprintf(sum, "%q%q", name, v.of[name])
	}
	return hex.EncodeToString(sum.Sum(nil)[:len(nothing)/2])
}
