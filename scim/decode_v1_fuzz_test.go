package scim

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzDecodeV1 holds what Decode promises for any request in SCIM 1.1, and that a
// disable beside whatever else a part of a user asks for comes out.
func FuzzDecodeV1(f *testing.F) {
	for _, s := range [][5]string{
		{"GET", "/Users.json", `filter=urn:scim:schemas:core:1.0:userName+eq+"x"&count=2&cursor=1`, "", ""},
		{"GET", "/Schemas/Users", "", "", ""},
		{"POST", "/Users", "", "", `{"userName":"a","emails":["x",{"value":"y","operation":"delete"}],"urn:scim:schemas:extension:enterprise:1.0":{"manager":{"managerId":"7","value":"8"}}}`},
		{"POST", "/Groups/1", "", "put", `{"displayName":"a","members":[{"value":"1"},"2"]}`},
		{"POST", "/Users/1.json", "attributes=name", "PATCH", `{"meta":{"attributes":["name","emails","urn:hr:schemas:user:age","emails[type eq \"x\"]"]},"name":{"givenName":"a"}}`},
		{"PATCH", "/Users/1", "", "", `{"schemas":["urn:scim:schemas:core:1.0"],"active":"False","emails":[{"value":"a","primary":true},{"type":"home","operation":"Delete"},null]}`},
		{"PATCH", "/Users/1", "", "", `{"meta":{"attributes":"active"},"urn:scim:schemas:core:1.0:active":true,"urn:scim:schemas:core:1.0":{"title":""}}`},
		{"PATCH", "/Groups/1", "", "", `{"meta":{"attributes":["members"]},"members":[{"value":"1"},{"value":"2","operation":"delete"}]}`},
		{"PATCH", "/Groups/1", "", "", `{"members":[{"value":"1","operation":"delete"},{"value":"1"}],"displayName":null}`},
		{"PATCH", "/Users/1", "", "", `{"Operations":[{"op":"replace","path":"urn:scim:schemas:extension:enterprise:1.0:manager.managerId","value":"7"}],"active":0}`},
		{"PATCH", "/Users/1", "", "", `{"addresses":[{"type":"work","locality":"L","operation":"delete"},{"type":"work"}],"x509Certificates":["!"],"password":""}`},
		{"DELETE", "/Users/.json", "", "", ""},
	} {
		f.Add(s[0], s[1], s[2], s[3], []byte(s[4]))
	}
	decoders := []*Decoder{everythingV1(), everythingV1()}
	decoders[1].ClearOmitted = true
	decoders[1].Limits = Limits{Depth: 6, Operations: 3, Members: 2, PageMax: 5}
	f.Fuzz(func(t *testing.T, method, path, query, override string, body []byte) {
		for _, d := range decoders {
			r := Request{Method: method, Path: path, RawQuery: query, MethodOverride: override, Body: body}
			op, err := d.Decode(r)
			check(t, op, err)
			if op != nil && (op.IsMe || op.Bulk != nil || op.Parts != nil || op.Query != nil && op.Query.Cursor != nil) {
				t.Fatalf("an operation that 1.1 does not have: %v", op)
			}
			longer, ok := withDisable(body, d.Limits.WithDefaults().Depth)
			if !ok {
				continue
			}
			op, err = d.Decode(Request{Method: "PATCH", Path: "/Users/1", Body: longer})
			check(t, op, err)
			if op == nil {
				t.Fatalf("the disable is lost: %v", err)
			}
			if active, isSet := op.Active(); active || !isSet {
				t.Fatalf("the disable is lost: %v", op)
			}
		}
	})
}

// withDisable puts a disable into a part of a user that says nothing of active
// itself, if the body is one.
func withDisable(body []byte, depth int) ([]byte, bool) {
	if _, err := scanJSON(body, depth); err != nil || strings.Contains(foldASCII(string(body)), "active") || strings.Contains(string(body), `\`) {
		return nil, false
	}
	var root map[string]json.RawMessage
	if json.Unmarshal([]byte(strings.TrimPrefix(string(body), "\uFEFF")), &root) != nil || root == nil {
		return nil, false
	}
	for name, v := range root {
		if foldASCII(name) == "operations" && string(v) != "null" {
			return nil, false
		}
	}
	root["active"] = json.RawMessage(`false`)
	longer, err := json.Marshal(root)
	return longer, err == nil
}
