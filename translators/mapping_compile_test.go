package translators_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

func TestMistakesNamePathAndRemedy(t *testing.T) {
	const work = `emails[type eq "work"]`
	user := translators.MapConfig{Path: "userName", Fields: []string{"uid"}}
	field := []string{"x"}
	tests := []struct {
		name string
		maps []translators.MapConfig
		want string
	}{
		{"unknown path", []translators.MapConfig{user, {Path: "displayNam", Fields: field}}, "map displayNam: SCIM has no attribute displayNam in a User; do you mean displayName?"},
		{"bad path", []translators.MapConfig{user, {Path: "emails[", Fields: field}}, "map emails[: path, position 8"},
		{"complex", []translators.MapConfig{user, {Path: "name", Fields: field}}, "map name: it is complex: map one of its sub-attributes (formatted,"},
		{"element without sub-attribute", []translators.MapConfig{user, {Path: work, Fields: field}}, "or all of it to one field with json"},
		{"twice", []translators.MapConfig{user, {Path: "USERNAME", Fields: field}}, "map USERNAME: it is mapped twice"},
		{"twice by another spelling of the selector", []translators.MapConfig{user,
			{Path: `emails[type eq "work" and primary eq true].value`, Fields: field},
			{Path: `emails[primary eq "True" and type eq "WORK"].value`, Fields: []string{"y"}}}, "it is mapped twice"},
		{"json beside its parts", []translators.MapConfig{user, {Path: work + ".value", Fields: field}, {Path: work, Fields: []string{"y"}, Codec: "json"}}, `json maps all of emails[type eq "work"] to one field already`},
		{"two write one field", []translators.MapConfig{user, {Path: "title", Fields: []string{"UID"}}}, "map title: the field UID is written by userName already: make one of the two read_only"},
		{"a field twice", []translators.MapConfig{user, {Path: "title", Fields: []string{"x", "X"}}}, `the field "X" stands twice`},
		{"selector with or", []translators.MapConfig{user, {Path: `emails[type eq "a" or type eq "b"].value`, Fields: field}}, "with eq joined by and"},
		{"selector with two types", []translators.MapConfig{user, {Path: `emails[type eq "a" and type eq "b"].value`, Fields: field}}, "with eq joined by and"},
		{"selector with null", []translators.MapConfig{user, {Path: `emails[type eq null].value`, Fields: field}}, "with eq joined by and"},
		{"selector on what is mapped", []translators.MapConfig{user, {Path: `emails[type eq "work"].type`, Fields: field}}, "its selector fixes type already"},
		{"no field", []translators.MapConfig{{Path: "userName"}}, "it has no field"},
		{"constant with field", []translators.MapConfig{user, {Path: "title", Fields: field, Constant: "x"}}, "remove its field"},
		{"constant with codec", []translators.MapConfig{user, {Path: "title", Codec: "json", Constant: "x"}}, "remove json"},
		{"constant with rule", []translators.MapConfig{user, {Path: "title", ReadOnly: true, Constant: "x"}}, "it has no other options"},
		{"constant of another type", []translators.MapConfig{user, {Path: "emails.primary", Constant: "perhaps"}}, "its constant does not suit"},
		{"constant for all of it", []translators.MapConfig{user, {Path: "emails", Constant: "x"}}, "give one of its sub-attributes"},
		{"default not allowed", []translators.MapConfig{user, {Path: "title", Fields: field, Default: "c", OneOf: []string{"a", "b"}}}, "its default c is not one of a, b"},
		{"default of another type", []translators.MapConfig{user, {Path: "emails.primary", Fields: field, Default: "perhaps"}}, "its default does not suit"},
		{"one_of of another type", []translators.MapConfig{user, {Path: "emails.primary", Fields: field, OneOf: []string{"perhaps"}}}, "one_of perhaps does not suit"},
		{"one_of twice", []translators.MapConfig{user, {Path: "title", Fields: field, OneOf: []string{"a", "a"}}}, "one_of names a twice"},
		{"default on read_only", []translators.MapConfig{user, {Path: "title", Fields: field, ReadOnly: true, Default: "x"}}, "no default can be written"},
		{"default_from on read_only", []translators.MapConfig{user, {Path: "title", Fields: field, ReadOnly: true, DefaultFrom: []string{"userName"}}}, "no default can be written"},
		{"required on read_only", []translators.MapConfig{user, {Path: "title", Fields: field, ReadOnly: true, Required: true}}, "no provider can give what is required"},
		{"one_of on read_only", []translators.MapConfig{user, {Path: "title", Fields: field, ReadOnly: true, OneOf: []string{"a"}}}, "nothing to check"},
		{"create_only on read_only", []translators.MapConfig{user, {Path: "title", Fields: field, ReadOnly: true, CreateOnly: true}}, "exclude each other"},
		{"write_only on read_only", []translators.MapConfig{user, {Path: "title", Fields: field, ReadOnly: true, WriteOnly: true}}, "exclude each other"},
		{"write_only in part", []translators.MapConfig{user, {Path: "name.givenName", Fields: field, WriteOnly: true}}, "name is complex, and can't be write-only"},
		{"password read_only", []translators.MapConfig{user, {Path: "password", Fields: field, ReadOnly: true}}, "it can only be written"},
		{"password with default", []translators.MapConfig{user, {Path: "password", Fields: field, Default: "x"}}, "a password that many share is none"},
		{"password with source", []translators.MapConfig{user, {Path: "password", Fields: field, DefaultFrom: []string{"userName"}}}, "a password that many share is none"},
		{"private userName", []translators.MapConfig{{Path: "userName", Fields: field, Private: true}}, "userName can't be private: by it people and groups are found"},
		{"private displayName", []translators.MapConfig{user, {Path: "displayName", Fields: field, Private: true}}, "displayName can't be private"},
		{"private externalId", []translators.MapConfig{user, {Path: "externalid", Fields: field, Private: true}}, "externalId can't be private"},
		{"remembered and mapped", []translators.MapConfig{user, {Path: "externalId", Fields: field}, {Path: "EXTERNALID", Remember: true}}, "remember EXTERNALID: it is both mapped and remembered"},
		{"mapped and remembered", []translators.MapConfig{user, {Path: "externalId", Remember: true}, {Path: "externalId", Fields: field}}, "map externalId: it is both mapped and remembered"},
		{"remembered twice", []translators.MapConfig{user, {Path: "externalId", Remember: true}, {Path: "externalId", Remember: true}}, "it is remembered twice"},
		{"remembered in a field", []translators.MapConfig{user, {Path: "externalId", Fields: field, Remember: true}}, "has no field in the backend and no options"},
		{"remembered, private", []translators.MapConfig{user, {Path: "nickName", Remember: true, Private: true}}, "has no field in the backend and no options"},
		{"remembered, with a default", []translators.MapConfig{user, {Path: "nickName", Remember: true, Default: "x"}}, "has no field in the backend and no options"},
		{"private password", []translators.MapConfig{user, {Path: "password", Fields: field, Private: true}}, "it is never shown at all: remove private"},
		{"private constant", []translators.MapConfig{user, {Path: "title", Constant: "x", Private: true}}, "it has no other options"},
		{"default from what is private", []translators.MapConfig{user, {Path: "nickName", Fields: []string{"y"}, Private: true}, {Path: "title", Fields: field, DefaultFrom: []string{"nickName"}}}, "it is private, and title is not: make it private too"},
		{"source unknown", []translators.MapConfig{user, {Path: "title", Fields: field, DefaultFrom: []string{"usrName"}}}, "default_from usrName: SCIM has no attribute usrName in a User; do you mean userName?"},
		{"source not mapped", []translators.MapConfig{user, {Path: "title", Fields: field, DefaultFrom: []string{"nickName"}}}, "default_from nickName: it is not mapped"},
		{"source is itself", []translators.MapConfig{user, {Path: "title", Fields: field, DefaultFrom: []string{"title"}}}, "it is its own source"},
		{"source is a password", []translators.MapConfig{user, {Path: "password", Fields: []string{"y"}}, {Path: "title", Fields: field, DefaultFrom: []string{"password"}}}, "a password is not copied"},
		{"source is complex", []translators.MapConfig{user, {Path: "name.familyName", Fields: field, DefaultFrom: []string{"name"}}}, "it is complex"},
		{"source of another type", []translators.MapConfig{user, {Path: "emails.primary", Fields: []string{"y"}}, {Path: "title", Fields: field, DefaultFrom: []string{"emails.primary"}}}, "it is of the type boolean"},
		{"unknown codec", []translators.MapConfig{user, {Path: "title", Fields: field, Codec: "rot13"}}, `there is no codec "rot13"`},
		{"boolean on a text", []translators.MapConfig{user, {Path: "title", Fields: field, Codec: "boolean"}}, "boolean is for booleans, and this is of the type string"},
		{"timestamp on a text", []translators.MapConfig{user, {Path: "title", Fields: field, Codec: "timestamp"}}, "timestamp is for dates and times"},
		{"binary on a text", []translators.MapConfig{user, {Path: "title", Fields: field, Codec: "binary"}}, "binary is for binary values"},
		{"postal_address on a boolean", []translators.MapConfig{user, {Path: "emails.primary", Fields: field, Codec: "postal_address"}}, "postal_address is for strings"},
		{"json on a text", []translators.MapConfig{user, {Path: "title", Fields: field, Codec: "json"}}, "json is for whole complex values"},
		{"json with default", []translators.MapConfig{user, {Path: "roles", Fields: field, Codec: "json", Default: "x"}}, "json maps a whole one"},
		{"reference on a text", []translators.MapConfig{user, {Path: "title", Fields: field, Codec: "reference"}}, "say what resources the value is an id of"},
		{"reference on a value that does not say to what", []translators.MapConfig{user, {Path: "entitlements.value", Fields: field, Codec: "reference"}}, "say what resources the value is an id of"},
		{"reference on a boolean", []translators.MapConfig{user, {Path: "emails.primary", Fields: field, Codec: "reference", RefersTo: "Group"}}, "reference is for ids of other resources"},
		{"a resource type without reference", []translators.MapConfig{user, {Path: "title", Fields: field, RefersTo: "Group"}}, "stands behind reference"},
		{"texts without boolean", []translators.MapConfig{user, {Path: "emails.primary", Fields: field, True: "1"}}, "stand behind boolean"},
		{"texts alike", []translators.MapConfig{user, {Path: "emails.primary", Fields: field, Codec: "boolean", True: "yes", False: "YES"}}, "give each a text of its own"},
		{"served already", []translators.MapConfig{user, {Path: "active", Fields: field}}, "active is served without a mapping: remove the line"},
		{"part served already", []translators.MapConfig{user, {Path: "groups.value", Fields: field}}, "groups is served as a whole: name it alone, map groups"},
		{"the id", []translators.MapConfig{user, {Path: "id", Fields: field}}, "id comes from the backend by itself"},
		{"meta", []translators.MapConfig{user, {Path: "meta.created", Fields: field}}, "meta comes from the backend by itself"},
		{"an address", []translators.MapConfig{user, {Path: "manager.$ref", Fields: field}}, "manager.value instead"},
		{"default on what SCIM makes read-only", []translators.MapConfig{user, {Path: "manager.displayName", Fields: field, Default: "x"}}, "it is read_only"},
		{"SCIM requires it", []translators.MapConfig{{Path: "title", Fields: field}}, "userName is not mapped, and SCIM requires it of every User"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := translators.Compile(scim.UserType(), tt.maps, "active", "groups")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestMembersAreNoLeaf(t *testing.T) {
	name := translators.MapConfig{Path: "displayName", Fields: []string{"cn"}}
	for path, want := range map[string]string{"members.value": "name it alone", "members": "not served by this translator"} {
		_, err := translators.Compile(scim.GroupType(), []translators.MapConfig{name, {Path: path, Fields: []string{"member"}}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestWhatSCIMMakesReadOnlyIsNeverWritten(t *testing.T) {
	m := compile(t, []translators.MapConfig{{Path: "userName", Fields: []string{"uid"}}, {Path: "manager.displayName", Fields: []string{"bossName"}},
		{Path: "manager.value", Fields: []string{"boss"}}})
	for _, l := range m.Leaves {
		if want := l.Path.Sub == nil || l.Path.Sub.Name == "value"; l.IsWritable() != want {
			t.Errorf("%s is writable: %t", l.Path, l.IsWritable())
		}
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	_, err := translators.Compile(scim.UserType(), []translators.MapConfig{{Path: "userName"}, {Path: "shoeSize", Fields: []string{"x"}}})
	for _, want := range []string{"map userName:", "map shoeSize:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing from %v", want, err)
		}
	}
}

func TestCompileOfAnAttributeThatIsNone(t *testing.T) {
	if _, err := translators.Compile(scim.GroupType(), nil, "memebrs"); err == nil || !strings.Contains(err.Error(), "memebrs") {
		t.Errorf("got %v", err)
	}
}

func TestOneFieldMayBeReadByMany(t *testing.T) {
	compile(t, []translators.MapConfig{
		{Path: "userName", Fields: []string{"uid"}},
		{Path: "displayName", Fields: []string{"uid"}, ReadOnly: true},
		{Path: "nickName", Fields: []string{"UID"}, ReadOnly: true},
	})
}

func TestSchemaTellsTheRules(t *testing.T) {
	m := compile(t, []translators.MapConfig{
		{Path: "userName", Fields: []string{"uid"}},
		{Path: "password", Fields: []string{"userPassword"}},
		{Path: "displayName", Fields: []string{"displayName"}, ReadOnly: true},
		{Path: "name.familyName", Fields: []string{"sn"}, Required: true},
		{Path: "name.givenName", Fields: []string{"givenName"}},
		{Path: "profileUrl", Fields: []string{"labeledURI"}, WriteOnly: true},
		{Path: "title", Fields: []string{"title"}, OneOf: []string{"Dr", "Prof"}},
		{Path: "nickName", Fields: []string{"nick"}, CreateOnly: true},
		{Path: "userType", Constant: "Employee"},
		{Path: `emails[type eq "work"].value`, Fields: []string{"mail"}, Required: true},
		{Path: `emails[type eq "pager"].value`, Fields: []string{"pager"}},
		{Path: `phoneNumbers.value`, Fields: []string{"phone"}, Required: true},
		{Path: `phoneNumbers.type`, Fields: []string{"phoneType"}},
		{Path: `roles[primary eq true].value`, Fields: []string{"role"}, ReadOnly: true},
		{Path: `roles[primary eq false].value`, Fields: []string{"otherRole"}, ReadOnly: true},
	})
	type view struct {
		Required   bool
		Mutability scim.Mutability
		Returned   scim.Returned
		Canonical  []string
	}
	see := func(name string) view {
		target, ok := scim.ParseTarget(m.Type, name)
		if !ok {
			t.Fatalf("%s is not there", name)
		}
		a := target.Leaf()
		return view{a.Required, a.Mutability, a.Returned, a.CanonicalValues}
	}
	for name, want := range map[string]view{
		"userName":           {true, scim.ReadWrite, scim.ReturnedDefault, nil},
		"password":           {false, scim.WriteOnly, scim.ReturnedNever, nil},
		"displayName":        {false, scim.ReadOnly, scim.ReturnedDefault, nil},
		"name":               {true, scim.ReadWrite, scim.ReturnedDefault, nil},
		"name.familyName":    {true, scim.ReadWrite, scim.ReturnedDefault, nil},
		"name.givenName":     {false, scim.ReadWrite, scim.ReturnedDefault, nil},
		"profileUrl":         {false, scim.WriteOnly, scim.ReturnedNever, nil},
		"title":              {false, scim.ReadWrite, scim.ReturnedDefault, []string{"Dr", "Prof"}},
		"nickName":           {false, scim.ReadWrite, scim.ReturnedDefault, nil},
		"userType":           {false, scim.ReadOnly, scim.ReturnedDefault, nil},
		"emails":             {false, scim.ReadWrite, scim.ReturnedDefault, nil},
		"emails.value":       {false, scim.ReadWrite, scim.ReturnedDefault, nil},
		"emails.type":        {false, scim.ReadWrite, scim.ReturnedDefault, []string{"work", "pager"}},
		"phoneNumbers":       {true, scim.ReadWrite, scim.ReturnedDefault, nil},
		"phoneNumbers.value": {true, scim.ReadWrite, scim.ReturnedDefault, nil},
		"phoneNumbers.type":  {false, scim.ReadWrite, scim.ReturnedDefault, []string{"work", "home", "mobile", "fax", "pager", "other"}},
		"roles":              {false, scim.ReadOnly, scim.ReturnedDefault, nil},
		"roles.primary":      {false, scim.ReadWrite, scim.ReturnedDefault, nil},
	} {
		if diff := cmp.Diff(want, see(name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if again := scim.UserType().Attribute("title"); again.CanonicalValues != nil {
		t.Error("the full type was changed")
	}
}

func TestRules(t *testing.T) {
	m := compile(t, []translators.MapConfig{
		{Path: "userName", Fields: []string{"uid"}},
		{Path: "name.familyName", Fields: []string{"sn"}, Required: true, DefaultFrom: []string{"displayName", "userName"}, Default: "-"},
		{Path: "displayName", Fields: []string{"cn"}, CreateOnly: true},
		{Path: "nickName", Fields: []string{"nick"}},
		{Path: `emails[type eq "work"].value`, Fields: []string{"mail"}, OneOf: []string{"a", "b"}},
	})
	var got []string
	for _, r := range m.Rules {
		s := r.Path.String()
		if r.Required {
			s += " required"
		}
		if r.CreateOnly {
			s += " create_only"
		}
		for _, f := range r.From {
			s += " from " + f.String()
			if f.Attribute != m.Type.Attribute(f.Attribute.String()) {
				t.Errorf("the source %s is not of the narrowed type", f)
			}
		}
		if r.Default != "" {
			s += " default " + r.Default
		}
		got = append(got, s+" "+strings.Join(r.OneOf, "|"))
	}
	want := []string{"userName required ", "name.familyName required from displayName from userName default - ", "displayName create_only ", `emails[type eq "work"].value a|b`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsReadOnlyIsNotRequired(t *testing.T) {
	m := compile(t, []translators.MapConfig{{Path: "userName", Fields: []string{"uid"}, ReadOnly: true}})
	if len(m.Rules) != 0 || m.Type.Attribute("userName").Required {
		t.Errorf("nobody can write userName, and it is required: %v", m.Rules)
	}
}
