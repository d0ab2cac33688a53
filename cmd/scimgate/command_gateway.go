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

	"github.com/scimgate/scimgate/internal/terminal"
	"github.com/scimgate/scimgate/modules/store"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "gateway",
		Usage: "list|disable|enable",
		Short: "Shows the gateways, and switches one off or on",
		Long: `
A gateway that is switched off answers all its callers with 403, and one that is frozen
(scimgate freeze) goes on reading and refuses writes. Either holds within seconds,
without a reload, on all machines that share the store.

	scimgate gateway list
	scimgate gateway disable directory --why "the token leaked"
	scimgate gateway enable directory

Both hold disables back. Of a person who has to go now: scimgate disable, which passes
them.`,
		CobraFunc: func(cmd *cobra.Command) {
			family(cmd, listCommand(), switchCommand(pull, "disable"), switchCommand(release, "enable"))
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
released, or scimgate disable is called, which passes a freeze.
` + switchStatus, pull},
		{"unfreeze", "<name>", "Lets a gateway write again",
			`
Releases a gateway that scimgate freeze has frozen.
` + switchStatus, release},
	} {
		caddycmd.RegisterCommand(caddycmd.Command{
			Name: c.name, Usage: c.usage + " [--config <file>]", Short: c.short, Long: c.long,
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

// switchStatus ends what is said of a switch.
const switchStatus = `
The exit status is 0 if the gateway is now as asked for, also if it was before, and 1
otherwise.`

// switchCommand switches a gateway off, or on again.
func switchCommand(to way, name string) *cobra.Command {
	cmd := &cobra.Command{Use: name + " <name> [--config <file>]", Short: "Switches a gateway on again"}
	cmd.Long = "\nLets a gateway that scimgate gateway disable has switched off answer again.\n" + switchStatus
	if to == pull {
		cmd.Use, cmd.Short = name+" <name> --why <text> [--config <file>]", "Switches a gateway off"
		cmd.Long = "\nSwitches a gateway off: all its callers are answered with 403, within seconds, without\na reload, on all machines that share the store.\n" + switchStatus
	}
	switching(cmd, to, store.Disabled)
	return cmd
}

// switching makes cmd turn a switch.
func switching(cmd *cobra.Command, to way, kind store.SwitchKind) {
	c := switcher{to: to, kind: kind}
	c.configuration.flags(cmd)
	if to == pull {
		whyFlag(cmd, &c.why)
	}
	cmd.Args = needs("which gateway")
	cmd.ValidArgsFunction = c.configuration.complete
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
	if err := checkWords("--why", c.why); err != nil {
		return err
	}
	if err := c.configuration.load(); err != nil {
		return err
	}
	if _, err := c.configuration.chosen([]string{name}); err != nil {
		return err
	}
	return c.configuration.withStore(parent, func(ctx context.Context, s *store.Store) error { return c.turn(ctx, s, name, out) })
}

// turn turns the switch, and says how the gateway is switched then.
func (c *switcher) turn(ctx context.Context, s *store.Store, name string, out io.Writer) (err error) {
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
		state := fmt.Sprintf("%s by %s since %s", w.Kind, terminal.OneLine(w.Who), moment(w.Since))
		if w.Why != "" {
			state += ": " + terminal.OneLine(w.Why)
		}
		states = append(states, state)
	}
	if len(states) == 0 {
		return "in service"
	}
	return strings.Join(states, "; ")
}
