package rest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators/rest/template"
)

// resolver finds the value of one name that a call uses; ok is false where there is
// none.
type resolver func(l *lookup) (v template.Value, ok bool, err error)

// lookup is where the templates of a call find their values.
type lookup struct {
	t          *Translator
	s          *step
	with       *scope
	isPrinting bool
	notes      []string // on what is printed
}

// find is the [template.Lookup] of a call.
func (l *lookup) find(name string) (template.Value, bool, error) {
	resolve := l.s.names[name]
	if resolve == nil {
		return template.Value{}, false, fmt.Errorf("{%s} is not known here", name)
	}
	return resolve(l)
}

// symbol stands, when a plan is printed, for what is not known before.
func symbol(name string) (template.Value, bool, error) {
	return template.Value{JSON: `""`, Mask: "{" + name + "}"}, true, nil
}

// namer compiles the names that the templates of a step use.
type namer struct {
	step   *step
	isUndo bool
}

// parse reads a template and compiles its names.
func (n *namer) parse(text string, form template.Form, what string) (*template.Template, error) {
	t, err := template.Parse(text, form)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	for _, name := range t.Names() {
		if n.step.names[name] != nil {
			continue
		}
		resolve, err := n.resolver(name)
		if err != nil {
			return nil, fmt.Errorf("%s: {%s}: %w", what, name, err)
		}
		n.step.names[name] = resolve
	}
	return t, nil
}

// has reports whether a template names something that begins so, to the letter where
// the beginning does not end in a dot.
func (n *namer) has(name string) bool {
	for known := range n.step.names {
		if known == name || strings.HasSuffix(name, ".") && strings.HasPrefix(known, name) {
			return true
		}
	}
	return false
}

// resolver compiles a name, or says what is wrong with it.
func (n *namer) resolver(name string) (resolver, error) {
	s := n.step
	head, rest, isPath := strings.Cut(name, ".")
	switch {
	case name == "id":
		return n.id()
	case name == "fields" || head == "field" && isPath:
		return n.fields(rest)
	case head == "changed" && isPath:
		return n.changed(rest)
	case head == "record":
		return n.record(name, rest)
	case head == "member" && isPath:
		return n.member(name, rest)
	case name == "members" && s.op == OpSetMembers:
		return resolveMembers, nil
	case head == "page" && isPath:
		return n.position(name, rest)
	case name == "session":
		if !s.kind.hasSession {
			return nil, errors.New("there is no session with a token: it comes of auth oauth2, or of auth login with a line token or token_header")
		}
		return func(l *lookup) (template.Value, bool, error) {
			if l.isPrinting {
				return template.Value{JSON: `""`, Mask: maskSecret}, true, nil
			}
			value, ok := l.t.backend.signIn.Session()
			return value, ok, nil
		}, nil
	case (head == "env" || head == "file") && isPath:
		// A placeholder of the configuration, which is taken for a secret.
		return func(l *lookup) (template.Value, bool, error) {
			if l.isPrinting {
				return template.Value{JSON: `""`, Mask: maskSecret}, true, nil
			}
			text, err := resolve("{" + name + "}")
			return template.Value{JSON: quote(text), Mask: maskSecret}, true, err
		}, nil
	case head == "secret" && isPath:
		if _, isKnown := s.kind.secrets[rest]; !isKnown {
			return nil, fmt.Errorf("there is no such secret: add secret %s {file./run/secrets/%s} to the translator", rest, rest)
		}
		return func(l *lookup) (template.Value, bool, error) {
			if l.isPrinting {
				return template.Value{JSON: `""`, Mask: maskSecret}, true, nil
			}
			text, err := l.t.secret(rest)
			return template.Value{JSON: quote(text), Mask: maskSecret}, true, err
		}, nil
	}
	if number, err := strconv.Atoi(head); err == nil {
		return n.prior(name, number, rest, isPath)
	}
	for _, v := range s.kind.config.Values {
		if v.Name == name {
			return n.value(name, v.Expression)
		}
	}
	return n.attribute(name)
}

// id is that of the resource.
func (n *namer) id() (resolver, error) {
	switch op := n.step.op; {
	case op == OpSearch || op == OpList:
		return nil, fmt.Errorf("%s has no id", op)
	case op == OpConfirmAbsence:
		return nil, errors.New("confirm_absence has no id: it is a call that succeeds whenever the application lets the gateway see everybody, such as confirm_absence GET /users?limit=1")
	case op == OpCreate && !n.isUndo:
		return nil, fmt.Errorf("what is created has no id before: of a later call it is {1.id}")
	}
	n.step.namesOne = true
	return func(l *lookup) (template.Value, bool, error) {
		if l.with.id == "" {
			if l.isPrinting {
				return symbol("id")
			}
			return template.Value{}, false, nil
		}
		return template.Value{JSON: n.step.kind.idJSON(l.with.id)}, true, nil
	}, nil
}

// idJSON writes an id as the application has it in JSON.
func (k *kind) idJSON(id string) string { return idJSON(id, k.config.IDIsNumber) }

func idJSON(id string, isNumber bool) string {
	if isNumber && gjson.Valid(id) && gjson.Parse(id).Type == gjson.Number {
		return id
	}
	return quote(id)
}

// known are the names that the operation can have besides attributes.
func (n *namer) known() []string {
	var known []string
	switch op := n.step.op; op {
	case OpSearch, OpList:
		known = append(known, "{page.offset}", "{page.number}", "{page.limit}", "{page.cursor}")
	case OpConfirmAbsence:
	case OpCreate:
		known = append(known, "{fields}", "{field.<path>}")
	case OpUpdate, OpSecret:
		known = append(known, "{id}", "{fields}", "{field.<path>}", "{record.<path>}")
	case OpAddMember, OpRemoveMember:
		known = append(known, "{id}", "{member.id}", "{member.<attribute>}", "{record.<path>}")
	case OpSetMembers:
		known = append(known, "{id}", "{members}", "{record.<path>}")
	case OpDisable, OpEnable, OpDelete:
		known = append(known, "{id}", "{record.<path>}")
	default:
		known = append(known, "{id}")
	}
	if n.step.number > 1 {
		known = append(known, "{1.<path>}")
	}
	known = append(known, "{secret.<name>}")
	if n.step.kind.hasSession {
		known = append(known, "{session}")
	}
	for _, v := range n.step.kind.config.Values {
		known = append(known, "{"+v.Name+"}")
	}
	return known
}
