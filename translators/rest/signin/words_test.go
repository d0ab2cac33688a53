package signin

import (
	"strings"
	"testing"
)

func TestHide(t *testing.T) {
	tests := map[string]struct {
		text, want string
		secrets    []string
	}{
		"as it is":            {"the key a/b+c&d is wrong", "the key *** is wrong", []string{"a/b+c&d"}},
		"in a query":          {"/x?k=a%2Fb%2Bc%26d&y", "/x?k=***&y", []string{"a/b+c&d"}},
		"in small letters":    {"/x?k=a%2fb%2bc%26d", "/x?k=***", []string{"a/b+c&d"}},
		"a blank":             {"?k=se+cret ?k=se%20cret", "?k=*** ?k=***", []string{"se cret"}},
		"in a path":           {"/a%2Fb+c&d/x", "/***/x", []string{"a/b+c&d"}},
		"in JSON":             {`{"k":"q\"u\\o"}`, `{"k":"***"}`, []string{`q"u\o`}},
		"in HTML":             {"<b>a&lt;b&amp;c</b>", "<b>***</b>", []string{"a<b&c"}},
		"in base64":           {"Basic dXNlcjpwYXNz", "Basic ***", []string{"user:pass"}},
		"one in another":      {"secretive secret", "*** ***", []string{"secret", "secretive"}},
		"cut off":             {`says "no such key abcdefgh…": status`, `says "no such key ***…": status`, []string{"abcdefghijkl"}},
		"cut behind a blank":  {"key abc …", "key ***…", []string{"abcdef"}},
		"cut within a letter": {"key aéa…", "key ***…", []string{"aéaü-longer"}},
		"nothing of it":       {"to be continued…", "to be continued…", []string{"abcdef"}},
		"too short":           {"no no", "no no", []string{"no", ""}},
		"no secrets":          {"text…", "text…", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Hide(test.text, test.secrets...); got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func FuzzHide(f *testing.F) {
	f.Add("a b%2Fc…", "b/c", "x")
	f.Fuzz(func(t *testing.T, text, one, other string) {
		got := Hide(text, one, other)
		for _, secret := range []string{one, other} {
			if len([]rune(secret)) >= leastHidden && !strings.ContainsAny(secret, "*…") && strings.Contains(got, secret) {
				t.Errorf("%q stands in %q", secret, got)
			}
		}
	})
}
