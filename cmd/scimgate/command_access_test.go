package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/demo"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
	"go.uber.org/zap"
)

// checkedAccess runs access check against the demo's configuration with an address list.
func checkedAccess(t *testing.T, c accessCheck, in string) (out, complaints string, err error) {
	t.Helper()
	text, err := demo.Config{Host: "127.0.0.1", Port: "1", Servers: "ldap://127.0.0.1:1", BindDN: demo.BindDN}.Caddyfile()
	if err != nil {
		t.Fatal(err)
	}
	tags, err := filepath.Abs("../../testdata/ServiceTags_Public.json")
	if err != nil {
		t.Fatal(err)
	}
	text = strings.Replace(text, "base /scim/v2\n", "base /scim/v2\nallow service_tag AzureActiveDirectory "+tags+"\nallow 192.0.2.0/24\n", 1)
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SCIMGATE_DEMO_TOKEN", "a-token-of-the-demo")
	t.Setenv("SCIMGATE_DEMO_PASSWORD", "a-password-of-the-demo")
	c.configuration.file = file
	var to, beside bytes.Buffer
	err = c.run(t.Context(), strings.NewReader(in), &to, &beside)
	for _, secret := range []string{"a-token-of-the-demo", "a-wrong-token"} {
		if strings.Contains(to.String()+beside.String(), secret) || err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the token is printed: %s%s%v", &to, &beside, err)
		}
	}
	return to.String(), beside.String(), err
}

func TestAccessCheck(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	for name, test := range map[string]struct {
		check         accessCheck
		in            string
		out, err, aux string
	}{
		"let in": {accessCheck{from: "198.51.100.7", tokenFile: "-"}, "a-token-of-the-demo\n",
			"198.51.100.0/26, service tag AzureActiveDirectory of ", "", "The store can't be asked"},
		"no token": {accessCheck{from: "192.0.2.7"}, "", "No token was given", "", ""},
		"on argv":  {accessCheck{from: "192.0.2.7", token: "a-token-of-the-demo"}, "", "Let in as demo.", "", "--token shows the token in the list of processes"},
		"wrong":    {accessCheck{from: "192.0.2.7", tokenFile: "-"}, "a-wrong-token", "no   credential  the bearer credential is not known", "refused with 401", ""},
		"issued": {accessCheck{from: "192.0.2.7", tokenFile: "-"}, "scimgate_k3f9x2ab_0123456789012345678901234567890123456789abcdef",
			"", "nobody can tell: it looks like an issued token, and the store can't be asked", "The store can't be asked"},
		"outside":      {accessCheck{from: "203.0.113.200", tokenFile: "-"}, "a-token-of-the-demo", "no   allow       on no allow-list of the gateway", "refused with 403", ""},
		"as JSON":      {accessCheck{from: "192.0.2.7", asJSON: true}, "", `"from": "192.0.2.7"`, "", ""},
		"no address":   {accessCheck{}, "", "", "say from where, with --from", ""},
		"a name":       {accessCheck{from: "localhost"}, "", "", `"localhost" is no IP address`, ""},
		"two tokens":   {accessCheck{from: "192.0.2.7", token: "x", tokenFile: "-"}, "", "", "one is enough", ""},
		"empty file":   {accessCheck{from: "192.0.2.7", tokenFile: "-"}, "\n", "", "- is empty", ""},
		"no file":      {accessCheck{from: "192.0.2.7", tokenFile: "/no/such/file"}, "", "", "reading the token: open /no/such/file", ""},
		"no password":  {accessCheck{from: "192.0.2.7", basic: "okta"}, "", "", "--basic needs the password", ""},
		"no gateway":   {accessCheck{from: "192.0.2.7", gateway: "nowhere"}, "", "", `there is no gateway "nowhere"; there is demo`, ""},
		"wrong scheme": {accessCheck{from: "192.0.2.7", basic: "demo", tokenFile: "-"}, "a-token-of-the-demo", "the basic credential is not known", "refused with 401", ""},
	} {
		t.Run(name, func(t *testing.T) {
			out, complaints, err := checkedAccess(t, test.check, test.in)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("the error is %v, want %q", err, test.err)
			}
			if !strings.Contains(out, test.out) || !strings.Contains(complaints, test.aux) {
				t.Errorf("printed %q and %q, want %q and %q", out, complaints, test.out, test.aux)
			}
			if test.check.asJSON && !gjson.Valid(out) {
				t.Errorf("it is no JSON: %s", out)
			}
		})
	}
}

// A switch in the store is known to the command.
func TestAccessCheckAsksTheStore(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	ctx, cancel := bare(t.Context())
	defer cancel()
	engine := new(sqlite.Engine)
	if err := engine.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	serving := store.New(engine, zap.NewNop())
	if err := serving.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = serving.Destruct() }()
	if err := serving.SetSwitch(t.Context(), store.Switch{Gateway: "demo", Kind: store.Disabled, Who: "grace@host", Why: "maintenance"}); err != nil {
		t.Fatal(err)
	}
	out, complaints, err := checkedAccess(t, accessCheck{from: "192.0.2.7", tokenFile: "-"}, "a-token-of-the-demo")
	if err == nil || err.Error() != "refused with 403: the gateway is disabled" || !strings.Contains(out, "no   gateway     disabled by grace@host") || complaints != "" {
		t.Errorf("printed %q and %q: %v", out, complaints, err)
	}
}
