package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// unique makes one of an awkward text.
func unique(awkward string) string { return strings.ReplaceAll(awkward, "§", uniqueName()) }

// oracle returns the ids of what satisfies the filter, as the SCIM language
// itself decides.
func (h *host) oracle(t *translators.Type, filter string) []string {
	h.Helper()
	return h.oracleOf(t, filter, h.all(t))
}

func (h *host) all(t *translators.Type) []*scim.Resource {
	h.Helper()
	ids := h.scan(t, "")
	entries, err := h.Translator.Read(h.ctx(), t.ResourceType, ids, everything)
	if err != nil {
		h.Fatalf("reading %d resources: %v", len(ids), err)
	}
	h.sameIDs("reading what was scanned", idsOf(entries), ids)
	all := make([]*scim.Resource, len(entries))
	for i, e := range entries {
		all[i] = e.Resource
	}
	return all
}

func (h *host) oracleOf(t *translators.Type, filter string, all []*scim.Resource) []string {
	h.Helper()
	f := h.filter(t, filter)
	var ids []string
	for _, r := range all {
		if scim.Match(f, r) {
			ids = append(ids, r.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// testLookup: a resource is found by its name whatever its case, also with an
// awkward neighbour, and nobody is found by the name of nobody.
func testLookup(h *host) {
	for _, t := range h.types() {
		name := nameAttribute(t)
		r := h.minimal(t)
		text := "Mixed.Case-" + uniqueName()
		r.Set(name, scim.String(text))
		id := h.create(r)
		h.create(h.minimal(t))
		for _, asked := range []string{text, strings.ToUpper(text), strings.ToLower(text)} {
			found, more := h.search(t, name.Name+" eq "+quoted(asked), 2)
			h.sameIDs("looking up "+asked, found, []string{id})
			if more {
				h.Errorf("looking up %s: there is said to be more", asked)
			}
		}
		if got := h.read(t, id).Get(name).Text(); got != text {
			h.Errorf("%q comes back as %q", text, got)
		}
		for _, asked := range []string{"nobody-" + uniqueName(), text + "x", text[1:], text + "*", "*", "Mixed.Case-*", strings.Replace(text, "M", "?", 1)} {
			if found, more := h.search(t, name.Name+" eq "+quoted(asked), 2); len(found) > 0 || more {
				h.Errorf("looking up %q, which nobody is called, finds %q", asked, found)
			}
		}
	}
}

// testFilters: whatever the backend evaluates itself, the result is that of the
// SCIM language.
func testFilters(h *host) {
	for _, t := range h.types() {
		for n := range 3 {
			h.create(h.full(t, n))
		}
		for range 2 {
			h.create(h.minimal(t))
		}
		if t == h.users && t.Attribute("active") != nil {
			h.set(t, h.user(), "active", scim.Bool(false))
		}
		all := h.all(t)
		for _, filter := range h.filtersOf(t, all) {
			want := h.oracleOf(t, filter, all)
			found, more := h.search(t, filter, len(all)+1)
			h.sameIDs("searching "+filter, found, want)
			if more {
				h.Errorf("searching %s: there is said to be more", filter)
			}
			h.sameIDs("scanning "+filter, h.scan(t, filter), want)
		}
	}
}

// filtersOf returns filters of every kind on every path that can be searched.
func (h *host) filtersOf(t *translators.Type, all []*scim.Resource) []string {
	name := nameAttribute(t)
	someone := all[0].Get(name).Text()
	filters := []string{"id pr", "not (id pr)", "id eq " + quoted(all[0].ID), "id ne " + quoted(all[0].ID),
		`meta.lastModified gt "2000-01-01T00:00:00Z"`, `meta.lastModified lt "2000-01-01T00:00:00Z"`,
		fmt.Sprintf("%s eq %s or id eq %s", name.Name, quoted(someone), quoted(all[1].ID)),
		fmt.Sprintf("%s eq %s and id eq %s", name.Name, quoted(someone), quoted(all[0].ID)),
		fmt.Sprintf("%s eq %s and id eq %s", name.Name, quoted(someone), quoted(all[1].ID)),
		fmt.Sprintf("not (%s eq %s) and not (id eq %s)", name.Name, quoted(someone), quoted(all[1].ID)),
	}
	if t.Attribute("active") != nil {
		filters = append(filters, "active eq true", "active eq false", `active eq "False"`, "active ne true", "not (active eq true)", "active pr", "active eq null")
	}
	for _, text := range h.paths(t) {
		path := h.path(t, text)
		v := valueAt(path, all)
		if v.IsAbsent() {
			h.Errorf("nobody has a value at %s", text)
			continue
		}
		filters = append(filters, text+" pr", "not ("+text+" pr)", text+" eq null")
		switch a := path.Leaf(); a.Type {
		case scim.TypeBoolean:
			filters = append(filters, text+" eq true", text+" ne true")
		case scim.TypeInteger, scim.TypeDecimal:
			filters = append(filters, text+" eq "+v.Text(), text+" gt "+v.Text())
		case scim.TypeBinary:
			filters = append(filters, text+" eq "+quoted(v.Text()))
		case scim.TypeDateTime:
			filters = append(filters, text+" eq "+quoted(v.Text()), text+" gt "+quoted(v.Text()))
		default:
			filters = append(filters, h.textFilters(text, v.Text(), isReference(a))...)
		}
		if path.Selector != nil && path.Attribute.Sub("type") != nil {
			if whole, rest, _ := strings.Cut(text, "["); whole != "" && rest != "" {
				filters = append(filters, whole+" pr", fmt.Sprintf("%s[not (type eq \"work\") and %s pr]", whole, path.Leaf().Name),
					fmt.Sprintf("%s[type eq \"nothing\" and %s pr]", whole, path.Leaf().Name))
				if path.Leaf().Type == scim.TypeString {
					filters = append(filters, fmt.Sprintf("%s.%s eq %s", whole, path.Leaf().Name, quoted(v.Text())))
				}
			}
		}
	}
	return filters
}

// valueAt returns a value that somebody has at the path, not the first where
// there are several.
func valueAt(path scim.Path, all []*scim.Resource) (v scim.Value) {
	seen := 0
	for _, r := range all {
		if items := path.Value(r).Items(); len(items) > 0 && seen < 2 {
			if v = items[0]; v.Kind() == scim.KindList { // of a part that may have many
				v = v.Items()[0]
			}
			seen++
		}
	}
	return v
}

// textFilters compare a path with a text and its parts.
func (h *host) textFilters(path, text string, isReference bool) []string {
	filters := []string{path + " eq " + quoted(text), path + " ne " + quoted(text), "not (" + path + " eq " + quoted(text) + ")"}
	if isReference {
		return append(filters, path+` eq "nobody"`)
	}
	runes := []rune(text)
	third := max(1, len(runes)/3)
	return append(filters,
		path+" eq "+quoted(strings.ToUpper(text)),
		path+" sw "+quoted(string(runes[:third])),
		path+" sw "+quoted(strings.ToUpper(string(runes[:third]))),
		path+" co "+quoted(string(runes[third:2*third])),
		path+" ew "+quoted(string(runes[len(runes)-third:])),
		path+` co "*"`, path+` sw "*"`, path+` co "("`, path+` co "\\"`,
		path+" gt "+quoted(text), path+" le "+quoted(text),
	)
}

// testLimits: a search that is cut short says so, and is never short without
// saying so.
func testLimits(h *host) {
	before := len(h.scan(h.users, ""))
	ids := h.usersOf(5)
	total := before + len(ids)
	for _, filter := range []string{"", "userName pr", "not (userName eq \"nobody\")", "userName co \"n\" or id pr"} {
		for _, limit := range []int{1, 2, total - 1, total, total + 1} {
			found, more := h.search(h.users, filter, limit)
			if len(found) != min(limit, total) || more != (limit < total) {
				h.Errorf("searching %q with the limit %d: %d resources of %d, more: %t", filter, limit, len(found), total, more)
			}
		}
	}
}

// testScan: a scan brings everybody, once, and an answer that is too long for a
// search is never passed off as complete.
func testScan(h *host) {
	before := h.scan(h.users, "")
	ids := h.usersOf(h.Many)
	all := append(slices.Clone(before), ids...)
	h.sameIDs("a scan", h.scan(h.users, ""), all)
	prefix := "n" + prefix
	want := h.oracle(h.users, "userName sw "+quoted(prefix))
	h.sameIDs("a scan with a filter", h.scan(h.users, "userName sw "+quoted(prefix)), want)
	h.sameIDs("a scan for nobody", h.scan(h.users, `userName eq "nobody"`), nil)

	result, err := h.Translator.Search(h.ctx(), translators.Query{Type: h.users.ResourceType, Filter: h.filter(h.users, "userName co "+quoted(prefix)), Limit: 10})
	switch {
	case err != nil:
		h.wantKind("a wide search", err, translators.TooMany)
	case len(result.Entries) != 10 || !result.More:
		h.Errorf("a wide search with the limit 10: %d resources, more: %t", len(result.Entries), result.More)
	}
	// One who has seen enough stops.
	for _, err := range h.Translator.Scan(h.ctx(), h.users.ResourceType, nil) {
		if err != nil {
			h.Fatal(err)
		}
		break
	}
	entries, err := h.Translator.Read(h.ctx(), h.users.ResourceType, all, everything)
	if err != nil {
		h.Fatalf("reading %d users: %v", len(all), err)
	}
	h.sameIDs("reading many", idsOf(entries), all)
}

// testDuplicates: of two with the same matching value none is guessed to be the
// one that is meant.
func testDuplicates(h *host) {
	r := h.minimal(h.users)
	id := h.create(r)
	userName := r.Get(nameAttribute(h.users)).Text()
	h.Duplicate(h.T, userName)
	filter := "userName eq " + quoted(userName)
	found, more := h.search(h.users, filter, 2)
	if len(found) != 2 || !slices.Contains(found, id) || more {
		h.Errorf("two are called %s; a search finds %q, more: %t", userName, found, more)
	}
	if found, more := h.search(h.users, filter, 1); len(found) != 1 || !more {
		h.Errorf("two are called %s; a search for one finds %q, more: %t", userName, found, more)
	}
	h.sameIDs("a scan", h.scan(h.users, filter), found)
}
