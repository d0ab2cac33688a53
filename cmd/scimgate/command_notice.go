package main

import (
	"context"
	"errors"
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "notice",
		Usage: "test",
		Short: "Tries out how you are warned of tokens that expire",
		Long: `
Gateways warn of tokens that expire by log, metric and event, and by e-mail and
webhooks where expiry_warning names them.`,
		CobraFunc: func(cmd *cobra.Command) {
			var c configuration
			var asJSON bool
			test := &cobra.Command{
				Use: "test [--json] [--config <file>]", Short: "Sends a test message over each way", Args: takesNone,
				Long: `
Sends a test message over each way that expiry_warning names: e-mail and webhooks.

The exit status is 0 if all were sent, and 1 otherwise; then it says why.`,
			}
			c.flags(test)
			jsonFlag(test, &asJSON)
			test.RunE = func(cmd *cobra.Command, _ []string) error {
				cmd.SilenceUsage = true
				return testNotices(cmd, &c, asJSON)
			}
			family(cmd, test)
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
		return errors.Join(printJSON(cmd.OutOrStdout(), results), failed)
	}
	for _, r := range results {
		if r.Error == "" {
			r.Error = "sent"
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", r.Way, r.Error)
	}
	return failed
}
