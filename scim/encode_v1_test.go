package scim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testBaseV1 = "https://scim.example.com/directory/scim/v1"

var outputV1 = Output{Base: testBaseV1, Dialect: V1}

func TestAppendResourceV1(t *testing.T) {
	got, err := AppendResource([]byte("before "), fullUser(t, UserType()), Projection{}, Output{Base: testBaseV1 + "/", Dialect: V1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `before {"schemas":["urn:scim:schemas:core:1.0","urn:scim:schemas:extension:enterprise:1.0"],` +
		`"id":"2819c223-7f76","externalId":"e1","userName":"ada","name":{"familyName":"Lovelace","givenName":"Ada"},` +
		`"displayName":"Ada Lovelace","title":"Countess","locale":"en","timezone":"Europe/London","active":true,` +
		`"emails":[{"value":"ada@example.com","type":"work","primary":true},{"value":"ada@home.example","type":"home"}],` +
		`"phoneNumbers":[{"value":"+44 1","type":"mobile"}],` +
		`"groups":[{"value":"g/1","display":"Analysts","type":"direct"}],` +
		`"urn:scim:schemas:extension:enterprise:1.0":{"employeeNumber":"7","department":"Engines",` +
		`"manager":{"managerId":"m1","displayName":"Charles"}},` +
		`"meta":{"created":"2024-02-29T12:14:15.678Z","lastModified":"2025-01-01T00:00:00.000Z",` +
		`"location":"https://scim.example.com/directory/scim/v1/Users/2819c223-7f76","version":"W/\"20250101Z\""}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// What is projected, id and meta are there besides.
func TestAppendResourceV1Projected(t *testing.T) {
	typ := UserType()
	r := fullUser(t, typ)
	r.Meta = Meta{Version: "7"}
	const around = `"id":"2819c223-7f76",%"meta":{"location":"` + testBaseV1 + `/Users/2819c223-7f76","version":"W/\"7\""}}`
	for names, want := range map[string]string{
		"title":           `{"schemas":["` + SchemaCoreV1 + `"],` + strings.Replace(around, "%", `"title":"Countess",`, 1),
		"manager.value":   `{"schemas":["` + SchemaCoreV1 + `","` + SchemaEnterpriseV1 + `"],` + strings.Replace(around, "%", `"`+SchemaEnterpriseV1+`":{"manager":{"managerId":"m1"}},`, 1),
		"manager.$ref":    `{"schemas":["` + SchemaCoreV1 + `"],` + strings.Replace(around, "%", "", 1),
		"groups.$ref":     `{"schemas":["` + SchemaCoreV1 + `"],` + strings.Replace(around, "%", "", 1),
		"meta.created":    `{"schemas":["` + SchemaCoreV1 + `"],` + strings.Replace(around, "%", "", 1),
		"userName,active": `{"schemas":["` + SchemaCoreV1 + `"],` + strings.Replace(around, "%", `"userName":"ada","active":true,`, 1),
	} {
		p := Projection{Include: givenTargets(t, typ, strings.Split(names, ","))}
		got, err := AppendResource(nil, r, p, outputV1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: %s", names, diff)
		}
	}
	empty, err := AppendResource(nil, NewResource(typ), Projection{}, outputV1, nil)
	if err != nil || string(empty) != `{"schemas":["`+SchemaCoreV1+`"]}` {
		t.Errorf("nothing: %s, %v", empty, err)
	}
}

func TestListEncoderV1(t *testing.T) {
	typ := GroupType()
	r := given(t, typ, `{"displayName":"g"}`)
	r.ID = "7"
	list := NewListEncoder(nil, Page{Total: 9, StartIndex: 3}, outputV1)
	members := membersOf(Member{ID: "1", Display: "Ada", Type: "User"}, Member{ID: "2"})
	if err := list.Add(r, Projection{Exclude: []Target{{Attribute: AttributeMeta}}}, members); err != nil {
		t.Fatal(err)
	}
	want := `{"schemas":["urn:scim:schemas:core:1.0"],"totalResults":9,"startIndex":3,"Resources":[` +
		`{"schemas":["urn:scim:schemas:core:1.0"],"id":"7","displayName":"g","members":[{"value":"1","display":"Ada","type":"User"},{"value":"2"}],` +
		`"meta":{"location":"` + testBaseV1 + `/Groups/7"}}],"itemsPerPage":1}`
	if diff := cmp.Diff(want, string(list.Finish())); diff != "" {
		t.Error(diff)
	}
}

func TestAppendErrorV1(t *testing.T) {
	for _, c := range []struct {
		err  *Error
		want string
	}{
		{Invalid(InvalidValue, "say \"which\"\n"), `{"Errors":[{"description":"say \"which\"\n","code":"400"}]}`},
		{&Error{Status: http.StatusConflict}, `{"Errors":[{"description":"Conflict","code":"409"}]}`},
		{&Error{Detail: "x"}, `{"Errors":[{"description":"x","code":"500"}]}`},
	} {
		if got := string(AppendError(nil, c.err, V1)); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}

// What a client of SCIM 1.1 reads, it may PUT: that changes the same as in 2.0, and
// nothing is lost on the way.
func TestWhatV1ReadsItCanPut(t *testing.T) {
	typ := UserType()
	for _, p := range []Projection{{}, {Exclude: givenTargets(t, typ, []string{"name", "manager"})}} {
		var puts []string
		for _, d := range []Dialect{V1, V2} {
			body, err := AppendResource(nil, fullUser(t, typ), p, Output{Base: testBase, Dialect: d}, nil)
			if err != nil {
				t.Fatal(err)
			}
			decoder := &Decoder{Types: []*ResourceType{typ}, Dialect: d}
			op, err := decoder.Decode(Request{Method: http.MethodPut, Path: "/Users/1", Body: body})
			if err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			if len(op.Ignored) > 0 {
				t.Errorf("%s ignores %v", body, op.Ignored)
			}
			// References are made anew from the values, wherever they come from.
			puts = append(puts, strings.ReplaceAll(op.String(), `, $ref "`+testBase+`/Users/m1"`, ""))
		}
		if diff := cmp.Diff(puts[1], puts[0]); diff != "" {
			t.Errorf("-2.0 +1.1\n%s", diff)
		}
	}
}

func TestDiscoveryAnswersV1(t *testing.T) {
	const (
		id   = `{"name":"id","type":"string","multiValued":false,"description":"The identifier of this resource, given by the backend; it never changes.","schema":"` + SchemaCoreV1 + `","readOnly":true,"required":true,"caseExact":true}`
		meta = `{"name":"meta","type":"complex","multiValued":false,"description":"What the gateway knows about this resource as such.","schema":"` + SchemaCoreV1 + `","readOnly":true,"required":false,"caseExact":false,"subAttributes":[
			{"name":"created","type":"dateTime","multiValued":false,"description":"","readOnly":true,"required":false,"caseExact":false},
			{"name":"lastModified","type":"dateTime","multiValued":false,"description":"","readOnly":true,"required":false,"caseExact":false},
			{"name":"location","type":"string","multiValued":false,"description":"","readOnly":true,"required":false,"caseExact":true},
			{"name":"version","type":"string","multiValued":false,"description":"","readOnly":true,"required":false,"caseExact":true}]}`
		externalID = `{"name":"externalId","type":"string","multiValued":false,"description":"The identifier that the provider gave.","schema":"` + SchemaCoreV1 + `","readOnly":false,"required":false,"caseExact":false}`
		user       = `{"id":"` + SchemaCoreV1 + `:User","name":"User","description":"User account","schema":"` + SchemaCoreV1 + `","endpoint":"/Users","attributes":[` + id + `,` + meta + `,` + externalID + `,
			{"name":"userName","type":"string","multiValued":false,"description":"The name by which the user signs in. Compared without case.","schema":"` + SchemaCoreV1 + `","readOnly":false,"required":true,"caseExact":false},
			{"name":"displayName","type":"string","multiValued":false,"description":"The name shown to others.","schema":"` + SchemaCoreV1 + `","readOnly":false,"required":false,"caseExact":false},
			{"name":"active","type":"boolean","multiValued":false,"description":"Whether the account can be used.","schema":"` + SchemaCoreV1 + `","readOnly":false,"required":false,"caseExact":false},
			{"name":"emails","type":"complex","multiValued":true,"multiValuedAttributeChildName":"email","description":"E-mail addresses.","schema":"` + SchemaCoreV1 + `","readOnly":false,"required":false,"caseExact":false,"subAttributes":[
				{"name":"value","type":"string","multiValued":false,"description":"The value.","readOnly":false,"required":false,"caseExact":false},
				{"name":"type","type":"string","multiValued":false,"description":"What kind of value this is.","readOnly":false,"required":false,"caseExact":false,"canonicalValues":["work","home","other"]}]},
			{"name":"department","type":"string","multiValued":false,"description":"The department.","schema":"` + SchemaEnterpriseV1 + `","readOnly":false,"required":false,"caseExact":false}],
			"meta":{"location":"` + testBaseV1 + `/Schemas/` + SchemaCoreV1 + `:User"}}`
		group = `{"id":"` + SchemaCoreV1 + `:Group","name":"Group","description":"Group of users","schema":"` + SchemaCoreV1 + `","endpoint":"/Groups","attributes":[` + id + `,` + meta + `,` + externalID + `,
			{"name":"displayName","type":"string","multiValued":false,"description":"The name of the group.","schema":"` + SchemaCoreV1 + `","readOnly":false,"required":true,"caseExact":false},
			{"name":"members","type":"complex","multiValued":true,"multiValuedAttributeChildName":"member","description":"The members of the group.","schema":"` + SchemaCoreV1 + `","readOnly":false,"required":false,"caseExact":false,"subAttributes":[
				{"name":"value","type":"string","multiValued":false,"description":"The id of the member.","readOnly":false,"required":false,"caseExact":true}]}],
			"meta":{"location":"` + testBaseV1 + `/Schemas/` + SchemaCoreV1 + `:Group"}}`
		userType = `{"schemas":["` + SchemaCoreV1 + `"],"id":"User","name":"User","endpoint":"/Users","description":"User account","schema":"` + SchemaCoreV1 + `",
			"schemaExtensions":[{"schema":"` + SchemaEnterpriseV1 + `","required":false}],"meta":{"location":"` + testBaseV1 + `/ResourceTypes/User"}}`
		provider = `{"schemas":["` + SchemaCoreV1 + `","urn:okta:schemas:scim:providerconfig:1.0"],"documentationUrl":"https://docs.example.com","patch":{"supported":true},
			"bulk":{"supported":false,"maxOperations":0,"maxPayloadSize":0},"filter":{"supported":true,"maxResults":200},
			"changePassword":{"supported":true},"sort":{"supported":true},"etag":{"supported":true},"xmlDataFormat":{"supported":false},
			"authenticationSchemes":[
				{"type":"oauthbearertoken","name":"OAuth Bearer Token","description":"A token in the Authorization header: Bearer and the token.","specUrl":"https://www.rfc-editor.org/rfc/rfc6750","primary":false},
				{"type":"httpbasic","name":"HTTP Basic","description":"A user name and a password in the Authorization header.","specUrl":"https://www.rfc-editor.org/rfc/rfc7617","primary":false}],
			"urn:okta:schemas:scim:providerconfig:1.0":{"userManagementCapabilities":["GROUP_PUSH","IMPORT_NEW_USERS","IMPORT_PROFILE_UPDATES","PUSH_NEW_USERS",
				"PUSH_PASSWORD_UPDATES","PUSH_PENDING_USERS","PUSH_PROFILE_UPDATES","PUSH_USER_DEACTIVATION","REACTIVATE_USERS"]},
			"meta":{"location":"` + testBaseV1 + `/ServiceProviderConfigs"}}`
	)
	d := smallDiscovery()
	d.DocumentationURI, d.Sort, d.ETag, d.BulkOperations = "https://docs.example.com", true, true, 100
	for path, want := range map[string]string{
		"/ServiceProviderConfigs":  provider,
		"/serviceproviderconfigs/": provider,
		"/ServiceProviderConfig":   provider,
		"/Schemas":                 `{"schemas":["` + SchemaCoreV1 + `"],"totalResults":2,"startIndex":1,"itemsPerPage":2,"Resources":[` + user + `,` + group + `]}`,
		"/Schemas/Users":           user,
		"/schemas/user":            user,
		"/Schemas/" + strings.ToUpper(SchemaCoreV1) + ":GROUP": group,
		"/ResourceTypes/User": userType,
	} {
		got, err := d.Answer(path, nil, Output{Base: testBaseV1 + "/", Dialect: V1})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if diff := cmp.Diff(givenJSON(t, want), givenJSON(t, string(got))); diff != "" {
			t.Errorf("%s: -want +got:\n%s", path, diff)
		}
		if path == "/Schemas" {
			continue
		}
		if _, err := d.Answer(path, someFilter, outputV1); AsError(err) == nil || AsError(err).Status != http.StatusForbidden {
			t.Errorf("%s with a filter is answered with %v, want 403", path, err)
		}
	}
	for _, path := range []string{"/Schemas/Devices", "/Schemas/" + SchemaEnterpriseV1, "/ServiceProviderConfigs/1", "/ResourceTypes/x", "/Users"} {
		if got, err := d.Answer(path, nil, outputV1); AsError(err) == nil || AsError(err).Status != http.StatusNotFound {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
}

// UnboundID's SCIM SDK finds a schema by a filter.
func TestSchemasV1AreFiltered(t *testing.T) {
	d := smallDiscovery()
	for filter, want := range map[string]string{
		`name eq "User" and schema eq "urn:scim:schemas:core:1.0"`: "urn:scim:schemas:core:1.0:User",
		`endpoint eq "Groups"`: "urn:scim:schemas:core:1.0:Group",
		`endpoint eq "/users"`: "urn:scim:schemas:core:1.0:User",
		`name eq "Device"`:     "",
		`urn:scim:schemas:core:1.0:name sw "g" or id pr and name eq "x"`: "urn:scim:schemas:core:1.0:Group",
	} {
		r := Request{Method: http.MethodGet, Path: "/Schemas", RawQuery: "filter=" + url.QueryEscape(filter)}
		op, err := everythingV1().Decode(r)
		if err != nil {
			t.Fatalf("%s: %v", filter, err)
		}
		body, err := d.Answer(op.ID, op.Query.Filter, outputV1)
		if err != nil {
			t.Fatalf("%s: %v", filter, err)
		}
		var list struct{ Resources []struct{ ID string } }
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range list.Resources {
			got += r.ID
		}
		if got != want {
			t.Errorf("%s finds %q, want %q", filter, got, want)
		}
	}
	for request, status := range map[string]int{
		`GET /Schemas?filter=shoe+eq+"x"`: 400, `GET /Schemas/User?filter=name+pr`: 403, `GET /ServiceProviderConfigs?filter=id+pr`: 403,
	} {
		if op, err := everythingV1().Decode(requestOf(request)); op != nil || AsError(err) == nil || AsError(err).Status != status {
			t.Errorf("%s: %v, %v", request, op, err)
		}
	}
}

// What Okta may do is what is served, and not a word more.
func TestCapabilitiesV1(t *testing.T) {
	const all = "GROUP_PUSH IMPORT_NEW_USERS IMPORT_PROFILE_UPDATES PUSH_NEW_USERS PUSH_PASSWORD_UPDATES PUSH_PENDING_USERS PUSH_PROFILE_UPDATES PUSH_USER_DEACTIVATION REACTIVATE_USERS"
	without := func(words ...string) string {
		rest := " " + all
		for _, w := range words {
			rest = strings.ReplaceAll(rest, " "+w, "")
		}
		return strings.TrimSpace(rest)
	}
	inactive := UserType().Narrow(func(a *Attribute) bool { return a.Name != "active" }, nil)
	readOnly := UserType()
	readOnly.Attribute("active").Mutability = ReadOnly
	for name, c := range map[string]struct {
		types    []*ResourceType
		password bool
		want     string
	}{
		"all":                 {[]*ResourceType{UserType(), GroupType()}, true, all},
		"no password":         {[]*ResourceType{UserType(), GroupType()}, false, without("PUSH_PASSWORD_UPDATES")},
		"no groups":           {[]*ResourceType{UserType()}, true, without("GROUP_PUSH")},
		"no way to disable":   {[]*ResourceType{inactive, GroupType()}, true, without("PUSH_USER_DEACTIVATION", "REACTIVATE_USERS")},
		"active is read-only": {[]*ResourceType{readOnly, GroupType()}, true, without("PUSH_USER_DEACTIVATION", "REACTIVATE_USERS")},
		"groups alone":        {[]*ResourceType{GroupType()}, true, "GROUP_PUSH"},
		"nothing":             {nil, true, ""},
	} {
		d := &Discovery{Types: c.types, ChangePassword: c.password}
		if got := strings.Join(d.capabilitiesV1(), " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		body, err := d.Answer("/ServiceProviderConfigs", nil, outputV1)
		if err != nil || !json.Valid(body) {
			t.Errorf("%s: %s, %v", name, body, err)
		}
	}
}

func TestChildNameV1(t *testing.T) {
	for name, want := range map[string]string{
		"emails": "email", "addresses": "address", "ims": "im", "entitlements": "entitlement", "x509Certificates": "x509Certificate",
		"s": "s", "staff": "staff",
	} {
		if got := childNameV1(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
