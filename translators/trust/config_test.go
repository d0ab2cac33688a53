package trust

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/translators/mapfile"
)

func TestUnmarshalLine(t *testing.T) {
	tests := []struct{ name, lines, want, mistake string }{
		{"all", "tls_certificate a.pem a.key\ntls_ca b.pem c.pem\ntls_server_name d\ntls_insecure_skip_verify",
			`{"ca_files":["b.pem","c.pem"],"certificate":"a.pem","key":"a.key","server_name":"d","insecure_skip_verify":true}`, ""},
		{"no key", "tls_certificate a.pem", "", "write tls_certificate <certificate file> <key file>"},
		{"no CA", "tls_ca", "", "write tls_ca <file>..."},
		{"two names", "tls_server_name a b", "", "write tls_server_name <name>"},
		{"an argument", "tls_insecure_skip_verify on", "", "stands alone"},
		{"another word", "tls_min 1.3", "", "there is no tls_min"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := caddyfile.NewTestDispenser("block {\n" + test.lines + "\n}")
			d.Next()
			b := &mapfile.Block{Dispenser: d, Name: "block"}
			var c Config
			err := b.Each(func(word string) error {
				if isMine, err := c.UnmarshalLine(b, word); isMine || err != nil {
					return err
				}
				return b.Unknown("tls_ca")
			})
			if test.mistake != "" {
				if err == nil || !strings.Contains(err.Error(), test.mistake) {
					t.Fatalf("got %v, want an error with %q", err, test.mistake)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text, _ := json.Marshal(c)
			if diff := cmp.Diff(test.want, string(text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadMistakes(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		c    *Config
		want string
	}{
		{"no CA file", &Config{CAFiles: []string{empty + "x"}}, "tls_ca: open "},
		{"no CA in it", &Config{CAFiles: []string{empty}}, "holds no certificate in PEM form"},
		{"no certificate", &Config{Certificate: empty, Key: empty}, "tls_certificate: "},
	} {
		if _, _, err := test.c.Load(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", test.name, err, test.want)
		}
	}
	if config, _, err := (*Config)(nil).Load(); err != nil || config.RootCAs != nil {
		t.Errorf("nothing configured: got %v, %v", config, err)
	}
}
