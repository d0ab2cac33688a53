//go:build !race

package scim

import "testing"

// TestCosts holds that decoding, filtering and encoding take no more allocations
// than they did: a regression is seen without timing anything. The race detector
// makes allocations of its own, so that it runs without.
func TestCosts(t *testing.T) {
	for _, c := range costs(t) {
		t.Run(c.name, func(t *testing.T) {
			var err error
			got := testing.AllocsPerRun(20, func() {
				if e := c.run(); e != nil {
					err = e
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if got > c.ceiling {
				t.Errorf("%v allocations, more than %v: see where they come from with go test -run xxx -bench Costs -memprofile mem ./scim", got, c.ceiling)
			}
		})
	}
}
