package document

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// Edit is one value that is to be in a document.
type Edit struct {
	Path *Path
	Raw  string // JSON; "" removes what is at the path
}

// Set returns the document with the raw JSON value at the path; what is missing on the
// way is added. All else stays as it is, to the byte. A raw of "" removes the value,
// and adds nothing. An empty document is made.
//
// What is null or "" on the way becomes an object or a list. Something else that is
// neither is an error, and so is the number of an element that is beyond the end of its
// list by more than one.
func (p *Path) Set(doc []byte, raw string) ([]byte, error) {
	return SetAll(doc, []Edit{{p, raw}})
}

// SetAll is Set of several values, one after the other, in one go through the document.
func SetAll(doc []byte, edits []Edit) ([]byte, error) {
	text := strings.Trim(string(doc), " \t\r\n")
	if text != "" && !gjson.Valid(text) {
		return nil, errors.New("writing into a document: it is no JSON")
	}
	root := &editNode{}
	for _, e := range edits {
		if !e.Path.IsWritable() {
			return nil, fmt.Errorf("writing %q: only a path of names, numbers and #(name==value) can be written", e.Path.text)
		}
		if e.Raw != "" && !gjson.Valid(e.Raw) {
			return nil, fmt.Errorf("writing %q: the value is no JSON", e.Path.text)
		}
		root.insert(e.Path, strings.Trim(e.Raw, " \t\r\n"))
	}
	if text == "" && !root.adds() {
		return []byte("{}"), nil
	}
	return root.apply(make([]byte, 0, len(text)+64*len(edits)), text)
}

// editNode is what becomes of one place in a document.
type editNode struct {
	path  *Path // one that leads here or further
	step  step  // from the parent to here
	isSet bool
	raw   string // where isSet: JSON, or "" to remove
	// children are applied after that.
	children []*editNode
	index    map[stepKey]*editNode // of many children
}

// stepKey tells steps apart.
type stepKey struct {
	kind              stepKind
	name, path, value string
}

func keyOf(s step) stepKey {
	k := stepKey{kind: s.kind, name: s.name}
	if s.match != nil {
		k.path, k.value = s.match.path.text, s.match.raw
	}
	return k
}

func (n *editNode) insert(p *Path, raw string) {
	for _, s := range p.steps {
		next := n.child(s)
		if next == nil {
			next = &editNode{path: p, step: s}
			n.children = append(n.children, next)
			if n.index != nil {
				n.index[keyOf(s)] = next
			}
		}
		n = next
	}
	n.isSet, n.raw, n.children, n.index = true, raw, nil, nil
}

func (n *editNode) child(s step) *editNode {
	key := keyOf(s)
	if n.index == nil && len(n.children) > few {
		n.index = make(map[stepKey]*editNode, 2*len(n.children))
		for _, c := range n.children {
			n.index[keyOf(c.step)] = c
		}
	}
	if n.index != nil {
		return n.index[key]
	}
	for _, c := range n.children {
		if keyOf(c.step) == key {
			return c
		}
	}
	return nil
}

// adds reports whether there is something to add where nothing is.
func (n *editNode) adds() bool {
	if n.isSet && n.raw != "" {
		return true
	}
	for _, c := range n.children {
		if c.adds() {
			return true
		}
	}
	return false
}

// removes reports whether nothing is left of what is here.
func (n *editNode) removes() bool { return n.isSet && !n.adds() }

// fail is an error at this place.
func (n *editNode) fail(what string) error {
	return fmt.Errorf("writing %q: %s", n.path.text, what)
}

// apply appends what becomes of a value; "" is none.
func (n *editNode) apply(dst []byte, value string) ([]byte, error) {
	if n.isSet {
		value = n.raw
	}
	if len(n.children) == 0 {
		return append(dst, value...), nil
	}
	switch first := n.children[0].step.kind; {
	case value == "" || value == "null" || value == `""`:
		if !n.adds() {
			return append(dst, value...), nil
		}
		if first == stepName {
			return n.object(dst, "{}")
		}
		return n.array(dst, "[]")
	case value[0] == '{':
		if first == stepFirst {
			return n.single(dst, value)
		}
		return n.object(dst, value)
	case value[0] == '[':
		return n.array(dst, value)
	}
	return nil, n.children[0].fail("on the way is a value that is neither an object nor a list")
}

// single applies to an object what is meant for the elements of a list.
func (n *editNode) single(dst []byte, value string) ([]byte, error) {
	for _, c := range n.children {
		switch {
		case c.step.kind != stepFirst:
			return nil, c.fail("it is both of a list and of an object")
		case !c.step.match.isTrue(gjson.Parse(value)):
			return nil, c.fail("there is one object where a list should be, and it is another one")
		case c.removes():
			return nil, c.fail("there is one object where a list should be, of which it can't be removed")
		}
		out, err := c.apply(nil, value)
		if err != nil {
			return nil, err
		}
		value = string(out)
	}
	return append(dst, value...), nil
}

// object applies the children to an object.
func (n *editNode) object(dst []byte, text string) ([]byte, error) {
	isDone := make([]bool, len(n.children))
	var index map[string]int
	if len(n.children) > few {
		index = make(map[string]int, len(n.children))
		for i, c := range n.children {
			index[c.step.name] = i
		}
	}
	find := func(name string) int {
		if index != nil {
			if i, ok := index[name]; ok {
				return i
			}
			return -1
		}
		for i, c := range n.children {
			if c.step.name == name {
				return i
			}
		}
		return -1
	}
	for _, c := range n.children {
		if c.step.kind == stepFirst {
			return nil, c.fail("it is both of a list and of an object")
		}
	}
	w := newWriter(dst, '{')
	for p := range parts(text) {
		i := find(nameOf(text[p.start:p.nameEnd]))
		if i < 0 {
			w.keep(text, p)
			continue
		}
		isDone[i] = true
		c := n.children[i]
		if c.removes() {
			w.drop(text, p)
			continue
		}
		w.begin(text, p)
		w.out = append(w.out, text[p.start:p.valueStart]...)
		var err error
		if w.out, err = c.apply(w.out, text[p.valueStart:p.end]); err != nil {
			return nil, err
		}
	}
	for i, c := range n.children {
		if isDone[i] || !c.adds() {
			continue
		}
		if c.step.kind == stepIndex {
			return nil, c.fail(fmt.Sprintf("there is an object where a list should be; its member is written :%d", c.step.index))
		}
		w.add()
		w.out = append(append(w.out, c.step.key...), ':')
		w.out = append(w.out, w.space...)
		var err error
		if w.out, err = c.apply(w.out, ""); err != nil {
			return nil, err
		}
	}
	return w.end('}'), nil
}

// array applies the children to an array.
func (n *editNode) array(dst []byte, text string) ([]byte, error) {
	for _, c := range n.children {
		if c.step.kind == stepName {
			return nil, c.fail("there is a list where an object should be")
		}
	}
	isDone := make([]bool, len(n.children))
	w := newWriter(dst, '[')
	count := 0
	for p := range parts(text) {
		value, isDropped, err := n.element(text[p.start:p.end], count, isDone)
		count++
		switch {
		case err != nil:
			return nil, err
		case isDropped:
			w.drop(text, p)
		default:
			w.begin(text, p)
			w.out = append(w.out, value...)
		}
	}
	for i, c := range n.children {
		if isDone[i] || !c.adds() {
			continue
		}
		value := ""
		if c.step.kind == stepIndex {
			if c.step.index != count {
				return nil, c.fail(fmt.Sprintf("the list has %d elements, which the number %d does not follow", count, c.step.index))
			}
		} else if !c.isSet {
			made, err := c.step.match.path.Set(nil, c.step.match.raw)
			if err != nil {
				return nil, err
			}
			value = string(made)
		}
		value, _, err := n.element(value, count, isDone, i)
		if err != nil {
			return nil, err
		}
		count++
		w.add()
		w.out = append(w.out, value...)
	}
	return w.end(']'), nil
}

// element applies to one element the children that it is meant by, and those in also.
func (n *editNode) element(value string, number int, isDone []bool, also ...int) (string, bool, error) {
	for i, c := range n.children {
		isMeant := c.step.kind == stepIndex && c.step.index == number ||
			c.step.kind == stepFirst && !isDone[i] && value != "" && c.step.match.isTrue(gjson.Parse(value)) ||
			len(also) > 0 && also[0] == i
		if !isMeant {
			continue
		}
		isDone[i] = true
		if c.removes() {
			return "", true, nil
		}
		out, err := c.apply(nil, value)
		if err != nil {
			return "", false, err
		}
		value = string(out)
	}
	return value, false, nil
}
