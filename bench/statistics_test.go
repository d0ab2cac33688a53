package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	tests := []struct {
		values []float64
		want   float64
	}{
		{nil, math.NaN()},
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	}
	for _, test := range tests {
		given := slices.Clone(test.values)
		if got := median(test.values); got != test.want && !(math.IsNaN(got) && math.IsNaN(test.want)) {
			t.Errorf("median(%v) = %v, want %v", test.values, got, test.want)
		}
		if !slices.Equal(given, test.values) {
			t.Errorf("median has sorted its argument: %v", test.values)
		}
	}
}

func TestQuantile(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	tests := []struct {
		sorted []time.Duration
		q      float64
		want   time.Duration
	}{
		{nil, .5, 0},
		{[]time.Duration{7}, .01, 7},
		{[]time.Duration{7}, .99, 7},
		{hundred, .5, 50},
		{hundred, .99, 99},
		{hundred, .999, 100},
		{hundred, 1, 100},
		{hundred, 0, 1},
	}
	for _, test := range tests {
		if got := quantile(test.sorted, test.q); got != test.want {
			t.Errorf("quantile of %d values, %v: %v, want %v", len(test.sorted), test.q, got, test.want)
		}
	}
}

func TestRatios(t *testing.T) {
	got := ratios([]float64{1, 2, 3, 4}, []float64{2, 0, 4})
	if diff := cmp.Diff([]float64{.5, .75}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRotated(t *testing.T) {
	for n, want := range []string{"abc", "bca", "cab", "abc"} {
		if got := string(rotated([]byte("abc"), n)); got != want {
			t.Errorf("rotated by %d: %s, want %s", n, got, want)
		}
	}
	if got := rotated([]int(nil), 2); len(got) != 0 {
		t.Errorf("nothing, rotated: %v", got)
	}
}

func TestLoadStopsAtItsLimit(t *testing.T) {
	seen := make([]bool, 50)
	s := load{Clients: 1, Duration: time.Minute, Limit: len(seen)}.run(t.Context(), 1,
		func(_ context.Context, _, n int, _ *rand.Rand) error {
			seen[n] = true
			return nil
		})
	if s.Operations != len(seen) || len(s.Latencies) != len(seen) || s.Failure != "" || slices.Contains(seen, false) {
		t.Errorf("%d operations of %d, failure %q, seen %v", s.Operations, len(seen), s.Failure, seen)
	}
}

func TestLoadTellsFailure(t *testing.T) {
	s := load{Clients: 4, Duration: time.Minute}.run(t.Context(), 1,
		func(_ context.Context, _, n int, _ *rand.Rand) error {
			if n >= 10 {
				return errors.New("no such thing")
			}
			return nil
		})
	if s.Failure != "no such thing" || s.Operations != 10 {
		t.Errorf("%d operations, failure %q", s.Operations, s.Failure)
	}
}

func TestUsageParsesNamesWithBlanks(t *testing.T) {
	stat := "42 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 9"
	got, err := parseCPU(stat)
	if err != nil || got != 2*time.Second {
		t.Errorf("parseCPU: %v, %v; want 2s", got, err)
	}
	for _, broken := range []string{"", "42", "42 (x) S 1 2", "42 (x) S 1 2 3 4 5 6 7 8 9 10 x 50 0"} {
		if _, err := parseCPU(broken); err == nil {
			t.Errorf("parseCPU(%q): no error", broken)
		}
	}
}

func TestSizeFromStatus(t *testing.T) {
	status := "Name:\tbench\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n"
	for field, want := range map[string]float64{"VmHWM": 20, "VmRSS": 10} {
		if got, err := parseSize(status, field); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", field, got, err, want)
		}
	}
	if _, err := parseSize(status, "VmSwap"); err == nil {
		t.Error("a field that is not there: no error")
	}
}

func TestMetricsAreSummedByVerb(t *testing.T) {
	text := `# HELP caddy_scim_backend_calls_total Calls
caddy_scim_backend_calls_total{backend="ldap",gateway="bench",operation="search",result="ok"} 10
caddy_scim_backend_calls_total{backend="ldap",gateway="bench",operation="search",result="4"} 2
caddy_scim_backend_calls_total{backend="ldap",gateway="bench",operation="modify",result="ok"} 1.5e+01
caddy_scim_requests_total{operation="search"} 99
`
	want := map[string]float64{"search": 12, "modify": 15}
	if diff := cmp.Diff(want, parseCalls(text)); diff != "" {
		t.Error(diff)
	}
}
