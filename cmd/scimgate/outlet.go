package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/scimgate/scimgate/internal/rehearse"
)

// outlet is an output whose reader may go: head has enough, or somebody quits the
// pager. Whoever writes is told by gone, once, and the rest is dropped.
type outlet struct {
	out  io.Writer
	gone chan struct{} // closed when nobody reads any more

	mu  sync.Mutex
	err error
}

func newOutlet(out io.Writer) *outlet { return &outlet{out: out, gone: make(chan struct{})} }

// Write writes, until that has failed once.
func (o *outlet) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.out.Write(b)
	if err != nil {
		o.err = err
		close(o.gone)
	}
	return n, err
}

// failure is why nobody reads, or nil.
func (o *outlet) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// ending is a reporter that keeps how everything ended, to tell it elsewhere when
// nobody reads the report.
type ending struct {
	rehearse.Reporter
	opening rehearse.Opening
	summary rehearse.Summary
}

func (e *ending) Begin(o rehearse.Opening) {
	e.opening = o
	e.Reporter.Begin(o)
}

func (e *ending) End(s rehearse.Summary) {
	e.summary = s
	e.Reporter.End(s)
}

// tell says what was removed and what is left.
func (e *ending) tell(out io.Writer) {
	fmt.Fprintf(out, "removed in the end: %d; left behind: %d\n", e.summary.Removed, len(e.summary.Left))
	for _, one := range e.summary.Left {
		fmt.Fprintln(out, one)
	}
	if command := rehearse.RemoveCommand(e.opening, e.summary.Left); command != "" {
		fmt.Fprintln(out, "to remove it later, with the same token:", command)
	}
}

// Interface guards
var (
	_ io.Writer         = (*outlet)(nil)
	_ rehearse.Reporter = (*ending)(nil)
)
