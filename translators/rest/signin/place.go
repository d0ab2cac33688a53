package signin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators/rest/template"
)

// place is a compiled [Placement]: where a request has a value.
type place struct {
	Placement
	value *template.Template
}

// newPlaces compiles placements whose templates may have the names that isKnown knows;
// known says which these are.
func newPlaces(list []Placement, isKnown func(string) bool, known string) ([]place, error) {
	var all []place
	for _, p := range list {
		form := template.Header
		switch p.In {
		case "header":
			if !isToken(p.Name) {
				return nil, fmt.Errorf("send: %q is no name of a header", p.Name)
			}
		case "query":
			form = template.Query
		default:
			return nil, fmt.Errorf("send %s is not known: write send header <name> <template> or send query <name> <template>", p.In)
		}
		value, err := newTemplate("send "+p.In+" "+p.Name, p.Value, form, isKnown, known)
		if err != nil {
			return nil, err
		}
		all = append(all, place{p, value})
	}
	return all, nil
}

// newTemplate compiles a template that may have the names that isKnown knows.
func newTemplate(what, text string, form template.Form, isKnown func(string) bool, known string) (*template.Template, error) {
	t, err := template.Parse(text, form)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	for _, name := range t.Names() {
		if !isKnown(name) {
			return nil, fmt.Errorf("%s: {%s} is not known here: there are %s", what, name, known)
		}
	}
	return t, nil
}

// put puts the value into the request.
func (p place) put(r *http.Request, lookup template.Lookup) error {
	value, err := p.value.Execute(lookup)
	if err != nil {
		return fmt.Errorf("send %s %s: %w", p.In, p.Name, err)
	}
	if p.In == "query" {
		setQuery(r.URL, p.Name, value)
		return nil
	}
	if err := checkHeader(p.Name, value); err != nil {
		return err
	}
	if strings.EqualFold(p.Name, "Host") {
		r.Host = value
		return nil
	}
	r.Header.Set(p.Name, value)
	return nil
}

// masked is how the value is printed.
func (p place) masked() Masked {
	text, err := p.value.Print(func(name string) (template.Value, bool, error) {
		if isRequestName(name) { // not known before the request is sent
			return template.Value{JSON: `""`, Mask: "{" + name + "}"}, true, nil
		}
		return template.Value{JSON: `""`, Mask: "***"}, true, nil
	})
	if err != nil {
		text = "***"
	}
	return Masked{In: p.In, Name: p.Name, Value: text}
}

func maskedPlaces(places []place) []Masked {
	var all []Masked
	for _, p := range places {
		all = append(all, p.masked())
	}
	return all
}

// textValue is a value of a template.
func textValue(text string) template.Value {
	return template.Value{JSON: string(gjson.AppendJSONString(nil, text)), Mask: "***"}
}

// isToken reports whether the text can be the name of a header (RFC 9110 §5.6.2).
func isToken(text string) bool {
	const others = "!#$%&'*+-.^_`|~"
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		isLetter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !isLetter && !strings.ContainsRune(others, r)
	})
}

// oneOf reports whether a text, where it is given, is one of these.
func oneOf(text string, words ...string) bool { return text == "" || slices.Contains(words, text) }
