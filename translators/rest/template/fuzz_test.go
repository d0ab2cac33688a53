package template

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// structures are templates with the names a and b, and what reads what was built. For
// any values it must read the same as the template says, with the values in it.
var structures = []struct {
	name string
	form Form
	text string
	read func(built string) ([]string, error) // the values that are found
	// want are what is found for the values.
	want func(a, b string) []string
}{
	{"URL", URL, `/x/{a}/y{b}.json?p={a}&q=z{b}`, readURL, func(a, b string) []string {
		return []string{"", "x", a, "y" + b + ".json", "p=" + a, "q=z" + b}
	}},
	{"form", FormURLEncoded, `p={a}&q[]=z{b}`, func(built string) ([]string, error) {
		return pairsOf(built)
	}, func(a, b string) []string { return []string{"p=" + a, "q[]=z" + b} }},
	{"JSON", JSON, `{"p":"{a}","q":[{b},"x{a}y{b}"],"r":{"{a}k":1}}`, func(built string) ([]string, error) {
		var v struct {
			P string
			Q []string
			R map[string]int
		}
		d := json.NewDecoder(strings.NewReader(built))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return nil, errors.New("something follows")
		}
		found := append([]string{v.P}, v.Q...)
		for k := range v.R {
			found = append(found, k)
		}
		return found, nil
	}, func(a, b string) []string { return []string{a, b, "x" + a + "y" + b, a + "k"} }},
	{"XML", XML, `<r><p k="{a}" l='x{b}'>{b}{a}</p><q><![CDATA[{a}{b}> {a}]]></q></r>`, readXML, func(a, b string) []string {
		return []string{"<r>", "<p>", "k=" + a, "l=x" + b, b + a, "</p>", "<q>", a + b + "> " + a, "</q>", "</r>"}
	}},
	{"XML in CDATA", XML, `<r><![CDATA[<p>{a|xml}</p>]]></r>`, func(built string) ([]string, error) {
		outer, err := readXML(built)
		if err != nil || len(outer) != 3 {
			return outer, err
		}
		return readXML(outer[1])
	}, func(a, _ string) []string { return []string{"<p>", a, "</p>"} }},
	{"header", Header, `x {a};{b}`, func(built string) ([]string, error) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET / HTTP/1.1\r\nHost: h\r\nK: " + built + "\r\n\r\nrest")))
		if err != nil {
			return nil, err
		}
		if len(r.Header) != 1 {
			return nil, fmt.Errorf("headers %v", r.Header)
		}
		return r.Header["K"], nil
	}, func(a, b string) []string { return []string{strings.TrimRight("x "+a+";"+b, " \t")} }},
	{"quotes in a query", URL, `/x?q='{a|double "'"}' "{b|escape '"'}"`, func(built string) ([]string, error) {
		found, err := readURL(built)
		if err != nil || len(found) != 3 {
			return found, err
		}
		return quotedOf(strings.TrimPrefix(found[2], "q="))
	}, func(a, b string) []string { return []string{a, b} }},
}

func readURL(built string) ([]string, error) {
	u, err := url.Parse(built)
	if err != nil {
		return nil, err
	}
	if u.Host != "" || u.Scheme != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%#v", u)
	}
	var found []string
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		text, err := url.PathUnescape(segment)
		if err != nil {
			return nil, err
		}
		found = append(found, text)
	}
	pairs, err := pairsOf(u.RawQuery)
	return append(found, pairs...), err
}

func pairsOf(query string) ([]string, error) {
	var found []string
	for pair := range strings.SplitSeq(query, "&") {
		text, err := url.QueryUnescape(pair)
		if err != nil {
			return nil, err
		}
		found = append(found, text)
	}
	return found, nil
}

func readXML(built string) ([]string, error) {
	d := xml.NewDecoder(strings.NewReader(built))
	var found []string
	isText := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			found = append(found, "<"+t.Name.Local+">")
			for _, a := range t.Attr {
				found = append(found, a.Name.Local+"="+a.Value)
			}
			isText = false
		case xml.EndElement:
			found = append(found, "</"+t.Name.Local+">")
			isText = false
		case xml.CharData:
			if isText {
				found[len(found)-1] += string(t)
			} else {
				found = append(found, string(t))
			}
			isText = true
		default:
			found = append(found, fmt.Sprintf("%T", t))
		}
	}
}

// quotedOf reads 'text' with doubled quotes, a space, and "text" with backslashes.
func quotedOf(text string) ([]string, error) {
	var first, second strings.Builder
	i := 1
	for ; i < len(text); i++ {
		if text[i] == '\'' {
			if !strings.HasPrefix(text[i+1:], "'") {
				break
			}
			i++
		}
		first.WriteByte(text[i])
	}
	rest, ok := strings.CutPrefix(text[i:], `' "`)
	if !ok {
		return nil, errors.New("the first quotes end elsewhere")
	}
	for i = 0; i < len(rest) && rest[i] != '"'; i++ {
		if rest[i] == '\\' {
			i++
		}
		second.WriteByte(rest[i])
	}
	if i != len(rest)-1 {
		return nil, errors.New("the second quotes end elsewhere")
	}
	return []string{first.String(), second.String()}, nil
}

func FuzzStructure(f *testing.F) {
	for _, odd := range []string{"", "ada", ".", "..", "/", "../..", "a\r\nX: y", "]]>", "]", ">", "]]", `"`, `'`, `\`, `\"`, "&amp;", "%2e%2e", "a&b=c", "<!--", "\x00", "\uFFFF", "é", "\U0001F600", "{x}", "+ ", "\u2028", "\t"} {
		f.Add(odd, "x")
		f.Add("x", odd)
		f.Add(odd, odd)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			t.Skip()
		}
		for _, s := range structures {
			template, err := Parse(s.text, s.form)
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			built, err := template.Execute(func(name string) (Value, bool, error) {
				return Value{JSON: quote(map[string]string{"a": a, "b": b}[name])}, true, nil
			})
			if err != nil {
				if _, ok := errors.AsType[*ValueError](err); !ok || s.form == JSON || s.form == FormURLEncoded {
					t.Fatalf("%s: %v", s.name, err)
				}
				for _, value := range []string{a, b} {
					if len(value) > 20 && strings.Contains(err.Error(), value) {
						t.Fatalf("%s: the error has the value: %v", s.name, err)
					}
				}
				continue
			}
			got, err := s.read(built)
			if err != nil {
				t.Fatalf("%s: %q: %v", s.name, built, err)
			}
			want := s.want(a, b)
			if s.form == XML { // no text, no token
				want = slicesWithout(want, "")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s: %q (-want +got):\n%s", s.name, built, diff)
			}
		}
	})
}

func slicesWithout(texts []string, text string) []string {
	var rest []string
	for _, t := range texts {
		if t != text {
			rest = append(rest, t)
		}
	}
	return rest
}

// What can be parsed can be built, is well-formed with values and without, and prints.
func FuzzParse(f *testing.F) {
	for _, text := range []string{`/a/{b}?c={d?}&e={f|each}`, `{"a":{b},"c":["{d?}",{e?}],"{f}":"x{g}"}`, `[{"a":{b|each}}]`,
		`<a b="{c?}"><d>{e?}</d><![CDATA[{f}]]><!-- x --></a>`, `a={b}&c={d|join ","}`, `{x|double "'"|default 'a'}`, `{a[b eq "]"].c}`, `{{{a}`, `{`, `{a`, `{a|`, `{a|b "`, `{a?`} {
		for form := URL; form <= Text; form++ {
			f.Add(text, int(form))
		}
	}
	f.Fuzz(func(t *testing.T, text string, form int) {
		if form < int(URL) || form > int(Text) {
			t.Skip()
		}
		template, err := Parse(text, Form(form))
		if err != nil {
			return
		}
		all := func(string) (Value, bool, error) { return Value{JSON: `"a<\"'&/\\]]>"`}, true, nil }
		none := func(string) (Value, bool, error) { return Value{}, false, nil }
		for _, find := range []Lookup{all, none} {
			built, err := template.Execute(find)
			if err != nil {
				continue
			}
			isThere, err := template.IsPresent(find)
			if err != nil {
				t.Fatal(err)
			}
			switch Form(form) {
			case JSON:
				if isThere && !json.Valid([]byte(built)) {
					t.Fatalf("%q is no JSON", built)
				}
			case XML:
				if _, err := readXML(built); err != nil {
					t.Fatalf("%q is no XML: %v", built, err)
				}
			case URL:
				if _, err := url.Parse(built); err != nil {
					t.Fatalf("%q is no URL: %v", built, err)
				}
			}
		}
		if _, err := template.Print(func(name string) (Value, bool, error) { return Value{Mask: "{" + name + "}"}, true, nil }); err != nil && !strings.Contains(err.Error(), "one name") {
			t.Fatalf("printing %q: %v", text, err)
		}
	})
}
