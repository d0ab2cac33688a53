package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// running are the gateways of the configurations that this process has loaded. Of
// two gateways with one name log, journal and metrics could not tell which is
// meant. A configuration is known by its registry of metrics: during a reload the
// old one and the new one are there together, and have the same names.
var running = runningTable{held: make(map[*Handler]runningGateway)}

type runningTable struct {
	mu      sync.Mutex
	held    map[*Handler]runningGateway
	entered int
}

type runningGateway struct {
	configuration *prometheus.Registry
	name          string
	text          []byte // of its configuration
	number        int    // grows with each that comes
	isReady       bool   // provisioned to its end
}

// enter notes a gateway, whose configuration is as it was loaded. The same gateway
// may stand in a configuration more than once: Caddy repeats a site that has
// several ports.
func (t *runningTable) enter(configuration *prometheus.Registry, h *Handler) error {
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("scim_gateway %s: %w", h.Name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, other := range t.held {
		if other.configuration == configuration && other.name == h.Name && !bytes.Equal(other.text, text) {
			return fmt.Errorf("scim_gateway %[1]s: the name %[1]s is given to two gateways: each needs a name of its own", h.Name)
		}
	}
	t.entered++
	t.held[h] = runningGateway{configuration: configuration, name: h.Name, text: text, number: t.entered}
	return nil
}

// ready notes that a gateway serves from now on.
func (t *runningTable) ready(h *Handler) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.held[h]
	g.isReady = true
	t.held[h] = g
}

// serving returns the gateways that serve, by name: of those that have the same name
// the one that came last.
func (t *runningTable) serving() []*Handler {
	t.mu.Lock()
	defer t.mu.Unlock()
	latest := make(map[string]*Handler)
	for h, g := range t.held {
		if other := latest[g.name]; g.isReady && (other == nil || t.held[other].number < g.number) {
			latest[g.name] = h
		}
	}
	var serving []*Handler
	for _, name := range slices.Sorted(maps.Keys(latest)) {
		serving = append(serving, latest[name])
	}
	return serving
}

// leave is the reverse of enter.
func (t *runningTable) leave(h *Handler) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.held, h)
}
