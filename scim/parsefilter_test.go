package scim

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

const extensionPrefix = SchemaEnterprise + ":"

// TestParseFilter writes what was read in canonical form.
func TestParseFilter(t *testing.T) {
	user, group := UserType(), GroupType()
	for name, c := range map[string]struct {
		on       *ResourceType
		in, want string
	}{
		// entra.md §3, §4, §9
		"Entra: test connection":           {user, `userName eq "8646d011-1693-4cd3-9ee6-0d7482ca2219"`, `userName eq "8646d011-1693-4cd3-9ee6-0d7482ca2219"`},
		"Entra: match by userName":         {user, `userName eq "bjensen@contoso.com"`, `userName eq "bjensen@contoso.com"`},
		"Entra: match by externalId":       {user, `externalId eq "jyoung"`, `externalId eq "jyoung"`},
		"Entra: unquoted literal":          {user, `externalId eq jyoung`, `externalId eq "jyoung"`},
		"Entra: unquoted e-mail address":   {user, `userName eq bjensen@contoso.com`, `userName eq "bjensen@contoso.com"`},
		"Entra: match by work e-mail":      {user, `emails[type eq "work"].value eq "bjensen@contoso.com"`, `emails[type eq "work" and value eq "bjensen@contoso.com"]`},
		"Entra: is manager (unquoted)":     {user, `id eq 54D382A4-2050-4C03-94D1-E769F1D15682 and manager eq 2819c223-7f76-453a-919d-413861904646`, `id eq "54D382A4-2050-4C03-94D1-E769F1D15682" and ` + extensionPrefix + `manager.value eq "2819c223-7f76-453a-919d-413861904646"`},
		"Entra: group by displayName":      {group, `displayName eq "displayName"`, `displayName eq "displayName"`},
		"Entra: group by externalId":       {group, `externalId eq "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159"`, `externalId eq "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159"`},
		"Entra: is member":                 {group, `id eq "g1" and members eq "u1"`, `id eq "g1" and members.value eq "u1"`},
		"Entra: is member, by value":       {group, `id eq "g1" and members.value eq "u1"`, `id eq "g1" and members.value eq "u1"`},
		"Entra: is member, by selector":    {group, `id eq "g1" and members[value eq "u1"]`, `id eq "g1" and members[value eq "u1"]`},
		"Entra: boolean as a string":       {user, `roles[primary eq "True"].value eq "Admin"`, `roles[primary eq true and value eq "Admin"]`},
		"Entra: capitalised sub-attribute": {user, `emails[type eq "other"].Value eq "a@b"`, `emails[type eq "other" and value eq "a@b"]`},
		// okta.md §4, §8
		"Okta: existence check":       {user, `userName eq "test.user@okta.local"`, `userName eq "test.user@okta.local"`},
		"Okta: group before the push": {group, `displayName eq "Test SCIMv2"`, `displayName eq "Test SCIMv2"`},
		// validators.md
		"validator: another case": {user, `userName eq "BJENSEN@CONTOSO.COM"`, `userName eq "BJENSEN@CONTOSO.COM"`},
		// RFC 7644 §3.4.2.2, figure 2
		"RFC: name.familyName":        {user, `name.familyName co "O'Malley"`, `name.familyName co "O'Malley"`},
		"RFC: sw":                     {user, `userName sw "J"`, `userName sw "J"`},
		"RFC: core URN":               {user, `urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"`, `userName sw "J"`},
		"RFC: pr":                     {user, `title pr`, `title pr`},
		"RFC: gt":                     {user, `meta.lastModified gt "2011-05-13T04:42:34Z"`, `meta.lastModified gt "2011-05-13T04:42:34Z"`},
		"RFC: ge":                     {user, `meta.lastModified ge "2011-05-13T04:42:34Z"`, `meta.lastModified ge "2011-05-13T04:42:34Z"`},
		"RFC: lt":                     {user, `meta.lastModified lt "2011-05-13T04:42:34Z"`, `meta.lastModified lt "2011-05-13T04:42:34Z"`},
		"RFC: le":                     {user, `meta.lastModified le "2011-05-13T04:42:34Z"`, `meta.lastModified le "2011-05-13T04:42:34Z"`},
		"RFC: and":                    {user, `title pr and userType eq "Employee"`, `title pr and userType eq "Employee"`},
		"RFC: or":                     {user, `title pr or userType eq "Intern"`, `title pr or userType eq "Intern"`},
		"RFC: schemas":                {user, `schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`, `schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`},
		"RFC: group of bare e-mails":  {user, `userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")`, `userType eq "Employee" and (emails.value co "example.com" or emails.value co "example.org")`},
		"RFC: not of bare e-mails":    {user, `userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")`, `userType ne "Employee" and not (emails.value co "example.com" or emails.value co "example.org")`},
		"RFC: any type":               {user, `userType eq "Employee" and (emails.type eq "work")`, `userType eq "Employee" and emails.type eq "work"`},
		"RFC: value path":             {user, `userType eq "Employee" and emails[type eq "work" and value co "@example.com"]`, `userType eq "Employee" and emails[type eq "work" and value co "@example.com"]`},
		"RFC: value path or another":  {user, `emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`, `emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`},
		"RFC: extension's URN":        {user, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "701984"`, extensionPrefix + `employeeNumber eq "701984"`},
		"extension's sub-attribute":   {user, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName sw "J"`, extensionPrefix + `manager.displayName sw "J"`},
		"extension without its URN":   {user, `department eq "Sales"`, extensionPrefix + `department eq "Sales"`},
		"URN in another case":         {user, `URN:IETF:params:scim:schemas:extension:ENTERPRISE:2.0:user:DEPARTMENT eq "Sales"`, extensionPrefix + `department eq "Sales"`},
		"id behind a core URN":        {group, `urn:ietf:params:scim:schemas:core:2.0:Group:id eq "1"`, `id eq "1"`},
		"everything in another case":  {user, `USERNAME EQ "x" AND NOT (Name.FamilyName Pr) Or ACTIVE eq TRUE`, `userName eq "x" and not (name.familyName pr) or active eq true`},
		"and binds before or":         {user, `title eq "a" or title eq "b" and title eq "c"`, `title eq "a" or title eq "b" and title eq "c"`},
		"and binds before or, turned": {user, `title eq "a" and title eq "b" or title eq "c"`, `title eq "a" and title eq "b" or title eq "c"`},
		"parentheses bind first":      {user, `(title eq "a" or title eq "b") and title eq "c"`, `(title eq "a" or title eq "b") and title eq "c"`},
		"not binds before and":        {user, `not (title pr) and active eq true`, `not (title pr) and active eq true`},
		"superfluous parentheses":     {user, `((title eq "a") and ((title eq "b" and title eq "c")))`, `title eq "a" and title eq "b" and title eq "c"`},
		"or within or":                {user, `title eq "a" or (title eq "b" or title eq "c")`, `title eq "a" or title eq "b" or title eq "c"`},
		"not without a space":         {user, `not(title pr)`, `not (title pr)`},
		"not without parentheses":     {user, `not title pr and active eq true`, `not (title pr) and active eq true`},
		"not of not":                  {user, `not not (title pr)`, `not (not (title pr))`},
		"no spaces around brackets":   {user, `(emails[type eq "work"]and(title pr))or(title eq"x")`, `emails[type eq "work"] and title pr or title eq "x"`},
		"spaces everywhere":           {user, "  emails\t[ type\r\neq \"work\" ] .value  eq  \"x\" ", `emails[type eq "work" and value eq "x"]`},
		// selectors
		"not in a selector":               {user, `emails[not (type eq "work")]`, `emails[not (type eq "work")]`},
		"or in a selector, then sub":      {user, `emails[type eq "work" or primary eq true].value ew "@x"`, `emails[(type eq "work" or primary eq true) and value ew "@x"]`},
		"groups in a selector":            {user, `emails[(type eq "a" or type eq "b") and not (value pr)]`, `emails[(type eq "a" or type eq "b") and not (value pr)]`},
		"selector, sub pr":                {user, `emails[type eq "work"].value pr`, `emails[type eq "work" and value pr]`},
		"selector, sub ne":                {user, `emails[type eq "work"].value ne "x"`, `emails[type eq "work" and value ne "x"]`},
		"selector, sub eq null":           {user, `emails[type eq "work"].value eq null`, `not (emails[type eq "work" and value ne null])`},
		"selector, sub ne null":           {user, `emails[type eq "work"].value ne null`, `emails[type eq "work" and value ne null]`},
		"selector pr":                     {user, `emails[type eq "work"] pr`, `emails[type eq "work"]`},
		"selector eq null":                {user, `emails[type eq "work"] eq null`, `not (emails[type eq "work"])`},
		"selector ne null":                {user, `emails[type eq "work"] ne null`, `emails[type eq "work"]`},
		"selector compared":               {user, `emails[type eq "work"] co "x"`, `emails[type eq "work" and value co "x"]`},
		"selector, then and":              {user, `emails[type eq "work"] and title pr`, `emails[type eq "work"] and title pr`},
		"$ref":                            {group, `members[$ref ew "/u1"]`, `members[$ref ew "/u1"]`},
		"$ref behind a dot":               {group, `members.$ref ew "/u1"`, `members.$ref ew "/u1"`},
		"extension's bare complex":        {user, `manager eq "26118915"`, extensionPrefix + `manager.value eq "26118915"`},
		"complex pr":                      {user, `name pr and emails pr and manager pr`, `name pr and emails pr and ` + extensionPrefix + `manager pr`},
		"complex eq null":                 {user, `manager eq null and addresses ne null`, extensionPrefix + `manager eq null and addresses ne null`},
		"sub-attribute of a multi-valued": {user, `addresses.country eq "Sierra Leone"`, `addresses.country eq "Sierra Leone"`},
		// literals
		"null":                         {user, `title eq null`, `title eq null`},
		"quoted null is a string":      {user, `title eq "null"`, `title eq "null"`},
		"number for a string":          {user, `employeeNumber eq 00701984`, extensionPrefix + `employeeNumber eq "00701984"`},
		"boolean for a string":         {user, `title eq True`, `title eq "True"`},
		"number as literal":            {user, `title gt 1.50e3`, `title gt "1.50e3"`},
		"string for a boolean":         {user, `active eq "False"`, `active eq false`},
		"unquoted boolean":             {user, `active ne TRUE`, `active ne true`},
		"unquoted, closed by )":        {user, `(externalId eq jyoung)`, `externalId eq "jyoung"`},
		"unquoted, closed by ]":        {user, `emails[type eq work]`, `emails[type eq "work"]`},
		"unquoted with an apostrophe":  {user, `name.familyName eq O'Malley`, `name.familyName eq "O'Malley"`},
		"unquoted that is an operator": {user, `title eq and`, `title eq "and"`},
		"empty string":                 {user, `title eq ""`, `title eq ""`},
		"escapes":                      {user, `title eq "\"\\\/\b\f\n\r\t\u00e9\u000a"`, `title eq "\"\\/\u0008\u000c\u000a\u000d\u0009é\u000a"`},
		"surrogates":                   {user, `title eq "\ud83D\uDE00!"`, `title eq "😀!"`},
		"brackets in a string":         {user, `title eq "a)]b[(\" or 1"`, `title eq "a)]b[(\" or 1"`},
		"wildcards are data":           {user, `title eq "*)(uid=*"`, `title eq "*)(uid=*"`},
		"line separators are escaped":  {user, "title eq \"a\u2028b\u0085c\u007fd\"", `title eq "a\u2028b\u0085c\u007fd"`},
		"sw of a part of a dateTime":   {user, `meta.created sw "2011-05"`, `meta.created sw "2011-05"`},
		"dateTime is kept as it came":  {user, `meta.created eq "2011-05-13T06:42:34.0+02:00"`, `meta.created eq "2011-05-13T06:42:34.0+02:00"`},
		"binary":                       {user, `x509Certificates.value eq "TUlJ"`, `x509Certificates.value eq "TUlJ"`},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := ParseFilter(c.on, c.in, FilterLimits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := f.String(); got != c.want {
				t.Fatalf("got  %s\nwant %s", got, c.want)
			}
			again, err := ParseFilter(c.on, c.want, FilterLimits{})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(f, again) {
				t.Errorf("the canonical form is read as %#v, the original as %#v", again, f)
			}
		})
	}
}

// TestParseFilterTree looks at the tree itself where the text could hide it.
func TestParseFilterTree(t *testing.T) {
	user := UserType()
	at := func(name string) Target {
		target, found := ParseTarget(user, name)
		if !found {
			t.Fatalf("no attribute %s", name)
		}
		return target
	}
	eq := func(name, v string) Filter { return Compare{at(name), Equal, String(v)} }
	emails := user.Attribute("emails")
	for text, want := range map[string]Filter{
		`title eq "a" or title eq "b" and title eq "c"`:               Or{[]Filter{eq("title", "a"), And{[]Filter{eq("title", "b"), eq("title", "c")}}}},
		`title eq "a" and title eq "b" or title eq "c"`:               Or{[]Filter{And{[]Filter{eq("title", "a"), eq("title", "b")}}, eq("title", "c")}},
		`title eq "a" and (title eq "b" or title eq "c")`:             And{[]Filter{eq("title", "a"), Or{[]Filter{eq("title", "b"), eq("title", "c")}}}},
		`not (title eq "a") or title eq "b"`:                          Or{[]Filter{Not{eq("title", "a")}, eq("title", "b")}},
		`not title eq "a" or title eq "b"`:                            Or{[]Filter{Not{eq("title", "a")}, eq("title", "b")}},
		`not (title eq "a" or title eq "b")`:                          Not{Or{[]Filter{eq("title", "a"), eq("title", "b")}}},
		`active eq "True"`:                                            Compare{at("active"), Equal, Bool(true)},
		`emails eq "x"`:                                               eq("emails.value", "x"),
		`emails pr`:                                                   Present{Target{emails, nil}},
		`name pr`:                                                     Present{at("name")},
		`emails[type eq "work"].value eq "x"`:                         Elements{emails, And{[]Filter{eq("emails.type", "work"), eq("emails.value", "x")}}},
		`emails[type eq "work" and display eq "d"].value eq "x"`:      Elements{emails, And{[]Filter{eq("emails.type", "work"), eq("emails.display", "d"), eq("emails.value", "x")}}},
		`emails[type eq "work" or display eq "d"].value eq "x"`:       Elements{emails, And{[]Filter{Or{[]Filter{eq("emails.type", "work"), eq("emails.display", "d")}}, eq("emails.value", "x")}}},
		`emails[type eq "work"].value eq null`:                        Not{Elements{emails, And{[]Filter{eq("emails.type", "work"), Compare{at("emails.value"), NotEqual, Value{}}}}}},
		`manager eq "1"`:                                              eq(extensionPrefix+"manager.value", "1"),
		`emails.type eq "work" and emails.value eq "x"`:               And{[]Filter{eq("emails.type", "work"), eq("emails.value", "x")}},
		`(emails.type eq "work" and title eq "x") and title eq "y"`:   And{[]Filter{eq("emails.type", "work"), eq("title", "x"), eq("title", "y")}},
		`title eq null`:                                               Compare{at("title"), Equal, Value{}},
		`title eq "null"`:                                             eq("title", "null"),
		`meta.lastModified ge "2011-05-13T04:42:34Z"`:                 Compare{at("meta.lastModified"), GreaterOrEqual, String("2011-05-13T04:42:34Z")},
		`urn:ietf:params:scim:schemas:core:2.0:User:emails.type co a`: Compare{at("emails.type"), Contains, String("a")},
	} {
		f, err := ParseFilter(user, text, FilterLimits{})
		if err != nil {
			t.Error(err)
		} else if !reflect.DeepEqual(f, want) {
			t.Errorf("%s\ngot  %#v\nwant %#v", text, f, want)
		}
	}
}

func TestParseFilterNumbers(t *testing.T) {
	device := deviceType(t)
	for in, want := range map[string]string{
		`serial eq 12`:         `serial eq 12`,
		`serial eq "12"`:       `serial eq 12`,
		`weight gt -1.50e+2`:   `weight gt -1.50e+2`,
		`tags eq 12`:           `tags eq "12"`,
		`place.floor ge 0`:     `place.floor ge 0`,
		`installed pr`:         `installed pr`,
		`on eq "FALSE"`:        `on eq false`,
		`key co "AA"`:          `key co "AA"`,
		`owner sw "https://x"`: `owner sw "https://x"`,
	} {
		f, err := ParseFilter(device, in, FilterLimits{})
		if err != nil {
			t.Error(err)
		} else if got := f.String(); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestParseFilterErrors(t *testing.T) {
	user := UserType()
	for in, want := range map[string]string{
		``:                      `filter, position 1: expected an attribute, not or (, found the end`,
		`   `:                   `filter, position 4: expected an attribute, not or (, found the end`,
		`userName`:              `filter, position 9: expected an operator after userName, found the end`,
		`userName and title pr`: `filter, position 10: expected an operator after userName, found "and"`,
		`userName = "x"`:        `filter, position 10: expected an operator after userName, found "="`,
		`userName eq`:           `filter, position 12: expected a value after eq, found the end`,
		`userName EQ (`:         `filter, position 13: expected a value after eq, found (`,
		`emails["`:              `filter, position 8: the string that starts here has no end`,
		`title pr or "`:         `filter, position 13: the string that starts here has no end`,
		`title pr and "`:        `filter, position 14: the string that starts here has no end`,
		`title pr or (`:         `filter, position 14: expected an attribute, not or (, found the end`,
		`not "`:                 `filter, position 5: the string that starts here has no end`,
		`("`:                    `filter, position 2: the string that starts here has no end`,
		`userName "`:            `filter, position 10: the string that starts here has no end`,
		`userName eq x "`:       `filter, position 15: the string that starts here has no end`,
		`emails[type eq ` + strings.Repeat("x", 90) + `].value`: `filter, position 113: expected an operator after emails[type eq ` + strings.Repeat("x", 65) + `…, found the end`,
		`userName eq ["x"]`:                          `filter, position 13: expected a value after eq, found [`,
		`userName eq "x" title pr`:                   `filter, position 17: expected and, or or the end, found "title"`,
		`userName eq "x" xor title pr`:               `filter, position 17: expected and, or or the end, found "xor"`,
		`userName eq "x" and`:                        `filter, position 20: expected an attribute, not or (, found the end`,
		`userName eq "x" or or`:                      `filter, position 20: the attribute "or" is not mapped by this gateway`,
		`userName eq "x")`:                           `filter, position 16: expected and, or or the end, found )`,
		`userName eq "x"]`:                           `filter, position 16: expected and, or or the end, found ]`,
		`(userName eq "x"`:                           `filter, position 17: expected and, or or the ) that closes position 1, found the end`,
		`title pr and (userName eq "x"]`:             `filter, position 30: expected and, or or the ) that closes position 14, found ]`,
		`not`:                                        `filter, position 4: expected an attribute, not or (, found the end`,
		`not ()`:                                     `filter, position 6: expected an attribute, not or (, found )`,
		`"userName" eq "x"`:                          `filter, position 1: expected an attribute, not or (, found "userName"`,
		`userName pr "x"`:                            `filter, position 13: expected and, or or the end, found "x"`,
		`emails[type eq "work"`:                      `filter, position 22: expected and, or or the ] that closes position 7, found the end`,
		`emails[]`:                                   `filter, position 8: expected an attribute, not or (, found ]`,
		`emails[type eq "work"].`:                    `filter, position 23: expected a sub-attribute behind the dot, found "."`,
		`emails[type eq "work"].value`:               `filter, position 29: expected an operator after emails[type eq "work"].value, found the end`,
		`emails[type eq "work"].val pr`:              `filter, position 24: the attribute "emails.val" is not mapped by this gateway`,
		`emails[type eq "work"] value eq "x"`:        `filter, position 24: expected and, or or the end, found "value"`,
		`emails[type eq "work"][primary eq true]`:    `filter, position 23: expected and, or or the end, found [`,
		`emails[emails[type eq "x"]]`:                `filter, position 8: the attribute "emails.emails" is not mapped by this gateway`,
		`emails[type[value eq "x"]]`:                 `filter, position 12: a selector cannot stand within another one`,
		`emails[userName eq "x"]`:                    `filter, position 8: the attribute "emails.userName" is not mapped by this gateway`,
		`emails.type[value eq "x"]`:                  `filter, position 12: a selector stands behind an attribute, not behind the sub-attribute emails.type`,
		`name[familyName eq "x"]`:                    `filter, position 5: name has no elements to select: only multi-valued attributes have`,
		`userName[value eq "x"]`:                     `filter, position 9: userName has no elements to select: only multi-valued attributes have`,
		`shoeSize eq 44`:                             `filter, position 1: the attribute "shoeSize" is not mapped by this gateway`,
		`title pr and name.shoe eq 44`:               `filter, position 14: the attribute "name.shoe" is not mapped by this gateway`,
		`name.familyName.x eq 44`:                    `filter, position 1: the attribute "name.familyName.x" is not mapped by this gateway`,
		`userName.value eq "x"`:                      `filter, position 1: the attribute "userName.value" is not mapped by this gateway`,
		`urn:example:1.0:User:x eq 1`:                `filter, position 1: the attribute "urn:example:1.0:User:x" is not mapped by this gateway`,
		SchemaEnterprise + ` pr`:                     `filter, position 1: ` + SchemaEnterprise + ` is a schema, not an attribute: name one behind it and a colon`,
		`emails. pr`:                                 `filter, position 1: expected an attribute, found "emails."`,
		`7up pr`:                                     `filter, position 1: expected an attribute, found "7up"`,
		`näme pr`:                                    `filter, position 1: expected an attribute, found "näme"`,
		strings.Repeat("x", 90) + ` pr`:              `filter, position 1: the attribute "` + strings.Repeat("x", 40) + `…" is not mapped by this gateway`,
		`password eq "x"`:                            `filter, position 1: the attribute password can only be written, it cannot be searched`,
		`title pr and password pr`:                   `filter, position 14: the attribute password can only be written, it cannot be searched`,
		`name eq "x"`:                                `filter, position 1: name is complex: compare one of its sub-attributes: name.formatted, name.familyName, name.givenName, name.middleName, name.honorificPrefix, name.honorificSuffix`,
		`meta gt "2011-05-13T04:42:34Z"`:             `filter, position 1: meta is complex: compare one of its sub-attributes: meta.resourceType, meta.created, meta.lastModified, meta.location, meta.version`,
		`addresses[type eq "work"] eq "x"`:           `filter, position 1: addresses is complex: compare one of its sub-attributes: addresses.formatted, addresses.streetAddress, addresses.locality, addresses.region, addresses.postalCode, addresses.country, addresses.type, addresses.primary`,
		`active gt true`:                             `filter, position 8: gt cannot be used with active, whose type is boolean`,
		`emails[primary LE false]`:                   `filter, position 16: le cannot be used with emails.primary, whose type is boolean`,
		`x509Certificates ge "AAAA"`:                 `filter, position 18: ge cannot be used with x509Certificates.value, whose type is binary`,
		`active co "ru"`:                             `filter, position 8: co cannot be used with active, whose type is boolean`,
		`active eq "yes"`:                            `filter, position 11: active is compared with true or false, found "yes"`,
		`active eq 1`:                                `filter, position 11: active is compared with true or false, found "1"`,
		`meta.created gt "yesterday"`:                `filter, position 17: meta.created is compared with a date and time such as 2011-05-13T04:42:34Z, found "yesterday"`,
		`x509Certificates.value eq "%"`:              `filter, position 27: x509Certificates.value is compared with base64, found "%"`,
		`title co null`:                              `filter, position 10: null has no order and no parts: co cannot be used with it`,
		`title GT null`:                              `filter, position 10: null has no order and no parts: gt cannot be used with it`,
		`userName eq "x`:                             `filter, position 13: the string that starts here has no end`,
		`userName eq "x\"`:                           `filter, position 13: the string that starts here has no end`,
		`userName eq "CONTOSO\jensen"`:               `filter, position 21: expected an escape as in a JSON string (a backslash is written \\)`,
		`userName eq "\u12g4"`:                       `filter, position 14: expected an escape as in a JSON string (a backslash is written \\)`,
		`userName eq "\ud83d"`:                       `filter, position 14: expected an escape as in a JSON string (a backslash is written \\)`,
		`userName eq "\ud83d\u0041"`:                 `filter, position 14: expected an escape as in a JSON string (a backslash is written \\)`,
		`userName eq "\ude00"`:                       `filter, position 14: expected an escape as in a JSON string (a backslash is written \\)`,
		`userName eq "\`:                             `filter, position 14: expected an escape as in a JSON string (a backslash is written \\)`,
		"userName eq \"a\tb\"":                       `filter, position 15: a control character in a string must be escaped`,
		`userName eq "a"b"`:                          `filter, position 16: expected and, or or the end, found "b"`,
		"userName eq \"é\xff\"":                      `filter, position 15: this is not UTF-8`,
		`title eq "äöü" xor title pr`:                `filter, position 16: expected and, or or the end, found "xor"`,
		`userName eq 'x'`:                            `filter, position 13: a string stands in straight double quotes, found "'x'"`,
		`userName eq “root”`:                         `filter, position 13: a string stands in straight double quotes, found "“root”"`,
		`userName eq "x" ` + strings.Repeat("y", 99): `filter, position 17: expected and, or or the end, found "` + strings.Repeat("y", 40) + `…"`,
	} {
		f, err := ParseFilter(user, in, FilterLimits{})
		e := AsError(err)
		if e == nil {
			t.Errorf("%s\nread as %v, with the error %v", in, f, err)
			continue
		}
		if e.Status != http.StatusBadRequest || e.Type != InvalidFilter || f != nil {
			t.Errorf("%s\ngot %d %s and %v, want 400 invalidFilter", in, e.Status, e.Type, f)
		}
		if e.Detail != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, e.Detail, want)
		}
	}
}

func TestParseFilterErrorsOnNumbers(t *testing.T) {
	device := deviceType(t)
	for in, want := range map[string]string{
		`serial eq 1.5`:      `filter, position 11: ` + `serial is compared with an integer, found "1.5"`,
		`weight lt heavy`:    `filter, position 11: ` + `weight is compared with a number, found "heavy"`,
		`weight sw 1`:        `filter, position 8: sw cannot be used with ` + `weight, whose type is decimal`,
		`serial ew 1`:        `filter, position 8: ew cannot be used with ` + `serial, whose type is integer`,
		`key lt "AAAA"`:      `filter, position 5: lt cannot be used with ` + `key, whose type is binary`,
		`pin sw "1"`:         `filter, position 1: the attribute ` + `pin can only be written, it cannot be searched`,
		`place eq "kitchen"`: `filter, position 1: place is complex: compare one of its sub-attributes: place.room, place.floor`,
	} {
		_, err := ParseFilter(device, in, FilterLimits{})
		if e := AsError(err); e == nil || e.Detail != want {
			t.Errorf("%s\ngot  %v\nwant %s", in, err, want)
		}
	}
}

func TestParseFilterUnknownAttribute(t *testing.T) {
	narrow := UserType().Narrow(func(a *Attribute) bool { return a.Name == "userName" || a.Name == "emails" || a.Name == "value" }, nil)
	for in, want := range map[string]UnknownAttributeError{
		`title pr`:                               {"title", 1},
		`userName eq "ü" and Title pr`:           {"Title", 21},
		`name.givenName eq "x"`:                  {"name.givenName", 1},
		`emails[type eq "work"].value eq "x"`:    {"emails.type", 8},
		`emails[value eq "x"].Type eq "x"`:       {"emails.Type", 22},
		extensionPrefix + `manager.value eq "x"`: {extensionPrefix + "manager.value", 1},
		SchemaEnterprise + ` pr`:                 {SchemaEnterprise, 1},
		`emails.$ref eq "x"`:                     {"emails.$ref", 1},
		`not (urn:x:y:Foo:bar-baz_1.qux pr)`:     {"urn:x:y:Foo:bar-baz_1.qux", 6},
		`userName eq "a" or emails.display pr`:   {"emails.display", 20},
	} {
		_, err := ParseFilter(narrow, in, FilterLimits{})
		unknown, is := errors.AsType[*UnknownAttributeError](err)
		if !is {
			t.Errorf("%s: %v", in, err)
		} else if *unknown != want {
			t.Errorf("%s: got %+v, want %+v", in, *unknown, want)
		}
	}
	for _, in := range []string{`userName eq "x`, `userName`, `userName.! pr`, SchemaUser + ` pr`} {
		_, err := ParseFilter(narrow, in, FilterLimits{})
		if _, is := errors.AsType[*UnknownAttributeError](err); is || err == nil {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestParseFilterLimits(t *testing.T) {
	user := UserType()
	nested := func(n int) string { return strings.Repeat("(", n) + "title pr" + strings.Repeat(")", n) }
	terms := func(n int) string { return "title pr" + strings.Repeat(" or title pr", n-1) }
	for name, c := range map[string]struct {
		text   string
		limits FilterLimits
		want   string // "": none
	}{
		"length":                 {`userName eq "x"`, FilterLimits{Length: 15}, ""},
		"length, one more":       {`userName eq "xy"`, FilterLimits{Length: 15}, "filter: longer than 15 bytes, the limit"},
		"length by default":      {`userName eq "` + strings.Repeat("x", 8178) + `"`, FilterLimits{}, ""},
		"length, one more again": {`userName eq "` + strings.Repeat("x", 8179) + `"`, FilterLimits{}, "filter: longer than 8192 bytes, the limit"},
		"no limit on length":     {`userName eq "` + strings.Repeat("x", 9000) + `"`, FilterLimits{Length: -1}, ""},
		"depth":                  {nested(32), FilterLimits{}, ""},
		"depth, one more":        {nested(33), FilterLimits{}, "filter, position 33: nested deeper than 32 levels, the limit"},
		"depth of not":           {strings.Repeat("not ", 3) + "title pr", FilterLimits{Depth: 2}, "filter, position 9: nested deeper than 2 levels, the limit"},
		"depth of not (":         {strings.Repeat("not (", 2) + "title pr))", FilterLimits{Depth: 2}, ""},
		"depth of a selector":    {`not (emails[(type eq "x")])`, FilterLimits{Depth: 2}, "filter, position 13: nested deeper than 2 levels, the limit"},
		"depth side by side":     {strings.Repeat("(title pr) and ", 100) + "title pr", FilterLimits{Depth: 1}, ""},
		"depth is never endless": {nested(1001), FilterLimits{Depth: -1}, "filter, position 1001: nested deeper than 1000 levels, the limit"},
		"terms":                  {terms(200), FilterLimits{}, ""},
		"terms, one more":        {terms(201), FilterLimits{}, "filter, position 2401: more than 200 comparisons, the limit"},
		"terms in a selector":    {`emails[type eq "a" and value pr].value pr`, FilterLimits{Terms: 2}, "filter, position 1: more than 2 comparisons, the limit"},
		"no limit on terms":      {terms(500), FilterLimits{Terms: -1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseFilter(user, c.text, c.limits)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := AsError(err); e == nil || e.Status != http.StatusBadRequest || e.Type != InvalidFilter || e.Detail != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// FuzzParseFilter: whatever is read is written so that it is read again as the
// same, and can be matched.
func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{
		`userName eq "x"`, `externalId eq jyoung`, `id eq 54D382A4 and manager eq 2819c223`,
		`emails[type eq "work"].value eq "a@b"`, `not (title pr) or active eq "True" and name.givenName sw "\u00e9\ud83d\ude00"`,
		`emails[not (type eq "work") and (value co "x" or primary eq true)] pr`, `emails[type eq "a"] eq null`,
		`meta.lastModified gt "2011-05-13T04:42:34.1+02:00"`, `x509Certificates.value eq "AAAA"`,
		extensionPrefix + `manager.displayName ne "x"`, `roles.primary eq false`, `schemas ew "User"`, `((a`, `"`, `emails[`,
		`title eq null and not not addresses ne null`, `userName lt "Z" or nickName ge "ſK"`,
		`urn:example:params:scim:schemas:1.0:Device:serial gt 1e9 and weight lt -0.5`, `place.floor eq "3" or tags eq 1`,
	} {
		f.Add(s)
	}
	unbounded := FilterLimits{Length: -1, Depth: 1000, Terms: -1}
	user := UserType()
	device := deviceType(f)
	ada := person(f, user)
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range []*Resource{ada, NewResource(device)} {
			first, err := ParseFilter(r.Type, text, FilterLimits{Depth: 20})
			if err != nil {
				if e := AsError(err); e == nil || e.Type != InvalidFilter || len(e.Detail) > 1000 {
					t.Errorf("a bad error: %v", err)
				}
				continue
			}
			canonical := first.String()
			second, err := ParseFilter(r.Type, canonical, unbounded)
			if err != nil {
				t.Fatalf("%q was written as %q: %v", text, canonical, err)
			}
			if !reflect.DeepEqual(first, second) || second.String() != canonical {
				t.Fatalf("%q was written as %q, which is read as %q", text, canonical, second)
			}
			if Match(first, r) != Match(second, r) || Match(Not{first}, r) == Match(first, r) {
				t.Errorf("%q matches now and then", text)
			}
			Targets(first)
			EqualTerms(first)
		}
	})
}

func BenchmarkParseFilter(b *testing.B) {
	user := UserType()
	for name, text := range map[string]string{
		"userName": `userName eq "x"`,
		"emails":   `emails[type eq "work"].value eq "bjensen@contoso.com"`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseFilter(user, text, DefaultFilterLimits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
