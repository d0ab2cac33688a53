package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
	"github.com/scimgate/scimgate/translators/rest/template"
)

// prior is a value in an answer to an earlier call.
func (n *namer) prior(name string, number int, path string, isPath bool) (resolver, error) {
	last := n.step.number - 1
	if n.isUndo {
		last++
	}
	switch {
	case !isPath || path == "":
		return nil, fmt.Errorf("say which value of the answer: {%d.id}", number)
	case number < 1 || number > last && last == 0:
		return nil, fmt.Errorf("no call of %s was made before this one", n.step.op)
	case number > last:
		return nil, fmt.Errorf("call %d of %s is not made before this one: there is the answer of call %d", number, n.step.op, last)
	}
	p, err := document.ParsePath(path)
	if err != nil {
		return nil, err
	}
	return func(l *lookup) (template.Value, bool, error) {
		if l.isPrinting {
			return symbol(name)
		}
		if len(l.with.prior) < number || l.with.prior[number-1] == nil {
			return template.Value{}, false, nil
		}
		a := l.with.prior[number-1]
		v, ok, err := valueAt(p, a.doc)
		if path == "id" && number == 1 && n.step.op == OpCreate {
			// That of what was created, wherever its answer has it, and where it was only
			// found by its name.
			if a.id != "" && (!ok || idText(gjson.Parse(v.JSON)) != a.id) {
				return template.Value{JSON: n.step.kind.idJSON(a.id)}, true, nil
			}
		}
		return v, ok, err
	}, nil
}

// position is where a walk through a list is.
func (n *namer) position(name, which string) (resolver, error) {
	if op := n.step.op; op != OpSearch && op != OpList && op != OpMembers {
		return nil, fmt.Errorf("only search, list and members have pages")
	}
	get := map[string]func(p *position) string{
		"offset": func(p *position) string { return strconv.Itoa(p.offset) },
		"number": func(p *position) string { return strconv.Itoa(p.number) },
		"limit":  func(p *position) string { return strconv.Itoa(p.limit) },
		"cursor": func(p *position) string { return quote(p.cursor) },
	}[which]
	if get == nil {
		return nil, fmt.Errorf("there are page.offset, page.number, page.limit and page.cursor")
	}
	return func(l *lookup) (template.Value, bool, error) {
		if l.with.page == nil {
			if l.isPrinting {
				return symbol(name)
			}
			return template.Value{}, false, nil
		}
		if which == "cursor" && l.with.page.cursor == "" {
			return template.Value{}, false, nil
		}
		return template.Value{JSON: get(l.with.page)}, true, nil
	}, nil
}

// member is a value of the resource that comes or goes.
func (n *namer) member(name, path string) (resolver, error) {
	if n.step.op != OpAddMember && n.step.op != OpRemoveMember {
		return nil, fmt.Errorf("only add_member and remove_member have one")
	}
	n.step.namesOne = true
	if path == "id" {
		return func(l *lookup) (template.Value, bool, error) {
			if l.with.member == nil {
				if l.isPrinting {
					return symbol(name)
				}
				return template.Value{}, false, nil
			}
			return template.Value{JSON: idJSON(l.with.member.Resource.ID, l.with.membersAreNumbers)}, true, nil
		}, nil
	}
	if _, _, err := translators.ParseLeaf(fullUser, path); err != nil {
		return nil, err
	}
	return func(l *lookup) (template.Value, bool, error) {
		if l.with.member == nil {
			if l.isPrinting {
				return symbol(name)
			}
			return template.Value{}, false, nil
		}
		// Members may be of several types.
		p, err := scim.ParsePath(l.with.member.Resource.Type, path)
		if err != nil {
			return template.Value{}, false, nil //nolint:nilerr // a type that does not have the attribute has no value there
		}
		v := scimValue(p, l.with.member.Resource)
		if v.JSON == "" && l.isPrinting && l.with.member.Handle == nil {
			return symbol(name) // planned offline: the user was not read
		}
		return v, v.JSON != "", nil
	}, nil
}

var fullUser = scim.UserType()

func resolveMembers(l *lookup) (template.Value, bool, error) {
	var b strings.Builder
	b.WriteByte('[')
	for i, m := range l.with.members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(idJSON(m, l.with.membersAreNumbers))
	}
	b.WriteByte(']')
	return template.Value{JSON: b.String()}, true, nil
}

// attribute is a value in SCIM: what is looked for in search, of the resource else.
func (n *namer) attribute(name string) (resolver, error) {
	s := n.step
	switch s.op {
	case OpRead, OpConfirmAbsence, OpList, OpStatus, OpMembers:
		if isVariable.MatchString(name) || strings.HasPrefix(name, "http.") {
			return nil, errors.New(n.meant(name))
		}
		return nil, fmt.Errorf("%s has no such value: there are %s", s.op, strings.Join(n.known(), ", "))
	}
	p, err := scim.ParsePath(s.kind.mapping.Type, name)
	if err != nil {
		if _, fault := n.unmapped(name); fault != nil {
			if hint := n.meant(name); hint != "" {
				return nil, errors.New(hint)
			}
			return nil, fmt.Errorf("%w; besides attributes there are %s", fault, strings.Join(n.known(), ", "))
		}
		return nil, fmt.Errorf("the attribute is not mapped: add map %s and its field, or take it out", name)
	}
	mask := ""
	for _, l := range s.kind.mapping.LeavesFor(scim.Target{Attribute: p.Attribute, Sub: p.Sub}) {
		switch {
		case l.IsSecret():
			mask = maskSecret
		case l.IsPrivate() && mask == "":
			mask = maskPrivate
		}
	}
	if s.op == OpSearch {
		target := scim.Target{Attribute: p.Attribute, Sub: p.Sub}
		if !slices.Contains(s.targets, target) {
			s.targets = append(s.targets, target)
		}
		return func(l *lookup) (template.Value, bool, error) {
			if l.with.attribute != target {
				return template.Value{}, false, nil
			}
			text := scimJSON(l.with.value)
			return template.Value{JSON: text, Mask: mask}, text != "", nil
		}, nil
	}
	return func(l *lookup) (template.Value, bool, error) {
		if l.with.resource == nil {
			if l.isPrinting {
				return symbol(name)
			}
			return template.Value{}, false, nil
		}
		v := scimValue(p, l.with.resource)
		v.Mask = mask
		return v, v.JSON != "", nil
	}, nil
}

// isVariable finds names of variables of the environment.
var isVariable = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)

// meant says what somebody may mean by a name that is none, or "".
func (n *namer) meant(name string) string {
	if strings.HasPrefix(name, "http.") {
		return "Caddy has made this of a placeholder such as {query}, {path} or {method}, which are not for data: name an attribute, such as {userName}"
	}
	if isVariable.MatchString(name) {
		return "a variable of the environment is written {env." + name + "}"
	}
	for _, m := range n.step.kind.config.Maps {
		if !slices.Contains(m.Fields, name) {
			continue
		}
		values := "{" + m.Path + "}"
		if slices.Contains([]Operation{OpCreate, OpUpdate, OpSecret}, n.step.op) {
			values += " or {field." + name + "}"
		}
		return fmt.Sprintf("%s is the application's name of what SCIM calls %s: write %s", name, m.Path, values)
	}
	return ""
}

// unmapped reads the name as one of a type with all its attributes, if it is one of
// SCIM's own.
func (n *namer) unmapped(name string) (scim.Path, error) {
	full := n.step.kind.mapping.Type
	switch full.Name {
	case fullUser.Name:
		full = fullUser
	case fullGroup.Name:
		full = fullGroup
	}
	p, _, err := translators.ParseLeaf(full, name)
	return p, err
}

var fullGroup = scim.GroupType()

// scimValue returns what stands at a path of a resource: where a selector finds
// several, the first.
func scimValue(p scim.Path, r *scim.Resource) template.Value {
	v := p.Value(r)
	if v.Kind() == scim.KindList && p.Selector != nil {
		v = v.Items()[0]
	}
	return template.Value{JSON: scimJSON(v)}
}

// scimJSON writes a value as JSON; "" for one that is absent.
func scimJSON(v scim.Value) string {
	switch v.Kind() {
	case scim.KindString:
		return quote(v.Text())
	case scim.KindNumber:
		return v.Text()
	case scim.KindBool:
		return strconv.FormatBool(v.IsTrue())
	case scim.KindList:
		var b strings.Builder
		for i, item := range v.Items() {
			b.WriteByte("[,"[min(i, 1)])
			b.WriteString(scimJSON(item))
		}
		return b.String() + "]"
	case scim.KindComplex:
		var b strings.Builder
		for i, f := range v.Fields() {
			b.WriteByte("{,"[min(i, 1)])
			b.WriteString(quote(f.Attribute.Name) + ":" + scimJSON(f.Value))
		}
		return b.String() + "}"
	}
	return ""
}

// quote writes a text as a JSON string.
func quote(text string) string {
	isPlain := true
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c > '~' {
			isPlain = false
			break
		}
	}
	if isPlain {
		return `"` + text + `"`
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return `""` // a string always can be written
	}
	return strings.TrimSuffix(b.String(), "\n")
}
