package dialogue

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const example = `# What this file is about.

# Where the step comes from,
# in two lines.
=== A title
PATCH /Users/{ada}?x=y
Content-Type: application/json
Accept: */*

{"a":

 1}

becomes:
  update User {ada}
    replace active false
  error 400 invalidValue: words

answers: 200 or 204
  {"id": "{ada}",
   "list": []}
absent: password, name.givenName
header: Location: */Users/{ada}
remember: found = Resources[0].id

directory: uid=ada,dc=example
  mail: a@example.com
  mail: b@example.com
  title: -
  member includes: uid={ada}
  can bind with one two
  cannot bind with three

directory: uid=bob,dc=example gone

# Another source.
=== Another title
GET /Users

becomes:
  search User
`

func TestRead(t *testing.T) {
	got, err := Read("example", example)
	if err != nil {
		t.Fatal(err)
	}
	want := &Dialogue{Name: "example", About: []string{"What this file is about."}, Steps: []Step{
		{
			Title: "A title", Sources: []string{"Where the step comes from,", "in two lines."}, Line: 5,
			Request: Request{Method: "PATCH", Target: "/Users/{ada}?x=y",
				Header: []Field{{"Content-Type", "application/json"}, {"Accept", "*/*"}}, Body: "{\"a\":\n\n 1}"},
			Becomes: []string{"update User {ada}", "  replace active false", "error 400 invalidValue: words"},
			Answer: &Answer{Statuses: []int{200, 204}, Body: "{\"id\": \"{ada}\",\n \"list\": []}",
				Absent: []string{"password", "name.givenName"}, Header: []Field{{"Location", "*/Users/{ada}"}},
				Remember: []Remember{{"found", "Resources[0].id"}}},
			Directory: []Entry{
				{DN: "uid=ada,dc=example",
					Values: []Values{{"mail", Exactly, []string{"a@example.com", "b@example.com"}}, {"title", Exactly, nil}, {"member", Includes, []string{"uid={ada}"}}},
					Bind:   []Bind{{"one two", false}, {"three", true}}},
				{DN: "uid=bob,dc=example", IsGone: true},
			},
		},
		{Title: "Another title", Sources: []string{"Another source."}, Line: 37,
			Request: Request{Method: "GET", Target: "/Users"}, Becomes: []string{"search User"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadRefuses(t *testing.T) {
	const start = "# source\n=== T\nGET /Users\n\n"
	const becomes = start + "becomes:\n  x\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                   {"# only a comment\n", "there is no step"},
		"no title":                  {"# source\nGET /Users\n", "line 2: expected a title"},
		"no source":                 {"=== T\nGET /Users\n", "has no comment"},
		"a source used up":          {becomes + "=== U\nGET /Users\n\nbecomes:\n  x\n", "has no comment"},
		"no request":                {"# source\n=== T\n\n", "expected a request line"},
		"a method in lower case":    {"# source\n=== T\nget /Users\n", "expected a request line"},
		"no header field":           {"# source\n=== T\nGET /Users\n{\"a\": 1}\n", "expected a header field"},
		"no becomes":                {start + "answers: 200\n", "has no becomes:"},
		"becomes on one line":       {start + "becomes: x\n", "becomes: is followed by indented lines"},
		"a status that is none":     {becomes + "answers: yes\n", "expected answers: 200 or 204"},
		"a body that is not JSON":   {becomes + "answers: 200\n  {\n", "the answer is not JSON"},
		"absent before answers":     {becomes + "absent: x\n", "absent: stands before answers:"},
		"nothing absent":            {becomes + "answers: 200\nabsent:\n", "expected absent: name"},
		"a header without value":    {becomes + "answers: 200\nheader: x\n", "expected header: Name: value"},
		"a name that cannot be":     {becomes + "answers: 200\nremember: A B = id\n", "expected remember: name = path"},
		"no DN":                     {becomes + "directory: somewhere\n  a: b\n", "expected directory: and a DN"},
		"nothing about an entry":    {becomes + "directory: uid=a\n", "nothing is said about uid=a"},
		"a line that is none":       {becomes + "directory: uid=a\n  binds with x\n", "expected attribute: value"},
		"absent and with a value":   {becomes + "directory: uid=a\n  a: -\n  a: b\n", "a is said to be absent"},
		"with a value and absent":   {becomes + "directory: uid=a\n  a: b\n  a: -\n", "a is said to be absent"},
		"a line outside of section": {becomes + "\nnonsense\n", "expected one of becomes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read("x", c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestReadOfAnotherVersion(t *testing.T) {
	const step = "# Source.\n=== T\nGET /Users\n\nbecomes:\n  search User\n"
	d, err := Read("x", "# About.\n\nspeaks: SCIM 1.1\n\n"+step)
	if err != nil {
		t.Fatal(err)
	}
	if d.Version != "1.1" || !slices.Equal(d.About, []string{"About."}) || len(d.Steps) != 1 || !slices.Equal(d.Steps[0].Sources, []string{"Source."}) {
		t.Errorf("read as %+v", d)
	}
	for text, want := range map[string]string{
		"# About.\nspeaks: SCIM 3\n" + step:              "expected speaks: SCIM 1.1",
		step + "\n# About.\nspeaks: SCIM 1.1\n\n" + step: "expected a title",
		"speaks: SCIM 1.1\n" + step:                      "expected a title",
	} {
		if _, err := Read("x", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestExpand(t *testing.T) {
	d, err := Read("example", example)
	if err != nil {
		t.Fatal(err)
	}
	before := cmp.Diff(nil, d)
	s, err := d.Steps[0].Expand(map[string]string{"ada": "4711"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{s.Request.Target, "/Users/4711?x=y"}, {s.Becomes[0], "update User 4711"},
		{s.Answer.Body, "{\"id\": \"4711\",\n \"list\": []}"}, {s.Answer.Header[0].Value, "*/Users/4711"},
		{s.Directory[0].Values[2].Values[0], "uid=4711"}, {s.Request.Body, "{\"a\":\n\n 1}"},
	} {
		if c[0] != c[1] {
			t.Errorf("got %s, want %s", c[0], c[1])
		}
	}
	if after := cmp.Diff(nil, d); after != before {
		t.Error("expanding a step changed the dialogue")
	}
	if _, err := d.Steps[0].Expand(nil); err == nil || !strings.Contains(err.Error(), "{ada}") {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestTestdata reads the dialogues of this repository: all of them can be
// read, and no title stands twice in a file.
func TestTestdata(t *testing.T) {
	all, err := ReadAll(os.DirFS("../../testdata/dialogues"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("there are none")
	}
	for _, d := range all {
		titles := map[string]bool{}
		for _, s := range d.Steps {
			if titles[s.Title] {
				t.Errorf("%s: the title %q stands twice", d.Name, s.Title)
			}
			titles[s.Title] = true
		}
	}
}
