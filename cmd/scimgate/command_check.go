package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/scimgate/scimgate/internal/quiet"
	"github.com/scimgate/scimgate/internal/terminal"
	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/gateway"
	"github.com/scimgate/scimgate/translators"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "check",
		Usage: "[<gateway>]... [--user <person>] [--json] [--config <file>]",
		Short: "Tries the backends out, and writes nothing",
		Long: `
Tries out what stands behind each gateway of the configuration, or behind those that
are named, and writes nothing: it connects and signs in, looks for a userName that
nobody has, reads a user, maps it to SCIM and back, finds the same one by userName, looks
whether somebody who is disabled is found, and reads a group. It says what it has seen,
how long each step took, and what no provider can do through the gateway as it is
configured.

The user is the first that the backend tells of, or --user, by userName or id: try
somebody whose every attribute has a value.

	scimgate check
	scimgate check directory --user ada.lovelace

No gateway need be running. The exit status is 0 if nothing is wrong, also if there are
warnings, and 1 if a gateway will not work.`,
		CobraFunc: func(cmd *cobra.Command) {
			c := checkCommand{}
			c.configuration.flags(cmd)
			cmd.Flags().StringVarP(&c.user, "user", "u", "", "The userName or id of the `person` who is read (default: anybody)")
			jsonFlag(cmd, &c.asJSON)
			cmd.ValidArgsFunction = c.configuration.complete
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				cmd.SilenceUsage = true
				c.gateways, c.out = args, cmd.OutOrStdout()
				if term.IsTerminal(int(os.Stderr.Fd())) {
					c.watched = cmd.ErrOrStderr()
				}
				return c.run(context.Background())
			}
		},
	})
}

// checkCommand is what the flags say.
type checkCommand struct {
	configuration configuration
	gateways      []string
	user          string
	asJSON        bool

	out     io.Writer
	watched io.Writer // where somebody sees what is being done; nil: nobody does
}

func (c *checkCommand) run(parent context.Context) error {
	if err := c.configuration.load(); err != nil {
		return err
	}
	chosen, err := c.configuration.chosen(c.gateways)
	if err != nil {
		return err
	}
	ctx, cancel := bare(parent)
	defer cancel()
	a, err := c.configuration.app(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = a.Cleanup() }()
	seen := []*gateway.Examination{}
	var bad []string
	for _, g := range chosen {
		one := c.examine(app.With(parent, a), a, g)
		if seen = append(seen, one); !one.IsUsable() {
			bad = append(bad, g.Name)
		}
		if !c.asJSON {
			c.print(one)
		}
	}
	if c.asJSON {
		if err := printJSON(c.out, seen); err != nil {
			return err
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("something is wrong with %s", strings.Join(bad, ", "))
	}
	return nil
}

// examine tries one gateway out.
func (c *checkCommand) examine(parent context.Context, a *app.App, g *configuredGateway) *gateway.Examination {
	ctx, cancel := bare(quiet.With(parent))
	defer cancel()
	handler, err := g.withoutDoor(ctx)
	if err == nil && handler.Remembers() {
		if err = openStore(ctx, a, openTimeout); errors.Is(err, fs.ErrNotExist) {
			return c.examineWithoutStore(parent, g, err)
		}
	}
	if err != nil {
		return &gateway.Examination{Gateway: g.Name, Backend: g.Translator.Type, Steps: []gateway.Examined{{
			Step: "configuration", Level: translators.LevelError, Detail: err.Error() + ". Run the command as the user of the service, with its environment (--envfile)",
		}}}
	}
	handler.Silence()
	seen := handler.Examine(ctx, c.user, func(step string) { c.watch(g.Name + ": " + step + " …") })
	c.watch("")
	return seen
}

// examineWithoutStore tries a gateway out where none has run yet, so that there is no
// store in which anything is remembered.
func (c *checkCommand) examineWithoutStore(parent context.Context, g *configuredGateway, missing error) *gateway.Examination {
	empty, end, err := trialApp(parent)
	if err != nil {
		missing = errors.Join(missing, err)
		return &gateway.Examination{Gateway: g.Name, Backend: g.Translator.Type, Steps: []gateway.Examined{{Step: "store", Level: translators.LevelError, Detail: missing.Error()}}}
	}
	defer end()
	seen := c.examine(app.With(parent, empty), empty, g)
	seen.Steps = append(seen.Steps, gateway.Examined{Step: "store", Level: translators.LevelWarning, Detail: "what is remembered was not looked at, because the gateway has not run yet; if it has: " + missing.Error()})
	return seen
}

// watch shows on one line, which the next one replaces, what is being done.
func (c *checkCommand) watch(text string) {
	if c.watched != nil {
		fmt.Fprint(c.watched, "\r\x1b[K", text)
	}
}

// print prints what was seen of one gateway.
func (c *checkCommand) print(e *gateway.Examination) {
	fmt.Fprintf(c.out, "%s (%s)\n", e.Gateway, e.Backend)
	for _, step := range e.Steps {
		took := ""
		if step.Took > 0 {
			took = fmt.Sprintf(" (took %.1f ms)", float64(step.Took)/float64(time.Millisecond))
		}
		fmt.Fprintf(c.out, "  %-7s  %-11s  %s%s\n", step.Level, step.Step, terminal.OneLine(step.Detail), took)
	}
}
