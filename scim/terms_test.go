package scim

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTargets(t *testing.T) {
	user := UserType()
	for text, want := range map[string][]string{
		`userName eq "x"`: {"userName"},
		`emails[type eq "work"].value eq "x" and not (title pr or emails.type eq "y") or userName eq "1" and userName eq "2"`: {
			"emails.type", "emails.value", "title", "userName"},
		`emails pr or manager eq "x"`: {"emails", extensionPrefix + "manager.value"},
	} {
		f, err := ParseFilter(user, text, FilterLimits{})
		if err != nil {
			t.Error(err)
			continue
		}
		var got []string
		for _, target := range Targets(f) {
			got = append(got, target.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", text, diff)
		}
	}
	if got := Targets(nil); len(got) != 0 {
		t.Errorf("no filter looks at %v", got)
	}
}

func TestEqualTerms(t *testing.T) {
	user := UserType()
	for path, want := range map[string]string{ // "": not ok
		`emails[type eq "work"].value`:                                  `type=work`,
		`roles[primary eq "True"].display`:                              `primary=true`,
		`addresses[type eq "work" and primary eq true]`:                 `type=work primary=true`,
		`addresses[(type eq "a" and country eq "b") and region eq "c"]`: `type=a country=b region=c`,
		`emails[type eq "work" and type eq "WORK"]`:                     `type=work`,
		`emails[type eq "work" and type eq "home"]`:                     ``,
		`emails[type eq "work" or type eq "home"]`:                      ``,
		`emails[type ne "work"]`:                                        ``,
		`emails[type eq "work" and not (primary eq true)]`:              ``,
		`emails[type eq "work" and value co "x"]`:                       ``,
		`emails[type eq "work" and value pr]`:                           ``,
		`emails[type eq null]`:                                          ``,
		`emails`:                                                        ``,
	} {
		p, err := ParsePath(user, path)
		if err != nil {
			t.Error(err)
			continue
		}
		fields, ok := EqualTerms(p.Selector)
		got := ""
		for i, f := range fields {
			if i > 0 {
				got += " "
			}
			got += f.Attribute.Name + "=" + f.Value.Text()
			if f.Value.IsTrue() {
				got += "true"
			}
			if f.Attribute.Parent() != p.Attribute {
				t.Errorf("%s: %s is no part of it", path, f.Attribute)
			}
		}
		if ok != (want != "") || got != want {
			t.Errorf("%s: got %t, %s, want %s", path, ok, got, want)
		}
		if ok && !MatchValue(p.Selector, Complex(fields...)) {
			t.Errorf("%s: the element made of its terms does not match", path)
		}
	}
}
