package directory

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// ldifRecord is one entry of an LDIF file.
type ldifRecord struct {
	line       int // where it starts
	name       string
	attributes []namedValues
}

// ldifReader reads the content form of LDIF (RFC 2849): comments, folded lines, base64. URLs and change
// records are refused.
type ldifReader struct {
	in   *bufio.Scanner
	line int
	next string // read ahead, to see whether it continues the line before
	more bool
}

func newLDIFReader(r io.Reader) *ldifReader {
	l := &ldifReader{in: bufio.NewScanner(r)}
	l.in.Buffer(nil, maxMessage)
	l.advance()
	return l
}

func (l *ldifReader) advance() {
	l.more = l.in.Scan()
	l.next = strings.TrimSuffix(l.in.Text(), "\r")
}

// logical returns the next unfolded line that is not a comment.
func (l *ldifReader) logical() (string, bool) {
	for l.more {
		l.line++
		var text strings.Builder
		text.WriteString(l.next)
		for l.advance(); l.more && strings.HasPrefix(l.next, " "); l.advance() {
			l.line++
			text.WriteString(l.next[1:])
		}
		if !strings.HasPrefix(text.String(), "#") {
			return text.String(), true
		}
	}
	return "", false
}

// read returns the next record, or io.EOF.
func (l *ldifReader) read() (*ldifRecord, error) {
	var record *ldifRecord
	for {
		text, ok := l.logical()
		if !ok || text == "" && record != nil {
			break
		}
		if text == "" {
			continue
		}
		name, value, err := splitLDIF(text)
		if err != nil {
			return nil, fmt.Errorf("reading LDIF line %d: %w", l.line, err)
		}
		switch {
		case record == nil && strings.EqualFold(name, "version"):
		case record == nil && strings.EqualFold(name, "dn"):
			record = &ldifRecord{line: l.line, name: value}
		case record == nil:
			return nil, fmt.Errorf("reading LDIF line %d: a record starts with dn, not %s", l.line, name)
		case strings.EqualFold(name, "changetype"):
			return nil, fmt.Errorf("reading LDIF line %d: change records are not content", l.line)
		default:
			record.attributes = append(record.attributes, namedValues{name, []string{value}})
		}
	}
	if err := l.in.Err(); err != nil {
		return nil, fmt.Errorf("reading LDIF: %w", err)
	}
	if record == nil {
		return nil, io.EOF
	}
	return record, nil
}

func splitLDIF(text string) (name, value string, err error) {
	name, value, found := strings.Cut(text, ":")
	switch {
	case !found || name == "":
		return "", "", errors.New("no attribute name")
	case strings.HasPrefix(value, "<"):
		return "", "", errors.New("values from a URL are not supported")
	case strings.HasPrefix(value, ":"):
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value[1:]))
		return name, string(decoded), err
	}
	return name, strings.TrimLeft(value, " "), nil
}

// Load adds the entries of an LDIF file, parents before children, as slapadd does: nobody's rights are
// asked and no policy, and operational attributes may come along, so that what [Server.Dump] wrote can be
// loaded again. Passwords in the clear are hashed. The schema is checked. An error names the line of the
// entry that could not be added; those before it are in.
func (s *Server) Load(r io.Reader) error {
	root := identity{s.root.name, s.root.norm, s.root}
	in := newLDIFReader(r)
	for {
		record, err := in.read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.loadEntry(record, root); err != nil {
			return fmt.Errorf("loading %s (LDIF line %d): %w", record.name, record.line, err)
		}
	}
}

func (s *Server) loadEntry(record *ldifRecord, root identity) error {
	name, err := s.schema.updateName(record.name)
	if err != nil {
		return err
	}
	values, err := s.schema.checkNew(record.attributes, true)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !below(name.norm(), s.tree.suffixNorm) {
		return fmt.Errorf("the entry is not below %s", s.tree.suffix)
	}
	x := s.tree.begin()
	if _, err := s.insert(x, name, values, root); err != nil {
		x.rollback()
		return err
	}
	return nil
}

// Dump writes all entries as LDIF, the stored operational attributes and password hashes included.
func (s *Server) Dump(w io.Writer) error {
	out := bufio.NewWriter(w)
	s.mu.RLock()
	defer s.mu.RUnlock()
	top := s.tree.entries[s.tree.suffixNorm]
	if top == nil {
		return nil
	}
	var dump func(*entry)
	dump = func(e *entry) {
		writeLDIF(out, "dn", e.name)
		for _, a := range e.attributes {
			for _, value := range a.pretty {
				writeLDIF(out, a.typ.Name(), value)
			}
		}
		out.WriteByte('\n')
		children := make([]*entry, 0, len(e.children))
		for child := range e.children {
			children = append(children, child)
		}
		sortByID(children)
		for _, child := range children {
			dump(child)
		}
	}
	dump(top)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing LDIF: %w", err)
	}
	return nil
}

// writeLDIF writes one value, in base64 where RFC 2849 section 4 asks for it. Write errors stay with out.
func writeLDIF(out *bufio.Writer, name, value string) {
	plain := !strings.HasPrefix(value, " ") && !strings.HasPrefix(value, ":") && !strings.HasPrefix(value, "<") && !strings.HasSuffix(value, " ") &&
		strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r >= utf8.RuneSelf }) < 0
	if plain {
		fmt.Fprintf(out, "%s: %s\n", name, value)
		return
	}
	fmt.Fprintf(out, "%s:: %s\n", name, base64.StdEncoding.EncodeToString([]byte(value)))
}
