package scim

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// TestParsePath writes what was read in canonical form.
func TestParsePath(t *testing.T) {
	user, group := UserType(), GroupType()
	for name, c := range map[string]struct {
		on       *ResourceType
		in, want string
	}{
		// entra.md §5, §6, §9
		"Entra 1":                   {user, `userName`, `userName`},
		"Entra 2: work e-mail":      {user, `emails[type eq "work"].value`, `emails[type eq "work"].value`},
		"Entra 2: family name":      {user, `name.familyName`, `name.familyName`},
		"Entra 4: street":           {user, `addresses[type eq "work"].streetAddress`, `addresses[type eq "work"].streetAddress`},
		"Entra 4: mobile":           {user, `phoneNumbers[type eq "mobile"].value`, `phoneNumbers[type eq "mobile"].value`},
		"Entra 4: capitalised":      {user, `addresses[type eq "other"].Formatted`, `addresses[type eq "other"].formatted`},
		"Entra: proxy addresses":    {user, `emails[type eq "other"].Value`, `emails[type eq "other"].value`},
		"Entra 5: boolean as text":  {user, `roles[primary eq "True"].value`, `roles[primary eq true].value`},
		"Entra 5: display":          {user, `roles[primary eq "True"].display`, `roles[primary eq true].display`},
		"Entra 5: type":             {user, `roles[primary eq "True"].type`, `roles[primary eq true].type`},
		"Entra 6: roles":            {user, `roles`, `roles`},
		"Entra 8: department":       {user, extensionPrefix + `department`, extensionPrefix + `department`},
		"Entra 8: employeeNumber":   {user, extensionPrefix + `employeeNumber`, extensionPrefix + `employeeNumber`},
		"Entra 9: manager":          {user, extensionPrefix + `manager`, extensionPrefix + `manager`},
		"Entra 10: manager, legacy": {user, `manager`, extensionPrefix + `manager`},
		"Entra 14: active":          {user, `active`, `active`},
		"Entra: nickName":           {user, `nickName`, `nickName`},
		"Entra: members":            {group, `members`, `members`},
		"Entra: a member":           {group, `members[value eq "7f4bc1a3-285e-48ae-8202-5accb43efb0e"]`, `members[value eq "7f4bc1a3-285e-48ae-8202-5accb43efb0e"]`},
		"Entra: group name":         {group, `displayName`, `displayName`},
		// okta.md §8
		"Okta: a member": {group, `members[value eq "89bb1940-b905-4575-9e7f-6f887cfb368e"]`, `members[value eq "89bb1940-b905-4575-9e7f-6f887cfb368e"]`},
		// RFC 7644 §3.5.2
		"RFC: sub-attribute of selected":  {group, `members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName`, ``},
		"RFC: selected addresses":         {user, `addresses[type eq "work"]`, `addresses[type eq "work"]`},
		"RFC: two conditions":             {user, `emails[type eq "work" and value ew "example.com"]`, `emails[type eq "work" and value ew "example.com"]`},
		"dots in a version":               {user, extensionPrefix + `manager.displayName`, extensionPrefix + `manager.displayName`},
		"core URN":                        {user, SchemaUser + `:userName`, `userName`},
		"core URN, sub-attribute":         {user, SchemaUser + `:name.givenName`, `name.givenName`},
		"core URN, selector":              {user, SchemaUser + `:emails[type eq "work"].value`, `emails[type eq "work"].value`},
		"another case":                    {user, strings.ToUpper(extensionPrefix + `manager.value`), extensionPrefix + `manager.value`},
		"another case, selector":          {user, `EMAILS[Type EQ "work"].VALUE`, `emails[type eq "work"].value`},
		"extension without URN":           {user, `department`, extensionPrefix + `department`},
		"extension without URN, sub":      {user, `Manager.Value`, extensionPrefix + `manager.value`},
		"sub-attribute of all elements":   {user, `emails.value`, `emails.value`},
		"$ref":                            {group, `members[value eq "x"].$ref`, `members[value eq "x"].$ref`},
		"brackets and dots in a string":   {user, `emails[value eq "a].b[c:d"].type`, `emails[value eq "a].b[c:d"].type`},
		"colon in a string":               {user, `photos[value eq "http://x:1/y.z"]`, `photos[value eq "http://x:1/y.z"]`},
		"or and not in a selector":        {user, `emails[type eq "work" or not (primary eq true)]`, `emails[type eq "work" or not (primary eq true)]`},
		"unquoted literal":                {group, `members[value eq 271]`, `members[value eq "271"]`},
		"spaces around":                   {user, ` emails [ type eq "work" ] .value `, `emails[type eq "work"].value`},
		"password can be written":         {user, `password`, `password`},
		"readOnly attributes are found":   {user, `groups[value eq "g"].display`, `groups[value eq "g"].display`},
		"common attributes are found":     {user, `meta.lastModified`, `meta.lastModified`},
		"common attribute behind its URN": {group, SchemaGroup + `:id`, `id`},
		"externalId":                      {group, `externalId`, `externalId`},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := ParsePath(c.on, c.in)
			if c.want == "" {
				if _, is := errors.AsType[*UnknownAttributeError](err); !is {
					t.Errorf("got %v and the error %v", p, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := p.String(); got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
			again, err := ParsePath(c.on, c.want)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(p, again) {
				t.Errorf("the canonical form is read as %#v, the original as %#v", again, p)
			}
		})
	}
}

func TestParsePathErrors(t *testing.T) {
	user := UserType()
	for in, c := range map[string]struct {
		kind ErrorType
		want string
	}{
		``:                                 {InvalidPath, `path, position 1: expected an attribute, found the end`},
		` `:                                {InvalidPath, `path, position 2: expected an attribute, found the end`},
		`"userName"`:                       {InvalidPath, `path, position 1: expected an attribute, found "userName"`},
		`[type eq "work"]`:                 {InvalidPath, `path, position 1: expected an attribute, found [`},
		`/userName`:                        {InvalidPath, `path, position 1: expected an attribute, found "/userName"`},
		`emails.`:                          {InvalidPath, `path, position 1: expected an attribute, found "emails."`},
		`user name`:                        {InvalidPath, `path, position 1: the attribute "user" is not mapped by this gateway`},
		`userName eq "x"`:                  {InvalidPath, `path, position 10: expected the end, found "eq"`},
		`userName)`:                        {InvalidPath, `path, position 9: expected the end, found )`},
		`emails[type eq "work"`:            {InvalidFilter, `path, position 22: expected and, or or the ] that closes position 7, found the end`},
		`emails[]`:                         {InvalidFilter, `path, position 8: expected an attribute, not or (, found ]`},
		`emails[type]`:                     {InvalidFilter, `path, position 12: expected an operator after type, found ]`},
		`emails[type eq "work]`:            {InvalidFilter, `path, position 16: the string that starts here has no end`},
		`emails[primary gt true].value`:    {InvalidFilter, `path, position 16: gt cannot be used with emails.primary, whose type is boolean`},
		`emails[shoe eq 4].value`:          {InvalidFilter, `path, position 8: the attribute "emails.shoe" is not mapped by this gateway`},
		`emails[type eq "work"].shoe`:      {InvalidPath, `path, position 24: the attribute "emails.shoe" is not mapped by this gateway`},
		`emails[type eq "work"].`:          {InvalidPath, `path, position 23: expected a sub-attribute behind the dot, found "."`},
		`emails[type eq "work"]value`:      {InvalidPath, `path, position 23: expected the end, found "value"`},
		`emails[type eq "work"].value.x`:   {InvalidPath, `path, position 24: the attribute "emails.value.x" is not mapped by this gateway`},
		`emails[type eq "work"].value pr`:  {InvalidPath, `path, position 30: expected the end, found "pr"`},
		`emails[type eq "a"][type eq "b"]`: {InvalidPath, `path, position 20: expected the end, found [`},
		`emails.type[value eq "x"]`:        {InvalidPath, `path, position 12: a selector stands behind an attribute, not behind the sub-attribute emails.type`},
		`name[givenName eq "x"]`:           {InvalidPath, `path, position 5: name has no elements to select: only multi-valued attributes have`},
		`manager[value eq "x"].value`:      {InvalidPath, `path, position 8: ` + extensionPrefix + `manager has no elements to select: only multi-valued attributes have`},
		SchemaEnterprise:                   {InvalidPath, `path, position 1: ` + SchemaEnterprise + ` is a schema, not an attribute: name one behind it and a colon`},
		SchemaEnterprise + `:`:             {InvalidPath, `path, position 1: expected an attribute, found "urn:ietf:params:scim:schemas:extension:e…"`},
		"emails\xff":                       {InvalidPath, `path, position 7: this is not UTF-8`},
		strings.Repeat("x", 8193):          {InvalidPath, `path: longer than 8192 bytes, the limit`},
	} {
		p, err := ParsePath(user, in)
		e := AsError(err)
		if e == nil {
			t.Errorf("%s\nread as %v, with the error %v", in, p, err)
			continue
		}
		if e.Type != c.kind || e.Status != 400 {
			t.Errorf("%s\ngot %d %s, want 400 %s", in, e.Status, e.Type, c.kind)
		}
		if e.Detail != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", in, e.Detail, c.want)
		}
	}
}

// TestParsePathUnknownAttribute tells what is to be dropped from what is wrong.
func TestParsePathUnknownAttribute(t *testing.T) {
	user := UserType()
	for in, want := range map[string]UnknownAttributeError{
		`shoeSize`:                              {"shoeSize", 1},
		` name.nick`:                            {"name.nick", 2},
		`emails[type eq "work"].display2`:       {"emails.display2", 24},
		`emails[label eq "work"].value`:         {"emails.label", 8},
		`urn:custom:2.0:User:badge`:             {"urn:custom:2.0:User:badge", 1},
		`urn:custom:2.0:User`:                   {"urn:custom:2.0:User", 1},
		`roles[primary eq "True"].displayName`:  {"roles.displayName", 26},
		extensionPrefix + `manager.mail`:        {extensionPrefix + "manager.mail", 1},
		`urn:ietf:params:scim:2.0User:manager`:  {"urn:ietf:params:scim:2.0User:manager", 1},
		`addresses[type eq "work"].primaryHome`: {"addresses.primaryHome", 27},
	} {
		_, err := ParsePath(user, in)
		unknown, is := errors.AsType[*UnknownAttributeError](err)
		if !is {
			t.Errorf("%s: %v", in, err)
		} else if *unknown != want {
			t.Errorf("%s: got %+v, want %+v", in, *unknown, want)
		}
	}
	for _, in := range []string{`userName eq "x"`, `emails[type eq]`, `name[x eq 1]`, SchemaEnterprise, `9lives`} {
		_, err := ParsePath(user, in)
		if _, is := errors.AsType[*UnknownAttributeError](err); is || err == nil {
			t.Errorf("%s: %v", in, err)
		}
	}
	err := error(&UnknownAttributeError{Name: "shoe\nSize", Position: 3})
	if got, want := err.Error(), `unknown attribute "shoe\nSize" at position 3`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzParsePath: whatever is read is written so that it is read again as the
// same.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{
		`userName`, `name.familyName`, `emails[type eq "work"].value`, `roles[primary eq "True"].Display`,
		extensionPrefix + `manager.displayName`, SchemaEnterprise, `manager`, `groups[value eq 1 or not display pr]`,
		`emails[`, `emails[type eq "\ud83d\ude00"]`, `schemas`, `shoe`, `x509Certificates[value eq "AA"].value`,
	} {
		f.Add(s)
	}
	user := UserType()
	f.Fuzz(func(t *testing.T, text string) {
		first, err := ParsePath(user, text)
		if err != nil {
			if e := AsError(err); e == nil || e.Type != InvalidPath && e.Type != InvalidFilter || len(e.Detail) > 1000 {
				t.Errorf("a bad error: %v", err)
			}
			return
		}
		canonical := first.String()
		if len(canonical) > DefaultFilterLimits.Length || strings.Count(canonical, "(") > DefaultFilterLimits.Depth-1 {
			return // escapes and parentheses may take it beyond the limits
		}
		second, err := ParsePath(user, canonical)
		if err != nil {
			t.Fatalf("%q was written as %q: %v", text, canonical, err)
		}
		if !reflect.DeepEqual(first, second) || second.String() != canonical {
			t.Fatalf("%q was written as %q, which is read as %q", text, canonical, second)
		}
		if first.Selector != nil && MatchValue(first.Selector, Value{}) != MatchValue(second.Selector, Value{}) {
			t.Errorf("%q matches now and then", text)
		}
	})
}
