package scim

import "testing"

func TestParseTarget(t *testing.T) {
	user := UserType()
	for in, want := range map[string]string{ // "": not found
		`userName`:                              `userName`,
		` USERNAME `:                            `userName`,
		`emails`:                                `emails`,
		`emails.value`:                          `emails.value`,
		`Name.GivenName`:                        `name.givenName`,
		`id`:                                    `id`,
		`meta.Location`:                         `meta.location`,
		`schemas`:                               `schemas`,
		`password`:                              `password`,
		`groups.$ref`:                           `groups.$ref`,
		SchemaUser + `:name.familyName`:         `name.familyName`,
		extensionPrefix + `department`:          extensionPrefix + `department`,
		extensionPrefix + `MANAGER.displayName`: extensionPrefix + `manager.displayName`,
		`manager.value`:                         extensionPrefix + `manager.value`,
		`department`:                            extensionPrefix + `department`,
		``:                                      ``,
		`members`:                               ``,
		`name.`:                                 ``,
		`.name`:                                 ``,
		`name.nick`:                             ``,
		`name.givenName.x`:                      ``,
		`userName.value`:                        ``,
		`emails[type eq "work"]`:                ``,
		SchemaEnterprise:                        ``,
		SchemaEnterprise + `:`:                  ``,
		SchemaEnterprise + `:userName`:          ``,
		SchemaUser + `:department`:              ``,
		`urn:ietf:params:scim:2.0:User:name`:    ``,
	} {
		target, found := ParseTarget(user, in)
		if found != (want != "") {
			t.Errorf("%q: found %t", in, found)
		} else if found && target.String() != want {
			t.Errorf("%q: got %s, want %s", in, target, want)
		}
	}
	emails, _ := ParseTarget(user, "emails")
	if emails.Attribute != user.Attribute("emails") || emails.Sub != nil {
		t.Errorf("emails alone is not all of it: %+v", emails)
	}
}

// TestSameNameInTwoExtensions: a bare name must not mean one of two.
func TestSameNameInTwoExtensions(t *testing.T) {
	other := &Schema{ID: "urn:example:1.0:User", Attributes: []*Attribute{{Name: "department"}, {Name: "title"}}}
	user, err := NewResourceType("User", "/Users", "", UserSchema(), EnterpriseSchema(), other)
	if err != nil {
		t.Fatal(err)
	}
	if _, found := ParseTarget(user, "department"); found {
		t.Error("department was found in one of two extensions")
	}
	for in, want := range map[string]string{
		`urn:example:1.0:User:department`: `urn:example:1.0:User:department`,
		extensionPrefix + `department`:    extensionPrefix + `department`,
		`title`:                           `title`,
		`urn:example:1.0:User:title`:      `urn:example:1.0:User:title`,
	} {
		if target, found := ParseTarget(user, in); !found || target.String() != want {
			t.Errorf("%s: got %t, %+v", in, found, target)
		}
	}
}

func TestSchemaForPath(t *testing.T) {
	user := UserType()
	for in, want := range map[string]string{
		SchemaEnterprise: SchemaEnterprise,
		SchemaUser:       SchemaUser,
		" URN:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:user ": SchemaEnterprise,
		SchemaEnterprise + ":department":                               "",
		SchemaGroup:                                                    "",
		"":                                                             "",
		"userName":                                                     "",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0User": "",
	} {
		got := ""
		if s := SchemaForPath(user, in); s != nil {
			got = s.ID
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
