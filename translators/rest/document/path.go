package document

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// Path is a path in a document: names separated by dots, # for each element of an
// array, #(name==value) for the first that is so, #(name==value)# for each that is, a
// number for one of them, from 0. A backslash before a character makes it a part of
// the name: custom\.field; a name that is a number is :5. It is compiled from the
// configuration alone.
//
// Where an element of an array is meant and there is a single object or value, it is
// the only element: a list of one in XML looks like that.
type Path struct {
	text  string
	steps []step
}

// step is one part of a path.
type step struct {
	kind  stepKind
	name  string // of stepName, and of stepIndex where there is an object
	key   string // the name as it stands in JSON, in quotes
	index int
	match *match
}

type stepKind int

const (
	stepName  stepKind = iota
	stepIndex          // one element
	stepEach           // each element
	stepFirst          // the first element that matches
	stepAll            // each element that matches
)

// match is a condition on an element.
type match struct {
	path  *Path // in the element
	value string
	raw   string // the value as JSON
}

// maxSteps bounds the parts of a path.
const maxSteps = 32

// ParsePath reads a path. "." is the whole document. The error says what is wrong and
// where, as a column from 1.
func ParsePath(text string) (*Path, error) {
	p := &Path{text: text}
	if text == "." {
		return p, nil
	}
	r := &pathReader{text: text}
	if !utf8.ValidString(text) {
		return nil, errors.New("a path is in UTF-8")
	}
	for {
		s, err := r.step()
		if err != nil {
			return nil, fmt.Errorf("path %q: column %d: %w", text, 1+utf8.RuneCountInString(text[:r.pos]), err)
		}
		if p.steps = append(p.steps, s); len(p.steps) > maxSteps {
			return nil, fmt.Errorf("path %q has more than %d parts", text, maxSteps)
		}
		if r.pos == len(text) {
			return p, nil
		}
		r.pos++ // the dot
	}
}

// pathReader reads a path's text.
type pathReader struct {
	text string
	pos  int
}

func (r *pathReader) step() (step, error) {
	if r.pos < len(r.text) && r.text[r.pos] == '#' {
		return r.elements()
	}
	start := r.pos
	isEscaped := false
	var name strings.Builder
loop:
	for r.pos < len(r.text) {
		c, n := utf8.DecodeRuneInString(r.text[r.pos:])
		switch {
		case c == '\\':
			if r.pos++; r.pos == len(r.text) {
				return step{}, errors.New("a backslash is before the character that it makes a part of the name")
			}
			c, n = utf8.DecodeRuneInString(r.text[r.pos:])
			isEscaped = true
		case c == '.':
			break loop
		case c == '|':
			return step{}, errors.New(`there are no pipes: a | in a name is written \|`)
		case c == '*' || c == '?':
			return step{}, fmt.Errorf(`there are no wildcards: a %c in a name is written \%c`, c, c)
		case c == '#':
			return step{}, errors.New(`# stands alone between dots, for each element: a # in a name is written \#`)
		case r.pos == start && c == '@':
			return step{}, errors.New(`there are no modifiers: a name that begins with @ is written \@`)
		case r.pos == start && c == '/':
			return step{}, errors.New(`the parts of a path have dots between them, as in name.first: a name that begins with / is written \/`)
		case r.pos == start && c == '$' && (r.pos+1 == len(r.text) || r.text[r.pos+1] == '.'):
			return step{}, errors.New(`a path begins with the first name, as in name.first, and has no $: a name that is $ is written \$`)
		case c == '[' && isElement(r.text[r.pos:]):
			return step{}, errors.New(`an element has a dot before its number, as in mails.0, and each of them is mails.#: a [ in a name is written \[`)
		case r.pos == start && (c == '!' || c == '{' || c == '['):
			return step{}, fmt.Errorf(`a name that begins with %c is written \%c`, c, c)
		case unicode.IsControl(c):
			return step{}, errors.New("there are no control characters in a path")
		}
		name.WriteRune(c)
		r.pos += n
	}
	text := name.String()
	if text == "" {
		return step{}, errors.New(`a name is missing; the whole document is "."`)
	}
	if isNumber(text) && !isEscaped {
		index, err := strconv.Atoi(text)
		if err != nil || index > 1_000_000 {
			return step{}, fmt.Errorf("the number %s is too big for an element; a name is written :%s", bounded(text, 20), bounded(text, 20))
		}
		return nameStep(stepIndex, text, index), nil
	}
	if rest, ok := strings.CutPrefix(text, ":"); ok && isNumber(rest) {
		text = rest
	}
	return nameStep(stepName, text, 0), nil
}

// isElement reports whether a text begins with the number of an element, or *, in brackets,
// as paths of others have it.
func isElement(text string) bool {
	inner, _, isClosed := strings.Cut(text[1:], "]")
	return isClosed && (inner == "*" || inner == "" || isNumber(inner))
}

func nameStep(kind stepKind, name string, index int) step {
	return step{kind: kind, name: name, key: string(appendString(nil, name)), index: index}
}

// elements reads a part that begins with #.
func (r *pathReader) elements() (step, error) {
	r.pos++
	if r.pos == len(r.text) || r.text[r.pos] == '.' {
		return step{kind: stepEach}, nil
	}
	if r.text[r.pos] != '(' {
		return step{}, errors.New("behind # comes a dot, or (name==value)")
	}
	r.pos++
	start := r.pos
	inside, err := r.condition()
	if err != nil {
		return step{}, err
	}
	key, value, ok := cutCondition(inside)
	if !ok {
		r.pos = start
		return step{}, errors.New("a condition is #(name==value); there is no other")
	}
	p, err := ParsePath(strings.TrimSpace(key))
	if err != nil {
		r.pos = start
		return step{}, err
	}
	for _, s := range p.steps {
		if s.kind != stepName {
			r.pos = start
			return step{}, errors.New("a condition compares what has a name: #(name==value)")
		}
	}
	m, err := newMatch(p, strings.TrimSpace(value))
	if err != nil {
		r.pos = start
		return step{}, err
	}
	s := step{kind: stepFirst, match: m}
	if r.pos < len(r.text) && r.text[r.pos] == '#' {
		s.kind = stepAll
		r.pos++
	}
	if r.pos < len(r.text) && r.text[r.pos] != '.' {
		return step{}, errors.New("behind a condition comes a dot")
	}
	return s, nil
}

// condition reads to the closing parenthesis and over it.
func (r *pathReader) condition() (string, error) {
	start := r.pos
	for ; r.pos < len(r.text); r.pos++ {
		switch r.text[r.pos] {
		case '\\':
			r.pos++
		case '"':
			r.pos = endOfString(r.text, r.pos) - 1
		case ')':
			r.pos++
			return r.text[start : r.pos-1], nil
		}
	}
	r.pos = start
	return "", errors.New("the parenthesis of #( is not closed")
}

// cutCondition splits at the first == that is outside of quotes.
func cutCondition(text string) (key, value string, ok bool) {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == '"':
			i = endOfString(text, i) - 1
		case strings.HasPrefix(text[i:], "=="):
			return text[:i], text[i+2:], true
		}
	}
	return "", "", false
}

// newMatch is a condition: in quotes the value is a string; else a number, true and
// false are also equal to the string of their characters.
func newMatch(p *Path, text string) (*match, error) {
	switch {
	case strings.HasPrefix(text, `"`):
		if !gjson.Valid(text) {
			return nil, errors.New(`the value in quotes is no JSON string`)
		}
		return &match{p, gjson.Parse(text).Str, text}, nil
	case text == "":
		return nil, errors.New(`the value is missing; one without characters is ""`)
	case strings.HasPrefix(text, "="), strings.HasPrefix(text, "~"):
		return nil, errors.New("a condition is #(name==value); there is no other")
	case text != "null" && gjson.Valid(text) && !strings.ContainsAny(text[:1], "{["):
		return &match{p, text, text}, nil
	}
	return &match{p, text, string(appendString(nil, text))}, nil
}

// isTrue reports whether the condition is true of an element.
func (m *match) isTrue(element gjson.Result) bool {
	v, ok := single(element, m.path.steps)
	if !ok {
		return false
	}
	switch v.Type {
	case gjson.String:
		return v.Str == m.value
	case gjson.Number, gjson.True, gjson.False:
		return v.Raw == m.raw
	}
	return false
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// String returns the text.
func (p *Path) String() string { return p.text }

// IsWhole reports whether the path is ".", the whole document.
func (p *Path) IsWhole() bool { return len(p.steps) == 0 }

// IsWritable reports whether Set can make a value be at the path: the path is of
// names, numbers and #(name==value), and is not the whole document.
func (p *Path) IsWritable() bool {
	for _, s := range p.steps {
		if s.kind == stepEach || s.kind == stepAll {
			return false
		}
	}
	return len(p.steps) > 0
}
