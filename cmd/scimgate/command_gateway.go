package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/modules/store"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "gateway",
		Usage: "list [--json] | disable <name> --why <text> | enable <name>",
		Short: "Shows the gateways, and switches one off or on",
		Long: `
list shows the gateways of the configuration, how each is switched, by whom and why,
and how many tokens it has.

disable switches a gateway off: all its callers are answered with 403, within seconds,
without a reload, on all machines that share the store. enable switches it on again.

To go on reading and only stop writing: scimgate freeze. Of a person who has to go
now: scimgate disable, which a gateway that is switched off does not hold back.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(listCommand(), switchCommand(pull, store.Disabled, "disable"), switchCommand(release, store.Disabled, "enable"))
			cmd.RunE = func(cmd *cobra.Command, _ []string) error {
				return errors.New("say what: scimgate gateway list, disable or enable")
			}
		},
	})
	for _, c := range []struct {
		name, usage, short, long string
		way                      way
	}{
		{"freeze", "<name> --why <text>", "Stops all writes of a gateway",
			`
Freezes a gateway: it goes on answering reads, and every write is answered with 503,
within seconds, without a reload, on all machines that share the store.

Disables are held back, too: whoever is to go keeps the account until the gateway is
released, or scimgate disable is called, which passes a freeze.`, pull},
		{"unfreeze", "<name>", "Lets a gateway write again", "\nReleases a gateway that scimgate freeze has frozen.", release},
	} {
		caddycmd.RegisterCommand(caddycmd.Command{
			Name: c.name, Usage: c.usage + " [--config <path>] [--adapter <name>]", Short: c.short, Long: c.long,
			CobraFunc: func(cmd *cobra.Command) { switching(cmd, c.way, store.Frozen) },
		})
	}
}

// way is which way a switch is turned.
type way bool

const (
	pull    way = true
	release way = false
)

func switchCommand(to way, kind store.SwitchKind, name string) *cobra.Command {
	cmd := &cobra.Command{Use: name + " <name>", Short: "Switches a gateway on again"}
	if to == pull {
		cmd.Use, cmd.Short = name+" <name> --why <text>", "Switches a gateway off"
	}
	switching(cmd, to, kind)
	return cmd
}

// switching makes cmd turn a switch.
func switching(cmd *cobra.Command, to way, kind store.SwitchKind) {
	c := switcher{to: to, kind: kind}
	c.configuration.flags(cmd)
	if to == pull {
		cmd.Flags().StringVar(&c.why, "why", "", "Why: whoever finds it so has to know")
	}
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cmd.SilenceUsage = true
		return c.run(context.Background(), args[0], cmd.OutOrStdout())
	}
}

// switcher turns a switch of a gateway.
type switcher struct {
	configuration configuration
	to            way
	kind          store.SwitchKind
	why           string
}

func (c *switcher) run(parent context.Context, name string, out io.Writer) error {
	if c.to == pull && strings.TrimSpace(c.why) == "" {
		return errors.New("say why, with --why: whoever finds it so has to know")
	}
	if err := c.configuration.load(); err != nil {
		return err
	}
	if _, err := c.configuration.chosen([]string{name}); err != nil {
		return err
	}
	ctx, cancel := bare(parent)
	defer cancel()
	a, err := c.configuration.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = a.Cleanup() }()
	s := a.Store()
	switch c.to {
	case pull:
		err = s.SetSwitch(ctx, store.Switch{Gateway: name, Kind: c.kind, Since: time.Now().UTC(), Who: operator(), Why: c.why})
	case release:
		err = s.ClearSwitch(ctx, name, c.kind)
	}
	if err != nil && !errors.Is(err, store.ErrRefused) {
		return err
	}
	present, readErr := s.Switches(ctx)
	if readErr != nil {
		return readErr
	}
	state := inWords(name, present)
	if err != nil {
		fmt.Fprintf(out, "%s is as it was: %s\n", name, state)
		return nil
	}
	fmt.Fprintf(out, "%s is %s; all gateways with the store %s know it within seconds\n", name, state, s.Location())
	return nil
}

// inWords says how a gateway is switched.
func inWords(name string, switches []store.Switch) string {
	var states []string
	for _, w := range switches {
		if w.Gateway != name {
			continue
		}
		state := fmt.Sprintf("%s by %s since %s", w.Kind, plain(w.Who), w.Since.UTC().Format(time.RFC3339))
		if w.Why != "" {
			state += ": " + plain(w.Why)
		}
		states = append(states, state)
	}
	if len(states) == 0 {
		return "in service"
	}
	return strings.Join(states, "; ")
}
