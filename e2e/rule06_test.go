package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/slapd"
)

// awkward are texts that get lost or changed where a value is pasted, trimmed,
// folded or unquoted.
var awkward = map[string]string{
	"plain":            "plain text",
	"blanks":           "  both ends and  inside  ",
	"a blank":          " ",
	"lines":            "first\nsecond\r\nthird\ttab\n",
	"quotes":           `she said "it's" \ and \\ twice \" \n`,
	"names":            `uid=x,ou=people+cn=y;#<z>=` + "`" + `?`,
	"a filter":         `*)(uid=*))(|(uid=*`,
	"a hash":           "#not a comment",
	"looks encoded":    "#04024869",
	"umlauts":          "Zoë Ångström-Müller, naïve façade",
	"decomposed":       "Zoe\u0308 A\u030angstro\u0308m",
	"scripts":          "Ада Лавлейс 阿达·洛夫莱斯 אדה لوفليس",
	"emoji":            "👩🏽‍💻 🏳️‍🌈 𝒜𝒹𝒶",
	"bidi":             "a\u202eb\u200fc\u200bd\ufeffe",
	"html":             "<script>alert('&amp;')</script>",
	"a placeholder":    "{env.HOME} {file./etc/passwd} {http.request.uri} {1.id} {{.}} ${HOME} $(id)",
	"JSON":             `{"a": [1, true, null]}`,
	"words of JSON":    "null",
	"True":             "True",
	"a number":         "007.50",
	"base64":           "VGhpcyBpcyBub3QgYmFzZTY0Og==",
	"colons":           ": < file:///etc/passwd",
	"a dash":           "-",
	"control":          "bell\u0007 del\u007f esc\u001b",
	"an escape":        `\00\2a\28 %00 %2f \u0041 &#65;`,
	"a line separator": "a\u2028b\u2029c\u0085d",
	"10,000 letters":   strings.Repeat("long words ", 999) + "end",
	"10,000 emoji":     strings.Repeat("🦜", 2500),
}

// textPaths are the paths of the demo's mapping that take any text, with what an
// attribute is in LDAP.
var textPaths = map[string]string{
	"externalId":                  "scimExternalId",
	"name.formatted":              "cn",
	"name.familyName":             "sn",
	"name.givenName":              "givenName",
	"name.middleName":             "scimMiddleName",
	"name.honorificPrefix":        "scimHonorificPrefix",
	"name.honorificSuffix":        "scimHonorificSuffix",
	"displayName":                 "displayName",
	"nickName":                    "scimNickName",
	"title":                       "title",
	"userType":                    "employeeType",
	"locale":                      "scimLocale",
	"timezone":                    "scimTimezone",
	"emails.other":                "scimOtherMail",
	"addresses.work.formatted":    "scimAddressFormatted",
	"addresses.work.street":       "street",
	"addresses.work.locality":     "l",
	"addresses.work.region":       "st",
	"addresses.work.postalCode":   "postalCode",
	"addresses.work.country":      "scimCountry",
	"addresses.other":             "physicalDeliveryOfficeName",
	"roles":                       "scimRole",
	"enterprise.employeeNumber":   "employeeNumber",
	"enterprise.costCenter":       "scimCostCenter",
	"enterprise.organization":     "scimOrganization",
	"enterprise.division":         "scimDivision",
	"enterprise.department":       "scimDepartment",
	"profileUrl (IA5)":            "labeledURI",
	"preferredLanguage (printed)": "preferredLanguage",
}

// document is a user of whom every mapped attribute has a value: text where any
// text is taken.
func document(userName, text, manager string) map[string]any {
	return map[string]any{
		"schemas": []any{userSchema, enterprise}, "userName": userName, "externalId": text,
		"name": map[string]any{"formatted": text, "familyName": text, "givenName": text, "middleName": text,
			"honorificPrefix": text, "honorificSuffix": text},
		"displayName": text, "nickName": text, "profileUrl": "https://example.com/~" + userName, "title": text, "userType": text,
		"preferredLanguage": "en-GB, de;q=0.5", "locale": text, "timezone": text, "active": true,
		"emails": []any{
			map[string]any{"type": "work", "value": userName + "@example.com", "primary": true},
			map[string]any{"type": "other", "value": text, "primary": false},
		},
		"phoneNumbers": []any{
			map[string]any{"type": "work", "value": "+44 (0)20 7946-0001", "primary": true},
			map[string]any{"type": "mobile", "value": "+44 20 7946 0002", "primary": false},
			map[string]any{"type": "fax", "value": "+44 20 7946 0003", "primary": false},
		},
		"addresses": []any{
			map[string]any{"type": "work", "formatted": text, "streetAddress": text, "locality": text, "region": text,
				"postalCode": text, "country": text, "primary": true},
			map[string]any{"type": "other", "formatted": text},
		},
		"roles": []any{
			map[string]any{"value": text, "display": text, "type": "WindowsAzureActiveDirectoryRole", "primary": true},
			map[string]any{"value": "second", "primary": false},
		},
		enterprise: map[string]any{"employeeNumber": text, "costCenter": text, "organization": text, "division": text,
			"department": text, "manager": map[string]any{"value": manager}},
	}
}

// normal orders the elements of multi-valued attributes by their values and
// leaves out what the gateway adds.
func normal(t *testing.T, document string) map[string]any {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal([]byte(document), &tree); err != nil {
		t.Fatalf("reading %s: %v", brief(document), err)
	}
	delete(tree, "id")
	delete(tree, "meta")
	delete(tree, "schemas")
	if extension, ok := tree[enterprise].(map[string]any); ok {
		if manager, ok := extension["manager"].(map[string]any); ok {
			delete(manager, "$ref")
			delete(manager, "displayName")
		}
	}
	for _, value := range tree {
		if list, ok := value.([]any); ok {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(jsonOf(a), jsonOf(b)) })
		}
	}
	return tree
}

func TestRule06WhatCameComesBack(t *testing.T) {
	t.Run("every value", everyValue)
	t.Run("every attribute of the schema", everyAttribute)
	t.Run("names of people and groups", awkwardNames)
	t.Run("what is not mapped", notMapped)
}

// everyValue writes each awkward text to each attribute that takes any, by POST,
// PUT and PATCH, and reads it over SCIM and LDAP.
func everyValue(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		manager := g.id(t, "Ada.Lovelace")
		again := g.want(t, 201, "POST", "/Users", jsonOf(document("again", "first", manager))).get("id")
		n := 0
		for name, text := range awkward {
			n++
			want := document("again", text, manager)
			g.want(t, 200, "PUT", "/Users/"+again, jsonOf(want))
			if diff := cmp.Diff(normal(t, jsonOf(want)), normal(t, g.want(t, 200, "GET", "/Users/"+again, "").Body)); diff != "" {
				t.Errorf("%s: PUT and GET differ (-sent +read):\n%s", name, brief(diff))
			}
			entry := d.entry(t, userDN("again"))
			for path, attribute := range textPaths {
				values := entry[strings.ToLower(attribute)]
				switch {
				case strings.HasSuffix(path, ")"):
				case path == "roles":
					if !slices.ContainsFunc(values, func(v string) bool { return gjson.Get(v, "value").String() == text }) {
						t.Errorf("%s: %s is %q", name, attribute, values)
					}
				case len(values) != 1 || values[0] != text:
					t.Errorf("%s: %s is %.200q, want %.200q", name, attribute, values, text)
				}
			}
			if len(text) < 1000 { // a filter has a length
				if found := g.only(t, "/Users", "externalId eq "+quoted(text)); found != again {
					t.Errorf("%s: externalId finds %s, want %s", name, found, again)
				}
			}

			userName := fmt.Sprintf("new%d", n)
			want = document(userName, text, manager)
			created := g.want(t, 201, "POST", "/Users", jsonOf(want))
			if diff := cmp.Diff(normal(t, jsonOf(want)), normal(t, created.Body)); diff != "" {
				t.Errorf("%s: POST and its answer differ:\n%s", name, brief(diff))
			}
			for path, value := range map[string]any{
				"title": text + "!", "name.givenName": text + "!", `emails[type eq "other"].value`: text + "!",
				`addresses[type eq "work"].streetAddress`: text + "!", enterprise + ":department": text + "!",
			} {
				g.want(t, 200, "PATCH", "/Users/"+created.get("id"), patchOf(operation("Replace", path, value)))
			}
			entry = d.entry(t, userDN(userName))
			for _, attribute := range []string{"title", "givenname", "scimothermail", "street", "scimdepartment"} {
				if got := entry[attribute]; !slices.Equal(got, []string{text + "!"}) {
					t.Errorf("%s: after PATCH %s is %.200q", name, attribute, got)
				}
			}
		}
	})
}

// everyAttribute checks that the document above has a value for everything that
// the schema claims, and that everything it claims comes back.
func everyAttribute(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	want := document("everything", "text", g.id(t, "Ada.Lovelace"))
	sent := make(map[string]bool)
	leaves(want, "", sent)
	got := make(map[string]bool)
	answered := g.want(t, 201, "POST", "/Users", jsonOf(want)).Body
	leaves(gjson.Parse(answered).Value().(map[string]any), "", got)
	claimed := make(map[string]bool)
	for _, id := range []string{userSchema, enterprise} {
		prefix := ""
		if id == enterprise {
			prefix = enterprise + "."
		}
		schema := g.want(t, 200, "GET", "/Schemas/"+id, "")
		for _, a := range gjson.Get(schema.Body, "attributes").Array() {
			name := prefix + a.Get("name").String()
			if a.Get("mutability").String() == "readOnly" || a.Get("returned").String() == "never" {
				continue
			}
			if subs := a.Get("subAttributes").Array(); len(subs) > 0 {
				for _, sub := range subs {
					if sub.Get("mutability").String() != "readOnly" {
						claimed[name+"."+sub.Get("name").String()] = true
					}
				}
			} else {
				claimed[name] = true
			}
		}
	}
	delete(claimed, enterprise+".manager.$ref") // made of the value
	for path := range claimed {
		if !sent[path] {
			t.Errorf("%s is claimed in /Schemas, and the test has no value for it", path)
		}
		if !got[path] {
			t.Errorf("%s is claimed in /Schemas, was sent and is not in the answer: %s", path, answered)
		}
	}
	for path := range sent {
		if !claimed[path] && path != "schemas" {
			t.Errorf("%s was sent and is not claimed in /Schemas", path)
		}
	}
}

// leaves collects the paths of a document's values.
func leaves(tree map[string]any, prefix string, paths map[string]bool) {
	for name, value := range tree {
		switch value := value.(type) {
		case map[string]any:
			leaves(value, prefix+name+".", paths)
		case []any:
			for _, element := range value {
				if object, ok := element.(map[string]any); ok {
					leaves(object, prefix+name+".", paths)
				} else {
					paths[prefix+name] = true
				}
			}
		default:
			paths[prefix+name] = true
		}
	}
}

// awkwardNames are userNames and displayNames, which are parts of DNs.
func awkwardNames(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{Replace: []string{"brake disable 50 per 10m", ""}})
		adaID := g.id(t, "Ada.Lovelace")
		for name, text := range awkward {
			if len(text) > 500 {
				continue // longer than slapd's names can be
			}
			text = "n " + text // texts that differ in blanks alone are the same name
			if name == "blanks" {
				text = " n  b "
			}
			body := strings.Replace(userBody("@"), `"userName":"@"`, `"userName":`+quoted(text), 1)
			a := g.do(t, "POST", "/Users", body)
			if a.Status != 201 || a.get("userName") != text {
				t.Errorf("%s: a user named %q: %s", name, text, a)
				continue
			}
			id := a.get("id")
			if found := g.id(t, text); found != id {
				t.Errorf("%s: found %s, want %s", name, found, id)
			}
			group := g.do(t, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": text, "members": members(id, adaID)}))
			if group.Status != 201 || group.get("displayName") != text {
				t.Errorf("%s: a group named %q: %s", name, text, group)
				continue
			}
			groupID := group.get("id")
			if a := g.want(t, 200, "GET", "/Users/"+id, ""); a.get("userName") != text || a.get("groups.0.value") != groupID || a.get("groups.0.display") != text {
				t.Errorf("%s: the user is %s", name, a)
			}
			if a := g.want(t, 200, "GET", "/Groups/"+groupID, ""); a.get("members.#") != "2" || !strings.Contains(a.Body, id) {
				t.Errorf("%s: the group is %s", name, a)
			}
			g.want(t, 200, "PATCH", "/Users/"+id, disable)
			g.want(t, 204, "PATCH", "/Groups/"+groupID, patchOf(operation("Remove", "members", members(id))))
			g.want(t, 204, "DELETE", "/Users/"+id, "")
			g.want(t, 204, "DELETE", "/Groups/"+groupID, "")
		}
	})
}

// notMapped is what the mapping has no place for: it is not claimed, dropped on
// write and logged, and refused in a filter.
func notMapped(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	unmapped := []string{"ims", "photos", "entitlements", "x509Certificates"}
	schema := g.want(t, 200, "GET", "/Schemas/"+userSchema, "")
	for _, name := range unmapped {
		if strings.Contains(schema.Body, fmt.Sprintf("%q", name)) {
			t.Errorf("/Schemas claims %s", name)
		}
	}
	body := map[string]any{"shoeSize": 44, "photos": []any{map[string]any{"type": "photo", "value": "https://example.com/secret-picture"}},
		"entitlements": []any{map[string]any{"value": "gold"}}, "urn:example:custom:1.0:User": map[string]any{"colour": "mauve"}}
	maps.Copy(body, document("partly", "text", g.id(t, "Ada.Lovelace")))
	created := g.want(t, 201, "POST", "/Users", jsonOf(body))
	id := created.get("id")
	patched := g.want(t, 200, "PATCH", "/Users/"+id, patchOf(
		operation("Add", "shoeSize", 45), operation("Replace", `ims[type eq "xmpp"].value`, "secret-picture"),
		operation("Add", "title", "Kept"), operation("Remove", "photos", nil)))
	if patched.get("title") != "Kept" {
		t.Errorf("what is mapped was not written: %s", patched)
	}
	for _, a := range []answer{created, patched, g.want(t, 200, "GET", "/Users/"+id, "")} {
		for _, name := range append(unmapped, "shoeSize", "urn:example", "secret-picture") {
			if strings.Contains(a.Body, name) {
				t.Errorf("an answer has %s: %s", name, a)
			}
		}
	}
	for a, want := range map[*answer]int{&created: 4, &patched: 3} {
		line := g.requestLine(t, *a)
		if got := int(line.Get("ignored").Int()); got < want {
			t.Errorf("%d paths are counted as ignored, want %d: %s", got, want, line)
		}
	}
	waitFor(t, "the names of what was ignored", func() bool {
		var all []string
		for _, line := range g.logged(t, "attributes that are not mapped were ignored") {
			for _, path := range line.Get("paths").Array() {
				all = append(all, strings.ToLower(path.String()))
			}
		}
		text := strings.Join(all, "\n")
		return strings.Contains(text, "shoesize") && strings.Contains(text, "ims") && strings.Contains(text, "photos") &&
			strings.Contains(text, "urn:example:custom:1.0:user")
	})
	if strings.Contains(g.log(t), "secret-picture") {
		t.Error("the log has a value of what was ignored")
	}
	for _, filter := range []string{`ims.value eq "x"`, `shoeSize eq 44`, `photos pr`, `userName eq "partly" and entitlements.value eq "gold"`,
		`not (x509Certificates pr)`, `urn:example:custom:1.0:User:colour eq "mauve"`} {
		a := g.want(t, 400, "GET", filterPath("/Users", filter), "")
		if a.get("scimType") != "invalidFilter" {
			t.Errorf("%s: %s", filter, a)
		}
	}
	// A projection may name what is not there.
	if a := g.want(t, 200, "GET", "/Users/"+id+"?attributes=userName,shoeSize,ims", ""); a.get("userName") != "partly" || a.get("title") != "" {
		t.Errorf("projected: %s", a)
	}
}
