package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/modules/store"
)

// listedGateway is a gateway as it is listed.
type listedGateway struct {
	Name     string         `json:"name"`
	Base     string         `json:"base,omitempty"`
	BaseV1   string         `json:"base_v1,omitempty"`
	Backend  string         `json:"backend,omitempty"`
	State    string         `json:"state"` // in words
	Switches []store.Switch `json:"switches"`
	// Tokens are the credentials of the Caddyfile, and Issued those that were issued
	// and are valid; nil: not known.
	Tokens int  `json:"tokens"`
	Issued *int `json:"issued"`
}

func listCommand() *cobra.Command {
	var c configuration
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list [--json] [--config <file>]", Short: "Shows the gateways and how they are switched", Args: takesNone,
		Long: `
Shows the gateways of the configuration, how each is switched, by whom and why, and how
many tokens it has. A gateway that the configuration does not have is shown, too, if it
is switched: it may have been renamed.

The exit status is 0, and 1 if the store can't be asked: then only what the
configuration says is shown.`,
	}
	c.flags(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cmd.SilenceUsage = true
		return listGateways(context.Background(), &c, asJSON, cmd.OutOrStdout())
	}
	return cmd
}

// listGateways prints the gateways. Without the store that is only what the
// configuration says of them, and an error.
func listGateways(parent context.Context, c *configuration, asJSON bool, out io.Writer) error {
	if err := c.load(); err != nil {
		return err
	}
	listed := c.listed()
	unable := c.withStore(parent, func(ctx context.Context, s *store.Store) error { return askSwitches(ctx, s, &listed) })
	if asJSON {
		return errors.Join(printJSON(out, listed), unable)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GATEWAY\tBASE\tBACKEND\tTOKENS\tSTATE")
	for _, g := range listed {
		tokens := fmt.Sprintf("%d in the Caddyfile", g.Tokens)
		if g.Issued != nil {
			tokens += fmt.Sprintf(", %d issued", *g.Issued)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", g.Name, strings.TrimSpace(g.Base+" "+g.BaseV1), g.Backend, tokens, g.State)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return unable
}

// listed returns what the configuration says of its gateways, by name.
func (c *configuration) listed() []listedGateway {
	var all []listedGateway
	for _, g := range c.gateways() {
		all = append(all, listedGateway{
			Name: g.Name, Base: g.Base, BaseV1: g.BaseV1, Backend: g.Translator.Type,
			Tokens: len(g.Access.Credentials), State: "not known",
		})
	}
	return all
}

// askSwitches adds what the store knows. A switch of a gateway that the
// configuration does not have is listed, too: it may have been renamed.
func askSwitches(ctx context.Context, s *store.Store, listed *[]listedGateway) error {
	switches, err := s.Switches(ctx)
	if err != nil {
		return err
	}
	tokens, err := s.Tokens(ctx)
	if err != nil {
		return err
	}
	for _, w := range switches {
		if !slices.ContainsFunc(*listed, func(g listedGateway) bool { return g.Name == w.Gateway }) {
			*listed = append(*listed, listedGateway{Name: w.Gateway})
		}
	}
	now := time.Now()
	for i := range *listed {
		g := &(*listed)[i]
		g.State, g.Switches, g.Issued = inWords(g.Name, switches), []store.Switch{}, new(int)
		for _, w := range switches {
			if w.Gateway == g.Name {
				g.Switches = append(g.Switches, w)
			}
		}
		for _, t := range tokens {
			if t.Gateway == g.Name && t.IsValid(now) {
				*g.Issued++
			}
		}
		if g.Backend == "" {
			g.State += " (not in this configuration)"
		}
	}
	return nil
}
