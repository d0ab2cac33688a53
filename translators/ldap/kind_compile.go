package ldap

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// The attribute of a posixGroup that holds its members, and the one of users
// that it refers to (RFC 2307 §3).
const (
	fieldMemberUID = "memberUid"
	fieldUID       = "uid"
)

// blockSort says of what sort of resources a block is; it is the word before it.
type blockSort string

// The blocks of resource types.
const (
	ofUsers     blockSort = "users"
	ofGroups    blockSort = "groups"
	ofResources blockSort = "resource" // a type that the operator defines
)

// newUsers compiles the configuration of users. isFlat says whether their groups
// are told apart in direct and indirect ones.
func newUsers(c *ResourceConfig, p *profile, full *scim.ResourceType, isFlat bool) (*kind, error) {
	maps, groupsField, err := takeMap(c.Maps, "groups")
	if err != nil {
		return nil, err
	}
	var handled []string
	if len(c.Disable) > 0 {
		handled = append(handled, "active")
	} else if slices.ContainsFunc(c.Maps, func(m translators.MapConfig) bool { return strings.EqualFold(m.Path, "active") }) {
		return nil, errors.New("map active: how an account is disabled is said by disable: disable attribute <attribute> <disabled> [<enabled>]")
	}
	if groupsField != "" {
		handled = append(handled, "groups")
	}
	if err := c.checkRequired(ofUsers); err != nil {
		return nil, err
	}
	if !isFlat {
		full = without(full, "groups.type")
	}
	k, err := newKind(c, p, full, maps, handled)
	if err != nil {
		return nil, err
	}
	k.groupsField = groupsField
	if groupsField != "" {
		k.groups = k.mapping.Type.Attribute("groups")
	}
	if k.locks, err = newLocks(c.Disable, k.createIn, p); err != nil {
		return nil, err
	}
	for _, constant := range c.Constants {
		if slices.ContainsFunc(lockAttributes(k.locks), func(a string) bool { return strings.EqualFold(a, constant.Attribute) }) {
			return nil, fmt.Errorf("constant %s: disable writes it already: remove one of the two", constant.Attribute)
		}
	}
	if len(k.locks) > 0 {
		k.active = k.mapping.Type.Attribute("active")
	}
	for _, l := range k.locks {
		if locked := l.parent(true); locked != nil && !k.isBelow(locked) {
			return nil, fmt.Errorf("disable move %s: it does not lie below base (scope %s), so that disabled accounts would not be found: choose a container below base, or a higher base", locked, k.scopeName())
		}
	}
	if err := k.checkFilter(); err != nil {
		return nil, err
	}
	if c.Delete == translators.DeleteDisable && k.active == nil {
		return nil, errors.New("delete disable needs to know how: add disable password_policy, or another method")
	}
	if k.rdn == nil {
		return nil, fmt.Errorf("rdn %s: nothing is mapped to it, so that new entries would have no name: map userName %s", c.RDN, c.RDN)
	}
	return k, nil
}

// newGroups compiles the configuration of groups.
func newGroups(c *ResourceConfig, p *profile, full *scim.ResourceType) (*kind, error) {
	maps, memberField, err := takeMap(c.Maps, "members")
	if err != nil {
		return nil, err
	}
	var handled []string
	if memberField != "" {
		handled = append(handled, "members")
	}
	if err := c.checkRequired(ofGroups); err != nil {
		return nil, err
	}
	k, err := newKind(c, p, without(full, "members.display"), maps, handled)
	if err != nil {
		return nil, err
	}
	name := k.mapping.LeafFor(scim.Target{Attribute: k.mapping.Type.Attribute("displayName")}, nil)
	k.display = name.Fields
	if c.RDN == "" && len(name.Fields) > 0 && name.IsWritable() {
		k.rdn, k.rdnField = name, name.Fields[0]
	}
	if k.rdn == nil {
		return nil, fmt.Errorf("rdn %s: nothing is mapped to it, so that new entries would have no name: map displayName %s", c.RDN, c.RDN)
	}
	if c.Placeholder != "" {
		if _, err := goldap.ParseDN(c.Placeholder); err != nil {
			return nil, fmt.Errorf("placeholder %q is not a DN: %w", c.Placeholder, err)
		}
	}
	k.placeholder = nameKey(c.Placeholder)
	if memberField != "" {
		k.members = k.mapping.Type.Attribute("members")
		k.memberField = memberField
		k.memberIsDN = !strings.EqualFold(memberField, fieldMemberUID)
		k.needsMember = slices.ContainsFunc(c.ObjectClasses, func(class string) bool {
			return demandsMember(class) && strings.EqualFold(memberAttributes[strings.ToLower(class)], memberField)
		})
		if err := c.checkMembers(memberField); err != nil {
			return nil, err
		}
	}
	switch {
	case c.Nested == "", c.Nested == NestedShow:
	case c.Nested != NestedFlatten:
		return nil, fmt.Errorf("nested %s is not known: it is %s or %s", c.Nested, NestedShow, NestedFlatten)
	case !k.memberIsDN:
		return nil, fmt.Errorf("nested %s is for groups that can have groups as members: map members to member or uniqueMember, or remove it", c.Nested)
	default:
		k.isFlat = true
		// The version of a group does not change with the groups in it.
		k.served.HasVersions = false
	}
	return k, nil
}

// newResources compiles the configuration of a type that the operator defines.
func newResources(c *ResourceConfig, p *profile, full *scim.ResourceType) (*kind, error) {
	if err := c.checkRequired(ofResources); err != nil {
		return nil, err
	}
	k, err := newKind(c, p, full, c.Maps, nil)
	if err != nil {
		return nil, err
	}
	if k.rdn == nil {
		return nil, fmt.Errorf("rdn %s: nothing is mapped to it, so that new entries would have no name: map an attribute of the schema to it", c.RDN)
	}
	return k, nil
}

// memberAttributes are the object classes of groups that are known, in lower case,
// with the attribute that holds their members (RFC 4519 §3.5, §3.6, RFC 2307 §4);
// "" for classes that stand beside them and allow none.
var memberAttributes = map[string]string{
	"groupofnames": "member", "groupofuniquenames": "uniqueMember", "posixgroup": fieldMemberUID,
	"top": "", "scimgroup": "",
}

// demandsMember reports whether an entry of the class can't be without a member.
func demandsMember(class string) bool {
	return strings.EqualFold(class, "groupOfNames") || strings.EqualFold(class, "groupOfUniqueNames")
}

// checkMembers refuses an attribute that none of the object classes allows: each
// group would be refused with its first member. What a class allows that is not
// known here is for the directory to say.
func (c *ResourceConfig) checkMembers(field string) error {
	class, holds := "", ""
	for _, name := range c.ObjectClasses {
		attribute, isKnown := memberAttributes[strings.ToLower(name)]
		if !isKnown || strings.EqualFold(attribute, field) {
			return nil
		}
		if holds == "" {
			class, holds = name, attribute
		}
	}
	if holds == "" {
		return nil
	}
	remedy := ""
	for _, other := range []string{"groupOfNames", "groupOfUniqueNames", "posixGroup"} {
		if strings.EqualFold(memberAttributes[strings.ToLower(other)], field) {
			remedy = ", or choose object_class " + other
		}
	}
	return fmt.Errorf("map members %s: entries of the class %s hold their members in %s: map members %s%s", field, class, holds, holds, remedy)
}

// newKind compiles what all sorts have in common.
func newKind(c *ResourceConfig, p *profile, full *scim.ResourceType, maps []translators.MapConfig, handled []string) (*kind, error) {
	k := &kind{config: c, filter: c.Filter}
	if err := k.place(); err != nil {
		return nil, err
	}
	for _, class := range c.ObjectClasses {
		if !isAttributeName(class) {
			return nil, fmt.Errorf("object_class %q is not the name of an object class", class)
		}
	}
	if k.filter == "" {
		k.filter = "(objectClass=" + goldap.EscapeFilter(c.ObjectClasses[0]) + ")"
	}
	if _, err := goldap.CompileFilter(k.filter); err != nil {
		return nil, fmt.Errorf("filter %s is not an LDAP filter, such as (objectClass=person): %w", c.Filter, err)
	}
	for _, m := range maps {
		for _, field := range m.Fields {
			if !isAttributeName(field) {
				return nil, &translators.MapError{Path: m.Path, Err: fmt.Errorf("%q is not the name of an LDAP attribute", field)}
			}
		}
	}
	var err error
	if k.mapping, err = translators.Compile(full, maps, handled...); err != nil {
		return nil, err
	}
	if err := k.checkConstants(); err != nil {
		return nil, err
	}
	for _, l := range k.mapping.Leaves {
		if l.IsReference() {
			k.references = append(k.references, l)
		}
		if isFolding(l) {
			k.folding = append(k.folding, l)
		}
	}
	if c.RDN != "" {
		k.rdnField = c.RDN
		if k.rdn = k.mapping.LeafOf(c.RDN); k.rdn != nil && !k.rdn.IsWritable() {
			return nil, fmt.Errorf("rdn %s: %s is mapped to it and can't be written, so that new entries would have no name", c.RDN, k.rdn.Path)
		}
	}
	k.served = translators.Type{
		ResourceType:    k.mapping.Type,
		Rules:           k.mapping.Rules,
		Delete:          c.Delete,
		ChangesPassword: k.mapping.Type.Attribute("password") != nil,
		HasVersions:     p.version != "",
		Remembered:      k.mapping.Remembered,
	}
	if k.served.Delete == "" {
		k.served.Delete = translators.DeleteRefuse
	}
	return k, nil
}

// checkConstants refuses constants for attributes that something else writes.
func (k *kind) checkConstants() error {
	for i, c := range k.config.Constants {
		isSame := func(other string) bool { return strings.EqualFold(other, c.Attribute) }
		switch l := k.mapping.LeafOf(c.Attribute); {
		case !isAttributeName(c.Attribute):
			return fmt.Errorf("constant %q is not the name of an LDAP attribute", c.Attribute)
		case len(c.Values) == 0:
			return fmt.Errorf("constant %s has no value", c.Attribute)
		case isSame(objectClass):
			return errors.New("constant objectClass: the classes of new entries are said by object_class")
		case l != nil && l.IsWritable():
			return fmt.Errorf("constant %s: %s is mapped to it already: give the map a default instead", c.Attribute, l.Path)
		case slices.ContainsFunc(k.config.Constants[:i], func(other ConstantConfig) bool { return isSame(other.Attribute) }):
			return fmt.Errorf("constant %s stands twice: give all values in one line", c.Attribute)
		}
	}
	return nil
}

// place reads where the entries are.
func (k *kind) place() (err error) {
	c := k.config
	switch c.Scope {
	case "", "sub":
		k.scope = goldap.ScopeWholeSubtree
	case "one":
		k.scope = goldap.ScopeSingleLevel
	default:
		return fmt.Errorf("scope %q is not known: it is sub or one", c.Scope)
	}
	if k.base, err = goldap.ParseDN(c.Base); err != nil {
		return fmt.Errorf("base %q is not a DN: %w", c.Base, err)
	}
	k.createIn, k.baseKey = k.base, parsedNameKey(k.base)
	if c.CreateIn == "" {
		return nil
	}
	if k.createIn, err = goldap.ParseDN(c.CreateIn); err != nil {
		return fmt.Errorf("create_in %q is not a DN: %w", c.CreateIn, err)
	}
	if !k.isBelow(k.createIn) {
		return fmt.Errorf("create_in %s does not lie below base (scope %s), so that new entries would not be found: choose one below base, or a higher base", c.CreateIn, k.scopeName())
	}
	return nil
}

// isBelow reports whether entries directly below dn are found by a search.
func (k *kind) isBelow(dn *goldap.DN) bool {
	return k.base.EqualFold(dn) || k.scope == goldap.ScopeWholeSubtree && k.base.AncestorOfFold(dn)
}

func (k *kind) scopeName() string {
	if k.scope == goldap.ScopeSingleLevel {
		return "one"
	}
	return "sub"
}

// checkRequired looks for the parts that have no default.
func (c *ResourceConfig) checkRequired(of blockSort) error {
	var mistakes []error
	missing := func(text string) { mistakes = append(mistakes, errors.New(text)) }
	if c.Base == "" {
		missing("base is missing: name the entry below which they are, such as base ou=people,dc=example,dc=com")
	}
	if len(c.ObjectClasses) == 0 {
		missing("object_class is missing: name the object classes of new entries, such as object_class inetOrgPerson")
	}
	if c.RDN == "" && of != ofGroups {
		missing("rdn is missing: name the attribute that names an entry, such as rdn uid")
	}
	switch c.Delete {
	case translators.DeleteRemove, translators.DeleteRefuse:
	case translators.DeleteDisable:
		if of != ofUsers {
			missing("delete disable is for users: choose remove or refuse")
		}
	case "":
		if of == ofUsers {
			missing("delete is missing: say what DELETE means, delete remove, disable or refuse")
		}
	default:
		missing(fmt.Sprintf("delete %s is not known: it is remove, disable or refuse", c.Delete))
	}
	if of != ofUsers && len(c.Disable) > 0 {
		missing("disable is for users: remove it")
	}
	if of != ofGroups && c.Placeholder != "" {
		missing("placeholder is for groups: remove it")
	}
	if of != ofGroups && c.Nested != "" {
		missing("nested is for groups: remove it")
	}
	return errors.Join(mistakes...)
}

// takeMap takes the map of an attribute that this translator serves itself out
// of the others, and returns the field that it names, "" if there is none.
func takeMap(maps []translators.MapConfig, attribute string) (others []translators.MapConfig, field string, err error) {
	for _, m := range maps {
		if !strings.EqualFold(m.Path, attribute) && !strings.EqualFold(m.Path, attribute+".value") {
			others = append(others, m)
			continue
		}
		switch {
		case field != "":
			return nil, "", &translators.MapError{Path: m.Path, Err: errors.New("it stands twice: remove one")}
		case len(m.Fields) != 1 || !isAttributeName(m.Fields[0]):
			return nil, "", &translators.MapError{Path: m.Path, Err: errors.New("name the one LDAP attribute that holds them")}
		case !isBare(m):
			return nil, "", &translators.MapError{Path: m.Path, Err: errors.New("it takes no options: remove them")}
		}
		field = m.Fields[0]
	}
	return others, field, nil
}

// isBare reports whether a map has no options.
func isBare(m translators.MapConfig) bool {
	return m.Codec == "" && m.Constant == "" && m.Default == "" && len(m.DefaultFrom) == 0 && len(m.OneOf) == 0 &&
		!m.Required && !m.CreateOnly && !m.ReadOnly && !m.WriteOnly && !m.Private
}

// without returns the type without a sub-attribute that is not served.
func without(full *scim.ResourceType, name string) *scim.ResourceType {
	return full.Narrow(func(a *scim.Attribute) bool { return a.String() != name }, nil)
}
