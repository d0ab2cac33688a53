package web

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scimgate/scimgate/translators"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts an application.
func serve(t *testing.T, handle http.HandlerFunc) string {
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

// client returns a client that repeats soon, and what it has observed.
func client(t *testing.T, base string, c Config) (*Client, *observed) {
	t.Helper()
	seen := new(observed)
	made, err := New(c, base, nil, seen.add)
	if err != nil {
		t.Fatal(err)
	}
	made.pause = time.Millisecond
	t.Cleanup(func() { _ = made.Destruct() })
	return made, seen
}

// observed are the results of sendings, in order.
type observed struct {
	mu      sync.Mutex
	results []string
}

func (o *observed) add(one translators.Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.results = append(o.results, one.Operation+" "+one.Result)
}

func (o *observed) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.results...)
}

// failure is the *Error that a request ended with.
func failure(t *testing.T, response *Response, err error) *Error {
	t.Helper()
	e, is := errors.AsType[*Error](err)
	if !is {
		t.Fatalf("got %+v and %v, want an *Error", response, err)
	}
	return e
}

// listen starts a server that speaks to each connection as handle does; n counts
// them from 1. A connection is closed when handle returns.
func listen(t *testing.T, handle func(n int, c net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		open = map[net.Conn]bool{}
	)
	all.Go(func() {
		for n := 1; ; n++ {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			all.Go(func() {
				handle(n, c)
				_ = c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return "http://" + listener.Addr().String()
}

// closedPort is an address where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	return "http://" + listener.Addr().String()
}
