// Package legacy is a small application with users and groups and an HTTP API of
// its own, for tests and benchmarks: what stands behind scimgate where there is no
// directory. It knows nothing of SCIM. Options give its API the shapes that such
// APIs have, and faults make it fail as they do.
//
// Its plain shape, in JSON, with a key in the header X-Api-Key:
//
//	GET    /users?login=ada        {"users":[…],"total":1,"offset":0,"limit":100}
//	GET    /users?offset=0&limit=9
//	POST   /users                  201, Location, the user; 409, 422 {"error":"…"}
//	GET    /users/17               the user, or 404
//	PATCH  /users/17               the user
//	DELETE /users/17               204
//	GET    /groups?name=Staff      as with users, without members
//	POST   /groups                 201, Location, the group
//	GET    /groups/18              {"id":18,"name":"Staff","members":[{"id":17,"login":"ada"}]}
//	PATCH  /groups/18              the group
//	DELETE /groups/18              204
//	POST   /groups/18/members      {"user_id":17}: 204; 409 for one who is in it
//	DELETE /groups/18/members/17   204; 404 for one who is not
//	PUT    /groups/18/members      {"user_ids":[17]}: 204
//	POST   /login                  {"login":"ada","password":"…"}: 204, or 401
//
// A user is {"id","login","first_name","last_name","mail","title","personnel_no",
// "status":"active" or "locked","theme","notices","created_on","updated_on"}, of
// which theme and notices are nobody's business but the application's.
package legacy

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// App is a running application. It is an [http.Handler].
type App struct {
	// URL is where it listens, if it was started.
	URL string

	options Options

	mu       sync.Mutex
	lastID   int
	users    map[string]*user // by id
	logins   map[string]*user // by login, in lower case
	ordered  []*user          // by id, where that is a number
	groups   []*group
	staff    []string
	sessions map[string]int // uses left; -1: any number
	opened   []string
	nonces   map[string]bool
	faults   []*Fault
	late     []func() // what is done late
	requests []Request
	closed   chan struct{} // ends what hangs
}

// New makes an application.
func New(options Options) *App {
	if options.MaxPage == 0 {
		options.MaxPage = 100
	}
	a := &App{
		options: options, lastID: 10, users: make(map[string]*user), logins: make(map[string]*user),
		sessions: make(map[string]int), nonces: make(map[string]bool), closed: make(chan struct{}),
	}
	a.seed()
	return a
}

// TB is the part of testing.TB that Start needs; it keeps the testing package out
// of programs.
type TB interface {
	Helper()
	Cleanup(func())
}

// Start makes an application that listens on a free port of 127.0.0.1 until the
// test ends.
func Start(t TB, options Options) *App {
	t.Helper()
	a := New(options)
	server := httptest.NewServer(a)
	a.URL = server.URL
	t.Cleanup(func() {
		close(a.closed)
		server.CloseClientConnections()
		server.Close()
	})
	return a
}

// now is the time as the application shows it: in whole seconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

var _ http.Handler = (*App)(nil)
