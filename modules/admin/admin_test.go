package admin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	_ "github.com/scimgate/scimgate/modules/admin"
	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
)

// run runs a configuration with a store of its own, and returns where its admin
// endpoint is.
func run(t *testing.T, apps string) string {
	t.Helper()
	// As Caddy does: what it writes belongs to the test.
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`{"admin": {"listen": %q, "config": {"persist": false}}, "logging": {"logs": {"default": {"level": "ERROR", "writer": {"output": "discard"}}}}, "apps": {%s}}`, address, apps)
	if err := caddy.Load([]byte(config), true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + address
}

func scimApp(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	return fmt.Sprintf(`"scim": {"store": {"engine": "sqlite", "path": %q}}`, filepath.Join(dir, "store.db"))
}

func ask(t *testing.T, method, url string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

type page struct {
	Entries []journal.Entry
	Cursor  string
}

func TestJournal(t *testing.T) {
	url := run(t, scimApp(t)) + "/scim/journal"
	a, release, err := app.Hold()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := a.Store().Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	err = a.Store().Write(t.Context(), func(tx *store.Tx) error {
		for i := range 250 {
			name := fmt.Sprint("user", i%5)
			_, err := tx.Exec(t.Context(), `INSERT INTO scim_journal (seq, id, instance, time, gateway, caller, token, address, request,
				operation, type, resource, name, folded, changes, members, calls, result) VALUES `+store.Values(1, 18),
				i+1, fmt.Sprint("r", i, "-1"), "x", store.Micros(noon.Add(time.Duration(i)*time.Minute)), "directory", "entra", "", "20.1.2.3", fmt.Sprint("r", i),
				"disable", "User", "id-"+name, name, name, "", "", "", "applied")
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	get := func(query string) page {
		t.Helper()
		status, header, body := ask(t, http.MethodGet, url+query)
		var p page
		if err := json.Unmarshal([]byte(body), &p); status != http.StatusOK || header.Get("Content-Type") != "application/json" || err != nil || !strings.Contains(body, `"entries":[`) {
			t.Fatalf("%s: %d %v %v: %s", query, status, header, err, body)
		}
		return p
	}
	sequences := func(p page) (all []int64) {
		for _, e := range p.Entries {
			all = append(all, e.Sequence)
		}
		return all
	}
	for query, want := range map[string][]int64{
		"?limit=3":                                           {250, 249, 248},
		"?limit=2&order=asc":                                 {1, 2},
		"?person=USER3&limit=2":                              {249, 244},
		"?since=2026-11-21T16:08:00Z&order=asc":              {249, 250},
		"?until=2026-11-21T12:01:00Z":                        {1},
		"?request=r17":                                       {18},
		"?outcome=open":                                      nil,
		"?gateway=directory&token=entra&limit=1":             {250},
		"?operation=disable&group=none":                      nil,
		"?person=%27%20OR%201=1--":                           nil,
		"?since=2026-11-21T17:08:00%2B01:00&person=id-user4": {250},
	} {
		if diff := cmp.Diff(want, sequences(get(query))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	// Page by page, everything once.
	next, count, pages := int64(250), 0, 0
	for p := get("?limit=100"); ; p = get("?limit=100&cursor=" + p.Cursor) {
		for _, sequence := range sequences(p) {
			if sequence != next {
				t.Fatalf("page %d has %d in the place of %d", pages, sequence, next)
			}
			next--
			count++
		}
		if pages++; p.Cursor == "" {
			break
		}
	}
	if count != 250 || pages != 3 {
		t.Errorf("%d pages have %d entries", pages, count)
	}
	for query, want := range map[string]string{
		"?persn=ada":                           `there is no parameter \"persn\"; there is cursor, gateway, group`,
		"?person=ada&person=bob":               `\"person\" must have one value`,
		"?person=":                             `\"person\" must have one value`,
		"?limit=0":                             "from 1 to 1000",
		"?limit=1001":                          "from 1 to 1000",
		"?limit=ten":                           "from 1 to 1000",
		"?order=up":                            "asc or desc",
		"?since=yesterday":                     "2026-11-21T14:00:00Z",
		"?cursor=1":                            "no cursor",
		"?operation=destroy":                   "no operation",
		"?outcome=fine":                        "no outcome",
		"?person=%00":                          "no text that a name can have",
		"?person=%ff":                          "no text that a name can have",
		"?person=%zz":                          "reading the query",
		"?a;b":                                 "reading the query",
		"?person=" + strings.Repeat("a", 2000): "2000 bytes",
	} {
		status, _, body := ask(t, http.MethodGet, url+query)
		if status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%.40s: %d %s, want 400 and %s", query, status, body, want)
		}
	}
	if status, header, _ := ask(t, http.MethodDelete, url); status != http.StatusMethodNotAllowed || header.Get("Allow") != "GET, HEAD" {
		t.Errorf("DELETE: %d %v", status, header)
	}
	if status, _, body := ask(t, http.MethodHead, url); status != http.StatusOK || body != "" {
		t.Errorf("HEAD: %d %s", status, body)
	}
}

// A configuration without a gateway has no store, and says so.
func TestNothingRuns(t *testing.T) {
	url := run(t, "")
	if status, _, body := ask(t, http.MethodGet, url+"/scim/journal"); status != http.StatusServiceUnavailable || !strings.Contains(body, "no configuration with a scim_gateway") {
		t.Errorf("%d %s", status, body)
	}
}

// A store that can't be opened is no empty journal.
func TestStoreAway(t *testing.T) {
	dir := t.TempDir()
	url := run(t, fmt.Sprintf(`"scim": {"store": {"engine": "sqlite", "path": %q}}`, dir)) // a directory
	if status, _, body := ask(t, http.MethodGet, url+"/scim/journal"); status != http.StatusServiceUnavailable || !strings.Contains(body, "unavailable") {
		t.Errorf("%d %s", status, body)
	}
}
