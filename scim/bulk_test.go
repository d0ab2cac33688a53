package scim

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func bulkRequest(body string) Request {
	return Request{Method: "POST", Path: "/Bulk", Body: []byte(body)}
}

func TestDecodeBulk(t *testing.T) {
	d := everything()
	d.Limits.BulkOperations = 3
	const user = `{"method":"POST","path":"/Users","bulkId":"q","data":{"userName":"ada"}}`
	operations := func(o ...string) string { return `{"Operations":[` + strings.Join(o, ",") + `]}` }
	for name, c := range map[string]struct{ body, want string }{
		"one of each (RFC 7644 §3.7)": {`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":1,"Operations":[` + user + `,
			{"method":"PUT","path":"/Users/1","version":"W/\"3694e05e9dff591\"","data":{"userName":"bob"}},
			{"method":"DELETE","path":"/Users/2","version":"W/\"1\"","data":{"x":1}}]}`,
			"bulk\n  fail on errors 1\n  POST /Users as q\n  PUT /Users/1 if match \"W/\\\"3694e05e9dff591\\\"\"\n  DELETE /Users/2 if match \"W/\\\"1\\\"\""},
		"in any case":           {`{"OPERATIONS":[{"METHOD":" patch","PATH":"groups/1/","DATA":{}}]}`, "bulk\n  PATCH /groups/1/"},
		"an encoded id":         {operations(`{"method":"DELETE","path":"/Users/a%20b%2Fc"}`), "bulk\n  DELETE \"/Users/a b/c\""},
		"a reference as the id": {operations(`{"method":"DELETE","path":"/Users/bulkId:q"}`), "bulk\n  DELETE /Users/bulkId:q"},
		"a bulkId everywhere":   {operations(`{"method":"DELETE","path":"/Users/1","bulkId":"x"}`, `{"method":"DELETE","path":"/Users/1","bulkId":"x"}`), "bulk\n  DELETE /Users/1 as x\n  DELETE /Users/1 as x"},
		"a bulkId of another kind": {operations(`{"method":"POST","path":"/Users","bulkId":7,"data":{}}`, `{"method":"POST","path":"/Users","bulkId":{},"data":{}}`),
			"bulk\n  POST /Users as 7\n  POST /Users error 400 invalidSyntax: there is no bulkId; a POST needs one (RFC 7644 §3.7)"},
		"errors to stop at": {`{"failOnErrors":"2","Operations":[` + user + `]}`, "bulk\n  fail on errors 2\n  POST /Users as q"},
		"too many errors":   {`{"failOnErrors":99999999999999999999,"Operations":[` + user + `]}`, "bulk\n  fail on errors 9223372036854775807\n  POST /Users as q"},
		"less than none":    {`{"failOnErrors":-1,"Operations":[` + user + `]}`, "bulk\n  POST /Users as q"},

		"one is wrong, the others are not": {operations(`7`, `{"method":"PATCH","path":"/Users/1","data":{"Operations":[{"op":"replace","path":"active","value":false}]}}`, `{"method":"PUT","path":"/Users/1"}`),
			"bulk\n  \"\" \"\" error 400 invalidSyntax: expected an object, found a number\n  PATCH /Users/1\n  PUT /Users/1 error 400 invalidSyntax: there is no data; PUT needs an object"},
		"no method":           {operations(`{"path":"/Users/1"}`), "bulk\n  \"\" /Users/1 error 400 invalidSyntax: there is no method; expected POST, PUT, PATCH or DELETE"},
		"a method of another": {operations(`{"method":"GET","path":"/Users/1"}`), "bulk\n  GET /Users/1 error 400 invalidSyntax: method is \"GET\"; expected POST, PUT, PATCH or DELETE"},
		"no path":             {operations(`{"method":"DELETE"}`), "bulk\n  DELETE \"\" error 400 invalidSyntax: there is no path; expected one below the base, such as /Users"},
		"a path of another":   {operations(`{"method":"DELETE","path":["/Users/1"]}`), "bulk\n  DELETE \"\" error 400 invalidSyntax: there is no path; expected one below the base, such as /Users"},
		"a whole URL":         {operations(`{"method":"DELETE","path":"https://example.com/scim/v2/Users/1"}`), "bulk\n  DELETE \"\" error 400 invalidSyntax: the path is \"https://example.com/scim/v2/Users/1\"; send it relative to the base, such as /Users"},
		"a query":             {operations(`{"method":"DELETE","path":"/Users/1?x=1"}`), "bulk\n  DELETE /Users/1 error 400 invalidSyntax: the path is \"/Users/1?x=1\"; nothing may stand behind it, neither ? nor #"},
		"a broken path":       {operations(`{"method":"DELETE","path":"/Users/%zz"}`), "bulk\n  DELETE \"\" error 400 invalidSyntax: the path is not percent-encoded correctly: invalid URL escape \"%zz\""},
		"a path elsewhere":    {operations(`{"method":"DELETE","path":"/Users/../1"}`), "bulk\n  DELETE /Users/../1 error 404 User \"../1\" does not exist"},
		"another endpoint":    {operations(`{"method":"DELETE","path":"/Machines/1"}`), "bulk\n  DELETE /Machines/1 error 404 there is no endpoint \"/Machines/1\"; users are at /Users, groups at /Groups"},
		"a bulk in a bulk":    {operations(`{"method":"POST","path":"/Bulk","bulkId":"b","data":{}}`), "bulk\n  POST /Bulk as b error 400 invalidSyntax: POST of \"/Bulk\" is not possible in a bulk request: it creates, updates and deletes"},
		"a search in a bulk":  {operations(`{"method":"POST","path":"/Users/.search","bulkId":"b","data":{}}`), "bulk\n  POST /Users/.search as b error 400 invalidSyntax: POST of \"/Users/.search\" is not possible in a bulk request: it creates, updates and deletes"},
		"a method elsewhere":  {operations(`{"method":"POST","path":"/Users/1","bulkId":"b","data":{}}`), "bulk\n  POST /Users/1 as b error 405 \"POST\" is not possible at \"/Users/1\", only GET, HEAD, PUT, PATCH, DELETE"},
		"data of another kind": {operations(`{"method":"POST","path":"/Users","bulkId":"b","data":"{}"}`, `{"method":"PATCH","path":"/Users/1","data":null}`),
			"bulk\n  POST /Users as b error 400 invalidSyntax: data is a string; an object is needed\n  PATCH /Users/1 error 400 invalidSyntax: there is no data; PATCH needs an object"},
		"the same bulkId twice": {operations(user, user, `{"method":"DELETE","path":"/Users/1"}`),
			"bulk\n  POST /Users as q error 400 invalidSyntax: the bulkId \"q\" stands at several operations; each POST needs its own\n  POST /Users as q error 400 invalidSyntax: the bulkId \"q\" stands at several operations; each POST needs its own\n  DELETE /Users/1"},

		"no operations":          {`{"schemas":[]}`, "400 invalidSyntax: the body has no Operations; a bulk request carries a list of them"},
		"operations of another":  {`{"Operations":{}}`, "400 invalidSyntax: Operations is an object; an array is needed"},
		"no operation":           {`{"Operations":[]}`, "400 invalidSyntax: Operations is empty; a bulk request carries one or more"},
		"too many":               {operations(user, user, user, user), `413 a bulk request may have at most 3 operations (maxOperations) and 16777216 bytes (maxPayloadSize); send several, or raise "limit bulk_operations" and "limit body" in the gateway's configuration`},
		"too large":              {operations(user) + strings.Repeat(" ", 16<<20), `413 a bulk request may have at most 3 operations (maxOperations) and 16777216 bytes (maxPayloadSize); send several, or raise "limit bulk_operations" and "limit body" in the gateway's configuration`},
		"errors of another kind": {`{"failOnErrors":true,"Operations":[` + user + `]}`, `400 invalidSyntax: failOnErrors is "true"; a whole number is needed`},
		"a key twice":            {operations(`{"method":"DELETE","path":"/Users/1","Path":"/Users/2"}`), `400 invalidSyntax: the body cannot be read: line 1, column 53 (byte 52): the name "Path" stands twice in one object (names are compared without case)`},
		"no JSON":                {`{"Operations":[`, "400 invalidSyntax: the body cannot be read: line 1, column 16 (byte 15): it ends where a value is expected"},
		"as deep as alone":       {operations(`{"method":"PUT","path":"/Users/1","data":{"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}}`), "bulk\n  PUT /Users/1"},
		"deeper than alone":      {operations(`{"method":"PUT","path":"/Users/1","data":{"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}}`), "400 invalidSyntax: the body cannot be read: line 1, column 93 (byte 92): objects and arrays are nested deeper than 35 levels; raise \"limit depth\" in the gateway's configuration to allow more"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decoded(d, bulkRequest(c.body)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	if _, err := d.Decode(Request{Method: "GET", Path: "/Bulk"}); AsError(err) == nil || AsError(err).Allow != "POST" {
		t.Errorf("GET: %v", err)
	}
	// Who accepts no answer, or asks for something else besides, may disable all the same.
	r := bulkRequest(operations(user))
	r.Accept, r.RawQuery, r.IfMatch = "text/html", "count=x&filter=%zz", `"`
	if got := decoded(d, r); got != "bulk\n  POST /Users as q" {
		t.Errorf("got %s", got)
	}
}

// TestBulkDisables holds that a disable comes out of a Bulk whatever stands
// beside it, in its own operation as well.
func TestBulkDisables(t *testing.T) {
	op, err := everything().Decode(bulkRequest(`{"failOnErrors":1,"Operations":[7,{"method":"POST"},
		{"method":"patch","path":"/Users/1","version":["x"],"data":{"Operations":[{"op":"x"},{"op":"Replace","path":"active","value":"False"}]}},
		{"method":"PATCH","path":"/Users/1?attributes=id","data":{"Operations":[{"op":"Replace","path":"active","value":"False"}]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for i, isRefused := range []bool{false, true} {
		o := op.Bulk.Operations[2+i]
		if (o.Err != nil) != isRefused {
			t.Fatal(o.Err)
		}
		disable, err := everything().Decode(o.Request())
		if (err != nil) == isRefused || disable == nil || disable.String() != "update User 1\n  replace active false" {
			t.Errorf("got %v beside %v", disable, err)
		}
	}
}

func TestBulkReferences(t *testing.T) {
	for name, c := range map[string]struct {
		o        BulkOperation
		want     string // the references
		resolved string // path and data with A, B/" in place of a, b
	}{
		"none":              {BulkOperation{Path: "/Users/1", Data: []byte(`{"userName":"a"}`)}, "", `/Users/1 {"userName":"a"}`},
		"in the path":       {BulkOperation{Path: "/Users/bulkId:a"}, "a", "/Users/A "},
		"in a short path":   {BulkOperation{Path: "Users/bulkId:b"}, "b", `Users/B/" `},
		"not in the path":   {BulkOperation{Path: "/bulkId:a"}, "", "/bulkId:a "},
		"nothing behind it": {BulkOperation{Path: "/Users/bulkId:", Data: []byte(`["bulkId:"]`)}, "", `/Users/bulkId: ["bulkId:"]`},
		"members":           {BulkOperation{Data: []byte(`{"members": [{"value":"bulkId:b","type":"User"}, "bulkId:a", "bulkId:b", "1"]}`)}, "b a", ` {"members":[{"value":"B/\"","type":"User"},"A","B/\"","1"]}`},
		"manager":           {BulkOperation{Data: []byte(`{"urn:x":{"manager":{"value":"bulkId:a"}}}`)}, "a", ` {"urn:x":{"manager":{"value":"A"}}}`},
		"written otherwise": {BulkOperation{Data: []byte(`{"x":"\u0062ulkId\u003aa"}`)}, "a", ` {"x":"A"}`},
		"within a text":     {BulkOperation{Data: []byte(`{"x":"see bulkId:a"}`)}, "", ` {"x":"see bulkId:a"}`},
		"in a path":         {BulkOperation{Data: []byte(`{"Operations":[{"op":"remove","path":"members[value eq \"bulkId:a\" or value eq bulkId:b]"}]}`)}, "a b", ` {"Operations":[{"op":"remove","path":"members[value eq \"A\" or value eq \"B/\\\"\"]"}]}`},
		"in a name":         {BulkOperation{Data: []byte(`{"members[value eq \"bulkId:b\"]":null}`)}, "b", ` {"members[value eq \"B/\\\"\"]":null}`},
		"as a name":         {BulkOperation{Data: []byte(`{"bulkId:a":1}`)}, "", ` {"bulkId:a":1}`},
		"unknown":           {BulkOperation{Path: "/Users/bulkId:z", Data: []byte(`{"x":"bulkId:y"}`)}, "z y", `/Users/bulkId:z {"x":"bulkId:y"}`},
		"known and unknown": {BulkOperation{Data: []byte(`["bulkId:y", "bulkId:a"]`)}, "y a", ` ["bulkId:y","A"]`},
		"no JSON":           {BulkOperation{Data: []byte(`["bulkId:a"`)}, "", ` ["bulkId:a"`},
		"numbers stay":      {BulkOperation{Data: []byte(`{"a":1e400,"b":[true,null,-0.0],"c":"bulkId:a"}`)}, "a", ` {"a":1e400,"b":[true,null,-0.0],"c":"A"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(c.o.References(), " "); got != c.want {
				t.Errorf("references %q, want %q", got, c.want)
			}
			before := string(c.o.Data)
			r := c.o.Resolve(map[string]string{"a": "A", "b": `B/"`})
			if got := r.Path + " " + string(r.Data); got != c.resolved {
				t.Errorf("resolved %s, want %s", got, c.resolved)
			}
			if string(c.o.Data) != before {
				t.Error("the operation itself has changed")
			}
		})
	}
}

func TestBulkDefer(t *testing.T) {
	const patch = `{"schemas":["` + MessagePatch + `"],"Operations":[{"op":"add","value":%s}]}`
	for name, c := range map[string]struct{ data, now, later string }{
		"some members": {`{"displayName":"A","members":[{"value":"bulkId:b"},{"value":"1"},{"value":"bulkId:done"}, "bulkId:c"]}`,
			`{"displayName":"A","members":[{"value":"1"},{"value":"bulkId:done"}]}`, `{"members":[{"value":"bulkId:b"},"bulkId:c"]}`},
		"all members": {`{"members":[{"value":"bulkId:b"}],"displayName":"A"}`, `{"displayName":"A"}`, `{"members":[{"value":"bulkId:b"}]}`},
		"a manager": {`{"userName":"a","` + SchemaEnterprise + `":{"department":"x","manager":{"value":"bulkId:b"}}}`,
			`{"userName":"a","` + SchemaEnterprise + `":{"department":"x"}}`, `{"` + SchemaEnterprise + `":{"manager":{"value":"bulkId:b"}}}`},
		"a manager alone": {`{"userName":"a","` + SchemaEnterprise + `":{"manager":"bulkId:b"}}`,
			`{"userName":"a","` + SchemaEnterprise + `":{}}`, `{"` + SchemaEnterprise + `":{"manager":"bulkId:b"}}`},
		"a manager by its URN":   {`{"` + SchemaEnterprise + `:manager":{"value":"bulkId:b","$ref":"x"}}`, `{}`, `{"` + SchemaEnterprise + `:manager":{"value":"bulkId:b","$ref":"x"}}`},
		"a manager with a dot":   {`{"userName":"a","manager.value":"bulkId:b"}`, `{"userName":"a"}`, `{"manager.value":"bulkId:b"}`},
		"nothing unresolved":     {`{"userName":"a","manager":"bulkId:done"}`, "", ""},
		"nothing at all":         {`{"userName":"a"}`, "", ""},
		"the name itself":        {`{"userName":"bulkId:b"}`, "", ""},
		"the name, by the URN":   {`{"` + SchemaUser + `:userName":"bulkId:b"}`, "", ""},
		"a path that stands for": {`{"members[value eq \"bulkId:b\"]":{}}`, "", ""},
		"no object":              {`["bulkId:b"]`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := BulkOperation{Method: "POST", Path: "/Groups/", BulkID: "own", Data: []byte(c.data)}
			now, later, ok := o.Defer([]string{"b", "c"})
			if ok != (c.now != "") {
				t.Fatalf("ok is %v", ok)
			}
			if !ok {
				return
			}
			want := []BulkOperation{
				{Method: "POST", Path: "/Groups/", BulkID: "own", Data: []byte(c.now)},
				{Method: "PATCH", Path: "/Groups/bulkId:own", Data: fmt.Appendf(nil, patch, c.later)},
			}
			if diff := cmp.Diff(want, []BulkOperation{now, later}); diff != "" {
				t.Error(diff)
			}
			if refs := later.References(); refs[0] != "own" {
				t.Errorf("the PATCH refers to %v", refs)
			}
		})
	}
	for name, o := range map[string]BulkOperation{
		"no POST":   {Method: "PUT", BulkID: "x", Data: []byte(`{"members":["bulkId:b"]}`)},
		"no bulkId": {Method: "POST", Data: []byte(`{"members":["bulkId:b"]}`)},
	} {
		if _, _, ok := o.Defer([]string{"b"}); ok {
			t.Errorf("%s: ok", name)
		}
	}
}

// TestBulkCycle carries two groups that are members of each other through
// decoding, as the host does it.
func TestBulkCycle(t *testing.T) {
	op, err := everything().Decode(bulkRequest(`{"Operations":[
		{"method":"POST","path":"/Groups","bulkId":"a","data":{"displayName":"A","members":[{"value":"bulkId:b"}]}},
		{"method":"POST","path":"/Groups","bulkId":"b","data":{"displayName":"B","members":[{"value":"bulkId:a"},{"value":"1"}]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	first, later, ok := op.Bulk.Operations[0].Defer([]string{"b"})
	if !ok {
		t.Fatal("nothing is deferred")
	}
	ids := map[string]string{"a": "id-of-a"}
	second := op.Bulk.Operations[1].Resolve(ids)
	ids["b"] = "id-of-b"
	var got []string
	for _, o := range []BulkOperation{first, second, later.Resolve(ids)} {
		got = append(got, decoded(everything(), o.Request()))
	}
	want := []string{
		"create Group\n  set displayName \"A\"",
		"create Group\n  set displayName \"B\"\n  members add id-of-a, 1",
		"update Group id-of-a\n  members add id-of-b",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBulkEncoder(t *testing.T) {
	e := NewBulkEncoder([]byte("before "))
	for _, r := range []BulkResult{
		{Method: "POST", BulkID: "q", Location: testBase + "/Users/1", ETag: `W/"1"`, Status: 201},
		{Method: "POST", BulkID: "\"\n", Status: 409, Response: AppendError(nil, &Error{Status: 409, Type: UniquenessErr, Detail: "taken"}, V2)},
		{Method: "DELETE", Location: testBase + "/Users/2", Status: 204},
		{},
	} {
		if err := e.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, response := range []string{"", "{", `"x"`, `{},{}`, `{"a":1,"A":1}`} {
		if err := e.Add(BulkResult{Status: 400, Response: []byte(response)}); err == nil {
			t.Errorf("the response %q was taken", response)
		}
	}
	got, ok := strings.CutPrefix(string(e.Finish()), "before ")
	if !ok {
		t.Error("what was there before is gone")
	}
	want := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],"Operations":[
		{"method":"POST","bulkId":"q","location":"` + testBase + `/Users/1","version":"W/\"1\"","status":"201"},
		{"method":"POST","bulkId":"\"\n","status":"409","response":{"schemas":["` + MessageError + `"],"status":"409","scimType":"uniqueness","detail":"taken"}},
		{"method":"DELETE","location":"` + testBase + `/Users/2","status":"204"},
		{"status":"500"}]}`
	if diff := cmp.Diff(givenJSON(t, want), givenJSON(t, got)); diff != "" {
		t.Error(diff)
	}
	if got, want := string(NewBulkEncoder(nil).Finish()), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],"Operations":[]}`; got != want {
		t.Errorf("got %s", got)
	}
}

// FuzzBulk holds that whatever comes in a Bulk, references can be found, resolved
// and deferred, and that what was JSON stays JSON.
func FuzzBulk(f *testing.F) {
	for _, s := range []string{
		`{"failOnErrors":1,"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"x","manager":{"value":"bulkId:b"}}}]}`,
		`{"Operations":[{"method":"POST","path":"/Groups","bulkId":"b","data":{"displayName":"x","members":[{"value":"bulkId:a"},"bulkId:c","1"],"urn:x:y":{"z":"bulkId:a"}}},{"method":"patch","path":"/Groups/bulkId:b","data":{"Operations":[{"op":"remove","path":"members[value eq \"bulkId:a\"]"},{"op":"add","value":{"members[value eq bulkId:c]":[]}}]}}]}`,
		`{"Operations":[{"method":"DELETE","path":"Users/%41","version":1},{"method":"PUT","path":"/Me","data":{"x":"\u0062ulkId:\ud800"}},3]}`,
	} {
		f.Add([]byte(s), "id", "a")
	}
	d := everything()
	f.Fuzz(func(t *testing.T, body []byte, id, unresolved string) {
		op, err := d.Decode(bulkRequest(string(body)))
		if err != nil {
			if AsError(err) == nil || op != nil {
				t.Fatalf("%v beside %v", op, err)
			}
			op = &Operation{Bulk: &Bulk{Operations: []BulkOperation{{Method: "POST", Path: "/Users/" + id, BulkID: id, Data: body}}}}
		}
		_ = op.String()
		for _, o := range op.Bulk.Operations {
			isJSON := json.Valid(o.Data)
			ids := make(map[string]string)
			for _, r := range o.References() {
				ids[r] = strings.ReplaceAll(id, referencePrefix, "")
			}
			r := o.Resolve(ids)
			if isJSON && !json.Valid(r.Data) {
				t.Fatalf("%s became %s", o.Data, r.Data)
			}
			if rest := r.References(); len(rest) > 0 {
				t.Fatalf("%s %s still refers to %q", r.Path, r.Data, rest)
			}
			if o.Err == nil {
				checkDecoded(t, d, o.Request())
				checkDecoded(t, d, r.Request())
			}
			now, later, ok := o.Defer([]string{unresolved})
			if !ok {
				continue
			}
			if !json.Valid(now.Data) || !json.Valid(later.Data) {
				t.Fatalf("%s was parted into %s and %s", o.Data, now.Data, later.Data)
			}
			want := map[string]bool{o.BulkID: true, unresolved: true}
			for _, r := range append(now.References(), later.References()...) {
				want[r] = true
			}
			got := map[string]bool{o.BulkID: true, unresolved: true}
			for _, r := range o.References() {
				got[r] = true
			}
			if !maps.Equal(got, want) {
				t.Fatalf("%s was parted into %s and %s", o.Data, now.Data, later.Data)
			}
			for _, r := range now.References() {
				if r == unresolved {
					t.Fatalf("%s still refers to %q", now.Data, r)
				}
			}
		}
	})
}

// checkDecoded decodes one operation of a Bulk and holds what Decode promises.
func checkDecoded(t *testing.T, d *Decoder, r Request) {
	t.Helper()
	op, err := d.Decode(r)
	check(t, op, err)
}
