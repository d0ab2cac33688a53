package ldap

import (
	"container/list"
	"sync"
	"time"
)

// The bounds of what a cache remembers: about 3 MB.
const (
	namesAtMost = 10_000
	namesFor    = time.Minute
)

// cache remembers a few things for a minute, by their keys.
type cache[V any] struct {
	now func() time.Time

	mu      sync.Mutex
	entries map[string]*list.Element // of *cached[V]
	recent  list.List                // the most recently used first
}

type cached[V any] struct {
	key     string
	value   V
	expires time.Time
}

func newCache[V any]() *cache[V] {
	return &cache[V]{now: time.Now, entries: make(map[string]*list.Element)}
}

// nameCache remembers which resources are behind names, by their nameKey, for
// showing them: a user's groups are mostly the same few. A reference without a
// kind is that of a name which no served resource has. What is written is never
// taken from it (DESIGN §3).
type nameCache = cache[reference]

func newNameCache() *nameCache { return newCache[reference]() }

// placeCache remembers the names of groups by their ids. A name from it is at
// most a write target, guarded by an assertion on the id (DESIGN §3).
type placeCache = cache[string]

func (c *cache[V]) get(key string) (value V, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		return value, false
	}
	found := e.Value.(*cached[V])
	if c.now().After(found.expires) {
		c.remove(e)
		return value, false
	}
	c.recent.MoveToFront(e)
	return found.value, true
}

func (c *cache[V]) put(key string, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[key]; e != nil {
		c.remove(e)
	}
	c.entries[key] = c.recent.PushFront(&cached[V]{key, value, c.now().Add(namesFor)})
	if len(c.entries) > namesAtMost {
		c.remove(c.recent.Back())
	}
}

func (c *cache[V]) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[key]; e != nil {
		c.remove(e)
	}
}

func (c *cache[V]) remove(e *list.Element) {
	delete(c.entries, e.Value.(*cached[V]).key)
	c.recent.Remove(e)
}
