package ldap

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

// sortBy reads an order as it stands in a request; a minus before it is
// descending.
func sortBy(t testing.TB, k *kind, text string) scim.Sort {
	t.Helper()
	name, isDescending := strings.CutPrefix(text, "-")
	target, known := scim.ParseTarget(k.served.ResourceType, name)
	if !known {
		t.Fatalf("there is no %s", name)
	}
	return scim.Sort{By: target, Descending: isDescending}
}

// sortedIDs returns what ScanSorted yields; ok is false when it does not sort.
func sortedIDs(t testing.TB, tr *Translator, filter, by string) (ids []string, ok bool) {
	t.Helper()
	all, ok := tr.ScanSorted(t.Context(), tr.users.served.ResourceType, parse(t, tr.users, filter), sortBy(t, tr.users, by))
	if !ok {
		return nil, false
	}
	for id, err := range all {
		if err != nil {
			t.Fatalf("sorting by %s: %v", by, err)
		}
		ids = append(ids, id)
	}
	return ids, true
}

// displaying is LDIF for people with these display names.
func displaying(names ...string) string {
	var text strings.Builder
	for i, name := range names {
		login := fmt.Sprintf("u%04d", i)
		fmt.Fprintf(&text, "dn: %s\nobjectClass: inetOrgPerson\nuid: %s\ncn: %s\nsn: %s\n", dnOf(login), login, login, login)
		if name != "" {
			fmt.Fprintf(&text, "displayName: %s\n", name)
		}
		text.WriteString("\n")
	}
	return text.String()
}

// serveSorting serves a directory behind a proxy that counts requests.
func serveSorting(t *testing.T, options slapd.Options) (*Translator, *slapd.Server, *slapd.Proxy, *atomic.Int64) {
	t.Helper()
	options.NoSync = true
	server := slapd.Start(t, options)
	proxy := slapd.NewProxy(t, server.Addr())
	tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword, usersBlock, groupsBlock)
	searches := new(atomic.Int64)
	proxy.OnRequest(func(operation int) slapd.Action {
		if operation == goldap.ApplicationSearchRequest {
			searches.Add(1)
		}
		return slapd.Forward
	})
	return tr, server, proxy, searches
}

// TestALargeListIsSorted sorts more than slapd returns at once, up and down, page
// by page, with values that are missing and values that are the same.
func TestALargeListIsSorted(t *testing.T) {
	const size = 1203
	names := make([]string, size)
	for i := range names {
		if i%7 > 0 {
			names[i] = fmt.Sprintf("Name %03d", i*7919%size/3)
		}
	}
	tr, _, _, searches := serveSorting(t, slapd.Options{Sorting: true, LDIF: displaying(names...)})
	var ids []string
	for _, id := range idsOf(t, tr) {
		ids = append(ids, id)
	}
	all, err := tr.Read(t.Context(), tr.users.served.ResourceType, ids, whole)
	if err != nil || len(all) != size {
		t.Fatalf("%d people: %v", len(all), err)
	}
	for _, by := range []string{"displayName", "-displayName", "userName", "-userName", "id", "-meta.created"} {
		order := sortBy(t, tr.users, by)
		slices.SortFunc(all, func(a, b *translators.Entry) int {
			if n := order.Compare(a.Resource, b.Resource); n != 0 {
				return n
			}
			return strings.Compare(a.Resource.ID, b.Resource.ID)
		})
		searches.Store(0)
		got, ok := sortedIDs(t, tr, "", by)
		if !ok || len(got) != size {
			t.Fatalf("sorting by %s: %d of %d, %t", by, len(got), size, ok)
		}
		for i, e := range all {
			if got[i] != e.Resource.ID {
				t.Fatalf("sorting by %s: the one at %d is another", by, i)
			}
		}
		// 13 pages, once what the directory can do is known; slapd may be busy
		// with the page before, and is asked again.
		if n := searches.Load(); n > 13*3 {
			t.Errorf("sorting by %s took %d searches", by, n)
		}
	}
}

// TestWhereTheDirectoryDoesNotSort checks when the host is told to sort, and that
// this costs next to nothing.
func TestWhereTheDirectoryDoesNotSort(t *testing.T) {
	plain := displaying("b", "A", "c")
	tests := []struct {
		name    string
		options slapd.Options
		by      string
	}{
		{"without the overlay", slapd.Options{}, "displayName"},
		{"with the overlay in no database", slapd.Options{Global: "moduleload sssvlv"}, "displayName"},
		{"by the state of the account", slapd.Options{Sorting: true}, "active"},
		{"by what is written by name", slapd.Options{Sorting: true}, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"},
		{"by a constant", slapd.Options{Sorting: true}, "emails.primary"},
		{"with two blanks, which the directory takes for one", slapd.Options{Sorting: true, LDIF: displaying("a  z", "a b", "a a")}, "displayName"},
		{"with a letter composed of two", slapd.Options{Sorting: true, LDIF: displaying("e\u0301a", "f")}, "displayName"},
		{"with several values of which SCIM shows the first", slapd.Options{Sorting: true,
			LDIF: strings.NewReplacer("displayName: b\n", "title: z\ntitle: a\n", "displayName: c\n", "title: m\n").Replace(displaying("b", "c"))}, "title"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.options.LDIF == "" {
				test.options.LDIF = plain
			}
			tr, _, _, searches := serveSorting(t, test.options)
			for n := range 3 {
				if ids, ok := sortedIDs(t, tr, "", test.by); ok {
					t.Fatalf("it is sorted: %q", ids)
				}
				if n == 0 {
					searches.Store(0)
				}
			}
			if n := searches.Load(); n > 0 {
				t.Errorf("asked again it takes %d searches", n)
			}
		})
	}
}

// TestSortingWithAFilter: a filter that is finished here, and one that nobody
// satisfies.
func TestSortingWithAFilter(t *testing.T) {
	tr, _, _, searches := serveSorting(t, slapd.Options{Sorting: true, LDIF: displaying("b", "A", "c", "d")})
	byName := func(filter string) string {
		ids, ok := sortedIDs(t, tr, filter, "displayName")
		if !ok {
			return "not sorted"
		}
		var shown []string
		for _, id := range ids {
			shown = append(shown, find(t, tr, tr.users, `id eq "`+id+`"`).Entries[0].Resource.Get(tr.users.served.Attribute("displayName")).Text())
		}
		return strings.Join(shown, " ")
	}
	for filter, want := range map[string]string{
		"":                                       "A b c d",
		`active eq true`:                         "A b c d",
		`active eq false`:                        "",
		`meta.created ge "2020-01-01T00:00:00Z"`: "A b c d",
		`displayName co "c"`:                     "not sorted", // of several values the first counts: finished here, on a few
	} {
		if got := byName(filter); got != want {
			t.Errorf("%s: %q, want %q", filter, got, want)
		}
	}
	searches.Store(0)
	if ids, ok := sortedIDs(t, tr, `id eq "nobody"`, "displayName"); !ok || len(ids) > 0 || searches.Load() > 0 {
		t.Errorf("nobody: %q, %t, %d searches", ids, ok, searches.Load())
	}
}

// TestABusyDirectoryIsNoError: while others sort, the host does; afterwards the
// directory does again.
func TestABusyDirectoryIsNoError(t *testing.T) {
	tr, server, _, _ := serveSorting(t, slapd.Options{Sorting: true, Database: "sssvlv-max 1", LDIF: displaying("b", "A", "c")})
	conn, err := goldap.DialURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Bind(server.ServiceDN, server.ServicePassword); err != nil {
		t.Fatal(err)
	}
	// A page of a sorted search that nobody goes on with.
	held := goldap.NewSearchRequest(slapd.People, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, 0, false, "(uid=*)", nil,
		[]goldap.Control{sorting(openLDAP.sortingControl, sortKey{"uid", orderCaseIgnore, false}), goldap.NewControlPaging(1)})
	if _, err := conn.Search(held); err != nil {
		t.Fatal(err)
	}
	if ids, ok := sortedIDs(t, tr, "", "displayName"); ok {
		t.Errorf("it is sorted: %q", ids)
	}
	_ = conn.Close()
	wait(t, "the directory to sort", func() bool {
		ids, ok := sortedIDs(t, tr, "", "displayName")
		return ok && len(ids) == 3
	})
}

// TestAFaultWhileSortingIsNoEnd is rule 1 of DESIGN §4 for a sorted list.
func TestAFaultWhileSortingIsNoEnd(t *testing.T) {
	names := make([]string, 450)
	for i := range names {
		names[i] = fmt.Sprintf("n%d", i)
	}
	tr, _, proxy, _ := serveSorting(t, slapd.Options{Sorting: true, LDIF: displaying(names...)})
	if ids, ok := sortedIDs(t, tr, "", "userName"); !ok || len(ids) != len(names) {
		t.Fatalf("%d people, %t", len(ids), ok)
	}
	var ended atomic.Int64
	proxy.OnResponse(func(operation int) slapd.Action {
		if operation == goldap.ApplicationSearchResultDone && ended.Add(1) == 3 {
			return slapd.Cut
		}
		return slapd.Forward
	})
	ids, ok := tr.ScanSorted(t.Context(), tr.users.served.ResourceType, nil, sortBy(t, tr.users, "userName"))
	if !ok {
		t.Fatal("it is not sorted")
	}
	for id, err := range ids {
		if id != "" || translators.KindOf(err) != translators.Unavailable {
			t.Errorf("it yields %q, %v", id, err)
		}
		break
	}
}

// TestSortingThatIsIgnored: a server that knows no sorting must not be believed.
func TestSortingThatIsIgnored(t *testing.T) {
	tr, _, _, _ := serveSorting(t, slapd.Options{LDIF: displaying("b", "A")})
	uncritical := goldap.NewControlServerSideSortingWithSortKeys([]*goldap.SortKey{{AttributeType: "displayName", MatchingRule: orderCaseIgnore}})
	for _, size := range []uint32{0, 100} {
		err := tr.pool.SearchPaged(t.Context(), func() *goldap.SearchRequest {
			request := tr.users.request("", []string{"uid"}, 0)
			request.Controls = []goldap.Control{uncritical}
			return request
		}, size, func(e *goldap.Entry) error {
			t.Errorf("%s was taken for the first", e.DN)
			return nil
		})
		if !errors.Is(err, ldapconn.ErrSortingIgnored) {
			t.Errorf("page size %d: %v", size, err)
		}
	}
}

// TestSortedWithoutPages: page_size -1 is for a directory that has no pages.
func TestSortedWithoutPages(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true, Sorting: true, LDIF: displaying("b", "", "A", "c")})
	tr := configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword, usersBlock, groupsBlock)
	tr.PageSize = -1
	if ids, ok := sortedIDs(t, tr, "", "-displayName"); !ok || len(ids) != 4 {
		t.Errorf("%q, %t", ids, ok)
	}
}

// TestManySortAtATime: more than slapd sorts at a time, without an error and
// without a list that is short or in another order.
func TestManySortAtATime(t *testing.T) {
	names := make([]string, 300)
	for i := range names {
		names[i] = fmt.Sprintf("n%03d", i*77%300)
	}
	tr, _, _, _ := serveSorting(t, slapd.Options{Sorting: true, Database: "sssvlv-max 2", LDIF: displaying(names...)})
	want, ok := sortedIDs(t, tr, "", "displayName")
	if !ok || len(want) != len(names) {
		t.Fatalf("%d, %t", len(want), ok)
	}
	var running sync.WaitGroup
	var sorted atomic.Int64
	for range 8 {
		running.Go(func() {
			for range 5 {
				ids, ok := tr.ScanSorted(t.Context(), tr.users.served.ResourceType, nil, sortBy(t, tr.users, "displayName"))
				if !ok {
					continue // busy
				}
				var got []string
				for id, err := range ids {
					if err != nil {
						t.Errorf("sorting: %v", err)
					}
					got = append(got, id)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%d of %d, or in another order", len(got), len(want))
				}
				sorted.Add(1)
			}
		})
	}
	running.Wait()
	if sorted.Load() == 0 {
		t.Error("nobody was served")
	}
}

// TestGroupsAreSorted: what the order of people says nothing about.
func TestGroupsAreSorted(t *testing.T) {
	tr, _, _, _ := serveSorting(t, slapd.Options{Sorting: true, LDIF: displaying("a  z", "a b", "a a") +
		groupEntry("zoo", "u0000") + groupEntry("Admins", "u0000") + groupEntry("b_c", "u0000") + groupEntry("bb", "u0000")})
	if _, ok := sortedIDs(t, tr, "", "displayName"); ok {
		t.Error("people are sorted in another order")
	}
	for by, want := range map[string][]string{"displayName": {"Admins", "b_c", "bb", "zoo"}, "-displayName": {"zoo", "bb", "b_c", "Admins"}} {
		all, ok := tr.ScanSorted(t.Context(), tr.groups.served.ResourceType, nil, sortBy(t, tr.groups, by))
		if !ok {
			t.Fatalf("groups are not sorted by %s", by)
		}
		var got []string
		for id, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, read(t, tr, tr.groups, id).Resource.Get(tr.groups.served.Attribute("displayName")).Text())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", by, got, want)
		}
	}
}
