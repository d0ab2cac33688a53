package app

import (
	"context"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/scimgate/scimgate/modules/notice"
)

// provisionNotices sets up the warnings of credentials that expire. A command, which
// may be given by somebody who may not read their secrets, sends none.
func (a *App) provisionNotices(ctx caddy.Context) error {
	if a.ExpiryWarning == nil {
		a.ExpiryWarning = new(notice.Notice)
	}
	if err := a.ExpiryWarning.Provision(a.store, a.log); err != nil {
		return err
	}
	if ctx.Value(commandKey{}) != nil || isBare(ctx) {
		return nil
	}
	if err := a.ExpiryWarning.Resolve(); err != nil {
		return err
	}
	module, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("expiry_warning: %w", err)
	}
	events := module.(*caddyevents.App)
	// Events can be emitted once all apps are started.
	if err := events.On("started", &starter{func() {
		a.ExpiryWarning.Start(func(event string, data map[string]any) { events.Emit(ctx, event, data) })
	}}); err != nil {
		return fmt.Errorf("expiry_warning: %w", err)
	}
	return register(ctx.GetMetricsRegistry(), a.ExpiryWarning)
}

// Notices warns of credentials that expire.
func (a *App) Notices() *notice.Notice { return a.ExpiryWarning }

// starter is an event handler that starts something.
type starter struct{ start func() }

func (s *starter) Handle(context.Context, caddy.Event) error {
	s.start()
	return nil
}

// Interface guards
var _ caddyevents.Handler = (*starter)(nil)
