package template

import "errors"

var (
	errEmptySegment = errors.New("is empty, which a segment of a path can't be")
	errOtherPath    = errors.New("would lead to another path")
)

// compilePlain compiles a text without inner structure.
func compilePlain(s *source, form Form) ([]node, error) {
	p := placeText
	if form == Header {
		p = placeHeader
	}
	var out sequence
	var quoted byte
	start := 0
	for i := range len(s.flat) {
		c := s.flat[i]
		if c != mark {
			if form == Header {
				if _, err := appendHeader(nil, s.flat[i:i+1]); err != nil {
					return nil, s.fail(i, "a header can't hold this character")
				}
			}
			quoted = afterQuote(quoted, c)
			continue
		}
		out.text(s.flat[start:i])
		start = i + 1
		ref := s.take()
		if ref.each {
			return nil, s.fail(i, `each is for what can be there several times: join "," makes one text of a list`)
		}
		if form == Query {
			if err := s.checkQuoted(i, ref, quoted); err != nil {
				return nil, err
			}
		}
		out.add(&slot{ref, p})
	}
	out.text(s.flat[start:])
	return out.nodes(), nil
}
