package app

import (
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
)

// tellSwitches logs how gateways are switched, now and whenever that changes, until
// stop is called.
func (a *App) tellSwitches() (stop func()) {
	type which struct {
		gateway string
		kind    store.SwitchKind
	}
	known := make(map[which]store.Switch)
	return a.store.Watch(func(c *store.Control) {
		now := make(map[which]store.Switch)
		for _, w := range c.Switches {
			is := which{w.Gateway, w.Kind}
			now[is] = w
			if _, was := known[is]; !was {
				a.log.Warn("the gateway is "+string(w.Kind), zap.String("gateway", w.Gateway),
					zap.String("by", w.Who), zap.Time("since", w.Since), zap.String("why", w.Why))
			}
		}
		for is := range known {
			if _, still := now[is]; !still {
				a.log.Warn("the gateway is no longer "+string(is.kind), zap.String("gateway", is.gateway))
			}
		}
		known = now
	})
}
