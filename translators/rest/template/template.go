// Package template builds what is sent to an application (URLs, headers, JSON,
// forms, XML) out of a text from the configuration and data from anywhere. Each
// value is encoded for the place where it stands, so that no value can change the
// shape of what is built.
package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Form is what a template makes.
type Form int

// The forms.
const (
	URL            Form = iota // path segments and query; a value never adds a segment or a parameter
	Query                      // the value of a query parameter, encoded later
	Header                     // a header's value
	JSON                       // outside of quotes a whole JSON value, within them a part of a string
	FormURLEncoded             // application/x-www-form-urlencoded
	XML                        // text, CDATA sections and attributes' values
	Text                       // as it is
)

// Value is a value for a template.
type Value struct {
	// JSON is the value as JSON text: "\"ada\"", "7", "true", "null", an object, an
	// array. Outside of JSON a string is its characters; arrays and objects are only
	// for JSON.
	JSON string
	// Mask is what is printed instead, in braces or stars: a secret, a private
	// value, or one that an earlier call will tell. "": the value is printed.
	Mask string
}

// Lookup returns the value that stands for a name; ok is false where there is none
// now, an error is for a name that can't have one.
type Lookup func(name string) (v Value, ok bool, err error)

// MissingError is the error for a name that must have a value and has none.
type MissingError struct{ Name string }

// Error implements error.
func (e *MissingError) Error() string { return fmt.Sprintf("{%s} has no value", e.Name) }

// ValueError is the error for a value that can't stand where its name does. It does
// not quote the value.
type ValueError struct {
	Name string
	Err  error
}

// Error implements error.
func (e *ValueError) Error() string { return fmt.Sprintf("the value of {%s} %v", e.Name, e.Err) }

// Unwrap returns Err.
func (e *ValueError) Unwrap() error { return e.Err }

// Template is a parsed text. It is used by many goroutines at once.
type Template struct {
	text  string
	form  Form
	nodes []node
	refs  []*reference
	names []string
	size  int // of what was literal, roughly
	// optional is set when the template is nothing but names that may have no value.
	optional bool
}

// Parse reads a template. {name} stands for a value and must have one; {name?} may
// have none: then it is empty, and the query parameter, the form field, the member
// of a JSON object, the element of a JSON array or of XML, or the attribute that it is
// the only content of is left out. null is a value only in JSON, outside of quotes.
// {name|filter|filter} changes the value:
//
//	number        the number of these characters: "7" is 7
//	string        the characters of a number or boolean: 7 is "7"
//	lower, upper  in these letters
//	base64        of the characters
//	join ","      the elements of a list, with the text between them
//	each          the query parameter, form field, element of a JSON array or of XML
//	              once for each element of a list; left out for an empty one
//	default "x"   where there is no value
//	json, xml     as JSON, or as text of XML, in a string
//	double "'"    each of these characters twice
//	escape "'\""  a backslash before each of these characters, and before backslashes
//
// A name begins with a letter, a digit or an underscore; brackets and parentheses in
// it may hold anything: {emails[type eq "work"].value}. A brace that begins no name
// stands for itself in JSON, XML and Text, where it usually is; {{ is a brace
// everywhere.
//
// In a URL, the value of a query parameter or form field that stands in quotes within
// it, as in filter=mail eq '{userName}', needs double or escape: nothing else could
// know what the application reads there. The error says where in the text the mistake
// is, and the remedy.
func Parse(text string, form Form) (*Template, error) {
	s, err := scan(text, form)
	if err != nil {
		return nil, err
	}
	t := &Template{text: text, form: form, refs: s.refs, size: len(text)}
	for _, r := range s.refs {
		if !slices.Contains(t.names, r.name) {
			t.names = append(t.names, r.name)
		}
	}
	t.optional = len(s.refs) > 0 && strings.Trim(s.flat, string([]byte{mark})) == "" && allOptional(s.refs)
	switch form {
	case URL:
		t.nodes, err = compileURL(s)
	case FormURLEncoded:
		t.nodes, err = compileForm(s)
	case JSON:
		t.nodes, err = compileJSON(s)
	case XML:
		t.nodes, err = compileXML(s)
	case Header, Query, Text:
		t.nodes, err = compilePlain(s, form)
	default:
		return nil, fmt.Errorf("there is no form %d of templates", form)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// String returns the text.
func (t *Template) String() string { return t.text }

// Names returns the names in the template, each once.
func (t *Template) Names() []string { return t.names }

// Requires reports whether the template can't be built without a value of the name.
func (t *Template) Requires(name string) bool {
	return slices.ContainsFunc(t.refs, func(r *reference) bool { return r.name == name && !r.mayBeMissing() })
}

// IsPresent reports whether there is anything to send: it is false for a template of
// {name?} alone that has no value. A query parameter or header is then left out, which
// is something else than an empty one.
func (t *Template) IsPresent(lookup Lookup) (bool, error) {
	if !t.optional {
		return true, nil
	}
	b := t.builder(lookup, false)
	return b.anyOf(t.refs)
}

// Execute builds the text. Its error is what lookup says, a *[MissingError] or a
// *[ValueError].
func (t *Template) Execute(lookup Lookup) (string, error) { return t.build(lookup, false) }

// Print is Execute with masks instead of the values that have one. They stand as they
// are: what is printed is for reading.
func (t *Template) Print(lookup Lookup) (string, error) { return t.build(lookup, true) }

func (t *Template) build(lookup Lookup, isPrint bool) (string, error) {
	b := t.builder(lookup, isPrint)
	b.out = make([]byte, 0, t.size+32*len(t.refs))
	if err := b.all(t.nodes); err != nil {
		return "", err
	}
	return string(b.out), nil
}

func allOptional(refs []*reference) bool {
	return !slices.ContainsFunc(refs, func(r *reference) bool { return !r.optional })
}

// mistake is an error at a position in a template's text.
func mistake(text string, pos int, format string, args ...any) error {
	before := text[:pos]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	err := fmt.Errorf(format, args...)
	if strings.Contains(text, "\n") {
		return fmt.Errorf("line %d, column %d: %w", line, column, err)
	}
	return fmt.Errorf("column %d: %w", column, err)
}

var errNotUTF8 = errors.New("a template is in UTF-8")
