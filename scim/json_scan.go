package scim

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"
)

// scanJSON checks once that data is one JSON document (RFC 8259) in UTF-8 whose
// objects name nothing twice and which is not nested deeper than maxDepth, and
// returns it for walking through. A byte order mark before it is skipped.
//
// Names are compared without case, as SCIM compares them (RFC 7643 §2.1): of
// "active" and "Active" in one object nobody can say which one counts.
//
// The work is linear in the size of data but for objects with more than a few
// names, whose names are sorted; the memory is that of the names of one path
// from the root to a leaf.
func scanJSON(data []byte, maxDepth int) (jsonValue, *Error) {
	s := &jsonScanner{data: data, maxDepth: maxDepth, seed: maphash.MakeSeed()}
	if bytes.HasPrefix(data, []byte("\xEF\xBB\xBF")) {
		s.pos = 3
	}
	if !utf8.Valid(data[s.pos:]) {
		for s.pos < len(data) {
			r, n := utf8.DecodeRune(data[s.pos:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			s.pos += n
		}
		return nil, s.fail("the bytes are not UTF-8")
	}
	s.space()
	if s.pos == len(data) {
		return nil, Invalid(InvalidSyntax, "the request has no body; a JSON object is needed")
	}
	start := s.pos
	if err := s.value(); err != nil {
		return nil, err
	}
	end := s.pos
	s.space()
	if s.pos < len(data) {
		return nil, s.fail("something follows the end of the JSON value")
	}
	return jsonValue(data[start:end]), nil
}

type jsonScanner struct {
	data     []byte
	pos      int
	depth    int
	maxDepth int

	seed  maphash.Seed
	names []jsonMark // of all objects that are open, innermost last
	fold  []byte     // scratch
}

// jsonMark stands for a name: the hash of its lower-case form, and where it is.
type jsonMark struct {
	hash     uint64
	position int
}

// fail returns a 400 that says where the scanner stands.
func (s *jsonScanner) fail(format string, args ...any) *Error {
	return s.failAt(s.pos, format, args...)
}

func (s *jsonScanner) failAt(pos int, format string, args ...any) *Error {
	before := s.data[:pos]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return Invalid(InvalidSyntax, "the body cannot be read: line %d, column %d (byte %d): %s",
		line, column, pos, fmt.Sprintf(format, args...))
}

func (s *jsonScanner) space() { s.pos = skipSpace(s.data, s.pos) }

// peek returns the next byte, or 0 at the end, which no JSON holds as such.
func (s *jsonScanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *jsonScanner) value() *Error {
	switch c := s.peek(); {
	case c == '{':
		return s.object()
	case c == '[':
		return s.array()
	case c == '"':
		return s.string()
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	case s.pos == len(s.data):
		return s.fail("it ends where a value is expected")
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
			s.pos += len(word)
			return nil
		}
	}
	return s.fail("a value is expected")
}

func (s *jsonScanner) enter() *Error {
	if s.depth++; s.depth > s.maxDepth {
		return s.failAt(s.pos, "objects and arrays are nested deeper than %d levels; raise %q in the gateway's configuration to allow more", s.maxDepth, limitDepth)
	}
	s.pos++
	s.space()
	return nil
}

func (s *jsonScanner) object() *Error {
	if err := s.enter(); err != nil {
		return err
	}
	first := len(s.names)
	for s.peek() != '}' {
		if s.peek() != '"' {
			return s.fail("a name in double quotes is expected")
		}
		start := s.pos
		if err := s.string(); err != nil {
			return err
		}
		s.names = append(s.names, jsonMark{s.hash(s.data[start+1 : s.pos-1]), start})
		s.space()
		if s.peek() != ':' {
			return s.fail("a colon is expected after a name")
		}
		s.pos++
		s.space()
		if err := s.value(); err != nil {
			return err
		}
		if err := s.next('}'); err != nil {
			return err
		}
	}
	s.pos++
	s.depth--
	err := s.unique(s.names[first:])
	s.names = s.names[:first]
	return err
}

func (s *jsonScanner) array() *Error {
	if err := s.enter(); err != nil {
		return err
	}
	for s.peek() != ']' {
		if err := s.value(); err != nil {
			return err
		}
		if err := s.next(']'); err != nil {
			return err
		}
	}
	s.pos++
	s.depth--
	return nil
}

// next skips a comma, behind which something must follow, or stops at the
// closing bracket.
func (s *jsonScanner) next(closing byte) *Error {
	s.space()
	switch s.peek() {
	case closing:
		return nil
	case ',':
		s.pos++
		s.space()
		if s.peek() == closing {
			return s.fail("something is expected after the comma")
		}
		return nil
	}
	if s.pos == len(s.data) {
		return s.fail("it ends where a comma or %q is expected", string(closing))
	}
	return s.fail("a comma or %q is expected", string(closing))
}

func (s *jsonScanner) string() *Error {
	start := s.pos
	for s.pos++; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return nil
		case c < 0x20:
			return s.fail("a control character in a string must be escaped")
		case c == '\\':
			s.pos++
			if c = s.peek(); c == 'u' {
				for range 4 {
					s.pos++
					if !isHex(s.peek()) {
						return s.fail(`\u takes four hexadecimal digits`)
					}
				}
			} else if strings.IndexByte(`"\/bfnrt`, c) < 0 || c == 0 {
				return s.fail("no such escape in a string")
			}
		}
	}
	return s.failAt(start, "a string is not closed")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= lowerASCII(c) && lowerASCII(c) <= 'f'
}

func (s *jsonScanner) number() *Error {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++ // no digits behind a leading zero
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.peek() == '.' {
		s.pos++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if lowerASCII(s.peek()) == 'e' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return nil
}

func (s *jsonScanner) digits() *Error {
	start := s.pos
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.pos++
	}
	if s.pos == start {
		return s.fail("a digit is expected")
	}
	return nil
}

// hash returns the hash of a name as it is compared.
func (s *jsonScanner) hash(name []byte) uint64 {
	if bytes.IndexByte(name, '\\') >= 0 {
		name = []byte(jsonName(name).String())
	}
	s.fold = s.fold[:0]
	for _, c := range name {
		s.fold = append(s.fold, lowerASCII(c))
	}
	return maphash.Bytes(s.seed, s.fold)
}

// unique fails when one of the names of an object stands twice. It may reorder
// names. Names are compared by a hash of 64 bits with a seed that nobody
// outside knows.
func (s *jsonScanner) unique(names []jsonMark) *Error {
	if len(names) <= 16 {
		for i := range names {
			for j := range names[:i] {
				if names[i].hash == names[j].hash {
					return s.duplicate(names[i].position)
				}
			}
		}
		return nil
	}
	slices.SortFunc(names, func(a, b jsonMark) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.position, b.position))
	})
	for i := 1; i < len(names); i++ {
		if names[i].hash == names[i-1].hash {
			return s.duplicate(names[i].position)
		}
	}
	return nil
}

func (s *jsonScanner) duplicate(position int) *Error {
	end := skipString(s.data, position)
	return s.failAt(position, "the name %s stands twice in one object (names are compared without case)",
		shorten(jsonName(s.data[position+1:end-1]).String()))
}
