package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/journal/tell"
	"github.com/scimgate/scimgate/modules/store"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "journal",
		Usage: "[--person <name|id>] [--group <name|id>] [--gateway <name>] [--token <name|id>] [--operation <operation>] [--outcome <outcome>] [--request <id>] [--since <time>] [--until <time>] [--limit <n>] [--reverse] [--follow] [--calls] [--format text|json|csv] [--config <file>]",
		Short: "Shows what was done to whom, by which token, and what came of it",
		Long: `
Prints the entries of the journal to which everything applies that is named, in the
order of their time. It reads the store that the configuration names, also while no
gateway is running.

	scimgate journal --person ada.lovelace
	scimgate journal --since 2h --operation disable
	scimgate journal --outcome open
	scimgate journal --follow --gateway directory
	scimgate journal --since 2026-11-01 --until 2026-12-01 --format csv > november.csv

A person or a group is found under its former names too, a person also where it
became a member of a group or ceased to be one.

--outcome is one of open, applied, not-applied, unknown and unproven: applied, but not
proven to be in force. --since and --until are times such as 2026-11-01,
"2026-11-01 14:00" or 2026-11-01T14:00:00Z, or how long ago: 90m, 2h, 30d.
--limit takes the latest ones.

--follow goes on printing what comes in, and what comes of entries that are open,
until it is interrupted. It first prints the latest 10, if nothing else is said.

--format json prints one JSON object a line. --format csv is for spreadsheets: a cell
that would be computed as a formula has an apostrophe before it.

The exit status is 0 also if no entry is found, and 1 if the journal can't be read.`,
		CobraFunc: func(cmd *cobra.Command) {
			c := journalCommand{now: time.Now, poll: time.Second}
			cmd.Args = takesNone
			c.configuration.flags(cmd)
			flags := cmd.Flags()
			flags.StringVar(&c.query.Person, "person", "", "userName, in any case, or id")
			flags.StringVar(&c.query.Group, "group", "", "displayName, in any case, or id")
			c.configuration.gatewayFlag(cmd, &c.query.Gateway, gatewayOrAll)
			flags.StringVar(&c.query.Token, "token", "", "Name of a credential or of who gave a command, or ID of a token")
			flags.StringVar(&c.query.Operation, "operation", "", strings.Join(journal.Operations, ", "))
			flags.StringVar(&c.query.Outcome, "outcome", "", strings.Join(journal.Outcomes, ", "))
			flags.StringVar(&c.query.Request, "request", "", "ID of the request, as the log and the header X-Request-Id have it")
			flags.StringVar(&c.since, "since", "", "From when on: a `time`, or how long ago")
			flags.StringVar(&c.until, "until", "", "Until when: a `time`, or how long ago")
			flags.IntVar(&c.query.Limit, "limit", 0, "How many entries, the latest ones (default: all)")
			flags.BoolVar(&c.query.Descending, "reverse", false, "The latest first")
			flags.BoolVarP(&c.follow, "follow", "f", false, "Go on with what comes in")
			flags.BoolVar(&c.options.Calls, "calls", false, "Show the calls to the backend as they were planned")
			flags.StringVar(&c.format, "format", "text", strings.Join(tell.Forms, ", "))
			for flag, values := range map[string][]string{"operation": journal.Operations, "outcome": journal.Outcomes, "format": tell.Forms} {
				if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
					panic(err) // the flag is not declared
				}
			}
			cmd.RunE = func(cmd *cobra.Command, _ []string) error {
				cmd.SilenceUsage = true
				c.hasLimit = cmd.Flags().Changed("limit")
				ignoreBrokenPipes()
				ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
				defer stop()
				return c.run(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
		},
	})
}

type journalCommand struct {
	configuration configuration
	query         journal.Query
	since, until  string
	hasLimit      bool
	follow        bool
	options       tell.Options
	format        string

	now  func() time.Time
	poll time.Duration // between two looks at the journal
}

// usualHistory is how many entries are shown before what comes in.
const usualHistory = 10

func (c journalCommand) run(ctx context.Context, out, notes io.Writer) error {
	if err := c.check(); err != nil {
		return err
	}
	if err := c.configuration.load(); err != nil {
		return err
	}
	return c.configuration.withStore(ctx, func(ctx context.Context, s *store.Store) error {
		read := newOutlet(out)
		buffered := bufio.NewWriterSize(read, 64<<10)
		writer, err := tell.NewWriter(c.format, buffered, c.options)
		if err != nil {
			return err
		}
		err = c.print(ctx, s, writer, buffered, read, notes)
		if read.failure() != nil || ctx.Err() != nil {
			return nil // nobody reads any more, or it was interrupted
		}
		return err
	})
}

// check reads the times and looks whether the options go together.
func (c *journalCommand) check() (err error) {
	if c.query.Since, err = parseTime(c.since, c.now()); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if c.query.Until, err = parseTime(c.until, c.now()); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	if c.follow && (c.query.Descending || c.until != "") {
		return errors.New("--follow shows what comes in: it does not go with --reverse or --until")
	}
	if c.follow && !c.hasLimit && c.since == "" {
		c.query.Limit, c.hasLimit = usualHistory, true
	}
	return c.query.Check()
}

func (c journalCommand) print(ctx context.Context, s *store.Store, to tell.Writer, buffered *bufio.Writer, read *outlet, notes io.Writer) error {
	isEmpty := true
	isShown := func(journal.Entry) bool { isEmpty = false; return true }
	var follower *journal.Follower
	if c.follow {
		var err error
		if follower, err = journal.Follow(ctx, s, c.query); err != nil {
			return err
		}
		isShown = func(e journal.Entry) bool {
			if follower.IsNew(e) {
				return false
			}
			follower.Seen(e)
			return true
		}
	}
	if !c.follow || c.query.Limit > 0 || !c.hasLimit {
		if err := c.history(ctx, s, to, isShown); err != nil {
			return err
		}
	}
	err := errors.Join(to.End(), buffered.Flush())
	switch {
	case err != nil:
		return err
	case c.follow:
		return c.goOn(ctx, follower, to, buffered, read, notes)
	case isEmpty:
		return sayNone(ctx, s, notes)
	}
	return nil
}

// sayNone says what was searched in vain, beside the output: a mistyped name looks like
// one to whom nothing was done.
func sayNone(ctx context.Context, s *store.Store, notes io.Writer) error {
	extent, err := journal.ExtentOf(ctx, s)
	if err != nil {
		return err
	}
	if extent.Entries == 0 {
		fmt.Fprintf(notes, "The journal in the store %s has no entry.\n", s.Location())
		return nil
	}
	fmt.Fprintf(notes, "There is no such entry among %s in the store %s, of which the first is of %s.\n",
		humanize.Comma(int64(extent.Entries)), s.Location(), extent.First.UTC().Format(time.RFC3339))
	return nil
}

// history prints what is there.
func (c journalCommand) history(ctx context.Context, s *store.Store, to tell.Writer, isShown func(journal.Entry) bool) error {
	q := c.query
	if q.Limit > 0 && !q.Descending {
		// The latest ones, but in the order of time: where they begin is looked for first.
		latest := q
		latest.Descending = true
		for e, err := range journal.Read(ctx, s, latest) {
			if err != nil {
				return err
			}
			q.After = journal.Cursor{Time: e.Time, Sequence: e.Sequence - 1}
		}
	}
	for e, err := range journal.Read(ctx, s, q) {
		if err != nil {
			return err
		}
		if !isShown(e) {
			continue
		}
		if err := to.Write(e); err != nil {
			return err
		}
	}
	return nil
}

// goOn prints what comes in until ctx ends or nobody reads. A store that is away is
// waited for.
func (c journalCommand) goOn(ctx context.Context, follower *journal.Follower, to tell.Writer, buffered *bufio.Writer, read *outlet, notes io.Writer) error {
	ticker := time.NewTicker(c.poll)
	defer ticker.Stop()
	isAway := false
	for {
		for e, err := range follower.Next(ctx) {
			switch {
			case ctx.Err() != nil:
				return nil
			case errors.Is(err, store.ErrUnavailable):
				if !isAway {
					fmt.Fprintf(notes, "%v: waiting until it is back; nothing that comes in is missed\n", err)
				}
				isAway = true
			case err != nil:
				return err
			default:
				if isAway {
					isAway = false
					fmt.Fprintln(notes, "the store is back")
				}
				if err := to.Write(e); err != nil {
					return err
				}
			}
		}
		if err := buffered.Flush(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-read.gone:
			return nil
		case <-ticker.C:
			if read.isDeserted() {
				return nil
			}
		}
	}
}

// timeForms are the forms of a time that has no zone: it is the machine's.
var timeForms = []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"}

// parseTime reads a time, or how long ago it was; "" is the zero time.
func parseTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range timeForms {
		if t, err := time.ParseInLocation(form, text, now.Location()); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if ago, err := caddy.ParseDuration(text); err == nil && ago > 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-11-01, \"2026-11-01 14:00\" or 2026-11-01T14:00:00Z, or how long ago it was: 90m, 2h, 30d", text)
}
