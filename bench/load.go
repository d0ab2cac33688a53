package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// load is what is put on a contestant in one round.
type load struct {
	Clients  int           `json:"clients"`
	Duration time.Duration `json:"duration"`
	// Limit is after how many operations the round ends early; 0 is no limit.
	Limit int `json:"limit"`
}

// attempt does one operation and checks its result. n counts the operations of
// the round from 0.
type attempt func(ctx context.Context, client, n int, random *rand.Rand) error

// sample is what came of a round.
type sample struct {
	// Operations is how many ended well, and Elapsed how long all of the round
	// took, to the end of its last operation.
	Operations int           `json:"operations"`
	Elapsed    time.Duration `json:"elapsed"`
	// Latencies are those of the operations that ended well.
	Latencies []time.Duration `json:"latencies"`
	// Failure is the first error. A round with one is worth nothing: what fails
	// must not count as fast.
	Failure string `json:"failure,omitempty"`
}

func (s sample) rate() float64 { return float64(s.Operations) / s.Elapsed.Seconds() }

// run lets each client do one operation after the other until the time is up.
// The seed makes contestants of the same round choose the same users.
func (l load) run(ctx context.Context, seed uint64, do attempt) sample {
	var next atomic.Int64
	var failed atomic.Pointer[string]
	latencies := make([][]time.Duration, l.Clients)
	started := time.Now()
	var clients sync.WaitGroup
	for client := range l.Clients {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(client)))
			for failed.Load() == nil && ctx.Err() == nil && time.Since(started) < l.Duration {
				n := int(next.Add(1)) - 1
				if l.Limit > 0 && n >= l.Limit {
					return
				}
				begun := time.Now()
				if err := do(ctx, client, n, random); err != nil {
					text := err.Error()
					failed.CompareAndSwap(nil, &text)
					return
				}
				latencies[client] = append(latencies[client], time.Since(begun))
			}
		})
	}
	clients.Wait()
	s := sample{Elapsed: time.Since(started)}
	for _, each := range latencies {
		s.Latencies = append(s.Latencies, each...)
	}
	s.Operations = len(s.Latencies)
	if text := failed.Load(); text != nil {
		s.Failure = *text
	}
	return s
}
