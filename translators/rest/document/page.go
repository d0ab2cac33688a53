package document

import (
	"bytes"
	"fmt"
	"html"
	"mime"
	"strings"
	"unicode"
)

// IsPage reports whether an answer is an HTML page, whatever its Content-Type says: one
// that begins with markup of HTML, or that is called HTML and begins with markup.
func IsPage(body []byte, contentType string) bool {
	start := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF")), " \t\r\n")
	for bytes.HasPrefix(start, []byte("<!--")) {
		end := bytes.Index(start, []byte("-->"))
		if end < 0 {
			break
		}
		start = bytes.TrimLeft(start[end+3:], " \t\r\n")
	}
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body"} {
		if len(start) > len(tag) && bytes.EqualFold(start[:len(tag)], []byte(tag)) && strings.IndexByte("> \t\r\n", start[len(tag)]) >= 0 {
			return true
		}
	}
	media, _, _ := mime.ParseMediaType(contentType)
	switch media {
	case "application/xhtml+xml":
		return true
	case "text/html":
		return len(start) == 0 || start[0] != '{' && start[0] != '[' && !bytes.HasPrefix(start, []byte("<?xml"))
	}
	return false
}

// pageError tells of a page by its title, if it has one.
func pageError(body []byte) error {
	if title := titleOf(body); title != "" {
		return fmt.Errorf("%w: %q", ErrPage, title)
	}
	return ErrPage
}

// titleOf is the beginning of the title, in one line without what can't be printed.
func titleOf(body []byte) string {
	head := bytes.ToLower(body[:min(len(body), 4096)])
	_, rest, ok := bytes.Cut(head, []byte("<title"))
	if !ok {
		return ""
	}
	_, title, ok := bytes.Cut(body[len(head)-len(rest):min(len(body), 4096)], []byte(">"))
	if !ok {
		return ""
	}
	title, _, ok = bytes.Cut(title, []byte("<"))
	if !ok {
		return ""
	}
	words := strings.Fields(html.UnescapeString(strings.ToValidUTF8(string(title), "")))
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.Join(words, " "))
	return bounded(text, 80)
}
