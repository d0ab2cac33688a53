package template

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMistakes(t *testing.T) {
	tests := []struct {
		name string
		form Form
		text string
		want string
	}{
		{"not closed", URL, `/users/{id`, `column 8: the brace of {id is not closed`},
		{"not closed before a line's end", JSON, "{\n\"a\": {id\n}", `line 2, column 6: the brace of {id is not closed`},
		{"no name", URL, `/users/{}`, `column 8: there is no name in the braces`},
		{"a space first", URL, `/users/{ id}`, `column 8: a name begins with`},
		{"a space within", URL, `/ü/{user name}`, `column 9: ' ' is not in the name of a value`},
		{"a caddy placeholder's form", Header, `{$X}`, `column 1: a name begins with`},
		{"a bracket", URL, `/{emails[type eq "work".value}`, `column 9: the [ is not closed`},
		{"a filter that there isn't", URL, `/{id|hex}`, `column 6: there is no filter "hex": it is one of number`},
		{"a filter's name", URL, `/{id|}`, `column 6: the name of a filter is missing`},
		{"an argument missing", URL, `/{id|join}`, `the filter join needs an argument`},
		{"an argument too many", URL, `/{id|lower "x"}`, `the filter lower has no argument`},
		{"two arguments", URL, `/{id|join "x" "y"}`, `column 15: the filter join has one argument`},
		{"an argument's quote", URL, `/{id|join "x}`, `column 11: the quote is not closed`},
		{"a filter not closed", URL, `/{id|lower`, `column 2: the brace of {id is not closed`},
		{"each not first", URL, `/x?a={id|lower|each}`, `each is the first of the filters`},
		{"a question mark within", URL, `/{i?d}`, `column 4: ? ends the name`},
		{"no UTF-8", Text, "\xff", `UTF-8`},

		{"a fragment", URL, `/a#b`, `column 3: a # is never sent`},
		{"a control character", URL, "/a\nb", `line 1, column 3: there are no control characters`},
		{"a percent", URL, `/{id}%zz`, `column 6: behind % come two digits`},
		{"a host from data", URL, `https://{id}/x`, `column 9: the host of a URL is never a value`},
		{"a port from data", URL, `https://h:{id}/x`, `the host of a URL is never a value`},
		{"another scheme", URL, `ftp://h/x`, `begins with https://`},
		{"no scheme", URL, `//h/x`, `begins with https://`},
		{"an optional segment", URL, `/a/{id?}/b`, `column 4: a segment of a path can't be left out`},
		{"each in a path", URL, `/a/{id|each}`, `column 4: each is for query parameters`},
		{"an encoded dot beside a value", URL, `/a/%2e{id}`, `column 4: beside a value there is no encoded dot`},
		{"an optional name of a parameter", URL, `/a?{id?}=1`, `column 4: the name of a parameter`},
		{"single quotes", URL, `/a?filter=mail eq '{id}'`, "column 20: the value stands between quotes, which one in the value would end: say how the application reads it there, {id|double `'`}"},
		{"double quotes", Query, `{{"a":"{id}"}`, `the value stands between quotes`},
		{"quotes in a form", FormURLEncoded, `q='{id|lower}'`, `the value stands between quotes`},
		{"the other quotes", URL, `/a?q='{id|double '"'}'`, `the value stands between quotes`},

		{"JSON that is cut", JSON, `{"a":`, `column 6: it ends where a value`},
		{"JSON without quotes", JSON, `{"a":b}`, `column 6: a value of JSON is expected`},
		{"JSON with a name without quotes", JSON, `{{id}:1}`, `column 3: the name of a member in double quotes is expected`},
		{"mustaches", JSON, `{"a":{{id}}}`, `column 8: the name of a member in double quotes is expected`},
		{"JSON with more behind", JSON, `{"a":1} x`, `column 9: something follows`},
		{"JSON with a comma", JSON, `{"a":1,}`, `column 8: something is expected behind the comma`},
		{"a name twice", JSON, `{"a":1,"\u0061":2}`, `column 8: the object has this name twice`},
		{"an optional name of a member", JSON, `{"{a?}":1}`, `the name of a member is there`},
		{"a quote of JSON", JSON, `{"a":"{b}}`, `the quote is not closed`},
		{"each outside of arrays", JSON, `{"a":{b|each}}`, `each stands in an element of an array`},
		{"each twice", JSON, `[{"a":{b|each},"c":{d|each}}]`, `two values with each`},
		{"values side by side", JSON, `{"a":{b}{c}}`, `a comma or } is expected`},
		{"JSON too deep", JSON, strings.Repeat("[", 200), `nested deeper`},

		{"XML that is cut", XML, `<a>`, `the XML is not well-formed`},
		{"XML in line 2", XML, "<a>\n<b></a>", `line 2, column 1: the XML is not well-formed`},
		{"two roots", XML, `<a/><b/>`, `2 root elements`},
		{"no root", XML, `{a}`, `text outside of its root`},
		{"a tag from data", XML, `<{a}/>`, `column 2: a value stands in the text`},
		{"an attribute's name from data", XML, `<a {b}="x"/>`, `column 4: a value stands in the text`},
		{"a comment", XML, `<a><!-- {b} --></a>`, `column 9: there are no values in a comment`},
		{"an instruction", XML, `<a><?x {b}?></a>`, `there are no values in a processing instruction`},
		{"an entity", XML, `<a>&{b};</a>`, `the XML is not well-formed`},
		{"a DTD", XML, `<!DOCTYPE a><a/>`, `DOCTYPE`},
		{"another charset", XML, `<?xml version="1.0" encoding="iso-8859-1"?><a/>`, `UTF-8`},
		{"a bracket before a value", XML, `<a><![CDATA[x]{b}]]></a>`, `column 15: a ] before a value`},
		{"XML within CDATA", XML, `<a><![CDATA[<b>{c}</b>]]></a>`, `column 16: the value stands in XML within a CDATA section, which one < in it would change: {c|xml}`},
		{"each of the root", XML, `<a>{b|each}</a>`, `the root element is there once`},

		{"a letter in a header", Header, `é`, `column 1: a header can't hold`},
		{"each in a header", Header, `{b|each}`, `join ","`},
		{"a form of its own", Form(99), `x`, `there is no form 99`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.text, test.form)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q in it", err, test.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	template, err := Parse(`/{id}/{1.data.id}?a={record.a\.b.#(type=="}").v}&b={id?}&c={emails[type eq "w}]"].value|lower}&d={field.x:y-z_9?}&e={secret.key|default "x"}`, URL)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"id", "1.data.id", `record.a\.b.#(type=="}").v`, `emails[type eq "w}]"].value`, "field.x:y-z_9", "secret.key"}
	if diff := cmp.Diff(want, template.Names()); diff != "" {
		t.Error(diff)
	}
	required := map[string]bool{"id": true, "1.data.id": true, "field.x:y-z_9": false, "secret.key": false, "absent": false}
	for name, want := range required {
		if got := template.Requires(name); got != want {
			t.Errorf("requires %s: %v, want %v", name, got, want)
		}
	}
}

func TestPrint(t *testing.T) {
	tests := []struct {
		form       Form
		text, want string
	}{
		{URL, `/users/{1.id}?key={secret}&a={userName}`, `/users/{1.id}?key=***&a=ada`},
		{JSON, `{"id":{1.id},"key":"k {secret}","l":[{1.id|each}],"o":{secret|base64}}`, `{"id":{1.id},"key":"k ***","l":[{1.id}],"o":***}`},
		{FormURLEncoded, `id={1.id}&key={secret?}`, `id={1.id}&key=***`},
		{XML, `<a k="{1.id}">{secret?}</a>`, `<a k="{1.id}">***</a>`},
		{Header, `Token {secret}`, `Token ***`},
		{Text, `{1.id|number} {userName}`, `{1.id} ada`},
	}
	for _, test := range tests {
		template, err := Parse(test.text, test.form)
		if err != nil {
			t.Fatal(err)
		}
		got, err := template.Print(lookup)
		if err != nil || got != test.want {
			t.Errorf("%s: %s, %v; want %s", test.text, got, err, test.want)
		}
		if built, err := template.Execute(lookup); strings.Contains(built, "***") || strings.Contains(built, "1.id") {
			t.Errorf("%s: a mask is sent: %s, %v", test.text, built, err)
		}
	}
}

// A symbol has no value yet: it is never sent as if it had.
func TestSymbolIsNotSent(t *testing.T) {
	symbol := func(string) (Value, bool, error) { return Value{Mask: "{1.id}"}, true, nil }
	template, err := Parse(`{"id":{1.id}}`, JSON)
	if err != nil {
		t.Fatal(err)
	}
	_, err = template.Execute(symbol)
	if missing, ok := errors.AsType[*MissingError](err); !ok || missing.Name != "1.id" {
		t.Errorf("%v", err)
	}
}

func TestIsPresent(t *testing.T) {
	tests := []struct {
		text string
		want bool
	}{
		{`{missing?}`, false}, {`{null?}`, false}, {`{empty?}`, true}, {`{missing?}{userName?}`, true},
		{`x{missing?}`, true}, {`{missing?|default "x"}`, true}, {``, true}, {`{userName}`, true},
	}
	for _, test := range tests {
		template, err := Parse(test.text, Header)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := template.IsPresent(lookup); err != nil || got != test.want {
			t.Errorf("%s: %v, %v; want %v", test.text, got, err, test.want)
		}
	}
}

// Values come from anywhere: what is no JSON, or no UTF-8, is not sent.
func TestBrokenValues(t *testing.T) {
	for _, value := range []string{`{"a":`, `1,"b":2`, `"a"b`, "\"\xff\"", `}`, "1\n2"} {
		template, err := Parse(`{"a":{x}}`, JSON)
		if err != nil {
			t.Fatal(err)
		}
		got, err := template.Execute(func(string) (Value, bool, error) { return Value{JSON: value}, true, nil })
		if _, ok := errors.AsType[*ValueError](err); !ok {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
}

func TestFilters(t *testing.T) {
	tests := []struct{ filter, value, want string }{
		{`number`, `"12"`, `12`},
		{`number`, `"-1.5e3"`, `-1.5e3`},
		{`number`, `3`, `3`},
		{`number`, `" 3"`, `error`},
		{`number`, `"0x1"`, `error`},
		{`number`, `"01"`, `error`},
		{`number`, `""`, `error`},
		{`number`, `"1,2"`, `error`},
		{`string`, `true`, `"true"`},
		{`string`, `{}`, `error`},
		{`lower`, `"ÉCOLE"`, `"école"`},
		{`upper`, `7`, `7`},
		{`join ", "`, `["a","b"]`, `"a, b"`},
		{`join ","`, `["a,b","c"]`, `error`},
		{`join ","`, `[["a"]]`, `error`},
		{`join ","`, `"a"`, `"a"`},
		{`join ""`, `["a","b"]`, `"ab"`},
		{`json`, `"a\"b"`, `"\"a\\\"b\""`},
		{`json|base64`, `{"a":1}`, `"eyJhIjoxfQ=="`},
		{`double '''`, `"x"`, `parse error`},
		{`double "'"`, `"O'Brien"`, `"O''Brien"`},
		{`escape "'"`, `"O'Br\\ien"`, `"O\\'Br\\\\ien"`},
		{`xml`, `"<&\u0000"`, `error`},
		{`default x`, `null`, `"x"`},
		{`default "x"|upper`, `null`, `"X"`},
		{`default "x"`, `""`, `""`},
	}
	for _, test := range tests {
		t.Run(test.filter+" of "+test.value, func(t *testing.T) {
			template, err := Parse(`{v|`+test.filter+`}`, JSON)
			if test.want == "parse error" {
				if err == nil {
					t.Error("it is parsed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := template.Execute(func(string) (Value, bool, error) { return Value{JSON: test.value}, true, nil })
			if test.want == "error" {
				if _, ok := errors.AsType[*ValueError](err); !ok {
					t.Errorf("%s, %v", got, err)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("%s, %v; want %s", got, err, test.want)
			}
		})
	}
}
