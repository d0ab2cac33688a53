package rest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// newKind compiles the configuration of one block.
func newKind(t *Translator, c *ResourceConfig, block string, full *scim.ResourceType) (*kind, error) {
	k := &kind{config: c, block: block, steps: make(map[Operation][]*step), secrets: t.Secrets, hasSession: t.SignIn.HasSession()}
	if block == blockUsers && t.Groups != nil && t.Groups.OfUsers != nil {
		k.groupsPath = t.Groups.OfUsers.Path
	}
	if err := k.checkSort(); err != nil {
		return nil, err
	}
	maps, handled, err := k.takeMaps()
	if err != nil {
		return nil, err
	}
	if k.mapping, err = newMapping(full, maps, handled...); err != nil {
		return nil, err
	}
	if err := k.paths(); err != nil {
		return nil, err
	}
	k.identify()
	if err := k.compileAbsence(); err != nil {
		return nil, &lineError{absentLine, err}
	}
	k.served = translators.Type{
		ResourceType:    k.mapping.Type,
		Rules:           k.mapping.Rules,
		Delete:          k.deleteMode(),
		ChangesPassword: k.mapping.Type.Attribute("password") != nil,
		HasVersions:     c.Version != "",
		EnablesFirst:    c.EnableFirst,
		Remembered:      k.mapping.Remembered,
	}
	defaults := c.Defaults.over(t.Defaults)
	k.judgements = defaults.Judgements
	var mistakes []error
	for _, op := range operations {
		for i, call := range c.Calls[op] {
			s, err := newStep(k, op, i+1, call, defaults)
			if err != nil {
				// What is said of all calls is wrong in each of them.
				if !slices.ContainsFunc(mistakes, func(m error) bool { return errors.Unwrap(m).Error() == err.Error() }) {
					mistakes = append(mistakes, &callError{op, i + 1, err})
				}
				continue
			}
			k.steps[op] = append(k.steps[op], s)
		}
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	k.served.ComesLate = k.active != nil
	k.served.DisablesUnread = k.disablesUnread()
	k.served.Lag = time.Duration(t.ConsistentWithin)
	return k, errors.Join(k.checkCalls(), k.checkFixed())
}

// operations are all of them, in the order in which mistakes are told.
var operations = []Operation{OpSearch, OpList, OpRead, OpConfirmAbsence, OpStatus, OpCreate, OpUpdate, OpSecret, OpDisable, OpEnable, OpDelete,
	OpMembers, OpAddMember, OpRemoveMember, OpSetMembers}

// callError is a mistake in a call of the configuration.
type callError struct {
	op     Operation
	number int
	err    error
}

// Error implements error.
func (e *callError) Error() string { return fmt.Sprintf("%s: %v", e.op, e.err) }

// Unwrap returns the mistake.
func (e *callError) Unwrap() error { return e.err }

// lineError is a mistake in a line of a block.
type lineError struct {
	word string
	err  error
}

// Error implements error.
func (e *lineError) Error() string { return fmt.Sprintf("%s: %v", e.word, e.err) }

// Unwrap returns the mistake.
func (e *lineError) Unwrap() error { return e.err }

// deleteMode is what DELETE means.
func (k *kind) deleteMode() translators.DeleteMode {
	switch {
	case len(k.config.Calls[OpDelete]) > 0:
		return translators.DeleteRemove
	case k.config.Delete != "":
		return k.config.Delete
	}
	return translators.DeleteRefuse
}

// checkSort refuses what is for users or for groups alone.
func (k *kind) checkSort() error {
	c := k.config
	var mistakes []error
	refuse := func(is bool, word, remedy string) {
		if is {
			mistakes = append(mistakes, fmt.Errorf("%s is for %s: remove it", word, remedy))
		}
	}
	if k.block != blockUsers {
		for _, op := range []Operation{OpDisable, OpEnable, OpStatus, OpSecret} {
			refuse(len(c.Calls[op]) > 0, string(op), blockUsers)
		}
		refuse(c.Delete == translators.DeleteDisable, "delete disable", blockUsers)
		refuse(c.EnableFirst, "enable first", blockUsers)
	}
	if k.block != blockGroups {
		for _, op := range []Operation{OpMembers, OpAddMember, OpRemoveMember, OpSetMembers} {
			refuse(len(c.Calls[op]) > 0, string(op), blockGroups)
		}
		refuse(len(c.Fixed) > 0, "fixed", blockGroups)
		refuse(c.OfUsers != nil, "of_users", blockGroups)
		refuse(c.MemberBy != "", "member_by", blockGroups)
	}
	switch {
	case c.Delete != "" && len(c.Calls[OpDelete]) > 0:
		mistakes = append(mistakes, &callError{OpDelete, 1, fmt.Errorf("delete %s stands beside this call for it: remove one of the two", c.Delete)})
	case c.Delete == translators.DeleteRemove:
		mistakes = append(mistakes, errors.New("delete remove: say by which call, such as delete DELETE /users/{id}"))
	}
	return errors.Join(mistakes...)
}

// takeMaps takes the maps of what is served here out of those that newMapping
// compiles, and says what that is.
func (k *kind) takeMaps() (maps []MapConfig, handled []string, err error) {
	taken := map[string]*string{}
	switch k.block {
	case blockUsers:
		taken["groups"] = &k.groupsField
	case blockGroups:
		taken["members"] = &k.membersField
	}
	isActiveMapped, isSecretMapped := false, false
	for _, m := range k.config.Maps {
		name := strings.TrimSuffix(strings.ToLower(m.Path), ".value")
		target := taken[name]
		if target == nil {
			isActiveMapped = isActiveMapped || strings.EqualFold(m.Path, "active")
			isSecretMapped = isSecretMapped || strings.EqualFold(m.Path, "password")
			maps = append(maps, m)
			continue
		}
		switch {
		case *target != "":
			return nil, nil, &translators.MapError{Path: m.Path, Err: errors.New("it stands twice: remove one")}
		case len(m.Fields) != 1:
			return nil, nil, &translators.MapError{Path: m.Path, Err: errors.New("name the one path in a record that leads to them, such as users.#.id")}
		}
		*target = m.Fields[0]
	}
	if len(k.config.Fixed) > 0 && !slices.ContainsFunc(maps, func(m MapConfig) bool { return strings.EqualFold(m.Path, byDisplayName) }) {
		maps = append(maps, MapConfig{MapConfig: translators.MapConfig{Path: byDisplayName, Fields: []string{byDisplayName}}})
	}
	for name, target := range taken {
		if *target != "" || name == "members" && k.servesMembers() {
			handled = append(handled, name)
		}
	}
	if k.block == blockUsers && !isActiveMapped && len(k.config.Calls[OpDisable]) > 0 {
		handled = append(handled, "active")
	}
	if k.block == blockUsers && !isSecretMapped && len(k.config.Calls[OpSecret]) > 0 {
		handled = append(handled, "password")
	}
	k.readsActive = isActiveMapped
	return maps, handled, nil
}

// servesMembers reports whether members are served without a map of them.
func (k *kind) servesMembers() bool {
	return k.config.OfUsers != nil || len(k.config.Calls[OpMembers]) > 0
}

// paths reads the paths of the block.
func (k *kind) paths() (err error) {
	read := func(word, text string) *document.Path {
		if text == "" || err != nil {
			return nil
		}
		var p *document.Path
		if p, err = document.ParsePath(text); err != nil {
			err = fmt.Errorf("%s %s: %w", word, text, err)
		}
		return p
	}
	id := k.config.ID
	if id == "" {
		id = "id"
	}
	k.id = read("id", id)
	k.created, k.modified = read("created", k.config.Created), read("modified", k.config.Modified)
	if v := k.config.Version; v != versionETag && v != versionHash {
		k.version = read("version", v)
	}
	return err
}

// What the version of a record may be besides a path.
const (
	versionETag = "etag"
	versionHash = "hash"
)

// identify finds the attributes that have a meaning here.
func (k *kind) identify() {
	rt := k.mapping.Type
	if k.name = rt.Attribute("userName"); k.name == nil {
		k.name = rt.Attribute("displayName")
	}
	if k.block == blockUsers {
		k.active, k.groups, k.secret = rt.Attribute("active"), rt.Attribute("groups"), rt.Attribute("password")
	}
	if k.block == blockGroups {
		k.members = rt.Attribute("members")
	}
	if k.name != nil {
		l := k.mapping.LeafFor(scim.Target{Attribute: k.name}, nil)
		k.isNamedByKey = l != nil && len(l.Fields) == 1 && l.Fields[0] == k.id.String()
	}
}

// checkCalls looks for what is missing between the calls.
func (k *kind) checkCalls() error {
	var mistakes []error
	missing := func(is bool, text string) {
		if is {
			mistakes = append(mistakes, errors.New(text))
		}
	}
	hasNoCalls := k.block == blockGroups && (k.config.OfUsers != nil || len(k.config.Fixed) > 0)
	missing(!k.has(OpRead) && !hasNoCalls && !k.canFindByID(),
		"read is missing: say how one record is read by its id, such as read GET /"+k.block+"/{id}")
	missing(k.config.FilterList && !k.has(OpList) && !hasNoCalls, "filter_list looks at the rows of list, and there is none: add list GET /"+k.block)
	missing(k.config.Delete == translators.DeleteDisable && k.active == nil,
		"delete disable needs to know how: map active, or add disable")
	missingAt := func(is bool, op Operation, text string) {
		if is {
			mistakes = append(mistakes, &callError{op, 1, errors.New(text)})
		}
	}
	missingAt(k.has(OpEnable) && !k.has(OpDisable), OpEnable, "it stands without disable: add disable")
	missingAt(k.has(OpDisable) && !k.has(OpEnable) && !k.updatesActive(), OpDisable, "it stands without enable: add enable, so that an account can come back")
	missing(k.config.EnableFirst && !k.has(OpEnable) && !k.updatesActive(),
		"enable first needs to know how: map active to a field that update can write, or add disable and enable")
	missingAt(k.has(OpStatus) && !k.readsActive, OpStatus, "it reads whether the account is active: say where in its answer, with map active <path>")
	if unsent := k.unsentActive(); unsent != "" && k.has(OpUpdate) {
		mistakes = append(mistakes, &translators.MapError{Path: k.activeLeaf().Config.Path, Err: fmt.Errorf(
			"no update call sends %s, so that nobody could be disabled: put {field.%[1]s} into the body of one, add disable and enable, or make the map read_only", unsent)})
	}
	if k.readsActive && k.has(OpUpdate) && !k.has(OpDisable) && !k.updatesActive() && k.isActiveWritten() {
		mistakes = append(mistakes, &translators.MapError{Path: k.active.Name, Err: errors.New(
			"only * stands for true or for false, and that can't be written: name what is to be written before it, such as false 3 *, or add disable and enable")})
	}
	if err := k.checkClear(); err != nil {
		mistakes = append(mistakes, err)
	}
	return errors.Join(mistakes...)
}

// unsentActive is the field of active where it is meant to be written and no call does
// so; "" where one does.
func (k *kind) unsentActive() string {
	if k.active == nil || !k.readsActive || k.has(OpDisable) || !k.isActiveWritten() {
		return ""
	}
	field := k.activeField()
	if slices.ContainsFunc(k.steps[OpUpdate], func(s *step) bool { return s.sends(field) }) {
		return ""
	}
	return field
}

// isActiveWritten reports whether active is meant to be written to a field.
func (k *kind) isActiveWritten() bool {
	l := k.activeLeaf()
	return l != nil && l.IsWritable()
}

// activeLeaf is what active is mapped to, nil where it is not.
func (k *kind) activeLeaf() *translators.Leaf {
	if k.active == nil {
		return nil
	}
	return k.mapping.LeafFor(scim.Target{Attribute: k.active}, nil)
}

// updatesActive reports whether active is a field that update can write.
func (k *kind) updatesActive() bool {
	if !k.readsActive || !k.has(OpUpdate) {
		return false
	}
	l := k.activeLeaf()
	return l != nil && l.IsWritable() && k.mapping.canWrite(l, scim.Bool(true)) && k.mapping.canWrite(l, scim.Bool(false))
}

// checkClear refuses values that are cleared by being left out where only what changes
// is sent.
func (k *kind) checkClear() error {
	isWhole := func(s *step) bool { return s.body != nil && s.body.isWhole }
	l := k.mapping.omitted()
	if l == nil || !k.has(OpUpdate) || slices.ContainsFunc(k.steps[OpUpdate], isWhole) {
		return nil
	}
	return &translators.MapError{Path: l.Config.Path, Err: errors.New(
		"clear omit clears nothing where only what changes is sent: write clear null or clear empty, or send whole in the block of update")}
}

// canFindByID reports whether a record can be found by its id without a read call.
func (k *kind) canFindByID() bool {
	return k.isNamedByKey && slices.ContainsFunc(k.steps[OpSearch], func(s *step) bool { return k.answers(s, scim.Target{Attribute: k.name}) }) ||
		k.has(OpList) && k.config.FilterList
}

// answers reports whether a search call finds the rows that have a value at the
// target.
func (k *kind) answers(s *step, target scim.Target) bool {
	attributes := s.attributes()
	return len(attributes) == 1 && attributes[0].Leaf() == target.Leaf()
}

// over returns these defaults with those of the translator where they say nothing;
// headers, parameters and judgements are those of both.
func (d CallDefaults) over(all CallDefaults) CallDefaults {
	pick := func(target *string, text string) {
		if *target == "" {
			*target = text
		}
	}
	pick(&d.Answer, all.Answer)
	pick(&d.Body, all.Body)
	pick(&d.Nesting, all.Nesting)
	pick(&d.Item, all.Item)
	pick(&d.Items, all.Items)
	if d.Page == nil {
		d.Page = all.Page
	}
	pick(&d.RetryAfter, all.RetryAfter)
	if len(d.ErrorText) == 0 {
		d.ErrorText = all.ErrorText
	}
	d.Judgements = slices.Concat(d.Judgements, all.Judgements)
	d.Header = slices.Concat(all.Header, d.Header)
	d.Query = slices.Concat(all.Query, d.Query)
	return d
}
