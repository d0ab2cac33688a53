package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// errSyntax is for what is no JSON. What is there instead is not quoted: it is data.
var errSyntax = errors.New("the answer is no JSON")

// checkJSON checks that text is one value, whose objects name nothing twice and which
// is not nested too deeply.
func checkJSON(text string) error {
	// What follows goes down level by level, on a stack that ends the process when it is
	// used up.
	if err := checkDepth(text); err != nil {
		return err
	}
	if !gjson.Valid(text) {
		s := json.NewDecoder(strings.NewReader(text))
		var any json.RawMessage
		if err := s.Decode(&any); err != nil {
			if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
				return fmt.Errorf("%w: it is broken at byte %d", errSyntax, syntax.Offset)
			}
			return fmt.Errorf("%w: it is cut off", errSyntax)
		}
		return fmt.Errorf("%w: something follows it at byte %d", errSyntax, s.InputOffset())
	}
	s := &scanner{text: text}
	return s.scan()
}

// checkDepth checks that a text, which may be no JSON, is not nested too deeply.
func checkDepth(text string) error {
	depth := 0
	for pos := 0; pos < len(text); pos++ {
		switch text[pos] {
		case '"':
			pos = endOfString(text, pos) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("the answer is nested deeper than %d levels", maxDepth)
			}
		case '}', ']':
			depth--
		}
	}
	return nil
}

// scanner goes through valid JSON once.
type scanner struct {
	text string
	pos  int
	open []level
}

// level is an object or array that is open.
type level struct {
	isObject bool
	names    []string        // of an object with few members
	set      map[string]bool // of one with many
	isValue  bool            // in an object: a value is next, not a name
}

// few is how many names are compared one by one.
const few = 16

func (s *scanner) scan() error {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case '{', '[':
			s.push(c == '{')
			s.pos++
		case '}', ']':
			s.open = s.open[:len(s.open)-1]
			s.pos++
		case ',':
			s.open[len(s.open)-1].isValue = false
			s.pos++
		case ':':
			s.open[len(s.open)-1].isValue = true
			s.pos++
		case '"':
			start := s.pos
			s.pos = endOfString(s.text, start)
			if len(s.open) == 0 {
				continue
			}
			if l := &s.open[len(s.open)-1]; l.isObject && !l.isValue {
				if !l.add(nameOf(s.text[start:s.pos])) {
					return fmt.Errorf("an object of the answer names something twice at byte %d", start)
				}
			}
		default:
			s.pos++
		}
	}
	return nil
}

// push opens a level, with the memory of one that was open before.
func (s *scanner) push(isObject bool) {
	if len(s.open) < cap(s.open) {
		s.open = s.open[:len(s.open)+1]
		l := &s.open[len(s.open)-1]
		l.isObject, l.isValue, l.names, l.set = isObject, false, l.names[:0], nil
		return
	}
	s.open = append(s.open, level{isObject: isObject})
}

// add reports whether the name is new.
func (l *level) add(name string) bool {
	if l.set != nil {
		if l.set[name] {
			return false
		}
		l.set[name] = true
		return true
	}
	for _, n := range l.names {
		if n == name {
			return false
		}
	}
	l.names = append(l.names, name)
	if len(l.names) > few {
		l.set = make(map[string]bool, 2*few)
		for _, n := range l.names {
			l.set[n] = true
		}
	}
	return true
}

// endOfString is the position behind the string that begins at start.
func endOfString(text string, start int) int {
	for i := start + 1; i < len(text); {
		n := strings.IndexByte(text[i:], '"')
		if n < 0 {
			break
		}
		backslashes := 0
		for text[i+n-backslashes-1] == '\\' {
			backslashes++
		}
		if i += n + 1; backslashes%2 == 0 {
			return i
		}
	}
	return len(text)
}

// nameOf is the string that a JSON string stands for.
func nameOf(quoted string) string {
	if strings.IndexByte(quoted, '\\') >= 0 {
		return gjson.Parse(quoted).Str
	}
	return quoted[1 : len(quoted)-1]
}

// appendString appends a string of JSON (RFC 8259 §7).
func appendString(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
