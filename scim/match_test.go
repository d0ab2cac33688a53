package scim

import (
	"strings"
	"testing"
	"time"
	"unicode"
)

// person returns Ada, who has no nickName, no ims and an empty title.
func person(t testing.TB, user *ResourceType) *Resource {
	t.Helper()
	r := NewResource(user)
	r.ID = "Ab-1"
	r.Meta = Meta{
		Created:      time.Date(2011, 5, 13, 4, 42, 34, 500_000_000, time.UTC),
		LastModified: time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC),
		Version:      "7",
	}
	complexOf := func(a *Attribute, namesAndValues ...any) Value {
		var fields []Field
		for i := 0; i < len(namesAndValues); i += 2 {
			fields = append(fields, Field{a.Sub(namesAndValues[i].(string)), namesAndValues[i+1].(Value)})
		}
		return Complex(fields...)
	}
	set := func(name string, v Value) { r.Set(user.Attribute(name), v) }
	set("userName", String("Ada@Example.com"))
	set("externalId", String("X-1"))
	set("title", String(""))
	set("active", Bool(true))
	set("displayName", String("Ada Straße ΣΊΣΥΦΟΣ"))
	set("profileUrl", String("https://Example.com/ada"))
	set("employeeNumber", String("007"))
	set("name", complexOf(user.Attribute("name"), "givenName", String("Ada"), "familyName", String("O'Malley")))
	emails := user.Attribute("emails")
	set("emails", List(
		complexOf(emails, "value", String("ada@work.example"), "type", String("work"), "primary", Bool(true)),
		complexOf(emails, "value", String("ada@home.example"), "type", String("home")),
		complexOf(emails, "value", String("ada@other.example")),
	))
	set("manager", complexOf(user.Attribute("manager"), "value", String("Mgr-1")))
	set("x509Certificates", List(complexOf(user.Attribute("x509Certificates"), "value", String("_-8="))))
	roles := user.Attribute("roles")
	set("roles", List(complexOf(roles, "value", String("Admin"))))
	return r
}

func TestMatch(t *testing.T) {
	user := UserType()
	ada := person(t, user)
	for _, c := range []struct {
		filter string
		want   bool
	}{
		// caseExact
		{`userName eq "ada@example.COM"`, true},
		{`userName ne "ada@example.COM"`, false},
		{`userName co "@EXAMPLE"`, true},
		{`userName sw "ADA"`, true},
		{`userName sw "example"`, false},
		{`userName ew ".COM"`, true},
		{`userName ew "ada"`, false},
		{`userName co ""`, true},
		{`externalId eq "x-1"`, true},
		{`id eq "Ab-1"`, true},
		{`id eq "ab-1"`, false},
		{`id sw "A"`, true},
		{`id sw "a"`, false},
		{`profileUrl eq "https://example.com/ada"`, false},
		{`profileUrl eq "https://Example.com/ada"`, true},
		{`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`, true},
		{`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:USER"`, false},
		{`schemas ew ":Group"`, false},
		// Unicode
		{`displayName co "STRASSE"`, false},
		{`displayName co "STRAẞE"`, true},
		{`displayName ew "σίσυφος"`, true},
		{`displayName eq "ADA straße σίσυφοσ"`, true},
		// order
		{`userName gt "ad"`, true},
		{`userName gt "ADB"`, false},
		{`userName ge "ADA@example.com"`, true},
		{`userName le "ada@EXAMPLE.com"`, true},
		{`userName lt "ada@EXAMPLE.com"`, false},
		{`id lt "a"`, true},
		{`id gt "a"`, false},
		// booleans
		{`active eq true`, true},
		{`active eq "True"`, true},
		{`active eq False`, false},
		{`active ne false`, true},
		// dateTimes
		{`meta.created eq "2011-05-13T06:42:34.5+02:00"`, true},
		{`meta.created eq "2011-05-13T04:42:34.500"`, true},
		{`meta.created ne "2011-05-13T04:42:34.500000Z"`, false},
		{`meta.created gt "2011-05-13T05:42:34+02:00"`, true},
		{`meta.created lt "2011-05-13T00:42:35-04:00"`, true},
		{`meta.created ge "2011-05-13T04:42:34.5001Z"`, false},
		{`meta.created le "2011-05-13T04:42:34.5Z"`, true},
		{`meta.created sw "2011-05-13T04"`, true},
		{`meta.lastModified gt "2011-12-31T23:59:59Z"`, true},
		{`meta.resourceType eq "User"`, true},
		{`meta.version eq "W/\"7\""`, true},
		// binary
		{`x509Certificates eq "/+8="`, true},
		{`x509Certificates.value eq "/+8"`, true},
		{`x509Certificates.value ne "_-8"`, false},
		{`x509Certificates.value eq "AAAA"`, false},
		// multi-valued attributes
		{`emails co "home"`, true},
		{`emails eq "ADA@WORK.example"`, true},
		{`emails.type eq "work"`, true},
		{`emails.type eq "fax"`, false},
		{`emails.type ne "work"`, true},
		{`not (emails.type eq "work")`, false},
		{`roles.value ne "Admin"`, false},
		{`emails.type eq "home" and emails.value eq "ada@work.example"`, true},
		{`emails[type eq "home" and value eq "ada@work.example"]`, false},
		{`emails[type eq "work" and value co "@WORK"]`, true},
		{`emails[type eq "work"].value eq "ada@work.example"`, true},
		{`emails[type eq "work"].value eq "ada@home.example"`, false},
		{`emails[type eq "work"].value ne "ada@home.example"`, true},
		{`emails[type eq "work"].value pr`, true},
		{`emails[type eq "work"].display pr`, false},
		{`emails[type eq "work"].display eq null`, true},
		{`emails[type eq "work"].display ne null`, false},
		{`emails[type eq "fax"].value eq null`, true},
		{`emails[type eq "fax"].value ne "x"`, false},
		{`emails[type eq "fax"]`, false},
		{`emails[type eq "fax"] eq null`, true},
		{`emails[not (type pr)]`, true},
		{`emails[type eq null and value co "other"]`, true},
		{`emails[type eq "fax" or value ew "HOME.example"]`, true},
		{`not (emails[type eq "fax"])`, true},
		{`emails[primary eq true and type eq "work"]`, true},
		{`emails[primary eq "False"].value eq "ada@home.example"`, true},
		{`emails[primary eq false and type eq "work"]`, false},
		{`emails[primary ne true and type eq "home"]`, true},
		{`roles[primary eq "True"]`, false},
		{`roles.primary eq false`, true},
		{`ims.primary eq false`, false},
		// complex attributes
		{`manager eq "Mgr-1"`, true},
		{`manager eq "mgr-1"`, false},
		{`manager.value eq "Mgr-1"`, true},
		{`name.familyName co "o'mal"`, true},
		{`id eq Ab-1 and manager eq Mgr-1`, true},
		{`id eq Ab-1 and manager eq Mgr-2`, false},
		{`name pr`, true},
		{`emails pr`, true},
		{`addresses pr`, false},
		{`manager ne null`, true},
		{`addresses eq null`, true},
		// missing values
		{`nickName pr`, false},
		{`nickName eq null`, true},
		{`nickName ne null`, false},
		{`nickName eq "x"`, false},
		{`nickName ne "x"`, true},
		{`nickName eq ""`, false},
		{`nickName co ""`, false},
		{`nickName gt ""`, false},
		{`nickName le "x"`, false},
		{`not (nickName eq "x")`, true},
		{`name.middleName ne "x"`, true},
		{`addresses.country ne "x"`, true},
		{`addresses.country eq null`, true},
		{`emails.display eq null`, true},
		{`emails.type eq null`, false},
		{`emails.type ne null`, true},
		{`ims[value ne "x"]`, false},
		// the empty string
		{`title pr`, false},
		{`title eq null`, false},
		{`title ne null`, true},
		{`title eq ""`, true},
		{`title ne "x"`, true},
		// logic
		{`nickName pr or userName pr and active eq false`, false},
		{`userName pr or nickName pr and active eq false`, true},
		{`(userName pr or nickName pr) and active eq false`, false},
		{`not (nickName pr) and active eq true`, true},
		{`not nickName pr and active eq true`, true},
		{`not (nickName pr or active eq true)`, false},
		{`employeeNumber eq 007`, true},
		{`employeeNumber eq 7`, false},
	} {
		f, err := ParseFilter(user, c.filter, FilterLimits{})
		if err != nil {
			t.Error(err)
		} else if got := Match(f, ada); got != c.want {
			t.Errorf("%s: got %t", c.filter, got)
		}
	}
	if !Match(nil, ada) {
		t.Error("no filter does not match")
	}
}

func TestMatchNumbers(t *testing.T) {
	device := deviceType(t)
	r := NewResource(device)
	r.Set(device.Attribute("serial"), Number("9007199254740993"))
	r.Set(device.Attribute("weight"), Number("1.50"))
	r.Set(device.Attribute("tags"), List(String("red"), String("Blue")))
	r.Set(device.Attribute("installed"), String("2011-05-13T04:42:34"))
	for filter, want := range map[string]bool{
		`serial eq 9007199254740993`:           true,
		`serial eq 9007199254740992`:           false,
		`serial gt 9007199254740992`:           true,
		`serial gt 10`:                         true,
		`weight eq 1.5`:                        true,
		`weight eq 15e-1`:                      true,
		`weight ne 1.500`:                      false,
		`weight lt 10`:                         true,
		`weight ge 1.51`:                       false,
		`tags eq "BLUE"`:                       true,
		`tags ne "blue"`:                       true,
		`tags eq "green"`:                      false,
		`tags pr`:                              true,
		`tags sw "r" and tags ew "e"`:          true,
		`installed eq "2011-05-13T04:42:34Z"`:  true,
		`installed le "2011-05-13T04:42:33.9"`: false,
	} {
		f, err := ParseFilter(device, filter, FilterLimits{})
		if err != nil {
			t.Error(err)
		} else if got := Match(f, r); got != want {
			t.Errorf("%s: got %t", filter, got)
		}
	}
}

// TestMatchAnotherNarrowing: a rule parsed for the whole type protects people who
// are read by a mapping's narrow one.
func TestMatchAnotherNarrowing(t *testing.T) {
	narrow := UserType().Narrow(func(*Attribute) bool { return true }, nil)
	ada := person(t, narrow)
	for filter, want := range map[string]bool{
		`userName eq "ada@example.com"`:                          true,
		`userName eq "root"`:                                     false,
		`userName ne "ada@example.com"`:                          false,
		`emails[type eq "work"].value eq "ada@work.example"`:     true,
		`manager.value eq "Mgr-1" and employeeNumber eq "007"`:   true,
		`emails.primary eq true and name.givenName eq "ada"`:     true,
		`id eq "Ab-1" and meta.created lt "2012-01-01T00:00:00"`: true,
	} {
		f, err := ParseFilter(UserType(), filter, FilterLimits{})
		if err != nil {
			t.Error(err)
		} else if got := Match(f, ada); got != want {
			t.Errorf("%s: got %t", filter, got)
		}
	}
}

func TestMatchValueOfMember(t *testing.T) {
	group := GroupType()
	members := group.Attribute("members")
	ada := Complex(Field{members.Sub("value"), String("u1")}, Field{members.Sub("display"), String("Ada")},
		Field{members.Sub("type"), String("User")})
	for path, want := range map[string]bool{
		`members`:                                      true,
		`members[value eq "u1"]`:                       true,
		`members[value eq "U1"]`:                       false,
		`members[value eq "u2"]`:                       false,
		`members[display sw "a" and type eq "user"]`:   true,
		`members[value eq "u2" or not (type pr)]`:      false,
		`members[not (value eq "u2")].display`:         true,
		`members[$ref pr]`:                             false,
		`members[value ne "u1"]`:                       false,
		`members[$ref eq null and display ne "Grace"]`: true,
	} {
		p, err := ParsePath(group, path)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := MatchValue(p.Selector, ada); got != want {
			t.Errorf("%s: got %t", path, got)
		}
	}
	for text, want := range map[string]bool{
		`members eq "u1"`:                 true,
		`members.value eq "u2"`:           false,
		`members[value eq "u1"]`:          true,
		`not (members[value eq "u1"])`:    false,
		`members[type eq "Group"] pr`:     false,
		`members eq "u2" or members pr`:   true,
		`members.type eq "User" and $ref`: false,
	} {
		f, err := ParseFilter(group, text, FilterLimits{})
		if strings.HasSuffix(text, "$ref") {
			if err == nil {
				t.Errorf("%s was read as %s", text, f)
			}
			continue
		}
		if err != nil {
			t.Error(err)
		} else if got := MatchValue(f, ada); got != want {
			t.Errorf("%s: got %t", text, got)
		}
	}
	if f, err := ParseFilter(group, `type pr`, FilterLimits{}); err == nil {
		t.Errorf("a sub-attribute alone was read as %s", f)
	}
	nobody, err := ParsePath(group, `members[display eq null and type eq null]`)
	if err != nil {
		t.Fatal(err)
	}
	if !MatchValue(nobody.Selector, Complex(Field{members.Sub("value"), String("u1")})) {
		t.Error("what is not known of a member is not null")
	}
}

// TestMatchOddValues: a backend may hold what no client could have written.
func TestMatchOddValues(t *testing.T) {
	user := UserType()
	r := NewResource(user)
	emails, certificates, name := user.Attribute("emails"), user.Attribute("x509Certificates"), user.Attribute("name")
	r.Set(emails, List(Complex(Field{emails.Sub("value"), String("")})))
	r.Set(certificates, List(Complex(Field{certificates.Sub("value"), String("no base64")})))
	r.Set(name, Complex(Field{name.Sub("givenName"), String("")}, Field{name.Sub("familyName"), String("a\xffb")}))
	for filter, want := range map[string]bool{
		`emails pr`:                             false,
		`emails.value pr`:                       false,
		`emails ne null`:                        true,
		`emails.value eq ""`:                    true,
		`name pr`:                               true,
		`name.givenName pr`:                     false,
		`x509Certificates.value eq "AAAA"`:      false,
		`x509Certificates.value sw "no "`:       true,
		`x509Certificates.value co "NO "`:       false,
		`name.familyName sw "A" and name pr`:    true,
		`name.familyName co "b"`:                true,
		`meta.created pr`:                       false,
		`meta.created ne "2011-05-13T04:42:34"`: true,
	} {
		f, err := ParseFilter(user, filter, FilterLimits{})
		if err != nil {
			t.Error(err)
		} else if got := Match(f, r); got != want {
			t.Errorf("%s: got %t", filter, got)
		}
	}
	device := deviceType(t)
	odd := NewResource(device)
	odd.Set(device.Attribute("installed"), String("last Tuesday"))
	odd.Set(device.Attribute("on"), String("True"))
	for filter, want := range map[string]bool{
		`installed eq "2011-05-13T04:42:34Z"`: false,
		`installed gt "2011-05-13T04:42:34Z"`: true,
		`installed sw "LAST"`:                 true,
		`on eq true`:                          false,
	} {
		f, err := ParseFilter(device, filter, FilterLimits{})
		if err != nil {
			t.Error(err)
		} else if got := Match(f, odd); got != want {
			t.Errorf("%s: got %t", filter, got)
		}
	}
}

// TestFilterMadeWrong: a filter is one of six types, used by value. A mistake in
// our own code must not read as "nobody".
func TestFilterMadeWrong(t *testing.T) {
	wrong := &Not{Present{Target{AttributeID, nil}}}
	for name, use := range map[string]func(){
		"Match":    func() { Match(wrong, NewResource(UserType())) },
		"String":   func() { _ = And{[]Filter{wrong}}.String() },
		"Targets":  func() { Targets(wrong) },
		"operator": func() { Match(Compare{Target{AttributeID, nil}, "like", String("x")}, &Resource{ID: "x"}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			use()
		})
	}
}

// TestFoldRune: co, sw and ew agree with eq on every letter there is.
func TestFoldRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		folded := foldRune(r)
		if folded != foldRune(unicode.SimpleFold(r)) {
			t.Fatalf("%U and %U have not the same form", r, unicode.SimpleFold(r))
		}
		if folded != r && !strings.EqualFold(string(r), string(folded)) {
			t.Fatalf("%U becomes %U, which is another letter", r, folded)
		}
	}
}
