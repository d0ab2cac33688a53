// Package mapfile is the part of the Caddyfile grammar that all translators
// share: the lines map and delete of a block that describes users, groups or
// resources of a type that the operator defines, and the definitions of schemas
// and resource types.
//
//	map <path> [<field>...] {
//		default        <value>
//		default_from   <path>...
//		one_of         <value>...
//		required
//		create_only
//		read_only
//		write_only
//		private
//		boolean        [<true> <false>]
//		timestamp
//		binary
//		postal_address
//		json
//		reference      [<resource type>]
//		constant       <value>
//	}
//	remember <path>...
//	delete remove|disable|refuse
//
// A path is that of a SCIM attribute: userName, name.familyName. What is not
// mapped is not served. A path that contains quotes stands in backticks, because
// the Caddyfile would take the quotes away:
//
//	map `emails[type eq "work"].value` mail
//
// All fields of a line are written, the first that has a value is read. The
// block may be left away. Its lines, each at most once:
//
//   - default: the value given on create when the provider sends none.
//     default_from: mapped paths whose first value is given then; default is for
//     when none of them has one either.
//   - one_of: the only values allowed, spelt exactly so. required: there must be
//     a value, on create and afterwards. userName and a group's displayName are
//     required without it.
//   - create_only: what was set on create stays, later changes are dropped
//     silently. read_only: only the backend sets it. write_only: it is never
//     shown; password always is. private: it is shown in answers, and not in the
//     journal, in logs and in printed plans.
//   - boolean: the texts that stand for true and false, TRUE and FALSE unless
//     given. timestamp: a dateTime is generalized time in the backend. binary:
//     base64 is octets in the backend. postal_address: lines are separated by $
//     in the backend. json: a whole complex value (roles, or one element:
//     `roles[type eq "x"]`) is one JSON text in the backend. reference: an id is
//     a name in the backend, such as a DN; the resource type is named where the
//     schema does not say it by a $ref beside the value. At most one of these.
//   - constant: the value that the path always has; there is no field then.
//
// remember is for simple texts that the backend has no place for, such as
// externalId: they are kept in the store of the gateways.
//
// delete says what DELETE means: remove the entry, disable the account and keep
// it, or refuse with 403. There is no default.
//
// Beside users and groups stand schemas that the operator defines, which extend a
// resource type or are the schema of a new one (RFC 7643 §6, §7):
//
//	schema <urn> {
//		name        <name>
//		description <text>
//		extends     <resource type>...
//		attribute   <name> [<type>] {
//			description      <text>
//			multi_valued
//			required
//			case_exact
//			canonical_values <value>...
//			reference_types  <resource type>...
//			mutability       readWrite|readOnly|immutable|writeOnly
//			returned         default|always|request|never
//			uniqueness       none|server|global
//			attribute        <name> [<type>] { … }
//		}
//	}
//	schema file <path> [<urn>...] {
//		extends     <resource type>...
//	}
//	resource <name> {
//		endpoint    /<name>
//		schema      <urn>
//		description <text>
//		delete      remove|refuse
//		map         <path> [<field>...] { … }
//		remember    <path>...
//	}
//
// A type is string (unless given), boolean, decimal, integer, dateTime, binary,
// reference or complex; what is complex has attributes in its block. A file holds
// schemas as a service provider shows them at /Schemas. The rest of a resource
// block is the translator's. The definitions may stand before or behind the maps
// that use them.
package mapfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Parse reads a map line with its block; the dispenser stands at the word map.
// Paths are checked against the full type ([scim.UserType], [scim.GroupType]),
// and the leaf by itself as [translators.CheckLeaf] does. Of the attributes
// named by handled, which the translator serves itself ("members", "active"),
// only the grammar is checked. What only shows between several lines is for
// [translators.Compile]. Errors name file, line and remedy.
func Parse(d *caddyfile.Dispenser, full *scim.ResourceType, handled ...string) (translators.MapConfig, error) {
	return ParseWith(d, full, Extra{}, handled...)
}

// Extra are options that a translator has in the block of a map line, besides those
// that all share.
type Extra struct {
	// Words are the options, and Repeatable those of them that may stand several times.
	Words, Repeatable []string
	// Option reads one of Words, at which the dispenser stands. So far is what was read
	// of the line until now.
	Option func(d *caddyfile.Dispenser, soFar *translators.MapConfig) error
	// Hint says what to do about a word that is no option, "" where it does not know; nil:
	// it never does.
	Hint func(word string) string
	// Complete is called when all is read, before it is checked. Its error is reported
	// at the first line.
	Complete func(*translators.MapConfig) error
}

// ParseWith is Parse with options of the translator's own.
func ParseWith(d *caddyfile.Dispenser, full *scim.ResourceType, extra Extra, handled ...string) (translators.MapConfig, error) {
	head := *d // errors about the whole are reported at its first line
	p := parser{Dispenser: d, full: full, extra: extra, seen: make(map[string]bool)}
	if err := p.head(); err != nil {
		return translators.MapConfig{}, err
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := p.option(); err != nil {
			return translators.MapConfig{}, err
		}
	}
	path, _, err := translators.ParseLeaf(full, p.config.Path)
	if err != nil {
		if len(p.config.Fields) > 0 && !strings.Contains(err.Error(), "do you mean") {
			if _, _, swapped := translators.ParseLeaf(full, p.config.Fields[0]); swapped == nil {
				err = fmt.Errorf("%w; the path in SCIM comes first: map %s %s", err, p.config.Fields[0], p.config.Path)
			}
		}
		return translators.MapConfig{}, head.Errf("map %s: %w", p.config.Path, err)
	}
	if extra.Complete != nil {
		if err := extra.Complete(&p.config); err != nil {
			return translators.MapConfig{}, head.Errf("map %s: %w", p.config.Path, err)
		}
	}
	isHandled := slices.ContainsFunc(handled, func(name string) bool { return full.Attribute(name) == path.Attribute })
	if !isHandled {
		if err := translators.CheckLeaf(full, p.config); err != nil {
			return translators.MapConfig{}, head.WrapErr(err)
		}
	}
	return p.config, nil
}

// ParseRemember reads a remember line; the dispenser stands at the word remember.
// Each path is one leaf. What can be remembered, [translators.MapConfig] says.
func ParseRemember(d *caddyfile.Dispenser, full *scim.ResourceType) ([]translators.MapConfig, error) {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return nil, d.Errf("remember names what is to be remembered: remember externalId")
	}
	var configs []translators.MapConfig
	for i, path := range args {
		config := translators.MapConfig{Path: path, Remember: true}
		if err := translators.CheckLeaf(full, config); err != nil {
			return nil, d.WrapErr(err)
		}
		if slices.ContainsFunc(args[:i], func(other string) bool { return strings.EqualFold(other, path) }) {
			return nil, d.Errf("remember %s: it stands twice: name it once", path)
		}
		configs = append(configs, config)
	}
	head := *d
	if d.NextBlock(d.Nesting()) {
		return nil, head.Errf("remember %s has no options: remove the block", args[0])
	}
	return configs, nil
}

// ParseDelete reads a delete line; the dispenser stands at the word delete.
// given is what an earlier line said, or "".
func ParseDelete(d *caddyfile.Dispenser, given translators.DeleteMode) (translators.DeleteMode, error) {
	if given != "" {
		return "", d.Errf("delete is given twice, first as %s: remove one of the two lines", given)
	}
	var mode string
	if d.AllArgs(&mode) {
		switch m := translators.DeleteMode(mode); m {
		case translators.DeleteRemove, translators.DeleteDisable, translators.DeleteRefuse:
			return m, nil
		}
	}
	return "", d.Errf("say what DELETE means: delete remove (the entry), delete disable (the account, which stays) or delete refuse")
}

type parser struct {
	*caddyfile.Dispenser
	full   *scim.ResourceType
	extra  Extra
	config translators.MapConfig
	seen   map[string]bool
}

// head reads the path and the fields.
func (p *parser) head() error {
	args := p.RemainingArgs()
	if len(args) == 0 {
		return p.Errf("map needs a path and a field: map userName uid")
	}
	p.config.Path, p.config.Fields = args[0], args[1:]
	if len(p.config.Fields) == 0 {
		p.config.Fields = nil
	}
	// Without backticks the Caddyfile splits a selector at its blanks and takes
	// its quotes away.
	if strings.Count(args[0], "[") != strings.Count(args[0], "]") {
		name, _, _ := strings.Cut(args[0], "[")
		return p.Errf("map %s: the path contains blanks or quotes and must stand in backticks: map `%s[type eq \"work\"].value` and the field", args[0], name)
	}
	return nil
}

// codecs are the options that say how values are written in the backend.
var codecs = []string{translators.CodecBoolean, translators.CodecTimestamp, translators.CodecBinary,
	translators.CodecPostalAddress, translators.CodecJSON, translators.CodecReference}

// option reads one line of the block.
func (p *parser) option() error {
	name := p.Val()
	if p.seen[name] && !slices.Contains(p.extra.Repeatable, name) {
		return p.Errf("map %s: %s is given twice: remove one of the two lines", p.config.Path, name)
	}
	p.seen[name] = true
	if slices.Contains(p.extra.Words, name) {
		return p.extra.Option(p.Dispenser, &p.config)
	}
	args := p.RemainingArgs()
	c := &p.config
	if slices.Contains(codecs, name) {
		return p.codec(name, args)
	}
	switch name {
	case "default":
		return p.value(&c.Default, name, args)
	case "constant":
		return p.value(&c.Constant, name, args)
	case "default_from":
		c.DefaultFrom = args
		return p.paths(name, args)
	case "one_of":
		c.OneOf = args
		if len(args) == 0 || slices.Contains(args, "") {
			return p.Errf("map %s: one_of names the values that are allowed: one_of <value>...", c.Path)
		}
		return nil
	case "required":
		return p.flag(&c.Required, name, args)
	case "create_only":
		return p.flag(&c.CreateOnly, name, args)
	case "read_only":
		return p.flag(&c.ReadOnly, name, args)
	case "write_only":
		return p.flag(&c.WriteOnly, name, args)
	case "private":
		return p.flag(&c.Private, name, args)
	}
	words := append([]string{"default", "default_from", "one_of", "required", "create_only", "read_only", "write_only", "private"}, codecs...)
	words = append(append(words, "constant"), p.extra.Words...)
	if p.extra.Hint != nil {
		if hint := p.extra.Hint(name); hint != "" {
			return p.Errf("map %s: there is no option %s: %s", c.Path, name, hint)
		}
	}
	return p.Errf("map %s: there is no option %s: there are %s", c.Path, name, strings.Join(words, ", "))
}

func (p *parser) codec(name string, args []string) error {
	c := &p.config
	if c.Codec != "" {
		return p.Errf("map %s: %s and %s exclude each other: remove one of the two lines", c.Path, c.Codec, name)
	}
	c.Codec = name
	switch {
	case name == translators.CodecBoolean && len(args) == 2 && args[0] != "" && args[1] != "":
		c.True, c.False = args[0], args[1]
	case name == translators.CodecBoolean && len(args) > 0:
		return p.Errf("map %s: boolean takes two texts or none: boolean <true> <false>", c.Path)
	case name == translators.CodecReference && len(args) == 1 && args[0] != "":
		c.RefersTo = args[0]
	case name == translators.CodecReference && len(args) > 0:
		return p.Errf("map %s: reference names one resource type or none: reference [<resource type>]", c.Path)
	case len(args) > 0:
		return p.Errf("map %s: %s stands alone in its line", c.Path, name)
	}
	return nil
}

// value reads the only argument of an option.
func (p *parser) value(target *string, name string, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return p.Errf("map %s: %s takes one value, in quotes if it contains blanks: %s <value>", p.config.Path, name, name)
	}
	*target = args[0]
	return nil
}

// flag reads an option without arguments.
func (p *parser) flag(target *bool, name string, args []string) error {
	if len(args) > 0 {
		return p.Errf("map %s: %s stands alone in its line", p.config.Path, name)
	}
	*target = true
	return nil
}

// paths checks the paths of an option.
func (p *parser) paths(name string, args []string) error {
	if len(args) == 0 {
		return p.Errf("map %s: %s names one or more paths: %s <path>...", p.config.Path, name, name)
	}
	for _, text := range args {
		if _, _, err := translators.ParseLeaf(p.full, text); err != nil {
			return p.Errf("map %s: %s %s: %w", p.config.Path, name, text, err)
		}
	}
	return nil
}
