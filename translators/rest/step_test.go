package rest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// testTranslator is one with a secret.
func testTranslator() *Translator {
	return &Translator{Config: Config{URL: "https://app.example.com/api/", Secrets: map[string]string{"tenant": "t&1"}}}
}

// testKind are users with a few attributes, or groups.
func testKind(t testing.TB, block string) *kind {
	t.Helper()
	full, config := scim.UserType(), &ResourceConfig{
		IDIsNumber: true,
		Maps: []MapConfig{
			{MapConfig: translators.MapConfig{Path: "userName", Fields: []string{"login"}}},
			{MapConfig: translators.MapConfig{Path: "name.givenName", Fields: []string{"name.first"}}},
			{MapConfig: translators.MapConfig{Path: `emails[type eq "work"].value`, Fields: []string{"mail"}}},
			{MapConfig: translators.MapConfig{Path: "title", Fields: []string{"title"}, Private: true}},
			{MapConfig: translators.MapConfig{Path: "password", Fields: []string{"password"}}},
			{MapConfig: translators.MapConfig{Path: "active", Fields: []string{"active"}}},
		},
		Values: []NamedExpression{{"initial", "resource.userName.substring(0, 1)"}, {"broken", "id.x.y"}},
	}
	if block == blockGroups {
		full, config = scim.GroupType(), &ResourceConfig{
			Maps: []MapConfig{{MapConfig: translators.MapConfig{Path: "displayName", Fields: []string{"name"}}}},
		}
	}
	config.Calls = map[Operation][]CallConfig{OpRead: {{Method: "GET", URL: "/x/{id}"}}}
	k, err := newKind(testTranslator(), config, block, full)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// testStep compiles a call; the number of its operation may stand before it: 2 create POST /.
func testStep(t testing.TB, k *kind, text string, d CallDefaults) (*step, error) {
	t.Helper()
	number := 1
	if _, err := fmt.Sscanf(text, "%d ", &number); err == nil {
		_, text, _ = strings.Cut(text, " ")
	}
	c, err := readCall(text)
	if err != nil {
		t.Fatal(err)
	}
	op, _, _ := strings.Cut(text, " ")
	return newStep(k, Operation(op), number, c, d)
}

// given are fields, written path=JSON; a mask stands behind a bar.
func given(t testing.TB, fields ...string) []fieldValue {
	t.Helper()
	var all []fieldValue
	for _, f := range fields {
		path, raw, _ := strings.Cut(f, "=")
		raw, mask, _ := strings.Cut(raw, "|")
		p, err := document.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fieldValue{p, raw, mask})
	}
	return all
}

// ada is a user.
func ada(k *kind) *scim.Resource {
	r := scim.NewResource(k.mapping.Type)
	r.ID = "7"
	set := func(name string, v scim.Value) { r.Set(r.Type.Attribute(name), v) }
	set("userName", scim.String(`ada & "co"`))
	set("title", scim.String("Countess"))
	set("password", scim.String("hunter2!"))
	emails := r.Type.Attribute("emails")
	set("emails", scim.List(scim.Complex(scim.Field{Attribute: emails.Sub("type"), Value: scim.String("work")},
		scim.Field{Attribute: emails.Sub("value"), Value: scim.String("ada@example.com")})))
	return r
}

// text is a request as it goes out, without Accept where it is that for JSON.
func (l *lookup) text() (string, error) {
	r, err := l.request()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
	var names []string
	for name := range r.Header {
		if name != "Accept" || r.Header.Get(name) != "application/json" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, r.Header.Get(name))
	}
	return b.String() + string(r.Body), nil
}

func TestRequests(t *testing.T) {
	users := testKind(t, blockUsers)
	record := gjson.Parse(`{"id":7,"login":"ada","name":{"first":"A","last":"L"},"api_key":"k-e-y","n":1e400,"tags":["x","y"]}`)
	changed := given(t, `name.first="Ada"`, `mail="a@b.c"`, `password="hunter2!"|********`)
	prior := []*answer{{status: 201, doc: gjson.Parse(`{"data":{"token":"t/1","n":5}}`), id: "9"}}
	tests := map[string]struct {
		text     string
		defaults CallDefaults
		with     scope
		want     string
		printed  string // "": as want, behind the address
	}{
		"search": {"search GET /users.json?name={userName}&status=", CallDefaults{},
			scope{attribute: scim.Target{Attribute: users.mapping.Type.Attribute("userName")}, value: scim.String("a&b c/ü")},
			"GET /users.json?name=a%26b%20c%2F%C3%BC&status=\n", ""},
		"read":               {"read GET /users/{id}", CallDefaults{}, scope{id: "7"}, "GET /users/7\n", ""},
		"an id with a slash": {"read GET /users/{id}", CallDefaults{}, scope{id: "a/b?c"}, "GET /users/a%2Fb%3Fc\n", ""},
		"create": {"create POST /users", CallDefaults{}, scope{fields: changed},
			"POST /users\nContent-Type: application/json\n" + `{"name":{"first":"Ada"},"mail":"a@b.c","password":"hunter2!"}`,
			"POST /users\nContent-Type: application/json\n\n" + `{"name":{"first":"Ada"},"mail":"a@b.c","password":"********"}`},
		"create below item": {"create POST /users", CallDefaults{Item: "data.user"}, scope{fields: given(t, `login="ada"`)},
			"POST /users\nContent-Type: application/json\n" + `{"data":{"user":{"login":"ada"}}}`, "\n"},
		"create, item is all": {"create POST /users {\n item .\n}", CallDefaults{Item: "user"}, scope{fields: given(t, `login="ada"`)},
			"POST /users\nContent-Type: application/json\n" + `{"login":"ada"}`, "\n"},
		"create without": {"create POST /users {\n without mail name.first\n}", CallDefaults{}, scope{fields: given(t, `login="ada"`, `mail="x"`)},
			"POST /users\nContent-Type: application/json\n" + `{"login":"ada"}`, "\n"},
		"create as a form": {"create POST /users", CallDefaults{Item: "user", Body: "form"},
			scope{fields: given(t, `login="a&b=c"`, `name.first="Ü"`, `roles=["x","y"]`, `mails=[{"a":"1"},{"a":true}]`, `none=[]`, `gone=null`, `n=1.50`, `password="p"|********`)},
			"POST /users\nContent-Type: application/x-www-form-urlencoded\n" +
				"user[login]=a%26b%3Dc&user[name][first]=%C3%9C&user[roles][]=x&user[roles][]=y&user[mails][0][a]=1&user[mails][1][a]=true&user[none][]=&user[gone]=&user[n]=1.50&user[password]=p",
			"POST /users\nContent-Type: application/x-www-form-urlencoded\n\n" +
				"user[login]=a%26b%3Dc&user[name][first]=%C3%9C&user[roles][]=x&user[roles][]=y&user[mails][0][a]=1&user[mails][1][a]=true&user[none][]=&user[gone]=&user[n]=1.50&user[password]=********"},
		"create as a dotted form": {"create POST /users", CallDefaults{Item: "user", Body: "form", Nesting: "dotted"},
			scope{fields: given(t, `name.first="Ada"`, `roles=["x","y"]`, `mails=[{"a":"1"}]`)},
			"POST /users\nContent-Type: application/x-www-form-urlencoded\nuser.name.first=Ada&user.roles=x&user.roles=y&user.mails[0].a=1", "\n"},
		"update changed": {"update PATCH /users/{id}", CallDefaults{}, scope{id: "7", fields: changed[:2], record: record},
			"PATCH /users/7\nContent-Type: application/json\n" + `{"name":{"first":"Ada"},"mail":"a@b.c"}`, "\n"},
		"update whole": {"update PUT /users/{id} {\n without api_key\n}", CallDefaults{}, scope{id: "7", fields: changed, record: record},
			"PUT /users/7\nContent-Type: application/json\n" + `{"id":7,"login":"ada","name":{"first":"Ada","last":"L"},"n":1e400,"tags":["x","y"],"mail":"a@b.c","password":"hunter2!"}`,
			"PUT /users/7\nContent-Type: application/json\n\n" + `{"name":{"first":"Ada"},"mail":"a@b.c","password":"********","…":"as it was read"}`},
		"PUT of what changes": {"update PUT /users/{id} {\n send changed\n}", CallDefaults{}, scope{id: "7", fields: changed[1:2]},
			"PUT /users/7\nContent-Type: application/json\n" + `{"mail":"a@b.c"}`, "\n"},
		"a field of a whole record": {"update PUT /users/{id} {\n body xml `<u a=\"{field.login}\"><f>{field.name.first}</f><t>{field.title?}</t></u>`\n}", CallDefaults{},
			scope{id: "7", fields: changed[:1], record: record},
			"PUT /users/7\nAccept: application/xml, text/xml\nContent-Type: text/xml; charset=utf-8\n<u a=\"ada\"><f>Ada</f></u>",
			"PUT /users/7\nContent-Type: text/xml; charset=utf-8\n\n<u a=\"ada\"><f>Ada</f><t>{record.title}</t></u>"},
		"a secret field": {"update PATCH /users/{id} {\n body json `{\"p\": {field.password}}`\n}", CallDefaults{}, scope{id: "7", fields: changed},
			"PATCH /users/7\nContent-Type: application/json\n" + `{"p":"hunter2!"}`, "PATCH /users/7\nContent-Type: application/json\n\n" + `{"p":********}`},
		"values in SCIM": {"create POST /users {\n body json `{\"l\": {userName}, \"text\": \"<{title}>\", \"m\": {emails[type eq \"work\"].value}, \"p\": {password}}`\n}", CallDefaults{}, scope{resource: ada(users)},
			"POST /users\nContent-Type: application/json\n" + `{"l":"ada & \"co\"","text":"<Countess>","m":"ada@example.com","p":"hunter2!"}`,
			"POST /users\nContent-Type: application/json\n\n" + `{"l":"ada & \"co\"","text":"<{private}>","m":"ada@example.com","p":********}`},
		"a SOAP envelope": {"read POST /soap {\n answer xml\n header SOAPAction `\"urn:get\"`\n body xml `<Envelope><Body><get id=\"{id}\"/></Body></Envelope>`\n}", CallDefaults{}, scope{id: "7"},
			"POST /soap\nAccept: application/xml, text/xml\nContent-Type: text/xml; charset=utf-8\nSoapaction: \"urn:get\"\n<Envelope><Body><get id=\"7\"/></Body></Envelope>", ""},
		"JSON-RPC": {"read POST /rpc {\n body json `{\"method\": \"get\", \"params\": {\"id\": {id}, \"s\": \"{id}\"}}`\n}", CallDefaults{}, scope{id: "7"},
			"POST /rpc\nContent-Type: application/json\n" + `{"method":"get","params":{"id":7,"s":"7"}}`, "\n"},
		"a form template": {"disable POST /users/{id}/lock {\n body form `by={record.login}&why=left&not={title?}`\n}", CallDefaults{},
			scope{id: "7", record: gjson.Parse(`{"login":"a&b"}`)},
			"POST /users/7/lock\nContent-Type: application/x-www-form-urlencoded\nby=a%26b&why=left", "\nby=a%26b&why=left&not={title}"},
		"text": {"disable POST /users/{id}/lock {\n body text `lock {id}`\n}", CallDefaults{}, scope{id: "7"},
			"POST /users/7/lock\nContent-Type: text/plain; charset=utf-8\nlock 7", "\n"},
		"another charset": {"disable POST /users/{id}/lock {\n header Content-Type \"application/xml; charset=iso-8859-1\"\n body xml `<u>{record.login}</u>`\n}", CallDefaults{},
			scope{id: "7", record: gjson.Parse(`{"login":"ü"}`)},
			"POST /users/7/lock\nAccept: application/xml, text/xml\nContent-Type: application/xml; charset=iso-8859-1\n<u>\xfc</u>",
			"\n<u>ü</u>"},
		"no body": {"disable POST /users/{id}/lock", CallDefaults{}, scope{id: "7"}, "POST /users/7/lock\n", ""},
		"headers and parameters": {"read GET /users/{id} {\n header X-B own\n header X-C \"{id} {secret.tenant}\"\n query tenant {secret.tenant}\n query b own\n query \"c d\" \"e f\"\n}",
			CallDefaults{Header: []Parameter{{"X-A", "all"}, {"x-b", "all"}}, Query: []Parameter{{"a", "all"}, {"b", "all"}}}, scope{id: "7"},
			"GET /users/7?a=all&tenant=t%261&b=own&c+d=e+f\nX-A: all\nX-B: own\nX-C: 7 t&1\n",
			"GET /users/7?a=all&tenant=********&b=own&c+d=e+f\nX-A: all\nX-B: own\nX-C: 7 ********"},
		"a parameter without a value": {"disable GET /lock?id={id} {\n query by {record.by?}\n header X-By {record.by?}\n}", CallDefaults{}, scope{id: "7", record: gjson.Parse("{}")}, "GET /lock?id=7\n",
			"GET /lock?id=7&by={record.by}\nX-By: {record.by}"},
		"what an earlier call told": {"2 create PUT /users/{1.id}/x?t={1.data.token} {\n body json `{\"id\": {1.id}, \"n\": {1.data.n}}`\n}", CallDefaults{}, scope{prior: prior},
			"PUT /users/9/x?t=t%2F1\nContent-Type: application/json\n" + `{"id":9,"n":5}`,
			"PUT /users/{1.id}/x?t={1.data.token}\nContent-Type: application/json\n\n" + `{"id":{1.id},"n":{1.data.n}}`},
		"if it has not changed": {"update PATCH /users/{id} {\n if_match\n}", CallDefaults{}, scope{id: "7", etag: `W/"3"`, fields: changed[1:2]},
			"PATCH /users/7\nContent-Type: application/json\nIf-Match: W/\"3\"\n" + `{"mail":"a@b.c"}`, "\n"},
		"a named value": {"update PATCH /users/{id} {\n body json `{\"i\": {initial}}`\n}", CallDefaults{}, scope{id: "7", resource: ada(users), record: gjson.Parse(`{}`)},
			"PATCH /users/7\nContent-Type: application/json\n" + `{"i":"a"}`, "\n"},
		"the first page by offset":                       {"list GET /users", CallDefaults{Page: &PageConfig{By: "offset", Limit: "limit", Size: 50}}, scope{}, "GET /users?offset=0&limit=50\n", ""},
		"the first page by number":                       {"list GET /users?x=", CallDefaults{Page: &PageConfig{By: "number", Parameter: "p"}}, scope{}, "GET /users?x=&p=1\n", ""},
		"the first page by cursor":                       {"list GET /users", CallDefaults{Page: &PageConfig{By: "cursor", Next: "next"}}, scope{}, "GET /users\n", ""},
		"a later page by cursor":                         {"list GET /users", CallDefaults{Page: &PageConfig{By: "cursor", Next: "next"}}, scope{page: &position{cursor: "a&b"}}, "GET /users?cursor=a%26b\n", ""},
		"a page behind a query of which nothing is left": {"list GET /users?c={page.cursor?}", CallDefaults{Page: &PageConfig{By: "cursor", Next: "next", Limit: "limit", Size: 50}}, scope{}, "GET /users?limit=50\n", "GET /users?c={page.cursor}&limit=50"},
		"a # and blanks in a query":                      {"update PUT \"/users/{id}?q=a b {record.r.#(t==x).v?}\" {\n body none\n}", CallDefaults{}, scope{id: "5", record: gjson.Parse(`{"r":[{"t":"x","v":"y z"}]}`)}, "PUT /users/5?q=a%20b%20y%20z\n", "PUT /users/5?q=a%20b%20{record.r.#(t==x).v}"},
		"a page in the body": {"list POST /find {\n page offset\n body json `{\"from\": {page.offset}, \"n\": {page.limit}}`\n}", CallDefaults{}, scope{page: &position{offset: 20, limit: 10}},
			"POST /find\nContent-Type: application/json\n" + `{"from":20,"n":10}`, "\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := testStep(t, users, test.text, test.defaults)
			if err != nil {
				t.Fatal(err)
			}
			got, err := (&lookup{t: testTranslator(), s: s, with: &test.with}).text()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			printed := s.print(testTranslator(), &test.with)
			printed = strings.Replace(printed, " https://app.example.com/api/", " /", 1)
			printed = strings.Replace(printed, "Accept: application/json\n", "", 1)
			printed = strings.TrimSuffix(strings.Replace(printed, "Accept: application/xml, text/xml\n", "", 1), "\nAccept: application/json")
			head, body, _ := strings.Cut(strings.Replace(test.want, "Accept: application/xml, text/xml\n", "", 1), "\n{")
			want := test.printed
			switch {
			case want == "": // the same
				want = strings.TrimSuffix(strings.Replace(head, "\n<", "\n\n<", 1), "\n")
			case want == "\n": // the same with a body
				if want = head + "\n\n{" + body; body == "" {
					i := strings.LastIndexByte(head, '\n')
					want = head[:i] + "\n" + head[i:]
				}
			case strings.HasPrefix(want, "\n"): // another body
				if body == "" {
					head = head[:strings.LastIndexByte(head, '\n')]
				}
				want = head + "\n" + want
			}
			if diff := cmp.Diff(want, printed); diff != "" {
				t.Errorf("printed: %s", diff)
			}
		})
	}
}

// TestRequestsOfGroups: members are written as the application refers to them.
func TestRequestsOfGroups(t *testing.T) {
	groups, users := testKind(t, blockGroups), testKind(t, blockUsers)
	member := &translators.Entry{Resource: ada(users)}
	tests := map[string]struct {
		text string
		with scope
		want string
	}{
		"add": {"add_member POST /groups/{id}/members {\n body json `{\"user\": {member.id}, \"name\": {member.userName}}`\n}",
			scope{id: "5", member: member, membersAreNumbers: true}, `POST /groups/5/members {"user":7,"name":"ada & \"co\""}`},
		"add, ids are texts": {"add_member POST /groups/{id}/members {\n body json `{\"user\": {member.id}}`\n}",
			scope{id: "5", member: member}, `POST /groups/5/members {"user":"7"}`},
		"remove": {"remove_member DELETE /groups/{id}/members/{member.userName}", scope{id: "5", member: member}, "DELETE /groups/5/members/ada%20%26%20%22co%22 "},
		"set":    {"set_members PUT /groups/{id} {\n body json `{\"ids\": {members}}`\n}", scope{id: "5", members: []string{"1", "2"}, membersAreNumbers: true}, `PUT /groups/5 {"ids":[1,2]}`},
		"empty":  {"set_members PUT /groups/{id} {\n body json `{\"ids\": {members}}`\n}", scope{id: "5"}, `PUT /groups/5 {"ids":[]}`},
		"names":  {"set_members PUT /groups/{id} {\n body json `{\"names\": {members}}`\n}", scope{id: "5", members: []string{"a", `"`}}, `PUT /groups/5 {"names":["a","\""]}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := testStep(t, groups, test.text, CallDefaults{})
			if err != nil {
				t.Fatal(err)
			}
			r, err := (&lookup{t: testTranslator(), s: s, with: &test.with}).request()
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Method + " " + r.URL + " " + string(r.Body); got != test.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

// TestRequestsThatCannotBe: a value that is missing, or that can't be sent, is an error and
// no other request.
func TestRequestsThatCannotBe(t *testing.T) {
	users := testKind(t, blockUsers)
	tests := map[string]struct {
		text string
		with scope
	}{
		"no id":                    {"read GET /users/{id}", scope{}},
		"an id that is dots":       {"read GET /users/{id}", scope{id: ".."}},
		"no value":                 {"create POST /users {\n body json `{\"t\": {title}}`\n}", scope{resource: scim.NewResource(users.mapping.Type)}},
		"no answer":                {"2 create POST /x/{1.id}", scope{prior: []*answer{nil}}},
		"no record":                {"update PUT /users/{id}", scope{id: "7", fields: given(t, `mail="x"`)}},
		"not of the charset":       {"disable POST /users/{id} {\n header Content-Type \"text/plain; charset=iso-8859-1\"\n body text `{record.login}`\n}", scope{id: "7", record: gjson.Parse(`{"login":"ж"}`)}},
		"a line end in a header":   {"disable POST /users/{id} {\n header X-Login {record.login}\n}", scope{id: "7", record: gjson.Parse(`{"login":"a\r\nX-Admin: 1"}`)}},
		"an expression that fails": {"update PATCH /users/{id} {\n body json `{\"i\": {broken}}`\n}", scope{id: "7"}},
		"another attribute":        {"search GET /users?name={userName}", scope{attribute: scim.Target{Attribute: users.mapping.Type.Attribute("title")}, value: scim.String("x")}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := testStep(t, users, test.text, CallDefaults{})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := (&lookup{t: testTranslator(), s: s, with: &test.with}).text(); err == nil {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestNewStepRefuses(t *testing.T) {
	users, groups := testKind(t, blockUsers), testKind(t, blockGroups)
	tests := map[string]struct {
		text     string
		defaults CallDefaults
		want     string
	}{
		"a host":                        {"read GET https://x/{id}", CallDefaults{}, "names a host: write the path alone"},
		"a host without a scheme":       {"read GET //x/{id}", CallDefaults{}, "names a host"},
		"no slash":                      {"read GET users/{id}", CallDefaults{}, "has to begin with a slash: /users/{id}"},
		"a fragment":                    {"read GET /users#{id}", CallDefaults{}, "has a fragment"},
		"a blank":                       {"read GET \"/my users/{id}\"", CallDefaults{}, "write %20"},
		"no id":                         {"read GET /users", CallDefaults{}, "does not say which resource: put {id}"},
		"update without an id":          {"update PUT /users", CallDefaults{}, "does not say which resource"},
		"nothing to look for":           {"search GET /users", CallDefaults{}, "names no attribute to look for"},
		"an unknown name":               {"search GET /users?x={userNmae}", CallDefaults{}, "do you mean userName?"},
		"an attribute that is unmapped": {"search GET /users?x={nickName}", CallDefaults{}, "the attribute is not mapped: add map nickName"},
		"id of create":                  {"create POST /users/{id}", CallDefaults{}, "of a later call it is {1.id}"},
		"an attribute of read":          {"read GET /users/{id}/{userName}", CallDefaults{}, "read has no such value: there are {id}"},
		"an earlier answer":             {"create POST /users/{1.id}", CallDefaults{}, "no call of create was made before this one"},
		"a later answer":                {"2 create POST /users/{2.id}", CallDefaults{}, "call 2 of create is not made before this one: there is the answer of call 1"},
		"no value of an answer":         {"2 create POST /users/{1}", CallDefaults{}, "say which value of the answer: {1.id}"},
		"fields of disable":             {"disable POST /users/{id} {\n body json {fields}\n}", CallDefaults{}, "only create, update and password have fields"},
		"a field that is none":          {"update PUT /users/{id} {\n body json {field.lgin}\n}", CallDefaults{}, "no attribute is mapped to lgin: there are login, name.first"},
		"the record of create":          {"create POST /users {\n body json {record.x}\n}", CallDefaults{}, "create has no record"},
		"a member of read":              {"read GET /users/{id}/{member.id}", CallDefaults{}, "only add_member and remove_member have one"},
		"an attribute no member has":    {"add_member POST /groups/{id}/{member.userNmae}", CallDefaults{}, "do you mean userName?"},
		"a page of read":                {"read GET /users/{id}?o={page.offset}", CallDefaults{}, "only search, list and members have pages"},
		"a page of no kind":             {"list GET /users?o={page.offest} {\n page offset\n}", CallDefaults{}, "there are page.offset"},
		"a page without paging":         {"list GET /users?o={page.offset}", CallDefaults{}, "nothing says how the list goes on"},
		"pages of create":               {"create POST /users {\n page none\n}", CallDefaults{}, "create has no pages"},
		"an unknown secret":             {"read GET /users/{id}?t={secret.tenent}", CallDefaults{}, "add secret tenent"},
		"a template":                    {"read GET /users/{id", CallDefaults{}, "the URL"},
		"a body of GET":                 {"read GET /users/{id} {\n body json {id}\n}", CallDefaults{}, "GET has no body"},
		"XML without a template":        {"create POST /users {\n body xml\n}", CallDefaults{}, "body xml needs a template"},
		"fields nobody knows where":     {"create POST /users", CallDefaults{Item: "users.0"}, "can't be told from item users.0"},
		"send of create":                {"create POST /users {\n send whole\n}", CallDefaults{}, "send is for update"},
		"send of no kind":               {"update PUT /users/{id} {\n send all\n}", CallDefaults{}, "there are changed and whole"},
		"without of delete":             {"delete DELETE /users/{id} {\n without x\n}", CallDefaults{}, "without is for create and update"},
		"without, a list":               {"update PUT /users/{id} {\n without a.#.b\n}", CallDefaults{}, "only a path of names can be left out"},
		"a charset":                     {"create POST /users {\n header Content-Type \"text/plain; charset=x-y\"\n}", CallDefaults{}, "the charset x-y is not known"},
		"a form's charset":              {"create POST /users {\n body form\n header Content-Type \"application/x-www-form-urlencoded; charset=iso-8859-1\"\n}", CallDefaults{}, "forms are sent in UTF-8"},
		"a path":                        {"read GET /users/{id} {\n item a..b\n}", CallDefaults{}, "item a..b"},
		"an error's path":               {"read GET /users/{id} {\n error a..b\n}", CallDefaults{}, "error a..b"},
		"a page's path":                 {"list GET /users {\n page offset {\n total a..b\n }\n}", CallDefaults{}, "total a..b"},
		"the id of read":                {"read GET /users/{id} {\n id x\n}", CallDefaults{}, "id and id_header are for create"},
		"into of the first":             {"read GET /users/{id} {\n into x\n}", CallDefaults{}, "into is for the second call of read"},
		"an expression":                 {"disable POST /users/{id} {\n when `record.`\n}", CallDefaults{}, "when: "},
		"a judgement's expression":      {"read GET /users/{id} {\n failed when `boddy.ok`\n}", CallDefaults{}, "failed: when: "},
		"a member who is not named":     {"add_member POST /groups/{id}/members", CallDefaults{}, "put {member.id}"},
		"members who are not sent":      {"set_members PUT /groups/{id}", CallDefaults{}, "put {members} into its body"},
		"undo":                          {"create POST /users {\n undo DELETE users/{1.id}\n}", CallDefaults{}, "undo: the URL users/{1.id} has to begin with a slash"},
		"a verdict of JSON":             {"read GET /users/{id}", CallDefaults{Judgements: []Judgement{{Verdict: "fine", Text: "x"}}}, "there is no verdict fine"},
		"a judgement of JSON":           {"read GET /users/{id}", CallDefaults{Judgements: []Judgement{{Verdict: "failed"}}}, "say of which answers"},
		"an answer of JSON":             {"read GET /users/{id}", CallDefaults{Answer: "yaml"}, "there is no answer yaml"},
		"a body of JSON":                {"create POST /users", CallDefaults{Body: "yaml"}, "there is no body yaml"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := users
			if strings.Contains(test.text, "member") && !strings.HasPrefix(test.text, "read") {
				k = groups
			}
			_, err := testStep(t, k, test.text, test.defaults)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestStepsTell: what the operations have to know of a call.
func TestStepsTell(t *testing.T) {
	users := testKind(t, blockUsers)
	tests := map[string]struct {
		text        string
		attributes  string
		needsRecord bool
	}{
		"one attribute":        {"search GET /users?name={userName}", "userName", false},
		"two":                  {"search GET /users?name={userName}&mail={emails.value}", "userName emails.value", false},
		"of a kind":            {"search GET `/users?mail={emails[type eq \"work\"].value}`", "emails.value", false},
		"a whole record":       {"update PUT /users/{id}", "", true},
		"what changes":         {"update PATCH /users/{id}", "", false},
		"a value of it":        {"disable POST /users/{id}?l={record.login}", "", true},
		"one in an expression": {"disable POST /users/{id} {\n when `record.kind == 1`\n}", "", true},
		"its version":          {"delete DELETE /users/{id} {\n if_match\n}", "", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := testStep(t, users, test.text, CallDefaults{})
			if err != nil {
				t.Fatal(err)
			}
			var attributes []string
			for _, a := range s.attributes() {
				attributes = append(attributes, a.String())
			}
			if got := strings.Join(attributes, " "); got != test.attributes {
				t.Errorf("attributes %s", got)
			}
			if s.needsRecord() != test.needsRecord {
				t.Errorf("needs a record: %t", s.needsRecord())
			}
		})
	}
}

// TestDue: a call is made where its when is true, and an update that has something to send.
func TestDue(t *testing.T) {
	users := testKind(t, blockUsers)
	fields := given(t, `name.first="Ada"`)
	tests := map[string]struct {
		text string
		with scope
		want bool
	}{
		"always":             {"disable POST /users/{id}", scope{}, true},
		"a field is written": {"update PUT /users/{id}/name {\n send changed\n when `\"name\" in fields`\n}", scope{fields: fields}, true},
		"another is":         {"update PUT /users/{id}/role {\n send changed\n when `\"role\" in fields`\n}", scope{fields: fields}, false},
		"of the record":      {"disable POST /users/{id} {\n when `record.kind == 1`\n}", scope{record: gjson.Parse(`{"kind":1}`)}, true},
		"of the resource":    {"create POST /users {\n when `resource.title == \"Countess\"`\n}", scope{resource: ada(users)}, true},
		"an earlier call":    {"2 create POST /users {\n when `answers[0].status == 201 && answers[0].body.x`\n}", scope{prior: []*answer{{status: 201, doc: gjson.Parse(`{"x":true}`)}}}, true},
		"an answer to come":  {"2 create POST /users {\n when `answers[0].status == 201`\n}", scope{}, true},
		"an id to come":      {"2 create POST /users {\n when `id.startsWith(\"7\")`\n}", scope{}, true},
		"a record to come":   {"disable POST /users/{id} {\n when `record.kind == 1`\n}", scope{id: "7"}, true},
		"one not made":       {"2 create POST /users {\n when `answers[0] != null`\n}", scope{prior: []*answer{nil}}, false},
		"nothing is left":    {"update PATCH /users/{id} {\n without name.first\n}", scope{fields: fields}, false},
		"something is":       {"update PATCH /users/{id} {\n without name.last\n}", scope{fields: fields}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := testStep(t, users, test.text, CallDefaults{})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := testTranslator().due(s, &test.with); got != test.want || err != nil {
				t.Errorf("got %t, %v", got, err)
			}
		})
	}
	s, err := testStep(t, users, "disable POST /users/{id} {\n when `record.kind.x == 1`\n}", CallDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testTranslator().due(s, &scope{record: gjson.Parse(`{"kind":1}`)}); translators.KindOf(err) != translators.Unavailable {
		t.Errorf("an expression that fails: %v", err)
	}
}

// TestPrintedAddress: an address that is a placeholder is printed as it stands in the
// configuration, and not encoded.
func TestPrintedAddress(t *testing.T) {
	for address, want := range map[string]string{
		"{env.APP}": "{env.APP}", "https://{env.HOST}/api/": "https://{env.HOST}/api", "https://a:b@app.example.com/api?k=v": "https://app.example.com/api",
	} {
		if got := (&Translator{Config: Config{URL: address}}).printedURL(); got != want {
			t.Errorf("%s is printed as %s", address, got)
		}
	}
}
