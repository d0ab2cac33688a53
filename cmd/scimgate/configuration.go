package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/gateway"
	"github.com/scimgate/scimgate/modules/store"
)

// configuration is where a command finds the gateways and the store: in a file or,
// where none is named and none is here, in the running instance.
type configuration struct {
	file, adapter, admin string
	environment          []string // files
	apps                 map[string]json.RawMessage
	tree                 any
}

// flags declares the flags that name a configuration.
func (c *configuration) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&c.file, "config", "c", "", "Configuration `file` (default: Caddyfile in the current directory, or else what the running instance has)")
	flags.StringVarP(&c.adapter, "adapter", "a", "", "The `name` of the config adapter (default: by the file's name)")
	flags.StringVar(&c.admin, "address", "", "The `address` of the running instance's admin endpoint, where no file is named")
	flags.StringSliceVar(&c.environment, "envfile", nil, "A `file` with environment variables, as the service has it; may be repeated")
}

// gatewayFlag declares --gateway, which the shell completes.
func (c *configuration) gatewayFlag(cmd *cobra.Command, name *string, usage string) {
	cmd.Flags().StringVarP(name, "gateway", "g", "", usage)
	c.completeGateway(cmd)
}

// completeGateway has the shell complete --gateway.
func (c *configuration) completeGateway(cmd *cobra.Command) {
	if err := cmd.RegisterFlagCompletionFunc("gateway", c.complete); err != nil {
		panic(err) // the flag is not declared
	}
}

// What --gateway is without a value.
const (
	gatewayOrOnly = "The `name` of the gateway (default: the only one)"
	gatewayOrAll  = "The `name` of the gateway (default: all)"
)

// complete offers the names of the gateways to a shell.
func (c *configuration) complete(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	if c.load() != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.names(), cobra.ShellCompDirectiveNoFileComp
}

// whyFlag declares --why.
func whyFlag(cmd *cobra.Command, why *string) {
	cmd.Flags().StringVar(why, "why", "", "Why, for those who come after you")
}

// jsonFlag declares --json.
func jsonFlag(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "Print JSON")
}

// load reads and adapts the configuration. Nothing of it is run.
func (c *configuration) load() error {
	for _, file := range c.environment {
		if err := loadEnvironment(file); err != nil {
			return fmt.Errorf("--envfile: %w", err)
		}
	}
	var text []byte
	var err error
	if c.admin == "" {
		text, err = readConfiguration(c.file, c.adapter)
	}
	if err != nil {
		return err
	}
	if text == nil {
		if text, err = runningConfiguration(c.admin); err != nil {
			return fmt.Errorf("there is no Caddyfile here, and the running instance does not tell its configuration (%w): name a file with --config", err)
		}
	}
	var config caddy.Config
	if err := json.Unmarshal(text, &config); err != nil {
		return err
	}
	c.apps = config.AppsRaw
	return json.Unmarshal(text, &c.tree)
}

// app provisions the scim app of the configuration, whose store is not opened yet,
// and must be there when it is: a command that is run as another user than the
// service means another one by default, and makes none. Who has it calls Cleanup.
// Caddy itself loads apps in a whole configuration only.
func (c *configuration) app(ctx caddy.Context) (*app.App, error) {
	a := new(app.App)
	if raw := c.apps["scim"]; len(raw) > 0 {
		if err := caddy.StrictUnmarshalJSON(raw, a); err != nil {
			return nil, fmt.Errorf("reading the global option scim: %w", err)
		}
	}
	ctx.Context = app.ForCommand(ctx.Context)
	if err := a.Provision(ctx); err != nil {
		if unset := unsetVariables(c.apps["scim"]); len(unset) > 0 {
			err = fmt.Errorf("%w. Not set here: %s. Name the service's environment with --envfile, or set it", err, strings.Join(unset, ", "))
		}
		return nil, errors.Join(err, a.Cleanup())
	}
	return a, nil
}

// How long a command waits for a store: one that is about the store, and one that can
// do without.
const (
	openTimeout  = 10 * time.Second
	storeTimeout = 3 * time.Second
)

// open is app with its store open.
func (c *configuration) open(ctx caddy.Context) (*app.App, error) {
	a, err := c.app(ctx)
	if err != nil {
		return nil, err
	}
	if err := openStore(ctx, a, openTimeout); err != nil {
		return nil, errors.Join(err, a.Cleanup())
	}
	return a, nil
}

// withStore calls do with the store of the configuration, open.
func (c *configuration) withStore(parent context.Context, do func(context.Context, *store.Store) error) (err error) {
	ctx, cancel := bare(parent)
	defer cancel()
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Cleanup()) }()
	return do(ctx, a.Store())
}

// openStore opens the store of an app.
func openStore(ctx context.Context, a *app.App, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := a.Store().Open(ctx)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w. Run the command as the user of the service, such as sudo -u caddy scimgate, once the service has been started; or name the file in the configuration: scim { store sqlite <file> }", err)
	}
	return err
}

// trialApp provisions an app with an empty store, which end removes with it. It is for
// a command that only looks, where no gateway has run yet, so that there is no store.
func trialApp(parent context.Context) (a *app.App, end func(), err error) {
	ctx, cancel := bare(app.ForTrial(parent))
	dir, err := os.MkdirTemp("", "scimgate-")
	if err != nil {
		cancel()
		return nil, nil, fmt.Errorf("making an empty store: %w", err)
	}
	a = &app.App{StoreRaw: caddyconfig.JSONModuleObject(map[string]string{"path": filepath.Join(dir, "scimgate.db")}, "engine", "sqlite", nil)}
	end = func() {
		_ = a.Cleanup()
		cancel()
		_ = os.RemoveAll(dir)
	}
	if err = a.Provision(ctx); err == nil {
		err = openStore(ctx, a, openTimeout)
	}
	if err != nil {
		end()
		return nil, nil, fmt.Errorf("making an empty store: %w", err)
	}
	return a, end, nil
}

// gateway provisions the gateway of that name; "" is the only one. It serves nobody,
// and ends with the context.
func (c *configuration) gateway(ctx caddy.Context, name string) (*gateway.Handler, error) {
	g, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return provisioned(ctx, g.raw)
}

// provisioned provisions a gateway, which serves nobody and ends with the context.
func provisioned(ctx caddy.Context, raw json.RawMessage) (*gateway.Handler, error) {
	module, err := ctx.LoadModuleByID("http.handlers.scim_gateway", raw)
	if err != nil {
		return nil, err
	}
	handler := module.(*gateway.Handler)
	handler.StopChecking()
	return handler, nil
}

// bare returns a context to provision modules in that no server runs around.
func bare(ctx context.Context) (caddy.Context, context.CancelFunc) {
	return caddy.NewContext(caddy.Context{Context: ctx})
}
