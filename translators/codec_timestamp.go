package translators

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/scimgate/scimgate/scim"
)

// timestampCodec is dateTime in SCIM (RFC 7643 §2.3.5) and generalized time in
// the backend (RFC 4517 §3.3.13). Both can say the same with the same digits,
// fraction and offset included, so that a value comes back to the letter and not
// merely as the same instant: 2011-05-13T04:42:34.120+02:00 is
// 20110513044234.120+0200.
type timestampCodec struct{}

var (
	// exactly those dateTimes that have a counterpart digit by digit
	dateTime = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)T((?:[01]\d|2[0-3])):(\d\d):(\d\d)(\.\d+)?(?:(Z)|([+-]\d\d):(\d\d))$`)
	// year, month, day, hour, then optionally minute and second; fraction; zone
	generalizedTime = regexp.MustCompile(`^(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)?)?(?:[.,](\d+))?(?:(Z)|([+-]\d\d)(\d\d)?)$`)
)

// Encode writes what has no counterpart digit by digit (no zone, 24:00:00, a
// space for the T) as the same instant in UTC.
func (timestampCodec) Encode(v scim.Value) (string, error) {
	t, err := scim.ParseDateTime(v.Text())
	if err != nil || v.Kind() != scim.KindString {
		return "", scim.Invalid(scim.InvalidValue, "expected a date and time such as 2011-05-13T04:42:34Z")
	}
	text := strings.TrimSpace(v.Text())
	if !dateTime.MatchString(text) {
		text = t.UTC().Format(time.RFC3339Nano)
	}
	p := dateTime.FindStringSubmatch(text)
	if p == nil { // the instant is before the year 0 or after 9999 in UTC
		return "", scim.Invalid(scim.InvalidValue, "the year is out of range")
	}
	return strings.Join(p[1:], ""), nil
}

// Decode reads the short forms too; what is left out of minute and second is
// counted from the fraction of what stands before it.
func (timestampCodec) Decode(raw string) (scim.Value, error) {
	p := generalizedTime.FindStringSubmatch(raw)
	if p == nil {
		return scim.Value{}, errNotGeneralizedTime
	}
	year, month, day, hour, minute, second, fraction := p[1], p[2], p[3], p[4], p[5], p[6], p[7]
	switch {
	case second != "" && fraction != "":
		second += "." + fraction
	case second == "":
		unit := time.Minute
		if minute == "" {
			minute, unit = "00", time.Hour
		}
		rest := partOf(unit, fraction)
		if unit == time.Hour {
			minute = twoDigits(int(rest / time.Minute))
			rest %= time.Minute
		}
		second = twoDigits(int(rest / time.Second))
		if rest %= time.Second; rest > 0 {
			second += strings.TrimRight(strconv.FormatFloat(rest.Seconds(), 'f', 9, 64)[1:], "0")
		}
	}
	zone := p[8]
	if zone == "" {
		minutes := p[10]
		if minutes == "" {
			minutes = "00"
		}
		zone = p[9] + ":" + minutes
	}
	text := year + "-" + month + "-" + day + "T" + hour + ":" + minute + ":" + second + zone
	if _, err := scim.ParseDateTime(text); err != nil {
		return scim.Value{}, errNotGeneralizedTime
	}
	return scim.String(text), nil
}

func (timestampCodec) IsText() bool { return false }

var errNotGeneralizedTime = errors.New("it is no generalized time such as 20110513044234Z")

// partOf returns 0.digits of unit, to the nanosecond.
func partOf(unit time.Duration, digits string) time.Duration {
	var part time.Duration
	for _, d := range []byte(digits) {
		unit /= 10
		part += unit * time.Duration(d-'0')
	}
	return part
}

func twoDigits(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}
