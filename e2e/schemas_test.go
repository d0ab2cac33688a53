package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/testdata/dialogues"
)

// TestOktaEntitlements replays Okta's entitlement tests before the gateway that
// its page shows.
func TestOktaEntitlements(t *testing.T) {
	d, err := dialogues.Entitlements()
	if err != nil {
		t.Fatal(err)
	}
	hasRows(t, d, "", 11)
	eachDirectory(t, func(t *testing.T, directory *directory) {
		const entitlements, roles = "ou=entitlements,ou=groups,dc=example,dc=com", "ou=roles,ou=groups,dc=example,dc=com"
		directory.add(t, entitlements, "objectClass: organizationalUnit", "ou: entitlements")
		directory.add(t, roles, "objectClass: organizationalUnit", "ou: roles")
		directory.add(t, "cn=Reports,"+entitlements, "objectClass: organizationalRole", "cn: Reports", "description: May read reports")
		directory.add(t, "cn=Payments,"+entitlements, "objectClass: organizationalRole", "cn: Payments")
		directory.add(t, "cn=Auditor,"+roles, "objectClass: organizationalRole", "cn: Auditor", "description: May look at everything")
		replayBefore(t, d, directory, startGateway(t, directory, setup{File: "okta-entitlements.caddyfile", Replace: []string{
			"ou=entitlements,dc=example,dc=com", entitlements, "ou=roles,dc=example,dc=com", roles,
		}}))
	})
}

// add adds an entry behind the gateway's back.
func (d *directory) add(t *testing.T, dn string, attributes ...string) {
	t.Helper()
	request := ldap.NewAddRequest(dn, nil)
	for _, a := range attributes {
		name, value, _ := strings.Cut(a, ": ")
		request.Attribute(name, []string{value})
	}
	d.with(t, func(conn *ldap.Conn) error { return conn.Add(request) })
}

const (
	hr     = "urn:example:params:scim:schemas:extension:hr:2.0:User"
	device = "urn:example:params:scim:schemas:core:2.0:Device"
)

// ownSchemas are an extension and a type of one's own, for the demo's gateway.
var ownSchemas = strings.Split(`schema `+hr+` {
	extends User
	attribute badge {
		case_exact
		mutability immutable
		uniqueness server
	}
	attribute grade {
		canonical_values A B
	}
	attribute rank
	attribute page
	attribute note {
		returned request
	}
	attribute sites {
		multi_valued
	}
	attribute unmapped
	attribute pin {
		mutability writeOnly
	}
	attribute devices complex {
		multi_valued
		attribute value
		attribute $ref reference {
			reference_types Device
		}
	}
}
schema `+device+` {
	attribute displayName {
		required
		uniqueness server
	}
	attribute serial {
		required
		case_exact
		uniqueness server
	}
	attribute owner complex {
		attribute value
		attribute $ref reference {
			reference_types User
		}
	}
}
resource Device {
	endpoint /Devices
	schema `+device+`
	base ou=devices,ou=groups,dc=example,dc=com
	object_class device
	rdn cn
	delete remove
	map displayName cn
	map serial serialNumber
	map owner.value owner {
		reference
	}
}`, "\n")

// startOwn starts the demo's gateway with them.
func startOwn(t *testing.T, d *directory, lines ...string) *gateway {
	t.Helper()
	d.add(t, "ou=devices,ou=groups,dc=example,dc=com", "objectClass: organizationalUnit", "ou: devices")
	maps := strings.ReplaceAll(`map groups memberOf
		map HRbadge roomNumber
		map HRgrade initials
		map HRrank pager {
			one_of low high
		}
		map HRpage jpegPage
		map HRnote description
		map HRsites carLicense
		map HRpin homePhone
		map HRdevices.value seeAlso {
			reference
		}`, "HR", hr+":")
	return startGateway(t, d, setup{Gateway: lines, Translator: ownSchemas, Replace: []string{
		"map groups memberOf", strings.Replace(maps, "jpegPage", "o", 1),
	}})
}

// hrBody is a user with something under the extension's URN.
func hrBody(userName, extension string) string {
	return strings.TrimSuffix(userBody(userName), "}") + fmt.Sprintf(`,%q:%s}`, hr, extension)
}

func TestExtensionOfOnesOwn(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startOwn(t, d)

		schema := g.want(t, 200, "GET", "/Schemas/"+hr, "")
		for path, want := range map[string]string{
			`attributes.#(name=="badge").mutability`: "immutable", `attributes.#(name=="badge").caseExact`: "true",
			`attributes.#(name=="badge").uniqueness`: "server", `attributes.#(name=="sites").multiValued`: "true",
			`attributes.#(name=="note").returned`: "request", `attributes.#(name=="pin").returned`: "never",
			`attributes.#(name=="grade").canonicalValues`: `["A","B"]`, `attributes.#(name=="rank").canonicalValues`: `["low","high"]`,
			`attributes.#(name=="unmapped")`:                                             "",
			`attributes.#(name=="devices").subAttributes.1.name`:                         "$ref",
			`attributes.#(name=="devices").subAttributes.#(name=="$ref").referenceTypes`: `["Device"]`,
		} {
			if got := schema.get(path); got != want {
				t.Errorf("%s is %q, want %q", path, got, want)
			}
		}
		types := g.want(t, 200, "GET", "/ResourceTypes", "")
		if got := types.get("Resources.#.id"); got != `["User","Group","Device"]` {
			t.Errorf("types: %s", got)
		}
		if got := types.get(`Resources.0.schemaExtensions.#(schema=="` + hr + `").required`); got != "false" {
			t.Errorf("the extension is required: %q", got)
		}

		created := g.want(t, 201, "POST", "/Users", hrBody("hr1", `{"badge":"B-17","grade":"unusual","rank":"low","page":"Page One","note":"secret note","sites":["London","Paris"],"pin":"0000","unmapped":"x"}`))
		id, at := created.get("id"), func(name string) string { return strings.ReplaceAll(hr, ".", `\.`) + "." + name }
		for name, want := range map[string]string{"badge": "B-17", "grade": "unusual", "rank": "low", "sites": `["London","Paris"]`, "note": "", "pin": "", "unmapped": ""} {
			if got := created.get(at(name)); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if got := created.get("schemas"); !strings.Contains(got, hr) {
			t.Errorf("schemas: %s", got)
		}
		entry := d.entry(t, "uid=hr1,"+people)
		if len(entry["carlicense"]) != 2 || len(entry["roomnumber"]) != 1 || len(entry["homephone"]) != 1 {
			t.Errorf("the directory has %v", entry)
		}

		read := func(query string) answer { return g.want(t, 200, "GET", "/Users/"+id+query, "") }
		if got := read("?attributes=" + hr + ":note").get(at("note")); got != "secret note" {
			t.Errorf("asked for, note is %q", got)
		}
		if a := read("?excludedAttributes=" + hr + ":sites"); a.get(at("sites")) != "" || a.get(at("badge")) == "" {
			t.Errorf("sites was excluded: %s", a)
		}

		patch := func(status int, operations ...any) answer {
			t.Helper()
			return g.want(t, status, "PATCH", "/Users/"+id, patchOf(operations...))
		}
		// Set once: the same again is no change, another is refused, and nothing is done.
		patch(200, operation("replace", hr+":badge", "B-17"))
		for name, a := range map[string]answer{
			"a PATCH":           patch(400, operation("replace", hr+":badge", "B-18")),
			"another case":      patch(400, operation("add", "", map[string]any{hr: map[string]any{"badge": "b-17"}})),
			"a removal":         patch(400, operation("remove", hr+":badge", nil)),
			"a PUT":             g.want(t, 400, "PUT", "/Users/"+id, hrBody("hr1", `{"badge":"B-18","grade":"B"}`)),
			"beside a disable":  patch(400, operation("replace", hr+":badge", "B-18"), operation("replace", "active", false)),
			"what one_of lacks": patch(400, operation("replace", hr+":rank", "LOW")),
		} {
			want := "mutability"
			if name == "what one_of lacks" {
				want = "invalidValue"
			}
			if a.get("scimType") != want {
				t.Errorf("%s: %s", name, a)
			}
		}
		after := read("")
		if after.get(at("badge")) != "B-17" || after.get(at("grade")) != "unusual" || after.get("active") != "false" {
			t.Errorf("after refusals and a disable: %s", after)
		}

		// Many simple values.
		sites := func(operations ...any) string { t.Helper(); return patch(200, operations...).get(at("sites")) }
		if got := sites(operation("add", hr+":sites", []string{"Oslo", "London"})); got != `["London","Paris","Oslo"]` {
			t.Errorf("added: %s", got)
		}
		if got := sites(operation("Remove", hr+":sites", []string{"London"})); got != `["Paris","Oslo"]` {
			t.Errorf("one removed: %s", got)
		}
		if got := sites(operation("replace", hr, map[string]any{"sites": []string{"Rome"}})); got != `["Rome"]` {
			t.Errorf("replaced: %s", got)
		}
		if got := sites(operation("remove", hr+":sites", nil)); got != "" {
			t.Errorf("removed: %s", got)
		}

		// The directory compares roomNumber and o without case; SCIM says of badge that it counts.
		g.want(t, 201, "POST", "/Users", hrBody("hr2", `{"badge":"B-20","page":"Other"}`))
		found := func(filter string) string {
			t.Helper()
			return g.want(t, 200, "GET", filterPath("/Users", filter), "").get("Resources.#.userName")
		}
		for filter, want := range map[string]string{
			hr + `:badge eq "B-17"`: `["hr1"]`, hr + `:badge eq "b-17"`: `[]`, hr + `:badge sw "B-"`: `["hr1","hr2"]`,
			hr + `:page eq "PAGE ONE"`: `["hr1"]`, `page co "ONE"`: `["hr1"]`, hr + `:grade pr`: `["hr1"]`, hr + `:sites eq "Rome"`: `[]`,
		} {
			got := found(filter)
			if strings.Contains(got, "hr2") && strings.Contains(got, "hr1") {
				got = `["hr1","hr2"]` // in the order of ids
			}
			if got != want {
				t.Errorf("%s finds %s, want %s", filter, got, want)
			}
		}
		g.want(t, 400, "GET", filterPath("/Users", hr+`:pin eq "0000"`), "")
		g.want(t, 400, "GET", filterPath("/Users", hr+`:unmapped eq "x"`), "")

		// SCIM 1.1 writes it in the same way (draft-scim-core-schema-01 §5).
		old := g.want(t, 200, "GET", g.tenantURL("1.1")+"/Users/"+id, "", "Accept: application/json")
		if got := old.get(at("badge")); got != "B-17" {
			t.Errorf("in SCIM 1.1 the badge is %q: %s", got, old)
		}

		// Two with one badge, by somebody else's hand: nobody is guessed.
		d.with(t, func(conn *ldap.Conn) error {
			request := ldap.NewModifyRequest("uid=hr2,"+people, nil)
			request.Replace("roomNumber", []string{"B-17"})
			return conn.Modify(request)
		})
		g.want(t, 409, "GET", filterPath("/Users", hr+`:badge eq "B-17"`), "")
	})
}

func TestResourceTypeOfOnesOwn(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startOwn(t, d, "protect `serial sw \"safe-\"`")
		owner, other := g.create(t, "owner"), g.create(t, "other")
		body := func(name, serial, owner string) string {
			return jsonOf(map[string]any{"schemas": []string{device}, "displayName": name, "serial": serial, "owner": map[string]any{"value": owner}})
		}
		created := g.want(t, 201, "POST", "/Devices", body("Laptop 7", "S-7", owner))
		id := created.get("id")
		for path, want := range map[string]string{
			"schemas": `["` + device + `"]`, "meta.resourceType": "Device", "meta.location": g.URL + "/Devices/" + id,
			"owner.value": owner, "owner.$ref": g.URL + "/Users/" + owner,
		} {
			if got := created.get(strings.ReplaceAll(path, "$", `\$`)); got != want {
				t.Errorf("%s is %q, want %q", path, got, want)
			}
		}
		if created.Header.Get("Location") != g.URL+"/Devices/"+id {
			t.Errorf("Location: %s", created.Header.Get("Location"))
		}

		// What is wrong is refused.
		if a := g.want(t, 409, "POST", "/Devices", body("laptop 7", "S-8", owner)); a.get("scimType") != "uniqueness" {
			t.Errorf("the same again: %s", a)
		}
		for name, wrong := range map[string]string{
			"no name":              jsonOf(map[string]any{"serial": "S-9"}),
			"no serial":            jsonOf(map[string]any{"displayName": "Laptop 9"}),
			"an owner who is none": body("Laptop 9", "S-9", id),
			"a type that is wrong": `{"displayName":{"a":1},"serial":"S-9"}`,
		} {
			if a := g.want(t, 400, "POST", "/Devices", wrong); a.get("detail") == "" {
				t.Errorf("%s: %s", name, a)
			}
		}
		g.want(t, 403, "POST", "/Devices", body("Vault", "safe-1", owner))

		// Found, listed, paged.
		for filter, want := range map[string]string{
			`displayName eq "LAPTOP 7"`: "1", `serial eq "S-7"`: "1", `serial eq "s-7"`: "0", `owner.value eq "` + owner + `"`: "1",
			`owner.value eq "` + other + `"`: "0", `owner.value eq "nobody"`: "0", `owner pr`: "1",
			`meta.resourceType eq "Device"`: "1", `id eq "` + id + `"`: "1",
		} {
			if got := g.want(t, 200, "GET", filterPath("/Devices", filter), "").get("totalResults"); got != want {
				t.Errorf("%s finds %s, want %s", filter, got, want)
			}
		}
		for i := range 4 {
			g.want(t, 201, "POST", "/Devices", body(fmt.Sprintf("Phone %d", i), fmt.Sprintf("P-%d", i), other))
		}
		page := g.want(t, 200, "GET", "/Devices?startIndex=3&count=2", "")
		if page.get("totalResults") != "5" || page.get("itemsPerPage") != "2" || page.get("Resources.#") != "2" {
			t.Errorf("a page: %s", page)
		}

		if got := g.want(t, 200, "GET", "/Devices?sortBy=serial&sortOrder=descending&attributes=serial", "").get("Resources.#.serial"); got != `["S-7","P-3","P-2","P-1","P-0"]` {
			t.Errorf("sorted: %s", got)
		}
		search := jsonOf(map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}, "filter": `serial sw "P-"`, "count": 10})
		for _, path := range []string{"/Devices/.search", "/.search"} {
			if got := g.want(t, 200, "POST", path, search).get("totalResults"); got != "4" {
				t.Errorf("POST %s finds %s, want 4", path, got)
			}
		}
		bulk := g.want(t, 200, "POST", "/Bulk", jsonOf(map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"}, "Operations": []map[string]any{
			{"method": "POST", "path": "/Devices", "bulkId": "d", "data": json.RawMessage(body("Bulk", "B-1", "bulkId:u"))},
			{"method": "POST", "path": "/Users", "bulkId": "u", "data": json.RawMessage(userBody("bulk"))},
		}}))
		if got := bulk.get("Operations.#.status"); got != `["201","201"]` {
			t.Errorf("Bulk: %s", bulk)
		}
		made := g.only(t, "/Devices", `serial eq "B-1"`)
		if got := g.want(t, 200, "GET", "/Devices/"+made, "").get("owner.value"); got != g.id(t, "bulk") {
			t.Errorf("the owner of what a Bulk made is %q", got)
		}
		g.want(t, 204, "DELETE", "/Devices/"+made, "")
		if detail := g.want(t, 404, "GET", "/Machines", "").get("detail"); !strings.Contains(detail, "resources of the type Device at /Devices") {
			t.Errorf("what is nowhere: %s", detail)
		}

		// Changed, renamed, and referred to all the while.
		user := g.want(t, 200, "PATCH", "/Users/"+owner, patchOf(operation("add", hr+":devices", []map[string]string{{"value": id}})))
		if got := user.get(strings.ReplaceAll(hr, ".", `\.`) + `.devices.0.\$ref`); got != g.URL+"/Devices/"+id {
			t.Errorf("the reference to the device is %q", got)
		}
		g.want(t, 400, "PATCH", "/Users/"+owner, patchOf(operation("add", hr+":devices", []map[string]string{{"value": other}})))
		renamed := g.want(t, 200, "PATCH", "/Devices/"+id, patchOf(operation("Replace", "displayName", "Laptop 7b"), operation("Replace", "owner.value", other)))
		if renamed.get("id") != id || renamed.get("displayName") != "Laptop 7b" || renamed.get("owner.value") != other {
			t.Errorf("renamed: %s", renamed)
		}
		if d.entry(t, "cn=Laptop 7b,ou=devices,ou=groups,dc=example,dc=com") == nil {
			t.Error("the entry has not got another name")
		}
		put := g.want(t, 200, "PUT", "/Devices/"+id, jsonOf(map[string]any{"schemas": []string{device}, "displayName": "Laptop 7c", "serial": "S-7c", "owner": nil}))
		if put.get("owner") != "" || put.get("serial") != "S-7c" {
			t.Errorf("after a PUT: %s", put)
		}
		g.want(t, 400, "PATCH", "/Devices/"+id, patchOf(operation("remove", "serial", nil)))

		// No member, no account.
		group := g.groupID(t, "Engineering")
		g.want(t, 400, "PATCH", "/Groups/"+group, patchOf(operation("add", "members", []map[string]string{{"value": id}})))
		before := g.want(t, 200, "GET", "/Groups/"+group, "").get("members.#")
		d.with(t, func(conn *ldap.Conn) error { // by somebody else's hand
			request := ldap.NewModifyRequest("cn=Engineering,"+groups, nil)
			request.Add("member", []string{"cn=Laptop 7c,ou=devices,ou=groups,dc=example,dc=com"})
			return conn.Modify(request)
		})
		if got := g.want(t, 200, "GET", "/Groups/"+group, "").get("members.#"); got != before {
			t.Errorf("a device is shown as a member: %s members, were %s", got, before)
		}

		g.want(t, 204, "DELETE", "/Devices/"+id, "")
		g.want(t, 404, "GET", "/Devices/"+id, "")
		g.want(t, 404, "DELETE", "/Devices/"+id, "")
		g.want(t, 404, "GET", "/Devices/"+owner, "")
		if got := g.want(t, 200, "GET", "/Devices", "").get("totalResults"); got != "4" {
			t.Errorf("%s are left, want 4", got)
		}
	})
}

// A directory that is down has no devices to speak of, and says so.
func TestResourceTypeOfOnesOwnWhileTheDirectoryIsDown(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startOwn(t, d)
	g.want(t, 200, "GET", "/Devices", "")
	if err := d.Slapd.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/Devices", filterPath("/Devices", `serial eq "S-1"`), filterPath("/Devices", `displayName eq "x"`), "/Devices/00000000-0000-4000-8000-000000000000"} {
		if a := g.do(t, "GET", path, ""); a.Status != 503 && a.Status != 504 {
			t.Errorf("GET %s: %s", path, a)
		}
	}
}

// TestReferencesOfOnesOwn: before a directory that keeps no references, a device goes
// on naming its owner, and who gets the login of somebody deleted does not own
// it. What has to be left is told.
func TestReferencesOfOnesOwn(t *testing.T) {
	d := startSlapd(t, slapd.Options{NoRefint: true})
	d.add(t, "ou=devices,ou=groups,dc=example,dc=com", "objectClass: organizationalUnit", "ou: devices")
	const post = "urn:example:params:scim:schemas:core:2.0:Post"
	lines := append(strings.Split(`schema `+post+` {
	attribute displayName {
		required
	}
	attribute holder
}
resource Post {
	endpoint /Posts
	schema `+post+`
	base ou=devices,ou=groups,dc=example,dc=com
	object_class groupOfUniqueNames
	rdn cn
	delete remove
	map displayName cn
	map holder uniqueMember {
		reference User
	}
}`, "\n"), ownSchemas[slices.Index(ownSchemas, "schema "+device+" {"):]...)
	g := startGateway(t, d, setup{Translator: lines})
	owner := g.create(t, "owner")
	laptop := g.want(t, 201, "POST", "/Devices", fmt.Sprintf(`{"schemas":[%q],"displayName":"laptop","serial":"1","owner":{"value":%q}}`, device, owner)).get("id")
	staff := g.create(t, "staff")
	g.want(t, 200, "PATCH", "/Users/"+staff, patchOf(operation("replace", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", owner)))

	g.want(t, 200, "PATCH", "/Users/"+owner, patchOf(operation("replace", "userName", "renamed")))
	if got := g.only(t, "/Devices", `owner.value eq "`+owner+`"`); got != laptop {
		t.Errorf("the device of the renamed is %q", got)
	}
	if got := g.want(t, 200, "GET", "/Users/"+staff, ""); !strings.Contains(got.Body, `"value":"`+owner+`"`) {
		t.Errorf("the manager who was renamed is lost: %s", got.Body)
	}
	g.want(t, 204, "DELETE", "/Users/"+owner, "")
	heir := g.create(t, "renamed")
	for _, path := range []string{"/Devices/" + laptop, "/Users/" + staff} {
		if got := g.want(t, 200, "GET", path, ""); strings.Contains(got.Body, heir) || strings.Contains(got.Body, owner) {
			t.Errorf("who has taken the name has inherited: %s", got.Body)
		}
	}
	calls := strings.Join(g.journal(t)[len(g.journal(t))-4].Calls, ", ")
	if calls != "remove the entry, take away references to it, take away references to it" {
		t.Errorf("the journal has %q", calls)
	}

	// A class that demands the reference keeps it: the person is gone all the same.
	g.want(t, 201, "POST", "/Posts", fmt.Sprintf(`{"schemas":[%q],"displayName":"guard","holder":%q}`, post, heir))
	g.want(t, 200, "PATCH", "/Devices/"+laptop, patchOf(operation("replace", "owner", map[string]any{"value": heir})))
	a := g.want(t, 403, "DELETE", "/Users/"+heir, "")
	if !strings.Contains(a.get("detail"), "carried out in part") || strings.Contains(a.Body, "dc=") {
		t.Errorf("it is told %s", a.Body)
	}
	if line := g.requestLine(t, a).Get("backend_error").String(); !strings.Contains(line, "uniqueMember in cn=guard") || !strings.Contains(line, "demands its reference") {
		t.Errorf("the log has %s", line)
	}
	g.want(t, 404, "GET", "/Users/"+heir, "")
	if got := g.want(t, 200, "GET", "/Devices/"+laptop, ""); strings.Contains(got.Body, heir) {
		t.Errorf("what could be taken away is there: %s", got.Body)
	}
}
