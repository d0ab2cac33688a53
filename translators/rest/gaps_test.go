package rest

import (
	"context"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// TestGaps: what can be read and yet can't work is warned of, and nothing else.
func TestGaps(t *testing.T) {
	const maps = "map userName login\nmap active state {\ntrue on\nfalse off\n}\n"
	const all = maps + "search GET /users?l={userName}\nlist GET /users\nread GET /users/{id}\ncreate POST /users\nupdate PATCH /users/{id}"
	for name, tt := range map[string]struct{ users, want string }{
		"nothing":                       {all, ""},
		"active is not written":         {strings.Replace(all, "update PATCH /users/{id}", "", 1), "active is mapped, and no call writes it: nobody can be disabled; add update, or disable and enable, or make the map read_only"},
		"active is read only":           {strings.Replace(strings.Replace(all, "update PATCH /users/{id}", "", 1), "false off", "false off\nread_only", 1), "there is no update call"},
		"active has calls":              {strings.Replace(all, "update PATCH /users/{id}", "disable POST /users/{id}/off\nenable POST /users/{id}/on", 1), "there is no update call"},
		"the name is the key of update": {strings.Replace(all, "PATCH /users/{id}", "PATCH /users/{userName}", 1), "update finds the record by {userName}, which is the name that it is to have"},
		"the present name is":           {strings.Replace(all, "PATCH /users/{id}", "PATCH /users/{record.login}", 1), ""},
		"the name is the id":            {"id login\n" + strings.Replace(all, "PATCH /users/{id}", "PATCH /users/{userName}", 1), ""},
		"the name, by the id":           {strings.Replace(all, "PATCH /users/{id}", "PATCH /users/{id}?l={userName}", 1), ""},
		"a search for two":              {strings.Replace(all, "?l={userName}", "?l={userName}&a={active}", 1), "no search call looks for userName alone, by which providers look people and groups up: add one, such as search GET /users?name={userName}"},
		"a search for another":          {"map title title\n" + strings.Replace(all, "?l={userName}", "?l={title}", 1), "no search call looks for userName alone"},
		"it is filtered":                {"filter_list\n" + strings.Replace(all, "?l={userName}", "?l={userName}&a={active}", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			gaps := provision(t, "rest http://127.0.0.1:1 {\n users {\n"+tt.users+"\n}\n}").users.gaps()
			if text := strings.Join(gaps, "\n"); tt.want == "" && text != "" || !strings.Contains(text, tt.want) {
				t.Errorf("it says %q", text)
			}
		})
	}
}

// TestPlainHTTPIsWarnedOf where requests are signed in and leave the machine.
func TestPlainHTTPIsWarnedOf(t *testing.T) {
	for name, tt := range map[string]struct {
		url, auth string
		isWarned  bool
	}{
		"TLS":           {"https://app.example.com", "auth bearer k", false},
		"none":          {"http://app.example.com", "auth bearer k", true},
		"by address":    {"http://192.0.2.7:8080", "auth bearer k", true},
		"here":          {"http://127.0.0.1:8080", "auth bearer k", false},
		"here, by name": {"http://localhost", "auth bearer k", false},
		"no key":        {"http://app.example.com", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			text := "rest " + tt.url + " {\n" + tt.auth + "\nusers {\nmap userName login\nread GET /users/{id}\n}\n}"
			tr := new(Translator)
			if err := tr.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
			defer cancel()
			if err := tr.Provision(ctx); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = tr.Cleanup() })
			logs := observed(tr)
			tr.warnOfPlainHTTP()
			if is := logs.Len() == 1; is != tt.isWarned {
				t.Errorf("the log has %v", logs.All())
			}
		})
	}
}

// TestOpenSecrets: names of parameters that mean a secret.
func TestOpenSecrets(t *testing.T) {
	for name, is := range map[string]bool{
		"Authorization": true, "X-Api-Key": true, "X-Redmine-API-Key": true, "apikey": true, "api_key": true, "access_token": true, "X-Auth-Token": true,
		"token": true, "password": true, "client_secret": true, "Cookie": true, "X-Secret": true,
		"key": false, "sort_key": false, "tokens": false, "login": false, "X-Request-Source": false, "monkey": false, "password_policy": false,
	} {
		if err := checkOpenValue("header", name, "abc"); (err != nil) != is {
			t.Errorf("%s: %v", name, err)
		}
		for _, value := range []string{"", "{file./run/secrets/x}", "{secret.x}", "Bearer {env.X}"} {
			if err := checkOpenValue("header", name, value); err != nil {
				t.Errorf("%s %s: %v", name, value, err)
			}
		}
	}
}
