// Package redmine runs a real, private Redmine 5 for tests: a legacy application
// with a REST API of its own, on a free port of 127.0.0.1, with a fresh database.
// It needs the Debian packages redmine, redmine-sqlite and puma and no rights, and
// neither uses nor touches an instance of Redmine that the machine has. All that it
// writes is in a directory of its own below that for temporary files.
//
// It ends, and its files are removed, when the program that started it ends,
// however that ends. It runs on Linux, and builds wherever there are signals.
package redmine

import (
	"bytes"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// AdminLogin and AdminPassword are those of the user who is there from the
	// beginning and stays.
	AdminLogin    = "admin"
	AdminPassword = "admin-secret"

	home    = "/usr/share/redmine"
	startIn = 2 * time.Minute
	// poll is how often a condition is looked at again.
	poll = 10 * time.Millisecond
	// excerpt is how much of a log an error quotes, in bytes.
	excerpt = 4 << 10
)

// Server is a running Redmine.
type Server struct {
	dir      string
	addr     string
	key      string
	guardian *exec.Cmd
	pipe     io.Closer // that the guardian waits for
	client   *http.Client
}

// TB is the part of testing.TB that the package needs; it keeps the testing
// package out of programs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// shared is the server of [Start].
var shared = sync.OnceValues(Run)

// Start returns a Redmine that all tests of the program share, without the users
// and groups that earlier ones have left. It fails the test when there is none, also
// when it is not installed.
func Start(t TB) *Server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("starting Redmine: %v", err)
		return nil
	}
	s.Reset(t)
	return s
}

// Run starts a server, which takes some seconds. The caller closes it.
func Run() (*Server, error) {
	puma, err := find()
	if err != nil {
		return nil, err
	}
	s := &Server{client: &http.Client{
		// What is kept open would look like a leak to the tests.
		Transport: &http.Transport{DisableKeepAlives: true},
		Timeout:   time.Minute,
	}}
	if s.dir, err = os.MkdirTemp("", "redmine"); err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if err := s.launch(puma); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if err := s.answers(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, s.Log()), s.Close())
	}
	return s, nil
}

// find looks for what has to be installed and returns puma's path.
func find() (string, error) {
	var missing []string
	if _, err := os.Stat(filepath.Join(home, "config", "environment.rb")); err != nil {
		missing = append(missing, "redmine")
	}
	if exec.Command("ruby", "-e", `gem "sqlite3", "~> 1.4"`).Run() != nil {
		missing = append(missing, "redmine-sqlite")
	}
	puma, err := exec.LookPath("puma")
	if err != nil {
		missing = append(missing, "puma")
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("there is no Redmine: install the Debian packages %s", strings.Join(missing, ", "))
	}
	return puma, nil
}

//go:embed instance
var instance embed.FS

// prepare writes what an instance of Debian's Redmine has in its directory.
func (s *Server) prepare() error {
	files, err := fs.Sub(instance, "instance")
	if err != nil {
		return err
	}
	if err := os.CopyFS(s.dir, files); err != nil {
		return fmt.Errorf("writing the instance: %w", err)
	}
	for _, name := range []string{"files", "log", "tmp"} {
		if err := os.Mkdir(filepath.Join(s.dir, name), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// guard runs a program until that ends, or until the pipe is closed that it reads
// from, by whatever end of the program that holds it. Then it removes the directory.
const guard = `cd "$1" && shift && exec 3<&0 </dev/null >>log/puma.log 2>&1 || exit
"$@" 3<&- & pid=$!
{ read -r nothing; [ -e ended ] || kill -KILL $pid; } <&3 &
wait $pid
: >ended
wait
cd / && until rm -rf "$OLDPWD"; do sleep 0.1; done`

// launch starts puma below a guardian.
func (s *Server) launch(puma string) error {
	s.guardian = exec.Command("/bin/sh", "-c", guard, "sh", s.dir,
		puma, "--environment", "production", "--bind", "tcp://127.0.0.1:0", "--threads", "1:4", "--dir", s.dir, "config.ru")
	// What the terminal interrupts is the tests.
	s.guardian.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.guardian.Env = []string{
		"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "RAILS_ENV=production",
		"HOME=" + s.dir, "TMPDIR=" + filepath.Join(s.dir, "tmp"), "ADMIN_PASSWORD=" + AdminPassword,
		"SECRET_KEY_BASE=" + rand.Text() + rand.Text(),
		"BUNDLE_GEMFILE=" + filepath.Join(s.dir, "Gemfile"),
		// Debian looks for the files of an instance by its name, below a directory
		// that is only root's. Nothing is above the root.
		"REDMINE_INSTANCE=" + strings.Repeat("../", 16) + s.dir,
	}
	pipe, err := s.guardian.StdinPipe()
	if err != nil {
		return err
	}
	s.pipe = pipe
	return s.guardian.Start()
}

// listening is what puma says when it serves.
var listening = regexp.MustCompile(`Listening on http://(127\.0\.0\.1:\d+)\n`)

// answers waits until the server does, and learns its address and key.
func (s *Server) answers() error {
	err := wait(startIn, "Redmine to start", func() (bool, error) {
		if _, err := os.Stat(filepath.Join(s.dir, "ended")); err == nil {
			return false, errors.New("it has ended")
		}
		log, _ := os.ReadFile(filepath.Join(s.dir, "log", "puma.log"))
		if found := listening.FindSubmatch(log); found != nil {
			s.addr = string(found[1])
		}
		return s.addr != "", nil
	})
	if err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(s.dir, "key"))
	if err != nil {
		return fmt.Errorf("reading the administrator's key: %w", err)
	}
	s.key = string(key)
	status, body, err := s.Do(http.MethodGet, "/users.json", "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("it answers %d: %s", status, body)
	}
	if err != nil {
		return fmt.Errorf("asking Redmine for its users: %w", err)
	}
	return nil
}

// URL is http://127.0.0.1:port.
func (s *Server) URL() string { return "http://" + s.addr }

// Addr is the host:port of URL, for a proxy.
func (s *Server) Addr() string { return s.addr }

// Key is the administrator's, for the header X-Redmine-API-Key.
func (s *Server) Key() string { return s.key }

// Do makes a request as the administrator, past everything that is being tested.
// The target is a path with a query, the body JSON; "" is none.
func (s *Server) Do(method, target, body string) (status int, answer []byte, err error) {
	request, err := http.NewRequest(method, s.URL()+target, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("X-Redmine-API-Key", s.key)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	return s.send(request)
}

func (s *Server) send(request *http.Request) (status int, answer []byte, err error) {
	response, err := s.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// CanSignIn reports whether Redmine takes the password of a login.
func (s *Server) CanSignIn(t TB, login, password string) bool {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, s.URL()+"/users/current.json", nil)
	if err != nil {
		t.Fatalf("signing in as %s: %v", login, err)
		return false
	}
	request.SetBasicAuth(login, password)
	status, body, err := s.send(request)
	switch {
	case err == nil && status == http.StatusOK:
		return true
	case err == nil && status == http.StatusUnauthorized:
		return false
	}
	t.Fatalf("signing in as %s: %d: %s: %v\n%s", login, status, body, err, s.Log())
	return false
}

// Log returns the end of what Redmine has written: its start, and its requests.
func (s *Server) Log() string {
	var text strings.Builder
	for _, name := range []string{"puma.log", "production.log"} {
		log, err := os.ReadFile(filepath.Join(s.dir, "log", name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if len(log) > excerpt {
			log = log[len(log)-excerpt:]
			log = log[bytes.IndexByte(log, '\n')+1:]
		}
		fmt.Fprintf(&text, "%s:\n%s", name, log)
		if err != nil {
			fmt.Fprintln(&text, err)
		}
	}
	return text.String()
}

// Close ends the server and removes its files. It may be called more than once.
func (s *Server) Close() error {
	if s.guardian.ProcessState != nil {
		return nil
	}
	_ = s.pipe.Close()
	if err := s.guardian.Wait(); err != nil {
		return fmt.Errorf("ending Redmine: %w", err)
	}
	return nil
}

// wait looks at a condition until it holds, it can't hold any more or the time is up.
func wait(limit time.Duration, what string, holds func() (bool, error)) error {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for deadline := time.Now().Add(limit); ; <-ticker.C {
		held, err := holds()
		switch {
		case err != nil:
			return fmt.Errorf("waiting for %s: %w", what, err)
		case held:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("waiting for %s: not within %s", what, limit)
		}
	}
}
