package rest

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/mapfile"
)

// unmarshalCaddyfile reads the block users, groups or resource.
func (c *ResourceConfig) unmarshalCaddyfile(d *caddyfile.Dispenser, block string, full *scim.ResourceType, places mapfile.Places) error {
	if d.CountRemainingArgs() > 0 {
		return d.Errf("%s has its settings in a block: %s { map … }", block, block)
	}
	repeatable := append([]string{"map", "remember", "value", "fixed", "delete"}, repeatableDefaults...)
	for _, op := range operations {
		repeatable = append(repeatable, string(op))
	}
	b := &mapfile.Block{Dispenser: d, Name: block, Repeatable: repeatable}
	return b.Each(func(word string) error { return c.line(b, word, block, full, places) })
}

// line reads one line of the block.
func (c *ResourceConfig) line(b *mapfile.Block, word, block string, full *scim.ResourceType, places mapfile.Places) error {
	switch {
	case word == "id":
		return c.idLine(b)
	case word == "rows":
		return b.List(&c.Rows, "rows <path>...")
	case word == "version":
		if err := b.Text(&c.Version, "version etag|hash|<path>"); err != nil {
			return err
		}
		if word := strings.ToLower(c.Version); word != c.Version && (word == versionETag || word == versionHash) {
			return b.Errf("version %s is the path of a field: write version %s for what the word means, or version \\%[1]s for a field of that name", c.Version, word)
		}
		return nil
	case word == "created":
		return b.Text(&c.Created, "created <path>")
	case word == "modified":
		return b.Text(&c.Modified, "modified <path>")
	case word == "value":
		return c.valueLine(b)
	case word == "filter_list":
		return b.Flag(&c.FilterList)
	case word == "absent":
		return c.absentLine(b, block, places)
	case word == "enable" && block == blockUsers && !isCall(b):
		return c.enableLine(b)
	case word == "map":
		return c.mapLine(b, block, full, places)
	case word == "remember":
		return c.rememberLine(b, block, full, places)
	case word == "delete" && !isCall(b):
		return c.deleteLine(b)
	case block == blockGroups && word == "member_by":
		if err := b.Text(&c.MemberBy, "member_by id|userName"); err != nil {
			return err
		}
		if c.MemberBy != "id" && c.MemberBy != "userName" {
			return b.Errf("member_by %s is not known: it is id or userName", c.MemberBy)
		}
		return nil
	case block == blockGroups && word == "fixed":
		var group FixedGroup
		err := b.Texts("fixed <id> <displayName>", &group.ID, &group.DisplayName)
		c.Fixed = append(c.Fixed, group)
		return err
	case block == blockGroups && word == "of_users":
		return c.ofUsersLine(b)
	case strings.HasPrefix(block, "resource ") && (word == "endpoint" || word == "schema" || word == "description"):
		b.NextSegment() // see ParseTypes
		return nil
	case slices.Contains(operationsOf(block), Operation(word)):
		return c.callLine(b, block, Operation(word), places)
	}
	if isMine, err := c.Defaults.parseDefault(b, word); isMine || err != nil {
		return err
	}
	words := []string{"id", "rows", "version", "created", "modified", "value", "absent", "filter_list", "delete", "map", "remember"}
	if block == blockGroups {
		words = append(words, "member_by", "fixed", "of_users")
	}
	for _, op := range operationsOf(block) {
		words = append(words, string(op))
	}
	return unknown(b, block, append(words, "item, items and the other lines for all calls")...)
}

// operationsOf are those that a block may have calls for.
func operationsOf(block string) []Operation {
	switch block {
	case blockUsers:
		return []Operation{OpSearch, OpList, OpRead, OpConfirmAbsence, OpCreate, OpUpdate, OpDisable, OpEnable, OpStatus, OpSecret, OpDelete}
	case blockGroups:
		return []Operation{OpSearch, OpList, OpRead, OpConfirmAbsence, OpCreate, OpUpdate, OpDelete, OpMembers, OpAddMember, OpRemoveMember, OpSetMembers}
	}
	return []Operation{OpSearch, OpList, OpRead, OpConfirmAbsence, OpCreate, OpUpdate, OpDelete}
}

// isCall reports whether a line has a method and a URL behind its word, rather than
// one word.
func isCall(b *mapfile.Block) bool { return b.CountRemainingArgs() > 1 }

// callLine reads a call.
func (c *ResourceConfig) callLine(b *mapfile.Block, block string, op Operation, places mapfile.Places) error {
	line := *b.Dispenser
	call, err := parseCall(b, op)
	if err != nil {
		return err
	}
	if c.Calls == nil {
		c.Calls = make(map[Operation][]CallConfig)
	}
	c.Calls[op] = append(c.Calls[op], call)
	places[callPlace(block, op, len(c.Calls[op]))] = line
	return nil
}

func (c *ResourceConfig) idLine(b *mapfile.Block) error {
	args := b.RemainingArgs()
	if len(args) < 1 || len(args) > 2 || args[0] == "" || len(args) == 2 && args[1] != "number" {
		return b.Errf("id is not understood: write id <path>, or id <path> number where it is a number in JSON")
	}
	c.ID, c.IDIsNumber = args[0], len(args) == 2
	return nil
}

func (c *ResourceConfig) valueLine(b *mapfile.Block) error {
	var v NamedExpression
	if err := b.Texts("value <name> <expression>, the expression in backticks", &v.Name, &v.Expression); err != nil {
		return err
	}
	if slices.ContainsFunc(c.Values, func(other NamedExpression) bool { return other.Name == v.Name }) {
		return b.Errf("value %s is given twice: remove one of the two", v.Name)
	}
	c.Values = append(c.Values, v)
	return nil
}

// absentLine reads which records count as absent.
func (c *ResourceConfig) absentLine(b *mapfile.Block, block string, places mapfile.Places) error {
	places[block+" "+absentLine] = *b.Dispenser
	args := b.RemainingArgs()
	if len(args) != 2 || args[0] != "when" || args[1] == "" {
		return b.Errf("absent is not understood: write absent when `record.state == \"RETIRED\"`, an expression in backticks that is true of records that are not there any more")
	}
	c.Absent = args[1]
	return nil
}

// enableLine reads when an update enables.
func (c *ResourceConfig) enableLine(b *mapfile.Block) error {
	args := b.RemainingArgs()
	switch {
	case len(args) != 1 || args[0] != "first":
		return b.Errf("enable is not understood: write enable <method> <url> for the call that enables, or enable first where an account has to be enabled before it can be changed; otherwise it is enabled last")
	case c.EnableFirst:
		return b.Errf("enable first is given twice: remove one of the two lines")
	}
	c.EnableFirst = true
	return nil
}

func (c *ResourceConfig) mapLine(b *mapfile.Block, block string, full *scim.ResourceType, places mapfile.Places) error {
	line := *b.Dispenser
	var handled []string
	switch block {
	case blockUsers:
		handled = []string{"groups"}
	case blockGroups:
		handled = []string{"members"}
	}
	m, err := parseMap(b.Dispenser, full, handled...)
	places[block+" map "+m.Path] = line
	c.Maps = append(c.Maps, m)
	return err
}

func (c *ResourceConfig) rememberLine(b *mapfile.Block, block string, full *scim.ResourceType, places mapfile.Places) error {
	line := *b.Dispenser
	remembered, err := mapfile.ParseRemember(b.Dispenser, full)
	for _, m := range remembered {
		places[block+" map "+m.Path] = line
		c.Maps = append(c.Maps, MapConfig{MapConfig: m})
	}
	return err
}

// deleteLine reads what DELETE means where there is no call for it.
func (c *ResourceConfig) deleteLine(b *mapfile.Block) error {
	var mode string
	if err := b.Text(&mode, "delete <method> <url> for the call that removes, or delete disable|refuse"); err != nil {
		return err
	}
	switch m := translators.DeleteMode(mode); {
	case m != translators.DeleteDisable && m != translators.DeleteRefuse:
		return b.Errf("delete %s is not understood: write delete <method> <url> for the call that removes, or delete disable|refuse", mode)
	case c.Delete != "":
		return b.Errf("delete is given twice, first as %s: remove one of the two lines", c.Delete)
	default:
		c.Delete = m
	}
	return nil
}

func (c *ResourceConfig) ofUsersLine(b *mapfile.Block) error {
	const usage = "of_users <path> [id|displayName] [without <value>|separator <text>]"
	args := b.RemainingArgs()
	if len(args) == 0 {
		return b.Errf("of_users is not understood: write %s", usage)
	}
	of := &OfUsers{Path: args[0]}
	args = args[1:]
	if len(args) > 0 && (args[0] == "id" || args[0] == "displayName") {
		of.By, args = args[0], args[1:]
	}
	for len(args) > 1 && args[1] != "" {
		switch {
		case args[0] == "without" && of.Without == "":
			of.Without = args[1]
		case args[0] == "separator" && of.Separator == "":
			of.Separator = args[1]
		default:
			return b.Errf("of_users: %s is not understood: write %s", args[0], usage)
		}
		args = args[2:]
	}
	if len(args) > 0 {
		return b.Errf("of_users: %s is not understood: write %s", strings.Join(args, " "), usage)
	}
	c.OfUsers = of
	in := &mapfile.Block{Dispenser: b.Dispenser, Name: "of_users"}
	return in.Each(func(word string) error {
		switch word {
		case "separator":
			return in.Text(&of.Separator, "separator <text>, such as separator \";\"")
		case "without":
			return in.Text(&of.Without, "without <value>")
		}
		return in.Unknown("separator", "without")
	})
}
