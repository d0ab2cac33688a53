package scim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeSort(t *testing.T) {
	for query, want := range map[string]string{
		"sortBy=userName":                      "sort by userName",
		"SORTBY=USERNAME&sortOrder=Ascending":  "sort by userName",
		"sortBy=userName&sortOrder=DESCENDING": "sort by userName descending",
		"sortBy=userName&sortOrder=":           "sort by userName",
		"sortBy=&sortOrder=descending":         "",
		"sortOrder=descending":                 "",
		"sortBy=+name.familyName+":             "sort by name.familyName",
		"sortBy=emails":                        "sort by emails.value",
		"sortBy=emails.type":                   "sort by emails.type",
		"sortBy=manager":                       "sort by " + SchemaEnterprise + ":manager.value",
		"sortBy=" + strings.ToLower(SchemaEnterprise) + ":department": "sort by " + SchemaEnterprise + ":department",
		"sortBy=id":                         "sort by id",
		"sortBy=meta.lastModified":          "sort by meta.lastModified",
		"sortBy=meta.location":              "sort by meta.location",
		"sortBy=userName&sortOrder=up":      `400 invalidValue: sortOrder is "up"; expected ascending or descending`,
		"sortOrder=up":                      `400 invalidValue: sortOrder is "up"; expected ascending or descending`,
		"sortBy=shoeSize":                   `400 invalidValue: sortBy: the attribute "shoeSize" is not mapped by this gateway; sort by one that /Schemas shows, by id or by meta.lastModified: unknown attribute "shoeSize" at position 1`,
		"sortBy=emails[type+eq+%22work%22]": `400 invalidValue: sortBy: the attribute "emails[type eq \"work\"]" is not mapped by this gateway; sort by one that /Schemas shows, by id or by meta.lastModified: unknown attribute "emails[type eq \"work\"]" at position 1`,
		"sortBy=password":                   "400 invalidValue: sortBy: password is never shown, and an order would show it; sort by another attribute",
		"sortBy=name":                       "400 invalidValue: sortBy: name is complex; sort by one of its sub-attributes: name.formatted, name.familyName, name.givenName, name.middleName, name.honorificPrefix, name.honorificSuffix",
		"sortBy=groups":                     "400 invalidValue: sortBy: groups are references to others, which have no order; sort by another attribute",
		"sortBy=groups.display":             "400 invalidValue: sortBy: groups are references to others, which have no order; sort by another attribute",
		"sortBy=manager.$ref":               "400 invalidValue: sortBy: " + SchemaEnterprise + ":manager.$ref is made from the value beside it; sort by " + SchemaEnterprise + ":manager.value",
		"sortBy=schemas":                    "400 invalidValue: sortBy: schemas have no order; sort by meta.resourceType or by an attribute",
		"sortBy=meta":                       "400 invalidValue: sortBy: meta is complex; sort by one of its sub-attributes: meta.resourceType, meta.created, meta.lastModified, meta.location, meta.version",
	} {
		t.Run(query, func(t *testing.T) {
			got := decoded(everything(), Request{Method: "GET", Path: "/Users", RawQuery: query})
			if got = strings.TrimPrefix(strings.TrimPrefix(got, "search User"), "\n  "); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	got := decoded(everything(), Request{Method: "GET", Path: "/Groups", RawQuery: "sortBy=members.value"})
	if want := "400 invalidValue: sortBy: members are references to others, which have no order; sort by another attribute"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// sortable is a type with an attribute of each kind that has an order of its own.
func sortable(t *testing.T) *ResourceType {
	t.Helper()
	rt, err := NewResourceType("Thing", "/Things", "", &Schema{ID: "urn:example:Thing", Attributes: []*Attribute{
		{Name: "name"},
		{Name: "code", CaseExact: true},
		{Name: "size", Type: TypeDecimal},
		{Name: "seen", Type: TypeDateTime},
		{Name: "good", Type: TypeBoolean},
		{Name: "tags", MultiValued: true},
		{Name: "mails", Type: TypeComplex, MultiValued: true, SubAttributes: []*Attribute{
			{Name: "value"}, {Name: "primary", Type: TypeBoolean},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

func TestSortCompare(t *testing.T) {
	rt := sortable(t)
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		by   string
		jobs []string // in ascending order, "=" before one that is like the one before it
	}{
		"texts without case":      {"name", []string{`{"name":"Ada"}`, `={"name":"ADA"}`, `{"name":"bob"}`, `{"name":"bobby"}`, `{"name":"Émile"}`, `={"name":"émile"}`, `{}`, `={"name":""}`}},
		"texts to the letter":     {"code", []string{`{"code":"B"}`, `{"code":"a"}`, `{}`}},
		"numbers":                 {"size", []string{`{"size":-1}`, `{"size":2}`, `={"size":2.0}`, `{"size":1e1}`, `{}`}},
		"instants":                {"seen", []string{`{"seen":"2026-01-01T12:00:00+05:00"}`, `={"seen":"2026-01-01T07:00:00Z"}`, `{"seen":"2026-01-01T08:00:00"}`, `{}`}},
		"booleans":                {"good", []string{`{"good":false}`, `{"good":true}`, `{}`}},
		"the first of several":    {"tags", []string{`{"tags":["a","z"]}`, `{"tags":["b","a"]}`, `{}`}},
		"the primary of several":  {"mails", []string{`{"mails":[{"value":"z"},{"value":"a","primary":true}]}`, `{"mails":[{"value":"b"},{"value":"a"}]}`, `{"mails":[{"primary":true},{"value":"a"}]}`}},
		"a part without any list": {"mails.primary", []string{`{"mails":[{"value":"x","primary":false}]}`, `{"mails":[{"primary":true}]}`, `{"mails":[{"value":"x"}]}`, `={}`}},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := sortTarget(rt, c.by)
			if err != nil {
				t.Fatal(err)
			}
			rank := 0
			var ranks []int
			var resources []*Resource
			for i, text := range c.jobs {
				same, isSame := strings.CutPrefix(text, "=")
				if !isSame && i > 0 {
					rank++
				}
				ranks = append(ranks, rank)
				resources = append(resources, given(t, rt, same))
			}
			for _, s := range []Sort{{By: target}, {By: target, Descending: true}} {
				for i, a := range resources {
					for j, b := range resources {
						want := ranks[i] - ranks[j]
						if s.Descending {
							want = -want
						}
						if got := s.Compare(a, b); sign(got) != sign(want) {
							t.Errorf("%v: %s against %s: %d", s, c.jobs[i], c.jobs[j], got)
						}
					}
				}
			}
		})
	}
	for by, set := range map[string]func(r *Resource, n int){
		"id":                func(r *Resource, n int) { r.ID = "id" + string(rune('0'+n)) },
		"meta.created":      func(r *Resource, n int) { r.Meta.Created = day(n) },
		"meta.lastModified": func(r *Resource, n int) { r.Meta.LastModified = day(n) },
		"meta.version":      func(r *Resource, n int) { r.Meta.Version = string(rune('0' + n)) },
		"meta.location":     func(r *Resource, n int) { r.ID = "id" + string(rune('0'+n)) },
	} {
		target, err := sortTarget(rt, by)
		if err != nil {
			t.Fatal(err)
		}
		var all []*Resource
		for _, n := range []int{2, 0, 1, 3} {
			r := NewResource(rt)
			if n > 0 {
				set(r, n)
			}
			r.Set(rt.Attribute("size"), Number(string(rune('0'+n))))
			all = append(all, r)
		}
		sorted := func(s Sort) (text string) {
			slices.SortStableFunc(all, s.Compare)
			for _, r := range all {
				text += r.Get(rt.Attribute("size")).Text()
			}
			return text
		}
		want := []string{"1230", "0321"}
		if by == "meta.location" { // every resource has one
			want = []string{"0123", "3210"}
		}
		if diff := cmp.Diff(want, []string{sorted(Sort{By: target}), sorted(Sort{target, true})}); diff != "" {
			t.Errorf("%s: %s", by, diff)
		}
	}
}

// TestSortCompareAcrossTypes holds that a search over several types has one order.
func TestSortCompareAcrossTypes(t *testing.T) {
	users, groups := UserType(), GroupType()
	target, err := sortTarget(users, "displayName")
	if err != nil {
		t.Fatal(err)
	}
	ada, admins, nobody := given(t, users, `{"displayName":"Ada"}`), given(t, groups, `{"displayName":"admins"}`), given(t, groups, `{}`)
	s := Sort{By: target}
	if thing := given(t, sortable(t), `{"name":"x"}`); (Sort{By: Target{Attribute: &Attribute{Name: "name", schema: "urn:other"}}}).value(thing).Text() != "x" {
		t.Error("the base attribute of another schema is not found by its name")
	}
	if s.Compare(ada, admins) >= 0 || s.Compare(admins, ada) <= 0 || s.Compare(nobody, ada) <= 0 || s.Compare(ada, given(t, UserType(), `{"displayName":"ADA"}`)) != 0 {
		t.Error("users and groups have no common order")
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func TestCompareFoldedIsFolded(t *testing.T) {
	a := &Attribute{Name: "x"}
	texts := []string{"", "a", "A", "b", "ab", "ä", "Ä", "ß", "ẞ", "ſ", "s", "K", "k", "z", "\xff", "\ufffd", "😀", "日本"}
	for _, s := range texts {
		for _, u := range texts {
			if got, want := sign(compareFolded(s, u)), strings.Compare(folded(a, s), folded(a, u)); got != want {
				t.Errorf("%q against %q: %d, want %d", s, u, got, want)
			}
		}
	}
}
