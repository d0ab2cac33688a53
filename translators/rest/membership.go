package rest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// membership is how groups and users have to do with each other. There are three
// shapes: calls that add and remove one member; a list in the record of the group,
// which is read and written whole; and a list, or a single value, in the record of each
// user.
type membership struct {
	groups, users *kind
	// byName is set where the application refers to members by userName, not by id.
	byName bool
	// inGroup are the members in a group's record, or in each row of the members call; nil
	// where users have their groups.
	inGroup *references
	// inUser are the groups in a user's record; byDisplayName is how those are referred
	// to.
	inUser        *references
	byDisplayName bool
}

// mapped is how the configuration writes an attribute of references.
func (k *kind) mapped(attribute string) string {
	for _, m := range k.config.Maps {
		if strings.EqualFold(strings.TrimSuffix(strings.ToLower(m.Path), ".value"), attribute) {
			return m.Path
		}
	}
	return attribute
}

// The values of ResourceConfig.MemberBy and OfUsers.By.
const (
	byID          = "id"
	byUserName    = "userName"
	byDisplayName = "displayName"
)

// connect finds out how groups and users have to do with each other. groupsAre and
// usersAre are nil when they are not served.
func (t *Translator) connect() error {
	if t.users != nil && t.users.groups != nil && t.users.groupsField != "" {
		if t.groups == nil {
			return &translators.MapError{Path: t.users.mapped("groups"), Err: errors.New("groups are not served, and their ids not known: configure groups too")}
		}
		r, err := newReferences(t.users.groupsField, "", t.groups.config.IDIsNumber)
		if err != nil {
			return &translators.MapError{Path: t.users.mapped("groups"), Err: err}
		}
		t.users.groupRefs = r
	}
	g := t.groups
	if g == nil || g.members == nil {
		return nil
	}
	if t.users == nil {
		return errors.New("members are served, and users are not: configure users too")
	}
	m := &membership{groups: g, users: t.users, byName: g.config.MemberBy == byUserName}
	if of := g.config.OfUsers; of != nil {
		if err := m.connectInUsers(of); err != nil {
			return fmt.Errorf("of_users %s: %w", of.Path, err)
		}
	} else if err := m.connectInGroup(); err != nil {
		return err
	}
	g.membership = m
	g.served.LocksMembers = m.isTogether() || m.writesWhatItReads(OpAddMember) || m.writesWhatItReads(OpRemoveMember)
	return nil
}

func (m *membership) connectInUsers(of *OfUsers) (err error) {
	g := m.groups
	switch {
	case g.membersField != "":
		return errors.New("map members stands beside it, which is for members in the record of the group: remove one of the two")
	case g.has(OpAddMember) || g.has(OpRemoveMember) || g.has(OpSetMembers):
		return errors.New("members come and go by update of users: remove add_member, remove_member and set_members")
	case g.config.MemberBy != "":
		return errors.New("member_by is for members in the record of the group: remove it")
	case !m.users.has(OpRead) && !m.users.canFindByID():
		return errors.New("users can't be read by their ids: add read to users")
	}
	m.byDisplayName = of.By == byDisplayName
	m.inUser, err = newReferences(of.Path, of.Without, g.config.IDIsNumber && !m.byDisplayName)
	if err != nil {
		return err
	}
	if of.Separator != "" {
		if of.Without != "" {
			return errors.New("separator and without exclude each other: a text without any is empty")
		}
		if err := m.inUser.separateBy(of.Separator); err != nil {
			return err
		}
	}
	if m.users.has(OpUpdate) {
		if err := m.inUser.canWrite(); err != nil {
			return err
		}
		if err := m.users.canSend(m.inUser.whole.String()); err != nil {
			return err
		}
	}
	if m.users.groups != nil {
		m.users.groupRefs = m.inUser
	}
	return nil
}

func (m *membership) connectInGroup() (err error) {
	g := m.groups
	field := g.membersField
	for _, s := range g.steps[OpMembers] {
		switch {
		case s.config.ID == "" || s.config.ID == field:
		case field != "":
			return fmt.Errorf("members: id %s and %s both say where the members are: say one of them", s.config.ID, field)
		default:
			field = s.config.ID
		}
	}
	if field == "" { // of a row of the members call
		field = m.users.id.String()
		if m.byName {
			l := m.users.mapping.LeafFor(scim.Target{Attribute: m.users.name}, nil)
			field = l.Fields[0]
		}
	}
	if m.inGroup, err = newReferences(field, "", m.users.config.IDIsNumber && !m.byName); err != nil {
		return &translators.MapError{Path: g.mapped("members"), Err: err}
	}
	switch hasCalls := g.has(OpAddMember) || g.has(OpRemoveMember); {
	case hasCalls && !g.has(OpSetMembers) && !(g.has(OpAddMember) && g.has(OpRemoveMember)):
		return errors.New("members come and go by add_member and remove_member, or by set_members: configure both, or that")
	case !hasCalls && !g.has(OpSetMembers) && g.has(OpUpdate) && !g.has(OpMembers):
		if err := m.inGroup.canWrite(); err != nil {
			return fmt.Errorf("map members %w; or configure add_member and remove_member, or set_members", err)
		}
		if err := g.canSend(m.inGroup.whole.String()); err != nil {
			return fmt.Errorf("map members %s: %w; or configure add_member and remove_member, or set_members", field, err)
		}
	}
	return nil
}

// canSend refuses calls of update none of which would send a field: a change of members
// would look as if it were made.
func (k *kind) canSend(field string) error {
	for _, s := range k.steps[OpUpdate] {
		if s.names["fields"] != nil || s.names["field."+field] != nil {
			return nil
		}
	}
	return fmt.Errorf("the members are to be written by update of %s, whose body does not send them: put {fields} or {field.%s} into it", k.block, field)
}

// hasSingles reports whether there are calls that add and remove one member.
func (m *membership) hasSingles() bool {
	return m.groups.has(OpAddMember) && m.groups.has(OpRemoveMember)
}

// isTogether reports whether the members of a group are written all together, so that
// whoever writes them must have read them and be alone with them.
func (m *membership) isTogether() bool { return m.inUser == nil && !m.hasSingles() }

// writesWhatItReads reports whether the calls that make one member come or go write what
// was read of the member, or of the group, before: whoever makes them must be alone with
// both.
func (m *membership) writesWhatItReads(op Operation) bool {
	return slices.ContainsFunc(m.groups.steps[op], func(s *step) bool { return s.onlyReads() || s.needsRecord() || m.showsMember(s) })
}

// showsMember reports whether a call names more of a member than how the application
// refers to it.
func (m *membership) showsMember(s *step) bool {
	for name := range s.names {
		path, is := strings.CutPrefix(name, "member.")
		isValue := slices.ContainsFunc(m.groups.config.Values, func(v NamedExpression) bool { return v.Name == name })
		if is && path != byID && path != byUserName || isValue {
			return true
		}
	}
	return false
}

// canChange reports whether members can come and go at all.
func (m *membership) canChange() bool {
	switch g := m.groups; {
	case m.inUser != nil:
		return m.users.has(OpUpdate)
	case m.hasSingles(), g.has(OpSetMembers):
		return true
	default:
		return g.has(OpUpdate) && !g.has(OpMembers) && m.inGroup.canWrite() == nil
	}
}

// member is a user as the application refers to it.
type member struct {
	entry *translators.Entry
	name  string // the reference
}

// memberOf makes a member of a user that was read.
func (m *membership) memberOf(e *translators.Entry) (member, error) {
	if !m.byName {
		return member{e, e.Resource.ID}, nil
	}
	name := e.Resource.Get(m.users.name).Text()
	if name == "" && e.Handle == nil {
		// Offline: a symbol for what a read would tell.
		return member{e, "{" + e.Resource.ID + "." + m.users.name.Name + "}"}, nil
	}
	if name == "" {
		return member{}, &translators.Error{Kind: translators.Invalid, Path: "members",
			Detail: fmt.Sprintf("members: the user %q has no userName, by which the application refers to members.", e.Resource.ID)}
	}
	return member{e, name}, nil
}

// nameOf is how users refer to a group.
func (m *membership) nameOf(group *scim.Resource) string {
	if !m.byDisplayName {
		return group.ID
	}
	return group.Get(m.groups.name).Text()
}

// isFixed reports whether there are groups that the configuration names.
func (k *kind) isFixed() bool { return len(k.config.Fixed) > 0 }

// fixed returns the group that the configuration names with that id, or nil.
func (k *kind) fixed(id string) *handle {
	i := slices.IndexFunc(k.config.Fixed, func(g FixedGroup) bool { return g.ID == id })
	if i < 0 {
		return nil
	}
	g := k.config.Fixed[i]
	record := []byte("{}")
	name := k.mapping.LeafFor(scim.Target{Attribute: k.name}, nil).Fields[0]
	for _, f := range []struct {
		path *document.Path
		text string
	}{{k.id, g.ID}, {k.mapping.compiled[name], g.DisplayName}} {
		var err error
		if record, err = f.path.Set(record, quote(f.text)); err != nil {
			return nil
		}
	}
	return &handle{id: g.ID, record: gjson.ParseBytes(record), isWhole: true}
}

// checkFixed refuses groups of the configuration that could not be shown.
func (k *kind) checkFixed() error {
	seen := make(map[string]bool)
	for _, g := range k.config.Fixed {
		switch {
		case seen[g.ID]:
			return fmt.Errorf("fixed %s is given twice: remove one of the two", g.ID)
		case k.fixed(g.ID) == nil:
			return fmt.Errorf("fixed %s: its id and its name can't be written to the fields of id and displayName: map them to plain names", g.ID)
		}
		seen[g.ID] = true
	}
	return nil
}

// eachFixed calls each for the groups that the configuration names.
func (t *Translator) eachFixed(k *kind, each func(*handle) error) error {
	for _, g := range k.config.Fixed {
		if h := k.fixed(g.ID); h != nil {
			if err := each(h); err != nil {
				return err
			}
		}
	}
	return nil
}
