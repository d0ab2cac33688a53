package scim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const hr = "urn:example:params:scim:schemas:extension:hr:2.0:User"

func TestSchemaCheckNamesTheMistake(t *testing.T) {
	text := func(a Attribute) []*Attribute { return []*Attribute{&a} }
	tests := []struct {
		name       string
		id         string
		attributes []*Attribute
		want       string // "" for none
	}{
		{"one of everything", hr, text(Attribute{Name: "badge-1_x$", Type: "String", Mutability: "READONLY", Returned: "Request", Uniqueness: "SERVER", CanonicalValues: []string{"A"}}), ""},
		{"no URN", "https://example.com/hr", text(Attribute{Name: "a"}), "is not the URN of a schema"},
		{"a URN with a blank", "urn:example:h r", text(Attribute{Name: "a"}), "is not the URN of a schema"},
		{"a URN with a bracket", "urn:example:h[0]", text(Attribute{Name: "a"}), "is not the URN of a schema"},
		{"a URN that ends in a colon", "urn:example:hr:", text(Attribute{Name: "a"}), "is not the URN of a schema"},
		{"no namespace", "urn:examplehr", text(Attribute{Name: "a"}), "is not the URN of a schema"},
		{"no attributes", hr, nil, "it has no attributes"},
		{"null", hr, []*Attribute{nil}, "null"},
		{"null within", hr, text(Attribute{Name: "a", Type: TypeComplex, SubAttributes: []*Attribute{nil}}), "null"},
		{"a name that begins with a digit", hr, text(Attribute{Name: "1st"}), `attribute "1st": a name is a letter`},
		{"a name with a dot", hr, text(Attribute{Name: "a.b"}), "a name is a letter"},
		{"a name that is not ASCII", hr, text(Attribute{Name: "größe"}), "a name is a letter"},
		{"an empty name", hr, text(Attribute{}), "a name is a letter"},
		{"$ref of its own", hr, text(Attribute{Name: "$ref", Type: TypeReference}), "a name is a letter"},
		{"twice in another case", hr, []*Attribute{{Name: "badge"}, {Name: "Badge"}}, "attribute Badge stands twice"},
		{"a part twice", hr, text(Attribute{Name: "a", Type: TypeComplex, SubAttributes: []*Attribute{{Name: "b"}, {Name: "B"}}}), "attribute a: attribute B stands twice"},
		{"an unknown type", hr, text(Attribute{Name: "a", Type: "date"}), "type date is not known: it is one of string, boolean"},
		{"an unknown mutability", hr, text(Attribute{Name: "a", Mutability: "read_only"}), "mutability read_only is not known"},
		{"an unknown returned", hr, text(Attribute{Name: "a", Returned: "sometimes"}), "returned sometimes is not known"},
		{"an unknown uniqueness", hr, text(Attribute{Name: "a", Uniqueness: "local"}), "uniqueness local is not known"},
		{"complex without parts", hr, text(Attribute{Name: "a", Type: TypeComplex}), "a complex attribute has parts"},
		{"parts of a text", hr, text(Attribute{Name: "a", SubAttributes: []*Attribute{{Name: "b"}}}), "has no parts"},
		{"complex in complex", hr, text(Attribute{Name: "a", Type: TypeComplex, SubAttributes: []*Attribute{{Name: "b", Type: TypeComplex}}}), "can't be complex itself"},
		{"a unique whole", hr, text(Attribute{Name: "a", Type: TypeComplex, Uniqueness: UniqueServer, SubAttributes: []*Attribute{{Name: "b"}}}), "give uniqueness to that one"},
		{"canonical numbers", hr, text(Attribute{Name: "a", Type: TypeInteger, CanonicalValues: []string{"1"}}), "canonical values are texts"},
		{"reference types of a text", hr, text(Attribute{Name: "a", ReferenceTypes: []string{"User"}}), "reference types are for the type reference"},
		{"$ref of the type string", hr, text(Attribute{Name: "a", Type: TypeComplex, SubAttributes: []*Attribute{{Name: "$ref"}}}), "give it the type reference"},
		{"written only and returned", hr, text(Attribute{Name: "a", Mutability: WriteOnly, Returned: ReturnedAlways}), "is never returned"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := (&Schema{ID: tt.id, Attributes: tt.attributes}).Check()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSchemaCheckSpellsAndFillsIn(t *testing.T) {
	s := &Schema{ID: hr, Attributes: []*Attribute{
		{Name: "since", Type: "datetime", Mutability: "readonly"},
		{Name: "pin", Mutability: "writeonly"},
		{Name: "photo", Type: TypeBinary},
		{Name: "page", Type: TypeReference},
	}}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	want := []*Attribute{
		{Name: "since", Type: TypeDateTime, Mutability: ReadOnly},
		{Name: "pin", Type: TypeString, Mutability: WriteOnly, Returned: ReturnedNever},
		{Name: "photo", Type: TypeBinary, CaseExact: true},
		{Name: "page", Type: TypeReference, CaseExact: true},
	}
	if diff := cmp.Diff(want, s.Attributes, cmpopts.IgnoreUnexported(Attribute{})); diff != "" {
		t.Error(diff)
	}
}

// What a gateway shows at /Schemas can be read back, but for what needs no
// definition: schemas of RFC 7643 and common attributes.
func TestReadSchemas(t *testing.T) {
	badge := &Attribute{Name: "badge", CanonicalValues: []string{"A"}, Required: true, Uniqueness: UniqueServer}
	extended, err := NewResourceType("User", "/Users", "", UserSchema(), &Schema{ID: hr, Name: "HR", Description: "Staff", Attributes: []*Attribute{badge,
		{Name: "clearance", Type: TypeComplex, MultiValued: true, SubAttributes: []*Attribute{{Name: "value"}, {Name: "level", Type: TypeInteger}}}}})
	if err != nil {
		t.Fatal(err)
	}
	d := &Discovery{Types: []*ResourceType{extended}, MaxResults: 1}
	list, err := d.Answer("/Schemas", nil, Output{Base: "https://scim.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	one, err := d.Answer("/Schemas/"+hr, nil, Output{Base: "https://scim.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for name, document := range map[string]string{"list": string(list), "one": string(one), "array": "[" + string(one) + "]"} {
		schemas, err := ReadSchemas([]byte(document))
		if err != nil || len(schemas) != 1 {
			t.Fatalf("%s: %d schemas, %v", name, len(schemas), err)
		}
		if diff := cmp.Diff(extended.Extensions[0], schemas[0], cmpopts.IgnoreUnexported(Attribute{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	withCommon := `{"id":"` + hr + `","attributes":[{"name":"ID"},{"name":"externalId"},{"name":"meta"},{"name":"badge"}]}`
	if schemas, err := ReadSchemas([]byte(withCommon)); err != nil || len(schemas[0].Attributes) != 1 {
		t.Errorf("common attributes: %v", err)
	}
	for document, want := range map[string]string{
		``:                            "neither a schema",
		`[1]`:                         "reading schema 1",
		`{}`:                          "has no id",
		`{"Resources":[]}`:            "no schema in it",
		`{"id":"` + SchemaUser + `"}`: "no schema in it",
		`{"id":"x","attributes":7}`:   "reading schema 1",
	} {
		if _, err := ReadSchemas([]byte(document)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", document, err, want)
		}
	}
}

// A type of the operator's own is named, shown and encoded as those of RFC 7643.
func TestTypesOfOnesOwn(t *testing.T) {
	base := &Schema{ID: "urn:example:params:scim:schemas:core:2.0:Device", Name: "Device", Attributes: []*Attribute{
		ExternalID(),
		{Name: "displayName", Required: true},
		{Name: "owner", Type: TypeComplex, SubAttributes: []*Attribute{{Name: "value"}, {Name: "$ref", Type: TypeReference, ReferenceTypes: []string{"User"}}}},
		{Name: "site", Type: TypeComplex, SubAttributes: []*Attribute{{Name: "value"}, {Name: "$ref", Type: TypeReference, ReferenceTypes: []string{"Site"}}}},
	}}
	extension := &Schema{ID: "urn:example:params:scim:schemas:extension:asset:2.0:Device", Attributes: []*Attribute{{Name: "number", Required: true}}}
	device, err := NewResourceType("Device", "/Devices", "", base, extension)
	if err != nil {
		t.Fatal(err)
	}
	device.References = map[string]string{"Site": "/Sites"}
	for name, want := range map[string]string{
		"displayName": "displayName", base.ID + ":DISPLAYNAME": "displayName", "number": extension.ID + ":number",
		"owner": "owner",
	} {
		if a := device.Attribute(name); a == nil || a.String() != want {
			t.Errorf("%s: got %v, want %s", name, a, want)
		}
	}
	narrowed := device.Narrow(func(a *Attribute) bool { return a.Name != "externalId" }, nil)
	r := NewResource(narrowed)
	r.ID = "7"
	id := func(name, id string) {
		a := narrowed.Attribute(name)
		r.Set(a, Complex(Field{a.Sub("value"), String(id)}))
	}
	id("owner", "1")
	id("site", "2")
	r.Set(narrowed.Attribute("number"), String("4711"))
	got, err := AppendResource(nil, r, Projection{}, Output{Base: "https://x/v2"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"schemas":["` + base.ID + `","` + extension.ID + `"],"id":"7",` +
		`"owner":{"value":"1","$ref":"https://x/v2/Users/1"},"site":{"value":"2","$ref":"https://x/v2/Sites/2"},` +
		`"` + extension.ID + `":{"number":"4711"},"meta":{"resourceType":"Device","location":"https://x/v2/Devices/7"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	d := &Discovery{Types: []*ResourceType{UserType(), narrowed}, MaxResults: 1}
	answer, err := d.Answer("/ResourceTypes/device", nil, Output{})
	if err != nil || !strings.Contains(string(answer), `"schemaExtensions":[{"schema":"`+extension.ID+`","required":true}]`) {
		t.Errorf("resource type: %s, %v", answer, err)
	}
}

func FuzzReadSchemas(f *testing.F) {
	f.Add([]byte(`{"id":"urn:a:b:c","attributes":[{"name":"a","type":"complex","subAttributes":[{"name":"b"}]}]}`))
	f.Add([]byte(`{"Resources":[{"id":"urn:a:b:c","attributes":[null]}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		schemas, err := ReadSchemas(document)
		if err != nil {
			return
		}
		for _, s := range schemas {
			if s.Check() != nil {
				continue
			}
			if _, err := NewResourceType("X", "/X", "", s.Clone()); err != nil {
				t.Fatalf("what was checked makes no type: %v", err)
			}
		}
	})
}
