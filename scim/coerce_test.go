package scim

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// deviceType has an attribute of each type, single- and multi-valued simple ones
// and a base schema that is not of the RFC.
func deviceType(t testing.TB) *ResourceType {
	t.Helper()
	device, err := NewResourceType("Device", "/Devices", "Device", &Schema{
		ID: "urn:example:params:scim:schemas:1.0:Device", Name: "Device", Attributes: []*Attribute{
			{Name: "serial", Type: TypeInteger},
			{Name: "weight", Type: TypeDecimal},
			{Name: "installed", Type: TypeDateTime},
			{Name: "key", Type: TypeBinary, CaseExact: true},
			{Name: "on", Type: TypeBoolean},
			{Name: "tags", MultiValued: true},
			{Name: "owner", Type: TypeReference, CaseExact: true},
			{Name: "pin", Mutability: WriteOnly, Returned: ReturnedNever},
			{Name: "code", Type: TypeInteger, Mutability: WriteOnly, Returned: ReturnedNever},
			{Name: "place", Type: TypeComplex, SubAttributes: []*Attribute{{Name: "room"}, {Name: "floor", Type: TypeInteger}}},
		}})
	if err != nil {
		t.Fatal(err)
	}
	return device
}

func TestCoerce(t *testing.T) {
	device := deviceType(t)
	for name, c := range map[string]struct {
		attribute string
		in, want  Value
	}{
		"absent stays absent":                {"on", Value{}, Value{}},
		"boolean":                            {"on", Bool(false), Bool(false)},
		"boolean True of Entra":              {"on", String("True"), Bool(true)},
		"boolean False of Entra":             {"on", String("False"), Bool(false)},
		"boolean in capitals":                {"on", String("FALSE"), Bool(false)},
		"boolean with space around":          {"on", String(" true\n"), Bool(true)},
		"integer":                            {"serial", Number("-17"), Number("-17")},
		"integer beyond 64 bits":             {"serial", Number("123456789012345678901234567890"), Number("123456789012345678901234567890")},
		"integer from a string":              {"serial", String(" 42 "), Number("42")},
		"decimal keeps its literal":          {"weight", Number("1.50e+2"), Number("1.50e+2")},
		"decimal from a string":              {"weight", String("0.10"), Number("0.10")},
		"decimal from an integer":            {"weight", Number("3"), Number("3")},
		"string":                             {"tags", String(" Sierra  Leone "), String(" Sierra  Leone ")},
		"string from a number":               {"tags", Number("1.50"), String("1.50")},
		"string from a boolean":              {"tags", Bool(true), String("true")},
		"empty string":                       {"tags", String(""), String("")},
		"reference that is no URL":           {"owner", String("BAPN OUMQ"), String("BAPN OUMQ")},
		"reference from a number":            {"owner", Number("271"), String("271")},
		"dateTime is kept as it came":        {"installed", String("2011-05-13T04:42:34.1234567+02:00"), String("2011-05-13T04:42:34.1234567+02:00")},
		"dateTime without a zone":            {"installed", String("2011-05-13T04:42:34"), String("2011-05-13T04:42:34")},
		"binary":                             {"key", String("/+8="), String("/+8=")},
		"binary, URL alphabet, no padding":   {"key", String("_-8"), String("_-8")},
		"binary with line breaks":            {"key", String("AAAA\r\nAAAA\n"), String("AAAA\r\nAAAA\n")},
		"empty binary":                       {"key", String(""), String("")},
		"a secret that looks like a boolean": {"pin", Bool(false), String("false")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Coerce(device.Attribute(c.attribute), c.in)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestCoerceRefuses(t *testing.T) {
	device := deviceType(t)
	place := device.Attribute("place")
	for name, c := range map[string]struct {
		attribute *Attribute
		in        Value
		want      string
	}{
		"boolean from another string":   {device.Attribute("on"), String("yes"), `on: expected true or false, found the string "yes"`},
		"boolean from nothing":          {device.Attribute("on"), String(""), `on: expected true or false, found the string ""`},
		"boolean from a number":         {device.Attribute("on"), Number("1"), `on: expected true or false, found the number 1`},
		"integer with a fraction":       {device.Attribute("serial"), Number("1.0"), `serial: expected an integer, found the number 1.0`},
		"integer with a leading zero":   {device.Attribute("serial"), String("007"), `serial: expected an integer, found the string "007"`},
		"integer from a boolean":        {device.Attribute("serial"), Bool(true), `serial: expected an integer, found true`},
		"decimal from a word":           {device.Attribute("weight"), String("NaN"), `weight: expected a number, found the string "NaN"`},
		"decimal from hex":              {device.Attribute("weight"), String("0x10"), `weight: expected a number, found the string "0x10"`},
		"a very long number":            {device.Attribute("on"), Number(strings.Repeat("9", 5000)), `on: expected true or false, found a number of 5000 characters`},
		"dateTime that is only a date":  {device.Attribute("installed"), String("2011-05-13"), `installed: expected a date and time such as 2011-05-13T04:42:34Z, found the string "2011-05-13"`},
		"dateTime from a number":        {device.Attribute("installed"), Number("1305261754"), `installed: expected a date and time such as 2011-05-13T04:42:34Z, found the number 1305261754`},
		"binary that is none":           {device.Attribute("key"), String("a b%"), `key: expected base64, found the string "a b%"`},
		"binary of an impossible size":  {device.Attribute("key"), String("AAAAA"), `key: expected base64, found the string "AAAAA"`},
		"binary from a number":          {device.Attribute("key"), Number("1"), `key: expected base64, found the number 1`},
		"string from a complex value":   {device.Attribute("tags"), Complex(Field{place.Sub("room"), String("x")}), `tags: expected a string, found a complex value`},
		"string from a list":            {device.Attribute("tags"), List(String("x")), `tags: expected a string, found a list`},
		"complex from a string":         {place, String("kitchen"), `place: expected a complex value, found the string "kitchen"`},
		"complex from a complex value":  {place, Complex(Field{place.Sub("room"), String("x")}), `place: expected a complex value, found a complex value`},
		"sub-attribute":                 {place.Sub("floor"), String("top"), `place.floor: expected an integer, found the string "top"`},
		"a huge string is cut":          {device.Attribute("on"), String(strings.Repeat("ä", 5000)), `on: expected true or false, found the string "` + strings.Repeat("ä", 40) + `…"`},
		"control characters are quoted": {device.Attribute("on"), String("a\nb\x00\xff"), `on: expected true or false, found the string "a\nb\x00\xff"`},
		"a secret string is not echoed": {device.Attribute("code"), String("hunter2"), `code: expected an integer, found another string`},
		"a secret number is not echoed": {device.Attribute("code"), Number("4.5"), `code: expected an integer, found another number`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Coerce(c.attribute, c.in)
			e, is := errors.AsType[*Error](err)
			if !is {
				t.Fatalf("got %+v and the error %v, want an *Error", got, err)
			}
			if e.Status != http.StatusBadRequest || e.Type != InvalidValue {
				t.Errorf("got %d %s, want 400 invalidValue", e.Status, e.Type)
			}
			if e.Detail != c.want {
				t.Errorf("got  %s\nwant %s", e.Detail, c.want)
			}
			if !got.IsAbsent() {
				t.Errorf("got %+v beside the error", got)
			}
		})
	}
}

// FuzzCoerce: a value is either refused with a short detail or is of the type,
// stays as it is when coerced again, and can be compared.
func FuzzCoerce(f *testing.F) {
	for _, s := range []string{"", "True", "-1", "1.5e3", "1e999999999999", "2011-05-13T04:42:34.1+02:00",
		"0000-02-29T24:00:00", "AAAA", "_-8=", "\xff", strings.Repeat("9", 100)} {
		for kind := range uint8(2) {
			f.Add(s, kind)
		}
	}
	device := deviceType(f)
	kinds := map[Type]Kind{TypeString: KindString, TypeBoolean: KindBool, TypeDecimal: KindNumber,
		TypeInteger: KindNumber, TypeDateTime: KindString, TypeBinary: KindString, TypeReference: KindString}
	f.Fuzz(func(t *testing.T, s string, kind uint8) {
		v := String(s)
		if isNumber, _ := checkNumber(s); kind%2 == 1 && isNumber {
			v = Number(s)
		}
		for _, a := range device.Attributes() {
			c, err := Coerce(a, v)
			if err != nil {
				if e := AsError(err); e == nil || len(e.Detail) > 600 || !utf8.ValidString(e.Detail) {
					t.Errorf("%s: a bad error: %v", a, err)
				}
				continue
			}
			if c.Kind() != kinds[a.Type] {
				t.Errorf("%s: %q became a value of kind %d", a, s, c.Kind())
			}
			if again, err := Coerce(a, c); err != nil || !again.Equal(c) {
				t.Errorf("%s: %q became %+v, which became %+v, %v", a, s, c, again, err)
			}
			if !equal(a, c, c) || order(a, c, c) != 0 {
				t.Errorf("%s: %+v does not equal itself", a, c)
			}
		}
	})
}
