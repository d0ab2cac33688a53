package docs_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/slapd"
)

// runDirectory runs a whole Caddyfile of a document before another directory.
func runDirectory(t *testing.T, text, ldap, token string) gateway {
	t.Helper()
	m := newMachine(t, "")
	port := freePort(t)
	text = replaced(t, text, "scim.example.com {", "http://127.0.0.1:"+port+" {")
	text = replaced(t, text, "ldaps://dir1.example.com", ldap)
	runCaddy(t, "{\n\tadmin off\n\tpersist_config off\n}\n"+m.local(text))
	return gateway{"http://127.0.0.1:" + port + "/scim/v2", token}
}

// TestDevices prepares a slapd as the pages about LDAP and schemas say, and
// serves the devices of the example from it.
func TestDevices(t *testing.T) {
	s := startStock(t)
	s.prepare(t)
	p := pageOf(t, "docs/schemas.md")
	s.write(t, "devices-config.ldif", p.of("ldif devices-config")[0].text)
	s.write(t, "devices-tree.ldif", p.of("ldif devices-tree")[0].text)
	s.sh(t, p.of("sh devices")[0].text)
	g := runDirectory(t, p.of("caddyfile")[2].text, s.address, tokenForTests)

	create := func(path, body string, want int) map[string]any {
		t.Helper()
		status, _, answer := g.ask(t, "POST", path, body)
		if status != want {
			t.Fatalf("POST %s %s: %d %v, want %d", path, body, status, answer, want)
		}
		return answer
	}
	ada := create("/Users", `{"userName": "ada"}`, 201)["id"].(string)
	device := create("/Devices", `{"displayName": "laptop-7", "serial": "S7", "owner": {"value": "`+ada+`"}}`, 201)["id"].(string)
	create("/Devices", `{"displayName": "Laptop-7"}`, 409)
	create("/Devices", `{"displayName": "laptop-8", "serial": "s7"}`, 409)
	if _, _, list := g.ask(t, "GET", "/Devices?filter=serial+eq+%22S7%22", ""); list["totalResults"] != 1.0 {
		t.Errorf("looking for the serial number: %v", list)
	}
	// slapd mends references after it has answered: what counts is what they become.
	becomes := func(want any, after string) {
		t.Helper()
		var got any
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
			_, _, answer := g.ask(t, "GET", "/Devices/"+device, "")
			owner, _ := answer["owner"].(map[string]any)
			if got = owner["value"]; got == want {
				return
			}
		}
		t.Errorf("the owner is %v after %s, want %v", got, after, want)
	}
	rename := `{"Operations":[{"op":"replace","path":"userName","value":"ada.lovelace"}]}`
	if status, _, answer := g.ask(t, "PATCH", "/Users/"+ada, rename); status != 200 {
		t.Fatalf("renaming: %d %v", status, answer)
	}
	becomes(ada, "a rename")
	s.sh(t, "ldapdelete -x -W -D cn=admin,dc=example,dc=com uid=ada.lovelace,ou=people,dc=example,dc=com")
	becomes(nil, "the removal of that person")
	if status, _, answer := g.ask(t, "DELETE", "/Devices/"+device, ""); status != 204 {
		t.Errorf("removing: %d %v", status, answer)
	}
}

// operation is one of a PATCH in the table of a document.
var operation = regexp.MustCompile("(?m)^\\| ([a-z ]+) \\| `(\\{\"op\".*\\})` \\|$")

// TestManyValues does what the table of the page about schemas says, one line
// after the other.
func TestManyValues(t *testing.T) {
	const urn = "urn:example:params:scim:schemas:extension:access:2.0:User"
	p := pageOf(t, "docs/schemas.md")
	server := slapd.Start(t, slapd.Options{NoSync: true})
	g := runDirectory(t, p.of("caddyfile")[1].text, server.URL(), tokenForTests)
	status, _, ada := g.ask(t, "POST", "/Users", `{"userName": "ada", "`+urn+`": {"keys": [{"value": "K1", "type": "garage"}]}}`)
	if status != 201 || ada[urn] != nil {
		t.Fatalf("a key of another kind is dropped: %d %v", status, ada)
	}
	wants := []string{
		`{"sites":["Paris","Rome","Oslo"]}`, `{"sites":["Paris","Rome","Oslo","London"]}`, `{"sites":["Rome","Oslo","London"]}`, `{"sites":["London"]}`, `null`,
		`{"doors":[{"value":"D1","until":"2027-01-01T00:00:00Z"},{"value":"D2"}]}`,
		`{"doors":[{"value":"D1","until":"2027-01-01T00:00:00Z"},{"value":"D2","until":"2027-06-01T00:00:00Z"}]}`,
		`{"doors":[{"value":"D2","until":"2027-06-01T00:00:00Z"}]}`,
		`{"doors":[{"value":"D2","until":"2027-06-01T00:00:00Z"}],"keys":[{"value":"K7","type":"office"}]}`,
	}
	operations := operation.FindAllStringSubmatch(p.text, -1)
	if len(operations) != len(wants) {
		t.Fatalf("the table has %d operations, want %d", len(operations), len(wants))
	}
	for i, o := range operations {
		status, _, answer := g.ask(t, "PATCH", "/Users/"+ada["id"].(string), `{"Operations":[`+o[2]+`]}`)
		if status != 200 {
			t.Fatalf("%s: %d %v", o[1], status, answer)
		}
		var want any
		if err := json.Unmarshal([]byte(wants[i]), &want); err != nil {
			t.Fatal(err)
		}
		if got := answer[urn]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s %s\ngot  %v\nwant %v", o[1], o[2], got, want)
		}
	}
	if _, _, list := g.ask(t, "GET", "/Users?filter="+strings.ReplaceAll(urn, ":", "%3A")+"%3Asites%5Bvalue+eq+%22Paris%22%5D", ""); list["totalResults"] != 0.0 {
		t.Errorf("who is in Paris: %v", list)
	}
}
