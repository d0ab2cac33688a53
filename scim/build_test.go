package scim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// given returns the resource that a JSON object describes, without a Decode
// that would mend it: what the JSON says is what the resource holds.
func given(tb testing.TB, t *ResourceType, text string) *Resource {
	tb.Helper()
	r := NewResource(t)
	for name, x := range givenJSON(tb, text).(map[string]any) {
		if s := t.SchemaByURN(name); s != nil {
			for name, x := range x.(map[string]any) {
				r.Set(givenAttribute(tb, t.Attribute(s.ID+":"+name), name), givenValue(tb, t.Attribute(s.ID+":"+name), x))
			}
			continue
		}
		r.Set(givenAttribute(tb, t.Attribute(name), name), givenValue(tb, t.Attribute(name), x))
	}
	slices.SortFunc(r.fields, func(f, g Field) int { return strings.Compare(f.Attribute.String(), g.Attribute.String()) })
	return r
}

// givenChange reads a change written as
//
//	replace emails[type eq "work"].value = "ada@example.com"
func givenChange(tb testing.TB, t *ResourceType, text string) Change {
	tb.Helper()
	op, rest, _ := strings.Cut(text, " ")
	path, value, hasValue := strings.Cut(rest, " = ")
	p, err := ParsePath(t, path)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	c := Change{Op: ChangeOp(op), Path: p}
	if hasValue {
		c.Value = givenValue(tb, p.Leaf(), givenJSON(tb, value))
	}
	return c
}

func givenChanges(tb testing.TB, t *ResourceType, texts []string) []Change {
	tb.Helper()
	var changes []Change
	for _, text := range texts {
		changes = append(changes, givenChange(tb, t, text))
	}
	return changes
}

func givenJSON(tb testing.TB, text string) any {
	tb.Helper()
	var x any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&x); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return x
}

func givenAttribute(tb testing.TB, a *Attribute, name string) *Attribute {
	tb.Helper()
	if a == nil {
		tb.Fatalf("there is no attribute %s", name)
	}
	return a
}

func givenValue(tb testing.TB, a *Attribute, x any) Value {
	tb.Helper()
	switch x := x.(type) {
	case string:
		return String(x)
	case bool:
		return Bool(x)
	case json.Number:
		return Number(x.String())
	case []any:
		var items []Value
		for _, item := range x {
			items = append(items, givenValue(tb, a, item))
		}
		return List(items...)
	case map[string]any:
		var fields []Field
		for _, name := range slices.Sorted(maps.Keys(x)) {
			s := givenAttribute(tb, a.Sub(name), a.String()+"."+name)
			fields = append(fields, Field{s, givenValue(tb, s, x[name])})
		}
		return Complex(fields...)
	}
	return Value{}
}

// holdsExactly fails the test unless r, written out, is the JSON object wanted;
// schemas and meta are left aside.
func holdsExactly(tb testing.TB, r *Resource, want string) {
	tb.Helper()
	got, err := AppendResource(nil, r, Projection{}, Output{}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	object := givenJSON(tb, string(got)).(map[string]any)
	delete(object, "schemas")
	delete(object, "meta")
	if diff := cmp.Diff(givenJSON(tb, want), any(object)); diff != "" {
		tb.Errorf("the resource is not as wanted (-want +got):\n%s", diff)
	}
}
