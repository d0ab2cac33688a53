package rest

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// The formats of times that have a name.
const (
	timeRFC3339 = "rfc3339"
	timeUnix    = "unix"
	timeUnixMS  = "unix_ms"
)

// timeCodec writes a dateTime as the application has it.
type timeCodec struct {
	format string
	zone   *time.Location // where the format says none
	as     string
}

func newTimeCodec(c MapConfig, a *scim.Attribute, as string) (translators.Codec, error) {
	if a.Type != scim.TypeDateTime {
		return nil, fmt.Errorf("time is for dates and times, and this is of the type %s: remove it", a.Type)
	}
	codec := timeCodec{format: c.Format, zone: time.UTC, as: as}
	isSeconds := c.Format == timeUnix || c.Format == timeUnixMS
	switch {
	case as == asBoolean, as == asNumber && c.Format == timeRFC3339:
		return nil, fmt.Errorf("a time as %s can't be %s: remove as", c.Format, as)
	case isSeconds && as == "":
		codec.as = asNumber
	case as == "":
		codec.as = asString
	}
	if c.Zone != "" {
		if isSeconds {
			return nil, fmt.Errorf("%s counts from 1970 in UTC: remove the time zone %s", c.Format, c.Zone)
		}
		zone, err := time.LoadLocation(c.Zone)
		if err != nil {
			return nil, fmt.Errorf("there is no time zone %s: name one such as Europe/Berlin", c.Zone)
		}
		codec.zone = zone
	}
	if !isSeconds && c.Format != timeRFC3339 {
		// What is no layout is written as it stands, for every time alike.
		a, b := time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC), time.Date(2022, 11, 20, 19, 48, 57, 8, time.UTC)
		if a.Format(c.Format) == b.Format(c.Format) {
			return nil, fmt.Errorf("time %s is no layout: write rfc3339, unix, unix_ms, or how 2 January 2006, 15:04:05 stands there, such as 2006-01-02", c.Format)
		}
	}
	return codec, nil
}

var errTimeLost = scim.Invalid(scim.InvalidValue, "the application keeps times less exactly, so that this one would not come back: send it without what is smaller")

// Encode implements translators.Codec.
func (c timeCodec) Encode(v scim.Value) (string, error) {
	t, err := scim.ParseDateTime(v.Text())
	if err != nil || v.Kind() != scim.KindString {
		return "", scim.Invalid(scim.InvalidValue, "expected a date and time such as 2011-05-13T04:42:34Z")
	}
	text := ""
	switch c.format {
	case timeUnix:
		if t.Nanosecond() != 0 {
			return "", errTimeLost
		}
		text = fmt.Sprint(t.Unix())
	case timeUnixMS:
		if t.Nanosecond()%int(time.Millisecond) != 0 {
			return "", errTimeLost
		}
		text = fmt.Sprint(t.UnixMilli())
	case timeRFC3339:
		if text = v.Text(); !isRFC3339(text) {
			text = t.In(c.zone).Format(time.RFC3339Nano)
		}
	default:
		text = t.In(c.zone).Format(c.format)
	}
	raw, err := literal(text, c.as)
	if err != nil {
		return "", err
	}
	back, err := c.Decode(raw)
	if err != nil || !sameTime(back, v) {
		return "", errTimeLost
	}
	return raw, nil
}

func isRFC3339(text string) bool {
	_, err := time.Parse(time.RFC3339Nano, text)
	return err == nil
}

// sameTime reports whether two dateTimes are the same instant.
func sameTime(v, w scim.Value) bool {
	a, errA := scim.ParseDateTime(v.Text())
	b, errB := scim.ParseDateTime(w.Text())
	return errA == nil && errB == nil && a.Equal(b)
}

// Decode implements translators.Codec.
func (c timeCodec) Decode(raw string) (scim.Value, error) {
	text, err := scalarText(raw)
	if err != nil || text == "" {
		return scim.Value{}, err
	}
	var t time.Time
	switch c.format {
	case timeUnix:
		t, err = epoch(text, time.Second)
	case timeUnixMS:
		t, err = epoch(text, time.Millisecond)
	case timeRFC3339:
		if isRFC3339(text) {
			return scim.String(text), nil
		}
		t, err = parseTime(text, c.zone)
	default:
		t, err = time.ParseInLocation(c.format, text, c.zone)
	}
	if err != nil || t.Year() < 0 || t.Year() > 9999 {
		return scim.Value{}, fmt.Errorf("it is no time of the format %s", c.format)
	}
	return scim.String(t.Format(time.RFC3339Nano)), nil
}

// IsText implements translators.Codec.
func (timeCodec) IsText() bool { return false }

var errNoTime = errors.New("it is no time")

// epoch reads what counts units since 1970.
func epoch(text string, unit time.Duration) (time.Time, error) {
	r := rational(text)
	if r == nil || !isNumber(text) {
		return time.Time{}, errNoTime
	}
	r.Mul(r, new(big.Rat).SetInt64(int64(unit)))
	nanoseconds := new(big.Int).Quo(r.Num(), r.Denom())
	seconds, rest := new(big.Int).DivMod(nanoseconds, big.NewInt(int64(time.Second)), new(big.Int))
	if !seconds.IsInt64() || seconds.BitLen() > 40 {
		return time.Time{}, errNoTime
	}
	return time.Unix(seconds.Int64(), rest.Int64()).UTC(), nil
}

// layouts are those in which times are read as well that should be in RFC 3339.
var layouts = []string{"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02",
	"2006-01-02T15:04:05-0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", time.RFC1123, time.RFC1123Z}

func parseTime(text string, zone *time.Location) (time.Time, error) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errNoTime
}
