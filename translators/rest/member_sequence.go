package rest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/scimgate/scimgate/translators"
)

// sequence are the calls by which one member comes or goes, where they write what was read
// before: from the first to the last of them nobody else writes to that user. A disable
// that came between would be undone.
type sequence struct {
	id   string
	last int // the number of the last call

	mu     sync.Mutex
	member *translators.Entry // as it is under the lock
	unlock func()             // nil: it is not held
}

// begin takes the lock before the first of the calls, and returns the member as it is then.
func (s *sequence) begin(ctx context.Context, c *memberCall) (*translators.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.member != nil {
		return s.member, nil
	}
	users := c.m.users
	unlock, err := c.lock(ctx, users.served.ResourceType, s.id)
	if err != nil {
		return nil, err
	}
	member, err := c.memberNow(ctx, s.id)
	if err != nil {
		unlock()
		return nil, err
	}
	s.member, s.unlock = member, unlock
	context.AfterFunc(ctx, s.end) // whatever becomes of the request
	return member, nil
}

// memberNow reads the member, if the calls say anything of it.
func (c *memberCall) memberNow(ctx context.Context, id string) (*translators.Entry, error) {
	users := c.m.users
	if !slices.ContainsFunc(c.m.groups.steps[c.step.op], c.m.showsMember) {
		return c.with.member, nil
	}
	h, err := c.t.recordAwaited(ctx, users, id, users.everything())
	switch {
	case err != nil:
		return nil, err
	case h == nil && len(c.add) == 0:
		return c.with.member, nil
	case h == nil:
		return nil, &translators.Error{Kind: translators.Invalid, Path: "members", Detail: fmt.Sprintf("members: there is no user with the id %q.", id)}
	}
	return &translators.Entry{Resource: c.t.resourceOf(users, h, translators.Selection{All: true}), Handle: h}, nil
}

// step gives the lock back behind the last of the calls, and behind one that no other
// follows.
func (s *sequence) step(of *step, isOver bool) {
	if isOver || of.number == s.last {
		s.end()
	}
}

func (s *sequence) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unlock != nil {
		s.unlock()
		s.unlock = nil
	}
}
