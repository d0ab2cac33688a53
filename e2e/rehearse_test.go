package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
)

// told is a line of a rehearsal.
type told struct {
	Event, Provider, ID, Verdict, Error   string
	Findings                              []struct{ Text string }
	Requests                              []struct{ Became string }
	Notes                                 []string
	Left                                  []struct{ Name, Why string }
	Passed, Failed, Skipped, Removed, Max int
}

// rehearsal starts scimgate with arguments and the token in its environment.
func rehearsal(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("building scimgate: %v", err)
	}
	command := exec.CommandContext(t.Context(), program, args...)
	command.Env = append(os.Environ(), "SCIMGATE_TOKEN="+token)
	return command
}

// readTold reads what a rehearsal prints.
func readTold(t *testing.T, line []byte) told {
	t.Helper()
	var one told
	if err := json.Unmarshal(line, &one); err != nil {
		t.Fatalf("reading %s: %v", line, err)
	}
	return one
}

// The gateway has everything that Entra and Okta need, whatever directory is
// behind it.
func TestRehearse(t *testing.T) {
	for name, d := range map[string]func(*testing.T) *directory{
		"slapd":    func(t *testing.T) *directory { return startSlapd(t, slapd.Options{NoSync: true}) },
		"embedded": startEmbedded,
	} {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, d(t), setup{})
			out, err := rehearsal(t, "rehearse", "all", "--url", g.URL, "--match", "ADA.lovelace", "--timeout", "10m", "--json").Output()
			if err != nil {
				t.Errorf("it ended with %v", err)
			}
			for line := range bytes.Lines(out) {
				if one := readTold(t, line); one.Event == "step" && (one.Verdict != "passed" || len(one.Findings) > 0) {
					t.Errorf("%s %s: %s %v %v", one.Provider, one.ID, one.Verdict, one.Findings, one.Notes)
				}
			}
			if strings.Contains(string(out), token) {
				t.Error("the token is printed")
			}
			g.want(t, 200, "GET", filterPath("/Users", `userName sw "scimgate-rehearsal"`), "")
			nobodyIsLeft(t, g)
		})
	}
}

func nobodyIsLeft(t *testing.T, g *gateway) {
	t.Helper()
	for endpoint, filter := range map[string]string{"/Users": `userName co "scimgate-rehearsal"`, "/Groups": `displayName co "scimgate-rehearsal"`} {
		if a := g.want(t, 200, "GET", filterPath(endpoint, filter), ""); a.get("totalResults") != "0" {
			t.Errorf("left behind: %s", a)
		}
	}
}

// Ctrl-C, and what a service manager sends, end a rehearsal, which cleans up.
func TestRehearseIsInterrupted(t *testing.T) {
	g := startGateway(t, startEmbedded(t), setup{})
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		command := rehearsal(t, "rehearse", "entra", "--url", g.URL, "--json")
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		var last told
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if last = readTold(t, lines.Bytes()); last.ID == "create-user" {
				if err := command.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
			}
		}
		err = command.Wait()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 {
			t.Errorf("%s: it ended with %v", signal, err)
		}
		if last.Event != "end" || last.Error != "interrupted" || last.Removed == 0 || len(last.Left) > 0 {
			t.Errorf("%s: the last line is %+v", signal, last)
		}
		nobodyIsLeft(t, g)
	}
}

// Whoever reads the output goes away: head has enough, or somebody quits the pager.
// What was created is removed all the same, and what is left is said elsewhere.
func TestRehearseIsNotReadToTheEnd(t *testing.T) {
	g := startGateway(t, startEmbedded(t), setup{Replace: []string{"brake disable 50 per 10m\n", ""}})
	for name, args := range map[string][]string{
		"checks":     {"entra", "--json"},
		"as text":    {"entra"},
		"a load run": {"--users", "500", "--clients", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			command := rehearsal(t, append([]string{"rehearse", "--url", g.URL}, args...)...)
			var said bytes.Buffer
			command.Stderr = &said
			out, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			lines.Buffer(nil, 1<<20)
			for lines.Scan() && !strings.Contains(lines.Text(), "create-duplicate") && !strings.Contains(lines.Text(), "only users and groups are written") {
			}
			if err := out.Close(); err != nil {
				t.Fatal(err)
			}
			err = command.Wait()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 {
				t.Errorf("it ended with %v", err)
			}
			for _, want := range []string{"Nobody reads the output: removing what was created.", "left behind: 0", "Error: nobody reads the output: write"} {
				if !strings.Contains(said.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, said.String())
				}
			}
			nobodyIsLeft(t, g)
		})
	}
	command := rehearsal(t, "rehearse", "okta", "--no-groups", "--keep", "--json", "--url", g.URL)
	command.Stdout, _ = os.Open(os.DevNull) // which nobody can write to
	said, _ := command.StderrPipe()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	_, _ = text.ReadFrom(said)
	if err := command.Wait(); err == nil || command.ProcessState.ExitCode() != 2 {
		t.Errorf("with an output that can't be written it ended with %v:\n%s", err, text.String())
	}
}

// The run tells how many disables and deletions a brake counts: with so many allowed
// nothing is missing. With one less the last removal is held back; with fewer the
// run is, which is no fault of the gateway. It says how to remove what is left.
func TestRehearseIsHeldBack(t *testing.T) {
	for provider, counts := range map[string]int{"entra": 6, "okta": 4} {
		for allowed, status := range map[int]int{counts: 0, counts - 1: 1, 1: 2} {
			g := startGateway(t, startEmbedded(t), setup{Replace: []string{"brake disable 50 per 10m", fmt.Sprintf("brake disable %d per 10m", allowed)}})
			command := rehearsal(t, "rehearse", provider, "--url", g.URL)
			var out, said bytes.Buffer
			command.Stdout, command.Stderr = &out, &said
			_ = command.Run()
			text := out.String()
			if !strings.Contains(text, fmt.Sprintf("A brake of the server counts %d disables and %d deletions.", counts/2, counts/2)) {
				t.Errorf("%s: it does not say what counts:\n%.500s", provider, text)
			}
			isHeld := strings.Contains(text, "rehearse --remove scimgate-rehearsal-") && strings.Contains(text, "The gateway's brake holds")
			if got := command.ProcessState.ExitCode(); got != status || isHeld != (allowed < counts) {
				t.Errorf("%s with %d allowed ended with %d, want %d:\n%s%s", provider, allowed, got, status, text, said.String())
			}
			if allowed < counts && (strings.Contains(text, "something that the provider needs is missing") || strings.Count(text, "held back: ") > 3) {
				t.Errorf("%s with %d allowed says too much:\n%s", provider, allowed, text)
			}
		}
	}
}

// With the gateway's own configuration, what each request becomes is told.
func TestRehearseExplains(t *testing.T) {
	g := startGateway(t, startEmbedded(t), setup{})
	config := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(config, []byte(g.caddyfile(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := rehearsal(t, "rehearse", "entra", "--url", g.URL, "--no-groups", "--config", config, "--gateway", "demo", "--json").Output()
	if err != nil {
		t.Errorf("it ended with %v", err)
	}
	explained := 0
	for line := range bytes.Lines(out) {
		if one := readTold(t, line); one.ID == "disable-legacy" && strings.Contains(one.Requests[0].Became, "pwdAccountLockedTime: 000001010000Z") {
			explained++
		}
	}
	if explained != 1 {
		t.Errorf("it is not explained:\n%s", out)
	}
	nobodyIsLeft(t, g)
}

// A gateway that can't disable shows nobody as active, and fails in what needs
// that, with the status 1.
func TestRehearseFindsWhatIsMissing(t *testing.T) {
	g := startGateway(t, startEmbedded(t), setup{Replace: []string{"disable password_policy\n", ""}})
	out, err := rehearsal(t, "rehearse", "okta", "--url", g.URL, "--json").Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	failed := make(map[string]bool)
	for line := range bytes.Lines(out) {
		if one := readTold(t, line); one.Verdict == "failed" {
			failed[one.ID] = true
		}
	}
	if !failed["create-user"] || !failed["deactivate-patch"] || !failed["deactivate-put"] || failed["find-user"] || failed["put-member"] {
		t.Errorf("failed are %v", failed)
	}
	nobodyIsLeft(t, g)
}

// The demo rehearses against itself and shows what each request becomes.
func TestDemoRehearses(t *testing.T) {
	out, err := rehearsal(t, "demo", "--rehearse=okta", "--exit", "--json", "--listen", "127.0.0.1:0", "--ldap", "127.0.0.1:0").Output()
	if err != nil {
		t.Errorf("it ended with %v", err)
	}
	found := false
	for line := range bytes.Lines(out) {
		one := readTold(t, line)
		if one.ID == "deactivate-patch" {
			found = true
			if one.Verdict != "passed" || !strings.Contains(one.Requests[0].Became, "pwdAccountLockedTime") || !strings.Contains(strings.Join(one.Notes, " "), "can't sign in") {
				t.Errorf("disabling: %+v", one)
			}
		}
	}
	if !found {
		t.Errorf("nobody was disabled:\n%s", out)
	}
}

// The demo leaves nothing behind, logs without colours into a file, and ends when
// nobody reads what it plays.
func TestDemoLeavesNothing(t *testing.T) {
	for name, args := range map[string][]string{
		"rehearsed":         {"--rehearse=okta", "--exit"},
		"not read":          {"--play=all"},
		"rehearsed, unread": {"--rehearse=entra"},
	} {
		home, scratch := t.TempDir(), t.TempDir()
		command := rehearsal(t, append([]string{"demo", "--listen", "127.0.0.1:0", "--ldap", "127.0.0.1:0", "--debug"}, args...)...)
		command.Env = []string{"HOME=" + home, "TMPDIR=" + scratch, "PATH=" + os.Getenv("PATH")}
		var said bytes.Buffer
		command.Stderr = &said
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && (name == "rehearsed" || !strings.HasPrefix(lines.Text(), "✓")) {
		}
		_ = out.Close()
		err = command.Wait()
		if name == "rehearsed" && err != nil {
			t.Errorf("%s: it ended with %v", name, err)
		}
		for _, place := range []string{home, scratch} {
			if all, err := os.ReadDir(place); err != nil || len(all) > 0 {
				t.Errorf("%s: left behind: %v %v", name, all, err)
			}
		}
		if !strings.Contains(said.String(), "DEBUG") || strings.Contains(said.String(), "\x1b") {
			t.Errorf("%s: the log is\n%.1000q", name, said.String())
		}
	}
}
