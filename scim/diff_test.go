package scim

import (
	"fmt"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	tests := []struct {
		name          string
		before, after string // "" for none
		want          string // attributes, + created, - removed, ~ changed
	}{
		{"nothing and nothing", "", "", ""},
		{"the same", `{"userName":"u","active":true}`, `{"active":true,"userName":"u"}`, ""},
		{"a create", "", `{"userName":"u","emails":[{"value":"a"}]}`, "+userName +emails"},
		{"a create of nothing", "", `{}`, ""},
		{"a delete", `{"userName":"u"}`, "", "-userName"},
		{"each kind, in the order of the type", `{"active":true,"title":"t","` + enterprise + `":{"department":"d"}}`,
			`{"` + enterprise + `":{"department":"e"},"active":false,"nickName":"n"}`, "+nickName -title ~active ~" + enterprise + ":department"},
		{"case counts", `{"userName":"u"}`, `{"userName":"U"}`, "~userName"},
		{"false is not nothing", `{}`, `{"active":false}`, "+active"},
		{"an empty string is not nothing", `{}`, `{"title":""}`, "+title"},
		{"a sub-attribute", `{"name":{"givenName":"a","familyName":"b"}}`, `{"name":{"familyName":"b","givenName":"c"}}`, "~name"},
		{"elements in another order", `{"emails":[{"value":"a","type":"work"},{"value":"b"}]}`,
			`{"emails":[{"value":"b"},{"type":"work","value":"a"}]}`, ""},
		{"an element twice", `{"emails":[{"value":"a"},{"value":"b"},{"value":"b"}]}`, `{"emails":[{"value":"a"},{"value":"a"},{"value":"b"}]}`, "~emails"},
		{"an element more", `{"emails":[{"value":"a"}]}`, `{"emails":[{"value":"a"},{"value":"b"}]}`, "~emails"},
		{"values exchanged between elements", `{"emails":[{"value":"a","type":"t"},{"value":"b","type":"u"}]}`,
			`{"emails":[{"value":"b","type":"t"},{"value":"a","type":"u"}]}`, "~emails"},
		{"primary in another element", `{"emails":[{"value":"a","primary":true},{"value":"b","primary":false}]}`,
			`{"emails":[{"value":"a","primary":false},{"value":"b","primary":true}]}`, "~emails"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			typ := UserType()
			var before, after *Resource
			if test.before != "" {
				before = given(t, typ, test.before)
			}
			if test.after != "" {
				after = given(t, typ, test.after)
			}
			var got []string
			for _, d := range Diff(before, after) {
				sign := "~"
				switch {
				case d.Before.IsAbsent():
					sign = "+"
				case d.After.IsAbsent():
					sign = "-"
				}
				got = append(got, sign+d.Attribute.String())
				if before != nil && !before.Get(d.Attribute).Equal(d.Before) || after != nil && !after.Get(d.Attribute).Equal(d.After) {
					t.Errorf("%s is not what the resources have: %v", d.Attribute, d)
				}
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("differences are %q, want %q", got, test.want)
			}
		})
	}
}

// A nested list has no order either, and a text never passes for a structure.
func TestSameValue(t *testing.T) {
	a, b := &Attribute{Name: "a", MultiValued: true}, &Attribute{Name: "b"}
	list := func(items ...string) Value {
		var values []Value
		for _, item := range items {
			values = append(values, String(item))
		}
		return List(values...)
	}
	tests := []struct {
		name string
		v, w Value
		want bool
	}{
		{"nested lists in another order", List(Complex(Field{a, list("x", "y")})), List(Complex(Field{a, list("y", "x")})), true},
		{"two texts and their concatenation", list("xy", "z"), list("x", "yz"), false},
		{"a text that looks like a key", list("1:x", "y"), list("x1:", "y"), false},
		{"a number and its text", List(Number("1"), String("2")), List(String("1"), Number("2")), false},
		{"booleans", List(Bool(true), Bool(false)), List(Bool(false), Bool(true)), true},
		{"another attribute", List(Complex(Field{b, String("x")}), Bool(true)), List(Bool(true), Complex(Field{a, String("x")})), false},
		{"nothing and an empty text", Value{}, String(""), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := sameValue(test.v, test.w); got != test.want {
				t.Errorf("got %v", got)
			}
			if got := sameValue(test.w, test.v); got != test.want {
				t.Errorf("the other way round, got %v", got)
			}
		})
	}
}

// A list sent to slow the gateway down costs what its size costs.
func BenchmarkDiffOfManyValues(b *testing.B) {
	typ := UserType()
	emails := typ.Attribute("emails")
	value := emails.Sub("value")
	var forth, back []Value
	for i := range 10_000 {
		forth = append(forth, Complex(Field{value, String(fmt.Sprint(i))}))
		back = append(back, Complex(Field{value, String(fmt.Sprint(9_999 - i))}))
	}
	before, after := NewResource(typ), NewResource(typ)
	before.Set(emails, List(forth...))
	after.Set(emails, List(back...))
	for b.Loop() {
		if d := Diff(before, after); d != nil {
			b.Fatal("another order is no difference")
		}
	}
}
