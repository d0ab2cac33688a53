package translators

import "time"

// Observed is a translator that reports its calls to the backend, for metrics.
type Observed interface {
	// Observe sets what is called after every call to the backend. It is
	// called once, before the first request, and may be called again by a later
	// configuration that shares the backend's connections.
	Observe(func(Observation))
}

// Observation is one call to a backend.
type Observation struct {
	Operation string // the backend's own verb: search, modify, GET
	Result    string // "ok", or a word or code of the backend's; a small set
	Duration  time.Duration
}
