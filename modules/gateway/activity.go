package gateway

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scimgate/scimgate/modules/access"
	memory "github.com/scimgate/scimgate/modules/store"
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

var tokenGap = prometheus.NewDesc("caddy_scim_token_usual_gap_seconds",
	"How long this credential is usually silent, in seconds; 0 if that is not known yet.",
	[]string{"gateway", "token", "id"}, nil)

// Describe implements prometheus.Collector.
func (t *activityTable) Describe(ch chan<- *prometheus.Desc) {
	ch <- tokenIdle
	ch <- tokenGap
}

// Collect implements prometheus.Collector.
func (t *activityTable) Collect(ch chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.gateways {
		a.each(func(name, id string, idle, usual time.Duration) {
			ch <- prometheus.MustNewConstMetric(tokenIdle, prometheus.GaugeValue, idle.Seconds(), a.gateway, name, id)
			ch <- prometheus.MustNewConstMetric(tokenGap, prometheus.GaugeValue, usual.Seconds(), a.gateway, name, id)
		})
	}
}

// each tells of every credential how long it has been silent, and how long it usually
// is; 0: that is not known yet.
func (a *activity) each(tell func(name, id string, idle, usual time.Duration)) {
	report := func(name, id string, u memory.Usage, begun time.Time) {
		last := u.LastUsed
		if last.IsZero() {
			last = begun
		}
		tell(name, id, max(time.Since(last), 0), u.UsualGap)
	}
	for name, use := range a.access.Uses() {
		report(name, "", use.Usage(), a.begun)
	}
	for _, token := range a.access.Issued() {
		report(token.Name, token.ID, token.Use().Usage(), token.Created)
	}
}

// A credential is silent when it is so for several times as long as usual, and for
// longer than a short pause.
const (
	silentTimes = 3
	silentLeast = time.Hour
)

func isSilent(idle, usual time.Duration) bool {
	return usual > 0 && idle > max(silentTimes*usual, silentLeast)
}

// silences returns the credentials that have been silent for longer than is usual. a
// may be nil.
func (t *activityTable) silences(a *activity) []Silence {
	if a == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var silent []Silence
	a.each(func(name, id string, idle, usual time.Duration) {
		if isSilent(idle, usual) {
			silent = append(silent, Silence{Token: name, ID: id, Idle: idle.Seconds(), Usually: usual.Seconds()})
		}
	})
	slices.SortFunc(silent, func(a, b Silence) int { return cmp.Or(cmp.Compare(a.Token, b.Token), cmp.Compare(a.ID, b.ID)) })
	return silent
}
