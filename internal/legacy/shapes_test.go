package legacy_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/legacy"
)

func TestForm(t *testing.T) {
	c := start(t, legacy.Options{Wire: legacy.Form, Nested: true})
	c.want(415, "POST", "/users", `{"login":"ada"}`)
	c.header.Set("Content-Type", "application/x-www-form-urlencoded")
	c.want(400, "POST", "/users", "user[login=ada")
	made := c.want(201, "POST", "/users", "user[login]=ada&user%5Bname%5D%5Bfirst%5D=Ada&user[contact][mail]=ada%40example.com&user[personnel_no]=7&user[notices]=0")
	c.is(made.get("user.name.first"), "Ada")
	c.is(made.get("user.contact.mail"), "ada@example.com")
	c.is(made.get("user.notices"), "false")
	c.is(gjson.Get(made.body, "user.personnel_no").Type.String(), "Number")
	changed := c.want(200, "PATCH", "/users/11", "user[name][last]=Lovelace&user[personnel_no]=")
	c.is(changed.get("user.name.first")+changed.get("user.name.last"), "AdaLovelace")
	c.is(changed.get("user.personnel_no"), "")
	group := c.want(201, "POST", "/groups", "group[name]=Staff").get("group.id")
	c.want(204, "POST", "/groups/"+group+"/members", "user_id=11")
	c.want(204, "PUT", "/groups/"+group+"/members", "user_ids[]=")
	c.is(c.want(200, "GET", "/groups/"+group, "").get("group.members.#"), "0")
	c.want(204, "PUT", "/groups/"+group+"/members", "user_ids[]=11")
	c.is(c.want(200, "GET", "/groups/"+group, "").get("group.members.0.login"), "ada")
}

func TestFormLists(t *testing.T) {
	c := start(t, legacy.Options{Wire: legacy.Form, Mails: true, Groups: legacy.OnUsers})
	c.header.Set("Content-Type", "application/x-www-form-urlencoded")
	made := c.want(201, "POST", "/users", "user[login]=ada&user[mails][0][kind]=work&user[mails][0][address]=a@b.example&user[mails][1][kind]=home&user[mails][1][address]=c@d.example&user[groups][]=x&user[groups][]=y")
	c.is(made.get("user.mails.#.address"), `["a@b.example","c@d.example"]`)
	c.is(made.get("user.groups"), `["x","y"]`)
}

func TestXML(t *testing.T) {
	c := start(t, legacy.Options{Wire: legacy.XML, Mails: true, Latin1: true})
	c.header.Set("Content-Type", "application/xml")
	made := c.want(201, "POST", "/users", `<user><login>ada</login><first_name>Zoë &amp; &lt;Ada&gt;</first_name><personnel_no>7</personnel_no><mails><mail><kind>work</kind><address>a@b.example</address></mail></mails></user>`)
	if !strings.Contains(made.body, "<first_name>Zo\xeb &amp; &lt;Ada&gt;</first_name>") || !strings.Contains(made.body, `encoding="ISO-8859-1"`) {
		t.Errorf("got %s", made.body)
	}
	if list := c.want(200, "GET", "/users", ""); !strings.Contains(list.body, `<users limit="25" offset="0" total="1"><user>`) {
		t.Errorf("got %s", list.body)
	}
	c.want(422, "PATCH", "/users/11", `<user><personnel_no>x</personnel_no></user>`)
	c.want(400, "PATCH", "/users/11", `<user><personnel_no>`)
	c.want(200, "PATCH", "/users/11", `<user><status>locked</status><title/></user>`)
	c.is(fmt.Sprint(c.app.User("ada")["status"]), "locked")
	if missing := c.want(404, "GET", "/users/12", ""); !strings.Contains(missing.body, "<error><code>not_found</code><message>there is no such user</message></error>") {
		t.Errorf("got %s", missing.body)
	}
	c.want(201, "POST", "/groups", "<group><name>Staff</name></group>")
	c.want(204, "POST", "/groups/12/members", "<m><user_id>11</user_id></m>")
	if group := c.want(200, "GET", "/groups/12", ""); !strings.Contains(group.body, "<members><member><id>11</id><login>ada</login></member></members>") {
		t.Errorf("got %s", group.body)
	}
	c.want(204, "PUT", "/groups/12/members", "<m><user_ids></user_ids></m>")
	if logins, _ := c.app.Members("Staff"); len(logins) > 0 {
		t.Errorf("the members are %q", logins)
	}
}

func TestSOAP(t *testing.T) {
	c := start(t, legacy.Options{Wire: legacy.SOAP})
	c.header.Set("Content-Type", "text/xml; charset=utf-8")
	call := func(status int, name, params string) said {
		t.Helper()
		c.header["SOAPAction"] = []string{`"urn:example:legacy#` + name + `"`}
		return c.want(status, "POST", "/soap", `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><m:`+name+` xmlns:m="urn:example:legacy">`+params+`</m:`+name+`></e:Body></e:Envelope>`)
	}
	has := func(s said, part string) {
		t.Helper()
		if !strings.Contains(s.body, part) {
			t.Errorf("%s is not in %s", part, s.body)
		}
	}
	has(call(200, "UserCreate", "<m:user><m:login>ada</m:login></m:user>"), "<m:id>11</m:id>")
	has(call(500, "UserCreate", "<m:user><m:login>ada</m:login></m:user>"), "<faultstring>Login has already been taken</faultstring>")
	has(call(200, "UserFind", "<m:login>ada</m:login>"), `<m:Response><m:users limit="25" offset="0" total="1"><m:user>`)
	has(call(200, "UserGet", "<m:id>11</m:id>"), `<m:title xsi:nil="true"/>`)
	has(call(500, "UserGet", "<m:id>12</m:id>"), "<code>not_found</code>")
	call(200, "UserUpdate", "<m:id>11</m:id><m:user><m:status>locked</m:status></m:user>")
	call(200, "GroupCreate", "<m:group><m:name>Staff</m:name></m:group>")
	has(call(200, "GroupAdd", "<m:id>12</m:id><m:user_id>11</m:user_id>"), "<m:Response></m:Response>")
	has(call(200, "GroupGet", "<m:id>12</m:id>"), "<m:members><m:member><m:id>11</m:id>")
	call(200, "GroupRemove", "<m:id>12</m:id><m:user_id>11</m:user_id>")
	call(200, "UserDelete", "<m:id>11</m:id>")
	call(500, "UserExplode", "")
	c.header["SOAPAction"] = nil
	c.want(500, "POST", "/soap", `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><UserFind/></e:Body></e:Envelope>`)
}

func TestRPC(t *testing.T) {
	c := start(t, legacy.Options{Wire: legacy.RPC, SignIn: legacy.ByLogin, TokenUses: 3})
	call := func(method, params string) said {
		t.Helper()
		return c.want(200, "POST", "/rpc", `{"jsonrpc":"2.0","id":5,"method":"`+method+`","params":`+params+`}`)
	}
	c.is(call("user.find", "{}").get("error.code"), "-32001")
	c.is(call("session.open", `{"user":"scimgate","password":"wrong"}`).get("error.code"), "-32001")
	session := func() {
		c.header.Set("X-Session", call("session.open", `{"user":"scimgate","password":"`+legacy.Password+`"}`).get("result.token"))
	}
	session()
	c.is(call("user.create", `{"user":{"login":"ada"}}`).get("result.id"), "11")
	c.is(call("user.create", `{"user":{"login":"ada"}}`).get("error.message"), "Login has already been taken")
	c.is(call("user.find", `{"login":"ada","limit":5}`).get("result.users.0.login"), "ada")
	c.is(call("user.find", "{}").get("error.code"), "-32001")
	session()
	c.is(call("user.get", `{"id":12}`).get("error.code"), "-32004")
	c.is(call("user.update", `{"id":11,"user":{"status":"locked"}}`).get("result.status"), "locked")
	c.is(call("user.explode", `{"id":11}`).get("error.code"), "-32601")
	session()
	c.is(call("group.create", `{"group":{"name":"Staff"}}`).get("result.id"), "12")
	c.is(call("group.add", `{"id":12,"user_id":11}`).get("result"), "true")
	c.is(call("group.get", `{"id":12}`).get("result.members.0.login"), "ada")
	session()
	c.is(call("group.set", `{"id":12,"user_ids":[]}`).get("id"), "5")
	c.is(call("user.delete", `{"id":11}`).get("result"), "true")
	c.is(c.want(200, "POST", "/rpc", "[]").get("error.code"), "-32700")
}

func TestGraphQL(t *testing.T) {
	c := start(t, legacy.Options{Wire: legacy.GraphQL, Paging: legacy.ByCursor})
	call := func(query, variables string) said {
		t.Helper()
		return c.want(200, "POST", "/graphql", `{"query":"`+query+`","variables":`+variables+`}`)
	}
	const create, list = "mutation($i: CreateUserInput!) { createUser(input: $i) { id } }", "query($after: String) { users(first: 2, after: $after) { edges { node { id } } } }"
	c.is(call(create, `{"input":{"login":"ada"}}`).get("data.createUser.id"), "11")
	again := call(create, `{"input":{"login":"ada"}}`)
	c.is(again.get("errors.0.extensions.code"), "CONFLICT")
	c.is(again.get("data"), "")
	call(create, `{"input":{"login":"eve"}}`)
	call(create, `{"input":{"login":"joan"}}`)
	page := call(list, `{"first":2}`)
	c.is(page.get("data.users.edges.1.node.login"), "eve")
	c.is(page.get("data.users.pageInfo.hasNextPage"), "true")
	page = call(list, `{"first":2,"after":"`+page.get("data.users.pageInfo.endCursor")+`"}`)
	c.is(page.get("data.users.edges.0.node.login"), "joan")
	c.is(page.get("data.users.pageInfo.hasNextPage"), "false")
	c.is(call("query($id: ID!) { user(id: $id) { login } }", `{"id":11}`).get("data.user.login"), "ada")
	c.is(call("query($id: ID!) { user(id: $id) { login } }", `{"id":99}`).get("errors.0.extensions.code"), "NOT_FOUND")
	c.is(call("mutation($id: ID!, $input: U!) { updateUser(id: $id, input: $input) { login } }", `{"id":11,"input":{"status":"locked"}}`).get("data.updateUser.status"), "locked")
	c.want(200, "POST", "/graphql", `{"query":"query { deleteUser(id: 11) }"}`)
	c.is(call("query($id: ID!) { user(id: $id) { login } }", `{"id":11}`).get("data.user.login"), "ada")
}

func TestPutByName(t *testing.T) {
	c := start(t, legacy.Options{PutByName: true})
	c.want(404, "POST", "/users", `{"login":"ada"}`)
	c.is(c.want(201, "PUT", "/users/ada", `{"first_name":"Ada","theme":"dark"}`).get("id"), "ada")
	c.is(c.want(200, "PUT", "/users/ada", `{"first_name":"Eve"}`).get("theme"), "light")
	c.want(422, "PUT", "/users/ada", `{"login":"eve"}`)
	c.want(201, "POST", "/groups", `{"name":"Staff"}`)
	c.want(204, "POST", "/groups/11/members", `{"user_id":"ada"}`)
}

func TestSubstringHidesTheLocked(t *testing.T) {
	c := start(t, legacy.Options{Search: legacy.Substring, BriefRows: true})
	c.want(201, "POST", "/users", `{"login":"ada","mail":"countess@example.com"}`)
	c.want(201, "POST", "/users", `{"login":"ada.l","status":"locked"}`)
	c.is(c.want(200, "GET", "/users?q=COUNTESS", "").get("users.0.login"), "ada")
	c.is(c.want(200, "GET", "/users?q=ada", "").get("total"), "1")
	all := c.want(200, "GET", "/users?q=ada&status=all", "")
	c.is(all.get("total"), "2")
	if gjson.Get(all.body, "users.0.status").Exists() {
		t.Errorf("the rows have a status: %s", all.body)
	}
}

func TestErrorsIn200(t *testing.T) {
	c := start(t, legacy.Options{ErrorsIn200: true})
	c.is(c.want(200, "POST", "/users", `{"login":"ada"}`).get("data.id"), "11")
	c.is(c.want(200, "POST", "/users", `{"login":"ada"}`).get("code"), "conflict")
	c.is(c.want(200, "GET", "/users/12", "").get("ok"), "false")
}

func TestSentences(t *testing.T) {
	c := start(t, legacy.Options{Sentences: true})
	c.is(c.want(200, "POST", "/users", `{"login":"ada"}`).body, "OK 11\r\n")
	c.is(c.want(200, "POST", "/users", `{"login":"ada"}`).body, "ERR conflict Login has already been taken\r\n")
	c.is(c.want(200, "GET", "/users/11", "").get("login"), "ada")
	c.is(c.want(200, "GET", "/users/12", "").body, "ERR not_found there is no such user\r\n")
	c.is(c.want(200, "DELETE", "/users/11", "").body, "OK\r\n")
}

func TestWholeRecords(t *testing.T) {
	c := start(t, legacy.Options{Update: legacy.PutETag})
	c.want(201, "POST", "/users", `{"login":"ada","theme":"dark","title":"Countess"}`)
	tag := c.want(200, "GET", "/users/11", "").header.Get("ETag")
	c.want(428, "PUT", "/users/11", `{"login":"ada"}`)
	c.header.Set("If-Match", tag)
	c.is(c.want(200, "PUT", "/users/11", `{"login":"ada","theme":"dark"}`).get("title"), "")
	c.want(412, "PUT", "/users/11", `{"login":"ada"}`)
	c.want(404, "PATCH", "/users/11", `{"login":"ada"}`)

	c = start(t, legacy.Options{Update: legacy.PutVersion})
	c.is(c.want(201, "POST", "/users", `{"login":"ada"}`).get("version"), "1")
	c.want(409, "PUT", "/users/11", `{"login":"ada"}`)
	c.is(c.want(200, "PUT", "/users/11", `{"login":"ada","version":1,"id":11,"created_on":"then"}`).get("version"), "2")
}

func TestSteps(t *testing.T) {
	c := start(t, legacy.Options{InSteps: true})
	c.want(201, "POST", "/users", `{"login":"ada","password":"secret-8"}`)
	c.want(401, "POST", "/login", `{"login":"ada","password":"secret-8"}`)
	c.want(422, "PUT", "/users/11/role", `{"role":"king"}`)
	c.want(204, "PUT", "/users/11/role", `{"role":"agent"}`)
	c.want(204, "POST", "/staff", `{"user_id":11}`)
	c.want(204, "POST", "/login", `{"login":"ada","password":"secret-8"}`)
	c.is(c.want(200, "GET", "/staff", "").get("staff"), "[11]")
	c.want(204, "DELETE", "/staff/11", "")
	c.want(401, "POST", "/login", `{"login":"ada","password":"secret-8"}`)
}

func TestLockedByCall(t *testing.T) {
	c := start(t, legacy.Options{Status: legacy.ByCall})
	c.want(201, "POST", "/users", `{"login":"ada","password":"secret-8","status":"locked"}`)
	c.want(204, "POST", "/login", `{"login":"ada","password":"secret-8"}`)
	c.want(204, "POST", "/users/11/lock", "")
	c.want(401, "POST", "/login", `{"login":"ada","password":"secret-8"}`)
	c.is(c.want(200, "GET", "/users/11", "").get("status"), "locked")
	c.want(204, "POST", "/users/11/unlock", "")
	c.want(204, "POST", "/login", `{"login":"ada","password":"secret-8"}`)
}

func TestGroupsOnUsersAndRoles(t *testing.T) {
	c := start(t, legacy.Options{Groups: legacy.OnUsers})
	c.want(201, "POST", "/users", `{"login":"ada","groups":["Staff","Staff"]}`)
	c.want(201, "POST", "/groups", `{"name":"Staff"}`)
	c.want(200, "PATCH", "/groups/12", `{"name":"People"}`)
	c.is(c.want(200, "GET", "/users/11", "").get("groups"), `["People"]`)
	c.want(404, "POST", "/groups/12/members", `{"user_id":11}`)
	c.want(204, "DELETE", "/groups/12", "")
	c.is(c.want(200, "GET", "/users/11", "").get("groups"), `[]`)

	c = start(t, legacy.Options{Groups: legacy.Roles})
	c.is(c.want(201, "POST", "/users", `{"login":"ada"}`).get("role"), "none")
	c.want(422, "PATCH", "/users/11", `{"role":"king"}`)
	c.is(c.want(200, "PATCH", "/users/11", `{"role":"admin"}`).get("role"), "admin")
	c.want(404, "GET", "/groups", "")
	if logins, ok := c.app.Members("admin"); !ok || len(logins) != 1 {
		t.Errorf("the admins are %q", logins)
	}
}

func TestLag(t *testing.T) {
	c := start(t, legacy.Options{LagReads: 2})
	c.want(201, "POST", "/users", `{"login":"ada"}`)
	c.want(404, "GET", "/users/11", "")
	c.is(c.want(200, "GET", "/users?login=ada", "").get("total"), "0")
	c.is(c.want(200, "GET", "/users?login=ada", "").get("total"), "1")
	c.want(200, "PATCH", "/users/11", `{"status":"locked"}`)
	c.is(c.want(200, "GET", "/users/11", "").get("status"), "active")
	c.want(200, "PATCH", "/users/11", `{"title":"Countess"}`)
	c.is(c.want(200, "GET", "/users/11", "").get("status"), "active")
	c.is(c.want(200, "GET", "/users/11", "").get("status"), "active")
	c.is(c.want(200, "GET", "/users/11", "").get("status"), "locked")
	c.want(409, "POST", "/users", `{"login":"ada"}`)
	c.want(204, "DELETE", "/users/11", "")
	c.want(200, "GET", "/users/11", "")
	c.want(200, "GET", "/users/11", "")
	c.want(404, "GET", "/users/11", "")

	c = start(t, legacy.Options{Lag: 50 * time.Millisecond})
	c.want(201, "POST", "/users", `{"login":"ada"}`)
	for deadline := time.Now().Add(20 * time.Second); ; {
		s, err := c.try("GET", "/users/11", "")
		if err == nil && s.status == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("not there: %v %d", err, s.status)
		}
	}
}

func TestValues(t *testing.T) {
	c := start(t, legacy.Options{JoinedNames: true, Mails: true, UnixTimes: true, TextNumbers: true, Status: legacy.Inverted, LocationOnly: true})
	made := c.want(201, "POST", "/users", `{"login":"ada","full_name":"Ada Lovelace","personnel_no":"007","locked":true,"mails":[{"kind":"work","address":"a@b.example"}]}`)
	c.is(made.body, "")
	read := c.want(200, "GET", made.header.Get("Location"), "")
	c.is(gjson.Get(read.body, "id").Raw, `"11"`)
	c.is(read.get("personnel_no"), "007")
	c.is(read.get("mails.0.verified"), "false")
	if created := gjson.Get(read.body, "created_on"); created.Type != gjson.Number || time.Since(time.Unix(created.Int(), 0)) > time.Minute {
		t.Errorf("created is %s", created.Raw)
	}
	for status, body := range map[legacy.Status]string{legacy.Number: `{"login":"x","status":3}`, legacy.YesNo: `{"login":"x","enabled":"N"}`, legacy.Word: `{"login":"x","status":"locked"}`} {
		c := start(t, legacy.Options{Status: status})
		c.want(201, "POST", "/users", strings.Replace(body, "{", `{"password":"secret-8",`, 1))
		c.want(401, "POST", "/login", `{"login":"x","password":"secret-8"}`)
	}
}

func TestVagueMembers(t *testing.T) {
	c := start(t, legacy.Options{VagueMembers: true})
	c.want(201, "POST", "/users", `{"login":"ada"}`)
	c.want(201, "POST", "/groups", `{"name":"Staff"}`)
	c.want(204, "POST", "/groups/12/members", `{"user_id":11}`)
	again := c.want(422, "POST", "/groups/12/members", `{"user_id":11}`)
	c.is(c.want(422, "POST", "/groups/12/members", `{"user_id":99}`).body, again.body)
	c.want(204, "DELETE", "/groups/12/members/99", "")
}

func TestSignIn(t *testing.T) {
	c := start(t, legacy.Options{SignIn: legacy.ByCookie, TokenUses: 1})
	if page := c.want(200, "GET", "/users", ""); !strings.Contains(page.body, "Please sign in") {
		t.Errorf("got %s", page.body)
	}
	cookie := c.want(204, "POST", "/session", `{"user":"scimgate","password":"`+legacy.Password+`"}`).header.Get("Set-Cookie")
	c.header.Set("Cookie", strings.Split(cookie, ";")[0])
	c.is(c.want(200, "GET", "/users", "").get("total"), "0")
	c.is(c.want(200, "GET", "/users", "").get("total"), "")

	c = start(t, legacy.Options{SignIn: legacy.ByOAuth})
	c.want(401, "GET", "/users", "")
	c.header.Set("Content-Type", "application/x-www-form-urlencoded")
	c.want(400, "POST", "/oauth/token", "grant_type=client_credentials")
	token := c.want(200, "POST", "/oauth/token", "grant_type=client_credentials&client_id=scimgate&client_secret="+legacy.Password).get("access_token")
	c.header.Set("Authorization", "Bearer "+token)
	c.want(200, "GET", "/users", "")
	c.app.EndSessions()
	c.want(401, "GET", "/users", "")

	c = start(t, legacy.Options{SignIn: legacy.ByQuery})
	c.want(401, "GET", "/users", "")
	c.want(200, "GET", "/users?key="+legacy.Key, "")

	c = start(t, legacy.Options{SignIn: legacy.ByHMAC})
	c.want(401, "GET", "/users", "")
	const body = `{"login":"ada"}`
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	sum := sha256.Sum256([]byte(body))
	mac := hmac.New(sha256.New, []byte(legacy.Secret))
	fmt.Fprintf(mac, "POST\n/users\n%s\nnonce-1\n%s", stamp, hex.EncodeToString(sum[:]))
	c.header = http.Header{"Content-Type": {"application/json"}, "X-Timestamp": {stamp}, "X-Nonce": {"nonce-1"}, "X-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
	c.want(401, "POST", "/users", `{"login":"eve"}`)
	c.want(201, "POST", "/users", body)
	c.want(401, "POST", "/users", body) // the nonce is used up
}

func TestSearches(t *testing.T) {
	c := start(t, legacy.Options{Search: legacy.Exact})
	c.want(201, "POST", "/users", `{"login":"Ada"}`)
	c.is(c.want(200, "GET", "/users?login=Ada", "").get("total"), "1")
	c.is(c.want(200, "GET", "/users?login=ada", "").get("total"), "0")
	c.want(409, "POST", "/users", `{"login":"ada"}`)

	c = start(t, legacy.Options{Search: legacy.NoSearch, Seed: 3})
	c.is(c.want(200, "GET", "/users?login=nobody", "").get("total"), "3")
}

func TestDeafAndSilent(t *testing.T) {
	c := start(t, legacy.Options{DeafToLocks: true})
	c.want(201, "POST", "/users", `{"login":"ada","password":"secret-8"}`)
	c.is(c.want(200, "PATCH", "/users/11", `{"status":"locked","title":"x"}`).get("status"), "active")
	c.want(204, "POST", "/login", `{"login":"ada","password":"secret-8"}`)

	c = start(t, legacy.Options{SilentOnStatus: true})
	c.want(201, "POST", "/users", `{"login":"ada","password":"secret-8","status":"locked"}`)
	if read := c.want(200, "GET", "/users/11", ""); gjson.Get(read.body, "status").Exists() {
		t.Errorf("the status is shown: %s", read.body)
	}
	c.want(401, "POST", "/login", `{"login":"ada","password":"secret-8"}`)
}
