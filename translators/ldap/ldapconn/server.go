package ldapconn

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// server is one of the servers of a pool. All but the constants is guarded by
// Pool.mu.
type server struct {
	url     string
	index   int // place in the order of preference
	address address

	// conns are the shared connections that may get new requests.
	conns []*connection
	// epoch grows when a connection has failed in a way that casts doubt on
	// all others of the server: those of an older epoch get no new requests.
	epoch   int
	pause   *backoff.ExponentialBackOff
	retryAt time.Time
	lastErr error
	rootDSE *RootDSE
}

func newServer(url string, index int, address address, config *Config) *server {
	return &server{url: url, index: index, address: address, pause: newPause(config.BackoffMin, config.BackoffMax)}
}

// newPause returns a pause that doubles from low to high, half of it at random.
func newPause(low, high time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: low, MaxInterval: high, Multiplier: 2, RandomizationFactor: 0.5}
}

func (s *server) isPausing(now time.Time) bool { return now.Before(s.retryAt) }

// failed notes that no connection could be made.
func (s *server) failed(err error, now time.Time) time.Duration {
	pause := s.pause.NextBackOff()
	s.retryAt, s.lastErr = now.Add(pause), err
	return pause
}

// reached notes that a connection was made.
func (s *server) reached() {
	s.pause.Reset()
	s.retryAt, s.lastErr = time.Time{}, nil
}
