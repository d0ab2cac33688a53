package redmine

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is what a [Roadblock] does to a request.
type Fault int

// The faults. What is cut is hung up on, what is held waits until the way is open
// again or the client has gone.
const (
	CutBefore  Fault = iota + 1 // Redmine hears nothing of the request
	Silence                     // nor does it then, and the client hears so when the way is open
	HoldBefore                  // Redmine hears of it when the way is open
	CutAfter                    // Redmine has done it, and its answer is lost
	HoldAfter                   // Redmine has done it, and its answer comes late
	HalfAnswer                  // Redmine has done it, and the end of its answer is lost
)

// Block is a fault and whom it meets.
type Block struct {
	Fault  Fault
	Method string // "": any
	// Path is a pattern of package path, such as /users/*.json; "": any.
	Path string
	// Query is a part of the query.
	Query string
	// Skip is how many requests pass before, Times how many meet with the fault; 0: all.
	Skip, Times int
}

// Passage is a request that Redmine has answered.
type Passage struct {
	Method, Target, Body string // Target is the path with its query
	Status               int
}

// IsWrite reports whether it was one and Redmine took it.
func (p Passage) IsWrite() bool { return p.Method != http.MethodGet && p.Status < 300 }

// Roadblock is a proxy before a Redmine, which can do harm to what passes and
// remembers it.
type Roadblock struct {
	URL string

	target   string
	client   *http.Client
	mu       sync.Mutex
	blocks   []*block
	passages []Passage
	held     int
	dialled  int // connections to it
}

// block is a [Block] in its place.
type block struct {
	Block
	met  int
	open chan struct{} // closed with the way open
}

// NewRoadblock returns one before the address, with the way open. It ends with the test.
func NewRoadblock(t TB, target string) *Roadblock {
	t.Helper()
	b := &Roadblock{target: target, client: &http.Client{
		// What is kept open would look like a leak to the tests.
		Transport: &http.Transport{DisableKeepAlives: true},
		Timeout:   time.Minute,
	}}
	server := httptest.NewUnstartedServer(b)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.dialled++
		}
	}
	server.Start()
	b.URL = server.URL
	t.Cleanup(func() {
		b.Open()
		server.Close()
	})
	return b
}

// Block puts faults in the way, besides those that are there. Of several that meet a
// request the first counts.
func (b *Roadblock) Block(faults ...Block) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range faults {
		b.blocks = append(b.blocks, &block{Block: fault, open: make(chan struct{})})
	}
}

// Open takes all faults out of the way.
func (b *Roadblock) Open() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, block := range b.blocks {
		close(block.open)
	}
	b.blocks = nil
}

// Passed returns what Redmine has answered since [Roadblock.Forget], in that order.
func (b *Roadblock) Passed() []Passage {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Passage(nil), b.passages...)
}

// Writes returns those of [Roadblock.Passed] that Redmine took for writes.
func (b *Roadblock) Writes() (writes []Passage) {
	for _, p := range b.Passed() {
		if p.IsWrite() {
			writes = append(writes, p)
		}
	}
	return writes
}

// Forget forgets what has passed.
func (b *Roadblock) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.passages = nil
}

// Held is how many requests are waiting.
func (b *Roadblock) Held() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// Connections is how many connections have been made to it.
func (b *Roadblock) Connections() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dialled
}

// meets reports whether the block is for the request.
func (b *Block) meets(r *http.Request) bool {
	isPath, _ := path.Match(b.Path, r.URL.Path)
	return (isPath || b.Path == "") && (b.Method == "" || b.Method == r.Method) && strings.Contains(r.URL.RawQuery, b.Query)
}

// meets returns the block that a request meets, nil for none.
func (b *Roadblock) meets(r *http.Request) *block {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, block := range b.blocks {
		if !block.meets(r) {
			continue
		}
		block.met++
		if n := block.met - block.Skip; n > 0 && (block.Times == 0 || n <= block.Times) {
			return block
		}
	}
	return nil
}

// ServeHTTP passes a request on, or what is left of it.
func (b *Roadblock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var fault Fault
	block := b.meets(r)
	if block != nil {
		fault = block.Fault
	}
	switch fault {
	case CutBefore:
		panic(http.ErrAbortHandler)
	case Silence:
		b.hold(r, block)
		panic(http.ErrAbortHandler)
	case HoldBefore:
		b.hold(r, block)
	}
	header, status, answer := b.pass(r, body)
	switch fault {
	case CutAfter:
		panic(http.ErrAbortHandler)
	case HoldAfter:
		b.hold(r, block)
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	if len(answer) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	}
	if fault == HalfAnswer {
		if len(answer) == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		_, _ = w.Write(answer[:len(answer)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// hold waits until the way is open. Who has gone by then is not served.
func (b *Roadblock) hold(r *http.Request, block *block) {
	b.count(1)
	defer b.count(-1)
	select {
	case <-block.open:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

func (b *Roadblock) count(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held += n
}

// pass has Redmine answer, also when nobody waits for it any more: what it has begun it
// ends.
func (b *Roadblock) pass(r *http.Request, body []byte) (header http.Header, status int, answer []byte) {
	request, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, b.target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range r.Header {
		if name != "Connection" {
			request.Header[name] = values
		}
	}
	response, err := b.client.Do(request)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = response.Body.Close() }()
	if answer, err = io.ReadAll(response.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.passages = append(b.passages, Passage{r.Method, r.URL.RequestURI(), string(body), response.StatusCode})
	header = response.Header
	header.Del("Connection")
	return header, response.StatusCode, answer
}
