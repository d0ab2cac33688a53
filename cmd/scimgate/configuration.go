package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/gateway"
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
	cmd.Flags().StringVarP(&c.file, "config", "c", "", "Configuration file (default: Caddyfile in the current directory, or else what the running instance has)")
	cmd.Flags().StringVarP(&c.adapter, "adapter", "a", "", "Name of the config adapter (default: by the file's name)")
	cmd.Flags().StringVar(&c.admin, "address", "", "Address of the running instance's admin endpoint, where no file is named")
	cmd.Flags().StringSliceVar(&c.environment, "envfile", nil, "File with environment variables, as the service has it; may be repeated")
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

// names returns the names of the gateways, sorted.
func (c *configuration) names() []string {
	var names []string
	gateways(c.tree, func(handler map[string]any) {
		name, _ := handler["name"].(string)
		if !slices.Contains(names, name) { // Caddy repeats a site that has several ports
			names = append(names, name)
		}
	})
	slices.Sort(names)
	return names
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

// openTimeout is how long a command waits for a store.
const openTimeout = 10 * time.Second

// open is app with its store open.
func (c *configuration) open(ctx caddy.Context) (*app.App, error) {
	a, err := c.app(ctx)
	if err != nil {
		return nil, err
	}
	if err := openStore(ctx, a); err != nil {
		return nil, errors.Join(err, a.Cleanup())
	}
	return a, nil
}

// openStore opens the store of an app.
func openStore(ctx context.Context, a *app.App) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	err := a.Store().Open(ctx)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w. Run the command as the user of the service, such as sudo -u caddy scimgate, once the service has been started; or name the file in the configuration: scim { store sqlite <file> }", err)
	}
	return err
}

// handler returns the configuration of the gateway of that name; "" is the only one.
func (c *configuration) handler(name string) (json.RawMessage, error) {
	names := c.names()
	var found map[string]any
	gateways(c.tree, func(handler map[string]any) {
		if name == "" || handler["name"] == name {
			found = handler
		}
	})
	switch {
	case len(names) == 0:
		return nil, errors.New("the configuration has no scim_gateway")
	case found == nil:
		return nil, fmt.Errorf("there is no gateway %q; there is %s", name, strings.Join(names, ", "))
	case name == "" && len(names) > 1:
		return nil, fmt.Errorf("choose a gateway with --gateway: %s", strings.Join(names, ", "))
	}
	delete(found, "handler")
	return caddyconfig.JSON(found, nil), nil
}

// gateway provisions the gateway of that name; "" is the only one. It serves nobody,
// and ends with the context.
func (c *configuration) gateway(ctx caddy.Context, name string) (*gateway.Handler, error) {
	raw, err := c.handler(name)
	if err != nil {
		return nil, err
	}
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

// gateways calls each with every gateway's handler, wherever in the
// configuration it stands.
func gateways(tree any, each func(map[string]any)) {
	switch node := tree.(type) {
	case map[string]any:
		if node["handler"] == "scim_gateway" {
			each(node)
			return
		}
		for _, child := range node {
			gateways(child, each)
		}
	case []any:
		for _, child := range node {
			gateways(child, each)
		}
	}
}
