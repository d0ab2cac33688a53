package scim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var errNotDateTime = errors.New("expected YYYY-MM-DDThh:mm:ss, then maybe a fraction and Z or an offset")

// ParseDateTime reads a dateTime (RFC 7643 §2.3.5: xsd:dateTime) and returns it
// in UTC. Beyond RFC 3339 it takes what clients send and XML Schema allows: no
// zone at all (then it is UTC), an offset without a colon, a fraction of any
// length (digits below a nanosecond are dropped), 24:00:00 as the end of a day.
// Years have four digits.
func ParseDateTime(text string) (time.Time, error) {
	t, ok := parseDateTime(strings.TrimSpace(text))
	if !ok {
		return time.Time{}, fmt.Errorf("reading the date and time %s: %w", shorten(text), errNotDateTime)
	}
	return t, nil
}

func parseDateTime(s string) (t time.Time, ok bool) {
	const layout = "0000-00-00T00:00:00"
	if len(s) < len(layout) {
		return t, false
	}
	for i, c := range []byte(layout) {
		switch {
		case c == '0' && isDigit(s[i]), c == s[i]:
		case c == 'T' && (s[i] == 't' || s[i] == ' '):
		default:
			return t, false
		}
	}
	number := func(from, to int) int {
		n, _ := strconv.Atoi(s[from:to]) // digits: checked above
		return n
	}
	year, month, day := number(0, 4), number(5, 7), number(8, 10)
	hour, minute, second := number(11, 13), number(14, 16), number(17, 19)
	nanosecond, s, ok := cutFraction(s[len(layout):])
	if !ok {
		return t, false
	}
	offset, ok := parseZone(s)
	if !ok || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || minute > 59 ||
		second > 60 || // 60 is a leap second
		hour > 24 || hour == 24 && (minute > 0 || second > 0 || nanosecond > 0) {
		return t, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanosecond, time.UTC)
	return t.Add(-offset), true
}

// cutFraction takes a fraction of a second from the front of s.
func cutFraction(s string) (nanosecond int, rest string, ok bool) {
	if !strings.HasPrefix(s, ".") {
		return 0, s, true
	}
	n := countDigits(s[1:])
	if n == 0 {
		return 0, s, false
	}
	digits := s[1 : 1+n]
	for i := range 9 {
		nanosecond *= 10
		if i < len(digits) {
			nanosecond += int(digits[i] - '0')
		}
	}
	return nanosecond, s[1+n:], true
}

// parseZone reads "", Z, +hh:mm or +hhmm.
func parseZone(s string) (offset time.Duration, ok bool) {
	if s == "" || s == "Z" || s == "z" {
		return 0, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	digits := s[1:]
	if len(digits) == 5 && digits[2] == ':' {
		digits = digits[:2] + digits[3:]
	}
	if len(digits) != 4 || countDigits(digits) != 4 {
		return 0, false
	}
	n, _ := strconv.Atoi(digits) // digits: checked above
	hours, minutes := n/100, n%100
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
