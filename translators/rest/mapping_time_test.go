package rest

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// aTime is an attribute of the type dateTime.
var aTime = &scim.Attribute{Name: "since", Type: scim.TypeDateTime}

func timeMap(format, zone, as string) MapConfig {
	return MapConfig{MapConfig: translators.MapConfig{Fields: []string{"since"}}, Format: format, Zone: zone, As: as}
}

func TestTimes(t *testing.T) {
	const lost = "the application keeps times less exactly"
	for _, test := range []struct{ name, format, zone, as, value, raw, back string }{
		{"rfc3339", "rfc3339", "", "", "2011-05-13T04:42:34.120+02:00", `"2011-05-13T04:42:34.120+02:00"`, ""},
		{"rfc3339 of a time without a zone", "rfc3339", "", "", "2011-05-13T04:42:34", `"2011-05-13T04:42:34Z"`, "2011-05-13T04:42:34Z"},
		{"seconds", "unix", "", "", "2011-05-13T04:42:34Z", `1305261754`, ""},
		{"seconds in a text", "unix", "", "string", "2011-05-13T04:42:34Z", `"1305261754"`, ""},
		{"seconds of another zone", "unix", "", "", "2011-05-13T06:42:34+02:00", `1305261754`, "2011-05-13T04:42:34Z"},
		{"seconds before 1970", "unix", "", "", "1969-12-31T23:59:59Z", `-1`, ""},
		{"parts of a second", "unix", "", "", "2011-05-13T04:42:34.5Z", lost, ""},
		{"milliseconds", "unix_ms", "", "", "2011-05-13T04:42:34.12Z", `1305261754120`, ""},
		{"parts of a millisecond", "unix_ms", "", "", "2011-05-13T04:42:34.1201Z", lost, ""},
		{"a layout", "2006-01-02 15:04:05", "", "", "2011-05-13T04:42:34Z", `"2011-05-13 04:42:34"`, ""},
		{"a layout in summer", "2006-01-02 15:04:05", "Europe/Berlin", "", "2011-05-13T04:42:34Z", `"2011-05-13 06:42:34"`, "2011-05-13T06:42:34+02:00"},
		{"a layout in winter", "2006-01-02 15:04:05", "Europe/Berlin", "", "2011-01-13T04:42:34Z", `"2011-01-13 05:42:34"`, "2011-01-13T05:42:34+01:00"},
		{"an hour that there is twice", "2006-01-02 15:04:05", "Europe/Berlin", "", "2011-10-30T00:30:00Z", lost, ""},
		{"a day", "2006-01-02", "", "", "2011-05-13T00:00:00Z", `"2011-05-13"`, ""},
		{"more than a day", "2006-01-02", "", "", "2011-05-13T04:42:34Z", lost, ""},
		{"a day as a number", "20060102", "", "number", "2011-05-13T00:00:00Z", `20110513`, ""},
		{"no time", "unix", "", "", "yesterday", "expected a date and time", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			codec, err := newLeafCodec(timeMap(test.format, test.zone, test.as), aTime, false)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := codec.Encode(scim.String(test.value))
			if err != nil {
				if !strings.Contains(detailOf(err), test.raw) {
					t.Errorf("%v, not %s", err, test.raw)
				}
				return
			}
			if raw != test.raw {
				t.Errorf("it is written %s, not %s", raw, test.raw)
			}
			want := test.back
			if want == "" {
				want = test.value
			}
			if back, err := codec.Decode(raw); err != nil || back.Text() != want {
				t.Errorf("it comes back as %s, not %s: %v", back.Text(), want, err)
			}
		})
	}
}

// TestTimesRead are what applications have besides.
func TestTimesRead(t *testing.T) {
	for _, test := range []struct{ format, raw, value string }{
		{"unix", `1305261754.5`, "2011-05-13T04:42:34.5Z"},
		{"unix", `"1305261754"`, "2011-05-13T04:42:34Z"},
		{"unix", `1.305261754e9`, "2011-05-13T04:42:34Z"},
		{"unix", `1e999999999`, ""},
		{"unix", `99999999999999999999`, ""},
		{"unix", `""`, ""},
		{"unix", `"soon"`, ""},
		{"unix", `[1]`, ""},
		{"rfc3339", `"2011-05-13 04:42:34"`, "2011-05-13T04:42:34Z"},
		{"rfc3339", `"2011-05-13 04:42:34 +0200"`, "2011-05-13T04:42:34+02:00"},
		{"rfc3339", `"2011-05-13"`, "2011-05-13T00:00:00Z"},
		{"rfc3339", `"0000-00-00 00:00:00"`, ""},
		{"2006-01-02", `"2011-02-30"`, ""},
	} {
		codec, err := newLeafCodec(timeMap(test.format, "", ""), aTime, false)
		if err != nil {
			t.Fatal(err)
		}
		v, err := codec.Decode(test.raw)
		if v.Text() != test.value || test.value == "" && test.raw != `""` && err == nil {
			t.Errorf("%s %s is %q, not %q: %v", test.format, test.raw, v.Text(), test.value, err)
		}
	}
}

func TestTimeMistakes(t *testing.T) {
	for _, test := range []struct{ format, zone, as, want string }{
		{"iso", "", "", "time iso is no layout"},
		{"dd.mm.yyyy", "", "", "is no layout"},
		{"2006-01-02", "Mars/Olympus", "", "there is no time zone Mars/Olympus"},
		{"unix", "Europe/Berlin", "", "remove the time zone"},
		{"rfc3339", "", "number", "a time as rfc3339 can't be number"},
		{"", "Europe/Berlin", "", "a time zone belongs to a format"},
	} {
		_, err := newLeafCodec(timeMap(test.format, test.zone, test.as), aTime, false)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s %s: %v", test.format, test.zone, test.as, err)
		}
	}
	if _, err := newLeafCodec(timeMap("unix", "", ""), &scim.Attribute{Name: "x", Type: scim.TypeString}, false); err == nil {
		t.Error("a text was a time")
	}
}
