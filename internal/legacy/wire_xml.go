package legacy

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// xmlWire is XML both ways:
//
//	<users total="1" offset="0" limit="25"><user><id>17</id><login>ada</login>…</user></users>
type xmlWire struct{}

func (xmlWire) parse(a *App, r *request, body []byte) error {
	if err := a.route(r); err != nil {
		return err
	}
	if len(body) == 0 {
		return nil
	}
	if kind := r.http.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/xml") && !strings.HasPrefix(kind, "text/xml") {
		return &failure{415, "unsupported", "only application/xml is understood"}
	}
	_, value, err := decodeXML(body)
	if err != nil {
		return err
	}
	if text, is := value.(string); is && text == "" {
		value = record{}
	}
	inner, is := value.(record)
	if !is {
		return &failure{400, "malformed", "the root element holds no elements"}
	}
	r.body = inner
	return nil
}

func (xmlWire) print(a *App, _ *request, out *reply) *answer {
	if out.body == nil {
		return &answer{out.status, headerOf(out), nil}
	}
	return a.xml(out.status, headerOf(out), "application/xml", func(e *element) { e.value(out.root, listed(out)) })
}

func (xmlWire) fail(a *App, _ *request, f *failure) *answer {
	return a.xml(f.status, http.Header{}, "application/xml", func(e *element) {
		e.value("error", record{"code": f.code, "message": f.text})
	})
}

func headerOf(out *reply) http.Header {
	if out.header == nil {
		return http.Header{}
	}
	return out.header
}

// listed has the rows of a list as elements beside each other, and what is beside
// them as attributes.
func listed(out *reply) any {
	r, is := out.body.(record)
	rows, isList := r[out.root].([]any)
	if !is || !isList {
		return out.body
	}
	list := record{singular(out.root): rows}
	for name, value := range r {
		if name != out.root && value != nil {
			list["-"+name] = value
		}
	}
	return list
}

func singular(name string) string { return strings.TrimSuffix(name, "s") }

// element prints elements.
type element struct {
	b      bytes.Buffer
	prefix string
	nils   bool // xsi:nil for what is null
}

// value prints an element with a value.
func (e *element) value(name string, value any) {
	tag := e.prefix + name
	switch value := value.(type) {
	case nil:
		if e.nils {
			fmt.Fprintf(&e.b, `<%s xsi:nil="true"/>`, tag)
		} else {
			fmt.Fprintf(&e.b, "<%s/>", tag)
		}
	case record:
		fmt.Fprintf(&e.b, "<%s", tag)
		names := slices.Sorted(maps.Keys(value))
		for _, n := range names {
			if attribute, is := strings.CutPrefix(n, "-"); is {
				fmt.Fprintf(&e.b, ` %s="%s"`, attribute, escaped(value[n]))
			}
		}
		e.b.WriteString(">")
		for _, n := range names {
			if list, is := value[n].([]any); is && n == singular(n) {
				for _, one := range list {
					e.value(n, one)
				}
			} else if n[0] != '-' {
				e.value(n, value[n])
			}
		}
		fmt.Fprintf(&e.b, "</%s>", tag)
	case []any:
		fmt.Fprintf(&e.b, "<%s>", tag)
		for _, one := range value {
			e.value(singular(name), one)
		}
		fmt.Fprintf(&e.b, "</%s>", tag)
	default:
		fmt.Fprintf(&e.b, "<%s>%s</%s>", tag, escaped(value), tag)
	}
}

func escaped(value any) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(fmt.Sprint(value))); err != nil {
		panic(err) // a buffer takes all
	}
	return b.String()
}

// xml prints a document.
func (a *App) xml(status int, header http.Header, contentType string, with func(*element)) *answer {
	e := &element{}
	charset := "UTF-8"
	if a.options.Latin1 {
		charset = "ISO-8859-1"
	}
	fmt.Fprintf(&e.b, "<?xml version=\"1.0\" encoding=\"%s\"?>\n", charset)
	with(e)
	out := a.inCharset(status, header, contentType, e.b.Bytes())
	if a.options.Latin1 {
		out.header.Set("Content-Type", contentType) // the declaration says it alone
	}
	return out
}

// decodeXML reads a document: an element with elements is a record, another one a
// text, and several of one name are a list. What is xsi:nil is nil.
func decodeXML(body []byte) (name string, value any, err error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		if err != nil {
			return "", nil, &failure{400, "malformed", "the body is no XML"}
		}
		if start, is := token.(xml.StartElement); is {
			value, err := decodeElement(d, start)
			if err == nil {
				if _, end := d.Token(); !errors.Is(end, io.EOF) {
					err = &failure{400, "malformed", "something stands behind the root element"}
				}
			}
			return start.Name.Local, value, err
		}
	}
}

func decodeElement(d *xml.Decoder, start xml.StartElement) (any, error) {
	isNil := slices.ContainsFunc(start.Attr, func(a xml.Attr) bool { return a.Name.Local == "nil" && a.Value == "true" })
	var text strings.Builder
	var inner record
	for {
		token, err := d.Token()
		if err != nil {
			return nil, &failure{400, "malformed", "the body is no XML"}
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			value, err := decodeElement(d, token)
			if err != nil {
				return nil, err
			}
			if inner == nil {
				inner = record{}
			}
			name := token.Name.Local
			before, has := inner[name]
			list, isList := before.([]any)
			switch {
			case !has:
				inner[name] = value
			case isList:
				inner[name] = append(list, value)
			default:
				inner[name] = []any{before, value}
			}
		case xml.EndElement:
			switch {
			case isNil:
				return nil, nil
			case inner != nil:
				return inner, nil
			}
			return text.String(), nil
		}
	}
}
