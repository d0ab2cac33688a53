package template

import (
	"errors"
	"strings"
	"testing"
)

// data are the values of the tests.
var data = map[string]Value{
	"id":                           {JSON: `5`},
	"userName":                     {JSON: `"ada"`},
	"odd":                          {JSON: `"a/b ?&=#%+\"'<>\\{}é"`},
	"empty":                        {JSON: `""`},
	"dot":                          {JSON: `"."`},
	"up":                           {JSON: `"../x"`},
	"line":                         {JSON: `"a\r\nb"`},
	"null":                         {JSON: `null`},
	"flag":                         {JSON: `true`},
	"list":                         {JSON: `["a","b",3]`},
	"none":                         {JSON: `[]`},
	"object":                       {JSON: `{"a":{"b":[1.50]}}`},
	"quote":                        {JSON: `"O'Brien"`},
	"cdata":                        {JSON: `"a]]>b"`},
	"secret":                       {JSON: `"s3cret"`, Mask: "***"},
	"1.id":                         {JSON: `""`, Mask: "{1.id}"},
	`emails[type eq "work"].value`: {JSON: `"ada@example.com"`},
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": {JSON: `"R&D"`},
}

func lookup(name string) (Value, bool, error) {
	if name == "unknown" {
		return Value{}, false, errors.New("there is no such name")
	}
	v, ok := data[name]
	return v, ok, nil
}

func TestExecute(t *testing.T) {
	tests := []struct {
		name string
		form Form
		text string
		want string // "error: " and a part of it
	}{
		{"a URL", URL, `/users/{id}.json?name={userName}&status=`, `/users/5.json?name=ada&status=`},
		{"a value that would be more", URL, `/users/{odd}?name={odd}`, `/users/a%2Fb%20%3F%26%3D%23%25%2B%22%27%3C%3E%5C%7B%7D%C3%A9?name=a%2Fb%20%3F%26%3D%23%25%2B%22%27%3C%3E%5C%7B%7D%C3%A9`},
		{"an empty segment", URL, `/users/{empty}`, `error: is empty`},
		{"a dot", URL, `/users/{dot}/x`, `error: another path`},
		{"two dots, one of them the configuration's", URL, `/users/.{dot}/x`, `error: another path`},
		{"a way up, encoded", URL, `/users/{up}`, `error: another path`},
		{"a dot in a name", URL, `/users/x{dot}`, `/users/x.`},
		{"a line in a path", URL, `/users/{line}`, `error: control character`},
		{"a line in a query", URL, `/users?a={line}`, `/users?a=a%0D%0Ab`},
		{"a parameter left out", URL, `/users?a={missing?}&b={userName?}`, `/users?b=ada`},
		{"all left out", URL, `/users?a={missing?}`, `/users`},
		{"null is no value", URL, `/users?a={null?}`, `/users`},
		{"empty is one", URL, `/users?a={empty?}`, `/users?a=`},
		{"a part that is not there", URL, `/users?a=x{missing?}`, `/users?a=x`},
		{"missing", URL, `/users/{missing}`, `error: {missing} has no value`},
		{"a list", URL, `/users?a={list}`, `error: is a list`},
		{"a list joined", URL, `/users?a={list|join ","}`, `/users?a=a%2Cb%2C3`},
		{"a list, each", URL, `/users?a[]={list|each}&b=1`, `/users?a[]=a&a[]=b&a[]=3&b=1`},
		{"an empty list, each", URL, `/users?a[]={none|each}`, `/users`},
		{"names of SCIM", URL, `/users?mail={emails[type eq "work"].value}&d={urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department}`, `/users?mail=ada%40example.com&d=R%26D`},
		{"literals", URL, `/a b/ü?q=x eq "y"`, `/a%20b/%C3%BC?q=x%20eq%20%22y%22`},
		{"quotes", URL, `/users?$filter=mail eq '{quote|double "'"}'`, `/users?$filter=mail%20eq%20'O%27%27Brien'`},
		{"absolute", URL, `https://api.example.com/{id}`, `https://api.example.com/5`},
		{"a default", URL, `/users?a={missing|default "x y"}`, `/users?a=x%20y`},
		{"a brace", URL, `/a?q={{x`, `/a?q=%7Bx`},
		{"what lookup says", URL, `/{unknown}`, `error: no such name`},

		{"JSON", JSON, `{"user": {"login": {userName}, "id": {id}, "n": "x {id} y"}}`, `{"user":{"login":"ada","id":5,"n":"x 5 y"}}`},
		{"JSON within quotes", JSON, `{"a":"{odd}"}`, `{"a":"a/b ?&=#%+\"'<>\\{}é"}`},
		{"JSON without quotes", JSON, `[{object},{list},{null},{flag}]`, `[{"a":{"b":[1.50]}},["a","b",3],null,true]`},
		{"a list in quotes", JSON, `{"a":"{list}"}`, `error: is a list`},
		{"null in quotes", JSON, `{"a":"{null}"}`, `error: has no value`},
		{"members left out", JSON, `{"a":{missing?},"b":"{missing?}","c":"{null?}","d":{null?},"e":[{missing?},1,"{missing?}"]}`, `{"d":null,"e":[1]}`},
		{"a member that has more", JSON, `{"a":"x{missing?}"}`, `{"a":"x"}`},
		{"an empty object", JSON, `{"a":{},"b":[ ]}`, `{"a":{},"b":[]}`},
		{"a name of a member", JSON, `{"{userName}":1,"x":2}`, `{"ada":1,"x":2}`},
		{"the same name twice", JSON, `{"{userName}":1,"ada":2}`, `error: one name`},
		{"elements", JSON, `{"m":[{"id":{list|each},"x":1}]}`, `{"m":[{"id":"a","x":1},{"id":"b","x":1},{"id":3,"x":1}]}`},
		{"elements of an empty list", JSON, `{"m":[{none|each}]}`, `{"m":[]}`},
		{"filters", JSON, `[{id|string},{userName|upper|base64},{object|json}]`, `["5","QURB","{\"a\":{\"b\":[1.50]}}"]`},
		{"a number", JSON, `{userName|number}`, `error: is no number`},
		{"a brace in a string", JSON, `{"a":"{{x}"}`, `{"a":"{x}"}`},
		{"a brace before a space", JSON, `{ "a" : "{ x }" }`, `{"a":"{ x }"}`},

		{"a form", FormURLEncoded, `login={userName}&x={odd}&mail={missing?}`, `login=ada&x=a%2Fb+%3F%26%3D%23%25%2B%22%27%3C%3E%5C%7B%7D%C3%A9`},
		{"a form in lines", FormURLEncoded, "login={userName}&\n\tn=a b&\n", "login=ada&n=a+b&"},

		{"XML", XML, `<u id="{odd}">{odd}</u>`, `<u id="a/b ?&amp;=#%+&quot;&#39;&lt;&gt;\{}é">a/b ?&amp;=#%+"'&lt;&gt;\{}é</u>`},
		{"CDATA", XML, `<u><![CDATA[{userName}{cdata}]]></u>`, `<u><![CDATA[ada]]>a]]&gt;b<![CDATA[]]></u>`},
		{"elements left out", XML, "<u><a>{missing?}</a><b x=\"1\"> {missing?} </b><c x=\"{missing?}\" y=\"{userName?}\"/></u>", `<u><c y="ada"/></u>`},
		{"elements of a list", XML, `<u><i>{list|each}</i><j k="{list|each}"/></u>`, `<u><i>a</i><i>b</i><i>3</i><j k="a"/><j k="b"/><j k="3"/></u>`},
		{"XML in CDATA", XML, `<u><![CDATA[<x>{odd|xml}</x>]]></u>`, `<u><![CDATA[<x>a/b ?&amp;=#%+&quot;&#39;&lt;&gt;\{}é</x>]]></u>`},
		{"a brace in XML", XML, `<u>{ x } {}</u>`, `<u>{ x } {}</u>`},

		{"a header", Header, `Bearer {userName}`, `Bearer ada`},
		{"a line in a header", Header, `{line}`, `error: line break`},
		{"a letter in a header", Header, `{odd}`, `error: beyond ASCII`},
		{"a parameter's value", Query, `{odd}`, "a/b ?&=#%+\"'<>\\{}é"},
		{"a text", Text, `{odd} {id}`, "a/b ?&=#%+\"'<>\\{}é 5"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			template, err := Parse(test.text, test.form)
			if err != nil {
				t.Fatal(err)
			}
			got, err := template.Execute(lookup)
			if part, ok := strings.CutPrefix(test.want, "error: "); ok {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%q, %v; want an error with %q", got, err, part)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("%s, %v; want %s", got, err, test.want)
			}
		})
	}
}
