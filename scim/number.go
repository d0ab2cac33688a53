package scim

import (
	"math"
	"strconv"
	"strings"
)

// checkNumber reports whether s is a JSON number (RFC 8259 §6), and whether it
// is one without fraction and exponent.
func checkNumber(s string) (isNumber, isInteger bool) {
	s = strings.TrimPrefix(s, "-")
	whole := countDigits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false, false
	}
	s = s[whole:]
	if s == "" {
		return true, true
	}
	if s[0] == '.' {
		n := countDigits(s[1:])
		if n == 0 {
			return false, false
		}
		s = s[1+n:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := countDigits(s)
		if n == 0 {
			return false, false
		}
		s = s[n:]
	}
	return s == "", false
}

// countDigits returns how many digits s starts with.
func countDigits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// compareNumbers compares two JSON numbers by what they are worth: 1e1 is 10.0.
// It neither rounds nor expands: 1e999999999 costs what 1 costs.
func compareNumbers(x, y string) int {
	a, b := readDecimal(x), readDecimal(y)
	if a.sign != b.sign {
		return a.sign - b.sign
	}
	if a.exponent != b.exponent {
		if a.exponent < b.exponent {
			return -a.sign
		}
		return a.sign
	}
	return a.sign * strings.Compare(a.digits, b.digits)
}

// decimal is sign × 0.digits × 10^exponent, without zeros at either end of
// digits. Zero has the sign 0.
type decimal struct {
	sign     int
	digits   string
	exponent int64
}

func readDecimal(s string) decimal {
	sign := 1
	if rest, isNegative := strings.CutPrefix(s, "-"); isNegative {
		sign, s = -1, rest
	}
	var exponent int64
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		// Beyond 32 bits all exponents are as good as infinite.
		e, err := strconv.ParseInt(s[i+1:], 10, 32)
		if err != nil {
			e = math.MaxInt32
			if strings.HasPrefix(s[i+1:], "-") {
				e = math.MinInt32
			}
		}
		exponent, s = e, s[:i]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	digits := whole + fraction
	significant := strings.TrimLeft(digits, "0")
	exponent += int64(len(whole) - (len(digits) - len(significant)))
	significant = strings.TrimRight(significant, "0")
	if significant == "" {
		return decimal{}
	}
	return decimal{sign, significant, exponent}
}
