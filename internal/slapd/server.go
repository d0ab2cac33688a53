// Package slapd runs a real, private OpenLDAP server for tests and benchmarks:
// its own directory, free ports on 127.0.0.1, its own certificate authority,
// the password policy, memberof, refint and unique overlays, and a service
// account with limited rights. Nothing outside the given directory is written
// and no root rights are needed, only the Debian packages slapd and
// slapd-contrib (for /usr/sbin/slapd, /usr/sbin/slapadd, /usr/lib/ldap and
// /etc/ldap/schema).
//
// It runs where OpenLDAP runs; it does not build on Windows.
package slapd

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Names and passwords of every server.
const (
	// Base is the suffix of the directory.
	Base = "dc=example,dc=com"
	// People, Disabled, Groups, Services and Policies are the containers
	// that exist in a fresh server. Disabled lies below People.
	People   = "ou=people," + Base
	Disabled = "ou=disabled," + People
	Groups   = "ou=groups," + Base
	Services = "ou=services," + Base
	Policies = "ou=policies," + Base
	// DefaultPolicy is the password policy that applies to everybody.
	DefaultPolicy = "cn=default," + Policies
	// AdminDN is the rootdn: no access rule or limit applies to it.
	AdminDN       = "cn=admin," + Base
	AdminPassword = "admin-secret"
	// ServiceDN is the limited account that a gateway binds with.
	ServiceDN       = "cn=scimgate," + Services
	ServicePassword = "service-secret"
)

const (
	binary  = "slapd"
	loader  = "slapadd"
	startIn = 30 * time.Second
	stopIn  = 10 * time.Second
	// poll is how often a condition is looked at again.
	poll = 2 * time.Millisecond
	// longestSocket is what fits into sun_path, with the terminating NUL.
	longestSocket = 107
)

// Server is a running, or stopped, slapd.
type Server struct {
	// Base, ServiceDN, ServicePassword, AdminDN and AdminPassword repeat the
	// constants of the package, for tests that are handed a Server.
	Base, ServiceDN, ServicePassword, AdminDN, AdminPassword string

	dir       string
	socketDir string // holds the ldapi socket; not dir when its path would be too long
	port      int
	tlsPort   int
	logLevel  string

	mu      sync.Mutex
	process *process
}

// TB is the part of testing.TB that Start needs; it keeps the testing package
// out of programs.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start starts a server that ends with the test. It fails the test when the
// server cannot be started, also when slapd is not installed.
func Start(t TB, options Options) *Server {
	t.Helper()
	s, err := Run(t.TempDir(), options)
	if err != nil {
		t.Fatalf("starting slapd: %v", err)
		return nil
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Run starts a server with its files in dir, which must exist and be empty.
// The caller closes it. The process also ends when the calling program does.
func Run(dir string, options Options) (*Server, error) {
	for _, name := range []string{binary, loader} {
		if _, err := find(name); err != nil {
			return nil, err
		}
	}
	s := &Server{
		Base: Base, ServiceDN: ServiceDN, ServicePassword: ServicePassword, AdminDN: AdminDN, AdminPassword: AdminPassword,
		dir: dir, socketDir: dir, logLevel: "0",
	}
	if options.LogStats {
		s.logLevel = "stats"
	}
	if len(s.socket()) > longestSocket {
		short, err := os.MkdirTemp("", "slapd")
		if err != nil {
			return nil, fmt.Errorf("making a directory for the socket: %w", err)
		}
		s.socketDir = short
	}
	if err := s.prepare(options); err != nil {
		_ = s.Close()
		return nil, err
	}
	// A free port may be taken by somebody else before slapd binds it.
	var err error
	for range 5 {
		if s.port, s.tlsPort, err = freePorts(); err != nil {
			break
		}
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	_ = s.Close()
	return nil, err
}

// prepare writes configuration and certificates and loads the first entries.
func (s *Server) prepare(options Options) error {
	if err := os.Mkdir(filepath.Join(s.dir, "db"), 0o700); err != nil {
		return fmt.Errorf("making the database directory: %w", err)
	}
	if err := writeCertificates(s.dir); err != nil {
		return fmt.Errorf("making certificates: %w", err)
	}
	if err := os.WriteFile(s.configFile(), []byte(configuration(s.dir, options)), 0o600); err != nil {
		return fmt.Errorf("writing slapd.conf: %w", err)
	}
	text, err := seed(options)
	if err != nil {
		return fmt.Errorf("preparing the first entries: %w", err)
	}
	path, err := find(loader)
	if err != nil {
		return err
	}
	load := exec.Command(path, "-q", "-f", s.configFile())
	load.Stdin = strings.NewReader(text)
	if output, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("loading the first entries: %w: %s", err, bytes.TrimSpace(output))
	}
	return nil
}

// URL is ldap://127.0.0.1:port; StartTLS works on it.
func (s *Server) URL() string { return "ldap://" + s.Addr() }

// TLSURL is ldaps://127.0.0.1:port. The certificate is for localhost and 127.0.0.1.
func (s *Server) TLSURL() string { return fmt.Sprintf("ldaps://127.0.0.1:%d", s.tlsPort) }

// LDAPIURL is ldapi:// with the escaped path of the socket.
func (s *Server) LDAPIURL() string { return "ldapi://" + url.PathEscape(s.socket()) }

// Addr is the host:port of URL, for a Proxy.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// TLSAddr is the host:port of TLSURL, for a Proxy.
func (s *Server) TLSAddr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.tlsPort)) }

// CAFile is the PEM file of the authority that signed the server's certificate.
func (s *Server) CAFile() string { return filepath.Join(s.dir, "ca.crt") }

func (s *Server) configFile() string { return filepath.Join(s.dir, "slapd.conf") }
func (s *Server) logFile() string    { return filepath.Join(s.dir, "slapd.log") }
func (s *Server) socket() string     { return filepath.Join(s.socketDir, "ldapi") }

// Log returns what slapd has written so far over all its runs. With
// Options.LogStats that is a line for each operation.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// PID is the id of the process, 0 when none runs.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.cmd.Process.Pid
}

// Admin returns a connection bound as AdminDN over the ldapi socket, closed
// with the test.
func (s *Server) Admin(t TB) *ldap.Conn {
	t.Helper()
	conn, err := s.DialAdmin()
	if err != nil {
		t.Fatalf("connecting to slapd: %v", err)
		return nil
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// DialAdmin returns a connection bound as AdminDN, which the caller closes.
func (s *Server) DialAdmin() (*ldap.Conn, error) {
	conn, err := ldap.DialURL(s.LDAPIURL())
	if err != nil {
		return nil, fmt.Errorf("dialling slapd: %w", err)
	}
	conn.SetTimeout(startIn)
	if err := conn.Bind(AdminDN, AdminPassword); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("binding as %s: %w", AdminDN, err)
	}
	return conn, nil
}

// Add adds the entries of an LDIF text (content records) as AdminDN, through
// the running server and so through its overlays.
func (s *Server) Add(t TB, ldif string) {
	t.Helper()
	records, err := parseLDIF(ldif)
	if err != nil {
		t.Fatalf("reading LDIF: %v", err)
		return
	}
	conn, err := s.DialAdmin()
	if err != nil {
		t.Fatalf("connecting to slapd: %v", err)
		return
	}
	defer func() { _ = conn.Close() }()
	for _, record := range records {
		if err := conn.Add(record.addRequest()); err != nil {
			t.Fatalf("adding %s: %v", record.dn, err)
			return
		}
	}
}

// Stop ends the process in good order and waits for it. Restart starts it again.
func (s *Server) Stop() error { return s.end(syscall.SIGTERM) }

// Kill ends the process at once (SIGKILL) and waits for it. Restart starts it again.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil
	}
	running := s.process
	if err := running.signal(signal); err != nil {
		return fmt.Errorf("ending slapd: %w", err)
	}
	// A frozen process takes a SIGTERM only when thawed.
	_ = running.signal(syscall.SIGCONT)
	select {
	case <-running.exited:
	case <-time.After(stopIn):
		_ = running.signal(syscall.SIGKILL)
		<-running.exited
	}
	s.process = nil
	return nil
}

// Freeze stops the process where it is (SIGSTOP): its sockets stay open and
// silent, the kernel still accepts connections. It returns when every thread
// has stopped.
func (s *Server) Freeze() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return errors.New("freezing slapd: it does not run")
	}
	if err := s.process.signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freezing slapd: %w", err)
	}
	return wait(stopIn, s.process, "every thread of slapd to stop", func() bool {
		return isStopped(s.process.cmd.Process.Pid)
	})
}

// Thaw lets a frozen process go on (SIGCONT).
func (s *Server) Thaw() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return errors.New("thawing slapd: it does not run")
	}
	if err := s.process.signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("thawing slapd: %w", err)
	}
	return nil
}

// Restart stops the process if it runs and starts it again with the same
// ports and data. It returns when the server answers.
func (s *Server) Restart() error {
	if err := s.Stop(); err != nil {
		return err
	}
	return s.start()
}

// Close ends the process for good. It may be called more than once.
func (s *Server) Close() error {
	err := s.Stop()
	if s.socketDir != s.dir {
		err = errors.Join(err, os.RemoveAll(s.socketDir))
	}
	return err
}

// start runs slapd and waits until it answers on its socket. It binds all its
// addresses before it answers on any.
func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, err := find(binary)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer func() { _ = log.Close() }()
	urls := fmt.Sprintf("%s/ %s/ %s/", s.URL(), s.TLSURL(), s.LDAPIURL())
	cmd := exec.Command(path, "-f", s.configFile(), "-h", urls, "-d", s.logLevel)
	cmd.Stdout, cmd.Stderr = log, log
	running, err := launch(cmd)
	if err != nil {
		return err
	}
	s.process = running
	if err := wait(startIn, running, "slapd to answer", s.answers); err != nil {
		_ = running.signal(syscall.SIGKILL)
		<-running.exited
		s.process = nil
		text, _ := os.ReadFile(s.logFile())
		return fmt.Errorf("starting %s: %w: %s", path, err, bytes.TrimSpace(text))
	}
	return nil
}

func (s *Server) answers() bool {
	conn, err := ldap.DialURL(s.LDAPIURL())
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	conn.SetTimeout(time.Second)
	_, err = conn.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases,
		1, 0, false, "(objectClass=*)", []string{"supportedLDAPVersion"}, nil))
	return err == nil
}

// process is a child whose end somebody always waits for.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// launch starts cmd so that it dies with this program.
func launch(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = dieWithParent()
	p := &process{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// Linux sends the death signal when the *thread* that started the
		// child ends, so the thread is kept until the child is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	return p, nil
}

func (p *process) signal(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// wait looks at a condition until it holds, the process ends or the time is up.
func wait(limit time.Duration, p *process, what string, holds func() bool) error {
	deadline := time.Now().Add(limit)
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-p.exited:
			return fmt.Errorf("waiting for %s: it ended: %s", what, p.cmd.ProcessState)
		case <-ticker.C:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waiting for %s: not within %s", what, limit)
		}
	}
	return nil
}

// find looks for a program in PATH and in /usr/sbin, which the PATH of an
// ordinary user does not have on Debian.
func find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	path, err := exec.LookPath(filepath.Join("/usr/sbin", name))
	if err != nil {
		return "", fmt.Errorf("finding %s: install the Debian packages slapd and slapd-contrib: %w", name, err)
	}
	return path, nil
}

// freePorts picks two free ports below the range from which the kernel takes
// the ports of outgoing connections: a stopped server finds its own free again.
func freePorts() (int, int, error) {
	var ports []int
	for range 1000 {
		port := 12000 + rand.IntN(20000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		_ = listener.Close()
		if ports = append(ports, port); len(ports) == 2 && ports[0] != ports[1] {
			return ports[0], ports[1], nil
		} else if len(ports) == 2 {
			ports = ports[:1]
		}
	}
	return 0, 0, errors.New("looking for free ports on 127.0.0.1: none found")
}
