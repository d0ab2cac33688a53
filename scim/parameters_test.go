package scim

import (
	"math"
	"testing"
)

func TestWholeNumber(t *testing.T) {
	for text, want := range map[string]int{
		"0": 0, "-0": 0, "+7": 7, "10": 10, "10.0": 10, "1e2": 100, "-5": -5, "-5.0e0": -5,
		"99999999999999999999": math.MaxInt, "-99999999999999999999": math.MinInt,
		"1e400": math.MaxInt, "-1e400": math.MinInt, "9223372036854775807": math.MaxInt,
	} {
		if got, ok := wholeNumber(text); !ok || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "1.5", "ten", "1_000", "0x10", "1e-1", "NaN", "Inf", "true", "[1]", "1 2"} {
		if got, ok := wholeNumber(text); ok {
			t.Errorf("%s is taken for %d", text, got)
		}
	}
}
