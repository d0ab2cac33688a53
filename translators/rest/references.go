package rest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// references are what a record says of other resources: a list of ids or names, plain
// (user_ids) or within objects (users.#.id), or a single one (role).
type references struct {
	text  string
	all   *document.Path // leads to each of them
	whole *document.Path // the array, or the single value
	key   *document.Path // within an element; nil where elements are plain
	// without stands for none where there is a single one, as JSON; "" of a list.
	without string
	// separator stands between them where they are one text; "" where they are not.
	separator string
	// isNumber is set where references are numbers in JSON.
	isNumber bool
}

// newReferences reads the path of references. without is the value for none of a
// single one; "" is for a list.
func newReferences(text, without string, isNumber bool) (*references, error) {
	r := &references{text: text, isNumber: isNumber}
	var err error
	if without != "" {
		if r.without, err = literal(without, ""); err != nil {
			return nil, err
		}
	}
	if r.all, err = document.ParsePath(text); err != nil {
		return nil, err
	}
	list, key, isList := strings.Cut(text, ".#.")
	if !isList {
		list, _ = strings.CutSuffix(text, ".#")
	}
	switch {
	case without != "" && list != text:
		return nil, errors.New("a single value has a path without #: without is for that alone")
	case isList:
		if r.key, err = document.ParsePath(key); err != nil {
			return nil, err
		}
	}
	r.whole, err = document.ParsePath(list)
	return r, err
}

// separateBy makes the references one text with the separator between them.
func (r *references) separateBy(separator string) error {
	if strings.Contains(r.text, "#") {
		return errors.New("a text with separators has a path without #")
	}
	r.separator = separator
	return nil
}

// in returns the references in a record, each once.
func (r *references) in(record gjson.Result) (names []string) {
	if r.separator != "" {
		for name := range strings.SplitSeq(idText(r.whole.Value(record)), r.separator) {
			if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		return names
	}
	all := r.all.Get(record)
	seen := make(map[string]bool, len(all))
	for _, v := range all {
		name := idText(v)
		if name == "" || r.without != "" && v.Raw == r.without || seen[name] {
			continue
		}
		seen[name] = true
		names = append(names, name)
	}
	return names
}

// setOf are names among which some are looked for: a group can have a hundred thousand.
func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// canWrite reports whether a field with the references can be written.
func (r *references) canWrite() error {
	if strings.Contains(r.text, "#(") || !r.whole.IsWritable() || r.key != nil && !r.key.IsWritable() {
		return fmt.Errorf("%s can't be written: a path that is written has names alone, and one # where the list is", r.text)
	}
	return nil
}

// with returns the field that makes the record hold what is added and not what is
// removed; ok is false when it is so already. Elements that stay are not touched.
func (r *references) with(record gjson.Result, add, remove []string) (field fieldValue, ok bool, err error) {
	if r.without != "" {
		return r.single(record, add, remove)
	}
	if r.separator != "" {
		return r.joined(record, add, remove)
	}
	present, gone := setOf(r.in(record)), setOf(remove)
	var elements []string
	for _, v := range r.whole.Get(record) {
		name := v
		if r.key != nil {
			values := r.key.Get(v)
			if len(values) != 1 {
				elements = append(elements, v.Raw)
				continue
			}
			name = values[0]
		}
		if gone[idText(name)] {
			ok = true
			continue
		}
		elements = append(elements, v.Raw)
	}
	for _, name := range add {
		if present[name] {
			continue
		}
		raw := idJSON(name, r.isNumber)
		if r.key != nil {
			object, err := r.key.Set([]byte("{}"), raw)
			if err != nil {
				return fieldValue{}, false, err
			}
			raw = string(object)
		}
		elements, ok = append(elements, raw), true
	}
	return fieldValue{path: r.whole, raw: "[" + strings.Join(elements, ",") + "]"}, ok, nil
}

// joined is with for a text with separators.
func (r *references) joined(record gjson.Result, add, remove []string) (field fieldValue, ok bool, err error) {
	present := r.in(record)
	names := slices.DeleteFunc(slices.Clone(present), func(name string) bool { return slices.Contains(remove, name) })
	for _, name := range add {
		if slices.Contains(names, name) {
			continue
		}
		if strings.Contains(name, r.separator) || strings.TrimSpace(name) != name {
			return fieldValue{}, false, &translators.Error{Kind: translators.Invalid, Path: "members", Detail: fmt.Sprintf(
				"members: the application keeps the groups of a user in one text with %q between them, and %q can't stand in it.", r.separator, name)}
		}
		names = append(names, name)
	}
	ok = !slices.Equal(names, present)
	return fieldValue{path: r.whole, raw: quote(strings.Join(names, r.separator))}, ok, nil
}

// single is with for a record that can name one alone: who is added gets it instead of
// the one before.
func (r *references) single(record gjson.Result, add, remove []string) (fieldValue, bool, error) {
	present := r.in(record)
	switch {
	case len(add) > 0 && !slices.Contains(present, add[0]):
		return fieldValue{path: r.whole, raw: idJSON(add[0], r.isNumber)}, true, nil
	case len(add) == 0 && slices.ContainsFunc(remove, func(name string) bool { return slices.Contains(present, name) }):
		return fieldValue{path: r.whole, raw: r.without}, true, nil
	}
	return fieldValue{}, false, nil
}
