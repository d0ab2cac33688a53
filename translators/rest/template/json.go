package template

import (
	"strings"

	"github.com/tidwall/gjson"
)

// maxDepth is how deep a template of JSON or XML is nested.
const maxDepth = 100

// compileJSON compiles a JSON value. White space outside of strings is left out.
func compileJSON(s *source) ([]node, error) {
	c := &jsonCompiler{source: s}
	c.space()
	v, err := c.value()
	if err != nil {
		return nil, err
	}
	if v.each != nil {
		return nil, c.fail(0, "each stands in an element of an array: [{%s|each}]", bounded(v.each.name))
	}
	if c.space(); c.pos < len(c.flat) {
		return nil, c.fail(c.pos, "something follows the end of the JSON")
	}
	return v.nodes, nil
}

// jsonCompiler reads the flat text.
type jsonCompiler struct {
	*source
	pos   int
	depth int
}

// jsonValue is a compiled value.
type jsonValue struct {
	nodes []node
	// optional are the references, where there is nothing else and all are optional.
	optional []*reference
	isString bool
	each     *reference // one that an array around it is to repeat for
}

// group is a part of a list that holds the value.
func (v jsonValue) group() *group {
	return &group{nodes: v.nodes, optional: v.optional, allowsNull: !v.isString}
}

func (c *jsonCompiler) space() {
	for c.pos < len(c.flat) && strings.IndexByte(" \t\r\n", c.flat[c.pos]) >= 0 {
		c.pos++
	}
}

func (c *jsonCompiler) peek() byte {
	if c.pos < len(c.flat) {
		return c.flat[c.pos]
	}
	return 0
}

func (c *jsonCompiler) value() (jsonValue, error) {
	switch c.peek() {
	case '{', '[':
		if c.depth++; c.depth > maxDepth {
			return jsonValue{}, c.fail(c.pos, "it is nested deeper than %d levels", maxDepth)
		}
		defer func() { c.depth-- }()
		if c.peek() == '{' {
			return c.object()
		}
		return c.array()
	case '"':
		return c.string()
	case mark:
		r := c.take()
		c.pos++
		v := jsonValue{nodes: []node{&slot{r, placeJSON}}}
		if r.optional {
			v.optional = []*reference{r}
		}
		if r.each {
			v.each = r
		}
		return v, nil
	}
	start := c.pos
	for c.pos < len(c.flat) && strings.IndexByte("+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", c.flat[c.pos]) >= 0 {
		c.pos++
	}
	text := c.flat[start:c.pos]
	switch {
	case text == "" && start == len(c.flat):
		return jsonValue{}, c.fail(start, "it ends where a value of JSON is expected")
	case !gjson.Valid(text):
		return jsonValue{}, c.fail(start, "a value of JSON is expected: a text stands in double quotes, a value in braces")
	}
	return jsonValue{nodes: []node{literal(text)}}, nil
}

// string compiles a string with what is in it.
func (c *jsonCompiler) string() (jsonValue, error) {
	start := c.pos
	v := jsonValue{isString: true}
	var out sequence
	out.text(`"`)
	from := c.pos + 1
	isOnlyOptional := true
	for c.pos++; c.pos < len(c.flat); c.pos++ {
		switch b := c.flat[c.pos]; {
		case b == '\\':
			c.pos++
		case b == mark:
			isOnlyOptional = isOnlyOptional && from == c.pos
			out.text(c.flat[from:c.pos])
			from = c.pos + 1
			r := c.take()
			if r.each {
				if v.each != nil {
					return v, c.fail(c.pos, "two values with each stand in one string")
				}
				v.each = r
			}
			isOnlyOptional = isOnlyOptional && r.optional
			v.optional = append(v.optional, r)
			out.add(&slot{r, placeJSONString})
		case b == '"':
			text := strings.ReplaceAll(c.flat[start:c.pos+1], string([]byte{mark}), "")
			if !gjson.Valid(text) {
				return v, c.fail(start, "the string is no JSON: a backslash or a line break in it is written \\\\ and \\n")
			}
			if from != c.pos || !isOnlyOptional {
				v.optional = nil
			}
			out.text(c.flat[from : c.pos+1])
			c.pos++
			v.nodes = out.nodes()
			return v, nil
		}
	}
	return v, c.fail(start, "the quote is not closed")
}

func (c *jsonCompiler) object() (jsonValue, error) {
	l := &list{open: "{", separator: ",", close: "}"}
	var each *reference
	names := make(map[string]bool)
	c.pos++
	for c.space(); c.peek() != '}'; {
		at := c.pos
		if c.peek() != '"' {
			return jsonValue{}, c.fail(at, "the name of a member in double quotes is expected")
		}
		key, err := c.string()
		switch {
		case err != nil:
			return key, err
		case key.each != nil || hasOptional(key.nodes):
			return key, c.fail(at, "the name of a member is there, once: ? and each are for its value")
		case len(key.nodes) > 1:
			l.hasNames = true
		case names[gjson.Parse(string(key.nodes[0].(literal))).Str]:
			return key, c.fail(at, "the object has this name twice")
		default:
			names[gjson.Parse(string(key.nodes[0].(literal))).Str] = true
		}
		if c.space(); c.peek() != ':' {
			return key, c.fail(c.pos, "a colon is expected")
		}
		c.pos++
		c.space()
		v, err := c.value()
		if err != nil {
			return v, err
		}
		if v.each != nil {
			if each != nil && each != v.each {
				return v, c.fail(at, "two values with each stand in one element of an array")
			}
			each = v.each
		}
		g := v.group()
		g.key = key.nodes
		if v.each != nil { // what is left out or repeated is the element around it
			g.optional = nil
		}
		var body sequence
		body.text(":")
		body.add(g.nodes...)
		g.nodes = body.nodes()
		l.items = append(l.items, g)
		if err := c.next('}'); err != nil {
			return v, err
		}
	}
	c.pos++
	v := l.value()
	v.each = each
	return v, nil
}

func (c *jsonCompiler) array() (jsonValue, error) {
	l := &list{open: "[", separator: ",", close: "]"}
	c.pos++
	for c.space(); c.peek() != ']'; {
		v, err := c.value()
		if err != nil {
			return v, err
		}
		g := v.group()
		if g.each = v.each; g.each != nil {
			g.optional = nil // each knows itself whether there is a value
		}
		l.items = append(l.items, g)
		if err := c.next(']'); err != nil {
			return v, err
		}
	}
	c.pos++
	return l.value(), nil
}

// next reads the comma before a further part, or stands at the closing bracket.
func (c *jsonCompiler) next(closing byte) error {
	c.space()
	switch c.peek() {
	case closing:
		return nil
	case ',':
		c.pos++
		if c.space(); c.peek() == closing {
			return c.fail(c.pos, "something is expected behind the comma")
		}
		return nil
	}
	if c.pos == len(c.flat) {
		return c.fail(c.pos, "it ends where a comma or %c is expected", closing)
	}
	return c.fail(c.pos, "a comma or %c is expected", closing)
}

func hasOptional(nodes []node) bool {
	for _, n := range nodes {
		if s, ok := n.(*slot); ok && s.ref.optional {
			return true
		}
	}
	return false
}

// value is the list as nodes, as simple as can be.
func (l *list) value() jsonValue {
	for _, item := range l.items {
		if !item.isPlain() || l.hasNames {
			return jsonValue{nodes: []node{l}}
		}
	}
	var out sequence
	out.text(l.open)
	for i, item := range l.items {
		if i > 0 {
			out.text(l.separator)
		}
		out.add(item.key...)
		out.add(item.nodes...)
	}
	out.text(l.close)
	return jsonValue{nodes: out.nodes()}
}
