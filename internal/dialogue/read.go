package dialogue

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Read reads the text of a file. Its errors name the line.
func Read(name, text string) (*Dialogue, error) {
	r := &reader{lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
	d := &Dialogue{Name: name}
	for {
		blocks := r.comments()
		if len(d.Steps) == 0 && len(blocks) > 0 && strings.HasPrefix(r.peek(), speaks) {
			d.Version = strings.TrimSpace(strings.TrimPrefix(r.next(), speaks))
			if d.Version != "1.1" {
				return nil, fmt.Errorf("dialogue %s, line %d: expected %s 1.1, the only version beside 2.0", name, r.number, speaks)
			}
			blocks = append(blocks[:1], r.comments()...)
		}
		if len(d.Steps) == 0 && len(blocks) > 1 {
			d.About = blocks[0]
		}
		var sources []string
		if len(blocks) > 0 {
			sources = blocks[len(blocks)-1]
		}
		if r.atEnd() {
			break
		}
		step, err := r.step(sources)
		if err != nil {
			return nil, fmt.Errorf("dialogue %s, line %d: %w", name, r.number, err)
		}
		d.Steps = append(d.Steps, step)
	}
	if len(d.Steps) == 0 {
		return nil, fmt.Errorf("dialogue %s: there is no step", name)
	}
	return d, nil
}

// speaks begins the line, behind the first comment, that names another version of
// SCIM than 2.0.
const speaks = "speaks: SCIM"

type reader struct {
	lines  []string
	number int // of the line that was read last, from 1
}

func (r *reader) atEnd() bool { return r.number == len(r.lines) }

func (r *reader) peek() string {
	if r.atEnd() {
		return ""
	}
	return r.lines[r.number]
}

func (r *reader) next() string {
	line := r.peek()
	r.number++
	return line
}

func isBlank(line string) bool { return strings.TrimSpace(line) == "" }

// comments reads blank lines and comments, and returns the blocks of comments.
func (r *reader) comments() [][]string {
	var blocks [][]string
	isOver := true
	for !r.atEnd() && (isBlank(r.peek()) || strings.HasPrefix(r.peek(), "#")) {
		line := r.next()
		if isBlank(line) {
			isOver = true
			continue
		}
		if isOver {
			blocks, isOver = append(blocks, nil), false
		}
		last := len(blocks) - 1
		blocks[last] = append(blocks[last], strings.TrimSpace(strings.TrimPrefix(line, "#")))
	}
	return blocks
}

const titleMark = "=== "

func (r *reader) step(sources []string) (Step, error) {
	title, isTitle := strings.CutPrefix(r.next(), titleMark)
	s := Step{Title: strings.TrimSpace(title), Sources: sources, Line: r.number}
	switch {
	case !isTitle:
		return s, fmt.Errorf("expected a title, such as === Test Connection")
	case len(sources) == 0:
		return s, fmt.Errorf("step %q has no comment that says where it comes from", s.Title)
	}
	if err := r.request(&s.Request); err != nil {
		return s, err
	}
	for !r.atEnd() && !strings.HasPrefix(r.peek(), titleMark) && !strings.HasPrefix(r.peek(), "#") {
		if isBlank(r.peek()) {
			r.next()
			continue
		}
		if err := r.section(&s); err != nil {
			return s, err
		}
	}
	if s.Becomes == nil {
		return s, fmt.Errorf("step %q has no becomes:", s.Title)
	}
	return s, nil
}

// request reads the request line, the header and the body.
func (r *reader) request(q *Request) error {
	method, target, ok := strings.Cut(r.next(), " ")
	if !ok || method == "" || strings.ToUpper(method) != method || !strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "{") {
		return fmt.Errorf("expected a request line, such as GET /Users")
	}
	q.Method, q.Target = method, target
	for !r.atEnd() && !isBlank(r.peek()) {
		name, value, ok := strings.Cut(r.next(), ":")
		if !ok || strings.ContainsAny(name, " \t{\"") {
			return fmt.Errorf("expected a header field or an empty line")
		}
		q.Header = append(q.Header, Field{name, strings.TrimSpace(value)})
	}
	var body []string
	for !r.atEnd() && !isSection(r.peek()) && !strings.HasPrefix(r.peek(), titleMark) && !strings.HasPrefix(r.peek(), "#") {
		body = append(body, r.next())
	}
	q.Body = strings.TrimSpace(strings.Join(body, "\n"))
	return nil
}

var sections = []string{"becomes", "answers", "header", "absent", "remember", "directory"}

func isSection(line string) bool {
	word, _, ok := strings.Cut(line, ":")
	for _, s := range sections {
		if ok && word == s {
			return true
		}
	}
	return false
}

func (r *reader) section(s *Step) error {
	if !isSection(r.peek()) {
		return fmt.Errorf("after %q: expected one of %s", s.Title, strings.Join(sections, ", "))
	}
	word, rest, _ := strings.Cut(r.next(), ":")
	rest = strings.TrimSpace(rest)
	if s.Answer == nil && (word == "header" || word == "absent" || word == "remember") {
		return fmt.Errorf("%s: stands before answers:", word)
	}
	switch word {
	case "becomes":
		if s.Becomes = r.indented(); s.Becomes == nil || rest != "" {
			return fmt.Errorf("becomes: is followed by indented lines")
		}
	case "answers":
		return r.answer(s, rest)
	case "header":
		name, value, ok := strings.Cut(rest, ":")
		if !ok {
			return fmt.Errorf("expected header: Name: value")
		}
		s.Answer.Header = append(s.Answer.Header, Field{strings.TrimSpace(name), strings.TrimSpace(value)})
	case "absent":
		for p := range strings.SplitSeq(rest, ",") {
			if p = strings.TrimSpace(p); p == "" {
				return fmt.Errorf("expected absent: name, name")
			}
			s.Answer.Absent = append(s.Answer.Absent, p)
		}
	case "remember":
		name, path, ok := strings.Cut(rest, "=")
		m := Remember{strings.TrimSpace(name), strings.TrimSpace(path)}
		if !ok || m.Path == "" || !isVariable(m.Name) {
			return fmt.Errorf("expected remember: name = path")
		}
		s.Answer.Remember = append(s.Answer.Remember, m)
	case "directory":
		return r.entry(s, rest)
	}
	return nil
}

// indented reads the indented lines that follow and takes away the indentation
// of the first one.
func (r *reader) indented() []string {
	var lines []string
	indent := -1
	for !r.atEnd() && !isBlank(r.peek()) && strings.TrimLeft(r.peek(), " ") != r.peek() {
		line := strings.TrimRight(r.next(), " ")
		here := len(line) - len(strings.TrimLeft(line, " "))
		if indent < 0 {
			indent = here
		}
		lines = append(lines, line[min(indent, here):])
	}
	return lines
}

func (r *reader) answer(s *Step, statuses string) error {
	s.Answer = &Answer{Body: strings.Join(r.indented(), "\n")}
	for word := range strings.SplitSeq(statuses, " or ") {
		status, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || status < 100 || status > 599 {
			return fmt.Errorf("expected answers: 200 or 204, found %q", statuses)
		}
		s.Answer.Statuses = append(s.Answer.Statuses, status)
	}
	if s.Answer.Body != "" && !json.Valid([]byte(s.Answer.Body)) {
		return fmt.Errorf("the answer is not JSON")
	}
	return nil
}

// entry reads one directory: section.
func (r *reader) entry(s *Step, rest string) error {
	e := Entry{DN: rest}
	if dn, isGone := strings.CutSuffix(rest, " gone"); isGone {
		e.DN, e.IsGone = strings.TrimSpace(dn), true
	}
	if !strings.Contains(e.DN, "=") {
		return fmt.Errorf("expected directory: and a DN")
	}
	for _, line := range r.indented() {
		if err := e.line(line); err != nil {
			return err
		}
	}
	if !e.IsGone && e.Values == nil && e.Bind == nil {
		return fmt.Errorf("nothing is said about %s", e.DN)
	}
	s.Directory = append(s.Directory, e)
	return nil
}

func (e *Entry) line(line string) error {
	if password, ok := strings.CutPrefix(line, "can bind with "); ok {
		e.Bind = append(e.Bind, Bind{Password: password})
		return nil
	}
	if password, ok := strings.CutPrefix(line, "cannot bind with "); ok {
		e.Bind = append(e.Bind, Bind{Password: password, Refused: true})
		return nil
	}
	name, value, ok := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	how := Exactly
	for _, h := range []How{Includes, Excludes} {
		if n, is := strings.CutSuffix(name, " "+string(h)); is {
			name, how = n, h
		}
	}
	if !ok || name == "" || value == "" || strings.Contains(name, " ") {
		return fmt.Errorf("expected attribute: value, can bind with … or cannot bind with …, found %q", line)
	}
	for i := range e.Values {
		if v := &e.Values[i]; strings.EqualFold(v.Attribute, name) && v.How == how {
			if value == "-" || len(v.Values) == 0 {
				return fmt.Errorf("%s is said to be absent and to have a value", name)
			}
			v.Values = append(v.Values, value)
			return nil
		}
	}
	v := Values{Attribute: name, How: how}
	if value != "-" {
		v.Values = []string{value}
	}
	e.Values = append(e.Values, v)
	return nil
}
