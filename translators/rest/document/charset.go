package document

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/net/html/charset"
)

// decode returns a body in UTF-8, as its byte order mark or label says; isKnown is
// false where neither says anything.
func decode(body []byte, label string) (text []byte, isKnown bool, err error) {
	switch {
	case bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")):
		return body[3:], true, nil
	case bytes.HasPrefix(body, []byte("\xFE\xFF")):
		label = "utf-16be"
	case bytes.HasPrefix(body, []byte("\xFF\xFE")):
		label = "utf-16le"
	}
	if label == "" {
		return body, false, nil
	}
	if isUTF8(label) {
		return body, true, nil
	}
	encoding, _ := charset.Lookup(label)
	if encoding == nil {
		return nil, false, fmt.Errorf("the charset %q of the answer is not known", bounded(label, 40))
	}
	text, err = encoding.NewDecoder().Bytes(body)
	if err != nil {
		return nil, false, fmt.Errorf("reading the charset %q of the answer: %w", bounded(label, 40), err)
	}
	return bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF")), true, nil
}

func isUTF8(label string) bool {
	switch strings.ToLower(strings.TrimSpace(label)) {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return true
	}
	return false
}
