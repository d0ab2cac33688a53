package scim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listed is a type with a list of simple values.
func listed(t *testing.T) *ResourceType {
	t.Helper()
	device, err := NewResourceType("Device", "/Devices", "", &Schema{ID: "urn:example:Device", Name: "Device", Attributes: []*Attribute{
		{Name: "name"}, {Name: "sites", MultiValued: true}, {Name: "floors", Type: TypeInteger, MultiValued: true},
		{Name: "secrets", MultiValued: true, Mutability: WriteOnly, Returned: ReturnedNever},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return device
}

// The value of a simple list is what RFC 7643 §2.4 calls value.
func TestSelectingSimpleValues(t *testing.T) {
	device := listed(t)
	for operation, want := range map[string]string{
		`{"op":"remove","path":"sites[value eq \"Paris\"]"}`:                                            `remove sites ["Paris"]`,
		`{"op":"Remove","path":"Sites[VALUE eq \"Paris\" or value eq \"Rome\"]"}`:                       `remove sites ["Paris", "Rome"]`,
		`{"op":"remove","path":"sites[value eq \"a\"]"},{"op":"remove","path":"sites[value eq \"b\"]"}`: `remove sites ["a", "b"]`,
		`{"op":"remove","path":"urn:example:Device:sites[value eq \"]\\\"\"]"}`:                         `remove sites ["]\""]`,
		`{"op":"remove","path":"floors[value eq 7]"}`:                                                   `remove floors [7]`,
		`{"op":"replace","path":"sites[value eq \"Paris\"]","value":"Rome"}`:                            "remove sites [\"Paris\"]\nadd sites [\"Rome\"]",
		`{"op":"replace","path":"sites[value eq \"Paris\"]","value":["Rome"]}`:                          "remove sites [\"Paris\"]\nadd sites [\"Rome\"]",
		`{"op":"replace","path":"sites[value eq \"Paris\"]","value":null}`:                              `remove sites ["Paris"]`,
		`{"op":"add","value":{"sites[value eq \"Paris\"]":"Rome"}}`:                                     "remove sites [\"Paris\"]\nadd sites [\"Rome\"]",
		`{"op":"remove","path":"secrets[value eq \"x\"]"}`:                                              `400 invalidFilter: operation 1: path, position 9: the attribute secrets can only be written, it cannot be searched`,
		`{"op":"remove","path":"sites[value sw \"P\"]"}`:                                                `400 invalidPath: operation 1: path, position 1: the values of sites are simple: they are selected by value eq "…", or by several of these joined by or`,
		`{"op":"remove","path":"sites[not (value eq \"P\")]"}`:                                          `400 invalidPath: operation 1: path, position 1: the values of sites are simple: they are selected by value eq "…", or by several of these joined by or`,
		`{"op":"remove","path":"sites[value eq \"a\" and value eq \"b\"]"}`:                             `400 invalidPath: operation 1: path, position 1: the values of sites are simple: they are selected by value eq "…", or by several of these joined by or`,
		`{"op":"remove","path":"sites[value eq null]"}`:                                                 `400 invalidPath: operation 1: path, position 1: the values of sites are simple: they are selected by value eq "…", or by several of these joined by or`,
		`{"op":"remove","path":"name[value eq \"x\"]"}`:                                                 `400 invalidPath: operation 1: path, position 5: name has no elements to select: only multi-valued attributes have`,
	} {
		got := decoded(&Decoder{Types: []*ResourceType{device}}, Request{Method: "PATCH", Path: "/Devices/1", Body: []byte(`{"Operations":[` + operation + `]}`)})
		got = strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(got, "update Device 1"), "\n"), "\n  ", "\n")
		if diff := cmp.Diff(want, strings.TrimPrefix(got, "  ")); diff != "" {
			t.Errorf("%s\n%s", operation, diff)
		}
	}
	for in, want := range map[string]string{
		`sites[value eq "Paris"]`:                         `sites eq "Paris"`,
		`not (sites[value eq "a" or value eq "b"])`:       `not (sites eq "a" or sites eq "b")`,
		`name pr and sites[value eq "a" or value eq "b"]`: `name pr and (sites eq "a" or sites eq "b")`,
		`schemas[value eq "urn:example:Device"]`:          `schemas eq "urn:example:Device"`,
		`sites[value co "a"]`:                             `filter, position 1: the values of sites are simple: they are selected by value eq "…", or by several of these joined by or`,
		`sites[type eq "a"]`:                              `filter, position 7: the attribute "sites.type" is not mapped by this gateway`,
		`sites[value eq "a"] eq "b"`:                      `filter, position 21: expected and, or or the end, found "eq"`,
		`secrets[value eq "a"]`:                           `filter, position 1: the attribute secrets can only be written, it cannot be searched`,
	} {
		f, err := ParseFilter(device, in, DefaultFilterLimits)
		got := ""
		if err != nil {
			got = AsError(err).Detail
		} else {
			got = f.String()
		}
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}
