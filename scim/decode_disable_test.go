package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// nearMisses are names that are not active and can have been meant as nothing
// else.
var nearMisses = []string{
	"active.value",
	"active.active",
	"Active:value",
	"urn:ietf:params:scim:schemas:core:2.0:User.active",
	"urn:ietf:params:scim:schemas:core:2.0:User/active",
	"urn:ietf:params:scim:schemas:core:2.0:User:active.value",
	"urn:ietf:params:scim:schemas:core:2.0:User:active:value",
	"urn:ietf:params:scim:schemas:core:2.0:User:User:active",
	"urn:ietf:params:scim:schemas:core:2.0:User: active",
	"urn:ietf:params:scim:schemas:core:2.0.active",
	"urn:ietf:params:scim:schemas:core:2.0:User:active:",
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:active",
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:Active.value",
	"urn:scim:schemas:core:1.0:active",
	"User:active",
	"user.ACTIVE",
	"Users/active",
	"core:2.0:User:active",
	"$.active",
	"$['active']",
	"/active",
	":active",
	`"active"`,
	"active\u200b",
	"\ufeffactive",
	"active/value",
}

// falseLike are values that mean false, though not all of them to a boolean.
var falseLike = []string{
	`false`, `"False"`, `" false "`, `0`, `0.0`, `"0"`, `"no"`, `"Off"`, `"Inactive"`, `[false]`, `["False"]`,
	`{"value":false}`, `[{"value":"False","primary":true}]`, `{"Value":{"value":0}}`, `{"active":false}`,
}

// TestDecodeNearMissesOfActive holds that a disable written to a name which is
// nearly active is refused: dropped, it would be answered with success.
func TestDecodeNearMissesOfActive(t *testing.T) {
	refused := func(t *testing.T, r Request) {
		t.Helper()
		op, err := everything().Decode(r)
		e := AsError(err)
		if op != nil || e == nil {
			t.Fatalf("%s becomes %v, %v; want it refused", r.Body, op, err)
		}
		if e.Status != 400 || e.Type != InvalidPath && e.Type != InvalidValue && e.Type != InvalidFilter {
			t.Errorf("%s: %v", r.Body, err)
		}
		if e.Type == InvalidPath && errors.Is(err, ErrCannotDisable) != strings.Contains(e.Detail, "the attribute that does is active") {
			t.Errorf("%s: the error does not name the attribute to use: %v", r.Body, err)
		}
	}
	quoted := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, name := range nearMisses {
		t.Run(name, func(t *testing.T) {
			for _, v := range falseLike {
				member := fmt.Sprintf(`{"userName":"a",%s:%s}`, quoted(name), v)
				refused(t, Request{Method: "PUT", Path: "/Users/1", Body: []byte(member)})
				refused(t, Request{Method: "POST", Path: "/Users", Body: []byte(member)})
				for _, operation := range []string{
					`{"op":"replace","value":` + member + `}`,
					`{"op":"Add","value":[` + member + `]}`,
					fmt.Sprintf(`{"op":"replace","path":%s,"value":%s}`, quoted(name), v),
					fmt.Sprintf(`{"op":"Remove","path":%s,"value":%s}`, quoted(name), v),
				} {
					body := []byte(`{"Operations":[` + operation + `]}`)
					refused(t, Request{Method: "PATCH", Path: "/Users/1", Body: body})
				}
			}
			// Nothing holds a disable back that stands beside it.
			body := fmt.Sprintf(`{"Operations":[{"op":"replace","value":{%s:false}},{"op":"replace","path":"active","value":"False"}]}`, quoted(name))
			op, err := everything().Decode(Request{Method: "PATCH", Path: "/Users/1", Body: []byte(body)})
			if active, isSet := false, false; op != nil {
				if active, isSet = op.Active(); active || !isSet || err == nil {
					t.Errorf("%s becomes %v, %v", body, op, err)
				}
			} else {
				t.Errorf("%s: the disable is lost: %v", body, err)
			}
		})
	}
}

func TestDecodeWhatIsLikeActive(t *testing.T) {
	const refusal = "400 invalidPath: %q is not an attribute of this gateway, and does not disable; the attribute that does is active, with the value false: no attribute takes the disable"
	for name, c := range map[string]struct{ body, want string }{
		"space before it":             {`{" active":false}`, "replace active false"},
		"space behind it":             {`{"active\t ":"False"}`, "replace active false"},
		"space and a URN":             {`{" urn:ietf:params:scim:schemas:core:2.0:User:active ":false}`, "replace active false"},
		"space at another name":       {`{"title ":"x"}`, `replace title "x"`},
		"by a near miss":              {`{"User.active":false}`, fmt.Sprintf(refusal, "User.active")},
		"within User":                 {`{"User":{"userName":"a","active":false}}`, fmt.Sprintf(refusal, "User")},
		"within $":                    {`{"$":{"active":"False"}}`, fmt.Sprintf(refusal, "$")},
		"within a list":               {`{"Users":[{"userName":"a"},{"active":false}]}`, fmt.Sprintf(refusal, "Users")},
		"within SCIM 1":               {`{"urn:scim:schemas:core:1.0":{"active":false}}`, fmt.Sprintf(refusal, "urn:scim:schemas:core:1.0")},
		"within an extension":         {`{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"active":false}}`, fmt.Sprintf(refusal, SchemaEnterprise+":active")},
		"within two":                  {`{"/":{"User":{"active":0}}}`, fmt.Sprintf(refusal, "/")},
		"enabling":                    {`{"User.active":true}`, "ignored User.active"},
		"enabling within User":        {`{"User":{"active":true}}`, "ignored User"},
		"enabling beside a disable":   {`{"User.active":true,"active":false}`, "replace active false\nignored User.active"},
		"null":                        {`{"User.active":null}`, ""},
		"nobody knows":                {`{"User.active":"perhaps"}`, "ignored User.active"},
		"another attribute's":         {`{"licence.active":false}`, "ignored licence.active"},
		"another attribute's, nested": {`{"licence":{"active":false}}`, "ignored licence"},
		"another extension's":         {`{"urn:example:2.0:User:licence.active":false}`, "ignored urn:example:2.0:User:licence.active"},
		"another word":                {`{"activeDirectory":false,"inactive":false,"active-x":false,"actives":0}`, "ignored activeDirectory, inactive, active-x, actives"},
		"other letters":               {`{"активен":{"active":false}}`, `ignored "активен"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := decoded(everything(), Request{Method: "PUT", Path: "/Users/1", Body: []byte(c.body)})
			got = strings.TrimPrefix(strings.TrimPrefix(strings.ReplaceAll(got, "\n  ", "\n"), "update User 1 (put)"), "\n")
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	op, err := everything().Decode(Request{Method: "PUT", Path: "/Groups/1", Body: []byte(`{"User.active":false}`)})
	if err != nil || len(op.Ignored) != 1 {
		t.Errorf("a group has no active: %v, %v", op, err)
	}
}

// TestDecodeContradiction holds that of one value that disables and enables
// nothing is done, whatever stands around it; another value's disable is.
func TestDecodeContradiction(t *testing.T) {
	const urn = `"urn:ietf:params:scim:schemas:core:2.0:User:active"`
	const refusal = "400 invalidValue: %sactive stands there more than once, as true and as false: it is not well-formed, and neither is done; send active once"
	first := fmt.Sprintf(refusal, "operation 1: ")
	second := fmt.Sprintf(refusal, "operation 2: ")
	patch := func(operations string) string { return `{"Operations":[` + operations + `]}` }
	for name, c := range map[string]struct{ method, body, want string }{
		"PUT":                        {"PUT", `{"active":false,` + urn + `:true}`, fmt.Sprintf(refusal, "")},
		"PUT, reversed":              {"PUT", `{` + urn + `:true,"userName":"a","active":"False"}`, fmt.Sprintf(refusal, "")},
		"PUT, in the schema":         {"PUT", `{"active":true,"urn:ietf:params:scim:schemas:core:2.0:User":{"active":false}}`, fmt.Sprintf(refusal, "")},
		"PUT, space":                 {"PUT", `{"active":true," active":false}`, fmt.Sprintf(refusal, "")},
		"PUT, beside another error":  {"PUT", `{"name":7,"active":true,"active ":false,"title":[1,2]}`, fmt.Sprintf(refusal, "")},
		"POST":                       {"POST", `{"userName":"a","active":false,` + urn + `:true}`, fmt.Sprintf(refusal, "")},
		"no path":                    {"PATCH", patch(`{"op":"replace","value":{"active":false,` + urn + `:true}}`), first},
		"no path, in a list":         {"PATCH", patch(`{"op":"add","value":[{` + urn + `:"True","active":"False"}]}`), first},
		"at the schema":              {"PATCH", patch(`{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User","value":{"active":false," active":true}}`), first},
		"behind an enable":           {"PATCH", patch(`{"op":"replace","path":"active","value":true},{"op":"replace","value":{"active":false,` + urn + `:true}}`), second},
		"behind a disable":           {"PATCH", patch(`{"op":"replace","path":"active","value":false},{"op":"replace","value":{"active":false,` + urn + `:true}}`), "replace active false\n" + second},
		"before a disable":           {"PATCH", patch(`{"op":"replace","value":{"active":false,` + urn + `:true}},{"op":"replace","path":"active","value":false}`), "replace active false\n" + first},
		"twice the same":             {"PUT", `{"active":false,` + urn + `:"False"}`, "replace active false\nreplace active false"},
		"in two operations":          {"PATCH", patch(`{"op":"replace","value":{"active":false}},{"op":"replace","value":{"active":true}}`), "replace active false\nreplace active true"},
		"what is no value, and none": {"PUT", `{"active":false,` + urn + `:null}`, "replace active false"},
	} {
		t.Run(name, func(t *testing.T) {
			path := "/Users/1"
			if c.method == "POST" {
				path = "/Users"
			}
			got := decoded(everything(), Request{Method: c.method, Path: path, Body: []byte(c.body)})
			got = strings.ReplaceAll(got, "\n  ", "\n")
			got = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(got, "update User 1"), " (put)"), "\n")
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
