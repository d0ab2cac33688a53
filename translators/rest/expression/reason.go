package expression

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/common/types"
)

// reasons are what an evaluation fails for: the beginning of CEL's words, which go on
// with data, and what is said instead.
var reasons = []struct{ begins, is string }{
	{"no such overload", "a function or an operator does not take values of these types"},
	{"division by zero", "division by zero"},
	{"modulus by zero", "division by zero"},
	{"integer overflow", "a number is too big"},
	{"unsigned integer overflow", "a number is too big"},
	{"range error", "a number is too big"},
	{"timestamp overflow", "a time is out of range"},
	{"duration overflow", "a duration is out of range"},
	{"index out of bounds", "an index is out of range"},
	{"index out of range", "an index is out of range"},
	{"invalid_argument: index", "an index is out of range"},
	{"error parsing regex", "a regular expression can't be read"},
	{"type conversion error", "a value can't be converted to this type"},
	{"unsupported type conversion", "a value can't be converted to this type"},
	{"cannot convert", "a value can't be converted to this type"},
	{"strconv.", "a text is no number"},
	{"optional.none() dereference", "an optional value is not there"},
	{"actual cost limit exceeded", tooMuch},
	{"operation cancelled", tooMuch},
	{"operation interrupted", tooMuch},
	{tooMuch, tooMuch},
	{errNumber.Error(), errNumber.Error()},
}

// reason says why an evaluation failed, and where, and quotes no data.
func (e *Expression) reason(err error) string {
	text := "it fails on this data"
	message := err.Error()
	if key, ok := strings.CutPrefix(message, "no such key: "); ok {
		text = "a value is not there"
		if isIdentifier(key) && len(key) <= 64 && strings.Contains(e.text, key) { // the configuration's word, not the data's
			text = fmt.Sprintf("there is no %s (.?%s reads what may be missing)", key, key)
		}
	} else {
		for _, r := range reasons {
			if strings.HasPrefix(message, r.begins) {
				text = r.is
				break
			}
		}
	}
	if celErr, ok := errors.AsType[*types.Err](err); ok && celErr.NodeID() != 0 {
		if at := e.source.GetStartLocation(celErr.NodeID()); at.Line() > 0 {
			return place(e.text, at.Line(), at.Column()) + ": " + text
		}
	}
	return text
}

func isIdentifier(s string) bool {
	for i, c := range s {
		isLetter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !isLetter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
