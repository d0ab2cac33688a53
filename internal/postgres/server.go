// Package postgres runs a real, private PostgreSQL server for tests: its own
// directory and a free port on 127.0.0.1, no system cluster and no root rights
// needed, only the Debian package postgresql. As root the server runs as the
// user postgres or nobody, because PostgreSQL refuses root.
//
// It ends, and its files are removed, when the program that started it ends,
// however that ends. Its data is not flushed to the disk: what a test proves about
// a power cut it does not prove here.
//
// It runs on Linux, and builds wherever there are signals.
package postgres

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// User is the role that owns everything. It needs no password from 127.0.0.1.
	User = "scimgate"

	startIn = 60 * time.Second
	stopIn  = 30 * time.Second
	// poll is how often a condition is looked at again.
	poll = 5 * time.Millisecond
)

// Server is a running, or stopped, PostgreSQL.
type Server struct {
	dir  string // holds data, log and the socket
	port int
	bin  string
	as   *syscall.Credential // nil: who runs the tests

	guardian *child

	mu      sync.Mutex
	running *child // nil: stopped
}

// TB is the part of testing.TB that the package needs; it keeps the testing
// package out of programs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// shared is the server of [Database].
var shared = sync.OnceValues(func() (*Server, error) { return Run() })

// Database makes a fresh, empty database on a server that all tests of the program
// share, and returns how it is connected to. It is dropped with the test. It fails
// the test when there is no PostgreSQL, also when it is not installed.
func Database(t TB) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
		return ""
	}
	name, dsn := s.database(t)
	t.Cleanup(func() { _ = s.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)") })
	return dsn
}

// Start starts a server that ends with the test, for a test that stops it or
// freezes it.
func Start(t TB) *Server {
	t.Helper()
	s, err := Run()
	if err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
		return nil
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Run starts a server. The caller closes it.
func Run() (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin}
	// Not in the directory of a test: the user that the server runs as could not
	// go there.
	if s.dir, err = os.MkdirTemp("", "postgres"); err != nil {
		return nil, err
	}
	if err := s.initialize(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if s.guardian, err = s.launch(nil, "/bin/sh", "-c", guard, "sh", s.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	// A free port may be taken by somebody else before the server binds it.
	for range 5 {
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, s.Close())
}

// initialize makes the cluster.
func (s *Server) initialize() error {
	if os.Geteuid() == 0 {
		var err error
		if s.as, err = unprivileged(); err != nil {
			return err
		}
		if err := os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return err
		}
	}
	initdb := exec.Command(filepath.Join(s.bin, "initdb"), "--pgdata="+s.data(), "--auth=trust", "--username="+User,
		"--no-sync", "--no-locale", "--encoding=UTF8")
	initdb.Dir = s.dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("making a cluster: %w: %s", err, bytes.TrimSpace(output))
	}
	return nil
}

func (s *Server) data() string    { return filepath.Join(s.dir, "data") }
func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// Addr is the host:port of the server, for a proxy.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// DSN is how a database of the server is connected to.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", User, s.Addr(), database)
}

// Log returns what the server has written so far over all its runs.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

var databases atomic.Int64 // that were made

// Database makes a fresh, empty database and returns how it is connected to. It is
// there as long as the server.
func (s *Server) Database(t TB) string {
	t.Helper()
	_, dsn := s.database(t)
	return dsn
}

func (s *Server) database(t TB) (name, dsn string) {
	t.Helper()
	name = fmt.Sprintf("test%d", databases.Add(1))
	if err := s.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("making a database: %v", err)
	}
	return name, s.DSN(name)
}

// Exec executes statements as the superuser, in the database postgres.
func (s *Server) Exec(statements string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startIn)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol)
	return err
}

// start runs the server and waits until it answers.
func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	s.running, err = s.launch(log, filepath.Join(s.bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.dir, "-c", "max_connections=200",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=16MB", "-c", "dynamic_shared_memory_type=mmap")
	if err != nil {
		return err
	}
	answers := func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, s.DSN("postgres"))
		if err != nil {
			return false
		}
		_ = conn.Close(ctx)
		return true
	}
	err = wait(startIn, "PostgreSQL to answer", func() bool { return s.running.hasEnded() || answers() })
	if err == nil && s.running.hasEnded() {
		err = errors.New("starting PostgreSQL: it has ended")
	}
	if err != nil {
		s.running.kill()
		s.running = nil
		return fmt.Errorf("%w: %s", err, s.Log())
	}
	return nil
}

// Stop ends the server in good order, with its connections cut. Restart starts it
// again.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Kill ends the server at once, as a crash does. Restart starts it again.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil
	}
	pids := s.processes()
	for i, pid := range pids {
		if i == 0 || signal == syscall.SIGKILL {
			_ = syscall.Kill(pid, signal)
		}
		// A frozen process takes no other signal before it is thawed.
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	err := wait(stopIn, "PostgreSQL to end", func() bool { return s.running.hasEnded() && !slices.ContainsFunc(pids, isAlive) })
	s.running.kill()
	s.running = nil
	return err
}

// Restart stops the server if it runs and starts it again on the same port with
// the same data. It returns when the server answers.
func (s *Server) Restart() error {
	if err := s.Stop(); err != nil {
		return err
	}
	return s.start()
}

// Freeze stops all processes of the server where they are (SIGSTOP): its sockets
// stay open and silent, and the kernel still accepts connections.
func (s *Server) Freeze() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	pids := s.processes()
	if len(pids) == 0 {
		return errors.New("freezing PostgreSQL: it does not run")
	}
	// The first one is the one that starts the others.
	if err := syscall.Kill(pids[0], syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freezing PostgreSQL: %w", err)
	}
	return wait(stopIn, "every process of PostgreSQL to stop", func() bool {
		stopped := true
		for _, pid := range s.processes() {
			_ = syscall.Kill(pid, syscall.SIGSTOP)
			stopped = stopped && (!isAlive(pid) || isStopped(pid))
		}
		return stopped
	})
}

// Thaw lets a frozen server go on (SIGCONT).
func (s *Server) Thaw() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	pids := s.processes()
	if len(pids) == 0 {
		return errors.New("thawing PostgreSQL: it does not run")
	}
	for _, pid := range slices.Backward(pids) {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	return nil
}

// Close ends the server for good and removes its files. It may be called more than
// once.
func (s *Server) Close() error {
	err := s.Kill()
	_ = s.guardian.stdin.Close()
	<-s.guardian.ended
	return err
}

// processes returns the processes of the server, the one that starts the others
// first.
func (s *Server) processes() []int {
	file, err := os.Open(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	line, err := bufio.NewReader(file).ReadString('\n')
	if err != nil {
		return nil
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 1 || !isAlive(pid) {
		return nil
	}
	return append([]int{pid}, children(pid)...)
}

// wait looks at a condition until it holds or the time is up.
func wait(limit time.Duration, what string, holds func() bool) error {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for deadline := time.Now().Add(limit); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			return fmt.Errorf("waiting for %s: not within %s", what, limit)
		}
	}
	return nil
}
