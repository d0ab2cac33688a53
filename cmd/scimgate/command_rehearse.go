package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/internal/rehearse"
	"github.com/scimgate/scimgate/internal/terminal"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "rehearse",
		Usage: "entra|okta|all --url <tenant URL> [--token-file <path>] [--match <userName>] [--json] [--users <n> --clients <n>] [--remove <prefix>]",
		Short: "Does to a SCIM server what Entra or Okta will do, and says what is missing",
		Long: `
Sends to any SCIM 2.0 server what Microsoft Entra ID or Okta is known to send:
probes, creates, matches, changes, disables twice, enables, renames and deletes
throw-away users and a group. Each request is shown beside what became of it,
with a verdict, and for what is missing with what the provider would do and what
to change.

Only what it has created itself is written. It is removed in the end, also after
Ctrl-C; a second Ctrl-C leaves it there and says what. --remove with the prefix
that a run has told removes later what that run has left. --match names somebody who
is there already, to see whether the provider will find people; that person is
only looked for.

The token comes from SCIMGATE_TOKEN or --token-file (- is standard input), so that
it stands neither in the history of the shell nor in the list of processes.

With --users it is a load run: so many throw-away users are created, looked up,
changed, disabled, enabled, put into a group and removed, --clients at a time.

The exit status is 0 when nothing is missing that the provider needs, 1 when
something is, or could not be removed, or SCIM 1.1 is spoken, and 2 when nothing
can be said: wrong usage, a server that does not answer or lets nobody in or is no
SCIM, a brake that holds, an interruption, an output that nobody reads.`,
		CobraFunc: func(cmd *cobra.Command) {
			var c rehearseCommand
			o := &c.options
			flags := cmd.Flags()
			flags.StringVar(&o.URL, "url", "", "The tenant URL, as it is pasted into the provider")
			flags.StringVar(&c.tokenFile, "token-file", "", "A file with the token or password on one line; - is standard input")
			flags.StringVar(&c.token, "token", "", "The token or password itself; others can see it while this runs")
			flags.BoolVar(&c.header, "header", false, "Send the token without Bearer before it, as integrations of Okta's catalog may")
			flags.StringVar(&c.basic, "basic", "", "Send it as the password of this `user`, as custom apps of Okta may")
			flags.StringVar(&o.CAFile, "ca", "", "A file of certificates (PEM) to trust besides the system's")
			flags.BoolVar(&o.Insecure, "insecure", false, "Trust every certificate")
			flags.StringVar(&o.Match, "match", "", "The `userName` of somebody who is there already, to be looked for")
			flags.StringVar(&o.Remove, "remove", "", "Remove what an earlier run has left: its `prefix`, with the random characters")
			c.outputFlags(cmd)
			c.loadFlags(cmd)
			flags.BoolVar(&o.Owned, "yes-i-own-it", false, "Confirm a load run against another machine")
			flags.StringVarP(&c.behind.configuration.file, "config", "c", "", "The Caddy`file` of the server, to show what each request becomes")
			flags.StringVarP(&c.behind.configuration.adapter, "adapter", "a", "", "The `name` of the config adapter (default: by the file's name)")
			c.behind.configuration.gatewayFlag(cmd, &c.behind.gateway, "The `name` of the gateway in it (default: the only one)")
			cmd.Args = func(cmd *cobra.Command, args []string) error { return c.choose(args, cmd.Flags().Changed("users")) }
			c.exits(cmd, func(cmd *cobra.Command) error {
				if err := c.credential(cmd); err != nil {
					return usageError{err}
				}
				if err := o.Check(); err != nil {
					return usageError{err}
				}
				closeGateway, err := c.explain()
				if err != nil {
					return usageError{err}
				}
				defer closeGateway()
				return c.run(cmd, func(ctx context.Context) error { return rehearse.Run(ctx, *o) })
			})
		},
	})
}

// rehearseCommand is what the flags say.
type rehearseCommand struct {
	options          rehearse.Options
	token, tokenFile string
	header           bool
	basic            string
	asJSON           bool
	verbose, quiet   bool
	load             rehearse.Load
	behind           explanation // the server itself, where its configuration is at hand
	out              *outlet     // what is told goes there, and
	ending           *ending     // how it ended is kept
}

// outputFlags are those that the demo has, too.
func (c *rehearseCommand) outputFlags(cmd *cobra.Command) {
	o, flags := &c.options, cmd.Flags()
	flags.StringVar(&o.Prefix, "prefix", "scimgate-rehearsal", "How the names of throw-away users and groups begin; random characters follow")
	flags.StringVar(&o.Domain, "domain", "example.com", "What stands behind the @ of their userNames")
	flags.BoolVar(&o.NoGroups, "no-groups", false, "Leave groups out")
	flags.BoolVar(&o.Keep, "keep", false, "Leave what was created, to look at it")
	flags.DurationVar(&o.Timeout, "timeout", time.Minute, "How long an answer may take; Okta waits a minute")
	flags.DurationVar(&o.Pace, "pace", 0, "The pause before each check")
	flags.BoolVar(&c.asJSON, "json", false, "Print JSON lines")
	flags.BoolVarP(&c.verbose, "verbose", "v", false, "Print bodies in full")
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "Print only what is not as it should be, and the summary")
}

func (c *rehearseCommand) loadFlags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&c.load.Users, "users", 0, "Make it a load run with so many users")
	cmd.Flags().IntVar(&c.load.Clients, "clients", 0, "How many users at a time (default 1)")
}

// choose reads the provider, which a load run has none of.
func (c *rehearseCommand) choose(args []string, isLoad bool) error {
	if c.options.Remove != "" {
		if len(args) > 0 || isLoad {
			return usageError{errors.New("--remove stands alone: nothing is rehearsed then")}
		}
		return nil
	}
	if len(args) > 1 {
		return usageError{fmt.Errorf("%q is one too many: name entra, okta or all", args[1])}
	}
	if len(args) == 0 && !isLoad {
		return usageError{errors.New("name the provider: scimgate rehearse entra, okta or all")}
	}
	if len(args) == 1 {
		return c.providers(args[0])
	}
	return nil
}

// providers reads names with commas between them.
func (c *rehearseCommand) providers(names string) error {
	if names == "all" {
		c.options.Providers = rehearse.Providers
		return nil
	}
	for name := range strings.SplitSeq(names, ",") {
		p := rehearse.Provider(strings.TrimSpace(name))
		if p != rehearse.Entra && p != rehearse.Okta {
			return usageError{fmt.Errorf("there is no provider %q: there are entra, okta and all", name)}
		}
		c.options.Providers = append(c.options.Providers, p)
	}
	return nil
}

// credential reads the token from where it is.
func (c *rehearseCommand) credential(cmd *cobra.Command) error {
	if c.token != "" && c.tokenFile != "" {
		return errors.New("--token and --token-file are both there: one is enough")
	}
	if c.header && c.basic != "" {
		return errors.New("--header and --basic are both there: one is enough")
	}
	secret := c.token
	switch {
	case c.tokenFile != "":
		text, err := readToken(cmd.InOrStdin(), c.tokenFile)
		if err != nil {
			return fmt.Errorf("reading the token: %w", err)
		}
		secret = text
	case secret == "":
		secret = os.Getenv("SCIMGATE_TOKEN")
	}
	c.options.Credential = rehearse.Credential{Scheme: rehearse.Bearer, Secret: strings.TrimRight(secret, "\r\n")}
	switch {
	case c.header:
		c.options.Credential.Scheme = rehearse.Header
	case c.basic != "":
		c.options.Credential.Scheme, c.options.Credential.User = rehearse.Basic, c.basic
	}
	return nil
}

// readToken reads a token, which is no long text.
func readToken(in io.Reader, name string) (string, error) {
	const most = 64 << 10
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%s is larger than 64 KiB", name)
	}
	return string(text), err
}

// complete puts together what the flags say, for an output.
func (c *rehearseCommand) complete(cmd *cobra.Command) error {
	flags, out := cmd.Flags(), cmd.OutOrStdout()
	if flags.Changed("users") {
		c.options.Load = &c.load
	} else if flags.Changed("clients") {
		return usageError{errors.New("--clients is for --users")}
	}
	if c.asJSON && (c.verbose || c.quiet) || c.verbose && c.quiet {
		return usageError{errors.New("of --json, --verbose and --quiet there can be one")}
	}
	c.out = newOutlet(out)
	if c.asJSON {
		c.ending = &ending{Reporter: rehearse.NewJSON(c.out)}
	} else {
		c.ending = &ending{Reporter: rehearse.NewText(rehearse.TextOptions{Out: c.out, Colour: terminal.Is(out), Width: terminal.Columns(out), Verbose: c.verbose, Quiet: c.quiet})}
	}
	c.options.Report = c.ending
	return nil
}

// explain has the requests explained by the gateway of a configuration, if one is
// named. The function that it returns ends that gateway.
func (c *rehearseCommand) explain() (func(), error) {
	switch {
	case c.behind.configuration.file == "" && c.behind.gateway+c.behind.configuration.adapter != "":
		return nil, errors.New("--gateway and --adapter are for --config")
	case c.behind.configuration.file == "":
		return func() {}, nil
	case c.options.Load != nil:
		return nil, errors.New("--config is not for --users: a load run shows no single request")
	}
	failed := func(err error) error { return fmt.Errorf("reading what is behind the tenant URL: %w", err) }
	if err := c.behind.configuration.load(); err != nil {
		return nil, failed(err)
	}
	ctx, cancel := bare(context.Background())
	handler, err := c.behind.configuration.gateway(ctx, c.behind.gateway)
	if err != nil {
		cancel()
		return nil, failed(err)
	}
	c.options.Explain = func(ctx context.Context, r *http.Request) string {
		// What is refused is refused when it is sent, too, and shown then.
		text, _ := handler.Explain(ctx, r, false)
		return text
	}
	return cancel, nil
}

// run rehearses until it is interrupted. The first signal ends the rehearsal, and
// the second one the clean-up. That nobody reads the output any more interrupts it,
// too: what was created would stay, and nobody would learn of it.
func (c *rehearseCommand) run(cmd *cobra.Command, rehearsal func(context.Context) error) error {
	parent := cmd.Context()
	if parent == nil {
		parent = context.Background()
	}
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	abort := make(chan struct{})
	c.options.Abort = abort
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	ignoreBrokenPipes()
	finished := make(chan struct{})
	defer close(finished)
	go func() {
		why := "Interrupted"
		select {
		case <-signals:
		case <-c.out.gone:
			why = "Nobody reads the output"
		case <-finished:
			return
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "\n%s: removing what was created. Ctrl-C leaves it there.\n", why)
		cancel()
		select {
		case <-signals:
			close(abort)
		case <-finished:
		}
	}()
	err := rehearsal(ctx)
	if failure := c.out.failure(); failure != nil {
		c.ending.tell(cmd.ErrOrStderr())
		return unreadError{failure}
	}
	return err
}

// ignoreBrokenPipes has a write to a pipe that nobody reads fail, instead of ending
// the process with all it has to remove.
func ignoreBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }

// unreadError says that nobody has read all of the output, so that nothing can be
// said to whoever waits for the exit status.
type unreadError struct{ cause error }

func (e unreadError) Error() string { return "nobody reads the output: " + e.cause.Error() }

func (e unreadError) Unwrap() error { return e.cause }

// usageError is an error of whoever types.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// status is the exit status for an error.
func status(err error) int {
	if errors.Is(err, rehearse.ErrMissing) || errors.Is(err, rehearse.ErrLeft) || errors.Is(err, rehearse.ErrVersion) {
		return 1
	}
	return 2
}

// exits makes the command end with a status of ours.
func (c *rehearseCommand) exits(cmd *cobra.Command, run func(*cobra.Command) error) {
	end := func(cmd *cobra.Command, err error) error {
		if err == nil {
			return nil
		}
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		if _, isUsage := errors.AsType[usageError](err); isUsage {
			fmt.Fprintf(cmd.ErrOrStderr(), "Error: %v\nSee scimgate rehearse --help.\n", err)
		} else {
			fmt.Fprintf(cmd.ErrOrStderr(), "Error: %v\n", err)
		}
		if status(err) == 1 {
			return err
		}
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return status(err), nil })(cmd, nil)
	}
	args := cmd.Args
	cmd.Args = nil
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return end(cmd, usageError{err}) })
	cmd.RunE = func(cmd *cobra.Command, given []string) error {
		if err := args(cmd, given); err != nil {
			return end(cmd, err)
		}
		if err := c.complete(cmd); err != nil {
			return end(cmd, err)
		}
		return end(cmd, run(cmd))
	}
}
