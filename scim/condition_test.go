package scim

import (
	"strings"
	"testing"
)

func TestDecodeConditions(t *testing.T) {
	const bad = `; send the version of the resource as its meta.version shows it, such as W/"42", or *`
	for name, c := range map[string]struct {
		r    Request
		want string
	}{
		"a weak tag":              {Request{Method: "GET", IfMatch: `W/"a330bc54f0671c9"`}, "if match a330bc54f0671c9"},
		"a strong tag":            {Request{Method: "DELETE", IfMatch: `"42"`}, "if match 42"},
		"a tag without quotes":    {Request{Method: "GET", IfMatch: ` 42 `}, "if match 42"},
		"W/ without quotes":       {Request{Method: "GET", IfMatch: `w/42`}, "if match 42"},
		"any":                     {Request{Method: "DELETE", IfMatch: "*"}, "if match *"},
		"several":                 {Request{Method: "GET", IfNoneMatch: `"1", W/"2" ,,3	, "*"`}, "if none match 1, 2, 3"},
		"a comma within":          {Request{Method: "GET", IfNoneMatch: `"a,b", "c"`}, `if none match "a,b", c`},
		"a star in quotes":        {Request{Method: "GET", IfMatch: `"*"`}, "if match "},
		"an empty tag":            {Request{Method: "GET", IfMatch: `""`}, `if match ""`},
		"both":                    {Request{Method: "GET", IfMatch: `"1"`, IfNoneMatch: `"2"`}, "if match 1\n  if none match 2"},
		"letters":                 {Request{Method: "GET", IfMatch: `"ü"`}, "if match \"ü\""},
		"no end":                  {Request{Method: "GET", IfMatch: `W/"42`}, `400 invalidValue: If-Match is "W/\"42"` + bad},
		"no beginning":            {Request{Method: "GET", IfMatch: `42"`}, `400 invalidValue: If-Match is "42\""` + bad},
		"no comma":                {Request{Method: "GET", IfNoneMatch: `"1" "2"`}, `400 invalidValue: If-None-Match is "\"1\" \"2\""` + bad},
		"nothing but commas":      {Request{Method: "GET", IfMatch: " , "}, `400 invalidValue: If-Match is " , "` + bad},
		"a control character":     {Request{Method: "GET", IfMatch: "\"a\x00\""}, `400 invalidValue: If-Match is "\"a\x00\""` + bad},
		"a create has no version": {Request{Method: "POST", IfMatch: `"`, IfNoneMatch: "*", Body: []byte(`{"userName":"ada"}`)}, "set userName \"ada\""},
		"a search has no version": {Request{Method: "GET", Path: "/Users", IfMatch: `"`}, ""},
		"a disable stands beside a malformed one": {Request{Method: "PUT", IfMatch: `"`, Body: []byte(`{"active":false,"title":"x"}`)},
			"replace active false\n" + `400 invalidValue: If-Match is "\""` + bad},
		"a disable keeps a good one": {Request{Method: "PATCH", IfMatch: `"1"`, Body: []byte(`{"Operations":[{"op":"replace","value":{"active":false,"title":[1,2]}}]}`)},
			"if match 1\n  replace active false\n400 invalidValue: operation 1: title: expected one value, found several"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.r.Path == "" {
				c.r.Path = "/Users/1"
			}
			if c.r.Method == "POST" {
				c.r.Path = "/Users"
			}
			got := decoded(everything(), c.r)
			if first, rest, isOperation := strings.Cut(got, "\n  "); isOperation && !strings.HasPrefix(first, "400") {
				got = rest
			} else if !strings.HasPrefix(got, "400") {
				got = ""
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestConditionHolds(t *testing.T) {
	for name, c := range map[string]struct {
		match, noneMatch, version string
		want                      bool
	}{
		"nothing asked":             {"", "", "1", true},
		"the same":                  {`"1"`, "", "1", true},
		"another":                   {`"1"`, "", "2", false},
		"one of them":               {`"1", "2"`, "", "2", true},
		"any":                       {"*", "", "1", true},
		"any, version unknown":      {"*", "", "", true},
		"none named like that":      {`"*"`, "", "1", false},
		"version unknown":           {`"1"`, "", "", false},
		"empty, version unknown":    {`""`, "", "", false},
		"not the same":              {"", `"1"`, "1", false},
		"not another":               {"", `"1"`, "2", true},
		"not any":                   {"", "*", "1", false},
		"not this, version unknown": {"", `"1"`, "", true},
		"match and none match":      {`"1"`, `"1"`, "1", false},
	} {
		t.Run(name, func(t *testing.T) {
			op, err := everything().Decode(Request{Method: "GET", Path: "/Users/1", IfMatch: c.match, IfNoneMatch: c.noneMatch})
			if err != nil {
				t.Fatal(err)
			}
			if got := op.Condition.Holds(c.version); got != c.want {
				t.Errorf("got %v", got)
			}
			if got := op.Condition.IsNone(); got != (c.match == "" && c.noneMatch == "") {
				t.Errorf("IsNone is %v", got)
			}
		})
	}
}
