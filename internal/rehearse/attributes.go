package rehearse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// object is a JSON object whose members stand in the order in which they were
// written: names and values by turns. Providers have an order, and who reads what
// is sent reads it in theirs.
type object []any

// MarshalJSON writes the members.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; i+1 < len(o); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, part := range o[i : i+2] {
			text, err := encode(part)
			if err != nil {
				return nil, err
			}
			b.Write(text)
			if j == 0 {
				b.WriteByte(':')
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// list is a JSON list.
type list = []any

// encode writes JSON without escaping what only HTML needs escaped.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// mustEncode is encode for values that stand in this package.
func mustEncode(v any) string {
	text, err := encode(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func decode(body []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err = d.Decode(&v); err == nil && d.More() {
		err = fmt.Errorf("something follows the JSON")
	}
	return v, err
}

// member returns a member of a JSON object, in whatever case its name is.
func member(v any, name string) any {
	object, _ := v.(map[string]any)
	if found, ok := object[name]; ok {
		return found
	}
	for key, found := range object {
		if strings.EqualFold(key, name) {
			return found
		}
	}
	return nil
}

// text returns a member that is a string, or "".
func text(v any, name string) string {
	s, _ := member(v, name).(string)
	return s
}

// attributes are the leaves of a resource, by lower-case path: name.givenname,
// emails[work].value, enterprise.department, members[<id>].value. Values are
// JSON. What nobody can change at will, meta and schemas, is left out.
type attributes map[string]attribute

type attribute struct{ path, value string }

// enterprise is how the URN of the extension is shortened.
const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// flatten returns the leaves of a resource.
func flatten(resource any) attributes {
	all := make(attributes)
	object, _ := resource.(map[string]any)
	for name, v := range object {
		switch {
		case strings.EqualFold(name, "meta") || strings.EqualFold(name, "schemas"):
		case strings.EqualFold(name, enterprise):
			all.add("enterprise", v)
		default:
			all.add(name, v)
		}
	}
	return all
}

func (a attributes) add(path string, v any) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for name, inner := range v {
			if name != "$ref" { // the same as value, at more length
				a.add(path+"."+name, inner)
			}
		}
	case []any:
		for i, name := range elementNames(path, v) {
			a.add(path+"["+name+"]", v[i])
		}
	default:
		a[strings.ToLower(path)] = attribute{path, mustEncode(v)}
	}
}

// elementNames are what the elements of a list are told apart by: their types,
// or their values, or their places; members by their values always.
func elementNames(path string, elements []any) []string {
	by := []string{"type", "value"}
	if path == "members" || path == "groups" {
		by = by[1:]
	}
	for _, attribute := range by {
		var names []string
		for _, element := range elements {
			name := text(element, attribute)
			if s, ok := element.(string); ok {
				name = s
			}
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if len(names) == len(elements) {
			return names
		}
	}
	names := make([]string, len(elements))
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names
}

// get returns the value at a path, as JSON; "" when there is none.
func (a attributes) get(path string) string { return a[strings.ToLower(path)].value }

// differences says what has become of one state in another, a line each.
func differences(before, after attributes) []string {
	var names []string
	for name := range before {
		names = append(names, name)
	}
	for name := range after {
		if _, isKnown := before[name]; !isKnown {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []string
	for _, name := range names {
		was, is := before[name], after[name]
		switch {
		case was.value == is.value || strings.HasSuffix(name, "].type"): // it stands in the brackets
		case was.value == "":
			all = append(all, is.path+": "+is.value)
		case is.value == "":
			all = append(all, was.path+": "+was.value+" → nothing")
		default:
			all = append(all, is.path+": "+was.value+" → "+is.value)
		}
	}
	return all
}
