package ldapconn_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

// BenchmarkSearchByID compares a search by entryUUID through the pool with the
// same search on bare go-ldap connections, two of them as the pool has, with a
// request timeout as the pool's. The two take turns in short rounds, so that
// whatever else the machine does hits both. It reports the pool's throughput
// and this process's CPU time as ratios to the bare connections' (medians over
// the rounds); ns/op is that of both together.
func BenchmarkSearchByID(b *testing.B) {
	s := startServer(b, slapd.Options{LDIF: people(1000)})
	pool := newPool(b, func(c *ldapconn.Config) { c.RequestTimeout = 10 * time.Second }, s.URL())
	found, err := pool.Search(b.Context(), findAda())
	if err != nil {
		b.Fatal(err)
	}
	filter := "(entryUUID=" + ldap.EscapeFilter(found.Entries[0].GetAttributeValue("entryUUID")) + ")"
	request := func() *ldap.SearchRequest {
		return ldap.NewSearchRequest(slapd.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, 10, false,
			filter, []string{"uid", "cn", "sn", "mail", "entryUUID", "entryCSN"}, nil)
	}
	var conns []*ldap.Conn
	for range 2 {
		conn, err := ldap.DialURL(s.URL())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		conn.SetTimeout(10 * time.Second)
		if err := conn.Bind(slapd.ServiceDN, slapd.ServicePassword); err != nil {
			b.Fatal(err)
		}
		conns = append(conns, conn)
	}
	bare := func(_ context.Context, client int) error {
		_, err := conns[client%len(conns)].Search(request())
		return err
	}
	pooled := func(ctx context.Context, _ int) error {
		_, err := pool.Search(ctx, request())
		return err
	}
	for _, clients := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			const round = 512
			var rate, cpu []float64
			for done := 0; done < b.N; done += 2 * round {
				bareTime, bareCPU := run(b, clients, round, bare)
				poolTime, poolCPU := run(b, clients, round, pooled)
				rate = append(rate, bareTime.Seconds()/poolTime.Seconds())
				cpu = append(cpu, poolCPU.Seconds()/bareCPU.Seconds())
			}
			b.ReportMetric(median(rate), "rate-ratio")
			b.ReportMetric(median(cpu), "cpu-ratio")
		})
	}
}

// run shares requests among clients and returns the time it took and the CPU
// time it cost this process.
func run(b *testing.B, clients, requests int, search func(context.Context, int) error) (time.Duration, time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cpu, started := cpuTime(b), time.Now()
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			for i := client; i < requests; i += clients {
				if err := search(ctx, client); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return time.Since(started), cpuTime(b) - cpu
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
