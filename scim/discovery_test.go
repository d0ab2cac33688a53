package scim

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// smallDiscovery serves users with a few attributes, and groups.
func smallDiscovery() *Discovery {
	mapped := map[string]bool{
		"externalId": true, "userName": true, "active": true, "emails": true, "emails.value": true, "emails.type": true,
		"members": true, "members.value": true, "members.$ref": true, "displayName": true,
		enterprise + ":department": true,
	}
	keep := func(a *Attribute) bool { return mapped[a.String()] }
	users := UserType().Narrow(keep, func(_, a *Attribute) {
		if a.Name == "userName" {
			a.Mutability = Immutable
		}
	})
	return &Discovery{
		Types:      []*ResourceType{users, GroupType().Narrow(keep, nil)},
		MaxResults: 200, DefaultPageSize: 100,
		ChangePassword:        true,
		AuthenticationSchemes: []AuthenticationScheme{BearerToken, HTTPBasic},
	}
}

// someFilter is one that discovery refuses.
var someFilter Filter = Present{Target{Attribute: AttributeID}}

func TestDiscoveryAnswers(t *testing.T) {
	const (
		userSchema = `{"schemas":["` + SchemaSchema + `"],"id":"` + SchemaUser + `","name":"User","description":"User account","attributes":[
			{"name":"externalId","type":"string","multiValued":false,"description":"The identifier that the provider gave.","required":false,
			 "caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"},
			{"name":"userName","type":"string","multiValued":false,"description":"The name by which the user signs in. Compared without case.",
			 "required":true,"caseExact":false,"mutability":"immutable","returned":"default","uniqueness":"server"},
			{"name":"displayName","type":"string","multiValued":false,"description":"The name shown to others.",
			 "required":false,"caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"},
			{"name":"active","type":"boolean","multiValued":false,"description":"Whether the account can be used.","required":false,
			 "caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"},
			{"name":"emails","type":"complex","multiValued":true,"description":"E-mail addresses.","required":false,
			 "caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none","subAttributes":[
				{"name":"value","type":"string","multiValued":false,"description":"The value.","required":false,
				 "caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"},
				{"name":"type","type":"string","multiValued":false,"description":"What kind of value this is.","required":false,
				 "canonicalValues":["work","home","other"],"caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"}]}],
			"meta":{"resourceType":"Schema","location":"` + testBase + `/Schemas/` + SchemaUser + `"}}`
		enterpriseSchema = `{"schemas":["` + SchemaSchema + `"],"id":"` + enterprise + `","name":"EnterpriseUser","description":"Enterprise User","attributes":[
			{"name":"department","type":"string","multiValued":false,"description":"The department.","required":false,
			 "caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"}],
			"meta":{"resourceType":"Schema","location":"` + testBase + `/Schemas/` + enterprise + `"}}`
		groupSchema = `{"schemas":["` + SchemaSchema + `"],"id":"` + SchemaGroup + `","name":"Group","description":"Group","attributes":[
			{"name":"externalId","type":"string","multiValued":false,"description":"The identifier that the provider gave.","required":false,
			 "caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"},
			{"name":"displayName","type":"string","multiValued":false,"description":"The name of the group.",
			 "required":true,"caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"server"},
			{"name":"members","type":"complex","multiValued":true,"description":"The members of the group.","required":false,
			 "caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none","subAttributes":[
				{"name":"value","type":"string","multiValued":false,"description":"The id of the member.","required":false,
				 "caseExact":true,"mutability":"immutable","returned":"default","uniqueness":"none"},
				{"name":"$ref","type":"reference","multiValued":false,"description":"The address of the member.","required":false,
				 "caseExact":true,"mutability":"immutable","returned":"default","uniqueness":"none","referenceTypes":["User","Group"]}]}],
			"meta":{"resourceType":"Schema","location":"` + testBase + `/Schemas/` + SchemaGroup + `"}}`
		userResourceType = `{"schemas":["` + SchemaResourceType + `"],"id":"User","name":"User","endpoint":"/Users","description":"User account",
			"schema":"` + SchemaUser + `","schemaExtensions":[{"schema":"` + enterprise + `","required":false}],
			"meta":{"resourceType":"ResourceType","location":"` + testBase + `/ResourceTypes/User"}}`
		groupResourceType = `{"schemas":["` + SchemaResourceType + `"],"id":"Group","name":"Group","endpoint":"/Groups","description":"Group of users",
			"schema":"` + SchemaGroup + `","meta":{"resourceType":"ResourceType","location":"` + testBase + `/ResourceTypes/Group"}}`
		provider = `{"schemas":["` + SchemaProvider + `"],"patch":{"supported":true},
			"bulk":{"supported":false,"maxOperations":0,"maxPayloadSize":0},"filter":{"supported":true,"maxResults":200},
			"changePassword":{"supported":true},"sort":{"supported":false},"etag":{"supported":false},
			"pagination":{"cursor":false,"index":true,"defaultPaginationMethod":"index","defaultPageSize":100,"maxPageSize":200},
			"authenticationSchemes":[
				{"type":"oauthbearertoken","name":"OAuth Bearer Token","description":"A token in the Authorization header: Bearer and the token.",
				 "specUri":"https://www.rfc-editor.org/rfc/rfc6750","primary":false},
				{"type":"httpbasic","name":"HTTP Basic","description":"A user name and a password in the Authorization header.",
				 "specUri":"https://www.rfc-editor.org/rfc/rfc7617","primary":false}],
			"meta":{"resourceType":"ServiceProviderConfig","location":"` + testBase + `/ServiceProviderConfig"}}`
	)
	list := func(n string, items ...string) string {
		return `{"schemas":["` + MessageList + `"],"totalResults":` + n + `,"startIndex":1,"itemsPerPage":` + n + `,"Resources":[` + strings.Join(items, ",") + `]}`
	}
	tests := []struct{ path, want string }{
		{"/ServiceProviderConfig", provider},
		{"/serviceproviderconfig/", provider},
		{"/ResourceTypes", list("2", userResourceType, groupResourceType)},
		{"/ResourceTypes/", list("2", userResourceType, groupResourceType)},
		{"/ResourceTypes/User", userResourceType},
		{"/resourcetypes/group", groupResourceType},
		{"/Schemas", list("3", userSchema, enterpriseSchema, groupSchema)},
		{"/Schemas/" + SchemaUser, userSchema},
		{"/Schemas/" + strings.ToUpper(SchemaEnterprise) + "/", enterpriseSchema},
		{"/Schemas/User", userSchema},
		{"/schemas/enterpriseuser", enterpriseSchema},
		{"/Schemas/Group", groupSchema},
	}
	d := smallDiscovery()
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			if !d.Serves(test.path) {
				t.Error("the path is not served")
			}
			got, err := d.Answer(test.path, nil, Output{Base: testBase + "/"})
			if err != nil {
				t.Fatal(err)
			}
			document := givenJSON(t, string(got))
			for _, version := range cutVersions(document) {
				if !strings.HasPrefix(version, `W/"`) {
					t.Errorf("the version is %s", version)
				}
			}
			if diff := cmp.Diff(givenJSON(t, test.want), document); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if _, err := d.Answer(test.path, someFilter, Output{Base: testBase}); AsError(err) == nil || AsError(err).Status != http.StatusForbidden {
				t.Errorf("a filter is answered with %v, want 403", err)
			}
		})
	}
}

// cutVersions takes meta.version out of a document or a list of them. One that
// has none has an empty version.
func cutVersions(document any) (versions []string) {
	object := document.(map[string]any)
	if list, isList := object["Resources"].([]any); isList {
		for _, document := range list {
			versions = append(versions, cutVersions(document)...)
		}
		return versions
	}
	meta := object["meta"].(map[string]any)
	version, _ := meta["version"].(string)
	delete(meta, "version")
	return []string{version}
}

// The version of a document changes with what it says and with nothing else.
func TestDiscoveryVersions(t *testing.T) {
	version := func(d *Discovery, base string) string {
		body, err := d.Answer("/ServiceProviderConfig", nil, Output{Base: base})
		if err != nil {
			t.Fatal(err)
		}
		return cutVersions(givenJSON(t, string(body)))[0]
	}
	d := smallDiscovery()
	first := version(d, testBase)
	if other := version(smallDiscovery(), "https://other.example.com"); other != first {
		t.Errorf("%s is %s elsewhere", first, other)
	}
	d.Sort = true
	if other := version(d, testBase); other == first {
		t.Errorf("%s does not change", first)
	}
}

// What a gateway can do is told as RFC 7643 §5 and RFC 9865 §4 have it.
func TestDiscoveryOfFeatures(t *testing.T) {
	d := smallDiscovery()
	d.Sort, d.ETag, d.ChangePassword = true, true, false
	d.BulkOperations, d.BulkPayload, d.CursorLife = 1000, 16<<20, 5*time.Minute
	body, err := d.Answer("/ServiceProviderConfig", nil, Output{Base: testBase})
	if err != nil {
		t.Fatal(err)
	}
	got := givenJSON(t, string(body)).(map[string]any)
	for _, name := range []string{"schemas", "meta", "authenticationSchemes", "patch"} {
		delete(got, name)
	}
	want := `{"bulk":{"supported":true,"maxOperations":1000,"maxPayloadSize":16777216},"filter":{"supported":true,"maxResults":200},
		"changePassword":{"supported":false},"sort":{"supported":true},"etag":{"supported":true},
		"pagination":{"cursor":true,"index":true,"defaultPaginationMethod":"index","defaultPageSize":100,"maxPageSize":200,"cursorTimeout":300}}`
	if diff := cmp.Diff(givenJSON(t, want), got); diff != "" {
		t.Error(diff)
	}
	d.CursorLife = time.Millisecond
	if body, _ = d.Answer("/ServiceProviderConfig", nil, Output{Base: testBase}); !strings.Contains(string(body), `"cursorTimeout":1}`) {
		t.Errorf("a timeout is positive: %s", body)
	}
}

func TestDiscoveryRefuses(t *testing.T) {
	d := smallDiscovery()
	tests := []struct {
		path     string
		isServed bool
	}{
		{"/Schemas/urn:ietf:params:scim:schemas:core:2.0:Device", true},
		{"/Schemas/User/userName", true},
		{"/Schemas//User", true},
		{"/ResourceTypes/Users", true},
		{"/ServiceProviderConfig/1", true},
		{"/SchemasUser", false},
		{"/ServiceProviderConfigs", false},
		{"/Users", false},
		{"/", false},
		{"", false},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			if got := d.Serves(test.path); got != test.isServed {
				t.Errorf("served: %v", got)
			}
			body, err := d.Answer(test.path, nil, Output{Base: testBase})
			if e := AsError(err); e == nil || e.Status != http.StatusNotFound {
				t.Errorf("got %s, %v; want 404", body, err)
			}
		})
	}
}

// The whole vocabulary has nothing in it that a reader could stumble over.
func TestDiscoveryOfEverything(t *testing.T) {
	d := &Discovery{Types: []*ResourceType{UserType(), GroupType()}, MaxResults: 10, DocumentationURI: "https://example.com/?a=1&b=\"", ETag: true,
		AuthenticationSchemes: []AuthenticationScheme{BearerToken}}
	for _, path := range []string{"/Schemas", "/ResourceTypes", "/ServiceProviderConfig"} {
		body, err := d.Answer(path, nil, Output{Base: `https://a"b`})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := scanJSON(body, 20); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		x := givenJSON(t, string(body))
		assertNothingEmpty(t, x, string(body))
	}
	body, err := d.Answer("/ServiceProviderConfig", nil, Output{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"documentationUri":"https://example.com/?a=1&b=\""`, `"etag":{"supported":true}`, `"defaultPageSize":10,"maxPageSize":10`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
}

// Two types that share an extension serve one schema with what either maps.
func TestDiscoveryOfASharedExtension(t *testing.T) {
	const urn = "urn:example:Badge"
	typ := func(name string, attributes ...*Attribute) *ResourceType {
		r, err := NewResourceType(name, "/"+name+"s", name, &Schema{ID: "urn:example:" + name, Name: name, Description: name},
			&Schema{ID: urn, Name: "Badge", Description: "Badge", Attributes: attributes})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := typ("Door", &Attribute{Name: "number"})
	d := &Discovery{Types: []*ResourceType{first, typ("Gate", &Attribute{Name: "Number"}, &Attribute{Name: "color"})}}
	for range 2 { // the second time too: nothing is added to the types
		body, err := d.Answer("/Schemas/Badge", nil, Output{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, a := range givenJSON(t, string(body)).(map[string]any)["attributes"].([]any) {
			names = append(names, a.(map[string]any)["name"].(string))
		}
		if got := strings.Join(names, " "); got != "number color" {
			t.Errorf("the schema has %s", got)
		}
	}
	if n := len(first.Extensions[0].Attributes); n != 1 {
		t.Errorf("the type has got %d attributes", n)
	}
}
