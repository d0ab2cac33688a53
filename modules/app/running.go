package app

import (
	"errors"
	"slices"
	"sync"
)

// ErrNotRunning says that no configuration with a gateway runs.
var ErrNotRunning = errors.New("no configuration with a scim_gateway is running")

// running are the apps that were started and not stopped, the latest last: while
// Caddy reloads there are two, and the new one may fail yet.
var running struct {
	sync.Mutex
	apps []*App
}

// Hold returns the app of the configuration that runs, with its store and its journal
// kept open until release is called. It is for those that belong to no configuration, as
// Caddy's admin endpoint, which is begun before the apps. The error is
// [ErrNotRunning].
func Hold() (a *App, release func(), err error) {
	running.Lock()
	defer running.Unlock()
	if len(running.apps) == 0 {
		return nil, nil, ErrNotRunning
	}
	held := *running.apps[len(running.apps)-1] // Cleanup comes behind Stop, which waits for us, and takes from the app what it has
	s, j := held.store, held.journal
	s.Hold()
	j.Hold()
	return &held, func() { _ = errors.Join(j.Release(), s.Release()) }, nil
}

func (a *App) runs() {
	running.Lock()
	defer running.Unlock()
	running.apps = append(running.apps, a)
}

func (a *App) runsNoMore() {
	running.Lock()
	defer running.Unlock()
	running.apps = slices.DeleteFunc(running.apps, func(one *App) bool { return one == a })
}
