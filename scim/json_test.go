package scim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestScanJSONRefuses(t *testing.T) {
	deep := strings.Repeat("[", 33) + strings.Repeat("]", 33)
	manyNames := func(last string) string {
		var b strings.Builder
		b.WriteString("{")
		for i := range 40 {
			fmt.Fprintf(&b, "%q:%d,", fmt.Sprint("name", i), i)
		}
		return b.String() + last + "}"
	}
	for name, c := range map[string]struct{ body, want string }{
		"nothing":               {"", "the request has no body; a JSON object is needed"},
		"space alone":           {" \r\n\t", "the request has no body; a JSON object is needed"},
		"byte order mark alone": {"\uFEFF", "the request has no body; a JSON object is needed"},
		"cut off":               {`{"a":`, "line 1, column 6 (byte 5): it ends where a value is expected"},
		"cut off in a string":   {`{"a":"b`, "line 1, column 6 (byte 5): a string is not closed"},
		"cut off in an object":  {`{"a":1`, `line 1, column 7 (byte 6): it ends where a comma or "}" is expected`},
		"line and column":       {"{\n  \"é\": ü}", "line 2, column 8 (byte 10): a value is expected"},
		"single quotes":         {`{'a':1}`, "column 2 (byte 1): a name in double quotes is expected"},
		"no colon":              {`{"a" 1}`, "column 6 (byte 5): a colon is expected after a name"},
		"trailing comma":        {`{"a":1,}`, "column 8 (byte 7): something is expected after the comma"},
		"trailing array comma":  {`[1,]`, "column 4 (byte 3): something is expected after the comma"},
		"trailing data":         {`{} {}`, "column 4 (byte 3): something follows the end of the JSON value"},
		"capital True":          {`{"a":True}`, "column 6 (byte 5): a value is expected"},
		"leading zero":          {`[01]`, `column 3 (byte 2): a comma or "]" is expected`},
		"bare minus":            {`[-]`, "column 3 (byte 2): a digit is expected"},
		"no digit in exponent":  {`[1e]`, "column 4 (byte 3): a digit is expected"},
		"unknown escape":        {`["\x"]`, "column 4 (byte 3): no such escape in a string"},
		"short hex escape":      {`["\u12g4"]`, `\u takes four hexadecimal digits`},
		"raw control character": {"[\"a\x00\"]", "column 4 (byte 3): a control character in a string must be escaped"},
		"raw line break":        {"[\"a\nb\"]", "a control character in a string must be escaped"},
		"not UTF-8":             {"{\"a\":\"\xE4\"}", "column 7 (byte 6): the bytes are not UTF-8"},
		"encoded surrogate":     {"[\"\xED\xA0\x80\"]", "the bytes are not UTF-8"},
		"too deep":              {deep, "nested deeper than 32 levels; raise \"limit depth\""},
		"twice":                 {`{"op":"add","op":"remove"}`, `column 13 (byte 12): the name "op" stands twice in one object`},
		"twice, other case":     {`{"active":false,"ACTIVE":true}`, `the name "ACTIVE" stands twice in one object`},
		"twice, escaped":        {`{"active":false,"\u0061ctive":true}`, `the name "active" stands twice in one object`},
		"twice, further in":     {`{"a":[{"b":{"c":1,"c":2}}]}`, `the name "c" stands twice in one object`},
		"twice of many":         {manyNames(`"NAME7":1`), `the name "NAME7" stands twice in one object`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scanJSON([]byte(c.body), 32)
			if err == nil {
				t.Fatal("accepted")
			}
			if err.Status != 400 || err.Type != InvalidSyntax || !strings.Contains(err.Detail, c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestScanJSONAccepts(t *testing.T) {
	for name, body := range map[string]string{
		"byte order mark":              "\uFEFF{\"a\":1}",
		"space everywhere":             " \n{ \"a\" :\t[ 1 , { } , [ ] ] , \"b\" : \"\" }\r\n ",
		"as deep as allowed":           strings.Repeat("[", 32) + strings.Repeat("]", 32),
		"numbers":                      `[0,-0,1e400,-1.5E-7,123456789012345678901234567890]`,
		"the same name in two objects": `[{"a":1},{"a":2,"b":{"a":3}}]`,
		"escapes":                      `["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"]`,
		"a scalar":                     `"x"`,
		"NUL and half a surrogate":     `["\u0000","\ud800"]`, // text refuses them where they are used
		"the Kelvin sign is no k":      "{\"nick\":1,\"nic\u212A\":2}",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := scanJSON([]byte(body), 32); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestJSONText(t *testing.T) {
	for raw, want := range map[string]string{
		`"a\"b\\"`:       `a"b\`,
		`"\u00e9\u00E9"`: "éé",
		`"\ud83d\uDE00"`: "😀",
		`"a\/b\n\t\r"`:   "a/b\n\t\r",
		`"\b\f\u0001"`:   "\b\f\x01",
		`""`:             "",
		`"\ufffd"`:       "\uFFFD",
	} {
		if got, err := jsonValue(raw).text(); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", raw, got, err, want)
		}
	}
	for raw, want := range map[string]error{
		`"a\u0000"`:       errNUL,
		`"\ud800"`:        errSurrogate,
		`"\ud800x\ude00"`: errSurrogate,
		`"\ud800\n"`:      errSurrogate,
		`"\ud800\ud800"`:  errSurrogate,
		`"\ude00\ud83d"`:  errSurrogate,
	} {
		if got, err := jsonValue(raw).text(); err != want {
			t.Errorf("%s: got %q, %v, want %v", raw, got, err, want)
		}
	}
}

// FuzzJSON compares the reader with encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,"x",null,true,{"b":-0.5e3}],"c":{}}`, `[[],[{}],""]`, "\uFEFF{}", `{"a":1,"A":2}`,
		`"\ud83d\ude00\\"`, `{"\\":"\\\"","\"":[]}`, `[1,]`, `{"a" : 1 }`, "[\"\x01\"]", `"\ud800"`, "[1 , 2]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := scanJSON(data, 20)
		body := data
		if len(body) >= 3 && string(body[:3]) == "\uFEFF" {
			body = body[3:]
		}
		valid := json.Valid(body) && utf8.Valid(body)
		if err == nil && !valid {
			t.Fatal("accepted what is not JSON")
		}
		if err != nil {
			if valid && !strings.Contains(err.Detail, "twice") && !strings.Contains(err.Detail, "deeper") {
				t.Fatalf("refused JSON: %v", err)
			}
			return
		}
		var want any
		d := json.NewDecoder(strings.NewReader(string(body)))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		got, lossy := rebuild(v)
		if lossy {
			return // what encoding/json replaces by U+FFFD
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// rebuild turns v into what encoding/json makes of it, and reports whether a
// string in it could not be read.
func rebuild(v jsonValue) (tree any, lossy bool) {
	switch v.kind() {
	case jsonNull:
		return nil, false
	case jsonTrue, jsonFalse:
		return v.kind() == jsonTrue, false
	case jsonNumber:
		return json.Number(v), false
	case jsonString:
		s, err := v.text()
		return s, err != nil
	case jsonArray:
		list := []any{}
		for e := range v.elements() {
			x, l := rebuild(e)
			list, lossy = append(list, x), lossy || l
		}
		return list, lossy
	}
	object := map[string]any{}
	for name, m := range v.members() {
		x, l := rebuild(m)
		_, err := jsonValue(`"` + string(name) + `"`).text()
		object[name.String()], lossy = x, lossy || l || err != nil
	}
	return object, lossy
}
