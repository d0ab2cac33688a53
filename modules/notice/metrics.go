package notice

import "github.com/prometheus/client_golang/prometheus"

var tokenExpires = prometheus.NewDesc("caddy_scim_token_expires_seconds",
	"When a credential expires, in seconds since 1970. There is none for what never expires. The label id is that of an issued token.",
	[]string{"gateway", "token", "id"}, nil)

// Describe implements prometheus.Collector.
func (n *Notice) Describe(ch chan<- *prometheus.Desc) { ch <- tokenExpires }

// Collect implements prometheus.Collector.
func (n *Notice) Collect(ch chan<- prometheus.Metric) {
	for _, c := range n.all() {
		ch <- prometheus.MustNewConstMetric(tokenExpires, prometheus.GaugeValue, float64(c.Expires.Unix()), c.Gateway, c.Name, c.ID)
	}
}

// Interface guards
var _ prometheus.Collector = (*Notice)(nil)
