package addresses

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collector tells of every list that is in use.
type collector struct{}

func description(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("caddy_scim_address_list_"+name, help, []string{"file", "tags"}, nil)
}

var (
	usable       = description("usable", "Whether the file of an address list could be used when it was last read: 1, or 0 while the last good list stays in force.")
	ranges       = description("ranges", "Ranges on an address list.")
	age          = description("age_seconds", "Seconds since the file of an address list was written; of service tags, since their change number was first seen.")
	changeNumber = description("change_number", "The changeNumber of Microsoft's file of service tags.")
)

// Describe implements prometheus.Collector.
func (collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{usable, ranges, age, changeNumber} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (collector) Collect(ch chan<- prometheus.Metric) {
	lists.Lock()
	defer lists.Unlock()
	for k, l := range lists.held {
		is := l.is.Load()
		if is == nil {
			continue
		}
		gauge := func(d *prometheus.Desc, value float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, k.path, k.tags)
		}
		isUsable := 1.0
		if l.fault.Load() != nil {
			isUsable = 0
		}
		gauge(usable, isUsable)
		gauge(ranges, float64(len(is.prefixes)))
		gauge(age, time.Since(is.since).Seconds())
		if number, err := strconv.ParseFloat(is.changeNumber, 64); err == nil {
			gauge(changeNumber, number)
		}
	}
}

// register adds the metrics to the registry of a configuration. All lists share them.
func register(registry *prometheus.Registry) error {
	if registry == nil {
		return nil
	}
	err := registry.Register(collector{})
	if _, again := errors.AsType[prometheus.AlreadyRegisteredError](err); again {
		return nil
	}
	return err
}
