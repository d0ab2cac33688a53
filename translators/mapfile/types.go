package mapfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/translators"
)

// Types are the schemas and resource types that a translator's block defines, and
// what becomes of them.
type Types struct {
	Schemas   []translators.SchemaConfig
	Resources []translators.ResourceTypeConfig
	// Full are the types against which the maps of the block are read.
	Full translators.FullTypes

	schemas, resources []caddyfile.Dispenser // at the first line of each
}

// ParseTypes reads the blocks schema and resource out of the block of a
// translator, whose name the dispenser stands at; the dispenser stays there. They
// are read before all others, because maps are checked against them wherever they
// stand. Of resource only the lines endpoint, schema and description are read.
func ParseTypes(d *caddyfile.Dispenser) (*Types, error) {
	types := new(Types)
	look := *d
	look.RemainingArgs()
	for nesting := look.Nesting(); look.NextBlock(nesting); {
		head := look
		var err error
		switch look.Val() {
		case "schema":
			err = types.schema(&look, head)
		case "resource":
			err = types.resource(&look, head)
		default:
			look.NextSegment()
		}
		if err != nil {
			return nil, err
		}
	}
	return types, types.check()
}

// check holds the definitions against each other.
func (t *Types) check() (err error) {
	for i, s := range t.Schemas {
		if err := translators.CheckSchema(t.Schemas[:i], s); err != nil {
			return t.schemas[i].Errf("schema %s: %w", s.ID, err)
		}
	}
	for i, r := range t.Resources {
		if err := translators.CheckResourceType(t.Resources[:i], r, t.Schemas); err != nil {
			return t.resources[i].Errf("resource %s: %w", r.Name, err)
		}
	}
	for i, s := range t.Schemas {
		if err := translators.CheckExtends(s, t.Resources); err != nil {
			return t.schemas[i].Errf("schema %s: %w", s.ID, err)
		}
	}
	t.Full, err = translators.NewFullTypes(t.Schemas, t.Resources)
	return err
}

// CheckMapped reports, at the line of its definition, an extension of which
// nothing is mapped. served are the types that the translator made of the block.
func (t *Types) CheckMapped(served []translators.Type) error {
	for i, s := range t.Schemas {
		if err := translators.CheckMapped(s, served); err != nil {
			return t.schemas[i].Errf("schema %s: %w", s.ID, err)
		}
	}
	return nil
}

// resource reads what a resource block says of its type.
func (t *Types) resource(d *caddyfile.Dispenser, head caddyfile.Dispenser) error {
	var r translators.ResourceTypeConfig
	if !d.AllArgs(&r.Name) {
		return d.Errf("resource names one resource type, and has its settings in a block: resource Device { endpoint /Devices … }")
	}
	b := lines{Dispenser: d, name: "resource " + r.Name}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		var err error
		switch d.Val() {
		case "endpoint":
			err = b.text(&r.Endpoint, "endpoint /<name>")
		case "schema":
			err = b.text(&r.Schema, "schema <urn>")
		case "description":
			err = b.text(&r.Description, "description <text>")
		default:
			d.NextSegment()
		}
		if err != nil {
			return err
		}
	}
	t.Resources, t.resources = append(t.Resources, r), append(t.resources, head)
	return nil
}
