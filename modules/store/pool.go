package store

import (
	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// stores are the stores of this process by the key of their engine: configurations
// that follow one another share one.
var stores = caddy.NewUsagePool()

// Take returns the store that stands on the engine, for one more user. It opens
// nothing. Every user calls [Store.Release] once.
func Take(engine Engine, log *zap.Logger) (*Store, error) {
	value, _, err := stores.LoadOrNew(engine.Key(), func() (caddy.Destructor, error) { return New(engine, log), nil })
	if err != nil {
		return nil, err
	}
	return value.(*Store), nil
}

// Hold keeps the store open for one more user, who calls [Store.Release] once.
func (s *Store) Hold() {
	_, _, _ = stores.LoadOrNew(s.engine.Key(), func() (caddy.Destructor, error) { return s, nil })
}

// Release closes the store if nobody uses it any more.
func (s *Store) Release() error {
	_, err := stores.Delete(s.engine.Key())
	return err
}

// Interface guards
var _ caddy.Destructor = (*Store)(nil)
