package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// profileTime is how long each operation is profiled.
const profileTime = 6 * time.Second

// profiles writes profiles of scimgate at 8 clients, for go tool pprof: where
// its CPU time goes and what it allocates.
func (b *run) profiles(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f := fixture{Users: b.Users, GroupSize: min(5000, b.Users/2)}
	return b.with(ctx, f, []string{ours}, func(ctx context.Context, m *measurement) error {
		for _, o := range b.chosen() {
			if err := b.profileOne(ctx, m, o, dir); err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
		}
		return nil
	})
}

func (b *run) profileOne(ctx context.Context, m *measurement, o operation, dir string) error {
	kinds := map[string]string{"cpu": "profile", "allocs": "allocs"}
	var fetching sync.WaitGroup
	failures := make(chan error, len(kinds))
	for kind, path := range kinds {
		fetching.Go(func() {
			profile, err := m.contestants[ours].adminGet(ctx, "/debug/pprof/"+path+"?seconds="+strconv.Itoa(int(profileTime.Seconds())))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, o.name+"."+kind+".pprof"), profile, 0o644)
			}
			failures <- err
		})
	}
	started, operations := time.Now(), 0
	var err error
	for n := uint64(1); err == nil && time.Since(started) < profileTime; n++ {
		var r round
		if r, err = m.round(ctx, o, ours, n, 8); err == nil && r.Failure != "" {
			err = errors.New(r.Failure)
		}
		operations += r.Operations
	}
	fetching.Wait()
	for range kinds {
		err = errors.Join(err, <-failures)
	}
	b.progress("%s: %d operations profiled", o.name, operations)
	return err
}
