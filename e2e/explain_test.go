package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// buildDir is where binary is built; TestMain removes it.
var buildDir string

// binary is scimgate, built once.
var binary = sync.OnceValues(func() (_ string, err error) {
	if buildDir, err = os.MkdirTemp("", "scimgate-e2e-"); err != nil {
		return "", err
	}
	path := filepath.Join(buildDir, "scimgate")
	out, err := exec.Command("go", "build", "-o", path, "../cmd/scimgate").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
})

// explain runs "scimgate explain" with the gateway's Caddyfile and returns what
// it prints. The error says what it complained of.
func (g *gateway) explain(t *testing.T, method, path, body string, offline bool) (string, error) {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("building scimgate: %v", err)
	}
	config := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(config, []byte(g.caddyfile(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"explain", "--config", config, "--gateway", "demo"}
	if offline {
		args = append(args, "--offline")
	}
	command := exec.CommandContext(t.Context(), program, args...)
	command.Stdin = bytes.NewReader([]byte(method + " " + path + "\n\n" + body))
	var out, complaint bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); err != nil {
		return out.String(), errors.Join(err, errors.New(complaint.String()))
	}
	return out.String(), nil
}
