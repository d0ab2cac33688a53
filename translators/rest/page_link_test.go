package rest

import (
	"strings"
	"testing"
)

func TestNextLink(t *testing.T) {
	tests := map[string]struct {
		values []string
		next   string
	}{
		"one":                            {[]string{`<https://x/users?page=2>; rel="next"`}, "https://x/users?page=2"},
		"among others":                   {[]string{`<a>; rel="prev", <b>; rel="next", <c>; rel="last"`}, "b"},
		"in several headers":             {[]string{`<a>; rel=first`, `<b>; rel=next`}, "b"},
		"a list of relations":            {[]string{`<a>; rel="last  next"`}, "a"},
		"without case":                   {[]string{`<a>; REL="Next"`}, "a"},
		"a comma and more in the URL":    {[]string{`<a?x=1,2;3>; rel="next"`}, "a?x=1,2;3"},
		"a comma in a title":             {[]string{`<a>; title="x, <y>; rel=\"next\""; rel="prev", <b>; rel=next`}, "b"},
		"blanks":                         {[]string{" , <a>  ;  rel = next ,, "}, "a"},
		"without a value":                {[]string{`<a>; crossorigin; rel=next`}, "a"},
		"the first rel counts":           {[]string{`<a>; rel=prev; rel=next`}, ""},
		"of another page":                {[]string{`<a>; anchor="#x"; rel=next`}, ""},
		"no next":                        {[]string{`<a>; rel=last`}, ""},
		"a relation that begins so":      {[]string{`<a>; rel=nextish`}, ""},
		"no rel":                         {[]string{`<a>`}, ""},
		"none":                           {nil, ""},
		"empty":                          {[]string{""}, ""},
		"the first of two":               {[]string{`<a>; rel=next, <b>; rel=next`}, "a"},
		"relative":                       {[]string{`</users?after=x>; rel=next`}, "/users?after=x"},
		"a quoted text with a backslash": {[]string{`<a>; rel="ne\xt"`}, "a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			next, err := nextLink(test.values)
			if next != test.next || err != nil {
				t.Errorf("got %q, %v", next, err)
			}
		})
	}
}

func TestNextLinkRefuses(t *testing.T) {
	for _, value := range []string{`https://x; rel=next`, `<a; rel=next`, `<a> rel=next`, `<a>; rel="next`, `<a>; rel="\`, `<a>x`} {
		if next, err := nextLink([]string{value}); err == nil {
			t.Errorf("%s: got %q", value, next)
		}
	}
}

func FuzzNextLink(f *testing.F) {
	f.Add(`<a>; rel="prev", <b>; rel="next"; title="x\"y"`)
	f.Add(`<a`)
	f.Fuzz(func(t *testing.T, value string) {
		next, err := nextLink([]string{value})
		if err != nil {
			return
		}
		if !strings.Contains(value, next) {
			t.Errorf("%q is not in %q", next, value)
		}
		if strings.Contains(next, ">") {
			t.Errorf("%q goes on behind its end", next)
		}
	})
}
