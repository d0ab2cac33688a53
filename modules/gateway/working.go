package gateway

import (
	"strings"
	"sync"
	"time"
)

// working are the entries of the journal that this process works on. Any other entry
// of it that is open is one of which nobody will tell what came of it.
var working = workTable{until: make(map[string]time.Time)}

type workTable struct {
	mu    sync.Mutex
	until map[string]time.Time // by the entry's id; zero: there is no end yet
}

// begin notes that an entry is worked on.
func (t *workTable) begin(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until[id] = time.Time{}
}

// end is the reverse of begin, once the outcome was handed over.
func (t *workTable) end(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.until, id)
}

// leave notes that nobody works on an entry any more whose outcome is not known. It
// counts as worked on for a while: what was sent may reach the backend late.
func (t *workTable) leave(id string, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until[id] = until
}

// leaveAll is leave for what a request has begun and not ended.
func (t *workTable) leaveAll(request string, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, end := range t.until {
		if strings.HasPrefix(id, request+"-") && end.IsZero() {
			t.until[id] = until
		}
	}
}

// now returns what is worked on, and forgets what was left long enough ago.
func (t *workTable) now() map[string]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	held := make(map[string]bool, len(t.until))
	for id, until := range t.until {
		if !until.IsZero() && time.Now().After(until) {
			delete(t.until, id)
			continue
		}
		held[id] = true
	}
	return held
}
