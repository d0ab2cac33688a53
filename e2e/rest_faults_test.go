package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/legacy"
)

// faultCase is one request of a provider, about people and groups of its own.
type faultCase struct {
	*testing.T
	app        *legacy.App
	g          *gateway
	shape      string
	login      string // of the account
	id         string
	group      string
	other      string // id of another one
	otherLogin string
}

// faultOperation is what a provider asks for.
type faultOperation struct {
	name    string
	prepare func(c *faultCase) request
	// ok are the statuses of success, again that of a repetition.
	ok, again int
	// isDone looks at the application.
	isDone func(c *faultCase) bool
	// isLocked is set where the account is off all the time.
	isLocked bool
	without  []string // shapes
}

// account adds an account of which the application knows more than is mapped.
func (c *faultCase) account() {
	c.Helper()
	fields := map[string]any{"login": c.login, "first_name": "Ada", "title": "Analyst", "mail": c.login + "@example.com", "theme": "dark", "notices": false}
	if c.shape == "steps" {
		fields["role"] = "agent"
	}
	var err error
	if c.id, err = c.app.Add(fields, passwordOf(c.login)); err != nil {
		c.Fatal(err)
	}
}

func (c *faultCase) lockedAccount() {
	c.Helper()
	c.account()
	c.g.want(c.T, 200, "PATCH", "/Users/"+c.id, disable)
}

func (c *faultCase) crew(isMember bool) {
	c.Helper()
	c.lockedAccount()
	var err error
	c.otherLogin = c.login + ".other"
	if c.other, err = c.app.Add(map[string]any{"login": c.otherLogin}, ""); err != nil {
		c.Fatal(err)
	}
	if c.shape == "groups-on-users" {
		c.crewOnUsers(isMember)
		return
	}
	present := []string{c.other}
	if isMember {
		present = append(present, c.id)
	}
	if c.group, err = c.app.AddGroup("g-"+c.login, present...); err != nil {
		c.Fatal(err)
	}
}

// crewOnUsers is crew where users have their groups.
func (c *faultCase) crewOnUsers(isMember bool) {
	c.Helper()
	var err error
	if c.group, err = c.app.AddGroup("g-" + c.login); err != nil {
		c.Fatal(err)
	}
	for login, is := range map[string]bool{c.otherLogin: true, c.login: isMember} {
		if !is {
			continue
		}
		if err := c.app.Set(login, map[string]any{"groups": []any{"g-" + c.login}}); err != nil {
			c.Fatal(err)
		}
	}
}

func (c *faultCase) canSignIn() bool {
	c.Helper()
	return signIn(c.T, c.app, c.login, passwordOf(c.login))
}

// isOff reports whether the account is locked. Who is not on the list of staff can't sign
// in for another reason.
func (c *faultCase) isOff() bool {
	c.Helper()
	return !c.canSignIn() && (c.shape != "steps" || c.has("status", "locked"))
}

func (c *faultCase) has(field string, want any) bool {
	u := c.app.User(c.login)
	return u != nil && jsonOf(u[field]) == jsonOf(want)
}

func (c *faultCase) isMember() bool {
	logins, _ := c.app.Members("g-" + c.login)
	return slices.Contains(logins, c.login)
}

func (c *faultCase) user(changes map[string]any) string {
	body := map[string]any{"schemas": []string{userSchema}, "id": c.id, "userName": c.login}
	for name, value := range changes {
		body[name] = value
	}
	return jsonOf(body)
}

func (c *faultCase) isThere() bool { return c.app.User(c.login) != nil }

var faultOperations = []faultOperation{
	{name: "find", ok: 200, again: 200, prepare: func(c *faultCase) request {
		c.account()
		return request{"GET", filterPath("/Users", `userName eq "`+c.login+`"`), ""}
	}, isDone: (*faultCase).isThere},
	{name: "read", ok: 200, again: 200, prepare: func(c *faultCase) request {
		c.account()
		return request{"GET", "/Users/" + c.id, ""}
	}, isDone: (*faultCase).isThere},
	{name: "create", ok: 201, again: 409, prepare: func(c *faultCase) request {
		return request{"POST", "/Users", restUser(c.login)}
	}, isDone: func(c *faultCase) bool { return c.isThere() && c.canSignIn() && c.has("title", "Countess") }},
	{name: "create disabled", ok: 201, again: 409, isLocked: true, prepare: func(c *faultCase) request {
		return request{"POST", "/Users", c.user(map[string]any{"active": false, "password": passwordOf(c.login), "title": "Countess"})}
	}, isDone: func(c *faultCase) bool { return c.has("title", "Countess") }},
	{name: "create who is there", ok: 409, again: 409, prepare: func(c *faultCase) request {
		c.account()
		return request{"POST", "/Users", restUser(c.login)}
	}, isDone: func(c *faultCase) bool { return c.has("title", "Analyst") && c.has("theme", "dark") }},
	{name: "disable", ok: 200, again: 200, prepare: func(c *faultCase) request {
		c.account()
		return request{"PATCH", "/Users/" + c.id, disable}
	}, isDone: func(c *faultCase) bool { return c.has("theme", "dark") && c.has("title", "Analyst") && c.isOff() }},
	{name: "disable by PUT", ok: 200, again: 200, prepare: func(c *faultCase) request {
		c.account()
		return request{"PUT", "/Users/" + c.id, c.user(map[string]any{"active": false, "title": "Countess"})}
	}, isDone: func(c *faultCase) bool { return c.has("title", "Countess") && c.isOff() }},
	{name: "change who is off", ok: 200, again: 200, isLocked: true, prepare: func(c *faultCase) request {
		c.lockedAccount()
		return request{"PATCH", "/Users/" + c.id, patchOf(operation("Replace", "title", "Countess"))}
	}, isDone: func(c *faultCase) bool { return c.has("title", "Countess") }},
	{name: "change all of who is off", ok: 200, again: 200, isLocked: true, prepare: func(c *faultCase) request {
		c.lockedAccount()
		return request{"PUT", "/Users/" + c.id, c.user(map[string]any{"title": "Countess", "password": passwordOf(c.login)})}
	}, isDone: func(c *faultCase) bool { return c.has("title", "Countess") }},
	{name: "rename who is off", ok: 200, again: 200, isLocked: true, without: []string{"put-by-name"}, prepare: func(c *faultCase) request {
		c.lockedAccount()
		r := request{"PATCH", "/Users/" + c.id, patchOf(operation("Replace", "userName", c.login+".new"))}
		return r
	}, isDone: func(c *faultCase) bool { return c.app.User(c.login+".new") != nil }},
	{name: "enable", ok: 200, again: 200, prepare: func(c *faultCase) request {
		c.lockedAccount()
		return request{"PATCH", "/Users/" + c.id, enable}
	}, isDone: func(c *faultCase) bool {
		return c.has("theme", "dark") && c.g.get(c, "/Users/"+c.id, "active") == "true"
	}},
	{name: "delete", ok: 204, again: 404, prepare: func(c *faultCase) request {
		c.account()
		return request{"DELETE", "/Users/" + c.id, ""}
	}, isDone: func(c *faultCase) bool { return !c.isThere() }},
	{name: "read a group", ok: 200, again: 200, prepare: func(c *faultCase) request {
		c.crew(true)
		return request{"GET", "/Groups/" + c.group, ""}
	}, isDone: (*faultCase).isMember},
	{name: "add a member", ok: 204, again: 204, isLocked: true, prepare: func(c *faultCase) request {
		c.crew(false)
		return request{"PATCH", "/Groups/" + c.group, patchOf(operation("Add", "members", members(c.id)))}
	}, isDone: (*faultCase).isMember},
	{name: "remove a member", ok: 204, again: 204, isLocked: true, prepare: func(c *faultCase) request {
		c.crew(true)
		return request{"PATCH", "/Groups/" + c.group, patchOf(operation("Remove", "members", members(c.id)))}
	}, isDone: func(c *faultCase) bool { return !c.isMember() }},
	{name: "replace members", ok: 204, again: 204, isLocked: true, prepare: func(c *faultCase) request {
		c.crew(false)
		return request{"PATCH", "/Groups/" + c.group, patchOf(operation("Replace", "members", members(c.id)))}
	}, isDone: func(c *faultCase) bool {
		logins, _ := c.app.Members("g-" + c.login)
		return slices.Equal(logins, []string{c.login})
	}},
}

// get returns what is at a path of an answer.
func (g *gateway) get(c *faultCase, path, of string) string {
	c.Helper()
	return g.want(c.T, 200, "GET", path, "").get(of)
}

// faultKinds are the ways in which a request goes wrong.
var faultKinds = []legacy.Fault{
	{Kind: legacy.TooMany}, {Kind: legacy.ErrorBefore}, {Kind: legacy.ErrorAfter}, {Kind: legacy.CutBefore}, {Kind: legacy.CutAfter},
	{Kind: legacy.Half}, {Kind: legacy.Broken}, {Kind: legacy.HTML, Status: http.StatusNotFound},
	{Kind: legacy.LoginPage}, {Kind: legacy.NoAnswer}, {Kind: legacy.Denied}, {Kind: legacy.Redirect, Location: "/nowhere"},
}

// TestRestFaultAtEachRequest lets each request that an operation makes to the
// application go wrong in each way, one at a time: success is answered only for what is
// so, absence only for what is not there, nothing else is touched, the repetition
// succeeds, and the journal tells what was.
func TestRestFaultAtEachRequest(t *testing.T) {
	for shape, options := range map[string]legacy.Options{
		"plain": {}, "put-by-name": {PutByName: true}, "put-etag": {Update: legacy.PutETag}, "put-version": {Update: legacy.PutVersion},
		"steps": {InSteps: true}, "lock-calls": {Status: legacy.ByCall}, "groups-on-users": {Groups: legacy.OnUsers},
	} {
		t.Run(shape, func(t *testing.T) {
			for i, o := range faultOperations {
				if slices.Contains(o.without, shape) {
					continue
				}
				t.Run(o.name, func(t *testing.T) {
					app := legacy.Start(t, options)
					g := startRest(t, app, shape, restQuick...)
					g.want(t, 201, "POST", "/Users", restUser("first"))
					faultAtEach(t, app, g, shape, i, o)
				})
			}
		})
	}
}

// outcomeSeen is what an operation has come to.
type outcomeSeen struct {
	what   string
	at     time.Time // when it was answered
	isDone bool
	status int
}

func faultAtEach(t *testing.T, app *legacy.App, g *gateway, shape string, number int, o faultOperation) {
	begin := func(n int) (*faultCase, request) {
		c := &faultCase{T: t, app: app, g: g, shape: shape, login: fmt.Sprintf("u%d.%d", number, n)}
		r := o.prepare(c)
		app.Forget()
		return c, r
	}
	c, r := begin(0)
	if a := g.do(t, r.method, r.path, r.body); a.Status != o.ok || !o.isDone(c) {
		t.Fatalf("without a fault: answered %s, and it is so: %v", a, o.isDone(c))
	}
	var asked []string
	for _, made := range app.Requests() {
		if made.Op != "" {
			asked = append(asked, made.Op)
		}
	}
	seen := make(map[string]outcomeSeen)
	for position, op := range asked {
		for k, fault := range faultKinds {
			c, r := begin(1 + position*len(faultKinds) + k)
			what := fmt.Sprintf("request %d (%s) fails by %s %d", position+1, op, fault.Kind, fault.Status)
			fault.Skip, fault.Times = position, 1
			app.Fail(fault)
			a := g.do(t, r.method, r.path, r.body)
			app.Mend()
			isDone := o.isDone(c)
			switch {
			case a.Status == o.ok && !isDone:
				t.Errorf("%s: answered %s, and it is not so", what, a)
			case a.Status != o.ok && (a.Status < 400 || a.Status == 404 || a.Status == 409):
				t.Errorf("%s: answered %s", what, a)
			case a.Status == o.ok && o.name == "find" && a.get("totalResults") != "1":
				t.Errorf("%s: answered %s", what, a)
			case a.Status == o.ok && o.name == "read a group" && a.get("members.#") != "2":
				t.Errorf("%s: answered %s", what, a)
			}
			id := c.id
			if c.group != "" {
				id = c.group
			}
			seen[id] = outcomeSeen{what, time.Now(), isDone, a.Status}
			seen[c.login] = seen[id]
			if o.isLocked && c.canSignIn() {
				t.Errorf("%s: answered %s, and the account can sign in", what, a)
			}
			again := o.ok
			if isDone {
				again = o.again
			} else if u := app.User(c.login); u != nil && c.id == "" {
				again = 409 // in part
			}
			if repeated := g.do(t, r.method, r.path, r.body); repeated.Status != again || again != 409 && !o.isDone(c) {
				t.Errorf("%s: answered %s and, when it is repeated, %s, and it is so: %v", what, a, repeated, o.isDone(c))
			}
			if o.isLocked && c.canSignIn() {
				t.Errorf("%s, and repeated: the account can sign in", what)
			}
			if u := app.User(c.login); u != nil && c.id != "" && (u["theme"] != "dark" || u["notices"] != false) {
				t.Errorf("%s: what is not mapped is %v, %v", what, u["theme"], u["notices"])
			}
			if c.other != "" && o.name != "replace members" {
				if logins, _ := app.Members("g-" + c.login); !slices.Contains(logins, c.otherLogin) {
					t.Errorf("%s: the members are %q", what, logins)
				}
			}
		}
	}
	checked := make(map[string]bool)
	for _, e := range g.entries(t) {
		for _, key := range []string{e.Resource, e.Name} {
			s, is := seen[key]
			if !is || key == "" || checked[key] || e.Time.After(s.at) || e.Operation == "disable" && o.name != "disable" && o.name != "disable by PUT" {
				continue
			}
			checked[key] = true
			if o.name == "disable by PUT" {
				continue // two entries
			}
			if e.Result == "applied" && !s.isDone || e.Result == "not applied" && s.isDone && o.ok != 409 {
				t.Errorf("%s: answered %d, it is so: %v, and the journal says %q", s.what, s.status, s.isDone, e.Result)
			}
		}
	}
}
