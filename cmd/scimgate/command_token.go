package main

import (
	"context"
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
		Name:  "token",
		Usage: "create|list|show|rotate|revoke|confirm",
		Short: "Issues tokens to providers, and ends them",
		Long: `
Tokens that providers call with. They are kept in the store, as hashes, and hold in all
gateways on it within seconds, without a reload:

	scimgate token create --gateway directory --name entra --expires 365d
	scimgate token list
	scimgate token rotate entra
	scimgate token revoke k3f9x2ab --why "replaced"

A token is shown once, when it is created. Its expiry can't be changed: rotate it. The
commands need no running gateway, and must be run as the user of the service.

The exit status is 0 if it was done, and 1 otherwise.`,
		CobraFunc: func(cmd *cobra.Command) {
			family(cmd, tokenCreateCommand(), tokenListCommand(), tokenShowCommand(), tokenRotateCommand(), tokenRevokeCommand(), tokenConfirmCommand())
		},
	})
}

// tokenCommand is what the subcommands share.
type tokenCommand struct {
	configuration configuration
	out           io.Writer // the result
	aside         io.Writer // what is said about it
	now           time.Time

	store *store.Store
}

// command returns a subcommand that runs with the store of the configuration open.
func (c *tokenCommand) command(use, short, long string, args cobra.PositionalArgs, run func(ctx context.Context, args []string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: strings.TrimSpace(short + ".\n\n" + strings.TrimSpace(long)), Args: args}
	c.configuration.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cmd.SilenceUsage = true
		c.out, c.aside, c.now = cmd.OutOrStdout(), cmd.ErrOrStderr(), time.Now()
		if err := c.configuration.load(); err != nil {
			return err
		}
		return c.configuration.withStore(context.Background(), func(ctx context.Context, s *store.Store) error {
			c.store = s
			return run(ctx, args)
		})
	}
	return cmd
}

// say says something about the result. It does not get into what is piped.
func (c *tokenCommand) say(format string, arguments ...any) {
	_, _ = fmt.Fprintf(c.aside, format+"\n", arguments...)
}

// find returns the one token that is meant by an id or a name. Of tokens of one name
// only the valid ones are meant, unless there is none.
func (c *tokenCommand) find(ctx context.Context, gateway, idOrName string) (*store.Token, error) {
	all, err := c.store.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	var valid, ended []*store.Token
	for i := range all {
		t := &all[i]
		switch {
		case gateway != "" && t.Gateway != gateway:
		case t.ID == idOrName:
			return t, nil
		case t.Name != idOrName:
		case t.IsValid(c.now):
			valid = append(valid, t)
		default:
			ended = append(ended, t)
		}
	}
	found := valid
	if len(found) == 0 {
		found = ended
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		var which []string
		for _, t := range found {
			which = append(which, fmt.Sprintf("%s of %s, created on %s", t.ID, t.Gateway, day(t.Created)))
		}
		return nil, fmt.Errorf("%d tokens have the name %s: say which by its id: %s", len(found), idOrName, strings.Join(which, "; "))
	}
	for _, g := range c.configuration.gateways() {
		if g.credential(idOrName) != nil && (gateway == "" || gateway == g.Name) {
			return nil, fmt.Errorf("%s is a credential of the configuration of %s: change it there, and reload", idOrName, g.Name)
		}
	}
	return nil, fmt.Errorf("there is no token %s: scimgate token list shows those that there are", idOrName)
}

// gatewayOfName is what --gateway is for where a token is named.
const gatewayOfName = "The `name` of the gateway, where several have a token of the name"

func tokenRevokeCommand() *cobra.Command {
	var c tokenCommand
	var gateway, why string
	cmd := c.command("revoke <id or name> [--gateway <name>] [--why <text>] [--config <file>]", "Ends a token for good", `
Within seconds no gateway on the store accepts the token any more; the log tells who
tries it. It can't be undone.`, needs("which token"), func(ctx context.Context, args []string) error {
		if err := checkWords("--why", why); err != nil {
			return err
		}
		t, err := c.find(ctx, gateway, args[0])
		if err != nil {
			return err
		}
		if t.IsRevoked() {
			return fmt.Errorf("%s (%s) was revoked on %s by %s already", t.ID, t.Name, moment(t.Revoked), t.RevokedBy)
		}
		if err := c.store.RevokeToken(ctx, t.ID, c.now, operator(), why); err != nil {
			return err
		}
		c.say("%s (%s of %s) is revoked: within seconds no gateway accepts it.", t.ID, t.Name, t.Gateway)
		return nil
	})
	c.configuration.gatewayFlag(cmd, &gateway, gatewayOfName)
	whyFlag(cmd, &why)
	return cmd
}

func tokenConfirmCommand() *cobra.Command {
	var c tokenCommand
	return c.command("confirm [--config <file>]", "Confirms that you have seen what a restored backup had undone", `
When a backup of the store was put in its place, the gateways revoke again what was
revoked since, bring back what was issued since, and say so until it is confirmed.`, takesNone, func(ctx context.Context, _ []string) error {
		if err := c.store.ConfirmRestored(ctx); err != nil {
			return err
		}
		c.say("It is confirmed.")
		return nil
	})
}
