package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// read returns the sequences of what is found.
func read(t *testing.T, s *store.Store, q journal.Query) []int64 {
	t.Helper()
	found := []int64{}
	for entry, err := range journal.Read(t.Context(), s, q) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, entry.Sequence)
	}
	return found
}

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// story is what happens to a few people at two gateways.
var story = []journal.Entry{
	{Sequence: 1, ID: "r1-1", Time: at(0), Gateway: "directory", Caller: "entra", Token: "tok00001", Address: "192.0.2.10", Request: "r1", Operation: "create", Type: "User", Resource: "id-ada", Name: "Ada.Byron", Result: journal.Applied},
	{Sequence: 2, ID: "r2-1", Time: at(1), Gateway: "directory", Caller: "entra", Token: "tok00001", Request: "r2", Operation: "update", Type: "User", Resource: "id-ada", Name: "Ada.Byron", Result: journal.Applied,
		Changes: []journal.Change{{Attribute: "userName", From: []byte(`"Ada.Byron"`), To: []byte(`"Ada.Lovelace"`)}}},
	{Sequence: 3, ID: "r3-1", Time: at(2), Gateway: "directory", Caller: "okta", Request: "r3", Operation: "update", Type: "Group", Resource: "id-engineers", Name: "Engineers", Result: journal.Applied,
		Members: &journal.Members{Added: []string{"id-ada", "id-bob"}}},
	{Sequence: 4, ID: "r4-1", Time: at(3), Gateway: "tickets", Caller: "entra", Token: "tok00002", Request: "r4", Operation: "create", Type: "User", Resource: "17", Name: "ada.lovelace", Result: journal.Applied},
	{Sequence: 5, ID: "r5-1", Time: at(4), Gateway: "directory", Caller: "entra", Token: "tok00001", Request: "r5", Operation: "disable", Type: "User", Resource: "id-ada", Name: "Ada.Lovelace", Result: journal.Applied, Proof: "proven",
		Ended: at(4).Add(time.Second), Duration: 43*time.Millisecond + 17, Calls: []journal.Call{{Purpose: "lock the account", Text: "dn: uid=ada\n"}}},
	{Sequence: 6, ID: "r6-1", Time: at(5), Gateway: "directory", Caller: "entra", Request: "r6", Operation: "create", Type: "User", Name: "ADA.LOVELACE", Result: journal.NotApplied, Error: "conflict"},
	{Sequence: 7, ID: "r7-1", Time: at(6), Gateway: "directory", Caller: "entra", Request: "r7", Operation: "disable", Type: "User", Resource: "id-bob", Name: "bob"},
	{Sequence: 8, ID: "r7-2", Time: at(7), Gateway: "directory", Caller: "entra", Request: "r7", Operation: "delete", Type: "User", Resource: "id-carol", Name: "carol", Result: journal.Unknown},
	{Sequence: 9, ID: "r8-1", Time: at(8), Gateway: "directory", Caller: "entra", Request: "r8", Operation: "disable", Type: "User", Resource: "id-dave", Name: "dave", Result: journal.Applied, Proof: "refuted"},
	// The same number at another gateway is somebody else.
	{Sequence: 10, ID: "r9-1", Time: at(9), Gateway: "payroll", Caller: "entra", Request: "r9", Operation: "create", Type: "User", Resource: "17", Name: "eve", Result: journal.Applied},
	// Done while the store was away, and imported later.
	{Sequence: 11, ID: "r0-1", Time: at(-5), Gateway: "directory", Caller: "entra", Request: "r0", Operation: "disable", Type: "User", Resource: "id-frank", Name: "frank", Result: journal.Applied, Proof: "proven"},
	{Sequence: 12, ID: "r10-1", Time: at(10), Gateway: "directory", Caller: "entra", Request: "r10", Operation: "update", Type: "Group", Resource: "id-engineers", Name: "Ingenieure", Result: journal.Applied,
		Members: &journal.Members{Removed: []string{"id-ada"}}},
}

func TestRead(t *testing.T) {
	tests := []struct {
		name string
		q    journal.Query
		want []int64
	}{
		{"everything, in the order of time", journal.Query{}, []int64{11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12}},
		{"the latest first", journal.Query{Descending: true, Limit: 3}, []int64{12, 10, 9}},
		{"a person under all names, at all gateways, in groups, and where nobody came of it", journal.Query{Person: "aDa.lovelace"}, []int64{1, 2, 3, 4, 5, 6, 12}},
		{"under the old name", journal.Query{Person: "ada.byron"}, []int64{1, 2, 3, 5, 12}},
		{"by id, in another case", journal.Query{Person: "ID-ADA"}, []int64{1, 2, 3, 5, 12}},
		{"by an id that two people have", journal.Query{Person: "17"}, []int64{4, 10}},
		{"by an id at a gateway", journal.Query{Person: "17", Gateway: "payroll"}, []int64{10}},
		{"somebody whose id is another's elsewhere", journal.Query{Person: "eve"}, []int64{10}},
		{"a member who did nothing else", journal.Query{Person: "id-bob", Until: at(5)}, []int64{3}},
		{"a person at a gateway", journal.Query{Person: "ada.lovelace", Gateway: "tickets"}, []int64{4}},
		{"a person's disables", journal.Query{Person: "ada.lovelace", Operation: "disable"}, []int64{5}},
		{"a group, under both names", journal.Query{Group: "ingenieure"}, []int64{3, 12}},
		{"a group by id", journal.Query{Group: "id-engineers"}, []int64{3, 12}},
		{"a group is no person", journal.Query{Person: "Engineers"}, []int64{}},
		{"a person in a group, whose name was another", journal.Query{Group: "ingenieure", Person: "ada.lovelace"}, []int64{3, 12}},
		{"a token by name", journal.Query{Token: "okta"}, []int64{3}},
		{"a token by id", journal.Query{Token: "tok00002"}, []int64{4}},
		{"a request", journal.Query{Request: "r7"}, []int64{7, 8}},
		{"since is inclusive and until is not", journal.Query{Since: at(3), Until: at(5)}, []int64{4, 5}},
		{"open", journal.Query{Outcome: journal.WantOpen}, []int64{7}},
		{"applied", journal.Query{Outcome: journal.WantApplied, Gateway: "tickets"}, []int64{4}},
		{"not applied", journal.Query{Outcome: journal.WantNotApplied}, []int64{6}},
		{"unknown", journal.Query{Outcome: journal.WantUnknown}, []int64{8}},
		{"unproven", journal.Query{Outcome: journal.WantUnproven}, []int64{9}},
		{"behind an entry", journal.Query{After: story[8].Cursor()}, []int64{10, 12}},
		{"before an entry", journal.Query{After: story[1].Cursor(), Descending: true}, []int64{1, 11}},
		{"nobody", journal.Query{Person: "nobody"}, []int64{}},
		{"wildcards are letters", journal.Query{Person: "ada%"}, []int64{}},
		{"SQL is letters", journal.Query{Person: `' OR 1=1 --`, Gateway: `"; DROP TABLE scim_journal`}, []int64{}},
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		insert(t, s, story...)
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				if diff := cmp.Diff(test.want, read(t, s, test.q)); diff != "" {
					t.Errorf("found (-want +got):\n%s", diff)
				}
			})
		}
	})
}

// What was written is read.
func TestReadWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		insert(t, s, story...)
		i := 0
		for entry, err := range journal.Read(t.Context(), s, journal.Query{After: journal.Cursor{Time: at(-1), Sequence: 1}}) {
			if err != nil {
				t.Fatal(err)
			}
			if i == 10 {
				i++ // imported: before
			}
			if diff := cmp.Diff(story[i], entry); diff != "" {
				t.Errorf("the entry %d (-want +got):\n%s", story[i].Sequence, diff)
			}
			i++
		}
		if i != len(story) {
			t.Errorf("%d entries were read", i)
		}
	})
}

// Who was renamed is found by the new name at once, and by the old one; one that was
// not renamed after all is not.
func TestReadRenamed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		j := journal.New(s, "")
		j.Start(zap.NewNop())
		for i, e := range []journal.Entry{
			{Operation: "create", Type: "User", Resource: "id-ada", Name: "Ada.Byron"},
			{Operation: "update", Type: "User", Resource: "id-ada", Name: "Ada.Byron", Changes: []journal.Change{{Attribute: "userName", From: []byte(`"Ada.Byron"`), To: []byte(`"Ada.Lovelace"`)}}},
			{Operation: "update", Type: "User", Resource: "id-bob", Name: "bob", Changes: []journal.Change{{Attribute: "userName", From: []byte(`"bob"`), To: []byte(`"carol"`)}}},
			{Operation: "update", Type: "Group", Resource: "id-engineers", Name: "Engineers", Changes: []journal.Change{{Attribute: "displayName", To: []byte(`"Ingenieure"`)}}},
		} {
			e.ID, e.Time, e.Gateway = fmt.Sprint("r", i, "-1"), at(i), "directory"
			if err := j.Begin(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			result := journal.Applied
			if e.Name == "bob" {
				result = journal.NotApplied
			}
			if err := j.End(journal.Outcome{ID: e.ID, Result: result, Ended: at(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			q    journal.Query
			want int
		}{
			{journal.Query{Person: "ada.lovelace"}, 2}, {journal.Query{Person: "ada.byron"}, 2}, {journal.Query{Person: "carol"}, 0}, {journal.Query{Person: "bob"}, 1},
			{journal.Query{Group: "INGENIEURE"}, 1}, {journal.Query{Person: "ingenieure"}, 0}, {journal.Query{Outcome: journal.WantOpen}, 0},
		} {
			if got := read(t, s, test.q); len(got) != test.want {
				t.Errorf("%+v: %d entries, want %d", test.q, len(got), test.want)
			}
		}
		persons, err := journal.Persons(t.Context(), s, "Ada.Lovelace", "")
		if err != nil || len(persons) != 1 || persons[0].ID != "id-ada" || persons[0].Name != "Ada.Lovelace" {
			t.Errorf("Ada is %+v, %v", persons, err)
		}
	})
}

// Pages leave out nothing and have nothing twice, where several entries have one
// time and one entry is found in several ways.
func TestReadPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var want []int64
		err := s.Write(t.Context(), func(tx *store.Tx) error {
			for i := range int64(1050) {
				e := journal.Entry{Sequence: i + 1, ID: fmt.Sprint(i), Time: at(int(i / 7)), Gateway: "g", Type: "User", Resource: "id-ada", Name: "ada"}
				if i%3 == 0 {
					e.Type, e.Resource, e.Members = "Group", "id-all", &journal.Members{Added: []string{"id-ada"}}
				}
				if err := insertIn(t.Context(), tx, e); err != nil {
					return err
				}
				want = append(want, i+1)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, person := range []string{"", "ada", "id-ada"} {
			if got := read(t, s, journal.Query{Person: person}); !slices.Equal(got, want) {
				t.Errorf("%q: %d entries, not 1 to 1050: %v", person, len(got), got)
			}
			got := read(t, s, journal.Query{Person: person, Descending: true})
			slices.Reverse(got)
			if !slices.Equal(got, want) {
				t.Errorf("%q descending: %d entries", person, len(got))
			}
			if got := read(t, s, journal.Query{Person: person, Limit: 250}); !slices.Equal(got, want[:250]) {
				t.Errorf("%q: the limit of 250 gives %d entries", person, len(got))
			}
		}
	})
}

func TestCheck(t *testing.T) {
	tests := []struct {
		q    journal.Query
		want string
	}{
		{journal.Query{Operation: "destroy"}, "create, update, delete, disable, enable"},
		{journal.Query{Outcome: "fine"}, "open, applied, not-applied, unknown, unproven"},
		{journal.Query{Person: "a\x00"}, "no text that a name can have"},
		{journal.Query{Group: "\xff"}, "no text that a name can have"},
		{journal.Query{Person: strings.Repeat("a", 1001)}, "1001 bytes"},
		{journal.Query{Since: at(1), Until: at(1)}, "since must be earlier"},
		{journal.Query{Limit: -1}, "less than nothing"},
	}
	for _, test := range tests {
		if err := test.q.Check(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.40v: %v, want %s", test.q, err, test.want)
		}
	}
	for _, text := range []string{"", "1", "1-", "-1", "a-1", "1-1-1", "0-0", "99999999999999999999-1"} {
		if c, err := journal.ParseCursor(text); err == nil {
			t.Errorf("the cursor %q is %v", text, c)
		}
	}
	want := journal.Cursor{Time: at(1), Sequence: 7}
	if got, err := journal.ParseCursor(want.String()); err != nil || got != want {
		t.Errorf("the cursor %s is read as %v, %v", want, got, err)
	}
}

// A name of too many is an error and no part of the truth.
func TestTooMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		err := s.Write(t.Context(), func(tx *store.Tx) error {
			for i := range int64(1001) {
				if err := insertIn(t.Context(), tx, journal.Entry{Sequence: i + 1, ID: fmt.Sprint(i), Time: noon, Gateway: "g", Type: "User", Resource: fmt.Sprint("id", i), Name: "temp"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range journal.Read(t.Context(), s, journal.Query{Person: "temp"}) {
			if !errors.Is(err, journal.ErrTooMany) {
				t.Errorf("the error is %v", err)
			}
			return
		}
		t.Error("nothing was said")
	})
}
