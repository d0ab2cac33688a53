package mapfile_test

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/mapfile"
)

// parse reads a text of map and delete lines.
func parse(text string) (maps []translators.MapConfig, mode translators.DeleteMode, err error) {
	d := caddyfile.NewTestDispenser(text)
	for d.Next() {
		switch d.Val() {
		case "map":
			var c translators.MapConfig
			if c, err = mapfile.Parse(d, scim.UserType(), "active"); err != nil {
				return nil, "", err
			}
			maps = append(maps, c)
		case "remember":
			remembered, err := mapfile.ParseRemember(d, scim.UserType())
			if err != nil {
				return nil, "", err
			}
			maps = append(maps, remembered...)
		case "delete":
			if mode, err = mapfile.ParseDelete(d, mode); err != nil {
				return nil, "", err
			}
		default:
			return nil, "", d.ArgErr()
		}
	}
	return maps, mode, nil
}

// whole holds every option, as caddy fmt would leave it.
const whole = `map userName uid
map displayName cn displayName {
	default_from name.formatted ` + "`emails[type eq \"work\"].value`" + `
	default "No Name"
	required
}
map userType employeeType {
	default Employee
	one_of Employee Contractor "Board Member"
	create_only
}
map ` + "`emails[type eq \"work\"].value`" + ` mail {
	read_only
}
map ` + "`emails[type eq \"work\"].primary`" + ` {
	constant true
}
map ` + "`phoneNumbers[type eq \"work\" and primary eq true].value`" + ` telephoneNumber
map ` + "`addresses[type eq \"work\"].formatted`" + ` postalAddress {
	postal_address
}
map nickName secretName {
	write_only
}
map title title {
	private
}
map ` + "`x509Certificates[type eq \"login\"].value`" + ` userCertificate;binary {
	binary
}
map roles description {
	json
}
map urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value manager {
	reference
}
map active status {
	boolean 1 3
}
remember externalId locale
remember urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter
delete disable
`

func TestWholeGrammar(t *testing.T) {
	got, mode, err := parse(whole)
	if err != nil {
		t.Fatal(err)
	}
	want := []translators.MapConfig{
		{Path: "userName", Fields: []string{"uid"}},
		{Path: "displayName", Fields: []string{"cn", "displayName"}, Required: true, Default: "No Name",
			DefaultFrom: []string{"name.formatted", `emails[type eq "work"].value`}},
		{Path: "userType", Fields: []string{"employeeType"}, Default: "Employee",
			OneOf: []string{"Employee", "Contractor", "Board Member"}, CreateOnly: true},
		{Path: `emails[type eq "work"].value`, Fields: []string{"mail"}, ReadOnly: true},
		{Path: `emails[type eq "work"].primary`, Constant: "true"},
		{Path: `phoneNumbers[type eq "work" and primary eq true].value`, Fields: []string{"telephoneNumber"}},
		{Path: `addresses[type eq "work"].formatted`, Fields: []string{"postalAddress"}, Codec: "postal_address"},
		{Path: "nickName", Fields: []string{"secretName"}, WriteOnly: true},
		{Path: "title", Fields: []string{"title"}, Private: true},
		{Path: `x509Certificates[type eq "login"].value`, Fields: []string{"userCertificate;binary"}, Codec: "binary"},
		{Path: "roles", Fields: []string{"description"}, Codec: "json"},
		{Path: scim.SchemaEnterprise + ":manager.value", Fields: []string{"manager"}, Codec: "reference"},
		{Path: "active", Fields: []string{"status"}, Codec: "boolean", True: "1", False: "3"},
		{Path: "externalId", Remember: true}, {Path: "locale", Remember: true}, {Path: scim.SchemaEnterprise + ":costCenter", Remember: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if mode != translators.DeleteDisable {
		t.Errorf("delete is %q", mode)
	}
}

// TestSurvivesFormatting makes sure that caddy fmt neither changes a mapping
// that is written as documented nor one that is written untidily.
func TestSurvivesFormatting(t *testing.T) {
	if got := string(caddyfile.Format([]byte(whole))); got != whole {
		t.Errorf("caddy fmt changes the documented form:\n%s", cmp.Diff(whole, got))
	}
	untidy := strings.ReplaceAll(strings.ReplaceAll(whole, "\t", "       "), " {", "   {")
	want, _, err := parse(untidy)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := parse(string(caddyfile.Format([]byte(untidy))))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesNameLineAndRemedy(t *testing.T) {
	tests := []struct {
		name, text string
		line       string
		want       []string
	}{
		{"no path", "map", ":1", []string{"map needs a path and a field"}},
		{"no field", "map userName", ":1", []string{"map userName", "no field"}},
		{"unknown path", "map userNmae uid", ":1", []string{"do you mean userName?"}},
		{"unknown sub-attribute", "map name.givenNane givenName", ":1", []string{"do you mean name.givenName?"}},
		{"sub-attribute alone", "map familyName sn", ":1", []string{"do you mean name.familyName?"}},
		{"unknown attribute of the extension", "map urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:departement ou", ":1", []string{"do you mean urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department?"}},
		{"nothing like it", "map shoeSize x", ":1", []string{"SCIM has no attribute shoeSize in a User,"}},
		{"selector without any quoting", `map emails[type eq "work"].value mail`, ":1", []string{"must stand in backticks: map `emails[type eq"}},
		{"selector in quotes", `map "emails[type eq "work"].value" mail`, ":1", []string{"must stand in backticks"}},
		{"selector that is not eq", "map `emails[type sw \"w\"].value` mail", ":1", []string{"with eq joined by and"}},
		{"complex", "map name cn", ":1", []string{"map one of its sub-attributes (formatted, familyName"}},
		{"unknown option", "map userName uid {\n\trequire\n}", ":2", []string{"there is no option require", "required"}},
		{"option twice", "map title title {\n\tdefault a\n\tdefault b\n}", ":3", []string{"default is given twice"}},
		{"two codecs", "map title title {\n\tbinary\n\tjson\n}", ":3", []string{"binary and json exclude each other"}},
		{"codec of another type", "map title title {\n\ttimestamp\n}", ":1", []string{"timestamp is for dates and times"}},
		{"default without value", "map title title {\n\tdefault\n}", ":2", []string{"default takes one value"}},
		{"default with two", "map title title {\n\tdefault a b\n}", ":2", []string{"in quotes if it contains blanks"}},
		{"flag with value", "map title title {\n\trequired yes\n}", ":2", []string{"required stands alone"}},
		{"boolean with one text", "map active status {\n\tboolean 1\n}", ":2", []string{"boolean <true> <false>"}},
		{"codec with value", "map title title {\n\tjson x\n}", ":2", []string{"json stands alone"}},
		{"one_of without values", "map title title {\n\tone_of\n}", ":2", []string{"one_of <value>..."}},
		{"default_from without path", "map title title {\n\tdefault_from\n}", ":2", []string{"default_from <path>..."}},
		{"default_from unknown", "map title title {\n\tdefault_from nickname displayNam\n}", ":2", []string{"default_from displayNam", "do you mean displayName?"}},
		{"default not allowed", "map title title {\n\tone_of a b\n\tdefault c\n}", ":1", []string{"c is not one of a, b"}},
		{"constant with field", "map title title {\n\tconstant x\n}", ":1", []string{"remove its field"}},
		{"remember nothing", "remember", ":1", []string{"remember names what is to be remembered: remember externalId"}},
		{"remember unknown", "remember externalid nickNam", ":1", []string{"remember nickNam", "do you mean nickName?"}},
		{"remember twice", "remember externalId\nremember locale LOCALE", ":2", []string{"remember LOCALE: it stands twice"}},
		{"remember with a block", "remember externalId {\n\trequired\n}", ":1", []string{"remember externalId has no options"}},
		{"remember what is complex", "remember name", ":1", []string{"remember name: name is complex, and only simple texts can be remembered: map it"}},
		{"remember a part", "remember name.middleName", ":1", []string{"name is complex"}},
		{"remember an element", "remember `emails[type eq \"work\"].value`", ":1", []string{"emails is complex"}},
		{"remember many", "remember emails", ":1", []string{"emails is complex"}},
		{"remember a flag", "remember active", ":1", []string{"it is of the type boolean, and only texts can be remembered"}},
		{"remember a URL", "remember profileUrl", ":1", []string{"it is of the type reference"}},
		{"remember a secret", "remember password", ":1", []string{"it is a secret, and the store keeps none"}},
		{"remember the login", "remember userName", ":1", []string{"remember userName: it is required, and has to be where the accounts are"}},
		{"remember the id", "remember id", ":1", []string{"id comes from the backend by itself"}},
		{"delete without meaning", "delete", ":1", []string{"delete remove (the entry)"}},
		{"delete of another meaning", "delete purge", ":1", []string{"delete disable"}},
		{"delete twice", "delete remove\ndelete disable", ":2", []string{"given twice, first as remove"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := parse(tt.text)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(tt.want, "Testfile"+tt.line) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got  %s\nwant %s", err, want)
				}
			}
		})
	}
}
