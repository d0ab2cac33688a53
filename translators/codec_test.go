package translators

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/scimgate/scimgate/scim"
)

// leafOf compiles one leaf of a type that has an attribute of every type.
func leafOf(t testing.TB, c MapConfig) *Leaf {
	t.Helper()
	c.Fields = []string{"field"}
	m, err := Compile(thingType(t), []MapConfig{c})
	if err != nil {
		t.Fatal(err)
	}
	return m.Leaves[0]
}

func thingType(t testing.TB) *scim.ResourceType {
	t.Helper()
	thing, err := scim.NewResourceType("Thing", "/Things", "", &scim.Schema{ID: "urn:example:Thing", Name: "Thing", Attributes: []*scim.Attribute{
		{Name: "text", CaseExact: true},
		{Name: "texts", MultiValued: true},
		{Name: "flag", Type: scim.TypeBoolean},
		{Name: "when", Type: scim.TypeDateTime},
		{Name: "count", Type: scim.TypeInteger},
		{Name: "weight", Type: scim.TypeDecimal},
		{Name: "blob", Type: scim.TypeBinary},
		{Name: "boss", Type: scim.TypeComplex, SubAttributes: []*scim.Attribute{
			{Name: "value"}, {Name: "$ref", Type: scim.TypeReference, ReferenceTypes: []string{"User"}},
		}},
		{Name: "parts", Type: scim.TypeComplex, MultiValued: true, SubAttributes: []*scim.Attribute{
			{Name: "value"}, {Name: "type"}, {Name: "primary", Type: scim.TypeBoolean},
			{Name: "since", Type: scim.TypeDateTime}, {Name: "weight", Type: scim.TypeDecimal}, {Name: "tags", MultiValued: true},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return thing
}

// roundTrip reports how a value fails to come back from the backend to the
// letter, or "".
func roundTrip(l *Leaf, v scim.Value) string {
	raw, err := l.Codec.Encode(v)
	if err != nil {
		return fmt.Sprintf("encoding: %v", err)
	}
	back, err := l.Codec.Decode(raw)
	if err != nil {
		return fmt.Sprintf("decoding %q: %v", raw, err)
	}
	if !back.Equal(v) {
		return fmt.Sprintf("%q came back as %q by way of %q", v.Text(), back.Text(), raw)
	}
	return ""
}

// awkward are texts that something between us and a backend has stumbled over.
var awkward = []string{
	"ada", " ada", "ada ", "  ", "\tada\n", "Straße 1\nFloor 2\r\n12345 Town", "$", "a$b\\24c\\5C$", `\`, `\\`, `\5c24`, `\24`,
	"*", "(cn=*)", "a,b+c\"d\"<e>;f=g", "#ada", "日本語", "e\u0301", "é", "\u200b", "😀", "\u007f", "null", "{}", "[]", "0", "-1e400",
	"a\u2028b", "</script>", "\ufffd", strings.Repeat("long ", 2000),
}

func randomText(r *rand.Rand) string {
	letters := []rune("ab $\\\n\r\t\"'24cC5,+<>;=*()#é日😀{}[]:/\u0001")
	var b strings.Builder
	for range r.IntN(40) {
		b.WriteRune(letters[r.IntN(len(letters))])
	}
	return b.String()
}

func TestCodecsGiveBackWhatTheyTook(t *testing.T) {
	const rounds = 2000
	random := rand.New(rand.NewPCG(1, 2))
	text := func() scim.Value { return scim.String(randomText(random)) }
	number := func() scim.Value {
		return scim.Number(fmt.Sprintf("%d.%0*d", random.Int64()-random.Int64(), 1+random.IntN(30), random.IntN(1000)))
	}
	moment := func() scim.Value {
		at := time.Date(random.IntN(9000)+500, time.Month(1+random.IntN(12)), 1+random.IntN(28), random.IntN(24), random.IntN(60), random.IntN(60), 0, time.UTC)
		s := at.Format("2006-01-02T15:04:05")
		if n := random.IntN(12); n > 0 {
			s += fmt.Sprintf(".%0*d", n, random.IntN(10))
		}
		zones := []string{"Z", "+00:00", "-00:00", "+02:00", "-11:30", "+14:00"}
		return scim.String(s + zones[random.IntN(len(zones))])
	}
	octets := func() scim.Value {
		b := make([]byte, random.IntN(50))
		for i := range b {
			b[i] = byte(random.IntN(256))
		}
		return scim.String(base64.StdEncoding.EncodeToString(b))
	}
	whole := leafOf(t, MapConfig{Path: "parts", Codec: CodecJSON})
	part := func(name string, v scim.Value) scim.Field {
		return scim.Field{Attribute: whole.Path.Attribute.Sub(name), Value: v}
	}
	element := func() scim.Value {
		return scim.Complex(part("value", text()), part("type", text()), part("primary", scim.Bool(random.IntN(2) == 0)),
			part("since", moment()), part("weight", number()), part("tags", scim.List(text(), text())))
	}
	tests := []struct {
		name string
		leaf *Leaf
		v    func() scim.Value
	}{
		{"text", leafOf(t, MapConfig{Path: "text"}), text},
		{"postal address", leafOf(t, MapConfig{Path: "text", Codec: CodecPostalAddress}), text},
		{"integer", leafOf(t, MapConfig{Path: "count"}), func() scim.Value { return scim.Number(fmt.Sprint(random.Int64())) }},
		{"decimal", leafOf(t, MapConfig{Path: "weight"}), number},
		{"boolean", leafOf(t, MapConfig{Path: "flag"}), func() scim.Value { return scim.Bool(random.IntN(2) == 0) }},
		{"boolean with texts", leafOf(t, MapConfig{Path: "flag", Codec: CodecBoolean, True: "1", False: "3"}), func() scim.Value { return scim.Bool(random.IntN(2) == 0) }},
		{"timestamp", leafOf(t, MapConfig{Path: "when", Codec: CodecTimestamp}), moment},
		{"dateTime as text", leafOf(t, MapConfig{Path: "when"}), moment},
		{"binary", leafOf(t, MapConfig{Path: "blob", Codec: CodecBinary}), octets},
		{"binary as text", leafOf(t, MapConfig{Path: "blob"}), octets},
		{"json", whole, element},
		{"reference", leafOf(t, MapConfig{Path: "boss.value", Codec: CodecReference}), text},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range rounds {
				if why := roundTrip(tt.leaf, tt.v()); why != "" {
					t.Fatal(why)
				}
			}
		})
	}
	for _, s := range awkward {
		for _, c := range []MapConfig{{Path: "text"}, {Path: "text", Codec: CodecPostalAddress}} {
			if why := roundTrip(leafOf(t, c), scim.String(s)); why != "" {
				t.Errorf("%q: %s", c.Codec, why)
			}
		}
		if why := roundTrip(whole, scim.Complex(part("value", scim.String(s)))); why != "" {
			t.Errorf("json: %s", why)
		}
	}
}

func TestEncodeRefusesWhatNoBackendHolds(t *testing.T) {
	tests := []struct {
		name string
		c    MapConfig
		v    scim.Value
	}{
		{"NUL", MapConfig{Path: "text"}, scim.String("a\x00b")},
		{"half a character", MapConfig{Path: "text"}, scim.String("a\xffb")},
		{"NUL in an address", MapConfig{Path: "text", Codec: CodecPostalAddress}, scim.String("a\x00b")},
		{"a boolean for a text", MapConfig{Path: "text"}, scim.Bool(true)},
		{"a text for a boolean", MapConfig{Path: "flag"}, scim.String("true")},
		{"no base64", MapConfig{Path: "blob", Codec: CodecBinary}, scim.String("?!")},
		{"no date", MapConfig{Path: "when", Codec: CodecTimestamp}, scim.String("tomorrow")},
		{"no such day", MapConfig{Path: "when", Codec: CodecTimestamp}, scim.String("2023-02-29T00:00:00Z")},
		{"after the year 9999", MapConfig{Path: "when", Codec: CodecTimestamp}, scim.String("9999-12-31T24:00:00")},
		{"a text for a complex value", MapConfig{Path: "parts", Codec: CodecJSON}, scim.String("{}")},
		{"a number for an id", MapConfig{Path: "boss.value", Codec: CodecReference}, scim.Number("1")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := leafOf(t, tt.c).Codec.Encode(tt.v)
			if e := scim.AsError(err); e == nil || e.Type != scim.InvalidValue {
				t.Errorf("got %q, %v", raw, err)
			}
		})
	}
}

func TestTimestamps(t *testing.T) {
	l := leafOf(t, MapConfig{Path: "when", Codec: CodecTimestamp})
	for given, want := range map[string]string{
		"2011-05-13T04:42:34Z":          "20110513044234Z",
		"2011-05-13T04:42:34.120+02:00": "20110513044234.120+0200",
		"2011-05-13t04:42:34z":          "20110513044234Z",
		"2011-05-13 04:42:34":           "20110513044234Z",
		"2011-05-13T04:42:34.5+0200":    "20110513024234.5Z",
		"2011-12-31T24:00:00Z":          "20120101000000Z",
	} {
		if raw, err := l.Codec.Encode(scim.String(given)); err != nil || raw != want {
			t.Errorf("%s: got %q, %v, want %q", given, raw, err, want)
		}
	}
	for raw, want := range map[string]string{
		"20110513044234Z":           "2011-05-13T04:42:34Z",
		"20110513044234.0Z":         "2011-05-13T04:42:34.0Z",
		"20110513044234,25-0330":    "2011-05-13T04:42:34.25-03:30",
		"20110513044234+02":         "2011-05-13T04:42:34+02:00",
		"201105130442Z":             "2011-05-13T04:42:00Z",
		"201105130442.5Z":           "2011-05-13T04:42:30Z",
		"2011051304Z":               "2011-05-13T04:00:00Z",
		"2011051304.51Z":            "2011-05-13T04:30:36Z",
		"2011051304.0001Z":          "2011-05-13T04:00:00.36Z",
		"20110513044234.123456789Z": "2011-05-13T04:42:34.123456789Z",
	} {
		v, err := l.Codec.Decode(raw)
		if err != nil || v.Text() != want {
			t.Errorf("%s: got %q, %v, want %q", raw, v.Text(), err, want)
		}
	}
	for _, raw := range []string{"", "junk", "20110513044234", "20111313044234Z", "20110230044234Z", "201105130442341Z", "20110513044234.Z", "20110513044234Z "} {
		if v, err := l.Codec.Decode(raw); err == nil {
			t.Errorf("%q was read as %q", raw, v.Text())
		}
	}
}

func TestDecodeReadsWhatOthersWrote(t *testing.T) {
	tests := []struct {
		name string
		c    MapConfig
		raw  string
		want scim.Value
	}{
		{"boolean in another case", MapConfig{Path: "flag"}, "true", scim.Bool(true)},
		{"address with small hexadecimals", MapConfig{Path: "text", Codec: CodecPostalAddress}, `1 Main St$a\5cb \24 5`, scim.String("1 Main St\na\\b $ 5")},
		{"address with a lone backslash", MapConfig{Path: "text", Codec: CodecPostalAddress}, `a\b`, scim.String(`a\b`)},
		{"integer", MapConfig{Path: "count"}, "42", scim.Number("42")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := leafOf(t, tt.c).Codec.Decode(tt.raw)
			if err != nil || !got.Equal(tt.want) {
				t.Errorf("got %q, %v", got.Text(), err)
			}
		})
	}
}

func TestDecodeRefusesWhatItCannotRead(t *testing.T) {
	tests := []struct{ name, path, codec, raw string }{
		{"octets for a text", "text", CodecText, "\xff\xfe"},
		{"octets for an address", "text", CodecPostalAddress, "\xff\xfe"},
		{"yes for a boolean", "flag", CodecText, "yes"},
		{"a word for a number", "count", CodecText, "many"},
		{"a fraction for an integer", "count", CodecText, "1.5"},
		{"no JSON", "parts", CodecJSON, "secret-data"},
		{"a JSON array", "parts", CodecJSON, "[1]"},
		{"null", "parts", CodecJSON, "null"},
		{"two JSON values", "parts", CodecJSON, "{} {}"},
		{"a member of another type", "parts", CodecJSON, `{"primary":"secret-data"}`},
		{"an object for a text", "parts", CodecJSON, `{"value":{"a":1}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := leafOf(t, MapConfig{Path: tt.path, Codec: tt.codec}).Codec.Decode(tt.raw)
			if err == nil {
				t.Fatalf("it was read as %v", v)
			}
			if strings.Contains(err.Error(), "secret-data") {
				t.Errorf("the error quotes the value: %v", err)
			}
		})
	}
}

func TestBinaryComesBackCanonical(t *testing.T) {
	l := leafOf(t, MapConfig{Path: "blob", Codec: CodecBinary})
	for _, given := range []string{"+/8=", "-_8=", "-_8", "+/\r\n8="} {
		raw, err := l.Codec.Encode(scim.String(given))
		if err != nil || raw != "\xfb\xff" {
			t.Fatalf("%q: got %q, %v", given, raw, err)
		}
		if v, err := l.Codec.Decode(raw); err != nil || v.Text() != "+/8=" {
			t.Errorf("%q came back as %q, %v", given, v.Text(), err)
		}
	}
}

func TestOnlyTextsAreSearchedInParts(t *testing.T) {
	for c, want := range map[codecKey]bool{
		{"text", CodecText}: true, {"text", CodecPostalAddress}: false, {"flag", CodecText}: false, {"when", CodecTimestamp}: false,
		{"count", CodecText}: false, {"blob", CodecBinary}: false, {"parts", CodecJSON}: false, {"boss.value", CodecReference}: false,
	} {
		if got := leafOf(t, MapConfig{Path: c.path, Codec: c.codec}).Codec.IsText(); got != want {
			t.Errorf("%v: IsText is %t", c, got)
		}
	}
}

// codecKey is the part of a MapConfig that can key a map.
type codecKey struct{ path, codec string }

// FuzzCodecs feeds the same text to both ends of each codec: what is taken must
// come back, and what the backend holds must never do worse than fail.
func FuzzCodecs(f *testing.F) {
	for _, s := range awkward {
		f.Add(s)
	}
	f.Add("20110513044234.5+02")
	f.Add("2011-05-13T04:42:34.120+02:00")
	f.Add(`{"value":"x","tags":["a",null],"weight":1e2}`)
	leaves := []*Leaf{leafOf(f, MapConfig{Path: "text"}), leafOf(f, MapConfig{Path: "text", Codec: CodecPostalAddress}),
		leafOf(f, MapConfig{Path: "when", Codec: CodecTimestamp}), leafOf(f, MapConfig{Path: "parts", Codec: CodecJSON})}
	f.Fuzz(func(t *testing.T, s string) {
		for _, l := range leaves {
			if v, err := l.Codec.Decode(s); err == nil && !v.IsAbsent() {
				// What was read can be written, and means the same afterwards.
				if why := roundTrip(l, v); why != "" {
					t.Errorf("%q: %s", l.Config.Codec, why)
				}
			}
		}
		if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
			return
		}
		for _, l := range leaves[:2] {
			if why := roundTrip(l, scim.String(s)); why != "" {
				t.Errorf("%q: %s", l.Config.Codec, why)
			}
		}
		raw, err := leaves[2].Codec.Encode(scim.String(s))
		if err != nil {
			return
		}
		back, err := leaves[2].Codec.Decode(raw)
		if err != nil {
			t.Fatalf("%q was written as %q and can't be read: %v", s, raw, err)
		}
		sent, _ := scim.ParseDateTime(s)
		if got, err := scim.ParseDateTime(back.Text()); err != nil || !got.Equal(sent) {
			t.Errorf("%q came back as %q", s, back.Text())
		}
	})
}
