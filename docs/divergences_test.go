package docs_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/demo"
)

// TestDivergencesOfSCIM11 asks the second base what the page says of it.
func TestDivergencesOfSCIM11(t *testing.T) {
	d, err := demo.Start(demo.Options{Listen: "127.0.0.1:0", LDAP: "127.0.0.1:0", Token: tokenForTests})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	g := gateway{d.TenantURLOf("1.1"), d.Token}
	_, _, groups := g.ask(t, http.MethodGet, "/Groups?filter=displayName+eq+%22engineering%22&excludedAttributes=members", "")
	ids := strings.NewReplacer("{ada}", g.idOf(t, "ada.lovelace"), "{grace}", g.idOf(t, "grace.hopper"),
		"{group}", groups["Resources"].([]any)[0].(map[string]any)["id"].(string))
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		holds                    string // a part of the answer as Go prints it
	}{
		{"PUT leaves what it omits", "PUT", "/Users/{ada}", `{"userName":"Ada.Lovelace","name":{"givenName":"Augusta"}}`, 200, "familyName:Lovelace"},
		{"beside one of its type", "PATCH", "/Users/{ada}", `{"emails":[{"value":"a@example.com","type":"work"}]}`, 400, "there are two such values and a place for one"},
		{"deleted in the same request", "PATCH", "/Users/{ada}", `{"emails":[{"type":"work","operation":"delete"},{"value":"a@example.com","type":"work"}]}`, 200, "value:a@example.com"},
		{"or all of them", "PATCH", "/Users/{ada}", `{"meta":{"attributes":["emails"]},"emails":[{"value":"b@example.com","type":"work"}]}`, 200, "value:b@example.com"},
		{"without a type", "PATCH", "/Users/{ada}", `{"emails":[{"value":"b@example.com","primary":true}]}`, 200, "primary:true type:work value:b@example.com"},
		{"what is not there", "PATCH", "/Users/{ada}", `{"emails":[{"value":"c@example.com","operation":"delete"}]}`, 200, "value:b@example.com"},
		{"names that are objects", "PATCH", "/Users/{ada}", `{"meta":{"attributes":[{"value":"emails.value"}]},"emails":[{"value":"b@example.com","type":"work"}]}`, 200, "value:b@example.com"},
		{"null and an empty list", "PATCH", "/Users/{ada}", `{"title":null,"emails":[]}`, 200, "value:b@example.com"},
		{"null left the title", "GET", "/Users/{ada}", "", 200, "title:Analyst"},
		{"an empty list of members", "PATCH", "/Groups/{group}", `{"members":[]}`, 204, ""},
		{"the members are there", "GET", "/Groups/{group}", "", 200, "value:{grace}"},
		{"an empty text", "PATCH", "/Users/{ada}", `{"title":""}`, 200, "userName:Ada.Lovelace"},
		{"removed it", "GET", "/Users?filter=userName+eq+%22ada.lovelace%22+and+title+pr", "", 200, "totalResults:0"},
		{"active null", "PATCH", "/Users/{ada}", `{"active":null}`, 400, "code:400"},
		{"operation in a PUT", "PUT", "/Groups/{group}", `{"displayName":"Engineering","members":[{"value":"{ada}","operation":"delete"}]}`, 400, "code:400"},
		{"active beside Operations", "PATCH", "/Users/{ada}", `{"active":false,"Operations":[{"op":"add","path":"title","value":"x"}]}`, 400, "send either"},
		{"it was not done", "GET", "/Users/{ada}.json", "", 200, "active:true"},
		{"filterBy", "GET", "/Users?filterBy=userName&filterOp=equals&filterValue=x", "", 400, "code:400"},
		{"ResourceTypes", "GET", "/ResourceTypes", "", 200, "totalResults:2"},
		{"Bulk", "POST", "/Bulk", `{}`, 501, "code:501"},
		{"a deletion", "DELETE", "/Groups/{group}", "", 200, "map[]"},
	} {
		status, _, answer := g.ask(t, test.method, ids.Replace(test.path), ids.Replace(test.body))
		if printed := fmt.Sprint(answer); status != test.status || !strings.Contains(printed, ids.Replace(test.holds)) {
			t.Errorf("%s: %d, want %d with %s: %s", test.name, status, test.status, test.holds, printed)
		}
	}
}

// TestDivergences asks a demo what docs/divergences.md says of it. {ada} is her
// id, {group} that of Engineering.
func TestDivergences(t *testing.T) {
	d, err := demo.Start(demo.Options{Listen: "127.0.0.1:0", LDAP: "127.0.0.1:0", Token: tokenForTests})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	g := gateway{d.TenantURL, d.Token}
	_, _, groups := g.ask(t, http.MethodGet, "/Groups?filter=displayName+eq+%22engineering%22&excludedAttributes=members", "")
	ids := strings.NewReplacer("{ada}", g.idOf(t, "ada.lovelace"), "{ADA}", strings.ToUpper(g.idOf(t, "ada.lovelace")),
		"{grace}", g.idOf(t, "grace.hopper"), "{group}", groups["Resources"].([]any)[0].(map[string]any)["id"].(string))
	operations := func(o string) string { return `{"Operations":[` + o + `]}` }
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		holds                    string // a part of the answer as Go prints it
	}{
		{"externalId is set", "PATCH", "/Users/{ada}", operations(`{"op":"Add","path":"externalId","value":"A-7"}`), 200, "externalId:A-7"},
		{"externalId without case", "GET", "/Users?filter=externalId+eq+%22a-7%22", "", 200, "totalResults:1"},
		{"literal without quotes", "GET", "/Users?filter=externalId+eq+A-7", "", 200, "totalResults:1"},
		{"PUT leaves what it omits, in name too", "PUT", "/Users/{ada}", `{"userName":"Ada.Lovelace","name":{"givenName":"Augusta"}}`, 200, "familyName:Lovelace"},
		{"PUT null clears", "PUT", "/Users/{ada}", `{"userName":"Ada.Lovelace","title":null}`, 200, "userName:Ada.Lovelace"},
		{"it is cleared", "GET", "/Users?filter=userName+eq+%22ada.lovelace%22+and+title+pr", "", 200, "totalResults:0"},
		{"ne on a missing value", "GET", "/Users?filter=title+ne+%22Boss%22+and+userName+eq+%22ada.lovelace%22", "", 200, "totalResults:1"},
		{"created where absent", "PATCH", "/Users/{ada}", operations(`{"op":"Replace","path":"phoneNumbers[type eq \"fax\"].value","value":"1"}`), 200, "type:fax value:1"},
		{"not where it is no conjunction of eq", "PATCH", "/Users/{ada}", operations(`{"op":"replace","path":"phoneNumbers[type ne \"fax\"].value","value":"1"}`), 400, "scimType:noTarget"},
		{"an empty text clears", "PATCH", "/Users/{ada}", operations(`{"op":"replace","path":"phoneNumbers[type eq \"fax\"].value","value":""}`), 200, "userName:Ada.Lovelace"},
		{"it is gone", "GET", "/Users?filter=phoneNumbers.type+eq+%22fax%22", "", 200, "totalResults:0"},
		{"active null", "PATCH", "/Users/{ada}", operations(`{"op":"replace","path":"active","value":null}`), 400, "scimType:invalidValue"},
		{"read-only in a path", "PATCH", "/Users/{ada}", operations(`{"op":"replace","path":"groups","value":[]}`), 400, "scimType:mutability"},
		{"keys that differ in case", "PATCH", "/Users/{ada}", operations(`{"op":"replace","value":{"active":true,"Active":false}}`), 400, "scimType:invalidSyntax"},
		{"both projections", "GET", "/Users?attributes=userName&excludedAttributes=name", "", 400, "scimType:invalidValue"},
		{"password in a filter", "GET", "/Users?filter=password+sw+%22a%22", "", 400, "scimType:invalidFilter"},
		{"an id in another case", "GET", "/Users/{ADA}", "", 404, "status:404"},
		{"remove with a list takes these", "PATCH", "/Groups/{group}", operations(`{"op":"Remove","path":"members","value":[{"value":"{ada}"}]}`), 204, ""},
		{"and no others", "GET", "/Groups/{group}", "", 200, "value:{grace}"},
		{"twice is once", "PATCH", "/Groups/{group}", operations(`{"op":"Remove","path":"members","value":[{"value":"{ada}"}]}`), 204, ""},
		{"a group when attributes are asked for", "PATCH", "/Groups/{group}?attributes=displayName", operations(`{"op":"add","path":"members","value":[{"value":"{ada}"}]}`), 200, "displayName:Engineering"},
		{"members by something else", "GET", "/Groups?filter=members.type+eq+%22User%22", "", 400, "scimType:invalidFilter"},
		{"a disable beside an error", "PATCH", "/Users/{ada}", operations(`{"op":"Replace","path":"active","value":"False"},{"op":"replace","path":"userName","value":""}`), 400, "The account was disabled."},
		{"it was disabled", "GET", "/Users/{ada}", "", 200, "active:false"},
		{"without a value: last", "GET", "/Users?sortBy=phoneNumbers.value&attributes=userName&count=4", "", 200, "totalResults:4"},
		{"count=0 by cursor", "GET", "/Users?cursor&count=0", "", 200, "itemsPerPage:0 schemas:"}, // and no nextCursor between
		{"count too large by cursor", "GET", "/Users?cursor&count=999999", "", 200, "itemsPerPage:4 schemas:"},
		{"by index when nothing is said", "GET", "/Users?count=1", "", 200, "startIndex:1"},
		{"users before groups", "GET", "/?startIndex=5&count=1&excludedAttributes=members", "", 200, "resourceType:Group"},
		{"a cursor of nobody", "GET", "/Users?cursor=AAAA", "", 400, "scimType:invalidCursor"},
		{"count too large and a bare parameter", "GET", "/Users?count=999999&aadOptscim062020", "", 200, "startIndex:1"},
	} {
		status, _, answer := g.ask(t, test.method, ids.Replace(test.path), ids.Replace(test.body))
		if printed := fmt.Sprint(answer); status != test.status || !strings.Contains(printed, ids.Replace(test.holds)) {
			t.Errorf("%s: %d, want %d with %s: %s", test.name, status, test.status, test.holds, printed)
		}
	}
}
