package rehearse_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scimgate/scimgate/internal/rehearse"
)

// progress is a record of how far a load run is.
type progress struct {
	*record
	loading func(rehearse.Progress)
}

func (p *progress) Loading(g rehearse.Progress) {
	if p.loading != nil {
		p.loading(g)
	}
}

func TestLoad(t *testing.T) {
	r := newRecord()
	var out bytes.Buffer
	for _, report := range []rehearse.Reporter{r, rehearse.NewText(rehearse.TextOptions{Out: &out})} {
		o := options(gateway.TenantURL)
		o.Report, o.Load = report, &rehearse.Load{Users: 30, Clients: 8}
		if err := rehearse.Run(t.Context(), o); err != nil {
			t.Errorf("it ended with %v\n%s", err, out.String())
		}
	}
	l := r.summary.Load
	// A lookup before, the group with its confirmation, and ten requests a user.
	if l.Users != 30 || l.Requests != 3+30*10 || l.PerSecond <= 0 || len(l.Errors) != 0 {
		t.Errorf("it ended as %+v", l)
	}
	for _, latency := range r.summary.Latency {
		if latency.Operation == "disable" && (latency.Count != 30 || latency.Median <= 0 || latency.Median > latency.P95 || latency.P95 > latency.Max) {
			t.Errorf("latency %+v", latency)
		}
	}
	for _, want := range []string{"30 throw-away users, 8 at a time", "100 % 30 of 30 users", "✓ all 30 users went through everything."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
	nothingIsLeft(t)
}

// What goes wrong is counted by kind, and nothing is left behind.
func TestLoadCountsErrors(t *testing.T) {
	var disables, cuts atomic.Int64
	url := broken(t, defect{
		before: func(r *http.Request, body string) (*answer, string) {
			if r.Method == "PATCH" && strings.Contains(body, `"False"`) && disables.Add(1)%2 == 0 {
				a := new(answer)
				a.refuse(502, "", "not proven")
				return a, ""
			}
			return nil, body
		},
		after: func(r *http.Request, _ string, _ *answer) {
			if r.Method == "POST" && isUsers(r) && cuts.Add(1) == 3 {
				cut()
			}
		},
	})
	r := newRecord()
	o := options(url)
	o.Report, o.Load = r, &rehearse.Load{Users: 11, Clients: 4}
	if err := rehearse.Run(t.Context(), o); !errors.Is(err, rehearse.ErrMissing) {
		t.Errorf("it ended with %v", err)
	}
	want := "[{create the connection was closed before the answer was whole 1 } {disable 502 Bad Gateway 5 not proven}]"
	if got := fmt.Sprint(r.summary.Load.Errors); got != want || r.summary.Load.Users != 5 {
		t.Errorf("%d users, errors %s, want 5 and %s", r.summary.Load.Users, got, want)
	}
	nothingIsLeft(t)
}

// Without groups it goes on, and says so.
func TestLoadWithoutGroups(t *testing.T) {
	url := broken(t, defect{before: func(r *http.Request, body string) (*answer, string) {
		if isGroups(r) {
			a := new(answer)
			a.refuse(501, "", "no groups here")
			return a, ""
		}
		return nil, body
	}})
	r := newRecord()
	o := options(url)
	o.Report, o.Load = r, &rehearse.Load{Users: 2}
	if err := rehearse.Run(t.Context(), o); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if l := r.summary.Load; l.Users != 2 || !strings.Contains(l.Note, "without groups: POST /Groups was answered 501") {
		t.Errorf("it ended as %+v", l)
	}
	nothingIsLeft(t)
}

// A server that asks for too long a wait ends the run, which says so.
func TestLoadGivesUp(t *testing.T) {
	url := broken(t, defect{after: func(r *http.Request, body string, a *answer) {
		if strings.Contains(body, `"False"`) {
			a.refuse(503, "", "the brake holds")
			a.header = http.Header{"Retry-After": {"600"}}
		}
	}})
	r := newRecord()
	o := options(url)
	o.Report, o.Load = r, &rehearse.Load{Users: 500, Clients: 4}
	if err := rehearse.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the server asks to wait 10m0s: the brake holds") {
		t.Errorf("it ended with %v", err)
	}
	if r.summary.Load == nil || r.summary.Load.Requests > 100 {
		t.Errorf("it ended as %+v", r.summary.Load)
	}
	nothingIsLeft(t)
}

// Interrupted in the middle, with many under way, nothing is left behind.
func TestLoadIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var requests atomic.Int64
	url := broken(t, defect{before: func(_ *http.Request, body string) (*answer, string) {
		if requests.Add(1) == 60 {
			cancel()
		}
		return nil, body
	}})
	r := &progress{record: newRecord()}
	r.loading = func(g rehearse.Progress) {
		if g.Done > g.Users {
			t.Errorf("progress %+v", g)
		}
	}
	o := options(url)
	o.Report, o.Load = r, &rehearse.Load{Users: 1000, Clients: 10}
	if err := rehearse.Run(ctx, o); !errors.Is(err, rehearse.ErrInterrupted) {
		t.Errorf("it ended with %v", err)
	}
	if len(r.summary.Left) > 0 || len(r.summary.Load.Errors) > 0 {
		t.Errorf("left is %+v, errors are %+v", r.summary.Left, r.summary.Load.Errors)
	}
	for _, latency := range r.summary.Latency {
		if latency.Failed > 0 {
			t.Errorf("what was cut off here counts as failed there: %+v", latency)
		}
	}
	nothingIsLeft(t)
}
