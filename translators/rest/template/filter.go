package template

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// filter changes a value.
type filter struct{ name, argument string }

const filterNames = "number, string, lower, upper, base64, join, each, default, json, xml, double, escape"

// check reports a filter that there isn't, or that has not what it needs.
func (f filter) check(hasArgument bool) error {
	needs := false
	switch f.name {
	case "number", "string", "lower", "upper", "base64", "each", "json", "xml":
	case "join", "default":
		needs = true
	case "double", "escape":
		if needs = true; hasArgument && f.argument == "" {
			return fmt.Errorf(`%s needs the characters that it is for: %s "'"`, f.name, f.name)
		}
	default:
		return fmt.Errorf("there is no filter %q: it is one of %s", bounded(f.name), filterNames)
	}
	switch {
	case needs && !hasArgument:
		return fmt.Errorf(`the filter %s needs an argument: %s ","`, f.name, f.name)
	case !needs && hasArgument:
		return fmt.Errorf("the filter %s has no argument", f.name)
	}
	return nil
}

var (
	errIsList   = errors.New(`is a list, which only JSON holds: the filter join "," makes one text of it, each repeats what it stands in`)
	errIsObject = errors.New("is an object, which only JSON holds")
)

// textOf are the characters of a value that is neither a list nor an object.
func textOf(v gjson.Result) (string, error) {
	switch v.Type {
	case gjson.String:
		return v.Str, nil
	case gjson.Number:
		return v.Raw, nil
	case gjson.True:
		return "true", nil
	case gjson.False:
		return "false", nil
	case gjson.JSON:
		if v.IsArray() {
			return "", errIsList
		}
		return "", errIsObject
	}
	return "", errors.New("is null, which is no text")
}

// apply returns the value that the filter makes.
func (f filter) apply(v gjson.Result) (gjson.Result, error) {
	switch f.name {
	case "json":
		return stringOf(v.Raw), nil
	case "join":
		return f.join(v)
	}
	text, err := textOf(v)
	if err != nil {
		return v, err
	}
	switch f.name {
	case "number":
		if n := gjson.Parse(text); n.Type != gjson.Number || n.Raw != text || !gjson.Valid(text) {
			return v, errors.New("is no number")
		}
		return gjson.Parse(text), nil
	case "lower", "upper":
		if v.Type != gjson.String {
			return v, nil
		}
		if f.name == "lower" {
			return stringOf(strings.ToLower(text)), nil
		}
		return stringOf(strings.ToUpper(text)), nil
	case "base64":
		return stringOf(base64.StdEncoding.EncodeToString([]byte(text))), nil
	case "xml":
		out, err := appendXML(nil, text, true)
		return stringOf(string(out)), err
	case "double", "escape":
		return stringOf(f.doubled(text)), nil
	}
	return stringOf(text), nil
}

// join makes one text of a list. An element with the separator in it would be two.
func (f filter) join(v gjson.Result) (gjson.Result, error) {
	if !v.IsArray() {
		return v, nil
	}
	var texts []string
	for _, e := range v.Array() {
		text, err := textOf(e)
		if err != nil {
			return v, errors.New("is a list of what is no text")
		}
		if f.argument != "" && strings.Contains(text, f.argument) {
			return v, errors.New("is a list with an element in which there is what stands between elements")
		}
		texts = append(texts, text)
	}
	return stringOf(strings.Join(texts, f.argument)), nil
}

// doubled is a text with something before some of its characters: themselves, or a
// backslash.
func (f filter) doubled(text string) string {
	var out strings.Builder
	for _, c := range text {
		switch {
		case f.name == "escape" && (c == '\\' || strings.ContainsRune(f.argument, c)):
			out.WriteByte('\\')
		case f.name == "double" && strings.ContainsRune(f.argument, c):
			out.WriteRune(c)
		}
		out.WriteRune(c)
	}
	return out.String()
}

// stringOf is a text as a value.
func stringOf(text string) gjson.Result {
	return gjson.Result{Type: gjson.String, Str: text, Raw: quote(text)}
}
