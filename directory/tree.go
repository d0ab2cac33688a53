package directory

import (
	"cmp"
	"slices"
	"strings"
)

// tree holds the entries and finds them by name and by indexed value.
type tree struct {
	schema     *schema
	suffix     dn
	suffixNorm string
	entries    map[string]*entry
	index      map[*AttributeType]map[string][]*entry
	// memberships are the attributes whose values make up memberOf.
	memberships []*AttributeType
	lastID      uint64
}

func newTree(s *schema, suffix dn, indexed []*AttributeType) *tree {
	t := &tree{schema: s, suffix: suffix, suffixNorm: suffix.norm(), entries: map[string]*entry{}, index: map[*AttributeType]map[string][]*entry{}}
	t.memberships = []*AttributeType{s.known.member, s.known.uniqueMember}
	for _, a := range append(indexed, t.memberships...) {
		t.index[a] = map[string][]*entry{}
	}
	return t
}

// closest returns the entry of the name, or nil and the nearest ancestor that exists, nil if none does.
func (t *tree) closest(name dn) (found, ancestor *entry) {
	if e := t.entries[name.norm()]; e != nil {
		return e, nil
	}
	for len(name) > 0 {
		name = name[1:]
		if e := t.entries[name.norm()]; e != nil {
			return nil, e
		}
	}
	return nil, nil
}

// sortByID puts entries in the order in which they were added.
func sortByID(list []*entry) {
	slices.SortFunc(list, func(a, b *entry) int { return cmp.Compare(a.id, b.id) })
}

// values returns an attribute of an entry, the computed ones included, or nil.
func (t *tree) values(e *entry, typ *AttributeType) *attribute {
	known := &t.schema.known
	if typ != known.entryDN && typ != known.subschemaSubentry && typ != known.hasSubordinates && typ != known.memberOf {
		return e.get(typ)
	}
	computed := &attribute{typ: typ}
	switch typ {
	case known.entryDN:
		computed.insert(0, e.name, e.norm)
	case known.subschemaSubentry:
		computed.insert(0, subschemaName, strings.ToLower(subschemaName))
	case known.hasSubordinates:
		has := "FALSE"
		if len(e.children) > 0 {
			has = "TRUE"
		}
		computed.insert(0, has, has)
	case known.memberOf:
		for _, membership := range t.memberships {
			for _, group := range t.index[membership][e.norm] {
				computed.insert(len(computed.norm), group.name, group.norm)
			}
		}
	}
	if len(computed.norm) == 0 {
		return nil
	}
	return computed
}

// lookup returns the entries that carry the value; ok is false when the attribute is not indexed.
func (t *tree) lookup(typ *AttributeType, norm string) (found []*entry, ok bool) {
	switch typ {
	case t.schema.known.entryDN:
		if e := t.entries[norm]; e != nil {
			found = []*entry{e}
		}
		return found, true
	case t.schema.known.memberOf:
		if group := t.entries[norm]; group != nil {
			found = t.membersOf(group)
		}
		return found, true
	}
	values, ok := t.index[typ]
	return values[norm], ok
}

func (t *tree) membersOf(group *entry) (members []*entry) {
	for _, membership := range t.memberships {
		if a := group.get(membership); a != nil {
			for _, norm := range a.norm {
				if e := t.entries[norm]; e != nil {
					members = append(members, e)
				}
			}
		}
	}
	return members
}

// transaction changes the tree step by step and can take every step back. The caller holds the tree's
// lock until it is over, so nobody sees half of one.
type transaction struct {
	*tree
	undo []func()
}

func (t *tree) begin() *transaction { return &transaction{tree: t} }

func (x *transaction) rollback() {
	for _, step := range slices.Backward(x.undo) {
		step()
	}
	x.undo = nil
}

func (x *transaction) onRollback(step func()) { x.undo = append(x.undo, step) }

// add gives the entry one more value, which the caller knows to be absent.
func (x *transaction) add(e *entry, typ *AttributeType, pretty, norm string) {
	a := e.get(typ)
	if a == nil {
		a = &attribute{typ: typ}
		e.attributes = append(e.attributes, a)
	}
	x.insertValue(e, a, len(a.norm), pretty, norm)
	x.onRollback(func() { x.removeValue(e, a, a.find(norm)) })
}

// remove takes away the value at the position.
func (x *transaction) remove(e *entry, a *attribute, i int) {
	pretty, norm := a.pretty[i], a.norm[i]
	place := slices.Index(e.attributes, a)
	x.removeValue(e, a, i)
	x.onRollback(func() {
		if len(a.norm) == 0 {
			e.attributes = slices.Insert(e.attributes, place, a)
		}
		x.insertValue(e, a, i, pretty, norm)
	})
}

// clear takes away the whole attribute if it is there.
func (x *transaction) clear(e *entry, typ *AttributeType) {
	if a := e.get(typ); a != nil {
		for i := len(a.norm) - 1; i >= 0; i-- {
			x.remove(e, a, i)
		}
	}
}

// set leaves the attribute with exactly one value.
func (x *transaction) set(e *entry, typ *AttributeType, pretty, norm string) {
	x.clear(e, typ)
	x.add(e, typ, pretty, norm)
}

// insertValue and removeValue keep attribute, entry and index in step.
func (t *tree) insertValue(e *entry, a *attribute, i int, pretty, norm string) {
	a.insert(i, pretty, norm)
	if values, indexed := t.index[a.typ]; indexed {
		values[norm] = append(values[norm], e)
	}
}

func (t *tree) removeValue(e *entry, a *attribute, i int) {
	if values, indexed := t.index[a.typ]; indexed {
		dropFrom(values, a.norm[i], e)
	}
	a.remove(i)
	if len(a.norm) == 0 {
		e.attributes = slices.DeleteFunc(e.attributes, func(other *attribute) bool { return other == a })
	}
}

func dropFrom(values map[string][]*entry, norm string, e *entry) {
	list := values[norm]
	if i := slices.Index(list, e); len(list) > 1 {
		values[norm] = slices.Delete(list, i, i+1)
		return
	}
	delete(values, norm)
}

// attach puts an entry into the tree. Its values came by add and are indexed already.
func (x *transaction) attach(e *entry) {
	x.lastID++
	e.id = x.lastID
	x.link(e)
	x.onRollback(func() { x.unlink(e) })
}

// detach takes a leaf out of the tree and its values out of the index. The entry keeps its values.
func (x *transaction) detach(e *entry) {
	x.unlink(e)
	x.eachIndexed(e, func(values map[string][]*entry, norm string) { dropFrom(values, norm, e) })
	x.onRollback(func() {
		x.link(e)
		x.eachIndexed(e, func(values map[string][]*entry, norm string) { values[norm] = append(values[norm], e) })
	})
}

func (t *tree) eachIndexed(e *entry, visit func(values map[string][]*entry, norm string)) {
	for _, a := range e.attributes {
		if values, indexed := t.index[a.typ]; indexed {
			for _, norm := range a.norm {
				visit(values, norm)
			}
		}
	}
}

func (t *tree) link(e *entry) {
	e.gone = false
	t.entries[e.norm] = e
	if e.parent != nil {
		e.parent.adopt(e)
	}
}

func (t *tree) unlink(e *entry) {
	e.gone = true
	delete(t.entries, e.norm)
	if e.parent != nil {
		delete(e.parent.children, e)
	}
}

// move gives an entry another name, parent or both; everything below moves along.
func (x *transaction) move(e, parent *entry, name rdn) {
	oldParent, oldName := e.parent, e.rdn
	x.place(e, parent, name)
	x.onRollback(func() { x.place(e, oldParent, oldName) })
}

func (t *tree) place(e, parent *entry, name rdn) {
	delete(e.parent.children, e)
	parent.adopt(e)
	// Two passes, so that a new name never hides an old one that is still to be removed.
	e.walk(func(moved *entry) { delete(t.entries, moved.norm) })
	e.parent, e.rdn = parent, name
	e.walk(func(moved *entry) {
		moved.name = moved.rdn.pretty + "," + moved.parent.name
		moved.norm = moved.rdn.norm + "," + moved.parent.norm
		t.entries[moved.norm] = moved
	})
}
