package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// Commands can be tried beside the demo: its directory has a Caddyfile with the store,
// and the secrets in files that are for nobody else.
func TestDirectoryForCommands(t *testing.T) {
	d, err := Start(Options{Listen: "127.0.0.1:0", LDAP: "127.0.0.1:0", Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	}()
	text, err := os.ReadFile(filepath.Join(d.Directory, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	if !strings.Contains(config, d.Store) || !strings.Contains(config, d.LDAPURL) || strings.Contains(config, "{env.") || strings.Contains(config, d.Token) || strings.Contains(config, d.Password) {
		t.Errorf("the Caddyfile is\n%s", config)
	}
	if _, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, nil); err != nil {
		t.Error(err)
	}
	for file, want := range map[string]string{"token": d.Token, "password": d.Password} {
		path := filepath.Join(d.Directory, file)
		if got, err := os.ReadFile(path); err != nil || string(got) != want || !strings.Contains(config, "{file."+path+"}") {
			t.Errorf("%s: %q, %v", file, got, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
}
