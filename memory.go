package scimgate

import (
	"os"
	"runtime/debug"
	"strconv"
)

// How the scimgate binary uses memory. Its live heap is small, a few MiB, so that
// Go's default would collect garbage all the time: a third of what a lookup
// costs. Letting garbage grow to three times the live heap saves much of it, and
// the limit, which is soft, keeps a large answer from making the process large.
const (
	GCPercent   = 300
	MemoryLimit = 110 << 20 // bytes
)

// TuneMemory applies [GCPercent] and [MemoryLimit], unless the environment has
// GOGC or GOMEMLIMIT of its own. Call it first in main: Caddy sets a limit by the
// machine's memory otherwise. Who builds Caddy with xcaddy sets the environment
// instead.
func TuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(GCPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(MemoryLimit)
		_ = os.Setenv("GOMEMLIMIT", strconv.Itoa(MemoryLimit)) // Caddy then leaves the limit alone
	}
}
