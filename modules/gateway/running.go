package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// running are the gateways of the configurations that this process has loaded. Of
// two gateways with one name log, journal and metrics could not tell which is
// meant. A configuration is known by its registry of metrics: during a reload the
// old one and the new one are there together, and have the same names.
var running = runningTable{held: make(map[*Handler]runningGateway)}

type runningTable struct {
	mu   sync.Mutex
	held map[*Handler]runningGateway
}

type runningGateway struct {
	configuration *prometheus.Registry
	name          string
	text          []byte // of its configuration
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
	t.held[h] = runningGateway{configuration, h.Name, text}
	return nil
}

// leave is the reverse of enter.
func (t *runningTable) leave(h *Handler) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.held, h)
}
