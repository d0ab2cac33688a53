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

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/internal/terminal"
	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/journal/tell"
	"github.com/scimgate/scimgate/modules/store"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "who",
		Usage: "<person> [--gateway <name>] [--since <time>] [--format text|json] [--config <file>]",
		Short: "Tells in sentences what was done to one person, at all gateways",
		Long: `
Tells what the journal knows of one person, named by userName, in any case, or by id:
what was done, by whom, from where, through which gateway, and what came of it. The
end says how things stand now.

	scimgate who ada.lovelace
	scimgate who ada.lovelace --since 30d

Where a person is expected and an identity provider did it, the actor is the SCIM
system user, with the name of its token; a command names who gave it.

A name that several people at one gateway have had is not guessed at: their ids are
listed, of which one can be named. The exit status is 1 then, and if nobody is found,
and else 0.`,
		CobraFunc: func(cmd *cobra.Command) {
			c := whoCommand{now: time.Now}
			cmd.Args = needs("who")
			c.configuration.flags(cmd)
			c.configuration.gatewayFlag(cmd, &c.gateway, gatewayOrAll)
			cmd.Flags().StringVar(&c.since, "since", "", "From when on: a `time`, or how long ago")
			cmd.Flags().StringVar(&c.format, "format", "text", "text, or json: one object a line")
			cmd.RunE = func(cmd *cobra.Command, arguments []string) error {
				cmd.SilenceUsage = true
				ignoreBrokenPipes()
				ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
				defer stop()
				return c.run(ctx, arguments[0], cmd.OutOrStdout())
			}
		},
	})
}

type whoCommand struct {
	configuration          configuration
	gateway, since, format string

	now  func() time.Time
	zone *time.Location
}

func (c whoCommand) run(ctx context.Context, person string, out io.Writer) error {
	if c.format != "text" && c.format != "json" {
		return fmt.Errorf("there is no format %q; there is text, json", c.format)
	}
	since, err := parseTime(c.since, c.now())
	if err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if person == "" {
		return errors.New("name a person, by userName or id")
	}
	if err := c.configuration.load(); err != nil {
		return err
	}
	return c.configuration.withStore(ctx, func(ctx context.Context, s *store.Store) error {
		read := newOutlet(out)
		buffered := bufio.NewWriter(read)
		err := errors.Join(c.tell(ctx, s, person, since, buffered), buffered.Flush())
		if read.failure() != nil {
			return nil
		}
		return err
	})
}

func (c whoCommand) tell(ctx context.Context, s *store.Store, person string, since time.Time, out io.Writer) error {
	persons, err := journal.Persons(ctx, s, person, c.gateway)
	if err != nil {
		return err
	}
	if err := several(person, persons, c.zone); err != nil {
		return err
	}
	story := tell.NewStory(out, persons, c.format == "json", c.zone, since)
	isKnown := false
	for e, err := range journal.Read(ctx, s, journal.Query{Person: person, Gateway: c.gateway}) {
		if err != nil {
			return err
		}
		isKnown = true
		if err := story.Tell(e); err != nil {
			return err
		}
	}
	if !isKnown {
		return c.nobody(ctx, s, person)
	}
	return story.End()
}

// toTheMinute tells people apart who had a name on one day.
const toTheMinute = "2006-01-02 15:04"

// several returns an error that lists the persons, if a gateway has more than one.
func several(wanted string, persons []journal.Person, zone *time.Location) error {
	count := make(map[string]int)
	most := 0
	ids := make(map[string]bool)
	for _, p := range persons {
		count[p.Gateway]++
		most = max(most, count[p.Gateway])
		ids[p.ID] = true
	}
	isOneID := len(ids) == 1 && len(persons) > 1 && ids[wanted] && !isSameName(persons)
	if most <= 1 && !isOneID {
		return nil
	}
	if zone == nil {
		zone = time.Local
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s has been several people: name one by the id", terminal.OneLine(wanted))
	if isOneID {
		b.WriteString(", with --gateway")
	}
	for _, p := range persons {
		fmt.Fprintf(&b, "\n  %s at %s, called %s", terminal.OneLine(p.ID), terminal.OneLine(p.Gateway), terminal.OneLine(p.Name))
		if !p.First.IsZero() {
			fmt.Fprintf(&b, ", from %s to %s", p.First.In(zone).Format(toTheMinute), p.Last.In(zone).Format(toTheMinute))
		}
	}
	return errors.New(b.String())
}

// isSameName reports whether all have one name: one person at several gateways that
// number alike, or take the id from one directory.
func isSameName(persons []journal.Person) bool {
	for _, p := range persons {
		if journal.Fold(p.Name) != journal.Fold(persons[0].Name) {
			return false
		}
	}
	return true
}

// nobody says what was searched in vain.
func (c whoCommand) nobody(ctx context.Context, s *store.Store, person string) error {
	extent, err := journal.ExtentOf(ctx, s)
	if err != nil {
		return err
	}
	where := "all gateways"
	if c.gateway != "" {
		where = "the gateway " + c.gateway
	}
	if extent.Entries == 0 {
		return fmt.Errorf("nobody: the journal in the store %s has no entry", s.Location())
	}
	return fmt.Errorf("nobody is or was called %q, or has it as the id: searched were the entries of %s among %d in the store %s, of which the first is of %s. "+
		"Somebody to whom nothing was done through scimgate in that time is not in the journal",
		terminal.OneLine(person), where, extent.Entries, s.Location(), extent.First.Format(time.RFC3339))
}
