package template

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// compileXML compiles a document.
func compileXML(s *source) ([]node, error) {
	if err := checkXML(s); err != nil {
		return nil, err
	}
	c := &xmlCompiler{source: s, open: []*frame{{}}}
	for c.pos < len(c.flat) {
		var err error
		switch rest := c.flat[c.pos:]; {
		case strings.HasPrefix(rest, "<!--"):
			err = c.fixed("-->", "a comment")
		case strings.HasPrefix(rest, "<![CDATA["):
			err = c.cdata()
		case strings.HasPrefix(rest, "<?"):
			err = c.fixed("?>", "a processing instruction")
		case strings.HasPrefix(rest, "<!"):
			err = c.fail(c.pos, "a document that is sent has no <!DOCTYPE>")
		case strings.HasPrefix(rest, "</"):
			err = c.end()
		case strings.HasPrefix(rest, "<"):
			err = c.start()
		default:
			err = c.text()
		}
		if err != nil {
			return nil, err
		}
	}
	return c.open[0].out.nodes(), nil
}

// checkXML checks that the text is well-formed, whatever the values are.
func checkXML(s *source) error {
	d := xml.NewDecoder(strings.NewReader(strings.ReplaceAll(s.flat, string([]byte{mark}), "x")))
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) {
		return nil, errors.New("what is sent is in UTF-8: the declaration must not say otherwise")
	}
	roots, depth := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
				return mistake(s.text, lineStart(s.text, syntax.Line), "the XML is not well-formed: %s", syntax.Msg)
			}
			return mistake(s.text, 0, "the XML can't be sent: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			if depth++; depth > maxDepth {
				return mistake(s.text, 0, "it is nested deeper than %d levels", maxDepth)
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && strings.TrimSpace(string(t)) != "" {
				return mistake(s.text, 0, "the XML has text outside of its root element")
			}
		}
	}
	if roots != 1 {
		return mistake(s.text, 0, "the XML has %d root elements; it needs one", roots)
	}
	return nil
}

func lineStart(text string, line int) int {
	pos := 0
	for ; line > 1; line-- {
		next := strings.IndexByte(text[pos:], '\n')
		if next < 0 {
			break
		}
		pos += next + 1
	}
	return pos
}

// xmlCompiler goes through a well-formed text.
type xmlCompiler struct {
	*source
	pos  int
	open []*frame
}

// frame is an element that is open.
type frame struct {
	out      sequence
	optional []*reference // in its content
	isFilled bool         // there is other content
	each     *reference
}

func (c *xmlCompiler) top() *frame { return c.open[len(c.open)-1] }

// fixed reads what has no values in it.
func (c *xmlCompiler) fixed(end, what string) error {
	i := strings.Index(c.flat[c.pos:], end)
	text := c.flat[c.pos : c.pos+i+len(end)]
	if at := strings.IndexByte(text, mark); at >= 0 {
		return c.fail(c.pos+at, "there are no values in %s", what)
	}
	c.top().out.text(text)
	c.pos += len(text)
	return nil
}

// put adds a reference to the content of the element that is open.
func (c *xmlCompiler) put(p place) error {
	f, r := c.top(), c.take()
	if len(c.open) == 1 {
		return c.fail(c.pos, "a value stands in an element")
	}
	if err := c.repeat(f, r); err != nil {
		return err
	}
	if r.optional {
		f.optional = append(f.optional, r)
	} else {
		f.isFilled = true
	}
	f.out.add(&slot{r, p})
	c.pos++
	return nil
}

// repeat makes each of a reference that of the element.
func (c *xmlCompiler) repeat(f *frame, r *reference) error {
	switch {
	case !r.each:
		return nil
	case f.each != nil:
		return c.fail(c.pos, "two values with each stand in one element")
	case len(c.open) < 3:
		return c.fail(c.pos, "the root element is there once: each is for elements in it")
	}
	f.each = r
	return nil
}

func (c *xmlCompiler) text() error {
	if c.flat[c.pos] == mark {
		return c.put(placeXML)
	}
	end := c.pos
	for end < len(c.flat) && c.flat[end] != '<' && c.flat[end] != mark {
		end++
	}
	text := c.flat[c.pos:end]
	f := c.top()
	f.isFilled = f.isFilled || strings.Trim(text, " \t\r\n") != ""
	f.out.text(text)
	c.pos = end
	return nil
}

func (c *xmlCompiler) cdata() error {
	f := c.top()
	start := c.pos + len("<![CDATA[")
	f.out.text(c.flat[c.pos:start])
	for c.pos = start; !strings.HasPrefix(c.flat[c.pos:], "]]>"); {
		if c.flat[c.pos] != mark {
			f.isFilled = true
			f.out.text(c.flat[c.pos : c.pos+1])
			c.pos++
			continue
		}
		before := c.flat[start:c.pos]
		r := c.refs[c.next]
		if strings.HasSuffix(before, "]") {
			return c.fail(c.pos, "a ] before a value in a CDATA section is written outside of it")
		}
		if strings.Contains(before, "<") && !r.has("", "xml", "base64", "number") {
			return c.fail(c.pos, "the value stands in XML within a CDATA section, which one < in it would change: {%s|xml}", bounded(r.name))
		}
		if err := c.put(placeCDATA); err != nil {
			return err
		}
	}
	f.out.text("]]>")
	c.pos += 3
	return nil
}

// start reads a start tag, and an element that is empty as a whole.
func (c *xmlCompiler) start() error {
	f := &frame{}
	c.open = append(c.open, f)
	from := c.pos
	for {
		switch b := c.flat[c.pos]; b {
		case mark:
			return c.fail(c.pos, "a value stands in the text of an element or in the quotes of an attribute")
		case ' ', '\t', '\r', '\n':
			f.out.text(c.flat[from:c.pos])
			if err := c.attribute(); err != nil {
				return err
			}
			from = c.pos
		case '>':
			isEmpty := c.flat[c.pos-1] == '/'
			c.pos++
			f.out.text(c.flat[from:c.pos])
			if isEmpty {
				f.isFilled = true
				c.close()
			}
			return nil
		default:
			c.pos++
		}
	}
}

// attribute reads an attribute with the space before it.
func (c *xmlCompiler) attribute() error {
	f := c.top()
	from := c.pos
	for c.flat[c.pos] != '"' && c.flat[c.pos] != '\'' {
		switch c.flat[c.pos] {
		case mark:
			return c.fail(c.pos, "a value stands in the text of an element or in the quotes of an attribute")
		case '>', '/':
			f.out.text(c.flat[from:c.pos])
			return nil
		}
		c.pos++
	}
	quoteByte := c.flat[c.pos]
	var out sequence
	isOnlyOptional := true
	var optional []*reference
	for c.pos++; c.flat[c.pos] != quoteByte; c.pos++ {
		if c.flat[c.pos] != mark {
			isOnlyOptional = false
			continue
		}
		out.text(c.flat[from:c.pos])
		from = c.pos + 1
		r := c.take()
		if err := c.repeat(f, r); err != nil {
			return err
		}
		isOnlyOptional = isOnlyOptional && r.optional && !r.each
		optional = append(optional, r)
		out.add(&slot{r, placeXMLAttribute})
	}
	c.pos++
	out.text(c.flat[from:c.pos])
	if isOnlyOptional && len(optional) > 0 {
		f.out.add(&group{nodes: out.nodes(), optional: optional})
		return nil
	}
	f.out.add(out.nodes()...)
	return nil
}

// end reads an end tag.
func (c *xmlCompiler) end() error {
	i := strings.IndexByte(c.flat[c.pos:], '>')
	text := c.flat[c.pos : c.pos+i+1]
	if at := strings.IndexByte(text, mark); at >= 0 {
		return c.fail(c.pos+at, "the name of an element is never a value")
	}
	c.top().out.text(text)
	c.pos += len(text)
	c.close()
	return nil
}

// close makes the element that is open a part of the one around it.
func (c *xmlCompiler) close() {
	f := c.top()
	c.open = c.open[:len(c.open)-1]
	around := c.top()
	around.isFilled = true
	g := &group{nodes: f.out.nodes(), each: f.each}
	if !f.isFilled && f.each == nil {
		g.optional = f.optional
	}
	if len(c.open) == 1 || g.isPlain() {
		around.out.add(f.out.nodes()...)
		return
	}
	around.out.add(g)
}
