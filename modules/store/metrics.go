package store

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of the whole process: each configuration registers them with
// its own registry, so that they survive a reload.
var metrics = newCollectors()

type collectors struct {
	up           *prometheus.GaugeVec
	transactions *prometheus.HistogramVec
	restored     *prometheus.GaugeVec
}

// The values of the label transaction.
const (
	transactionReads  = "read"
	transactionWrites = "write"
)

func newCollectors() *collectors {
	const namespace, subsystem = "caddy", "scim"
	return &collectors{
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "store_up",
			Help: "Whether the store can be read and written: 1, or 0 when it can't.",
		}, []string{"store"}),
		restored: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "store_restored",
			Help: "Whether the store was restored from a backup, which nobody has confirmed to have seen: 1, or 0.",
		}, []string{"store"}),
		transactions: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: "store_transaction_duration_seconds",
			Help:    "Time of a transaction of the store, by whether it reads or writes.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"transaction"}),
	}
}

// Register adds the metrics of all stores to the registry of a configuration.
func Register(registry *prometheus.Registry) error {
	if registry == nil {
		return nil
	}
	for _, collector := range []prometheus.Collector{metrics.up, metrics.transactions, metrics.restored} {
		if err := registry.Register(collector); err != nil {
			if _, again := errors.AsType[prometheus.AlreadyRegisteredError](err); !again {
				return err
			}
		}
	}
	return nil
}

func (c *collectors) serves(store string, fault error) {
	value := 1.0
	if fault != nil {
		value = 0
	}
	c.up.WithLabelValues(store).Set(value)
}

// closed forgets a store that is no longer looked at.
func (c *collectors) closed(store string) {
	c.up.DeleteLabelValues(store)
	c.restored.DeleteLabelValues(store)
}

func (c *collectors) tellsRestored(store string, found *Restored) {
	value := 0.0
	if found != nil {
		value = 1
	}
	c.restored.WithLabelValues(store).Set(value)
}
