// Package journal keeps what the gateways are about to do and what came of it, in
// the store. An intent is durable before the first write reaches the backend; its
// outcome follows, a [CommitInterval] later at most (DESIGN §4 rule 9).
//
// Writers that come at the same time share one transaction. A store that does not
// take an intent is away: writes are refused until it takes one again, and a
// disable, and only that, is recorded in a small local file instead, from which it
// comes into the store when that is back.
package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/scim"
)

// CommitInterval is how long an outcome may wait for an intent to go along with:
// two transactions for each write would cost twice the disk's time.
const CommitInterval = 20 * time.Millisecond

// OperationDisable is the operation of an entry that takes an account's access away
// and does nothing else. It alone goes on without the store.
const OperationDisable = "disable"

// How long things may take.
const (
	commitTimeout  = 4 * time.Second // of one transaction
	beginTimeout   = 5 * time.Second // of an intent, from its beginning
	openingTimeout = 3 * time.Second // in which a store that is just being opened is waited for
	retryInterval  = time.Second     // of asking a store that is away
	spoolInterval  = 5 * time.Second // of trying to open the local file
)

// mostOwed bounds the outcomes that are kept in memory while the store is away, and
// mostDoubtful the intents.
const (
	mostOwed     = 10_000
	mostDoubtful = 1_000
)

// ErrClosed says that the journal was closed.
var ErrClosed = errors.New("the journal is closed")

// Outcome is what came of an intent.
type Outcome struct {
	ID       string        `json:"id"` // of the entry
	Result   Result        `json:"result"`
	Resource string        `json:"resource,omitempty"` // the id of what was created
	Name     string        `json:"name,omitempty"`     // userName or displayName, where the intent has none
	Proof    string        `json:"proof,omitempty"`
	Error    string        `json:"error,omitempty"` // its kind; never the backend's words
	Note     string        `json:"note,omitempty"`
	Ended    time.Time     `json:"ended"`
	Duration time.Duration `json:"duration_ns,omitempty"`
}

// Journal records entries in a store. It is safe for many goroutines.
type Journal struct {
	store *store.Store
	key   poolKey
	spool *spool
	wait  time.Duration // for a store that is just being opened
	log   atomic.Pointer[zap.Logger]

	mu       sync.Mutex
	begun    bool
	gathered *work
	wake     chan struct{} // has room for one
	late     *time.Timer   // wakes run for outcomes that nothing else did; nil when none wait
	away     error         // why the store is away; nil: it is there
	left     time.Time     // since when it is
	doubtful []Entry       // that were refused and may have been recorded all the same
	lost     int           // outcomes that there was no room for
	closing  chan struct{}
	ended    chan struct{}

	owed []Outcome // run's own: outcomes that could not be recorded yet
}

// work is what has gathered while the transaction before was under way.
type work struct {
	intents  []Entry
	outcomes []Outcome
	isTaken  bool
	done     chan struct{}
	err      error
}

func newWork() *work { return &work{done: make(chan struct{})} }

// New returns a journal in the store, with its local file for disables at the path;
// "" is none. It opens nothing; see [Journal.Start]. Who has it calls [Journal.Close].
func New(s *store.Store, spoolPath string) *Journal {
	j := &Journal{
		store: s, key: poolKey{s, spoolPath}, spool: takeSpool(spoolPath), wait: openingTimeout, gathered: newWork(),
		wake: make(chan struct{}, 1), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	j.log.Store(zap.NewNop())
	return j
}

// Start opens the local file and begins to write; what stands in the file comes into
// the store. The first entry does so too. Calling it again sets where the journal's
// own messages go.
func (j *Journal) Start(log *zap.Logger) {
	j.log.Store(log)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.start()
}

// start is Start, once, with the mutex held.
func (j *Journal) start() {
	if j.begun || j.isClosed() {
		return
	}
	j.begun = true
	log := j.log.Load()
	if err := j.spool.open(); errors.Is(err, errNoSpool) {
		// a command tells by itself what is not recorded
	} else if err != nil {
		log.Error("the local file for disables can't be used: while the store is away, disables are refused too", zap.Error(err))
	} else if n := j.spool.count(); n > 0 {
		log.Warn("disables of an earlier process stand in the local file; they are brought into the journal", zap.Int("disables", n))
	}
	go j.run()
}

func (j *Journal) isClosed() bool {
	select {
	case <-j.closing:
		return true
	default:
		return false
	}
}

// Begin returns when the intent is durable. Without that nothing may be written to
// the backend. A disable is durable in the local file where the store is away. It
// takes a few seconds at most, and none while the store is known to be away; the
// error then wraps [store.ErrUnavailable].
func (j *Journal) Begin(ctx context.Context, e Entry) error {
	e.Instance = j.store.Instance()
	mayBeThere, err := j.record(ctx, e)
	if err == nil {
		return nil
	}
	if e.Operation == OperationDisable {
		spoolErr := j.spool.begin(e)
		if spoolErr == nil {
			j.log.Load().Warn("a disable is recorded in the local file: the store does not take it", zap.String("entry", e.ID), zap.Error(err))
			j.rouse()
			return nil
		}
		j.log.Load().Error("a disable is refused: neither the store nor the local file takes it",
			zap.String("entry", e.ID), zap.NamedError("store_error", err), zap.NamedError("file_error", spoolErr))
		err = fmt.Errorf("%w; and the local file for disables: %w", err, spoolErr)
	}
	if mayBeThere {
		j.doubt(e)
	}
	return fmt.Errorf("recording what is about to be done: %w", err)
}

// longestValue bounds the values of one attribute in an entry, in bytes.
const longestValue = 16 << 10

// Changes returns the differences that an operation makes as its entry keeps them: see
// [Changes], whose key is the store's. An operation that goes on without the store
// needs none.
func (j *Journal) Changes(ctx context.Context, differences []scim.Difference, operation string) ([]Change, error) {
	if len(differences) == 0 {
		return nil, nil
	}
	waiting, cancel := context.WithTimeout(ctx, j.wait)
	defer cancel()
	key, err := j.store.Key(waiting, "private")
	if errors.Is(err, store.ErrUnavailable) && j.Health().Away == nil && j.store.Wait(waiting) == nil { // it was just being opened
		key, err = j.store.Key(waiting, "private")
	}
	if err != nil && operation != OperationDisable {
		return nil, fmt.Errorf("recording what is about to be done: %w", err)
	}
	changes := Changes(differences, key)
	for i := range changes {
		if c := &changes[i]; len(c.From)+len(c.To) > longestValue {
			c.Omitted = len(c.From) + len(c.To)
			c.From, c.To = nil, nil
		}
	}
	return changes, nil
}

// record hands an intent to run and waits for it. mayBeThere says of one that was
// not confirmed that it may have been recorded all the same.
func (j *Journal) record(ctx context.Context, e Entry) (mayBeThere bool, err error) {
	j.mu.Lock()
	j.start()
	if err = j.away; j.isClosed() {
		err = ErrClosed
	}
	if err != nil {
		j.mu.Unlock()
		return false, err
	}
	w := j.gathered
	w.intents = append(w.intents, e)
	j.rouse()
	j.mu.Unlock()

	timer := time.NewTimer(beginTimeout)
	defer timer.Stop()
	select {
	case <-w.done:
		return w.isTaken, w.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = fmt.Errorf("%w: it did not answer within %v", store.ErrUnavailable, beginTimeout)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case <-w.done:
		return w.isTaken, w.err
	default:
	}
	if !w.isTaken {
		w.intents = slices.DeleteFunc(w.intents, func(other Entry) bool { return other.ID == e.ID })
	}
	if ctx.Err() == nil {
		j.depart(err)
	}
	return w.isTaken, err
}

// doubt keeps an intent that nothing was done for, so that it does not stay open
// should it have been recorded.
func (j *Journal) doubt(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.doubtful) < mostDoubtful {
		j.doubtful = append(j.doubtful, e)
	}
	j.rouse()
}

// End hands over the outcome of an entry, which is recorded a [CommitInterval] later
// at most, or as soon as the store is back: it is kept until then. It does not wait;
// an error means that it can't be recorded any more.
func (j *Journal) End(o Outcome) error {
	isThere, err := j.spool.end(o)
	if isThere {
		return nil
	}
	if err != nil {
		j.log.Load().Warn("the outcome of a disable does not go into the local file, and is kept in memory", zap.String("entry", o.ID), zap.Error(err))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.isClosed():
		return ErrClosed
	case len(j.gathered.outcomes) >= mostOwed:
		j.lost++
		return fmt.Errorf("%d outcomes wait for the store: %w", mostOwed, store.ErrUnavailable)
	}
	j.gathered.outcomes = append(j.gathered.outcomes, o)
	if j.late == nil {
		j.late = time.AfterFunc(CommitInterval, j.rouse)
	}
	return nil
}

// Flush returns when everything that was handed over before is recorded, or can't be
// now.
func (j *Journal) Flush(ctx context.Context) error {
	j.mu.Lock()
	if err := j.away; err != nil || j.isClosed() || !j.begun {
		j.mu.Unlock()
		return err
	}
	w := j.gathered
	j.rouse()
	j.mu.Unlock()
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rouse makes run look what has gathered.
func (j *Journal) rouse() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// depart notes that the store is away. The mutex is held.
func (j *Journal) depart(err error) {
	if !errors.Is(err, store.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if j.away == nil {
		j.left = time.Now()
		j.log.Load().Error("the store does not take the journal: writes are refused, and disables are recorded in the local file", zap.Error(err))
	}
	j.away = err
}

// Health is how the journal does.
type Health struct {
	Away    error     // why the store does not take intents; nil: it does
	Since   time.Time // since when it does not
	Spooled int       // disables that stand in the local file and not in the store yet
	Used    int64     // bytes of the local file
	Size    int64     // bytes that there are; 0: it can't be used
}

// Health tells how the journal does, without asking the store.
func (j *Journal) Health() Health {
	h := Health{Spooled: j.spool.count()}
	h.Used, h.Size = j.spool.room()
	j.mu.Lock()
	defer j.mu.Unlock()
	if h.Away = j.away; h.Away != nil {
		h.Since = j.left
	}
	return h
}
