package ldap

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Ids of the people and groups in plans that no directory is asked for.
const (
	adaUUID   = "00000000-0000-4000-8000-00000000ada0"
	bobUUID   = "00000000-0000-4000-8000-00000000b0b0"
	groupUUID = "00000000-0000-4000-8000-0000000c0de0"
)

// attributes are the values of an entry.
type attributes map[string][]string

// ada is an entry as a provider's request finds it.
func ada(more attributes) *goldap.Entry {
	return entryAt("uid=ada,ou=people,dc=example,dc=com", adaUUID, more)
}

func entryAt(dn, id string, more attributes) *goldap.Entry {
	values := attributes{"entryUUID": {id}, "entryCSN": {"20261121120000.000000Z#000000#000#000000"},
		"uid": {"ada"}, "cn": {"Ada Lovelace"}, "sn": {"Lovelace"}, "mail": {"ada@example.com"}}
	for name, v := range more {
		values[name] = v
	}
	return goldap.NewEntry(dn, values)
}

// asRead is what reading the entry gives, with what it refers to.
func asRead(t testing.TB, tr *Translator, k *kind, e *goldap.Entry, refs ...*translators.Entry) *translators.Entry {
	t.Helper()
	r := &resolution{byName: map[string]reference{}}
	for _, ref := range refs {
		h := ref.Handle.(*handle)
		r.byName[nameKey(h.dn)] = reference{id: ref.Resource.ID, kind: k}
	}
	entry, err := tr.decode(t.Context(), k, e, whole, r)
	if err != nil {
		t.Fatalf("decoding %s: %v", e.DN, err)
	}
	return entry
}

// The ways of disabling an account.
const (
	byPolicy    = "disable password_policy"
	byAttribute = "disable attribute employeeType gone"
	byValue     = "disable attribute employeeType gone here"
	byMove      = "disable move ou=disabled,ou=people,dc=example,dc=com"
)

// users returns the users block with other ways of disabling.
func users(t testing.TB, disable ...string) string {
	t.Helper()
	block := strings.Replace(usersBlock, "disable password_policy\n", strings.Join(disable, "\n")+"\n", 1)
	if len(disable) == 0 {
		block = strings.Replace(block, "delete disable", "delete remove", 1)
	}
	return strings.Replace(block, "map userType employeeType\n", "", 1)
}

// alone is a users block in which nothing refers to anybody, so that plans are
// made without asking the directory.
func alone(t testing.TB, block string) string {
	t.Helper()
	before, rest, found := strings.Cut(block, "map urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value")
	_, after, ends := strings.Cut(rest, "}")
	if !found || !ends {
		t.Fatal("there is no manager")
	}
	return before + after
}

var isLocked = attributes{"pwdAccountLockedTime": {"000001010000Z"}}

// TestPlan holds the LDIF of plans against testdata/plans, one file a plan. With
// UPDATE_PLANS=1 in the environment it writes them.
func TestPlan(t *testing.T) {
	bob := func(tr *Translator) *translators.Entry {
		return asRead(t, tr, tr.users, entryAt("uid=bob,ou=people,dc=example,dc=com", bobUUID, attributes{"uid": {"bob"}}))
	}
	update := func(e *goldap.Entry, v values) func(*Translator) translators.Intent {
		return func(tr *Translator) translators.Intent {
			in := updating(t, tr.users, asRead(t, tr, tr.users, e, bob(tr)), v)
			in.References = map[string]*translators.Entry{bobUUID: bob(tr)}
			return in
		}
	}
	offline := func(v values) func(*Translator) translators.Intent {
		return func(tr *Translator) translators.Intent {
			before := scim.NewResource(tr.users.served.ResourceType)
			before.ID = adaUUID
			in := updating(t, tr.users, &translators.Entry{Resource: before}, v)
			in.Before, in.Offline = nil, true
			return in
		}
	}
	create := func(v values) func(*Translator) translators.Intent {
		return func(tr *Translator) translators.Intent { return creation(t, tr.users, v) }
	}
	members := func(change *scim.MemberChange) func(*Translator) translators.Intent {
		return func(tr *Translator) translators.Intent {
			return translators.Intent{Action: scim.ActionUpdate, Type: tr.groups.served.ResourceType, ID: groupUUID, Members: change, Offline: true}
		}
	}
	// for the version that an entry is read with
	ifUnchanged := func(intent func(*Translator) translators.Intent) func(*Translator) translators.Intent {
		return func(tr *Translator) translators.Intent {
			in := intent(tr)
			in.Version = ada(nil).GetAttributeValue("entryCSN")
			return in
		}
	}
	const manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"
	tests := []struct {
		name    string
		disable []string // default: byPolicy
		groups  string   // default: none, so that nobody is looked for in them
		intent  func(*Translator) translators.Intent
		proves  translators.ProofKind
	}{
		{name: "nothing changes", intent: update(ada(nil), values{"userName": "ada", "name.familyName": "Lovelace"})},
		{name: "a value is set", intent: update(ada(nil), values{"title": "Analyst"})},
		{name: "a value is changed", intent: update(ada(attributes{"title": {"Analyst"}}), values{"title": "Engineer"})},
		{name: "a value is removed", intent: update(ada(attributes{"title": {"Analyst"}}), values{"title": ""})},
		{name: "one part of a complex value", intent: update(ada(nil), values{"name.familyName": "King"})},
		{name: "a value that is not ASCII", intent: update(ada(nil), values{"name.familyName": "Łovelace", "title": " leading space"})},
		{name: "a value over lines", intent: update(ada(nil), values{"title": "one\ndn: cn=admin"})},
		{name: "manager", intent: update(ada(nil), values{manager: bobUUID})},
		{name: "no manager", intent: update(ada(attributes{"manager": {dnOf("bob")}}), values{manager: ""})},

		{name: "rename", intent: update(ada(nil), values{"userName": "countess"})},
		{name: "rename and more", intent: update(ada(nil), values{"userName": "countess", "name.familyName": "King"})},
		{name: "rename in case", intent: update(ada(nil), values{"userName": "Ada"})},
		{name: "rename with special characters", intent: update(ada(nil), values{"userName": `#a,b+c="d"<e>;f\g h `})},
		{name: "rename to what is not ASCII", intent: update(ada(nil), values{"userName": "Ådå"})},
		{name: "rename keeps other values", intent: update(ada(attributes{"uid": {"ada", "countess"}}), values{"userName": "lovelace"})},
		{name: "rename where another attribute names", intent: update(entryAt("cn=Ada Lovelace,ou=people,dc=example,dc=com", adaUUID, nil),
			values{"userName": "countess"})},
		{name: "change what names although it should not", intent: update(entryAt("cn=Ada Lovelace,ou=people,dc=example,dc=com", adaUUID, nil),
			values{"name.formatted": "Ada King"})},
		{name: "rename one of two", intent: update(entryAt("uid=ada+mail=ada@example.com,ou=people,dc=example,dc=com", adaUUID, nil),
			values{"userName": "countess"})},
		{name: "rename both of two", intent: update(entryAt("uid=ada+mail=ada@example.com,ou=people,dc=example,dc=com", adaUUID, nil),
			values{"userName": "countess", `emails[type eq "work"].value`: "countess@example.com"})},

		{name: "disable", intent: update(ada(nil), values{"active": "false"}), proves: translators.ProofDisabled},
		{name: "disable and more", intent: update(ada(nil), values{"active": "false", "title": "Former", "userName": "former"}), proves: translators.ProofDisabled},
		{name: "disable again", intent: update(ada(isLocked), values{"active": "false"}), proves: translators.ProofDisabled},
		{name: "disable with a password", intent: update(ada(nil), values{"active": "false", "password": "secret-secret"}), proves: translators.ProofDisabled},
		{name: "change the disabled", intent: update(ada(isLocked), values{"title": "Former"})},
		{name: "enable", intent: update(ada(isLocked), values{"active": "true"}), proves: translators.ProofEnabled},
		{name: "enable and more", intent: update(ada(isLocked), values{"active": "true", "title": "Again", "userName": "again"}), proves: translators.ProofEnabled},
		{name: "enable with a password", intent: update(ada(isLocked), values{"active": "true", "title": "Again", "password": "secret-secret"}), proves: translators.ProofEnabled},
		{name: "enable what wrong passwords locked", intent: update(ada(attributes{"pwdAccountLockedTime": {"20261121110000Z"}}), values{"active": "true"})},

		{name: "attribute disable", disable: []string{byAttribute}, intent: update(ada(nil), values{"active": "false"}), proves: translators.ProofDisabled},
		{name: "attribute enable", disable: []string{byAttribute}, intent: update(ada(attributes{"employeeType": {"gone"}}), values{"active": "true"}), proves: translators.ProofEnabled},
		{name: "value disable", disable: []string{byValue}, intent: update(ada(attributes{"employeeType": {"here"}}), values{"active": "false"}), proves: translators.ProofDisabled},
		{name: "value enable", disable: []string{byValue}, intent: update(ada(attributes{"employeeType": {"gone"}}), values{"active": "true"}), proves: translators.ProofEnabled},
		{name: "move disable", disable: []string{byMove}, intent: update(ada(nil), values{"active": "false"}), proves: translators.ProofDisabled},
		{name: "move disable and rename", disable: []string{byMove}, intent: update(ada(nil), values{"active": "false", "userName": "former"}), proves: translators.ProofDisabled},
		{name: "move enable", disable: []string{byMove}, intent: update(entryAt("uid=ada,ou=2025,ou=disabled,ou=people,dc=example,dc=com", adaUUID, nil),
			values{"active": "true"}), proves: translators.ProofEnabled},
		{name: "move enable and rename", disable: []string{byMove}, intent: update(entryAt("uid=ada,ou=disabled,ou=people,dc=example,dc=com", adaUUID, nil),
			values{"active": "true", "userName": "again"}), proves: translators.ProofEnabled},
		{name: "move enable and more", disable: []string{byMove}, intent: update(entryAt("uid=ada,ou=disabled,ou=people,dc=example,dc=com", adaUUID, nil),
			values{"active": "true", "userName": "again", "title": "Again"}), proves: translators.ProofEnabled},
		{name: "all disable", disable: []string{byPolicy, byValue, byMove}, intent: update(ada(nil), values{"active": "false"}), proves: translators.ProofDisabled},
		{name: "all disable the rest", disable: []string{byPolicy, byValue, byMove}, intent: update(ada(isLocked), values{"active": "false"}), proves: translators.ProofDisabled},
		{name: "all enable", disable: []string{byPolicy, byValue, byMove},
			intent: update(entryAt("uid=ada,ou=disabled,ou=people,dc=example,dc=com", adaUUID, attributes{"pwdAccountLockedTime": {"000001010000Z"}, "employeeType": {"gone"}}),
				values{"active": "true", "title": "Again"}), proves: translators.ProofEnabled},

		{name: "for a version change", intent: ifUnchanged(update(ada(nil), values{"title": "Analyst"}))},
		{name: "for a version rename and more", intent: ifUnchanged(update(ada(nil), values{"userName": "countess", "title": "Analyst"}))},
		{name: "for a version disable and more", intent: ifUnchanged(update(ada(nil), values{"active": "false", "title": "Former"})), proves: translators.ProofDisabled},
		{name: "for a version enable", intent: ifUnchanged(update(ada(isLocked), values{"active": "true"})), proves: translators.ProofEnabled},
		{name: "for a version move disable", disable: []string{byMove}, intent: ifUnchanged(update(ada(nil), values{"active": "false"})), proves: translators.ProofDisabled},
		{name: "for a version offline change", intent: ifUnchanged(offline(values{"title": "Analyst"}))},
		{name: "for a version offline members", groups: groupsBlock, intent: ifUnchanged(members(&scim.MemberChange{Add: []string{adaUUID}, Remove: []string{bobUUID}}))},
		{name: "for a version offline delete", intent: ifUnchanged(func(tr *Translator) translators.Intent {
			return translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: adaUUID, Offline: true}
		})},

		{name: "offline change", intent: offline(values{"title": "Analyst", "password": "secret-secret"})},
		{name: "offline rename", intent: offline(values{"userName": "countess", "title": "Analyst"})},
		{name: "offline disable", disable: []string{byPolicy, byMove}, intent: offline(values{"active": "false"}), proves: translators.ProofDisabled},
		{name: "offline manager", intent: offline(values{manager: bobUUID})},
		{name: "offline delete", intent: func(tr *Translator) translators.Intent {
			return translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: adaUUID, Offline: true}
		}},

		{name: "create", intent: create(values{"userName": "ada", "name.familyName": "Lovelace", "name.formatted": "Ada, Countess of Lovelace", "active": "true", "password": "secret-secret"})},
		{name: "create disabled", intent: create(values{"userName": "ada", "name.familyName": "Lovelace", "name.formatted": "Ada", "active": "false"}), proves: translators.ProofDisabled},
		{name: "create disabled with all", disable: []string{byPolicy, byValue, byMove},
			intent: create(values{"userName": "ada", "name.familyName": "Lovelace", "name.formatted": "Ada", "active": "false"}), proves: translators.ProofDisabled},
		{name: "create enabled with all", disable: []string{byPolicy, byValue, byMove},
			intent: create(values{"userName": "ada", "name.familyName": "Lovelace", "name.formatted": "Ada", "active": "true"})},

		{name: "create with constants", disable: []string{byPolicy + "\n\t\tconstant loginShell /bin/bash\n\t\tconstant description one `two, with blanks`"},
			intent: create(values{"userName": "ada", "name.familyName": "Lovelace", "name.formatted": "Ada", "active": "true"})},

		{name: "group rename", groups: posixBlock, intent: func(tr *Translator) translators.Intent {
			return updating(t, tr.groups, asRead(t, tr, tr.groups, entryAt("cn=admins,ou=groups,dc=example,dc=com", groupUUID, attributes{"cn": {"admins"}})), values{"displayName": "Administrators"})
		}},
		{name: "group create", groups: groupsBlock, intent: func(tr *Translator) translators.Intent {
			in := creation(t, tr.groups, values{"displayName": "admins"}, adaUUID)
			in.References = map[string]*translators.Entry{adaUUID: asRead(t, tr, tr.users, ada(nil))}
			return in
		}},
		{name: "group create empty", groups: groupsBlock, intent: func(tr *Translator) translators.Intent {
			return creation(t, tr.groups, values{"displayName": "admins"})
		}},
		{name: "group create empty posix", groups: posixBlock, intent: func(tr *Translator) translators.Intent {
			return creation(t, tr.groups, values{"displayName": "admins", "externalId": "7"})
		}},
		{name: "members offline", groups: groupsBlock, intent: members(&scim.MemberChange{Add: []string{adaUUID}, Remove: []string{bobUUID}})},
		{name: "members offline posix", groups: posixBlock, intent: members(&scim.MemberChange{Add: []string{adaUUID}})},
		{name: "members offline all", groups: groupsBlock, intent: members(&scim.MemberChange{ReplaceAll: true, Add: []string{adaUUID, bobUUID}})},
		{name: "members offline none", groups: groupsBlock, intent: members(&scim.MemberChange{ReplaceAll: true})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			disable := test.disable
			if disable == nil {
				disable = []string{byPolicy}
			}
			blocks := []string{strings.Replace(users(t, disable...), "map groups memberOf", "", 1)}
			if strings.Contains(test.name, "rename") || strings.Contains(test.name, "enable") || strings.Contains(test.name, "what names") {
				blocks[0] = alone(t, blocks[0])
			}
			if test.groups != "" {
				blocks = append(blocks, test.groups)
			}
			tr := configure(t, "", "", blocks...)
			plan := planOf(t, tr, test.intent(tr))
			compareWithFile(t, filepath.Join("testdata", "plans", strings.ReplaceAll(test.name, " ", "-")+".ldif"), text(plan))
			if plan.Proves != test.proves {
				t.Errorf("the plan proves %q, want %q", plan.Proves, test.proves)
			}
			if strings.Contains(text(plan), "secret-secret") {
				t.Error("the plan prints a password")
			}
		})
	}
}

func compareWithFile(t *testing.T, name, got string) {
	t.Helper()
	if os.Getenv("UPDATE_PLANS") != "" {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("plan differs from %s (-want +got):\n%s", name, diff)
	}
}

const posixBlock = `
	groups {
		base ou=groups,dc=example,dc=com
		object_class posixGroup
		delete remove
		map displayName cn
		map externalId gidNumber
		map members memberUid
	}`

// TestPlanRefuses holds the errors of plans that must not be made.
func TestPlanRefuses(t *testing.T) {
	const own = "uid=scimgate,ou=people,dc=example,dc=com"
	tr := configure(t, "", "bind "+own+" secret", usersBlock, groupsBlock)
	self := asRead(t, tr, tr.users, entryAt("UID=Scimgate,ou=People,dc=example,dc=com", bobUUID, attributes{"uid": {"scimgate"}}))
	person := asRead(t, tr, tr.users, ada(nil))
	group := func(change *scim.MemberChange) translators.Intent {
		return translators.Intent{Action: scim.ActionUpdate, Type: tr.groups.served.ResourceType, ID: groupUUID, Members: change,
			Before:     asRead(t, tr, tr.groups, entryAt("cn=g,ou=groups,dc=example,dc=com", groupUUID, attributes{"cn": {"g"}})),
			References: map[string]*translators.Entry{bobUUID: self, adaUUID: person}}
	}
	withoutName := updating(t, tr.users, person, values{"title": "x"})
	withoutName.After.Set(tr.users.served.Attribute("userName"), scim.Value{})
	withoutName.Changes = scim.Diff(person.Resource, withoutName.After)
	tests := []struct {
		name   string
		intent translators.Intent
		kind   translators.ErrorKind
		detail string
	}{
		{"own account disabled", updating(t, tr.users, self, values{"active": "false"}), translators.Refused, "signs in with is protected"},
		{"own account renamed", updating(t, tr.users, self, values{"userName": "other"}), translators.Refused, "signs in with is protected"},
		{"own account removed", translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: bobUUID, Before: self}, translators.Refused, "signs in with is protected"},
		{"own account created", creation(t, tr.users, values{"userName": "Scimgate", "name.familyName": "x", "name.formatted": "x"}), translators.Refused, "signs in with is protected"},
		{"own account added to a group", group(&scim.MemberChange{Add: []string{bobUUID}}), translators.Refused, "signs in with is protected"},
		{"own account removed from a group", group(&scim.MemberChange{Remove: []string{bobUUID}}), translators.Refused, "signs in with is protected"},
		{"name removed", withoutName, translators.Invalid, "userName: the entry is named by it"},
		{"created without a name", creation(t, tr.users, values{"name.familyName": "x", "name.formatted": "x"}), translators.Invalid, "userName: new entries are named by it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan, err := tr.Plan(t.Context(), test.intent)
			if err == nil {
				t.Fatalf("planned:\n%s", text(plan))
			}
			if got := translators.KindOf(err); got != test.kind {
				t.Errorf("the error is %q, want %q: %v", got, test.kind, err)
			}
			if !strings.Contains(err.Error(), test.detail) {
				t.Errorf("error %q does not say %q", err, test.detail)
			}
		})
	}
}

// TestPlanUndo checks what takes calls back, and that nothing takes a disable
// back.
func TestPlanUndo(t *testing.T) {
	tests := []struct {
		name    string
		disable []string
		entry   *goldap.Entry
		values  values
		want    []string // the undo of each call, "" for none
	}{
		{"rename and change", []string{byPolicy}, ada(attributes{"title": {"Analyst"}}), values{"userName": "countess", "title": "Engineer"}, []string{
			"dn: uid=countess,ou=people,dc=example,dc=com\nchangetype: modrdn\nnewrdn: uid=ada\ndeleteoldrdn: 1\n",
			"dn: uid=countess,ou=people,dc=example,dc=com\nchangetype: modify\nreplace: title\ntitle: Analyst\n-\n",
		}},
		{"enable", []string{byPolicy}, ada(isLocked), values{"active": "true", "title": "x"}, []string{
			"dn: uid=ada,ou=people,dc=example,dc=com\nchangetype: modify\nreplace: title\n-\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n-\n",
		}},
		{"disable", []string{byPolicy, byMove}, ada(nil), values{"active": "false", "title": "x"}, []string{"", "", "", ""}},
		{"enable by moving", []string{byMove}, entryAt("uid=ada,ou=disabled,ou=people,dc=example,dc=com", adaUUID, nil), values{"active": "true"}, []string{
			"dn: uid=ada,ou=people,dc=example,dc=com\nchangetype: modrdn\nnewrdn: uid=ada\ndeleteoldrdn: 1\nnewsuperior: ou=disabled,ou=people,dc=example,dc=com\n",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			block := strings.Replace(users(t, test.disable...), "map groups memberOf", "", 1)
			if test.values["active"] != "false" {
				block = alone(t, block)
			}
			tr := configure(t, "", "", block)
			plan := planOf(t, tr, updating(t, tr.users, asRead(t, tr, tr.users, test.entry), test.values))
			var got []string
			for _, c := range plan.Calls {
				undo := c.Undo()
				if undo == nil {
					got = append(got, "")
					continue
				}
				_, record, _ := strings.Cut(undo.String(), "\n")
				got = append(got, record)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("undo of\n%s\ndiffers (-want +got):\n%s", text(plan), cmp.Diff(test.want, got))
			}
		})
	}
}
