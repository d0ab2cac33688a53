package scim

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Coerce makes a simple value one of a's type (RFC 7643 §2.3), as far as that
// can be done without guessing. For a multi-valued attribute v is one of its
// values. An absent value stays absent.
//
//   - boolean: true and false, also as a string in any case ("True": Entra);
//   - integer, decimal: numbers, also as a string; an integer has neither a
//     fraction nor an exponent;
//   - string, reference: any string; a number becomes its literal, a boolean
//     "true" or "false";
//   - dateTime: what [ParseDateTime] reads, binary: what [DecodeBinary] reads.
//     The text is kept as it came, for it must come back so.
//
// No format of a string is checked: providers send countries, locales and URLs
// that are none. Everything else, complex values and lists too, is a 400
// invalidValue that names the attribute and what was expected. The empty string
// is a value of the types string, reference and binary alone.
func Coerce(a *Attribute, v Value) (Value, error) {
	c, expected := coerce(a, v)
	if expected != "" {
		return Value{}, Invalid(InvalidValue, "%s: expected %s, found %s", a, expected, describe(a, v))
	}
	return c, nil
}

// coerce is Coerce that says what was expected where v is none, else "".
func coerce(a *Attribute, v Value) (c Value, expected string) {
	if v.IsAbsent() {
		return v, ""
	}
	switch a.Type {
	case TypeComplex:
		return Value{}, "a complex value"
	case TypeBoolean:
		if v.kind == KindBool {
			return v, ""
		}
		if v.kind == KindString {
			switch s := strings.TrimSpace(v.text); {
			case strings.EqualFold(s, "true"):
				return Bool(true), ""
			case strings.EqualFold(s, "false"):
				return Bool(false), ""
			}
		}
		return Value{}, "true or false"
	case TypeInteger, TypeDecimal:
		if v.kind == KindString || v.kind == KindNumber {
			s := strings.TrimSpace(v.text)
			if isNumber, isInteger := checkNumber(s); isInteger || isNumber && a.Type == TypeDecimal {
				return Number(s), ""
			}
		}
		if a.Type == TypeInteger {
			return Value{}, "an integer"
		}
		return Value{}, "a number"
	case TypeDateTime:
		if v.kind == KindString {
			if _, err := ParseDateTime(v.text); err == nil {
				return v, ""
			}
		}
		return Value{}, "a date and time such as 2011-05-13T04:42:34Z"
	case TypeBinary:
		if v.kind == KindString {
			if _, err := DecodeBinary(v.text); err == nil {
				return v, ""
			}
		}
		return Value{}, "base64"
	}
	switch v.kind {
	case KindString, KindNumber:
		return String(v.text), ""
	case KindBool:
		return String(strconv.FormatBool(v.flag)), ""
	}
	return Value{}, "a string"
}

// DecodeBinary returns the bytes of a binary value (RFC 7643 §2.3.6). It takes
// the standard and the URL alphabet of base64, with or without padding and line
// breaks, since providers send all of them.
func DecodeBinary(text string) ([]byte, error) {
	plain := strings.Map(func(r rune) rune {
		switch r {
		case '-':
			return '+'
		case '_':
			return '/'
		case ' ', '\t', '\r', '\n':
			return -1
		}
		return r
	}, text)
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(plain, "="))
	if err != nil {
		return nil, fmt.Errorf("decoding base64: %w", err)
	}
	return b, nil
}

// describe names v in a detail: short, and without the text of what is never
// to be seen, and of what is private: details come into logs.
func describe(a *Attribute, v Value) string {
	isSecret := a.Mutability == WriteOnly || a.Returned == ReturnedNever || a.Private
	switch v.kind {
	case KindString:
		if isSecret {
			return "another string"
		}
		return "the string " + shorten(v.text)
	case KindNumber:
		if isSecret {
			return "another number"
		}
		if len(v.text) > 40 {
			return "a number of " + strconv.Itoa(len(v.text)) + " characters"
		}
		return "the number " + v.text
	case KindBool:
		return strconv.FormatBool(v.flag)
	case KindList:
		return "a list"
	}
	return "a complex value"
}

// shorten quotes s for a detail, cut to 40 characters.
func shorten(s string) string {
	const limit = 40
	n := 0
	for i := range s {
		if n++; n > limit {
			return strconv.Quote(s[:i] + "…")
		}
	}
	return strconv.Quote(s)
}
