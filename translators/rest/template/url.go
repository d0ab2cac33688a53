package template

import (
	"bytes"
	"regexp"
	"strings"
)

var (
	// origin is the beginning of an absolute URL.
	origin = regexp.MustCompile(`^(?i:https?)://[^/?#]*`)
	// other is the beginning of what is neither that nor a path.
	other = regexp.MustCompile(`^(//|[A-Za-z][A-Za-z0-9+.-]*:)`)
	// hidden is a dot or a slash that is encoded.
	hidden = regexp.MustCompile(`%2[eEfF]`)
)

// compileURL compiles a path with a query, or an absolute URL.
func compileURL(s *source) ([]node, error) {
	flat := s.flat
	for i := range len(flat) {
		switch c := flat[i]; {
		case c == '#':
			return nil, s.fail(i, "a # is never sent: as a part of a segment or value it is written %%23")
		case c < ' ' || c == 0x7F:
			return nil, s.fail(i, "there are no control characters in a URL")
		case c == '%' && (i+2 >= len(flat) || !isHex(flat[i+1]) || !isHex(flat[i+2])):
			return nil, s.fail(i, "behind %% come two digits, as in %%20; the character itself is %%25")
		}
	}
	var out sequence
	pos := 0
	if start := origin.FindString(flat); start != "" {
		if i := strings.IndexByte(start, mark); i >= 0 {
			return nil, s.fail(i, "the host of a URL is never a value")
		}
		out.text(start)
		pos = len(start)
	} else if other.MatchString(flat) {
		return nil, s.fail(0, "a URL is a path behind the address of the translator, or begins with https://")
	}
	path, query, hasQuery := strings.Cut(flat[pos:], "?")
	for i, segment := range strings.Split(path, "/") {
		if i > 0 {
			out.text("/")
			pos++
		}
		if err := compileSegment(s, &out, segment, pos); err != nil {
			return nil, err
		}
		pos += len(segment)
	}
	if !hasQuery {
		return out.nodes(), nil
	}
	params, err := compilePairs(s, query, pos+1, placeQuery)
	if err != nil {
		return nil, err
	}
	params.open = "?"
	addPairs(&out, params)
	return out.nodes(), nil
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// compileSegment compiles what is between two slashes.
func compileSegment(s *source, out *sequence, text string, start int) error {
	if strings.IndexByte(text, mark) < 0 {
		out.text(escapeLiteral(text, isPathLiteral, "%20"))
		return nil
	}
	if at := hidden.FindStringIndex(text); at != nil {
		return s.fail(start+at[0], "beside a value there is no encoded dot or slash")
	}
	var inner sequence
	isOnlyOptional := true
	for i := range len(text) {
		if text[i] != mark {
			inner.text(escapeLiteral(text[i:i+1], isPathLiteral, "%20"))
			isOnlyOptional = false
			continue
		}
		ref := s.take()
		if ref.each {
			return s.fail(start+i, "each is for query parameters: a segment of a path is there once")
		}
		isOnlyOptional = isOnlyOptional && ref.optional
		inner.add(&slot{ref, placePath})
	}
	if isOnlyOptional {
		return s.fail(start, "a segment of a path can't be left out: the value must be there, without ?")
	}
	out.add(segment(inner.nodes()))
	return nil
}

// segment is a segment of a path with values in it.
type segment []node

func (g segment) build(b *builder) error {
	start := len(b.out)
	if err := b.all(g); err != nil {
		return err
	}
	switch text := b.out[start:]; {
	case len(text) == 0:
		return &ValueError{g.name(), errEmptySegment}
	case bytes.Equal(text, []byte(".")), bytes.Equal(text, []byte("..")):
		return &ValueError{g.name(), errOtherPath}
	}
	return nil
}

func (g segment) name() string {
	for _, n := range g {
		if s, ok := n.(*slot); ok {
			return s.ref.name
		}
	}
	return ""
}

// compileForm compiles an application/x-www-form-urlencoded body. Line breaks beside &
// are for the eye.
func compileForm(s *source) ([]node, error) {
	params, err := compilePairs(s, s.flat, 0, placeForm)
	if err != nil {
		return nil, err
	}
	var out sequence
	addPairs(&out, params)
	return out.nodes(), nil
}

// addPairs adds pairs, as simple as can be.
func addPairs(out *sequence, l *list) {
	for _, item := range l.items {
		if !item.isPlain() {
			out.add(l)
			return
		}
	}
	out.text(l.open)
	for i, item := range l.items {
		if i > 0 {
			out.text(l.separator)
		}
		out.add(item.nodes...)
	}
}

// compilePairs compiles name=value&name=value.
func compilePairs(s *source, text string, at int, p place) (*list, error) {
	l := &list{separator: "&", hidesEmpty: true}
	for pair := range strings.SplitSeq(text, "&") {
		trimmed := pair
		start := at
		if p == placeForm {
			trimmed = strings.TrimLeft(pair, "\r\n\t ")
			start += len(pair) - len(trimmed)
			if !strings.ContainsAny(pair[:len(pair)-len(trimmed)], "\r\n") {
				trimmed, start = pair, at
			}
			if end := strings.TrimRight(trimmed, "\r\n\t "); strings.ContainsAny(trimmed[len(end):], "\r\n") {
				trimmed = end
			}
		}
		item, err := compilePair(s, trimmed, start, p)
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, item)
		at += len(pair) + 1
	}
	return l, nil
}

func compilePair(s *source, text string, at int, p place) (*group, error) {
	g := &group{}
	var out sequence
	name, value, hasValue := strings.Cut(text, "=")
	isName := hasValue
	var quoted byte
	isOnlyOptional := true
	var optional []*reference
	for i := range len(text) {
		c := text[i]
		if hasValue && i == len(name) {
			isName = false
			out.text("=")
			continue
		}
		if c != mark {
			switch {
			case c < ' ' || c == 0x7F:
				return nil, s.fail(at+i, "there is no control character in a field: it is written %%0A")
			case c == '%' && (i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2])):
				return nil, s.fail(at+i, "behind %% come two digits, as in %%20; the character itself is %%25")
			}
			space := "%20"
			if p == placeForm {
				space = "+"
			}
			out.text(escapeLiteral(text[i:i+1], isQueryLiteral, space))
			if !isName {
				isOnlyOptional = false
				quoted = afterQuote(quoted, c)
			}
			continue
		}
		ref := s.take()
		if err := s.checkQuoted(at+i, ref, quoted); err != nil {
			return nil, err
		}
		switch {
		case isName && (ref.optional || ref.each):
			return nil, s.fail(at+i, "the name of a parameter is there, once: ? and each are for its value")
		case ref.each && g.each != nil:
			return nil, s.fail(at+i, "two values with each stand in one parameter")
		case ref.each:
			g.each = ref
		}
		if !isName {
			isOnlyOptional = isOnlyOptional && ref.optional
			optional = append(optional, ref)
		}
		out.add(&slot{ref, p})
	}
	if isOnlyOptional && len(optional) > 0 && (hasValue || value == "") {
		g.optional = optional
	}
	g.nodes = out.nodes()
	return g, nil
}

// afterQuote is the quote that is open behind a character.
func afterQuote(open, c byte) byte {
	switch {
	case c != '\'' && c != '"':
		return open
	case open == 0:
		return c
	case open == c:
		return 0
	}
	return open
}

// checkQuoted refuses a value in quotes within a value, where its own quotes would end
// them: what is read there only the configuration knows.
func (s *source) checkQuoted(at int, r *reference, quoted byte) error {
	if quoted == 0 || r.has(string(quoted), "double", "escape") || r.has("", "base64", "number") {
		return nil
	}
	return s.fail(at, "the value stands between quotes, which one in the value would end: say how the application reads it there, {%s|double `%c`} or {%s|escape `%c`}, the character in quotes",
		bounded(r.name), quoted, bounded(r.name), quoted)
}

// escapeLiteral is a text of the configuration in a URL: what it is not allowed to
// hold as such is encoded, what is encoded stays.
func escapeLiteral(text string, isAllowed func(byte) bool, space string) string {
	var out []byte
	for i := range len(text) {
		switch c := text[i]; {
		case c == ' ':
			out = append(out, space...)
		case isUnreserved(c), isAllowed(c):
			out = append(out, c)
		default:
			out = append(out, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return string(out)
}

func isPathLiteral(c byte) bool  { return strings.IndexByte("%!$&'()*+,;=:@", c) >= 0 }
func isQueryLiteral(c byte) bool { return strings.IndexByte("%!$&'()*+,;=:@/?[]", c) >= 0 }
