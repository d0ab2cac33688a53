// Package document reads what an application answers. Whatever the form, it becomes
// JSON, so that paths are the same everywhere.
//
// XML becomes JSON so: the document is an object with the root element's name as
// its only member; an element with text alone is a string; one with child elements
// or attributes is an object; elements of one name beside each other are an array;
// an attribute is "-name"; text beside attributes or elements is "text". Prefixes of
// names are left out, and so is what is said of the XML alone: declarations of
// namespaces, and the attributes of XML Schema instances and SOAP envelopes, of which
// xsi:nil makes an element null. An element without content is "".
//
// A form becomes an object of strings, a text one string.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// The forms of documents.
const (
	JSON = "json"
	XML  = "xml"
	Form = "form"
	Text = "text"
)

// maxDepth is how deep objects, arrays and elements are nested.
const maxDepth = 100

// ErrEmpty is the error for a body of nothing, or of white space alone.
var ErrEmpty = errors.New("the answer has no body")

// ErrPage is the error for an HTML page where a document is expected: what proxies
// and broken applications answer with.
var ErrPage = errors.New("answered with a page (text/html)")

// Parse reads a body as form (json, xml, form, text; "" for what contentType says)
// into JSON. The charset is that of the byte order mark, of contentType or of the XML
// declaration, else UTF-8. It fails on what is not valid as a whole, on duplicate keys
// and on what is nested too deeply.
//
// Where contentType says nothing, or text/plain, an object or array of JSON is read as
// such. HTML is never read but as text: the error is [ErrPage], and it is [ErrEmpty]
// for a body without anything. Errors quote nothing but the title of a page.
func Parse(body []byte, contentType, form string) (gjson.Result, error) {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return gjson.Result{}, ErrEmpty
	}
	media, parameters, _ := mime.ParseMediaType(contentType)
	isPage := IsPage(body, contentType)
	if isPage && form != Text {
		return gjson.Result{}, pageError(body)
	}
	text, isDecoded, err := decode(body, parameters["charset"])
	if err != nil {
		return gjson.Result{}, err
	}
	if len(bytes.TrimLeft(text, " \t\r\n")) == 0 {
		return gjson.Result{}, ErrEmpty
	}
	if form == "" {
		form = formOf(media, text)
	}
	if form != XML && !utf8.Valid(text) {
		return gjson.Result{}, errors.New("the answer is not in UTF-8, and its Content-Type names no other charset")
	}
	switch form {
	case JSON:
		doc := string(text)
		if err := checkJSON(doc); err != nil {
			return gjson.Result{}, err
		}
		return gjson.Parse(doc), nil
	case XML:
		return parseXML(text, isDecoded)
	case Form:
		return parseForm(string(text))
	case Text:
		return gjson.ParseBytes(appendString(nil, string(text))), nil
	case "":
		return gjson.Result{}, fmt.Errorf("the answer is of the type %s, which can't be read: say what it is with the line answer", strconv.Quote(bounded(media, 60)))
	}
	return gjson.Result{}, fmt.Errorf("there is no form %q: it is one of json, xml, form, text", bounded(form, 40))
}

// formOf is what a media type means, or "".
func formOf(media string, body []byte) string {
	switch {
	case media == "application/json", strings.HasSuffix(media, "+json"), media == "text/json", media == "text/javascript", media == "application/javascript":
		return JSON
	case media == "application/xml", media == "text/xml", strings.HasSuffix(media, "+xml"):
		return XML
	case media == "application/x-www-form-urlencoded":
		return Form
	}
	isText := media == "text/plain"
	if !isText && media != "" && media != "application/octet-stream" && media != "text/html" {
		return ""
	}
	switch start := bytes.TrimLeft(body, " \t\r\n"); {
	case start[0] == '{' || start[0] == '[':
		if !isText || checkDepth(string(body)) == nil && gjson.ValidBytes(body) {
			return JSON
		}
	case bytes.HasPrefix(start, []byte("<?xml")):
		return XML
	}
	if isText {
		return Text
	}
	return JSON
}

// parseForm reads the pairs of a form; of several with one name the values are an
// array.
func parseForm(text string) (gjson.Result, error) {
	pairs, err := url.ParseQuery(strings.TrimSpace(text))
	if err != nil {
		return gjson.Result{}, errors.New("the answer is no form: a % is not followed by two digits, or there is a semicolon")
	}
	for name, values := range pairs {
		if !utf8.ValidString(name + strings.Join(values, "")) {
			return gjson.Result{}, errors.New("the answer is a form that is not in UTF-8")
		}
	}
	out := []byte{'{'}
	seen := make(map[string]bool, len(pairs))
	for part := range strings.SplitSeq(strings.TrimSpace(text), "&") {
		name, _, _ := strings.Cut(part, "=")
		name, _ = url.QueryUnescape(name)
		if part == "" || seen[name] {
			continue
		}
		seen[name] = true
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(appendString(out, name), ':')
		values := pairs[name]
		if len(values) == 1 {
			out = appendString(out, values[0])
			continue
		}
		for i, v := range values {
			out = appendString(append(out, "[,"[min(i, 1)]), v)
		}
		out = append(out, ']')
	}
	return gjson.ParseBytes(append(out, '}')), nil
}

// bounded is the beginning of a text.
func bounded(text string, runes int) string {
	if r := []rune(text); len(r) > runes {
		return string(r[:runes]) + "…"
	}
	return text
}
