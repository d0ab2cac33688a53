package gateway

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
}

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
			"Accounts that were to be disabled, by whether the backend proved it: proven, unprovable, refuted, or failed where reading back failed.",
			"gateway", "backend", "proof"),
		brakes: counter("brakes_total",
			"Requests that the brake held back.", "gateway"),
	}
}

// register adds the collectors to the registry of a configuration. Several
// gateways share it.
func (c *collectors) register(registry *prometheus.Registry) error {
	if registry == nil {
		return nil
	}
	for _, collector := range []prometheus.Collector{
		c.requests, c.requestTime, c.backendCalls, c.backendCallTime, c.disables, c.brakes, activities,
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

func (c *collectors) disabled(gateway, backend string, proof translators.Proof) {
	result := string(proof.Status)
	if proof.Err != nil {
		result = "failed"
	}
	c.disables.WithLabelValues(gateway, backend, result).Inc()
}

func (c *collectors) braked(gateway string) { c.brakes.WithLabelValues(gateway).Inc() }
