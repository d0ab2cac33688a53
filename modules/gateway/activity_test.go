package gateway

import (
	"testing"
	"time"
)

// A credential that is used every 40 minutes, as by Entra, is silent after two hours
// without a use; one that was never used is not, nor one whose pause is short.
func TestIsSilent(t *testing.T) {
	for _, test := range []struct {
		idle, usual time.Duration
		want        bool
	}{
		{40 * time.Minute, 40 * time.Minute, false}, {2 * time.Hour, 40 * time.Minute, false}, {2*time.Hour + time.Second, 40 * time.Minute, true},
		{time.Hour, time.Minute, false}, {time.Hour + time.Second, time.Minute, true},
		{1000 * time.Hour, 0, false}, {60 * time.Hour, 48 * time.Hour, false},
	} {
		if got := isSilent(test.idle, test.usual); got != test.want {
			t.Errorf("idle for %s, usually %s: %v", test.idle, test.usual, got)
		}
	}
}
