package journal

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Query says which entries are wanted: those to which everything applies that is
// set. The zero value wants all.
type Query struct {
	// Person is a userName, compared without case, or an id. Entries count that are
	// about the person, and those in which the person became a member of a group or
	// ceased to be one. Who is found by a name is found in all entries of the same id:
	// under other names too.
	Person string
	// Group is a displayName, compared without case, or an id.
	Group     string
	Gateway   string
	Token     string // name of a credential, or ID of an issued token
	Operation string // one of Operations
	Outcome   string // one of Outcomes
	Request   string // id of the request
	Since     time.Time
	Until     time.Time // exclusive

	// Descending wants the latest first.
	Descending bool
	// After is the entry behind which to begin, in the wanted order.
	After Cursor
	// Limit is how many are wanted; 0: all.
	Limit int
}

// Operations are the operations of entries.
var Operations = []string{"create", "update", "delete", "disable", "enable"}

// What an outcome may be in a query, besides the results.
const (
	WantOpen       = "open"        // it is not known yet
	WantApplied    = "applied"     // [Applied]
	WantNotApplied = "not-applied" // [NotApplied]
	WantUnknown    = "unknown"     // [Unknown]
	WantUnproven   = "unproven"    // applied, and the proof that was needed is missing
)

// Outcomes are the outcomes by which entries can be found.
var Outcomes = []string{WantOpen, WantApplied, WantNotApplied, WantUnknown, WantUnproven}

// longest is how long a name or an id in a query may be, in bytes.
const longest = 1000

// Check returns what is wrong with the query: words that no entry has.
func (q Query) Check() error {
	if q.Operation != "" && !slices.Contains(Operations, q.Operation) {
		return fmt.Errorf("there is no operation %q; there is %s", q.Operation, strings.Join(Operations, ", "))
	}
	if q.Outcome != "" && !slices.Contains(Outcomes, q.Outcome) {
		return fmt.Errorf("there is no outcome %q; there is %s", q.Outcome, strings.Join(Outcomes, ", "))
	}
	for _, text := range []string{q.Person, q.Group, q.Gateway, q.Token, q.Request} {
		if len(text) > longest {
			return fmt.Errorf("a name to look for has %d bytes; no name is longer than %d", len(text), longest)
		}
		if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
			return fmt.Errorf("%q is no text that a name can have", text)
		}
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		return fmt.Errorf("nothing is since %s and until %s: since must be earlier", q.Since.Format(time.RFC3339), q.Until.Format(time.RFC3339))
	}
	if q.Limit < 0 {
		return fmt.Errorf("the limit %d is less than nothing", q.Limit)
	}
	return nil
}

// Cursor is the place of an entry in the order of time; of entries of one time the
// lower sequence comes first. The zero value is no place.
type Cursor struct {
	Time     time.Time
	Sequence int64
}

// Cursor returns the place of the entry.
func (e Entry) Cursor() Cursor { return Cursor{e.Time, e.Sequence} }

// String returns the cursor as [ParseCursor] reads it.
func (c Cursor) String() string {
	return strconv.FormatInt(c.Time.UnixMicro(), 10) + "-" + strconv.FormatInt(c.Sequence, 10)
}

// ParseCursor reads a cursor.
func ParseCursor(text string) (Cursor, error) {
	before, behind, _ := strings.Cut(text, "-")
	micros, err := strconv.ParseInt(before, 10, 64)
	sequence, err2 := strconv.ParseInt(behind, 10, 64)
	if err != nil || err2 != nil || micros <= 0 || sequence <= 0 {
		return Cursor{}, fmt.Errorf("%q is no cursor: take the one of the answer before", text)
	}
	return Cursor{time.UnixMicro(micros).UTC(), sequence}, nil
}

// statement is SQL with its parameters.
type statement struct {
	strings.Builder
	arguments []any
}

// add writes SQL in which each ? stands for one of the values.
func (s *statement) add(text string, values ...any) {
	for _, value := range values {
		before, behind, _ := strings.Cut(text, "?")
		s.arguments = append(s.arguments, value)
		s.WriteString(before + "$" + strconv.Itoa(len(s.arguments)))
		text = behind
	}
	s.WriteString(text)
}

// list adds values with commas between them.
func (s *statement) list(values []int64) {
	for i, value := range values {
		if i > 0 {
			s.add(", ")
		}
		s.add("?", value)
	}
}

// where adds the conditions that do not depend on whom the query is about, each
// behind AND; time is the column that has the time.
func (q Query) where(s *statement, time string) {
	if q.Gateway != "" {
		s.add(" AND j.gateway = ?", q.Gateway)
	}
	if q.Token != "" {
		s.add(" AND (j.caller = ? OR j.token = ?)", q.Token, q.Token)
	}
	if q.Operation != "" {
		s.add(" AND j.operation = ?", q.Operation)
	}
	if q.Request != "" {
		s.add(" AND j.request = ?", q.Request)
	}
	if !q.Since.IsZero() {
		s.add(" AND "+time+" >= ?", q.Since.UnixMicro())
	}
	if !q.Until.IsZero() {
		s.add(" AND "+time+" < ?", q.Until.UnixMicro())
	}
	switch q.Outcome {
	case WantOpen:
		s.add(" AND j.result IS NULL")
	case WantApplied:
		s.add(" AND j.result = 'applied'")
	case WantNotApplied, WantUnknown: // with the condition of the index
		s.add(" AND j.result <> 'applied' AND j.result = ?", strings.ReplaceAll(q.Outcome, "-", " "))
	case WantUnproven:
		s.add(" AND j.result = 'applied' AND j.proof IN ('refuted', 'failed', 'unprovable')")
	}
}
