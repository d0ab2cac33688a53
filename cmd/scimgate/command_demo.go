package main

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/demo"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "demo",
		Usage: "[--listen <address>] [--ldap <address>] [--token <token>] [--debug]",
		Short: "Runs a gateway before an embedded LDAP directory",
		Long: `
Starts an LDAP directory inside this process, with a few people and groups who
were there before SCIM was, and a gateway before it; prints the tenant URL and
the token as they are pasted into Microsoft Entra ID or Okta; and waits for
Ctrl-C. Nothing has to be installed, and nothing is left behind.

The gateway is configured as in production: --print-config shows how.`,
		CobraFunc: func(cmd *cobra.Command) {
			var o demo.Options
			var printConfig bool
			cmd.Args = cobra.NoArgs
			cmd.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:8880", "Where the gateway listens")
			cmd.Flags().StringVar(&o.LDAP, "ldap", "127.0.0.1:8389", "Where the directory listens")
			cmd.Flags().StringVar(&o.Token, "token", "", "The token that callers show (12 characters or more; default a random one)")
			cmd.Flags().BoolVar(&o.Debug, "debug", false, "Log at the debug level, with the attributes that were ignored")
			cmd.Flags().BoolVar(&printConfig, "print-config", false, "Print the Caddyfile of the demo and exit")
			cmd.RunE = func(cmd *cobra.Command, _ []string) error {
				cmd.SilenceUsage = true
				if printConfig {
					return printDemoConfig(cmd.OutOrStdout(), o)
				}
				return runDemo(cmd.Context(), cmd.OutOrStdout(), o)
			}
		},
	})
}

func runDemo(ctx context.Context, out io.Writer, o demo.Options) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	d, err := demo.Start(o)
	if err != nil {
		return err
	}
	printDemo(out, d)
	<-ctx.Done()
	fmt.Fprintln(out, "\nStopping.")
	return d.Stop()
}

func printDemo(out io.Writer, d *demo.Demo) {
	fmt.Fprintf(out, `
scimgate demo: a SCIM 2.0 gateway before an embedded LDAP directory

  Tenant URL    %[1]s
  Secret token  %[2]s

Ask it, as Entra's Test Connection does and as it looks for a person:

  curl -H 'Authorization: Bearer %[2]s' \
    '%[1]s/Users?filter=userName+eq+%%22nobody%%22'
  curl -H 'Authorization: Bearer %[2]s' \
    '%[1]s/Users?filter=userName+eq+%%22ada.lovelace%%22'

Look into the directory with any LDAP client:

  ldapsearch -x -H %[3]s -D '%[4]s' -w '%[5]s' \
    -b %[6]s '(objectClass=inetOrgPerson)' '*' '+'

The journal of what was done is %[7]s. Ctrl-C ends the demo.

`, d.TenantURL, d.Token, d.LDAPURL, demo.BindDN, d.Password, demo.Suffix, d.Journal)
}

func printDemoConfig(out io.Writer, o demo.Options) error {
	config := demo.Config{
		Host: "127.0.0.1", Port: "8880", Servers: "ldap://" + o.LDAP, BindDN: demo.BindDN,
		Journal: "/var/lib/scimgate/journal.jsonl", Debug: o.Debug,
	}
	text, err := config.Caddyfile()
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return err
}
