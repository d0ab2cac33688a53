package scim

import (
	"slices"
	"strings"
	"testing"
)

// choices turns the bytes of a fuzzer into decisions; when they are used up
// every decision is the first.
type choices struct{ data []byte }

func (c *choices) below(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := int(c.data[0])
	c.data = c.data[1:]
	return b % n
}

func choose[T any](c *choices, from ...T) T { return from[c.below(len(from))] }

func (c *choices) single(a *Attribute) Value {
	switch a.Type {
	case TypeComplex:
		var fields []Field
		for _, s := range a.SubAttributes {
			if c.below(2) == 1 {
				fields = append(fields, Field{s, c.value(s)})
			}
		}
		return Complex(fields...)
	case TypeBoolean:
		return Bool(c.below(2) == 1)
	case TypeInteger, TypeDecimal:
		return Number(choose(c, "0", "1", "-2.5e3"))
	}
	return String(choose(c, "a", "A", "b", "work", "", "ß\u2028\"\\\x01\xff"))
}

func (c *choices) value(a *Attribute) Value {
	if !a.MultiValued {
		return c.single(a)
	}
	var items []Value
	for range c.below(4) {
		items = append(items, c.single(a))
	}
	return List(items...)
}

func (c *choices) resource(t *ResourceType) *Resource {
	r := NewResource(t)
	for range c.below(6) {
		a := choose(c, t.Attributes()...)
		r.Set(a, c.value(a))
	}
	return r
}

func (c *choices) selector(a *Attribute, depth int) Filter {
	sub := choose(c, a.SubAttributes...)
	compare := func(op Operator) Filter {
		return Compare{Target: Target{Attribute: a, Sub: sub}, Operator: op, Value: c.single(sub)}
	}
	switch n := c.below(8); {
	case n == 1:
		return Present{Target{Attribute: a, Sub: sub}}
	case n == 2 && depth > 0:
		return Not{c.selector(a, depth-1)}
	case n == 3 && depth > 0:
		return And{[]Filter{c.selector(a, depth-1), c.selector(a, depth-1)}}
	case n == 4 && depth > 0:
		return Or{[]Filter{c.selector(a, depth-1), c.selector(a, depth-1)}}
	case n == 5:
		return compare(NotEqual)
	}
	return compare(Equal)
}

func (c *choices) change(t *ResourceType) Change {
	a := choose(c, t.Attributes()...)
	change := Change{Op: choose(c, Add, Replace, Remove), Path: Path{Attribute: a}}
	if a.IsComplex() && c.below(2) == 1 {
		change.Path.Sub = choose(c, a.SubAttributes...)
	}
	if a.IsComplex() && a.MultiValued && c.below(2) == 1 {
		change.Path.Selector = c.selector(a, 2)
	}
	switch c.below(8) {
	case 1: // a removal or nothing
	case 2:
		change.Value = c.value(choose(c, t.Attributes()...)) // perhaps of another kind
	case 3:
		change.Value = c.single(change.Path.Leaf())
	default:
		change.Value = c.value(change.Path.Leaf())
	}
	return change
}

// readsWhatItWrites reports whether the change can move an element out of the
// reach of its own selector, so that a second time is another change.
func readsWhatItWrites(c Change) bool {
	if c.Path.Selector == nil {
		return false
	}
	var written []string
	if c.Path.Sub != nil {
		written = append(written, c.Path.Sub.Name)
	} else {
		for _, item := range c.Value.Items() {
			for _, f := range item.Fields() {
				written = append(written, f.Attribute.Name)
			}
		}
	}
	return slices.ContainsFunc(Targets(c.Path.Selector), func(t Target) bool {
		isDerived := t.Sub.Mutability == ReadOnly || t.Sub.Name == "$ref" || t.Sub.Name == "display"
		return isDerived || slices.Contains(written, t.Sub.Name)
	})
}

// snapshot is everything in a resource, in the order in which it stands, to be
// compared.
func snapshot(r *Resource) string {
	if r == nil {
		return "nothing"
	}
	var b strings.Builder
	var write func(Value)
	write = func(v Value) {
		b.WriteByte('(')
		b.Write(appendKey(nil, Value{kind: v.kind, flag: v.flag, text: v.text}))
		for _, f := range v.fields {
			b.WriteString(f.Attribute.Name)
			write(f.Value)
		}
		for _, item := range v.items {
			write(item)
		}
		b.WriteByte(')')
	}
	for _, f := range r.Fields() {
		b.WriteString(f.Attribute.String())
		write(f.Value)
	}
	return b.String()
}

func primaries(r *Resource) map[*Attribute]int {
	count := make(map[*Attribute]int)
	for _, f := range r.Fields() {
		for _, item := range f.Value.Items() {
			if item.SubNamed("primary").IsTrue() {
				count[f.Attribute]++
			}
		}
	}
	return count
}

func FuzzApply(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 4, 9, 3, 1, 1, 0, 1, 0, 0, 0, 1, 2, 13, 1, 1, 0, 1, 2, 1, 5, 0, 0, 1, 1})
	f.Add([]byte("\x00\x05\x0d\x03\x01\x01\x01\x01\x02\x01\x03\x02\x0d\x00\x01\x01\x01\x06\x00\x02\x00\x05"))
	user, thing := UserType(), thingType(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{data}
		typ := choose(c, user, thing)
		before := c.resource(typ)
		var changes []Change
		for range 1 + c.below(6) {
			changes = append(changes, c.change(typ))
		}
		was := snapshot(before)
		after, err := Apply(before, changes)
		if snapshot(before) != was {
			t.Fatalf("Apply changed what it was given: %s, was %s", snapshot(before), was)
		}

		// Step by step it must become the same, or fail in the same way.
		step := before
		for _, change := range changes {
			next, stepErr := Apply(step, []Change{change})
			if stepErr != nil {
				if AsError(stepErr) == nil || err == nil || err.Error() != stepErr.Error() || after != nil {
					t.Fatalf("a step fails with %v, all of them with %v", stepErr, err)
				}
				return
			}
			for a, n := range primaries(next) {
				if n > 1 && n > primaries(step)[a] {
					t.Fatalf("%v makes %d elements of %s primary", change, n, a)
				}
			}
			again, againErr := Apply(next, []Change{change})
			if !readsWhatItWrites(change) && (againErr != nil || snapshot(again) != snapshot(next)) {
				t.Fatalf("%s %s twice is not once: %s, then %v, %s", change.Op, change.Path, snapshot(next), againErr, snapshot(again))
			}
			step = next
		}
		if err != nil {
			t.Fatalf("all steps succeed, all of them at once fail: %v", err)
		}
		if snapshot(step) != snapshot(after) {
			t.Fatalf("step by step it becomes %s, at once %s", snapshot(step), snapshot(after))
		}

		// The differences, and nothing else, lead from before to after.
		replayed := before.Clone()
		for _, d := range Diff(before, after) {
			if d.Before.Equal(d.After) || !d.Before.Equal(before.Get(d.Attribute)) {
				t.Fatalf("%s is no difference: %v", d.Attribute, d)
			}
			replayed.Set(d.Attribute, d.After)
		}
		if left := Diff(replayed, after); left != nil {
			t.Fatalf("the differences leave out %v", left)
		}
		for _, a := range typ.Attributes() {
			if x, y := replayed.Get(a), after.Get(a); len(x.Items()) != len(y.Items()) || !a.MultiValued && !sameValue(x, y) {
				t.Fatalf("%s is another after its differences: %v, %v", a, x, y)
			}
		}
	})
}
