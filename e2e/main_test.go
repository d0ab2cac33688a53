package e2e

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/goleak"
)

// TestMain sees to it that nothing is left running when all gateways are
// stopped. What a replaced configuration serves goes on for a while on purpose.
func TestMain(m *testing.M) {
	code := m.Run()
	client.CloseIdleConnections()
	// The admin endpoint outlives what it has administered until another
	// configuration has none.
	if err := errors.Join(caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}}}`), true), caddy.Stop()); err != nil {
		fmt.Fprintln(os.Stderr, "stopping Caddy's admin endpoint:", err)
		code = 1
	}
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(40 * time.Second); code == 0; <-ticker.C {
		err := goleak.Find()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	_ = os.RemoveAll(buildDir)
	os.Exit(code)
}
