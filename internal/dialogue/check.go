package dialogue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Check compares an answer with what the dialogue asks of it: the status, the
// header fields, the members that must be in the body, and those that must not.
//
// A body contains another one when it has all of its members with values that
// contain theirs. Lists have the same length and contain each other in some
// order. The string "*" stands for any value but null, "" and an empty list.
// Where several statuses are allowed, an answer without body is asked for
// nothing more.
func (a *Answer) Check(status int, header http.Header, body []byte) error {
	if !slices.Contains(a.Statuses, status) {
		return fmt.Errorf("status is %d, want %s: %s", status, joinInts(a.Statuses), body)
	}
	for _, f := range a.Header {
		if got := header.Get(f.Name); got == "" || !wildcard(f.Value, got) {
			return fmt.Errorf("header %s is %q, want %q", f.Name, got, f.Value)
		}
	}
	if len(bytes.TrimSpace(body)) == 0 && (len(a.Statuses) > 1 || a.Body == "" && a.Absent == nil) {
		return nil
	}
	got, err := decode(body)
	if err != nil {
		return fmt.Errorf("the body is not JSON: %w: %s", err, body)
	}
	if a.Body != "" {
		want, err := decode([]byte(a.Body))
		if err != nil {
			return fmt.Errorf("the dialogue's answer is not JSON: %w", err)
		}
		if err := contains(want, got, "the body"); err != nil {
			return fmt.Errorf("%w: %s", err, body)
		}
	}
	for _, path := range a.Absent {
		if v, found := lookup(got, path); found {
			return fmt.Errorf("%s is there and should not be: %v", path, v)
		}
	}
	return nil
}

// Find returns the string or number that stands at r.Path of a body.
func (r Remember) Find(body []byte) (string, error) {
	root, err := decode(body)
	if err != nil {
		return "", fmt.Errorf("the body is not JSON: %w", err)
	}
	v, found := lookup(root, r.Path)
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	}
	return "", fmt.Errorf("%s to be remembered is no string or number (found: %v): %s", r.Path, found, body)
}

func decode(body []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

func contains(want, got any, where string) error {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %v, want an object", where, got)
		}
		for name, w := range want {
			g, ok := object[name]
			if !ok {
				return fmt.Errorf("%s has no %s", where, name)
			}
			if err := contains(w, g, where+"."+name); err != nil {
				return err
			}
		}
		return nil
	case []any:
		return containsList(want, got, where)
	case string:
		if list, isList := got.([]any); want == "*" && got != nil && got != "" && (!isList || len(list) > 0) {
			return nil
		}
	}
	if want != got {
		return fmt.Errorf("%s is %v, want %v", where, got, want)
	}
	return nil
}

func containsList(want []any, got any, where string) error {
	list, ok := got.([]any)
	if !ok || len(list) != len(want) {
		return fmt.Errorf("%s is %v, want a list of %d", where, got, len(want))
	}
	isTaken := make([]bool, len(list))
	for i, w := range want {
		j := 0
		for j < len(list) && (isTaken[j] || contains(w, list[j], "") != nil) {
			j++
		}
		if j == len(list) {
			return fmt.Errorf("%s holds nothing like element %d: %v", where, i, w)
		}
		isTaken[j] = true
	}
	return nil
}

// lookup follows a path such as Resources[0].emails[1].value or
// urn:…:User/department: names are separated by dots, an URN ends at a slash.
func lookup(v any, path string) (any, bool) {
	for path != "" {
		var name string
		if urn, rest, isURN := strings.Cut(path, "/"); isURN && strings.HasPrefix(path, "urn:") {
			name, path = urn, rest
		} else {
			end := strings.IndexAny(path, ".[")
			if strings.HasPrefix(path, "urn:") || end < 0 {
				end = len(path)
			}
			name, path = path[:end], path[end:]
		}
		object, ok := v.(map[string]any)
		if v, ok = object[name]; !ok {
			return nil, false
		}
		for strings.HasPrefix(path, "[") {
			digits, rest, _ := strings.Cut(path[1:], "]")
			i, err := strconv.Atoi(digits)
			list, ok := v.([]any)
			if err != nil || !ok || i < 0 || i >= len(list) {
				return nil, false
			}
			v, path = list[i], rest
		}
		path = strings.TrimPrefix(path, ".")
	}
	return v, true
}

// wildcard reports whether s is like pattern, in which * stands for anything.
func wildcard(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^(?s:" + strings.Join(parts, ".*") + ")$").MatchString(s)
}

func joinInts(numbers []int) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, " or ")
}
