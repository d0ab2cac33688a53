package translators_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

const (
	hr     = "urn:example:params:scim:schemas:extension:hr:2.0:User"
	device = "urn:example:params:scim:schemas:core:2.0:Device"
)

// schema is a schema of texts.
func schema(urn string, extends []string, names ...string) translators.SchemaConfig {
	s := translators.SchemaConfig{Schema: scim.Schema{ID: urn}, Extends: extends}
	for _, name := range names {
		s.Attributes = append(s.Attributes, &scim.Attribute{Name: name})
	}
	return s
}

func deviceType() translators.ResourceTypeConfig {
	return translators.ResourceTypeConfig{Name: "Device", Endpoint: "/Devices", Schema: device}
}

func TestFullTypes(t *testing.T) {
	types, err := translators.NewFullTypes(
		[]translators.SchemaConfig{schema(hr, []string{"user", "Device"}, "badge"), schema(device, nil, "displayName")},
		[]translators.ResourceTypeConfig{deviceType()})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, full := range types {
		for _, s := range append([]*scim.Schema{full.Schema}, full.Extensions...) {
			names = append(names, full.Name+" "+s.ID)
		}
	}
	want := []string{"User " + scim.SchemaUser, "User " + scim.SchemaEnterprise, "User " + hr, "Group " + scim.SchemaGroup, "Device " + device, "Device " + hr}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	users, devices := types.Named("USER"), types.Named("device")
	if users.Attribute(hr+":badge") == devices.Attribute(hr+":badge") {
		t.Error("two types share an attribute")
	}
	if devices.Attribute("externalId") == nil || devices.Attribute("externalId").String() != "externalId" {
		t.Error("a type of one's own has no externalId")
	}
	if scim.UserType().Attribute(hr+":badge") != nil {
		t.Error("the type of RFC 7643 was changed")
	}
}

func TestMistakesInDefinitions(t *testing.T) {
	own := schema(device, nil, "displayName")
	with := func(change func(*translators.ResourceTypeConfig)) []translators.ResourceTypeConfig {
		r := deviceType()
		change(&r)
		return []translators.ResourceTypeConfig{r}
	}
	type schemas = []translators.SchemaConfig
	tests := []struct {
		name      string
		schemas   schemas
		resources []translators.ResourceTypeConfig
		want      string
	}{
		{"a schema of the RFC", schemas{schema(strings.ToLower(scim.SchemaUser), []string{"User"}, "a")}, nil, "a schema of RFC 7643"},
		{"twice", schemas{schema(hr, []string{"User"}, "a"), schema(strings.ToUpper(hr[:3])+hr[3:], []string{"User"}, "a")}, nil, "defined twice"},
		{"a common attribute", schemas{schema(hr, []string{"User"}, "Id")}, nil, "every resource has it"},
		{"groups", schemas{schema(hr, []string{"User"}, "groups")}, nil, "Okta takes no other attribute"},
		{"members", schemas{schema(hr, []string{"User"}, "members")}, nil, "the members of a group"},
		{"active", schemas{schema(hr, []string{"User"}, "ACTIVE")}, nil, "disable in users"},
		{"password", schemas{schema(hr, []string{"User"}, "password")}, nil, "map password in users"},
		{"unused", schemas{schema(hr, nil, "a")}, nil, "nothing uses it"},
		{"extends nothing", schemas{schema(hr, []string{"Robot"}, "a")}, nil, "there is no such resource type: there are User, Group"},
		{"extends twice", schemas{schema(hr, []string{"User", "user"}, "a")}, nil, "stands twice"},
		{"no name", schemas{own}, with(func(r *translators.ResourceTypeConfig) { r.Name = "" }), "is not the name of a resource type"},
		{"a name with a slash", schemas{own}, with(func(r *translators.ResourceTypeConfig) { r.Name = "a/b" }), "is not the name of a resource type"},
		{"the name User", schemas{own}, with(func(r *translators.ResourceTypeConfig) { r.Name = "user" }), "the name user is taken"},
		{"no endpoint", schemas{own}, with(func(r *translators.ResourceTypeConfig) { r.Endpoint = "" }), "endpoint is missing"},
		{"an endpoint without slash", schemas{own}, with(func(r *translators.ResourceTypeConfig) { r.Endpoint = "Devices" }), "one name behind a slash"},
		{"an endpoint of two", schemas{own}, with(func(r *translators.ResourceTypeConfig) { r.Endpoint = "/a/b" }), "one name behind a slash"},
		{"an endpoint that climbs", schemas{own}, with(func(r *translators.ResourceTypeConfig) { r.Endpoint = "/.." }), "one name behind a slash"},
		{"the endpoint of users", schemas{own}, with(func(r *translators.ResourceTypeConfig) { r.Endpoint = "/users" }), "taken by SCIM itself"},
		{"the endpoint of Bulk", schemas{own}, with(func(r *translators.ResourceTypeConfig) { r.Endpoint = "/Bulk" }), "taken by SCIM itself"},
		{"the endpoint of searches", schemas{own}, with(func(r *translators.ResourceTypeConfig) { r.Endpoint = "/.search" }), "one name behind a slash"},
		{"no schema", schemas{own}, with(func(r *translators.ResourceTypeConfig) { r.Schema = "" }), "schema is missing"},
		{"a schema that is not defined", nil, with(func(*translators.ResourceTypeConfig) {}), "is not defined"},
		{"the schema of users", nil, with(func(r *translators.ResourceTypeConfig) { r.Schema = scim.SchemaUser }), "is for users and groups"},
		{"an extension", schemas{schema(device, []string{"User"}, "a")}, with(func(*translators.ResourceTypeConfig) {}), "is an extension of User"},
		{"two of a name", schemas{own}, []translators.ResourceTypeConfig{deviceType(), deviceType()}, "defined twice"},
		{"two at an endpoint", schemas{own, schema(device+"2", nil, "a")}, []translators.ResourceTypeConfig{deviceType(), {Name: "Phone", Endpoint: "/devices", Schema: device + "2"}}, "is that of Device already"},
		{"two of a schema", schemas{own}, []translators.ResourceTypeConfig{deviceType(), {Name: "Phone", Endpoint: "/Phones", Schema: device}}, "is that of Device already"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := translators.NewFullTypes(tt.schemas, tt.resources)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// The JSON of a schema is that of RFC 7643 §7, with what it extends beside it.
func TestSchemaConfigInJSON(t *testing.T) {
	const text = `{"id":"` + hr + `","name":"HR","attributes":[{"name":"badge","type":"string","required":true,"canonicalValues":["A"],` +
		`"caseExact":true,"mutability":"immutable","returned":"request","uniqueness":"server"},` +
		`{"name":"clearance","type":"complex","multiValued":true,"subAttributes":[{"name":"value"}]}],"extends":["User"]}`
	var s translators.SchemaConfig
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, string(got)); diff != "" {
		t.Error(diff)
	}
}

// extended returns users with attributes of the operator's own.
func extended(t *testing.T, attributes ...*scim.Attribute) *scim.ResourceType {
	t.Helper()
	types, err := translators.NewFullTypes([]translators.SchemaConfig{{Schema: scim.Schema{ID: hr, Attributes: attributes}, Extends: []string{"User"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return types.Named("User")
}

func TestMapsOfAnExtension(t *testing.T) {
	full := extended(t,
		&scim.Attribute{Name: "badge", Required: true, CanonicalValues: []string{"A", "B"}, Mutability: scim.Immutable, Uniqueness: scim.UniqueServer},
		&scim.Attribute{Name: "sites", MultiValued: true},
		&scim.Attribute{Name: "pin", Mutability: scim.WriteOnly},
		&scim.Attribute{Name: "clearance", Type: scim.TypeComplex, MultiValued: true, SubAttributes: []*scim.Attribute{
			{Name: "value", Required: true}, {Name: "level", Type: scim.TypeInteger}, {Name: "tags", MultiValued: true}}},
		&scim.Attribute{Name: "unused"},
	)
	user := translators.MapConfig{Path: "userName", Fields: []string{"uid"}}
	leaf := func(path string, fields ...string) translators.MapConfig {
		return translators.MapConfig{Path: hr + ":" + path, Fields: fields}
	}
	m, err := translators.Compile(full, []translators.MapConfig{user, leaf("badge", "b"), leaf("sites", "s"), leaf("pin", "p"),
		leaf("clearance.value", "c"), {Path: hr + ":clearance.level", Constant: "3"}})
	if err != nil {
		t.Fatal(err)
	}
	badge := m.Type.Attribute(hr + ":badge")
	if !badge.Required || badge.Mutability != scim.Immutable || badge.Uniqueness != scim.UniqueServer || !slices.Equal(badge.CanonicalValues, []string{"A", "B"}) {
		t.Errorf("the badge lost what its schema says: %+v", badge)
	}
	if m.Type.Attribute(hr+":unused") != nil {
		t.Error("what is not mapped is claimed")
	}
	if !slices.ContainsFunc(m.Rules, func(r translators.Rule) bool { return r.Path.Attribute == badge && r.Required && r.OneOf == nil }) {
		t.Error("the badge is not required, or its canonical values are taken for all that are allowed")
	}
	if slices.ContainsFunc(m.Rules, func(r translators.Rule) bool { return r.Path.Attribute.Name == "clearance" && r.Required }) {
		t.Error("a part is required where there is no whole")
	}
	if pin := m.LeafOf("p"); !pin.IsSecret() || pin.IsReadable() {
		t.Error("what can only be written is shown")
	}
	for name, tt := range map[string]struct {
		maps []translators.MapConfig
		want string
	}{
		"a required attribute": {[]translators.MapConfig{user, leaf("sites", "s")}, hr + ":badge is not mapped, and its schema requires it of every User"},
		"a required part":      {[]translators.MapConfig{user, leaf("badge", "b"), leaf("clearance.level", "l")}, hr + ":clearance.value is not mapped, and its schema requires it"},
		"a part with many values": {[]translators.MapConfig{user, leaf("badge", "b"), leaf("clearance.value", "v"), leaf("clearance.tags", "t")},
			"may have many values in each"},
		"a typing error": {[]translators.MapConfig{user, leaf("bagde", "b")}, "do you mean " + hr + ":badge?"},
		"read_only on what can only be written": {[]translators.MapConfig{user, leaf("badge", "b"), {Path: hr + ":pin", Fields: []string{"p"}, ReadOnly: true}},
			"it can only be written"},
	} {
		if _, err := translators.Compile(full, tt.maps); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func TestMapsOfATypeOfOnesOwn(t *testing.T) {
	types, err := translators.NewFullTypes([]translators.SchemaConfig{schema(device, nil, "displayName")}, []translators.ResourceTypeConfig{deviceType()})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"active":     "a Device can't have the attribute active: whether an account can be used",
		"members":    "a Device can't have the attribute members: the members of a group",
		"displyName": "the schema " + device + " has no attribute displyName; do you mean displayName?",
	} {
		err := translators.CheckLeaf(types.Named("Device"), translators.MapConfig{Path: path, Fields: []string{"cn"}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}

func TestUnmapped(t *testing.T) {
	const hr = "urn:example:hr"
	owner := &scim.Attribute{Name: "owner", Type: scim.TypeComplex, SubAttributes: []*scim.Attribute{
		{Name: "value"}, {Name: "display"}, {Name: "$ref", Type: scim.TypeReference, ReferenceTypes: []string{"User"}}}}
	schemas := []translators.SchemaConfig{
		{Schema: scim.Schema{ID: device, Attributes: []*scim.Attribute{{Name: "displayName"}, {Name: "serial"}, owner}}},
		{Schema: scim.Schema{ID: hr, Attributes: []*scim.Attribute{{Name: "badge"}, {Name: "desk"}}}, Extends: []string{"User", "Group"}},
	}
	full, err := translators.NewFullTypes(schemas, []translators.ResourceTypeConfig{deviceType()})
	if err != nil {
		t.Fatal(err)
	}
	var served []translators.Type
	for name, paths := range map[string][]string{"User": {"userName", hr + ":badge"}, "Group": {"displayName", hr + ":badge"}, "Device": {"displayName", "owner.value"}} {
		var maps []translators.MapConfig
		for i, path := range paths {
			maps = append(maps, translators.MapConfig{Path: path, Fields: []string{string(rune('a' + i))}})
		}
		m, err := translators.Compile(full.Named(name), maps)
		if err != nil {
			t.Fatal(err)
		}
		served = append(served, translators.Type{ResourceType: m.Type})
	}
	want := []string{hr + ":desk", device + ":owner.display", device + ":serial"}
	if diff := cmp.Diff(want, translators.Unmapped(full, served, schemas)); diff != "" {
		t.Error(diff)
	}
}
