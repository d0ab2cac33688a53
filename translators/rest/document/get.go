package document

import (
	"strings"

	"github.com/tidwall/gjson"
)

// Get returns the values at the path: the elements of an array one by one, nothing
// for what is missing or null.
func (p *Path) Get(doc gjson.Result) []gjson.Result {
	return collect(nil, doc, p.steps)
}

// First returns the first of what [Path.Get] returns, or one that does not exist.
func (p *Path) First(doc gjson.Result) gjson.Result {
	if v, ok := single(doc, p.steps); ok && !v.IsArray() && !v.IsObject() {
		return v
	}
	for _, v := range collect(nil, doc, p.steps) {
		return v
	}
	return gjson.Result{}
}

// Value returns what is at the path as it is, an array as a whole, null as null; of a
// path with # the first. One that is missing does not exist.
func (p *Path) Value(doc gjson.Result) gjson.Result {
	v, ok := single(doc, p.steps)
	if !ok {
		return gjson.Result{}
	}
	return v
}

// Shape is what is where a list should be.
type Shape int

// The shapes.
const (
	// Missing: an object on the way does not have the name, or something else than an
	// object is on the way. The answer is another one than the path is for.
	Missing Shape = iota
	// Absent: all of the way is there but the last name. In XML a list without elements
	// looks like that; in JSON it is as good as missing.
	Absent
	// Empty: null or "", or an element of XML without any elements in it.
	Empty
	// List: an array, also one without elements.
	List
	// Single: an object or a value, which counts as the one element of a list.
	Single
)

// Items returns the elements of the list at the path, and what is there.
func (p *Path) Items(doc gjson.Result) ([]gjson.Result, Shape) {
	v := doc
	for i, s := range p.steps {
		if s.kind != stepName {
			items := collect(nil, v, p.steps[i:])
			if len(items) > 0 {
				return items, List
			}
			if elements, shape := listOf(v); shape != Single && len(elements) == 0 {
				return nil, shape
			}
			return nil, List
		}
		if isNothing(v) {
			return nil, Empty
		}
		next, ok := memberOf(v, s)
		if !ok {
			switch {
			case !v.IsObject() || i < len(p.steps)-1:
				return nil, Missing
			case hasOnlyAttributes(v):
				return nil, Empty
			}
			return nil, Absent
		}
		v = next
	}
	return listOf(v)
}

// listOf takes a value for a list.
func listOf(v gjson.Result) ([]gjson.Result, Shape) {
	switch {
	case !v.Exists():
		return nil, Missing
	case v.IsArray():
		return v.Array(), List
	case isNothing(v):
		return nil, Empty
	}
	return []gjson.Result{v}, Single
}

// isNothing reports whether v is null or an empty string, which is an element of XML
// without content.
func isNothing(v gjson.Result) bool {
	return v.Type == gjson.Null || v.Type == gjson.String && v.Str == ""
}

// hasOnlyAttributes reports whether v is an element of XML without content, but with
// attributes: <users type="array"/>.
func hasOnlyAttributes(v gjson.Result) bool {
	has := false
	v.ForEach(func(key, _ gjson.Result) bool {
		has = strings.HasPrefix(key.Str, "-")
		return has
	})
	return has
}

// collect appends the values at the steps.
func collect(dst []gjson.Result, v gjson.Result, steps []step) []gjson.Result {
	for i, s := range steps {
		var ok bool
		switch s.kind {
		case stepName, stepIndex, stepFirst:
			if v, ok = take(v, s); !ok {
				return dst
			}
		default:
			elements(v, func(e gjson.Result) bool {
				if s.kind == stepEach || s.match.isTrue(e) {
					dst = collect(dst, e, steps[i+1:])
				}
				return true
			})
			return dst
		}
	}
	elements(v, func(e gjson.Result) bool {
		if e.Type != gjson.Null {
			dst = append(dst, e)
		}
		return true
	})
	return dst
}

// single is the value at the steps, the first where there are several.
func single(v gjson.Result, steps []step) (gjson.Result, bool) {
	for i, s := range steps {
		var ok bool
		switch s.kind {
		case stepName, stepIndex, stepFirst:
			if v, ok = take(v, s); !ok {
				return v, false
			}
		default:
			found := false
			elements(v, func(e gjson.Result) bool {
				if s.kind == stepEach || s.match.isTrue(e) {
					v, found = single(e, steps[i+1:])
				}
				return !found
			})
			return v, found
		}
	}
	return v, v.Exists()
}

// take goes one step, to at most one value.
func take(v gjson.Result, s step) (found gjson.Result, ok bool) {
	if s.kind == stepName || s.kind == stepIndex && v.IsObject() {
		if found, ok = memberOf(v, s); ok || s.kind == stepName {
			return found, ok
		}
	}
	n := 0
	elements(v, func(e gjson.Result) bool {
		if s.kind == stepIndex && n == s.index || s.kind == stepFirst && s.match.isTrue(e) {
			found, ok = e, true
		}
		n++
		return !ok
	})
	return found, ok
}

// elements calls f for the elements of an array, and with what is no array itself.
func elements(v gjson.Result, f func(gjson.Result) bool) {
	if !v.Exists() {
		return
	}
	if !v.IsArray() {
		f(v)
		return
	}
	v.ForEach(func(_, e gjson.Result) bool { return f(e) })
}

// memberOf is the member of an object.
func memberOf(v gjson.Result, s step) (found gjson.Result, ok bool) {
	if !v.IsObject() {
		return found, false
	}
	text := v.Raw
	for pos := skipSpace(text, 1); pos < len(text) && text[pos] == '"'; {
		end := endOfString(text, pos)
		start := skipSpace(text, skipSpace(text, end)+1)
		if key := text[pos:end]; key == s.key || strings.IndexByte(key, '\\') >= 0 && nameOf(key) == s.name {
			return gjson.Parse(text[start:endOfValue(text, start)]), true
		}
		pos = skipSpace(text, skipSpace(text, endOfValue(text, start))+1)
	}
	return found, false
}
