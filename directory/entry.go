package directory

import "slices"

// attribute is one attribute of an entry: its values as they are answered and as they are compared.
type attribute struct {
	typ          *AttributeType
	pretty, norm []string
	// position finds a value by its norm once there are many, so that a group of thousands is changed
	// at the price of one value. Positions are kept by swapping, so order is not.
	position map[string]int
}

// manyValues is where searching a list starts to cost more than a map does.
const manyValues = 24

// find returns the position of the value, or -1.
func (a *attribute) find(norm string) int {
	if a.position == nil {
		return slices.Index(a.norm, norm)
	}
	if i, found := a.position[norm]; found {
		return i
	}
	return -1
}

func (a *attribute) insert(i int, pretty, norm string) {
	if a.position != nil {
		i = len(a.norm)
		a.position[norm] = i
	}
	a.pretty, a.norm = slices.Insert(a.pretty, i, pretty), slices.Insert(a.norm, i, norm)
	if a.position == nil && len(a.norm) >= manyValues {
		a.position = make(map[string]int, 2*manyValues)
		for j, norm := range a.norm {
			a.position[norm] = j
		}
	}
}

func (a *attribute) remove(i int) {
	if a.position == nil {
		a.pretty, a.norm = slices.Delete(a.pretty, i, i+1), slices.Delete(a.norm, i, i+1)
		return
	}
	last := len(a.norm) - 1
	delete(a.position, a.norm[i])
	if i != last {
		a.pretty[i], a.norm[i] = a.pretty[last], a.norm[last]
		a.position[a.norm[i]] = i
	}
	a.pretty[last], a.norm[last] = "", ""
	a.pretty, a.norm = a.pretty[:last], a.norm[:last]
}

// entry is a node of the tree. Only a transaction changes it.
type entry struct {
	id         uint64 // rises with every entry added; answers are in this order
	rdn        rdn
	name, norm string // the whole DN, as answered and as compared
	parent     *entry // nil at the top of a naming context
	children   map[*entry]struct{}
	attributes []*attribute
	// gone says that a delete took the entry out of the tree while a search still held it.
	gone bool
}

func (e *entry) get(t *AttributeType) *attribute {
	for _, a := range e.attributes {
		if a.typ == t {
			return a
		}
	}
	return nil
}

// first returns the attribute's first value as answered, or "".
func (e *entry) first(t *AttributeType) string {
	if a := e.get(t); a != nil {
		return a.pretty[0]
	}
	return ""
}

func (e *entry) adopt(child *entry) {
	if e.children == nil {
		e.children = map[*entry]struct{}{}
	}
	e.children[child] = struct{}{}
}

// isBelow reports whether e is base or under it.
func (e *entry) isBelow(base *entry) bool {
	for ; e != nil; e = e.parent {
		if e == base {
			return true
		}
	}
	return false
}

// walk visits e and everything under it.
func (e *entry) walk(visit func(*entry)) {
	visit(e)
	for child := range e.children {
		child.walk(visit)
	}
}
