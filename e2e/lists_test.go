package e2e

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/slapd"
)

// crowded is how many people the directories of these tests have beside those of
// the demo.
const crowded = 1100

// populate adds many people whose orders by uid, by surname, by mail and by title
// are different ones. Every third has no title, and surnames repeat.
func populate(t *testing.T, d *directory) {
	t.Helper()
	d.with(t, func(conn *ldap.Conn) error {
		for i := range crowded {
			if err := conn.Add(somebody(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

func somebody(i int) *ldap.AddRequest {
	uid := fmt.Sprintf("%c%04d", "pP"[i%2], i*7%crowded)
	add := ldap.NewAddRequest(userDN(uid), nil)
	add.Attribute("objectClass", []string{"inetOrgPerson", "scimUser"})
	add.Attribute("uid", []string{uid})
	add.Attribute("cn", []string{uid})
	add.Attribute("sn", []string{fmt.Sprintf("Family %d", i*13%97)})
	add.Attribute("mail", []string{fmt.Sprintf("%c%d@example.com", "mM"[i%2], i*17%crowded)})
	if i%3 > 0 {
		add.Attribute("title", []string{fmt.Sprintf("Title %d", i%29)})
	}
	return add
}

// shown is who was on a page, in its order.
type shown []gjson.Result

func (s shown) ids() []string {
	var ids []string
	for _, r := range s {
		ids = append(ids, r.Get("id").String())
	}
	return ids
}

// byCursor pages through a list; meanwhile, which may be nil, is called behind
// each page with its number and what it showed.
func (g *gateway) byCursor(t *testing.T, path string, count int, meanwhile func(n int, page shown)) shown {
	t.Helper()
	var all shown
	a := g.want(t, 200, "GET", fmt.Sprintf("%s&count=%d&cursor", path, count), "")
	for n := 1; ; n++ {
		page := shown(gjson.Get(a.Body, "Resources").Array())
		next := a.get("nextCursor")
		if len(page) > count || a.get("itemsPerPage") != fmt.Sprint(len(page)) || gjson.Get(a.Body, "startIndex").Exists() || (a.get("previousCursor") != "") != (n > 1) {
			t.Fatalf("%s, page %d: %s", path, n, a)
		}
		all = append(all, page...)
		if next == "" {
			return all
		}
		if meanwhile != nil {
			meanwhile(n, page)
		}
		a = g.want(t, 200, "GET", fmt.Sprintf("%s&count=%d&cursor=%s", path, count, next), "")
	}
}

func (g *gateway) byIndex(t *testing.T, path string, count int) shown {
	t.Helper()
	var all shown
	for start, total := 1, 1; start <= total; start += count {
		a := g.want(t, 200, "GET", fmt.Sprintf("%s&count=%d&startIndex=%d", path, count, start), "")
		total = int(gjson.Get(a.Body, "totalResults").Int())
		all = append(all, gjson.Get(a.Body, "Resources").Array()...)
	}
	return all
}

// inOrder checks that what was shown is ordered by the value at a path: folded,
// missing ones last, equal ones by id; or the other way round, but for the ids.
func inOrder(t *testing.T, what string, all shown, path string, descending bool) {
	t.Helper()
	if !slices.IsSortedFunc(all, func(a, b gjson.Result) int {
		v, w := a.Get(path), b.Get(path)
		n := 0
		switch {
		case v.Exists() != w.Exists():
			if n = 1; v.Exists() {
				n = -1
			}
		default:
			n = strings.Compare(strings.ToUpper(v.String()), strings.ToUpper(w.String()))
		}
		if descending {
			n = -n
		}
		if n == 0 {
			n = strings.Compare(a.Get("id").String(), b.Get("id").String())
		}
		return n
	}) {
		t.Errorf("%s: not in the order of %s, descending %t", what, path, descending)
	}
}

// Everybody is shown exactly once, in the order that was asked for.
func TestListsShowEverybodyOnce(t *testing.T) {
	everybodyOnce := func(t *testing.T, d *directory) {
		populate(t, d)
		g := startGateway(t, d, setup{Translator: []string{"page_size 100"}})
		everybody := slices.Sorted(slices.Values(g.byIndex(t, "/Users?attributes=id", 100).ids()))
		if n := len(slices.Compact(slices.Clone(everybody))); n != crowded+4 || n != len(everybody) {
			t.Fatalf("the list shows %d users, %d of them different, want %d", len(everybody), n, crowded+4)
		}
		for _, order := range []struct{ by, path string }{
			{"", "id"}, {"id", "id"}, {"userName", "userName"}, {"name.familyName", "name.familyName"},
			{"emails.value", "emails.0.value"}, {"meta.created", "meta.created"}, {"title", "title"},
		} {
			for _, descending := range []bool{false, true} {
				if order.by == "" && descending {
					continue
				}
				path := "/Users?sortBy=" + order.by
				if descending {
					path += "&sortOrder=descending"
				}
				// By index no more is asked for than what it is sorted by, which is less work.
				turned, indexed := g.byCursor(t, path, 250, nil), g.byIndex(t, path+"&attributes=id,"+cmp.Or(order.by, "userName"), 400)
				for name, all := range map[string]shown{"by cursor": turned, "by index": indexed} {
					inOrder(t, path+" "+name, all, order.path, descending)
					if got := slices.Sorted(slices.Values(all.ids())); !slices.Equal(got, everybody) {
						t.Errorf("%s %s shows %d users, want each of %d once", path, name, len(got), len(everybody))
					}
				}
			}
		}
		filtered := "/Users?sortBy=emails.value&filter=" + url.QueryEscape(`title eq "Title 7" and userName sw "p"`)
		few := g.byCursor(t, filtered, 5, nil)
		inOrder(t, filtered, few, "emails.0.value", false)
		if want := len(d.matching(t, "(&(title=Title 7)(uid=p*))")); len(few) != want || want < 20 {
			t.Errorf("%s shows %d users, want %d", filtered, len(few), want)
		}
		all := g.byCursor(t, "/?attributes=userName,displayName", 250, nil)
		if len(all) != crowded+4+2 || all[len(all)-1].Get("schemas.0").String() != groupSchema || all[0].Get("schemas.0").String() != userSchema {
			t.Errorf("users and groups together are %d", len(all))
		}
		inOrder(t, "users and groups", g.byCursor(t, "/?sortBy=displayName&attributes=displayName", 250, nil), "displayName", false)
	}
	eachDirectory(t, everybodyOnce)
	t.Run("slapd sorts", func(t *testing.T) { everybodyOnce(t, startSlapd(t, slapd.Options{Sorting: true})) })
}

// Who is there all the time is shown exactly once, though people come and go and
// the gateway is loaded anew, which forgets its lists.
func TestListsGoOn(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		populate(t, d)
		g := startGateway(t, d, setup{})
		for i, path := range []string{"/Users?attributes=userName", "/Users?attributes=userName&sortBy=emails.value", "/Users?attributes=userName&sortBy=name.familyName&sortOrder=descending", "/?attributes=userName&sortBy=displayName"} {
			stayed := make(map[string]bool)
			for _, id := range g.byIndex(t, path, 500).ids() {
				stayed[id] = true
			}
			count := make(map[string]int)
			all := g.byCursor(t, path, 60, func(n int, page shown) {
				for _, gone := range []gjson.Result{page[7], page[len(page)-2]} {
					if name := gone.Get("userName").String(); strings.HasPrefix(strings.ToLower(name), "p") && n%3 == 1 {
						g.want(t, 204, "DELETE", "/Users/"+gone.Get("id").String(), "")
						delete(stayed, gone.Get("id").String())
						g.create(t, fmt.Sprintf("new-%d-%s", i, name))
					}
				}
				if n%5 == 2 {
					g.reload(t, func(s *setup) { s.Gateway = []string{fmt.Sprintf("limit members %d", 1000+n)} })
				}
			})
			for _, id := range all.ids() {
				count[id]++
			}
			for id := range stayed {
				if count[id] != 1 {
					t.Errorf("%s: %s was shown %d times", path, id, count[id])
				}
			}
			for id, n := range count {
				if n > 1 {
					t.Errorf("%s: %s was shown %d times", path, id, n)
				}
			}
		}
	})
}

// A cursor opens nothing to anybody else, and nothing to whom access was taken
// from.
func TestCursorsAreOfTheirCaller(t *testing.T) {
	d := startEmbedded(t)
	g := startGateway(t, d, setup{Gateway: []string{"token other another-token-5Hq2Zr8"}})
	const list, asOther = "/Users?sortBy=userName&count=2&cursor", "Authorization: Bearer another-token-5Hq2Zr8"
	next := g.want(t, 200, "GET", list, "").get("nextCursor")
	others := g.want(t, 200, "GET", list, "", asOther).get("nextCursor")
	if next == "" || others == "" || strings.Trim(next, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != "" {
		t.Fatalf("the cursors are %q and %q", next, others)
	}
	g.want(t, 200, "GET", list+"="+next, "")
	for name, a := range map[string]answer{
		"a cursor of another caller": g.want(t, 400, "GET", list+"="+others, ""),
		"one cut off":                g.want(t, 400, "GET", list+"="+next[:len(next)-1], ""),
		"another filter":             g.want(t, 400, "GET", list+"="+next+"&filter=userName+pr", ""),
	} {
		isSCIMError(t, a)
		if a.get("scimType") != "invalidCursor" {
			t.Errorf("%s: %s", name, a)
		}
	}
	if a := g.want(t, 400, "GET", "/Users?sortBy=userName&count=3&cursor="+next, ""); a.get("scimType") != "invalidCount" {
		t.Errorf("another count: %s", a)
	}
	line := g.requestLine(t, g.want(t, 200, "GET", "/?cursor", ""))
	if line.Get("operation").String() != "search" {
		t.Errorf("a search over all types is logged as %s", line)
	}
	g.reload(t, func(s *setup) { s.Gateway = nil })
	g.want(t, 401, "GET", list+"="+others, "", asOther)
	if a := g.want(t, 200, "GET", list+"="+next, ""); a.get("Resources.#") != "2" {
		t.Errorf("after the reload: %s", a)
	}
}

// beside runs scimgate as a process of its own with the gateway of g, as it would
// run on a second machine.
func (g *gateway) beside(t *testing.T) *gateway {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("building scimgate: %v", err)
	}
	scratch := t.TempDir()
	other := *g
	other.Store, other.LogFile = filepath.Join(scratch, "scimgate.db"), filepath.Join(scratch, "log.jsonl")
	other.port, other.adminPort = freePort(t), freePort(t)
	other.Site, other.Admin = "http://127.0.0.1:"+other.port, "http://127.0.0.1:"+other.adminPort
	other.URL = other.Site + "/scim/v2"
	config := filepath.Join(scratch, "Caddyfile")
	if err := os.WriteFile(config, []byte(other.caddyfile(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "run", "--config", config, "--adapter", "caddyfile")
	command.Env = append(os.Environ(), "XDG_DATA_HOME="+scratch, "XDG_CONFIG_HOME="+scratch)
	if err := command.Start(); err != nil {
		t.Fatalf("starting scimgate: %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	waitFor(t, "the second gateway", func() bool {
		a, err := other.send("GET", "/Users?count=0", "")
		return err == nil && a.Status == 200
	})
	return &other
}

// Pages of one list may come from several gateways in turn, also while people are
// deleted.
func TestListsOfTwoGateways(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	populate(t, d)
	first := startGateway(t, d, setup{})
	gateways := []*gateway{first, first.beside(t)}
	for _, path := range []string{"/Users?attributes=userName", "/Users?attributes=userName&sortBy=title&sortOrder=descending", "/?attributes=userName&sortBy=displayName"} {
		stayed := make(map[string]bool)
		for _, id := range first.byIndex(t, path, 500).ids() {
			stayed[id] = true
		}
		count := make(map[string]int)
		next := ""
		for n := 0; n == 0 || next != ""; n++ {
			a := gateways[n%2].want(t, 200, "GET", path+"&count=50&cursor="+next, "")
			next = a.get("nextCursor")
			page := shown(gjson.Get(a.Body, "Resources").Array())
			for _, id := range page.ids() {
				count[id]++
			}
			if gone := page[len(page)/2]; strings.HasPrefix(gone.Get("userName").String(), "p") && n%3 == 0 {
				gateways[(n+1)%2].want(t, 204, "DELETE", "/Users/"+gone.Get("id").String(), "")
				delete(stayed, gone.Get("id").String())
			}
		}
		for id := range stayed {
			if count[id] != 1 {
				t.Errorf("%s: %s was shown %d times", path, id, count[id])
			}
		}
	}
}
