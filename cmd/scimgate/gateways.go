package main

import (
	"context"
	"encoding/json"
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
	cmd := &cobra.Command{Use: "list", Short: "Shows the gateways and how they are switched", Args: cobra.NoArgs}
	c.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print JSON")
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
	unable := askSwitches(parent, c, &listed)
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(listed); err != nil {
			return err
		}
		return unable
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
	gateways(c.tree, func(handler map[string]any) {
		text := func(of map[string]any, key string) string {
			s, _ := of[key].(string)
			return s
		}
		g := listedGateway{Name: text(handler, "name"), Base: text(handler, "base"), BaseV1: text(handler, "base_v1"), State: "not known"}
		if slices.ContainsFunc(all, func(other listedGateway) bool { return other.Name == g.Name }) {
			return
		}
		translator, _ := handler["translator"].(map[string]any)
		g.Backend = text(translator, "type")
		access, _ := handler["access"].(map[string]any)
		credentials, _ := access["credentials"].([]any)
		g.Tokens = len(credentials)
		all = append(all, g)
	})
	slices.SortFunc(all, func(a, b listedGateway) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// askSwitches adds what the store knows. A switch of a gateway that the
// configuration does not have is listed, too: it may have been renamed.
func askSwitches(parent context.Context, c *configuration, listed *[]listedGateway) error {
	ctx, cancel := bare(parent)
	defer cancel()
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = a.Cleanup() }()
	switches, err := a.Store().Switches(ctx)
	if err != nil {
		return err
	}
	tokens, err := a.Store().Tokens(ctx)
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
