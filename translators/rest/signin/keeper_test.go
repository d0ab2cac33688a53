package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// opener counts the attempts to sign in.
type opener struct {
	attempts atomic.Int64
	takes    time.Duration
	life     time.Duration // 0: for ever
	fails    func(n int64) error
}

func (o *opener) open(ctx context.Context) (*session, error) {
	n := o.attempts.Add(1)
	select {
	case <-time.After(o.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if o.fails != nil {
		if err := o.fails(n); err != nil {
			return nil, err
		}
	}
	s := &session{token: fmt.Sprint("t", n)}
	if o.life > 0 {
		s.until = time.Now().Add(o.life)
	}
	return s, nil
}

// signedWith is a request that was signed with the session.
func signedWith(t *testing.T, k *keeper, s *session) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://app.internal/", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.note(r, k)
	return r
}

func TestOneAttemptForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{takes: time.Second}
		k := newKeeper(o.open)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				s, err := k.get(t.Context())
				if err != nil || s.token != "t1" {
					t.Errorf("%v, %v", s, err)
				}
				// All are refused at once, and sign in together.
				if !k.refused(signedWith(t, k, s)) {
					t.Error("no new session after a refusal")
				}
				s, err = k.get(t.Context())
				if err != nil || s.token != "t2" {
					t.Errorf("%v, %v", s, err)
				}
			})
		}
		all.Wait()
		if n := o.attempts.Load(); n != 2 {
			t.Errorf("%d attempts, want 2", n)
		}
	})
}

// A request that gives up does not take away the attempt that others wait for.
func TestAttemptOutlivesItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{takes: time.Minute / 2}
		k := newKeeper(o.open)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := k.get(ctx)
		if fault, is := errors.AsType[*web.Error](err); !is || fault.Reason != "sign_in" || !errors.Is(err, context.DeadlineExceeded) || fault.MaybeSent {
			t.Errorf("%#v", err)
		}
		if s, err := k.get(t.Context()); err != nil || s.token != "t1" || o.attempts.Load() != 1 {
			t.Errorf("%v, %v, %d attempts", s, err, o.attempts.Load())
		}
	})
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{life: time.Hour}
		k := newKeeper(o.open)
		for i, want := range []string{"t1", "t1", "t2", "t2"} {
			if s, err := k.get(t.Context()); err != nil || s.token != want {
				t.Errorf("%d: %v, %v, want %s", i, s, err, want)
			}
			time.Sleep(time.Hour / 2)
		}
	})
}

// A wrong password is not tried with each request: most applications would lock the
// account.
func TestRefusedAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{fails: func(int64) error { return refusal{errors.New("wrong password")} }}
		k := newKeeper(o.open)
		var at []time.Duration
		began := time.Now()
		for before := int64(0); time.Since(began) < time.Hour; time.Sleep(time.Second) {
			_, err := k.get(t.Context())
			fault, is := errors.AsType[*web.Error](err)
			if !is || fault.Reason != "sign_in" || fault.RetryAfter <= 0 || !strings.Contains(err.Error(), "wrong password") {
				t.Fatalf("%#v", err)
			}
			if n := o.attempts.Load(); n != before {
				before = n
				at = append(at, time.Since(began))
			}
		}
		want := []time.Duration{0, time.Minute, 4 * time.Minute, 13 * time.Minute, 28 * time.Minute, 43 * time.Minute, 58 * time.Minute}
		if fmt.Sprint(at) != fmt.Sprint(want) {
			t.Errorf("attempts at %v, want %v", at, want)
		}
	})
}

// A fault is soon over, and a fault after faults is waited for no longer than seconds.
func TestFaultsOfAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{fails: func(n int64) error {
			switch {
			case n < 10:
				return errors.New("connection refused")
			case n == 10:
				return &web.Error{Reason: "busy", RetryAfter: 40 * time.Second, Err: errors.New("429")}
			}
			return nil
		}}
		k := newKeeper(o.open)
		began := time.Now()
		for {
			_, err := k.get(t.Context())
			if err == nil {
				break
			}
			fault, _ := errors.AsType[*web.Error](err)
			if most := faultPauseMax; fault.RetryAfter > most && o.attempts.Load() != 10 {
				t.Fatalf("waits %s", fault.RetryAfter)
			}
			time.Sleep(fault.RetryAfter)
		}
		if took := time.Since(began); o.attempts.Load() != 11 || took != 130*time.Second {
			t.Errorf("signed in after %s and %d attempts", took, o.attempts.Load())
		}
		if k.faults != 0 {
			t.Error("failures are remembered after success")
		}
	})
}

// A disable does not wait behind a fault, which counts against nobody. Behind a refusal it
// does: one more may lock the gateway's account.
func TestDisablesDoNotWaitBehindFaults(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		passes bool
	}{
		"a fault":   {errors.New("connection refused"), true},
		"a refusal": {refusal{errors.New("no")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := &opener{fails: func(n int64) error {
				if n == 1 {
					return test.err
				}
				return nil
			}}
			k := newKeeper(o.open)
			for range 2 {
				if _, err := k.get(t.Context()); err == nil {
					t.Fatal("it is not waited")
				}
			}
			if _, err := k.get(translators.Urgent(t.Context())); (err == nil) != test.passes || o.attempts.Load() != map[bool]int64{true: 2, false: 1}[test.passes] {
				t.Errorf("a disable: %v after %d attempts", err, o.attempts.Load())
			}
		})
	}
}

// Faults in between neither shorten nor lengthen what is waited for after refusals.
func TestFaultsBetweenRefusals(t *testing.T) {
	k := newKeeper(nil)
	fault, refused := errors.New("connection refused"), fmt.Errorf("signing in: %w", refusal{errors.New("no")})
	var got []time.Duration
	for _, err := range []error{fault, fault, fault, refused, fault, refused, fault, fault} {
		got = append(got, k.pauseAfter(err))
	}
	want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, time.Minute, time.Second, 3 * time.Minute, time.Second, 2 * time.Second}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A password that was put right is tried at once.
func TestNewSecretEndsThePause(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong")
	password, err := newSecret("password", "{file."+file+"}")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		o := new(opener)
		o.fails = func(int64) error {
			if password.get() != "right" {
				return refusal{errors.New("wrong password")}
			}
			return nil
		}
		k := newKeeper(o.open, password)
		for range 3 {
			if _, err := k.get(t.Context()); err == nil {
				t.Fatal("signed in with a wrong password")
			}
		}
		if n := o.attempts.Load(); n != 1 {
			t.Errorf("%d attempts with the same password", n)
		}
		write("right")
		if _, err := k.get(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// An application that refuses each session is not signed in to with each request; one
// whose sessions are short is signed in to as often as it takes.
func TestRefusesSessions(t *testing.T) {
	tests := []struct {
		name        string
		isGood      bool
		least, most int64 // sessions in a minute
	}{{"all", false, 10, 13}, {"after one request", true, 115, 122}}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			o := new(opener)
			k := newKeeper(o.open)
			for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
				s, err := k.get(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				r := signedWith(t, k, s)
				if test.isGood {
					k.answered(r, &web.Response{Status: 200})
				}
				k.answered(r, &web.Response{Status: 403})
				k.refused(r)
			}
			if n := o.attempts.Load(); n < test.least || n > test.most {
				t.Errorf("%s: %d sessions in a minute", test.name, n)
			}
		})
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{takes: time.Second, life: time.Minute}
		k := newKeeper(o.open)
		var ended []string
		k.end = func(_ context.Context, s *session) error {
			ended = append(ended, s.token)
			return nil
		}
		if err := k.close(t.Context()); err != nil || len(ended) > 0 {
			t.Errorf("without a session: %v, %v", ended, err)
		}
		go k.get(t.Context())
		synctest.Wait()
		if err := k.close(t.Context()); err != nil || len(ended) != 1 || ended[0] != "t1" {
			t.Errorf("%v, %v: the session of an attempt that was under way is to be ended", ended, err)
		}
		if _, err := k.get(t.Context()); err != nil {
			t.Errorf("what still comes is not served: %v", err)
		}
		time.Sleep(time.Hour)
		if err := k.close(t.Context()); err != nil || len(ended) != 1 {
			t.Errorf("%v, %v: a session that is over is not ended", ended, err)
		}
	})
}
