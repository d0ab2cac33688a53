package rest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

func TestReferences(t *testing.T) {
	tests := []struct {
		name, path, without string
		isNumber            bool
		record              string
		in                  []string
		add, remove         []string
		want                string // of the field; "" when nothing changes
	}{
		{name: "a plain list", path: "user_ids", isNumber: true, record: `{"user_ids":[5,7]}`, in: []string{"5", "7"}, add: []string{"6"}, remove: []string{"5"}, want: "[7,6]"},
		{name: "a plain list with a #", path: "user_ids.#", record: `{"user_ids":["a"]}`, in: []string{"a"}, add: []string{"b"}, want: `["a","b"]`},
		{name: "no list yet", path: "user_ids", record: `{}`, add: []string{"5"}, want: `["5"]`},
		{name: "a list that is null", path: "user_ids", record: `{"user_ids":null}`, add: []string{"5"}, want: `["5"]`},
		{name: "the last one goes", path: "user_ids", record: `{"user_ids":["5"]}`, in: []string{"5"}, remove: []string{"5"}, want: "[]"},
		{name: "objects keep what is in them", path: "users.#.id", isNumber: true, record: `{"users":[{"id":5,"since":"2020","role":{"x":1}},{"id":6}]}`, in: []string{"5", "6"},
			add: []string{"7"}, remove: []string{"6"}, want: `[{"id":5,"since":"2020","role":{"x":1}},{"id":7}]`},
		{name: "an object without a reference stays", path: "users.#.id", record: `{"users":[{"name":"x"},{"id":"5"}]}`, in: []string{"5"}, remove: []string{"5"}, want: `[{"name":"x"}]`},
		{name: "below an object", path: "a.users.#.ref.id", record: `{"a":{"users":[{"ref":{"id":"5"}}]}}`, in: []string{"5"}, add: []string{"6"}, want: `[{"ref":{"id":"5"}},{"ref":{"id":"6"}}]`},
		{name: "who is there is not added", path: "user_ids", record: `{"user_ids":["5"]}`, in: []string{"5"}, add: []string{"5"}},
		{name: "who is not there is not removed", path: "user_ids", record: `{"user_ids":["5"]}`, in: []string{"5"}, remove: []string{"6"}},
		{name: "one who stands twice", path: "user_ids", record: `{"user_ids":["5","5"]}`, in: []string{"5"}, remove: []string{"5"}, want: "[]"},
		{name: "quotes are data", path: "names", record: `{"names":[]}`, add: []string{`a","b`}, want: `["a\",\"b"]`},

		{name: "a single one", path: "role", without: "none", record: `{"role":"none"}`, add: []string{"admin"}, want: `"admin"`},
		{name: "a single one instead of another", path: "role", without: "none", record: `{"role":"agent"}`, in: []string{"agent"}, add: []string{"admin"}, want: `"admin"`},
		{name: "a single one goes", path: "role", without: "none", record: `{"role":"agent"}`, in: []string{"agent"}, remove: []string{"agent"}, want: `"none"`},
		{name: "another one is not taken away", path: "role", without: "none", record: `{"role":"agent"}`, in: []string{"agent"}, remove: []string{"admin"}},
		{name: "none is a number", path: "role_id", without: "0", isNumber: true, record: `{"role_id":0}`, add: []string{"3"}, want: "3"},
		{name: "none is null", path: "role_id", without: "null", isNumber: true, record: `{"role_id":3}`, in: []string{"3"}, remove: []string{"3"}, want: "null"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := newReferences(tt.path, tt.without, tt.isNumber)
			if err != nil {
				t.Fatal(err)
			}
			record := gjson.Parse(tt.record)
			if got := r.in(record); !slices.Equal(got, tt.in) {
				t.Errorf("the references are %q, want %q", got, tt.in)
			}
			field, isChanged, err := r.with(record, tt.add, tt.remove)
			if err != nil {
				t.Fatal(err)
			}
			if isChanged != (tt.want != "") || isChanged && field.raw != tt.want {
				t.Errorf("the field becomes %s (changed: %v), want %s", field.raw, isChanged, tt.want)
			}
		})
	}
}

func TestReferencesRefused(t *testing.T) {
	if _, err := newReferences("roles.#", "none", false); err == nil || !strings.Contains(err.Error(), "without") {
		t.Errorf("a list with without: %v", err)
	}
	r, err := newReferences("users.#(active==true).id", "", false)
	if err == nil && r.canWrite() == nil {
		t.Error("a path that picks elements can be written")
	}
}

// TestReferencesOfALargeGroup: what is done with the members of a group takes time by
// their number, not by its square.
func TestReferencesOfALargeGroup(t *testing.T) {
	const size = 300_000
	var members []string
	for i := range size {
		members = append(members, fmt.Sprintf("%08d-aaaa-bbbb-cccc-dddddddddddd", i))
	}
	r, err := newReferences("user_ids", "", false)
	if err != nil {
		t.Fatal(err)
	}
	record := gjson.Parse(`{"user_ids":["` + strings.Join(members, `","`) + `"]}`)
	began := time.Now()
	field, isChanged, err := r.with(record, append([]string{"one more"}, members[size/2:]...), members[:size/2])
	if err != nil || !isChanged || len(gjson.Parse(field.raw).Array()) != size/2+1 {
		t.Errorf("%v, %v", isChanged, err)
	}
	c := new(memberCall)
	for _, name := range members {
		c.add = append(c.add, member{name: name})
	}
	if !c.isSo(members) {
		t.Error("the members are not said to be so")
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}
