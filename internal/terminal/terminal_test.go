package terminal

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLongTextsAreShortened(t *testing.T) {
	body := Compact(`{"schemas": ["urn:a", "urn:b"], "a": "` + strings.Repeat("x", 20) + `", "b": "` + strings.Repeat("ö", 30) + `"}`)
	want := []string{`{"a":"` + strings.Repeat("x", 20) + `",`, `"b":"` + strings.Repeat("ö", 24) + "…"}
	if diff := cmp.Diff(want, Lines(body, 30, 2)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one two", "three"}, Wrap("one  two\nthree", 9)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMark(t *testing.T) {
	var out bytes.Buffer
	if got := (Writer{Out: &out}).Mark(Red, "x"); got != "x" {
		t.Errorf("without colours: %q", got)
	}
	if got := (Writer{Out: &out, Colour: true}).Mark(Red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("with colours: %q", got)
	}
	if Is(&out) {
		t.Error("a buffer is a terminal")
	}
}

// What a server sends can't command the terminal of who watches.
func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"a\tb\r\nc\n":          "a\tb\nc\n",
		"\x1b]0;owned\x07\x9b": "\uFFFD]0;owned\uFFFD\uFFFD",
		"evil\u202etxt":        "evil\uFFFDtxt",
		"Zoë 🙂":                "Zoë 🙂",
	} {
		if got := Plain(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// A name can't write a line of its own.
func TestOneLine(t *testing.T) {
	if got, want := OneLine("ada\nroot\u2028x\x1b[2J"), "ada root x\uFFFD[2J"; got != want {
		t.Errorf("it became %q, want %q", got, want)
	}
}

func TestReadable(t *testing.T) {
	for target, want := range map[string]string{
		"/Users?filter=userName+eq+%22x%22": `/Users?filter=userName eq "x"`,
		"/Users?filter=%0d":                 "/Users?filter=%0d",
		"/Users?filter=%zz":                 "/Users?filter=%zz",
		"/Users/a%2Fb":                      "/Users/a%2Fb",
	} {
		if got := Readable(target); got != want {
			t.Errorf("%s became %s, want %s", target, got, want)
		}
	}
}

func TestPlan(t *testing.T) {
	var out bytes.Buffer
	plan := "# create User\n\n# create the entry\ndn: x\n" + strings.Repeat("a: b\n", 30)
	Writer{Out: &out}.Plan(plan, strings.ToUpper)
	if got := strings.Count(out.String(), "a: b"); got != longest-2 || !strings.Contains(out.String(), "… and 18 more lines") {
		t.Errorf("of 30 lines %d are shown:\n%s", got, out.String())
	}
	if !strings.Contains(out.String(), "# CREATE THE ENTRY\n") || strings.Contains(out.String(), "create User") {
		t.Errorf("shown:\n%s", out.String())
	}
}

func TestFound(t *testing.T) {
	for body, want := range map[string]string{
		`{"totalResults":0}`: "    → found none\n",
		`{"totalResults":2,"Resources":[{"userName":"a"},{"displayName":"b\u001b"}]}`: "    → found 2: a, b\uFFFD\n",
		`{"id":"1"}`: "",
	} {
		var out bytes.Buffer
		Writer{Out: &out}.Found(200, []byte(body))
		if out.String() != want {
			t.Errorf("%s is shown as %q, want %q", body, out.String(), want)
		}
	}
	var out bytes.Buffer
	Writer{Out: &out}.Found(404, []byte(`{"detail":"no such user"}`))
	Writer{Out: &out}.Found(404, []byte(`{"Errors":[{"description":"of SCIM 1.1","code":"404"}]}`))
	Writer{Out: &out}.Found(502, []byte(`<html>`))
	if out.String() != "    → no such user\n    → of SCIM 1.1\n" {
		t.Errorf("errors are shown as %q", out.String())
	}
}
