package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/redmine"
)

// asked are the requests that have come to Redmine, without their queries.
func (r *tracker) asked() string {
	var all []string
	for _, p := range r.way.Passed() {
		path, _, _ := strings.Cut(p.Target, "?")
		all = append(all, p.Method+" "+path)
	}
	return strings.Join(all, ", ")
}

// team creates a group through the gateway.
func (r *tracker) team(t *testing.T, name string, ids ...string) (id string) {
	t.Helper()
	return r.want(t, 201, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": name, "members": members(ids...)})).get("id")
}

func TestRedmineRule04TwiceIsOnce(t *testing.T) {
	r := startTracker(t)
	id, other := r.add(t, "ada"), r.add(t, "grace")
	group := r.team(t, "engineers", id)
	state := func() string {
		ids := r.members(t, group)
		slices.Sort(ids)
		user := r.account(t, "ada").Map()
		delete(user, "updated_on")
		return fmt.Sprint(user, ids, r.ask(t, 200, "GET", "/groups.json", "").Raw)
	}
	put := jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "ada", "name": map[string]any{"familyName": "King"}, "active": false})
	for _, w := range []request{
		{"PATCH", "/Users/" + id, disable},
		{"PATCH", "/Users/" + id, patchOf(operation("Replace", "name.familyName", "King"))},
		{"PUT", "/Users/" + id, put},
		{"PATCH", "/Users/" + id, enable},
		// Redmine says the same of a member and of somebody whom it does not know.
		{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(other)))},
		{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(other)))},
		{"PATCH", "/Groups/" + group, patchOf(operation("Replace", "members", members(id, other)))},
		{"PATCH", "/Groups/" + group, patchOf(operation("Replace", "displayName", "Engines"))},
	} {
		before := state()
		first := r.do(t, w.method, w.path, w.body)
		once := state()
		if once == before && w.body != put {
			t.Errorf("%s %s: nothing has changed", w.path, w.body)
		}
		r.way.Forget()
		second := r.do(t, w.method, w.path, w.body)
		if first.Status/100 != 2 || second.Status != first.Status {
			t.Errorf("%s %s: %s, then %s", w.path, w.body, first, second)
		}
		if twice := state(); twice != once {
			t.Errorf("%s %s: %s became %s", w.path, w.body, once, twice)
		}
		// What is known to be so is not written again.
		if writes := r.way.Writes(); len(writes) > 0 && !strings.Contains(writes[0].Target, "/groups/"+group+"/users") {
			t.Errorf("%s %s: written again: %+v", w.path, w.body, writes)
		}
	}
	before := state()
	for what, w := range map[string]request{
		"a user":                {"POST", "/Users", trackerUser("ada", "other@example.com")},
		"a user in capitals":    {"POST", "/Users", trackerUser("ADA", "other@example.com")},
		"a mail address":        {"POST", "/Users", trackerUser("other", "ada@example.com")},
		"a group in small ones": {"POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "engines"})},
		"a name, by renaming":   {"PATCH", "/Users/" + other, patchOf(operation("Replace", "userName", "Ada"))},
	} {
		if a := r.want(t, 409, w.method, w.path, w.body); a.get("scimType") != "uniqueness" {
			t.Errorf("%s that there is: answered %s", what, a)
		}
	}
	if after := state(); after != before || r.account(t, "other").Exists() || !r.account(t, "grace").Exists() {
		t.Errorf("refused writes have made %s of %s", after, before)
	}
	// Who is deleted is gone, and stays so.
	r.want(t, 204, "DELETE", "/Users/"+id, "")
	if r.account(t, "ada").Exists() || r.app.CanSignIn(t, "ada", passwordOf("ada")) {
		t.Error("ada is still there")
	}
	r.want(t, 404, "DELETE", "/Users/"+id, "")
	r.want(t, 404, "PATCH", "/Users/"+id, disable)
	r.want(t, 404, "GET", "/Users/"+id, "")
	if found := r.lookUp(t, "ada"); len(found) != 0 {
		t.Errorf("she is found: %q", found)
	}
	if got := r.members(t, group); !slices.Equal(got, []string{other}) {
		t.Errorf("the members are %q", got)
	}
	r.want(t, 204, "DELETE", "/Groups/"+group, "")
	r.want(t, 404, "DELETE", "/Groups/"+group, "")
}

func TestRedmineRule05WorkIsProportionalToTheChange(t *testing.T) {
	r := startTracker(t)
	r.app.Seed(t, 3000)
	r.isChecked(t)
	id, other := r.account(t, redmine.SeedLogin(17)).Get("id").Raw, r.account(t, redmine.SeedLogin(2999)).Get("id").Raw
	group := r.groupID(t, redmine.SeedGroup)
	user, crew := "/users/"+id+".json", "/groups/"+group
	r.ask(t, 204, "DELETE", crew+"/users/"+other+".json", "")
	for _, step := range []struct {
		name string
		request
		status int
		asked  string
	}{
		{"find", request{"GET", filterPath("/Users", `userName eq "`+redmine.SeedLogin(17)+`"`), ""}, 200, "GET /users.json, GET " + user},
		{"find nobody", request{"GET", filterPath("/Users", `userName eq "nobody"`), ""}, 200, "GET /users.json"},
		{"read", request{"GET", "/Users/" + id, ""}, 200, "GET " + user},
		// That there is nobody is made sure of.
		{"read nobody", request{"GET", "/Users/999999", ""}, 404, "GET /users/999999.json, GET /users.json, GET /users/999999.json"},
		{"disable", request{"PATCH", "/Users/" + id, disable}, 200, "GET " + user + ", PUT " + user + ", GET " + user},
		{"change", request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "name.familyName", "King"))}, 200, "GET " + user + ", PUT " + user + ", GET " + user},
		{"create", request{"POST", "/Users", trackerUser("ada", "ada@example.com")}, 201, "POST /users.json, GET /users/*.json"},
		// Of a member it is asked whether he is protected.
		{"add a member", request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(other)))}, 204, "GET /users/" + other + ".json, POST " + crew + "/users.json"},
		{"remove a member", request{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(id)))}, 204, "GET " + user + ", DELETE " + crew + "/users/" + id + ".json"},
		{"find a group", request{"GET", filterPath("/Groups", `displayName eq "Everybody"`) + "&excludedAttributes=members", ""}, 200, "GET /groups.json"},
		{"delete", request{"DELETE", "/Users/" + id, ""}, 204, "GET " + user + ", DELETE " + user},
	} {
		r.way.Forget()
		a := r.want(t, step.status, step.method, step.path, step.body)
		if got, want := r.asked(), strings.ReplaceAll(step.asked, "*", a.get("id")); got != want {
			t.Errorf("%s asks for %s, want %s", step.name, got, want)
		}
		for _, p := range r.way.Passed() {
			if len(p.Body) > 300 {
				t.Errorf("%s sends %d bytes", step.name, len(p.Body))
			}
		}
	}
	if got := len(r.members(t, group)); got != 2999 {
		t.Errorf("there are %d members", got)
	}
	// Of a walk the first page looks at everybody, and the others at their own people.
	r.want(t, 200, "GET", "/Users?count=3&sortBy=id", "")
	for _, start := range []int{4, 2001} {
		r.way.Forget()
		if a := r.want(t, 200, "GET", fmt.Sprintf("/Users?count=3&sortBy=id&startIndex=%d", start), ""); a.get("Resources.#") != "3" {
			t.Errorf("the page at %d is %s", start, a)
		}
		if got := r.way.Passed(); len(got) > 3 {
			t.Errorf("the page at %d takes %s", start, r.asked())
		}
	}
}

func TestRedmineRule07TheIDIsRedminesOwn(t *testing.T) {
	r := startTracker(t)
	id := r.add(t, "ada")
	if r.account(t, "ada").Get("id").Raw != id {
		t.Errorf("Redmine calls it %s, we %s", r.account(t, "ada").Raw, id)
	}
	r.ask(t, 204, "PUT", "/users/"+id+".json", `{"user":{"admin":true}}`)
	for _, name := range []string{"ada.king", "ADA.King", "ada@example.com"} {
		a := r.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "userName", name), operation("Replace", "name.familyName", "King")))
		account := r.account(t, name)
		if a.get("id") != id || a.get("userName") != name || account.Get("id").Raw != id || !account.Get("admin").Bool() || account.Get("firstname").Str != "Ada" {
			t.Errorf("renamed to %s: answered %s, and Redmine has %s", name, a, account.Raw)
		}
		if !r.app.CanSignIn(t, name, passwordOf("ada")) {
			t.Errorf("%s can't sign in any more", name)
		}
	}
	if found := r.lookUp(t, "ada"); len(found) != 0 {
		t.Errorf("the old name finds %q", found)
	}
	group := r.team(t, "engineers", id)
	if a := r.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Replace", "displayName", "Engines"))); a.Body != "" || !slices.Equal(r.members(t, group), []string{id}) {
		t.Errorf("the renamed group is %s", a)
	}
	// An id that was one's is nobody else's.
	r.want(t, 204, "DELETE", "/Users/"+id, "")
	if again := r.add(t, "ada"); again == id {
		t.Errorf("a new user has the id %s of a deleted one", id)
	}
}

func TestRedmineRule08RedmineIsTheTruth(t *testing.T) {
	r := startTracker(t)
	id := r.add(t, "ada")
	r.want(t, 200, "GET", "/Users/"+id, "")
	r.ask(t, 204, "PUT", "/users/"+id+".json", `{"user":{"lastname":"Changed behind our back","status":3,"login":"ada.king"}}`)
	if a := r.want(t, 200, "GET", "/Users/"+id, ""); a.get("name.familyName") != "Changed behind our back" || a.get("active") != "false" || a.get("userName") != "ada.king" {
		t.Errorf("read as %s", a)
	}
	if old, found := r.lookUp(t, "ada"), r.lookUp(t, "ada.king"); len(old) != 0 || !slices.Equal(found, []string{id}) {
		t.Errorf("the old name finds %q, the new one %q", old, found)
	}
	grace := r.ask(t, 201, "POST", "/users.json", `{"user":{"login":"grace","firstname":"G","lastname":"H","mail":"grace@example.com","password":"cobol-cobol"}}`).Get("user.id").Raw
	if found := r.lookUp(t, "grace"); !slices.Equal(found, []string{grace}) {
		t.Errorf("grace, who was created elsewhere, is found as %q", found)
	}
	if a := r.want(t, 200, "GET", "/Users", ""); a.get("totalResults") != "3" { // and the administrator
		t.Errorf("the list is %s", a)
	}
	// Who waits for an administrator's word, after signing up, can't sign in.
	r.ask(t, 204, "PUT", "/users/"+grace+".json", `{"user":{"status":2}}`)
	if a := r.want(t, 200, "GET", "/Users/"+grace, ""); a.get("active") != "false" || r.app.CanSignIn(t, "grace", "cobol-cobol") {
		t.Errorf("one who is registered alone is read as %s", a)
	}
	r.ask(t, 204, "DELETE", "/users/"+id+".json", "")
	r.want(t, 404, "GET", "/Users/"+id, "")
	// Two of a name are an error that names both.
	r.add(t, "twin")
	two := r.add(t, "other")
	r.app.Exec(t, "UPDATE users SET login = 'Twin' WHERE login = 'other'")
	a := r.do(t, "GET", filterPath("/Users", `userName eq "twin"`), "")
	if a.Status < 400 || !strings.Contains(a.get("detail"), two) {
		t.Errorf("two of a name are answered %s", a)
	}
	isSCIMError(t, a)
}

// Quirks of providers are taken, and what Redmine does not take is told in its own words.
func TestRedmineRule14NothingIsGuessed(t *testing.T) {
	r := startTracker(t)
	id := r.add(t, "ada")
	group := r.team(t, "engineers", id)
	for name, body := range map[string]string{
		"capitals and texts": patchOf(operation("Replace", "active", "False"), operation("ADD", "name.familyName", "x")),
		"dotted keys":        patchOf(operation("replace", "", map[string]any{"name.familyName": "y", "active": "True"})),
		"a filtered path":    patchOf(operation("Add", `emails[type eq "work"].value`, "x@example.com")),
		"a full path":        patchOf(operation("Replace", userSchema+":name.givenName", "Z")),
		"another case":       patchOf(operation("Replace", "userName", "Ada")),
	} {
		if a := r.do(t, "PATCH", "/Users/"+id, body); a.Status != 200 {
			t.Errorf("%s: answered %s", name, a)
		}
	}
	r.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Remove", "members", members(id))))
	r.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Remove", "members[value eq "+strconv.Quote(id)+"]", nil)))
	before := r.account(t, "Ada").Raw
	for detail, w := range map[string]request{
		"Login is invalid":                             {"POST", "/Users", trackerUser("not a login!", "new@example.com")},
		"Email is invalid":                             {"POST", "/Users", trackerUser("new", "not a mail address")},
		"Last name is too long (maximum is 30":         {"PATCH", "/Users/" + id, patchOf(operation("Replace", "name.familyName", strings.Repeat("x", 31)))},
		"Password is too short (minimum is 8":          {"PATCH", "/Users/" + id, patchOf(operation("Replace", "password", "Zq9"))},
		"Name is too long (maximum is 255 characters)": {"PATCH", "/Groups/" + group, patchOf(operation("Replace", "displayName", strings.Repeat("x", 256)))},
	} {
		a := r.do(t, w.method, w.path, w.body)
		if a.Status != 400 || a.get("scimType") != "invalidValue" || !strings.Contains(a.get("detail"), detail) {
			t.Errorf("answered %s, without %q", a, detail)
		}
		isSCIMError(t, a)
	}
	if after := r.account(t, "Ada").Raw; after != before || r.ask(t, 200, "GET", "/users.json?status=", "").Get("total_count").Int() != 2 {
		t.Errorf("refused writes have made %s of %s, or somebody", after, before)
	}
}

func TestRedmineRule15ARehearsalNeverLies(t *testing.T) {
	r := startTracker(t)
	id := r.add(t, "ada")
	group := r.team(t, "engineers")
	before := r.account(t, "ada").Raw
	r.reload(t, func(s *setup) { s.Replace = append(s.Replace, "base /scim/v2\n", "base /scim/v2\ndry_run\n") })
	r.way.Forget()
	journaled := len(r.journal(t))
	const rehearsed = "dry run: this plan was not carried out"
	for name, w := range map[string]struct {
		request
		plan []string
	}{
		"create":       {request{"POST", "/Users", trackerUser("fresh", "fresh@example.com")}, []string{"POST", "/users.json", `"login":"fresh"`}},
		"change":       {request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "name.familyName", "King"))}, []string{"PUT", "/users/" + id + ".json", `"lastname":"King"`}},
		"disable":      {request{"PATCH", "/Users/" + id, disable}, []string{"PUT", "/users/" + id + ".json", `"status":3`}},
		"password":     {request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "password", "another-Password-9"))}, []string{"PUT", "/users/" + id + ".json", `"password":`}},
		"delete":       {request{"DELETE", "/Users/" + id, ""}, []string{"DELETE", "/users/" + id + ".json"}},
		"add a member": {request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(id)))}, []string{"POST", "/groups/" + group + "/users.json"}},
	} {
		logged := len(r.logged(t, rehearsed))
		a := r.do(t, w.method, w.path, w.body)
		isFault(t, name, a)
		if a.Status != 503 || !strings.Contains(a.get("detail"), "dry run") {
			t.Errorf("%s: answered %s", name, a)
		}
		plans := r.logged(t, rehearsed)
		if len(plans) != logged+1 {
			t.Errorf("%s: %d plans are logged, want one", name, len(plans)-logged)
			continue
		}
		text := plans[logged].Get("plan").String()
		if strings.Contains(text, r.app.Key()) || strings.Contains(text, "another-Password-9") {
			t.Errorf("%s: the plan tells a secret: %s", name, text)
		}
		rest := strings.ReplaceAll(text, `": `, `":`)
		for _, part := range w.plan {
			_, behind, found := strings.Cut(rest, part)
			if !found {
				t.Errorf("%s: the plan has no %q: %s", name, part, text)
			}
			rest = behind
		}
	}
	for _, p := range r.way.Passed() {
		if p.Method != "GET" {
			t.Errorf("written: %+v", p)
		}
	}
	if after := r.account(t, "ada").Raw; after != before || !r.isIn(t, "ada", passwordOf("ada")) || r.account(t, "fresh").Exists() {
		t.Errorf("ada was %s and is %s", before, after)
	}
	if now := len(r.journal(t)); now != journaled {
		t.Errorf("the journal has %d lines more", now-journaled)
	}
}
