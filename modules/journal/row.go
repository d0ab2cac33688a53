package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/scimgate/scimgate/modules/store"
)

// columns are those of an entry in the order of scan.
const columns = `seq, id, instance, time, gateway, caller, token, address, request, operation, type, resource, name, why,
	changes, members, calls, result, proof, error, note, ended, duration`

// read returns the entries of those sequences that there are, in any order.
func read(ctx context.Context, tx *store.Tx, sequences []int64) ([]Entry, error) {
	if len(sequences) == 0 {
		return nil, nil
	}
	s := new(statement)
	s.add("SELECT " + columns + " FROM scim_journal WHERE seq IN (")
	s.list(sequences)
	s.add(")")
	rows, err := tx.Query(ctx, s.String(), s.arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []Entry
	for rows.Next() {
		entry, err := scan(rows)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, rows.Err()
}

// scan reads a row of columns.
func scan(rows *store.Rows) (Entry, error) {
	var (
		e                       Entry
		begun, ended, duration  int64
		changes, members, calls string
		result                  sql.NullString
	)
	err := rows.Scan(&e.Sequence, &e.ID, &e.Instance, &begun, &e.Gateway, &e.Caller, &e.Token, &e.Address, &e.Request,
		&e.Operation, &e.Type, &e.Resource, &e.Name, &e.Why, &changes, &members, &calls, &result, &e.Proof, &e.Error, &e.Note, &ended, &duration)
	if err != nil {
		return Entry{}, err
	}
	e.Time, e.Ended, e.Duration, e.Result = store.Time(begun), store.Time(ended), time.Duration(duration), Result(result.String)
	for _, part := range []struct {
		text string
		into any
	}{{changes, &e.Changes}, {members, &e.Members}, {calls, &e.Calls}} {
		if part.text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(part.text), part.into); err != nil {
			return Entry{}, fmt.Errorf("the entry %d: %w", e.Sequence, err)
		}
	}
	return e, nil
}
