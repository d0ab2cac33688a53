package journal

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/scimgate/scimgate/modules/store"
)

// Person is a person at one gateway, as the journal knows it.
type Person struct {
	Gateway string    `json:"gateway"`
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"` // the latest
	First   time.Time `json:"first"`          // entry about the person itself; zero: there is none
	Last    time.Time `json:"last"`
}

// Persons returns who has ever had a userName, compared without case, or has it as
// the id, at one gateway or, with "", at all of them.
func Persons(ctx context.Context, s *store.Store, wanted, gateway string) ([]Person, error) {
	if err := (Query{Person: wanted, Gateway: gateway}).Check(); err != nil {
		return nil, err
	}
	var all []Person
	err := s.Read(ctx, func(tx *store.Tx) error {
		candidates, err := resourcesOf(ctx, tx, "User", wanted)
		if err != nil {
			return err
		}
		for _, c := range candidates {
			gateways := []string{c.gateway}
			if c.gateway == "" {
				if gateways, err = gatewaysOf(ctx, tx, c.id); err != nil {
					return err
				}
			}
			for _, g := range gateways {
				if gateway != "" && g != gateway {
					continue
				}
				p, err := personOf(ctx, tx, g, c.id)
				if err != nil {
					return err
				}
				all = append(all, p)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	return unique(all), nil
}

// unique returns each person once: a name may be an id too.
func unique(all []Person) []Person {
	seen := make(map[[2]string]bool)
	var once []Person
	for _, p := range all {
		if key := [2]string{p.Gateway, p.ID}; !seen[key] {
			seen[key] = true
			once = append(once, p)
		}
	}
	return once
}

// gatewaysOf returns the gateways that have a user of an id, or a member.
func gatewaysOf(ctx context.Context, tx *store.Tx, id string) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT j.gateway FROM scim_journal j WHERE j.resource = $1 AND j.type = 'User'
		UNION SELECT j.gateway FROM scim_journal_subjects s CROSS JOIN scim_journal j WHERE s.resource = $1 AND j.seq = s.seq
		ORDER BY 1`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var gateway string
		if err := rows.Scan(&gateway); err != nil {
			return nil, err
		}
		all = append(all, gateway)
	}
	return all, rows.Err()
}

func personOf(ctx context.Context, tx *store.Tx, gateway, id string) (Person, error) {
	rows, err := tx.Query(ctx, `SELECT j.type, j.name, j.changes, j.time, COALESCE(j.result, '') FROM scim_journal j
		WHERE j.resource = $1 AND j.gateway = $2 AND j.type = 'User' ORDER BY j.time, j.seq`, id, gateway)
	if err != nil {
		return Person{}, err
	}
	defer rows.Close()
	p := Person{Gateway: gateway, ID: id}
	for rows.Next() {
		var e Entry
		var changes string
		var micros int64
		if err := rows.Scan(&e.Type, &e.Name, &changes, &micros, &e.Result); err != nil {
			return Person{}, err
		}
		if strings.Contains(changes, names[e.Type]) {
			if err := json.Unmarshal([]byte(changes), &e.Changes); err != nil {
				return Person{}, fmt.Errorf("an entry about %s: %w", id, err)
			}
		}
		if p.First.IsZero() {
			p.First = store.Time(micros)
		}
		p.Last = store.Time(micros)
		if p.Name = cmp.Or(e.Name, p.Name); e.Result == Applied {
			p.Name = cmp.Or(newName(&e), p.Name)
		}
	}
	return p, rows.Err()
}

// Extent is how far back a journal goes.
type Extent struct {
	Entries     int64
	First, Last time.Time // zero: there is no entry
}

// ExtentOf tells how far back the journal goes.
func ExtentOf(ctx context.Context, s *store.Store) (Extent, error) {
	var x Extent
	err := s.Read(ctx, func(tx *store.Tx) error {
		var first, last int64
		// MIN and MAX by themselves are each found by the index.
		err := tx.Row(ctx, `SELECT (SELECT COUNT(*) FROM scim_journal), (SELECT COALESCE(MIN(time), 0) FROM scim_journal),
			(SELECT COALESCE(MAX(time), 0) FROM scim_journal)`).Scan(&x.Entries, &first, &last)
		x.First, x.Last = store.Time(first), store.Time(last)
		return err
	})
	if err != nil {
		return x, fmt.Errorf("reading the journal: %w", err)
	}
	return x, nil
}
