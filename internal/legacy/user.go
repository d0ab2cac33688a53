package legacy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// user is an account. What was written last is in now; as long as the application
// has not noticed, reads see what was before.
type user struct {
	id       string
	now      *state // nil: deleted
	before   *state // nil: not there yet
	reads    int    // that still see it
	until    time.Time
	password string
}

// state is a user at a time.
type state struct {
	fields           record
	created, updated time.Time
	version          int
}

// shown is what a read sees, and counts as one. nil: nothing.
func (u *user) shown() *state {
	if u.reads > 0 {
		u.reads--
		return u.before
	}
	if !u.until.IsZero() && time.Now().Before(u.until) {
		return u.before
	}
	return u.now
}

// write replaces the state of a user.
func (a *App) write(u *user, s *state) {
	if a.options.LagReads > 0 || a.options.Lag > 0 {
		if u.reads == 0 && !time.Now().Before(u.until) {
			u.before = u.now
		}
		u.reads = a.options.LagReads
		u.until = time.Now().Add(a.options.Lag)
	}
	if u.now != nil {
		delete(a.logins, loginKey(u.now.fields))
	}
	if s != nil {
		s.updated = now()
		s.version++
		a.logins[loginKey(s.fields)] = u
	}
	u.now = s
}

func loginKey(r record) string { return strings.ToLower(r["login"].(string)) }

// SeedGroup is the id of the group of Options.Seed.
const SeedGroup = "11"

// SeedLogin is the login of the nth user of Options.Seed.
func SeedLogin(n int) string { return fmt.Sprintf("user%06d@example.com", n) }

// SeedID is the id of that user, unless the login is the id.
func SeedID(n int) string { return strconv.Itoa(12 + n) }

// seed makes the users and the group of Options.Seed.
func (a *App) seed() {
	if a.options.Seed == 0 {
		return
	}
	everybody := &group{id: a.nextID(), name: "Everybody"}
	for n := range a.options.Seed {
		login := SeedLogin(n)
		r := record{"login": login, "title": "Seeded"}
		if !a.options.Nested && !a.options.JoinedNames {
			r["first_name"], r["last_name"] = "User", strconv.Itoa(n)
		}
		u, err := a.newUser(r, "seed-password", true)
		if err != nil {
			panic(err) // the values stand above
		}
		if n < min(a.options.Seed/2, 5000) {
			everybody.members = append(everybody.members, u.id)
		}
	}
	if a.options.Groups == WithMembers {
		a.groups = append(a.groups, everybody)
	}
}

func (a *App) nextID() string {
	a.lastID++
	return strconv.Itoa(a.lastID)
}

// newUser creates a user.
func (a *App) newUser(given record, password string, isTyped bool) (*user, error) {
	fields := a.options.userFields()
	s := &state{fields: initial(fields), created: now()}
	if err := overlay(s.fields, fields, given, isTyped); err != nil {
		return nil, err
	}
	if err := a.checkLogin(s.fields, nil); err != nil {
		return nil, err
	}
	u := &user{id: s.fields["login"].(string), password: password}
	if !a.options.PutByName {
		u.id = a.nextID()
	}
	a.write(u, s)
	a.users[u.id] = u
	a.ordered = append(a.ordered, u)
	return u, nil
}

// checkLogin refuses a login that somebody else has, or that can't be one.
func (a *App) checkLogin(r record, own *user) error {
	login := r["login"].(string)
	if strings.ContainsAny(login, "/\\\"<>\n") {
		return invalid("Login has characters that are not allowed")
	}
	if other := a.logins[strings.ToLower(login)]; other != nil && other != own {
		return conflict("Login has already been taken")
	}
	return nil
}

// change gives a user other fields. What isWhole leaves out is reset.
func (a *App) change(u *user, given record, isWhole, isTyped bool) error {
	fields := a.options.userFields()
	s := *u.now
	s.fields = clone(s.fields)
	if isWhole {
		s.fields = initial(fields)
		for _, f := range fields { // but for what only calls change
			if f.readOnly {
				s.fields[f.name] = u.now.fields[f.name]
			}
		}
	}
	if err := overlay(s.fields, fields, given, isTyped); err != nil {
		return err
	}
	if err := a.checkLogin(s.fields, u); err != nil {
		return err
	}
	if a.options.DeafToLocks {
		for _, name := range statusFields {
			if value, has := u.now.fields[name]; has {
				s.fields[name] = value
			}
		}
	}
	if a.options.PutByName && s.fields["login"] != u.id {
		return invalid("login is the id")
	}
	a.write(u, &s)
	return nil
}

// isRetired says what the record says.
func isRetired(r record) bool { return r["state"] == "RETIRED" }

// retire keeps a user who is deleted.
func (a *App) retire(u *user) {
	s := *u.now
	s.fields = clone(s.fields)
	s.fields["state"] = "RETIRED"
	a.write(u, &s)
	delete(a.logins, loginKey(s.fields))
}

// remove deletes a user.
func (a *App) remove(u *user) {
	a.write(u, nil)
	for _, g := range a.groups {
		g.members = slices.DeleteFunc(g.members, func(id string) bool { return id == u.id })
	}
	a.staff = slices.DeleteFunc(a.staff, func(id string) bool { return id == u.id })
	if a.options.LagReads == 0 && a.options.Lag == 0 {
		delete(a.users, u.id)
		a.ordered = slices.DeleteFunc(a.ordered, func(o *user) bool { return o == u })
	}
}

// view is a user as the application shows it.
func (a *App) view(u *user, s *state) record {
	r := maps.Clone(s.fields)
	r["id"] = a.idValue(u.id)
	r["created_on"], r["updated_on"] = a.time(s.created), a.time(s.updated)
	if a.options.SilentOnStatus {
		for _, name := range statusFields {
			delete(r, name)
		}
	}
	if a.options.Update == PutVersion {
		r["version"] = json.Number(strconv.Itoa(s.version))
	}
	return r
}

// statusFields are those that say who is locked.
var statusFields = []string{"status", "locked", "enabled"}

// row is a user in a list.
func (a *App) row(u *user, s *state) record {
	r := a.view(u, s)
	if a.options.BriefRows {
		maps.DeleteFunc(r, func(name string, _ any) bool {
			return !slices.Contains([]string{"id", "login", "first_name", "last_name"}, name)
		})
	}
	return r
}

func (a *App) idValue(id string) any {
	if a.options.PutByName || a.options.TextNumbers {
		return id
	}
	return json.Number(id)
}

func (a *App) time(t time.Time) any {
	if a.options.UnixTimes {
		return json.Number(strconv.FormatInt(t.Unix(), 10))
	}
	return t.Format(time.RFC3339)
}

// SignInAs is what somebody at the application's own login page would meet.
func (a *App) SignInAs(login, password string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.logins[strings.ToLower(login)]
	switch {
	case u == nil || password == "" || u.password != password:
		return errors.New("login and password do not match")
	case isLocked(u.now.fields):
		return errors.New("the account is locked")
	case a.options.InSteps && (u.now.fields["role"] == "none" || !slices.Contains(a.staff, u.id)):
		return errors.New("the account may do nothing")
	}
	return nil
}

// User is a user as the application has it now, by login, or nil.
func (a *App) User(login string) map[string]any {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.logins[strings.ToLower(login)]
	if u == nil {
		return nil
	}
	return clone(a.view(u, u.now))
}

// Logins are those of all users, sorted.
func (a *App) Logins() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, u := range a.logins {
		all = append(all, u.now.fields["login"].(string))
	}
	slices.Sort(all)
	return all
}

// Add makes a user as somebody at the application's own console would, and returns
// the id.
func (a *App) Add(fields map[string]any, password string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	u, err := a.newUser(fields, password, true)
	if err != nil {
		return "", err
	}
	u.reads, u.until = 0, time.Time{}
	return u.id, nil
}

// Set changes fields of a user as somebody at the application's own console would.
func (a *App) Set(login string, fields map[string]any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.logins[strings.ToLower(login)]
	if u == nil {
		return notFound("user")
	}
	return a.change(u, fields, false, true)
}
