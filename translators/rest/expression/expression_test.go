package expression

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

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

func TestValues(t *testing.T) {
	tests := []struct{ text, value, want string }{
		{`value + 0`, `9223372036854775807`, `9223372036854775807`},
		{`value * 2.0`, `1.5`, `3`},
		{`value / 2`, `7`, `3`},
		{`double(value) / 2.0`, `7`, `3.5`},
		{`value`, `1e2`, `100`},
		{`value`, `-0.0`, `0`},
		{`string(value)`, `7`, `"7"`},
		{`int(value)`, `"7"`, `7`},
		{`[value]`, `[1,{"b":2,"a":123456789012345678901}]`, `[[1,{"a":123456789012345678901,"b":2}]]`},
		{`has(value.a)`, `{"a":null}`, `true`},
		{`value.a == null`, `{"a":null}`, `true`},
		{`value.?a.?b`, `{"a":{}}`, `null`},
		{`value[?0]`, `[]`, `null`},
		{`"a" in value`, `{"a":1}`, `true`},
		{`value.filter(e, e.type == "work")[0].value`, `[{"type":"home"},{"type":"work","value":"x"}]`, `"x"`},
		{`value.map(e, e.id).join(",")`, `[{"id":"a"},{"id":"b"}]`, `"a,b"`},
		{`value.replace("-", "").upperAscii().trim()`, `" a-b "`, `"AB"`},
		{`"%s is %d".format([value, 3])`, `"x"`, `"x is 3"`},
		{`value.matches("^[a-z]+$")`, `"abc"`, `true`},
		{`regex.replace(value, "[^0-9]", "")`, `"+49 (30) 1"`, `"49301"`},
		{`math.greatest(value)`, `[1,3,2]`, `3`},
		{`value.sort().distinct()`, `[3,1,3]`, `[1,3]`},
		{`base64.encode(bytes(value))`, `"x"`, `"eA=="`},
		{`b"x"`, ``, `"eA=="`},
		{`cel.bind(v, value, v + v)`, `"x"`, `"xx"`},
		{`timestamp(value)`, `1767225600`, `"2026-01-01T00:00:00Z"`},
		{`int(timestamp(value))`, `"2026-01-01T00:00:00Z"`, `1767225600`},
		{`timestamp(value).getFullYear()`, `"2026-01-01T00:00:00+02:00"`, `2025`},
		{`duration("90m")`, ``, `"5400s"`},
		{`value.transformMap(k, v, v + 1)`, `{"b":1,"a":2}`, `{"a":3,"b":2}`},
		{`{"f": 1u, "d": 0.1}`, ``, `{"d":0.1,"f":1}`},
		{`value.size()`, `"aé"`, `2`},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			e, err := Compile(test.text, "value")
			if err != nil {
				t.Fatal(err)
			}
			got, err := e.Evaluate(map[string]string{"value": test.value})
			if err != nil || got != test.want {
				t.Errorf("of %s: %s, %v; want %s", test.value, got, err, test.want)
			}
		})
	}
}

func TestCompileMistakes(t *testing.T) {
	for text, want := range map[string]string{
		``:                     `the expression is empty`,
		`valeu == 1`:           `column 1: there is no valeu: the variables here are value, record`,
		`value == 1 && foo(2)`: `column 18: there is no foo`,
		`value ==`:             `column 9: `,
		`"é" + value.lowr()`:   `column 17: there is no lowr`,
		`"abc`:                 `column 1: `,
		"value ==\n  valeu":    `line 2, column 3: there is no valeu`,
		`1 + "a"`:              `column 3: found no matching overload`,
		strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200): `expression recursion limit`,
		strings.Repeat("1+", 9000) + "1":                          `it may have 16384`,
	} {
		_, err := Compile(text, "value", "record")
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 400 {
			t.Errorf("%.40q: %v; want %q in it", text, err, want)
		}
	}
	if _, err := Compile(`value`); err == nil || !strings.Contains(err.Error(), "there are no variables here") {
		t.Errorf("without variables: %v", err)
	}
	if _, err := Compile(`value`, "not a name"); err == nil {
		t.Error("a variable that has no name is declared")
	}
}

// What an expression fails for is told without the data that it failed on.
func TestEvaluateMistakes(t *testing.T) {
	const secret = "hunter2hunter2"
	tests := []struct{ text, value, want string }{
		{`value.login`, `{"` + secret + `":1}`, "column 6: there is no login (.?login reads what may be missing)"},
		{`value[value.k]`, `{"k":"` + secret + `"}`, "a value is not there"},
		{`int(value)`, `"` + secret + `"`, "column 4: a value can't be converted to this type"},
		{`value + 1`, `"` + secret + `"`, "column 7: a function or an operator does not take values of these types"},
		{`timestamp(value)`, `"` + secret + `"`, "evaluating"},
		{`duration(value)`, `"` + secret + `"`, "evaluating"},
		{`"x".matches(value)`, `"` + secret + `("`, "evaluating"},
		{`value[5]`, `["` + secret + `"]`, "an index is out of range"},
		{`value / 0`, `1`, "column 7: division by zero"},
		{`value + 1`, `9223372036854775807`, "a number is too big"},
		{`value + 1`, `123456789012345678901`, "more digits than expressions can hold"},
		{`value.charAt(99)`, `"` + secret + `"`, "evaluating"},
		{`base64.decode(value)`, `"!` + secret + `"`, "evaluating"},
		{`value`, `{"a":` + secret, "the variable value is no JSON"},
		{`value`, `1 ` + secret, "the variable value is no JSON"},
		{`1.0 / 0.0`, ``, "infinite"},
		{`{1: value}`, `"` + secret + `"`, "the names in an object"},
		{`type(value)`, `"` + secret + `"`, "JSON has nothing for"},
		{`[value.big]`, `{"big":123456789012345678901}`, "more digits"},
		{`lists.range(value)`, `1000000000`, "evaluating"},
		{`lists.range(10000).map(a, lists.range(10000).map(b, a))`, ``, "it takes too long on this data"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			e, err := Compile(test.text, "value")
			if err != nil {
				t.Fatal(err)
			}
			got, err := e.Evaluate(map[string]string{"value": test.value})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%s, %v; want %q in it", got, err, test.want)
			}
			if strings.Contains(err.Error(), secret) || len(err.Error()) > 300 {
				t.Errorf("the error quotes the data: %v", err)
			}
		})
	}
}

func TestIsTrue(t *testing.T) {
	e, err := Compile(`status == 200 && body.?ok.orValue(false) == false`, "status", "body", "text")
	if err != nil {
		t.Fatal(err)
	}
	if !e.Uses("status") || !e.Uses("body") || e.Uses("text") || !e.CanBeTrue() {
		t.Errorf("it uses status %v, body %v, text %v; can be true: %v", e.Uses("status"), e.Uses("body"), e.Uses("text"), e.CanBeTrue())
	}
	for body, want := range map[string]bool{`{"ok":true}`: false, `{"ok":false}`: true, `{}`: true} {
		got, err := e.IsTrue(map[string]string{"status": "200", "body": body})
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", body, got, err, want)
		}
	}
	number, err := Compile(`value`, "value")
	if err != nil {
		t.Fatal(err)
	}
	if is, err := number.IsTrue(map[string]string{"value": "1"}); is || err == nil || !strings.Contains(err.Error(), "of the type int") {
		t.Errorf("a number: %v, %v", is, err)
	}
	never, err := Compile(`"text"`)
	if err != nil {
		t.Fatal(err)
	}
	if never.CanBeTrue() {
		t.Error("a text can be true")
	}
}

// One expression is evaluated by many at once, each with its own data.
func TestConcurrency(t *testing.T) {
	e, err := Compile(`value.map(v, v * 2)[0] == twice`, "value", "twice")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for i := range 8 {
		wg.Go(func() {
			for range 200 {
				n := string(rune('0' + i))
				is, err := e.IsTrue(map[string]string{"value": "[" + n + "]", "twice": []string{"0", "2", "4", "6", "8", "10", "12", "14"}[i]})
				if err == nil && !is {
					err = errors.New("another one's data")
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

func FuzzEvaluate(f *testing.F) {
	f.Add(`value`, `{"a":[1,null,"x",1.5,true]}`)
	f.Add(`value.map(v, v + 1)`, `[1,2]`)
	f.Add(`value[value]`, `"x"`)
	f.Fuzz(func(t *testing.T, text, value string) {
		e, err := Compile(text, "value")
		if err != nil {
			return
		}
		got, err := e.Evaluate(map[string]string{"value": value})
		if err != nil {
			return
		}
		if _, err := decode(got); err != nil {
			t.Fatalf("%s of %s: %s is no JSON", text, value, got)
		}
	})
}

// BenchmarkFirst tells what the first expression costs a process.
func BenchmarkFirst(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	first, err := Compile(`value + 1`, "value")
	took := time.Since(start)
	if err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		if _, err := Compile(`value == 1 ? "a" : record.?b.orValue("c")`, "value", "record"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(took.Microseconds())/1000, "ms-first")
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/1024, "KiB-kept")
	b.ReportAllocs()
	runtime.KeepAlive(first)
}

func BenchmarkEvaluate(b *testing.B) {
	e, err := Compile(`value.status == 1 ? "a" : value.?b.orValue("c")`, "value")
	if err != nil {
		b.Fatal(err)
	}
	variables := map[string]string{"value": `{"id":5,"login":"ada","firstname":"Ada","lastname":"King","mail":"ada@example.com","status":1,"groups":[{"id":7}]}`}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Evaluate(variables); err != nil {
			b.Fatal(err)
		}
	}
}
