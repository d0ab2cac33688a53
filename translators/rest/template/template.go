// Package template builds what is sent to an application (URLs, headers, JSON,
// forms, XML) out of a text from the configuration and data from anywhere. Each
// value is encoded for the place where it stands, so that no value can change the
// shape of what is built.
package template

import "errors"

// Form is what a template makes.
type Form int

// The forms.
const (
	URL            Form = iota // path segments and query; a value never adds a segment or a parameter
	Query                      // the value of a query parameter, encoded later
	Header                     // a header's value
	JSON                       // outside of quotes a whole JSON value, within them a part of a string
	FormURLEncoded             // application/x-www-form-urlencoded
	XML                        // text and attributes' values
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

// Template is a parsed text.
type Template struct{ text string }

// Parse reads a template. {name} stands for a value and must have one; {name?} may
// have none: then it is empty, and the query parameter, the form field, the member
// of a JSON object or the element of a JSON array that it is the only content of is
// left out. {name|filter|filter} changes the value: number, string, lower, upper,
// base64, join ",". A brace that begins no name stands for itself, as in JSON; {{
// is a brace.
func Parse(text string, form Form) (*Template, error) { return &Template{text}, nil }

// Names returns the names in the template, each once.
func (t *Template) Names() []string { return nil }

// Execute builds the text.
func (t *Template) Execute(lookup Lookup) (string, error) {
	return "", errors.New("templates are not built")
}

// Print is Execute with masks instead of the values that have one.
func (t *Template) Print(lookup Lookup) (string, error) {
	return "", errors.New("templates are not built")
}
