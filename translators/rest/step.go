package rest

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators/rest/document"
	"github.com/scimgate/scimgate/translators/rest/template"
)

// step is a compiled [CallConfig]: one call of an operation. It is not changed after
// it was made and is used by many goroutines at once.
type step struct {
	kind   *kind
	op     Operation
	number int // of the operation's calls, from 1
	config CallConfig
	undo   []*step // none: none is configured

	isWrite      bool
	isRepeatable bool
	namesOne     bool // an {id} or a {member.…}: 404 means that there is none
	names        map[string]resolver
	targets      []scim.Target
	// seesAll are the names of values whose expressions see what is to be written.
	seesAll map[string]bool
	// seesRecord is set where the expression of a value sees the record.
	seesRecord bool

	url     *template.Template
	query   []parameter
	header  http.Header // what needs no value
	headers []parameter // what does
	body    *body       // nil: none
	page    *pager
	when    *condition

	form      string // of the answer, "" for what it says itself
	item      *document.Path
	items     *document.Path
	id        *document.Path // where the configuration says it of the call
	idPattern *regexp.Regexp
	judges    []judge
	errorText []*document.Path
	// retryAfter is where the seconds to wait are; nil: in the header alone.
	retryAfter *document.Path
	// asksWeb is set where web must ask what an answer means, because the
	// configuration says something of it.
	asksWeb bool
}

// parameter is a compiled [Parameter].
type parameter struct {
	name  string
	value *template.Template
}

var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// newStep compiles a call.
func newStep(k *kind, op Operation, number int, c CallConfig, d CallDefaults) (*step, error) {
	return compileStep(k, op, number, c, d, false)
}

func compileStep(k *kind, op Operation, number int, c CallConfig, d CallDefaults, isUndo bool) (*step, error) {
	s := &step{kind: k, op: op, number: number, config: c, names: make(map[string]resolver), header: make(http.Header)}
	s.isWrite = !slices.Contains([]Operation{OpSearch, OpList, OpRead, OpConfirmAbsence, OpStatus, OpMembers}, op)
	n := namer{step: s, isUndo: isUndo}
	for _, compile := range []func(*namer, CallConfig, CallDefaults) error{
		s.compileRequest, s.compilePage, s.compileBody, s.compileAnswer, s.compileWhen} {
		if err := compile(&n, c, d); err != nil {
			return nil, err
		}
	}
	if err := s.settlePage(&n); err != nil {
		return nil, err
	}
	if err := s.check(&n, isUndo); err != nil {
		return nil, err
	}
	if len(c.Undo) > 0 {
		if err := checkUndo(op, isUndo); err != nil {
			return nil, err
		}
	}
	for i, one := range c.Undo {
		undo, err := compileStep(k, op, number, one, d, true)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", nameOfUndo(i, len(c.Undo)), err)
		}
		s.undo = append(s.undo, undo)
	}
	return s, nil
}

// checkUndo refuses an undo that would never be made.
func checkUndo(op Operation, isUndo bool) error {
	switch {
	case isUndo:
		return errors.New("undo stands in the block of an undo: a call that takes another back is not taken back itself; remove it")
	case op == OpDisable:
		return errors.New("undo: what disables is never taken back: remove it")
	case slices.Contains([]Operation{OpSearch, OpList, OpRead, OpStatus, OpMembers, OpConfirmAbsence}, op):
		return fmt.Errorf("undo: %s changes nothing that could be taken back: remove it", op)
	case slices.Contains([]Operation{OpAddMember, OpRemoveMember, OpSetMembers}, op):
		return fmt.Errorf("undo: what %s has done stays, because nobody knows who was a member before: remove it", op)
	}
	return nil
}

// nameOfUndo names one of the calls that take a call back.
func nameOfUndo(i, of int) string {
	if of == 1 {
		return "undo"
	}
	return fmt.Sprintf("undo %d", i+1)
}

// compileRequest compiles method, URL, query and headers.
func (s *step) compileRequest(n *namer, c CallConfig, d CallDefaults) error {
	if err := checkMethod(c.Method); err != nil {
		return err
	}
	s.isRepeatable = !slices.Contains([]string{http.MethodPost, http.MethodPatch}, c.Method) || !s.isWrite
	if c.Repeatable != nil {
		s.isRepeatable = *c.Repeatable
	}
	if err := checkURL(c.URL); err != nil {
		return err
	}
	if err := checkOpen(c, d); err != nil {
		return err
	}
	var err error
	if s.url, err = n.parse(c.URL, template.URL, "the URL"); err != nil {
		return err
	}
	for _, p := range overlay(d.Query, c.Query, func(a, b string) bool { return a == b }) {
		value, err := n.parse(p.Value, template.Query, "query "+p.Name)
		if err != nil {
			return err
		}
		s.query = append(s.query, parameter{p.Name, value})
	}
	for _, p := range overlay(d.Header, c.Header, strings.EqualFold) {
		if !isToken(p.Name) {
			return fmt.Errorf("header %s: that is no name of a header", p.Name)
		}
		value, err := n.parse(p.Value, template.Header, "header "+p.Name)
		if err != nil {
			return err
		}
		if len(value.Names()) == 0 {
			text, err := value.Execute(nil)
			if err != nil {
				return fmt.Errorf("header %s: %w", p.Name, err)
			}
			s.header.Set(p.Name, text)
			continue
		}
		s.headers = append(s.headers, parameter{http.CanonicalHeaderKey(p.Name), value})
	}
	return nil
}

// overlay returns the parameters of all calls without those that the call itself
// gives, and then these.
func overlay(all, own []Parameter, isSame func(a, b string) bool) []Parameter {
	var parameters []Parameter
	for _, p := range all {
		if !slices.ContainsFunc(own, func(o Parameter) bool { return isSame(o.Name, p.Name) }) {
			parameters = append(parameters, p)
		}
	}
	return append(parameters, own...)
}

// isToken reports whether a text is a token (RFC 9110 §5.6.2), as names of headers are.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

// checkURL says what is wrong with the URL of a call.
func checkURL(text string) error {
	bare := withoutNames.ReplaceAllString(text, "")
	path, _, _ := strings.Cut(bare, "?")
	switch {
	case strings.Contains(path, "://") || strings.HasPrefix(text, "//"):
		return fmt.Errorf("the URL %s names a host: write the path alone, which is relative to the URL of the translator", text)
	case !strings.HasPrefix(text, "/"):
		return fmt.Errorf("the URL %s has to begin with a slash: /%s", text, text)
	case strings.Contains(bare, "#"):
		return fmt.Errorf("the URL %s has a fragment, which is never sent: remove the # and what follows", text)
	case strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '"' || r == '\\' }):
		return fmt.Errorf("the URL %s has a blank, a quote or a backslash in its path: write %%20, %%22 or %%5C", text)
	}
	return nil
}

// withoutNames finds the values in a template.
var withoutNames = regexp.MustCompile(`\{[^{}]*\}`)

// attributes are the SCIM attributes of which a search needs a value: those that its
// templates name.
func (s *step) attributes() []scim.Target { return s.targets }

func (s *step) timeout() time.Duration { return time.Duration(s.config.Timeout) }

// onlyReads reports whether a call of an operation that writes changes nothing itself, so
// that there is nothing to take back: it is a GET or HEAD before or behind those that do.
// Where an operation has no other calls its GET is what writes, and one that must not be
// sent twice does something.
func (s *step) onlyReads() bool {
	isGet := func(o *step) bool { return o.config.Method == http.MethodGet || o.config.Method == http.MethodHead }
	isHarmful := s.config.Repeatable != nil && !*s.config.Repeatable
	return isGet(s) && !isHarmful && slices.ContainsFunc(s.kind.steps[s.op], func(o *step) bool { return !isGet(o) })
}

// saysWhich reports whether a template names something that differs from one resource to
// the other.
func (s *step) saysWhich() bool {
	for name := range s.names {
		switch head, _, _ := strings.Cut(name, "."); head {
		case "fields", "page", "secret", "session", "env", "file":
		default:
			return true
		}
	}
	return false
}

// check finds what is missing for the operation.
func (s *step) check(n *namer, isUndo bool) error {
	switch {
	case isUndo:
		return nil
	case s.config.IfMatch && (!s.isWrite || s.op == OpCreate):
		return fmt.Errorf("if_match sends the ETag of the record that was read before, and %s has none: remove it", s.op)
	}
	switch s.op {
	case OpSearch:
		if len(s.targets) == 0 {
			return errors.New("the call names no attribute to look for: put a value into it, such as ?name={userName}; what returns all is list")
		}
	case OpAddMember, OpRemoveMember:
		if s.number == 1 && !n.has("member.") && !n.has("fields") && len(s.kind.config.Values) == 0 {
			return errors.New("the call does not say which member: put {member.id} into its URL or its body")
		}
	case OpSetMembers:
		if s.number == 1 && s.config.When == "" && !n.has("members") && len(s.kind.config.Values) == 0 {
			return errors.New("the call does not send the members: put {members} into its body, such as body json `{\"user_ids\": {members}}`")
		}
	case OpRead, OpUpdate, OpDisable, OpEnable, OpStatus, OpSecret, OpDelete, OpMembers:
		if !s.saysWhich() {
			if strings.Contains(s.config.URL+s.config.Template, "{{") {
				return errors.New("the call does not say which resource: {{ stands for a brace, and a value has one: write {id}")
			}
			return errors.New("the call does not say which resource: put {id} into its URL or its body")
		}
	}
	return nil
}
