package rehearse

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
)

// Latency is how long requests of one operation took.
type Latency struct {
	Operation string  `json:"operation"`
	Count     int     `json:"count"`
	Failed    int     `json:"failed,omitempty"` // without an answer; not among Count
	Median    float64 `json:"median_ms"`
	P95       float64 `json:"p95_ms"`
	Max       float64 `json:"max_ms"`
}

// stats counts times in buckets that grow by a fixed ratio, so that it takes the
// same memory however much is counted. A percentile is wrong by 2 % at most.
type stats struct {
	mu    sync.Mutex
	times map[string]*times
}

// ratio is that of one bucket's bound to the one's before it; the first one ends
// at lowest, and the last one reaches beyond an hour.
const (
	ratio   = 1.04
	lowest  = 10 * time.Microsecond
	buckets = 512
)

type times struct {
	counts        [buckets]int
	count, failed int
	longest       time.Duration
}

func newStats() *stats { return &stats{times: make(map[string]*times)} }

func (s *stats) of(operation string) *times {
	t := s.times[operation]
	if t == nil {
		t = new(times)
		s.times[operation] = t
	}
	return t
}

func (s *stats) took(operation string, d time.Duration) {
	i := 0
	if d > lowest {
		i = min(buckets-1, int(math.Ceil(math.Log(float64(d)/float64(lowest))/math.Log(ratio))))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.of(operation)
	t.counts[i]++
	t.count++
	t.longest = max(t.longest, d)
}

func (s *stats) failed(operation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(operation).failed++
}

// total is how many requests were sent.
func (s *stats) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, t := range s.times {
		n += t.count + t.failed
	}
	return n
}

// latencies returns all operations, by name.
func (s *stats) latencies() []Latency {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Latency
	for operation, t := range s.times {
		all = append(all, Latency{
			Operation: operation, Count: t.count, Failed: t.failed,
			Median: milliseconds(t.percentile(0.5)), P95: milliseconds(t.percentile(0.95)), Max: milliseconds(t.longest),
		})
	}
	slices.SortFunc(all, func(x, y Latency) int { return cmp.Compare(x.Operation, y.Operation) })
	return all
}

// percentile returns the time within which this part of the requests was
// answered: the middle of its bucket.
func (t *times) percentile(part float64) time.Duration {
	wanted := int(math.Ceil(part * float64(t.count)))
	for i, n := range t.counts {
		if wanted -= n; wanted <= 0 && n > 0 {
			return min(t.longest, time.Duration(float64(lowest)*math.Pow(ratio, float64(i)-0.5)))
		}
	}
	return 0
}
