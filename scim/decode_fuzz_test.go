package scim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// FuzzDecode holds what Decode promises for any request, and that a disable put
// behind whatever a well-formed PATCH asks for comes out.
func FuzzDecode(f *testing.F) {
	for _, s := range [][4]string{
		{"GET", "/Users", `filter=userName+eq+"x"&count=2&startIndex=0&attributes=name`, ""},
		{"GET", "/Groups/1", "excludedAttributes=members", ""},
		{"POST", "/Users", "", `{"userName":"a","emails":[{"value":"x","primary":"True"}],"name":{"familyName":null}}`},
		{"POST", "/Groups", "", `{"displayName":"a","members":[{"value":"1"},"2"]}`},
		{"PUT", "/Users/1", "aadOptscim062020", `{"active":"False","manager":{"value":""},"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"x"}}`},
		{"PUT", "/Groups/1", "", `{"displayName":"a","members":[]}`},
		{"PATCH", "/Users/1", "", `{"Operations":[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x"},{"op":"add","value":{"name.givenName":"y","active":true}},{"op":"remove","path":"title"}]}`},
		{"PATCH", "/Groups/1", "", `{"operations":[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"1"}]},{"op":"remove","path":"members[value eq \"x\"]"}]}`},
		{"PATCH", "/Users/1", "attributes=a&excludedAttributes=b", `{"Operations":[{"op":"x"},{"op":"replace","path":"roles[primary eq \"True\"]","value":{"value":"\ud83d\u0000"}}]}`},
		{"PATCH", "/Users/1", "", `{"Operations":[{"op":"add","path":"emails","value":"a"},{"op":"add","path":"emails","value":["b"]},{"op":"replace","value":{" active":false,"urn:ietf:params:scim:schemas:core:2.0:User:active":true,"$.active":0,"User":{"active":"no"}}}]}`},
		{"DELETE", "/Users/1", "", ""},
	} {
		f.Add(s[0], s[1], s[2], []byte(s[3]))
	}
	decoders := []*Decoder{everything(), everything()}
	decoders[1].ClearOmitted = true
	decoders[1].Limits = Limits{Depth: 6, Operations: 3, Members: 2, PageMax: 5}
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		for _, d := range decoders {
			r := Request{Method: method, Path: path, RawQuery: query, Body: body}
			op, err := d.Decode(r)
			check(t, op, err)
			if method != "PATCH" || op != nil && op.Type.Name != "User" {
				continue
			}
			longer, ok := appendDisable(body, d.Limits.WithDefaults().Depth)
			if !ok {
				continue
			}
			r.Path, r.Body = "/Users/1", longer
			op, err = d.Decode(r)
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

func check(t *testing.T, op *Operation, err error) {
	t.Helper()
	if op == nil {
		if AsError(err) == nil || AsError(err).Status < 400 {
			t.Fatalf("neither an operation nor an error to answer: %v", err)
		}
		return
	}
	if op.String() == "" {
		t.Fatal("an operation without text")
	}
	if err != nil && op.Action != ActionDelete { // which may disable
		active, isSet := op.Active()
		if op.Action != ActionUpdate || active || !isSet || len(op.Changes) != 1 || op.Members != nil {
			t.Fatalf("an operation beside %v that is no disable alone: %v", err, op)
		}
	}
	for _, c := range op.Changes {
		a := c.Path.Attribute
		if a == nil || !slices.Contains(op.Type.Attributes(), a) || a.Mutability == ReadOnly || a.IsReferenceSet() {
			t.Fatalf("a change of what cannot be changed: %v", op)
		}
		if s := c.Path.Sub; s != nil && !slices.Contains(a.SubAttributes, s) {
			t.Fatalf("a change of another attribute's part: %v", op)
		}
		if c.Value.IsAbsent() != (c.Op == Remove) && !(c.Op == Remove && takesList(c.Path)) {
			t.Fatalf("a change with too much or too little value: %v", op)
		}
	}
	if (op.Action == ActionCreate) != (op.Resource != nil) {
		t.Fatalf("a create without a resource, or the reverse: %v", op)
	}
	if q := op.Query; q != nil && (q.StartIndex < 1 || q.Count < NoCount) {
		t.Fatalf("a query outside of its bounds: %+v", q)
	}
	if m := op.Members; m != nil {
		for _, id := range m.Add {
			if id == "" || slices.Contains(m.Remove, id) {
				t.Fatalf("members without sense: %v", op)
			}
		}
	}
}

// appendDisable puts a disable behind the operations of a PATCH, if the body is
// one.
func appendDisable(body []byte, depth int) ([]byte, bool) {
	if _, err := scanJSON(body, depth); err != nil {
		return nil, false
	}
	var root map[string]json.RawMessage
	if json.Unmarshal([]byte(strings.TrimPrefix(string(body), "\uFEFF")), &root) != nil {
		return nil, false
	}
	for name, v := range root {
		var operations []json.RawMessage
		if foldASCII(name) != "operations" || json.Unmarshal(v, &operations) != nil || operations == nil {
			continue
		}
		operations = append(operations, json.RawMessage(`{"op":"replace","path":"active","value":false}`))
		root[name], _ = json.Marshal(operations)
		longer, err := json.Marshal(root)
		return longer, err == nil
	}
	return nil, false
}
