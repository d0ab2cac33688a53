package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/scim"
)

// afterwards lets the time pass in which a write may come late.
func afterwards(h *Handler) {
	for _, o := range owing.of(h.Name) {
		o.until = time.Now()
	}
}

// enableLate is a write that was given up, and is carried out now.
func (s *store) enableLate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[userID].resource.Set(users.Attribute("active"), scim.Bool(true))
}

// lateStore is a gateway whose title was written, with no answer.
func lateStore(t *testing.T, like ...func(*store)) (*store, *Handler, *recorder) {
	t.Helper()
	s := holds()
	s.comesLate, s.unanswered = true, true
	for _, like := range like {
		like(s)
	}
	h, _ := newHandler(t, s, nil)
	r := newRecorder(t)
	r.records(t, h)
	metrics.begin(h.Name, h.backend)
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, setTitle); answer.Code != http.StatusServiceUnavailable && answer.Code != http.StatusGatewayTimeout {
		t.Fatalf("a write without an answer is answered %d", answer.Code)
	}
	s.unanswered = false
	return s, h, r
}

// disables asks for the disable, which is carried out and not proven yet.
func (s *store) isDisabledUnproven(t *testing.T, h *Handler, r *recorder) {
	t.Helper()
	answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda)
	if answer.Code != 200 || answer.Header().Get(proofHeader) != "unprovable" || s.isActive(t, "ada") {
		t.Fatalf("the disable is answered %d, %q; active: %t", answer.Code, answer.Header().Get(proofHeader), s.isActive(t, "ada"))
	}
	if e := r.entries(t); e[len(e)-1].Operation != journal.OperationDisable || e[len(e)-1].Result != journal.Unresolved {
		t.Errorf("the journal has %+v", e[len(e)-1])
	}
	if n := counted(t, h, "caddy_scim_disables_total"); n["unprovable"] != 1 || n["proven"] != 0 {
		t.Errorf("counted %v", n)
	}
}

// A write of the whole account has got no answer. The disable behind it is carried out and
// not called proven; when the write comes late and undoes it, it is made again, and proven
// when nothing can come any more.
func TestALateWriteUndoesNoDisable(t *testing.T) {
	s, h, r := lateStore(t)
	s.isDisabledUnproven(t, h, r)
	if left, err := h.resolve(t.Context()); left != 0 || err != nil {
		t.Fatalf("%d are left, %v", left, err)
	}
	h.proveOwed(t.Context())
	if n := counted(t, h, "caddy_scim_disables_undone_total"); n[""] != 0 || len(owing.of(h.Name)) != 1 {
		t.Errorf("undone %v, owed %v", n, owing.of(h.Name))
	}
	s.enableLate()
	h.proveOwed(t.Context())
	if n := counted(t, h, "caddy_scim_disables_undone_total"); n[""] != 1 || s.isActive(t, "ada") {
		t.Errorf("undone %v, active %t", n, s.isActive(t, "ada"))
	}
	afterwards(h)
	h.proveOwed(t.Context())
	if len(owing.of(h.Name)) != 0 {
		t.Error("the proof is owed still")
	}
	var disabled []journal.Entry
	for _, e := range r.entries(t) {
		if e.Operation == journal.OperationDisable {
			disabled = append(disabled, e)
		}
	}
	if len(disabled) != 2 || disabled[0].Proof != "proven" || !strings.Contains(disabled[0].Note, "proven again") ||
		disabled[1].Proof != "proven" || disabled[1].Caller != "scimgate" || disabled[1].Why == "" {
		t.Errorf("the journal has %+v", disabled)
	}
}

// Who is enabled on purpose before the proof is made is left alone.
func TestWhoIsEnabledOnPurposeStaysEnabled(t *testing.T) {
	t.Run("here", func(t *testing.T) {
		s, h, r := lateStore(t)
		s.isDisabledUnproven(t, h, r)
		if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, strings.Replace(disableAda, "False", "True", 1)); answer.Code != 200 {
			t.Fatalf("enabling: %d", answer.Code)
		}
		h.proveOwed(t.Context())
		if !s.isActive(t, "ada") || len(owing.of(h.Name)) != 0 {
			t.Errorf("active: %t, owed: %v", s.isActive(t, "ada"), owing.of(h.Name))
		}
	})
	t.Run("by another gateway", func(t *testing.T) {
		s, h, r := lateStore(t)
		s.isDisabledUnproven(t, h, r)
		r.left(t, h, journal.Entry{ID: "other-1", Operation: operationEnable, Resource: userID, Result: journal.Applied, Time: time.Now().Add(time.Second)})
		s.enableLate()
		h.proveOwed(t.Context())
		if !s.isActive(t, "ada") || len(owing.of(h.Name)) != 0 {
			t.Errorf("active: %t, owed: %v", s.isActive(t, "ada"), owing.of(h.Name))
		}
	})
}

// A process that dies before the proof leaves it to the next.
func TestOwedProofIsLeftToTheNext(t *testing.T) {
	s, h, r := lateStore(t)
	s.isDisabledUnproven(t, h, r)
	o := owing.take(h.keyOf(users, userID)) // which the next does not know
	o.leave()
	if left, err := h.resolve(t.Context()); left != 0 || err != nil {
		t.Fatalf("%d are left, %v", left, err)
	}
	if e := r.entries(t); e[len(e)-1].Proof != "proven" {
		t.Errorf("the journal has %+v", e[len(e)-1])
	}
}

// Another gateway has let know that a write of it may come late.
func TestALateWriteOfAnotherGateway(t *testing.T) {
	s := holds()
	s.comesLate = true
	h, _ := newHandler(t, s, func(h *Handler) { h.sharer = &sharing{isLate: true} })
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda); answer.Code != 200 || answer.Header().Get(proofHeader) != "unprovable" {
		t.Errorf("answered %d, %q", answer.Code, answer.Header().Get(proofHeader))
	}
	if owing.take(h.keyOf(users, userID)) == nil {
		t.Error("no proof is owed")
	}
}

// A disable does not wait for a request that hangs. It goes on, is made again when that one
// has ended, and only then is proven.
func TestADisableBesideAnotherWrite(t *testing.T) {
	for name, test := range map[string]struct {
		timeout time.Duration
		hangs   bool // for good
		proof   string
	}{
		"that ends":    {20 * time.Second, false, ""},
		"that goes on": {disableWaits + 500*time.Millisecond, true, "unprovable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := holds()
			s.comesLate = true
			h, logs := newHandler(t, s, func(h *Handler) { h.Timeout = caddy.Duration(test.timeout) })
			unlock, err := locks.lock(context.Background(), h.Name, "User", userID)
			if err != nil {
				t.Fatal(err)
			}
			var once sync.Once
			undo := func() { // what was read before is written back
				s.enableLate()
				if !test.hangs {
					unlock()
				}
			}
			s.proofs = func() { once.Do(undo) }
			answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda)
			if answer.Code != 200 || answer.Header().Get(proofHeader) != test.proof {
				t.Errorf("answered %d, %q", answer.Code, answer.Header().Get(proofHeader))
			}
			if logs.FilterMessageSnippet("does not wait").Len() != 1 {
				t.Error("the log says nothing")
			}
			if !test.hangs {
				if s.isActive(t, "ada") || len(s.writes) != 2 || len(owing.of(h.Name)) != 0 {
					t.Errorf("active: %t, written %q, owed %v", s.isActive(t, "ada"), s.writes, owing.of(h.Name))
				}
				return
			}
			if len(owing.of(h.Name)) != 1 {
				t.Fatal("no proof is owed")
			}
			unlock()
			h.proveOwed(t.Context())
			if s.isActive(t, "ada") {
				t.Error("the account is active")
			}
			owing.take(h.keyOf(users, userID))
		})
	}
}

// What may come late is remembered within a bound; behind it all of them count as such.
func TestLateWritesAreBounded(t *testing.T) {
	table := lateTable{until: make(map[string]time.Time)}
	past, soon := time.Now().Add(-time.Second), time.Now().Add(time.Hour)
	for i := range mostLate {
		table.note(strings.Repeat("x", i%100)+string(rune(i)), past)
	}
	table.note("ada", soon)
	if !table.end("ada").Equal(soon) || table.end("grace").After(time.Now()) || len(table.until) > 1 {
		t.Errorf("%d are remembered", len(table.until))
	}
	for i := range mostLate {
		table.note(string(rune(i)), soon)
	}
	if table.end("grace").Before(soon) || len(table.until) > mostLate {
		t.Errorf("of %d, somebody is forgotten", len(table.until))
	}
}

// Two renames to one name, and a create of it, are made one after the other.
func TestARenameLocksTheNewName(t *testing.T) {
	h, _ := newHandler(t, holds(), func(h *Handler) { h.Timeout = caddy.Duration(50 * time.Millisecond) })
	unlock, err := locks.lock(t.Context(), h.Name, "User", "new", "GRACE")
	if err != nil {
		t.Fatal(err)
	}
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, renameAda); answer.Code != http.StatusGatewayTimeout {
		t.Errorf("while somebody creates that name: %d", answer.Code)
	}
	unlock()
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, renameAda); answer.Code != 200 {
		t.Errorf("behind it: %d", answer.Code)
	}
}

// Of a backend that shows later what was written, other gateways are kept away for as long.
func TestSharedLocksAreHeldUntilAWriteShows(t *testing.T) {
	s, shared := holds(), new(sharing)
	s.lag = 20 * time.Millisecond
	h, _ := newHandler(t, s, func(h *Handler) { h.sharer = shared })
	began := time.Now()
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, setTitle); answer.Code != 200 {
		t.Fatalf("answered %d", answer.Code)
	}
	for shared.locks() > 0 {
		time.Sleep(time.Millisecond)
	}
	if held := time.Since(began); held < s.lag {
		t.Errorf("held for %s", held)
	}
	if !slices.Equal(shared.asked, []string{h.keyOf(users, userID)}) {
		t.Errorf("asked for %q", shared.asked)
	}
}
