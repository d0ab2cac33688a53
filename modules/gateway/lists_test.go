package gateway

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/scim"
)

// byIndex pages through a list by startIndex and returns what it shows, in order.
func byIndex(t *testing.T, h *Handler, path string, count int) []string {
	t.Helper()
	var ids []string
	for start, total := 1, 1; start <= total; start += count {
		p := askPage(h, fmt.Sprintf("%sstartIndex=%d&count=%d", path, start, count))
		if p.status != http.StatusOK || p.next != "" || gjson.Get(p.body, "startIndex").Int() != int64(start) {
			t.Fatalf("%s from %d: %d %s", path, start, p.status, brief(p.body))
		}
		total = p.total
		ids = append(ids, p.ids...)
	}
	return ids
}

// byCursor does so by cursors; meanwhile is called behind each page with what it
// showed, and chooses the gateway for the next.
func byCursor(t *testing.T, h *Handler, path string, count int, meanwhile func(page) *Handler) []string {
	t.Helper()
	var ids []string
	p := askPage(h, fmt.Sprintf("%scursor&count=%d", path, count))
	for n := 1; ; n++ {
		if p.status != http.StatusOK || gjson.Get(p.body, "startIndex").Exists() || !gjson.Get(p.body, "totalResults").Exists() ||
			len(p.ids) > count || gjson.Get(p.body, "itemsPerPage").Int() != int64(len(p.ids)) {
			t.Fatalf("%s, page %d: %d %s", path, n, p.status, brief(p.body))
		}
		if n == 1 && p.previous != "" {
			t.Fatalf("%s: the first page has a previousCursor", path)
		}
		ids = append(ids, p.ids...)
		if p.next == "" {
			return ids
		}
		if escaped := url.QueryEscape(p.next); escaped != p.next || len(p.next) > 100 {
			t.Fatalf("the cursor is long or needs escaping: %s", p.next)
		}
		if meanwhile != nil {
			h = meanwhile(p)
		}
		p = askPage(h, fmt.Sprintf("%scursor=%s&count=%d", path, p.next, count))
	}
}

func brief(text string) string { return text[:min(len(text), 400)] }

func sameIDs(t *testing.T, what string, got, want []string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: %d ids, want %d; (-want +got)\n%s", what, len(got), len(want), brief(d))
	}
}

// Every user is shown once, in the order that was asked for, by either way of
// paging, by GET and by POST, whether gateway or backend sorts.
func TestListsAreWhole(t *testing.T) {
	c := crowdOf(1050, 0)
	for _, sorts := range []bool{false, true} {
		c.sorts = sorts
		h := listHandler(t, c, func(h *Handler) { h.Name += fmt.Sprint(sorts) })
		for _, by := range []string{"", "id", "userName", "name.familyName", "emails.value", "displayName", "meta.created", "title"} {
			for _, descending := range []bool{false, true} {
				path := "/Users?"
				if by != "" {
					path += "sortBy=" + by + "&"
				}
				if descending {
					path += "sortOrder=descending&"
				}
				want := c.inOrder(users, by, descending && by != "")
				indexed, turned := byIndex(t, h, path, 100), byCursor(t, h, path, 100, nil)
				sameIDs(t, path+" by index", indexed, want)
				sameIDs(t, path+" by cursor", turned, want)
			}
		}
		filtered := "/Users?sortBy=userName&filter=" + url.QueryEscape(`displayName sw "Display 1"`) + "&"
		sameIDs(t, "filtered", byCursor(t, h, filtered, 7, nil), byIndex(t, h, filtered, 1000))
		got := askPage(h, `POST /Users/.search {"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"sortBy":"emails.value","sortOrder":"descending","cursor":"","count":3}`)
		same := askPage(h, "/Users?sortBy=emails.value&sortOrder=descending&cursor&count=3")
		sameIDs(t, "POST and GET", got.ids, same.ids)
		if got.status != http.StatusOK || got.next == "" || same.next == "" || len(got.ids) != 3 {
			t.Errorf("POST /Users/.search: %d %s", got.status, brief(got.body))
		}
	}
}

// Backwards one comes by the same pages to the first one.
func TestPreviousCursor(t *testing.T) {
	c := crowdOf(95, 0)
	h := listHandler(t, c, nil)
	for _, path := range []string{"/Users?", "/Users?sortBy=id&sortOrder=descending&", "/Users?sortBy=displayName&"} {
		pages := []page{askPage(h, path+"cursor=&count=10")}
		for pages[len(pages)-1].next != "" {
			pages = append(pages, askPage(h, path+"count=10&cursor="+pages[len(pages)-1].next))
		}
		for _, other := range []bool{false, true} { // the kept walk, and a new one
			at := h
			if other {
				at = listHandler(t, c, nil)
			}
			p := pages[len(pages)-1]
			for i := len(pages) - 2; i >= 0; i-- {
				p = askPage(at, path+"count=10&cursor="+p.previous)
				sameIDs(t, fmt.Sprintf("%s page %d backwards", path, i), p.ids, pages[i].ids)
				if (p.previous != "") != (i > 0) || p.next == "" {
					t.Errorf("%s page %d backwards: %s", path, i, brief(p.body))
				}
			}
			p = askPage(at, path+"count=10&cursor="+p.next)
			sameIDs(t, path+" forwards again", p.ids, pages[1].ids)
		}
	}
}

// Who is there from the first page to the last is shown exactly once, though
// others come and go, the gateway restarts, or each page is answered by another
// one.
func TestListsThatChange(t *testing.T) {
	for _, by := range []string{"", "id", "displayName", "emails.value", "meta.created", "name.familyName", "title"} {
		for _, gateways := range []int{1, 2, 0} { // 0: a new one for each page
			t.Run(fmt.Sprintf("by %s, %d gateways", by, gateways), func(t *testing.T) {
				c := crowdOf(300, 0)
				all := []*Handler{listHandler(t, c, nil), listHandler(t, c, nil)}
				path := "/Users?"
				if by != "" {
					path += "sortBy=" + by + "&"
				}
				stayed := make(map[string]bool)
				for _, id := range c.inOrder(users, "", false) {
					stayed[id] = true
				}
				n := 0
				shown := byCursor(t, all[0], path, 10, func(p page) *Handler {
					n++
					gone := p.ids[0] // who was shown, not as the last one
					if n%2 == 0 {    // who was or was not
						gone = c.inOrder(users, by, false)[n*7%200]
					}
					if last := p.ids[len(p.ids)-1]; gone != last {
						c.remove(gone)
						delete(stayed, gone)
					}
					c.addUser(1000 + n)
					switch gateways {
					case 0:
						return listHandler(t, c, nil)
					default:
						return all[n%gateways]
					}
				})
				count := make(map[string]int)
				for _, id := range shown {
					count[id]++
				}
				for id := range stayed {
					if count[id] != 1 {
						t.Errorf("%s was shown %d times", id, count[id])
					}
				}
				if most := slices.Max(slices.Collect(maps.Values(count))); most > 1 {
					t.Errorf("somebody was shown %d times", most)
				}
			})
		}
	}
}

// In a walk by ids the place is known even when whoever was seen last is gone. In
// another order it can't be told: the caller is sent to the beginning, instead of
// past somebody.
func TestCursorWhoseLastIsGone(t *testing.T) {
	for path, change := range map[string]func(c *crowd, last string){
		"/Users?":                     func(c *crowd, last string) { c.remove(last) },
		"/Users?sortBy=displayName&":  func(c *crowd, last string) { c.remove(last) },
		"/Users?sortBy=displayName& ": func(c *crowd, last string) { c.change(last, "displayName", "Zzz") },
	} {
		path = strings.TrimSpace(path)
		c := crowdOf(50, 0)
		h := listHandler(t, c, nil)
		first := askPage(h, path+"cursor&count=10")
		change(c, first.ids[9])
		kept := askPage(h, path+"count=10&cursor="+first.next)
		again := askPage(listHandler(t, c, nil), path+"count=10&cursor="+first.next)
		if kept.status != http.StatusOK || len(kept.ids) != 10 || kept.total != 50 {
			t.Errorf("%s on the walk that is kept: %d %s", path, kept.status, brief(kept.body))
		}
		if path == "/Users?" {
			sameIDs(t, "on a new walk", again.ids, kept.ids)
		} else if again.status != http.StatusBadRequest || gjson.Get(again.body, "scimType").String() != string(scim.ExpiredCursor) {
			t.Errorf("%s on a new walk: %d %s", path, again.status, brief(again.body))
		}
	}
}

// What the backend sorted at one time may have to be sorted here at another: the
// order is the same.
func TestCursorOfABackendsOrder(t *testing.T) {
	c := crowdOf(60, 0)
	for _, by := range []string{"userName", "title", "displayName"} {
		c.sorts = true
		path := "/Users?sortBy=" + by + "&count=10&cursor="
		h := listHandler(t, c, nil)
		first := askPage(h, path)
		kept := askPage(h, path+first.next)
		for _, c.sorts = range []bool{true, false} {
			sameIDs(t, by, askPage(listHandler(t, c, nil), path+first.next).ids, kept.ids)
		}
	}
}

// A page may hold fewer than were asked for, or nobody, and is not the last one
// while there is a nextCursor.
func TestPagesThatWereDeleted(t *testing.T) {
	c := crowdOf(40, 0)
	h := listHandler(t, c, nil)
	for _, path := range []string{"/Users?", "/Users?sortBy=userName&"} {
		first := askPage(h, path+"cursor&count=10")
		second := askPage(h, path+"count=10&cursor="+first.next)
		for _, id := range second.ids {
			c.remove(id)
		}
		again := askPage(h, path+"count=10&cursor="+first.next)
		if again.status != http.StatusOK || len(again.ids) != 0 || again.next == "" || !strings.Contains(again.body, `"Resources":[]`) {
			t.Errorf("a page of whom all were deleted: %d %s", again.status, brief(again.body))
		}
		third := askPage(h, path+"count=10&cursor="+again.next)
		sameIDs(t, path+"behind it", third.ids, askPage(h, path+"count=10&cursor="+second.next).ids)
	}
}

// A cursor is good for nothing but the list that it was given for.
func TestCursorsOfOthers(t *testing.T) {
	c := crowdOf(60, 20)
	h := listHandler(t, c, func(h *Handler) {
		h.Access.Credentials = append(h.Access.Credentials, &access.Credential{Name: "other", Secret: "other-" + secret})
	})
	const list = "/Users?sortBy=userName&attributes=userName&"
	good := askPage(h, list+"cursor&count=10").next
	refused := func(name, path string, want scim.ErrorType, headers ...string) {
		t.Helper()
		p := askPage(h, path, headers...)
		if p.status != http.StatusBadRequest || gjson.Get(p.body, "scimType").String() != string(want) || gjson.Get(p.body, "detail").String() == "" || strings.Contains(p.body, "Resources") {
			t.Errorf("%s: %d %s, want 400 %s", name, p.status, brief(p.body), want)
		}
	}
	use := "count=10&cursor=" + good
	if p := askPage(h, list+use); p.status != http.StatusOK || len(p.ids) != 10 {
		t.Fatalf("the cursor itself: %d %s", p.status, p.body)
	}
	if p := askPage(h, "/Users?cursor="+good+"&count=10&sortOrder=ascending&attributes=USERNAME&sortBy=username"); p.status != http.StatusOK {
		t.Errorf("the same list, written otherwise: %d %s", p.status, brief(p.body))
	}
	refused("another caller", list+use, scim.InvalidCursor, "Authorization: Bearer other-"+secret)
	refused("another type", "/Groups?"+use, scim.InvalidCursor)
	refused("all types", "/?sortBy=userName&attributes=userName&"+use, scim.InvalidCursor)
	refused("a filter", list+"filter="+url.QueryEscape("userName pr")+"&"+use, scim.InvalidCursor)
	refused("no sortBy", "/Users?attributes=userName&"+use, scim.InvalidCursor)
	refused("another sortBy", "/Users?sortBy=displayName&attributes=userName&"+use, scim.InvalidCursor)
	refused("another sortOrder", list+"sortOrder=descending&"+use, scim.InvalidCursor)
	refused("no attributes", "/Users?sortBy=userName&"+use, scim.InvalidCursor)
	refused("excludedAttributes", "/Users?sortBy=userName&excludedAttributes=userName&"+use, scim.InvalidCursor)
	refused("another count", list+"count=11&cursor="+good, scim.InvalidCount)
	refused("no count", list+"cursor="+good, scim.InvalidCount)
	refused("count 0", list+"count=0&cursor="+good, scim.InvalidCount)
	stranger := listHandler(t, c, func(h *Handler) { h.Name = "stranger" })
	if p := askPage(stranger, list+use); p.status != http.StatusBadRequest {
		t.Errorf("at another gateway: %d %s", p.status, brief(p.body))
	}

	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
	for i := range good {
		other := alphabet[(strings.IndexByte(alphabet, good[i])+1)%len(alphabet)]
		refused(fmt.Sprintf("character %d changed", i), list+"count=10&cursor="+good[:i]+string(other)+good[i+1:], scim.InvalidCursor)
		if i > 0 {
			refused("cut off", list+"count=10&cursor="+good[:i], scim.InvalidCursor)
		}
	}
	for _, text := range []string{good + "A", "A" + good, good + good, "x", "AAAA", strings.Repeat("A", 5000), good + "%0A", "%00", "%F0%9F%98%80", "'%20or%201=1", good + "="} {
		refused(text[:min(20, len(text))], list+"count=10&cursor="+text, scim.InvalidCursor)
	}
}

func TestExpiredCursor(t *testing.T) {
	c := crowdOf(60, 0)
	h := listHandler(t, c, nil)
	now := time.Now()
	h.walks.now = func() time.Time { return now }
	first := askPage(h, "/Users?cursor&count=10")
	now = now.Add(walkLife - time.Second)
	second := askPage(h, "/Users?count=10&cursor="+first.next)
	if second.status != http.StatusOK {
		t.Fatalf("just in time: %d %s", second.status, second.body)
	}
	now = now.Add(2 * time.Second)
	if p := askPage(h, "/Users?count=10&cursor="+first.next); p.status != http.StatusBadRequest || gjson.Get(p.body, "scimType").String() != string(scim.ExpiredCursor) {
		t.Errorf("too late: %d %s", p.status, brief(p.body))
	}
	if p := askPage(h, "/Users?count=10&cursor="+second.next); p.status != http.StatusOK || len(p.ids) != 10 {
		t.Errorf("one that was given later: %d %s", p.status, brief(p.body))
	}
	if life := gjson.Get(askPage(h, "/ServiceProviderConfig").body, "pagination.cursorTimeout").Int(); life != int64(walkLife/time.Second) {
		t.Errorf("cursorTimeout is %d", life)
	}
}

func TestCountOfCursors(t *testing.T) {
	c := crowdOf(60, 0)
	h := listHandler(t, c, func(h *Handler) { h.Limits.PageDefault, h.Limits.PageMax = 20, 40 })
	for count, want := range map[string]int{"count=0": 0, "count=-5": 0, "": 20, "count=40": 40, "count=999999999999999999999": 40} {
		for _, sort := range []string{"", "sortBy=userName&", "filter=userName+pr&"} {
			p := askPage(h, "/Users?"+sort+"cursor&"+count)
			if p.status != http.StatusOK || len(p.ids) != want || p.total != 60 || (p.next != "") != (want > 0) || p.previous != "" {
				t.Errorf("%s %s: %d %s", sort, count, p.status, brief(p.body))
			}
			if want > 0 {
				if p = askPage(h, "/Users?"+sort+"cursor="+p.next+"&"+count); p.status != http.StatusOK || len(p.ids) == 0 {
					t.Errorf("%s %s, page 2: %d %s", sort, count, p.status, brief(p.body))
				}
			}
		}
	}
	if p := askPage(h, "/Users?cursor&count=ten"); p.status != http.StatusBadRequest || gjson.Get(p.body, "scimType").String() != string(scim.InvalidCount) {
		t.Errorf("count=ten: %d %s", p.status, p.body)
	}
}

// A search at the root shows users and then groups, or both in one order, each
// once and with what is asked for of it.
func TestSearchAll(t *testing.T) {
	c := crowdOf(130, 60)
	h := listHandler(t, c, nil)
	all := append(c.inOrder(users, "", false), c.inOrder(groupType, "", false)...)
	sameIDs(t, "all, by index", byIndex(t, h, "/?", 25), all)
	sameIDs(t, "all, by cursor", byCursor(t, h, "/?", 25, nil), all)
	other := listHandler(t, c, nil)
	sameIDs(t, "all, each page at a new gateway", byCursor(t, h, "/?", 25, func(page) *Handler {
		return listHandler(t, c, nil)
	}), all)

	for _, path := range []string{"/?sortBy=displayName&", "/?sortBy=displayName&sortOrder=descending&", "/?sortBy=id&", "/?sortBy=userName&", "/?sortBy=userName&sortOrder=descending&"} {
		indexed := byIndex(t, h, path, 25)
		turned := byCursor(t, h, path, 25, func(page) *Handler { h, other = other, h; return h })
		sameIDs(t, path+" by cursor at two gateways", turned, indexed)
		sameIDs(t, path+" as a set", slices.Sorted(slices.Values(indexed)), slices.Sorted(slices.Values(all)))
	}
	if ids := byIndex(t, h, "/?sortBy=id&", 25); !slices.IsSorted(ids) {
		t.Error("users and groups are not in the order of their ids")
	}
	p := askPage(h, "/?sortBy=displayName&attributes=displayName&count=1000")
	names := gjson.Get(p.body, "Resources.#.displayName").Array()
	if len(names) != 190 || !slices.IsSortedFunc(names, func(a, b gjson.Result) int { return strings.Compare(a.String(), b.String()) }) {
		t.Errorf("users and groups by displayName: %d of them, or out of order", len(names))
	}
	if gjson.Get(p.body, "Resources.0.schemas.0").String() == gjson.Get(p.body, "Resources.#(schemas.0==\"urn:ietf:params:scim:schemas:core:2.0:Group\").schemas.0").String() {
		t.Errorf("of the same name users come first: %s", brief(p.body))
	}
	// What only users have shows nobody else.
	c.costs()
	name := c.all[users][7].Get(users.Attribute("userName")).Text()
	for _, path := range []string{"/?cursor&filter=", "/?filter="} {
		p = askPage(h, path+url.QueryEscape(fmt.Sprintf("userName eq %q", name)))
		sameIDs(t, path+"userName eq", p.ids, []string{c.all[users][7].ID})
		if p.next != "" || p.total != 1 {
			t.Errorf("%s: %s", path, brief(p.body))
		}
	}
	if asked, _ := c.costs(); asked["scan"] > 0 || asked["read"] > 0 || asked["search"] != 2 {
		t.Errorf("two lookups at the root took %v", asked)
	}
	// displayName eq is found in both.
	p = askPage(h, `POST /.search {"filter":"displayName sw \"Display 1\" and displayName ew \"1\"","attributes":["displayName"],"count":500}`)
	var want int
	for _, r := range slices.Concat(c.all[users], c.all[groupType]) {
		text := r.Get(r.Type.Attribute("displayName")).Text()
		if strings.HasPrefix(text, "Display 1") && strings.HasSuffix(text, "1") {
			want++
		}
	}
	if p.status != http.StatusOK || p.total != want || len(p.ids) != want || strings.Contains(p.body, "userName") {
		t.Errorf("POST /.search: %d %s, want %d", p.status, brief(p.body), want)
	}
	if p = askPage(h, "/?count=0"); p.total != 190 || len(p.ids) != 0 {
		t.Errorf("count=0: %s", brief(p.body))
	}
}

// A fault anywhere is told as such: never a shorter list (rule 1).
func TestFaultsInLists(t *testing.T) {
	c := crowdOf(130, 60)
	for _, path := range []string{
		"/Users?cursor&count=10", "/Users?sortBy=displayName&count=10", "/Users?sortBy=displayName&count=10&cursor",
		"/?count=10", "/?cursor&count=10", "/?sortBy=displayName&cursor&count=150", "/?count=150&startIndex=100",
		"/?filter=" + url.QueryEscape(`displayName co "D"`), "/?filter=" + url.QueryEscape(`displayName co "D"`) + "&count=5", "/?count=0",
	} {
		for _, sorts := range []bool{false, true} {
			c.sorts = sorts
			whole := listHandler(t, c, nil)
			c.costs()
			want := askPage(whole, path)
			if want.status != http.StatusOK {
				t.Fatalf("%s: %d %s", path, want.status, brief(want.body))
			}
			asked, _ := c.costs()
			calls := 0
			for _, n := range asked {
				calls += n
			}
			for broken := range calls {
				h := listHandler(t, c, nil)
				n := 0
				c.fault = func(string) error {
					if n++; n == broken+1 {
						return errDown
					}
					return nil
				}
				p := askPage(h, path)
				c.fault = nil
				if p.status != http.StatusServiceUnavailable || strings.Contains(p.body, "Resources") {
					t.Errorf("%s with a fault in call %d of %d: %d %s", path, broken+1, calls, p.status, brief(p.body))
				}
				if again := askPage(h, path); again.status != http.StatusOK || again.total != want.total {
					t.Errorf("%s after the fault: %d %s", path, again.status, brief(again.body))
				}
			}
		}
	}
}

// A page behind the first costs one read of those who are on it, however long the
// list is and whatever it is sorted by (rule 5). To sort takes one read of each.
func TestCostOfPages(t *testing.T) {
	c := crowdOf(5000, 100)
	h := listHandler(t, c, nil)
	for _, path := range []string{"/Users?", "/Users?sortBy=emails.value&", "/?", "/?sortBy=displayName&"} {
		c.costs()
		first := askPage(h, path+"cursor&count=10")
		asked, read := c.costs()
		isSorted := strings.Contains(path, "sortBy")
		if wantRead := 10; !isSorted && read != wantRead || isSorted && (read < 5000 || read > 5110) || asked["scan"] > 2 || asked["read"] > 9 {
			t.Errorf("%s: the first page took %v and %d ids", path, asked, read)
		}
		for name, next := range map[string]string{
			"page 2 by cursor": path + "count=10&cursor=" + first.next,
			"page 2":           path + "count=10&startIndex=11", "page 500": path + "count=10&startIndex=4991",
		} {
			if p := askPage(h, next); p.status != http.StatusOK || len(p.ids) != 10 {
				t.Errorf("%s: %d %s", next, p.status, brief(p.body))
			}
			asked, read := c.costs()
			if kinds := len(asked); kinds != 1 || asked["read"] > 2 || read != 10 {
				t.Errorf("%s %s took %v and %d ids", path, name, asked, read)
			}
		}
	}
	// The first page of a filter that finds no more is one search, sorted or not.
	few := "/Users?filter=" + url.QueryEscape(`displayName eq "Display 77"`) + "&sortBy=userName&sortOrder=descending"
	for _, path := range []string{few, few + "&cursor"} {
		p := askPage(h, path)
		if asked, _ := c.costs(); len(p.ids) != 10 || p.next != "" || !maps.Equal(asked, map[string]int{"search": 1}) {
			t.Errorf("%s took %v: %s", path, asked, brief(p.body))
		}
		names := gjson.Get(p.body, "Resources.#.userName").Array()
		if !slices.IsSortedFunc(names, func(a, b gjson.Result) int {
			return strings.Compare(strings.ToLower(b.String()), strings.ToLower(a.String()))
		}) {
			t.Errorf("%s is not sorted: %v", path, names)
		}
	}
}

// What is too long to be sorted is refused with what to do about it; sorted by the
// backend, by id, or not at all it is shown.
func TestLimitSort(t *testing.T) {
	c := crowdOf(60, 10)
	h := listHandler(t, c, func(h *Handler) { h.Limits.Sort = 59 })
	for path, want := range map[string]int{
		"/Users?sortBy=userName": 400, "/Users?sortBy=userName&cursor": 400, "/?sortBy=displayName": 400, "/?sortBy=id": 400,
		"/Users?sortBy=id&sortOrder=descending": 200, "/Users": 200, "/?cursor": 200, "/Users?sortBy=userName&count=0": 200,
		"/Users?sortBy=displayName&filter=" + url.QueryEscape(`displayName co "7"`): 200, "/Groups?sortBy=displayName": 200,
	} {
		p := askPage(h, path)
		if p.status != want || want == 400 && (gjson.Get(p.body, "scimType").String() != string(scim.TooMany) || !strings.Contains(p.body, "limit sort")) {
			t.Errorf("%s: %d %s", path, p.status, brief(p.body))
		}
	}
	c.sorts = true
	if p := askPage(h, "/Users?sortBy=userName"); p.status != http.StatusOK || p.total != 60 {
		t.Errorf("sorted by the backend: %d %s", p.status, brief(p.body))
	}
	short := listHandler(t, c, func(h *Handler) { h.Name += "short"; h.Limits.Walk = 59 })
	for _, sorts := range []bool{false, true} {
		c.sorts = sorts
		if p := askPage(short, "/Users?sortBy=userName"); p.status != http.StatusBadRequest || !strings.Contains(p.body, "limit walk") {
			t.Errorf("beyond limit walk: %d %s", p.status, brief(p.body))
		}
	}
}

// A search is counted as one, also over all types, by POST, or when it can't be
// read.
func TestSearchesAreCounted(t *testing.T) {
	c := crowdOf(3, 1)
	h, logs := newHandler(t, c.backend, func(h *Handler) {
		h.translator, h.types, h.resource = c, c.Types(), []*scim.ResourceType{users, groupType}
	})
	for _, path := range []string{
		"/", "/?filter=x", "POST /.search {}", "POST /.search {", "POST /Users/.search {", "POST /Users/.search {}", "/Users?sortBy=x", "/Groups?cursor=!",
	} {
		askPage(h, path)
		lines := logs.TakeAll()
		if fields := lines[len(lines)-1].ContextMap(); fields["operation"] != "search" || fields["resource_id"] != "" {
			t.Errorf("%s is logged as %v of %q", path, fields["operation"], fields["resource_id"])
		}
	}
}

// What resources are sorted by is let go as soon as they are: a list that is paged
// through holds ids alone.
func TestSortedWalkIsSmall(t *testing.T) {
	const people = 20_000
	c := crowdOf(people, 0)
	h := listHandler(t, c, nil)
	held := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := held()
	if p := askPage(h, "/Users?sortBy=displayName&cursor&count=1"); p.total != people {
		t.Fatalf("%d %s", p.status, brief(p.body))
	}
	if took := int64(held() - before); took > 40*people {
		t.Errorf("a sorted list of %d holds %d bytes", people, took)
	}
	runtime.KeepAlive(h)
}

// A type that is not served has no lists, and gave no cursor.
func TestListOfNobody(t *testing.T) {
	h, _ := newHandler(t, works(), nil)
	for path, want := range map[string]int{"/Groups?cursor": 200, "/Groups?cursor=AAAA": 400, "/Groups?sortBy=displayName": 200} {
		if p := askPage(h, path); p.status != want || want == 200 && (p.total != 0 || p.next != "") {
			t.Errorf("%s: %d %s", path, p.status, brief(p.body))
		}
	}
}
