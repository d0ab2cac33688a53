package postgres_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scimgate/scimgate/internal/postgres"
)

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// What is written outlives a stop and a crash; a frozen server takes connections
// and does not answer them.
func TestServer(t *testing.T) {
	s := postgres.Start(t)
	dsn := s.Database(t)
	if _, err := connect(t, dsn).Exec(t.Context(), "CREATE TABLE kept (n INT)"); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func() error{"stopped": s.Stop, "killed": s.Kill} {
		if err := end(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := pgx.Connect(t.Context(), dsn); err == nil {
			t.Fatalf("%s, and it answers", name)
		}
		if err := s.Restart(); err != nil {
			t.Fatal(err)
		}
		if _, err := connect(t, dsn).Exec(t.Context(), "INSERT INTO kept VALUES (1)"); err != nil {
			t.Fatalf("%s and started again: %v", name, err)
		}
	}
	conn := connect(t, dsn)
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := conn.Exec(ctx, "SELECT 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a frozen server: %v", err)
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, dsn).Exec(t.Context(), "INSERT INTO kept VALUES (1)"); err != nil {
		t.Errorf("thawed: %v", err)
	}
}

// Databases of the shared server have nothing to do with one another.
func TestDatabase(t *testing.T) {
	for range 2 {
		if _, err := connect(t, postgres.Database(t)).Exec(t.Context(), "CREATE TABLE mine (n INT)"); err != nil {
			t.Fatal(err)
		}
	}
}

// A server ends with the program that started it, however that ends, and leaves no
// files behind.
func TestLeavesNothing(t *testing.T) {
	const child = "POSTGRES_TEST_CHILD"
	if os.Getenv(child) != "" {
		s, err := postgres.Run()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Freeze(); err != nil {
			t.Fatal(err)
		}
		os.Exit(7)
	}
	program := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLeavesNothing$")
	directory := t.TempDir()
	if err := errors.Join(os.Chmod(directory, 0o777), os.Chmod(filepath.Dir(directory), 0o755)); err != nil {
		t.Fatal(err)
	}
	program.Env = append(os.Environ(), child+"=1", "TMPDIR="+directory)
	if out, err := program.CombinedOutput(); program.ProcessState.ExitCode() != 7 {
		t.Fatalf("%v: %s", err, out)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		left, err := filepath.Glob(filepath.Join(directory, "*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %s", strings.Join(left, " "))
		}
	}
}
