package gateway

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/translators"
)

// metrics are those of the whole process: each configuration registers them with
// its own registry, so that counters survive a reload.
var metrics = newCollectors()

type collectors struct {
	requests        *prometheus.CounterVec
	requestTime     *prometheus.HistogramVec
	backendCalls    *prometheus.CounterVec
	backendCallTime *prometheus.HistogramVec
	disables        *prometheus.CounterVec
	brakes          *prometheus.CounterVec
	refusals        *prometheus.CounterVec
	outside         *prometheus.CounterVec
	usable          *prometheus.GaugeVec
	resolutions     *prometheus.CounterVec
	unresolved      *prometheus.GaugeVec
	cutOff          *prometheus.GaugeVec
	undoings        *prometheus.CounterVec
}

// The values of the label proof of disables_total, the better ones first. A
// disable that the operator's own configuration keeps from being tried is held
// back; one that ends in any other way without a proof has failed.
const (
	disableProven     = string(translators.Proven)
	disableUnprovable = string(translators.Unprovable)
	disableHeldBack   = "held_back"
	disableFailed     = string(proofFailed)
	disableRefuted    = string(translators.Refuted)
)

var disableResults = []string{disableProven, disableUnprovable, disableHeldBack, disableFailed, disableRefuted}

func newCollectors() *collectors {
	const namespace, subsystem = "caddy", "scim"
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, labels)
	}
	return &collectors{
		requests: counter("requests_total",
			"SCIM requests by gateway, operation, resource type and HTTP status.", "gateway", "operation", "resource", "code"),
		requestTime: histogram("request_duration_seconds",
			"Time from a SCIM request's first header to its answer.", "gateway", "operation"),
		backendCalls: counter("backend_calls_total",
			"Calls to the backend by their own verb and result.", "gateway", "backend", "operation", "result"),
		backendCallTime: histogram("backend_call_duration_seconds",
			"Time of one call to the backend.", "gateway", "backend", "operation"),
		disables: counter("disables_total",
			"Disables that were asked for, by how they ended: proven, unprovable, refuted, failed, or held_back by protection, the brake, a switch or a dry run.",
			"gateway", "backend", "proof"),
		brakes: counter("brakes_total",
			"Requests that the brake held back.", "gateway"),
		refusals: counter("refusals_total",
			"Callers who were not let in, by why.", "gateway", "reason"),
		outside: counter("outside_total",
			"Callers whose address is on no allow-list, by whose list it is: that of the gateway (empty), or of a credential.", "gateway", "token"),
		usable: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "backend_usable",
			Help: "Whether the latest check found that the backend can be used: 1, or 0 when it can't. There is none before the first check.",
		}, []string{"gateway", "backend"}),
		resolutions: counter("resolved_total",
			"Open entries of the journal that were closed by reading the backend, by their operation and result.", "gateway", "operation", "result"),
		undoings: counter("disables_undone_total",
			"Disables that a write which came late had undone, and that were made again.", "gateway"),
		unresolved: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "open_entries",
			Help: "Open entries of the journal that could not be closed the last time, because the backend or the store did not answer.",
		}, []string{"gateway"}),
		cutOff: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "disable_cut_off_timestamp_seconds",
			Help: "When it was last found that a disable was cut off and the account is not known to be off, in seconds since 1970; 0: not since the start.",
		}, []string{"gateway"}),
	}
}

// register adds the collectors to the registry of a configuration. Several
// gateways share it.
func (c *collectors) register(registry *prometheus.Registry) error {
	if registry == nil {
		return nil
	}
	for _, collector := range []prometheus.Collector{
		c.requests, c.requestTime, c.backendCalls, c.backendCallTime, c.disables, c.brakes, c.refusals, c.outside, c.usable, c.resolutions, c.unresolved, c.cutOff, c.undoings, activities, switchboard,
	} {
		if err := registry.Register(collector); err != nil {
			if _, again := errors.AsType[prometheus.AlreadyRegisteredError](err); !again {
				return err
			}
		}
	}
	return nil
}

func (c *collectors) observeRequest(gateway, operation, resource string, status int, d time.Duration) {
	c.requests.WithLabelValues(gateway, operation, resource, strconv.Itoa(status)).Inc()
	c.requestTime.WithLabelValues(gateway, operation).Observe(d.Seconds())
}

func (c *collectors) observeBackend(gateway, backend string, call translators.Observation) {
	c.backendCalls.WithLabelValues(gateway, backend, call.Operation, call.Result).Inc()
	c.backendCallTime.WithLabelValues(gateway, backend, call.Operation).Observe(call.Duration.Seconds())
}

// begin sets up the counters that alerts look at, at 0: increase() does not see
// the event with which a counter begins to exist.
func (c *collectors) begin(gateway, backend string) {
	for _, result := range disableResults {
		c.disables.WithLabelValues(gateway, backend, result)
	}
	c.brakes.WithLabelValues(gateway)
	for _, result := range []journal.Result{journal.Applied, journal.NotApplied, journal.Unknown} {
		c.resolutions.WithLabelValues(gateway, journal.OperationDisable, string(result))
	}
	c.cutOff.WithLabelValues(gateway)
	c.undoings.WithLabelValues(gateway)
	for _, kind := range access.Kinds {
		c.refusals.WithLabelValues(gateway, string(kind))
	}
	c.outside.WithLabelValues(gateway, "")
}

func (c *collectors) refused(gateway string, refusal *access.Refusal) {
	c.refusals.WithLabelValues(gateway, string(refusal.Kind)).Inc()
	switch refusal.Kind {
	case access.KindOutside:
		c.outside.WithLabelValues(gateway, "").Inc()
	case access.KindOutsideCredential:
		c.outside.WithLabelValues(gateway, refusal.Credential).Inc()
	}
}

func (c *collectors) disabled(gateway, backend, result string) {
	c.disables.WithLabelValues(gateway, backend, result).Inc()
}

func (c *collectors) checked(gateway, backend string, usable bool) {
	value := 0.0
	if usable {
		value = 1
	}
	c.usable.WithLabelValues(gateway, backend).Set(value)
}

// end forgets what is no longer looked at.
func (c *collectors) end(gateway, backend string) {
	c.usable.DeleteLabelValues(gateway, backend)
	c.unresolved.DeleteLabelValues(gateway)
	c.cutOff.DeleteLabelValues(gateway)
}

// resolved counts an entry that was closed by reading the backend.
func (c *collectors) resolved(gateway, operation, result string) {
	c.resolutions.WithLabelValues(gateway, operation, result).Inc()
}

// disableCutOff notes that somebody was to be disabled and is perhaps not.
func (c *collectors) disableCutOff(gateway string) {
	c.cutOff.WithLabelValues(gateway).SetToCurrentTime()
}

// undone counts a disable that was undone and made again.
func (c *collectors) undone(gateway string) { c.undoings.WithLabelValues(gateway).Inc() }

// left tells how many entries could not be closed.
func (c *collectors) left(gateway string, entries int) {
	c.unresolved.WithLabelValues(gateway).Set(float64(entries))
}

func (c *collectors) braked(gateway string) { c.brakes.WithLabelValues(gateway).Inc() }
