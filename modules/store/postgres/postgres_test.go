package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

const secret = "hunter2-and-more"

// clean keeps the variables and files of who runs the tests out of a DSN.
func clean(t *testing.T) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "PG") {
			t.Setenv(name, "")
		}
	}
}

func TestProvision(t *testing.T) {
	clean(t)
	directory := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "{file." + path + "}"
	}
	tests := map[string]struct {
		engine   Engine
		location string
	}{
		"URL":             {Engine{DSN: "postgres://gate@db.example.com/scim"}, "postgres gate@db.example.com:5432/scim"},
		"words":           {Engine{DSN: "host=db.example.com user=gate dbname=scim port=6432"}, "postgres gate@db.example.com:6432/scim"},
		"in a file":       {Engine{DSN: file("url", "postgres://gate:"+secret+"@db.example.com/scim\n")}, "postgres gate@db.example.com:5432/scim"},
		"words in a file": {Engine{DSN: file("words", "host=db.example.com user=gate password='"+secret+"' dbname=scim\r\n")}, "postgres gate@db.example.com:5432/scim"},
		"password apart":  {Engine{DSN: "postgres://gate@db.example.com/scim", Password: file("password", secret+"\n")}, "postgres gate@db.example.com:5432/scim"},
		"two hosts":       {Engine{DSN: "postgres://gate@a.example.com,b.example.com/scim?target_session_attrs=read-write"}, "postgres gate@a.example.com:5432,b.example.com:5432/scim"},
		"password inside": {Engine{DSN: "postgres://gate:" + file("part", secret) + "@db.example.com/scim"}, "postgres gate@db.example.com:5432/scim"},
		"socket":          {Engine{DSN: "host=/run/postgresql user=gate dbname=scim"}, "postgres gate@/run/postgresql:5432/scim"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := test.engine.Provision(caddy.Context{}); err != nil {
				t.Fatal(err)
			}
			if got := test.engine.Location(); got != test.location {
				t.Errorf("it is at %q, want %q", got, test.location)
			}
			if text := test.engine.Location() + test.engine.Key(); strings.Contains(text, secret) {
				t.Errorf("the password is in %s", text)
			}
			if strings.Contains(name, "password") && test.engine.config.Password != secret {
				t.Errorf("the password is %q", test.engine.config.Password)
			}
			limit := 5 * time.Second
			if name == "two hosts" {
				limit = 2 * time.Second
			}
			if test.engine.config.ConnectTimeout != limit {
				t.Errorf("connecting takes %s at most", test.engine.config.ConnectTimeout)
			}
		})
	}
}

// Engines that mean the same database in the same way have one key.
func TestKey(t *testing.T) {
	clean(t)
	key := func(e Engine) string {
		t.Helper()
		if err := e.Provision(caddy.Context{}); err != nil {
			t.Fatal(err)
		}
		return e.Key()
	}
	t.Setenv("ONE", "one")
	t.Setenv("OTHER", "other")
	base := key(Engine{DSN: "postgres://gate@db/scim"})
	if key(Engine{DSN: "postgres://gate@db/scim", MaxConnections: defaultMaxConnections}) != base {
		t.Error("the default makes a difference")
	}
	for name, e := range map[string]Engine{
		"database": {DSN: "postgres://gate@db/other"}, "connections": {DSN: "postgres://gate@db/scim", MaxConnections: 2},
		"a password": {DSN: "postgres://gate@db/scim", Password: "{env.ONE}"},
	} {
		if key(e) == base {
			t.Errorf("%s: the keys are the same", name)
		}
	}
	if key(Engine{DSN: "postgres://gate@db/scim", Password: "{env.ONE}"}) == key(Engine{DSN: "postgres://gate@db/scim", Password: "{env.OTHER}"}) {
		t.Error("another password makes no other key")
	}
}

// What limits a connection is the DSN's to change.
func TestLimits(t *testing.T) {
	clean(t)
	e := &Engine{DSN: "postgres://gate@db/scim?connect_timeout=9&lock_timeout=1s"}
	if err := e.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	if got := e.config.RuntimeParams; e.config.ConnectTimeout != 9*time.Second || got["lock_timeout"] != "1s" || got["statement_timeout"] != "30s" {
		t.Errorf("%s, %v", e.config.ConnectTimeout, got)
	}
}

// What is refused tells no secret.
func TestRefusals(t *testing.T) {
	clean(t)
	t.Setenv("DSN", "")
	tests := map[string]struct {
		engine Engine
		want   string
	}{
		"none":              {Engine{}, "dsn is missing"},
		"in the clear":      {Engine{DSN: "postgres://gate:" + secret + "@db/scim"}, "in the clear"},
		"in the query":      {Engine{DSN: "postgres://gate@db/scim?sslmode=disable&password=" + secret}, "in the clear"},
		"as a word":         {Engine{DSN: "host=db password=" + secret}, "in the clear"},
		"as a quoted word":  {Engine{DSN: "password = '" + secret + " x' host=db"}, "in the clear"},
		"of the key":        {Engine{DSN: "host=db sslpassword=" + secret}, "in the clear"},
		"password apart":    {Engine{DSN: "postgres://gate@db/scim", Password: secret}, "in the clear"},
		"missing file":      {Engine{DSN: "{file./no/such/file}"}, "dsn: "},
		"missing variable":  {Engine{DSN: "{env.DSN}"}, "dsn: "},
		"bad URL":           {Engine{DSN: "postgres://gate:{env.PASSWORD}@db:notaport/scim"}, "percent-encoded"},
		"unescaped":         {Engine{DSN: "postgres://gate:{env.ODD}@db/scim"}, "percent-encoded"},
		"no words":          {Engine{DSN: "{env.PASSWORD}"}, "percent-encoded"},
		"quotes":            {Engine{DSN: "host=db password='{env.PASSWORD}"}, "percent-encoded"},
		"TLS mode":          {Engine{DSN: "postgres://gate@db/scim?sslmode=perhaps"}, "sslmode"},
		"no authority":      {Engine{DSN: "postgres://gate@db/scim?sslmode=verify-full&sslrootcert=/no/such/file"}, "/no/such/file"},
		"no connections":    {Engine{DSN: "postgres://gate@db/scim", MaxConnections: -1}, "max_connections"},
		"another database":  {Engine{DSN: "mysql://gate:{env.PASSWORD}@db/scim"}, "percent-encoded"},
		"password of words": {Engine{DSN: "host=db port={env.PASSWORD}"}, "percent-encoded"},
	}
	t.Setenv("PASSWORD", secret)
	t.Setenv("ODD", secret+"#/%zz")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := test.engine.Provision(caddy.Context{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func TestUnmarshalCaddyfile(t *testing.T) {
	for text, want := range map[string]Engine{
		"postgres postgres://gate@db/scim":                                     {DSN: "postgres://gate@db/scim"},
		"postgres {\n dsn {file./x}\n password {env.X}\n max_connections 3\n}": {DSN: "{file./x}", Password: "{env.X}", MaxConnections: 3},
		"postgres \"host=db user=gate\" {\n max_connections 3\n}":              {DSN: "host=db user=gate", MaxConnections: 3},
	} {
		var got Engine
		if err := got.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"postgres host=db user=gate":                           "quotes",
		"postgres {\n dsn host=db user=gate\n}":                "quotes",
		"postgres {\n dsn\n}":                                  "one value",
		"postgres a {\n dsn b\n}":                              "twice",
		"postgres {\n dsn a\n dsn b\n}":                        "twice",
		"postgres":                                             "dsn is missing",
		"postgres postgres://gate:hunter2-and-more@db/scim":    "in the clear",
		"postgres {\n max_connections 0\n}":                    "from 1 on",
		"postgres {\n max_connections many\n}":                 "from 1 on",
		"postgres {\n host db\n}":                              `"host" is no option`,
		"postgres {\n max_connections 99999999999999999999\n}": "from 1 on",
	} {
		if err := new(Engine).UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to say %q", text, err, want)
		}
	}
}
