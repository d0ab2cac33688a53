// Package journal keeps what a gateway is about to do and what came of it. The
// intent is on disk before the first write reaches the backend; the outcome
// follows (DESIGN §4 rule 9).
//
// The journal is a file of JSON lines. Writers that come at the same time share
// one flush to disk.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Intent is what is about to be done.
type Intent struct {
	Time       time.Time `json:"time"`
	ID         string    `json:"id"` // of the entry: request id and step
	Gateway    string    `json:"gateway"`
	Caller     string    `json:"caller"` // the name of the credential
	Address    string    `json:"address,omitempty"`
	Operation  string    `json:"operation"`
	Type       string    `json:"type"`
	Resource   string    `json:"resource,omitempty"` // the id; empty on create
	Name       string    `json:"name,omitempty"`     // userName or displayName, where it was read
	Attributes []string  `json:"attributes,omitempty"`
	// Calls are the purposes of the backend calls in order; the calls
	// themselves hold values and are not kept.
	Calls []string `json:"calls"`
}

// Outcome is what came of an intent.
type Outcome struct {
	Time     time.Time     `json:"time"`
	ID       string        `json:"id"`                 // of the intent
	Result   string        `json:"result"`             // applied, not applied, unknown
	Resource string        `json:"resource,omitempty"` // the id of what was created
	Name     string        `json:"name,omitempty"`     // userName or displayName, where the intent has none
	Proof    string        `json:"proof,omitempty"`
	Duration time.Duration `json:"duration_ns"`
	Error    string        `json:"error,omitempty"` // its kind; never the backend's words
}

// ErrClosed says that the journal was closed.
var ErrClosed = errors.New("the journal is closed")

// Journal appends entries to a file. It is safe for many goroutines.
type Journal struct {
	path string

	mu       sync.Mutex
	file     *os.File
	pending  []byte        // encoded lines that are not yet written
	outcomes []byte        // those of pending that are outcomes
	waiters  *batch        // those who wait for pending
	wake     chan struct{} // has room for one
	late     *time.Timer   // wakes run for outcomes that nothing else did; nil when none wait
	closed   bool
	done     chan struct{}

	// run's own
	torn bool   // the last write failed and may have left half a line
	owed []byte // outcomes that could not be written yet
}

// batch is everybody who waits for the same flush.
type batch struct {
	done chan struct{}
	err  error
}

// MaxSize is the size in bytes at which a journal file is put aside as
// <path>.1 and a new one is begun; an older <path>.1 is overwritten.
const MaxSize = 256 << 20

// CommitInterval is how long an outcome may wait for the flush of an intent to go
// along with: two flushes for each write would cost twice the disk's time.
const CommitInterval = 20 * time.Millisecond

// mostOwed bounds the outcomes that are kept in memory, in bytes, while the disk
// does not take them.
const mostOwed = 1 << 20

// Open opens or creates the file, and its directory, readable by its owner
// alone. It is an error if another process has it open, where the system can tell.
func Open(path string) (*Journal, error) {
	file, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	j := &Journal{
		path: path, file: file,
		waiters: &batch{done: make(chan struct{})},
		wake:    make(chan struct{}, 1), done: make(chan struct{}),
	}
	go j.run()
	return j, nil
}

// Begin returns when the intent is on disk. Without that nothing may be written
// to the backend.
func (j *Journal) Begin(intent Intent) error {
	b, err := j.append(struct {
		Kind string `json:"kind"`
		Intent
	}{"intent", intent}, false)
	if err != nil {
		return err
	}
	<-b.done
	return b.err
}

// End hands over the outcome, which is on disk with the next flush that works, a
// [CommitInterval] later if nothing else is flushed before: it is kept while the
// disk is full. It does not wait; an error means that it can't be recorded any
// more.
func (j *Journal) End(outcome Outcome) error {
	_, err := j.append(struct {
		Kind string `json:"kind"`
		Outcome
	}{"outcome", outcome}, true)
	return err
}

// Flush returns when everything that was handed over before is on disk, or can't
// be written now.
func (j *Journal) Flush() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	b := j.waiters
	j.rouse()
	j.mu.Unlock()
	<-b.done
	return b.err
}

func (j *Journal) append(entry any, isOutcome bool) (*batch, error) {
	line, err := json.Marshal(entry)
	if err != nil {
		return nil, fmt.Errorf("writing to the journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, ErrClosed
	}
	line = append(line, '\n')
	j.pending = append(j.pending, line...)
	if !isOutcome {
		j.rouse()
		return j.waiters, nil
	}
	j.outcomes = append(j.outcomes, line...)
	if j.late == nil {
		j.late = time.AfterFunc(CommitInterval, j.rouse)
	}
	return j.waiters, nil
}

// rouse makes run look what is pending.
func (j *Journal) rouse() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// run writes and flushes what has gathered while the flush before it was under
// way, so that many writers share one.
func (j *Journal) run() {
	defer close(j.done)
	for {
		j.mu.Lock()
		lines, outcomes, b, closed := j.pending, j.outcomes, j.waiters, j.closed
		j.pending, j.outcomes, j.waiters = nil, nil, &batch{done: make(chan struct{})}
		if j.late != nil {
			j.late.Stop()
			j.late = nil
		}
		j.mu.Unlock()
		if len(lines) > 0 {
			if b.err = j.flush(lines); b.err != nil {
				j.owe(outcomes)
			}
			close(b.done)
			continue
		}
		close(b.done)
		if closed {
			if len(j.owed) > 0 {
				_ = j.flush(nil) // the last chance
			}
			return
		}
		<-j.wake
	}
}

// owe keeps outcomes for the next flush. Nobody waits for them, and without them
// what was done would look as if nobody knew how it ended.
func (j *Journal) owe(outcomes []byte) {
	if len(j.owed)+len(outcomes) <= mostOwed {
		j.owed = append(j.owed, outcomes...)
	}
}

func (j *Journal) flush(lines []byte) error {
	if err := j.rotate(); err != nil {
		return fmt.Errorf("beginning a new journal: %w", err)
	}
	if len(j.owed) > 0 {
		lines = slices.Concat(j.owed, lines)
	}
	if j.torn {
		lines = append([]byte{'\n'}, lines...)
	}
	_, err := j.file.Write(lines)
	if j.torn = err != nil; j.torn {
		return fmt.Errorf("writing to the journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("flushing the journal: %w", err)
	}
	j.owed = nil
	return nil
}

// rotate puts a file that has become too large aside, and begins a new one also
// where somebody else has moved or removed it. A file that can't be put aside goes
// on growing, and it is tried again with the next flush: a journal that is too
// large stops no disable. Its error is that there is no file to write to.
func (j *Journal) rotate() error {
	ours, err := j.file.Stat()
	if err != nil {
		return nil // writing will tell
	}
	named, err := os.Stat(j.path)
	isThere := err == nil && os.SameFile(ours, named)
	if isThere && ours.Size() < MaxSize || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if isThere {
		if err := os.Rename(j.path, j.path+".1"); err != nil {
			return nil
		}
	}
	file, err := open(j.path)
	if err != nil {
		return err
	}
	_ = j.file.Close() // everything in it has been flushed
	j.file = file
	return nil
}

// open opens or creates a file and its directory, and keeps other processes from
// it.
func open(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(file); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return file, nil
}

// errInUse says that the file belongs to somebody else who runs: of two who write
// and rotate one file, one would put the other's entries aside.
var errInUse = errors.New("another process writes to this journal, or another gateway does by another path: give each process a journal of its own")

// Destruct writes what is pending and closes the file. It is called when no
// configuration uses the journal any more.
func (j *Journal) Destruct() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.rouse()
	j.mu.Unlock()
	<-j.done
	return j.file.Close()
}
