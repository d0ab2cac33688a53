package app

import (
	"context"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/modules/journal"
)

// JournalOptions say how long the journal is kept, and what of it is logged.
type JournalOptions struct {
	// Keep is how long entries are kept; less than nothing: forever. Default: 400
	// days. At least a day.
	Keep caddy.Duration `json:"keep,omitempty"`
	// LogValues logs from what to what attributes were changed, not only which.
	LogValues bool `json:"log_values,omitempty"`
}

// leastKeep keeps a slip from deleting the journal.
const leastKeep = 24 * time.Hour

func (o *JournalOptions) provision() error {
	switch {
	case o.Keep == 0:
		o.Keep = caddy.Duration(journal.DefaultKeep)
	case o.Keep > 0 && o.Keep < caddy.Duration(leastKeep):
		return fmt.Errorf("journal: keep %s is less than a day: write such as keep 400d, or keep forever", time.Duration(o.Keep))
	}
	return nil
}

// UnmarshalCaddyfile reads
//
//	journal {
//		keep <duration>|forever
//		log_values
//	}
func (o *JournalOptions) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		if seen[word] {
			return d.Errf("%s is given twice", word)
		}
		seen[word] = true
		switch word {
		case "keep":
			var text string
			if !d.AllArgs(&text) {
				return d.Errf("write keep <duration>, such as keep 400d, or keep forever")
			}
			if text == "forever" {
				o.Keep = -1
				continue
			}
			duration, err := caddy.ParseDuration(text)
			if err != nil || duration < leastKeep {
				return d.Errf("%q is no time for which to keep the journal: write such as keep 400d, at least 1d, or keep forever", text)
			}
			o.Keep = caddy.Duration(duration)
		case "log_values":
			if d.NextArg() {
				return d.ArgErr()
			}
			o.LogValues = true
		default:
			return d.Errf("%q is no option of journal: keep and log_values are", word)
		}
	}
	return nil
}

// EntryLog returns what emits entries of the journal to the log of the
// configuration.
func (a *App) EntryLog() journal.Log { return a.entries }

// retain begins to delete what is too old, until the returned function is called.
func (a *App) retain() (stop func()) {
	if a.History.Keep < 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	retention := journal.NewRetention(a.store, time.Duration(a.History.Keep), a.log)
	go func() {
		defer close(ended)
		retention.Run(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// Interface guards
var _ caddyfile.Unmarshaler = (*JournalOptions)(nil)
