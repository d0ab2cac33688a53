package expression

import (
	"errors"
	"strings"
	"testing"
)

// Whatever the data is, an expression ends soon: what is too much for it is an error of its
// own, since it says nothing of the value.
func TestEvaluationsAreBounded(t *testing.T) {
	long := `"` + strings.Repeat("a", 8<<20) + `"`
	list := "[" + strings.Repeat("1,", 2<<20) + "1]"
	texts := "[" + strings.Repeat(`"ab",`, 1<<20) + `"zz"]`
	for _, test := range []struct{ text, value string }{
		{`regex.extractAll(value, "a")`, long},
		{`value.replace("a", "bb")`, long},
		{`value.matches("^(a|aa|aaa)*x")`, long},
		{`value.filter(x, x > 5)`, list},
		{`value.exists(x, value.exists(y, x < y - 5))`, list},
		{`value.distinct()`, texts},
		{`value.sort()`, texts},
		{`value.join(",").split(",").join("-")`, texts},
		{`lists.range(10000).map(i, value).join("")`, long},
		{`value.filter(x, x > 5)`, "[" + strings.Repeat("1,", 90_000) + "1]"},
		{`value.distinct()`, "[" + strings.Repeat(`"ab",`, 90_000) + `"zz"]`},
		{`value.replace("a", value).replace("a", value)`, `"` + strings.Repeat("a", 3000) + `"`},
		{`regex.extractAll(value, "a")`, `"` + strings.Repeat("a", 900<<10) + `"`},
	} {
		e, err := Compile(test.text, "value")
		if err != nil {
			t.Fatal(err)
		}
		if _, err = e.Evaluate(map[string]string{"value": test.value}); !errors.Is(err, ErrTooMuch) {
			t.Errorf("%s: %v", test.text, err)
		}
	}
}
