// Command bench measures scimgate against two yardsticks, in one run on one
// machine: the plain client, which does the same directory operations with
// go-ldap and no HTTP, and the bare handler, a Caddy handler that does the one
// directory operation and prints a fixed answer. See docs/performance.md.
//
// All three work on the same private slapd, in processes of their own, in turns
// of short rounds, so that whatever else the machine does hits them alike. This
// process makes the HTTP requests and checks every answer.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	// What the scimgate binary has, so that memory and start are its own.
	_ "time/tzdata"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/scimgate/scimgate"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case roleCaddy:
			go exitWithInput()
			if os.Getenv(contestantVariable) == ours {
				scimgate.TuneMemory() // as its own binary does
			}
			caddycmd.Main()
			return
		case rolePlain:
			exit(playPlain(os.Args[2:]))
		case roleApplication:
			exit(playApplication(os.Args[2:]))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	exit(err)
}

func exit(err error) {
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// exitWithInput ends a server when the one who measures has gone.
func exitWithInput() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func playPlain(args []string) error {
	if len(args) != 2 {
		return errors.New("the plain client needs the directory and what is in it")
	}
	// A Ctrl-C is for the one who measures, who then closes our input.
	signal.Ignore(os.Interrupt)
	var f fixture
	if err := json.Unmarshal([]byte(args[1]), &f); err != nil {
		return err
	}
	return servePlain(os.Stdin, os.Stdout, args[0], f)
}

// settings are what the command line says.
type settings struct {
	Clients  []int         `json:"clients"`
	Rounds   int           `json:"rounds"`
	Duration time.Duration `json:"duration_ns"`
	Users    int           `json:"users"`
	Large    int           `json:"large"`
	Only     []string      `json:"only,omitempty"`
	Sync     bool          `json:"sync"`
	Quick    bool          `json:"quick"`
	Rest     bool          `json:"rest"`

	json, markdown bool
	profile, dir   string
}

func (s settings) directorySync() string {
	if s.Sync {
		return "slapd waits for the disk on writes, as the journal does"
	}
	return "slapd works in memory and does not wait for a disk (dbnosync), the journal does"
}

// memoryDir is where Linux has a file system in memory.
const memoryDir = "/dev/shm"

// directoryDir is where slapd's files go. When it does not wait for the disk they
// are kept off it: each flush of the journal would write its pages too, at its
// cost, and only scimgate has a journal.
func (s settings) directoryDir(dir string) string {
	if s.Sync || s.dir != "" {
		return dir
	}
	probe, err := os.MkdirTemp(memoryDir, "scimgate-bench-")
	if err != nil {
		return dir
	}
	_ = os.Remove(probe)
	return memoryDir
}

func parse(args []string, output io.Writer) (settings, error) {
	s := settings{Clients: []int{1, 8, 32}}
	var names []string
	for _, o := range operations {
		names = append(names, o.name)
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.BoolVar(&s.Quick, "quick", false, "few and short rounds, no size rows: done within 90 seconds, and noisy")
	flags.BoolVar(&s.Rest, "rest", false, "measure the way to an application with an API of its own, instead of to a directory")
	flags.Func("only", "measure this operation alone: one or more, with commas, of "+strings.Join(names, ", "), func(text string) error {
		for name := range strings.SplitSeq(text, ",") {
			if findOperation(name) == nil && !slices.ContainsFunc(restOperations, func(o restOperation) bool { return o.name == name }) {
				return fmt.Errorf("there is no operation %q", name)
			}
			s.Only = append(s.Only, name)
		}
		return nil
	})
	flags.Func("clients", "how many clients work at a time, several with commas (default 1,8,32)", func(text string) error {
		s.Clients = nil
		for number := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 || n > 256 {
				return fmt.Errorf("%q is no number from 1 to 256", number)
			}
			s.Clients = append(s.Clients, n)
		}
		return nil
	})
	flags.IntVar(&s.Rounds, "rounds", 5, "rounds of each operation, load and contestant")
	flags.DurationVar(&s.Duration, "duration", 1200*time.Millisecond, "length of a round")
	flags.IntVar(&s.Users, "users", 10_000, "users in the directory; a group that is measured has half of them, and 5,000 at most")
	flags.IntVar(&s.Large, "large", 100_000, "users in a second directory with a group of nearly all of them, for the size rows; 0 leaves these out")
	flags.BoolVar(&s.Sync, "sync", false, "let slapd wait for the disk on writes")
	flags.BoolVar(&s.json, "json", false, "print everything that was measured as JSON")
	flags.BoolVar(&s.markdown, "markdown", false, "print the tables of docs/performance.md (default unless -json)")
	flags.StringVar(&s.profile, "profile", "", "write CPU and allocation profiles of scimgate into this directory instead")
	flags.StringVar(&s.dir, "dir", "", "where the directory's and the journal's files go (default: a temporary directory, and "+memoryDir+" for a directory that does not wait for the disk)")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	given := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if s.Quick {
		s.quicken(given)
	}
	if given["only"] && !given["large"] {
		s.Large = 0
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("%q is no option", flags.Arg(0))
	case s.Rounds < 1 || s.Duration <= 0:
		return s, errors.New("rounds and duration must be positive")
	case s.Rest && s.profile != "":
		return s, errors.New("there are no profiles with -rest")
	case s.Users < 2000 || s.Large != 0 && s.Large < 20_000:
		return s, errors.New("users must be 2,000 at least, and large 20,000 or 0")
	}
	return s, nil
}

func (s *settings) quicken(given map[string]bool) {
	if !given["rounds"] {
		s.Rounds = 2
	}
	if !given["duration"] {
		s.Duration = 250 * time.Millisecond
	}
	if !given["large"] {
		s.Large = 0
	}
}

// chosen are the operations to be measured.
func (s settings) chosen() []operation {
	if len(s.Only) == 0 {
		return operations
	}
	return slices.DeleteFunc(slices.Clone(operations), func(o operation) bool { return !slices.Contains(s.Only, o.name) })
}

// bench does what the command line says. It leaves nothing behind.
func bench(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	s, err := parse(args, progress)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(s.dir, "scimgate-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &run{settings: s, dir: dir, directoryDir: s.directoryDir(dir), report: report{Machine: findMachine(), Settings: s, Started: time.Now()}}
	b.progress = func(format string, args ...any) {
		fmt.Fprintf(progress, "%7.1fs  "+format+"\n", append([]any{time.Since(b.report.Started).Seconds()}, args...)...)
	}
	about, atMost := s.estimate()
	b.progress("this takes about %s, and %s at most", about.Round(time.Second), atMost.Round(time.Second))
	ctx, cancel := context.WithTimeoutCause(ctx, atMost, errors.New("it took longer than it may; is the machine busy?"))
	defer cancel()
	if s.Rest {
		return b.rest(ctx, out)
	}
	if s.profile != "" {
		return b.profiles(ctx, s.profile)
	}
	if err := b.measure(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	b.report.Took = time.Since(b.report.Started)
	if s.json {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(b.report); err != nil {
			return err
		}
	}
	if s.markdown || !s.json {
		_, err = io.WriteString(out, b.report.markdown())
	}
	return err
}
