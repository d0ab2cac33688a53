package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/scim"
)

// operationsOf makes operations of lines: method, path, bulkId or -, and the
// bulkIds that the members refer to.
func operationsOf(lines ...string) []scim.BulkOperation {
	var all []scim.BulkOperation
	for _, line := range lines {
		words := strings.Fields(line)
		op := scim.BulkOperation{Method: words[0], Path: words[1]}
		if len(words) > 2 && words[2] != "-" {
			op.BulkID = words[2]
		}
		var members []string
		for _, id := range words[min(3, len(words)):] {
			members = append(members, fmt.Sprintf(`{"value":"bulkId:%s"}`, id))
		}
		if op.Method != "DELETE" {
			op.Data = fmt.Appendf(nil, `{"displayName":"x","members":[%s]}`, strings.Join(members, ","))
		}
		all = append(all, op)
	}
	return all
}

func TestOrder(t *testing.T) {
	for name, test := range map[string]struct {
		operations []string
		want       string // numbers of operations, "a" behind the first of two steps and "b" behind the second, "!" behind what is circular
	}{
		"nothing refers":            {[]string{"POST /Users a", "DELETE /Users/1", "POST /Users b"}, "1 2 3"},
		"backwards":                 {[]string{"POST /Groups g b a", "POST /Users b", "POST /Users a"}, "2 3 1"},
		"a chain":                   {[]string{"POST /Groups a b", "POST /Groups b c", "POST /Groups c d", "POST /Users d"}, "4 3 2 1"},
		"others keep their place":   {[]string{"PATCH /Groups/1 - a", "DELETE /Users/2", "POST /Users a", "DELETE /Users/3"}, "2 3 1 4"},
		"the path refers":           {[]string{"PATCH /Users/bulkId:a", "POST /Users a", "DELETE /users/bulkId:a/"}, "2 1 3"},
		"the same resource":         {[]string{"PATCH /Groups/1 - a", "PATCH /groups/1/", "DELETE /Groups/1", "DELETE /Groups/2", "POST /Users a"}, "4 5 1 2 3"},
		"me, who may be anybody":    {[]string{"PATCH /Users/1 - a", "PATCH /Me", "PATCH /Users/2", "POST /Users a", "DELETE /Me"}, "4 1 2 3 5"},
		"each other":                {[]string{"POST /Groups a b", "POST /Groups b a"}, "1a 2 1b"},
		"itself":                    {[]string{"POST /Groups a a"}, "1a 1b"},
		"three, and one behind":     {[]string{"PATCH /Groups/1 - a", "POST /Groups a b", "POST /Groups b c", "POST /Groups c a"}, "2a 4 3 2b 1"},
		"two circles with one node": {[]string{"POST /Groups a b c", "POST /Groups b a", "POST /Groups c a"}, "1a 2 3 1b"},
		"a change waits for all":    {[]string{"DELETE /Groups/bulkId:a", "POST /Groups a b", "POST /Groups b a"}, "2a 3 2b 1"},
		"unknown":                   {[]string{"POST /Groups a nobody", "POST /Users b"}, "1 2"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range sequence(operationsOf(test.operations...)) {
				got = append(got, fmt.Sprint(s.index+1)+map[part]string{whole: "", deferring: "a", completing: "b", circular: "!"}[s.part])
			}
			if text := strings.Join(got, " "); text != test.want {
				t.Errorf("the order is %s, want %s", text, test.want)
			}
		})
	}
	circle := []scim.BulkOperation{
		{Method: "POST", Path: "/Users", BulkID: "a", Data: []byte(`{"userName":"bulkId:b"}`)},
		{Method: "POST", Path: "/Users", BulkID: "b", Data: []byte(`{"userName":"bulkId:a"}`)},
		{Method: "DELETE", Path: "/Users/bulkId:a"},
	}
	if steps := sequence(circle); len(steps) != 3 || steps[0].part != circular || steps[1].part != circular || steps[2].part != whole {
		t.Errorf("what can't be put off: %v", steps)
	}
}

// Each operation has its turn, once, whatever refers to whatever; and many in a
// long chain are put in order in no time to speak of.
func TestOrderOfMany(t *testing.T) {
	const n = 20_000
	lines := make([]string, 0, n)
	for i := range n - 1 {
		lines = append(lines, fmt.Sprintf("POST /Groups g%d g%d", i, i+1))
	}
	lines = append(lines, fmt.Sprintf("POST /Groups g%d g0", n-1))
	begun := time.Now()
	steps := sequence(operationsOf(lines...))
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if len(steps) != n+1 || steps[0].index != 0 || steps[0].part != deferring || steps[n].part != completing {
		t.Errorf("there are %d steps", len(steps))
	}
	turns := make([]int, n)
	for _, s := range steps {
		if s.part != completing {
			turns[s.index]++
		}
	}
	if slices.Max(turns) != 1 || slices.Min(turns) != 1 {
		t.Error("not each operation has one turn")
	}
}
