package journal

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// fill makes a journal of so many entries about two hundred people, one a
// second, of whom each has been made a member of a group once.
const fill = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
	INSERT INTO scim_journal (seq, id, instance, time, gateway, caller, token, address, request, operation,
		type, resource, name, folded, changes, members, calls, result)
	SELECT i, 'r' || CAST(i AS TEXT) || '-1', 'x', 1795262400000000 + CAST(i AS BIGINT) * 1000000, 'directory', 'entra', '', '192.0.2.1', 'r' || CAST(i AS TEXT),
		'update', 'User', 'id-' || CAST(i % 200 AS TEXT), 'person' || CAST(i % 200 AS TEXT), 'person' || CAST(i % 200 AS TEXT),
		'[]', '', '[]', CASE WHEN i % 10000 = 7 THEN NULL WHEN i % 10000 = 8 THEN 'unknown' ELSE 'applied' END FROM n`

const fillSubjects = `INSERT INTO scim_journal_subjects (resource, time, seq)
	SELECT 'id-' || CAST(seq % 199 AS TEXT), time, seq FROM scim_journal WHERE seq % 10 = 0`

// What holds of a journal of forty thousand entries.
func TestAtSize(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		execute(t, s, fill, fillSubjects, "ANALYZE scim_journal", "ANALYZE scim_journal_subjects")
		t.Run("plans", func(t *testing.T) { testPlans(t, s) })
		t.Run("prune", func(t *testing.T) { testPrune(t, s) })
	})
}

// No question that is asked at night reads the whole journal, whatever its size.
func testPlans(t *testing.T, s *store.Store) {
	from := time.UnixMicro(1795262400000000)
	since, until := from.Add(6*time.Hour), from.Add(7*time.Hour)
	questions := map[string]Query{
		"everything":         {},
		"person":             {Person: "person17"},
		"person by id":       {Person: "id-17"},
		"person since":       {Person: "person17", Since: since},
		"person at gateway":  {Person: "person17", Gateway: "directory", Token: "entra"},
		"person's disables":  {Person: "person17", Operation: "disable"},
		"group":              {Group: "engineers"},
		"person in group":    {Person: "person17", Group: "engineers"},
		"since":              {Since: since},
		"until":              {Until: until},
		"an hour's disables": {Since: since, Until: until, Operation: "disable"},
		"open":               {Outcome: WantOpen},
		"unknown":            {Outcome: WantUnknown},
		"not applied since":  {Outcome: WantNotApplied, Since: since},
		"request":            {Request: "r4711"},
	}
	for name, q := range questions {
		for _, q.Descending = range []bool{false, true} {
			for _, q.After = range []Cursor{{}, {from.Add(6*time.Hour + 30*time.Minute), 23_400}} {
				err := s.Read(t.Context(), func(tx *store.Tx) error {
					branches, err := q.branches(t.Context(), tx)
					if err != nil {
						return err
					}
					q := q
					q.Limit = pageSize
					for _, b := range branches {
						checkPlan(t, tx, name, indexOf(q, b), q.keys(b))
					}
					return nil
				})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
		}
	}
	for index, text := range map[string]string{"scim_journal_name": namedStatement, "scim_journal_subjects": renamedStatement} {
		named := &statement{arguments: []any{"person17", "User", 10}}
		named.WriteString(text)
		err := s.Read(t.Context(), func(tx *store.Tx) error {
			checkPlan(t, tx, "whose name it is", index, named)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// indexOf returns the index that a branch of a query is to be answered by.
func indexOf(q Query, b branch) string {
	switch {
	case b.isSubject:
		return "scim_journal_subjects"
	case b.on == "folded":
		return "scim_journal_name"
	case b.on == "resource":
		return "scim_journal_resource"
	case q.Request != "":
		return "scim_journal_request"
	case q.Outcome == WantOpen:
		return "scim_journal_open"
	case q.Outcome != "":
		return "scim_journal_failed"
	}
	return "scim_journal_time"
}

// checkPlan looks whether a statement reads a whole table.
func checkPlan(t *testing.T, tx *store.Tx, name, index string, s *statement) {
	t.Helper()
	explain := "EXPLAIN QUERY PLAN "
	if tx.Dialect() == store.PostgreSQL {
		explain = "EXPLAIN "
	}
	rows, err := tx.Query(t.Context(), explain+s.String(), s.arguments...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, s)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		into := []any{&line}
		if tx.Dialect() == store.SQLite {
			into = []any{new(int), new(int), new(int), &line}
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	plan := strings.Join(lines, "\n")
	if isWhole := regexp.MustCompile(`Seq Scan|(?m)^SCAN \w+$`).MatchString(plan); isWhole || !strings.Contains(plan, index) {
		t.Errorf("%s: not found by %s:\n%s\n%s", name, index, s, plan)
	}
}
