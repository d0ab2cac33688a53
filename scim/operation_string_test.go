package scim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOperationString(t *testing.T) {
	u := UserType()
	a := u.Attribute
	emails := a("emails")
	personal := UserType()
	numbers := personal.Attribute("phoneNumbers")
	personal.Attribute("title").Private, numbers.Sub("value").Private = true, true
	for name, c := range map[string]struct {
		op   Operation
		want string
	}{
		"update": {Operation{Action: ActionUpdate, Type: u, ID: "2819c223", Changes: []Change{
			{Op: Replace, Path: Path{Attribute: a("active")}, Value: Bool(false)},
			{Op: Remove, Path: Path{Attribute: a("title")}},
			{Op: Add, Path: Path{Attribute: emails}, Value: List(
				Complex(Field{emails.Sub("type"), String("work")}, Field{emails.Sub("value"), String("a\n\"b\"")}),
				Complex(Field{emails.Sub("primary"), Bool(true)}, Field{emails.Sub("value"), Number("1e400")}))},
			{Op: Replace, Path: Path{Attribute: a("password")}, Value: String("s3cret")},
		}, Members: &MemberChange{Add: []string{"f648f8d5", "a b"}, Remove: []string{"271", ""}}, Ignored: []string{"foo.bar", "x,y"}},
			`update User 2819c223
  replace active false
  remove title
  add emails [{type "work", value "a\n\"b\""}, {primary true, value 1e400}]
  replace password ********
  members add f648f8d5, "a b"
  members remove 271, ""
  ignored foo.bar, "x,y"`},
		"members without change": {Operation{Action: ActionUpdate, Type: u, ID: "ü\n", IsPut: true, Members: &MemberChange{}}, `update User "ü\n" (put)`},
		"search": {Operation{Action: ActionSearch, Type: u, Query: &Query{StartIndex: 1, Count: NoCount},
			Projection: Projection{Include: []Target{{Attribute: AttributeID}, {a("name"), a("name").Sub("givenName")}}}},
			"search User\n  return only id, name.givenName"},
		"private": {Operation{Action: ActionUpdate, Type: personal, ID: "1", Changes: []Change{
			{Op: Replace, Path: Path{Attribute: personal.Attribute("title")}, Value: String("s3cret")},
			{Op: Add, Path: Path{Attribute: numbers}, Value: List(Complex(Field{numbers.Sub("type"), String("home")}, Field{numbers.Sub("value"), String("s3cret")}))},
			{Op: Remove, Path: Path{Attribute: numbers, Selector: Compare{Target{numbers, numbers.Sub("value")}, Equal, String("s3cret")}}},
		}}, "update User 1\n  replace title {private}\n  add phoneNumbers [{type \"home\", value {private}}]\n  remove phoneNumbers[value eq \"{private}\"]"},
		"private filter": {Operation{Action: ActionSearch, Type: personal, Query: &Query{StartIndex: 1, Count: NoCount, Filter: And{[]Filter{
			Not{Compare{Target{Attribute: personal.Attribute("title")}, Contains, String("s3cret")}},
			Or{[]Filter{Elements{numbers, Compare{Target{numbers, numbers.Sub("value")}, Equal, String("s3cret")}}, Present{Target{Attribute: personal.Attribute("title")}}}},
		}}}}, "search User\n  filter not (title co \"{private}\") and (phoneNumbers[value eq \"{private}\"] or title pr)"},
		"discover": {Operation{Action: ActionDiscover, ID: "/Schemas"}, "discover /Schemas"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.op.String()
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(got, "s3cret") {
				t.Error("a password is printed")
			}
		})
	}
}
