// Package dialogue reads the conversations between provisioning services and a
// gateway that stand in testdata/dialogues. The README there describes the
// format; this package knows neither SCIM nor LDAP beyond it.
package dialogue

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Dialogue is one file: exchanges in order, which begin with the fixture and
// share what they remember.
type Dialogue struct {
	Name  string   // of the file, without .txt
	About []string // the comment at the top, line by line
	// Version is the one of SCIM that is spoken: "1.1", or "" for 2.0. Its base is
	// another one.
	Version string
	Steps   []Step
}

// Step is one request with what must follow from it.
type Step struct {
	Title   string
	Sources []string // the comment before it, line by line
	Line    int      // of the title, from 1
	Request Request

	// Becomes is the canonical operation or the error that the request is
	// decoded to, line by line without the common indentation.
	Becomes []string
	// Answer is what must come back; nil when the file does not say.
	Answer *Answer
	// Directory is what the directory must hold afterwards.
	Directory []Entry
}

// Request is what a provider sends.
type Request struct {
	Method string
	Target string // path and query below the gateway's base, as on the wire
	Header []Field
	Body   string
}

// Get returns the value of a header field, or "".
func (r Request) Get(name string) string {
	for _, f := range r.Header {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Field is a header field.
type Field struct{ Name, Value string }

// Answer is what must come back.
type Answer struct {
	Statuses []int   // one of these
	Header   []Field // * in a value stands for anything
	Body     string  // JSON that the body must contain; "" when nothing is asked
	Absent   []string
	Remember []Remember
}

// Remember keeps what stands at Path of an answer under Name.
type Remember struct{ Name, Path string }

// Entry is what one entry of the directory must be like.
type Entry struct {
	DN     string
	IsGone bool
	Bind   []Bind
	Values []Values
}

// Bind says that a password is good or no good.
type Bind struct {
	Password string
	Refused  bool
}

// Values says what an attribute holds.
type Values struct {
	Attribute string
	How       How
	Values    []string
}

// How the values of an attribute are compared.
type How string

// The ways of comparing.
const (
	Exactly  How = "exactly"  // these and no others, in any order; none: absent
	Includes How = "includes" // these and perhaps others
	Excludes How = "excludes" // none of these
)

// ReadAll reads all dialogues of a directory, in the order of their names.
func ReadAll(fsys fs.FS) ([]*Dialogue, error) {
	names, err := fs.Glob(fsys, "*.txt")
	if err != nil {
		return nil, fmt.Errorf("listing dialogues: %w", err)
	}
	slices.Sort(names)
	var all []*Dialogue
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("reading dialogue: %w", err)
		}
		d, err := Read(strings.TrimSuffix(path.Base(name), ".txt"), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}
