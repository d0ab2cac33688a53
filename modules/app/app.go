// Package app is the Caddy app scim: what the gateways of a configuration share.
// It holds the store and hands it, open or not, to those who ask. A configuration
// that does not name it has it with its defaults.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/notice"
	"github.com/scimgate/scimgate/modules/store"
	_ "github.com/scimgate/scimgate/modules/store/postgres"
	_ "github.com/scimgate/scimgate/modules/store/sqlite" // the default
)

func init() {
	caddy.RegisterModule(new(App))
}

// App is what the gateways of a configuration share.
type App struct {
	// StoreRaw is the database that remembers tokens, switches and the journal.
	// Default: SQLite, in scimgate/scimgate.db in Caddy's data directory.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=scim.stores inline_key=engine"`

	// ExpiryWarning says how it is warned of credentials that expire. Default: 30, 7
	// and 1 days before, by log, metric and event.
	ExpiryWarning *notice.Notice `json:"expiry_warning,omitempty"`

	// Spool is the local file in which disables are recorded while the store is away.
	// Default: scimgate/disables.spool in Caddy's data directory.
	Spool string `json:"spool,omitempty"`

	// History says how long the journal is kept, and what of it is logged.
	History JournalOptions `json:"journal,omitzero"`

	store   *store.Store
	journal *journal.Journal
	entries journal.Log
	log     *zap.Logger
	ends    []func() // what Start has begun
}

// CaddyModule implements caddy.Module.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "scim", New: func() caddy.Module { return new(App) }}
}

// Provision takes hold of the store. It opens nothing: a store that is down keeps no
// configuration from being loaded.
func (a *App) Provision(ctx caddy.Context) error {
	a.log = ctx.Logger()
	if err := a.History.provision(); err != nil {
		return err
	}
	if len(a.StoreRaw) == 0 {
		a.StoreRaw = caddyconfig.JSONModuleObject(struct{}{}, "engine", "sqlite", nil)
	}
	module, err := ctx.LoadModule(a, "StoreRaw")
	if err != nil {
		return fmt.Errorf("the store: %w", err)
	}
	engine, ok := module.(store.Engine)
	if !ok {
		return errors.New("the store: the module is no database")
	}
	if e, makes := engine.(interface{ Existing() }); makes && ctx.Value(commandKey{}) == needsStore {
		e.Existing()
	}
	if err := store.Register(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if a.store, err = store.Take(engine, a.log); err != nil {
		return err
	}
	spool := ""
	if ctx.Value(commandKey{}) == nil { // who gives a command is told what is not recorded
		if spool, err = a.spool(); err != nil {
			return err
		}
		a.entries = journal.NewLog(ctx, a.History.LogValues)
	}
	a.journal, err = journal.Take(a.store, spool)
	if err != nil {
		return err
	}
	if err := register(ctx.GetMetricsRegistry(), a.journal); err != nil {
		return err
	}
	return a.provisionNotices(ctx)
}

// spool returns where the local file for disables is.
func (a *App) spool() (string, error) {
	if a.Spool == "" {
		return filepath.Join(caddy.AppDataDir(), "scimgate", "disables.spool"), nil
	}
	return filepath.Abs(a.Spool)
}

// register adds a collector of metrics to the registry of a configuration.
func register(registry *prometheus.Registry, collector prometheus.Collector) error {
	if registry == nil {
		return nil
	}
	return registry.Register(collector)
}

// Start begins to open the store.
func (a *App) Start() error {
	a.store.Start()
	a.journal.Start(a.log)
	a.ends = append(a.ends, a.tellSwitches(), a.retain())
	a.runs()
	return nil
}

// Stop ends what [Hold] finds: what is held is given back by Cleanup.
func (a *App) Stop() error {
	a.runsNoMore()
	a.ExpiryWarning.Stop()
	for _, end := range a.ends {
		end()
	}
	a.ends = nil
	return nil
}

// Cleanup gives journal and store back, as far as Provision has taken them.
func (a *App) Cleanup() error {
	var err error
	if j := a.journal; j != nil {
		a.journal = nil
		err = j.Release()
	}
	if s := a.store; s != nil {
		a.store = nil
		err = errors.Join(err, s.Release())
	}
	return err
}

// Store returns the store. Who goes on using it when the configuration is taken
// down takes a hold of its own.
func (a *App) Store() *store.Store { return a.store }

// Journal returns the journal in the store. Who goes on using it when the
// configuration is taken down takes a hold of its own.
func (a *App) Journal() *journal.Journal { return a.journal }

type commandKey struct{}

// What a command does about the store.
const (
	needsStore = "needs" // it must be there
	makesStore = "makes"
)

// ForCommand returns a context in which an app makes no store: it must be there.
func ForCommand(ctx context.Context) context.Context {
	return context.WithValue(ctx, commandKey{}, needsStore)
}

// ForTrial returns a context in which an app makes its store, for a command that has an
// empty one of its own.
func ForTrial(ctx context.Context) context.Context {
	return context.WithValue(ctx, commandKey{}, makesStore)
}

type contextKey struct{}

// With returns a context in which [Of] finds the app. It is for commands, which
// provision modules without a configuration around them.
func With(ctx context.Context, a *App) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// Of returns the app of the configuration that ctx belongs to. In a context without
// a configuration it is the one that was put there, or nil.
func Of(ctx caddy.Context) (*App, error) {
	if a, ok := ctx.Value(contextKey{}).(*App); ok {
		return a, nil
	}
	if isBare(ctx) {
		return nil, nil
	}
	module, err := ctx.App("scim")
	if err != nil {
		return nil, err
	}
	return module.(*App), nil
}

// isBare reports whether a context has no configuration, so that App panics. Caddy
// has no other way to tell.
func isBare(ctx caddy.Context) bool {
	configuration := reflect.ValueOf(ctx).FieldByName("cfg")
	return configuration.IsValid() && configuration.IsNil()
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
