package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scimgate/scimgate/modules/store"
)

// rowsAtOnce is how many rows one statement has at most: see [chunks].
const rowsAtOnce = 64

// bounded returns a name or an id as it is kept: without what no database takes, and
// not longer than [longest]: databases limit what they index.
func bounded(s string) string {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
	}
	if len(s) <= longest {
		return s
	}
	end := longest
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

const (
	intentColumns  = "id, instance, time, gateway, caller, token, address, request, operation, type, resource, name, folded, why, changes, members, calls"
	intentCount    = 17
	outcomeColumns = ", result, note, ended"
	refusedCount   = intentCount + 3
)

// insert inserts intents. One that is there already stays as it is.
func insert(ctx context.Context, tx *store.Tx, entries []Entry) error {
	for chunk := range chunks(entries) {
		arguments := make([]any, 0, len(chunk)*intentCount)
		for i := range chunk {
			var err error
			if arguments, err = appendIntent(arguments, &chunk[i]); err != nil {
				return err
			}
		}
		statement := "INSERT INTO scim_journal (" + intentColumns + ") VALUES " + store.Values(len(chunk), intentCount) + " ON CONFLICT (id) DO NOTHING"
		if _, err := tx.Exec(ctx, statement, arguments...); err != nil {
			return fmt.Errorf("recording intents: %w", err)
		}
	}
	return insertSubjects(ctx, tx, entries)
}

// insertSubjects notes whom entries are about besides their resources.
func insertSubjects(ctx context.Context, tx *store.Tx, entries []Entry) error {
	type subject struct{ resource, entry string }
	var subjects []subject
	for i := range entries {
		if name := newName(&entries[i]); name != "" {
			subjects = append(subjects, subject{bounded(nameSubject(name)), entries[i].ID})
		}
		if m := entries[i].Members; m != nil {
			for _, ids := range [...][]string{m.Added, m.Removed} {
				for _, id := range ids {
					subjects = append(subjects, subject{bounded(id), entries[i].ID})
				}
			}
		}
	}
	for chunk := range chunks(subjects) {
		arguments := make([]any, 0, 2*len(chunk))
		for _, s := range chunk {
			arguments = append(arguments, s.resource, s.entry)
		}
		statement := "INSERT INTO scim_journal_subjects (resource, time, seq) SELECT v.column1, j.time, j.seq FROM (VALUES " + store.Values(len(chunk), 2) +
			") AS v JOIN scim_journal AS j ON j.id = v.column2 WHERE true ON CONFLICT DO NOTHING"
		if _, err := tx.Exec(ctx, statement, arguments...); err != nil {
			return fmt.Errorf("recording whom intents are about: %w", err)
		}
	}
	return nil
}

// appendIntent appends the columns of an intent.
func appendIntent(to []any, e *Entry) ([]any, error) {
	changes, err := jsonOf(e.Changes, len(e.Changes) == 0)
	if err != nil {
		return nil, err
	}
	members, err := jsonOf(e.Members, e.Members == nil)
	if err != nil {
		return nil, err
	}
	calls, err := jsonOf(e.Calls, len(e.Calls) == 0)
	if err != nil {
		return nil, err
	}
	name := bounded(e.Name)
	return append(to, e.ID, e.Instance, store.Micros(e.Time), e.Gateway, bounded(e.Caller), e.Token, e.Address, e.Request,
		e.Operation, e.Type, bounded(e.Resource), name, Fold(name), bounded(e.Why), changes, members, calls), nil
}

// jsonOf returns the JSON of what a column holds; of nothing it is "".
func jsonOf(v any, isNone bool) (string, error) {
	if isNone {
		return "", nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("writing an entry: %w", err)
	}
	return string(text), nil
}

// conclude records outcomes. Who did something knows best what came of it: that
// replaces what somebody else has found out.
func conclude(ctx context.Context, tx *store.Tx, outcomes []Outcome) error {
	for chunk := range chunks(outcomes) {
		var values strings.Builder
		arguments := make([]any, 0, 10*len(chunk))
		for i, o := range chunk {
			if i > 0 {
				values.WriteByte(',')
			}
			values.WriteByte('(')
			for column := range 10 {
				if column > 0 {
					values.WriteByte(',')
				}
				parameter := "$" + strconv.Itoa(i*10+column+1)
				if isNumber := column == 5 || column == 6; isNumber {
					parameter = "CAST(" + parameter + " AS BIGINT)"
				}
				values.WriteString(parameter)
			}
			values.WriteByte(')')
			name := bounded(o.Name)
			arguments = append(arguments, o.ID, string(o.Result), o.Proof, o.Error, o.Note,
				store.Micros(o.Ended), int64(o.Duration), bounded(o.Resource), name, Fold(name))
		}
		statement := "UPDATE scim_journal AS j SET result = v.column2, proof = v.column3, error = v.column4, note = v.column5, ended = v.column6, duration = v.column7, " +
			"resource = CASE WHEN v.column8 = '' THEN j.resource ELSE v.column8 END, " +
			"name = CASE WHEN v.column9 = '' THEN j.name ELSE v.column9 END, " +
			"folded = CASE WHEN v.column9 = '' THEN j.folded ELSE v.column10 END " +
			"FROM (VALUES " + values.String() + ") AS v WHERE j.id = v.column1"
		if _, err := tx.Exec(ctx, statement, arguments...); err != nil {
			return fmt.Errorf("recording outcomes: %w", err)
		}
	}
	return nil
}

// refuse records entries that nothing was done for, whether their intents are there,
// still come, or not.
func refuse(ctx context.Context, tx *store.Tx, entries []Entry) error {
	for chunk := range chunks(entries) {
		arguments := make([]any, 0, len(chunk)*refusedCount)
		for i := range chunk {
			var err error
			if arguments, err = appendIntent(arguments, &chunk[i]); err != nil {
				return err
			}
			arguments = append(arguments, string(chunk[i].Result), chunk[i].Note, store.Micros(chunk[i].Ended))
		}
		statement := "INSERT INTO scim_journal (" + intentColumns + outcomeColumns + ") VALUES " + store.Values(len(chunk), refusedCount) +
			" ON CONFLICT (id) DO UPDATE SET result = excluded.result, note = excluded.note, ended = excluded.ended WHERE scim_journal.result IS NULL"
		if _, err := tx.Exec(ctx, statement, arguments...); err != nil {
			return fmt.Errorf("closing what was refused: %w", err)
		}
	}
	return insertSubjects(ctx, tx, entries)
}

// probe writes something, so that a disk that is full is noticed.
func probe(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, "INSERT INTO scim_state (name, value) VALUES ('journal probe', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		strconv.FormatInt(time.Now().UnixNano(), 10))
	return err
}

// chunks yields s in parts of 64, 32, 16 or 8 elements, and what is left: a few
// statements, which stay prepared, do for any number of rows.
func chunks[T any](s []T) func(yield func([]T) bool) {
	return func(yield func([]T) bool) {
		for n := rowsAtOnce; len(s) > 0; {
			if n > len(s) {
				if n /= 2; n < 8 {
					n = len(s)
				}
				continue
			}
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}
