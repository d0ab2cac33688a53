package template

import (
	"errors"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// place is where a value stands, which says how it is written.
type place int

const (
	placePath place = iota
	placeQuery
	placeForm
	placeHeader
	placeJSON
	placeJSONString
	placeXML
	placeXMLAttribute
	placeCDATA
	placeText
)

// encode appends a value as it is written at the place.
func (p place) encode(dst []byte, v gjson.Result) ([]byte, error) {
	if p == placeJSON {
		return append(dst, v.Raw...), nil
	}
	text, err := textOf(v)
	if err != nil {
		return dst, err
	}
	switch p {
	case placePath:
		return appendSegment(dst, text)
	case placeQuery:
		return appendPercent(dst, text, false), nil
	case placeForm:
		return appendPercent(dst, text, true), nil
	case placeHeader:
		return appendHeader(dst, text)
	case placeJSONString:
		return appendEscaped(dst, text), nil
	case placeXML:
		return appendXML(dst, text, false)
	case placeXMLAttribute:
		return appendXML(dst, text, true)
	case placeCDATA:
		return appendCDATA(dst, text)
	}
	return append(dst, text...), nil
}

const hexDigits = "0123456789ABCDEF"

// isUnreserved reports whether a byte stands for itself in all of a URL (RFC 3986 §2.3).
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// appendPercent appends a text with all but the unreserved encoded.
func appendPercent(dst []byte, text string, plus bool) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case isUnreserved(c):
			dst = append(dst, c)
		case plus && c == ' ':
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// appendSegment appends a text to a segment of a path. Servers and proxies that decode
// before they look for segments are kept from finding one that leads elsewhere.
func appendSegment(dst []byte, text string) ([]byte, error) {
	start := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && (text[i] < ' ' || text[i] == 0x7F) {
			return dst, errors.New("has a control character, which can't be in a path")
		}
		if i == len(text) || text[i] == '/' || text[i] == '\\' {
			isPart := i < len(text) || start > 0
			if part := text[start:i]; isPart && (part == "." || part == "..") {
				return dst, errors.New("would lead to another path")
			}
			start = i + 1
		}
	}
	return appendPercent(dst, text, false), nil
}

func appendHeader(dst []byte, text string) ([]byte, error) {
	for _, c := range []byte(text) {
		switch {
		case c >= 0x80:
			return dst, errors.New("has a letter beyond ASCII, which can't be in a header: send it base64, or in the body")
		case c < ' ' && c != '\t' || c == 0x7F:
			return dst, errors.New("has a line break or another control character, which can't be in a header")
		}
	}
	return append(dst, text...), nil
}

// appendEscaped appends a text as the inside of a JSON string (RFC 8259 §7).
func appendEscaped(dst []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ' || c == 0x7F:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// quote is a text as a JSON string.
func quote(text string) string {
	dst := make([]byte, 0, len(text)+2)
	return string(append(appendEscaped(append(dst, '"'), text), '"'))
}

// appendXML appends a text of XML. Line ends and tabs are written so that they are read
// as they are.
func appendXML(dst []byte, text string, isAttribute bool) ([]byte, error) {
	for _, c := range text {
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '"' && isAttribute:
			dst = append(dst, "&quot;"...)
		case c == '\'' && isAttribute:
			dst = append(dst, "&#39;"...)
		case c == '\r':
			dst = append(dst, "&#13;"...)
		case c == '\n' && isAttribute:
			dst = append(dst, "&#10;"...)
		case c == '\t' && isAttribute:
			dst = append(dst, "&#9;"...)
		case c < ' ' && c != '\n' && c != '\t' || c == 0xFFFE || c == 0xFFFF:
			return dst, errors.New("has a character that can't be in XML (XML 1.0 §2.2)")
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return dst, nil
}

// appendCDATA appends a text of a CDATA section. With a character that could end it the
// section is left for as long.
func appendCDATA(dst []byte, text string) ([]byte, error) {
	isPlain := true
	for _, c := range text {
		switch {
		case c == ']' || c == '>' || c == '\r':
			isPlain = false
		case c < ' ' && c != '\n' && c != '\t' || c == 0xFFFE || c == 0xFFFF:
			return dst, errors.New("has a character that can't be in XML (XML 1.0 §2.2)")
		}
	}
	if isPlain {
		return append(dst, text...), nil
	}
	dst, err := appendXML(append(dst, "]]>"...), text, false)
	return append(dst, "<![CDATA["...), err
}
