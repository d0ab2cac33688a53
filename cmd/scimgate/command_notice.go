package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "notice",
		Usage: "test [--json] [--config <path>] [--adapter <name>]",
		Short: "Tries out how you are warned of tokens that expire",
		Long: `
test sends a test message over each way that expiry_warning names: e-mail and
webhooks. It exits with 1 if one could not be sent, and says why.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.RunE = func(*cobra.Command, []string) error { return errors.New("say what: scimgate notice test") }
			var c configuration
			var asJSON bool
			test := &cobra.Command{Use: "test", Short: "Sends a test message over each way", Args: cobra.NoArgs}
			c.flags(test)
			test.Flags().BoolVar(&asJSON, "json", false, "Print JSON")
			test.RunE = func(cmd *cobra.Command, _ []string) error {
				cmd.SilenceUsage = true
				return testNotices(cmd, &c, asJSON)
			}
			cmd.AddCommand(test)
		},
	})
}

func testNotices(cmd *cobra.Command, c *configuration, asJSON bool) error {
	if err := c.load(); err != nil {
		return err
	}
	ctx, cancel := bare(context.Background())
	defer cancel()
	a, err := c.app(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = a.Cleanup() }()
	results, failed := a.Notices().Test(ctx, operator())
	if asJSON && results != nil {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		return errors.Join(encoder.Encode(results), failed)
	}
	for _, r := range results {
		if r.Error == "" {
			r.Error = "sent"
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", r.Way, r.Error)
	}
	return failed
}
