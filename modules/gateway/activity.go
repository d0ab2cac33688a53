package gateway

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scimgate/scimgate/modules/access"
)

// activities tells for every credential of every running gateway how long ago
// it was last accepted. A provider that was quarantined sends nothing: silence
// is what gives it away.
var activities = &activityTable{gateways: make(map[string]*activity)}

type activityTable struct {
	mu       sync.Mutex
	gateways map[string]*activity
}

// activity is what is known of one gateway's credentials. Configurations that
// follow one another share it by the gateway's name.
type activity struct {
	gateway string
	users   int            // configurations that hold it
	begun   time.Time      // the first of them
	access  *access.Access // of the latest
}

// enter begins to report a gateway's credentials. One of the configuration that was
// never accepted counts from now, an issued one from when it was issued.
func (t *activityTable) enter(gateway string, a *access.Access) *activity {
	t.mu.Lock()
	defer t.mu.Unlock()
	entered := t.gateways[gateway]
	if entered == nil {
		entered = &activity{gateway: gateway, begun: time.Now()}
		t.gateways[gateway] = entered
	}
	entered.users++
	entered.access = a
	return entered
}

// leave is the reverse of enter, and reports whether no configuration has the
// gateway any more. a may be nil.
func (t *activityTable) leave(a *activity) (isLast bool) {
	if a == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if a.users--; a.users == 0 {
		delete(t.gateways, a.gateway)
	}
	return a.users == 0
}

var tokenIdle = prometheus.NewDesc("caddy_scim_token_idle_seconds",
	"Seconds since a request with this credential was last accepted by any gateway on the store. One that never was counts from when it was issued or, in the configuration, from the start of the gateway.",
	[]string{"gateway", "token", "id"}, nil)

// Describe implements prometheus.Collector.
func (t *activityTable) Describe(ch chan<- *prometheus.Desc) { ch <- tokenIdle }

// Collect implements prometheus.Collector.
func (t *activityTable) Collect(ch chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.gateways {
		report := func(name, id string, last time.Time) {
			ch <- prometheus.MustNewConstMetric(tokenIdle, prometheus.GaugeValue, max(time.Since(last).Seconds(), 0), a.gateway, name, id)
		}
		for name, use := range a.access.Uses() {
			last := use.Usage().LastUsed
			if last.IsZero() {
				last = a.begun
			}
			report(name, "", last)
		}
		for _, token := range a.access.Issued() {
			last := token.Use().Usage().LastUsed
			if last.IsZero() {
				last = token.Created
			}
			report(token.Name, token.ID, last)
		}
	}
}
