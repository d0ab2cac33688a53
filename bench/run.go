package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// run is one run of the benchmark.
type run struct {
	settings
	dir          string // for all files but
	directoryDir string // slapd's
	report       report
	progress     func(format string, args ...any)
}

// What the parts take that are not rounds, roughly, on two cores.
const (
	setUp      = 8 * time.Second
	setUpLarge = 45 * time.Second
	restoring  = 500 * time.Millisecond
)

// estimate is how long the run will take, and how long it may.
func (s settings) estimate() (about, atMost time.Duration) {
	about = setUp
	turn := func(o operation) time.Duration {
		if o.restore != nil {
			return s.Duration + restoring
		}
		return s.Duration
	}
	for _, o := range s.chosen() {
		loads := len(s.loads(o))
		if s.profile != "" {
			about += profileTime + 2*time.Second
			continue
		}
		about += time.Duration(loads*s.Rounds*len(o.by)) * turn(o)
	}
	if s.Large > 0 && s.profile == "" {
		about += setUpLarge
		for _, o := range s.sizeOperations() {
			about += time.Duration(s.Rounds*len(o.by)) * turn(o)
		}
	}
	return about, about*3/2 + time.Minute
}

// startTimes is how often each server is started.
const startTimes = 5

// measure does all that was asked for.
func (b *run) measure(ctx context.Context) error {
	err := b.with(ctx, fixture{Users: b.Users, GroupSize: min(5000, b.Users/2)}, []string{plainClient, bareHandler, ours}, b.measureMain)
	if err == nil && b.Large > 0 {
		err = b.with(ctx, fixture{Users: b.Large, GroupSize: 5000, Everybody: true}, []string{plainClient, ours}, b.measureSize)
	}
	return err
}

// with starts a directory and contestants, and ends them behind do.
func (b *run) with(ctx context.Context, f fixture, names []string, do func(context.Context, *measurement) error) (err error) {
	b.progress("loading %d users into a private slapd", f.Users)
	dir, err := os.MkdirTemp(b.directoryDir, "scimgate-bench-directory-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := startDirectory(dir, f, !b.Sync)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	m := &measurement{directory: d, contestants: make(map[string]*contestant), duration: b.Duration, rounds: b.Rounds, progress: b.progress}
	defer func() {
		for _, c := range m.contestants {
			err = errors.Join(err, c.stop())
		}
	}()
	for _, name := range names {
		if name == plainClient {
			m.contestants[name], err = startPlain(b.dir, d)
		} else {
			m.contestants[name], err = b.startServer(ctx, name, d, !f.Everybody)
		}
		if err != nil {
			delete(m.contestants, name)
			return err
		}
	}
	return do(ctx, m)
}

// startServer starts a server several times, if that is to be measured, and
// leaves it running.
func (b *run) startServer(ctx context.Context, name string, d *directory, isMeasured bool) (*contestant, error) {
	var times []float64
	for n := 1; ; n++ {
		c, took, err := startServer(ctx, name, b.dir, d)
		if err != nil {
			return nil, err
		}
		times = append(times, ms(took))
		if isMeasured && n < startTimes {
			if err := c.stop(); err != nil {
				return nil, err
			}
			continue
		}
		// What the start has left over is given back to the system meanwhile.
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return c, nil
		}
		idle, _, err := memory(c.pid())
		if err != nil {
			return nil, errors.Join(err, c.stop())
		}
		b.progress("%s: first answer after %.0f ms, %.0f MiB idle", name, median(times), idle)
		if isMeasured && name == ours {
			b.report.judge("start to first answer, median of "+fmt.Sprint(startTimes), median(times), 500, true, "ms")
			b.report.judge("memory, idle after the start", idle, 80, true, "MiB")
		} else if isMeasured {
			b.report.Idle, b.report.Start = idle, median(times)
		}
		return c, nil
	}
}

// measureMain measures the operations on the directory of ordinary size.
func (b *run) measureMain(ctx context.Context, m *measurement) error {
	ordinary, groups := 0., 0.
	for _, o := range b.chosen() {
		for _, clients := range b.loads(o) {
			c, err := m.cell(ctx, o, clients)
			if err != nil {
				return err
			}
			line := b.report.add(c, b.Users)
			b.tell(line)
			if clients > 1 {
				b.report.judge(fmt.Sprintf("%s, %d clients, of the %s", o.title, clients, longName(o.yardstick)), ratioOf(line), o.budget, false, "×")
			}
			switch {
			case clients == 32 && o.name == "read-group":
				groups = c.peak(ours)
			case clients == 32:
				ordinary = max(ordinary, c.peak(ours))
			}
			if o.name == "find" && clients == 32 {
				b.report.judge("gateway CPU for a lookup at 32 clients, of the bare handler's",
					line.Results[ours].CPU/line.Results[bareHandler].CPU, 1.35, true, "×")
			}
		}
	}
	if ordinary > 0 {
		b.report.judge("memory at 32 clients, the most of all operations but the next", ordinary, 160, true, "MiB")
	}
	if groups > 0 {
		b.report.judge("memory while 32 clients read groups of 5,000 at a time", groups, 160, true, "MiB")
	}
	return nil
}

// ratioOf is NaN, which misses every budget, when one of the two has failed.
func ratioOf(line *row) float64 {
	if line.Ratio == 0 {
		return median(nil)
	}
	return line.Ratio
}

func longName(name string) string {
	return map[string]string{plainClient: "plain client", bareHandler: "bare handler", ours: "scimgate"}[name]
}

// tell shows a row as it comes.
func (b *run) tell(line *row) {
	text := fmt.Sprintf("%s, %d clients:", line.Operation, line.Clients)
	for _, name := range all {
		if done, took := line.Results[name]; took {
			text += fmt.Sprintf(" %s %s/s", name, done.rate())
		}
	}
	if line.Ratio > 0 {
		text += fmt.Sprintf(" (%.2f × %s)", line.Ratio, line.Yardstick)
	}
	b.progress("%s", text)
}
