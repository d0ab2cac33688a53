package scim

import (
	"bytes"
	"net/http"
	"strings"
)

// referencePrefix stands before the bulkId of the operation that creates what is
// meant (RFC 7644 §3.7.2).
const referencePrefix = "bulkId:"

// referenced returns the bulkId that a text refers to.
func referenced(text string) (bulkID string, is bool) {
	bulkID, is = strings.CutPrefix(text, referencePrefix)
	return bulkID, is && bulkID != ""
}

// References returns the bulkIds that the operation refers to, each once, in the
// order of the text: as the id in its Path, as a whole string in its Data, and
// as a literal in the paths there, as in members[value eq "bulkId:x"]. They have
// to be resolved before the operation is decoded (RFC 7644 §3.7.2). One whose
// references can't be resolved fails, but where its Path has none it may disable:
// decoded as it is, [Operation.SplitDisable] tells.
func (o BulkOperation) References() []string {
	var all []string
	isKnown := make(map[string]bool)
	o.eachReference(func(bulkID string) (string, bool) {
		if !isKnown[bulkID] {
			isKnown[bulkID] = true
			all = append(all, bulkID)
		}
		return "", false
	})
	return all
}

// Resolve returns the operation with ids in place of references; ids are those of
// resources by the bulkId of the operation that created them. A reference that
// is not among them stays.
func (o BulkOperation) Resolve(ids map[string]string) BulkOperation {
	return o.eachReference(func(bulkID string) (string, bool) {
		id, isKnown := ids[bulkID]
		return id, isKnown
	})
}

// eachReference returns the operation with what resolve says in place of each
// reference, and without change where it says nothing.
func (o BulkOperation) eachReference(resolve func(bulkID string) (id string, ok bool)) BulkOperation {
	if endpoint, id, hasID := cutID(o.Path); hasID {
		if bulkID, is := referenced(id); is {
			if id, ok := resolve(bulkID); ok {
				o.Path = endpoint + id
			}
		}
	}
	if root, ok := o.referringData(); ok {
		w := referenceWriter{resolve: resolve}
		w.value(root, false)
		if w.isChanged {
			o.Data = w.dst
		}
	}
	return o
}

// cutID cuts a path behind the slash before the id.
func cutID(path string) (endpoint, id string, hasID bool) {
	relative := strings.TrimPrefix(path, "/")
	slash := strings.IndexByte(relative, '/')
	if slash < 0 {
		return path, "", false
	}
	slash += len(path) - len(relative)
	return path[:slash+1], path[slash+1:], true
}

// referringData returns the data for walking through, if it can hold references
// at all. Only \u can hide their letters.
func (o BulkOperation) referringData() (root jsonValue, ok bool) {
	if !bytes.Contains(o.Data, []byte(referencePrefix)) && !bytes.Contains(o.Data, []byte(`\u`)) {
		return nil, false
	}
	root, err := scanJSON(o.Data, maxDepth)
	return root, err == nil
}

// referenceWriter writes a JSON value again, with ids in place of references.
type referenceWriter struct {
	dst       []byte
	resolve   func(bulkID string) (id string, ok bool)
	isChanged bool
}

// value writes v; isPath says that it is the path of an operation in a PATCH.
func (w *referenceWriter) value(v jsonValue, isPath bool) {
	switch v.kind() {
	case jsonObject:
		w.object(v)
	case jsonArray:
		w.dst = append(w.dst, '[')
		n := 0
		for e := range v.elements() {
			if n++; n > 1 {
				w.dst = append(w.dst, ',')
			}
			w.value(e, false)
		}
		w.dst = append(w.dst, ']')
	case jsonString:
		w.string(v, isPath)
	default:
		w.dst = append(w.dst, v...)
	}
}

func (w *referenceWriter) object(v jsonValue) {
	w.dst = append(w.dst, '{')
	n := 0
	for name, member := range v.members() {
		if n++; n > 1 {
			w.dst = append(w.dst, ',')
		}
		w.name(name)
		w.dst = append(w.dst, ':')
		w.value(member, name.is("path"))
	}
	w.dst = append(w.dst, '}')
}

// name writes the name of a member, which may be a path: in the value of a PATCH
// without one, and in a resource. One that cannot be read refers to nothing.
func (w *referenceWriter) name(name jsonName) {
	if bytes.IndexByte(name, '[') >= 0 || bytes.IndexByte(name, '\\') >= 0 {
		text, err := unescapeJSON(name)
		if resolved, isChanged := w.path(text); err == nil && isChanged {
			w.dst, w.isChanged = appendString(w.dst, resolved), true
			return
		}
	}
	w.dst = append(append(append(w.dst, '"'), name...), '"')
}

// string writes a string. One that cannot be read refers to nothing.
func (w *referenceWriter) string(v jsonValue, isPath bool) {
	text, err := v.text()
	if err == nil {
		resolved, isChanged := text, false
		if isPath {
			resolved, isChanged = w.path(text)
		}
		if bulkID, is := referenced(text); is {
			if id, ok := w.resolve(bulkID); ok {
				resolved, isChanged = id, true
			}
		}
		if isChanged {
			w.dst, w.isChanged = appendString(w.dst, resolved), true
			return
		}
	}
	w.dst = append(w.dst, v...)
}

// path resolves the literals in a path: whole strings, with or without quotes.
func (w *referenceWriter) path(text string) (resolved string, isChanged bool) {
	var dst []byte
	copied := 0
	l := lexer{text: text}
	for {
		t, err := l.next()
		if err != nil || t.kind == tokenEnd {
			break
		}
		if t.kind != tokenString && t.kind != tokenWord {
			continue
		}
		bulkID, is := referenced(t.text)
		if !is {
			continue
		}
		if id, ok := w.resolve(bulkID); ok {
			dst = appendString(append(dst, text[copied:t.start]...), id)
			copied = t.end
		}
	}
	if copied == 0 {
		return text, false
	}
	return string(append(dst, text[copied:]...)), true
}

// Defer splits a POST that refers to what does not exist yet, because that in turn
// refers to what the POST creates: now creates the resource without what refers
// to one of the unresolved bulkIds, later is a PATCH that adds it. It refers
// to the created resource and is to be resolved when the others exist.
//
// Elements of multi-valued attributes, such as members, and whole values of
// others, such as manager, can be left out. ok is false where nothing refers to
// the unresolved, or what does is the resource's own name: then the operation
// cannot be carried out.
func (o BulkOperation) Defer(unresolved []string) (now, later BulkOperation, ok bool) {
	root, isReferring := o.referringData()
	if o.Method != http.MethodPost || o.BulkID == "" || !isReferring || root.kind() != jsonObject {
		return o, BulkOperation{}, false
	}
	s := splitter{isUnresolved: make(map[string]bool, len(unresolved))}
	for _, bulkID := range unresolved {
		s.isUnresolved[bulkID] = true
	}
	kept, left, ok := s.object(root, true)
	if !ok || left == nil {
		return o, BulkOperation{}, false
	}
	now = o
	now.Data = kept
	data := append([]byte(nil), `{"schemas":["`+MessagePatch+`"],"Operations":[{"op":"add","value":`...)
	later = BulkOperation{
		Method: http.MethodPatch,
		Path:   strings.TrimSuffix(o.Path, "/") + "/" + referencePrefix + o.BulkID,
		Data:   append(append(data, left...), `}]}`...),
	}
	return now, later, true
}

// splitter parts the attributes of a resource into those that can be written at
// once and those that refer to what is unresolved.
type splitter struct{ isUnresolved map[string]bool }

// refers reports whether something that is written to w refers to what is
// unresolved.
func (s splitter) refers(write func(w *referenceWriter)) bool {
	found := false
	write(&referenceWriter{resolve: func(bulkID string) (string, bool) {
		found = found || s.isUnresolved[bulkID]
		return "", false
	}})
	return found
}

func (s splitter) valueRefers(v jsonValue) bool {
	return s.refers(func(w *referenceWriter) { w.value(v, false) })
}

// object parts a resource or, where isResource is not set, the object of an
// extension's attributes. left is nil when nothing is left out.
func (s splitter) object(v jsonValue, isResource bool) (kept, left []byte, ok bool) {
	keptMembers, leftMembers := memberWriter{}, memberWriter{}
	for name, member := range v.members() {
		if s.refers(func(w *referenceWriter) { w.name(name) }) {
			return nil, nil, false // a path that cannot be written yet
		}
		if !s.valueRefers(member) {
			keptMembers.add(name, member)
			continue
		}
		switch member.kind() {
		case jsonArray:
			keptItems, leftItems := s.array(member)
			if keptItems != nil {
				keptMembers.add(name, keptItems)
			}
			leftMembers.add(name, leftItems)
		case jsonObject:
			if !isResource || !isExtension(name, member) {
				leftMembers.add(name, member)
				continue
			}
			keptPart, leftPart, ok := s.object(member, false)
			if !ok {
				return nil, nil, false
			}
			keptMembers.add(name, keptPart)
			leftMembers.add(name, leftPart)
		default:
			if isNeeded(name) {
				return nil, nil, false
			}
			leftMembers.add(name, member)
		}
	}
	return keptMembers.finish(), leftMembers.finishOrNil(), true
}

// isExtension reports whether a member of a resource holds the attributes of an
// extension: its name is a URN, and it is no complex value of an attribute that
// is written with its URN.
func isExtension(name jsonName, v jsonValue) bool {
	for member := range v.members() {
		if member.is("value") {
			return false
		}
	}
	return bytes.IndexByte(name, ':') >= 0
}

// isNeeded reports whether an attribute of that name is what a resource is
// created by.
func isNeeded(name jsonName) bool {
	text := foldASCII(strings.TrimSpace(name.String()))
	text = text[strings.LastIndexByte(text, ':')+1:]
	return text == "username" || text == "displayname"
}

// array parts the elements of an array; kept is nil when none can be written.
func (s splitter) array(v jsonValue) (kept, left []byte) {
	for e := range v.elements() {
		list := &kept
		if s.valueRefers(e) {
			list = &left
		}
		separator := byte(',')
		if *list == nil {
			separator = '['
		}
		*list = append(append(*list, separator), e...)
	}
	if kept != nil {
		kept = append(kept, ']')
	}
	return kept, append(left, ']')
}

// memberWriter writes an object from members as they stand in another one.
type memberWriter struct{ dst []byte }

func (w *memberWriter) add(name jsonName, v []byte) {
	separator := byte(',')
	if w.dst == nil {
		separator = '{'
	}
	w.dst = append(append(append(w.dst, separator, '"'), name...), `":`...)
	w.dst = append(w.dst, v...)
}

func (w *memberWriter) finish() []byte {
	if w.dst == nil {
		return []byte("{}")
	}
	return append(w.dst, '}')
}

func (w *memberWriter) finishOrNil() []byte {
	if w.dst == nil {
		return nil
	}
	return append(w.dst, '}')
}
