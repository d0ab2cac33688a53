package rest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators/rest/document"
	"github.com/scimgate/scimgate/translators/rest/template"
)

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

// fieldPaths are the paths that attributes are mapped to, and where users have their groups.
func (k *kind) fieldPaths() []string {
	var paths []string
	add := func(field string) {
		paths = append(paths, field)
		// A list is written whole.
		if list, _, isList := strings.Cut(field, ".#"); isList {
			paths = append(paths, list)
		}
	}
	for _, m := range k.config.Maps {
		for _, field := range m.Fields {
			add(field)
		}
	}
	if k.groupsPath != "" && !slices.Contains(paths, k.groupsPath) {
		add(k.groupsPath)
	}
	return paths
}

// record is what was read of the resource.
func (n *namer) record(name, path string) (resolver, error) {
	isBefore := n.step.op == OpCreate && !n.isUndo // there is none yet
	if isBefore || slices.Contains([]Operation{OpSearch, OpList, OpRead, OpConfirmAbsence, OpStatus, OpMembers}, n.step.op) {
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
	isMapped := path == k.id.String()
	for _, l := range k.mapping.Leaves {
		if slices.Contains(l.Fields, path) {
			if l.IsSecret() || l.IsPrivate() {
				return false
			}
			isMapped = true
		}
	}
	return isMapped
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
