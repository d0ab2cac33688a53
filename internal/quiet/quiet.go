// Package quiet is for modules that a command provisions to ask them something. They
// have no log that anybody reads, and what Caddy gives them instead goes to the
// terminal, with the stack of every warning.
package quiet

import (
	"context"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

type contextKey struct{}

// With returns a context whose modules log nothing.
func With(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, true)
}

// Logger returns the logger of the module that ctx is for.
func Logger(ctx caddy.Context) *zap.Logger {
	if ctx.Value(contextKey{}) != nil {
		return zap.NewNop()
	}
	return ctx.Logger()
}
