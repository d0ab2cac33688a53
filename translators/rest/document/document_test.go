package document

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

func TestParse(t *testing.T) {
	deep := strings.Repeat("[", 101) + strings.Repeat("]", 101)
	tests := []struct {
		name, body, contentType, form string
		want                          string // "error: " and a part of it
	}{
		{"JSON", ` {"a": 1.50} `, "application/json", "", `{"a": 1.50} `},
		{"a number of many digits", `{"a":123456789012345678901234567890.10}`, "application/json", "", `{"a":123456789012345678901234567890.10}`},
		{"a byte order mark", "\xEF\xBB\xBF{}", "application/json", "", `{}`},
		{"UTF-16", "\xFF\xFE{\x00}\x00", "application/json", "", `{}`},
		{"latin1", "{\"a\":\"\xe9\"}", "application/json; charset=ISO-8859-1", "", `{"a":"é"}`},
		{"latin1 without saying so", "{\"a\":\"\xe9\"}", "application/json", "", `error: not in UTF-8`},
		{"a charset that there isn't", `{}`, "application/json; charset=klingon", "", `error: charset "klingon"`},
		{"a vendor's type", `{}`, "application/vnd.x+json", "", `{}`},
		{"no type", `{}`, "", "", `{}`},
		{"no type and XML", `<?xml version="1.0"?><a/>`, "", "", `{"a":""}`},
		{"no type and nothing that is known", `hello`, "", "", `error: is no JSON`},
		{"JSON that calls itself text", `{"a":1}`, "text/plain", "", `{"a":1}`},
		{"JSON that calls itself a page", `[1]`, "text/html", "", `[1]`},
		{"a text", "OK\n", "text/plain", "", `"OK\n"`},
		{"a text in braces", "{OK", "text/plain", "", `"{OK"`},
		{"a text, whatever it says", `{"a":1}`, "application/json", "text", `"{\"a\":1}"`},
		{"a picture", "GIF89a", "image/gif", "", `error: of the type "image/gif"`},
		{"a form that there isn't", `{}`, "", "yaml", `error: no form "yaml"`},
		{"empty", " \r\n", "application/json", "", `error: no body`},
		{"nothing", "", "", "xml", `error: no body`},
		{"a mark alone", "\xEF\xBB\xBF", "application/json", "", `error: no body`},

		{"cut", `{"a":[1,`, "application/json", "", `error: it is cut off`},
		{"broken", `{"a":x}`, "application/json", "", `error: broken at byte 6`},
		{"two values", `{"a":1}{"b":2}`, "application/json", "", `error: something follows it at byte 7`},
		{"a name twice", `{"a":1,"b":{"a":2},"a":3}`, "application/json", "", `error: twice at byte 19`},
		{"a name twice, escaped", `{"a":1,"\u0061":3}`, "application/json", "", `error: twice at byte 7`},
		{"a name twice in one of many", `{"l":[{},{"a":1,"a":1}]}`, "application/json", "", `error: twice`},
		{"the same name in two objects", `[{"a":1},{"a":1},"a","a"]`, "application/json", "", `[{"a":1},{"a":1},"a","a"]`},
		{"deep", deep, "application/json", "", `error: deeper than 100`},
		{"deep, but not too deep", deep[1:201], "application/json", "", deep[1:201]},
		{"braces in strings", `{"a":"{[\"{[","b":"]}"}`, "application/json", "", `{"a":"{[\"{[","b":"]}"}`},

		{"a page", "<!DOCTYPE html>\n<html><head><title>502\n Bad &amp; Gateway\x01</title></head></html>", "text/html; charset=utf-8", "", `error: answered with a page (text/html): "502 Bad & Gateway"`},
		{"a page that calls itself JSON", "<html><body>sorry</body></html>", "application/json", "json", `error: answered with a page (text/html)`},
		{"a page behind a comment", "<!-- x --> <HTML >", "", "xml", `error: answered with a page`},
		{"a page where a text is read", "<html></html>", "text/html", "text", `"<html></html>"`},
		{"a long title", "<html><title>" + strings.Repeat("x", 500) + "</title>", "text/html", "", `error: (text/html): "` + strings.Repeat("x", 80) + `…"`},
		{"a message that calls itself a page", "Internal error", "text/html", "", `error: answered with a page`},

		{"XML that is cut", "<a>\n<b>", "text/xml", "", `error: it is cut off in line 2`},
		{"XML that is broken", "<a>\n<b></c></a>", "text/xml", "", `error: it is broken in line 2`},
		{"two roots", "<a/><b/>", "text/xml", "", `error: more than one root`},
		{"text outside", "<a/>x", "text/xml", "", `error: text outside`},
		{"an entity", `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, "text/xml", "", `error: defines entities`},
		{"an entity that there isn't", `<a>&nbsp;</a>`, "text/xml", "", `error: broken in line 1`},
		{"a DTD elsewhere", `<!DOCTYPE a SYSTEM "http://h/x.dtd"><a>1</a>`, "text/xml", "", `{"a":"1"}`},
		{"an attribute twice", `<a b="1" b="2"/>`, "text/xml", "", `error: an attribute twice`},
		{"XML too deep", strings.Repeat("<a>", 200), "text/xml", "", `error: deeper than 100`},
		{"XML in UTF-16", "\xFE\xFF\x00<\x00a\x00/\x00>", "text/xml", "", `{"a":""}`},
		{"a charset twice", "<?xml version=\"1.0\" encoding=\"utf-16\"?><a>\xe9</a>", "text/xml; charset=latin1", "", `{"a":"é"}`},
		{"a charset of XML", "<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>\x80</a>", "text/xml", "", `{"a":"€"}`},
		{"a charset of XML that there isn't", "<?xml version=\"1.0\" encoding=\"klingon\"?><a/>", "text/xml", "", `error: no XML`},
		{"an empty list of a kind", `<a><b type="array"/></a>`, "text/xml", "", `{"a":{"b":{"-type":"array"}}}`},
		{"elements beside others", `<a><b>1</b><c>2</c><b>3</b></a>`, "text/xml", "", `{"a":{"b":["1","3"],"c":"2"}}`},
		{"text beside elements", `<a> x <b>1</b> y </a>`, "text/xml", "", `{"a":{"b":"1","text":"x  y"}}`},
		{"CDATA", `<a><![CDATA[<b>&]]> c</a>`, "text/xml", "", `{"a":"<b>& c"}`},
		{"space is kept", `<a> x </a>`, "text/xml", "", `{"a":" x "}`},

		{"a form", "a=1&b=x+y%26&a=2&c", "application/x-www-form-urlencoded", "", `{"a":["1","2"],"b":"x y&","c":""}`},
		{"a form that is broken", "a=%zz", "", "form", `error: no form`},
		{"a form in latin1", "a=%e9", "application/x-www-form-urlencoded", "form", `error: not in UTF-8`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse([]byte(test.body), test.contentType, test.form)
			if part, ok := strings.CutPrefix(test.want, "error: "); ok {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%s, %v; want an error with %q", got.Raw, err, part)
				}
				return
			}
			if err != nil || got.Raw != strings.TrimSpace(test.want) && got.Raw != test.want {
				t.Errorf("%s, %v; want %s", got.Raw, err, test.want)
			}
		})
	}
}

func TestErrorsCanBeTold(t *testing.T) {
	if _, err := Parse(nil, "", ""); !errors.Is(err, ErrEmpty) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := Parse([]byte("<html>"), "", "json"); !errors.Is(err, ErrPage) {
		t.Errorf("a page: %v", err)
	}
}

// What an application answers with is not in an error.
func TestErrorsQuoteNothing(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, body := range []string{`{"` + secret, `{"a":` + secret, `{"` + secret + `":1,"` + secret + `":1}`, `<` + secret, `<a>&` + secret + `;</a>`,
		`<a ` + secret + `="1" ` + secret + `="1"/>`, `<a></` + secret + `>`, `<?xml version="1.0" encoding="` + secret + `"?><a/>`} {
		for _, form := range []string{JSON, XML} {
			if _, err := Parse([]byte(body), "", form); err != nil && strings.Contains(err.Error(), secret) && !strings.Contains(body, "encoding") {
				t.Errorf("%v", err)
			}
		}
	}
}

func TestItems(t *testing.T) {
	tests := []struct {
		name, body, path string
		want             string
		shape            Shape
	}{
		{"a list", `{"users":[{"id":1},{"id":2}]}`, "users", `{"id":1} {"id":2}`, List},
		{"an empty list", `{"users":[]}`, "users", ``, List},
		{"the whole", `[1,2]`, ".", `1 2`, List},
		{"null", `{"users":null}`, "users", ``, Empty},
		{"null before", `{"data":null}`, "data.users", ``, Empty},
		{"one", `{"users":{"id":1}}`, "users", `{"id":1}`, Single},
		{"the last name is not there", `{"data":{"total":0}}`, "data.users", ``, Absent},
		{"another answer", `{"error":"x"}`, "data.users", ``, Missing},
		{"a value on the way", `{"data":5}`, "data.users", ``, Missing},
		{"a list on the way", `{"data":[5]}`, "data.users", ``, Missing},
		{"two elements", `<users><user>1</user><user>2</user></users>`, "users.user", `"1" "2"`, List},
		{"one element", `<users><user><id>1</id></user></users>`, "users.user", `{"id":"1"}`, Single},
		{"no element", `<users/>`, "users.user", ``, Empty},
		{"no element, indented", "<users>\n</users>", "users.user", ``, Empty},
		{"no element but an attribute", `<users type="array"/>`, "users.user", ``, Empty},
		{"no element but others", `<users><total>0</total></users>`, "users.user", ``, Absent},
		{"a fault", `<Envelope><Body><Fault/></Body></Envelope>`, "Envelope.Body.Response.user", ``, Missing},
		{"another root", `<html2/>`, "users.user", ``, Missing},
		{"elements of elements", `{"a":[{"u":1},{"u":2}]}`, "a.#.u", `1 2`, List},
		{"elements of none", `{"a":[]}`, "a.#.u", ``, List},
		{"elements of null", `{"a":null}`, "a.#.u", ``, Empty},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			contentType := "application/json"
			if test.body[0] == '<' {
				contentType = "text/xml"
			}
			doc, err := Parse([]byte(test.body), contentType, "")
			if err != nil {
				t.Fatal(err)
			}
			items, shape := mustPath(t, test.path).Items(doc)
			var raws []string
			for _, i := range items {
				raws = append(raws, i.Raw)
			}
			if got := strings.Join(raws, " "); got != test.want || shape != test.shape {
				t.Errorf("%s, %d; want %s, %d", got, shape, test.want, test.shape)
			}
		})
	}
}

func TestPathMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"": "a name is missing", "a..b": "column 3: a name is missing", "a.": "a name is missing", ".a": "a name is missing",
		"a|b": "pipes", "a.*": "wildcards", "a?": "wildcards", "@this": "modifiers", "a.@reverse": "column 3: there are no modifiers",
		"a#": `\#`, "#x": "behind #", "a.#(b": "not closed", "a.#()": "#(name==value)", "a.#(b>1)": "#(name==value)", "a.#(b=1)": "#(name==value)", "a.#(b==)": "the value is missing",
		"a.#(b===1)": "#(name==value)", `a.#(b=="x)`: "not closed", "a.#(b==1)c": "comes a dot", "a.#(b.#==1)": "has a name", "!x": `\!`, "{a}": `\{`, "a\x00": "control",
		`a\`: "backslash", "\xff": "UTF-8", "99999999999": "too big", "a.#(@b==1)": "modifiers", strings.Repeat("a.", 40) + "a": "more than 32",
	} {
		if _, err := ParsePath(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q in it", text, err, want)
		}
	}
}

func TestMatch(t *testing.T) {
	doc := gjson.Parse(`{"e":[{"k":"5","v":"text"},{"k":5,"v":"number"},{"k":true,"v":"true"},{"k":"a)b","v":"paren"},{"k.x":{"y":"z"},"v":"deep"}]}`)
	for path, want := range map[string]string{
		`e.#(k==5).v`: "text", `e.#(k=="5").v`: "text", `e.#(k == true).v`: "true", `e.#(k=="true").v`: "", `e.#(k=="a)b").v`: "paren",
		`e.#(k\.x.y==z).v`: "deep", `e.#(k==no).v`: "", `e.#(k==5)#.v`: "text",
	} {
		if got := mustPath(t, path).First(doc).Str; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := len(mustPath(t, `e.#(k==5)#.v`).Get(doc)); got != 2 {
		t.Errorf("%d elements match, want 2", got)
	}
}

func TestSetMistakes(t *testing.T) {
	tests := []struct{ doc, path, raw, want string }{
		{`{"a":5}`, "a.b", `1`, "neither an object nor a list"},
		{`{"a":"secret"}`, "a.b", `1`, "neither an object nor a list"},
		{`{"a":[1]}`, "a.b", `1`, "a list where an object"},
		{`{"a":{"t":"x"}}`, "a.#(t==y).v", `1`, "one object where a list"},
		{`{"a":{"b":1}}`, "a.0.b", `1`, "its member is written :0"},
		{`{"a":[1]}`, "a.3", `1`, "1 elements, which the number 3 does not follow"},
		{`{}`, "a.#.b", `1`, "only a path of"},
		{`{}`, ".", `1`, "only a path of"},
		{`{}`, "a.#(t==x)#.b", `1`, "only a path of"},
		{`{"a"`, "a", `1`, "no JSON"},
		{`{}`, "a", `1,"b":2`, "no JSON"},
	}
	for _, test := range tests {
		got, err := mustPath(t, test.path).Set([]byte(test.doc), test.raw)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s in %s: %s, %v; want %q", test.path, test.doc, got, err, test.want)
		}
	}
}

func TestSetAll(t *testing.T) {
	tests := []struct {
		name, doc string
		edits     []string // path, raw
		want      string
	}{
		{"several in one object", `{"a":{"x":1,"z":9},"b":2}`, []string{"a.x", "2", "a.y", "3", "b", "", "c", "[]"}, `{"a":{"x":2,"z":9,"y":3},"c":[]}`},
		{"the last one counts", `{}`, []string{"a", "1", "a", "2"}, `{"a":2}`},
		{"into what was set", `{"a":5}`, []string{"a", `{"k":1}`, "a.b", "2"}, `{"a":{"k":1,"b":2}}`},
		{"over what was set in it", `{}`, []string{"a.b", "2", "a", "5"}, `{"a":5}`},
		{"into what was removed", `{"a":{"x":1}}`, []string{"a", "", "a.b", "2"}, `{"a":{"b":2}}`},
		{"removed from what was made", `{}`, []string{"a.b", "1", "a.b", ""}, `{}`},
		{"two of one element", `{}`, []string{"e.#(t==w).v", "1", `e.#(t=="w").p`, "true"}, `{"e":[{"t":"w","v":1,"p":true}]}`},
		{"two elements", `{"e":[{"t":"h"}]}`, []string{"e.#(t==w).v", "1", "e.#(t==h).v", "2"}, `{"e":[{"t":"h","v":2},{"t":"w","v":1}]}`},
		{"all elements removed", `{"e":[{"t":"h"},{"t":"w"}]}`, []string{"e.#(t==w)", "", "e.#(t==h)", ""}, `{"e":[]}`},
		{"numbers in order", `{}`, []string{"e.0", "1", "e.1", "2"}, `{"e":[1,2]}`},
		{"all removed, indented", "{\n  \"a\": 1,\n  \"b\": 2\n}", []string{"a", "", "b", ""}, "{}"},
		{"replaced, indented", "{\n  \"a\": 1,\n  \"b\": 2\n}", []string{"a", "", "b", "", "c", "3"}, "{\n  \"c\": 3\n}"},
		{"null stays", `{"a":null,"b":null}`, []string{"b.c", ""}, `{"a":null,"b":null}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var edits []Edit
			for i := 0; i < len(test.edits); i += 2 {
				edits = append(edits, Edit{mustPath(t, test.edits[i]), test.edits[i+1]})
			}
			got, err := SetAll([]byte(test.doc), edits)
			if err != nil || string(got) != test.want {
				t.Errorf("%s, %v; want %s", got, err, test.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{`{"a":[1,{"b":null}]}`, `<a b="c"><d/>x</a>`, `a=b&c`, `<html><title>x</title>`, "\xFF\xFE<\x00", `{"a":1,"a":2}`} {
		for _, form := range []string{"", JSON, XML, Form, Text} {
			f.Add([]byte(body), "text/plain; charset=latin1", form)
			f.Add([]byte(body), "", form)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType, form string) {
		doc, err := Parse(body, contentType, form)
		if err != nil {
			if len(err.Error()) > 700 {
				t.Fatalf("the error has %d bytes", len(err.Error()))
			}
			return
		}
		if !gjson.Valid(doc.Raw) || !utf8.ValidString(doc.Raw) {
			t.Fatalf("%q is no JSON", doc.Raw)
		}
		if err := checkJSON(doc.Raw); err != nil {
			t.Fatalf("%q: %v", doc.Raw, err)
		}
	})
}

// What is set is read back, and all else is as it was.
func FuzzSet(f *testing.F) {
	for _, doc := range []string{`{}`, ` { "a" : [ 1 , {"t":"x"} ] , "b":{"c":null}} `, `{"a":{"t":"x"}}`, `[]`, `{"x.y":"\"}]","":1}`} {
		for _, path := range []string{"a", "b.c", "a.#(t==x).v", "a.1", `x\.y`, "a.0.b.c", ":7"} {
			f.Add(doc, path, `{"n":1.0}`)
			f.Add(doc, path, ``)
		}
	}
	f.Fuzz(func(t *testing.T, doc, text, raw string) {
		if checkJSON(doc) != nil || !utf8.ValidString(doc) || !utf8.ValidString(raw) {
			return
		}
		p, err := ParsePath(text)
		if err != nil {
			return
		}
		before := gjson.Parse(doc)
		got, err := p.Set([]byte(doc), raw)
		if err != nil {
			return
		}
		if err := checkJSON(string(got)); raw == "" && err != nil {
			t.Fatalf("%q is no JSON: %v", got, err)
		}
		if !gjson.ValidBytes(got) {
			t.Fatalf("%q is no JSON", got)
		}
		value := p.Value(gjson.ParseBytes(got))
		switch {
		case raw == "" && text != "." && value.Exists() && !strings.ContainsAny(text, "0123456789#"):
			t.Fatalf("%q is not removed: %s", text, got)
		case raw != "" && value.Raw != strings.Trim(raw, " \t\r\n"):
			if !strings.Contains(text, "#") { // the value itself may be what makes it another one
				t.Fatalf("%q of %s is %s, want %s", text, got, value.Raw, raw)
			}
		}
		if raw != "" && p.Value(before).Exists() && !strings.ContainsAny(text, "0123456789#") && p.Value(before).Raw == strings.Trim(raw, " \t\r\n") && string(got) != strings.Trim(doc, " \t\r\n") {
			t.Fatalf("set to what it was: %s, was %s", got, doc)
		}
	})
}

const record = `{"id":5,"login":"ada","firstname":"Ada","lastname":"King","mail":"ada@example.com","status":1,"admin":false,"created_on":"2026-01-01T00:00:00Z","custom_fields":[{"id":1,"name":"a","value":"x"},{"id":2,"name":"b","value":"y"}],"groups":[{"id":7,"name":"staff"}],"address":{"street":"x","city":{"name":"y"}}}`

var recordPaths = []string{"id", "login", "firstname", "lastname", "mail", "status", "created_on", "custom_fields.#(id==2).value", "groups.#.id", "address.city.name"}

func BenchmarkGet10(b *testing.B) {
	doc := gjson.Parse(record)
	var paths []*Path
	for _, p := range recordPaths {
		paths = append(paths, mustPath(b, p))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range paths {
			if len(p.Get(doc)) != 1 {
				b.Fatal(p)
			}
		}
	}
}

func BenchmarkFirst10(b *testing.B) {
	doc := gjson.Parse(record)
	var paths []*Path
	for _, p := range recordPaths {
		paths = append(paths, mustPath(b, p))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range paths {
			if !p.First(doc).Exists() {
				b.Fatal(p)
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(record)))
	for b.Loop() {
		if _, err := Parse([]byte(record), "application/json", ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSetAll(b *testing.B) {
	edits := []Edit{{mustPath(b, "mail"), `"x"`}, {mustPath(b, "address.city.name"), `"z"`}, {mustPath(b, "custom_fields.#(id==2).value"), `"w"`}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := SetAll([]byte(record), edits); err != nil {
			b.Fatal(err)
		}
	}
}
