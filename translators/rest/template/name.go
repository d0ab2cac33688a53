package template

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// reference is a name in braces.
type reference struct {
	index    int // among all of the template
	name     string
	optional bool
	filters  []filter
	each     bool
	fallback *string // of the filter default, as JSON
}

// mayBeMissing reports whether the template can be built without the value.
func (r *reference) mayBeMissing() bool { return r.optional || r.fallback != nil }

// has reports whether one of these filters is among the reference's, with all of the
// characters in its argument.
func (r *reference) has(characters string, filters ...string) bool {
	return slices.ContainsFunc(r.filters, func(f filter) bool {
		return slices.Contains(filters, f.name) && strings.Contains(f.argument, characters)
	})
}

// mark stands in a flat text where a name was. It is no byte of UTF-8.
const mark = 0xFF

// source is a template's text with marks instead of the names.
type source struct {
	text    string
	flat    string
	refs    []*reference
	anchors []anchor
	next    int // the reference of the next mark
}

// anchor says that a position in the flat text is one in the text. What is behind is
// just as far behind.
type anchor struct{ flat, text int }

// fail is a mistake at a position in the flat text.
func (s *source) fail(flat int, format string, args ...any) error {
	pos := flat
	for _, a := range s.anchors {
		if a.flat > flat {
			break
		}
		pos = a.text + flat - a.flat
	}
	return mistake(s.text, min(pos, len(s.text)), format, args...)
}

// take is the reference of the next mark.
func (s *source) take() *reference {
	s.next++
	return s.refs[s.next-1]
}

// scan finds the names in a text.
func scan(text string, form Form) (*source, error) {
	if !utf8.ValidString(text) {
		return nil, errNotUTF8
	}
	isStrict := form == URL || form == Query || form == Header || form == FormURLEncoded
	s := &source{text: text, anchors: []anchor{{0, 0}}}
	var flat strings.Builder
	for pos := 0; pos < len(text); {
		next := strings.IndexByte(text[pos:], '{')
		if next < 0 {
			flat.WriteString(text[pos:])
			break
		}
		flat.WriteString(text[pos : pos+next])
		pos += next
		switch after := text[pos+1:]; {
		case strings.HasPrefix(after, "{"):
			flat.WriteByte('{')
			pos += 2
			s.anchors = append(s.anchors, anchor{flat.Len(), pos})
		case after != "" && beginsName(after[0]):
			r := &nameReader{text: text, pos: pos + 1}
			ref, err := r.read()
			if err != nil {
				return nil, err
			}
			ref.index = len(s.refs)
			s.refs = append(s.refs, ref)
			s.anchors = append(s.anchors, anchor{flat.Len(), pos})
			flat.WriteByte(mark)
			pos = r.pos
			s.anchors = append(s.anchors, anchor{flat.Len(), pos})
		case isStrict && strings.HasPrefix(after, "}"):
			return nil, mistake(text, pos, "there is no name in the braces; a brace as such is written {{")
		case isStrict:
			return nil, mistake(text, pos, "a name begins with a letter or a digit; a brace as such is written {{")
		default:
			flat.WriteByte('{')
			pos++
		}
	}
	s.flat = flat.String()
	return s, nil
}

func beginsName(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// nameReader reads what is in the braces.
type nameReader struct {
	text string
	pos  int
}

func (r *nameReader) read() (*reference, error) {
	start := r.pos
	ref := &reference{}
	for {
		if r.pos == len(r.text) || r.text[r.pos] == '\n' {
			return nil, r.unclosed(start)
		}
		c, n := utf8.DecodeRuneInString(r.text[r.pos:])
		switch c {
		case '}':
			ref.name = r.text[start:r.pos]
			r.pos++
			return ref, nil
		case '|':
			ref.name = r.text[start:r.pos]
			return ref, r.filters(ref, start)
		case '?':
			ref.name = r.text[start:r.pos]
			ref.optional = true
			switch after := r.text[r.pos+1:]; {
			case strings.HasPrefix(after, "}"):
				r.pos += 2
				return ref, nil
			case strings.HasPrefix(after, "|"):
				r.pos++
				return ref, r.filters(ref, start)
			}
			return nil, mistake(r.text, r.pos, "? ends the name of a value that may be missing: {%s?}", bounded(ref.name))
		case '[', '(':
			if err := r.brackets(map[rune]byte{'[': ']', '(': ')'}[c]); err != nil {
				return nil, err
			}
		case '\\': // before a character of a path's name
			_, m := utf8.DecodeRuneInString(r.text[r.pos+1:])
			r.pos += n + m
		default:
			if c == ' ' || c == '{' || c == '"' || c == '\'' || c == ',' || c == ';' || unicode.IsControl(c) {
				return nil, mistake(r.text, r.pos, "%q is not in the name of a value; a brace that begins no name is written {{", c)
			}
			r.pos += n
		}
	}
}

// bounded is the beginning of a text.
func bounded(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return text
}

func (r *nameReader) unclosed(start int) error {
	end := start
	for end < len(r.text) && beginsName(r.text[end]) {
		end++
	}
	return mistake(r.text, start-1, "the brace of {%s is not closed; a brace that begins no name is written {{", bounded(r.text[start:end]))
}

// brackets reads over brackets, in which quotes may hold brackets.
func (r *nameReader) brackets(closing byte) error {
	start := r.pos
	for r.pos++; r.pos < len(r.text); r.pos++ {
		switch c := r.text[r.pos]; c {
		case closing:
			r.pos++
			return nil
		case '"':
			if _, ok := r.quoted(c); !ok {
				return mistake(r.text, r.pos, "the quote is not closed")
			}
			r.pos--
		case '\n':
			return mistake(r.text, start, "the %c is not closed", r.text[start])
		}
	}
	r.pos = start
	return mistake(r.text, start, "the %c is not closed", r.text[start])
}

// quoted reads over a text in quotes, in which a backslash makes the next character
// one of the text.
func (r *nameReader) quoted(quote byte) (string, bool) {
	var out strings.Builder
	for i := r.pos + 1; i < len(r.text); i++ {
		switch c := r.text[i]; c {
		case quote:
			r.pos = i + 1
			return out.String(), true
		case '\\':
			if i++; i < len(r.text) {
				out.WriteByte(r.text[i])
			}
		default:
			out.WriteByte(c)
		}
	}
	return "", false
}

// filters reads |filter argument|filter … }.
func (r *nameReader) filters(ref *reference, start int) error {
	for {
		if r.pos == len(r.text) {
			return r.unclosed(start)
		}
		if r.text[r.pos] == '}' {
			r.pos++
			return nil
		}
		r.pos++ // the |
		r.space()
		at := r.pos
		for r.pos < len(r.text) && beginsName(r.text[r.pos]) {
			r.pos++
		}
		f := filter{name: r.text[at:r.pos]}
		if f.name == "" {
			return mistake(r.text, at, "the name of a filter is missing behind |: it is one of %s", filterNames)
		}
		r.space()
		hasArgument := false
		if r.pos < len(r.text) && r.text[r.pos] != '|' && r.text[r.pos] != '}' {
			hasArgument = true
			argumentAt, ok := r.pos, true
			if c := r.text[r.pos]; c == '"' || c == '\'' {
				if f.argument, ok = r.quoted(c); !ok {
					return mistake(r.text, argumentAt, "the quote is not closed")
				}
			} else {
				for r.pos < len(r.text) && strings.IndexByte("|}\n", r.text[r.pos]) < 0 {
					r.pos++
				}
				f.argument = strings.TrimRight(r.text[argumentAt:r.pos], " \t")
			}
			r.space()
			if r.pos < len(r.text) && r.text[r.pos] != '|' && r.text[r.pos] != '}' {
				if r.text[r.pos] == '\n' {
					return r.unclosed(start)
				}
				return mistake(r.text, r.pos, "the filter %s has one argument; one with spaces stands in quotes", f.name)
			}
		}
		if err := f.check(hasArgument); err != nil {
			return mistake(r.text, at, "%w", err)
		}
		if err := ref.add(f); err != nil {
			return mistake(r.text, at, "%w", err)
		}
	}
}

func (r *nameReader) space() {
	for r.pos < len(r.text) && (r.text[r.pos] == ' ' || r.text[r.pos] == '\t') {
		r.pos++
	}
}

// add adds a filter. Those that are about whether and how often there is a value are
// taken out of the others.
func (r *reference) add(f filter) error {
	switch f.name {
	case "default":
		if r.fallback != nil {
			return fmt.Errorf("default stands there twice")
		}
		text := quote(f.argument)
		r.fallback = &text
	case "each":
		if r.each || len(r.filters) > 0 {
			return fmt.Errorf("each is the first of the filters: the others are for the elements")
		}
		r.each = true
	default:
		r.filters = append(r.filters, f)
	}
	return nil
}
