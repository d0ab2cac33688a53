package rest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scimgate/scimgate/translators"
)

const disabledMaps = `
	map userName login
	map active state {
		true active
		false locked
	}
	search GET /users?login={userName}
	read GET /users/{id}
`

// TestFindDisabled: somebody who is disabled is found in the list, so that it shows when
// the search hides them.
func TestFindDisabled(t *testing.T) {
	const ada, grace = `{"id":1,"login":"ada","state":"active"}`, `{"id":2,"login":"grace","state":"locked"}`
	people := map[string]string{"1": ada, "2": grace}
	for name, tt := range map[string]struct {
		list   []string
		lines  string
		want   string // userName
		remedy string
		reads  int64 // of records
	}{
		"in a row":            {[]string{ada, grace}, "list GET /users", "grace", "have the call find all (GET /users?login={userName}), such as by a parameter", 0},
		"bare rows":           {[]string{`{"id":1}`, `{"id":2}`}, "list GET /users", "grace", "have the call find all", 2},
		"nobody":              {[]string{ada}, "list GET /users", "", "nobody who is disabled is among the first 1 of the list, or the list hides them too", 0},
		"only unknown":        {[]string{`{"id":9,"login":"x","state":"new"}`}, "list GET /users", "", "nobody who is disabled", 0},
		"behind the bound":    {append(slices.Repeat([]string{ada}, mostListed), grace), "list GET /users", "grace", "", 0}, // rows of one id are one
		"far away":            {append(many(mostListed), grace), "list GET /users", "", "among the first 200", 0},
		"bare, far away":      {append(bare(mostLookedAt), `{"id":2}`), "list GET /users", "", "nobody who is disabled", mostLookedAt},
		"no list":             {nil, "", "", "add list, or name somebody who is disabled by the id: --user <id>", 0},
		"versions by ETag":    {[]string{ada, grace}, "version etag\nlist GET /users", "grace", "have the call", 0},
		"gone in between":     {[]string{`{"id":77}`, grace}, "list GET /users", "grace", "have the call", 1},
		"a status of its own": {[]string{`{"id":1,"login":"ada"}`, `{"id":2,"login":"grace"}`}, "list GET /users\nstatus GET /users/{id}", "grace", "have the call", 4},
	} {
		t.Run(name, func(t *testing.T) {
			var reads atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				id, isRead := strings.CutPrefix(r.URL.Path, "/users/")
				if !isRead {
					fmt.Fprintf(w, "[%s]", strings.Join(tt.list, ","))
					return
				}
				reads.Add(1)
				if people[id] == "" && len(id) < 4 {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				fmt.Fprint(w, strings.Replace(firstOf(people[id], ada), `"id":1,`, `"id":`+id+`,`, 1))
			}))
			defer server.Close()
			tr := provision(t, "rest "+server.URL+" {\n users {\n"+disabledMaps+tt.lines+"\n}\n}")
			account, err := tr.FindDisabled(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if account.Entry != nil {
				got = account.Entry.Resource.Get(tr.users.name).Text()
			}
			if got != tt.want || !strings.Contains(account.Remedy, tt.remedy) || reads.Load() != tt.reads {
				t.Errorf("found %q with %d reads: %s", got, reads.Load(), account.Remedy)
			}
		})
	}
	t.Run("active can't be read", func(t *testing.T) {
		tr := provision(t, "rest http://127.0.0.1:1 {\n users {\nmap userName login\nread GET /users/{id}\nlist GET /users\ndisable POST /users/{id}/off\nenable POST /users/{id}/on\n}\n}")
		if account, err := tr.FindDisabled(t.Context()); err != nil || account.Entry != nil || !strings.Contains(account.Remedy, "map active") {
			t.Errorf("found %+v, %v", account, err)
		}
	})
	t.Run("the application is away", func(t *testing.T) {
		tr := provision(t, "rest http://127.0.0.1:1 {\n retries off\n users {\n"+disabledMaps+"list GET /users\n}\n}")
		if account, err := tr.FindDisabled(t.Context()); translators.KindOf(err) != translators.Unavailable || account.Entry != nil {
			t.Errorf("found %+v, %v", account, err)
		}
	})
}

// many are so many rows of people who are active, and bare the same without their state.
func many(n int) (rows []string) {
	for i := range n {
		rows = append(rows, fmt.Sprintf(`{"id":%d,"login":"u%d","state":"active"}`, 1000+i, i))
	}
	return rows
}

func bare(n int) (rows []string) {
	for i := range n {
		rows = append(rows, fmt.Sprintf(`{"id":%d}`, 1000+i))
	}
	return rows
}
