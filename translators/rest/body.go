package rest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators/rest/document"
	"github.com/scimgate/scimgate/translators/rest/template"
)

// The forms of bodies, and how fields within fields are named in a form.
const (
	bodyJSON = "json"
	bodyForm = "form"
	bodyXML  = "xml"
	bodyText = "text"
	bodyNone = "none"

	nestingBrackets = "brackets"
	nestingDotted   = "dotted"

	sendChanged = "changed"
	sendWhole   = "whole"
)

var bodyForms = []string{bodyJSON, bodyForm, bodyXML, bodyText, bodyNone}

// contentTypes are those of the forms, unless a header says another.
var contentTypes = map[string]string{
	bodyJSON: "application/json",
	bodyForm: "application/x-www-form-urlencoded",
	bodyXML:  "text/xml; charset=utf-8",
	bodyText: "text/plain; charset=utf-8",
}

// body is what a call sends.
type body struct {
	form     string
	template *template.Template // nil: the fields
	below    []string           // the names of the objects that the fields are in
	nesting  string
	isWhole  bool
	without  []*document.Path
	charset  *charset // nil: UTF-8
	declared string   // the charset that the declaration of XML says
	prefix   string   // that declaration, where it says another one than UTF-8
}

// compileBody compiles what is sent, and its Content-Type.
func (s *step) compileBody(n *namer, c CallConfig, d CallDefaults) error {
	b := &body{form: firstOf(c.Body, d.Body, bodyJSON), nesting: firstOf(c.Nesting, d.Nesting, nestingBrackets)}
	if !slices.Contains(bodyForms, b.form) {
		return fmt.Errorf("there is no body %s: there are %s", b.form, strings.Join(bodyForms, ", "))
	}
	if b.nesting != nestingBrackets && b.nesting != nestingDotted {
		return fmt.Errorf("there is no nesting %s: there are brackets and dotted", b.nesting)
	}
	hasBody := slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, c.Method)
	if !hasBody && c.Method != http.MethodDelete && (c.Template != "" || c.Body != "" && c.Body != bodyNone) {
		return fmt.Errorf("%s has no body: put the values into the URL, or use POST if the application says so", c.Method)
	}
	if err := s.compileSend(b, c); err != nil {
		return err
	}
	switch {
	case b.form == bodyNone && c.Template != "":
		return errors.New("body none has no template")
	case b.form == bodyNone:
		return nil
	case c.Template != "":
		form := map[string]template.Form{bodyJSON: template.JSON, bodyForm: template.FormURLEncoded, bodyXML: template.XML, bodyText: template.Text}[b.form]
		text, err := b.takeDeclaration(c.Template)
		if err != nil {
			return err
		}
		t, err := n.parse(text, form, "the body")
		if err != nil {
			return err
		}
		b.template = t
	case !hasBody || s.op != OpCreate && s.op != OpUpdate && s.op != OpSecret || s.number > 1 || n.isUndo:
		return nil
	case b.form == bodyXML || b.form == bodyText:
		return fmt.Errorf("body %s needs a template: body %s `…`", b.form, b.form)
	default:
		below, err := namesOf(firstOf(c.Item, d.Item))
		if err != nil {
			return err
		}
		b.below = below
		if s.names["fields"] == nil {
			s.names["fields"], _ = n.fields("")
		}
	}
	s.body = b
	return s.compileContentType(b)
}

// compileSend compiles what {fields} of an update are.
func (s *step) compileSend(b *body, c CallConfig) error {
	switch c.Send {
	case "", sendChanged, sendWhole:
	default:
		return fmt.Errorf("there is no send %s: there are changed and whole", c.Send)
	}
	if c.Send != "" && s.op != OpUpdate {
		return fmt.Errorf("send is for update: %s has no fields to choose from", s.op)
	}
	if len(c.Without) > 0 && s.op != OpUpdate && s.op != OpCreate {
		return fmt.Errorf("without is for create and update: %s sends no fields", s.op)
	}
	b.isWhole = s.op == OpUpdate && (c.Send == sendWhole || c.Send == "" && c.Method == http.MethodPut)
	for _, text := range c.Without {
		p, err := document.ParsePath(text)
		if err != nil {
			return fmt.Errorf("without %s: %w", text, err)
		}
		if !p.IsWritable() {
			return fmt.Errorf("without %s: only a path of names can be left out", text)
		}
		b.without = append(b.without, p)
	}
	return nil
}

// plainNames finds a path of names alone.
var plainNames = regexp.MustCompile(`^[\pL_@$:-][\pL\pN_@$:-]*(\.[\pL_@$:-][\pL\pN_@$:-]*)*$`)

// namesOf returns the names of the objects that the record of an answer is in: what is
// sent is in the same.
func namesOf(item string) ([]string, error) {
	switch {
	case item == "" || item == ".":
		return nil, nil
	case !plainNames.MatchString(item):
		return nil, fmt.Errorf("where the fields stand in the body can't be told from item %s: say it with body json `{\"…\": {fields}}`", item)
	}
	return strings.Split(item, "."), nil
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// fields returns what {fields} stands for.
func (l *lookup) fields() (string, error) {
	base, isWhole, without := "{}", false, []*document.Path(nil)
	if b := l.s.body; b != nil {
		isWhole, without = b.isWhole, b.without
	}
	if isWhole && !l.isPrinting {
		if !l.with.record.IsObject() {
			return "", errors.New("the record that is to be sent as a whole was not read")
		}
		base = l.with.record.Raw
	}
	text, err := setFields(base, l.with.fields, l.isPrinting, without)
	if err != nil || !isWhole || !l.isPrinting {
		return text, err
	}
	// What is not mapped may hold anything, a key for the application too.
	text = strings.TrimSuffix(text, "}")
	if text != "{" {
		text += ","
	}
	return text + `"…":"as it was read"}`, nil
}

// setFields puts fields into a document, masked where it is for printing, and takes out
// what is at the paths without.
func setFields(doc string, fields []fieldValue, isPrinting bool, without []*document.Path) (string, error) {
	edits := make([]document.Edit, 0, len(fields)+len(without))
	for _, f := range fields {
		raw := f.raw
		if isPrinting && f.mask != "" && raw != "" {
			raw = quote(f.mask)
		}
		edits = append(edits, document.Edit{Path: f.path, Raw: raw})
	}
	for _, p := range without {
		edits = append(edits, document.Edit{Path: p})
	}
	built, err := document.SetAll([]byte(doc), edits)
	return string(built), err
}

// build returns the body of a request.
func (b *body) build(l *lookup) ([]byte, error) {
	text, err := b.text(l)
	if err != nil || b.charset == nil || l.isPrinting {
		return []byte(text), err
	}
	if r, is := b.charset.lacks(text); is && !l.keeps() {
		return nil, l.lacking(r, fmt.Errorf("%s has no %U", b.charset.name, r))
	}
	return b.charset.encode(text)
}

func (b *body) text(l *lookup) (string, error) {
	if b.template != nil {
		text, err := l.execute(b.template)
		return b.prefix + text, err
	}
	fields, err := l.fields()
	if err != nil {
		return "", err
	}
	for _, name := range slices.Backward(b.below) {
		fields = "{" + quote(name) + ":" + fields + "}"
	}
	if b.form == bodyForm {
		return b.flatten(gjson.Parse(fields), l.isPrinting), nil
	}
	return fields, nil
}

// flatten writes an object as a form.
func (b *body) flatten(object gjson.Result, isPrinting bool) string {
	var pairs []string
	add := func(name, value string) {
		value = url.QueryEscape(value)
		if isPrinting {
			value = unmasked.Replace(value)
		}
		pairs = append(pairs, unbracketed.Replace(url.QueryEscape(name))+"="+value)
	}
	var walk func(name string, v gjson.Result)
	walk = func(name string, v gjson.Result) {
		switch {
		case v.IsObject():
			v.ForEach(func(key, value gjson.Result) bool {
				switch {
				case name == "":
					walk(key.String(), value)
				case b.nesting == nestingDotted:
					walk(name+"."+key.String(), value)
				default:
					walk(name+"["+key.String()+"]", value)
				}
				return true
			})
		case v.IsArray():
			elements := v.Array()
			list := name
			if b.nesting == nestingBrackets {
				list += "[]"
			}
			if len(elements) == 0 {
				add(list, "") // the list is empty, not unchanged
			}
			for i, e := range elements {
				if e.IsObject() || e.IsArray() {
					walk(name+"["+strconv.Itoa(i)+"]", e)
				} else {
					walk(list, e)
				}
			}
		case v.Type == gjson.Null:
			add(name, "")
		case v.Type == gjson.Number:
			add(name, v.Raw)
		default:
			add(name, v.String())
		}
	}
	walk("", object)
	return strings.Join(pairs, "&")
}

// unbracketed keeps the names of a form readable, unmasked the symbols and masks of
// what is printed.
var (
	unbracketed = strings.NewReplacer("%5B", "[", "%5D", "]")
	unmasked    = strings.NewReplacer("%7B", "{", "%7D", "}", "%2A", "*", "%E2%80%A6", "…")
)
