package ldap

import (
	"container/list"
	"sync"
	"time"
)

// The bounds of what is remembered of names: about 3 MB.
const (
	namesAtMost = 10_000
	namesFor    = time.Minute
)

// nameCache remembers for a minute which resources are behind names, for
// showing them: a user's groups are mostly the same few. What is written is
// never taken from it (DESIGN §3).
type nameCache struct {
	now func() time.Time

	mu      sync.Mutex
	entries map[string]*list.Element // of *cachedName, by nameKey
	recent  list.List                // the most recently used first
}

type cachedName struct {
	key     string
	ref     reference // without a kind: the name is no served resource's
	expires time.Time
}

func newNameCache() *nameCache {
	return &nameCache{now: time.Now, entries: make(map[string]*list.Element)}
}

func (c *nameCache) get(key string) (ref reference, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		return reference{}, false
	}
	cached := e.Value.(*cachedName)
	if c.now().After(cached.expires) {
		c.remove(e)
		return reference{}, false
	}
	c.recent.MoveToFront(e)
	return cached.ref, true
}

func (c *nameCache) put(key string, ref reference) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[key]; e != nil {
		c.remove(e)
	}
	c.entries[key] = c.recent.PushFront(&cachedName{key, ref, c.now().Add(namesFor)})
	if len(c.entries) > namesAtMost {
		c.remove(c.recent.Back())
	}
}

func (c *nameCache) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[key]; e != nil {
		c.remove(e)
	}
}

func (c *nameCache) remove(e *list.Element) {
	delete(c.entries, e.Value.(*cachedName).key)
	c.recent.Remove(e)
}
