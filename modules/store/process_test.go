package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/postgres"
	"github.com/scimgate/scimgate/modules/store/sqlite"

	"github.com/caddyserver/caddy/v2"
)

// What the tests need of other processes is done by their own program, started with
// these variables.
const (
	roleVariable = "SCIMGATE_TEST_ROLE"
	fileVariable = "SCIMGATE_TEST_SQLITE"
	dsnVariable  = "SCIMGATE_TEST_POSTGRES"
)

// roles are what the program does then. It says what came of it on one line each.
var roles = map[string]func(engine store.Engine, in *bufio.Reader) error{
	"open":  open,
	"serve": serve,
	"full":  full,
}

func TestMain(m *testing.M) {
	role := roles[os.Getenv(roleVariable)]
	if role == nil {
		os.Exit(m.Run())
	}
	var engine interface {
		store.Engine
		caddy.Provisioner
	} = &postgres.Engine{DSN: os.Getenv(dsnVariable)}
	if path := os.Getenv(fileVariable); path != "" {
		engine = &sqlite.Engine{Path: path}
	}
	err := engine.Provision(caddy.Context{})
	if err == nil {
		err = role(engine, bufio.NewReader(os.Stdin))
	}
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

// process is a program in one of the roles.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// start starts a program in a role, with a database that the variables name.
func start(t *testing.T, role string, variables ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(append(os.Environ(), roleVariable+"="+role, "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir()), variables...)
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	return p
}

// say sends the program a line.
func (p *process) say() {
	p.t.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		p.t.Fatal(err)
	}
}

// hears waits for the program's next line.
func (p *process) hears(want string) {
	p.t.Helper()
	if !p.out.Scan() || !strings.Contains(p.out.Text(), want) {
		p.t.Fatalf("the program said %q (%v), want %q", p.out.Text(), p.out.Err(), want)
	}
}

func wordFrom(in *bufio.Reader) error {
	_, err := in.ReadString('\n')
	return err
}

// open opens the store when it hears a word, and writes to it.
func open(engine store.Engine, in *bufio.Reader) error {
	fmt.Println("ready")
	if err := wordFrom(in); err != nil {
		return err
	}
	s := store.New(engine, zap.NewNop())
	if err := s.Open(context.Background()); err != nil {
		return err
	}
	if _, err := s.Key(context.Background(), "key"); err != nil {
		return err
	}
	fmt.Println("opened", s.Instance())
	return s.Destruct()
}

// serve serves until it hears a word.
func serve(engine store.Engine, in *bufio.Reader) error {
	s := store.New(engine, zap.NewNop())
	s.Start()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Wait(ctx); err != nil {
		return err
	}
	fmt.Println("serves", s.Instance())
	if err := wordFrom(in); err != nil {
		return err
	}
	return s.Destruct()
}
