package journal

import "github.com/prometheus/client_golang/prometheus"

var (
	spooledMetric = prometheus.NewDesc("caddy_scim_journal_spooled",
		"Disables that stand in the local file and not in the store yet.", nil, nil)
	usableMetric = prometheus.NewDesc("caddy_scim_journal_usable",
		"Whether the store takes the journal: 1, or 0 while writes are refused.", nil, nil)
	spoolUsableMetric = prometheus.NewDesc("caddy_scim_journal_spool_usable",
		"Whether the local file for disables can be used: 1, or 0 if disables are refused while the store is away.", nil, nil)
)

// Describe implements prometheus.Collector.
func (j *Journal) Describe(to chan<- *prometheus.Desc) {
	to <- spooledMetric
	to <- usableMetric
	to <- spoolUsableMetric
}

// Collect implements prometheus.Collector.
func (j *Journal) Collect(to chan<- prometheus.Metric) {
	h := j.Health()
	usable, spoolUsable := 1.0, 1.0
	if h.Away != nil {
		usable = 0
	}
	if h.Size == 0 {
		spoolUsable = 0
	}
	to <- prometheus.MustNewConstMetric(spooledMetric, prometheus.GaugeValue, float64(h.Spooled))
	to <- prometheus.MustNewConstMetric(usableMetric, prometheus.GaugeValue, usable)
	to <- prometheus.MustNewConstMetric(spoolUsableMetric, prometheus.GaugeValue, spoolUsable)
}

// Interface guards
var _ prometheus.Collector = (*Journal)(nil)
