package journal_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
)

// BenchmarkWriters measures an intent and its outcome, as a write of one attribute and
// one member has them, by so many writers at a time.
func BenchmarkWriters(b *testing.B) {
	for _, writers := range []int{1, 8, 32} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			dir := b.TempDir()
			s := store.New(&sqlite.Engine{Path: dir + "/store.db"}, zap.NewNop())
			if err := s.Open(b.Context()); err != nil {
				b.Fatal(err)
			}
			j := journal.New(s, dir+"/disables.spool")
			j.Start(zap.NewNop())
			var next atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			var all sync.WaitGroup
			for range writers {
				all.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						e := entryOf(fmt.Sprintf("%016x-1", n), "update")
						e.Members = &journal.Members{Added: []string{fmt.Sprintf("member-%d", n)}}
						if err := j.Begin(b.Context(), e); err != nil {
							b.Error(err)
							return
						}
						if err := j.End(journal.Outcome{ID: e.ID, Result: journal.Applied, Ended: time.Now()}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
			if err := j.Flush(b.Context()); err != nil {
				b.Error(err)
			}
			b.StopTimer()
			if err := j.Close(); err != nil {
				b.Error(err)
			}
			if err := s.Destruct(); err != nil {
				b.Error(err)
			}
		})
	}
}
