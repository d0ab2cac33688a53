package scim

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// tokenKind is what a [token] is.
type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a name, an operator, a keyword or an unquoted literal
	tokenString           // a JSON string; its text is what it stands for
	tokenOpen             // (
	tokenClose            // )
	tokenLeft             // [
	tokenRight            // ]
)

// token is a piece of a filter or a path.
type token struct {
	kind       tokenKind
	text       string
	start, end int // bytes from the start of the whole text
}

// is reports whether the token is that keyword, in any case.
func (t token) is(keyword string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, keyword)
}

// String names the token in an error.
func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end"
	case tokenWord, tokenString:
		return shorten(t.text)
	}
	return t.text
}

// lexer cuts the text of a filter or a path into tokens, one at a time.
type lexer struct {
	text string
	noun string    // what the text is, for errors: "filter" or "path"
	kind ErrorType // of the errors
	at   int       // the byte behind the last token
}

// fail returns a 400 that names the character column, counted from 1, of the
// byte at.
func (l *lexer) fail(at int, message string) *Error {
	return Invalid(l.kind, "%s, position %d: %s", l.noun, l.column(at), message)
}

func (l *lexer) column(at int) int { return utf8.RuneCountInString(l.text[:at]) + 1 }

// next returns the token that follows.
func (l *lexer) next() (token, error) {
	for l.at < len(l.text) && isSpace(l.text[l.at]) {
		l.at++
	}
	start := l.at
	if start == len(l.text) {
		return token{tokenEnd, "", start, start}, nil
	}
	kind := tokenWord
	switch l.text[start] {
	case '"':
		return l.quoted()
	case '(':
		kind = tokenOpen
	case ')':
		kind = tokenClose
	case '[':
		kind = tokenLeft
	case ']':
		kind = tokenRight
	}
	if kind != tokenWord {
		l.at++
		return token{kind, l.text[start:l.at], start, l.at}, nil
	}
	for l.at < len(l.text) && !endsWord(l.text[l.at]) {
		l.at++
	}
	return token{tokenWord, l.text[start:l.at], start, l.at}, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func endsWord(c byte) bool {
	switch c {
	case '"', '(', ')', '[', ']':
		return true
	}
	return isSpace(c)
}

// quoted reads a JSON string (RFC 8259 §7). One without escapes is not copied.
func (l *lexer) quoted() (token, error) {
	start := l.at
	var unescaped []byte
	copied := start + 1 // everything before it stands in unescaped
	for i := start + 1; i < len(l.text); {
		switch c := l.text[i]; {
		case c == '"':
			l.at = i + 1
			s := l.text[copied:i]
			if unescaped != nil {
				s = string(append(unescaped, s...))
			}
			return token{tokenString, s, start, l.at}, nil
		case c == '\\':
			r, size := unescape(l.text[i:])
			if size == 0 {
				return token{}, l.fail(i, `expected an escape as in a JSON string (a backslash is written \\)`)
			}
			unescaped = append(unescaped, l.text[copied:i]...)
			unescaped = utf8.AppendRune(unescaped, r)
			i += size
			copied = i
		case c < ' ':
			return token{}, l.fail(i, "a control character in a string must be escaped")
		default:
			i++
		}
	}
	return token{}, l.fail(start, "the string that starts here has no end")
}

// unescape reads the escape that s starts with and returns its length in bytes,
// or 0 when it is none.
func unescape(s string) (r rune, size int) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case '"', '\\', '/':
		return rune(s[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	r = hexEscape(s)
	if r < 0 {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		r = utf16.DecodeRune(r, hexEscape(s[6:]))
		if r == utf8.RuneError { // a half of a pair stands for nothing
			return 0, 0
		}
		return r, 12
	}
	return r, 6
}

// hexEscape reads the \uXXXX that s starts with, or returns -1.
func hexEscape(s string) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range []byte(s[2:6]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
