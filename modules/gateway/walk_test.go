package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scimgate/scimgate/translators"
)

// walkOf returns what builds a walk of the ids, or fails with err.
func walkOf(ids []string, err error) func(context.Context) (*walk, error) {
	return func(context.Context) (*walk, error) {
		w := new(walk)
		for _, id := range ids {
			w.add(id)
		}
		w.sort(0)
		return w, err
	}
}

// A walk is not begun by the request's own goroutine: a panic there would end
// the process, and nobody could be disabled any more.
func TestPanicInAWalk(t *testing.T) {
	b := works()
	b.scan = func(func(string, error) bool) { panic("out of order") }
	h, _ := newHandler(t, b, nil)
	for range 2 {
		answer := ask(h, "GET", "/scim/v2/Users", "")
		if answer.Code != http.StatusInternalServerError || strings.Contains(answer.Body.String(), "out of order") {
			t.Errorf("answered %d %s", answer.Code, answer.Body)
		}
	}
	b.scan = func(yield func(string, error) bool) { yield(userID, nil) }
	if answer := ask(h, "GET", "/scim/v2/Users", ""); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), `"totalResults":1`) {
		t.Errorf("afterwards: %d %s", answer.Code, answer.Body)
	}
}

// The backend is also looked at from time to time, by nobody's request.
func TestPanicInACheck(t *testing.T) {
	b := works()
	b.check = func() { panic("out of order") }
	h, logs := newHandler(t, b, nil)
	h.checker.start(h)
	h.checker.stop()
	h.checker.run(t.Context(), h)
	if logs.FilterMessage("checking the backend panicked").Len() != 1 {
		t.Error("the panic is not in the log")
	}
	h.checker.stop()
}

// Whose walk it is does not depend on where a name ends and a filter begins.
func TestWalksAreKeptApart(t *testing.T) {
	ws := newWalks()
	begun, held := make(chan struct{}), make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() {
		w, err := ws.get(t.Context(), walkKey{"b c", "a"}, true, func(ctx context.Context) (*walk, error) {
			close(begun)
			<-held
			return walkOf([]string{"first"}, nil)(ctx)
		})
		if err != nil || !slices.Equal(w.slice(0, 9), []string{"first"}) {
			t.Errorf("the first walk: %v %v", w, err)
		}
	})
	<-begun
	w, err := ws.get(t.Context(), walkKey{"c", "a b"}, true, walkOf([]string{"second"}, nil))
	if err != nil || !slices.Equal(w.slice(0, 9), []string{"second"}) {
		t.Errorf("the second walk: %v %v", w, err)
	}
	close(held)
	both.Wait()
}

// Many who ask at once share a scan, and one who goes away takes it from nobody.
// A fault is told to all of them and kept for none.
func TestSharedWalk(t *testing.T) {
	ws := newWalks()
	key := walkKey{"", "entra"}
	var scans atomic.Int32
	held, begun := make(chan struct{}), make(chan struct{})
	var begin sync.Once
	scan := func(ctx context.Context) (*walk, error) {
		scans.Add(1)
		begin.Do(func() { close(begun) })
		<-held
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return walkOf([]string{"one"}, nil)(ctx)
	}
	impatient, leave := context.WithCancel(t.Context())
	var asking, leaving sync.WaitGroup
	leaving.Go(func() {
		if _, err := ws.get(impatient, key, true, scan); !errors.Is(err, context.Canceled) {
			t.Errorf("who went away was told %v", err)
		}
	})
	<-begun
	for range 20 {
		asking.Go(func() {
			if w, err := ws.get(t.Context(), key, false, scan); err != nil || w.len() != 1 {
				t.Errorf("a patient one: %v", err)
			}
		})
	}
	leave()
	leaving.Wait()
	close(held)
	asking.Wait()
	if n := scans.Load(); n != 1 {
		t.Errorf("%d scans", n)
	}
	fault := errors.New("the directory went away")
	if _, err := ws.get(t.Context(), key, true, walkOf([]string{"half"}, fault)); !errors.Is(err, fault) {
		t.Errorf("a fault was told as %v", err)
	}
	if w, err := ws.get(t.Context(), key, false, walkOf(nil, fault)); err != nil || !slices.Equal(w.slice(0, 9), []string{"one"}) {
		t.Errorf("after a fault: %v %v", w, err)
	}
}

// What nobody pages through any more is not held in memory.
func TestWalksExpire(t *testing.T) {
	ws := newWalks()
	key := walkKey{"", "entra"}
	if _, err := ws.get(t.Context(), key, true, walkOf([]string{"one"}, nil)); err != nil {
		t.Fatal(err)
	}
	ws.expire()
	if len(ws.kept) != 1 || ws.expiry == nil {
		t.Error("a walk that is in use was forgotten")
	}
	ws.now = func() time.Time { return time.Now().Add(2 * walkLife) }
	ws.expire()
	if len(ws.kept) != 0 || ws.expiry != nil {
		t.Error("a walk that nobody uses is kept")
	}
}

// TestWalkThatIsKeptWaiting: who has no time left for a walk hears that the backend is busy.
func TestWalkThatIsKeptWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	release, ended := make(chan struct{}), make(chan struct{})
	ws := newWalks()
	busy := &translators.Error{Kind: translators.Unavailable, Detail: "The application is busy.", RetryAfter: 7 * time.Second}
	_, err := ws.get(ctx, walkKey{}, false, func(building context.Context) (*walk, error) {
		defer close(ended)
		translators.NoteBusy(building, busy)
		cancel()
		<-release
		return walkOf(nil, nil)(building)
	})
	close(release)
	<-ended
	if !errors.Is(err, busy) {
		t.Errorf("got %v", err)
	}
}
