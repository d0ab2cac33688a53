package expression

import (
	"slices"
	"strings"
	"testing"
)

// TestPaths: what an expression looks at is known before there is data.
func TestPaths(t *testing.T) {
	for text, want := range map[string]string{
		`record.state == "RETIRED"`:                                 "state",
		`record.work.state == "gone" || record.work.state == "out"`: "work.state",
		`has(record.retired_at)`:                                    "retired_at",
		`record.?left.orValue("") != ""`:                            "left",
		`record.?work.?left.hasValue()`:                             "work.left",
		`record["state"] == 3`:                                      "state",
		`record[?"work"].orValue({}) != {}`:                         "work",
		`record.flags[0] == "x"`:                                    "flags",
		`record.flags[record.n].x == "x"`:                           "n flags",
		`record.flags.exists(f, f == "gone")`:                       "flags",
		`"gone" in record.flags && !(record.kind in ["a", "b"])`:    "flags kind",
		`{"a": record.x}.a == [record.y][0]`:                        "x y",
		`cel.bind(s, record.state, s == "a" || s == "b")`:           "state",
		`string(record.no).startsWith("9")`:                         "no",
		`record == {}`:                                              "*",
		`cel.bind(r, record, r.state == "x")`:                       "*",
		`record[id] == "x"`:                                         "*",
		`record.map(k, k).size() == 2`:                              "*",
		`id == "7"`:                                                 "",
	} {
		e, err := Compile(text, "record", "id")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		paths, isWhole := e.Paths("record")
		var got []string
		for _, names := range paths {
			got = append(got, strings.Join(names, "."))
		}
		if isWhole {
			got = []string{"*"}
		}
		slices.Sort(got)
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("%s looks at %q, want %q", text, got, wanted)
		}
	}
}
