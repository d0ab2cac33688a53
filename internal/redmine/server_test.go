package redmine_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scimgate/scimgate/internal/redmine"
)

// asChild is set in the program that the tests start to see what it leaves behind.
const asChild = "REDMINE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		child()
		return
	}
	goleak.VerifyTestMain(m)
}

// child starts a server, says where it is, and waits to be killed.
func child() {
	s, err := redmine.Run()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Addr(), os.Getenv("TMPDIR"))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// do makes a request that must be answered with the status, and returns the id of
// what it created.
func do(t *testing.T, s *redmine.Server, want int, method, target, body string) (id int) {
	t.Helper()
	status, answer, err := s.Do(method, target, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	if status != want {
		t.Fatalf("%s %s: %d: %s, want %d", method, target, status, answer, want)
	}
	var created struct{ User, Group struct{ ID int } }
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &created); err != nil {
			t.Fatalf("%s %s: %s: %v", method, target, answer, err)
		}
	}
	return max(created.User.ID, created.Group.ID)
}

const ada = `{"user":{"login":"ada","firstname":"Ada","lastname":"Lovelace","mail":"ada@example.com","password":"analytical"}}`

// The API is Redmine's, and a locked user can't sign in.
func TestUsersSignIn(t *testing.T) {
	s := redmine.Start(t)
	if s.CanSignIn(t, "ada", "analytical") {
		t.Fatal("ada signs in before she exists")
	}
	id := do(t, s, http.StatusCreated, http.MethodPost, "/users.json", ada)
	if !s.CanSignIn(t, "ada", "analytical") {
		t.Fatal("ada can't sign in")
	}
	if s.CanSignIn(t, "ada", "difference") {
		t.Fatal("ada signs in with a wrong password")
	}
	do(t, s, http.StatusNoContent, http.MethodPut, fmt.Sprintf("/users/%d.json", id), `{"user":{"status":3}}`)
	if s.CanSignIn(t, "ada", "analytical") {
		t.Fatal("ada is locked and signs in")
	}
	if !s.CanSignIn(t, redmine.AdminLogin, redmine.AdminPassword) {
		t.Fatal("the administrator can't sign in")
	}
}

// A test finds nothing that another one has left, and no id that it has seen.
func TestReset(t *testing.T) {
	s := redmine.Start(t)
	user := do(t, s, http.StatusCreated, http.MethodPost, "/users.json", ada)
	group := do(t, s, http.StatusCreated, http.MethodPost, "/groups.json", fmt.Sprintf(`{"group":{"name":"engineers","user_ids":[%d]}}`, user))
	s.Reset(t)
	do(t, s, http.StatusNotFound, http.MethodGet, fmt.Sprintf("/users/%d.json", user), "")
	do(t, s, http.StatusNotFound, http.MethodGet, fmt.Sprintf("/groups/%d.json", group), "")
	if s.CanSignIn(t, "ada", "analytical") {
		t.Error("ada was removed and signs in")
	}
	// Her login, her mail and the group's name are free again.
	again := do(t, s, http.StatusCreated, http.MethodPost, "/users.json", ada)
	do(t, s, http.StatusCreated, http.MethodPost, "/groups.json", `{"group":{"name":"engineers"}}`)
	if again <= user {
		t.Errorf("the id %d was given after %d", again, user)
	}
}

// Two programs have a Redmine each at the same time, and nothing is left of one whose
// program was killed.
func TestEndsWithTheProgram(t *testing.T) {
	s := redmine.Start(t)
	dir := t.TempDir()
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), asChild+"=1", "TMPDIR="+dir)
	program.Stderr = os.Stderr
	stdin, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	stdout, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(stdout).ReadString('\n')
	addr, _, found := strings.Cut(said, " ")
	if err != nil || !found {
		_ = program.Process.Kill()
		_ = program.Wait()
		t.Fatalf("the other program said %q: %v", said, err)
	}
	if addr == s.Addr() {
		t.Errorf("two servers at %s", addr)
	}
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = program.Wait()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-ticker.C {
		conn, dialled := net.Dial("tcp", addr)
		if dialled == nil {
			_ = conn.Close()
		}
		left, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if dialled != nil && len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the program was killed; connecting to its Redmine: %v; files: %v", dialled, left)
		}
	}
	do(t, s, http.StatusOK, http.MethodGet, "/users.json", "")
}

// A server that is closed has left nothing; a machine without Redmine hears what to
// install.
func TestClose(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s, err := redmine.Run()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.Log(), "GET \"/users.json\"") {
		t.Errorf("the log has no request:\n%s", s.Log())
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("it has left %v, %v", left, err)
	}
	if conn, err := net.Dial("tcp", s.Addr()); err == nil {
		_ = conn.Close()
		t.Error("it still listens")
	}
}

func TestMissingPackages(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := redmine.Run()
	if err == nil || !strings.Contains(err.Error(), "install the Debian packages") || !strings.Contains(err.Error(), "puma") {
		t.Errorf("got %v", err)
	}
}
