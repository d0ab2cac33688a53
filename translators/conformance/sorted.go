package conformance

import (
	"cmp"
	"slices"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// The texts of people who are sorted. About the first all ways of comparing
// agree that know of case; about the others they do not: what stands between upper
// and lower case in ASCII, blanks, letters of several bytes or several letters.
var (
	plainTexts = []string{"Zoe", "zoe", "adam", "Adam2", "a_b", "ab", "AB", "abc", "aB d", "10", "9", "z"}
	oddTexts   = []string{
		"a^b", "[x]", "~", "a b", "a  b", "a-b", "a.b", "010", "äpfel", "Äpfel", "apfel", "ñandu", "nandu", "éa", "e\u0301b",
		"straße", "STRASSE", "İx", "ix", "日本", "😀", "ﬁne", "fine",
	}
)

// testSorted: where a backend sorts, everybody comes once, in the one order that
// there is (scim.Sort), those of equal values in the order of their ids.
func testSorted(h *host) {
	h.sortPeople(plainTexts)
	for _, target := range h.sortTargets() {
		isSorted := h.sorted(target, "")
		if slices.Contains(h.Sorts, target.String()) && !isSorted {
			h.Errorf("the backend does not sort by %s", target)
		}
	}
	h.sortPeople(oddTexts)
	for _, target := range h.sortTargets() {
		for _, filter := range []string{"", "userName sw " + quoted("n"+prefix), `userName eq "nobody"`} {
			h.sorted(target, filter)
		}
	}
}

// sortPeople creates users with these texts wherever any text will do; some are
// missing, and some are there twice.
func (h *host) sortPeople(texts []string) {
	h.Helper()
	var free []scim.Path
	for _, text := range []string{"displayName", "title", "name.familyName", "name.givenName", "nickName"} {
		if slices.Contains(h.paths(h.users), text) {
			free = append(free, h.path(h.users, text))
		}
	}
	for i, text := range slices.Concat(texts, texts[:3]) {
		r := h.minimal(h.users)
		for n, path := range free {
			if (i+n)%5 > 0 {
				r = h.with(r, path, scim.String(text))
			}
		}
		h.create(r)
	}
	h.create(h.full(h.users, 0))
	h.create(h.full(h.users, 1))
}

// sortTargets are what users are sorted by.
func (h *host) sortTargets() []scim.Target {
	h.Helper()
	var targets []scim.Target
	for _, name := range []string{"id", "meta.created", "meta.lastModified", "userName"} {
		target, known := scim.ParseTarget(h.users.ResourceType, name)
		if !known {
			h.Fatalf("users have no %s", name)
		}
		targets = append(targets, target)
	}
	for _, text := range h.paths(h.users) {
		path := h.path(h.users, text)
		target := scim.Target{Attribute: path.Attribute, Sub: path.Sub}
		if path.Leaf().Returned != scim.ReturnedNever && !slices.Contains(targets, target) {
			targets = append(targets, target)
		}
	}
	return targets
}

// sorted compares the order of the backend with what it has to be, up and down;
// it returns false when the backend does not make it.
func (h *host) sorted(by scim.Target, filter string) bool {
	h.Helper()
	isSorted := true
	for _, descending := range []bool{false, true} {
		order := scim.Sort{By: by, Descending: descending}
		ids, ok := h.Translator.ScanSorted(h.ctx(), h.users.ResourceType, h.filter(h.users, filter), order)
		if !ok {
			isSorted = false
			continue
		}
		var got []string
		for id, err := range ids {
			if err != nil {
				h.Fatalf("sorting by %s: %v", order, err)
			}
			got = append(got, id)
		}
		if want := h.inOrder(order, h.scan(h.users, filter)); !slices.Equal(got, want) {
			h.Errorf("sorting %q by %s: the order is %q, want %q", filter, order, h.valuesAt(by, got), h.valuesAt(by, want))
		}
		// One who has seen enough stops.
		if again, ok := h.Translator.ScanSorted(h.ctx(), h.users.ResourceType, h.filter(h.users, filter), order); ok {
			for range again {
				break
			}
		}
	}
	return isSorted
}

// inOrder sorts users as the host would.
func (h *host) inOrder(order scim.Sort, ids []string) []string {
	h.Helper()
	entries := h.readAll(ids)
	slices.SortFunc(entries, func(a, b *translators.Entry) int {
		return cmp.Or(order.Compare(a.Resource, b.Resource), cmp.Compare(a.Resource.ID, b.Resource.ID))
	})
	sorted := make([]string, len(entries))
	for i, e := range entries {
		sorted[i] = e.Resource.ID
	}
	return sorted
}

func (h *host) readAll(ids []string) []*translators.Entry {
	h.Helper()
	entries, err := h.Translator.Read(h.ctx(), h.users.ResourceType, ids, everything)
	if err != nil {
		h.Fatalf("reading %d users: %v", len(ids), err)
	}
	return entries
}

// valuesAt shows what users are sorted by.
func (h *host) valuesAt(by scim.Target, ids []string) []string {
	h.Helper()
	values := make(map[string]string)
	for _, e := range h.readAll(ids) {
		v := e.Resource.Get(by.Attribute)
		if by.Sub != nil && len(v.Items()) > 0 {
			v = v.Items()[0].Sub(by.Sub)
		}
		values[e.Resource.ID] = show(v) + " " + e.Resource.ID
	}
	shown := make([]string, len(ids))
	for i, id := range ids {
		shown[i] = values[id]
	}
	return shown
}
