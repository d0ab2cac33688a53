package store

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// OwnProcess and Describe name processes as the store does.
var (
	OwnProcess = ownProcess
	Describe   = describe
)

// Note is what is noted of a token that is revoked again.
var Note = note

// SetPace changes how often the store is looked after, and how long its database may
// take to answer then. It is called before the store is opened.
func (s *Store) SetPace(heartbeat, patience time.Duration) {
	s.heartbeat, s.patience = heartbeat, patience
}

// ReadTransactions is how many transactions have read, of all stores of this process.
func ReadTransactions() (count uint64) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.transactions)
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if metric.GetLabel()[0].GetValue() == transactionReads {
				count += metric.GetHistogram().GetSampleCount()
			}
		}
	}
	return count
}

// Doubt has the store looked after at once.
func (s *Store) Doubt() { s.doubt(ErrUnavailable) }
