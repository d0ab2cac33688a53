package main

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"

	"github.com/scimgate/scimgate/internal/slapd"
)

// The roles of this program, its first argument, beside that of the one who
// measures. "run" is Caddy's own command.
const (
	rolePlain = "plain-client"
	roleCaddy = "run"
)

// tenantPath is where both servers answer.
const tenantPath = "/scim/v2"

const benchToken = "bench-token-0123456789"

// contestant is a process of its own that does the work.
type contestant struct {
	name    string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	exited  chan struct{}
	journal string // the log of what it says on stderr

	// A server is called over HTTP,
	caller *caller
	admin  string // its admin endpoint
	// and the plain client is told what to do.
	jobs    *json.Encoder
	samples *json.Decoder
}

//go:embed *.Caddyfile
var caddyfiles embed.FS

var caddyfileTemplates = template.Must(template.ParseFS(caddyfiles, "*.Caddyfile"))

// contestantVariable tells a server who it is.
const contestantVariable = "SCIMGATE_BENCH_CONTESTANT"

// startServer starts Caddy with the handler of that name, configured as an
// operator would, and tells how long it took to its first answer.
func startServer(ctx context.Context, name, dir string, d *directory) (*contestant, time.Duration, error) {
	return launchServer(ctx, name, dir, d.fixture, map[string]string{
		"Directory": d.URL(), "BindDN": d.ServiceDN, "People": slapd.People, "Groups": slapd.Groups, "Policy": slapd.DefaultPolicy,
	}, "SCIMGATE_BENCH_PASSWORD="+d.ServicePassword)
}

// launchServer starts Caddy with the Caddyfile of that name. It is ready when user 0
// is found by the login that is given, or that of the fixture.
func launchServer(ctx context.Context, name, dir string, f fixture, values map[string]string, environment ...string) (*contestant, time.Duration, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, 0, err
	}
	dir, err = os.MkdirTemp(dir, name)
	if err != nil {
		return nil, 0, err
	}
	listen, admin := "127.0.0.1:"+ports[0], "127.0.0.1:"+ports[1]
	values["Listen"], values["Admin"] = listen, admin
	var text bytes.Buffer
	for _, part := range []string{"options", name} {
		err = errors.Join(err, caddyfileTemplates.ExecuteTemplate(&text, part+".Caddyfile", values))
	}
	config := filepath.Join(dir, "Caddyfile")
	if err := errors.Join(err, os.WriteFile(config, text.Bytes(), 0o600)); err != nil {
		return nil, 0, fmt.Errorf("configuring %s: %w", name, err)
	}
	c := &contestant{name: name, admin: admin, caller: newCaller("http://"+listen+tenantPath, benchToken, name == bareHandler, f)}
	if login := values["First"]; login != "" {
		c.caller.ready = func(ctx context.Context) error {
			return c.caller.do(ctx, http.MethodGet, "/Users?filter="+url.QueryEscape(`userName eq "`+login+`"`), "", http.StatusOK, func(body []byte) error {
				return contains(body, `"totalResults":1,`)
			})
		}
	}
	started := time.Now()
	role := name
	if name != bareHandler {
		role = ours
	}
	err = c.launch(dir, []string{roleCaddy, "--config", config, "--adapter", "caddyfile"}, append(environment,
		"XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir, contestantVariable+"="+role, "SCIMGATE_BENCH_TOKEN="+benchToken)...)
	if err != nil {
		return nil, 0, err
	}
	took, err := c.firstAnswer(ctx, started)
	if err != nil {
		return nil, 0, errors.Join(err, c.stop())
	}
	return c, took, nil
}

// startPlain starts the process of the plain client.
func startPlain(dir string, d *directory) (*contestant, error) {
	dir, err := os.MkdirTemp(dir, plainClient)
	if err != nil {
		return nil, err
	}
	fixture, err := json.Marshal(d.fixture)
	if err != nil {
		return nil, err
	}
	c := &contestant{name: plainClient}
	return c, c.launch(dir, []string{rolePlain, d.URL(), string(fixture)})
}

// launch runs this program in another role. The process ends when its standard
// input does, and so with this one, however that ends.
func (c *contestant) launch(dir string, args []string, environment ...string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	c.journal = filepath.Join(dir, "stderr.log")
	log, err := os.Create(c.journal)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	c.cmd = exec.Command(program, args...)
	c.cmd.Env = append(os.Environ(), environment...)
	c.cmd.Stderr = log
	c.stdin, err = c.cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	c.jobs, c.samples = json.NewEncoder(c.stdin), json.NewDecoder(bufio.NewReader(stdout))
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", c.name, err)
	}
	c.exited = make(chan struct{})
	go func() {
		defer close(c.exited)
		_, _ = c.cmd.Process.Wait()
	}()
	return nil
}

// firstAnswer asks until there is an answer, and returns how long that was after
// the start.
func (c *contestant) firstAnswer(ctx context.Context, started time.Time) (time.Duration, error) {
	deadline, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		err := c.caller.ready(deadline)
		if err == nil {
			return time.Since(started), nil
		}
		ended := false
		select {
		case <-c.exited:
			ended = true
		case <-deadline.Done():
			ended = true
		case <-ticker.C:
		}
		if isRefused := errors.Is(err, syscall.ECONNREFUSED); !isRefused || ended {
			return 0, fmt.Errorf("waiting for the first answer of %s: %w\n%s", c.name, err, c.lastWords())
		}
	}
}

// lastWords are the last lines of its log.
func (c *contestant) lastWords() string {
	text, err := os.ReadFile(c.journal)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// run does a round.
func (c *contestant) run(ctx context.Context, operation string, seed uint64, l load) sample {
	if c.caller != nil {
		if err := c.caller.prepare(ctx, operation); err != nil {
			return sample{Failure: err.Error()}
		}
		return l.run(ctx, seed, c.caller.attempts()[operation])
	}
	var s sample
	err := c.jobs.Encode(job{Operation: operation, Seed: seed, load: l})
	if err == nil {
		err = c.samples.Decode(&s)
	}
	if err != nil {
		s.Failure = fmt.Sprintf("telling the plain client what to do: %v: %s", err, c.lastWords())
	}
	return s
}

// calls are how many requests scimgate has made to the directory so far, by the
// verb: what its metric says.
func (c *contestant) calls(ctx context.Context) (map[string]float64, error) {
	text, err := c.adminGet(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	return parseCalls(string(text)), nil
}

func parseCalls(text string) map[string]float64 {
	calls := make(map[string]float64)
	for line := range strings.Lines(text) {
		labels, isIt := strings.CutPrefix(line, "caddy_scim_backend_calls_total{")
		_, rest, hasVerb := strings.Cut(labels, `operation="`)
		verb, _, _ := strings.Cut(rest, `"`)
		count, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:]), 64)
		if isIt && hasVerb && err == nil {
			calls[verb] += count
		}
	}
	return calls
}

func (c *contestant) adminGet(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.admin+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the admin endpoint of %s: %w", c.name, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("asking the admin endpoint of %s for %s: %s", c.name, path, response.Status)
	}
	return body, err
}

func (c *contestant) pid() int { return c.cmd.Process.Pid }

// stop ends the process and waits for it.
func (c *contestant) stop() error {
	if c.caller != nil {
		c.caller.close()
	}
	_ = c.stdin.Close()
	select {
	case <-c.exited:
		return nil
	case <-time.After(10 * time.Second):
	}
	err := c.cmd.Process.Kill()
	<-c.exited
	return err
}

// freePorts picks ports of 127.0.0.1 that nobody listens at.
func freePorts(count int) ([]string, error) {
	var ports []string
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = listener.Close() }()
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}
