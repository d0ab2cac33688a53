package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/internal/quiet"
	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/gateway"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "access",
		Usage: "check",
		Short: "Says whether somebody may call a gateway, and why",
		Long: `
Goes the way of a request without sending one, and says who is let in and who is not.

The exit status is 0 if the caller is let in, and 1 if not.`,
		CobraFunc: func(cmd *cobra.Command) {
			family(cmd, accessCheckCommand())
		},
	})
}

const accessCheckHelp = `
Goes the way of a request from an address, with a token, and says at each step
what was found: which entry of which address list has the address, which credential the
token is, when it expires, and whether the gateway is disabled or frozen.

--from is the client's address as Caddy has it and as the log shows it in the field
address: behind a proxy that of the client, if trusted_proxies names the proxy.

The token comes from SCIMGATE_TOKEN or --token-file (- is standard input), so that it
stands neither in the history of the shell nor in the list of processes. Without one
only the address is looked at.

It reads configuration, lists and store as they are now, and changes nothing: it counts
neither as a use of the token nor as a wrong one. The exit status is 0 if the caller is
let in, and 1 if not.`

func accessCheckCommand() *cobra.Command {
	var c accessCheck
	cmd := &cobra.Command{
		Use:   "check --from <address> [--gateway <name>] [--token-file <file>] [--basic <user>] [--json] [--config <file>]",
		Short: "Says whether somebody may call a gateway, and why", Args: takesNone,
		Long: accessCheckHelp,
	}
	c.configuration.flags(cmd)
	flags := cmd.Flags()
	c.configuration.gatewayFlag(cmd, &c.gateway, gatewayOrOnly)
	flags.StringVar(&c.from, "from", "", "The `address` that the call comes from")
	flags.StringVar(&c.tokenFile, "token-file", "", "A `file` with the token or password on one line; - is standard input")
	flags.StringVar(&c.token, "token", "", "The token or password itself; others can see it while this runs")
	flags.StringVar(&c.basic, "basic", "", "It is the password of this `user`")
	jsonFlag(cmd, &c.asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cmd.SilenceUsage = true
		return c.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}

// accessCheck is what the flags say.
type accessCheck struct {
	configuration    configuration
	gateway, from    string
	token, tokenFile string
	basic            string
	asJSON           bool
}

func (c *accessCheck) run(parent context.Context, in io.Reader, out, complaints io.Writer) error {
	if parent == nil {
		parent = context.Background()
	}
	if c.from == "" {
		return errors.New("say from where, with --from: the address of the caller")
	}
	from, err := netip.ParseAddr(c.from)
	if err != nil {
		return fmt.Errorf("--from: %q is no IP address", c.from)
	}
	authorization, err := c.authorization(in, complaints)
	if err != nil {
		return err
	}
	if err := c.configuration.load(); err != nil {
		return err
	}
	storeCtx, end := bare(parent)
	defer end()
	a, unable := c.store(storeCtx)
	if a != nil {
		defer func() { _ = a.Cleanup() }()
		parent = app.With(parent, a)
	}
	if unable != nil {
		_, _ = fmt.Fprintf(complaints, "The store can't be asked, so that issued tokens and switches are not known: %v\n", unable)
	}
	ctx, cancel := bare(quiet.With(parent))
	defer cancel()
	handler, err := c.configuration.gateway(ctx, c.gateway)
	if err != nil {
		return err
	}
	decision := handler.Decide(ctx, from, authorization)
	if err := c.print(out, decision); err != nil {
		return err
	}
	if unable != nil && strings.HasSuffix(decision.Reason, "is not known") && strings.HasPrefix(authorization, "Bearer scimgate_") {
		return errors.New("nobody can tell: it looks like an issued token, and the store can't be asked. A gateway that knew it when the store went away goes on accepting it")
	}
	if !decision.IsLetIn() {
		return fmt.Errorf("refused with %d: %s", decision.Status, decision.Reason)
	}
	return nil
}

// store opens the store and reads tokens and switches.
func (c *accessCheck) store(ctx caddy.Context) (*app.App, error) {
	a, err := c.configuration.open(ctx)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return a, a.Store().Know(limited)
}

// authorization returns the header that the caller would send; "" is none.
func (c *accessCheck) authorization(in io.Reader, complaints io.Writer) (string, error) {
	if c.token != "" && c.tokenFile != "" {
		return "", errors.New("--token and --token-file are both there: one is enough")
	}
	secret := c.token
	switch {
	case c.token != "":
		_, _ = fmt.Fprintln(complaints, "--token shows the token in the list of processes and in the history of the shell: take --token-file, or SCIMGATE_TOKEN.")
	case c.tokenFile != "":
		text, err := readToken(in, c.tokenFile)
		if err != nil {
			return "", fmt.Errorf("reading the token: %w", err)
		}
		if secret = strings.TrimRight(text, "\r\n"); secret == "" {
			return "", fmt.Errorf("reading the token: %s is empty", c.tokenFile)
		}
	default:
		secret = os.Getenv("SCIMGATE_TOKEN")
	}
	secret = strings.TrimRight(secret, "\r\n")
	switch {
	case secret == "" && c.basic != "":
		return "", errors.New("--basic needs the password, from --token-file or SCIMGATE_TOKEN")
	case secret == "":
		return "", nil
	case c.basic != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.basic+":"+secret)), nil
	}
	return "Bearer " + secret, nil
}

func (c *accessCheck) print(out io.Writer, decision gateway.Decision) error {
	if c.asJSON {
		return printJSON(out, decision)
	}
	var text strings.Builder
	for _, step := range decision.Steps {
		fmt.Fprintf(&text, "%-3s  %-10s  %s\n", yesOrNo(step), step.Check, step.Detail)
	}
	switch {
	case decision.IsUnfinished:
		text.WriteString("The address may call. No token was given: whether it is let in depends on that.\n")
	case decision.IsLetIn():
		fmt.Fprintf(&text, "Let in as %s.\n", decision.Caller)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func yesOrNo(step access.Step) string {
	if step.Passed {
		return "yes"
	}
	return "no"
}
