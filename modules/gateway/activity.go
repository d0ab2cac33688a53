package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// activities tells for every credential of every running gateway how long ago
// it was last accepted. A provider that was quarantined sends nothing: silence
// is what gives it away.
var activities = &activityTable{gateways: make(map[string]*activity)}

type activityTable struct {
	mu       sync.Mutex
	gateways map[string]*activity
}

// activity is the memory of one gateway's credentials. Configurations that
// follow one another share it by the gateway's name.
type activity struct {
	gateway string
	users   int      // configurations that hold it
	names   []string // of the credentials in the latest configuration
	last    sync.Map // credential name -> *atomic.Int64, Unix nanoseconds
}

// enter begins to report a gateway's credentials. One that was not accepted yet
// counts from now.
func (t *activityTable) enter(gateway string, names []string) *activity {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.gateways[gateway]
	if a == nil {
		a = &activity{gateway: gateway}
		t.gateways[gateway] = a
	}
	a.users++
	a.names = names
	for _, name := range names {
		begun := new(atomic.Int64)
		begun.Store(time.Now().UnixNano())
		a.last.LoadOrStore(name, begun)
	}
	return a
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

// accepted notes that a credential was accepted, also by a configuration that is
// being taken down.
func (a *activity) accepted(name string, at time.Time) {
	if last, ok := a.last.Load(name); ok {
		last.(*atomic.Int64).Store(at.UnixNano())
	}
}

var tokenIdle = prometheus.NewDesc("caddy_scim_token_idle_seconds",
	"Seconds since a request with this credential was last accepted, or since the gateway was started if none was.",
	[]string{"gateway", "token"}, nil)

// Describe implements prometheus.Collector.
func (t *activityTable) Describe(ch chan<- *prometheus.Desc) { ch <- tokenIdle }

// Collect implements prometheus.Collector.
func (t *activityTable) Collect(ch chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.gateways {
		for _, name := range a.names {
			if last, ok := a.last.Load(name); ok {
				idle := time.Since(time.Unix(0, last.(*atomic.Int64).Load())).Seconds()
				ch <- prometheus.MustNewConstMetric(tokenIdle, prometheus.GaugeValue, max(idle, 0), a.gateway, name)
			}
		}
	}
}
