package mapfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/mapfile"
)

const (
	hr     = "urn:example:params:scim:schemas:extension:hr:2.0:User"
	device = "urn:example:params:scim:schemas:core:2.0:Device"
)

// parseTypes reads the lines of a translator's block that stands in a file.
func parseTypes(t *testing.T, file, lines string) (*mapfile.Types, error) {
	t.Helper()
	tokens, err := caddyfile.Tokenize([]byte("ldap ldap://x {\n"+lines+"\n}"), file)
	if err != nil {
		t.Fatal(err)
	}
	d := caddyfile.NewDispenser(tokens)
	d.Next()
	types, err := mapfile.ParseTypes(d)
	if d.Val() != "ldap" {
		t.Errorf("the dispenser has moved to %q", d.Val())
	}
	return types, err
}

var withoutPlaces = cmpopts.IgnoreUnexported(scim.Attribute{})

func TestParseTypes(t *testing.T) {
	types, err := parseTypes(t, "Caddyfile", `
	users {
		map schema x {
			required
		}
		map `+hr+`:badge employeeNumber
	}
	resource Device {
		base ou=devices
		endpoint /Devices
		map displayName cn {
			required
		}
		schema `+device+`
		description "What people carry"
	}
	schema `+hr+` {
		name HR
		description "Staff"
		extends User Group
		attribute badge {
			description "A number"
			required
			case_exact
			canonical_values A B
			mutability Immutable
			returned request
			uniqueness server
		}
		attribute since datetime
		attribute owner complex {
			multi_valued
			attribute value
			attribute $ref reference {
				reference_types User Device
			}
		}
	}
	schema `+device+` {
		attribute displayName
	}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []translators.SchemaConfig{
		{Extends: []string{"User", "Group"}, Schema: scim.Schema{ID: hr, Name: "HR", Description: "Staff", Attributes: []*scim.Attribute{
			{Name: "badge", Type: scim.TypeString, Description: "A number", Required: true, CaseExact: true, CanonicalValues: []string{"A", "B"},
				Mutability: scim.Immutable, Returned: scim.ReturnedRequest, Uniqueness: scim.UniqueServer},
			{Name: "since", Type: scim.TypeDateTime},
			{Name: "owner", Type: scim.TypeComplex, MultiValued: true, SubAttributes: []*scim.Attribute{
				{Name: "value", Type: scim.TypeString},
				{Name: "$ref", Type: scim.TypeReference, CaseExact: true, ReferenceTypes: []string{"User", "Device"}},
			}},
		}}},
		{Schema: scim.Schema{ID: device, Name: "Device", Attributes: []*scim.Attribute{{Name: "displayName", Type: scim.TypeString}}}},
	}
	if diff := cmp.Diff(want, types.Schemas, withoutPlaces); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]translators.ResourceTypeConfig{{Name: "Device", Endpoint: "/Devices", Schema: device, Description: "What people carry"}}, types.Resources); diff != "" {
		t.Error(diff)
	}
	if types.Full.Named("Group").Attribute(hr+":badge") == nil || types.Full.Named("Device").Attribute("displayName") == nil {
		t.Error("the types lack what was defined")
	}
	served := []translators.Type{{ResourceType: types.Full.Named("User")}}
	if err := types.CheckMapped(served); err == nil || !strings.Contains(err.Error(), "extends Group: resources of that type are not served") || !strings.Contains(err.Error(), "Caddyfile:18") {
		t.Errorf("an extension of what is not served: %v", err)
	}
}

// A file is looked for beside the Caddyfile, and may hold what /Schemas answers.
func TestSchemaFile(t *testing.T) {
	dir := t.TempDir()
	document := func(urn, attribute string) string {
		return fmt.Sprintf(`{"id":%q,"name":"x","attributes":[{"name":"id"},{"name":%q,"type":"String","uniqueness":"server"}]}`, urn, attribute)
	}
	for name, text := range map[string]string{
		"one.json":   document(hr, "badge"),
		"list.json":  `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"Resources":[` + document(scim.SchemaUser, "userName") + "," + document(hr, "badge") + "," + document(hr+"2", "desk") + `]}`,
		"bad.json":   `{`,
		"wrong.json": document(hr, "badge.number"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	caddy := filepath.Join(dir, "Caddyfile")
	for _, tt := range []struct{ name, line, want string }{
		{"beside the Caddyfile", "schema file one.json {\nextends User\n}", hr},
		{"by its whole path", "schema file " + dir + "/one.json {\nextends User\n}", hr},
		{"all of a list", "schema file list.json {\nextends User\n}", hr + " " + hr + "2"},
		{"some of a list", "schema file list.json " + hr + "2 {\nextends User\n}", hr + "2"},
		{"one that is not in it", "schema file list.json " + device + " {\nextends User\n}", "there is no schema " + device + " in it"},
		{"no file", "schema file none.json {\nextends User\n}", "can't be read"},
		{"no JSON", "schema file bad.json {\nextends User\n}", "bad.json: it is neither a schema"},
		{"a name that is none", "schema file wrong.json {\nextends User\n}", `attribute "badge.number": a name is a letter`},
		{"attributes beside the file", "schema file one.json {\nattribute x\n}", "there is no attribute here: there are extends"},
		{"no path", "schema file", "schema names a schema, or a file"},
		{"nothing", "schema", "schema names a schema, or a file"},
		{"too much", "schema " + hr + " x", "x is too much"},
		{"a type too much", "schema " + hr + " {\nattribute a string b\n}", "attribute is not understood"},
		{"no value", "schema " + hr + " {\nattribute a {\nmutability\n}\n}", "a value is missing: write mutability"},
		{"two values", "schema " + hr + " {\nattribute a {\nmutability a b\n}\n}", "b is too much: write mutability"},
		{"a flag with a value", "schema " + hr + " {\nattribute a {\nrequired true\n}\n}", "required stands alone"},
		{"a resource without name", "resource {\nendpoint /X\n}", "resource names one resource type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			types, err := parseTypes(t, caddy, tt.line)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), caddy+":") {
					t.Errorf("got %v, want %q and the line", err, tt.want)
				}
				return
			}
			var urns []string
			for _, s := range types.Schemas {
				urns = append(urns, s.ID)
				if len(s.Attributes) != 1 || s.Attributes[0].Type != scim.TypeString || len(s.Extends) != 1 {
					t.Errorf("%s: %+v", s.ID, s)
				}
			}
			if got := strings.Join(urns, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
