package rest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scimgate/scimgate/translators"
)

// busyApp answers that it is busy, in its own words, and tells in the body how long.
func busyApp(t *testing.T, lines string, seconds string) (tr *Translator, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"errors":[{"message":"throttled","extensions":{"retryAfter":` + seconds + `}}]}`))
	}))
	t.Cleanup(server.Close)
	return provision(t, "rest "+server.URL+` {
		error errors.0.message
		busy when `+"`has(body.errors)`"+`
		`+lines+`
		users {
			map userName login
			search GET /users?login={userName}
			read GET /users/{id}
			create POST /users
		}
	}`), asked
}

// TestRetryAfterInTheBody: the seconds that an answer tells in its body are waited for, and
// are what the provider is told.
func TestRetryAfterInTheBody(t *testing.T) {
	for seconds, want := range map[string]time.Duration{"40": 40 * time.Second, "40.5": 40500 * time.Millisecond, `"40"`: 40 * time.Second, "1e300": time.Hour} {
		tr, asked := busyApp(t, "timeout 5s\nretry_after errors.0.extensions.retryAfter", seconds)
		_, err := lookUp(t.Context(), tr, "ada")
		e, is := errors.AsType[*translators.Error](err)
		if !is || e.Kind != translators.Unavailable || e.RetryAfter != want || asked.Load() != 1 {
			t.Errorf("%s: asked %d times, %#v", seconds, asked.Load(), err)
		}
		if is && e.Detail != `The application is busy: "throttled"` {
			t.Errorf("it says %s", e.Detail)
		}
	}
	for _, seconds := range []string{`"soon"`, "null", "-7", "{}"} {
		tr, _ := busyApp(t, "retries off\nretry_after errors.0.extensions.retryAfter", seconds)
		_, err := lookUp(t.Context(), tr, "ada")
		if e, is := errors.AsType[*translators.Error](err); !is || e.Kind != translators.Unavailable || e.RetryAfter != 0 {
			t.Errorf("%s: %#v", seconds, err)
		}
	}
}

// TestBusyUntilTheEnd: an application that is busy all the time is called busy, and who waits
// for more than one request hears of it.
func TestBusyUntilTheEnd(t *testing.T) {
	tr, _ := busyApp(t, "retries 10\ntimeout 250ms", "0")
	var noted error
	ctx := translators.WithBusy(t.Context(), func(err error) { noted = err })
	for what, do := range map[string]func(context.Context) error{
		"read": func(ctx context.Context) error { _, err := lookUp(ctx, tr, "ada"); return err },
		"create": func(ctx context.Context) error {
			plan, err := tr.Plan(ctx, creation(person(tr, "ada")))
			if err != nil {
				return err
			}
			return translators.Execute(ctx, plan).Err
		},
	} {
		err := do(ctx)
		e, is := errors.AsType[*translators.Error](err)
		if !is || e.Kind != translators.Unavailable || e.Detail != `The application is busy: "throttled"` {
			t.Errorf("%s: %v", what, err)
		}
	}
	if noted == nil || !strings.Contains(noted.Error(), "throttled") {
		t.Errorf("the host has heard %v", noted)
	}
}
