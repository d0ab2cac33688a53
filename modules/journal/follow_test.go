package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// follow begins to follow and returns what tells the news, such as "5 applied".
func follow(t *testing.T, s *store.Store, q journal.Query) (*journal.Follower, func() []string) {
	t.Helper()
	f, err := journal.Follow(t.Context(), s, q)
	if err != nil {
		t.Fatal(err)
	}
	return f, func() []string {
		t.Helper()
		news := []string{}
		for entry, err := range f.Next(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			result := string(entry.Result)
			if result == "" {
				result = "open"
			}
			news = append(news, fmt.Sprint(entry.Sequence, " ", result))
		}
		return news
	}
}

func conclude(t *testing.T, s *store.Store, sequence int64) {
	t.Helper()
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE scim_journal SET result = 'applied' WHERE seq = $1", sequence)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func user(sequence int64, name string, result journal.Result) journal.Entry {
	return journal.Entry{Sequence: sequence, ID: fmt.Sprint(sequence), Time: at(int(sequence)), Gateway: "directory", Operation: "disable",
		Type: "User", Resource: "id-" + name, Name: name, Result: result}
}

func TestFollow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		insert(t, s, user(1, "ada", journal.Applied), user(2, "bob", journal.Unresolved), user(3, "bob", journal.Unresolved))
		_, news := follow(t, s, journal.Query{})
		_, appliedNews := follow(t, s, journal.Query{Person: "bob", Outcome: journal.WantApplied})
		expect := func(want ...string) {
			t.Helper()
			if diff := cmp.Diff(append([]string{}, want...), news()); diff != "" {
				t.Errorf("the news (-want +got):\n%s", diff)
			}
		}
		expect()
		insert(t, s, user(4, "carol", journal.Unresolved))
		expect("4 open")
		conclude(t, s, 2) // opened before it was followed
		conclude(t, s, 4)
		expect("2 applied", "4 applied")
		expect()
		// A number that becomes visible behind a higher one.
		insert(t, s, user(8, "dave", journal.Applied))
		expect("8 applied")
		insert(t, s, user(6, "bob", journal.Unresolved))
		expect("6 open")
		insert(t, s, user(5, "eve", journal.Applied), user(7, "eve", journal.Applied), user(9, "eve", journal.Applied))
		expect("5 applied", "7 applied", "9 applied")
		conclude(t, s, 6)
		expect("6 applied")
		expect()
		if diff := cmp.Diff([]string{"2 applied", "6 applied"}, appliedNews()); diff != "" {
			t.Errorf("what came of Bob's (-want +got):\n%s", diff)
		}
	})
}

// Who follows behind what was there misses nothing and has nothing twice.
func TestFollowBehindHistory(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		insert(t, s, user(1, "ada", journal.Unresolved), user(3, "bob", journal.Applied))
		f, news := follow(t, s, journal.Query{})
		// While the history is read:
		insert(t, s, user(2, "carol", journal.Applied), user(4, "dave", journal.Applied))
		conclude(t, s, 1)
		var history []int64
		for entry, err := range journal.Read(t.Context(), s, journal.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			if !f.IsNew(entry) {
				f.Seen(entry)
				history = append(history, entry.Sequence)
			}
		}
		if want := []int64{1, 3}; !slices.Equal(history, want) {
			t.Errorf("the history has %v, want %v", history, want)
		}
		if diff := cmp.Diff([]string{"2 applied", "4 applied"}, news()); diff != "" {
			t.Errorf("the news (-want +got):\n%s", diff)
		}
	})
}

// More than fits into one transaction.
func TestFollowMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		_, news := follow(t, s, journal.Query{})
		var want []string
		err := s.Write(t.Context(), func(tx *store.Tx) error {
			for i := range int64(1200) {
				if err := insertIn(t.Context(), tx, user(i+1, "ada", journal.Unresolved)); err != nil {
					return err
				}
				want = append(want, fmt.Sprint(i+1, " open"))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, news()); diff != "" {
			t.Errorf("the news (-want +got):\n%s", diff)
		}
		if got := news(); len(got) > 0 {
			t.Errorf("%d are told twice", len(got))
		}
	})
}

// A store that is away is an error that is told, and the follower stays.
func TestFollowStoreAway(t *testing.T) {
	engine := storetest.SQLite(t)
	s := storetest.Open(t, engine())
	f, _ := follow(t, s, journal.Query{})
	if err := s.Destruct(); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, err := range f.Next(t.Context()) {
		count++
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("the error is %v", err)
		}
	}
	if count != 1 {
		t.Errorf("%d errors are told", count)
	}
}
