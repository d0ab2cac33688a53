package scim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everythingV1 is everything as SCIM 1.1.
func everythingV1() *Decoder {
	d := everything()
	d.Dialect = V1
	return d
}

// TestDecodeSameInBothDialects says each thing in SCIM 1.1 and in 2.0. What stands
// behind Decode must not be able to tell them apart.
func TestDecodeSameInBothDialects(t *testing.T) {
	const enterprise1, enterprise2 = SchemaEnterpriseV1, SchemaEnterprise
	for name, c := range map[string]struct{ v1, v2 string }{
		"lookup":                  {`GET /Users?filter=userName+eq+"ada"`, `GET /Users?filter=userName+eq+"ada"`},
		"lookup by a URN":         {`GET /Users?filter=urn:scim:schemas:core:1.0:userName+Eq+"ada"`, `GET /Users?filter=userName+eq+"ada"`},
		"lookup by a URN of 2.0":  {`GET /Users?filter=` + SchemaUser + `:userName+eq+"ada"`, `GET /Users?filter=userName+eq+"ada"`},
		"a URN with the type":     {`GET /Users?filter=urn:SCIM:schemas:core:1.0:User:name.givenName+sw+"a"`, `GET /Users?filter=name.givenName+sw+"a"`},
		"filter on the manager":   {`GET /Users?filter=` + enterprise1 + `:manager.managerId+eq+"7"`, `GET /Users?filter=` + enterprise2 + `:manager.value+eq+"7"`},
		"the manager's bare name": {`GET /Users?filter=manager.managerid+eq+"7"`, `GET /Users?filter=manager+eq+"7"`},
		"a filter with groups":    {`GET /Users?filter=userType+eq+"E"+and+(emails+co+"@a"+or+emails+co+"@b")`, `GET /Users?filter=userType+eq+"E"+and+(emails.value+co+"@a"+or+emails.value+co+"@b")`},
		"what 2.0 adds":           {`GET /Users?filter=not(emails[type+eq+"work"])&excludedAttributes=name`, `GET /Users?filter=not(emails[type+eq+"work"])&excludedAttributes=name`},
		"attributes":              {`GET /Users?attributes=urn:scim:schemas:core:1.0:name.givenName,` + enterprise1 + `:manager.managerId`, `GET /Users?attributes=name.givenName,manager.value`},
		"an extension's URN":      {`GET /Users?attributes=` + enterprise1, `GET /Users?attributes=` + enterprise2},
		"a page":                  {`GET /Users?startIndex=3&count=2&cursor=x`, `GET /Users?startIndex=3&count=2`},
		"an order":                {`GET /Users?sortBy=urn:scim:schemas:core:1.0:name.familyName&sortOrder=descending`, `GET /Users?sortBy=name.familyName&sortOrder=descending`},
		"the suffix of a list":    {`GET /Users.json?count=2`, `GET /Users?count=2`},
		"the suffix of an id":     {`GET /Users/7.JSON`, `GET /Users/7`},
		"a method overridden":     {`POST /Users/7 DELETE`, `DELETE /Users/7`},
		"a create": {
			`POST /Users {"schemas":["urn:scim:schemas:core:1.0","` + enterprise1 + `"],"userName":"ada","groups":[],"active":true,"emails":["a@b"],` +
				`"` + enterprise1 + `":{"department":"x","manager":{"managerId":"7","displayName":"B"}}}`,
			`POST /Users {"userName":"ada","active":true,"emails":[{"value":"a@b"}],"` + enterprise2 + `":{"department":"x","manager":{"value":"7"}}}`,
		},
		"a group created":      {`POST /Groups {"schemas":["urn:scim:schemas:core:1.0"],"displayName":"g","members":[{"value":"1","type":"User"}]}`, `POST /Groups {"displayName":"g","members":[{"value":"1"}]}`},
		"a put":                {`PUT /Users/7 {"userName":"ada","title":null,"urn:scim:schemas:core:1.0":{"nickName":"a"},"active":false}`, `PUT /Users/7 {"userName":"ada","title":null,"nickName":"a","active":false}`},
		"a put by POST":        {`POST /Users/7 PUT {"userName":"ada"}`, `PUT /Users/7 {"userName":"ada"}`},
		"a group put":          {`PUT /Groups/7 {"displayName":"g","members":[{"value":"1"}]}`, `PUT /Groups/7 {"displayName":"g","members":[{"value":"1"}]}`},
		"a disable":            {`PATCH /Users/7 {"schemas":["urn:scim:schemas:core:1.0"],"id":"7","active":false}`, `PATCH /Users/7 {"Operations":[{"op":"replace","value":{"active":false}}]}`},
		"a disable by its URN": {`PATCH /Users/7 {"urn:scim:schemas:core:1.0:active":"False"}`, `PATCH /Users/7 {"Operations":[{"op":"replace","path":"active","value":false}]}`},
		"a disable by POST":    {`POST /Users/7 PATCH {"active":false}`, `PATCH /Users/7 {"Operations":[{"op":"replace","path":"active","value":false}]}`},
		"a reactivation":       {`PATCH /Users/7 {"active":true}`, `PATCH /Users/7 {"Operations":[{"op":"replace","path":"active","value":true}]}`},
		"a password":           {`PATCH /Users/7 {"password":"x"}`, `PATCH /Users/7 {"Operations":[{"op":"replace","path":"password","value":"x"}]}`},
		"single values merged": {
			`PATCH /Users/7 {"nickName":"Barbie","name":{"formatted":"F","familyName":"S"},"` + enterprise1 + `":{"manager":{"managerId":"9"}}}`,
			`PATCH /Users/7 {"Operations":[{"op":"replace","value":{"nickName":"Barbie","name":{"formatted":"F","familyName":"S"},"manager":{"value":"9"}}}]}`,
		},
		"values removed": {
			`PATCH /Users/7 {"meta":{"attributes":["nickName","name.formatted","` + enterprise1 + `:department","emails"]}}`,
			`PATCH /Users/7 {"Operations":[{"op":"remove","path":"nickName"},{"op":"remove","path":"name.formatted"},{"op":"remove","path":"department"},{"op":"remove","path":"emails"}]}`,
		},
		"a list replaced":         {`PATCH /Users/7 {"meta":{"attributes":["emails"]},"emails":[{"value":"a","type":"work"},{"value":"b","operation":"delete"}]}`, `PATCH /Users/7 {"Operations":[{"op":"replace","path":"emails","value":[{"value":"a","type":"work"}]}]}`},
		"a list emptied":          {`PATCH /Users/7 {"meta":{"attributes":["emails"]},"emails":[]}`, `PATCH /Users/7 {"Operations":[{"op":"remove","path":"emails"}]}`},
		"a required value given":  {`PATCH /Users/7 {"meta":{"attributes":["userName","active"]},"userName":"b","active":false}`, `PATCH /Users/7 {"Operations":[{"op":"replace","value":{"userName":"b","active":false}}]}`},
		"a complex replaced":      {`PATCH /Users/7 {"meta":{"attributes":["name"]},"name":{"givenName":"a"}}`, `PATCH /Users/7 {"Operations":[{"op":"remove","path":"name"},{"op":"replace","path":"name","value":{"givenName":"a"}}]}`},
		"an element by its value": {`PATCH /Users/7 {"emails":[{"value":"a","primary":true}]}`, `PATCH /Users/7 {"Operations":[{"op":"replace","path":"emails[value eq \"a\"]","value":{"value":"a","primary":true}}]}`},
		"elements with types":     {`PATCH /Users/7 {"emails":[{"value":"a","type":"work"},{"value":"b","type":"home"}]}`, `PATCH /Users/7 {"Operations":[{"op":"add","path":"emails","value":[{"value":"a","type":"work"},{"value":"b","type":"home"}]}]}`},
		"elements deleted":        {`PATCH /Users/7 {"emails":[{"value":"a","operation":"delete"},{"value":"b","type":"home","operation":"Delete"}]}`, `PATCH /Users/7 {"Operations":[{"op":"remove","path":"emails","value":[{"value":"a"},{"value":"b","type":"home"}]}]}`},
		"an element by its type":  {`PATCH /Users/7 {"emails":[{"type":"home","operation":"delete"}]}`, `PATCH /Users/7 {"Operations":[{"op":"remove","path":"emails[type eq \"home\"]"}]}`},
		"an address exchanged": {
			`PATCH /Users/7 {"addresses":[{"type":"work","locality":"L","primary":true,"operation":"delete"},{"type":"work","locality":"M","primary":true}]}`,
			`PATCH /Users/7 {"Operations":[{"op":"remove","path":"addresses[type eq \"work\" and locality eq \"L\"]"},{"op":"add","path":"addresses","value":[{"type":"work","locality":"M","primary":true}]}]}`,
		},
		"the primary one":     {`PATCH /Users/7 {"emails":{"primary":"true","operation":"delete"}}`, `PATCH /Users/7 {"Operations":[{"op":"remove","path":"emails[primary eq true]"}]}`},
		"a member added":      {`PATCH /Groups/7 {"members":[{"value":"1","display":"A"}]}`, `PATCH /Groups/7 {"Operations":[{"op":"add","path":"members","value":[{"value":"1"}]}]}`},
		"a member removed":    {`PATCH /Groups/7 {"members":[{"value":"1","display":"A","operation":"delete"}]}`, `PATCH /Groups/7 {"Operations":[{"op":"remove","path":"members[value eq \"1\"]"}]}`},
		"one goes, one comes": {`PATCH /Groups/7 {"members":[{"value":"1","operation":"delete"},{"value":"2"}]}`, `PATCH /Groups/7 {"Operations":[{"op":"add","path":"members","value":[{"value":"2"}]},{"op":"remove","path":"members","value":[{"value":"1"}]}]}`},
		"all members removed": {`PATCH /Groups/7 {"meta":{"attributes":["members"]}}`, `PATCH /Groups/7 {"Operations":[{"op":"remove","path":"members"}]}`},
		"as UnboundID's SDK replaces a list": {
			`PATCH /Users/7 {"meta":{"attributes":[{"value":"emails.value"},{"value":"title"}]},"emails":[{"value":"a","type":"work","primary":true}]}`,
			`PATCH /Users/7 {"Operations":[{"op":"remove","path":"title"},{"op":"replace","path":"emails","value":[{"value":"a","type":"work","primary":true}]}]}`,
		},
		"as it empties one":          {`PATCH /Users/7 {"meta":{"attributes":[{"value":"emails.value"}]}}`, `PATCH /Users/7 {"Operations":[{"op":"remove","path":"emails"}]}`},
		"as it replaces members":     {`PATCH /Groups/7 {"meta":{"attributes":[{"value":"members.value"}]},"displayName":"g","members":[{"value":"1"}]}`, `PATCH /Groups/7 {"Operations":[{"op":"replace","value":{"displayName":"g","members":[{"value":"1"}]}}]}`},
		"as it removes members":      {`PATCH /Groups/7 {"meta":{"attributes":[{"value":"members.value"}]}}`, `PATCH /Groups/7 {"Operations":[{"op":"remove","path":"members"}]}`},
		"all members replaced":       {`PATCH /Groups/7 {"meta":{"attributes":["members"]},"members":[{"value":"1"},{"value":"2"},{"value":"3","operation":"delete"}]}`, `PATCH /Groups/7 {"Operations":[{"op":"replace","path":"members","value":[{"value":"1"},{"value":"2"}]}]}`},
		"a group renamed":            {`PATCH /Groups/7 {"id":"7","displayName":"h"}`, `PATCH /Groups/7 {"Operations":[{"op":"replace","value":{"id":"7","displayName":"h"}}]}`},
		"a PatchOp":                  {`PATCH /Users/7 {"schemas":["` + MessagePatch + `"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`, `PATCH /Users/7 {"Operations":[{"op":"replace","path":"active","value":false}]}`},
		"a PatchOp in names of 1.1":  {`PATCH /Users/7 {"Operations":[{"op":"remove","path":"` + enterprise1 + `:manager.managerId"}]}`, `PATCH /Users/7 {"Operations":[{"op":"remove","path":"manager.value"}]}`},
		"a resource with Operations": {`PATCH /Users/7 {"Operations":null,"active":false}`, `PATCH /Users/7 {"Operations":[{"op":"replace","path":"active","value":false}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			v1, err := everythingV1().Decode(requestOf(c.v1))
			if err != nil {
				t.Fatalf("1.1: %v", err)
			}
			v2, err := everything().Decode(requestOf(c.v2))
			if err != nil {
				t.Fatalf("2.0: %v", err)
			}
			v2.Ignored = nil
			if diff := cmp.Diff(v2.String(), v1.String()); diff != "" {
				t.Errorf("-2.0 +1.1\n%s", diff)
			}
			if v1.Resource != nil && v1.Resource.Type != v1.Type {
				t.Error("the resource has another type than the operation")
			}
		})
	}
}

// requestOf reads METHOD /path?query [OVERRIDE] [{body}].
func requestOf(text string) Request {
	head, body, _ := strings.Cut(text, " {")
	if body != "" {
		body = "{" + body
	}
	words := strings.Fields(head)
	r := Request{Method: words[0], Body: []byte(body)}
	r.Path, r.RawQuery, _ = strings.Cut(words[1], "?")
	if len(words) > 2 {
		r.MethodOverride = words[2]
	}
	return r
}

func TestDecodeV1(t *testing.T) {
	const disabled = "update User 7\n  replace active false\n"
	for name, c := range map[string]struct{ request, want string }{
		"null is not given":                {`PATCH /Users/7 {"nickName":null,"emails":null,"name":{"givenName":null,"familyName":"x"},"` + SchemaEnterpriseV1 + `":null,"password":null}`, "update User 7\n  replace name {familyName \"x\"}"},
		"nor is an empty list":             {`PATCH /Groups/7 {"displayName":"g","members":[]}`, "update Group 7\n  replace displayName \"g\""},
		"nor null for members":             {`PATCH /Groups/7 {"members":null}`, "update Group 7"},
		"an empty string removes":          {`PATCH /Users/7 {"nickName":""}`, "update User 7\n  remove nickName"},
		"null for active":                  {`PATCH /Users/7 {"active":null}`, "400 invalidValue: active is either true or false and cannot be removed"},
		"active cannot be removed":         {`PATCH /Users/7 {"meta":{"attributes":["active"]}}`, "400 invalidValue: active is either true or false and cannot be removed"},
		"userName cannot be removed":       {`PATCH /Users/7 {"meta":{"attributes":["urn:scim:schemas:core:1.0:userName"]}}`, "400 mutability: userName is required and cannot be removed"},
		"groups cannot be removed":         {`PATCH /Users/7 {"meta":{"attributes":["groups"]}}`, "400 mutability: groups is read-only"},
		"what is unknown is ignored":       {`PATCH /Users/7 {"shoeSize":7,"meta":{"attributes":["hat","urn:hr:schemas:user:age"]}}`, "update User 7\n  ignored hat, urn:hr:schemas:user:age, shoeSize"},
		"names that are none":              {`PATCH /Users/7 {"meta":{"attributes":["nickName",7]}}`, "400 invalidSyntax: meta.attributes holds a number; it is a list of the names of attributes"},
		"one name":                         {`PATCH /Users/7 {"meta":{"attributes":"nickName"}}`, "update User 7\n  remove nickName"},
		"a list of names that is none":     {`PATCH /Users/7 {"meta":{"attributes":{"a":1}}}`, "400 invalidSyntax: meta.attributes is an object; a list of the names of attributes is needed"},
		"another operation":                {`PATCH /Users/7 {"emails":[{"value":"a","operation":"add"}]}`, "400 invalidValue: the operation of an element can be delete and nothing else"},
		"no operation":                     {`PATCH /Users/7 {"emails":[{"value":"a","type":"work","operation":""}]}`, "update User 7\n  add emails [{value \"a\", type \"work\"}]"},
		"a deletion of nothing":            {`PATCH /Users/7 {"emails":[{"operation":"delete"}]}`, "400 invalidValue: emails: an element that is to be deleted must say which one: by its value, or by what else it has"},
		"a member without id":              {`PATCH /Groups/7 {"members":[{"operation":"delete"}]}`, "400 invalidValue: members: each member needs a value, the id of a user or group"},
		"a null member":                    {`PATCH /Groups/7 {"members":[null]}`, "400 invalidValue: members: each member needs a value, the id of a user or group"},
		"the last word about a member":     {`PATCH /Groups/7 {"members":[{"value":"1"},{"value":"1","operation":"delete"}]}`, "update Group 7\n  members remove 1"},
		"a deletion in a PUT":              {`PUT /Groups/7 {"displayName":"g","members":[{"value":"1","operation":"delete"}]}`, "400 invalidValue: an element has the operation delete, which only a PATCH can have; leave out what is not to be there"},
		"a deletion in a POST":             {`POST /Users {"userName":"a","urn:scim:schemas:core:1.0":{"emails":[{"value":"1","operation":"delete"}]}}`, "400 invalidValue: an element has the operation delete, which only a PATCH can have; leave out what is not to be there"},
		"a disable beside a wrong element": {`PATCH /Users/7 {"emails":[{"operation":"delete"}],"active":"False"}`, disabled + "400 invalidValue: emails: an element that is to be deleted must say which one: by its value, or by what else it has"},
		"a disable before a wrong name":    {`PATCH /Users/7 {"active":false,"meta":{"attributes":["userName"]}}`, disabled + "400 mutability: userName is required and cannot be removed"},
		"a disable in a wrong PUT":         {`PUT /Users/7 {"active":false,"emails":[{"value":"1","operation":"delete"}]}`, "update User 7 (put)\n  replace active false\n400 invalidValue: an element has the operation delete, which only a PATCH can have; leave out what is not to be there"},
		"a near miss of active":            {`PATCH /Users/7 {"User.active":false}`, `400 invalidPath: "User.active" is not an attribute of this gateway, and does not disable; the attribute that does is active, with the value false: no attribute takes the disable`},
		"a near miss in a URN of 1.1":      {`PATCH /Users/7 {"urn:scim:schemas:core:1.1:active":"0"}`, `400 invalidPath: "urn:scim:schemas:core:1.1:active" is not an attribute of this gateway, and does not disable; the attribute that does is active, with the value false: no attribute takes the disable`},
		"a near miss under a URN":          {`PUT /Users/7 {"userName":"a","urn:scim:schemas:core:1.1":{"active":false}}`, `400 invalidPath: "urn:scim:schemas:core:1.1" is not an attribute of this gateway, and does not disable; the attribute that does is active, with the value false: no attribute takes the disable`},
		"true and false":                   {`PATCH /Users/7 {"active":false,"urn:scim:schemas:core:1.0:active":true}`, "400 invalidValue: active stands there more than once, as true and as false: it is not well-formed, and neither is done; send active once"},
		"true and false in a PUT":          {`PUT /Users/7 {"active":false,"urn:scim:schemas:core:1.0":{"active":true}}`, "400 invalidValue: active stands there more than once, as true and as false: it is not well-formed, and neither is done; send active once"},
		"a disable beside a PatchOp":       {`PATCH /Users/7 {"active":false,"Operations":[{"op":"replace","path":"title","value":"x"}]}`, "400 invalidSyntax: active stands beside Operations and does not disable there; send either a PatchOp or a part of the user"},
		"two disables":                     {`PATCH /Users/7 {"active":false,"Operations":[{"op":"replace","path":"active","value":false}]}`, disabled + "400 invalidSyntax: active stands beside Operations and does not disable there; send either a PatchOp or a part of the user"},
		"a PatchOp without operations":     {`PATCH /Users/7 {"Operations":[]}`, "400 invalidSyntax: Operations is empty; a PATCH carries one or more"},
		"the manager by two names":         {`PATCH /Users/7 {"manager":{"managerId":"7","value":"7"}}`, "update User 7\n  replace " + SchemaEnterprise + `:manager {value "7"}`},
		"two managers":                     {`PATCH /Users/7 {"manager":{"managerId":"7","value":"8"}}`, "400 invalidValue: " + SchemaEnterprise + ":manager has two values, as managerId and as value; send one of them"},
		"the manager removed":              {`PATCH /Users/7 {"manager":{"managerId":""}}`, "update User 7\n  remove " + SchemaEnterprise + ":manager"},
		"provider configuration":           {`GET /ServiceProviderConfigs`, "discover /ServiceProviderConfigs"},
		"its name in 2.0":                  {`GET /serviceproviderconfig.json`, "discover /serviceproviderconfig"},
		"schemas":                          {`GET /Schemas/Users`, "discover /Schemas/Users"},
		"a post to discovery":              {`POST /ServiceProviderConfigs {}`, `405 "POST" is not possible at "/ServiceProviderConfigs", only GET, HEAD`},
		"bulk":                             {`POST /Bulk {}`, `501 "/Bulk" is not supported in SCIM 1.1; send single requests`},
		"a search by POST":                 {`POST /Users/.search {}`, `501 "/Users/.search" is not supported in SCIM 1.1; send a GET to the endpoint before it, with the filter in the query`},
		"a search by POST at the root":     {`POST /.search {}`, `501 "/.search" is not supported in SCIM 1.1; send a GET to /Users or /Groups, with the filter in the query`},
		"me":                               {`GET /Me`, `501 "/Me" is not supported in SCIM 1.1; address the user by id, or speak SCIM 2.0, at the other base of this gateway`},
		"the root":                         {`GET /?filter=id+pr`, `404 there is no endpoint "/"; users are at /Users, groups at /Groups`},
		"another endpoint":                 {`GET /Devices`, `404 there is no endpoint "/Devices"; users are at /Users, groups at /Groups`},
		"XML by suffix":                    {`GET /Users/7.xml`, `406 answers are application/scim+json or application/json; the request accepts neither: "application/xml"`},
		"a disable that asks for XML":      {`PATCH /Users/7.xml {"active":false}`, disabled + `406 answers are application/scim+json or application/json; the request accepts neither: "application/xml"`},
		"a disable with odd parameters":    {`PATCH /Users/7?filterBy=x&count=y&cursor=z {"active":false}`, "update User 7\n  replace active false"},
		"an operation in a PUT":            {`PUT /Users/7 {"userName":"a","urn:x:tasks":{"tasks":[{"operation":"add"}]}}`, "update User 7 (put)\n  replace userName \"a\"\n  ignored urn:x:tasks"},
		"no id but a suffix":               {`GET /Users/.json`, "read User .json"},
		"an id that ends like a suffix":    {`DELETE /Users/ada.json`, "delete User ada.json"},
		"a disable of who is called so":    {`PATCH /Users/ada.xml {"active":false}`, "update User ada.xml\n  replace active false"},
		"the suffix of a schema":           {`GET /Schemas/User.json`, "discover /Schemas/User"},
		"another override":                 {`POST /Users/7 TRACE`, `400 invalidSyntax: X-HTTP-Method-Override is "TRACE"; a POST can stand for PUT, PATCH or DELETE`},
		"an override of no POST":           {`GET /Users/7 DELETE`, "read User 7"},
		"filterBy":                         {`GET /Users?filterBy=userName&filterOp=equals&filterValue=a`, `400 invalidFilter: the parameter filterBy is not one of SCIM 1.1; write filter=userName eq "ada" instead`},
		"a schema in a filter":             {`GET /Users?filter=urn:scim:schemas:extension:enterprise:1.0:shoe+pr`, `400 invalidFilter: filter, position 1: the attribute "urn:scim:schemas:extension:enterprise:1.…" is not mapped by this gateway: unknown attribute "urn:scim:schemas:extension:enterprise:1.…" at position 1`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, decoded(everythingV1(), requestOf(c.request))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// Each element of a list can be a change of its own. There is a limit, and it holds
// no disable back.
func TestDecodeV1OfManyElements(t *testing.T) {
	d := everythingV1()
	d.Limits.Operations = 3
	for body, want := range map[string]string{
		`{"emails":["a","b"],"roles":["c"]}`:                "update User 7\n  replace emails[value eq \"a\"] {value \"a\"}\n  replace emails[value eq \"b\"] {value \"b\"}\n  replace roles[value eq \"c\"] {value \"c\"}",
		`{"emails":["a","b"],"roles":["c","d"]}`:            `400 invalidValue: a PATCH may change 3 elements of lists; raise "limit operations" in the gateway's configuration to allow more`,
		`{"emails":["a","b","c","d","e"],"active":"False"}`: "update User 7\n  replace active false\n" + `400 invalidValue: a PATCH may change 3 elements of lists; raise "limit operations" in the gateway's configuration to allow more`,
	} {
		r := Request{Method: http.MethodPatch, Path: "/Users/7", Body: []byte(body)}
		if diff := cmp.Diff(want, decoded(d, r)); diff != "" {
			t.Errorf("%s: -want +got\n%s", body, diff)
		}
	}
	d.Limits.Members = 2
	r := Request{Method: http.MethodPatch, Path: "/Groups/7", Body: []byte(`{"members":["1","2","3","4"]}`)}
	if got := decoded(d, r); !strings.HasPrefix(got, "400 invalidValue: the request names more than 2 members") {
		t.Errorf("too many members: %s", got)
	}
}

func TestDecodeV1OfNoObject(t *testing.T) {
	for _, body := range []string{`[{"active":false}]`, `"x"`, `null`, ``, `{`, `{"active":false,"active":false}`} {
		r := Request{Method: http.MethodPatch, Path: "/Users/7", Body: []byte(body)}
		if op, err := everythingV1().Decode(r); op != nil || AsError(err) == nil || AsError(err).Status != http.StatusBadRequest {
			t.Errorf("%s: %v, %v", body, op, err)
		}
	}
}

// The names of SCIM 1.1 are for its base alone.
func TestDecodeV2KnowsNoNamesOfV1(t *testing.T) {
	r := requestOf(`PUT /Users/7 {"userName":"a","` + SchemaEnterpriseV1 + `":{"department":"x"},"manager":{"managerId":"7"}}`)
	want := "update User 7 (put)\n  replace userName \"a\"\n  ignored " + SchemaEnterpriseV1 + ", " + SchemaEnterprise + ":manager.managerId"
	if diff := cmp.Diff(want, decoded(everything(), r)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	r = requestOf(`POST /Users/7 DELETE`)
	if got := decoded(everything(), r); !strings.HasPrefix(got, "405 ") {
		t.Errorf("an overridden method: %s", got)
	}
}

// An extension of the operator's own keeps its URN, and where none is mapped, its
// names are unknown.
func TestDecodeV1OfOtherTypes(t *testing.T) {
	badge := &Schema{ID: "urn:example:badge", Name: "Badge", Attributes: []*Attribute{{Name: "colour"}, {Name: "tags", MultiValued: true}}}
	user, err := NewResourceType("User", "/Users", "", UserSchema(), badge)
	if err != nil {
		t.Fatal(err)
	}
	d := &Decoder{Types: []*ResourceType{user}, Dialect: V1}
	for request, want := range map[string]string{
		`PATCH /Users/7 {"urn:example:badge":{"colour":"red","tags":["a",{"value":"b","operation":"delete"}]}}`: "update User 7\n  replace urn:example:badge:colour \"red\"\n  add urn:example:badge:tags [\"a\"]\n  remove urn:example:badge:tags [\"b\"]",
		`PATCH /Users/7 {"meta":{"attributes":["urn:example:badge:colour"]}}`:                                   "update User 7\n  remove urn:example:badge:colour",
		`PATCH /Users/7 {"` + SchemaEnterpriseV1 + `":{"department":"x"}}`:                                      "update User 7\n  ignored " + SchemaEnterpriseV1,
		`GET /Groups`: "search none",
	} {
		if diff := cmp.Diff(want, decoded(d, requestOf(request))); diff != "" {
			t.Errorf("%s: -want +got\n%s", request, diff)
		}
	}
}

func TestMediaTypesV1(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                       contentJSON,
		"application/json":                       contentJSON,
		"application/xml, */*;q=0.1":             contentJSON,
		"application/scim+json, text/plain":      contentSCIM,
		"application/scim+json,application/json": contentJSON,
		"application/xml":                        "",
		"text/xml, application/json;q=0":         "",
	} {
		got, ok := AnswerType(accept, V1)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q %t", accept, got, ok)
		}
		r := Request{Method: http.MethodGet, Path: "/Users", Accept: accept}
		if _, err := everythingV1().Decode(r); (err == nil) != (want != "") || err != nil && AsError(err).Status != http.StatusNotAcceptable {
			t.Errorf("%q: %v", accept, err)
		}
	}
	for contentType, isGood := range map[string]bool{"application/json; charset=utf-8": true, "": true, "application/scim+json": true, "application/xml": false, "text/xml": false} {
		_, err := everythingV1().Decode(Request{Method: http.MethodPatch, Path: "/Users/7", ContentType: contentType, Body: []byte(`{"active":false}`)})
		if (err == nil) != isGood || err != nil && AsError(err).Status != http.StatusUnsupportedMediaType {
			t.Errorf("%q: %v", contentType, err)
		}
	}
}
