package scim

import (
	"strings"
	"testing"
	"time"
)

func TestParseDateTime(t *testing.T) {
	utc := func(year int, month time.Month, day, hour, minute, second, nanosecond int) time.Time {
		return time.Date(year, month, day, hour, minute, second, nanosecond, time.UTC)
	}
	for text, want := range map[string]time.Time{
		"2011-05-13T04:42:34Z":                                   utc(2011, 5, 13, 4, 42, 34, 0),
		"2018-03-27T19:59:26.000Z":                               utc(2018, 3, 27, 19, 59, 26, 0),
		"2011-05-13T04:42:34":                                    utc(2011, 5, 13, 4, 42, 34, 0),
		"2011-05-13t04:42:34z":                                   utc(2011, 5, 13, 4, 42, 34, 0),
		"2011-05-13 04:42:34+02:00":                              utc(2011, 5, 13, 2, 42, 34, 0),
		"2011-05-13T04:42:34-0730":                               utc(2011, 5, 13, 12, 12, 34, 0),
		"2011-05-13T04:42:34-00:00":                              utc(2011, 5, 13, 4, 42, 34, 0),
		"2011-01-01T00:30:00+01:00":                              utc(2010, 12, 31, 23, 30, 0, 0),
		"2011-05-13T04:42:34.5":                                  utc(2011, 5, 13, 4, 42, 34, 500_000_000),
		"2011-05-13T04:42:34.1234567Z":                           utc(2011, 5, 13, 4, 42, 34, 123_456_700),
		"2011-05-13T04:42:34.000000000999+00:00":                 utc(2011, 5, 13, 4, 42, 34, 0),
		"2011-05-13T04:42:34." + strings.Repeat("1", 1000) + "Z": utc(2011, 5, 13, 4, 42, 34, 111_111_111),
		"2011-05-13T24:00:00Z":                                   utc(2011, 5, 14, 0, 0, 0, 0),
		"2016-12-31T23:59:60Z":                                   utc(2017, 1, 1, 0, 0, 0, 0),
		"2012-02-29T00:00:00Z":                                   utc(2012, 2, 29, 0, 0, 0, 0),
		" 2011-05-13T04:42:34Z\n":                                utc(2011, 5, 13, 4, 42, 34, 0),
		"0001-01-01T00:00:00Z":                                   utc(1, 1, 1, 0, 0, 0, 0),
		"9999-12-31T23:59:59.999999999Z":                         utc(9999, 12, 31, 23, 59, 59, 999_999_999),
	} {
		got, err := ParseDateTime(text)
		if err != nil {
			t.Error(err)
		} else if !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestParseDateTimeRefuses(t *testing.T) {
	for _, text := range []string{
		"", "Z", "2011", "2011-05-13", "04:42:34", "2011-05-13T04:42", "2011-05-13T04:42Z",
		"20110513044234Z", "1305261754", "-2011-05-13T04:42:34Z", "12011-05-13T04:42:34Z",
		"2011-13-13T04:42:34Z", "2011-00-13T04:42:34Z", "2011-05-32T04:42:34Z", "2011-05-00T04:42:34Z",
		"2011-02-29T04:42:34Z", "1900-02-29T04:42:34Z", "2011-05-13T25:00:00Z", "2011-05-13T24:00:01Z",
		"2011-05-13T24:00:00.1Z", "2011-05-13T04:60:34Z", "2011-05-13T04:42:61Z", "2011-05-13T04:42:34.Z",
		"2011-05-13T04:42:34,5Z", "2011-05-13T04:42:34+2", "2011-05-13T04:42:34+02", "2011-05-13T04:42:34+02:0",
		"2011-05-13T04:42:34+24:00", "2011-05-13T04:42:34+02:60", "2011-05-13T04:42:34 CEST",
		"2011-05-13T04:42:34Zulu", "2011/05/13T04:42:34Z", "2011-05-13X04:42:34Z", "２０11-05-13T04:42:34Z",
	} {
		if got, err := ParseDateTime(text); err == nil {
			t.Errorf("%q was read as %s", text, got)
		}
	}
	_, err := ParseDateTime("tomorrow")
	want := `reading the date and time "tomorrow": expected YYYY-MM-DDThh:mm:ss, then maybe a fraction and Z or an offset`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
