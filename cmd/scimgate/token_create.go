package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/store"
)

func tokenCreateCommand() *cobra.Command {
	var c tokenCreation
	cmd := c.command("create --name <name> [--gateway <name>] [--description <text>] [--expires <day|time|duration|never>] [--scope users,groups|read] [--allow <cidr>,...] [--why <text>] [--config <file>]",
		"Issues a token, and prints it once", `
The token alone goes to the standard output, all else to the standard error: it can be
piped. Only its hash is kept.`, takesNone, func(ctx context.Context, _ []string) error { return c.run(ctx) })
	flags := cmd.Flags()
	c.configuration.gatewayFlag(cmd, &c.gateway, gatewayOrOnly)
	flags.StringVarP(&c.token.Name, "name", "n", "", "Name of the token, in logs, metrics and the journal, such as entra")
	flags.StringVarP(&c.token.Description, "description", "d", "", "What it is for, for those who come after you")
	flags.StringVarP(&c.expires, "expires", "e", "", "From when it is refused: 2027-06-01, 2027-06-01T12:00:00Z, 365d or never (the default)")
	flags.StringVarP(&c.scope, "scope", "s", "", "What it may do: endpoints such as users,groups, or read (default: everything)")
	flags.StringSliceVar(&c.allow, "allow", nil, "Addresses and ranges it is accepted from, besides the gateway's list (default: any)")
	whyFlag(cmd, &c.token.CreatedWhy)
	return cmd
}

func tokenRotateCommand() *cobra.Command {
	var c tokenCreation
	cmd := c.command("rotate <id or name> [--gateway <name>] [--expires <day|time|duration|never>] [--why <text>] [--config <file>]", "Issues a token that replaces another one", `
Name, description, scope and addresses are those of the old one, and so is how long it
is valid, unless --expires says otherwise. Both tokens are accepted until the old one
is revoked or expires: scimgate token list says when it may go.`, needs("which token"), func(ctx context.Context, args []string) error { return c.rotate(ctx, args[0]) })
	flags := cmd.Flags()
	c.configuration.gatewayFlag(cmd, &c.gateway, gatewayOfName)
	flags.StringVarP(&c.expires, "expires", "e", "", "From when the new one is refused: 2027-06-01, 365d or never (default: it lives as long as the old one)")
	whyFlag(cmd, &c.token.CreatedWhy)
	return cmd
}

// tokenCreation is what the flags say of a token that is to be issued.
type tokenCreation struct {
	tokenCommand
	gateway, expires, scope string
	allow                   []string
	token                   store.Token
}

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func (c *tokenCreation) run(ctx context.Context) error {
	g, err := c.configuration.find(c.gateway)
	if err != nil {
		return err
	}
	t := &c.token
	t.Gateway = g.Name
	if !tokenName.MatchString(t.Name) {
		return fmt.Errorf("--name %q: a token needs a name of letters, digits, dots, hyphens and underscores, such as entra", t.Name)
	}
	if g.credential(t.Name) != nil {
		return fmt.Errorf("--name: %s has a credential of the name %s in its configuration: give the token another one", g.Name, t.Name)
	}
	if c.expires != "" {
		if t.Expires, err = access.ParseExpiry(c.expires, c.now); err != nil {
			return fmt.Errorf("--expires: %w", err)
		}
	}
	if c.scope != "" {
		if t.Scopes, err = c.scopes(g.Name); err != nil {
			return fmt.Errorf("--scope: %w", err)
		}
	}
	for i, text := range c.allow {
		c.allow[i] = strings.TrimSpace(text)
	}
	if t.Allow, err = access.ParseAddresses(c.allow); err != nil {
		return fmt.Errorf("--allow: %w", err)
	}
	return c.issue(ctx, g)
}

// scopes reads the scopes. Others than the usual ones must be endpoints of the
// gateway.
func (c *tokenCreation) scopes(gateway string) (access.Scopes, error) {
	scopes, err := access.ParseScopes(c.scope)
	if err != nil || !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains([]string{"users", "groups", access.ScopeRead}, s) }) {
		return scopes, err
	}
	ctx, cancel := bare(context.Background())
	defer cancel()
	handler, err := c.configuration.gateway(ctx, gateway)
	if err != nil {
		return nil, err
	}
	return scopes, scopes.Check(handler.ResourceTypes())
}

func (c *tokenCreation) rotate(ctx context.Context, idOrName string) error {
	old, err := c.newest(ctx, idOrName)
	if err != nil {
		return err
	}
	t := &c.token
	t.Gateway, t.Name, t.Description, t.Scopes, t.Allow, t.Replaces = old.Gateway, old.Name, old.Description, old.Scopes, old.Allow, old.ID
	switch {
	case c.expires != "":
		if t.Expires, err = access.ParseExpiry(c.expires, c.now); err != nil {
			return fmt.Errorf("--expires: %w", err)
		}
	case !old.Expires.IsZero():
		t.Expires = c.now.Add(old.Expires.Sub(old.Created)).Truncate(time.Second)
	}
	g, err := c.configuration.find(old.Gateway)
	if err != nil {
		return err
	}
	if err := c.issue(ctx, g); err != nil {
		return err
	}
	if old.IsExpired(c.now) {
		c.say("The old one, %s, has expired on %s.", old.ID, day(old.Expires))
		return nil
	}
	c.say("The old one, %s, is accepted too. When scimgate token list says that it is not used any more:\n\n  scimgate token revoke %s --why replaced\n", old.ID, old.ID)
	return nil
}

// newest is find, but of valid tokens of one name in one gateway it is the latest one:
// the others have been replaced.
func (c *tokenCreation) newest(ctx context.Context, idOrName string) (*store.Token, error) {
	all, err := c.store.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	var latest *store.Token
	for i := range all {
		t := &all[i]
		if t.Name != idOrName || t.IsRevoked() || c.gateway != "" && t.Gateway != c.gateway {
			continue
		}
		if latest != nil && latest.Gateway != t.Gateway {
			return c.find(ctx, c.gateway, idOrName) // which says that it is ambiguous
		}
		latest = t
	}
	if latest != nil {
		return latest, nil
	}
	return c.find(ctx, c.gateway, idOrName)
}

// issue makes the token and prints it.
func (c *tokenCreation) issue(ctx context.Context, g *configuredGateway) error {
	t := &c.token
	if err := errors.Join(checkWords("--description", t.Description), checkWords("--why", t.CreatedWhy)); err != nil {
		return err
	}
	text, id, err := access.NewToken()
	if err != nil {
		return err
	}
	t.ID, t.Hash = id, sha256.Sum256([]byte(text))
	t.Created, t.CreatedBy = c.now.UTC().Truncate(time.Microsecond), operator()
	if err := c.store.AddToken(ctx, *t); err != nil {
		return err
	}
	c.say("The token %s with the id %s is issued for the gateway %s. This is the only time that it is shown:\n", t.Name, t.ID, t.Gateway)
	if _, err := fmt.Fprintln(c.out, text); err != nil {
		return errors.Join(fmt.Errorf("printing the token: %w; it is issued, and lost: revoke it with scimgate token revoke %s", err, id))
	}
	c.say("\nPaste it at the provider: in Entra as Secret token, in Okta as API Token or HTTP Header Authorization. The\nTenant URL or Base URL is %s.\n", g.tenantURL())
	c.say("It is accepted within seconds, may do %s, and is accepted from %s.", access.Scopes(t.Scopes), addressesInWords(t.Allow))
	switch {
	case t.Expires.IsZero():
		c.say("It never expires. A token that does is better: somebody looks at it then. Give --expires 365d.")
	default:
		c.say("It expires on %s. That can't be changed: rotate it before, with scimgate token rotate %s.", moment(t.Expires), t.Name)
	}
	return nil
}
