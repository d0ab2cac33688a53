package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/demo"
	"github.com/scimgate/scimgate/internal/slapd"
)

// checked runs check against the demo's configuration, whose gateway is called demo,
// in front of a directory.
func checked(t *testing.T, s *slapd.Server, c checkCommand, replace ...string) (out, watched string, err error) {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	// A caller's secret is the service's alone: the check does without.
	t.Setenv("SCIMGATE_DEMO_TOKEN", "")
	t.Setenv("SCIMGATE_DEMO_PASSWORD", slapd.ServicePassword)
	text, err := demo.Config{Host: "127.0.0.1", Port: "1", Servers: s.URL(), BindDN: slapd.ServiceDN}.Caddyfile()
	if err != nil {
		t.Fatal(err)
	}
	c.configuration.file = filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(c.configuration.file, []byte(strings.NewReplacer(replace...).Replace(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	var to, beside bytes.Buffer
	c.out, c.watched = &to, &beside
	err = c.run(t.Context())
	if strings.Contains(to.String(), slapd.ServicePassword) {
		t.Errorf("the password is printed: %s", &to)
	}
	return to.String(), beside.String(), err
}

const people = `dn: uid=ada,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
sn: Lovelace
mail: ada@example.com

dn: cn=engineers,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: engineers
member: uid=ada,ou=people,dc=example,dc=com
`

func TestCheck(t *testing.T) {
	s := slapd.Start(t, slapd.Options{NoSync: true, LogStats: true})
	s.Add(t, people)
	before := s.Log()
	for name, test := range map[string]struct {
		check   checkCommand
		replace []string
		out     []string
		err     string
	}{
		"all is well": {checkCommand{}, nil, []string{"demo (ldap)\n", "answers and accepts the account",
			"ok       absent user  nobody is found", "read ada (", "found ada by userName", "read the group engineers (", "members: 1 (took "}, ""},
		"by name":   {checkCommand{user: "ADA", gateways: []string{"demo"}}, nil, []string{"read ada ("}, ""},
		"nobody":    {checkCommand{user: "nobody"}, nil, []string{"error    user         nobody is called nobody"}, "something is wrong with demo"},
		"a control": {checkCommand{user: "\x1b[31mx"}, nil, []string{"nobody is called �[31mx"}, "something is wrong with demo"},
		"the password is wrong": {checkCommand{}, []string{"{$SCIMGATE_DEMO_PASSWORD}", "wrong", "{env.SCIMGATE_DEMO_PASSWORD}", "wrong"},
			[]string{"error    backend      the directory can't be used"}, "something is wrong with demo"},
		"nothing ran yet": {checkCommand{}, []string{"map externalId scimExternalId", "remember externalId"},
			[]string{"found ada by userName", "disabled     whether a search finds those who are disabled could not be tried", "warning  store        what is remembered was not looked at, because the gateway has not run yet"}, ""},
		"no such gateway": {checkCommand{gateways: []string{"nowhere"}}, nil, nil, `there is no gateway "nowhere"; there is demo`},
		"can't be set up": {checkCommand{}, []string{"{env.SCIMGATE_DEMO_PASSWORD}", "{file./no/such/file}"},
			[]string{"error    configuration", "/no/such/file", "--envfile"}, "something is wrong with demo"},
	} {
		t.Run(name, func(t *testing.T) {
			out, watched, err := checked(t, s, test.check, test.replace...)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("the error is %v, want %q", err, test.err)
			}
			for _, want := range test.out {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
			if strings.Contains(out, "\x1b") {
				t.Errorf("a control character is printed: %q", out)
			}
			if err == nil && !strings.Contains(watched, "demo: user …") {
				t.Errorf("whoever watches sees %q", watched)
			}
		})
	}
	for _, written := range []string{" ADD dn=", " MOD dn=", " DEL dn=", " MODRDN dn="} {
		if strings.Contains(strings.TrimPrefix(s.Log(), before), written) {
			t.Errorf("the check wrote:%s", written)
		}
	}
}

func TestCheckPrintsJSON(t *testing.T) {
	s := slapd.Start(t, slapd.Options{NoSync: true})
	s.Add(t, people)
	out, _, err := checked(t, s, checkCommand{asJSON: true})
	if err != nil || !json.Valid([]byte(out)) {
		t.Fatalf("%v: %s", err, out)
	}
	if got := gjson.Get(out, `0.steps.#(step=="user").level`).Str; got != "ok" || gjson.Get(out, "0.gateway").Str != "demo" {
		t.Errorf("printed %s", out)
	}
	if took := gjson.Get(out, `0.steps.#(step=="user").took_ms`); took.Num <= 0 {
		t.Errorf("it took %s", took.Raw)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	out, _, err = checked(t, s, checkCommand{asJSON: true})
	if err == nil || gjson.Get(out, `0.steps.0.level`).Str != "error" {
		t.Errorf("the directory is away: %v: %s", err, out)
	}
}
