package rest

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// The blocks of resource types; that of a type which the operator defines is
// "resource" and its name.
const (
	blockUsers  = "users"
	blockGroups = "groups"
)

// kind is a resource type as it was provisioned.
type kind struct {
	config  *ResourceConfig
	block   string // the words before the block in the configuration
	mapping *mapping
	served  translators.Type
	steps   map[Operation][]*step
	secrets map[string]string // those of the translator, by name
	// hasSession is set where calls may name {session}.
	hasSession bool

	// judgements are what is said of all calls.
	judgements []Judgement

	id                *document.Path
	created, modified *document.Path // nil: not told
	version           *document.Path // nil unless the version is a field
	name              *scim.Attribute

	// absence says which records count as absent; nil: none does.
	absence *absence

	active *scim.Attribute // users: nil when active is not served
	// readsActive is set where active is mapped, so that it can be read.
	readsActive bool
	// isNamedByKey is set where the id is what userName (displayName) is mapped to.
	isNamedByKey bool

	secret *scim.Attribute // users: password; nil when it is not served
	groups *scim.Attribute // users: nil when groups are not served
	// groupsPath is where users have their groups, where they have them (OfUsers).
	groupsPath string
	// groupsField and membersField are what groups (users) and members (groups) are
	// mapped to, "" where they are not.
	groupsField, membersField string
	members                   *scim.Attribute // groups: nil when members are not served
	membership                *membership     // groups: nil when members are not served
	groupRefs                 *references     // users: nil when groups are not served
}

// handle is the Entry.Handle of this translator: the record as it was read.
type handle struct {
	id      string
	record  gjson.Result
	isWhole bool   // not only what a row has
	etag    string // "" when there was none
	// isAbsent is set of a record that counts as absent, where those are asked for, and
	// isUnsure of a row that does not tell.
	isAbsent, isUnsure bool
}

// isTargetOf reports whether values of the leaf may be ids of the kind.
func (k *kind) isTargetOf(l *translators.Leaf) bool {
	return l.MayReferTo(k.served.Name)
}

// has reports whether there is a call for the operation.
func (k *kind) has(op Operation) bool { return len(k.steps[op]) > 0 }

// renamesItsKey reports whether a call of update says by the name which record is meant,
// and by nothing else.
func (k *kind) renamesItsKey() bool {
	if k.name == nil || k.isNamedByKey {
		return false
	}
	return slices.ContainsFunc(k.steps[OpUpdate], func(s *step) bool {
		for name := range s.names {
			if head, _, _ := strings.Cut(name, "."); name == "id" || head == "record" {
				return false
			}
		}
		return slices.ContainsFunc(s.url.Names(), func(name string) bool { return strings.EqualFold(name, k.name.Name) })
	})
}

// nameText is the attribute by which records are known; "" where there is none.
func (k *kind) nameText() string {
	if k.name == nil {
		return ""
	}
	return k.name.Name
}

// isLeftHalf reports whether a create may fail behind its first call, and that one is
// taken back by nothing.
func (k *kind) isLeftHalf() bool {
	steps := k.steps[OpCreate]
	if len(steps) == 0 || len(steps[0].undo) > 0 || k.takesBack() != "" {
		return false
	}
	return len(steps) > 1 || k.has(OpSecret) || k.membership != nil && k.membership.canChange()
}

// gaps names what of SCIM can't be served because there is no call for it.
func (k *kind) gaps() []string {
	var gaps []string
	add := func(is bool, text string) {
		if is {
			gaps = append(gaps, text)
		}
	}
	add(k.has(OpUpdate) && k.renamesItsKey(), "update finds the record by {"+k.nameText()+"}, which is the name that it is to have: with a new one nobody is found; name {id}, or {record.<path>} for the present one")
	isGroupOfUsers := k.block == blockGroups && (k.config.OfUsers != nil || len(k.config.Fixed) > 0)
	add(!k.has(OpCreate) && !isGroupOfUsers, "there is no create call: POST is refused")
	add(!k.has(OpUpdate) && !isGroupOfUsers, "there is no update call: PUT and PATCH are refused but for what has calls of its own")
	add(!k.has(OpSearch) && !k.config.FilterList && !isGroupOfUsers, "there is no search call: a filter is refused; add search, or filter_list where there are few")
	if k.name != nil && k.has(OpSearch) && !k.config.FilterList {
		_, isFound := k.questions(equals(k.name, "x"))
		add(!isFound, "no search call looks for "+k.name.Name+" alone, by which providers look people and groups up: add one, such as search GET /"+k.block+"?name={"+k.name.Name+"}")
	}
	add(!k.has(OpList) && !isGroupOfUsers, "there is no list call: a list without a filter is refused")
	if unsent := k.unsent(); len(unsent) > 0 {
		add(true, "no update call sends "+strings.Join(unsent, ", ")+": a change of it is refused; name {field.<path>} in the template of one, or make the map read_only")
	}
	add(k.isLeftHalf(), "nothing takes a create back of which a later call fails, and the "+k.noun()+" then stays as it was made: add delete, or disable, or undo in the block of create")
	add(k.block == blockGroups && k.members == nil, "members are not served: map them, or say of_users")
	add(k.membership != nil && !k.membership.canChange(), "there is no call that changes members: add add_member and remove_member, or set_members")
	if refs := k.groupRefs; k.groups != nil && refs != nil && k.groupsField != "" {
		add(refs.text != k.groupsField, "map groups "+k.groupsField+" is not looked at: of_users "+refs.text+" says where a user's groups are; write the same in both")
		add(refs.text == wholeRecord, "map groups .: a record is no list of groups, so that nobody is in any; name the path in it that has their ids, such as map groups groups.#.id")
	}
	if k.block == blockUsers {
		add(!k.has(OpUpdate) && k.unsentActive() != "", "active is mapped, and no call writes it: nobody can be disabled; add update, or disable and enable, or make the map read_only")
		add(k.active == nil, "active is not served: map it, or add disable: until then nobody can be disabled")
		add(k.absence != nil && !k.readsActive, "absent: whether somebody who counts as absent can still sign in is seen by nobody, because active can't be read; such an account is not found when it is to be disabled")
		add(k.active != nil && !k.readsActive, "active can't be read: no disable is proven; map active, and add status where read does not have it")
	}
	return gaps
}
