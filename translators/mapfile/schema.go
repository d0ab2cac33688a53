package mapfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// schema reads one schema, or those of a file.
func (t *Types) schema(d *caddyfile.Dispenser, head caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 || args[0] == "file" && len(args) == 1 {
		return d.Errf("schema names a schema, or a file with some: schema <urn> { attribute … }, or schema file <path> [<urn>...] { extends User }")
	}
	if args[0] == "file" {
		return t.schemaFile(d, head, args[1], args[2:])
	}
	if len(args) > 1 {
		return d.Errf("schema %s: %s is too much: schema <urn>, and the rest in a block", args[0], args[1])
	}
	s := translators.SchemaConfig{Schema: scim.Schema{ID: args[0], Name: args[0][strings.LastIndexByte(args[0], ':')+1:]}}
	b := lines{Dispenser: d, name: "schema " + s.ID}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		var err error
		switch d.Val() {
		case "name":
			err = b.text(&s.Name, "name <name>")
		case "description":
			err = b.text(&s.Description, "description <text>")
		case "extends":
			err = b.list(&s.Extends, "extends <resource type>...")
		case "attribute":
			var a *scim.Attribute
			if a, err = attribute(d, b.name, false); err == nil {
				s.Attributes = append(s.Attributes, a)
			}
		default:
			return b.unknown("name", "description", "extends", "attribute")
		}
		if err != nil {
			return err
		}
	}
	t.Schemas, t.schemas = append(t.Schemas, s), append(t.schemas, head)
	return nil
}

// schemaFile reads schemas out of a file, those of these URNs if any is given. A
// relative path is below the directory of the Caddyfile. What is read becomes
// part of the configuration, so that a reload sees that the file was changed.
func (t *Types) schemaFile(d *caddyfile.Dispenser, head caddyfile.Dispenser, path string, urns []string) error {
	var extends []string
	b := lines{Dispenser: d, name: "schema file " + path}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if d.Val() != "extends" {
			return b.unknown("extends")
		}
		if err := b.list(&extends, "extends <resource type>..."); err != nil {
			return err
		}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(head.File()), path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return head.Errf("schema file %s can't be read: %w", path, err)
	}
	schemas, err := scim.ReadSchemas(content)
	if err != nil {
		return head.Errf("schema file %s: %w", path, err)
	}
	isNamed := func(s *scim.Schema) func(string) bool {
		return func(urn string) bool { return strings.EqualFold(urn, s.ID) }
	}
	for _, urn := range urns {
		if !slices.ContainsFunc(schemas, func(s *scim.Schema) bool { return isNamed(s)(urn) }) {
			return head.Errf("schema file %s: there is no schema %s in it", path, urn)
		}
	}
	for _, s := range schemas {
		if len(urns) == 0 || slices.ContainsFunc(urns, isNamed(s)) {
			t.Schemas, t.schemas = append(t.Schemas, translators.SchemaConfig{Schema: *s, Extends: extends}), append(t.schemas, head)
		}
	}
	return nil
}

// attribute reads an attribute or a sub-attribute; the dispenser stands at the
// word attribute.
func attribute(d *caddyfile.Dispenser, place string, isSub bool) (*scim.Attribute, error) {
	head := *d
	a := new(scim.Attribute)
	var kind string
	if args := d.RemainingArgs(); len(args) < 1 || len(args) > 2 {
		return nil, head.Errf("%s: attribute is not understood: write attribute <name> [<type>], and the rest in a block", place)
	} else if a.Name = args[0]; len(args) == 2 {
		kind = args[1]
	}
	a.Type = scim.Type(kind)
	if !isSub {
		if err := translators.CheckAttributeName(a.Name); err != nil {
			return nil, head.Errf("%s: %w", place, err)
		}
	}
	b := lines{Dispenser: d, name: place + ": attribute " + a.Name}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := characteristic(&b, a, isSub); err != nil {
			return nil, err
		}
	}
	if !isSub { // with all that is in it
		if err := a.Check(); err != nil {
			return nil, head.Errf("%s: %w", place, err)
		}
	}
	return a, nil
}

// characteristic reads one line of an attribute's block (RFC 7643 §7).
func characteristic(b *lines, a *scim.Attribute, isSub bool) error {
	switch b.Val() {
	case "description":
		return b.text(&a.Description, "description <text>")
	case "multi_valued":
		return b.flag(&a.MultiValued)
	case "required":
		return b.flag(&a.Required)
	case "case_exact":
		return b.flag(&a.CaseExact)
	case "canonical_values":
		return b.list(&a.CanonicalValues, "canonical_values <value>...")
	case "reference_types":
		return b.list(&a.ReferenceTypes, "reference_types <resource type>...")
	case "mutability":
		return b.text((*string)(&a.Mutability), "mutability readWrite|readOnly|immutable|writeOnly")
	case "returned":
		return b.text((*string)(&a.Returned), "returned default|always|request|never")
	case "uniqueness":
		return b.text((*string)(&a.Uniqueness), "uniqueness none|server|global")
	case "attribute":
		if isSub {
			return b.Errf("%s: a part of a complex attribute can't be complex itself (RFC 7643 §2.3.8): move attribute out of it", b.name)
		}
		s, err := attribute(b.Dispenser, b.name, true)
		a.SubAttributes = append(a.SubAttributes, s)
		return err
	}
	words := []string{"description", "multi_valued", "required", "case_exact", "canonical_values", "reference_types", "mutability", "returned", "uniqueness"}
	if !isSub {
		words = append(words, "attribute")
	}
	return b.unknown(words...)
}
