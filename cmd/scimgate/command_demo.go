package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/demo"
	"github.com/scimgate/scimgate/internal/rehearse"
	"github.com/scimgate/scimgate/internal/terminal"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "demo",
		Usage: "[--play[=<dialogue>,...]] [--rehearse[=entra,okta]] [--pace <duration>] [--exit] [--listen <address>] [--ldap <address>] [--token <token>] [--debug]",
		Short: "Runs a gateway before an embedded LDAP directory",
		Long: `
Starts an LDAP directory inside this process, with a few people and groups who
were there before SCIM was, and a gateway before it; prints the tenant URL and
the token as they are pasted into Microsoft Entra ID or Okta; and waits for
Ctrl-C. Nothing has to be installed, and nothing is left behind.

The gateway is configured as in production: --print-config shows how. What is
written stands in a directory of its own for as long as the demo runs.

With --play it plays before you what Microsoft Entra ID and Okta send: each
request, the LDIF that becomes of it, the answer, and who can sign in afterwards.
Each dialogue begins with the same people and groups, who are there again in the
end. --play=all plays everything that the tests know; --play=okta-groups one of
them. Then the demo goes on, unless there is --exit. If an answer or the directory
is not as it should be, the exit status is 1.

With --rehearse it does the same with checks that know nothing of the gateway:
those of scimgate rehearse, which go against any tenant URL.`,
		CobraFunc: func(cmd *cobra.Command) {
			var c demoCommand
			var printConfig bool
			o := &c.options
			cmd.Args = func(_ *cobra.Command, args []string) error {
				if len(args) > 0 && !cmd.Flags().Changed("play") && !cmd.Flags().Changed("rehearse") {
					return fmt.Errorf("%q is nothing that demo takes; see --help", args[0])
				}
				return nil
			}
			cmd.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:8880", "Where the gateway listens")
			cmd.Flags().StringVar(&o.LDAP, "ldap", "127.0.0.1:8389", "Where the directory listens")
			cmd.Flags().StringVar(&o.Token, "token", "", "The token that callers show (12 characters or more; default a random one)")
			cmd.Flags().BoolVar(&o.Debug, "debug", false, "Log at the debug level, with the attributes that were ignored")
			cmd.Flags().BoolVar(&printConfig, "print-config", false, "Print the Caddyfile of the demo and exit")
			cmd.Flags().StringSliceVar(&c.play.Names, "play", nil, "Play dialogues of Entra and Okta, or those that are named, or all")
			cmd.Flags().Lookup("play").NoOptDefVal = strings.Join(demo.DefaultPlay, ",")
			cmd.Flags().DurationVar(&c.play.Pace, "pace", time.Second, "The pause before each request that is played; none when the output is no terminal")
			cmd.Flags().StringVar(&c.providers, "rehearse", "", "Rehearse what Entra and Okta do, or one of them")
			cmd.Flags().Lookup("rehearse").NoOptDefVal = "all"
			cmd.Flags().BoolVar(&c.rehearsal.asJSON, "json", false, "Print the rehearsal as JSON lines")
			cmd.Flags().BoolVarP(&c.rehearsal.verbose, "verbose", "v", false, "Print the bodies of the rehearsal in full")
			cmd.Flags().BoolVarP(&c.rehearsal.quiet, "quiet", "q", false, "Print of the rehearsal only what is not as it should be, and the summary")
			cmd.Flags().BoolVar(&o.NoBrake, "no-brake", false, "Let any number of accounts be disabled, for a load run")
			cmd.Flags().BoolVar(&c.exit, "exit", false, "End when everything has been played or rehearsed")
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				cmd.SilenceUsage = true
				o.Plain = !terminal.Is(cmd.ErrOrStderr())
				if printConfig {
					return printDemoConfig(cmd.OutOrStdout(), *o)
				}
				c.plays = cmd.Flags().Changed("play")
				if err := c.readRehearsal(cmd, args); err != nil {
					return err
				}
				if len(args) > 0 && c.plays {
					c.play.Names = args // --play okta-groups, without the equals sign
				}
				if !cmd.Flags().Changed("pace") && !terminal.Is(cmd.OutOrStdout()) {
					c.play.Pace = 0 // nobody watches
				}
				if c.exit && !c.plays && !c.rehearses {
					return errors.New("--exit is for --play and --rehearse")
				}
				return c.run(cmd)
			}
		},
	})
}

type demoCommand struct {
	options demo.Options
	plays   bool
	play    demo.PlayOptions
	exit    bool // when everything was played

	providers string
	rehearses bool
	rehearsal rehearseCommand
}

// readRehearsal reads the flags for a rehearsal.
func (c *demoCommand) readRehearsal(cmd *cobra.Command, args []string) error {
	flags := cmd.Flags()
	if c.rehearses = flags.Changed("rehearse"); !c.rehearses {
		for _, name := range []string{"json", "verbose", "quiet"} {
			if flags.Changed(name) {
				return fmt.Errorf("--%s is for --rehearse", name)
			}
		}
		return nil
	}
	if c.plays {
		return errors.New("of --play and --rehearse there can be one")
	}
	if len(args) > 0 {
		c.providers = strings.Join(args, ",") // --rehearse entra, without the equals sign
	}
	if flags.Changed("pace") {
		c.rehearsal.options.Pace = c.play.Pace
	}
	if err := c.rehearsal.providers(c.providers); err != nil {
		return err
	}
	return c.rehearsal.complete(cmd)
}

func (c *demoCommand) run(cmd *cobra.Command) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	if ctx == nil {
		ctx = context.Background()
	}
	if c.rehearses {
		return c.rehearse(cmd, out)
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c.play.Colour, c.play.Width = terminal.Is(out), terminal.Columns(out)
	// Where nobody reads any more, the demo ends and removes its files.
	ignoreBrokenPipes()
	read := newOutlet(out)
	out, c.play.Out = read, read
	go func() {
		select {
		case <-read.gone:
			stop()
		case <-ctx.Done():
		}
	}()
	if c.plays {
		if err := demo.CheckPlay(c.play.Names); err != nil {
			return err
		}
		c.options.Quiet = !c.options.Debug
	}
	d, err := demo.Start(c.options)
	if err != nil {
		return err
	}
	var differs error
	if c.plays {
		differs = c.playTo(ctx, out, d)
	}
	if !c.exit && ctx.Err() == nil && (differs == nil || errors.Is(differs, demo.ErrDiffers)) {
		printDemo(out, d)
		<-ctx.Done()
		fmt.Fprintln(out, "\nStopping.")
	}
	return errors.Join(differs, d.Stop())
}

// rehearse starts the demo, rehearses against it and, unless there is --exit, lets
// it go on.
func (c *demoCommand) rehearse(cmd *cobra.Command, out io.Writer) error {
	c.options.Quiet = !c.options.Debug
	d, err := demo.Start(c.options)
	if err != nil {
		return err
	}
	err = c.rehearsal.run(cmd, func(ctx context.Context) error { return d.Rehearse(ctx, c.rehearsal.options) })
	interrupted := errors.Is(err, rehearse.ErrInterrupted)
	if c.exit || interrupted || c.rehearsal.asJSON || err != nil && !errors.Is(err, rehearse.ErrMissing) {
		if interrupted {
			err = nil
		}
		return errors.Join(err, d.Stop())
	}
	if err := d.Unquiet(); err != nil {
		return errors.Join(err, d.Stop())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	printDemo(out, d)
	<-ctx.Done()
	fmt.Fprintln(out, "\nStopping.")
	return errors.Join(err, d.Stop())
}

// playTo plays and makes the demo log its requests again. To be interrupted is no
// error.
func (c *demoCommand) playTo(ctx context.Context, out io.Writer, d *demo.Demo) error {
	err := d.Play(ctx, c.play)
	switch {
	case ctx.Err() != nil:
		return nil
	case c.exit:
		return err
	}
	return errors.Join(err, d.Unquiet())
}

func printDemo(out io.Writer, d *demo.Demo) {
	fmt.Fprintf(out, `
scimgate demo: a SCIM 2.0 gateway before an embedded LDAP directory

  Tenant URL    %[1]s
  Secret token  %[2]s
  For SCIM 1.1  %[8]s

For a shell, as the README and the documents use them:

  URL=%[1]s LDAP=%[3]s TOKEN=%[2]s

Ask it, as Entra's Test Connection does and as it looks for a person:

  curl -H 'Authorization: Bearer %[2]s' \
    '%[1]s/Users?filter=userName+eq+%%22nobody%%22'
  curl -H 'Authorization: Bearer %[2]s' \
    '%[1]s/Users?filter=userName+eq+%%22ada.lovelace%%22'

Look into the directory with any LDAP client:

  ldapsearch -x -H %[3]s -D '%[4]s' -w '%[5]s' \
    -b %[6]s '(objectClass=inetOrgPerson)' '*' '+'

People sign in there with their passwords: uid=Ada.Lovelace,ou=people,%[6]s
with ada-password, Grace.Hopper with grace-password, Alan.Turing with
alan-password.

scimgate demo --play shows what Entra and Okta send, and what becomes of it.

The commands find the demo's Caddyfile, store and journal in its directory. In another shell:

  cd %[7]s
  scimgate who ada.lovelace
  scimgate token create --name entra

Ctrl-C ends the demo, and removes the directory.

`, d.TenantURL, d.Token, d.LDAPURL, demo.BindDN, d.Password, demo.Suffix, d.Directory, d.TenantURLOf("1.1"))
}

func printDemoConfig(out io.Writer, o demo.Options) error {
	config := demo.Config{
		Host: "127.0.0.1", Port: "8880", Servers: "ldap://" + o.LDAP, BindDN: demo.BindDN,
		Store: "/var/lib/scimgate/scimgate.db", Debug: o.Debug, NoBrake: o.NoBrake,
	}
	text, err := config.Caddyfile()
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return err
}
