package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExplained: what a plan before an application looks like is what the command prints
// for the first Caddyfile of its page.
func TestExplained(t *testing.T) {
	p := pageOf(t, "docs/translators/rest.md")
	m := newMachine(t, "")
	if err := os.WriteFile(filepath.Join(m.dir, "Caddyfile"), []byte(m.local(p.of("caddyfile")[0].text)), 0o600); err != nil {
		t.Fatal(err)
	}
	commands, prints := p.of("sh explain"), p.of("text explain")
	if len(commands) != 1 || len(prints) != 1 {
		t.Fatalf("%s has %d commands and %d answers", p.name, len(commands), len(prints))
	}
	command := exec.Command("sh", "-e")
	command.Dir = m.dir
	command.Env = append(m.env, "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
	command.Stdin = strings.NewReader(commands[0].text)
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(output) != prints[0].text {
		t.Errorf("%s:%d: it prints\n%s", p.name, prints[0].line, output)
	}
	journal := pageOf(t, "docs/journal.md")
	parts := journal.of("text explained")
	if len(parts) != 1 || !strings.Contains(string(output), parts[0].text) {
		t.Errorf("%s shows %v, which is not in\n%s", journal.name, parts, output)
	}
}
