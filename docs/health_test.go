package docs_test

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/demo"
	_ "github.com/scimgate/scimgate/modules/admin"
)

// TestHealth: /health has the fields that the page shows, of a directory that can't be
// reached.
func TestHealth(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir)
	t.Setenv("SCIMGATE_DEMO_TOKEN", tokenForTests)
	t.Setenv("SCIMGATE_DEMO_PASSWORD", passwordForTests)
	admin := "127.0.0.1:" + freePort(t)
	text, err := demo.Config{Host: "127.0.0.1", Port: freePort(t), Servers: "ldap://127.0.0.1:" + freePort(t), BindDN: demo.BindDN}.Caddyfile()
	if err != nil {
		t.Fatal(err)
	}
	text = replaced(t, text, "admin off", "admin "+admin)
	text = replaced(t, text, "format console", "output file "+filepath.Join(dir, "log")+"\nformat json")
	runCaddy(t, text)
	answer, err := http.Get("http://" + admin + "/health?probe")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("%d %s: %v", answer.StatusCode, body, err)
	}
	told := pageOf(t, "docs/gateway.md").of("json health")
	if len(told) != 1 {
		t.Fatalf("the page shows %d answers", len(told))
	}
	besides := func(path string) bool { return path == ".store.error" } // a store that is being opened
	if diff := cmp.Diff(slices.DeleteFunc(pathsOf(t, []byte(told[0].text)), besides), slices.DeleteFunc(pathsOf(t, body), besides)); diff != "" {
		t.Errorf("the fields of /health (-page +real):\n%s\n%s", diff, body)
	}
}

// pathsOf returns where values stand in JSON, of lists without their number.
func pathsOf(t *testing.T, text []byte) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	var paths []string
	var walk func(string, any)
	walk = func(path string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, inner := range value {
				walk(path+"."+name, inner)
			}
		case []any:
			for _, inner := range value {
				walk(path, inner)
			}
		default:
			paths = append(paths, path)
		}
	}
	walk("", value)
	slices.Sort(paths)
	return slices.Compact(paths)
}
