package scim

import (
	"bytes"
	"errors"
	"iter"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonValue is one value within a document that [scanJSON] has approved: its
// bytes from the first to the last, without the space around. It shares the
// document's memory, so that walking through it copies nothing; its methods rely
// on the bytes being valid and check nothing again.
type jsonValue []byte

// jsonKind is what a jsonValue is.
type jsonKind byte

const (
	jsonNull   jsonKind = 'n'
	jsonTrue   jsonKind = 't'
	jsonFalse  jsonKind = 'f'
	jsonNumber jsonKind = '0'
	jsonString jsonKind = '"'
	jsonArray  jsonKind = '['
	jsonObject jsonKind = '{'
)

// kind returns what v is; a nil v is null.
func (v jsonValue) kind() jsonKind {
	if len(v) == 0 {
		return jsonNull
	}
	switch v[0] {
	case 'n', 't', 'f', '"', '[', '{':
		return jsonKind(v[0])
	}
	return jsonNumber
}

// String names the kind as it is written in an error's detail.
func (k jsonKind) String() string {
	switch k {
	case jsonNull:
		return "null"
	case jsonTrue, jsonFalse:
		return "a boolean"
	case jsonNumber:
		return "a number"
	case jsonString:
		return "a string"
	case jsonArray:
		return "an array"
	}
	return "an object"
}

// members walks through the names and values of an object, in the order in
// which they stand. Anything else has none.
func (v jsonValue) members() iter.Seq2[jsonName, jsonValue] {
	return func(yield func(jsonName, jsonValue) bool) {
		if v.kind() != jsonObject {
			return
		}
		for i := skipSpace(v, 1); v[i] != '}'; {
			end := skipJSON(v, i)
			name := jsonName(v[i+1 : end-1])
			i = skipSpace(v, skipSpace(v, end)+1) // the colon
			end = skipJSON(v, i)
			if !yield(name, v[i:end]) {
				return
			}
			i = skipSpace(v, end)
			if v[i] == ',' {
				i = skipSpace(v, i+1)
			}
		}
	}
}

// elements walks through the elements of an array. Anything else has none.
func (v jsonValue) elements() iter.Seq[jsonValue] {
	return func(yield func(jsonValue) bool) {
		if v.kind() != jsonArray {
			return
		}
		for i := skipSpace(v, 1); v[i] != ']'; {
			end := skipJSON(v, i)
			if !yield(v[i:end]) {
				return
			}
			i = skipSpace(v, end)
			if v[i] == ',' {
				i = skipSpace(v, i+1)
			}
		}
	}
}

// isEmpty reports whether v is null, an empty array, an empty object or an empty
// string.
func (v jsonValue) isEmpty() bool {
	switch v.kind() {
	case jsonNull:
		return true
	case jsonString:
		return len(v) == 2
	case jsonArray, jsonObject:
		i := skipSpace(v, 1)
		return i == len(v)-1
	}
	return false
}

// text returns the string that v is, unescaped. It fails when the string holds
// what no directory can: a NUL or half of a surrogate pair.
func (v jsonValue) text() (string, error) {
	raw := v[1 : len(v)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw), nil
	}
	return unescapeJSON(raw)
}

// jsonName is the name of an object's member as it stands between the quotes.
type jsonName []byte

// is reports whether the name is that one, compared without case
// (RFC 7643 §2.1). lower is written in lower-case ASCII.
func (n jsonName) is(lower string) bool {
	if bytes.IndexByte(n, '\\') >= 0 {
		return foldASCII(n.String()) == lower
	}
	if len(n) != len(lower) {
		return false
	}
	for i, c := range n {
		if lowerASCII(c) != lower[i] {
			return false
		}
	}
	return true
}

// String returns the name unescaped. What cannot stand in a name becomes U+FFFD,
// so that it is no attribute's name.
func (n jsonName) String() string {
	if bytes.IndexByte(n, '\\') < 0 {
		return string(n)
	}
	s, err := unescapeJSON(n)
	if err != nil {
		return strings.ToValidUTF8(string(n), "\uFFFD") + "\uFFFD"
	}
	return s
}

var (
	errNUL       = errors.New(`it holds the character NUL (\u0000)`)
	errSurrogate = errors.New(`it holds half of a surrogate pair (\ud800 to \udfff), which is no character`)
)

// unescapeJSON resolves the escapes of a valid string (RFC 8259 §7).
func unescapeJSON(raw []byte) (string, error) {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			next := bytes.IndexByte(raw[i:], '\\')
			if next < 0 {
				next = len(raw) - i
			}
			b.Write(raw[i : i+next])
			i += next
			continue
		}
		c := raw[i+1]
		i += 2
		switch c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r := hexRune(raw[i:])
			i += 4
			if utf16.IsSurrogate(r) {
				if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
					return "", errSurrogate
				}
				if r = utf16.DecodeRune(r, hexRune(raw[i+2:])); r == utf8.RuneError {
					return "", errSurrogate
				}
				i += 6
			}
			if r == 0 {
				return "", errNUL
			}
			b.WriteRune(r)
		default: // a quote, a backslash or a slash
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

func hexRune(digits []byte) rune {
	var r rune
	for _, c := range digits[:4] {
		r <<= 4
		switch {
		case c <= '9':
			r |= rune(c - '0')
		default:
			r |= rune(lowerASCII(c) - 'a' + 10)
		}
	}
	return r
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// foldASCII lowers A to Z alone: names of attributes are ASCII (RFC 7643 §2.1),
// and letters such as the Kelvin sign must not turn into one of them.
func foldASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				b[i] = lowerASCII(b[i])
			}
			return string(b)
		}
	}
	return s
}

func skipSpace(v []byte, i int) int {
	for i < len(v) && (v[i] == ' ' || v[i] == '\n' || v[i] == '\r' || v[i] == '\t') {
		i++
	}
	return i
}

// skipJSON returns the index behind the value that begins at i.
func skipJSON(v []byte, i int) int {
	switch v[i] {
	case '"':
		return skipString(v, i)
	case '{', '[':
		for depth := 0; ; i++ {
			switch v[i] {
			case '"':
				i = skipString(v, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(v) {
		switch v[i] {
		case ',', '}', ']', ' ', '\n', '\r', '\t':
			return i
		}
		i++
	}
	return i
}

// skipString returns the index behind the string whose opening quote is at i.
func skipString(v []byte, i int) int {
	for i++; ; i++ {
		i += bytes.IndexByte(v[i:], '"')
		// The quote ends the string unless an odd number of backslashes
		// stands before it.
		back := i
		for v[back-1] == '\\' {
			back--
		}
		if (i-back)%2 == 0 {
			return i + 1
		}
	}
}
