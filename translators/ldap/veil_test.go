package ldap

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// discreetUsers have a private attribute.
func discreetUsers(t *testing.T) string {
	t.Helper()
	block := strings.Replace(alone(t, users(t, byPolicy)), "map groups memberOf", "", 1)
	return strings.Replace(block, "map userName uid", "map userName uid\n\t\tmap nickName carLicense {\n\t\t\tprivate\n\t\t}", 1)
}

func TestPlansShowNoPrivateValues(t *testing.T) {
	tr := configure(t, "", "", discreetUsers(t))
	k := tr.users
	entry := entryAt("uid=ada+carLicense=SECRET-1,ou=people,dc=example,dc=com", adaUUID, attributes{"carLicense": {"SECRET-1"}})
	before := asRead(t, tr, k, entry)
	rename := before.Resource.Clone()
	rename.Set(k.served.Attribute("nickName"), scim.String("SECRET-2"))
	rename.Set(k.served.Attribute("title"), scim.String("Dr"))
	created := scim.NewResource(k.served.ResourceType)
	for name, value := range map[string]string{"userName": "bob", "nickName": "SECRET-3"} {
		created.Set(k.served.Attribute(name), scim.String(value))
	}
	for name, in := range map[string]translators.Intent{
		"update": {Action: scim.ActionUpdate, Type: k.served.ResourceType, ID: adaUUID, Before: before, After: rename, Changes: scim.Diff(before.Resource, rename)},
		"create": {Action: scim.ActionCreate, Type: k.served.ResourceType, After: created, Changes: scim.Diff(nil, created), Offline: true},
		"delete": {Action: scim.ActionDelete, Type: k.served.ResourceType, ID: adaUUID, Before: before, Offline: true},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := tr.Plan(t.Context(), in)
			if err != nil || len(plan.Calls) == 0 {
				t.Fatalf("%v, %v", plan, err)
			}
			text := ""
			for _, call := range plan.Calls {
				text += call.String()
			}
			if strings.Contains(text, "SECRET") || !strings.Contains(text, private) {
				t.Errorf("the plan is\n%s", text)
			}
		})
	}
}

func TestDirectorysWordsAboutPrivateValues(t *testing.T) {
	tr := configure(t, "", "", discreetUsers(t))
	refused := func(message string) error {
		return tr.writeFault("change attributes", goldap.NewError(goldap.LDAPResultInvalidAttributeSyntax, errors.New(message)))
	}
	sent := []goldap.Change{replacement("title", "Dr"), replacement("carLicense", "SECRET-2")}
	err := tr.explain(t.Context(), tr.users, adaUUID, sent, refused("carLicense: value SECRET-2 is invalid"))
	if text := errors.Unwrap(err).Error(); strings.Contains(text, "SECRET") || !strings.Contains(text, "private") {
		t.Errorf("the error says %q", text)
	}
	if translators.KindOf(err) != translators.Invalid || resultCode(err) != goldap.LDAPResultInvalidAttributeSyntax {
		t.Errorf("the error is %v", err)
	}
	other := refused("title: value Dr is invalid")
	if got := tr.explain(t.Context(), tr.users, adaUUID, sent, other); got != other {
		t.Errorf("an error that quotes nothing private has become %v", got)
	}
}

func TestWhatCannotBePrivate(t *testing.T) {
	const whole = `ldap ldap://localhost {
	bind cn=a,dc=b secret
	users {
		base ou=people,dc=example,dc=com
		object_class inetOrgPerson
		rdn cn
		delete remove
		map userName mail
		map name.formatted cn
		map nickName carLicense {
			private
		}
	}
	groups {
		base ou=groups,dc=example,dc=com
		object_class posixGroup
		map displayName cn
		map members memberUid
	}
}`
	for name, tt := range map[string]struct{ from, to, want string }{
		"the name of entries": {"rdn cn", "rdn carLicense", "carLicense names the entries"},
		"the id":              {"map nickName carLicense", "map nickName entryUUID", "entryUUID is the id"},
		"what groups hold":    {"map nickName carLicense", "map nickName uid", "memberUid of groups holds it too"},
		"nothing":             {"rdn cn", "rdn cn", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := new(Translator).UnmarshalCaddyfile(caddyfile.NewTestDispenser(strings.Replace(whole, tt.from, tt.to, 1)))
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), "users: map nickName: it can't be private: "+tt.want) || !strings.Contains(err.Error(), "Testfile:10")):
				t.Errorf("got %v, want %q and the line", err, tt.want)
			}
		})
	}
}
