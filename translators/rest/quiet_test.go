package rest

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/scimgate/scimgate/internal/quiet"
)

// TestCommandsAreQuiet: what a command provisions to ask it something writes no warnings,
// with the stack of each, into what the command prints.
func TestCommandsAreQuiet(t *testing.T) {
	tr := new(Translator)
	if err := tr.UnmarshalCaddyfile(caddyfile.NewTestDispenser(proseBlock("http://127.0.0.1:1", "id .", ""))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: quiet.With(t.Context())})
	defer cancel()
	if err := tr.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tr.Cleanup(); err != nil {
			t.Error(err)
		}
	}()
	if len(tr.users.gaps()) == 0 {
		t.Fatal("there is nothing to warn of")
	}
	if tr.logger.Core().Enabled(zapcore.ErrorLevel) {
		t.Error("it logs")
	}
}
