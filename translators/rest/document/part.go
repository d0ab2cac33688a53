package document

import (
	"iter"
	"strings"
)

// part is where a member of an object, or an element of an array, is in its text.
type part struct {
	lead    int // behind the brace, bracket or comma before it
	start   int
	nameEnd int // of a member
	// valueStart and end are those of the value.
	valueStart, end int
	trail           int // the comma, brace or bracket behind it
}

// parts goes through the members or elements of a valid object or array.
func parts(text string) iter.Seq[part] {
	return func(yield func(part) bool) {
		for pos := 1; ; {
			p := part{lead: pos, start: skipSpace(text, pos)}
			if p.start == len(text)-1 {
				return // nothing is in it
			}
			p.valueStart = p.start
			if text[0] == '{' {
				p.nameEnd = endOfString(text, p.start)
				p.valueStart = skipSpace(text, skipSpace(text, p.nameEnd)+1)
			}
			p.end = endOfValue(text, p.valueStart)
			p.trail = skipSpace(text, p.end)
			if !yield(p) || p.trail == len(text)-1 {
				return
			}
			pos = p.trail + 1
		}
	}
}

func skipSpace(text string, pos int) int {
	for pos < len(text) && strings.IndexByte(" \t\r\n", text[pos]) >= 0 {
		pos++
	}
	return pos
}

// endOfValue is the position behind the valid value that begins at start.
func endOfValue(text string, start int) int {
	depth := 0
	for pos := start; pos < len(text); pos++ {
		switch text[pos] {
		case '"':
			pos = endOfString(text, pos) - 1
			if depth == 0 {
				return pos + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return pos + 1
			} else if depth < 0 {
				return pos
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return pos
			}
		}
	}
	return len(text)
}

// writer writes an object or an array anew, with the white space that it had.
type writer struct {
	out    []byte
	count  int
	trail  string // the space behind the last one that was there
	indent string // the space before each one
	space  string // the space behind the colon
	isOpen bool   // trail is still to be written
}

func newWriter(dst []byte, open byte) *writer { return &writer{out: append(dst, open)} }

// begin writes what is before a part that stays.
func (w *writer) begin(text string, p part) {
	if w.isOpen {
		w.out = append(w.out, w.trail...)
	}
	if w.count > 0 {
		w.out = append(w.out, ',')
	}
	w.learn(text, p)
	w.out = append(w.out, w.indent...)
	w.count++
	w.isOpen = true
}

func (w *writer) keep(text string, p part) {
	w.begin(text, p)
	w.out = append(w.out, text[p.start:p.end]...)
}

// drop leaves a part out.
func (w *writer) drop(text string, p part) {
	if !w.isOpen || p.trail == len(text)-1 {
		w.learn(text, p)
		w.isOpen = w.isOpen || w.count > 0
	}
}

// learn takes over the white space of a part.
func (w *writer) learn(text string, p part) {
	w.indent = text[p.lead:p.start]
	w.trail = text[p.end:p.trail]
	w.space = ""
	if p.nameEnd > 0 {
		if between := text[p.nameEnd:p.valueStart]; strings.HasSuffix(between, ": ") {
			w.space = " "
		}
	}
}

// add writes what is before a new part.
func (w *writer) add() {
	if w.count > 0 {
		w.out = append(w.out, ',')
	}
	w.out = append(w.out, w.indent...)
	w.count++
}

func (w *writer) end(closing byte) []byte {
	if w.count > 0 {
		w.out = append(w.out, w.trail...)
	}
	return append(w.out, closing)
}
