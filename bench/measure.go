package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// round is what one contestant did in one round.
type round struct {
	sample
	cpu       time.Duration // of the contestant's process
	directory time.Duration // CPU time of slapd
	peak      float64       // memory in MiB
	calls     map[string]float64
}

// cell is an operation at one load, done by all its contestants in turns.
type cell struct {
	operation operation
	clients   int
	rounds    map[string][]round
	failures  map[string]string
}

// measurement is what is measured with one directory and its contestants.
type measurement struct {
	directory   *directory
	contestants map[string]*contestant
	duration    time.Duration
	rounds      int
	progress    func(format string, args ...any)
}

// cell measures an operation at one load. Who has failed once is left out of
// the rest.
func (m *measurement) cell(ctx context.Context, o operation, clients int) (*cell, error) {
	c := &cell{operation: o, clients: clients, rounds: make(map[string][]round), failures: make(map[string]string)}
	by := slices.DeleteFunc(slices.Clone(o.by), func(name string) bool { return m.contestants[name] == nil })
	for n := range m.rounds {
		for _, name := range rotated(by, n) {
			if c.failures[name] != "" {
				continue
			}
			if n == 0 && o.limit == 0 {
				// Connections, caches and the walk of a list are made before.
				m.contestants[name].run(ctx, o.name, 0, load{Clients: clients, Duration: m.duration, Limit: clients})
			}
			r, err := m.round(ctx, o, name, uint64(n+1), clients)
			if ctx.Err() != nil {
				return c, ctx.Err()
			}
			if err != nil {
				r.Failure = cmp.Or(r.Failure, err.Error())
			}
			if r.Failure != "" {
				c.failures[name] = r.Failure
				m.progress("  %s has FAILED: %s", name, r.Failure)
				continue
			}
			c.rounds[name] = append(c.rounds[name], r)
		}
	}
	return c, nil
}

// round lets a contestant work, and puts the directory back.
func (m *measurement) round(ctx context.Context, o operation, name string, seed uint64, clients int) (round, error) {
	worker := m.contestants[name]
	var r round
	// Asking for the calls costs the server CPU time: it is done outside.
	callsBefore, err := m.calls(ctx, worker)
	if err == nil {
		err = forgetPeak(worker.pid())
	}
	var before, after usage
	if err == nil {
		before, err = m.usage(worker)
	}
	if err != nil {
		return r, err
	}
	r.sample = worker.run(ctx, o.name, seed, load{Clients: clients, Duration: m.duration, Limit: o.limit})
	after, err = m.usage(worker)
	if err == nil {
		_, r.peak, err = memory(worker.pid())
	}
	callsAfter, callsErr := m.calls(ctx, worker)
	err = errors.Join(err, callsErr)
	r.cpu, r.directory, r.calls = after.cpu-before.cpu, after.directory-before.directory, minus(callsAfter, callsBefore)
	if o.restore != nil && ctx.Err() == nil {
		// What was begun is at most what was done and one more for each client.
		err = errors.Join(err, o.restore(m.directory, min(r.Operations+clients, o.limit), r.Operations))
	}
	return r, err
}

// usage is the CPU time that has been used so far.
type usage struct{ cpu, directory time.Duration }

func (m *measurement) usage(worker *contestant) (u usage, err error) {
	u.cpu, err = cpuTime(worker.pid())
	if err != nil {
		return u, fmt.Errorf("%s: %w", worker.name, err)
	}
	if u.directory, err = cpuTime(m.directory.PID()); err != nil {
		return u, fmt.Errorf("slapd: %w", err)
	}
	return u, nil
}

// calls are the requests to the directory so far, if the contestant counts them.
func (m *measurement) calls(ctx context.Context, worker *contestant) (map[string]float64, error) {
	if worker.name != ours {
		return nil, nil
	}
	return worker.calls(ctx)
}

func minus(after, before map[string]float64) map[string]float64 {
	left := make(map[string]float64)
	for verb, count := range after {
		if count > before[verb] {
			left[verb] = count - before[verb]
		}
	}
	return left
}

// rates are those of a contestant's rounds.
func (c *cell) rates(name string) []float64 {
	var rates []float64
	for _, r := range c.rounds[name] {
		rates = append(rates, r.rate())
	}
	return rates
}

// cpu is the CPU time of the contestant's process for one operation.
func (c *cell) cpu(name string) time.Duration {
	return c.perOperation(name, func(r round) time.Duration { return r.cpu })
}

// directoryCPU is the CPU time of slapd for one operation of the contestant.
func (c *cell) directoryCPU(name string) time.Duration {
	return c.perOperation(name, func(r round) time.Duration { return r.directory })
}

func (c *cell) perOperation(name string, of func(round) time.Duration) time.Duration {
	var total time.Duration
	operations := 0
	for _, r := range c.rounds[name] {
		total += of(r)
		operations += r.Operations
	}
	return total / time.Duration(max(operations, 1))
}

// latencies are those of all rounds, sorted.
func (c *cell) latencies(name string) []time.Duration {
	var merged []time.Duration
	for _, r := range c.rounds[name] {
		merged = append(merged, r.Latencies...)
	}
	slices.Sort(merged)
	return merged
}

// peak is the most memory in MiB that the contestant's process had in a round.
func (c *cell) peak(name string) float64 {
	most := 0.
	for _, r := range c.rounds[name] {
		most = max(most, r.peak)
	}
	return most
}

// calls are the requests to the directory for one operation of scimgate.
func (c *cell) calls() map[string]float64 {
	sums := make(map[string]float64)
	operations := 0
	for _, r := range c.rounds[ours] {
		operations += r.Operations
		for verb, count := range r.calls {
			sums[verb] += count
		}
	}
	for verb := range sums {
		sums[verb] /= float64(max(operations, 1))
	}
	return sums
}
