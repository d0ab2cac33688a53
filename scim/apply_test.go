package scim

import (
	"net/http"
	"strings"
	"testing"
)

// thingType has the characteristics that the schemas of RFC 7643 do not show.
func thingType(tb testing.TB) *ResourceType {
	tb.Helper()
	t, err := NewResourceType("Thing", "/Things", "A thing", &Schema{
		ID: "urn:example:Thing", Name: "Thing", Attributes: []*Attribute{
			{Name: "name", Required: true},
			{Name: "serial", Mutability: Immutable},
			{Name: "seals", MultiValued: true, Mutability: Immutable},
			{Name: "tags", MultiValued: true},
			{Name: "codes", MultiValued: true, CaseExact: true},
			{Name: "contact", Type: TypeComplex, SubAttributes: []*Attribute{
				{Name: "mail", Required: true},
				{Name: "phone"},
				{Name: "aliases", MultiValued: true},
			}},
			{Name: "keys", Type: TypeComplex, MultiValued: true, SubAttributes: []*Attribute{
				{Name: "value"}, {Name: "type"}, {Name: "primary", Type: TypeBoolean},
				{Name: "origin", Mutability: Immutable},
				{Name: "fingerprint", Mutability: ReadOnly},
				{Name: "comment"},
			}},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

func TestApply(t *testing.T) {
	const (
		twoMails = `{"emails":[{"value":"a@x","type":"work","primary":true},{"value":"b@x","type":"home"}]}`
		nothing  = `{}`
	)
	tests := []struct {
		name    string
		before  string
		changes []string
		after   string
	}{
		// Single values.
		{"add a simple value", nothing, []string{`add nickName = "Babs"`}, `{"nickName":"Babs"}`},
		{"add over a simple value replaces it", `{"nickName":"Bob"}`, []string{`add nickName = "Babs"`}, `{"nickName":"Babs"}`},
		{"replace a simple value that is not there", nothing, []string{`replace active = false`}, `{"active":false}`},
		{"replace by nothing removes", `{"title":"Boss"}`, []string{`replace title`}, `{}`},
		{"add of nothing changes nothing", `{"title":"Boss"}`, []string{`add title`}, `{"title":"Boss"}`},
		{"an empty string is a value", nothing, []string{`replace title = ""`}, `{"title":""}`},
		{"remove a simple value", `{"title":"Boss","active":true}`, []string{`remove title`}, `{"active":true}`},
		{"remove of a single value does not compare it", `{"title":"Boss"}`, []string{`remove title = "Clerk"`}, `{}`},
		{"remove what is not there", nothing, []string{`remove title`}, `{}`},
		{"changes see the ones before them", nothing,
			[]string{`add title = "a"`, `replace title = "b"`, `remove title`, `add title = "c"`}, `{"title":"c"}`},
		{"an extension's value", nothing, []string{`add ` + enterprise + `:department = "Sales"`},
			`{"` + enterprise + `":{"department":"Sales"}}`},

		// Complex single values.
		{"replace of a complex value merges", `{"name":{"familyName":"Fa","givenName":"Gi"}}`,
			[]string{`replace name = {"givenName":"Go","middleName":"Mi"}`},
			`{"name":{"familyName":"Fa","givenName":"Go","middleName":"Mi"}}`},
		{"add to a complex value merges", `{"name":{"familyName":"Fa"}}`, []string{`add name = {"givenName":"Go"}`},
			`{"name":{"familyName":"Fa","givenName":"Go"}}`},
		{"a sub-attribute of what is not there", nothing, []string{`replace name.familyName = "Fa"`}, `{"name":{"familyName":"Fa"}}`},
		{"a sub-attribute without a value is removed", `{"name":{"familyName":"Fa","givenName":"Gi"}}`,
			[]string{`replace name.givenName`}, `{"name":{"familyName":"Fa"}}`},
		{"the last sub-attribute takes the value with it", `{"name":{"givenName":"Gi"}}`, []string{`remove name.givenName`}, `{}`},
		{"remove a complex value", `{"name":{"givenName":"Gi"}}`, []string{`remove name`}, `{}`},
		{"another manager has neither the old one's name nor address",
			`{"` + enterprise + `":{"manager":{"value":"1","$ref":"x/1","displayName":"One"}}}`,
			[]string{`replace ` + enterprise + `:manager = {"value":"2"}`},
			`{"` + enterprise + `":{"manager":{"value":"2","$ref":"/Users/2"}}}`},
		{"the same manager keeps the name",
			`{"` + enterprise + `":{"manager":{"value":"1","displayName":"One"}}}`,
			[]string{`add ` + enterprise + `:manager.value = "1"`},
			`{"` + enterprise + `":{"manager":{"value":"1","$ref":"/Users/1","displayName":"One"}}}`},
		{"a manager's value removed leaves no manager",
			`{"` + enterprise + `":{"manager":{"value":"1","$ref":"x/1","displayName":"One"}}}`,
			[]string{`replace ` + enterprise + `:manager.value`}, `{}`},
		{"a read-only sub-attribute within a value is passed over", nothing,
			[]string{`add ` + enterprise + `:manager = {"value":"1","displayName":"One"}`},
			`{"` + enterprise + `":{"manager":{"value":"1","$ref":"/Users/1"}}}`},

		// Lists as a whole.
		{"add appends", twoMails, []string{`add emails = [{"value":"c@x","type":"other"}]`},
			`{"emails":[{"value":"a@x","type":"work","primary":true},{"value":"b@x","type":"home"},{"value":"c@x","type":"other"}]}`},
		{"add one element without a list", nothing, []string{`add emails = {"value":"c@x"}`}, `{"emails":[{"value":"c@x"}]}`},
		{"add of an equal element changes nothing", twoMails, []string{`add emails = [{"value":"b@x","type":"home"}]`}, twoMails},
		{"add of the same value and type sets the rest", twoMails,
			[]string{`add emails = [{"value":"b@x","type":"home","display":"B"}]`},
			`{"emails":[{"value":"a@x","type":"work","primary":true},{"value":"b@x","type":"home","display":"B"}]}`},
		{"add of the same value with another type appends", `{"emails":[{"value":"a@x","type":"work"}]}`,
			[]string{`add emails = [{"value":"a@x","type":"home"}]`},
			`{"emails":[{"value":"a@x","type":"work"},{"value":"a@x","type":"home"}]}`},
		{"the same value in another case is the same, as it was written last", `{"emails":[{"value":"a@x","type":"work"}]}`,
			[]string{`add emails = [{"value":"A@X","type":"Work"}]`}, `{"emails":[{"value":"A@X","type":"Work"}]}`},
		{"add the same twice at once", nothing, []string{`add emails = [{"value":"a@x"},{"value":"a@x"}]`}, `{"emails":[{"value":"a@x"}]}`},
		{"addresses have no value and are compared as a whole", `{"addresses":[{"type":"work","locality":"Rome"}]}`,
			[]string{`add addresses = [{"locality":"Rome","type":"work"},{"type":"work","locality":"Oslo"}]`},
			`{"addresses":[{"type":"work","locality":"Rome"},{"type":"work","locality":"Oslo"}]}`},
		{"replace of the list", twoMails, []string{`replace emails = [{"value":"c@x"},{"value":"c@x"}]`}, `{"emails":[{"value":"c@x"}]}`},
		{"replace of the list by nothing", twoMails, []string{`replace emails = []`}, `{}`},
		{"remove of the list", twoMails, []string{`remove emails`}, `{}`},
		{"remove with values removes these", twoMails, []string{`remove emails = [{"value":"B@x"}]`},
			`{"emails":[{"value":"a@x","type":"work","primary":true}]}`},
		{"remove with a value and another type removes nothing", twoMails, []string{`remove emails = [{"value":"b@x","type":"work"}]`}, twoMails},
		{"remove with a value whose type is not kept", `{"roles":[{"value":"r"}]}`,
			[]string{`remove roles = [{"value":"r","type":"WindowsAzureActiveDirectoryRole"}]`}, `{}`},
		{"remove with an equal element that has no value", `{"addresses":[{"type":"work","locality":"Rome"},{"type":"home"}]}`,
			[]string{`remove addresses = [{"locality":"Rome","type":"work"}]`}, `{"addresses":[{"type":"home"}]}`},
		{"remove with a value that is not there", twoMails, []string{`remove emails = [{"value":"z@x"}]`}, twoMails},

		// Primary.
		{"a new primary clears the old one", twoMails, []string{`add emails = [{"value":"c@x","primary":true}]`},
			`{"emails":[{"value":"a@x","type":"work","primary":false},{"value":"b@x","type":"home"},{"value":"c@x","primary":true}]}`},
		{"primary set by path", twoMails, []string{`replace emails[type eq "home"].primary = true`},
			`{"emails":[{"value":"a@x","type":"work","primary":false},{"value":"b@x","type":"home","primary":true}]}`},
		{"primary set in an element", twoMails, []string{`replace emails[type eq "home"] = {"primary":true}`},
			`{"emails":[{"value":"a@x","type":"work","primary":false},{"value":"b@x","type":"home","primary":true}]}`},
		{"of two primaries at once the last one stays", nothing,
			[]string{`replace emails = [{"value":"a","primary":true},{"value":"b","primary":true}]`},
			`{"emails":[{"value":"a","primary":false},{"value":"b","primary":true}]}`},
		{"primary set in all elements is the last one's", twoMails, []string{`add emails.primary = true`},
			`{"emails":[{"value":"a@x","type":"work","primary":false},{"value":"b@x","type":"home","primary":true}]}`},
		{"two primaries of the backend are left alone by another change", `{"emails":[{"value":"a","primary":true},{"value":"b","primary":true}]}`,
			[]string{`add emails = [{"value":"c"}]`}, `{"emails":[{"value":"a","primary":true},{"value":"b","primary":true},{"value":"c"}]}`},
		{"primary removed", twoMails, []string{`remove emails[type eq "work"].primary`},
			`{"emails":[{"value":"a@x","type":"work"},{"value":"b@x","type":"home"}]}`},

		// Selectors.
		{"a sub-attribute of the selected element", twoMails, []string{`replace emails[type eq "WORK"].value = "n@x"`},
			`{"emails":[{"value":"n@x","type":"work","primary":true},{"value":"b@x","type":"home"}]}`},
		{"all that are selected", `{"emails":[{"value":"a","type":"work"},{"value":"b","type":"work"}]}`,
			[]string{`replace emails[type eq "work"].display = "D"`},
			`{"emails":[{"value":"a","type":"work","display":"D"},{"value":"b","type":"work","display":"D"}]}`},
		{"an element is merged", twoMails, []string{`replace emails[type eq "home"] = {"value":"n@x"}`},
			`{"emails":[{"value":"a@x","type":"work","primary":true},{"value":"n@x","type":"home"}]}`},
		{"an element given as a list of one", twoMails, []string{`replace emails[type eq "home"] = [{"value":"n@x"}]`},
			`{"emails":[{"value":"a@x","type":"work","primary":true},{"value":"n@x","type":"home"}]}`},
		{"add where nothing is selected creates (Entra)", nothing, []string{`add emails[type eq "work"].value = "n@x"`},
			`{"emails":[{"type":"work","value":"n@x"}]}`},
		{"replace where nothing is selected creates (Entra)", twoMails, []string{`replace emails[type eq "other"].value = "n@x"`},
			`{"emails":[{"value":"a@x","type":"work","primary":true},{"value":"b@x","type":"home"},{"type":"other","value":"n@x"}]}`},
		{"the parts of a role, one after the other (Entra)", nothing,
			[]string{`add roles[primary eq "True"].display = "D"`, `add roles[primary eq "True"].value = "V"`, `add roles[primary eq "True"].type = "T"`},
			`{"roles":[{"primary":true,"display":"D","value":"V","type":"T"}]}`},
		{"a role whose type comes first", nothing,
			[]string{`add roles[primary eq "True"].type = "T"`, `add roles[primary eq "True"].value = "V"`},
			`{"roles":[{"primary":true,"value":"V","type":"T"}]}`},
		{"a created primary clears the old one", `{"roles":[{"value":"a","primary":true}]}`,
			[]string{`add roles[primary eq true and type eq "t"].value = "b"`},
			`{"roles":[{"value":"a","primary":false},{"primary":true,"type":"t","value":"b"}]}`},
		{"a conjunction creates with all its values", nothing,
			[]string{`add phoneNumbers[type eq "work" and display eq "Desk"].value = "1"`},
			`{"phoneNumbers":[{"type":"work","display":"Desk","value":"1"}]}`},
		{"a whole element created", nothing, []string{`add addresses[type eq "work"] = {"locality":"Rome"}`},
			`{"addresses":[{"type":"work","locality":"Rome"}]}`},
		{"clearing what is not selected creates nothing", nothing, []string{`replace emails[type eq "work"].value`, `add emails[type eq "work"].value`}, `{}`},
		{"remove what is selected", twoMails, []string{`remove emails[type eq "work"]`}, `{"emails":[{"value":"b@x","type":"home"}]}`},
		{"replace of what is selected by nothing", twoMails, []string{`replace emails[type eq "work"]`}, `{"emails":[{"value":"b@x","type":"home"}]}`},
		{"remove what nothing is selected of", twoMails, []string{`remove emails[type eq "other"]`, `remove emails[type co "zzz"].value`}, twoMails},
		{"clearing a value leaves no stub", twoMails, []string{`remove emails[type eq "work"].value`}, `{"emails":[{"value":"b@x","type":"home"}]}`},
		{"a value's display goes with it", `{"emails":[{"value":"a","display":"A","type":"work"}]}`, []string{`replace emails[type eq "work"].value`}, `{}`},
		{"an address with something left stays", `{"addresses":[{"type":"work","locality":"Rome","country":"IT"}]}`,
			[]string{`remove addresses[type eq "work"].country`}, `{"addresses":[{"type":"work","locality":"Rome"}]}`},
		{"and goes with the last of it", `{"addresses":[{"type":"work","primary":false,"locality":"Rome"}]}`,
			[]string{`remove addresses[type eq "work"].locality`}, `{}`},
		{"add, then remove in one request", nothing,
			[]string{`add emails = [{"value":"a"}]`, `remove emails[value eq "a"]`}, `{}`},

		// A sub-attribute of all elements.
		{"a sub-attribute of all", twoMails, []string{`replace emails.display = "D"`},
			`{"emails":[{"value":"a@x","type":"work","primary":true,"display":"D"},{"value":"b@x","type":"home","display":"D"}]}`},
		{"of all when there is none", nothing, []string{`add emails.value = "n@x"`}, `{"emails":[{"value":"n@x"}]}`},
		{"removed from all", twoMails, []string{`remove emails.value`}, `{}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			typ := UserType()
			before := given(t, typ, test.before)
			after, err := Apply(before, givenChanges(t, typ, test.changes))
			if err != nil {
				t.Fatal(err)
			}
			holdsExactly(t, after, test.after)
			if d := Diff(before, given(t, typ, test.before)); d != nil {
				t.Errorf("what was given has been changed: %v", d)
			}
		})
	}
}

func TestApplyCharacteristics(t *testing.T) {
	tests := []struct {
		name    string
		before  string
		changes []string
		after   string
	}{
		{"an immutable value set once", `{}`, []string{`add serial = "1"`}, `{"serial":"1"}`},
		{"an immutable value repeated", `{"serial":"1","seals":["a","b"]}`, []string{`replace serial = "1"`, `replace seals = ["b","a"]`, `add seals = "a"`},
			`{"serial":"1","seals":["b","a"]}`},
		{"simple values without case", `{"tags":["a","b"]}`, []string{`add tags = ["A","c","C"]`}, `{"tags":["A","b","C"]}`},
		{"simple values with case", `{"codes":["a","b"]}`, []string{`add codes = ["A","a"]`}, `{"codes":["a","b","A"]}`},
		{"simple values removed", `{"tags":["a","b","c"]}`, []string{`remove tags = ["B","z"]`, `remove tags = "c"`}, `{"tags":["a"]}`},
		{"the last simple value removed", `{"codes":["a"]}`, []string{`remove codes = ["a"]`}, `{}`},
		{"a required value that was never there may be cleared", `{}`, []string{`remove name`}, `{}`},
		{"another value for a required one", `{"name":"a"}`, []string{`replace name = "b"`}, `{"name":"b"}`},
		{"a multi-valued sub-attribute", `{"contact":{"mail":"m","aliases":["a"]}}`,
			[]string{`add contact.aliases = ["b","A"]`, `remove contact.aliases = ["b"]`}, `{"contact":{"mail":"m","aliases":["A"]}}`},
		{"an immutable sub-attribute set where it is not", `{"keys":[{"value":"a"}]}`, []string{`replace keys[value eq "a"].origin = "o"`},
			`{"keys":[{"value":"a","origin":"o"}]}`},
		{"the same element with another immutable part keeps its own", `{"keys":[{"value":"a","origin":"o"}]}`,
			[]string{`add keys = [{"value":"a","origin":"p","comment":"c"}]`}, `{"keys":[{"value":"a","origin":"o","comment":"c"}]}`},
		{"a list that replaces may have any immutable part", `{"keys":[{"value":"a","origin":"o"}]}`,
			[]string{`replace keys = [{"value":"a","origin":"p"}]`}, `{"keys":[{"value":"a","origin":"p"}]}`},
		{"a list that replaces keeps what only the backend can say", `{"keys":[{"value":"a","fingerprint":"f"},{"value":"b","fingerprint":"g"}]}`,
			[]string{`replace keys = [{"value":"c","fingerprint":"forged"},{"value":"a"}]`}, `{"keys":[{"value":"c"},{"value":"a","fingerprint":"f"}]}`},
		{"another value has another fingerprint", `{"keys":[{"value":"a","type":"t","fingerprint":"f"}]}`,
			[]string{`replace keys[type eq "t"].value = "b"`}, `{"keys":[{"value":"b","type":"t"}]}`},
		{"an element without a value is the same whatever its fingerprint", `{"keys":[{"comment":"c","fingerprint":"f"}]}`,
			[]string{`add keys = [{"comment":"c"},{"comment":"c","fingerprint":"forged"}]`}, `{"keys":[{"comment":"c","fingerprint":"f"}]}`},
		{"an element of read-only parts alone is none", `{}`, []string{`add keys = [{"fingerprint":"f"}]`}, `{}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			typ := thingType(t)
			after, err := Apply(given(t, typ, test.before), givenChanges(t, typ, test.changes))
			if err != nil {
				t.Fatal(err)
			}
			holdsExactly(t, after, test.after)
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	thing, user := thingType(t), UserType()
	tests := []struct {
		name    string
		typ     *ResourceType
		before  string
		changes []string
		want    ErrorType
		detail  string
	}{
		{"a read-only attribute", user, `{}`, []string{`add groups = [{"value":"g"}]`}, MutabilityErr, "groups is read-only"},
		{"a read-only sub-attribute", user, `{}`, []string{`replace ` + enterprise + `:manager.displayName = "x"`}, MutabilityErr, "manager.displayName is read-only"},
		{"the id", user, `{}`, []string{`replace id = "x"`}, MutabilityErr, "id is read-only"},
		{"another immutable value", thing, `{"serial":"1"}`, []string{`replace serial = "2"`}, MutabilityErr, "serial"},
		{"an immutable value removed", thing, `{"serial":"1"}`, []string{`remove serial`}, MutabilityErr, "serial"},
		{"an immutable value set by an earlier change", thing, `{}`, []string{`add serial = "1"`, `add serial = "2"`}, MutabilityErr, "serial"},
		{"one more immutable value", thing, `{"seals":["a"]}`, []string{`add seals = ["b"]`}, MutabilityErr, "seals"},
		{"another immutable sub-attribute", thing, `{"keys":[{"value":"a","origin":"o"}]}`, []string{`replace keys[value eq "a"].origin = "p"`}, MutabilityErr, "keys.origin"},
		{"an immutable sub-attribute removed", thing, `{"keys":[{"value":"a","origin":"o"}]}`, []string{`remove keys.origin`}, MutabilityErr, "keys.origin"},
		{"a required value removed", user, `{"userName":"u"}`, []string{`remove userName`}, MutabilityErr, "userName is required"},
		{"a required value replaced by nothing", user, `{"userName":"u"}`, []string{`replace userName`}, MutabilityErr, "userName is required"},
		{"a required sub-attribute removed", thing, `{"contact":{"mail":"m","phone":"1"}}`, []string{`remove contact.mail`}, MutabilityErr, "contact.mail is required"},
		{"a required sub-attribute removed with its parent", thing, `{"contact":{"mail":"m"}}`, []string{`remove contact`}, MutabilityErr, "contact.mail is required"},
		{"replace where a selector that creates nothing selects nothing", user, `{}`, []string{`replace emails[type sw "w"].value = "x"`}, NoTarget, `emails[type sw "w"].value`},
		{"add likewise", user, `{}`, []string{`add emails[type eq "work" or type eq "home"] = {"value":"x"}`}, NoTarget, "emails"},
		{"a selector that contradicts itself", user, `{}`, []string{`add emails[type eq "work" and type eq "home"].value = "x"`}, NoTarget, "emails"},
		{"a selector of what only the backend can say", thing, `{}`, []string{`add keys[fingerprint eq "f"].value = "x"`}, NoTarget, "keys"},
		{"a simple value for a complex attribute", user, `{}`, []string{`add name = "Ada"`}, InvalidValue, "name"},
		{"several values for a complex one", thing, `{}`, []string{`add contact = [{"mail":"m"},{"mail":"n"}]`}, InvalidValue, "contact"},
		{"a list for a single value", user, `{}`, []string{`add title = ["a","b"]`}, InvalidValue, "title"},
		{"simple elements of a complex attribute", user, `{}`, []string{`add emails = ["a@x"]`}, InvalidValue, "emails"},
		{"several elements for the selected one", user, `{}`, []string{`add emails[type eq "work"] = [{"value":"a"},{"value":"b"}]`}, InvalidValue, "emails"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := given(t, test.typ, test.before)
			after, err := Apply(before, givenChanges(t, test.typ, test.changes))
			e := AsError(err)
			if e == nil {
				t.Fatalf("got %v, %v; want an error of type %s", after, err, test.want)
			}
			if e.Status != http.StatusBadRequest || e.Type != test.want || !strings.Contains(e.Detail, test.detail) {
				t.Errorf("got %v, want 400 %s naming %s", e, test.want, test.detail)
			}
			if after != nil {
				t.Errorf("there is a resource beside the error: %v", after)
			}
			if d := Diff(before, given(t, test.typ, test.before)); d != nil {
				t.Errorf("a refused change left something behind: %v", d)
			}
		})
	}
}

// Decode makes no such paths; nothing that is handed in may panic or do more
// than it says.
func TestApplyRefusesWhatIsNoChange(t *testing.T) {
	user := UserType()
	work := givenChange(t, user, `add emails[type eq "work"].value = "x"`).Path
	name, title := user.Attribute("name"), user.Attribute("title")
	tests := []struct {
		name   string
		change Change
		want   ErrorType
	}{
		{"an operation that does not exist", Change{Op: "move", Path: Path{Attribute: name}, Value: String("x")}, InvalidSyntax},
		{"a selector on a single value", Change{Op: Replace, Path: Path{Attribute: name, Selector: work.Selector}, Value: Bool(true)}, InvalidPath},
		{"a sub-attribute of a simple value", Change{Op: Replace, Path: Path{Attribute: title, Sub: name.Sub("givenName")}, Value: Bool(true)}, InvalidPath},
		{"a complex value for a simple attribute", Change{Op: Replace, Path: Path{Attribute: title}, Value: Complex(Field{name.Sub("givenName"), String("x")})}, InvalidValue},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Apply(NewResource(user), []Change{test.change})
			if e := AsError(err); e == nil || e.Type != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestApplySetsThePassword(t *testing.T) {
	user := UserType()
	after, err := Apply(NewResource(user), givenChanges(t, user, []string{`replace password = "s3cret"`}))
	if err != nil {
		t.Fatal(err)
	}
	if got := after.Get(user.Attribute("password")); !got.Equal(String("s3cret")) {
		t.Errorf("the password is not set")
	}
}

func TestApplyKeepsTheOrder(t *testing.T) {
	user := UserType()
	before := NewResource(user)
	for _, name := range []string{"title", "userName", "active", "displayName"} {
		before.Set(user.Attribute(name), String(name))
	}
	after, err := Apply(before, givenChanges(t, user, []string{`replace userName = "x"`, `remove active`, `add nickName = "n"`}))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range after.Fields() {
		names = append(names, f.Attribute.Name)
	}
	if got := strings.Join(names, " "); got != "title userName displayName nickName" {
		t.Errorf("the attributes stand in the order %s", got)
	}
}
