package scim

// memberFold folds what a request says about the members of a group, in order,
// without knowing them: the last word about a member counts.
type memberFold struct {
	isNamed    bool
	replaceAll bool
	ids        []string // in the order in which they were first named
	isAdded    []bool   // of each id: added, else removed
	index      map[string]int
}

// count returns how many different members were named.
func (m *memberFold) count() int { return len(m.ids) }

// put says that id is to be a member, or not to be one.
func (m *memberFold) put(id string, isAdded bool) {
	m.isNamed = true
	if i, isKnown := m.index[id]; isKnown {
		m.isAdded[i] = isAdded
		return
	}
	if m.index == nil {
		m.index = make(map[string]int)
	}
	m.index[id] = len(m.ids)
	m.ids = append(m.ids, id)
	m.isAdded = append(m.isAdded, isAdded)
}

// clear says that nobody is to be a member: what was said before counts no more.
func (m *memberFold) clear() {
	*m = memberFold{isNamed: true, replaceAll: true}
}

// change returns the result, or nil when members were not named.
func (m *memberFold) change() *MemberChange {
	if !m.isNamed {
		return nil
	}
	c := &MemberChange{ReplaceAll: m.replaceAll}
	for i, id := range m.ids {
		switch {
		case m.isAdded[i]:
			c.Add = append(c.Add, id)
		case !m.replaceAll:
			c.Remove = append(c.Remove, id)
		}
	}
	return c
}

// setMembers reads the value that an add or replace gives members, or those of
// them that a path selects.
func (x *decoding) setMembers(op ChangeOp, p Path, v jsonValue) {
	ids, isSelection, ok := x.selected(p)
	switch {
	case !ok:
	case isSelection && v.kind() == jsonNull:
		for _, id := range ids {
			x.members.put(id, false)
		}
	case isSelection:
		x.setSelected(p, ids, v)
	default:
		x.members.isNamed = true
		if op == Replace {
			x.members.clear()
		}
		x.eachMember(v, func(id string) { x.members.put(id, true) })
	}
}

// setSelected reads an add or replace at members[value eq "x"]. There is
// nothing about a member that could be set, but where it is none it becomes one,
// as every selected element does that is not there.
func (x *decoding) setSelected(p Path, ids []string, v jsonValue) {
	isOther := false
	x.eachMember(v, func(id string) { isOther = isOther || len(ids) != 1 || id != ids[0] })
	if isOther {
		x.fail(Invalid(MutabilityErr, "%s: the value of a member cannot be changed; remove it and add the other one", p))
		return
	}
	for _, id := range ids {
		x.members.put(id, true)
	}
}

// removeMembers reads a remove of members: of those in the path's selector,
// else of those in the value, else of all.
func (x *decoding) removeMembers(p Path, v jsonValue) {
	ids, isSelection, ok := x.selected(p)
	switch {
	case !ok:
	case isSelection:
		for _, id := range ids {
			x.members.put(id, false)
		}
	case v.kind() == jsonNull:
		x.members.clear()
	default:
		x.members.isNamed = true
		x.eachMember(v, func(id string) { x.members.put(id, false) })
	}
}

// selected returns the members that a path selects. It fails where these cannot
// be told without reading the group.
func (x *decoding) selected(p Path) (ids []string, isSelection, ok bool) {
	if p.Sub != nil && p.Sub.Name != "value" {
		x.fail(Invalid(MutabilityErr, "%s cannot be changed; members are added and removed by their value", p))
		return nil, false, false
	}
	if p.Selector == nil {
		return nil, false, true
	}
	if ids, ok = equalValues(nil, p.Selector); !ok {
		x.fail(errMemberSelector(p.String()))
	}
	return ids, true, ok
}

// errMemberSelector says how members are selected.
func errMemberSelector(path string) *Error {
	return Invalid(InvalidPath, `%s: members are selected by value eq "id", or by several of these joined by or`, path)
}

// equalValues appends the ids of a selector that is value eq "id", or several of
// these joined by or.
func equalValues(ids []string, selector Filter) (all []string, ok bool) {
	switch f := selector.(type) {
	case Or:
		for _, term := range f.Terms {
			if ids, ok = equalValues(ids, term); !ok {
				return nil, false
			}
		}
		return ids, true
	case Compare:
		if f.Operator == Equal && f.Target.Leaf().Name == "value" && f.Value.Text() != "" {
			return append(ids, f.Value.Text()), true
		}
	}
	return nil, false
}

// eachMember calls do with the id of each member in v: an array or a single one,
// as an object with a value or as the value alone. A null is nobody, but not
// within an array: who sends [null] has lost an id, and nobody is to lose all
// members by that.
func (x *decoding) eachMember(v jsonValue, do func(id string)) {
	switch v.kind() {
	case jsonNull:
		return
	case jsonArray:
	default:
		x.memberID(v, do)
		return
	}
	for e := range v.elements() {
		x.memberID(e, do)
	}
}

func (x *decoding) memberID(v jsonValue, do func(id string)) {
	if v.kind() == jsonObject {
		value := jsonValue(nil)
		for name, member := range v.members() {
			if name.is("value") {
				value = member
			}
		}
		v = value
	}
	switch v.kind() {
	case jsonNumber:
		do(string(v))
		return
	case jsonString:
		id, err := v.text()
		if err != nil {
			x.fail(Invalid(InvalidValue, "members.value: the value cannot be stored: %v", err))
			return
		}
		if id != "" {
			do(id)
			return
		}
	}
	x.fail(Invalid(InvalidValue, "members: each member needs a value, the id of a user or group"))
}
