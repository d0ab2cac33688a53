package rest

import (
	"errors"
	"fmt"
	"mime"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/template"
)

// charset is what a body is written in when it is not UTF-8. What it has no place for is
// refused: an application that is sent something else instead keeps that.
type charset struct {
	name     string
	encoding encoding.Encoding
	// isStrict is set of those whose bytes 0x80 to 0x9F are control characters, which
	// applications take for those of windows-1252.
	isStrict bool
}

// newCharset finds a charset by its name; nil is UTF-8. Where what browsers mean by a name
// has more characters than what is registered under it (iso-8859-1 is windows-1252 there,
// and so is us-ascii), it is what is registered.
func newCharset(name string) (*charset, error) {
	if strings.EqualFold(name, "utf-8") || strings.EqualFold(name, "utf8") || name == "" {
		return nil, nil
	}
	if found, err := ianaindex.IANA.Encoding(name); err == nil && found != nil {
		registered, _ := ianaindex.IANA.Name(found)
		isStrict := strings.HasPrefix(strings.ToUpper(registered), "ISO")
		if _, is := found.(*charmap.Charmap); is || strings.EqualFold(registered, "US-ASCII") {
			return &charset{name, found, isStrict}, nil
		}
	}
	found, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("the charset %s is not known", name)
	}
	return &charset{name, found, false}, nil
}

// lacks returns the first character of the text that can't be written; ok is false where
// all can.
func (c *charset) lacks(text string) (lacking rune, ok bool) {
	encoder := c.encoding.NewEncoder()
	for _, r := range text {
		if r < utf8.RuneSelf {
			continue
		}
		if c.isStrict && 0x80 <= r && r <= 0x9F {
			return r, true
		}
		if _, err := encoder.String(string(r)); err != nil {
			return r, true
		}
	}
	return 0, false
}

// encode writes a text. What can't be written becomes a reference of XML, where the caller
// has not refused it.
func (c *charset) encode(text string) ([]byte, error) {
	return encoding.HTMLEscapeUnsupported(c.encoding.NewEncoder()).Bytes([]byte(text))
}

// declaration finds the encoding that a document of XML says.
var declaration = regexp.MustCompile(`^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([^"'>]*)["'][^>]*\?>`)

// takeDeclaration takes the declaration of a charset that is not UTF-8 off a template, whose
// text is always in UTF-8.
func (b *body) takeDeclaration(text string) (rest string, err error) {
	found := declaration.FindStringSubmatch(text)
	if b.form != bodyXML || found == nil {
		return text, nil
	}
	b.declared = found[1]
	b.charset, err = newCharset(b.declared)
	if err != nil {
		return "", fmt.Errorf("the XML can't be sent: %w", err)
	}
	if b.charset == nil {
		return text, nil
	}
	b.prefix = strings.TrimLeft(found[0], " \t\r\n")
	return text[len(found[0]):], nil
}

func (s *step) compileContentType(b *body) error {
	given := s.header.Get("Content-Type")
	if given == "" {
		if slices.ContainsFunc(s.headers, func(p parameter) bool { return p.name == "Content-Type" }) {
			return nil
		}
		media := contentTypes[b.form]
		if b.charset != nil {
			media = "text/xml; charset=" + b.charset.name
		}
		s.header.Set("Content-Type", media)
		return nil
	}
	_, parameters, err := mime.ParseMediaType(given)
	if err != nil {
		return fmt.Errorf("header Content-Type %s: %w", given, err)
	}
	name := parameters["charset"]
	if name == "" {
		return nil
	}
	found, err := newCharset(name)
	switch {
	case err != nil:
		return fmt.Errorf("header Content-Type %s: %w", given, err)
	case found != nil && b.form == bodyForm:
		return fmt.Errorf("header Content-Type %s: forms are sent in UTF-8", given)
	case b.declared != "" && !strings.EqualFold(b.declared, name):
		return fmt.Errorf("header Content-Type %s: the XML says encoding=%q: say the same charset in both", given, b.declared)
	}
	b.charset = found
	return nil
}

// checkCharset refuses values that a call would send and its charset has not, before any
// call of the operation is made. What only an earlier call will tell is looked at when the
// body is built.
func (l *lookup) checkCharset() error {
	b := l.s.body
	if b == nil || b.charset == nil || l.keeps() {
		return nil
	}
	names := []string{"fields"}
	if b.template != nil {
		names = b.template.Names()
	}
	for _, name := range names {
		v, ok := l.valueBefore(name)
		if !ok {
			continue
		}
		if r, is := b.charset.lacks(plainText(v)); is {
			return l.lacking(r, errors.New(l.s.String()))
		}
	}
	return nil
}

// valueBefore returns the value of a name that is one of the data, and is known before the
// call.
func (l *lookup) valueBefore(name string) (v template.Value, ok bool) {
	head, _, isPath := strings.Cut(name, ".")
	_, err := strconv.Atoi(head)
	isOther := isPath && (head == "secret" || head == "env" || head == "file" || head == "page")
	if err == nil || isOther || name == "session" {
		return template.Value{}, false
	}
	v, ok, err = l.find(name)
	return v, ok && err == nil
}

// plainText is what is in a value, with the escapes of JSON resolved.
func plainText(v template.Value) string {
	if !strings.Contains(v.JSON, `\u`) {
		return v.JSON
	}
	var b strings.Builder
	var walk func(r gjson.Result)
	walk = func(r gjson.Result) {
		if !r.IsObject() && !r.IsArray() {
			b.WriteString(r.String())
			return
		}
		r.ForEach(func(_, value gjson.Result) bool {
			walk(value)
			return true
		})
	}
	walk(gjson.Parse(v.JSON))
	return b.String()
}

// keeps reports whether what the charset has not is written as references of XML: a
// disable is not held back by a letter in a record that is sent as a whole.
func (l *lookup) keeps() bool {
	return l.s.body.form == bodyXML && (l.s.op == OpDisable || l.with.isDisable)
}

// lacking is the refusal of a character that the charset has not. It names where the
// provider has sent it, if it has.
func (l *lookup) lacking(r rune, cause error) error {
	e := &translators.Error{Kind: translators.Invalid, Path: l.pathOf(r), Err: cause}
	subject := "A value"
	if e.Path != "" {
		subject = e.Path + ": the value"
	}
	e.Detail = fmt.Sprintf("%s has a character that can't be written in the application's charset, %s. Change it at the provider.", subject, l.s.body.charset.name)
	return e
}

// pathOf returns the SCIM path of a value with the character, or "".
func (l *lookup) pathOf(r rune) string {
	has := func(v scim.Value) bool { return strings.ContainsRune(plainText(template.Value{JSON: scimJSON(v)}), r) }
	for _, f := range l.with.fields {
		if leaf := l.s.kind.mapping.LeafOf(f.path.String()); leaf != nil && strings.ContainsRune(plainText(template.Value{JSON: f.raw}), r) {
			return leaf.Path.String()
		}
	}
	if l.with.resource == nil {
		return ""
	}
	for _, f := range l.with.resource.Fields() {
		if has(f.Value) {
			return f.Attribute.String()
		}
	}
	return ""
}
