package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/internal/redmine"
)

// checkedRest runs check against a Caddyfile of testdata/rest before what answers at the
// address.
func checkedRest(t *testing.T, shape, address, key string, c checkCommand, replace ...string) (out string, err error) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir)
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "rest", shape+".caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	configured := string(text)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(configured, replace[i]) {
			t.Fatalf("%s has no %q", shape, replace[i])
		}
		configured = strings.ReplaceAll(configured, replace[i], replace[i+1])
	}
	configured = strings.NewReplacer("https://app.example.com", address, "https://redmine.example.com", address,
		"/etc/scimgate/app", filepath.Join(dir, "key"), "/etc/scimgate/redmine", filepath.Join(dir, "key")).Replace(configured)
	c.configuration.file = filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(c.configuration.file, []byte(configured), 0o600); err != nil {
		t.Fatal(err)
	}
	var to bytes.Buffer
	c.out = &to
	err = c.run(t.Context())
	if strings.Contains(to.String(), key) {
		t.Errorf("the key is printed: %s", &to)
	}
	return to.String(), err
}

// nobodyListens is an address at which that is so.
const nobodyListens = "http://127.0.0.1:1"

// An application is tried out, and what is wrong is said so that one knows what to change.
func TestCheckOfAnApplication(t *testing.T) {
	soap := legacy.Options{Wire: legacy.SOAP}
	const (
		fine    = "ok       backend      users: the application answers as it is configured."
		isWrong = "error    backend      users: "
		search  = "looking up a userName that nobody has fails: search of User: "
	)
	for name, test := range map[string]struct {
		shape        string
		options      legacy.Options
		address, key string // instead of the application's
		replace      []string
		want         []string
		lacks        string
		locked       bool // the second user is
		isBad        bool
	}{
		"all is well": {shape: "plain", want: []string{fine, "nobody is found by a userName that nobody has", "found user000000@example.com by userName",
			"what was read of user000000@example.com would be written as it is", "read the group Everybody (11); members: 1 "}, lacks: "warning"},
		"whole records, by ETag": {shape: "put-etag", options: legacy.Options{Update: legacy.PutETag}, want: []string{fine}, lacks: "warning"},
		"SOAP":                   {shape: "soap", options: soap, want: []string{fine}, lacks: "warning"},
		"the key is wrong": {shape: "plain", key: "wrong-key", isBad: true, lacks: "an id that nobody has",
			want: []string{isWrong + "looking up a userName that nobody has fails: The application does not accept the gateway's credentials. Check them", `saying "sign in first"`}},
		"the key is wrong, over SOAP": {shape: "soap", options: soap, key: "wrong-key", isBad: true, lacks: "there is none",
			want: []string{isWrong + search + `POST /soap: the answer has the status 500, text/xml, saying "sign in first"`}},
		"the key is in the URL, and the application is down": {shape: "sign-in-query-key", options: legacy.Options{SignIn: legacy.ByQuery}, address: nobodyListens, isBad: true,
			want: []string{"connection refused; nothing else is tried: look whether the application runs"}},
		"the application is down": {shape: "plain", address: nobodyListens, isBad: true, lacks: "there is none",
			want: []string{isWrong + search + "GET /users?login={userName}: connecting to 127.0.0.1:1:", "connection refused; nothing else is tried: look whether the application runs"}},
		"the items are elsewhere": {shape: "plain", replace: []string{"items users", "items result.users"}, isBad: true,
			want: []string{isWrong + search, "it has no items result.users: there is an object with limit, offset, total, users; say with items where the rows are; compare with what curl shows"}},
		"the total is elsewhere": {shape: "plain", replace: []string{"limit 100 total", "limit 100 count"}, isBad: true,
			want: []string{isWrong + search, "it has no number at total count"}},
		"the URL is another one": {shape: "plain", replace: []string{"GET /users?login={userName}", "GET /people?login={userName}"}, isBad: true,
			want: []string{isWrong + search + `GET /people?login={userName}: the answer has the status 404, application/json, saying "there is no such page"`}},
		"not_found is missing": {shape: "soap", options: soap, isBad: true,
			replace: []string{"not_found when `body.Envelope.Body.Fault.detail.code == \"not_found\"`", ""},
			want:    []string{`saying "there is no such user"`, `is not understood as "there is none": say what it is, such as not_found 400`}},
		"not_found takes everything": {shape: "plain", replace: []string{"error error", "error error\nnot_found 200"},
			want: []string{"warning  user         there is no user yet: nobody could be read. Create one in the backend and check again; if it has some, what lists them is configured wrongly"}},
		"the id is elsewhere": {shape: "plain", replace: []string{"id id number\n\t\t\t\titems users", "id user_id number\n\t\t\t\titems users"}, isBad: true,
			want: []string{isWrong + "listing fails: list of User: GET /users: a record of the application has no id at user_id: there is an object with created_on, first_name, id, last_name, login, ", "; say which of them is the id, with id <path> in users"}},
		"who is disabled is found": {shape: "substring", options: legacy.Options{Search: legacy.Substring, BriefRows: true}, locked: true,
			want: []string{fine, "ok       disabled     found user000001@example.com, who is disabled, by userName"}, lacks: "error"},
		"who is disabled is hidden": {shape: "substring", options: legacy.Options{Search: legacy.Substring, BriefRows: true}, locked: true, isBad: true,
			replace: []string{"GET /users?status=all&q={userName}", "GET /users?q={userName}"},
			want: []string{fine, "error    disabled     the search hides those who are disabled: a search for the userName user000001@example.com does not find 13, who is disabled, " +
				"and a provider would create a second account; have the call find all (GET /users?q={userName}), such as"}},
		"nobody is disabled": {shape: "plain", want: []string{"ok       disabled     whether a search finds those who are disabled could not be tried: nobody who is disabled is among the first 3 of the list"}},
		"members are not the ids": {shape: "plain", replace: []string{"map members members.#.id", "map members members"},
			want: []string{"warning  backend      groups: nothing at members, which map members names, is an id or a name: there is an array of 1, the first of which is an object with id, login; name the id in each of them, such as map members members.#.id"}},
		"members without #": {shape: "plain", replace: []string{"map members members.#.id", "map members members.id"},
			want: []string{"warning  backend      groups: nothing is at members.id, which map members names: what is at members is a list, an array of 1, the first of which is an object with id, login; write map members members.#.id"}},
		"the search asks for something else": {shape: "plain", replace: []string{"GET /users?login={userName}", "GET /users?mail={userName}"}, isBad: true,
			want: []string{isWrong + "somebody who is in the list is not found by userName eq: the search call (GET /users?mail={userName}) does not look at login, which it is mapped to"}},
		"userName is elsewhere": {shape: "plain", replace: []string{"map userName login", "map userName name.login"}, isBad: true,
			want: []string{isWrong + "a record has no value at name.login, which userName is mapped to: there is an object with ", "; correct map userName <path>, or item"}},
		"active is elsewhere": {shape: "plain", replace: []string{"map active status", "map active state"}, isBad: true,
			want: []string{isWrong + "whether an account is active can't be read at state: there is an object with ", ", so that no disable could be proven; correct the map of active"}},
		"a status that no line names": {shape: "plain", replace: []string{"true active", "true enabled"}, isBad: true,
			want: []string{isWrong + "whether an account is active can't be read at status: what stands there, a text, is none of the values that the map has"}},
		"a value that no line names": {shape: "plain", replace: []string{"map title title", "map title title {\nvalue Boss B\n}"},
			want: []string{"warning  user         user000000@example.com does not come back as it is: title (title): it cannot be read: the table says nothing about this value: add a line"}},
		"a text that is written as a number": {shape: "plain", replace: []string{"map name.familyName last_name", "map name.familyName last_name {\nas number\n}"},
			want: []string{"warning  user         user000000@example.com does not come back as it is: name.familyName (last_name)"}},
		"a time that is less exact": {shape: "plain", replace: []string{
			"users {\n\t\t\t\tid", "schema urn:example:scim:2.0:Desk {\nextends User\nattribute since dateTime\n}\nusers {\nmap urn:example:scim:2.0:Desk:since created_on {\ntime 2006-01-02\n}\nid"},
			want: []string{"warning  user         user000000@example.com does not come back as it is: urn:example:scim:2.0:Desk:since (created_on)"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Seed = 3
			app := legacy.Start(t, test.options)
			if test.locked {
				if err := app.Set("user000001@example.com", map[string]any{"status": "locked"}); err != nil {
					t.Fatal(err)
				}
			}
			out, err := checkedRest(t, test.shape, cmp.Or(test.address, app.URL), cmp.Or(test.key, legacy.Key), checkCommand{}, test.replace...)
			if (err != nil) != test.isBad {
				t.Errorf("the error is %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
			if test.lacks != "" && strings.Contains(out, test.lacks) {
				t.Errorf("%q is said in\n%s", test.lacks, out)
			}
			if written := app.Writes(); len(written) > 0 {
				t.Errorf("the check wrote: %+v", written)
			}
		})
	}
}

func TestCheckOfAnApplicationPrintsJSON(t *testing.T) {
	app := legacy.Start(t, legacy.Options{Seed: 3})
	out, err := checkedRest(t, "plain", app.URL, legacy.Key, checkCommand{asJSON: true, user: "USER000001@example.com"})
	if err != nil || !json.Valid([]byte(out)) || gjson.Get(out, "0.backend").Str != "rest" {
		t.Fatalf("%v: %s", err, out)
	}
	if got := gjson.Get(out, `0.steps.#(step=="user")`); got.Get("level").Str != "ok" || !strings.HasPrefix(got.Get("detail").Str, "read user000001@example.com (13)") {
		t.Errorf("printed %s", out)
	}
	out, err = checkedRest(t, "plain", app.URL, "wrong-key", checkCommand{asJSON: true})
	if err == nil || gjson.Get(out, "0.steps.0.level").Str != "error" {
		t.Errorf("the key is wrong: %v: %s", err, out)
	}
}

// Redmine, real, is tried out, and nothing is written to it.
func TestCheckOfRedmine(t *testing.T) {
	app := redmine.Start(t)
	for name, test := range map[string]struct {
		key     string
		replace []string
		want    string
		isBad   bool
	}{
		"all is well":      {want: "found admin by userName"},
		"the key is wrong": {key: "0123456789abcdef", want: "The application does not accept the gateway's credentials", isBad: true},
		"the locked can't be told": {replace: []string{"map active status", "map active locked"},
			want: "whether an account is active can't be read at locked", isBad: true},
	} {
		t.Run(name, func(t *testing.T) {
			before := seenOf(t, app)
			out, err := checkedRest(t, "redmine", app.URL(), cmp.Or(test.key, app.Key()), checkCommand{}, test.replace...)
			if (err != nil) != test.isBad || !strings.Contains(out, test.want) {
				t.Errorf("%q is missing, or %v is wrong:\n%s", test.want, err, out)
			}
			if after := seenOf(t, app); after != before {
				t.Errorf("Redmine had %s and has %s", before, after)
			}
		})
	}
}

// seenOf is all that Redmine tells of users and groups, but for when they signed in.
func seenOf(t *testing.T, app *redmine.Server) string {
	t.Helper()
	var all string
	for _, target := range []string{"/users.json?status=", "/groups.json"} {
		status, body, err := app.Do("GET", target, "")
		if err != nil || status != 200 {
			t.Fatalf("%s: %d: %v", target, status, err)
		}
		for _, field := range []string{"users.#.id", "users.#.login", "users.#.updated_on", "groups.#.id", "groups.#.name"} {
			all += gjson.GetBytes(body, field).Raw
		}
	}
	return all
}
