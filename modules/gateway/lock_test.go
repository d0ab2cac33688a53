package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	memory "github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/translators"
)

const renameAda = `{"Operations":[{"op":"replace","path":"userName","value":"Grace"}]}`

// sharing is a store that another gateway uses too.
type sharing struct {
	err    error // of a store that can't be asked
	isHeld bool  // by the other gateway, which hangs
	isLate bool  // of a write of the other gateway
	asked  []string
	mu     sync.Mutex
	held   int
}

func (s *sharing) locks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

func (s *sharing) Lock(ctx context.Context, key string) (func(), error) {
	s.asked = append(s.asked, key)
	if s.isHeld {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if s.err != nil {
		return nil, s.err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held--
	}, nil
}

func (s *sharing) IsLocked(context.Context, string) (bool, error) { return s.isLate, s.err }

// A write has its person or group for itself on all gateways. A store that can't be
// asked holds a write back as the journal does, where there is one, also if the journal
// could write by then; another gateway that hangs holds back no disable.
func TestSharedLock(t *testing.T) {
	const (
		path     = "/scim/v2/Users/" + userID
		patience = disableWaits + 500*time.Millisecond
	)
	gone := fmt.Errorf("%w: gone", memory.ErrUnavailable)
	for name, test := range map[string]struct {
		shared             *sharing
		method, path, body string
		status             int
		writes             bool
		isRecorded         bool
		waits              time.Duration
		asks               string // for which locks
	}{
		"a change":                             {&sharing{}, "PATCH", path, setTitle, 200, true, false, 0, "\x00user\x00" + userID},
		"a disable":                            {&sharing{}, "PATCH", path, disableAda, 200, true, false, 0, "\x00user\x00" + userID},
		"a delete":                             {&sharing{}, "DELETE", path, "", 204, true, false, 0, "\x00user\x00" + userID},
		"a rename":                             {&sharing{}, "PATCH", path, renameAda, 200, true, false, 0, "\x00user\x00" + userID + " \x00user\x00new\x00grace"},
		"a creation":                           {&sharing{}, "POST", "/scim/v2/Users", `{"userName":"Bob"}`, 201, true, false, 0, "\x00user\x00new\x00bob"},
		"a read":                               {&sharing{}, "GET", path, "", 200, false, false, 0, ""},
		"a change without the store":           {&sharing{err: gone}, "PATCH", path, setTitle, 200, true, false, 0, "\x00user\x00" + userID},
		"a disable without the store":          {&sharing{err: gone}, "PATCH", path, disableAda, 200, true, false, 0, "\x00user\x00" + userID},
		"a change while another hangs":         {&sharing{isHeld: true}, "PATCH", path, setTitle, 504, false, false, patience, "\x00user\x00" + userID},
		"a disable while one hangs":            {&sharing{isHeld: true}, "PATCH", path, disableAda, 200, true, false, disableWaits, "\x00user\x00" + userID},
		"a recorded change without the store":  {&sharing{err: gone}, "PATCH", path, setTitle, 503, false, true, 0, "\x00user\x00" + userID},
		"a recorded delete without the store":  {&sharing{err: gone}, "DELETE", path, "", 503, false, true, 0, "\x00user\x00" + userID},
		"a recorded disable without the store": {&sharing{err: gone}, "PATCH", path, disableAda, 200, true, true, 0, "\x00user\x00" + userID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := holds()
			h, _ := newHandler(t, s, func(h *Handler) { h.Timeout = caddy.Duration(patience) })
			h.sharer = test.shared
			if test.isRecorded {
				newRecorder(t).records(t, h)
			}
			s.before = func(translators.Intent) {
				if test.shared.err == nil && !test.shared.isHeld && test.shared.locks() != len(strings.Fields(test.asks)) {
					t.Errorf("it writes with %d locks", test.shared.locks())
				}
			}
			begin := time.Now()
			answer := ask(h, test.method, test.path, test.body)
			if waited := time.Since(begin); waited < test.waits {
				t.Errorf("it waited %s, want %s", waited, test.waits)
			}
			if answer.Code != test.status {
				t.Errorf("answered %d %s, want %d", answer.Code, answer.Body, test.status)
			}
			if wrote := len(s.writes) > 0; wrote != test.writes {
				t.Errorf("it wrote %q", s.writes)
			}
			if test.shared.locks() != 0 {
				t.Errorf("%d locks are left", test.shared.locks())
			}
			var want []string
			for _, words := range strings.Fields(test.asks) {
				want = append(want, strings.ToLower(h.Name)+words)
			}
			if !slices.Equal(test.shared.asked, want) {
				t.Errorf("asked for %q, want %q", test.shared.asked, want)
			}
			// Nobody of this process is kept out either.
			unlock, err := locks.lock(t.Context(), h.Name, "user", userID)
			if err != nil {
				t.Fatal(err)
			}
			unlock()
		})
	}
}
