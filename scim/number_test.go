package scim

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestCheckNumber(t *testing.T) {
	for _, s := range []string{
		"0", "-0", "7", "-17", "10", "0.5", "-0.5", "1.50", "1e3", "1E+3", "1e-3", "12.5e0", "1e999999999999",
		"", "-", "+1", "01", "-01", ".5", "5.", "1.e3", "1e", "1e+", "e3", "0x1", "1_000", "1 ", " 1", "Infinity", "NaN", "1.2.3", "１",
	} {
		isNumber, isInteger := checkNumber(s)
		// A space around is no part of a number, though json has it.
		if want := json.Valid([]byte(s)) && strings.TrimSpace(s) == s; isNumber != want {
			t.Errorf("%q: got %t, want %t", s, isNumber, want)
		}
		if want := isNumber && !strings.ContainsAny(s, ".eE"); isInteger != want {
			t.Errorf("%q as an integer: got %t, want %t", s, isInteger, want)
		}
	}
}

func TestCompareNumbers(t *testing.T) {
	// Those in one group are worth the same; each group is worth more than those
	// before it.
	groups := [][]string{
		{"-1e99999999999999999999", "-1e2147483647"},
		{"-100", "-1e2", "-0.1e3", "-100.00"},
		{"-99.9"},
		{"-0.001", "-1e-3"},
		{"0", "-0", "0.00", "0e5", "-0e-99999999999999999999"},
		{"1e-2147483648", "1e-99999999999999999999"},
		{"0.1", "1e-1", "0.10"},
		{"0.11"},
		{"9.999999999999999999999"},
		{"10", "1e1", "1E+1", "10.0", "100e-1", "0.0010e4"},
		{"9007199254740992"},
		{"9007199254740993"}, // a float64 has it equal to the one before
		{"123456789012345678901234567890"},
		{"1e999999999"},
	}
	for i, x := range groups {
		for j, y := range groups {
			for _, a := range x {
				for _, b := range y {
					got := compareNumbers(a, b)
					switch {
					case i < j && got >= 0, i > j && got <= 0, i == j && got != 0:
						t.Errorf("%s compared with %s: got %d", a, b, got)
					}
				}
			}
		}
	}
}

func TestCompareNumbersIsBounded(t *testing.T) {
	done := make(chan int)
	go func() { done <- compareNumbers("1e2147483647", "1e-2147483648") }()
	select {
	case got := <-done:
		if got <= 0 {
			t.Errorf("got %d", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a large exponent is expanded")
	}
}
