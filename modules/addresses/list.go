package addresses

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// How often a file is looked at, and when the age of a list of service tags is
// warned of, and how often.
const (
	pollEvery = 2 * time.Second
	ageToWarn = 60 * 24 * time.Hour
	warnEvery = 24 * time.Hour
)

// mostBytes is what no list has. Microsoft's has about 4 MB.
const mostBytes = 64 << 20

// contents is what a file said.
type contents struct {
	*Table
	changeNumber string    // of Microsoft's list
	since        time.Time // when the file was written; of Microsoft's list, when its present number was first seen
}

// reader reads the contents of a file.
type reader func(io.Reader) (*contents, error)

// list is a list in a file. All who name the same file in the same way share it,
// configurations that follow one another among them.
type list struct {
	key   key
	read  reader
	is    atomic.Pointer[contents] // the last good one; nil: there was none yet
	fault atomic.Pointer[string]   // why the file can't be used now; nil: it can

	reading sync.Mutex
	seen    os.FileInfo // as the file was when it was last looked at
	taken   os.FileInfo // as it was when it was last read to its end; nil: read again
	warned  time.Time   // of its age

	holding sync.Mutex
	holders []*holder
	timer   *time.Timer
}

// key is what a list is shared by.
type key struct {
	path string
	tags string // with commas; "" is a list in text
}

// holder is one who uses a list.
type holder struct{ log *zap.Logger }

// lists are those that are in use.
var lists = struct {
	sync.Mutex
	held map[key]*list
}{held: make(map[key]*list)}

// take returns the list in a file, which must be usable now, for a holder who calls
// release once.
func take(k key, read reader, h *holder) (*list, error) {
	lists.Lock()
	l := lists.held[k]
	if l == nil {
		l = &list{key: k, read: read}
		lists.held[k] = l
	}
	l.holding.Lock()
	l.holders = append(l.holders, h)
	l.holding.Unlock()
	lists.Unlock()

	if err := l.look(false); err != nil {
		l.release(h)
		return nil, err
	}
	l.holding.Lock()
	defer l.holding.Unlock()
	if l.timer == nil && len(l.holders) > 0 {
		l.timer = time.AfterFunc(pollEvery, l.poll)
	}
	return l, nil
}

// release is the reverse of take. It does not wait for a file system that hangs.
func (l *list) release(h *holder) {
	lists.Lock()
	defer lists.Unlock()
	l.holding.Lock()
	defer l.holding.Unlock()
	for i, other := range l.holders {
		if other == h {
			l.holders = append(l.holders[:i:i], l.holders[i+1:]...)
			break
		}
	}
	if len(l.holders) > 0 {
		return
	}
	delete(lists.held, l.key)
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}

// poll looks at the file from time to time.
func (l *list) poll() {
	_ = l.look(true)
	l.holding.Lock()
	defer l.holding.Unlock()
	if l.timer != nil {
		l.timer.Reset(pollEvery)
	}
}

// look reads the file if it is another one than that which was read, and returns why
// it can't be used. If it is to settle, one that has only just changed is left for the
// next time: it may still be being written.
func (l *list) look(settle bool) error {
	l.reading.Lock()
	defer l.reading.Unlock()
	info, err := os.Stat(l.key.path)
	switch {
	case err != nil:
		l.seen, l.taken = nil, nil
		l.failed(remedied(err))
	case same(info, l.taken):
	case settle && !same(info, l.seen):
		l.seen = info
	default:
		l.seen = info
		l.load()
	}
	l.warnOfAge()
	if fault := l.fault.Load(); fault != nil {
		return fmt.Errorf("the address list %s: %s", l.key, *fault)
	}
	return nil
}

// same reports whether a file is unchanged, as far as its directory tells.
func same(a, b os.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// load reads the file. What was wrong with the text of a file is not tried again
// before the file changes; that it can't be read is.
func (l *list) load() {
	l.taken = nil
	file, err := os.Open(l.key.path)
	if err != nil {
		l.failed(remedied(err))
		return
	}
	defer func() { _ = file.Close() }()
	before, err := file.Stat()
	if err == nil && !before.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err != nil {
		l.failed(remedied(err))
		return
	}
	source := &counted{from: file}
	read, err := l.read(source)
	after, statErr := file.Stat()
	switch {
	case source.err != nil:
		l.failed(remedied(source.err))
		return
	case statErr != nil || !same(before, after):
		l.failed("it was written while it was read; it is read again")
		return
	}
	l.taken = before
	if err != nil {
		l.failed(err.Error())
		return
	}
	l.succeeded(read, before.ModTime())
}

// succeeded makes what was read the list.
func (l *list) succeeded(read *contents, modified time.Time) {
	read.since = modified
	last := l.is.Load()
	if last != nil && read.changeNumber != "" && read.changeNumber == last.changeNumber && last.since.Before(modified) {
		read.since = last.since // downloaded again, and not a newer one
	}
	l.is.Store(read)
	l.fault.Store(nil)
	l.warned = time.Time{}
	fields := append(l.fields(), zap.Int("ranges", len(read.prefixes)), zap.Time("since", read.since))
	if len(read.prefixes) == 0 {
		l.log().Error("the address list is empty: nobody is on it", fields...)
		return
	}
	l.log().Info("the address list was read", fields...)
}

// failed notes why the file can't be used, and says so if it is something new.
func (l *list) failed(fault string) {
	last := l.fault.Swap(&fault)
	if last != nil && *last == fault || l.is.Load() == nil {
		return // said already; or the error of a configuration that is not loaded
	}
	l.log().Error("the address list can't be used: the last good one stays in force",
		append(l.fields(), zap.String("error", fault))...)
}

// warnOfAge warns of a list of service tags that is not kept.
func (l *list) warnOfAge() {
	is, now := l.is.Load(), time.Now()
	if is == nil || is.changeNumber == "" || now.Sub(is.since) < ageToWarn || now.Sub(l.warned) < warnEvery {
		return
	}
	l.warned = now
	l.log().Warn("the service tags are old: Microsoft publishes them every week, and calls from new addresses are refused",
		append(l.fields(), zap.Time("since", is.since))...)
}

// log returns the log of who has begun to use the list last.
func (l *list) log() *zap.Logger {
	l.holding.Lock()
	defer l.holding.Unlock()
	if len(l.holders) == 0 {
		return zap.NewNop()
	}
	return l.holders[len(l.holders)-1].log
}

func (l *list) fields() []zap.Field {
	fields := []zap.Field{zap.String("file", l.key.path)}
	if l.key.tags != "" {
		fields = append(fields, zap.String("tags", l.key.tags))
	}
	if is := l.is.Load(); is != nil && is.changeNumber != "" {
		fields = append(fields, zap.String("change_number", is.changeNumber))
	}
	return fields
}

func (k key) String() string {
	if k.tags == "" {
		return k.path
	}
	return k.path + " (" + k.tags + ")"
}

// remedied says what to do about a file that can't be read.
func remedied(err error) string {
	var fault *os.PathError
	if errors.As(err, &fault) {
		err = fault.Err // the path is told besides
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "there is no such file: put it there, readable for the user of the service"
	case errors.Is(err, os.ErrPermission):
		return "it may not be read: make the file and its directories readable for the user of the service"
	}
	return err.Error()
}

// counted is a file that is not read beyond what any list has, and that tells a fault
// of the disk from one of the text.
type counted struct {
	from io.Reader
	n    int64
	err  error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	if c.n > mostBytes {
		return n, fmt.Errorf("it has more than %d MiB: it is no list of addresses", mostBytes>>20)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}
