package scim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sortBy returns the order by a path of the type.
func sortBy(t *testing.T, typ *ResourceType, name string) Sort {
	t.Helper()
	target, found := ParseTarget(typ, name)
	if !found {
		t.Fatalf("there is no %s", name)
	}
	return Sort{By: target}
}

func TestSortKeys(t *testing.T) {
	typ := UserType()
	for _, test := range []struct {
		by   string
		want []string // resources in order, each with its name in title
	}{
		{"userName", []string{
			`{"title":"b","userName":"10"}`, `{"title":"c","userName":"9"}`,
			`{"title":"d","userName":"ADA"}`, `{"title":"e","userName":"bob"}`, `{"title":"f","userName":"Zoë"}`,
			`{"title":"g","userName":"Öser"}`, `{"title":"h"}`,
		}},
		{"externalId", []string{`{"title":"a","externalId":"a"}`, `{"title":"b","externalId":"B"}`, `{"title":"c","externalId":""}`}},
		{"name.familyName", []string{`{"title":"a","name":{"familyName":"hopper"}}`, `{"title":"b","name":{"familyName":"Lovelace"}}`, `{"title":"c","name":{"givenName":"A"}}`}},
		{"active", []string{`{"title":"a","active":false}`, `{"title":"b","active":true}`, `{"title":"c"}`}},
		{"emails.value", []string{
			`{"title":"a","emails":[{"value":"z@example.com"},{"value":"a@example.com","primary":true},{"value":"b@example.com"}]}`,
			`{"title":"b","emails":[{"value":"B@example.com"},{"value":"a@example.com"}]}`,
			`{"title":"c","emails":[{"type":"work"}]}`,
		}},
	} {
		by := sortBy(t, typ, test.by)
		for _, descending := range []bool{false, true} {
			by.Descending = descending
			var resources []*Resource
			var want []string
			for _, text := range test.want {
				r := given(t, typ, text)
				resources = append(resources, r)
				want = append(want, r.Get(typ.Attribute("title")).Text())
			}
			if descending {
				slices.Reverse(want)
			} else {
				slices.Reverse(resources)
			}
			slices.SortStableFunc(resources, func(a, b *Resource) int { return by.CompareKeys(by.Key(a), by.Key(b)) })
			for _, a := range resources {
				for _, b := range resources {
					keys, values := by.CompareKeys(by.Key(a), by.Key(b)), by.Compare(a, b)
					if (keys < 0) != (values < 0) || (keys > 0) != (values > 0) {
						t.Errorf("by %s: keys compare %d, resources %d", test.by, keys, values)
					}
				}
			}
			var got []string
			for _, r := range resources {
				got = append(got, r.Get(typ.Attribute("title")).Text())
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("by %s, descending %t: (-want +got)\n%s", test.by, descending, d)
			}
		}
	}
}

// Instants are ordered as such, whatever zone they are written in, and what is no
// dateTime comes behind them; the id and meta are no fields.
func TestSortKeysOfInstants(t *testing.T) {
	typ := UserType()
	by := sortBy(t, typ, "meta.created")
	early, late := NewResource(typ), NewResource(typ)
	early.ID, late.ID = "2", "1"
	early.Meta.Created = time.Date(2026, 1, 2, 23, 0, 0, 0, time.FixedZone("", -3600))
	late.Meta.Created = time.Date(2026, 1, 3, 0, 30, 0, 0, time.UTC)
	if by.CompareKeys(by.Key(early), by.Key(late)) >= 0 || by.CompareKeys(by.Key(late), by.Key(NewResource(typ))) >= 0 {
		t.Error("meta.created is not ordered by the instant, missing ones last")
	}
	if by = sortBy(t, typ, "id"); by.CompareKeys(by.Key(early), by.Key(late)) <= 0 {
		t.Error("ids are not ordered")
	}
	instant := &Attribute{Name: "at", Type: TypeDateTime}
	a, b := keyOf(instant, String("2026-01-03T00:00:00+02:00")), keyOf(instant, String("2026-01-02T22:00:00Z"))
	if compareKeys(a, b) != 0 || compareKeys(a, keyOf(instant, String("2025"))) >= 0 {
		t.Error("one instant in two zones is not the same, or before what is none")
	}
	exact := &Attribute{Name: "key", CaseExact: true}
	if compareKeys(keyOf(exact, String("B")), keyOf(exact, String("a"))) >= 0 {
		t.Error("what is case-exact is not ordered so")
	}
	number := &Attribute{Name: "n", Type: TypeDecimal}
	if compareKeys(keyOf(number, Number("9")), keyOf(number, Number("1e1"))) >= 0 || compareKeys(keyOf(number, Number("1.0")), keyOf(number, Number("1"))) != 0 {
		t.Error("numbers are not ordered by what they are worth")
	}
	if string(a.Append(nil)) != string(b.Append(nil)) || string(a.Append(nil)) == string(SortKey{}.Append(nil)) {
		t.Error("the digest does not tell keys apart as they are compared")
	}
	if text := strings.Repeat("x", 3); by.Key(NewResource(typ)) != (SortKey{}) || keyOf(typ.Attribute("title"), String(text)) == (SortKey{}) {
		t.Error("the zero key is not that of a missing value alone")
	}
}
