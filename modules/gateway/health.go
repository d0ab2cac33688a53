package gateway

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/scimgate/scimgate/translators"
)

// The states of a backend in [BackendHealth].
const (
	BackendUsable    = "usable"
	BackendUnusable  = "unusable"
	BackendUnchecked = "unchecked" // for the first seconds
)

// Health is how a gateway of this process is.
type Health struct {
	// Name is the gateway's.
	Name string `json:"name"`
	// Serves is whether requests can be carried out. A gateway that its operator has
	// disabled or frozen does what it is to do.
	Serves bool `json:"serves"`
	// Backend is what stands behind it.
	Backend BackendHealth `json:"backend"`
	// DryRun is whether nothing is written, by configuration.
	DryRun bool `json:"dry_run,omitempty"`
	// Silent are the credentials that have been silent for longer than is usual.
	Silent []Silence `json:"silent,omitempty"`
}

// BackendHealth is what the latest check of a backend has found.
type BackendHealth struct {
	Type     string          `json:"type"`
	State    string          `json:"state"`
	Checked  time.Time       `json:"checked,omitzero"`
	Since    time.Time       `json:"since,omitzero"` // when it came to be in this state
	Findings []HealthFinding `json:"findings,omitempty"`
}

// Silence is a credential that is not heard of.
type Silence struct {
	Token   string  `json:"token"`
	ID      string  `json:"id,omitempty"`
	Idle    float64 `json:"idle_seconds"`
	Usually float64 `json:"usual_gap_seconds"`
}

// HealthFinding is what a check finds wrong.
type HealthFinding struct {
	Level  translators.Level `json:"level"`
	Detail string            `json:"detail"`
}

// probeTimeout bounds how long somebody waits who asks for the backends to be looked at.
const probeTimeout = 10 * time.Second

// Healths returns how all gateways of this process are. That costs nothing: it is what
// the checks have found, which are made from time to time. A probe makes one now, and
// waits for it.
func Healths(ctx context.Context, probe bool) []Health {
	serving := running.serving()
	healths := make([]Health, len(serving))
	var all sync.WaitGroup
	for i, h := range serving {
		all.Go(func() {
			answers := !probe || h.checker.probe(ctx, h)
			healths[i] = h.health()
			if !answers {
				healths[i].Serves = false
				healths[i].Backend.State = BackendUnusable
				healths[i].Backend.Findings = append(healths[i].Backend.Findings,
					HealthFinding{translators.LevelError, fmt.Sprintf("The backend was looked at and has not answered within %s.", probeTimeout)})
			}
		})
	}
	all.Wait()
	return healths
}

// probe looks at the backend now, and reports whether that came to an end in time. It
// goes on when nobody waits any more.
func (c *checker) probe(ctx context.Context, h *Handler) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	c.mu.Lock()
	life := c.ctx
	c.mu.Unlock()
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		c.look(life, h)
	}()
	select {
	case <-looked:
		return true
	case <-ctx.Done():
		return false
	}
}

func (h *Handler) health() Health {
	seen := h.checker.present()
	health := Health{Name: h.Name, Serves: seen.isUsable, DryRun: h.DryRun,
		Backend: BackendHealth{h.backend, BackendUnchecked, seen.checked, seen.since, nil}, Silent: activities.silences(h.names)}
	if seen.checked.IsZero() {
		return health
	}
	health.Backend.State = BackendUsable
	if !seen.isUsable {
		health.Backend.State = BackendUnusable
	}
	for _, finding := range seen.findings {
		if finding.Level != translators.LevelOK {
			health.Backend.Findings = append(health.Backend.Findings, HealthFinding(finding))
		}
	}
	return health
}
