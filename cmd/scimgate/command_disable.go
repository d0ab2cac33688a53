package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/scimgate/scimgate/internal/terminal"
	"github.com/scimgate/scimgate/modules/gateway"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "disable",
		Usage: "<person> [--gateway <name>]... [--everywhere] [--why <text>] [--yes] [--dry-run] [--json] [--config <file>]",
		Short: "Disables a person now, without any provider",
		Long: `
Break-glass: disables the accounts of one person, without any provider and without
a running gateway, straight from the configuration. Each disable goes through the
gateway's protection, plan, journal and proof, as if a provider had asked for it.

The person is named by userName, in any case, or by id, or found by a filter:

	scimgate disable ada.lovelace --everywhere --why "left today"
	scimgate disable --filter 'emails.value eq "ada@example.com"' --gateway directory

It looks in all gateways of the configuration. If several have the person it takes
--everywhere, or --gateway for each that is meant. Of several accounts of one gateway
that match none is disabled: their ids are listed, of which one can be named.
--dry-run prints what would be sent, as LDIF or HTTP requests, and sends nothing.

The brake, dry_run, a freeze and a gateway that is switched off do not hold it back;
protection does. A journal that can't be written does not either, and is told of.

The exit status is 0 only if the person has an account somewhere and is proven to be
off wherever that is, and 1 otherwise: also if nobody was found, or a backend did not
answer, so that it is not known whether the person is there.`,
		CobraFunc: func(cmd *cobra.Command) {
			c := disableCommand{ask: term.IsTerminal(int(os.Stdin.Fd()))}
			flags := cmd.Flags()
			c.configuration.flags(cmd)
			flags.StringArrayVarP(&c.gateways, "gateway", "g", nil, "The `name` of a gateway; may be repeated")
			c.configuration.completeGateway(cmd)
			flags.BoolVar(&c.everywhere, "everywhere", false, "In all gateways of the configuration that have the person")
			flags.StringVar(&c.person.Filter, "filter", "", "A SCIM `filter` that finds the person, instead of a userName or an id")
			whyFlag(cmd, &c.why)
			flags.BoolVarP(&c.yes, "yes", "y", false, "Do not ask")
			flags.BoolVar(&c.dryRun, "dry-run", false, "Print what would be sent, and send nothing")
			jsonFlag(cmd, &c.asJSON)
			cmd.Args = cobra.MaximumNArgs(1)
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				cmd.SilenceUsage = true
				c.in, c.out, c.complaints = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
				if len(args) == 1 {
					c.person.Name = args[0]
				}
				return c.run(context.Background())
			}
		},
	})
}

// disableCommand is what the flags say.
type disableCommand struct {
	configuration configuration
	gateways      []string
	everywhere    bool
	person        gateway.Person
	why           string
	yes           bool
	ask           bool // somebody sits there
	dryRun        bool
	asJSON        bool

	in              io.Reader
	out, complaints io.Writer
}

// name is the person as the operator wrote it.
func (c *disableCommand) name() string { return c.person.Name + c.person.Filter }

func (c *disableCommand) run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	if err := c.configuration.load(); err != nil {
		return err
	}
	chosen, err := c.configuration.chosen(c.gateways)
	if err != nil {
		return err
	}
	if !c.dryRun && !c.yes && !c.ask {
		return errors.New("nobody can be asked here: say --yes if it is meant, or --dry-run to see what it would do")
	}
	b := newBreakGlass(ctx, &c.configuration, chosen, gateway.Operator{Name: operator(), Why: c.why})
	defer b.close()
	b.find(ctx, c.person)
	if err := c.decide(b); err != nil {
		return c.report(b, err)
	}
	if c.dryRun {
		b.plan(ctx)
	} else {
		if err := c.confirm(b); err != nil {
			return err
		}
		b.disable(ctx)
	}
	return c.report(b, b.verdict(c.person, c.dryRun))
}

// check finds what is wrong with the flags.
func (c *disableCommand) check() error {
	switch {
	case strings.TrimSpace(c.person.Name) == "" && strings.TrimSpace(c.person.Filter) == "":
		return errors.New("say who: scimgate disable <userName or id>, or --filter")
	case c.person.Name != "" && c.person.Filter != "":
		return errors.New("say who by a name or by --filter, not by both")
	case c.everywhere && len(c.gateways) > 0:
		return errors.New("--everywhere is for all gateways, --gateway for some: one of them")
	}
	return nil
}

// decide refuses to choose between gateways for the operator.
func (c *disableCommand) decide(b *breakGlass) error {
	if c.everywhere || len(c.gateways) > 0 {
		return nil
	}
	var having []string
	for _, one := range b.gateways {
		if len(one.Accounts) > 0 {
			having = append(having, one.Gateway)
		}
	}
	if len(having) > 1 {
		return fmt.Errorf("nothing was done: %s have %s: say --everywhere, or --gateway for each that is meant", strings.Join(having, ", "), c.name())
	}
	return nil
}

// confirm asks whoever sits there.
func (c *disableCommand) confirm(b *breakGlass) error {
	targets := b.targets()
	if c.yes || len(targets) == 0 {
		return nil
	}
	for _, one := range targets {
		account := one.Accounts[0]
		state := "active"
		if !account.Active {
			state = "off already"
		}
		fmt.Fprintf(c.complaints, "%s: %s, %s, %s\n", one.Gateway, terminal.OneLine(account.UserName), account.ID, state)
	}
	fmt.Fprint(c.complaints, "Disable? [y/N] ")
	answer, _ := bufio.NewReader(c.in).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

// report prints what became of it, in each gateway.
func (c *disableCommand) report(b *breakGlass, verdict error) error {
	if c.asJSON {
		if err := printJSON(c.out, struct {
			Person   string       `json:"person"`
			DryRun   bool         `json:"dry_run,omitempty"`
			Store    string       `json:"store,omitempty"` // why it can't be used
			Gateways []*atGateway `json:"gateways"`
		}{c.name(), c.dryRun, b.withoutStore, b.gateways}); err != nil {
			return err
		}
	} else {
		for _, one := range b.gateways {
			fmt.Fprintln(c.out, one)
		}
	}
	if b.withoutStore != "" && !c.dryRun {
		fmt.Fprintln(c.complaints, "WARNING: the store can't be used, and the disable does not wait for it:", b.withoutStore)
	}
	for _, one := range b.gateways {
		switch one.Unrecorded {
		case "":
		case b.withoutStore:
			fmt.Fprintf(c.complaints, "WARNING: %s: the journal does not have this, write it down\n", one.Gateway)
		default:
			fmt.Fprintf(c.complaints, "WARNING: %s: the journal does not have this, write it down: %s\n", one.Gateway, one.Unrecorded)
		}
	}
	return verdict
}
