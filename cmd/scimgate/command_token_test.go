package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/demo"
	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
)

// office is a machine with a configuration of two gateways and the store of the service.
type office struct {
	config string
	store  *store.Store
}

func newOffice(t *testing.T) office {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	t.Setenv("SUDO_USER", "grace")
	t.Setenv("SCIMGATE_DEMO_TOKEN", "a-token-of-the-demo")
	t.Setenv("SCIMGATE_DEMO_PASSWORD", "a-password-of-the-demo")
	file := filepath.Join(dir, "scimgate.db")
	text, err := demo.Config{Host: "127.0.0.1", Port: "1", Servers: "ldap://127.0.0.1:1", BindDN: demo.BindDN, Store: file}.Caddyfile()
	if err != nil {
		t.Fatal(err)
	}
	begin := strings.Index(text, "\tscim_gateway demo {")
	end := begin + strings.Index(text[begin:], "\n\t}\n") + len("\n\t}\n")
	second := strings.NewReplacer("scim_gateway demo", "scim_gateway tickets", "base /scim/v2", "base /tickets/v2", "base_v1 /scim/v1", "").Replace(text[begin:end])
	o := office{config: filepath.Join(dir, "Caddyfile")}
	if err := os.WriteFile(o.config, []byte(text[:end]+second+text[end:]), 0o600); err != nil {
		t.Fatal(err)
	}
	o.store = store.New(&sqlite.Engine{Path: file}, zap.NewNop())
	if err := o.store.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.store.Destruct() })
	return o
}

// run gives a subcommand of token.
func (o office) run(t *testing.T, args ...string) (out, aside string, err error) {
	t.Helper()
	root := &cobra.Command{Use: "token", SilenceErrors: true}
	root.AddCommand(tokenCreateCommand(), tokenListCommand(), tokenShowCommand(), tokenRotateCommand(), tokenRevokeCommand(), tokenConfirmCommand())
	root.SetArgs(append(args, "--config", o.config, "--adapter", "caddyfile"))
	var stdout, stderr bytes.Buffer
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	err = root.Execute()
	return stdout.String(), stderr.String(), err
}

func (o office) must(t *testing.T, args ...string) (out, aside string) {
	t.Helper()
	out, aside, err := o.run(t, args...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return out, aside
}

// create issues a token and returns it and its id.
func (o office) create(t *testing.T, args ...string) (text, id string) {
	t.Helper()
	out, aside := o.must(t, append([]string{"create"}, args...)...)
	text = strings.TrimSuffix(out, "\n")
	if !regexp.MustCompile("^" + access.TokenPattern + "$").MatchString(text) {
		t.Fatalf("the standard output is not the token alone: %q", out)
	}
	if strings.Contains(aside, text) {
		t.Errorf("the token is printed twice: %s", aside)
	}
	return text, strings.Split(text, "_")[1]
}

func (o office) tokens(t *testing.T) []store.Token {
	t.Helper()
	all, err := o.store.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What is wrong is said with what to change, and changes nothing.
func TestTokenMistakes(t *testing.T) {
	o := newOffice(t)
	_, entra := o.create(t, "--gateway", "demo", "--name", "entra")
	_, gone := o.create(t, "--gateway", "demo", "--name", "gone")
	o.must(t, "revoke", gone, "--why", "leaked")
	o.create(t, "--gateway", "demo", "--name", "both")
	o.create(t, "--gateway", "tickets", "--name", "both")
	o.must(t, "rotate", entra)
	before := fmt.Sprint(o.tokens(t))
	create := func(more ...string) []string {
		return append([]string{"create", "--gateway", "demo", "--name", "new"}, more...)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"create", "--name", "new"}, "choose a gateway with --gateway: demo, tickets"},
		{[]string{"create", "--gateway", "nowhere", "--name", "new"}, `no gateway "nowhere"; there is demo, tickets`},
		{[]string{"create", "--gateway", "demo"}, "--name"},
		{create("--name", "two words"), "--name"},
		{create("--name", "a\nb"), "--name"},
		{create("--name", strings.Repeat("n", 64)), "--name"},
		{create("--name", "entra"), "has a token of the name entra"},
		{create("--name", "demo"), "has a credential of the name demo in its configuration"},
		{create("--allow", "192.0.2.7/24"), "did you mean 192.0.2.0/24"},
		{create("--allow", "office"), "--allow"},
		{create("--allow", "2001:db8::/129"), "--allow"},
		{create("--expires", "2020-01-01"), "in the past"},
		{create("--expires", "-1h"), "in the past"},
		{create("--expires", "next year"), "neither a day"},
		{create("--scope", "devices"), `the scope "devices" is none of this gateway: read, users, groups are`},
		{create("--scope", "users,users"), "given twice"},
		{create("--scope", ","), "no scope"},
		{create("--description", "a\x1b[2Jb"), "--description: the text holds line ends or other control characters"},
		{create("--description", "a\r\nBcc: x@example.com"), "--description"},
		{create("--description", "\xff"), "not UTF-8"},
		{create("--why", strings.Repeat("x", 2000)), "--why: the text has 2000 bytes"},
		{[]string{"revoke", "nobody"}, "there is no token nobody: scimgate token list"},
		{[]string{"revoke", "demo"}, "is a credential of the configuration of"},
		{[]string{"revoke", "both"}, "2 tokens have the name both: say which by its id"},
		{[]string{"revoke", "entra"}, "2 tokens have the name entra: say which by its id"},
		{[]string{"revoke", gone, "--why", "again"}, "was revoked on"},
		{[]string{"revoke", entra, "--why", "a\x00b"}, "--why"},
		{[]string{"revoke"}, "say which token: token revoke <id or name>"},
		{[]string{"rotate", entra}, "has been replaced already, by"},
		{[]string{"rotate", gone}, "is revoked and can't be rotated"},
		{[]string{"rotate", "both"}, "2 tokens have the name both"},
		{[]string{"rotate", "both", "--gateway", "demo", "--expires", "2020-01-01"}, "in the past"},
		{[]string{"show", "nobody"}, "there is no token nobody"},
		{[]string{"list", "--gateway", "nowhere"}, "nowhere"},
		{[]string{"confirm"}, "there is nothing to confirm"},
	} {
		out, _, err := o.run(t, test.args...)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.args, err, test.want)
		}
		if strings.Contains(out, "scimgate_") {
			t.Errorf("%q prints a token", test.args)
		}
	}
	if after := fmt.Sprint(o.tokens(t)); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
}

// A token from its creation to its end, as the commands tell it.
func TestTokenLife(t *testing.T) {
	o := newOffice(t)
	first, id := o.create(t, "--gateway", "demo", "--name", "entra", "--description", "the \u202eproduction tenant", "--why", "first",
		"--expires", "365d", "--scope", "Users, groups", "--allow", "192.0.2.0/24,2001:db8::1")
	second, _ := o.must(t, "rotate", "entra")
	second = strings.TrimSpace(second)
	next := strings.Split(second, "_")[1]
	third, _ := o.must(t, "rotate", "entra", "--expires", "never") // the latest of the name
	all := o.tokens(t)
	if len(all) != 3 || all[1].Replaces != id || all[2].Replaces != next || fmt.Sprint(all[2].Scopes, all[2].Allow) != "[users groups] [192.0.2.0/24 2001:db8::1/128]" {
		t.Errorf("the store has %+v", all)
	}
	if life := all[1].Expires.Sub(all[1].Created); life < 364*24*time.Hour || life > 366*24*time.Hour || !all[2].Expires.IsZero() {
		t.Errorf("the second lives %s, the third until %s", life, all[2].Expires)
	}
	if !strings.HasPrefix(all[0].CreatedBy, "grace@") {
		t.Errorf("it was created by %s", all[0].CreatedBy)
	}
	o.must(t, "revoke", id, "--why", "replaced")
	out, aside := o.must(t, "list")
	if strings.Contains(out, id) || !strings.Contains(aside, "1 token is revoked: --all shows them") || !strings.Contains(out, "in the configuration, valid") {
		t.Errorf("the list is\n%s%s", out, aside)
	}
	out, _ = o.must(t, "list", "--all", "--gateway", "demo")
	if !strings.Contains(out, "revoked now by grace@") && !strings.Contains(out, "ago by grace@") || !strings.Contains(out, ": replaced") || !strings.Contains(out, "neither was used since") || strings.Contains(out, "tickets") {
		t.Errorf("the whole list is\n%s", out)
	}
	out, _ = o.must(t, "list", "--json")
	if got := gjson.Get(out, fmt.Sprintf("#(id==%q)", id)); got.Get("revoked_why").String() != "replaced" || got.Get("valid").Bool() || got.Get("scopes").Raw == "" {
		t.Errorf("as JSON it is %s", got)
	}
	shown, _ := o.must(t, "show", id)
	for _, line := range []string{`created +\S+ by grace@`, `why +first`, `scope +users, groups`, `allow +192.0.2.0/24`, `description +the .production tenant`} {
		if !regexp.MustCompile(line).MatchString(shown) {
			t.Errorf("there is no %s in\n%s", line, shown)
		}
	}
	asJSON, _ := o.must(t, "show", next, "--json")
	if gjson.Get(asJSON, "replaces").String() != id || gjson.Get(asJSON, "replaced_by").String() != strings.Split(third, "_")[1] {
		t.Errorf("as JSON it is %s", asJSON)
	}
	ofConfiguration, _ := o.must(t, "show", "demo", "--gateway", "demo")
	for _, text := range []string{out, shown, asJSON, ofConfiguration, aside} {
		for _, secret := range []string{first, second, strings.TrimSpace(third), "a-token-of-the-demo", "a-password-of-the-demo", "\u202e"} {
			if strings.Contains(text, secret) && !gjson.Valid(text) {
				t.Errorf("a secret or a control character is printed in %s", text)
			}
		}
	}
}

// A restored backup is told of until it is confirmed.
func TestTokenConfirm(t *testing.T) {
	o := newOffice(t)
	_, id := o.create(t, "--gateway", "demo", "--name", "entra")
	o.must(t, "revoke", id, "--why", "leaked")
	if err := o.store.Write(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.Exec(t.Context(), "UPDATE scim_tokens SET revoked = 0"); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), "UPDATE scim_state SET value = '1' WHERE name = 'sequence'")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	_, aside := o.must(t, "list")
	if !strings.Contains(aside, "restored from a backup") || !strings.Contains(aside, "revoked again: "+id) {
		t.Errorf("the list says %s", aside)
	}
	if all := o.tokens(t); !all[0].IsRevoked() {
		t.Error("a revoked token is back")
	}
	_, aside = o.must(t, "confirm")
	if !strings.Contains(aside, "confirmed") {
		t.Errorf("it says %s", aside)
	}
	if _, aside := o.must(t, "list"); strings.Contains(aside, "backup") {
		t.Errorf("it is still told: %s", aside)
	}
}

// Without the store of the service nothing is issued, and none is made.
func TestTokenWithoutStore(t *testing.T) {
	o := newOffice(t)
	text, err := os.ReadFile(o.config)
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "none.db")
	changed := regexp.MustCompile(`store sqlite \S+`).ReplaceAll(text, []byte("store sqlite "+missing))
	if bytes.Equal(changed, text) {
		t.Fatal("the configuration names no store")
	}
	if err := os.WriteFile(o.config, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"create", "--gateway", "demo", "--name", "x"}, {"list"}, {"revoke", "x"}, {"rotate", "x"}, {"confirm"}} {
		out, _, err := o.run(t, args...)
		if err == nil || !strings.Contains(err.Error(), "as the user of the service") || out != "" {
			t.Errorf("%q: %q, %v", args, out, err)
		}
	}
	if _, err := os.Stat(missing); !os.IsNotExist(err) {
		t.Errorf("a store was made: %v", err)
	}
	if err := os.WriteFile(o.config, []byte("scim_gateway {"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.run(t, "list"); err == nil || !strings.Contains(err.Error(), "Caddyfile:1") {
		t.Errorf("a broken configuration: %v", err)
	}
}

// A switch that is pulled says who and why, and only what can be read.
func TestSwitchMistakes(t *testing.T) {
	o := newOffice(t)
	pull := func(name, why string) error {
		return (&switcher{configuration: configuration{file: o.config, adapter: "caddyfile"}, to: true, kind: store.Frozen, why: why}).run(context.Background(), name, new(bytes.Buffer))
	}
	for why, want := range map[string]string{"": "say why", " ": "say why", "a\x1b]0;x\ab": "control characters", "a\nb": "control characters"} {
		if err := pull("demo", why); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", why, err)
		}
	}
	if err := pull("nowhere", "x"); err == nil || !strings.Contains(err.Error(), "demo") {
		t.Errorf("a gateway that is none: %v", err)
	}
	if err := pull("demo", "maintenance"); err != nil {
		t.Error(err)
	}
	if all, err := o.store.Switches(t.Context()); err != nil || len(all) != 1 || !strings.HasPrefix(all[0].Who, "grace@") {
		t.Errorf("the store has %+v, %v", all, err)
	}
}
