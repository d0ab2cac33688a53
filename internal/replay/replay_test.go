package replay

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/directory"
	"github.com/scimgate/scimgate/internal/dialogue"
)

func TestConversation(t *testing.T) {
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, strings.Join([]string{r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)}, "|"))
		_, _ = io.WriteString(w, `{"id": "4711", "list": [{"id": "1"}]}`)
	}))
	defer server.Close()
	c := &Conversation{URL: server.URL + "/scim", Token: "secret", Client: server.Client(), Known: map[string]string{"ada": "17"}}
	say := func(step dialogue.Step) error {
		t.Helper()
		prepared, err := c.Prepare(step)
		if err != nil {
			return err
		}
		a, err := c.Send(t.Context(), prepared)
		if err != nil {
			return err
		}
		return c.Check(prepared, a)
	}
	first := dialogue.Step{Request: dialogue.Request{Method: "PATCH", Target: "/Users/{ada}?a=\"b\"", Body: `{"x": "{ada}"}`},
		Answer: &dialogue.Answer{Statuses: []int{200}, Remember: []dialogue.Remember{{Name: "new", Path: "list[0].id"}}}}
	if err := say(first); err != nil {
		t.Fatal(err)
	}
	second := dialogue.Step{Request: dialogue.Request{Method: "GET", Target: "/Users/{new}", Header: []dialogue.Field{{Name: "Authorization", Value: "none"}}},
		Answer: &dialogue.Answer{Statuses: []int{404}}}
	if err := say(second); err == nil || !strings.Contains(err.Error(), "status is 200, want 404") {
		t.Errorf("a wrong status: %v", err)
	}
	if err := say(dialogue.Step{Request: dialogue.Request{Method: "GET", Target: "/{nobody}"}}); err == nil {
		t.Error("what is not remembered is no error")
	}
	want := []string{`PATCH|/scim/Users/17?a="b"|Bearer secret|application/scim+json|{"x": "17"}`, "GET|/scim/Users/1|none||"}
	if !slices.Equal(seen, want) {
		t.Errorf("sent %q, want %q", seen, want)
	}
	server.Close()
	if err := say(first); err == nil {
		t.Error("no answer is no error")
	}
}

func TestDirectory(t *testing.T) {
	const admin, people = "cn=admin,dc=example,dc=com", "ou=people,dc=example,dc=com"
	server, err := directory.New(directory.Options{Suffix: "dc=example,dc=com", Root: directory.Account{DN: admin, Password: "root"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	ldif := `dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: uid=ada,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ada
cn: Ada
cn: Augusta
sn: Lovelace
manager: UID=Ada, OU=people,dc=example,dc=com
userPassword: secret-1
`
	if err := server.Load(strings.NewReader(ldif)); err != nil {
		t.Fatal(err)
	}
	address, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &Directory{URL: "ldap://" + address.String(), BindDN: admin, BindPassword: "root"}
	ids, err := d.IDs(map[string]string{"ada": "uid=ada," + people})
	if err != nil || len(ids["ada"]) != 36 {
		t.Errorf("the ids are %v: %v", ids, err)
	}
	if _, err := d.IDs(map[string]string{"bob": "uid=bob," + people}); err == nil {
		t.Error("an entry that is not there has an id")
	}
	for text, want := range map[string]string{
		"uid=ada,PEOPLE\n  cn: Augusta\n  cn: Ada":                       "",
		"uid=ada,PEOPLE\n  cn: Ada":                                      `cn is "Ada", "Augusta", want "Ada"`,
		"uid=ada,PEOPLE\n  sn: lovelace":                                 `sn is "Lovelace", want "lovelace"`,
		"uid=ada,PEOPLE\n  title: -":                                     "",
		"uid=ada,PEOPLE\n  sn: -":                                        `sn is "Lovelace", want absent`,
		"uid=ada,PEOPLE\n  title: Countess":                              `title is absent, want "Countess"`,
		"uid=ada,PEOPLE\n  manager: uid=ada,ou=People,dc=example,dc=com": "",
		"uid=ada,PEOPLE\n  manager: uid=bob,PEOPLE":                      "manager is",
		"uid=ada,PEOPLE\n  cn includes: Ada":                             "",
		"uid=ada,PEOPLE\n  cn includes: Bob":                             "without Bob",
		"uid=ada,PEOPLE\n  cn excludes: Bob":                             "",
		"uid=ada,PEOPLE\n  cn excludes: Ada":                             "which it should not",
		"uid=ada,PEOPLE\n  can bind with secret-1":                       "",
		"uid=ada,PEOPLE\n  cannot bind with secret-1":                    "is accepted and should be refused",
		"uid=ada,PEOPLE\n  cannot bind with secret-2":                    "",
		"uid=ada,PEOPLE\n  can bind with secret-2":                       "is refused and should be accepted",
		"uid=ada,PEOPLE gone":                                            "should be gone",
		"uid=bob,PEOPLE gone":                                            "",
		"uid=bob,PEOPLE\n  cn: Bob":                                      "there is no such entry",
	} {
		step, err := dialogue.Read("x", "# source\n=== T\nGET /Users\n\nbecomes:\n  x\n\ndirectory: "+strings.ReplaceAll(text, "PEOPLE", people)+"\n")
		if err != nil {
			t.Fatal(err)
		}
		err = d.Check(step.Steps[0].Directory[0])
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	_ = server.Close()
	entry := dialogue.Entry{DN: "uid=bob," + people, IsGone: true}
	if err := d.Check(entry); err == nil {
		t.Error("a directory that does not answer holds no entry: a fault is no absence")
	}
}
