package document

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
	"golang.org/x/net/html/charset"
)

// Namespaces whose attributes are about the XML and no data.
const (
	schemaInstance = "http://www.w3.org/2001/XMLSchema-instance"
	soap11         = "http://schemas.xmlsoap.org/soap/envelope/"
	soap12         = "http://www.w3.org/2003/05/soap-envelope"
)

// element is an element that is open, or done.
type element struct {
	name     string
	isNil    bool
	members  []member // attributes and child elements, by their first appearance
	index    map[string]int
	text     strings.Builder
	children int
}

// member is what an object will have under a name.
type member struct {
	name   string
	values [][]byte // JSON
}

// parseXML reads a document. isDecoded is set when it is in UTF-8 whatever it says.
func parseXML(text []byte, isDecoded bool) (gjson.Result, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if isDecoded || isUTF8(label) {
			return in, nil
		}
		return charset.NewReaderLabel(label, in)
	}
	var open []*element
	var root []byte
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return gjson.Result{}, xmlError(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if root != nil {
				return gjson.Result{}, xmlError(errors.New("there is more than one root element"))
			}
			if len(open) == maxDepth {
				return gjson.Result{}, fmt.Errorf("the answer is nested deeper than %d levels", maxDepth)
			}
			e, err := newElement(t)
			if err != nil {
				return gjson.Result{}, err
			}
			open = append(open, e)
		case xml.EndElement:
			e := open[len(open)-1]
			open = open[:len(open)-1]
			if len(open) > 0 {
				open[len(open)-1].add(e.name, e.json())
				continue
			}
			root = append(append(appendString([]byte{'{'}, e.name), ':'), e.json()...)
			root = append(root, '}')
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text.Write(t)
			} else if len(bytes.TrimSpace(t)) > 0 {
				return gjson.Result{}, xmlError(errors.New("there is text outside of the root element"))
			}
		case xml.Directive:
			if root != nil || len(open) > 0 || bytes.IndexByte(t, '[') >= 0 {
				return gjson.Result{}, xmlError(errors.New("it defines entities or elements of its own, which is not allowed"))
			}
		}
	}
	if root == nil {
		return gjson.Result{}, xmlError(errors.New("it is cut off"))
	}
	return gjson.ParseBytes(root), nil
}

// xmlError says what is wrong and, of a syntax error, no more than the line: its words
// quote the document.
func xmlError(err error) error {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		if strings.Contains(syntax.Msg, "unexpected EOF") {
			return fmt.Errorf("the answer is no XML: it is cut off in line %d", syntax.Line)
		}
		return fmt.Errorf("the answer is no XML: it is broken in line %d", syntax.Line)
	}
	return fmt.Errorf("the answer is no XML: %s", bounded(err.Error(), 100))
}

// newElement begins an element with its attributes.
func newElement(start xml.StartElement) (*element, error) {
	e := &element{name: start.Name.Local}
	var seen map[xml.Name]bool
	if len(start.Attr) > few {
		seen = make(map[xml.Name]bool, len(start.Attr))
	}
	for i, a := range start.Attr {
		isTwice := seen[a.Name]
		if seen != nil {
			seen[a.Name] = true
		} else {
			isTwice = slices.ContainsFunc(start.Attr[:i], func(b xml.Attr) bool { return a.Name == b.Name })
		}
		if isTwice {
			return nil, xmlError(errors.New("an element has an attribute twice"))
		}
		switch {
		case a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns":
		case a.Name.Space == schemaInstance:
			e.isNil = e.isNil || a.Name.Local == "nil" && (a.Value == "true" || a.Value == "1")
		case a.Name.Space == soap11 || a.Name.Space == soap12:
		default:
			e.add("-"+a.Name.Local, appendString(nil, a.Value))
		}
	}
	return e, nil
}

// add adds a member, or a value to the one of this name.
func (e *element) add(name string, value []byte) {
	if name[0] != '-' {
		e.children++
	}
	if i, ok := e.find(name); ok {
		e.members[i].values = append(e.members[i].values, value)
		return
	}
	e.members = append(e.members, member{name, [][]byte{value}})
	if e.index != nil {
		e.index[name] = len(e.members) - 1
	}
}

func (e *element) find(name string) (int, bool) {
	if e.index == nil && len(e.members) > few {
		e.index = make(map[string]int, 2*len(e.members))
		for i, m := range e.members {
			e.index[m.name] = i
		}
	}
	if e.index != nil {
		i, ok := e.index[name]
		return i, ok
	}
	for i, m := range e.members {
		if m.name == name {
			return i, true
		}
	}
	return 0, false
}

// json is the element as JSON.
func (e *element) json() []byte {
	if e.isNil {
		return []byte("null")
	}
	text := e.text.String()
	if strings.Trim(text, " \t\r\n") == "" && (e.children > 0 || strings.ContainsAny(text, "\r\n")) {
		text = "" // indentation
	}
	if len(e.members) == 0 {
		return appendString(nil, text)
	}
	if e.children > 0 {
		text = strings.Trim(text, " \t\r\n")
	}
	if text != "" {
		e.add("text", appendString(nil, text))
	}
	size := 2 + utf8.UTFMax
	for _, m := range e.members {
		size += len(m.name) + 6
		for _, v := range m.values {
			size += len(v) + 1
		}
	}
	out := append(make([]byte, 0, size), '{')
	for i, m := range e.members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, m.name), ':')
		if len(m.values) == 1 {
			out = append(out, m.values[0]...)
			continue
		}
		out = append(append(out, '['), bytes.Join(m.values, []byte{','})...)
		out = append(out, ']')
	}
	return append(out, '}')
}
