package quiet

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

func TestLogger(t *testing.T) {
	for _, isQuiet := range []bool{false, true} {
		parent := t.Context()
		if isQuiet {
			parent = With(parent)
		}
		ctx, cancel := caddy.NewContext(caddy.Context{Context: parent})
		if got := Logger(ctx).Core().Enabled(zap.ErrorLevel); got == isQuiet {
			t.Errorf("quiet %v: it logs errors: %v", isQuiet, got)
		}
		cancel()
	}
}
