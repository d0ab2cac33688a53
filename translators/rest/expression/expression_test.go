package expression

import "testing"

func TestEvaluate(t *testing.T) {
	tests := []struct{ text, value, want string }{
		{`value`, `3`, `3`},
		{`value`, `"ada"`, `"ada"`},
		{`value + 1`, `3`, `4`},
		{`value == 1 ? "a" : "b"`, `1`, `"a"`},
		{`value == 1.0`, `1`, `true`},
		{`value.a.b`, `{"a":{"b":[1,"x",null,true,1.5]}}`, `[1,"x",null,true,1.5]`},
		{`value`, ``, `null`},
		{`value == null`, `null`, `true`},
		{`value.split(" ")[0].lowerAscii()`, `"Ada King"`, `"ada"`},
		{`value.?a.orValue("none")`, `{}`, `"none"`},
		{`{"b": value, "a": [value]}`, `"<&>"`, `{"a":["<&>"],"b":"<&>"}`},
		{`value`, `{"n":123456789012345678901234567890}`, `{"n":123456789012345678901234567890}`},
		{`value`, `18446744073709551615`, `18446744073709551615`},
		{`"É".lower()`, ``, `"é"`},
		{`timestamp(value) + duration("1h")`, `"2026-01-01T00:00:00Z"`, `"2026-01-01T01:00:00Z"`},
	}
	for _, test := range tests {
		e, err := Compile(test.text, "value")
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		got, err := e.Evaluate(map[string]string{"value": test.value})
		if err != nil || got != test.want {
			t.Errorf("%s of %s: %s, %v; want %s", test.text, test.value, got, err, test.want)
		}
	}
}
