package rest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/scimgate/scimgate/translators"
)

// An application that answers requests without a good key as it answers anybody, who
// does not see the locked: that there is nobody is believed when the call confirm_absence has
// succeeded, and the record is then read with what that call was signed with.
func TestAbsenceIsConfirmed(t *testing.T) {
	for name, test := range map[string]struct {
		key     string       // of the gateway
		renewed bool         // when a request was refused, the right key is in the file
		absent  http.Handler // nil: who has the right key gets 200, others 401
		id      string       // who is read: 1 is locked, 2 is nobody
		asked   string
		want    translators.ErrorKind
		isThere bool
	}{
		"somebody":             {key: "right", id: "1", asked: "/users/1", isThere: true},
		"nobody":               {key: "right", id: "2", asked: "/users/2 /users /users/2"},
		"a wrong key":          {key: "wrong", id: "1", asked: "/users/1 /users", want: translators.Unavailable},
		"a key that was wrong": {key: "wrong", renewed: true, id: "1", asked: "/users/1 /users /users /users/1", isThere: true},
		"a key for less": {key: "wrong", id: "1", asked: "/users/1 /users", want: translators.Refused, absent: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
		})},
		"the call finds nothing": {key: "right", id: "2", asked: "/users/2 /users", want: translators.Unavailable, absent: http.NotFoundHandler()},
		"the call is misunderstood": {key: "right", id: "2", asked: "/users/2 /users", want: translators.Unavailable, absent: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
		})},
		"a page": {key: "right", id: "2", asked: "/users/2 /users", want: translators.Unavailable, absent: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html><title>Welcome</title></html>")
		})},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "key")
			put := func(key string) {
				if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
					t.Error(err)
				}
			}
			put(test.key)
			var mu sync.Mutex
			var asked []string
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, r.URL.Path)
				isRight := r.Header.Get("X-Key") == "right"
				switch {
				case r.URL.Path == "/users" && test.absent != nil:
					test.absent.ServeHTTP(w, r)
				case r.URL.Path == "/users" && !isRight:
					if test.renewed {
						put("right")
					}
					w.WriteHeader(http.StatusUnauthorized)
				case r.URL.Path == "/users":
					fmt.Fprint(w, `[]`)
				case r.URL.Path == "/users/1" && isRight:
					fmt.Fprint(w, `{"id": 1, "login": "ada", "locked": true}`)
				default:
					w.WriteHeader(http.StatusNotFound)
				}
			}))
			defer app.Close()
			tr := provision(t, `rest `+app.URL+` {
	auth header X-Key {file.`+file+`}
	retries off
	users {
		map userName login
		map active locked {
			true false
			false true
		}
		read GET /users/{id}
		confirm_absence GET /users
		update PUT /users/{id}
		search GET /users?login={userName}
	}
}`)
			entries, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{test.id}, translators.Selection{All: true})
			if translators.KindOf(err) != test.want || (len(entries) == 1) != test.isThere {
				t.Errorf("read %d records, %v; want %q", len(entries), err, test.want)
			}
			if got := strings.Join(asked, " "); got != test.asked {
				t.Errorf("asked were %s, want %s", got, test.asked)
			}
		})
	}
}

// It is a call that can be made about nobody in particular.
func TestConfirmAbsenceNamesNobody(t *testing.T) {
	for _, line := range []string{"confirm_absence GET /users/{id}", "confirm_absence GET /users?login={userName}", "confirm_absence GET /users?at={page.number}"} {
		err := provisionFails(t, `rest https://app.example.com {
	users {
		map userName login
		read GET /users/{id}
		`+line+`
		search GET /users?login={userName}
	}
}`)
		if err == nil || !strings.Contains(err.Error(), "confirm_absence") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
