package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
	"github.com/scimgate/scimgate/translators/rest/expression"
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

// fields are those that are written, all or the one at a path.
func (n *namer) fields(path string) (resolver, error) {
	switch n.step.op {
	case OpCreate, OpUpdate, OpSecret:
	default:
		return nil, fmt.Errorf("only create, update and password have fields")
	}
	if path == "" {
		return func(l *lookup) (template.Value, bool, error) {
			text, err := l.fields()
			return template.Value{JSON: text}, true, err
		}, nil
	}
	p, err := n.fieldPath(path)
	if err != nil {
		return nil, err
	}
	return func(l *lookup) (template.Value, bool, error) {
		if v, isWritten := l.written(path); isWritten {
			return v, v.JSON != "", nil
		}
		// Of a whole record it is what the record has.
		switch s := n.step; {
		case s.body == nil || !s.body.isWhole:
			return template.Value{}, false, nil
		case l.isPrinting && (!l.with.record.Exists() || !s.kind.isShown(path)):
			return symbol("record." + path)
		}
		return valueAt(p, l.with.record)
	}, nil
}

// fieldPath reads the path of a field that an attribute is mapped to.
func (n *namer) fieldPath(path string) (*document.Path, error) {
	if known := n.step.kind.fieldPaths(); !slices.Contains(known, path) {
		return nil, fmt.Errorf("no attribute is mapped to %s: there are %s", path, strings.Join(known, ", "))
	}
	return document.ParsePath(path)
}

// written returns what is to be written to a field, if something is.
func (l *lookup) written(path string) (v template.Value, isWritten bool) {
	for _, f := range l.with.fields {
		if f.path.String() == path {
			return template.Value{JSON: f.raw, Mask: f.mask}, true
		}
	}
	return template.Value{}, false
}

// changed is a field that an update changes, and nothing where it stays as it is, whatever
// {fields} are.
func (n *namer) changed(path string) (resolver, error) {
	if n.step.op != OpUpdate {
		return nil, errors.New("only update changes fields")
	}
	if _, err := n.fieldPath(path); err != nil {
		return nil, err
	}
	return func(l *lookup) (template.Value, bool, error) {
		v, isWritten := l.written(path)
		return v, isWritten && v.JSON != "", nil
	}, nil
}

// fieldPaths are the paths that attributes are mapped to.
func (k *kind) fieldPaths() []string {
	var paths []string
	for _, m := range k.config.Maps {
		paths = append(paths, m.Fields...)
		for _, field := range m.Fields {
			// A list is written whole.
			if list, _, isList := strings.Cut(field, ".#"); isList {
				paths = append(paths, list)
			}
		}
	}
	return paths
}

// record is what was read of the resource.
func (n *namer) record(name, path string) (resolver, error) {
	switch n.step.op {
	case OpSearch, OpList, OpRead, OpCreate, OpStatus, OpMembers:
		return nil, fmt.Errorf("%s has no record: it is there after read, for update, disable, enable, password, delete and members", n.step.op)
	}
	p, err := document.ParsePath(orWhole(path))
	if err != nil {
		return nil, err
	}
	isShown := n.step.kind.isShown(path)
	return func(l *lookup) (template.Value, bool, error) {
		if l.isPrinting && (!l.with.record.Exists() || !isShown) {
			return symbol(name)
		}
		return valueAt(p, l.with.record)
	}, nil
}

// isShown reports whether values of a path of the record may be printed: what is mapped
// is, unless it is private or a secret. Nobody knows what else is in a record.
func (k *kind) isShown(path string) bool {
	for _, m := range k.config.Maps {
		if slices.Contains(m.Fields, path) {
			return !m.Private && !m.WriteOnly
		}
	}
	return path == k.id.String()
}

func orWhole(path string) string {
	if path == "" {
		return "."
	}
	return path
}

// valueAt returns what is at a path as a value: as it is, or what each element has as
// an array.
func valueAt(p *document.Path, doc gjson.Result) (template.Value, bool, error) {
	if !doc.Exists() {
		return template.Value{}, false, nil
	}
	if !strings.Contains(p.String()+".", "#.") {
		v := p.Value(doc)
		return template.Value{JSON: v.Raw}, v.Exists() && v.Type != gjson.Null, nil
	}
	var b strings.Builder
	b.WriteByte('[')
	for i, v := range p.Get(doc) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(v.Raw)
	}
	b.WriteByte(']')
	return template.Value{JSON: b.String()}, true, nil
}

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
		if v, ok, err := valueAt(p, a.doc); ok || err != nil {
			return v, ok, err
		}
		if path == "id" && a.id != "" {
			return template.Value{JSON: n.step.kind.idJSON(a.id)}, true, nil
		}
		return template.Value{}, false, nil
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

// value is a named expression of the configuration.
func (n *namer) value(name, text string) (resolver, error) {
	e, err := expression.Compile(text, expressionNames...)
	if err != nil {
		return nil, fmt.Errorf("the expression of the value %s: %w", name, err)
	}
	used := usedNames(e, expressionNames)
	if seesFields(used) {
		if n.step.seesAll == nil {
			n.step.seesAll = make(map[string]bool)
		}
		n.step.seesAll[name] = true
	}
	return func(l *lookup) (template.Value, bool, error) {
		if l.isPrinting {
			return symbol(name)
		}
		result, err := e.Evaluate(l.variables(used))
		if err != nil {
			return template.Value{}, false, fmt.Errorf("the expression of the value %s: %w", name, err)
		}
		return template.Value{JSON: result}, result != "null", nil
	}, nil
}

// attribute is a value in SCIM: what is looked for in search, of the resource else.
func (n *namer) attribute(name string) (resolver, error) {
	s := n.step
	switch s.op {
	case OpRead, OpList, OpStatus, OpMembers:
		return nil, fmt.Errorf("%s has no such value: there are %s", s.op, strings.Join(n.known(), ", "))
	}
	p, err := scim.ParsePath(s.kind.mapping.Type, name)
	if err != nil {
		if _, fault := n.unmapped(name); fault != nil {
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

// known are the names that the operation can have besides attributes.
func (n *namer) known() []string {
	var known []string
	switch op := n.step.op; op {
	case OpSearch, OpList:
		known = append(known, "{page.offset}", "{page.number}", "{page.limit}", "{page.cursor}")
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
