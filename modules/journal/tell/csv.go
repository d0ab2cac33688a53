package tell

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/scimgate/scimgate/modules/journal"
)

// header are the columns of the table.
var header = []string{"sequence", "time", "gateway", "operation", "type", "id", "name", "result", "proof", "error",
	"caller", "token", "address", "request", "why", "changes", "members", "calls", "note", "ended", "duration_ms"}

// table writes entries as CSV (RFC 4180), the header first. A cell that a spreadsheet
// would take for a formula has an apostrophe before it.
type table struct {
	csv      *csv.Writer
	hasBegun bool
}

func newTable(out io.Writer) *table {
	w := csv.NewWriter(out)
	w.UseCRLF = true
	return &table{csv: w}
}

func (t *table) Write(e journal.Entry) error {
	if !t.hasBegun {
		t.hasBegun = true
		if err := t.csv.Write(header); err != nil {
			return err
		}
	}
	var changes, calls []string
	for _, c := range e.Changes {
		changes = append(changes, change(c))
	}
	for _, c := range e.Calls {
		calls = append(calls, plain(c.Purpose))
	}
	result := string(e.Result)
	if e.Result == journal.Unresolved {
		result = "open"
	}
	cells := []string{strconv.FormatInt(e.Sequence, 10), at(e.Time), e.Gateway, e.Operation, e.Type, e.Resource, e.Name, result, e.Proof, e.Error,
		e.Caller, e.Token, e.Address, e.Request, e.Why, strings.Join(changes, "; "), strings.Join(memberLines(e.Members), "; "),
		strings.Join(calls, "; "), e.Note, at(e.Ended), milliseconds(e.Duration)}
	for i := range cells {
		cells[i] = harmless(plain(cells[i]))
	}
	if err := t.csv.Write(cells); err != nil {
		return err
	}
	t.csv.Flush()
	return t.csv.Error()
}

// End writes the header, if nothing was written.
func (t *table) End() error {
	if !t.hasBegun {
		t.hasBegun = true
		_ = t.csv.Write(header) // Error tells
	}
	t.csv.Flush()
	return t.csv.Error()
}

// harmless keeps a spreadsheet from computing a cell: by an apostrophe, which shows
// that what follows is text.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func milliseconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64)
}
