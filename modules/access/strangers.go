package access

import (
	"cmp"
	"container/list"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// What strangers may do before they are limited.
const (
	// freely is how many wrong credentials of an address are answered with 401, and how
	// many refusals of it have a line of their own in the log.
	freely = 20
	// firstWait is what comes then: so long each wrong credential is answered with 429.
	// It doubles with each wrong credential after it, up to longestWait.
	firstWait   = time.Second
	longestWait = 15 * time.Minute
	// forgottenAfter is how long an address has to be quiet to be a new one.
	forgottenAfter = 30 * time.Minute
	// mostStrangers is how many addresses are remembered. Those that come when so many
	// are still remembered are taken for one.
	mostStrangers = 4096
	// sumEvery is how often the log tells of refusals that had no line, of the
	// mostSummed addresses with the most of them and of the rest in one line.
	sumEvery   = time.Minute
	mostSummed = 20
)

// strangers are the addresses from which somebody was refused lately. They hold back
// nobody who has the right credential: they are asked only when somebody is refused,
// for whether the refusal is to be one to wait for, and whether it is worth a line in
// the log.
type strangers struct {
	log *zap.Logger

	mu     sync.Mutex
	known  map[netip.Prefix]*list.Element
	order  *list.List    // of *stranger, the latest first
	others stranger      // those for whom there is no room
	lines  *rate.Limiter // in the log, of all together
	timer  *time.Timer   // to the next sum; nil: there is nothing to be told
	ended  bool
}

// stranger is an address, or of IPv6 a network of 64 bits: so much everybody has who
// has one.
type stranger struct {
	from   netip.Prefix
	last   time.Time
	wrong  int           // credentials that were answered with 401
	wait   time.Duration // which the latest of them has brought
	until  time.Time
	lines  int // in the log
	summed map[Kind]int
}

func newStrangers(log *zap.Logger) *strangers {
	return &strangers{
		log: log, known: make(map[netip.Prefix]*list.Element), order: list.New(),
		lines: rate.NewLimiter(2, 10*freely),
	}
}

// met notes that somebody is refused, and completes the refusal.
func (t *strangers) met(refusal *Refusal, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stranger(networkOf(refusal.Address), now)
	if refusal.Kind.isGuess() {
		if wait := s.guessed(now); wait > 0 {
			refusal.wait(wait)
		}
	}
	if t.ended || s.lines < freely && t.lines.AllowN(now, 1) {
		s.lines++
		return
	}
	refusal.IsSummed = true
	if s.summed == nil {
		s.summed = make(map[Kind]int)
	}
	s.summed[refusal.Kind]++
	if t.timer == nil {
		t.timer = time.AfterFunc(sumEvery, t.sum)
	}
}

// stranger returns what is known of a network.
func (t *strangers) stranger(from netip.Prefix, now time.Time) *stranger {
	s := &t.others
	if element := t.known[from]; element != nil {
		t.order.MoveToFront(element)
		s = element.Value.(*stranger)
	} else if t.makeRoom(now) {
		s = &stranger{from: from, last: now}
		t.known[from] = t.order.PushFront(s)
	}
	if now.Sub(s.last) > forgottenAfter {
		*s = stranger{from: s.from, summed: s.summed}
	}
	s.last = now
	return s
}

// makeRoom reports whether there is room for one more. Only who may be forgotten makes
// room: else somebody with many addresses could have his own forgotten.
func (t *strangers) makeRoom(now time.Time) bool {
	if len(t.known) < mostStrangers {
		return true
	}
	oldest := t.order.Back()
	s := oldest.Value.(*stranger)
	if now.Sub(s.last) <= forgottenAfter || len(s.summed) > 0 {
		return false
	}
	t.order.Remove(oldest)
	delete(t.known, s.from)
	return true
}

// guessed notes a wrong credential, and returns how long to wait for the next one if
// this one came too soon.
func (s *stranger) guessed(now time.Time) time.Duration {
	if wait := s.until.Sub(now); wait > 0 {
		return wait
	}
	s.wrong++
	if s.wrong >= freely {
		s.wait = min(max(2*s.wait, firstWait), longestWait)
		s.until = now.Add(s.wait)
	}
	return 0
}

// sum tells of those who had no line.
func (t *strangers) sum() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = nil
	var all []*stranger
	for element := t.order.Front(); element != nil; element = element.Next() {
		if s := element.Value.(*stranger); len(s.summed) > 0 {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b *stranger) int { return cmp.Compare(total(b.summed), total(a.summed)) })
	rest, networks := make(map[Kind]int), 0
	for i, s := range all {
		if i < mostSummed {
			t.log.Warn("callers were refused", append(reasons(s.summed), zap.String("address", nameOf(s.from)))...)
		} else {
			add(rest, s.summed)
			networks++
		}
		s.summed = nil
	}
	add(rest, t.others.summed)
	if t.others.summed != nil {
		networks++ // at least
	}
	t.others.summed = nil
	if len(rest) > 0 {
		t.log.Warn("callers were refused", append(reasons(rest), zap.Int("other_addresses", networks))...)
	}
}

// end tells what is left to tell.
func (t *strangers) end() {
	t.mu.Lock()
	t.ended = true
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	t.sum()
}

func add(to, from map[Kind]int) {
	for kind, count := range from {
		to[kind] += count
	}
}

func total(summed map[Kind]int) (sum int) {
	for _, count := range summed {
		sum += count
	}
	return sum
}

// reasons says how many were refused, and why.
func reasons(summed map[Kind]int) []zap.Field {
	fields := []zap.Field{zap.Int("count", total(summed))}
	for _, kind := range slices.Sorted(maps.Keys(summed)) {
		fields = append(fields, zap.Int(string(kind), summed[kind]))
	}
	return fields
}

// networkOf returns what is limited together.
func networkOf(address netip.Addr) netip.Prefix {
	bits := 64
	if address.Is4() {
		bits = 32
	}
	network, _ := address.Prefix(bits)
	return network // the zero one for an address that is not known
}

func nameOf(network netip.Prefix) string {
	switch {
	case !network.IsValid():
		return "unknown"
	case network.IsSingleIP():
		return network.Addr().String()
	}
	return network.String()
}
