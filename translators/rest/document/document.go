// Package document reads what an application answers. Whatever the form, it becomes
// JSON, so that paths are those of gjson everywhere.
//
// XML becomes JSON so: the document is an object with the root element's name as
// its only member; an element with text alone is a string; one with child elements
// or attributes is an object; elements of one name beside each other are an array;
// an attribute is "-name"; text beside attributes is "text". Prefixes of names are
// left out.
package document

import (
	"errors"

	"github.com/tidwall/gjson"
)

// Parse reads a body as form (json, xml, form, text; "" for what contentType says)
// into JSON. The charset is that of contentType, of the XML declaration or of the
// byte order mark, else UTF-8. It fails on what is not valid as a whole, on
// duplicate keys and on what is nested too deeply.
func Parse(body []byte, contentType, form string) (gjson.Result, error) {
	return gjson.Result{}, errors.New("documents are not read")
}

// Path is a path in a document: names separated by dots, # for each element of an
// array, #(name==value) for the first that is so, a number for one of them. It is
// compiled from the configuration alone.
type Path struct{ text string }

// ParsePath reads a path. "." is the whole document.
func ParsePath(text string) (*Path, error) { return &Path{text}, nil }

// String returns the text.
func (p *Path) String() string { return p.text }

// Get returns the values at the path: the elements of an array one by one, nothing
// for what is missing or null.
func (p *Path) Get(doc gjson.Result) []gjson.Result { return nil }

// IsWritable reports whether Set can make a value be at the path: the path is of
// names, and of #(name==value).
func (p *Path) IsWritable() bool { return true }

// Set returns the document with the raw JSON value at the path; what is missing on the
// way is added. All else stays as it is, to the byte where that is possible. A raw of
// "" removes the value.
func (p *Path) Set(doc []byte, raw string) ([]byte, error) {
	return nil, errors.New("documents are not written")
}
