package scimgate_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/google/go-cmp/cmp"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/scimgate/scimgate"
)

var update = flag.Bool("update", false, "write what comes out into testdata/adapt")

const separator = "\n----------\n"

// TestAdapt holds every Caddyfile in testdata/adapt against what stands below
// the line in it: the JSON that it is adapted to, or the error with which it is
// refused, when it is adapted or when it is provisioned. An operator's mistake
// names file, line and remedy.
func TestAdapt(t *testing.T) {
	t.Setenv("SCIM_TOKEN", "a-token-for-the-corpus")
	t.Setenv("LDAP_PASSWORD", "a-password-for-the-corpus")
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(content), separator)
			got := outcome(t, input)
			if isMistake := strings.HasPrefix(filepath.Base(file), "error_"); isMistake == strings.HasPrefix(got, "{") {
				t.Errorf("a file is named error_ if it shows a mistake, and no other; this one becomes %.300s", got)
			}
			if *update {
				if err := os.WriteFile(file, []byte(strings.TrimRight(input, "\n")+separator+got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.TrimSpace(want), got); diff != "" {
				t.Errorf("adapting %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// outcome adapts and provisions a Caddyfile and returns the gateways' JSON, or
// the error.
func outcome(t *testing.T, input string) string {
	t.Helper()
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return "adapt: " + err.Error()
	}
	for _, warning := range warnings {
		if !strings.Contains(warning.Message, "not formatted") {
			t.Errorf("adapting warns: %+v", warning)
		}
	}
	var config caddy.Config
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&config); err != nil {
		here, _ := os.Getwd() // files are named as they are found
		return "provision: " + strings.ReplaceAll(err.Error(), here+string(filepath.Separator), "")
	}
	var tree struct {
		Apps struct {
			HTTP struct {
				Servers map[string]json.RawMessage `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(adapted, &tree); err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, tree.Apps.HTTP.Servers["srv0"], "", "  "); err != nil {
		t.Fatal(err)
	}
	return indented.String()
}
