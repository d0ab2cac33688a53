package document

import "testing"

func mustPath(t testing.TB, text string) *Path {
	t.Helper()
	p, err := ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSet(t *testing.T) {
	tests := []struct{ name, doc, path, raw, want string }{
		{"a value", `{ "a" : 1.50, "b":2 }`, "b", `"x"`, `{ "a" : 1.50, "b":"x" }`},
		{"a new one", `{"a":1}`, "b", `2`, `{"a":1,"b":2}`},
		{"in nothing", ``, "a.b", `2`, `{"a":{"b":2}}`},
		{"in an empty object", `{ }`, "b", `2`, `{"b":2}`},
		{"in null", `{"a":null}`, "a.b", `2`, `{"a":{"b":2}}`},
		{"in an empty string", `{"a":""}`, "a.b", `2`, `{"a":{"b":2}}`},
		{"indented", "{\n  \"a\": 1\n}", "b", `2`, "{\n  \"a\": 1,\n  \"b\": 2\n}"},
		{"removed first", `{"a":1,"b":2}`, "a", ``, `{"b":2}`},
		{"removed last", `{"a":1,"b":2}`, "b", ``, `{"a":1}`},
		{"removed last, indented", "{\n  \"a\": 1,\n  \"b\": 2\n}", "b", ``, "{\n  \"a\": 1\n}"},
		{"removed first, indented", "{\n  \"a\": 1,\n  \"b\": 2\n}", "a", ``, "{\n  \"b\": 2\n}"},
		{"removed only", `{"a":1}`, "a", ``, `{}`},
		{"removed what is not there", `{"a":1}`, "b.c", ``, `{"a":1}`},
		{"an element", `{"e":[{"t":"home","v":1},{"t":"work","v":2}]}`, "e.#(t==work).v", `3`, `{"e":[{"t":"home","v":1},{"t":"work","v":3}]}`},
		{"a new element", `{"e":[{"t":"home"}]}`, "e.#(t==work).v", `3`, `{"e":[{"t":"home"},{"t":"work","v":3}]}`},
		{"a new list", `{}`, "e.#(t==5).v", `3`, `{"e":[{"t":5,"v":3}]}`},
		{"an element removed", `{"e":[{"t":"home"},{"t":"work"}]}`, "e.#(t==work)", ``, `{"e":[{"t":"home"}]}`},
		{"a number", `{"e":[1,2]}`, "e.1", `3`, `{"e":[1,3]}`},
		{"the next number", `{"e":[1,2]}`, "e.2", `3`, `{"e":[1,2,3]}`},
		{"a first number", `{}`, "e.0.v", `3`, `{"e":[{"v":3}]}`},
		{"a number as a name", `{"e":{"1":2}}`, "e.1", `3`, `{"e":{"1":3}}`},
		{"a number as a new name", `{}`, "e.:1", `3`, `{"e":{"1":3}}`},
		{"an escaped name", `{"a.b":1}`, `a\.b`, `3`, `{"a.b":3}`},
		{"a name that is escaped in the document", `{"\u0061":1}`, `a`, `3`, `{"\u0061":3}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := mustPath(t, test.path).Set([]byte(test.doc), test.raw)
			if err != nil || string(got) != test.want {
				t.Errorf("%s, %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestGet(t *testing.T) {
	tests := []struct{ doc, path, want string }{
		{`{"a":{"b":1}}`, "a.b", `[1]`},
		{`{"a":{"b":1}}`, ".", `[{"a":{"b":1}}]`},
		{`{"a":[1,null,"x"]}`, "a", `[1,"x"]`},
		{`{"a":[{"b":1},{"b":[2,3]},{}]}`, "a.#.b", `[1,2,3]`},
		{`{"a":{"b":1}}`, "a.#.b", `[1]`},
		{`{"a":[{"t":"x","v":1},{"t":"y","v":2}]}`, "a.#(t==y).v", `[2]`},
		{`{"a":[{"t":"x","v":1},{"t":"x","v":2}]}`, "a.#(t==x)#.v", `[1,2]`},
		{`{"a":null}`, "a", `[]`},
		{`{}`, "a.b", `[]`},
		{`{"a":[5,6]}`, "a.1", `[6]`},
		{`{"a":{"1":7}}`, "a.1", `[7]`},
		{`{"a.b":7}`, `a\.b`, `[7]`},
	}
	for _, test := range tests {
		doc, err := Parse([]byte(test.doc), "application/json", "")
		if err != nil {
			t.Fatal(err)
		}
		got := "["
		for i, v := range mustPath(t, test.path).Get(doc) {
			if i > 0 {
				got += ","
			}
			got += v.Raw
		}
		if got += "]"; got != test.want {
			t.Errorf("%s of %s: %s, want %s", test.path, test.doc, got, test.want)
		}
	}
}

func TestXML(t *testing.T) {
	tests := []struct{ name, xml, want string }{
		{"text", `<a>x</a>`, `{"a":"x"}`},
		{"children", "<a>\n <b>1</b>\n <b>2</b><c/></a>", `{"a":{"b":["1","2"],"c":""}}`},
		{"attributes", `<a x="1" xmlns:n="u" n:y="2">t</a>`, `{"a":{"-x":"1","-y":"2","text":"t"}}`},
		{"nil", `<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><b xsi:nil="true"/><c xsi:type="string">x</c></a>`, `{"a":{"b":null,"c":"x"}}`},
		{"charset", "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><a>\xe9</a>", `{"a":"é"}`},
		{"SOAP", `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><r><id>5</id></r></s:Body></s:Envelope>`, `{"Envelope":{"Body":{"r":{"id":"5"}}}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse([]byte(test.xml), "text/xml", "")
			if err != nil || got.Raw != test.want {
				t.Errorf("%s, %v; want %s", got.Raw, err, test.want)
			}
		})
	}
}
